"""From the body of the orders API to an order that the return engine knows: references looked up, money read, units
that were sent counted. Everything that is wrong is told at once, field by field."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import structs

from loopsim.domain.orders import Address, Customer, Fulfillment, Location, Order, OrderLine, Variant
from loopsim.domain.products import Product
from loopsim.errors import Invalid, Refusal
from loopsim.operations import commerce
from loopsim.operations.loop.customers import TEXTS, changed, new_customer, put_customer
from loopsim.operations.loop.locations import address_of
from loopsim.store.resources import Kind
from loopsim.store.transaction import Transaction
from loopsim.wire import times
from loopsim.wire.commerce import in_order
from loopsim.wire.orders import SAID_OF_LINES, SAID_OF_ORDERS, said_of

Body = dict[str, Any]
PLAIN = ("name", "status", "taxes_included", "external_id")
ECHOED = tuple(name for name in SAID_OF_ORDERS if name not in ("created_at", "updated_at"))
TAKEN = "This external id has already been taken."
NOBODY = Customer(id=0, email="", first_name="", last_name="")
SENT = frozenset({"success", "pending", "open"})
"""Statuses of a shipment whose units were sent, where it says when (assumed: the others failed)."""


class Reader:
    """Reads one body. `wrong` gathers messages by field, none where nothing is wrong so far; `parts` the field of each
    part by its kind and the merchant's own id; `external_id` the order's own that is asked for. `finish` raises what
    was found."""

    def __init__(self, tx: Transaction, order: Order) -> None:
        self.tx = tx
        self.order_id = order.id
        self.external_id: str | None = None
        self.parts: dict[tuple[str, str], str] = {}
        self.wrong: dict[str, list[str]] = {}

    def finish(self) -> None:
        """Raise `Invalid` for what was found."""
        if self.is_wrong():
            self.finish_with_taken_ids()

    def finish_with_taken_ids(self) -> None:
        """The same, with the ids that other orders or parts of them have. They are looked for where something is wrong
        anyway: the store keeps no id that is taken, and says so itself where nothing but the order's own is."""
        for (kind, external_id), field in self.parts.items():
            if self.tx.owner_of_part(kind, external_id) not in (None, self.order_id):
                self.wrong[field].insert(0, TAKEN)
        if not self.is_wrong():
            return
        owner = None if self.external_id is None else self.tx.order_by_external(self.external_id)
        if owner is not None and owner.id != self.order_id:
            self.wrong = {"external_id": [TAKEN], **self.wrong}
        raise Invalid({field: messages for field, messages in self.wrong.items() if messages})

    def is_wrong(self) -> bool:
        """Whether something is."""
        return any(self.wrong.values())

    def refuse(self, field: str, message: str) -> None:
        """Note what is wrong with a field."""
        self.wrong.setdefault(field, []).append(message)

    def reference(self, body: Body | None, kind: Kind, type_: type[Any], field: str) -> Any:
        """What a reference by either id stands for; None where it stands for nothing. Both at once are refused."""
        given = body or {}
        id_, external_id = given.get("id"), given.get("external_id")
        if id_ is not None and external_id is not None:
            self.refuse(f"{field}.id", f"The {field}.id field prohibits {field}.external_id from being present.")
            return None
        found = None
        if id_ is not None:
            found = self.tx.resource(kind, id_, type_)
        elif external_id is not None:
            found = self.tx.resource_by_external(kind, external_id, type_)
        if found is None and given:
            wrong = "id" if id_ is not None else "external_id"
            self.refuse(f"{field}.{wrong}", f"The selected {field}.{wrong} is invalid.")
        return found

    def moment(self, text: str | None, field: str) -> datetime | None:
        """A moment; None where none was sent."""
        if text is None:
            return None
        moment = times.parse(text, self.tx.now)
        if moment is None:
            self.refuse(field, f"The {field} field must be a valid date.")
        return moment

    def part(self, kind: str, external_id: str | None, field: str) -> str | None:
        """The merchant's own id of a part, which no other order may have."""
        if external_id is not None:
            self.wrong[field] = []  # its place among the others
            if self.parts.setdefault((kind, external_id), field) != field:
                self.refuse(field, f"The {field} field has a duplicate value.")
        return external_id


def put_merged(tx: Transaction, order: Order, body: Body) -> Order:
    """Keep the order with what a body says; what it leaves out stays. Raises `Invalid`, and
    `Refusal("external_id_taken")`."""
    reader = Reader(tx, order)
    changed_order = _merged(reader, order, body)
    try:
        tx.put_order(changed_order, order)
    except Refusal:
        reader.finish_with_taken_ids()
        raise
    return changed_order


