"""A run with some of everything: what a report must be able to show."""

from __future__ import annotations

import json
from typing import Any

from loopsim.harness.results import (
    Coverage,
    FactText,
    Failure,
    RuleText,
    RuleVerdict,
    RunResult,
    ScenarioResult,
    StepResult,
    Transition,
)
from loopsim.rules.rule import Finding

START = 1772442000000  # 2026-03-02T09:00:00Z, in milliseconds
RETURN = 514700001
KEY = "loop_test_b5672a5701c07b6756e1bebfba684700"
SECRET = "027c034fd90eb769"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"

RULES = {
    "process-once": RuleText(
        level="error",
        title="Ask for processing at most once per return",
        reason="Each further call can pay the customer again, and Loop does not refuse it.",
        mend="Remember by return id that processing was asked for, before the call is made.",
        fact="process-async",
    ),
    "acknowledge-in-time": RuleText(
        level="warning",
        title="Acknowledge a webhook before the work",
        reason="Loop waits some seconds, then sends the same message again.",
        mend="Queue the message, answer 200, work afterwards.",
        fact="delivery-timeout",
    ),
    "signature-verified": RuleText(
        level="error",
        title="Check the signature of every webhook",
        reason="Anybody who finds the address can close returns.",
        mend="Compare the base64 HMAC-SHA256 of the raw bytes in constant time.",
        fact="webhook-signature",
    ),
    "pages-walked": RuleText(
        level="error",
        title="Walk every page of a list",
        reason="Returns beyond the first page are never seen.",
        mend="Follow nextPageUrl until it is null.",
        fact="list-paging",
    ),
}
FACTS = {
    "process-async": FactText(grade="documented", text="Processing is queued: `true` says only that it was taken."),
    "delivery-timeout": FactText(grade="assumed", text="A delivery waits ten seconds for its answer."),
    "webhook-signature": FactText(grade="captured", text="The signature is base64, of HMAC-SHA256, over the raw body."),
}
POSSIBLE = Coverage(
    operations=("cancelReturn", "getReturnDetails", "listReturns", "processReturn"),
    errors=("getReturnDetails 404 not_found", "processReturn 200 not_open", "processReturn 401 no_key"),
    triggers=("label.created", "return.closed", "return.created", "return.updated"),
    transitions=(
        Transition("return", "open", "cancel", "cancelled"),
        Transition("return", "open", "process_done", "closed"),
        Transition("return", "review", "resolve", "open"),
    ),
)


def payload(**more: Any) -> str:
    """A webhook's body as PHP writes it, with an id that no float holds."""
    body = {
        "topic": "return",
        "trigger": "return.updated",
        "id": str(RETURN),
        "provider_order_id": 9007199254740993,
        "state": "open",
        "status_page_url": "https://shop-1.loopreturns.com/#/return/9c39",
        "total": "30.17",
        **more,
    }
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/")


def delivery(id_: int, at: int, trigger: str, **more: Any) -> dict[str, Any]:
    """A webhook attempt as the journal has it."""
    return {
        "at": START + at, "direction": "out", "kind": "delivery", "id": id_, "method": "POST", "status": 200,
        "request_body": payload(trigger=trigger), "response_body": "ok", "delivery_id": id_, "attempt": 1,
        "subscription_id": 4187001, "topic": trigger.partition(".")[0], "trigger": trigger, "return_id": RETURN,
        "url": "http://127.0.0.1:3000/hook", "duration_ms": 2.5,
        "request_headers": {"Content-Type": "application/json", "X-Loop-Signature": f"sig{id_}+8DSGuYxbOyx="},
        **more,
    }  # fmt: skip


def call(id_: int, at: int, operation: str, method: str, path: str, **more: Any) -> dict[str, Any]:
    """A call of the partner as the journal has it."""
    return {
        "at": START + at, "direction": "in", "kind": "call", "id": id_, "operation": operation, "method": method,
        "path": f"/api/v1{path}", "version": "2026-07", "status": 200, "key": "1", "duration_ms": 0.5, **more,
    }  # fmt: skip


