"""Switches of the list: its window, its order, its pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs

from loopsim.domain.returns import STATES
from loopsim.errors import Invalid
from loopsim.operations.loop import return_data
from loopsim.server.requests import base_url
from loopsim.wire import times
from tests.quirks.patching import (
    Patch,
    Switch,
    after,
    answered,
    attribute,
    function,
    queried,
)


def _wrapped_list(value: Any) -> Any:
    return {"data": value} if isinstance(value, list) else value


def _bare_without_paginate(query: dict[str, str]) -> dict[str, str]:
    return query if "paginate" in query else {name: value for name, value in query.items() if name != "cursor"}


def _from_a_day_before(query: dict[str, str]) -> dict[str, str]:
    if "from" in query or "to" not in query:
        return query
    return {**query, "from": f"{query['to'][:8]}01 00:00:00"}


def _without_nulls(value: Any) -> Any:
    return {name: each for name, each in value.items() if each is not None} if isinstance(value, dict) else value


def _one_more(real: Callable[..., list[Any]], tx: Any, window: Any, cursor: Any, limit: int) -> list[Any]:
    found = real(tx, window, cursor, limit)
    return [*found, found[-1]] if found and len(found) == limit - 1 else found


def _newest_first(real: Callable[..., list[Any]], tx: Any, window: Any, cursor: Any, limit: int) -> list[Any]:
    return real(tx, window, cursor, limit)[::-1]


def _rows_as(change: Callable[..., list[Any]]) -> Switch:
    def switch(patch: Patch) -> None:
        real = return_data._rows
        patch.set(return_data, "_rows", lambda *args: change(real, *args))

    return switch


def _abridged(link: str) -> str:
    """The vendor's example has neither `from` nor `state`, and here no `filter`."""
    path, _, query = link.partition("?")
    kept = [part for part in query.split("&") if part.partition("=")[0] in ("to", "pageSize", "cursor")]
    return f"{path}?{'&'.join(kept)}"


def _strict_date(text: str, _now: datetime, *, end_of_day: bool = False) -> datetime | None:  # noqa: ARG001
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _cursor_by_time_alone(real: Any, text: Any, column: str) -> Any:
    cursor = real(text, column)
    return None if cursor is None else structs.replace(cursor, id=(1 << 62) if cursor.forward else 0)


def _refusing_cursors(real: Any, text: Any, column: str) -> Any:
    cursor = real(text, column)
    if cursor is None and text is not None:
        raise Invalid({"cursor": ["The cursor is invalid."]})
    return cursor


def _reading(change: Callable[..., Any]) -> Switch:
    def switch(patch: Patch) -> None:
        real = return_data._read_cursor
        patch.set(return_data, "_read_cursor", lambda text, column: change(real, text, column))

    return switch


def _window_ends_early(window: Any) -> Any:
    return structs.replace(window, last=window.last.replace(microsecond=0) - timedelta(milliseconds=1))


SWITCHES: dict[str, Switch] = {
    "list-bare-array": answered("listReturns", _wrapped_list),
    "list-window-24h": attribute(return_data, "DAY", timedelta(days=100)),
    "list-from-alone": attribute(return_data, "DAY", timedelta(days=100)),
    "list-to-alone": queried("listReturns", _from_a_day_before),
    "list-120-days": attribute(return_data, "LONGEST_WINDOW", timedelta(days=9999)),
    "list-120-days-exact": attribute(return_data, "LONGEST_WINDOW", timedelta(days=120, seconds=-1)),
    "list-last-second": after(return_data._window, _window_ends_early),
    "list-lenient-dates": function(times.parse, _strict_date),
    "list-states": attribute(return_data, "UNASKED_STATES", STATES),
    "list-oldest-first": _rows_as(_newest_first),
    "cursor-content": after(return_data._write_cursor, lambda text: text[::-1]),
    "cursor-envelope": queried("listReturns", _bare_without_paginate),
    "cursor-equal-times": _reading(_cursor_by_time_alone),
    "cursor-unreadable": _reading(_refusing_cursors),
    "page-both-keys": answered("listReturns", _without_nulls),
    "page-repeats-query": after(return_data._link, _abridged),
    "page-window-resolved": after(return_data._link, _abridged),
    "page-own-host": function(base_url, lambda _scope, _headers, base: f"https://api.loopreturns.com{base}"),
    "page-verbatim": after(return_data._link, lambda url: url.replace("%2B", "+").replace("cursor=", "page=")),
    "page-none-empty": _rows_as(_one_more),
}