def _merged(reader: Reader, order: Order, body: Body) -> Order:
    reader.external_id = body.get("external_id")
    changes: Body = {name: body[name] for name in PLAIN if body.get(name) is not None}
    if "sales_channel" in body:
        changes["sales_channel"] = body["sales_channel"] or ""
    if body.get("tags") is not None:
        changes["tags"] = tuple(body["tags"])
    for name in ("shipping_address", "billing_address"):
        if name in body:
            changes[name] = _address(body[name])
    changes |= _dated(reader, body)
    said = {name: in_order(body[name]) for name in ECHOED if name in body}
    changes["said"] = _all_said(order, {**said, **changes["said"]})
    if body.get("total_price") is not None:
        changes["currency"] = body["total_price"]["currency_code"]
    if "total_price_presentment" in body or changes["said"].get("total_price_presentment") is not None:
        changes |= _presentment(changes["said"])
    if body.get("line_items") is not None:
        changes["lines"] = _lines(reader, order, body["line_items"])
    if body.get("fulfillments") is not None:
        lines = changes.get("lines", order.lines)
        changes["fulfillments"] = _fulfillments(reader, order, lines, body["fulfillments"])
    elif "lines" in changes:
        changes["fulfillments"] = _left_of(order.fulfillments, {line.id for line in changes["lines"]})
    if "customer" in body:
        changes["customer"] = _customer(reader, body["customer"])
    reader.finish()
    changed_order = structs.replace(order, **changes)
    return _counted(changed_order) if changes.keys() & {"lines", "fulfillments"} else changed_order


def _address(given: Body | None) -> Address:
    return Address() if given is None else address_of(given)


def _dated(reader: Reader, body: Body) -> Body:
    """The moments of an order: as the engine needs them, and as they are shown, null where none was sent (captured)."""
    said, changes = {}, Body()
    for name in ("created_at", "updated_at"):
        if name in body:
            moment = reader.moment(body[name], name)
            said[name] = times.iso_or_none(moment)
            if name == "created_at" and moment is not None:
                changes["created_at"] = moment
    return {**changes, "said": said}


def _all_said(order: Order, said: Body) -> Body:
    """What is said of an order now. One that came another way keeps what was shown of it; a new one has no name yet."""
    if not said:
        return order.said
    return {**(said_of(order) if order.name else {}), **said}


def _presentment(said: Body) -> Body:
    """What the customer's currency is, and how much of it one unit of the shop's is, by the two totals as they are
    now, whichever of them came."""
    shop, presentment = said.get("total_price"), said.get("total_price_presentment")
    if presentment is None:
        return {"presentment_currency": "", "presentment_rate": 1_000_000}
    amount = (shop or presentment)["amount"]
    rate = 1_000_000 if not amount else round(presentment["amount"] * 1_000_000 / amount)
    return {"presentment_currency": presentment["currency_code"], "presentment_rate": max(rate, 1)}


def _lines(reader: Reader, order: Order, given: list[Body]) -> tuple[OrderLine, ...]:
    known = {line.external_id: line for line in order.lines if line.external_id is not None}
    lines = []
    for index, body in enumerate(given):
        field = f"line_items.{index}"
        external_id = reader.part("line", body.get("external_id"), f"{field}.external_id")
        product = reader.reference(body.get("product"), "product", Product, f"{field}.product")
        variant = reader.reference(body.get("product_variant"), "variant", Variant, f"{field}.product_variant")
        if product is None:
            continue
        if variant is None:
            variant = reader.tx.resource("variant", product.default_variant_id, Variant)
        old = known.get(external_id or "")
        lines.append(_line(reader.tx, body, product, variant, None if old is None else old.id))
    return tuple(lines)


