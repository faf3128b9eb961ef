"""The run on the terminal: a line as each scenario ends, then a summary that says what to do next.

live = LiveTerminal(console, total)
live.started(scenario); live.ended(result); live.close()
summary(run, console)
"""

from __future__ import annotations

import io
import threading
from itertools import zip_longest
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from loopsim.harness.coverage import coverage_line
from loopsim.harness.document import Scenario
from loopsim.harness.reports import summary as sums
from loopsim.harness.reports.redaction import redacted
from loopsim.harness.reports.summary import Problem
from loopsim.harness.reports.texts import bounded, last, many, printable, seconds, shown
from loopsim.harness.reports.traffic import showing
from loopsim.harness.results import RunResult, ScenarioResult

MARKS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "error": ("‼", "bold red"), "skipped": ("○", "yellow")}
QUIET = "bright_black"
MOST = 12
"""So many failed scenarios are shown whole; the others in one line each."""
_LOG_LINES = 12
_WIDEST = 140  # columns of expected and actual side by side
_SIDE = 2_000  # characters of expected, and of actual
_LABEL = 9


class LiveTerminal:
    """One line per scenario as it ends; on a terminal also one that says what runs now. Safe with threads."""

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = self._bad = 0
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> LiveTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def started(self, scenario: Scenario) -> None:
        """It runs from now on."""
        with self._lock:
            self._running[scenario.id] = scenario.title
            self._show()

    def ended(self, result: ScenarioResult) -> None:
        """It is over: its line."""
        with self._lock:
            self._running.pop(result.id, None)
            self._ended += 1
            self._bad += result.status in ("failed", "error")
            _one_line(self._console, _ended(result))
            self._show()
        if self._ended >= self._total:
            self.close()

    def close(self) -> None:
        """Take the running line away. Doing it again is harmless."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = None

    def _show(self) -> None:
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            return
        if self._live is None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=10)
            self._live.start()
        self._live.update(self._now(), refresh=True)

    def _now(self) -> Spinner:
        # Provocations come on top of what was asked for.
        total = max(self._total, self._ended + len(self._running))
        text = Text(f"{self._ended} of {total}", style="bold", no_wrap=True, overflow="ellipsis")
        if self._bad:
            text.append(f"  {self._bad} failed", style="red")
        others = f" and {len(self._running) - 1} more" if len(self._running) > 1 else ""
        if self._running:
            text.append(f"  {printable(next(iter(self._running.values())))}{others}", style=QUIET)
        return Spinner("dots", text)


def _ended(result: ScenarioResult) -> Text:
    text = Text.assemble(MARKS[result.status], " ", printable(result.id))
    if result.status == "skipped":
        return text.append(f"  skipped: {printable(result.why)}", style=QUIET)
    text.append(f"  {seconds(result.duration_ms)}", style=QUIET)
    found = sums.problems(result)
    if result.status in ("failed", "error") and found:
        text.append(f"  {printable(found[0].says)}", style="red")
    elif found:
        text.append(f"  {many(len(found), 'warning')}: {shown(sorted({each.name for each in found}), 3)}", "yellow")
    return text


def summary(run: RunResult, console: Console) -> None:
    """All that is wrong with what it takes to mend it, then the totals."""
    run = redacted(run)
    told: set[str] = set()
    bad = sums.alike(run)
    for failure in run.findings:
        console.print()
        _print(console, Text.assemble(("‼", "bold red"), " ", (printable(failure.says), "bold")))
        _sides(console, failure.expected, failure.actual)
    for scenario, *others in bad[:MOST]:
        _scenario(run, scenario, told, console)
        if others:
            says = f"the same in {printable(sums.others_of(scenario, others))}"
            _labelled(console, "also", Text(says, style=QUIET))
    _rest(bad[MOST:], console)
    _warnings(run, told, console)
    _unjudged(run, console)
    _totals(run, console)


def _rest(groups: list[list[ScenarioResult]], console: Console) -> None:
    """Those that are not shown whole: why, and how to see it."""
    if not groups:
        return
    number = sum(map(len, groups))
    ways = f", in {len(groups)} ways" if len(groups) < number else ""
    console.print()
    _print(console, Text(f"… and {number} more that failed{ways}:", style="bold"))
    for scenario, *others in groups:
        names = f" (and {sums.others_of(scenario, others)})" if others else ""
        says = Text.assemble(MARKS[scenario.status], " ", printable(scenario.id + names), "  ")
        _one_line(console, says.append(" ".join(printable(sums.reason(scenario)).split()), style="red"))
        _labelled(console, "again", Text(printable(scenario.reproduce), style="bold cyan"))


def _scenario(run: RunResult, scenario: ScenarioResult, told: set[str], console: Console) -> None:
    console.print()
    console.rule(style=QUIET)
    title = Text.assemble(MARKS[scenario.status], " ", (printable(scenario.title), "bold"))
    if sums.variant(scenario):
        title.append(f"  {printable(sums.variant(scenario))}", style="cyan")
    if scenario.status == "error":
        title.append("  the set-up, not the partner", style="red")
    _print(console, title)
    if scenario.protects:
        _labelled(console, "protects", Text(f"from: {printable(scenario.protects)}"))
    _problems(run, scenario, told, console)
    if scenario.partner_log.strip():
        console.print()
        console.print(Text("  the partner's log, its end", style=QUIET))
        _print(console, Text(printable(last(scenario.partner_log, _LOG_LINES))), indent=4)
    console.print()
    _labelled(console, "again", Text(printable(scenario.reproduce), style="bold cyan"))


def _problems(run: RunResult, scenario: ScenarioResult, told: set[str], console: Console) -> None:
    seen: tuple[int, ...] = ()
    for problem in sums.problems(scenario):
        console.print()
        if problem.rule:
            _rule(run, problem, told, console)
        else:
            _print(console, Text(printable(problem.says), style="red"), indent=2)
            _labelled(console, "at", Text(f"{problem.file}:{problem.line}", style="cyan"))
        _sides(console, problem.expected, problem.actual)
        if problem.entries != seen:
            _traffic(scenario, problem, console)
        seen = problem.entries
        for hint in problem.hints:
            if hint not in told:
                told.add(hint)
                _labelled(console, "hint", Text(printable(hint), style="yellow"))


def plain(run: RunResult, scenario: ScenarioResult) -> str:
    """All that is wrong with a scenario and how to mend it, as text without colours. The run is redacted already."""
    stream = io.StringIO()
    console = Console(file=stream, width=100, no_color=True, highlight=False, emoji=False, force_terminal=False)
    _problems(run, scenario, set(), console)
    lines = (line.removeprefix("  ").rstrip() for line in stream.getvalue().splitlines())
    return "\n".join(lines).strip()


def _rule(run: RunResult, problem: Problem, told: set[str], console: Console) -> None:
    style = "red" if problem.level == "error" else "yellow"
    about = run.rules.get(problem.rule)
    title = f"  {about.title}" if about else ""
    _print(console, Text.assemble("  ", (problem.rule, f"bold {style}"), (f" ({problem.level})", style), title))
    _print(console, Text(printable(problem.says), style=style), indent=2)
    if about is None or problem.rule in told:
        return
    told.add(problem.rule)
    _labelled(console, "why", Text(about.reason))
    _labelled(console, "mend", Text(about.mend, style="green"))
    fact = run.facts.get(about.fact)
    known = f"{fact.grade}: {fact.text} " if fact else ""
    _labelled(console, "fact", Text.assemble(known, (f"openapi/FACTS.md#{about.fact}", "cyan")))


def _sides(console: Console, expected: str, actual: str) -> None:
    """Expected and actual side by side where both have room, else one below the other."""
    if not expected and not actual:
        return
    left, right = (printable(bounded(text, _SIDE)).splitlines() for text in (expected, actual))
    room = max(map(len, left), default=0)
    if room + max(map(len, right), default=0) + 6 > min(console.width, _WIDEST):
        _labelled(console, "expected", Text("\n".join(left), style="green"))
        _labelled(console, "actual", Text("\n".join(right), style="red"))
        return
    room = max(room, len("expected"))
    console.print(Text(f"    {'expected':<{room}}  actual", style=QUIET))
    for one, other in zip_longest(left, right, fillvalue=""):
        same = one == other
        console.print(
            Text.assemble("    ", (f"{one:<{room}}", "" if same else "green"), "  ", (other, "" if same else "red"))
        )


def _traffic(scenario: ScenarioResult, problem: Problem, console: Console) -> None:
    for line in showing(scenario, problem.entries):
        _one_line(console, Text(f"    {printable(line)}", style=QUIET))


def _warnings(run: RunResult, told: set[str], console: Console) -> None:
    """What a scenario that passed is warned of, one entry for each rule."""
    found: dict[str, list[tuple[ScenarioResult, Problem]]] = {}
    for scenario in run.scenarios:
        if scenario.status == "passed":
            for problem in sums.problems(scenario):
                found.setdefault(problem.rule, []).append((scenario, problem))
    if not found:
        return
    console.print()
    _print(console, Text("Warnings", style="bold"))
    for each in (found[name] for name in sorted(found)):
        scenario, problem = each[0]
        console.print()
        _rule(run, problem, told, console)
        _traffic(scenario, problem, console)
        ids = sorted({scenario.id for scenario, _ in each})
        _labelled(console, "in", Text(shown(ids, 3), style=QUIET))


def _unjudged(run: RunResult, console: Console) -> None:
    """The rules that nothing in the whole run gave evidence for, where that is what the run ends by."""
    found = sums.never_judged(run) if run.strict else []
    if not found:
        return
    console.print()
    _print(console, Text.assemble(("Not judged by any scenario", "bold"), (", which is not passed", QUIET)))
    room = max(len(each.rule) for each in found)
    for each in found:
        _labelled(console, each.rule, Text(printable(each.why), style=QUIET), room + 2)


def _totals(run: RunResult, console: Console) -> None:
    good = run.exit_code == 0
    console.print()
    console.rule(style="green" if good else "red")
    _labelled(console, "run", Text(sums.verdict_line(run), style="bold green" if good else "bold red"))
    _labelled(console, "rules", Text(sums.rules_line(run)))
    if unjudged := sums.never_judged(run):
        says = f"{many(len(unjudged), 'rule')} had nothing to judge by in the whole run"
        _labelled(console, "", Text(f"{says}{'' if run.strict else ' (--strict lists them)'}", style=QUIET))
    covered = coverage_line(run)
    if covered:
        _labelled(console, "covered", Text(covered))
    rests = sums.assumptions(run)
    if rests:
        says = f"{many(len(rests), 'thing')} that nobody outside Loop knows: {shown(rests, 4)}"
        _labelled(console, "assumes", Text(says, style=QUIET))
    skipped = [scenario for scenario in run.scenarios if scenario.status == "skipped"]
    for why in sorted({scenario.why for scenario in skipped}):
        number = sum(scenario.why == why for scenario in skipped)
        _labelled(console, "skipped", Text(f"{number}: {printable(why)}", style=QUIET))
    _labelled(console, "exit", Text.assemble((str(run.exit_code), "bold"), f"  {sums.meaning(run)}"))


def _labelled(console: Console, label: str, value: Text, room: int = _LABEL) -> None:
    """A name and what it says, which keeps its indent where it is wrapped. Where nobody looks at a terminal, and in
    commands that are to be copied, a line stays a line."""
    whole = not console.is_terminal or label == "again"
    lines = value.split() if whole else value.wrap(console, max(20, console.width - room - 2))
    for number, line in enumerate(lines):
        console.print(Text.assemble("  ", (f"{'' if number else label:<{room}}", QUIET), line), soft_wrap=True)


def _one_line(console: Console, text: Text) -> None:
    """On a terminal what has no room is cut, elsewhere nothing is."""
    cut = console.is_terminal
    console.print(text, no_wrap=True, overflow="ellipsis" if cut else "ignore", crop=cut)


def _print(console: Console, text: Text, indent: int = 0) -> None:
    lines = text.wrap(console, max(20, console.width - indent)) if console.is_terminal else text.split()
    for line in lines:
        console.print(Text.assemble(" " * indent, line), soft_wrap=True)
