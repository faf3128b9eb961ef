"""The orders behind imported returns: found or inferred, with exactly the units seen.

Every line item is a unit of its own: three of one order line, in however many returns, are its units 0, 1 and 2. An
order that is in the shop is used again if an import inferred it, or if it has the lines.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import datetime

from msgspec import structs

from loopsim.domain import chance, snowflakes
from loopsim.domain.inference import INFERRED, inferred_order, with_room, with_units
from loopsim.domain.orders import Customer, Order
from loopsim.domain.returns import Return, ReturnLine
from loopsim.store.transaction import Transaction
from loopsim.wire.fields import Unreadable

_SMALLEST_SNOWFLAKE = 10**16  # of a few days after their epoch; Shopify's ids are far below
_LOW = (1 << snowflakes.SHIFT) - 1


class _Draft:
    """An order as it grows: `units` by order line id and unit number, the numbers that are `taken` by order line id,
    and where the search for the next `free` one begins."""

    def __init__(self, order: Order, returns: Iterable[Return]) -> None:
        self.order = order
        self.inferred = INFERRED in order.tags
        self.units: dict[int, dict[int, ReturnLine]] = {} if self.inferred else {line.id: {} for line in order.lines}
        self.taken: dict[int, set[int]] = {}
        self.free: dict[int, int] = {}
        self.earliest: datetime | None = None
        for return_ in returns:
            self.saw(return_.created_at)
            for line in return_.lines:
                self.units.setdefault(line.order_line_id, {})[line.unit] = line

    def saw(self, moment: datetime) -> None:
        self.earliest = moment if self.earliest is None else min(self.earliest, moment)

    def written(self) -> Order:
        if self.inferred:
            return with_units(self.order, self.units, self.earliest or self.order.created_at)
        return with_room(self.order, self.units)


class ImportedOrders:
    """The orders that an import touches, by the platform's id."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._drafts: dict[int, _Draft] = {}
        self._owner: dict[int, int] = {}
        self._ids: set[int] = set()

    def place(self, return_: Return, customer: Customer) -> Return:
        """The return with its order's id, and a unit of its own for each of its lines.

        Raises `Unreadable` where an order line cannot be one of the order.
        """
        draft = self._draft(return_, customer)
        draft.saw(return_.created_at)
        lines = []
        for index, line in enumerate(return_.lines):
            try:
                lines.append(self._placed(draft, line))
            except Unreadable as error:
                raise error.inside(f"line_items[{index}]") from None
        # A row tells better than another row, but not better than an order somebody placed.
        included = return_.order.taxes_included if draft.inferred else draft.order.taxes_included
        order = structs.replace(return_.order, id=draft.order.id, taxes_included=included)
        return structs.replace(return_, order=order, lines=tuple(lines))

    def write(self, left: Iterable[int]) -> Generator[None, None, int]:
        """Write the orders one by one, and tidy up those (`left`, by id) whose returns were replaced. How many were
        written."""
        for draft in self._drafts.values():
            self._tx.put_order(draft.written())
            yield
        for order_id in sorted(set(left) - {draft.order.id for draft in self._drafts.values()}):
            self._tidy(order_id)
            yield
        return len(self._drafts)

    def _tidy(self, order_id: int) -> None:
        order = self._tx.order(order_id)
        if order is None or INFERRED not in order.tags:
            return
        returns = self._tx.returns_of_order(order_id)
        if returns:
            self._tx.put_order(_Draft(order, returns).written())
        else:
            self._tx.delete_order(order_id)

    def _draft(self, return_: Return, customer: Customer) -> _Draft:
        provider_id = return_.order.provider_id
        draft = self._drafts.get(provider_id)
        if draft is None:
            order = self._tx.order_by_provider(provider_id)
            if order is None:
                draft = _Draft(inferred_order(return_, self._new_id(return_), customer), ())
            else:
                draft = _Draft(order, self._tx.returns_of_order(order.id))
            self._drafts[provider_id] = draft
        return draft

    def _new_id(self, return_: Return) -> int:
        """Outside Shopify the platform's id is Loop's own; else one that holds a moment, as Loop's do."""
        provider_id = return_.order.provider_id
        drawn = chance.draw(self._tx.settings.seed, "imported order", provider_id)
        found = provider_id
        if provider_id < _SMALLEST_SNOWFLAKE:
            found = snowflakes.snowflake_at(max(return_.created_at, snowflakes.EPOCH), drawn & _LOW)
        while found in self._ids or self._tx.order(found) is not None:
            found += 1
        self._ids.add(found)
        return found

    def _placed(self, draft: _Draft, line: ReturnLine) -> ReturnLine:
        line_id, order = line.order_line_id, draft.order
        if not draft.inferred and order.line(line_id) is None:
            raise Unreadable("provider_line_item_id", f"order {order.provider_id} of this shop has no line {line_id}")
        owner = self._owner.setdefault(line_id, order.provider_id)
        if owner != order.provider_id:
            raise Unreadable("provider_line_item_id", f"{line_id} is a line of order {owner} in an earlier row")
        units = draft.units.setdefault(line_id, {})
        taken = draft.taken.get(line_id)
        if taken is None:
            held = self._tx.held_units([line_id])
            taken = draft.taken[line_id] = {*units, *(unit for _, unit in held)}
        unit = draft.free.get(line_id, 0)
        while unit in taken:
            unit += 1
        draft.free[line_id] = unit + 1
        units[unit] = placed = structs.replace(line, unit=unit)
        return placed
