"""Links and QR codes into the portal."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.quirks.bench import Bench, exchange
from tests.quirks.catalogue import shows

MISSING = {"errors": {"message": 'Missing fields - "name" and "zip" are required.'}}


@shows("link-fields")
@pytest.mark.parametrize("body", [{}, {"name": "#1001"}, {"zip": "97201"}, {"name": "", "zip": ""}], ids=repr)
def test_a_link_without_fields_is_refused_as_captured(shop: Bench, body: dict[str, str]) -> None:
    reply = shop.post("/order/link", body)

    assert (reply.status, reply.json) == (422, MISSING)


@shows("qr-type")
@pytest.mark.parametrize("kind", ["gif", "", "PDF", None])
def test_an_unknown_type_becomes_a_png_silently(shop: Bench, kind: str | None) -> None:
    order = shop.control.list_orders(limit=1)[0]

    reply = shop.post("/order/qr", {"name": order["name"], "zip": order["email"], "type": kind, "size": 250})
    assert (reply.status, list(reply.json)) == (200, ["qr", "deeplink_url"])
    url = urlsplit(reply.json["qr"])
    picture = exchange(f"{url.scheme}://{url.netloc}", "GET", url.path)

    assert picture.headers["content-type"] == "image/png"
    assert picture.body.startswith(b"\x89PNG\r\n\x1a\n")
