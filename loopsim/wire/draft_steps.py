"""What can be done with a draft return now, as the steps that both dialects offer: links, or links and templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from msgspec import Struct

from loopsim.domain import draft_returns as drafts
from loopsim.domain.draft_returns import CreditType, Draft
from loopsim.domain.orders import OrderLine, Variant
from loopsim.domain.policy import Method
from loopsim.wire.commerce import Spell

JSON = "application/json"
METHOD_NAMES: dict[Method, str] = {
    "mail": "Post the parcel",
    "happy_returns": "Drop off at a Happy Returns bar",
    "in_store": "Bring it to a store",
}
CREDIT_NAMES: dict[CreditType, str] = {"refund": "Refund", "store-credit": "Store credit"}
INPUT_NAMES = {drafts.REASON_INPUT: "Why do you send it back?", drafts.COMMENT_INPUT: "Anything to add?"}


class Offer(Protocol):
    """What steps depend on: the draft, and what the shop offers it."""

    @property
    def draft(self) -> Draft: ...
    @property
    def eligible(self) -> tuple[OrderLine, ...]: ...
    @property
    def methods(self) -> tuple[Method, ...]: ...
    @property
    def credit_types(self) -> tuple[CreditType, ...]: ...
    @property
    def variants(self) -> dict[int, tuple[Variant, ...]]: ...


class Option(Struct, frozen=True):
    """A value that a field may have, and what people read for it."""

    prompt: str
    value: Any


class Field(Struct, frozen=True):
    """A member of a step's body."""

    name: str
    prompt: str
    required: bool = False
    type: str = "text"
    options: tuple[Option, ...] = ()


class Step(Struct, frozen=True):
    """Something that can be done now. `required`: the draft cannot go on without it."""

    rel: str
    path: str
    title: str
    method: str = "POST"
    fields: tuple[Field, ...] = ()
    required: bool = False


def entry_steps() -> tuple[Step, ...]:
    """Where every draft begins."""
    fields = (
        Field("order_name", "Order name", required=True),
        Field("secondary_input", "E-mail, postal code or phone", required=True),
        Field("is_gift", "It was a gift", type="checkbox"),
    )
    return (Step("create-draft-return", "/draft-returns", "Start a return", fields=fields, required=True),)


def steps_of(offer: Offer, spell: Spell) -> tuple[Step, ...]:
    """Everything that can be done with a draft, in the order in which a person would."""
    draft, here = offer.draft, f"/draft-returns/{offer.draft.id}"
    steps = [
        Step("self", here, "This draft return", "GET"),
        Step("totals", f"{here}/totals", "Its money", "GET"),
    ]
    if draft.state == "created":
        steps += _item_steps(offer, spell, here)
    if draft.state == "items-finalized":
        steps += _outcome_steps(offer, spell, here)
    if draft.state in drafts.LIFECYCLE["change_person"]:
        steps += _person_steps(here)
    if draft.state in drafts.LIFECYCLE["cancel"]:
        steps.append(Step("cancel-draft-return", f"{here}/cancel", "Give up"))
    return tuple(steps)


def _item_steps(offer: Offer, spell: Spell, here: str) -> Iterator[Step]:
    draft = offer.draft
    if offer.eligible:
        lines = tuple(Option(line.full_title, spell(line.id)) for line in offer.eligible)
        field = Field("order_line_item_id", "Item", required=True, options=lines)
        yield Step(
            "add-returning-item", f"{here}/returning-items", "Send an item back",
            fields=(field,), required=not draft.items,
        )  # fmt: skip
    reasons = tuple(Option(name, id_) for id_, name in drafts.REASONS)
    for item in draft.items:
        place = f"{here}/returning-items/{item.id}"
        for input_id, prompt in INPUT_NAMES.items():
            asks_reason = input_id == drafts.REASON_INPUT
            field = Field("value", prompt, required=asks_reason, options=reasons if asks_reason else ())
            yield Step(
                f"set-user-input-{item.id}-{input_id}", f"{place}/user-input/{input_id}", prompt,
                fields=(field,), required=asks_reason and item.reason is None,
            )  # fmt: skip
        yield Step(f"remove-returning-item-{item.id}", place, "Keep this item", "DELETE")
    if draft.items and all(item.reason is not None for item in draft.items):
        yield Step("finalize-items", f"{here}/finalize-items", "These are all items", required=True)


