"""One page that needs nothing else: what the run came to, and the timeline of each scenario in swim lanes.

No byte of it comes from a network, and its script is the one that its Content-Security-Policy names by hash, so nothing
that a partner or a payload holds can run.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from loopsim.harness.coverage import of_run
from loopsim.harness.reports import summary as sums
from loopsim.harness.reports.redaction import redacted
from loopsim.harness.reports.texts import bounded, last, many, printable, seconds
from loopsim.harness.reports.timeline import Budget, Gap, Timeline, timeline
from loopsim.harness.results import RunResult

_PAGE = Path(__file__).parent / "page"
_LOG = 20_000
_CODE = re.compile(r"`([^`]+)`")
_LANES = {"story": "Story and clock", "webhook": "Webhooks", "call": "Partner's calls", "move": "What moved"}
_MARKS = {"passed": "✓", "failed": "✗", "error": "‼", "skipped": "○"}


def render(run: RunResult) -> str:
    """The whole page."""
    run = redacted(run)
    return _template().render(
        run=run,
        counts=sums.counts(run),
        sums=sums,
        coverage=of_run(run),
        timelines=_timelines(run),
        order=sorted(range(len(run.scenarios)), key=lambda number: sums.STATUSES.index(run.scenarios[number].status)),
        assumptions=sums.assumptions(run),
        unjudged=sums.never_judged(run),
        others=_facts_of_rules(run),
        lanes=_LANES,
        marks=_MARKS,
        meaning=sums.meaning(run),
        script=Markup(_asset("report.js")),
        style=Markup(_asset("report.css")),
        script_hash=base64.b64encode(hashlib.sha256(_asset("report.js").encode()).digest()).decode(),
    )


def _timelines(run: RunResult) -> dict[int, Timeline]:
    """By the scenario's place in the run; what went wrong spends the page's budget first."""
    budget = Budget()
    worst = sorted(range(len(run.scenarios)), key=lambda number: sums.STATUSES.index(run.scenarios[number].status))
    return {number: timeline(run.scenarios[number], budget) for number in worst}


def _facts_of_rules(run: RunResult) -> list[str]:
    """The anchors behind the rules that failed, as far as their text is known and is not among the assumptions."""
    failed = {problem.rule for scenario in run.scenarios for problem in sums.problems(scenario)}
    named = {run.rules[rule].fact for rule in failed if rule in run.rules} - set(sums.assumptions(run))
    return sorted(anchor for anchor in named if anchor in run.facts)


def _prose(text: str) -> Markup:
    """Text of a fact or a rule: what stands between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


@cache
def _asset(name: str) -> str:
    return (_PAGE / name).read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_PAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        # Nothing that cannot be shown gets in, whichever text it stands in.
        finalize=lambda value: value if isinstance(value, Markup) or not isinstance(value, str) else printable(value),
    )
    environment.filters |= {"prose": _prose, "many": many, "seconds": seconds}
    environment.globals |= {"log": lambda text: bounded(last(text, 400), _LOG)}
    environment.tests["gap"] = lambda item: isinstance(item, Gap)
    return environment.get_template("report.html")
