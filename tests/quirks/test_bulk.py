"""Bulk operations."""

from __future__ import annotations

import json

from tests.quirks.bench import Bench, Json
from tests.quirks.catalogue import shows


def send(shop: Bench, *lines: Json) -> Json:
    text = "\n".join(json.dumps(line) for line in lines)
    part = f'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{text}\r\n--x--\r\n'
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    reply = shop.call("POST", "/bulk-operations", raw=part.encode(), headers=kind)
    assert reply.status == 201, reply
    return reply.json["bulk_operation"]


def collection(title: str | None) -> Json:
    return {"resource": "collection", "action": "upsert", "data": {"name": title, "external_id": title}}


def titles(shop: Bench) -> list[str]:
    return [each["name"] for each in shop.get("/collections", {"limit": 250}).json["collections"]]


@shows("bulk-later")
def test_a_file_is_carried_out_later(shop: Bench) -> None:
    send(shop, collection("Kite"))
    assert "Kite" not in titles(shop)
    shop.advance("5s")
    assert "Kite" in titles(shop)


@shows("bulk-line-alone")
def test_a_line_that_fails_stops_no_other(shop: Bench) -> None:
    bulk = send(shop, collection("Kite"), collection(None), collection("Sail"))
    shop.advance("5s")
    assert {"Kite", "Sail"} <= set(titles(shop))
    after = shop.get(f"/bulk-operations/{bulk['id']}").json["bulk_operation"]
    assert (after["status"], after["success_count"], after["failed_count"]) == ("completed", 2, 1)
