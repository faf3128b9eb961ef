"""Label requests and labels."""

from __future__ import annotations

from typing import Any

import pytest

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows
from tests.quirks.conftest import OpenShop
from tests.quirks.test_fields import new_label


@pytest.fixture
def partner(open_shop: OpenShop) -> Bench:
    """A shop whose labels a third party makes, with one request issued for one return."""
    shop = open_shop({"label_source": "third_party"})
    shop.listen(("label.request", "label.request.issued"))
    shop.submit(order="#1001")
    shop.advance(5)
    return shop


def request_of(shop: Bench, **query: Any) -> Any:
    """The one label request."""
    (request,) = shop.get("/label-requests", query).json["data"]
    return request


@shows("label-request-addresses")
def test_the_webhook_and_rest_name_the_parts_of_an_address_differently(partner: Bench) -> None:
    heard = partner.heard_one()
    request = request_of(partner)

    for side in ("origin", "destination"):
        sent, shown = heard.json["addresses"][side], request["addresses"][side]
        assert {"state", "zip", "phone"} <= sent.keys()
        assert {"region", "postal_code"}.isdisjoint(sent)
        assert {"region", "postal_code"} <= shown.keys()
        assert {"state", "zip", "phone"}.isdisjoint(shown)
        assert (shown["region"], shown["postal_code"]) == (sent["state"], sent["zip"])
    phone = heard.json["addresses"]["origin"]["phone"]
    assert phone == "" or phone.isdigit()


@shows("label-request-money")
def test_prices_have_a_currency_and_rates_a_currency_code_in_cents(partner: Bench) -> None:
    heard = partner.heard_one()
    request = request_of(partner)

    label = partner.post("/labels", new_label(request["id"])).json

    assert heard.json["products"][0]["price"] == request["products"][0]["price"] == {"amount": 2800, "currency": "USD"}
    assert label["rate"] == {"amount": 1093, "currency_code": "USD"}
    row = partner.row(request["return_id"])
    assert (row["line_items"][0]["price"], row["labels"][0]["rate"]) == ("28.00", 1093)


@shows("label-request-errors")
def test_a_request_with_errors_stays_issued(partner: Bench) -> None:
    path = f"/label-requests/{request_of(partner)['id']}"
    partner.post(f"{path}/errors", {"reason": "INVALID_ADDRESS", "message": "no such street"})

    listed, alone = request_of(partner, status="issued"), partner.get(path).json

    assert listed == alone
    assert (alone["status"], [error["reason"] for error in alone["errors"]]) == ("issued", ["INVALID_ADDRESS"])
    assert partner.post("/labels", new_label(alone["id"])).status == 201
    assert partner.get(path).json["status"] == "fulfilled"


@shows("label-201")
def test_making_a_label_answers_201_with_its_location(partner: Bench) -> None:
    reply = partner.post("/labels", new_label(request_of(partner)["id"]))

    assert reply.status == 201
    assert reply.headers["location"] == f"{partner.control.api_base}/labels/{reply.json['id']}"
    assert (type(reply.json["id"]), reply.json["status"]) == (int, "new")


@shows("label-put-204")
def test_updating_a_label_answers_204_and_nothing(partner: Bench) -> None:
    label = partner.post("/labels", new_label(request_of(partner)["id"])).json

    reply = partner.put(f"/labels/{label['id']}", {"status": "in_transit"})

    assert (reply.status, reply.body) == (204, b"")
    assert partner.rows()[0]["label_status"] == "in_transit"


@shows("label-error-202")
def test_reporting_an_error_answers_202(partner: Bench) -> None:
    reply = partner.post(f"/label-requests/{request_of(partner)['id']}/errors", {"reason": "Other"})

    assert reply.status == 202
    assert list(reply.json) == ["reason", "message", "created_at"]


@shows("label-generate-202")
def test_generating_a_label_answers_202_with_the_return_in_camel_case(open_shop: OpenShop) -> None:
    shop = open_shop({"label_source": "none"})
    return_id = shop.submit()

    reply = shop.post(f"/returns/{return_id}/labels")
    shop.advance(10)

    assert (reply.status, reply.json) == (202, {"message": "Label generation queued", "returnId": return_id})
    assert len(shop.details(return_id)["labels"]) == 1
