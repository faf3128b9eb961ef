"""Annotations and step summary of a GitHub workflow."""

from __future__ import annotations

import msgspec

from loopsim.harness.reports import github
from loopsim.harness.results import Failure
from tests.harness.reports.example import FILE, HOSTILE, example, failing, scenario


def test_it_speaks_up_in_a_workflow_alone() -> None:
    assert github.is_here({"GITHUB_ACTIONS": "true"})
    assert not github.is_here({})


def test_a_failure_is_an_annotation_on_its_line() -> None:
    first, *others = github.annotations(example()).splitlines()

    assert first.startswith(f"::error file={FILE},line=18,title=expectation%3A A warehouse")
    assert "Expected one call processReturn, saw two.%0Aexpected: 1 call" in first
    assert first.endswith("%0AAgain: loopsim run '" + FILE + "[refund]+duplicate' --target http://127.0.0.1:3000/hook")
    assert [line.partition(" ")[0] for line in others] == ["::error", "::error", "::warning", "::warning"]


def test_nothing_in_a_text_can_end_its_command_or_start_another() -> None:
    failure = Failure(says="100%\r\n::error::forged, really", file="a,b:c.yaml", line=2)
    (line,) = github.annotations(example(scenarios=(scenario(status="failed", failures=(failure,)),))).splitlines()

    assert line.startswith("::error file=a%2Cb%3Ac.yaml,line=2,")
    assert "100%25%0A::error::forged, really%0AAgain" in line


def test_as_many_annotations_as_github_shows_and_a_word_on_the_rest() -> None:
    lines = github.annotations(example(scenarios=(failing(),) * 20)).splitlines()

    assert len(lines) == 21
    assert lines[-1].startswith("::notice title=loopsim::40 findings more")


def test_the_summary_says_all_and_escapes_what_it_is_given() -> None:
    text = github.step_summary(example(scenarios=(msgspec.structs.replace(failing(), title=f"a | b {HOSTILE}"),)))

    assert text.startswith("## ❌ loopsim: 1 failed, 0 passed in 4.2 s")
    assert "Rules: 1 failed, 1 warning, 1 passed, 1 not judged" in text
    assert "<script>" not in text
    assert "Covered: 57.1 %" in text
    assert "loopsim run &#x27;" in text


def test_the_summary_stays_below_what_github_takes() -> None:
    (failure,) = failing().failures
    large = (
        scenario(status="failed", title="x" * 100_000, failures=(msgspec.structs.replace(failure, says=f"Wrong {n}."),))
        for n in range(40)
    )

    text = github.step_summary(example(scenarios=tuple(large)))

    assert len(text.encode()) <= github.SUMMARY_BYTES
    assert text.endswith("1 MiB.\n")
