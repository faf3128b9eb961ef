"""Switches of commerce data, listings and carts."""

from __future__ import annotations

import base64
import json
from typing import Any

from msgspec import structs

from loopsim.contract import Operation, Rendered, Validated, validate
from loopsim.contract.shaping import Shape
from loopsim.domain import products as domain_products
from loopsim.domain.orders import Customer, Variant
from loopsim.errors import Invalid, Refusal
from loopsim.operations import buyers, commerce, incoming_orders
from loopsim.operations.incoming_orders import Reader
from loopsim.operations.perform import Answer, Call
from loopsim.server import cors
from loopsim.store.records import Records
from loopsim.store.resources import Resources
from loopsim.store.transaction import Transaction
from loopsim.wire import commerce as wire
from loopsim.wire import paging
from tests.quirks.patching import Switch, answered, attribute, both, function, method, rendered, wrapped


def _with_422(operation: Operation, refusal: Refusal, usual: Rendered) -> Rendered | None:
    return structs.replace(usual, status=422) if operation.tag == "Carts" and refusal.code != "unauthorized" else None


def _rising(tx: Transaction) -> int:
    return tx.next_id("resource")


def _keep_ids(operation: Operation, body: Any) -> Validated:
    if operation.id != "upsertCustomer":
        return validate(operation, body)
    if "id" in body and "external_id" in body:
        raise Invalid({"id": ["Not both."]})
    return validate(operation, {"external_id": str(body.get("id", "")) or None, **body})


def _rounded(real: Any, self: Shape, value: Any, prefix: str, notes: Any) -> Any:
    cut = self.truncates and isinstance(value, float)
    return real(self, round(value) if cut else value, prefix, notes)


def _strict(operation: Operation, body: Any) -> Validated:
    validated = validate(operation, body)
    if validated.unknown:
        raise Invalid({validated.unknown[0]: ["The field is not known."]})
    return validated


def _put_anyway(
    real: Any, self: Resources, kind: Any, id_: int, record: Any, external_id: Any = None, parent: Any = None
) -> None:
    """Two resources may have one merchant's id."""
    found = external_id and self.resource_by_external(kind, external_id, dict)
    real(self, kind, id_, record, None if found and found["id"] != id_ else external_id, parent)


def _per_product(_real: Any, self: Resources, variant: Variant) -> None:
    """The merchant's id of a variant is unique in its product only."""
    own = {each.external_id for each in self.variants_of(variant.product_id) if each.id != variant.id}
    taken = variant.external_id in own
    kept = (
        variant.external_id if taken or variant.external_id is None else f"{variant.product_id} {variant.external_id}"
    )
    self.put_resource("variant", variant.id, variant, kept, variant.product_id)


def _refuse_bad_cursor(text: str | None) -> Any:
    cursor = wire_read_cursor(text)
    if text and cursor is None:
        raise Invalid({"cursor": ["The selected cursor is invalid."]})
    return cursor


wire_read_cursor = wire.read_cursor


def _always_limit(base: str, query: dict[str, str], cursor: Any) -> str:
    return wire_page_url(base, {"limit": "50", **query}, cursor)


wire_page_url = wire.page_url


def _within(call: Call) -> int:
    try:
        return commerce_page_size(call)
    except Invalid:
        return commerce.LARGEST_LIMIT


commerce_page_size = commerce.page_size


def _with_channel(answer: Any) -> Any:
    return {"customer": {**answer["customer"], "sales_channel": "NetSuite"}}


def _caseless(product: Any, variant: Variant) -> None:
    """Values are compared as people would."""
    known = {value.lower() for option in product.options for value in option.values}
    if any(each.value.lower() not in known for each in variant.options):
        raise Invalid({"options": ["No."]})


def _without_variant(real: Any, tx: Transaction, call: Call) -> Answer:
    answer = real(tx, call)
    tx.delete_resource("variant", answer.body["product"]["default_variant_id"])
    return answer


def _undated(operation: Operation, body: Any) -> Validated:
    if operation.id == "createOrder":
        body = {"created_at": "2026-01-01T00:00:00+00:00", **body}
    return validate(operation, body)


def _dated(answer: Any) -> Any:
    order = answer["order"]
    return {"order": {**order, "created_at": order["created_at"] or "2026-06-01T12:00:00+00:00"}}


def _all_sent(order: Any) -> Any:
    return structs.replace(order, lines=tuple(structs.replace(line, fulfilled=line.quantity) for line in order.lines))


def _no_parts(_real: Any, _self: Any, _order: Any, _before: Any) -> None:
    """The ids of parts are not kept."""


