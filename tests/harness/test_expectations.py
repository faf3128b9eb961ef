"""What can be expected, in Python: the words of scenarios, on a shop whose partner is this test itself."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest

from loopsim.client import Shop
from loopsim.errors import SetupError
from loopsim.harness.expect import ExpectationFailed, Probe
from tests.cli.terminal import receiving

Call = Callable[..., Any]


@pytest.fixture
def call(shop: Shop) -> Call:
    """Call Loop's API as the partner would."""

    def make(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Authorization": shop.key, "Content-Type": "application/json"}
        request = urllib.request.Request(shop.api_base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return json.loads(answer.read() or b"null")
        except HTTPError as error:
            error.close()
            return error.code

    return make


@pytest.fixture
def ret(shop: Shop) -> dict[str, Any]:
    """A return whose parcel is there."""
    shop.update(policy={"processing_event": "disabled"})
    made: dict[str, Any] = shop.customer.submits_return(items=[{"outcome": "refund"}])
    shop.clock.advance(by="10s")
    shop.carrier.scans(return_id=made["id"], status="delivered")
    shop.expect.configure(patience=0.2)
    return made


def test_a_call_is_found_by_its_parts(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    call("GET", f"/warehouse/return/details?return_id={ret['id']}")
    call("POST", f"/warehouse/return/{ret['id']}/note", {"content": "two boxes"})

    shop.expect.call("getReturnDetails", query={"return_id": ret["id"]})
    shop.expect.call("createNote", path={"return_id": ret["id"]}, body={"content": {"$regex": "box"}}, times=1)
    made = shop.expect.call(["createNote", "flagReturn"], path={"id": "#integer"}, status=200)
    assert made["body"] == {"content": "two boxes"}


def test_what_is_missing_is_named_with_the_nearest_call(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    call("POST", f"/warehouse/return/{ret['id']}/note", {"content": "one box"})

    with pytest.raises(ExpectationFailed) as failed:
        shop.expect.call("createNote", path={"return_id": ret["id"]}, body={"content": "two boxes"})

    assert 'body.content: expected "two boxes", found "one box"' in failed.value.actual
    assert len(failed.value.entries) == 1


def test_a_call_is_waited_for(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    shop.expect.configure(patience=20)
    later = threading.Timer(0.1, call, ("POST", f"/warehouse/return/{ret['id']}/process"))
    later.start()

    shop.expect.call("processReturn", times=1)
    later.join()


@pytest.mark.parametrize(("times", "holds"), [(1, False), (2, True), ({"min": 1}, True), ({"max": 1}, False)])
def test_how_often_is_exact(shop: Shop, ret: dict[str, Any], call: Call, times: Any, holds: bool) -> None:
    for _ in range(2):
        call("POST", f"/warehouse/return/{ret['id']}/note", {"content": "x"})

    if holds:
        shop.expect.call("createNote", times=times)
    else:
        with pytest.raises(ExpectationFailed, match="twice"):
            shop.expect.call("createNote", times=times)


def test_only_what_comes_after_a_mark_counts(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    call("POST", f"/warehouse/return/{ret['id']}/note", {"content": "x"})
    call("POST", f"/warehouse/return/{ret['id']}/process")

    shop.expect.call("processReturn", after="createNote")
    with pytest.raises(ExpectationFailed, match="no such call"):
        shop.expect.call("createNote", after="processReturn")


def test_order_and_what_must_not_be(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    call("GET", f"/warehouse/return/details?return_id={ret['id']}")
    call("POST", f"/warehouse/return/{ret['id']}/process")

    shop.expect.calls_in_order(["getReturnDetails", {"operation": "processReturn", "path": {"id": ret["id"]}}])
    shop.expect.no_call("cancelReturn")
    with pytest.raises(ExpectationFailed, match="in this order"):
        shop.expect.calls_in_order(["processReturn", "getReturnDetails"])
    with pytest.raises(ExpectationFailed, match="must not make"):
        shop.expect.no_call("processReturn")


def test_nothing_else_is_what_was_not_expected_before(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    call("GET", f"/warehouse/return/details?return_id={ret['id']}")
    call("POST", f"/warehouse/return/{ret['id']}/note", {"content": "x"})

    with pytest.raises(ExpectationFailed, match="more than it should"):
        shop.expect.nothing_else()
    shop.expect.nothing_else(["createNote"])
    shop.expect.call("createNote")
    shop.expect.nothing_else()
    with pytest.raises(ExpectationFailed):
        shop.expect.nothing_else(reads=True)


def test_states_at_loop(shop: Shop, ret: dict[str, Any], call: Call) -> None:
    shop.expect.label(ret["id"], status="delivered")
    with pytest.raises(ExpectationFailed) as failed:
        shop.expect.return_(ret["id"], state="closed")
    assert (failed.value.expected, failed.value.actual) == ('state "closed"', 'state "open"')

    call("POST", f"/warehouse/return/{ret['id']}/process")
    shop.clock.advance(by="1m")

    shop.expect.return_(ret["id"], state="closed", outcome="refund", totals={"refund": "#money"})
    shop.expect.shopify("refund", return_id=ret["id"], times=1)
    with pytest.raises(ExpectationFailed, match="no return 5"):
        shop.expect.return_(5)
    with pytest.raises(ExpectationFailed, match="not once"):
        shop.expect.shopify("gift_card", return_id=ret["id"])


def test_deliveries_and_their_answers(shop: Shop, ret: dict[str, Any]) -> None:
    with receiving() as receiver:
        receiver.secret = shop.secret
        shop.subscribe(receiver.url, "return")
        shop.staff.flags(return_id=ret["id"])

        shop.expect.acknowledged("return.updated", return_id=ret["id"], within="5s")
        sent = shop.expect.delivery("return.updated", payload={"id": str(ret["id"])}, state="delivered", times=1)
        assert sent["attempts"][0]["status"] == 200

        receiver.status = 500
        shop.staff.unflags(return_id=ret["id"])
        with pytest.raises(ExpectationFailed, match="with 500"):
            shop.expect.acknowledged("return.updated", times=2)
        with pytest.raises(ExpectationFailed, match=r"No label\.created reached"):
            shop.expect.acknowledged("label.created")
        with pytest.raises(ExpectationFailed, match="not once") as failed:
            shop.expect.delivery("return.updated", payload={"state": "closed"})
        assert 'payload.state: expected "closed"' in failed.value.actual


def test_the_partners_own_state_by_a_command(shop: Shop, ret: dict[str, Any]) -> None:
    prints = "import json,sys; print(json.dumps({'stage': 'at-dock', 'id': int(sys.argv[1])}))"
    probe = Probe(ask=f'{sys.executable} -c "{prints}" {{return_id}}', path="$.stage", words={"at-dock": "open"})
    shop.expect.configure(probe=probe)

    shop.expect.partner(return_id=ret["id"], state="open")
    shop.expect.probe(return_id=ret["id"], checks={"$.id": ret["id"], "$.paid": "#absent"})
    with pytest.raises(ExpectationFailed, match="for open"):
        shop.expect.partner(return_id=ret["id"], state="closed")
    with pytest.raises(ExpectationFailed) as failed:
        shop.expect.probe(return_id=ret["id"], checks={"$.paid": "#money"})
    assert failed.value.actual == "$.paid nothing"


SHOWS = {
    "booked": {"refund": "30.17", "upsell": 250, "credit": None},
    "at": "2026-03-02 09:00:30",
    "parcel": "N/A",
}


def test_what_a_probe_shows_is_compared_by_what_it_means(shop: Shop, ret: dict[str, Any]) -> None:
    paths = {"refund": "$.booked.refund", "upsell": "$.booked.upsell", "credit": "$.booked.credit"}
    paths |= {"paid_at": "$.at", "tracking_number": "$.parcel", "fee": "$.booked.fee"}
    prints = f"import json; print(json.dumps({SHOWS!r}))"
    shop.expect.configure(probe=Probe(ask=f'{sys.executable} -c "{prints}"', shows=paths))

    def holds(**wanted: Any) -> None:
        shop.expect.partner(return_id=ret["id"], **wanted)

    holds(refund="30.17", upsell="2.50", credit="0.00", fee="0.00")
    holds(paid_at="2026-03-02T10:00:30+01:00", tracking_number="#absent", currency="nobody shows it")
    with pytest.raises(ExpectationFailed, match=r"has booked 30\.17 as refund of") as failed:
        holds(refund="30.00", credit="1.00")
    assert failed.value.actual == "refund 30.17, credit nothing"
    with pytest.raises(ExpectationFailed, match="as paid_at of"):
        holds(paid_at="2026-03-02T15:00:30Z")
    with pytest.raises(ExpectationFailed, match="as tracking_number of"):
        holds(tracking_number="#string")


def test_a_probe_that_is_missing_or_broken_says_so(shop: Shop, ret: dict[str, Any]) -> None:
    with pytest.raises(SetupError, match="--probe"):
        shop.expect.partner(return_id=ret["id"], state="open")
    shop.expect.configure(probe=Probe(ask="http://127.0.0.1:9/{return_id}"))
    with pytest.raises(SetupError, match="gives no answer"):
        shop.expect.partner(return_id=ret["id"], state="open")
    shop.expect.configure(probe=Probe(ask=f"{sys.executable} -c 'import sys; sys.exit(4)'"))
    with pytest.raises(SetupError, match="ends with 4"):
        shop.expect.partner(return_id=ret["id"], state="open")


def test_what_is_asked_wrongly_is_told(shop: Shop) -> None:
    with pytest.raises(AttributeError, match="return_"):
        shop.expect.cal("x")
    with pytest.raises(TypeError, match="takes no opertion"):
        shop.expect.call(opertion="x")
    with pytest.raises(TypeError, match="needs return_id"):
        shop.expect.partner(state="open")
    assert "nothing_else" in dir(shop.expect)


@pytest.mark.parametrize(
    ("verb", "asked", "says"),
    [
        ("no_call", {"operation": "processRetrun"}, "Did you mean processReturn?"),
        ("no_call", {"operation": "processReturn", "after": "return.creatd"}, "Did you mean return.created?"),
        ("call", {"operation": "processReturn", "times": -1}, "times: Found -1; expected a number of at least 0"),
        ("call", {"operation": "processReturn", "times": {"min": 2, "max": 1}}, "Swap min and max."),
        ("delivery", {"trigger": "return.closd", "times": 0}, "Did you mean return.closed?"),
    ],
)
def test_what_could_never_be_met_or_missed_is_refused(shop: Shop, verb: str, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=rf"expect\.{verb}: ") as failed:
        getattr(shop.expect, verb)(**asked)

    assert says in str(failed.value)
