"""Playing a story: its steps one after another, until one fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from loopsim.client import ControlError
from loopsim.errors import LoopsimError
from loopsim.harness.document import Place, Scenario, StepDocument
from loopsim.harness.failures import ExpectationFailed, StoryOver
from loopsim.harness.journal import brief
from loopsim.harness.references import resolve
from loopsim.harness.results import Failure, StepResult
from loopsim.harness.story import Story
from loopsim.harness.words import WORDS


class Went(Struct, frozen=True, kw_only=True):
    """How a story went: its steps, and why it ended before its end. `interrupted`: by the user."""

    steps: tuple[StepResult, ...] = ()
    failures: tuple[Failure, ...] = ()
    interrupted: bool = False


def play(story: Story, scenario: Scenario) -> Went:
    """Run the steps of a scenario on a story that is set up for it."""
    done: list[StepResult] = []
    failures: list[Failure] = []
    interrupted = False
    story.values["row"] = scenario.row
    for number, step in enumerate(scenario.steps):
        result, failure = _step(story, step)
        done.append(result)
        if failure is not None:
            failures.append(failure)
            interrupted = story.interrupted
            done += [_not_run(each) for each in scenario.steps[number + 1 :]]
            break
    return Went(steps=tuple(done), failures=tuple(failures), interrupted=interrupted)


def _step(story: Story, step: StepDocument) -> tuple[StepResult, Failure | None]:
    began, after = time.perf_counter(), story.journal.last_id
    at = ""
    failure: Failure | None = None
    gave: Any = None
    arguments = step.arguments
    try:
        story.check_over()
        at = story.now()
        if step.save_as:
            # What came before is not after it.
            story.journal.read()
            after = story.journal.last_id
        story.partner = story.partners[step.partner] if step.partner else next(iter(story.partners.values()))
        built_in = {"now": at, "partner": lambda: _partner_values(story), "story": lambda: _digits(story)}
        arguments = resolve(arguments, {**story.values, **built_in})
        gave = WORDS[step.word].run(story, arguments)
        story.journal.read()
        if step.save_as:
            story.values[step.save_as] = gave
            story.positions[step.save_as] = (after, story.journal.last_id)
    except (AssertionError, LoopsimError) as error:
        failure = failure_of(error, step.place, story, step.note)
        with suppress(LoopsimError):
            # What came meanwhile belongs to this step, if the server still answers.
            story.journal.read()
    result = StepResult(
        word=step.word,
        arguments=arguments,
        file=step.place.file,
        line=step.place.line,
        status="passed" if failure is None else "failed",
        at=at,
        duration_ms=(time.perf_counter() - began) * 1000,
        after_entry=after,
        gave=brief(gave) if step.save_as else "",
    )
    return result, failure


def failure_of(error: BaseException, place: Place, story: Story, note: str = "") -> Failure:
    """What an exception says of a step, with the step's own remark, and whose doing it is."""
    where: dict[str, Any] = {"file": place.file, "line": place.line, "column": place.column}
    over = story.over
    if over is not None and not isinstance(error, ExpectationFailed):
        # Whatever else broke, broke because of that.
        error = over
    if isinstance(error, ExpectationFailed):
        return Failure(
            says=f"{error.says} {note}".rstrip(),
            expected=error.expected,
            actual=error.actual,
            entries=error.entries,
            missing=error.missing,
            about="partner",
            **where,
        )
    if isinstance(error, StoryOver):
        return Failure(says=str(error), about="partner" if error.partner else "setup", **where)
    if isinstance(error, ControlError):
        # An act that Loop does not allow any more: somebody has brought the return where it should not be by now.
        return Failure(says=f"Loop refused this step: {error.problem.get('detail') or error}", about="partner", **where)
    return Failure(says=str(error), about="setup", **where)


def _not_run(step: StepDocument) -> StepResult:
    return StepResult(
        word=step.word, arguments=step.arguments, file=step.place.file, line=step.place.line, status="not_run"
    )


def _partner_values(story: Story) -> dict[str, Any]:
    """What `${partner.…}` gives."""
    partner = story.partner
    return {
        "name": partner.name,
        "key": story.shop.key,
        "secret": story.shop.secret,
        "target": partner.target,
        "subdomain": story.shop.view()["subdomain"],
    }


def _digits(story: Story) -> str:
    """What `${story}` gives: made of the ids that are this story's alone."""
    return f"{story.shop.view()['ids']['first']:012d}"


def moment_of(asked: Any, default: str, seconds: Callable[[Any], float]) -> str:
    """When a story begins: a moment, `wall` for now, or `{ends: wall, after}` so that it ends now."""
    now = datetime.now(UTC)
    if isinstance(asked, dict):
        now = datetime.fromtimestamp(now.timestamp() - seconds(asked.get("after", 0)), UTC)
    elif asked != "wall":
        return str(asked or default)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
