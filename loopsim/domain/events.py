"""What a move leaves behind: events for webhooks, timers for later, entries of the Shopify ledger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from loopsim.domain.returns import Return

Trigger = Literal[
    "return.created",
    "return.updated",
    "return.closed",
    "return.processing.failed",
    "label.created",
    "label.updated",
    "restock.requested",
    "label.request.issued",
    "label.request.cancelled",
    "giftcard.requested",
    "shipment.processed",
]
TRIGGERS: tuple[Trigger, ...] = Trigger.__args__  # type: ignore[attr-defined]
Topic = Literal[
    "return", "return.processing", "label", "restock", "label.request", "giftcard", "happy.returns.shipment"
]
TOPICS: tuple[Topic, ...] = Topic.__args__  # type: ignore[attr-defined]

ShipTrigger = Literal[
    "ship-by-loop.services.requested", "ship-by-loop.purchase.requested", "ship-by-loop.cancellation.requested"
]
SHIP_TRIGGERS: tuple[ShipTrigger, ...] = ShipTrigger.__args__  # type: ignore[attr-defined]
SHIP_TOPIC: Literal["ship-by-loop"] = "ship-by-loop"
"""What a partner of Ship by Loop is asked by; the webhooks API knows nothing of it."""


NONE = "none"
"""The state of what is not there yet."""


class Event(Struct, frozen=True):
    """Something a subscriber may hear of. `subject` is the return as it was at that moment, `data` what else the
    topic's payload needs (the label id, restock items, gift card, shipment)."""

    trigger: Trigger | ShipTrigger
    subject: Return | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Moved(Struct, frozen=True):
    """One step in a lifecycle: `entity` is `return`, `label` or `label_request`. What is made comes from the state
    `none`."""

    entity: str
    return_id: int
    state: str
    action: str
    to: str


class Timer(Struct, frozen=True):
    """Something that will happen at `due` of the shop's clock. `entity` is the id of what it is about."""

    kind: str
    due: datetime
    entity: int
    data: dict[str, Any] = field(default_factory=dict)


class LedgerEntry(Struct, frozen=True):
    """What Loop does on the shop's platform. Kinds: `order_updated`, `refund`, `gift_card`, `exchange_order`,
    `restock`, `return_opened`, `return_closed`, `return_cancelled`, `hold`, `hold_released`, `charge`,
    `charge_failed`."""

    kind: str
    return_id: int
    data: dict[str, Any]
