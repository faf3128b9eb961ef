"""One partner under trial: written to a folder, judged by `loopsim run` as its users would, and what came of it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.defects.defect import ERP, LABEL_PROVIDER, LABELS, MERCHANT, ROOT, SHIPPER, STOREFRONT, WAREHOUSE

HERE = "http://127.0.0.1:{port}"
LIMIT = 240.0  # seconds that one trial may take

# The waits of the references, shortened: a trial is about what a partner does, not about how long it waits.
HASTE = (
    ("BACKOFF = 0.5", "BACKOFF = 0.05"),
    ("LEAST_WAIT, LONGEST_WAIT = 0.2,", "LEAST_WAIT, LONGEST_WAIT = 0.02,"),
)

# What a partner calls the states of a return, in Loop's words.
WORDS = {
    WAREHOUSE: {
        "expected": "open",
        "received": "open",
        "graded": "open",
        "ignored": "cancelled",
        "attention": "review",
    },
    ERP: {},
    LABELS: {},
    LABEL_PROVIDER: {},
    MERCHANT: {},
}
SUITES = {
    WAREHOUSE: "@wms/two-way",
    ERP: "@erp/one-way",
    LABELS: "@label-provider/two-way",
    LABEL_PROVIDER: "@label-provider/two-way",
    STOREFRONT: "@storefront/two-way",
    SHIPPER: "@label-provider/two-way",
    MERCHANT: "@commerce-platform",
}
DOES = {
    LABEL_PROVIDER: ("label-requests", "label-errors", "catch-up", "carrier-says"),
    SHIPPER: ("ship-by-loop",),
    MERCHANT: ("commerce-data", "eligibility", "returns-form", "exchange-orders", "catch-up"),
}
BOOKS = {name: f"booked.{name}" for name in ("refund", "credit", "exchange", "fee", "upsell")}
SHOWS = {
    WAREHOUSE: {},
    ERP: {
        **{name: name for name in ("currency", "outcome", "tracking_number", "label_status")},
        **BOOKS,
        "order_name": "order",
        "paid_at": "entries[0].at",
    },
    LABELS: {},
    LABEL_PROVIDER: {},
    MERCHANT: {
        **{name: name for name in ("currency", "outcome", "tracking_number", "refund", "credit", "exchange", "fee")},
        "order_name": "order",
    },
}
STATE = {WAREHOUSE: "stage", ERP: "state", LABELS: "stage", LABEL_PROVIDER: "stage", MERCHANT: "state"}


@dataclass(frozen=True)
class Trial:
    """A partner's whole program, by which of the known ones it is like, and what it is judged by."""

    name: str
    text: str
    like: str
    suite: str
    environment: dict[str, str] = field(default_factory=dict)
    provoked: bool = True
    does: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a trial: the names of failed rules by scenario, and the ids of scenarios that failed, with why.
    `signature` is what the partner did, by scenario, without what differs from run to run; `judged` are the rules that
    had the evidence they need."""

    name: str
    rules: dict[str, list[str]]
    failed: dict[str, str]
    passed: int
    signature: dict[str, Any]
    judged: frozenset[str] = frozenset()
    trouble: str = ""

    @property
    def blamed(self) -> bool:
        return bool(self.failed or self.rules or self.trouble)

    def caught_by(self, names: tuple[str, ...]) -> str:
        """The first of these rules, or places of scenarios, that caught it; "" if none did."""
        for name in names:
            if name in self.rules:
                return name
            found = next((each for each in self.failed if each.startswith(name) and self.failed[each]), "")
            if "/" in name and found:
                return found
        return ""

    def any_other(self) -> str:
        """Whatever caught it."""
        return next(iter([*self.rules, *self.failed]), "") or self.trouble


def try_out(trial: Trial, folder: Path, *options: str) -> Outcome:
    """Judge a partner. Does not raise for what the partner does."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / ("partner" + (".mjs" if "createServer" in trial.text else ".py"))
    program.write_text(hastened(trial.text), "utf-8")
    command = [
        sys.executable,
        "-m",
        "loopsim.cli",
        "run",
        *trial.suite.split(),
        "--format",
        "json",
        "--port",
        "0",
        "--timeout",
        "20s",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *_flags(trial, program), *options],
            cwd=ROOT,
            env={
                **os.environ,
                "WAREHOUSE_QUIET": "1",
                "ERP_QUIET": "1",
                "LABELS_QUIET": "1",
                "STOREFRONT_QUIET": "1",
                "MERCHANT_QUIET": "1",
                "POLL_EVERY": "3600",
                "WAREHOUSE_DOUBT": "1",
                **trial.environment,
            },
            stdout=subprocess.PIPE,
            stderr=log,
        )
        try:
            said, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.terminate()  # which ends the partner, too
            said, _ = process.communicate()
    try:
        return outcome(trial.name, json.loads(said))
    except ValueError:
        trouble = (folder / "log").read_text("utf-8", "replace").strip().splitlines()[-1:]
        return Outcome(trial.name, {}, {}, 0, {}, trouble=(trouble or ["it said nothing"])[0])


