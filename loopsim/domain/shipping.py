"""Making labels: Loop's own, and the requests that ask a third party for one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from loopsim.domain import chance
from loopsim.domain.change import NextId
from loopsim.domain.events import Timer
from loopsim.domain.labels import USELESS, Label, LabelRequest, is_ahead, timetable
from loopsim.domain.orders import Address, Variant
from loopsim.domain.returns import STAY_HOME, Return
from loopsim.domain.shop import Settings

# carrier of a country's returns, how its numbers begin, and how many digits they have
CARRIERS: dict[str, tuple[str, str, int]] = {
    "US": ("USPS", "94612", 22),
    "CA": ("Canada Post", "73", 16),
    "GB": ("Royal Mail", "61", 16),
    "DE": ("DHL", "0034", 20),
}
_OTHER_CARRIER = ("DHL", "0034", 20)
_EMPTY_PARCEL_GRAMS = 60


def boxed(return_: Return) -> tuple[int, ...]:
    """The units that go into the parcel: kept and donated items stay."""
    return tuple(line.id for line in return_.lines if line.outcome not in STAY_HOME)


def can_ship(return_: Return) -> bool:
    """Whether carriers would know where to fetch the parcel: without these three no label can be made (documented for
    label requests)."""
    address = return_.order.address
    return bool(address.address1 and address.city and address.country_code)


def parcels(return_: Return, items_per_label: int) -> list[tuple[int, ...]]:
    """The units by parcel, in their order; all in one where the policy names no number."""
    units = boxed(return_)
    size = items_per_label or max(1, len(units))
    return [units[start : start + size] for start in range(0, len(units), size)]


def reboxed(return_: Return, before: Return) -> Return:
    """The return, whose units are not those it had `before`, with labels that name what is in each parcel now: those of
    its units that are left, and in the newest one with which a parcel can travel those that have come."""
    if not return_.labels:
        return return_
    had = {line.id for line in before.lines}
    usable = [label.id for label in return_.labels if label.status not in USELESS]
    newest = usable[-1] if usable else return_.labels[-1].id
    units = boxed(return_)
    return structs.replace(
        return_,
        labels=tuple(
            structs.replace(
                label,
                line_ids=tuple(u for u in units if u in label.line_ids or (label.id == newest and u not in had)),
            )
            for label in return_.labels
        ),
    )


def units_of_request(return_: Return, request: LabelRequest, others: Iterable[LabelRequest]) -> tuple[int, ...]:
    """The units that the parcel of a label request holds when its label is made: of those that it was for the ones that
    the return still has, and what has come since and travels with no other parcel."""
    held = {unit for label in return_.labels for unit in label.line_ids}
    held |= {unit for other in others if other.status == "issued" and other.id != request.id for unit in other.line_ids}
    return tuple(unit for unit in boxed(return_) if unit in request.line_ids or unit not in held)


def make_label(return_: Return, line_ids: tuple[int, ...], settings: Settings, next_id: NextId, now: datetime) -> Label:
    """A label for a parcel of these units, by Loop's own carrier account."""
    label_id = next_id("label")
    carrier, prefix, length = CARRIERS.get(return_.order.origin_country_code, _OTHER_CARRIER)
    number = prefix + chance.digits(length - len(prefix), settings.seed, "tracking", label_id)
    return Label(
        id=label_id,
        status="new",
        carrier=carrier,
        tracking_number=number,
        created_at=now,
        updated_at=now,
        line_ids=line_ids,
        url=f"https://{settings.subdomain}.loopreturns.com/label/{label_id}",
        rate=chance.between(689, 1499, settings.seed, "rate", label_id),
        rate_currency=settings.currency,
        service=settings.policy.carrier_service,
        shipment_id=next_id("shipment"),
    )


def label_timers(label: Label, return_id: int, settings: Settings) -> list[Timer]:
    """What follows a new label: the carrier's first scan, and the end of its life."""
    timers = [Timer("return.expire", label.created_at + timedelta(days=settings.policy.expiry_days), return_id)]
    return [*next_scan(label, return_id, settings), *timers]


def next_scan(label: Label, return_id: int, settings: Settings) -> list[Timer]:
    """The next scan of the seeded carrier that still lies ahead, if it scans at all."""
    if settings.policy.carrier == "manual":
        return []
    for due, status in timetable(label.service, settings.seed, label.id, label.created_at):
        if is_ahead(label, status):
            return [Timer("carrier.scan", due, return_id, {"label_id": label.id, "status": status})]
    return []


def make_request(
    return_: Return,
    line_ids: tuple[int, ...],
    destination: dict[str, str],
    variants: dict[int, Variant],
    request_id: int,
    now: datetime,
) -> LabelRequest:
    """A request for a label for these units: from the customer to the destination, with the parcel and what customs
    wants to know."""
    lines = [line for line in return_.lines if line.id in line_ids]
    products: list[dict[str, Any]] = []
    grams = _EMPTY_PARCEL_GRAMS
    for line in lines:
        variant = variants.get(line.variant_id or 0)
        grams += variant.weight_grams if variant else 300
        products.append(
            {
                "name": line.title,
                "sku": line.sku,
                "hs_code": variant.hs_code if variant else "",
                "country_of_origin": variant.country_of_origin if variant else "",
                "price": line.price - line.discount,
                "currency": return_.order.currency,
            }
        )
    return LabelRequest(
        id=request_id,
        return_id=return_.id,
        status="issued",
        created_at=now,
        origin=address_parts(return_.order.address),
        destination=destination,
        parcel={"height": 5.0 + 2 * (len(lines) - 1), "length": 20.2, "width": 10.9, "weight": float(grams)},
        products=tuple(products),
        line_ids=tuple(line.id for line in lines),
    )


def address_parts(address: Address) -> dict[str, str]:
    """An address as plain data, in return data's words; the phone is digits only, as label requests print it."""
    return {**structs.asdict(address), "phone": "".join(c for c in address.phone if c.isdigit())}
