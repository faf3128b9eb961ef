"""What stands on the terminal while a run goes on and when it is over."""

from __future__ import annotations

import io
from typing import Any

import msgspec
from rich.console import Console

from loopsim.harness.document import Place, Scenario
from loopsim.harness.reports import github, terminal
from loopsim.harness.results import Failure, RuleVerdict, RunResult, ScenarioResult
from loopsim.rules.rule import Finding
from tests.harness.reports.example import FILE, KEY, example, failing, scenario


def summary(run: RunResult, width: int = 200, *, tty: bool = False) -> str:
    """The summary as it is printed."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=tty, highlight=False, emoji=False, _environ={})
    terminal.summary(run, console)
    return stream.getvalue()


def live(run: RunResult, *, tty: bool = False, total: int = 6, **environment: str) -> str:
    """What is printed while it goes on."""
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=tty, highlight=False, emoji=False, _environ=environment)
    with terminal.LiveTerminal(console, total) as shown:
        for result in run.scenarios:
            shown.started(document(result.id, result.title))
            shown.ended(result)
    return stream.getvalue()


def document(id_: str, title: str) -> Scenario:
    """A scenario that is about to run."""
    place = Place("a.yaml", 1, 1)
    return Scenario(id=id_, title=title, protects="", place=place, patterns=(), direction="", stages=(), steps=())


def test_each_scenario_has_its_line_as_it_ends() -> None:
    lines = live(example()).splitlines()

    assert len(lines) == 6
    assert lines[0] == "✓ wms/two-way/inspect-and-process  0.13 s"
    assert lines[1].endswith("0.13 s  Expected one call processReturn, saw two.")
    assert lines[2].startswith("‼ wms/two-way/starts")
    assert lines[3] == "○ erp/one-way/ledger  skipped: It needs a probe. Give one with --probe."
    assert lines[4].endswith("1 warning: acknowledge-in-time")


def test_a_terminal_also_sees_what_runs_now_and_has_its_cursor_back() -> None:
    text = live(example(), tty=True, TERM="xterm-256color")

    assert "The warehouse is slow" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_more_scenarios_than_were_asked_for_are_counted_on_top() -> None:
    text = live(example(), tty=True, total=2, TERM="xterm-256color")

    assert "4 of 5" in text
    assert "of 2" not in text.partition("slow")[2]
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_a_failure_says_what_broke_where_why_it_matters_and_how_to_go_on() -> None:
    text = summary(example())

    for part in (
        "✗ A warehouse inspects and processes once the parcel is there",
        "protects from: Paying out for a parcel that never came.",
        f"at       {FILE}:18",
        'body: {"note": #absent}    body: {"note": "twice"}',
        f"← POST /api/v1/warehouse/return/{514700001}/process  200 (not_open)",
        "process-once (error)  Ask for processing at most once per return",
        "why      Each further call can pay the customer again",
        "mend     Remember by return id",
        "fact     documented: Processing is queued",
        "openapi/FACTS.md#process-async",
        f"again    loopsim run '{FILE}[refund]+duplicate' --target http://127.0.0.1:3000/hook\n",
    ):
        assert part in text


def test_the_totals_keep_apart_what_was_not_judged() -> None:
    text = summary(example())

    assert "run      1 failed, 1 error, 3 passed, 1 skipped in 4.2 s" in text
    assert "rules    1 failed, 2 warnings, 3 passed, 2 not judged" in text
    assert "1 rule had nothing to judge by in the whole run (--strict lists them)" in text
    assert "No list had a second page." not in text
    assert "covered  57.1 %: 2/4 operations, 2/3 error answers, 3/4 triggers, 1/3 state transitions" in text
    assert "1 thing that nobody outside Loop knows: delivery-timeout" in text
    assert "exit     1  At least one scenario or rule failed." in text


def test_a_strict_run_names_every_rule_that_nothing_gave_evidence_for() -> None:
    text = summary(example(strict=True))

    assert "pages-walked  No list had a second page." in text
    assert "signature-verified  " not in text  # another scenario judged it


def test_a_run_that_went_well_is_short() -> None:
    text = summary(example(scenarios=(scenario(),), exit_code=0))

    assert len(text.splitlines()) < 8
    assert "exit     0  Everything that was judged holds." in text


def test_where_nobody_looks_there_are_no_colours_and_no_line_is_broken_or_padded() -> None:
    text = summary(example()) + live(example())

    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert KEY not in text


def test_no_color_and_a_narrow_terminal_are_respected() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=60, force_terminal=True, highlight=False, _environ={"NO_COLOR": "1"})
    terminal.summary(example(), console)
    lines = stream.getvalue().splitlines()

    assert not any(colour in stream.getvalue() for colour in ("\x1b[31m", "\x1b[32m", "\x1b[1;31m"))
    plain = [line for line in lines if "loopsim run" not in line and "yaml" not in line]
    assert max(map(len, plain)) <= 80  # with what switches bold on and off
    # No room for two columns: one below the other.
    assert (
        any(line.strip("\x1b[0m ").startswith("expected 1 call") for line in lines) or "expected" in stream.getvalue()
    )


def test_a_strict_run_in_which_nothing_failed_says_why_it_ends_with_1() -> None:
    text = summary(example(scenarios=(scenario(status="skipped", why="It needs a probe."),), exit_code=1))

    assert "exit     1  Nothing failed, but --strict asks for evidence" in text


def unlike(number: int) -> list[ScenarioResult]:
    """As many failures, each of which says something of its own."""
    (failure,) = failing().failures
    return [
        msgspec.structs.replace(failing(), failures=(msgspec.structs.replace(failure, says=f"Wrong {each}."),))
        for each in range(number)
    ]


def test_a_rule_is_explained_once() -> None:
    text = summary(example(scenarios=tuple(unlike(2))))

    assert text.count("process-once (error)") == 2
    assert text.count("Remember by return id") == 1


def test_a_hundred_failures_do_not_bury_the_end() -> None:
    text = summary(example(scenarios=tuple(unlike(100))))

    assert "… and 88 more that failed:" in text
    assert text.count("again ") == 100


def test_what_is_wrong_in_the_same_way_everywhere_is_said_once() -> None:
    gone = [
        scenario(id=f"wms/{number}", status="error", failures=(Failure(says="Nobody is there.", about="setup"),))
        for number in range(60)
    ]

    text = summary(example(scenarios=tuple(gone)))

    assert text.count("Nobody is there.") == 1
    assert "also     the same in wms/1, wms/2, wms/3 and 56 more" in text


def broken(id_: str, rule: str = "", says: str = "Wrong.", **changes: Any) -> ScenarioResult:
    """A failure that shows this rule, or an expectation."""
    if rule:
        verdict = RuleVerdict(rule=rule, level="error", outcome="failed", findings=(Finding(says=says),))
        return scenario(id=id_, status="failed", title=id_, verdicts=(verdict,), **changes)
    return scenario(id=id_, status="failed", title=id_, verdicts=(), failures=(Failure(says=says),), **changes)


def test_variants_of_a_story_that_fail_in_the_same_way_are_one_failure_with_their_names() -> None:
    """Their ids differ, so what they say does."""
    run = example(
        scenarios=(
            broken("wms/late", says="No such call: grade 10623800001."),
            broken("wms/late+swap", says="No such call: grade 86413800001.", schedule="swap"),
            broken("wms/late[two]+delay", says="No such call: grade 7.", schedule="delay", row={"name": "two"}),
            broken("wms/late+duplicate", "process-once", schedule="duplicate"),
        )
    )

    text = summary(run)

    assert text.count("No such call") == 1
    assert "also     the same in +swap, [two]+delay\n" in text
    assert text.count("again ") == 2  # paying twice is another matter
    assert "The same in +swap, \\[two\\]+delay" in github.step_summary(run)


def test_rules_that_are_broken_come_first_each_of_them_once_before_any_again() -> None:
    run = example(
        scenarios=(
            broken("a-expects"),
            *(broken(f"b-once-{number}", "process-once", f"Wrong {number}.") for number in range(14)),
            broken("c-signature", "signature-verified", "It acts on forgeries."),
        )
    )

    text = summary(run)

    assert text.index("b-once-0") < text.index("c-signature") < text.index("a-expects")
    assert "It acts on forgeries." in text.partition("… and ")[0]


def test_what_is_not_shown_whole_says_why_in_a_line() -> None:
    run = example(
        scenarios=(
            *unlike(13),
            broken("z/late", says="The last one,\nin two lines."),
            broken("z/late+swap", says="The last one,\nin two lines.", schedule="swap"),
        )
    )

    text = summary(run).partition("… and ")[2]

    assert text.startswith("3 more that failed, in 2 ways:")
    assert "✗ z/late (and +swap)  The last one, in two lines." in text
    assert "process-once: " in text


def test_a_finding_about_the_run_itself_comes_first() -> None:
    failure = Failure(says="Nobody answers at http://127.0.0.1:3000.", about="setup")

    assert summary(example(findings=(failure,))).splitlines()[1] == "‼ Nobody answers at http://127.0.0.1:3000."


def test_the_colours_of_a_log_go_without_a_trace() -> None:
    assert "TypeError: boom\ufffd </script>" in summary(example())


def test_a_text_cannot_steer_the_terminal() -> None:
    hostile = msgspec.structs.replace(failing(), title="\x1b]0;owned\x07 [red]x[/red]", partner_log="\x1b[2Jgone")

    text = summary(example(scenarios=(hostile,)), tty=True)

    assert "\x1b]0" not in text
    assert "\x1b[2J" not in text
    assert "[red]x[/red]" in text
