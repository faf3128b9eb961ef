"""What customers do: submit a return, edit it, hand the items over."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from loopsim.domain import eligibility
from loopsim.domain.orders import Order, OrderLine
from loopsim.domain.returns import Return
from loopsim.domain.submission import Item, Submission, check_editable, edit
from loopsim.errors import Refusal
from loopsim.operations import happy_returns, moves
from loopsim.operations.buyers import with_live_customer
from loopsim.operations.control.named import named_order, named_return, named_variant, shown
from loopsim.operations.loop.carts import TOKEN_DIGITS
from loopsim.operations.perform import Call, operation
from loopsim.operations.submitting import decision_of, submit, terms_of
from loopsim.store.transaction import Transaction

DEFAULT_REASON = "Changed my mind"
Body = dict[str, Any]
_TOKEN = re.compile(rf"(?<![0-9a-f])[0-9a-f]{{{TOKEN_DIGITS}}}(?![0-9a-f])")


@operation("customerSubmitsReturn")
def customer_submits_return(tx: Transaction, call: Call) -> Any:
    """Submit a return for an order, or for the next order that has something to send back."""
    body = call.body or {}
    order = _next_order(tx, body) if body.get("order") is None else named_order(tx, body["order"])
    return shown(tx, submit(tx, _submission(tx, order, body, taken=frozenset())))


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
    decision = decision_of(tx, submission, terms_of(tx), return_.destination_id)
    changed = edit(return_, submission, decision, tx.settings.policy.label_source, tx.next_id, tx.now)
    tx.forget_units(line.id for line in return_.lines)
    tx.hold_units(return_.id, [(line.id, line.order_line_id, line.unit) for line in changed.lines])
    edited = moves.save(tx, changed, "edit")
    moves.label_as_edited(tx, edited)
    return shown(tx, moves.start_if_due(tx, edited))


@operation("customerDropsOff")
def customer_drops_off(tx: Transaction, call: Call) -> Any:
    """Hand the items over at a Happy Returns bar."""
    return shown(tx, happy_returns.drop_off(tx, named_return(tx, call)))


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
    """The first order that has all the units that are asked for; final sale does not count unless it is named, nor what
    the lists or the window forbid."""
    refusal = Refusal("nothing_returnable")
    terms = terms_of(tx)
    for order in tx.orders():
        free = [piece for piece in _free(tx, order, body) if not piece[0].final_sale or _is_named(piece[0], body)]
        if not free:
            continue
        try:
            chosen = [item.line for wanted in body.get("items") or [{}] for item in _units(tx, wanted, free)]
            eligibility.check(with_live_customer(tx, order), chosen, terms, tx.now)
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


def _free(
    tx: Transaction, order: Order, body: Body, mine: frozenset[tuple[int, int]] = frozenset()
) -> list[tuple[OrderLine, int]]:
    """The fulfilled units that no return holds but the one with the units `mine`: (line, unit), those first, then in
    order; of each line no more than are asked for, since there may be a billion."""
    held = tx.held_units(line.id for line in order.lines)
    most = sum(wanted.get("quantity", 1) for wanted in body.get("items") or [{}])
    free = [(line, unit) for line in order.lines for id_, unit in sorted(mine) if id_ == line.id]
    for line in order.lines:
        others = (unit for unit in range(line.fulfilled) if (line.id, unit) not in held)
        free += [(line, unit) for unit in islice(others, most)]
    return [(line, unit) for line, unit in free if unit < line.fulfilled]


def _submission(tx: Transaction, order: Order, body: Body, taken: frozenset[tuple[int, int]]) -> Submission:
    free = _free(tx, order, body, taken)
    if not free:
        raise Refusal("nothing_returnable")
    asked = body.get("items") or [{}]
    items = [item for wanted in asked for item in _units(tx, wanted, free)]
    shop_now = tuple(
        (named_variant(tx, each["variant"]), each.get("quantity", 1)) for each in body.get("shop_now") or ()
    )
    if body.get("cart") is not None:
        shop_now += tuple((named_variant(tx, id_), 1) for id_ in _brought(tx, body["cart"]))
    return Submission(
        order=with_live_customer(tx, order),
        items=tuple(items),
        shop_now=shop_now,
        leftover=body.get("leftover") or "refund",
        method=body.get("method") or "mail",
        instant=bool(body.get("instant")),
        gift=bool(body.get("gift")),
    )


def _brought(tx: Transaction, given: str) -> list[int]:
    """The variant ids of the cart that a token, or an address with one in it, stands for."""
    for token in _TOKEN.findall(given):
        cart = tx.get("cart", token, list)
        if cart is not None:
            return cart
    raise Refusal("unknown_cart", cart=given)


def _units(tx: Transaction, wanted: Body, free: list[tuple[OrderLine, int]]) -> list[Item]:
    """Take as many units off `free` as are wanted; refuse where they are not to be had. Final sale is taken only where
    it is named, or where there is nothing else."""
    line_id, sku = wanted.get("line_item_id"), wanted.get("sku")
    variant = None if wanted.get("exchange_variant") is None else named_variant(tx, wanted["exchange_variant"])
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
