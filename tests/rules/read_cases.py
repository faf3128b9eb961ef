"""Cases of the rules about lists, ids, money, times, labels and the form of calls."""

from __future__ import annotations

from typing import Any

from tests.rules.building import DAY, RETURN, START, Case, Entry, call, details, hook, moved, story

PAGE = "from=2026-03-01T00%3A00%3A00Z&to=2026-03-03T00%3A00%3A00Z&filter=created_at&pageSize=100"
INVALID = {"message": "The date range may not be greater than 120 days.", "errors": {"to": ["The date range"]}}
TAKEN = {"message": "No.", "errors": {"external_id": ["This external id has already been taken."]}}
BIG = 4_611_686_018_427_387_905
TOLD = hook(payload={"order_id": "226714271", "provider_order_id": "5475441951404", "total": "129.95"})
CREATED = hook(payload={"created_at": "2026-03-02T09:00:00+00:00"})
IN_THE_END = {
    "id": RETURN,
    "created_at": "2026-03-02T09:00:00.000Z",
    "processed_at": {"return_processed": "2026-03-02T23:30:00.000Z", "refund_processed": None},
    "totals": {"total": "129.95", "bonus": "5.00"},
}
PAID = hook(payload={"outcomes_processed_at": {"refund_processed": {"date": "2026-03-02 23:30:00.000000"}}})
NOT_FOUND = {"refusal": "return_not_found", "answer": {"error": {"message": "No return found with this ID."}}}
RATE = {"label_request_id": 9, "rate": {"amount": 1093, "currency_code": "USD"}}


def listed(query: str = "", **given: Any) -> Entry:
    """A list of returns."""
    return call("listReturns", query=query, **given)


def requests(query: str, **given: Any) -> Entry:
    """A list of label requests, which has offsets in place of links."""
    return call("listLabelRequests", query=query, **given)


def updated(status: str, **given: Any) -> Entry:
    """A status of a label."""
    return call("updateLabel", body={"status": status}, **given)


def shown(**members: Any) -> tuple[dict[str, Any], ...]:
    """A probe that shows these members of the return."""
    return ({"returns": {str(RETURN): members}},)


EXPIRED = details(status=401, refusal="token_expired")
MADE = hook("return.created", payload={"created_at": "2026-03-02T09:00:00+00:00"})

