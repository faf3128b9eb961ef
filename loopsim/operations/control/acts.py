"""Acts: what no public API offers. A customer submits, a carrier scans, staff decides, stock runs out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec import structs

from loopsim.domain import returns
from loopsim.domain.labels import JOURNEY
from loopsim.domain.orders import Address, Customer, Fulfillment, Location, Order, OrderLine, Variant
from loopsim.domain.policy import decide
from loopsim.domain.returns import Return
from loopsim.domain.snowflakes import snowflake
from loopsim.domain.submission import Item, Submission, candidates, check_editable, edit, submit
from loopsim.errors import Refusal
from loopsim.operations import happy_returns, moves
from loopsim.operations.control.views import return_view
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction

Body = dict[str, Any]
DEFAULT_REASON = "Changed my mind"


# the customer


@operation("customerSubmitsReturn")
def customer_submits_return(tx: Transaction, call: Call) -> Any:
    """Submit a return for an order, or for the next order that has something to send back."""
    body = call.body or {}
    order = _next_order(tx, body) if body.get("order") is None else _order(tx, body["order"])
    submission = _submission(tx, order, body, taken=frozenset())
    decision = decide(
        tx.settings.policy, order, candidates(submission), submission.method, tx.settings.default_destination_id
    )
    change = submit(submission, decision, tx.settings, tx.next_id, tx.now)
    tx.hold_units(change.return_.id, [(line.id, line.order_line_id, line.unit) for line in change.return_.lines])
    return _view(tx, moves.submit(tx, change))


@operation("customerEditsReturn")
def customer_edits_return(tx: Transaction, call: Call) -> Any:
    """Choose other units or outcomes while the return is open and nothing was processed."""
    body = call.body
    return_ = tx.need_return(body["return_id"])
    check_editable(return_)
    order = tx.order(return_.order.id)
    if order is None:
        raise Refusal("order_not_found")
    mine = frozenset((line.order_line_id, line.unit) for line in return_.lines)
    same = {"method": return_.method, "leftover": return_.leftover, "gift": return_.is_gift}
    submission = _submission(tx, order, {**same, **_same_choices(return_, body), **body}, taken=mine)
    decision = decide(tx.settings.policy, order, candidates(submission), submission.method, return_.destination_id)
    changed = edit(return_, submission, decision, tx.next_id, tx.now)
    tx.forget_units(return_.id)
    tx.hold_units(return_.id, [(line.id, line.order_line_id, line.unit) for line in changed.lines])
    return _view(tx, moves.start_if_due(tx, moves.save(tx, changed, "edit")))


@operation("customerDropsOff")
def customer_drops_off(tx: Transaction, call: Call) -> Any:
    """Hand the items over at a Happy Returns bar."""
    return _view(tx, happy_returns.drop_off(tx, _named(tx, call)))


def _same_choices(return_: Return, body: Body) -> Body:
    """What an edit that does not speak of them leaves as it was: the units, and what was bought with their credit."""
    items = [
        {
            "line_item_id": line.order_line_id,
            "outcome": line.resolution,
            "reason": line.reason,
            "parent_reason": line.parent_reason,
            "comment": line.comment,
            "exchange_variant": line.exchange_variant_id,
        }
        for line in return_.lines
    ]
    still_shops = any(item.get("outcome") == "shop_now" for item in body.get("items", items))
    # Even exchanges come first, one per unit; what follows was bought.
    bought = return_.exchanges[sum(line.resolution == "exchange" for line in return_.lines) :]
    shop_now = [{"variant": item.variant_id} for item in bought] if still_shops else []
    return {"items": items, "shop_now": shop_now}


def _next_order(tx: Transaction, body: Body) -> Order:
    """The first order that has all the units that are asked for; final sale does not count unless it is named."""
    refusal = Refusal("nothing_returnable")
    for order in tx.orders():
        free = [piece for piece in _free(tx, order) if not piece[0].final_sale or _is_named(piece[0], body)]
        if not free:
            continue
        try:
            for wanted in body.get("items") or [{}]:
                _units(tx, wanted, free)
        except Refusal as other:
            refusal = other
        else:
            return order
    raise refusal


def _is_named(line: OrderLine, body: Body) -> bool:
    return any(
        item.get("line_item_id") == line.id or (item.get("sku") is not None and item["sku"] == line.sku)
        for item in body.get("items") or ()
    )


def _order(tx: Transaction, named: str | int) -> Order:
    by_id = tx.order(named) if isinstance(named, int) else None
    by_name = [by_id] if by_id is not None else tx.orders_named(str(named))
    if by_name:
        return by_name[-1]
    number = int(named) if str(named).isdigit() else None
    order_found = None if number is None else tx.order(number) or tx.order_by_provider(number)
    if order_found is None:
        raise Refusal("order_not_found")
    return order_found


def _free(tx: Transaction, order: Order, mine: frozenset[tuple[int, int]] = frozenset()) -> list[tuple[OrderLine, int]]:
    """The fulfilled units that no return holds but the one with the units `mine`: (line, unit), those first, then in
    order."""
    held = tx.held_units(line.id for line in order.lines) - mine
    free = [(line, unit) for line in order.lines for unit in range(line.fulfilled) if (line.id, unit) not in held]
    return sorted(free, key=lambda piece: (piece[0].id, piece[1]) not in mine)


def _submission(tx: Transaction, order: Order, body: Body, taken: frozenset[tuple[int, int]]) -> Submission:
    free = _free(tx, order, taken)
    if not free:
        raise Refusal("nothing_returnable")
    asked = body.get("items") or [{}]
    items = [item for wanted in asked for item in _units(tx, wanted, free)]
    shop_now = tuple((_variant(tx, each["variant"]), each.get("quantity", 1)) for each in body.get("shop_now") or ())
    return Submission(
        order=order,
        items=tuple(items),
        shop_now=shop_now,
        leftover=body.get("leftover") or "refund",
        method=body.get("method") or "mail",
        instant=bool(body.get("instant")),
        gift=bool(body.get("gift")),
    )


def _units(tx: Transaction, wanted: Body, free: list[tuple[OrderLine, int]]) -> list[Item]:
    """Take as many units off `free` as are wanted; refuse where they are not to be had. Final sale is taken only where
    it is named, or where there is nothing else."""
    line_id, sku = wanted.get("line_item_id"), wanted.get("sku")
    variant = None if wanted.get("exchange_variant") is None else _variant(tx, wanted["exchange_variant"])
    chosen = []
    for _ in range(wanted.get("quantity", 1)):
        fitting = [
            index for index, (line, _) in enumerate(free) if line_id in (None, line.id) and sku in (None, line.sku)
        ]
        if not fitting:
            raise Refusal("unit_already_returned")
        line, unit = free.pop(min(fitting, key=lambda index: free[index][0].final_sale))
        chosen.append(
            Item(
                line=line,
                unit=unit,
                resolution=wanted.get("outcome") or "refund",
                reason=wanted.get("reason") or DEFAULT_REASON,
                parent_reason=wanted.get("parent_reason"),
                comment=wanted.get("comment") or "N/A",
                exchange_variant=variant,
            )
        )
    return chosen


def _variant(tx: Transaction, named: str | int) -> Variant:
    by_id = tx.resource("variant", int(named), Variant) if str(named).isdigit() else None
    if by_id is not None:
        return by_id
    for variant in tx.resources("variant", Variant):
        if variant.sku == named:
            return variant
    raise Refusal("unknown_variant", variant=str(named))


# the carrier


@operation("carrierScans")
def carrier_scans(tx: Transaction, call: Call) -> Any:
    """Scan a parcel. On the way to a later status every scan in between happens too, as it would on the road."""
    return_, status = _named(tx, call), call.body["status"]
    label_id = call.body.get("label_id")
    label = (return_.labels[-1] if return_.labels else None) if label_id is None else return_.label(label_id)
    if label is None:
        raise Refusal("label_not_found")
    if return_.state not in returns.LIFECYCLE["label_changed"]:
        raise Refusal("unprocessable", state=return_.state)
    for step in _steps(label.status, status):
        current = return_.label(label.id)
        assert current is not None
        return_ = moves.scan_label(tx, return_, current, step)
    return _view(tx, return_)


def _steps(now: str, goal: str) -> list[Any]:
    if now in JOURNEY and goal in JOURNEY and JOURNEY.index(goal) > JOURNEY.index(now):
        return list(JOURNEY[JOURNEY.index(now) + 1 : JOURNEY.index(goal) + 1])
    return [goal]


# staff


def _by_staff(operation_id: str, change: Callable[[Transaction, Return], Return]) -> None:
    def act(tx: Transaction, call: Call) -> Any:
        return _view(tx, change(tx, _named(tx, call)))

    operation(operation_id)(act)


def _process(tx: Transaction, return_: Return) -> Return:
    returns.move(return_, "process_by_staff", tx.now)
    return moves.queue_processing(tx, return_, moves.STAFF)


def _unflag(tx: Transaction, return_: Return) -> Return:
    if not return_.flagged:
        raise Refusal("not_unflaggable")
    return moves.save(tx, return_, "unflag", flagged=False)


def _resolve(tx: Transaction, return_: Return) -> Return:
    return moves.save(tx, return_, "resolve", flagged=False)


_by_staff("staffProcesses", _process)
_by_staff("staffFlags", moves.flag)
_by_staff("staffUnflags", _unflag)
_by_staff("staffCloses", moves.close)
_by_staff("staffCancels", moves.cancel)
_by_staff("staffResolvesReview", _resolve)


# Happy Returns


@operation("happyReturnsShips")
def happy_returns_ships(tx: Transaction, _call: Call) -> Any:
    """Let the boxes leave now."""
    shipment = happy_returns.ship(tx)
    if shipment is None:
        raise Refusal("nothing_to_ship")
    return {
        "loop_shipment_id": shipment.loop_shipment_id,
        "happy_returns_shipment_id": shipment.happy_returns_shipment_id,
        "return_count": shipment.return_count,
        "line_item_count": shipment.line_item_count,
    }


# orders, stock, money


@operation("ordersMakes")
def orders_makes(tx: Transaction, call: Call) -> Any:
    """A customer orders; by default the order is fulfilled at once."""
    body = call.body
    settings, number = tx.settings, tx.count("order")
    shopify = settings.platform == "shopify"
    order_id = snowflake(tx.now, 2 * number, settings.seed)
    lines = tuple(_order_line(tx, wanted, body.get("tax_percent", 0)) for wanted in body["lines"])
    if body.get("fulfilled", True):
        lines = tuple(structs.replace(line, fulfilled=line.quantity) for line in lines)
    provider_number = str(90_000 + number)
    email = body.get("email") or f"shopper{number}@example.com"
    first, last = body.get("first_name") or "Robin", body.get("last_name") or "Shopper"
    address = Address(
        name=f"{first} {last}",
        address1="1 Test Street",
        city="Testville",
        state="Ohio" if settings.country_code == "US" else "",
        zip=body.get("zip") or "43004",
        country=body.get("country") or settings.country,
        country_code=body.get("country_code") or settings.country_code,
    )
    order = Order(
        id=order_id,
        loop_id=150_000_000 + number,
        provider_id=5_900_000_000_000 + number if shopify else order_id,
        name=body.get("name") or f"#{provider_number}",
        number=str(int(provider_number) - 1000) if shopify else "",
        provider_number=provider_number if shopify else "",
        customer=Customer(
            id=snowflake(tx.now, 2 * number + 1, settings.seed), email=email, first_name=first, last_name=last
        ),
        currency=settings.currency,
        created_at=tx.now - timedelta(days=3),
        lines=lines,
        shipping_address=address,
        billing_address=address,
        taxes_included=settings.taxes_included,
    )
    tx.put_order(order)
    return {"order": _order_view(order)}


def _order_line(tx: Transaction, wanted: Body, tax_percent: int) -> OrderLine:
    variant = _variant(tx, wanted["variant"])
    quantity, discount = wanted.get("quantity", 1), wanted.get("discount", 0)
    net = variant.price * quantity - discount
    if net < 0:
        raise Refusal("discount_too_large")
    included = tx.settings.taxes_included
    tax = net * tax_percent // (100 + tax_percent) if included else net * tax_percent // 100
    return OrderLine(
        id=13_900_000_000_000 + tx.count("order_line"),
        product_id=variant.product_id,
        variant_id=variant.id,
        sku=variant.sku,
        title=variant.product_title,
        variant_title=variant.title or None,
        quantity=quantity,
        unit_price=variant.price,
        discount=discount,
        tax=tax,
        barcode=variant.barcode,
        image=variant.image,
        tags=variant.tags,
    )


@operation("ordersFulfils")
def orders_fulfils(tx: Transaction, call: Call) -> Any:
    """Everything of an order is sent out; from then on it can come back."""
    order = _order(tx, call.body["order"])
    left = tuple((line.id, line.quantity - line.fulfilled) for line in order.lines if line.quantity > line.fulfilled)
    fulfilled = structs.replace(
        order,
        lines=tuple(structs.replace(line, fulfilled=line.quantity) for line in order.lines),
        fulfillments=(
            (*order.fulfillments, Fulfillment(id=tx.next_id("fulfillment"), fulfilled_at=tx.now, lines=left))
            if left
            else order.fulfillments
        ),
    )
    tx.put_order(fulfilled)
    return {"order": _order_view(fulfilled)}


def _order_view(order: Order) -> Body:
    return {
        "id": order.id,
        "name": order.name,
        "provider_id": order.provider_id,
        "line_items": [
            {"id": line.id, "sku": line.sku, "quantity": line.quantity, "fulfilled": line.fulfilled}
            for line in order.lines
        ],
    }


@operation("stockSets")
def stock_sets(tx: Transaction, call: Call) -> Any:
    """How many of a variant a location holds; without a location, the first one, and none elsewhere."""
    body = call.body
    variant = _variant(tx, body["variant"])
    known = [place.id for place in tx.resources("location", Location)]
    named = body.get("location_id")
    if named is None:
        tx.delete_stock(variant.id)
    elif int(named) not in known:
        raise Refusal("location_not_found")
    tx.put_stock(variant.id, next(iter(known), 0) if named is None else int(named), body["available"])
    return {"variant_id": variant.id, "sku": variant.sku, "available": moves.available(tx, variant.id)}


def _fails_next(operation_id: str, switch: str) -> None:
    def act(tx: Transaction, call: Call) -> Any:
        count = (call.body or {}).get("count", 1)
        tx.set_switch(switch, count)
        return {"count": count}

    operation(operation_id)(act)


_fails_next("paymentFailsNext", "payment_fails")
_fails_next("processingFailsNext", "processing_fails")


def _named(tx: Transaction, call: Call) -> Return:
    return tx.need_return(call.body["return_id"])


def _view(tx: Transaction, return_: Return) -> Any:
    return {"return": return_view(return_, tx)}
