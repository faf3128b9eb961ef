"""Return labels: their statuses, what a scan may do, the carrier's timetable, and label requests to third parties."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct, structs

from loopsim.domain import chance
from loopsim.domain.durations import CARRIER
from loopsim.errors import Refusal

LabelStatus = Literal["new", "pre_transit", "in_transit", "out_for_delivery", "delivered", "error", "failure"]
LABEL_STATUSES: tuple[LabelStatus, ...] = LabelStatus.__args__  # type: ignore[attr-defined]
JOURNEY: tuple[LabelStatus, ...] = ("new", "pre_transit", "in_transit", "out_for_delivery", "delivered")
NEVER_MOVED: frozenset[LabelStatus] = frozenset({"new", "pre_transit"})
USELESS: frozenset[LabelStatus] = frozenset({"error", "failure"})  # no parcel arrives with such a label

RequestStatus = Literal["issued", "cancelled", "fulfilled"]
# A request with reported errors stays issued (documented), so reporting is a row of its own.
LABEL_REQUESTS: dict[str, dict[RequestStatus, RequestStatus]] = {
    "fulfil": {"issued": "fulfilled"},
    "cancel": {"issued": "cancelled"},
    "report_error": {"issued": "issued"},
}


class Label(Struct, frozen=True, kw_only=True):
    """A return label. `rate` in minor units; `line_ids` are the units in its parcel; `shipment_id` is Loop's own."""

    id: int
    status: LabelStatus
    carrier: str
    tracking_number: str
    created_at: datetime
    updated_at: datetime
    line_ids: tuple[int, ...]
    url: str | None = None
    rate: int | None = None
    rate_currency: str = "USD"
    service: str = ""
    tracking_url: str | None = None
    qrcode_url: str | None = None
    shipment_id: int = 0
    delivered_at: datetime | None = None


class LabelError(Struct, frozen=True, kw_only=True):
    """Why a third party could not make a label."""

    reason: str
    message: str | None
    created_at: datetime


class LabelRequest(Struct, frozen=True, kw_only=True):
    """A request to a third party for a label. `parcel` in inches and grams; `products` with prices in minor units."""

    id: int
    return_id: int
    status: RequestStatus
    created_at: datetime
    origin: dict[str, str]
    destination: dict[str, str]
    parcel: dict[str, float]
    products: tuple[dict[str, Any], ...]
    line_ids: tuple[int, ...] = ()
    errors: tuple[LabelError, ...] = ()


def move_request(request: LabelRequest, action: str) -> LabelRequest:
    """Look the action up; a missing entry raises `Refusal("label_request_not_open")`."""
    to = LABEL_REQUESTS[action].get(request.status)
    if to is None:
        raise Refusal("label_request_not_open", state=request.status)
    return structs.replace(request, status=to)


def scan(label: Label, status: LabelStatus, now: datetime) -> Label:
    """The label after a scan. It may go back: a carrier corrects itself, and Loop's PUT accepts it (assumed)."""
    return structs.replace(
        label,
        status=status,
        updated_at=now,
        delivered_at=now if status == "delivered" else label.delivered_at,
    )


def is_ahead(label: Label, status: LabelStatus) -> bool:
    """Whether a scheduled scan still lies ahead of the label. Once it failed or arrived, the timetable is over."""
    if label.status not in JOURNEY:
        return False
    return JOURNEY.index(status) > JOURNEY.index(label.status)


def timetable(service: str, seed: int, label_id: int, made_at: datetime) -> list[tuple[datetime, LabelStatus]]:
    """When the seeded carrier will scan this label, by service. An unknown service travels by ground."""
    moment = made_at
    scans: list[tuple[datetime, LabelStatus]] = []
    for status, span in CARRIER.get(service, CARRIER["ground"]):
        moment += timedelta(seconds=chance.between(span.low, span.high, seed, f"scan.{status}", label_id))
        scans.append((moment, status))  # type: ignore[arg-type]
    return scans


def has_reached(labels: tuple[Label, ...], event: str) -> bool:
    """Whether some label has come to the processing event, or past it."""
    if event not in JOURNEY:
        return False
    goal = JOURNEY.index(event)
    return any(label.status in JOURNEY and JOURNEY.index(label.status) >= goal for label in labels)
