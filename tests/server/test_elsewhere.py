"""Labels of another shop of the same server (`FACTS.md#label-forbidden`)."""

from __future__ import annotations

from tests.server.conftest import MOMENT, Client

STATUS = {"status": "in_transit"}
FORBIDDEN = {"error": {"code": "403", "http_code": "GEN-FORBIDDEN", "message": "Forbidden."}}


def label_of(client: Client) -> int:
    """The id of a label that a third party made for the client's shop."""
    client.control("PATCH", "settings", {"policy": {"label_source": "third_party"}})
    client.control("POST", "acts/customer.submits_return", {})
    client.control("POST", "clock/advance", {"by": "10s"})
    (request,) = client.call("GET", "/api/v1/label-requests").body["data"]
    made = client.call(
        "POST",
        "/api/v1/labels",
        {
            "label_request_id": int(request["id"]),
            "carrier": "usps",
            "tracking_number": "9400",
            "label_url": "http://localhost/label",
            "rate": {"amount": 700, "currency_code": "USD"},
        },
    )
    assert made.status == 201
    return int(made.body["id"])


def test_another_shop_s_label_is_forbidden_and_unchanged(client: Client) -> None:
    label_id = label_of(client)
    other = Client(f"http://{client.authority}")
    made = other.control("POST", "/shops", {"name": "other", "moment": MOMENT, "clock": {"mode": "manual"}}).body
    other.shop, other.key = "other", made["key"]["key"]
    try:
        refused = other.call("PUT", f"/api/v1/labels/{label_id}", STATUS)
        assert (refused.status, refused.body) == (403, FORBIDDEN)
        assert other.call("PUT", f"/api/v1/labels/{label_id + 1}", STATUS).status == 404, "nobody's"
        (row,) = client.call("GET", "/api/v1/warehouse/return/list?from=2026-05-01&to=2026-06-30").body
        assert row["label_status"] == "new"
        assert client.call("PUT", f"/api/v1/labels/{label_id}", STATUS).status == 204
    finally:
        other.control("DELETE", "")
        other.close()
