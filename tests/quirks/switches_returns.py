"""Switches of how returns are listed, shown and moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from loopsim.contract import Operation, Rendered
from loopsim.domain import durations, processing, returns, totals
from loopsim.domain.returns import Return
from loopsim.domain.snowflakes import snowflake
from loopsim.errors import Refusal
from loopsim.operations import moves
from loopsim.operations.control.views import return_view
from loopsim.operations.loop import return_actions
from loopsim.operations.perform import TIMERS, Answer, Call
from loopsim.store.transaction import Transaction
from loopsim.wire import returns as rows
from loopsim.wire import times
from tests.quirks.patching import (
    Patch,
    Perform,
    Switch,
    after,
    answered,
    attribute,
    both,
    default,
    function,
    method,
    refused,
    rendered,
    wrapped,
)

Row = dict[str, Any]
TIME_FORMS = (times.iso, times.spaced, times.with_millis, times.in_zone)


# rows and details


def _with_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_numbers(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_numbers(each) for each in value]
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value


def _with_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each) for each in value]
    return str(value) if type(value) is int else value


def _sorted(row: Row) -> Row:
    return {name: row[name] for name in sorted(row)}


def _each_line(change: Callable[[Row], Row]) -> Callable[[Row], Row]:
    return lambda row: {**row, "line_items": [change(line) for line in row["line_items"]]}


def _by_quantity(row: Row) -> Row:
    counted: dict[str, Row] = {}
    for line in row["line_items"]:
        known = counted.setdefault(line["provider_line_item_id"], {**line, "quantity": 0})
        known["quantity"] += 1
    return {**row, "line_items": list(counted.values())}


def _labels_in_text(found: list[Row]) -> list[Row]:
    return [{**label, "line_items": [str(id_) for id_ in label["line_items"]]} for label in found]


def _null_for(*texts: str) -> Callable[[Any], Any]:
    def change(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: change(each) for name, each in value.items()}
        if isinstance(value, list):
            return [change(each) for each in value]
        return None if isinstance(value, str) and value in texts else value

    return change


def _list_reasons(row: Row) -> Row:
    renamed = {"reason": "return_reason", "parent_reason": "parent_return_reason"}
    return _each_line(lambda line: {renamed.get(name, name): value for name, value in line.items()})(row)


def _without(*names: str) -> Callable[[Row], Row]:
    return lambda row: {name: value for name, value in row.items() if name not in names}


def _first_of(*names: str) -> Callable[[Row], Row]:
    return lambda row: {**row, **{name: row[name][0] if row[name] else None for name in names}}


def _iso_times(row: Row) -> Row:
    names = ("created_at", "updated_at", "edited_at")
    return {**row, **{name: row[name] and row[name].replace(" ", "T") + "+00:00" for name in names}}


def _negated(row: Row) -> Row:
    return _each_line(lambda line: {**line, "price": line["price"].lstrip("-")})(row)


def _by_loops_order_id(real: Perform, tx: Transaction, call: Call) -> Answer:
    wanted = call.query.get("order_id")
    if wanted is None:
        return real(tx, call)
    for order in tx.orders():
        if str(order.loop_id) == wanted:
            return real(tx, Call(query={"order_name": order.name}, version=call.version))
    raise Refusal("return_not_found")


def _provider_number(row: Row) -> Row:
    return {**row, "order_number": row["provider_order_number"]}


def _number_at_zero(row: Row) -> Row:
    return {name: 0 if value == "0.00" else value for name, value in row.items()}


def _without_tax(row: Row) -> Row:
    total = f"{float(row['return_product_total']) - float(row['return_discount_total']):.2f}"
    return {**row, "return_total": total}


def _with_tax(row: Row) -> Row:
    total = f"{float(row['return_total']) + float(row['return_tax_total']):.2f}"
    return {**row, "return_total": total}


# moves


def _polite(_operation: Operation, refusal: Refusal, usual: Rendered) -> Rendered | None:
    if refusal.code not in ("unprocessable", "return_not_found") or usual.status != 200:
        return None
    return structs.replace(usual, status=409 if refusal.code == "unprocessable" else 404)


def _like_its_siblings(operation: Operation, refusal: Refusal, _usual: Rendered) -> Rendered | None:
    if operation.id != "removeLineItems":
        return None
    return Rendered(200, {"errors": {"message": refusal.code, "code": "UNPROCESSABLE_RETURN"}}, {})


def _broken_with_200(real: Perform, tx: Transaction, call: Call) -> Answer:
    return structs.replace(real(tx, call), status=200)


def _plainly_flagged(_operation: Operation, refusal: Refusal, usual: Rendered) -> Rendered | None:
    if refusal.code != "flagged":
        return None
    message = "Return is flagged and therefore cannot be processed."
    return structs.replace(usual, body={"errors": {"message": message, "code": "UNPROCESSABLE_RETURN"}})


def _process_at_once(tx: Transaction, return_: Return, _source: Any, _details: Any = None) -> Return:
    return moves.process_now(tx, return_)


def _fails_silently(patch: Patch) -> None:
    real = returns.move

    def move(return_: Return, action: Any, now: Any, **changes: Any) -> Any:
        if action == "process_failed":
            return structs.replace(return_, pending=None), ()
        return real(return_, action, now, **changes)

    emit = Transaction.emit
    patch.everywhere(real, move)
    patch.set(returns, "move", move)
    patch.set(
        Transaction,
        "emit",
        lambda self, *events: emit(self, *(each for each in events if each.trigger != "return.processing.failed")),
    )


def _remove_and_stay_open(tx: Transaction, return_: Return, line_ids: list[int]) -> Return:
    left = tuple(line for line in return_.lines if line.id not in line_ids)
    tx.free_units(set(line_ids))
    changed = returns.with_money(structs.replace(return_, lines=left))
    tx.put_return(changed)
    return changed


def _queued_by_remove(tx: Transaction, return_: Return, line_ids: list[int]) -> Return:
    return moves.queue_processing(tx, _remove_and_stay_open(tx, return_, line_ids), "api")


def _does_nothing(_real: Perform, tx: Transaction, call: Call) -> Any:
    return {"return": return_view(tx.need_return(call.body["return_id"]), tx)}


def _all_or_nothing(patch: Patch) -> None:
    real = processing.process

    def process(return_: Return, around: Any) -> Any:
        short = any(around.stock.get(item.variant_id, 1) <= 0 for item in return_.exchanges if item.order_id is None)
        if short:
            raise Refusal("out_of_stock")
        return real(return_, around)

    patch.set(processing, "process", process)

    def timer(tx: Transaction, return_id: int, data: Any) -> None:
        try:
            usual(tx, return_id, data)
        except Refusal:
            return_ = tx.need_return(return_id)
            tx.put_return(structs.replace(return_, pending=None))

    usual = TIMERS["return.process"]
    patch.item(TIMERS, "return.process", timer)


def _duration(name: str, seconds: int) -> Switch:
    return lambda patch: patch.item(
        durations.DURATIONS, name, structs.replace(durations.DURATIONS[name], low=seconds, high=seconds)
    )


def _fast_carrier(patch: Patch) -> None:
    for service, scans in durations.CARRIER.items():
        quick = tuple((status, structs.replace(span, low=60, high=60)) for status, span in scans)
        patch.item(durations.CARRIER, service, quick)


def _next_uuid_like_id(real: Any, self: Transaction, kind: str) -> int:
    return int(real(self, kind)) * 7 % 1_000_003


SWITCHES: dict[str, Switch] = {
    "list-key-order": after(rows.list_row, _sorted),
    "list-four-outcomes": after(rows.outcomes_processed_at, lambda value: {**value, "shop_cash_processed": None}),
    "list-negative-credit": after(rows.list_row, _negated),
    "list-exchange-type": after(rows.exchange, lambda value: {**value, "type": "variant"}),
    "list-types-alike": after(rows.list_row, _number_at_zero),
    # fields
    "list-string-ids": after(rows.list_row, _with_numbers),
    "row-per-unit": after(rows.list_row, _by_quantity),
    "label-lines-numbers": after(rows.labels, _labels_in_text),
    "order-number": after(rows.list_row, _provider_number),
    "na-texts": after(rows.list_row, _null_for("N/A")),
    "empty-texts": after(rows.list_row, _null_for("")),
    "label-pending": after(
        rows.label_fields, lambda value: {**value, "carrier": "N/A", "tracking_number": "", "label_status": "N/A"}
    ),
    "label-none": after(rows.label_fields, _null_for("N/A")),
    "returned-at-spaced": both(function(times.spaced, times.iso)),
    "php-datetime-dumps": function(times.php_dump, times.iso_or_none),
    "time-formats": both(*(function(form, lambda moment, *_: str(int(moment.timestamp()))) for form in TIME_FORMS)),
    "totals-tax-on-top": after(rows.list_row, _without_tax),
    "totals-tax-inside": after(rows.list_row, _with_tax),
    "unit-refund-sum": after(
        totals.unit_refund, lambda refund: structs.replace(refund, item=refund.refund, tax=refund.tax)
    ),
    "ids-rise": method(Transaction, "next_id", _next_uuid_like_id),
    "ids-apart": method(Transaction, "first_id", lambda _real, _self, _kind: 100),
    "snowflakes": function(snowflake, lambda _moment, number, _seed: 1_000_000 + number),
    # details
    "details-not-found": refused("return_not_found", 404, {"message": "Not Found"}, "getReturnDetails"),
    "details-by-id": answered("getReturnDetails", lambda value: [value] if isinstance(value, dict) else value),
    "details-by-order": default("details_by_order", "object"),
    "details-order-id": wrapped("getReturnDetails", _by_loops_order_id),
    "details-number-ids": after(rows.details, _with_texts),
    "details-space-times": after(rows.details, _iso_times),
    "details-reasons": after(rows.details, _list_reasons),
    "details-own-fields": after(rows.details, _without("refunds", "exchange")),
    "details-no-order-number": after(
        rows.details, lambda row: {**row, "order_number": row["order_number"] or 0, "provider_order_number": None}
    ),
    "details-exchange-orders": after(rows.details, _first_of("exchange_order_name", "exchange_order_id")),
    # actions
    "refusals-200": rendered(_polite),
    "success-true": attribute(return_actions, "_done", lambda _tx: Answer({"success": True})),
    "refusal-echo": refused("unprocessable", 200, {"errors": {"message": "This return cannot be processed."}}),
    "flagged-open": rendered(_plainly_flagged),
    "cancel-words": refused(
        "cannot_be_processed",
        200,
        {"errors": {"message": "Return is expired and therefore cannot be processed.", "code": "UNPROCESSABLE_RETURN"}},
    ),
    "process-later": attribute(moves, "queue_processing", _process_at_once),
    "process-fails": _fails_silently,
    "flag-marker": default("flag_moves_to_review", "on"),
    "flag-staff": both(wrapped("staffUnflags", _does_nothing), wrapped("staffResolvesReview", _does_nothing)),
    "remove-at-once": attribute(moves, "remove_lines", _queued_by_remove),
    "remove-first-closes": attribute(moves, "remove_lines", _remove_and_stay_open),
    "remove-all-cancels": attribute(moves, "remove_lines", lambda tx, return_, _ids: moves.close(tx, return_)),
    "remove-own-errors": both(rendered(_like_its_siblings), wrapped("removeLineItems", _broken_with_200)),
    # lifecycle
    "expiry": attribute(returns, "has_expired", lambda return_, *_: return_.state == "open"),
    "out-of-stock": _all_or_nothing,
    "label-after-4s": _duration("label_made", 2),
    "processed-after-2s": _duration("process_done", 1),
    "carrier-in-days": _fast_carrier,
}
