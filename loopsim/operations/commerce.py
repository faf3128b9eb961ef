"""What the operations of the Commerce Data family share: finding by either id, pages, new ids, deleting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from loopsim.domain.snowflakes import snowflake
from loopsim.errors import Invalid, Refusal
from loopsim.operations.perform import Call
from loopsim.store.resources import Kind
from loopsim.store.transaction import Transaction
from loopsim.wire.commerce import Cursor, Spell, page_url, read_cursor, spelling
from loopsim.wire.numbers import whole

LIMIT, LARGEST_LIMIT = 50, 250
NOT_FOUND = "resource_not_found"
SHAPING = ("limit", "sort_order", "external_id", "barcode", "tags", "location_id", "product_variant_id")
"""The parameters that shape a page, and so stand in the addresses of its neighbours."""
T = TypeVar("T")


class Noun(Struct, frozen=True):
    """A kind of resource: how it is stored, what the API calls one and several of it, and how one is shown."""

    kind: Kind
    type: type[Any]
    singular: str
    plural: str
    show: Callable[[Any, Spell], dict[str, Any]]


def shown(noun: Noun, record: Any, call: Call) -> dict[str, Any]:
    """One resource in its wrapper."""
    return {noun.singular: noun.show(record, spell_of(call))}


def spell_of(call: Call) -> Spell:
    """How the client wants ids written."""
    return spelling(as_text=call.text_ids)


def need(tx: Transaction, noun: Noun, call: Call) -> Any:
    """The resource that the path names, by `id` or `externalId`. Raises `Refusal("resource_not_found")`."""
    external_id = call.path.get("externalId")
    found = (
        tx.resource(noun.kind, call.path["id"], noun.type)
        if external_id is None
        else tx.resource_by_external(noun.kind, external_id, noun.type)
    )
    if found is None:
        raise Refusal(NOT_FOUND)
    return found


def new_id(tx: Transaction) -> int:
    """A global id of this moment."""
    return snowflake(tx.now, tx.count("global_id"), tx.settings.seed)


def list_page(
    tx: Transaction,
    noun: Noun,
    call: Call,
    *,
    path: str | None = None,
    parent: int | None = None,
    keep: Callable[[Any], bool] | None = None,
) -> dict[str, Any]:
    """A page of resources by id, all, those of a parent, or those that `keep` keeps.

    Raises `Invalid` for a limit or an order that is none.
    """
    limit, descending = page_size(call), is_descending(call)
    cursor = read_cursor(call.query.get("cursor"))
    backward = cursor is not None and not cursor.forward
    found: list[Any] = []
    after = None if cursor is None else cursor.id
    while len(found) <= limit:
        rows = tx.resource_page(
            noun.kind,
            noun.type,
            limit + 1,
            after=after,
            descending=descending != backward,
            external_id=call.query.get("external_id") or None,
            parent=parent,
        )
        found += rows if keep is None else filter(keep, rows)
        if len(rows) <= limit:
            break
        after = rows[-1].id
    rows, urls = cut(found, limit, cursor, call, path or noun.plural, lambda record: record.id)
    return {noun.plural: [noun.show(row, spell_of(call)) for row in rows], **urls}


def cut(
    found: Sequence[T], limit: int, cursor: Cursor[Any] | None, call: Call, path: str, id_of: Callable[[T], Any]
) -> tuple[list[T], dict[str, str | None]]:
    """The rows of a page, of which one more was asked for, in their order, and the addresses of its neighbours."""
    more, backward = len(found) > limit, cursor is not None and not cursor.forward
    rows = list(found[:limit])
    if backward:
        rows.reverse()
    has_next = bool(rows) and (backward or more)
    has_previous = bool(rows) and (more if backward else cursor is not None)
    kept = {name: call.query[name] for name in SHAPING if call.query.get(name)}
    base = f"{call.base_url}/{path}"
    return rows, {
        "next_page_url": page_url(base, kept, Cursor(id_of(rows[-1]), forward=True)) if has_next else None,
        "previous_page_url": page_url(base, kept, Cursor(id_of(rows[0]), forward=False)) if has_previous else None,
    }


def page_size(call: Call) -> int:
    """The asked-for limit, 1 to 250. Raises `Invalid` for any other (assumed)."""
    text = call.query.get("limit", "").strip()
    if not text:
        return LIMIT
    limit = whole(text)
    if limit is None:
        raise Invalid({"limit": ["The limit field must be an integer."]})
    if limit < 1:
        raise Invalid({"limit": ["The limit field must be at least 1."]})
    if limit > LARGEST_LIMIT:
        raise Invalid({"limit": [f"The limit field must not be greater than {LARGEST_LIMIT}."]})
    return limit


def is_descending(call: Call) -> bool:
    """Whether the newest come first."""
    order = call.query.get("sort_order") or "asc"
    if order not in ("asc", "desc"):
        raise Invalid({"sort_order": ["The selected sort order is invalid."]})
    return order == "desc"


def delete(tx: Transaction, noun: Noun, call: Call) -> dict[str, Any]:
    """Remove the resource that the path names."""
    found = need(tx, noun, call)
    tx.delete_resource(noun.kind, found.id)
    return {"id": spell_of(call)(found.id), "success": True}
