"""Deep links into the portal, and QR codes of them."""

from __future__ import annotations

import io
from typing import Any

from msgspec import Struct

from loopsim.domain import chance
from loopsim.domain.orders import Order, is_known_by
from loopsim.errors import NotHere, Refusal
from loopsim.operations.buyers import with_live_customer
from loopsim.operations.perform import Answer, Call, operation
from loopsim.store.transaction import Transaction
from loopsim.wire.links import is_signed, with_query
from loopsim.wire.numbers import whole
from loopsim.wire.times import truth

SMALLEST, DEFAULT_SIZE, LARGEST = 50, 250, 2000  # pixels (assumed)
MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "eps": "application/postscript"}


class DeepLink(Struct, frozen=True, kw_only=True):
    """A link into the portal for one order."""

    uuid: str
    order_id: int
    url: str
    gift: bool
    type: str = "png"
    size: int = DEFAULT_SIZE


@operation("createDeepLink")
def create_deep_link(tx: Transaction, call: Call) -> Any:
    """A link for the order whose name and postal code (or e-mail, or phone) are given."""
    return {"url": _make(tx, call.body).url}


@operation("createQrCode")
def create_qr_code(tx: Transaction, call: Call) -> Any:
    """The same as a picture; a type nobody knows becomes a PNG, silently."""
    link = _make(tx, call.body)
    return {"qr": f"{call.base_url}/qr/i/{link.uuid}", "deeplink_url": link.url}


@operation("getQrPicture", reads=True)
def get_qr_picture(tx: Transaction, call: Call) -> Answer:
    """The picture that a QR answer points to."""
    link = tx.get("deep_link", call.path["uuid"], DeepLink)
    if link is None:
        raise NotHere("qr_not_found")
    return Answer(picture(link), headers={"content-type": MEDIA_TYPES[link.type]})


@operation("followPartnerLink", reads=True)
def follow_partner_link(tx: Transaction, call: Call) -> Answer:
    """To the portal, from a page of a partner who signs what it asks. Whether the order exists, the portal says."""
    asked = dict(call.query)
    domain, hmac = asked.get("shop_domain", "").lower(), asked.pop("hmac", "")
    if domain.partition(".")[0] not in {tx.settings.subdomain, tx.shop.name}:
        raise NotHere("shop_not_found")
    if not is_signed(asked, hmac, tx.settings.secret):
        raise Refusal("wrong_hmac")
    shown = {name: value for name in ("order", "partner") if (value := asked.get(name))}
    portal = tx.settings.portal_url or f"https://{tx.settings.subdomain}.loopreturns.com/"
    location = with_query(portal, shown)
    return Answer(b"", 307, {"location": location})


def picture(link: DeepLink) -> bytes:
    """The QR code of a link, about `size` pixels wide (a whole number of pixels per module)."""
    import segno

    code = segno.make(link.url, error="m", micro=False)
    modules = code.symbol_size()[0]
    out = io.BytesIO()
    if link.type == "eps":
        text = io.StringIO()
        code.save(text, kind="eps", scale=link.size / modules)
        # The time of day in the header is the only thing that would differ from run to run.
        return b"\n".join(
            line for line in text.getvalue().encode().split(b"\n") if not line.startswith(b"%%CreationDate")
        )
    scale = link.size / modules if link.type == "svg" else max(1, link.size // modules)
    code.save(out, kind=link.type, scale=scale)
    return out.getvalue()


def _make(tx: Transaction, body: dict[str, Any]) -> DeepLink:
    order = _find(tx, str(body["name"]), str(body["zip"]))
    uuid = chance.uuid4(tx.settings.seed, "deep_link", order.id, tx.count("deep_link"))
    kind = str(body.get("type") or "png").lower()
    link = DeepLink(
        uuid=uuid,
        order_id=order.id,
        url=f"{tx.settings.portal}/link/{uuid}",
        gift=truth(str(body.get("gift"))),
        type=kind if kind in MEDIA_TYPES else "png",
        size=_size(body.get("size")),
    )
    tx.put("deep_link", uuid, link)
    return link


def _size(value: Any) -> int:
    number = whole(str(value)) if value is not None else None
    return DEFAULT_SIZE if number is None else min(max(number, SMALLEST), LARGEST)


def _find(tx: Transaction, name: str, secret: str) -> Order:
    for order in reversed(tx.orders_named(name)):
        if is_known_by(with_live_customer(tx, order), secret):
            return order
    raise Refusal("order_not_found")