CASES = {
    "pages-walked": Case(
        passes=(
            story(
                listed(f"paginate=true&{PAGE}", more=True), listed(f"{PAGE}&cursor=a", more=True), listed("cursor=b")
            ),
            story(requests("limit=50", more=True), requests("limit=50&offset=50")),
        ),
        fails=(
            (story(listed(f"paginate=true&{PAGE}", more=True)), "It read a page of listReturns and not the next one."),
            (story(listed("paginate=1", more=True), listed("cursor=a", more=True)), "not the next one"),
            (story(listed("state=open", more=True), listed("state=closed&cursor=a")), "not the next one"),
        ),
        not_judged=(story(), story(listed("paginate=true"))),
    ),
    "page-links-verbatim": Case(
        passes=(story(listed("paginate=true", more=True), listed(f"{PAGE}&cursor=a")),),
        fails=(
            (story(listed("paginate=true", more=True), listed("cursor=a")), "without from, to, filter, pageSize"),
            (story(listed("paginate=true&state=open", more=True), listed(f"{PAGE}&cursor=a")), "without state"),
        ),
        not_judged=(story(), story(listed("paginate=true"))),
    ),
    "window-given": Case(
        passes=(
            story(listed(PAGE)),
            story(hook(), listed(at=START + 2 * DAY)),  # a webhook had told of it
            story(hook(status=500), listed(at=START + DAY // 2), listed(at=START + 2 * DAY)),
        ),
        fails=(
            (story(moved("submit", "", "open"), listed(at=START + 2 * DAY)), "return 514700001 is older than 24 hours"),
        ),
        not_judged=(story(), story(hook(), listed(at=START + DAY // 2))),
    ),
    "window-with-both-ends": Case(
        passes=(
            story(listed(PAGE), listed()),
            story(listed("from=2026-03-02T00:00:00Z")),
            # Slices of a day each.
            story(listed("from=2026-02-28"), listed("from=2026-03-01"), listed("from=2026-03-02")),
        ),
        fails=(
            (
                story(listed("from=2026-02-01")),
                "It asked from 2026-02-01 on, and Loop took the 24 hours after that alone.",
            ),
            (story(listed("to=2026-03-02")), "It gave `to` without `from`"),
        ),
    ),
    "window-within-limits": Case(
        passes=(
            story(listed(PAGE)),
            story(listed("from=2025-01-01&to=2026-03-01", status=422, refusal="invalid", answer=INVALID), listed(PAGE)),
        ),
        fails=(
            (
                story(listed("from=2025-01-01&to=2026-03-01", status=422, refusal="invalid", answer=INVALID)),
                "Loop refused its window, 2025-01-01 to 2026-03-01",
            ),
        ),
    ),
    "states-asked-for": Case(
        passes=(
            story(moved("cancel", "open", "cancelled"), listed(), listed("state=cancelled")),
            story(moved("cancel", "open", "cancelled"), listed(), details()),
            story(moved("cancel", "open", "cancelled"), hook(state="cancelled"), listed()),
        ),
        fails=(
            (story(moved("cancel", "open", "cancelled"), listed("state=open")), "Return 514700001 went to cancelled"),
        ),
        not_judged=(story(), story(listed()), story(listed(), moved("cancel", "open", "cancelled"))),
    ),
    "ids-intact": Case(
        passes=(story(hook(payload={"external": str(BIG)}), details(BIG)),),
        fails=(
            (story(hook(payload={"external": BIG}), details(4_611_686_018_427_388_000)), f"where the id is {BIG}"),
            (story(hook(return_id=BIG), call("gradeItems", body={"items": [float(BIG)]})), "rounded as a float"),
        ),
        not_judged=(story(), story(hook(), details()), story(hook(return_id=BIG))),
    ),
    "ids-not-confused": Case(
        passes=(
            story(TOLD, details()),
            story(TOLD, call("getReturnDetails", query="order_id=5475441951404")),
            story(TOLD, call("getReturnDetails", query="return_id=42", **NOT_FOUND)),
        ),
        fails=(
            (story(TOLD, call("getReturnDetails", query="order_id=226714271", **NOT_FOUND)), "that is a order_id"),
            (story(TOLD, details(5475441951404, **NOT_FOUND)), "that is a provider_order_id"),
        ),
        not_judged=(story(), story(details()), story(TOLD)),
    ),
    "money-exact": Case(
        passes=(
            story(TOLD, probes=shown(total="129.95", state="open")),
            story(TOLD, probes=shown(total=12_995)),
            story(TOLD, probes=shown(total=3.5)),  # another thing under that name; nobody can tell
            story(returns=(IN_THE_END,), probes=shown(total="129.95", bonus="4.99")),
        ),
        fails=(
            (story(TOLD, probes=shown(total=129)), "Its total of return 514700001 is 129, where Loop told 129.95."),
            (story(TOLD, probes=shown(total="130")), "is 130"),
            (story(TOLD, probes=shown(total=12_994)), "is 12994"),
            (story(TOLD, probes=shown(total="129.90")), "is 129.90"),
            (story(listed(), returns=(IN_THE_END,), probes=shown(total="130.00")), "is 130.00, where Loop told 129.95"),
            (story(TOLD, probes=({"rows": [{"return_id": RETURN, "total": 129.94999}]},)), "is 129.94999"),
        ),
        not_judged=(story(), story(TOLD), story(TOLD, probes=shown(stage="open"))),
    ),
    "label-rates-in-cents": Case(
        passes=(story(call("createLabel", body=RATE)),),
        fails=((story(call("createLabel", body={"rate": {"amount": 10.93}}, status=422)), "a label's rate as 10.93"),),
    ),
    "times-read-right": Case(
        passes=(
            story(CREATED, probes=shown(created_at="2026-03-02 09:00:00")),
            story(CREATED, probes=shown(created_at="2026-03-02T11:00:00+02:00")),
            story(CREATED, probes=shown(created_at=START)),
            story(CREATED, probes=shown(created_at="2026-03-02T09:00:07Z")),
            story(PAID, probes=shown(refund_processed="2026-03-02T23:30:00Z")),
            story(returns=(IN_THE_END,), probes=shown(created_at=START, updated_at="2026-03-02T08:00:00Z")),
        ),
        fails=(
            (story(CREATED, probes=shown(created_at="2026-03-02T08:00:00Z")), "is -1 h away from what Loop told"),
            (story(PAID, probes=shown(refund_processed="2026-03-03T04:30:00Z")), "is +5 h away from what Loop told"),
            (
                story(listed(), returns=(IN_THE_END,), probes=shown(return_processed="2026-03-03 04:30:00")),
                "is +5 h away",
            ),
        ),
        not_judged=(story(), story(CREATED), story(CREATED, probes=shown(stage="open"))),
    ),
    "inspections-dated-right": Case(
        passes=(
            story(MADE, call("gradeItems", body={"items": [{"inspected_at": "2026-03-02 09:00:00"}]})),
            story(MADE, call("assessItems", body={"items": [{"inspected_at": "2026-03-02T10:00:00+01:00"}, {}]})),
        ),
        fails=(
            (
                story(MADE, call("gradeItems", body={"items": [{"inspected_at": "2026-03-02 04:00:00"}]})),
                "inspected 5 h before their return was made",
            ),
            (
                story(MADE, call("assessItems", body={"items": [{"inspected_at": "2026-03-02 11:00:00"}]})),
                "inspected 2 h from now",
            ),
        ),
        not_judged=(story(), story(call("gradeItems", body={"items": [{}]}))),
    ),
    "graded-in-batches": Case(
        passes=(story(call("gradeItems", body={"items": [{}] * 30})),),
        fails=(
            (
                story(call("gradeItems", body={"items": [{}] * 31})),
                "It sent 31 items in one gradeItems; Loop takes 30.",
            ),
        ),
    ),
    "label-status-forward": Case(
        passes=(
            story(
                updated("new"), updated("in_transit"), updated("in_transit"), updated("failure"), updated("delivered")
            ),
        ),
        fails=(
            (
                story(updated("delivered"), updated("in_transit")),
                "It moved label 88 from delivered back to in_transit.",
            ),
        ),
        not_judged=(story(), story(updated("failure"))),
    ),
    "cancelled-requests-left-alone": Case(
        passes=(
            story(
                hook("label.request.cancelled", topic="label.request", payload={"id": 8}),
                call("createLabel", body=RATE),
            ),
        ),
        fails=(
            (
                story(
                    hook("label.request.cancelled", topic="label.request", payload={"id": 9}),
                    call("createLabel", body=RATE, status=409, refusal="label_request_not_open"),
                ),
                "It made a label for a request that it had heard was cancelled.",
            ),
        ),
    ),
    "token-refreshed": Case(
        passes=(
            story(EXPIRED, call("requestToken"), details()),
            # Another of its workers still had the old one.
            story(EXPIRED, call("requestToken"), EXPIRED, details()),
            # Taken back: it tried to renew, and left it at that.
            story(
                details(status=401, refusal="token_revoked"), call("requestToken", status=400, refusal="invalid_grant")
            ),
        ),
        fails=(
            (story(details(), EXPIRED), "Its access token expired, and it made no call with another"),
            (story(EXPIRED, call("requestToken")), "Its access token expired, and it made no call with another"),
            (
                story(EXPIRED, call("requestToken"), EXPIRED),
                "Its access token expired, and it went on with the old one",
            ),
            (story(details(status=401, refusal="token_revoked")), "Its access token was taken back"),
        ),
        not_judged=(story(), story(details())),
    ),
    "key-accepted": Case(
        passes=(story(details()),),
        fails=(
            (story(details(status=401, refusal="unauthorized")), "its key or token lacks the scope"),
            (
                story(details(status=401, refusal="unauthorized", key=None)),
                "it sent no key or token that the shop knows",
            ),
        ),
    ),
    "fields-known": Case(
        passes=(story(listed()),),
        fails=((story(listed("page_size=3", unknown=["?page_size"])), "Loop drops ?page_size of listReturns"),),
    ),
    "requests-readable": Case(
        passes=(
            story(listed()),
            story(call("listNotes", RETURN, status=422, refusal="no_notes", answer=False)),
            story(call("createOrder", body={}, status=422, refusal="invalid", answer=TAKEN)),
        ),
        fails=((story(listed(status=422, refusal="invalid", answer=INVALID)), "The date range may not be greater"),),
    ),
    "version-supported": Case(
        passes=(story(listed(), listed(path="/api/2026-10/warehouse/return/list")),),
        fails=(
            (story(listed(path="/api/v2/returns", status=404, operation=None)), "of a version that is gone"),
            (story(listed(path="/api/2025-01/returns", status=404, operation=None)), "of a version that is gone"),
        ),
    ),
    "endpoints-known": Case(
        passes=(story(listed()), story(listed(path="/api/v2/returns", status=404, operation=None))),
        fails=(
            (story(listed(path="/api/v1/warehouse/returns", status=404, operation=None)), "Loop has no GET /api/v1/"),
        ),
    ),
    "secrets-not-in-urls": Case(
        passes=(
            story(listed("state=open")),
            story(call("createWebhook", body={"url": "https://x.example/loop?shop=1"})),
        ),
        fails=(
            (story(listed("api_key=abc")), "It put a secret into an address, as api_key"),
            (story(call("requestToken", query="client_secret=abc")), "as client_secret"),
            (story(listed("access_token=abc")), "as access_token"),
            (
                story(call("createWebhook", body={"url": "https://x.example/loop?token=1"})),
                "as token, in createWebhook",
            ),
        ),
    ),
    "polls-moderately": Case(
        passes=(story(*[listed(f"state=open&from={n}", began_ms=n * 2_000.0) for n in range(90)]),),
        fails=(
            (story(*[listed(f"state=open&from={n}", began_ms=n * 50.0) for n in range(90)]), "the same listReturns"),
        ),
        not_judged=(story(), story(listed())),
    ),
    "subscribed-once": Case(
        passes=(
            story(call("createWebhook", body={"topic": "return"}), call("createWebhook", body={"topic": "label"})),
        ),
        fails=((story(*[call("createWebhook", body={"topic": "return"})] * 2), "It subscribed twice to return"),),
        not_judged=(story(), story(*[call("createWebhook", body={})] * 2, call("deleteWebhook"))),
    ),
}
