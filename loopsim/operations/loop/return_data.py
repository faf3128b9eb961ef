"""Reading returns: list, details, ASN. Facts: `FACTS.md#returns-list-row`, `#details-fields`, `#asn-row`."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from loopsim.clock import EPOCH, from_ms, to_ms
from loopsim.domain.orders import DeletedOrder
from loopsim.domain.quirks import quirk
from loopsim.domain.returns import STATES, Return
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.operations.windows import asked_moment
from loopsim.store import wire_bytes
from loopsim.store.kept import Page
from loopsim.store.transaction import Transaction
from loopsim.store.wire_bytes import Column
from loopsim.wire import asn, php, times
from loopsim.wire.additions import with_additions
from loopsim.wire.numbers import whole
from loopsim.wire.returns import details, list_row

DAY = timedelta(days=1)
LONGEST_WINDOW = timedelta(days=120)
PAGE_SIZE, LARGEST_PAGE = 100, 750
_COLUMNS: dict[str, Column] = {"created_at": "created_at", "updated_at": "updated_at"}
UNASKED_STATES = ("open", "closed", "expired")


class Cursor(Struct, frozen=True):
    """Where a page begins: after this row, or before it. `at` is in milliseconds."""

    at: int
    id: int
    forward: bool


class Window(Struct, frozen=True):
    """What a list request asks for, made definite. `since` and `until` are what page links repeat."""

    since: str
    until: str
    first: datetime
    last: datetime
    column: Column
    state: str | None
    page_size: int


@operation("listReturns", reads=True)
def list_returns(tx: Transaction, call: Call) -> Answer:
    """The returns of a window: a bare array, or a page of them where `paginate` or a `cursor` is given."""
    window = _window(tx, call)
    if not times.truth(call.query.get("paginate")) and "cursor" not in call.query:
        rows = _rows(tx, window, None, -1)
        return Answer(b"[" + b",".join(wire for _, _, wire in rows) + b"]", count=len(rows))
    cursor = call.query.get("cursor")
    asked = (call.base_url, window, cursor)
    page = tx.shop.answers.get(asked)
    if page is None:
        page = tx.shop.answers.keep(asked, _page(tx, call, window, _read_cursor(cursor, window.column)))
    body, count, more = page
    return Answer(body, count=count, more=more)


def _page(tx: Transaction, call: Call, window: Window, cursor: Cursor | None) -> Page:
    rows = _rows(tx, window, cursor, window.page_size + 1)
    more = len(rows) > window.page_size
    rows = rows[: window.page_size]
    backward = cursor is not None and not cursor.forward
    if backward:
        rows.reverse()
    has_next = (bool(rows) if backward else more) and bool(rows)
    has_previous = (more if backward else cursor is not None) and bool(rows)
    after = _link(call, window, Cursor(rows[-1][1], rows[-1][0], True)) if has_next else None
    before = _link(call, window, Cursor(rows[0][1], rows[0][0], False)) if has_previous else None
    body = b"".join(
        (
            b'{"returns":[',
            b",".join([wire for _, _, wire in rows]),
            b'],"nextPageUrl":',
            php.encode(after),
            b',"previousPageUrl":',
            php.encode(before),
            b"}",
        )
    )
    return body, len(rows), has_next


def _rows(tx: Transaction, window: Window, cursor: Cursor | None, limit: int) -> list[tuple[int, int, bytes]]:
    """Id, moment in milliseconds and wire bytes of the rows of a window, at most `limit` of them (-1: all)."""
    states = (window.state,) if window.state else UNASKED_STATES
    place = None if cursor is None else (cursor.at, cursor.id)
    forward = cursor is not None and cursor.forward
    found = wire_bytes.list_rows(
        tx.connection,
        window.column,
        (to_ms(window.first), to_ms(window.last)),
        states,
        after=place if forward else None,
        before=None if forward else place,
        limit=limit,
    )
    # Rows that nobody asked for since they last changed are made now, and kept for the next reader.
    made = {id_: _list_row(tx, id_) for id_, _, row in found if row is None}
    if made:
        wire_bytes.keep_list_rows(tx.connection, made)
    return [(id_, at, made[id_] if row is None else row) for id_, at, row in found]


def _list_row(tx: Transaction, return_id: int) -> bytes:
    return php.encode(with_additions(list_row(tx.need_return(return_id), tx.settings), tx.settings))


def _window(tx: Transaction, call: Call) -> Window:
    query, wrong = call.query, dict[str, list[str]]()
    since = _moment("from", call, tx.now, wrong)
    until = _moment("to", call, tx.now, wrong) if since is not None else None
    column = _COLUMNS.get(query.get("filter") or "created_at")
    if column is None:
        wrong["filter"] = ["The selected filter is invalid."]
    state = query.get("state") or None
    if state is not None and state not in STATES:
        wrong["state"] = ["The selected state is invalid."]
    page_size = _page_size(tx, query.get("pageSize"), wrong)
    if wrong or column is None:
        raise Invalid(wrong)
    first = since if since is not None else tx.now - DAY
    last = until if until is not None else (first + DAY if since is not None else tx.now)
    first, last = first.replace(microsecond=0), last.replace(microsecond=0)
    if last < first:
        raise Invalid({"to": ["The to field must be a date after or equal to from."]})
    if last - first > LONGEST_WINDOW:
        raise Invalid({"to": ["The date range may not be greater than 120 days."]})
    return Window(
        since=query["from"] if since is not None else times.iso(first),
        until=query["to"] if until is not None else times.iso(last),
        first=first,
        last=last.replace(microsecond=999_000),
        column=column,
        state=state,
        page_size=page_size,
    )


def _moment(name: str, call: Call, now: datetime, wrong: dict[str, list[str]]) -> datetime | None:
    text = call.query.get(name, "").strip()
    if not text:
        return None
    moment = asked_moment(text, call, now)
    if moment is None:
        wrong[name] = [f"The {name} field must be a valid date."]
    return moment


def _page_size(tx: Transaction, text: str | None, wrong: dict[str, list[str]]) -> int:
    if text is None or not text.strip():
        return PAGE_SIZE
    size = whole(text)
    if size is not None and quirk(tx.settings.quirks, "page_size_over_limit") == "clamp":
        return min(max(size, 1), LARGEST_PAGE)
    if size is None:
        wrong["pageSize"] = ["The page size field must be an integer."]
    elif size < 1:
        wrong["pageSize"] = ["The page size field must be at least 1."]
    elif size > LARGEST_PAGE:
        wrong["pageSize"] = [f"The page size field must not be greater than {LARGEST_PAGE}."]
    return size or PAGE_SIZE


def _link(call: Call, window: Window, cursor: Cursor) -> str:
    """The absolute URL of another page, on the host the client used: all that shaped this page, but `paginate`."""
    written = quote(_write_cursor(cursor, window.column), safe="")
    return f"{call.base_url}/warehouse/return/list?{_shared_query(window)}&cursor={written}"


@lru_cache(maxsize=64)
def _shared_query(window: Window) -> str:
    """What the links of all pages of a window have in common."""
    query = {"from": window.since, "to": window.until, "filter": window.column}
    if window.state:
        query["state"] = window.state
    return urlencode({**query, "pageSize": str(window.page_size)}, quote_via=quote)


def _write_cursor(cursor: Cursor, column: str) -> str:
    content = {column: times.spaced(from_ms(cursor.at)), "id": cursor.id, "_pointsToNextItems": cursor.forward}
    return base64.b64encode(php.encode(content)).rstrip(b"=").decode()


def _read_cursor(text: str | None, column: str) -> Cursor | None:
    """A cursor that cannot be read counts as none, as in Laravel."""
    if not text:
        return None
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
        content = msgspec.json.decode(raw)
        at = times.parse(content[column], EPOCH)
        id_, forward = content["id"], content["_pointsToNextItems"]
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if at is None or type(id_) is not int or type(forward) is not bool or abs(id_) >= 1 << 63:
        return None
    return Cursor(to_ms(at), id_, forward)


@operation("getReturnDetails", reads=True)
def get_return_details(tx: Transaction, call: Call) -> Answer:
    """One return by its id, or all returns of an order; what is not found is told with status 200."""
    query = call.query
    currency = "presentment" if query.get("currency_type") == "presentment" else "shop"
    if query.get("return_id"):
        return_id = whole(query["return_id"])
        body = None if return_id is None else _details_bytes(tx, return_id, currency)
        if body is None:
            raise Refusal("return_not_found")
        return Answer(body)
    found = _returns_of_order(tx, query)
    if not found:
        raise Refusal("return_not_found")
    bodies = [_details_bytes(tx, return_.id, currency) or b"" for return_ in found]
    if quirk(tx.settings.quirks, "details_by_order") == "object":
        return Answer(bodies[-1])
    return Answer(b"[" + b",".join(bodies) + b"]")


def _returns_of_order(tx: Transaction, query: dict[str, str]) -> list[Return]:
    gone = tx.all("deleted_order", DeletedOrder)
    if query.get("order_id"):
        provider_id = whole(query["order_id"])
        order = None if provider_id is None else tx.order_by_provider(provider_id)
        ids = [] if order is None else [order.id]
        ids += [each.id for each in gone if each.provider_id == provider_id]
    elif query.get("order_name"):
        name = query["order_name"]
        ids = [order.id for order in tx.orders_named(name)]
        ids += [each.id for each in gone if each.name.lstrip("#") == name.lstrip("#")]
    else:
        ids = []
    found = [return_ for id_ in ids for return_ in tx.returns_of_order(id_)]
    return sorted(found, key=lambda return_: (return_.created_at, return_.id))


def _details_bytes(tx: Transaction, return_id: int, currency: str) -> bytes | None:
    if abs(return_id) >= 1 << 63:
        return None
    row = wire_bytes.details(tx.connection, return_id)
    if row is None:
        return None
    if row[0] is not None and currency == "shop":
        return row[0]
    body = php.encode(with_additions(details(tx.need_return(return_id), tx.settings, currency), tx.settings))
    if currency == "shop":
        wire_bytes.keep_details(tx.connection, return_id, body)
    return body


@operation("reportAsn", reads=True)
def report_asn(tx: Transaction, call: Call) -> Answer:
    """The advanced shipping notice: one row per unit. A date that cannot be read becomes the epoch, with no error."""
    query = call.query
    today = tx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = _lenient("from", call, today - 7 * DAY, tx.now, end=False)
    last = _lenient("to", call, today + DAY - timedelta(seconds=1), tx.now, end=True)
    # From date to date: the rest of the last day comes on top.
    if call.version >= "2026-10" and _lenient("to", call, today, tx.now, end=False) - first > LONGEST_WINDOW:
        raise Invalid({"to": ["The date range may not be greater than 120 days."]})
    wanted = query.get("tracking_status")
    rows = [
        php.encode(row)
        for return_ in tx.returns_created(first, last)
        for row in asn.rows(return_)
        if not wanted or row["label_status"] == wanted
    ]
    return Answer(b"[" + b",".join(rows) + b"]")


def _lenient(name: str, call: Call, default: datetime, now: datetime, *, end: bool) -> datetime:
    text = call.query.get(name, "").strip()
    return asked_moment(text, call, now, end_of_day=end) or EPOCH if text else default
