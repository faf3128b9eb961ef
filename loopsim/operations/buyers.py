"""Who bought: the customer of an order is who it is now, not who it was (`FACTS.md#order-customer-live`)."""

from __future__ import annotations

from msgspec import structs

from loopsim.domain.orders import Customer, Order
from loopsim.store.records import Records


def live_customer(records: Records, order: Order) -> Customer:
    """Who the customer of an order is now; as the order has it where the customer is nobody's any more."""
    return records.resource("customer", order.customer.id, Customer) or order.customer


def with_live_customer(records: Records, order: Order) -> Order:
    """The order as whoever looks it up, lists or returns it has to see it."""
    return structs.replace(order, customer=live_customer(records, order))
