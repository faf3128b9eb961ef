"""The acts of the control API as words, under their own names and with the schemas that `openapi/` gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loopsim.contract import load_contract
from loopsim.harness.story import Story
from loopsim.harness.words.registry import WORDS, Arguments, Json, Run, Word, add, word

_PATH = "/_loopsim/shops/{shop}/acts/"

EXAMPLES = {
    "customer.submits_return": "customer.submits_return: {items: [{outcome: refund}]}",
    "customer.edits_return": "customer.edits_return: {return_id: '${ret.id}', items: [{outcome: credit}]}",
    "customer.ships_by_loop": "customer.ships_by_loop: {return_id: '${ret.id}'}",
    "carrier.scans": "carrier.scans: {return_id: '${ret.id}', status: delivered}",
    "orders.makes": "orders.makes: {lines: [{variant: TEE-RED-M, quantity: 2}]}",
    "orders.fulfils": "orders.fulfils: '${order.id}'",
    "stock.sets": "stock.sets: {variant: TEE-RED-M, available: 3}",
    "payment.fails_next": "payment.fails_next: 1",
    "processing.fails_next": "processing.fails_next: 1",
    "happy_returns.ships": "happy_returns.ships",
}


def request_schema(document: Json, operation_id: str) -> Json:
    """The request body of an operation of the control API, with everything that it refers to put in its place."""
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                return _body(document, operation)
    raise LookupError(f"The control API has no operation {operation_id}.")


def component(document: Json, name: str) -> Json:
    """A named schema of the control API, with everything that it refers to put in its place."""
    schema: Json = _inlined(document, {"$ref": f"#/components/schemas/{name}"})
    return schema


def control_document() -> Json:
    """The control API as this loopsim describes it."""
    return load_contract().document("control")


def _body(document: Json, operation: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema: Json = _inlined(document, content.get("schema", {"type": "object"}))
    return schema


def _inlined(document: Json, value: Any) -> Any:
    if isinstance(value, list):
        return [_inlined(document, each) for each in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("$ref"), str):
        target: Any = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return _inlined(document, {**target, **{name: each for name, each in value.items() if name != "$ref"}})
    return {name: _inlined(document, each) for name, each in value.items()}


def _main(schema: Json) -> str | None:
    """The argument that an act given as a scalar means: the only one it needs, or the only one it has."""
    required, properties = schema.get("required", []), list(schema.get("properties", {}))
    if len(required) == 1 and len(properties) == 1:
        return str(required[0])
    return properties[0] if len(properties) == 1 else None


def _act(name: str) -> Run:
    def run(story: Story, arguments: Arguments) -> Any:
        return story.shop.act(name, **arguments)

    return run


def _acts(document: Json) -> Iterator[Word]:
    for path, methods in document["paths"].items():
        if path.startswith(_PATH):
            name, operation = path.removeprefix(_PATH), methods["post"]
            schema = _body(document, operation)
            says = f"{operation['summary']}. {operation.get('description', '')}".strip()
            main = _main(schema)
            example = EXAMPLES.get(name) or (f"{name}: '${{ret.id}}'" if main == "return_id" else name)
            schema = {"properties": {}, "additionalProperties": False, **schema}
            yield Word(name=name, summary=says, arguments=schema, main=main, example=example, run=_act(name))


for _word in _acts(control_document()):
    add(_word)


@word(
    "stock.runs_out",
    {"variant": {"type": ["integer", "string"], "description": "The id or SKU of what is sold out."}},
    required=("variant",),
    main="variant",
    example="stock.runs_out: HOOD-NVY-M",
)
def stock_runs_out(story: Story, arguments: Arguments) -> Any:
    """Stock of a variant runs out: none is available at any location."""
    return story.shop.act("stock.sets", variant=arguments["variant"], available=0)


_SUBMIT = WORDS["customer.submits_return"].arguments


@word(
    "customer.submits_returns",
    {
        "times": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "How many returns."},
        **_SUBMIT["properties"],
    },
    required=("times",),
    main="times",
    example="customer.submits_returns: {times: 30, items: [{outcome: refund}]}",
)
def customer_submits_returns(story: Story, arguments: Arguments) -> Any:
    """Many returns are submitted, one after the other and all alike. Gives a list of them."""
    asked = {name: value for name, value in arguments.items() if name != "times"}
    return [story.shop.act("customer.submits_return", **asked) for _ in range(arguments["times"])]
