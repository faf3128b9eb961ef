"""The journal of a shop as the harness reads it: what is new since the last look, and the parts of a call."""

from __future__ import annotations

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from loopsim.client import Shop
from loopsim.contract import Contract, load_contract

Entry = dict[str, Any]
_PAGE = 10_000


class Journal:
    """All entries of a shop since `after`, oldest first, read on when asked to. `dropped` tells how many fell out.
    Calls with `own_key`, the id of the story's own key, are of the kind `own`: nobody takes them for a partner's."""

    def __init__(self, shop: Shop, after: int = 0) -> None:
        self._shop = shop
        self.first = after
        self.last_id = after
        self.dropped = 0
        self.own_key = ""
        self.entries: list[Entry] = []

    def read(self, wait: float = 0) -> list[Entry]:
        """What is new; waits up to `wait` seconds for a first entry."""
        new: list[Entry] = []
        while True:
            page = self._shop.journal(after=self.last_id, limit=_PAGE, wait=0 if new else round(wait, 3))
            found = page["entries"]
            new += [{**e, "kind": "own"} if self.own_key and e.get("key") == self.own_key else e for e in found]
            self.last_id = found[-1]["id"] if found else self.last_id
            self.dropped = max(page["dropped"] - self.first, 0)
            if len(found) < _PAGE:
                self.entries += new
                return new

    def of(self, kind: str, after: int = 0) -> list[Entry]:
        """The entries of a kind, after one."""
        return [entry for entry in self.entries if entry["kind"] == kind and entry["id"] > after]


@cache
def contract() -> Contract:
    """Loop's API and ours, as this loopsim knows them."""
    return load_contract()


def path_of(entry: Entry) -> dict[str, str]:
    """The parameters in the path of a call, as texts: under Loop's name for them, and under what they are the id of
    (`id` of `/warehouse/return/{id}/process` also as `return_id`)."""
    operation = entry.get("operation")
    try:
        template = contract().operation(operation or "").path
    except LookupError:
        return {}
    count = template.strip("/").count("/") + 1
    parts = entry.get("path", "").strip("/").split("/")[-count:]
    return {name: value for names, value in zip(names_in(template), parts, strict=False) for name in names}


def names_in(template: str) -> list[tuple[str, ...]]:
    """By segment of a path as the contract writes it: the names that the parameter there goes by, none where there is
    no parameter. `{id}` of `/warehouse/return/{id}/process` is `return_id`, too."""
    segments = template.strip("/").split("/")
    return [
        (name[1:-1], f"{before.removesuffix('s').replace('-', '_')}_id") if name.startswith("{") else ()
        for before, name in zip(["", *segments], segments, strict=False)
    ]


def query_of(entry: Entry) -> dict[str, str]:
    """The query parameters of a call, as texts."""
    return dict(parse_qsl(entry.get("query") or "", keep_blank_values=True))


def json_of(text: str | None) -> Any:
    """A body as JSON; the text itself where it is none, None where there is none."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def brief(value: Any, limit: int = 160) -> str:
    """A value in a few words, for a sentence or a table."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def call_line(entry: Entry) -> str:
    """A call of a partner in one line: `POST /warehouse/return/1/process → 200`."""
    query = f"?{entry['query']}" if entry.get("query") else ""
    path = entry.get("path", "").removeprefix("/api/v1").removeprefix("/api/2026-10")
    refusal = f" ({entry['refusal']})" if entry.get("refusal") else ""
    return f"{entry.get('method', '')} {path}{query} → {entry.get('status', 'no answer')}{refusal}"


def delivery_line(entry: Entry) -> str:
    """A delivery in one line: `return.created of 1 → 200 in 3 ms`."""
    about = f" of {entry['return_id']}" if entry.get("return_id") else ""
    answer = entry.get("status") or entry.get("error") or "no answer"
    return f"{entry.get('topic')}/{entry.get('trigger')}{about} → {answer} in {entry.get('duration_ms', 0):.0f} ms"