def hastened(text: str) -> str:
    """The program with shorter waits, where it has them."""
    for slow, quick in HASTE:
        text = text.replace(slow, quick)
    return text


def _flags(trial: Trial, program: Path) -> list[str]:
    run = "node" if program.suffix == ".mjs" else sys.executable
    polls = program.suffix == ".mjs"
    state = f"{HERE}/state{'?fresh' if polls else ''}"
    provoke = "--provoke" if trial.provoked else "--no-provoke"
    flags = [provoke, "--start", shlex.join([run, str(program)]), "--health", f"{HERE}/health"]
    for ability in trial.does or DOES.get(trial.like, ()):
        flags += ["--does", ability]
    if trial.like == STOREFRONT:
        return [*flags, "--asks", f"{HERE}/do/{{task}}", "--idle-probe", f"{HERE}/idle"]
    if trial.like == SHIPPER:
        return [*flags, "--oauth", "tokens", "--target", f"{HERE}/webhooks/loop", "--idle-probe", state]
    # Stories begin at the same moment, and what polls keeps a mark of time: between them it is told to read anew.
    flags += ["--reset", f"{HERE}/reread"] if polls else ["--target", f"{HERE}/webhooks/loop"]
    flags += [
        "--probe",
        state,
        "--probe-path",
        f"$.returns['{{return_id}}'].{STATE[trial.like]}",
        "--idle-probe",
        f"{HERE}/{'idle' if trial.like in (ERP, MERCHANT) else 'state'}",
    ]
    for name, path in SHOWS[trial.like].items():
        flags += ["--probe-shows", f"{name}=$.returns['{{return_id}}'].{path}"]
    # Its own side asks it, and each story is another shop to it.
    flags += ["--asks", f"{HERE}/do/{{task}}", "--reset", f"{HERE}/do/forget"] if trial.like == MERCHANT else []
    flags += ["--oauth", "tokens"] if trial.like == LABEL_PROVIDER else []
    for word, meaning in WORDS[trial.like].items():
        flags += ["--probe-map", f"{word}={meaning}"]
    return flags


def outcome(name: str, run: dict[str, Any]) -> Outcome:
    """What a run says, in short."""
    rules: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    passed = 0
    for scenario in run["scenarios"]:
        says = "; ".join(failure["says"] for failure in scenario.get("failures", ()))
        blamed = [v for v in scenario.get("verdicts", ()) if v["outcome"] == "failed" and v["level"] != "note"]
        for verdict in blamed:
            rules.setdefault(verdict["rule"], []).append(scenario["id"])
        if scenario["status"] in ("failed", "error"):
            failed[scenario["id"]] = says
        passed += scenario["status"] == "passed"
    signature = {scenario["id"]: _signature(scenario) for scenario in run["scenarios"]}
    verdicts = [verdict for scenario in run["scenarios"] for verdict in scenario.get("verdicts", ())]
    judged = frozenset(verdict["rule"] for verdict in verdicts if verdict["outcome"] != "not_judged")
    return Outcome(name, rules, failed, passed, signature, judged)


def _signature(scenario: dict[str, Any]) -> Any:
    """What the partner did: its writing calls as they came, what it read, and how it answered webhooks."""
    calls = [entry for entry in scenario.get("journal", ()) if entry["kind"] == "call"]
    writes = [[c["method"], c["path"], c.get("query", ""), c.get("body")] for c in calls if c["method"] != "GET"]
    reads = sorted({f"{c['path']}?{_timeless(c.get('query') or '')}" for c in calls if c["method"] == "GET"})
    statuses = sorted(
        {attempt.get("status") or 0 for each in scenario.get("deliveries", ()) for attempt in each.get("attempts", ())}
    )
    return [sorted(writes, key=str), reads, statuses]


def _timeless(query: str) -> str:
    return "&".join(part for part in query.split("&") if not part.startswith(("from=", "to=", "cursor=")))