def _outcome_steps(offer: Offer, spell: Spell, here: str) -> Iterator[Step]:
    lacking = drafts.missing(offer.draft)
    exchanges = tuple(_exchanges(offer, spell))
    cart = (
        Field("cart_items", "New items", type="array", options=exchanges),
        Field("cart_token", "Token of a cart"),
    )
    yield Step("set-cart", f"{here}/cart", "Choose new items", fields=cart)
    if offer.credit_types:
        types = tuple(Option(CREDIT_NAMES[name], name) for name in offer.credit_types)
        yield Step(
            "set-credit-type", f"{here}/credit-type", "Choose what you get",
            fields=(Field("credit_type", "What you get", required=True, options=types),),
            required="credit_type" in lacking,
        )  # fmt: skip
    if offer.methods:
        methods = tuple(Option(METHOD_NAMES[name], name) for name in offer.methods)
        yield Step(
            "set-return-method", f"{here}/return-method", "Choose how it travels",
            fields=(Field("return_method", "How it travels", required=True, options=methods),),
            required="return_method" in lacking,
        )  # fmt: skip
    if "policy" in lacking:
        yield Step("accept-return-policy", f"{here}/accept-return-policy", "Agree to the return policy", required=True)
    if not lacking:
        yield Step("submit-draft-return", f"{here}/submit", "Submit the return", required=True)


def _exchanges(offer: Offer, spell: Spell) -> Iterable[Option]:
    for item in offer.draft.items:
        for variant in offer.variants.get(item.id, ()):
            value = {"variant_id": spell(variant.id), "quantity": 1, "returning_item_id": item.id}
            yield Option(variant.full_title, value)


def _person_steps(here: str) -> Iterator[Step]:
    names = ("address1", "city", "state", "country", "country_code", "zip", "name", "company", "address2", "phone")
    needed = {"address1", "city", "country_code"}
    address = tuple(Field(name, name, required=name in needed) for name in names)
    yield Step("set-address", f"{here}/address", "Send from another address", fields=address)
    email = Field("email", "E-mail", required=True, type="email")
    yield Step("set-customer", f"{here}/customer", "Write to another address", fields=(email,))


def as_links(steps: Iterable[Step], base: str) -> list[dict[str, Any]]:
    """The steps as the links of 2026-07."""
    return [
        {
            "rel": step.rel,
            "href": base + step.path,
            "method": step.method,
            "description": step.title,
            "fields": [
                {
                    "name": field.name,
                    "type": field.type,
                    "description": field.prompt,
                    "is_required": field.required,
                    "options": [{"prompt": option.prompt, "value": option.value} for option in field.options],
                }
                for field in step.fields
            ],
            "is_required": step.required,
        }
        for step in steps
    ]


def as_forms(steps: Iterable[Step], base: str) -> dict[str, Any]:
    """The steps as HAL has them: a link each, and a template for what is more than reading."""
    steps = tuple(steps)
    return {
        "_links": {step.rel: {"href": base + step.path} for step in steps},
        "_templates": {step.rel: _template(step, base) for step in steps if step.method != "GET"},
    }


def _template(step: Step, base: str) -> dict[str, Any]:
    properties = []
    for field in step.fields:
        property_: dict[str, Any] = {
            "name": field.name, "prompt": field.prompt, "required": field.required, "type": field.type,
        }  # fmt: skip
        if field.options:
            inline = [{"prompt": option.prompt, "value": option.value} for option in field.options]
            property_["options"] = {"inline": inline}
        properties.append(property_)
    return {
        "method": step.method,
        "title": step.title,
        "contentType": JSON,
        "target": base + step.path,
        "properties": properties,
    }
