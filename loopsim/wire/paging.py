"""Laravel's length-aware pages: `current_page`, `data`, `from`, `to`, `total` and the links."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode


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
