"""The control API's operations on one shop. Importing this package registers them all."""

from loopsim.operations.control import (  # noqa: F401  imported for what they register
    acts,
    faults,
    reads,
    settings,
    subscriptions,
)