def journal() -> tuple[dict[str, Any], ...]:
    """A return that is processed twice."""
    process = f"/warehouse/return/{RETURN}/process"
    return (
        {"at": START, "direction": "in", "kind": "control", "id": 1, "operation": "customerSubmitsReturn",
         "method": "POST", "path": "/_loopsim/shops/run/acts/customer.submits_return", "status": 200,
         "request_body": '{"items":[{"outcome":"refund"}]}', "duration_ms": 2.2},
        {"at": START, "direction": "inside", "kind": "move", "id": 2, "return_id": RETURN, "entity": "return",
         "state": "", "action": "submit", "to": "open"},
        delivery(3, 0, "return.created", request_body=payload(trigger="return.created", comment=HOSTILE)),
        call(4, 0, "getReturnDetails", "GET", "/warehouse/return/details", query=f"return_id={RETURN}&api_key={KEY}"),
        {"at": START + 10_000, "direction": "clock", "kind": "clock", "id": 5, "note": "advanced by 1 timers: goal"},
        delivery(6, 10_000, "return.updated", status=None, error="timeout", duration_ms=10_001.0),
        delivery(7, 20_000, "return.updated", delivery_id=6, attempt=2, fault="duplicate"),
        call(8, 20_000, "processReturn", "POST", process, request_body="{}", response_body="true", return_id=RETURN),
        call(9, 20_000, "processReturn", "POST", process, request_body='{"note":"twice","nota":1}',
             response_body='{"errors":{"return":["The return is not open.","caf\\u00e9"]}}', refusal="not_open",
             return_id=RETURN, unknown=["nota"]),
        {"at": START + 22_000, "direction": "inside", "kind": "move", "id": 10, "return_id": RETURN,
         "entity": "return", "state": "open", "action": "process_done", "to": "closed"},
        delivery(11, 22_000, "return.closed"),
        call(12, 22_000, "getReturnDetails", "GET", "/warehouse/return/details", status=404, refusal="not_found",
             response_body='{"message":"Not Found"}'),
        {"at": START + 22_000, "direction": "inside", "kind": "note", "id": 13,
         "note": "The idle probe does not answer."},
        call(14, 22_000, "listReturns", "GET", "/warehouse/return/list", count=50, more=True),
        call(15, 22_000, "listReturns", "GET", "/warehouse/return/list", status=429, retry_after=7,
             refusal="too_many_attempts"),
    )  # fmt: skip


def deliveries() -> tuple[dict[str, Any], ...]:
    """As the control API shows a delivery: itself, its payload, its attempts."""
    return (
        {
            "delivery": {
                "id": 6, "subscription_id": 4187002, "return_id": RETURN, "topic": "return",
                "trigger": "return.updated", "state": "delivered", "attempt_count": 2,
                "created_at": "2026-03-02T09:00:10.000Z", "settled_at": "2026-03-02T09:00:20.000Z",
                "fault": {"kind": "duplicate"},
            },
            "payload": payload(),
            "attempts": [
                {"number": 1, "at": "2026-03-02T09:00:10.000Z", "status": None, "error": "timeout",
                 "retry_at": "2026-03-02T09:00:20.000Z", "duration_ms": 10_001.0},
                {"number": 2, "at": "2026-03-02T09:00:20.000Z", "status": 200, "error": None, "retry_at": None,
                 "duration_ms": 2.5},
            ],
        },
    )  # fmt: skip


FILE = "scenarios/wms/two-way/inspect-and-process.loopsim.yaml"
COVERED = Coverage(
    operations=("getReturnDetails", "processReturn"),
    errors=("getReturnDetails 404 not_found", "processReturn 200 not_open"),
    triggers=("return.closed", "return.created", "return.updated"),
    transitions=(Transition("return", "open", "process_done", "closed"),),
)


def steps() -> tuple[StepResult, ...]:
    """A story that fails at its fourth step, so that the fifth never ran."""
    return (
        StepResult(word="customer.submits_return", arguments={"items": [{"outcome": "refund"}]}, file=FILE, line=14,
                   status="passed", at="2026-03-02T09:00:00.000Z", duration_ms=3.1, gave=f"ret: return {RETURN}"),
        StepResult(word="clock.advances", arguments={"by": "10s"}, file=FILE, line=16, status="passed",
                   at="2026-03-02T09:00:00.000Z", duration_ms=40.0, after_entry=4),
        StepResult(word="expect.acknowledged", arguments={"trigger": "return.created"}, file=FILE, line=17,
                   status="passed", at="2026-03-02T09:00:10.000Z", duration_ms=0.3, after_entry=11),
        StepResult(word="expect.call", arguments={"operation": "processReturn", "times": 1}, file=FILE, line=18,
                   status="failed", at="2026-03-02T09:00:22.000Z", duration_ms=0.4, after_entry=11),
        StepResult(word="expect.nothing_else", arguments={}, file=FILE, line=21, status="not_run"),
    )  # fmt: skip