def _line(tx: Transaction, body: Body, product: Product, variant: Variant | None, id_: int | None) -> OrderLine:
    quantity = body.get("quantity") or 1
    discount = (body.get("unit_discounts") or {}).get("amount", 0)
    tax = sum((each.get("price") or {}).get("amount", 0) for each in body.get("tax_lines") or ())
    title = "" if variant is None or variant.id == product.default_variant_id else variant.title
    return OrderLine(
        id=commerce.new_id(tx) if id_ is None else id_,
        product_id=product.id,
        variant_id=None if variant is None else variant.id,
        sku=(variant.sku if variant is not None else product.sku) or None,
        title=product.name,
        variant_title=title or None,
        quantity=quantity,
        unit_price=body["unit_price"]["amount"],
        discount=discount * quantity,
        tax=tax,
        barcode=(variant.barcode if variant is not None else product.barcode) or "",
        image=(variant.image if variant is not None else None) or next(iter(product.images), None),
        external_id=body.get("external_id"),
        tags=product.tags,
        said={name: in_order(body[name]) for name in SAID_OF_LINES if name in body},
    )


def _fulfillments(
    reader: Reader, order: Order, lines: tuple[OrderLine, ...], given: list[Body]
) -> tuple[Fulfillment, ...]:
    by_name = {line.external_id: line for line in lines if line.external_id is not None}
    known = {each.external_id: each.id for each in order.fulfillments if each.external_id is not None}
    made = []
    for index, body in enumerate(given):
        field = f"fulfillments.{index}"
        reader.part("fulfillment", body.get("external_id"), f"{field}.external_id")
        location = reader.reference(body.get("location"), "location", Location, f"{field}.location")
        items = body.get("fulfillment_line_items") or []
        pairs = []
        for place, item in enumerate(items):
            where = f"{field}.fulfillment_line_items.{place}"
            reader.part("fulfillment_line", item.get("external_id"), f"{where}.external_id")
            line = by_name.get(item["order_line_item_external_id"])
            if line is None:
                message = f"The selected {where}.order_line_item_external_id is invalid."
                reader.refuse(f"{where}.order_line_item_external_id", message)
            else:
                pairs.append((line.id, item["quantity"]))
        made.append(
            Fulfillment(
                id=known.get(body.get("external_id") or "") or commerce.new_id(reader.tx),
                fulfilled_at=reader.moment(body.get("fulfilled_at"), f"{field}.fulfilled_at"),
                lines=tuple(pairs),
                location_id=None if location is None else location.id,
                carrier=body.get("shipping_carrier") or "",
                tracking_number=next(iter(body.get("tracking_numbers") or ()), ""),
                external_id=body.get("external_id"),
                status=body.get("status") or "success",
                said={
                    "tracking_numbers": list(body.get("tracking_numbers") or ()),
                    "lines": [{"external_id": item.get("external_id")} for item in items],
                },
            )
        )
    return tuple(made)


def _left_of(shipments: tuple[Fulfillment, ...], line_ids: set[int]) -> tuple[Fulfillment, ...]:
    """Shipments without what they had of lines that the order has no more."""
    left = []
    for shipment in shipments:
        kept = [index for index, (line_id, _) in enumerate(shipment.lines) if line_id in line_ids]
        if len(kept) < len(shipment.lines):
            named = shipment.said.get("lines", ())
            said = {**shipment.said, "lines": [named[index] for index in kept if index < len(named)]}
            shipment = structs.replace(shipment, lines=tuple(shipment.lines[index] for index in kept), said=said)
        left.append(shipment)
    return tuple(left)


def _counted(order: Order) -> Order:
    """The order with the units of each line that were sent: of shipments that say when they left, and did not fail."""
    sent: dict[int, int] = {}
    for shipment in order.fulfillments:
        if shipment.fulfilled_at is not None and shipment.status in SENT:
            for line_id, quantity in shipment.lines:
                sent[line_id] = sent.get(line_id, 0) + quantity
    lines = [structs.replace(line, fulfilled=max(0, min(line.quantity, sent.get(line.id, 0)))) for line in order.lines]
    return structs.replace(order, lines=tuple(lines))


def _customer(reader: Reader, body: Body | None) -> Customer:
    """Who bought. By `external_id` with all four texts a customer is made or changed on the way (reported)."""
    if not body:
        return NOBODY
    external_id = body.get("external_id")
    if external_id is None or body.get("id") is not None:
        found: Customer | None = reader.reference(body, "customer", Customer, "customer")
        return found or NOBODY
    known = reader.tx.resource_by_external("customer", external_id, Customer)
    given = [name for name in TEXTS if body.get(name) is not None]
    if not given and known is not None:
        return known
    missing = [name for name in TEXTS if name not in given]
    for name in missing:
        reader.refuse(f"customer.{name}", f"The customer.{name} field is required.")
    if missing or reader.is_wrong():
        return NOBODY
    return new_customer(reader.tx, body) if known is None else put_customer(reader.tx, changed(known, body))
