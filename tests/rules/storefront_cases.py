"""Cases of the rules about carts, signed links, offers of Checkout+ and parcels of Ship by Loop."""

from __future__ import annotations

from typing import Any

from tests.rules.building import RETURN, START, Case, Entry, call, hook, moved, story

TOKEN = "5e18b36accd2d7c9892e58674a8773101ac73033f13135857448d8a2a10bf434"
REFUSED = {"errors": {"message": "Cart should contain a list of variant IDs."}, "data": {"cart": []}}
GONE = {"errors": {"message": "No cart found for the provided token."}}
MADE = call("createCart", body={"cart": [11, 11]}, answer={"token": TOKEN, "data": {"cart": [11, 11]}})
MODE = ["returns_coverage"]


def cart(operation: str, token: str, **given: Any) -> Entry:
    """A call about the cart of a token."""
    return {**call(operation, **given), "path": f"/api/v1/cart/{token}"}


def listed(body: Any, **given: Any) -> Entry:
    """A new cart that Loop cannot read."""
    return call("createCart", body=body, answer=REFUSED, **given)


def analysis(eligible: bool = True, session: str = "s-1", **given: Any) -> Entry:
    """What Checkout+ said of a cart."""
    answer = {"eligible": eligible, "reason": None, "sessionId": session, "mode": MODE if eligible else []}
    return call("analyzeCart", body={"sessionId": session}, answer=answer, **given)


def order(mode: Any = None, session: str | None = "s-1", **body: Any) -> Entry:
    """An order that the partner tells of."""
    fees = [] if mode is None else [{"name": "Coverage", "accepted_offer_mode": mode}]
    metadata = [] if session is None else [{"key": "session_id", "value": session}]
    return call("upsertOrder", body={"name": "#1", "fees": fees, "metadata": metadata, **body}, answer={"order": {}})


def followed(hmac: str, **given: Any) -> Entry:
    """A shopper follows a signed link."""
    return call("followPartnerLink", query=f"order=1&partner=p&shop_domain=shop.example&hmac={hmac}", **given)


def question(what: str = "services", **given: Any) -> Entry:
    """The portal asks for a parcel, and the partner has heard it."""
    given.setdefault("payload", {"shipment_id": 5})
    return hook(f"ship-by-loop.{what}.requested", topic="ship-by-loop", **given)


def parcel(number: str, shipment: int = 5) -> Entry:
    """The partner has bought a parcel."""
    return bare(call("confirmShipmentOrder", shipment, {"carrier": "UPS", "tracking_number": number}, answer={}))


def bare(entry: Entry) -> Entry:
    """The entry without a return: a shipment is none."""
    return {name: value for name, value in entry.items() if name != "return_id"}


OFFER = bare(call("offerShipmentServices", 5, {"services": []}, answer={}))
OVER = {**moved("give_up", "services_requested", "fell_back"), "entity": "shipment", "at": START + 60_000}
FORGED: dict[str, Any] = {"status": 401, "refusal": "wrong_hmac"}
CASES = {
    "cart-tokens-kept": Case(
        passes=(
            story(MADE, cart("updateCart", TOKEN, body={"cart": [11]}, answer={"updated": True})),
            story(MADE),
            # A cart may be gone, and a token of another form is nobody's invention where Loop knows it.
            story(cart("updateCart", TOKEN, answer=GONE, refusal="cart_not_found")),
        ),
        fails=(
            (story(cart("updateCart", "undefined", answer=GONE, refusal="cart_not_found")), "the token 'undefined'"),
            (story(MADE, cart("deleteCart", "null/", answer=GONE, refusal="cart_not_found")), "the token 'null'"),
        ),
    ),
    "cart-lists-flat": Case(
        passes=(story(MADE), story(call("createCart", body={"cart": []}, answer=REFUSED, refusal="cart_empty"))),
        fails=(
            (story(listed({"cart": [{"id": 11, "quantity": 2}]}, refusal="cart_no_list")), '"quantity": 2'),
            (story(listed({"items": [11]}, refusal="invalid")), '{"items": [11]}'),
        ),
        not_judged=(story(), story(cart("deleteCart", TOKEN))),
    ),
    "links-signed-right": Case(
        passes=(story(followed(TOKEN, status=307)),),
        fails=(
            (story(followed(TOKEN, **FORGED)), "not over order, partner, shop_domain, in this order"),
            (story(followed(TOKEN.upper(), **FORGED)), "no SHA-256 in lower-case"),
            (story(followed("", **FORGED)), "no hmac"),
        ),
    ),
    "portal-answered-in-time": Case(
        passes=(
            story(question(), OFFER),
            # It tried, and Loop was down; another's shipment; a question that came when it was over.
            story(question(), {**OFFER, "status": 500}, OVER),
            story(question(), {**OVER, "return_id": RETURN + 1}),
            story({**question(), "at": START + 59_000}, OVER),
        ),
        fails=(
            (story(question(), OVER), "It took ship-by-loop.services.requested and said nothing"),
            (story(question(payload={"shipment_id": 6}), OFFER, OVER), "said nothing"),
        ),
        not_judged=(story(), story({**question(), "status": 500}, OVER)),
    ),
    "parcels-bought-once": Case(
        passes=(story(parcel("1Z1"), parcel("1Z1"), parcel("1Z2", 6)),),
        fails=((story(parcel("1Z1"), parcel("1Z2")), "2 parcels for shipment 5: 1Z1, 1Z2"),),
        not_judged=(story(), story(OFFER)),
    ),
    "offers-told-verbatim": Case(
        passes=(
            story(analysis(), order(MODE)),
            story(analysis(), analysis(eligible=False, session="s-2"), order(MODE)),
        ),
        fails=(
            (story(analysis(), order(["RETURNS_COVERAGE"])), "the mode ['RETURNS_COVERAGE']"),
            (story(analysis(eligible=False), order(MODE)), "Loop had made none"),
            (story(order(MODE), analysis()), "Loop had made none"),
        ),
        not_judged=(story(), story(analysis(), order()), story(analysis(), order([]))),
    ),
    "offers-told-with-session": Case(
        passes=(
            story(analysis(), order(MODE)),
            story(
                analysis(),
                order(MODE, None, line_items=[{"metadata": [{"key": "session_id", "value": "s-1"}]}]),
            ),
        ),
        fails=(
            (story(analysis(), order(MODE, None)), "not of which session"),
            (story(analysis(), order(MODE, "mine")), "the session 'mine'"),
        ),
        not_judged=(story(), story(analysis(), order(session="s-1"))),
    ),
}
