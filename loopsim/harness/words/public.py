"""Loop's public API as a word: a step of the story itself, not a call of the partner."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from loopsim.contract.operation import Operation
from loopsim.errors import SetupError
from loopsim.harness.asking import NoAnswer, exchange
from loopsim.harness.journal import contract, json_of, names_in
from loopsim.harness.story import Story
from loopsim.harness.words.answers import ANSWERS, met
from loopsim.harness.words.names import OPERATION
from loopsim.harness.words.registry import Arguments, word

_PATIENCE = 30.0  # seconds for one answer
NO_KEY = "none"
"""In place of a key: the call bears none."""


@word(
    "loop.is_called",
    {
        "operation": {"description": "The operationId of Loop's API.", **OPERATION},
        "path": {"description": "Parameters of the path, by name.", "type": "object"},
        "query": {"description": "Parameters of the query, by name.", "type": "object"},
        "headers": {"description": "Further headers, by name.", "type": "object"},
        "body": {"description": "The body, sent as JSON."},
        "key": {
            "description": "The key to call with, or none. [default: one of the story's own, with every scope]",
            "type": "string",
        },
        "version": {"description": "The version in the path. [default: v1]", "type": "string"},
        **ANSWERS,
    },
    required=("operation",),
    main="operation",
    example="loop.is_called: {operation: createOrder, body: {external_id: A-1, …}, status: 201}",
)
def loop_is_called(story: Story, arguments: Arguments) -> Any:
    """Somebody other than the partner calls Loop's public API, with a key of the story's own. Gives the answer's body;
    the partner answers for none of these calls."""
    operation = contract().operation(arguments["operation"])
    headers = {"Accept": "application/json", **{str(n): str(v) for n, v in arguments.get("headers", {}).items()}}
    body = None
    if "body" in arguments:
        body = json.dumps(arguments["body"]).encode()
        headers.setdefault("Content-Type", "application/json")
    key = arguments.get("key") or story.own_key()
    if key != NO_KEY:
        headers.setdefault("X-Authorization", key)
    try:
        reply = exchange(operation.method, _url(story, operation, arguments), headers, body, timeout=_PATIENCE)
    except NoAnswer as error:
        raise SetupError(f"loopsim gives no answer to {operation.id} ({error}).") from error
    return met(f"Loop's answer to {operation.id}", reply.status, json_of(reply.text), arguments)


def _url(story: Story, operation: Operation, arguments: Arguments) -> str:
    given = arguments.get("path", {})
    segments = operation.path.strip("/").split("/")
    for place, names in enumerate(names_in(operation.path)):
        if names:
            known = [given[name] for name in names if name in given]
            if not known:
                raise SetupError(f"{operation.id} needs a parameter of its path: path: {{{names[0]}: …}}.")
            segments[place] = quote(str(known[0]), safe="")
    base = story.shop.api_base
    if "version" in arguments:
        base = f"{base.rpartition('/')[0]}/{arguments['version']}"
    query = {name: _text(value) for name, value in arguments.get("query", {}).items()}
    return "/".join([base, *segments]) + (f"?{urlencode(query)}" if query else "")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
