"""Customers: created, upserted by the merchant's own id, updated by either."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain.orders import Customer
from loopsim.operations import commerce
from loopsim.operations.commerce import Noun
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire import commerce as wire

CUSTOMER = Noun("customer", Customer, "customer", "customers", wire.customer)
TEXTS = ("first_name", "last_name", "email", "phone")


def put_customer(tx: Transaction, customer: Customer) -> Customer:
    """Keep a customer. Raises `Refusal("external_id_taken")`."""
    tx.put_resource("customer", customer.id, customer, customer.external_id)
    return customer


def changed(customer: Customer, body: dict[str, Any]) -> Customer:
    """The customer with what a body says; what it leaves out stays."""
    changes: dict[str, Any] = {name: body[name] or "" for name in TEXTS if name in body}
    if body.get("external_id") is not None:
        changes["external_id"] = body["external_id"]
    if body.get("tags") is not None:
        changes["tags"] = tuple(body["tags"])
    return structs.replace(customer, **changes)


def new_customer(tx: Transaction, body: dict[str, Any]) -> Customer:
    """A customer of a body, kept."""
    blank = Customer(id=commerce.new_id(tx), email="", first_name="", last_name="")
    return put_customer(tx, changed(blank, body))


@operation("listCustomers", reads=True)
def list_customers(tx: Transaction, call: Call) -> Any:
    """A page of customers."""
    return commerce.list_page(tx, CUSTOMER, call)


@operation("getCustomer", reads=True)
@operation("getCustomerByExternalId", reads=True)
def get_customer(tx: Transaction, call: Call) -> Any:
    """One customer."""
    return commerce.shown(CUSTOMER, commerce.need(tx, CUSTOMER, call), call)


@operation("createCustomer")
def create_customer(tx: Transaction, call: Call) -> Answer:
    """A new customer; 201."""
    return Answer(commerce.shown(CUSTOMER, new_customer(tx, call.body), call), 201)


@operation("upsertCustomer")
def upsert_customer(tx: Transaction, call: Call) -> Any:
    """The customer with the merchant's own id, made or changed; 200 both ways (captured)."""
    found = tx.resource_by_external("customer", call.body["external_id"], Customer)
    kept = new_customer(tx, call.body) if found is None else put_customer(tx, changed(found, call.body))
    return commerce.shown(CUSTOMER, kept, call)


@operation("updateCustomer")
@operation("patchCustomer")
def update_customer(tx: Transaction, call: Call) -> Any:
    """Change a customer."""
    kept = put_customer(tx, changed(commerce.need(tx, CUSTOMER, call), call.body))
    return commerce.shown(CUSTOMER, kept, call)


@operation("deleteCustomer")
@operation("deleteCustomerByExternalId")
def delete_customer(tx: Transaction, call: Call) -> Any:
    """Remove a customer."""
    return commerce.delete(tx, CUSTOMER, call)
