"""Loop's API: one plain function per operationId. Importing this package registers them all."""

from loopsim.operations.loop import (  # noqa: F401  imported for what they register
    carts,
    checkout_plus,
    collections,
    customers,
    deep_links,
    destinations,
    dispositioning,
    draft_returns,
    fraud_reports,
    happy_returns,
    inventories,
    labels,
    listings,
    locations,
    oauth,
    orders,
    products,
    return_actions,
    return_data,
    webhooks,
)
