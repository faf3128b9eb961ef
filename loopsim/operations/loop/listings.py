"""Blocklists and allowlists: two lists with the same operations, under paths of their own."""

from __future__ import annotations

from typing import Any

from loopsim.domain.listings import Listing
from loopsim.errors import Refusal
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import times
from loopsim.wire.paging import length_aware, page_of, with_links

PER_PAGE = 15


def _new(of: Listing) -> dict[str, Any]:
    return {"id": of.id, "type": of.type, "value": of.value, "secondary_value": of.secondary_value}


def _shown(of: Listing) -> dict[str, Any]:
    return {**_new(of), "created_at": times.spaced(of.created_at)}


def _register(kind: str, noun: str, path: str) -> None:
    """The four operations of one list."""

    def named(tx: Transaction, call: Call) -> Listing:
        found = tx.get(kind, call.path["id"], Listing)
        if found is None:
            raise Refusal("listing_not_found")
        return found

    @operation(f"list{noun}s", reads=True)
    def list_(tx: Transaction, call: Call) -> Any:
        rows = [_shown(each) for each in tx.all(kind, Listing)]
        return with_links(length_aware(rows, page_of(call.query), PER_PAGE, f"{call.base_url}/{path}", {}))

    @operation(f"create{noun}")
    def create(tx: Transaction, call: Call) -> Answer:
        body = call.body
        made = Listing(
            id=tx.next_id("listing"),
            type=body["type"],
            value=body["value"],
            secondary_value=body.get("secondary_value"),
            created_at=tx.now,
        )
        tx.put(kind, made.id, made)
        return Answer(_new(made), 201)

    @operation(f"get{noun}", reads=True)
    def get(tx: Transaction, call: Call) -> Any:
        return _shown(named(tx, call))

    @operation(f"delete{noun}")
    def delete(tx: Transaction, call: Call) -> Answer:
        tx.delete(kind, named(tx, call).id)
        return Answer(True)


_register("blocklist", "Blocklist", "blocklists")
_register("allowlist", "Allowlist", "allowlists")
