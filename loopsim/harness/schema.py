"""The JSON Schema of scenario files that editors complete and explain by, made from their shape and the words.

It is published as `scenarios/scenario.schema.json`. A file names it in its first line:

    # yaml-language-server: $schema=<path or address of scenario.schema.json>
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from loopsim.harness import matchers, shape
from loopsim.harness.words import WORDS, Word

Schema = dict[str, Any]

LONG = 300  # characters of a part that is said once only
REFERENCE = {
    "description": "A value from earlier in the story: ${ret.id}, ${row.x}, ${now+2d}.",
    "type": "string",
    "pattern": r"\$\{[^{}]+\}",
}
"""Where any value stands, a reference to an earlier one may stand."""
_STANDS_IN = {"reference": "#/$defs/reference", "matcher": "#/$defs/matcher"}
_KEYWORDS_OF_SCHEMAS = ("properties", "patternProperties", "$defs")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf")


def scenario_schema(words: Mapping[str, Word] = WORDS) -> Schema:
    """The whole schema: what a scenario file may hold, and every word with its arguments, summary and example."""
    head = copy.deepcopy(shape.scenario())
    properties = head["properties"]
    properties["steps"]["items"] = {"$ref": "#/$defs/step"}
    for name in ("shop", "partners"):
        properties[name] = open_to(properties[name], "reference")
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A loopsim scenario",
        "description": "What happens to a shop, and what the integration under test must do about it.",
        **head,
        "$defs": {
            "reference": REFERENCE,
            "matcher": _matcher(),
            "step": _step(words),
        },
    }
    return _shared_once(whole)


def schema_text() -> str:
    """The schema as it is published: one member a line, in a fixed order."""
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"


def _shared_once(whole: Schema) -> Schema:
    """The schema with what it says several times said once, under `$defs`."""
    counted: Counter[str] = Counter(_long_parts(whole))
    names: dict[str, str] = {}
    shared: Schema = {}

    def shorter(value: Any) -> Any:
        if isinstance(value, list):
            return [shorter(each) for each in value]
        if not isinstance(value, dict):
            return value
        text = json.dumps(value)
        if counted[text] < 2:
            return {name: shorter(each) for name, each in value.items()}
        if text not in names:
            names[text] = f"shared-{len(names) + 1}"
            shared[names[text]] = {name: shorter(each) for name, each in value.items()}
        return {"$ref": f"#/$defs/{names[text]}"}

    short = shorter(whole)
    return {**short, "$defs": {**short["$defs"], **shared}}


def _long_parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        text = json.dumps(value)
        if len(text) > LONG and ("type" in value or "enum" in value or "anyOf" in value):
            yield text
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        yield from _long_parts(each)


def open_to(schema: Any, *kinds: str) -> Any:
    """A schema that takes a reference (and a matcher) in place of every value inside of it, too."""
    if not isinstance(schema, dict):
        return schema
    opened = dict(schema)
    for keyword in _KEYWORDS_OF_SCHEMAS:
        if isinstance(opened.get(keyword), dict):
            opened[keyword] = {name: _or_stand_in(each, *kinds) for name, each in opened[keyword].items()}
    for keyword in ("items", "additionalProperties"):
        if isinstance(opened.get(keyword), dict):
            opened[keyword] = _or_stand_in(opened[keyword], *kinds)
    for keyword in _LISTS_OF_SCHEMAS:
        if isinstance(opened.get(keyword), list):
            opened[keyword] = [open_to(each, *kinds) for each in opened[keyword]]
    return opened


def _or_stand_in(schema: Any, *kinds: str) -> Any:
    inner = open_to(schema, *kinds)
    if not isinstance(inner, dict) or _takes_any_text(inner):
        return inner
    about = {name: inner[name] for name in ("description", "default", "examples") if name in inner}
    return {**about, "anyOf": [inner, *({"$ref": _STANDS_IN[kind]} for kind in kinds)]}


def _takes_any_text(schema: Schema) -> bool:
    """Whether a schema takes whatever text there is, and with it every reference."""
    kinds = schema.get("type")
    limits = {"enum", "const", "pattern", "format", "anyOf", "oneOf", "allOf", "maxLength"}
    takes = kinds is None or kinds == "string" or (isinstance(kinds, list) and "string" in kinds)
    return takes and not limits & schema.keys()


def _matcher() -> Schema:
    names = [{"const": f"#{name}", "description": says} for name, (says, _) in matchers.MATCHERS.items()]
    operator = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {
            "$regex": {"description": "A text in which the expression is found.", "type": "string"},
            "$range": {
                "description": "From the lowest to the highest, both included; null for no end.",
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
            },
            "$contains": {"description": "A text with this in it, or a list with such an element."},
            "$one_of": {"description": "Any of these.", "type": "array"},
            "$not": {"description": "Anything but this."},
        },
    }
    return {"description": "What a value must be like, in place of a value.", "anyOf": [*names, operator]}


def _step(words: Mapping[str, Word]) -> Schema:
    beside: Schema = {
        "as": {"description": "A name for what the step gives: ${name.member} later.", "type": "string",
               "pattern": shape.NAME},
        "in": {"description": "Whose step it is, by the name in partners; without it the first's.", "type": "string"},
        "note": {"description": "Why it is so; a failure of the step says it, too.", "type": "string"},
    }  # fmt: skip
    steps = {name: _given(word) for name, word in words.items()}
    return {
        "description": "One word with its arguments; beside it as, in, note.",
        "anyOf": [
            {"enum": sorted(name for name, word in words.items() if not word.arguments.get("required"))},
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {**steps, **beside},
                "oneOf": [{"required": [name]} for name in steps],
            },
        ],
    }


def _given(word: Word) -> Schema:
    """What may stand behind a word: its arguments by name, its main one alone, or nothing."""
    kinds = ("reference", "matcher") if word.name.startswith("expect.") else ("reference",)
    arguments = open_to(word.arguments, *kinds)
    about = {"description": f"{word.summary}\n\nExample: {word.example}"}
    forms = [arguments]
    if word.main is not None:
        forms.append(arguments.get("properties", {}).get(word.main, {}))
    if not word.arguments.get("required"):
        forms.append({"type": "null"})
    return {**about, "anyOf": forms} if len(forms) > 1 else {**arguments, **about}