def scenario(**changes: Any) -> ScenarioResult:
    """A passed scenario, with whatever is to be different."""
    given: dict[str, Any] = {
        "id": "wms/two-way/inspect-and-process",
        "title": "A warehouse inspects and processes once the parcel is there",
        "protects": "Paying out for a parcel that never came.",
        "file": FILE,
        "line": 1,
        "patterns": ("wms", "3pl"),
        "direction": "two-way",
        "stages": ("created", "processing"),
        "status": "passed",
        "duration_ms": 131.5,
        "reproduce": f"loopsim run {FILE} --target http://127.0.0.1:3000/hook",
        "seed": 7,
        "verdicts": (RuleVerdict(rule="process-once", level="error", outcome="passed"),),
        "coverage": COVERED,
        "assumptions": ("delivery-timeout",),
    }
    return ScenarioResult(**(given | changes))


def failing() -> ScenarioResult:
    """An expectation that did not hold, a failed rule, a warning, a rule not judged, a log with a key in it."""
    return scenario(
        id="wms/two-way/inspect-and-process[refund]+duplicate",
        status="failed",
        schedule="duplicate",
        row={"name": "refund", "outcome": "refund"},
        reproduce=f"loopsim run '{FILE}[refund]+duplicate' --target http://127.0.0.1:3000/hook",
        steps=steps(),
        failures=(
            Failure(
                says="Expected one call processReturn, saw two.",
                expected=f'1 call processReturn\npath.return_id: {RETURN}\nbody: {{"note": #absent}}',
                actual=f'2 calls processReturn\npath.return_id: {RETURN}\nbody: {{"note": "twice"}}',
                file=FILE,
                line=18,
                column=5,
                entries=(8, 9),
            ),
        ),
        verdicts=(
            RuleVerdict(
                rule="process-once", level="error", outcome="failed",
                findings=(Finding(says=f"Return {RETURN} was processed twice.", entries=(8, 9), return_id=RETURN),),
            ),
            RuleVerdict(
                rule="acknowledge-in-time", level="warning", outcome="failed",
                findings=(Finding(says="return.updated was answered after 10.0 s.", entries=(6,)),),
            ),
            RuleVerdict(rule="pages-walked", level="error", outcome="not_judged", why="No list had a second page."),
            RuleVerdict(rule="signature-verified", level="error", outcome="passed"),
        ),
        journal=journal(),
        deliveries=deliveries(),
        partner_log=f"listening on 3000\nLOOP_API_KEY={KEY}\nTypeError: \x1b[31mboom\x1b[0m\x00 {HOSTILE}\n",
    )  # fmt: skip


def example(**changes: Any) -> RunResult:
    """Six scenarios: failed, error, skipped, passed, passed with a warning, passed under a schedule."""
    late = RuleVerdict(
        rule="acknowledge-in-time", level="warning", outcome="failed",
        findings=(Finding(says="return.closed was answered after 4.0 s."),),
    )  # fmt: skip
    unjudged = RuleVerdict(
        rule="signature-verified", level="error", outcome="not_judged",
        why="No forged delivery was sent. Run with --provoke.",
    )  # fmt: skip
    given: dict[str, Any] = {
        "version": "0.1.0",
        "started_at": "2026-11-28T21:00:00+00:00",
        "duration_ms": 4210.0,
        "target": "http://127.0.0.1:3000/hook",
        "mode": "single",
        "command": "loopsim run @wms/two-way --target http://127.0.0.1:3000/hook",
        "exit_code": 1,
        "possible": POSSIBLE,
        "rules": RULES,
        "facts": FACTS,
        "scenarios": (
            scenario(verdicts=(RuleVerdict(rule="process-once", level="error", outcome="passed"), unjudged)),
            failing(),
            scenario(
                id="wms/two-way/starts", title="The partner starts", status="error", line=3, coverage=Coverage(),
                failures=(Failure(says="The partner exited with 1 before it was healthy.", about="setup"),),
                partner_log="Error: listen EADDRINUSE", verdicts=(), reproduce="loopsim run starts",
            ),
            scenario(
                id="erp/one-way/ledger", title="The ERP books the refund", status="skipped", verdicts=(),
                why="It needs a probe. Give one with --probe.", coverage=Coverage(), patterns=("erp",),
            ),
            scenario(id="wms/two-way/slow", title="The warehouse is slow", verdicts=(late,)),
            scenario(id="wms/two-way/inspect-and-process+swap", schedule="swap"),
        ),
    }  # fmt: skip
    return RunResult(**(given | changes))
