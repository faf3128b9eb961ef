"""The control API's operations on one shop. Importing this package registers them all."""

from loopsim.operations.control import (  # noqa: F401  imported for what they register
    carrier,
    customers,
    failures,
    faults,
    happy_returns,
    oauth,
    orders,
    reads,
    settings,
    ship_by_loop,
    staff,
    stock,
    subscriptions,
)
