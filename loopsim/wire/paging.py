"""Laravel's length-aware pages: `current_page`, `data`, `from`, `to`, `total` and the links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from loopsim.wire.numbers import whole

EACH_SIDE = 3
"""Pages that Laravel shows on each side of the current one."""


def page_of(query: Mapping[str, str]) -> int:
    """The page that a query asks for; the first where it names none that can be."""
    page = whole(query.get("page", "1"))
    return page if page is not None and page >= 1 else 1


def length_aware(rows: list[Any], page: int, per_page: int, path: str, query: dict[str, str]) -> dict[str, Any]:
    """The page of rows, with absolute links that keep the query."""
    last = max(1, -(-len(rows) // per_page))
    start = (page - 1) * per_page
    shown = rows[start : start + per_page]

    def link(number: int) -> str:
        return f"{path}?{urlencode({**query, 'page': number}, quote_via=quote)}"

    return {
        "current_page": page,
        "data": shown,
        "first_page_url": link(1),
        "from": start + 1 if shown else None,
        "last_page": last,
        "last_page_url": link(last),
        "next_page_url": link(page + 1) if page < last else None,
        "path": path,
        "per_page": per_page,
        "prev_page_url": link(page - 1) if page > 1 else None,
        "to": start + len(shown) if shown else None,
        "total": len(rows),
    }


def with_links(page: dict[str, Any]) -> dict[str, Any]:
    """The page with `links`, what a Laravel page shows to click on, in its place after `last_page_url`."""
    current, last = page["current_page"], page["last_page"]
    stem = page["first_page_url"].removesuffix("1")
    links = [{"url": page["prev_page_url"], "label": "&laquo; Previous", "active": False}]
    shown = 0
    for number in _window(current, last):
        if number > shown + 1:
            links.append({"url": None, "label": "...", "active": False})
        links.append({"url": f"{stem}{number}", "label": str(number), "active": number == current})
        shown = number
    links.append({"url": page["next_page_url"], "label": "Next &raquo;", "active": False})
    return {
        key: value
        for name, each in page.items()
        for key, value in ((name, each), *((("links", links),) if name == "last_page_url" else ()))
    }


def _window(current: int, last: int) -> list[int]:
    """The numbers that are shown: all of few, else the ends and those around the current page."""
    if last < 2 * EACH_SIDE + 8:
        return list(range(1, last + 1))
    ends = {1, 2, last - 1, last}
    if current <= EACH_SIDE + 4:
        around = range(1, 2 * EACH_SIDE + 5)
    elif current > last - EACH_SIDE - 4:
        around = range(last - 2 * EACH_SIDE - 3, last + 1)
    else:
        around = range(current - EACH_SIDE, current + EACH_SIDE + 1)
    return sorted(ends | set(around))
