"""Commerce data: products, variants, collections, customers, locations and what of each a location holds.

A resource has a kind, Loop's id, perhaps the merchant's own id (unique per kind), and a document. Pages are found by
id, so page 1,000 costs what page 1 does.
"""

from __future__ import annotations

import sqlite3
from typing import Literal, TypeVar

from loopsim.domain.orders import Variant
from loopsim.errors import Refusal
from loopsim.store.codec import decode, encode

Kind = Literal["product", "variant", "collection", "customer", "location", "bulk_operation", "bulk_job"]
LARGEST = (1 << 63) - 1
T = TypeVar("T")


def fits(id_: int) -> bool:
    """Whether SQLite can hold the number; clients may send any."""
    return -LARGEST <= id_ <= LARGEST


class Resources:
    """The commerce data of a shop, over its one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def resource(self, kind: Kind, id_: int, type_: type[T]) -> T | None:
        """The resource of a kind with Loop's id."""
        doc = self.resource_doc(kind, id_)
        return None if doc is None else decode(type_, doc)

    def resource_doc(self, kind: Kind, id_: int) -> bytes | None:
        """A resource as it is stored."""
        if not fits(id_):
            return None
        row = self.connection.execute("select doc from resources where kind = ? and id = ?", (kind, id_)).fetchone()
        return None if row is None else bytes(row[0])

    def resource_by_external(self, kind: Kind, external_id: str, type_: type[T]) -> T | None:
        """The resource of a kind with the merchant's own id."""
        row = self.connection.execute(
            "select doc from resources where kind = ? and external_id = ?", (kind, external_id)
        ).fetchone()
        return None if row is None else decode(type_, row[0])

    def resources(self, kind: Kind, type_: type[T]) -> list[T]:
        """All resources of a kind, by id."""
        rows = self.connection.execute("select doc from resources where kind = ? order by id", (kind,))
        return [decode(type_, doc) for (doc,) in rows]

    def resource_page(
        self,
        kind: Kind,
        type_: type[T],
        limit: int,
        *,
        after: int | None = None,
        descending: bool = False,
        external_id: str | None = None,
        parent: int | None = None,
    ) -> list[T]:
        """Up to `limit` resources by id, those that come after an id in the direction asked for."""
        where, values = ["kind = ?"], list[str | int]([kind])
        for column, value in (("external_id", external_id), ("parent", parent)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        order = "desc" if descending else "asc"
        bound = LARGEST if descending else -LARGEST
        rows = self.connection.execute(
            f"select doc from resources where {' and '.join(where)} and id {'<' if descending else '>'} ?"
            f" order by id {order} limit ?",
            (*values, bound if after is None else after, limit),
        )
        return [decode(type_, doc) for (doc,) in rows]

    def variants_of(self, product_id: int) -> list[Variant]:
        """The variants of a product, by id."""
        rows = self.connection.execute(
            "select doc from resources where kind = 'variant' and parent = ? order by id", (product_id,)
        )
        return [decode(Variant, doc) for (doc,) in rows]

    def put_variant(self, variant: Variant) -> None:
        """Add or replace a variant of a product. Raises `Refusal("external_id_taken")`."""
        self.put_resource("variant", variant.id, variant, variant.external_id, variant.product_id)

    def put_resource(
        self, kind: Kind, id_: int, record: object, external_id: str | None = None, parent: int | None = None
    ) -> None:
        """Add or replace a resource. Raises `Refusal("external_id_taken")` where another has the merchant's id."""
        try:
            self.connection.execute(
                "insert into resources (kind, id, external_id, parent, doc) values (?, ?, ?, ?, ?)"
                " on conflict (kind, id) do update set external_id = excluded.external_id, parent = excluded.parent,"
                " doc = excluded.doc",
                (kind, id_, external_id, parent, encode(record)),
            )
        except sqlite3.IntegrityError as error:
            raise Refusal("external_id_taken") from error

    def delete_resource(self, kind: Kind, id_: int) -> None:
        """Remove a resource; its merchant's id may be used again."""
        self.connection.execute("delete from resources where kind = ? and id = ?", (kind, id_))

    # stock

    def stock(self, variant_id: int) -> dict[int, int] | None:
        """How many of a variant each location holds, by location id; None where nobody counts it."""
        if not fits(variant_id):
            return None
        rows = self.connection.execute(
            "select location_id, available from inventories where variant_id = ? order by location_id", (variant_id,)
        ).fetchall()
        return dict(rows) if rows else None

    def put_stock(self, variant_id: int, location_id: int, available: int) -> None:
        """How many of a variant a location holds from now on."""
        self.connection.execute(
            "insert or replace into inventories (variant_id, location_id, available) values (?, ?, ?)",
            (variant_id, location_id, available),
        )

    def delete_stock(self, variant_id: int, location_id: int | None = None) -> None:
        """Count a variant no longer, at one location or anywhere."""
        if location_id is None:
            self.connection.execute("delete from inventories where variant_id = ?", (variant_id,))
        else:
            self.connection.execute(
                "delete from inventories where variant_id = ? and location_id = ?", (variant_id, location_id)
            )

    def delete_stock_at(self, location_id: int) -> None:
        """Forget what a location holds."""
        self.connection.execute("delete from inventories where location_id = ?", (location_id,))

    def stock_page(
        self,
        limit: int,
        *,
        after: tuple[int, int] | None = None,
        descending: bool = False,
        variant_id: int | None = None,
        location_id: int | None = None,
    ) -> list[tuple[int, int, int]]:
        """Up to `limit` rows (variant id, location id, available), by both ids, after a pair of them."""
        where, values = ["1 = 1"], list[int]()
        for column, value in (("variant_id", variant_id), ("location_id", location_id)):
            if value is not None:
                where.append(f"{column} = ?")
                values.append(value)
        if after is not None:
            where.append(f"(variant_id, location_id) {'<' if descending else '>'} (?, ?)")
            values.extend(after)
        if not all(map(fits, values)):
            return []
        order = "desc" if descending else "asc"
        rows = self.connection.execute(
            f"select variant_id, location_id, available from inventories where {' and '.join(where)}"
            f" order by variant_id {order}, location_id {order} limit ?",
            (*values, limit),
        )
        return [(variant, location, available) for variant, location, available in rows]