def _either(real: Any, self: Reader, body: Any, kind: Any, type_: Any, field: str) -> Any:
    given = dict(body or {})
    if given.get("id") is not None:
        given.pop("external_id", None)
    return real(self, given, kind, type_, field)


def _keep_name(real: Any, self: Resources, kind: Any, id_: int) -> None:
    """What is deleted is hidden, and its name stays taken."""
    found = self.resource(kind, id_, dict) or {}
    real(self, kind, id_)
    self.put_resource(kind, -id_, {"id": -id_}, found.get("external_id"))


def _known_address(real: Any, tx: Transaction, call: Call) -> Any:
    if any(each.email == call.body.get("email") for each in tx.resources("customer", Customer)):
        raise Invalid({"email": ["The email has already been taken."]})
    return real(tx, call)


shape_text = Shape._text


def _emptied(self: Shape, value: str) -> Any:
    """As Laravel does everywhere else, what is empty becomes null."""
    return shape_text(self, value) or None


def _anew(real: Any, tx: Transaction, call: Call) -> Any:
    found = tx.resource_by_external("product", call.body["external_id"], domain_products.Product)
    if found is not None:
        tx.delete_resource("product", found.id)
    return real(tx, call)


def _by_id(cursor: wire.Cursor[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps({"id": cursor.id}).encode()).decode().rstrip("=")


def _renamed(answer: Any) -> Any:
    words = {"state": "region", "zip": "postal_code"}
    return {**answer, "address": {words.get(name, name): value for name, value in answer["address"].items()}}


def _in_order(name: str, value: Any) -> Switch:
    return answered("createOrder", lambda answer: {"order": {**answer["order"], name: value}}, 201)


SWITCHES: dict[str, Switch] = {
    "cart-update-no-token": answered("updateCart", lambda answer: {"token": "0", **answer}),
    "destination-statuses": both(
        answered("createDestination", lambda value: value, 201), answered("deleteDestination", lambda _: {}, 204)
    ),
    "destination-address": answered("createDestination", _renamed),
    "commerce-address-empty": attribute(Shape, "_text", _emptied),
    "commerce-id-free-again": method(Resources, "delete_resource", _keep_name),
    "commerce-email-shared": wrapped("createCustomer", _known_address),
    "commerce-upsert-keeps-ids": wrapped("upsertProduct", _anew),
    "commerce-cursor-content": function(wire.write_cursor, _by_id),
    "money-dialects": function(wire.money, lambda amount, _currency: {"amount": f"{amount / 100:.2f}"}),
    "order-fulfilled-at": function(incoming_orders._counted, _all_sent),
    "order-metadata-dropped": _in_order("metadata", []),
    "order-shipping-total": _in_order("total_shipping", None),
    "cart-cors": function(cors.with_cors, lambda head, _headers: head),
    "cart-refusals-200": rendered(_with_422),
    "listings-201": both(*(answered(f"create{noun}", lambda value: value, 200) for noun in ("Blocklist", "Allowlist"))),
    "listings-page": function(paging.with_links, lambda page: page),
    "commerce-snowflakes": function(commerce.new_id, _rising),
    "commerce-text-ids": function(wire.spelling, lambda **_: lambda id_: id_),
    "commerce-201-200": answered("upsertCustomer", lambda value: value, 201),
    "commerce-upsert-ignores-id": function(validate, _keep_ids),
    "commerce-external-id-taken": method(Resources, "put_resource", _put_anyway),
    "commerce-limit": attribute(commerce, "LIMIT", 100),
    "commerce-limit-422": function(commerce.page_size, _within),
    "commerce-bad-cursor": function(wire.read_cursor, _refuse_bad_cursor),
    "commerce-next-limit": function(wire.page_url, _always_limit),
    "commerce-money-cut": method(Shape, "_float", _rounded),
    "commerce-unknown-dropped": function(validate, _strict),
    "commerce-channel-null": both(*(answered(name, _with_channel) for name in ("createCustomer", "getCustomer"))),
    "commerce-default-variant": wrapped("createProduct", _without_variant),
    "commerce-variant-id-unique": method(Resources, "put_variant", _per_product),
    "commerce-option-literal": function(domain_products.check_options, _caseless),
    "version-order-dates": function(validate, _undated),
    "order-dates-null": answered("createOrder", _dated, 201),
    "order-unfulfilled": function(incoming_orders._counted, _all_sent),
    "order-part-ids": method(Records, "_put_parts", _no_parts),
    "order-customer-live": function(buyers.live_customer, lambda _tx, order: order.customer),
    "order-both-ids": method(Reader, "reference", _either),
}
