"""Is an answer what the contract says? Status, media type, closed schema, and the order of the keys.

For tests and for `doctor`: every answer that a test provokes goes through here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from loopsim.contract.contract import Contract
from loopsim.contract.operation import Operation
from loopsim.contract.schemas import Schemas

_BRANCHES = ("oneOf", "anyOf")


def check_response(
    operation: Operation, status: int, content_type: str | None, body: bytes, *, allow_unknown: bool = False
) -> list[str]:
    """What is wrong with an answer of an operation; empty when nothing is.

    `allow_unknown` lets keys through that no schema names, as rows of an imported capture may have them.
    """
    contents = operation.responses.get(str(status))
    if contents is None:
        declared = ", ".join(operation.responses) or "none"
        return [f"{operation.id} answers {status}, which it does not declare (declared: {declared})"]
    where = f"{operation.id} {status}"
    if not contents:
        return [f"{where} has a body, and declares none"] if body else []
    media = (content_type or "").partition(";")[0].strip().lower()
    schema = contents.get(media)
    if schema is None:
        return [f"{where} is {media or 'without a media type'}, declared is {', '.join(contents)}"]
    if "json" not in media:
        return []
    return [f"{where}: {problem}" for problem in _check(operation.schemas, schema, body, allow_unknown)]


def check_webhook(
    contract: Contract,
    topic: str,
    body: bytes,
    *,
    version: str | None = None,
    allow_unknown: bool = False,
    allow_empty: bool = False,
) -> list[str]:
    """What is wrong with the payload of a topic; empty when nothing is.

    `allow_empty` admits what is sent for a pair of topic and trigger that has no data (`x-empty`). Raises LookupError
    for a topic that is not declared.
    """
    document = contract.document("loop", version)
    for name, item in document.get("webhooks", {}).items():
        post = item["post"]
        if topic in (post.get("x-topic"), item.get("x-topic"), name):
            if allow_empty and "x-empty" in post and body == msgspec.json.encode(post["x-empty"]["body"]):
                return []
            schemas = contract.schemas("loop", version)
            schema = schemas.resolve(post["requestBody"])["content"]["application/json"]["schema"]
            return [f"webhook {topic}: {problem}" for problem in _check(schemas, schema, body, allow_unknown)]
    raise LookupError(f"The contract declares no webhook of the topic {topic}.")


def _check(schemas: Schemas, schema: Any, body: bytes, allow_unknown: bool) -> list[str]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return [f"the body is no JSON ({error})"]
    validator = schemas.response_validator(schema, open_rows=allow_unknown)
    problems = [f"{_pointer(error.instance_path)} {error.message}" for error in validator.iter_errors(value)]
    return problems or list(_misordered(schemas, schema, value, "$", allow_unknown))


def _pointer(path: list[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _misordered(schemas: Schemas, schema: Any, value: Any, where: str, open_rows: bool) -> Iterator[str]:
    """Objects whose keys do not come in the order of their schema's properties."""
    if not isinstance(value, dict | list):
        return
    schema = _applying(schemas, schema, value, open_rows)
    if not isinstance(schema, dict):
        return
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _misordered(schemas, schema.get("items"), each, f"{where}[{index}]", open_rows)
        return
    properties = schema.get("properties", {})
    sent = [key for key in value if key in properties]
    declared = [key for key in properties if key in value]
    if sent != declared:
        first = next(index for index, key in enumerate(sent) if key != declared[index])
        yield f"{where} has {sent[first]} where {declared[first]} comes first"
    for key, each in value.items():
        rest = schema.get("additionalProperties")
        yield from _misordered(schemas, properties.get(key, rest), each, f"{where}.{key}", open_rows)


def _applying(schemas: Schemas, schema: Any, value: Any, open_rows: bool) -> Any:
    """The schema that describes a value: references followed, the branch that fits it chosen, all-of laid together."""
    schema = schemas.resolve(schema)
    while isinstance(schema, dict) and (several := next((key for key in _BRANCHES if key in schema), None)):
        fitting = (
            branch
            for branch in schema[several]
            if schemas.response_validator(branch, open_rows=open_rows).is_valid(value)
        )
        schema = schemas.resolve(next(fitting, None))
    if isinstance(schema, dict) and "allOf" in schema:
        parts = [_applying(schemas, part, value, open_rows) for part in schema["allOf"]]
        properties = [part.get("properties", {}) for part in (*parts, schema) if isinstance(part, dict)]
        return {**schema, "properties": {name: inner for each in properties for name, inner in each.items()}}
    return schema
