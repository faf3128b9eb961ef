"""Fraud reports."""

from __future__ import annotations

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows

NO_RETURN = {"errors": {"message": "No return found with this ID."}}


@shows("fraud-statuses")
def test_fraud_reports_have_real_statuses_unlike_the_warehouse_routes(shop: Bench) -> None:
    return_id = shop.submit()
    path, body = f"/returns/{return_id}/fraud-report", {"category": "package-is-empty"}

    made, twice, unknown = shop.post(path, body), shop.post(path, body), shop.post("/returns/1/fraud-report", body)

    assert made.status == 201
    assert list(made.json) == ["category", "comment", "created_at", "return_id", "id"]
    assert (made.json["return_id"], type(made.json["id"])) == (return_id, int)
    assert (twice.status, twice.json) == (409, {"errors": {"message": "Fraud Report already exists."}})
    assert (unknown.status, unknown.json) == (404, NO_RETURN)
    assert shop.delete(path).status == 204
    assert shop.delete(path).status == 404
