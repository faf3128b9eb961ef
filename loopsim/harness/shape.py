"""The shape of a scenario file as JSON Schema, with the texts that editors show; its words come from the registry."""

from __future__ import annotations

from functools import cache
from typing import Any

from loopsim.harness.shown import SHOWN
from loopsim.harness.spans import SCHEMA as SPAN
from loopsim.harness.words.acts import component, control_document, request_schema
from loopsim.rules.catalogue import RULES

Schema = dict[str, Any]

PATTERNS = (
    "erp", "wms", "oms", "3pl", "middleware", "hybrid", "analytics", "label-provider", "helpdesk", "commerce-platform",
    "storefront",
)  # fmt: skip
DIRECTIONS = ("one-way", "two-way")
STAGES = ("created", "shipped", "processing", "concluded")
SCHEDULES = ("duplicate", "swap", "delay")
_RULES = tuple(rule.name for rule in RULES)
ABILITIES = {
    "process": "has Loop process returns that have arrived",
    "grade": "says how units are and what becomes of them",
    "notes": "writes notes on returns",
    "flag": "flags returns that people should look at",
    "cancel": "cancels returns",
    "close": "closes returns without processing",
    "catch-up": "asks Loop for what no webhook told it",
    "label-requests": "answers label requests with labels",
    "label-errors": "says why it cannot make a label",
    "commerce-data": "tells Loop its goods, stock, customers and orders",
    "eligibility": "asks Loop what of an order may come back",
    "returns-form": "takes returns on a form or at a counter of its own",
    "exchange-orders": "makes the orders of exchanges, and tells Loop of them",
    "carrier-says": "lets its carrier refuse labels for the reason that CARRIER_SAYS in its environment names",
    "carts": "lets shoppers spend the credit of a return in its own pages (Shop Now on-store)",
    "links": "links shoppers to their return in the portal",
    "checkout-plus": "asks Checkout+ what it may offer in its checkout",
    "ship-by-loop": "carries parcels that the portal asks for (Ship by Loop)",
}
"""What an integration may be able to do; a story that needs more than it says it does is skipped."""
SAID_ONLY = frozenset({"carrier-says", "ship-by-loop"})
"""What nobody is able to do who does not say so."""
NEEDS = ("probe", *(f"probe.{name}" for name in SHOWN), "webhooks", "start", "asks", *ABILITIES)
NAME = "^[A-Za-z_][A-Za-z0-9_]*$"
OURS = ("name", "clock", "webhook", "scopes", "id_block", "idle_probe")
"""What a new shop takes and a scenario does not say: the harness does."""


def _one_or_several(names: tuple[str, ...], says: str) -> Schema:
    one: Schema = {"enum": list(names)}
    return {"description": says, "anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}


def _several(names: tuple[str, ...], says: str, least: int = 0) -> Schema:
    return {
        "description": says, "type": "array", "items": {"enum": list(names)}, "minItems": least, "uniqueItems": True,
    }  # fmt: skip


def _texts(says: str, pattern: str | None = None) -> Schema:
    item: Schema = {"type": "string", "minLength": 1} | ({"pattern": pattern} if pattern else {})
    return {"description": says, "type": "array", "items": item, "uniqueItems": True}


@cache
def fragment() -> Schema:
    """What an included file may hold: a shared beginning."""
    return {"type": "object", "additionalProperties": False, "properties": _shared()}


@cache
def scenario() -> Schema:
    """What a scenario file holds. Steps are looked at one by one, with the words."""
    properties: Schema = {
        "scenario": {"description": "The title: who does what, in one line.", "type": "string", "minLength": 1},
        "protects": {
            "description": "One sentence: what goes wrong in production without it.",
            "type": "string",
            "minLength": 1,
        },
        "pattern": _one_or_several(PATTERNS, "The kinds of integration that it is for; each is a suite, such as @wms."),
        "direction": {
            "description": "Whether the integration only reads (one-way) or calls Loop to act as well (two-way).",
            "enum": list(DIRECTIONS),
        },
        "stages": _several(STAGES, "The stages of the return lifecycle that it goes through.", 1),
        "covers": _texts("What only this story shows, as kind:name.", r"^[a-z][a-z_-]*:\S.*$"),
        "needs": _several(
            NEEDS,
            "What it cannot run without: a probe, one that shows more of a return than its state (probe.refund),"
            " a partner that takes webhooks, the process (start), one that its own side can ask for things (asks), or"
            " something that the partner is able to do.",
        ),
        "schedules": _several(SCHEDULES, "Also with webhooks doubled, swapped or late: the end must be the same."),
        "rules": {
            "description": "Rules that do not hold in this story.",
            "type": "object",
            "additionalProperties": False,
            "properties": {"off": _several(_RULES, "Names of rules that are not judged.")},
        },
        "rows": {
            "description": "A table of parameters: one story for each row, with ${row.column} in its place.",
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"description": "What the row is called, in the story's id.", "type": "string",
                             "pattern": r"^[\w.-]+$"}
                },
            },
        },
        **_shared(),
    }  # fmt: skip
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["scenario", "protects", "pattern", "direction", "stages", "steps"],
        "properties": properties,
    }


def _shared() -> Schema:
    return {
        "include": {
            "description": "A file, or several, whose shop, partners and steps come first; relative to this file.",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
            ],
        },
        "shop": shop(),
        "partners": {
            "description": "The integrations under test, by name. Without it there is one, subscribed to everything.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": NAME},
            "additionalProperties": _partner(),
        },
        "steps": {
            "description": "What happens, and what the partner must do about it, in order.",
            "type": "array",
            "minItems": 1,
            "items": {"type": ["object", "string"]},
        },
    }


def _partner() -> Schema:
    document = control_document()
    asked = request_schema(document, "createSubscription")["properties"]
    pair: Schema = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {"topic": asked["topic"], "trigger": asked["trigger"]},
    }
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            "subscribe": {
                "description": "Its webhook subscriptions; false for none. Without it: every topic with its triggers.",
                "anyOf": [{"const": False}, {"type": "array", "items": pair, "minItems": 1}],
            },
            "scopes": {"description": "What its API key may do. Without it: all."} | component(document, "Scopes"),
            "oauth": {
                "description": "It comes in by OAuth, with an access token instead of a key. Played with partners of"
                " which the run says so (--oauth).",
                "type": "boolean",
            },
        },
    }


@cache
def shop() -> Schema:
    """What a scenario says of its shop: what `createShop` takes, but for what the harness decides."""
    document = control_document()
    asked: Schema = {**component(document, "NewShop")["properties"]}
    for name in OURS:
        asked.pop(name, None)
    asked["moment"] = {
        "description": "When the story begins: a moment, `wall` for now, or so that it ends now.",
        "anyOf": [
            {
                "type": "string",
                "examples": ["2026-03-02T09:00:00Z"],
                "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$",
            },
            {"const": "wall"},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["ends", "after"],
                "properties": {"ends": {"const": "wall"}, "after": SPAN},
            },
        ],
    }
    return {
        "description": "The world that the story happens in.",
        "type": "object",
        "additionalProperties": False,
        "properties": asked,
    }
