"""The partner's own state, as words. They need a probe (`--probe`)."""

from __future__ import annotations

from typing import Any

from loopsim.errors import SetupError
from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import brief
from loopsim.harness.matchers import match
from loopsim.harness.probe import ABSENT, Probe, at, fill
from loopsim.harness.spans import SCHEMA as SPAN
from loopsim.harness.spans import seconds
from loopsim.harness.story import Story
from loopsim.harness.words.registry import Arguments, Json, word

_RETURN = {"type": "integer", "description": "The return that the partner is asked about."}


@word(
    "expect.partner",
    {
        "return_id": _RETURN,
        "state": {"description": "What the partner calls it, in Loop's words where the settings map them."},
        "within": SPAN,
    },
    required=("return_id", "state"),
    example="expect.partner: {return_id: '${ret.id}', state: closed}",
)
def expect_partner(story: Story, arguments: Arguments) -> Any:
    """The partner itself comes to hold a return for so."""
    probe, about = _probe(story), about_return(story, arguments["return_id"])
    seen: list[Any] = [None]

    def check() -> ExpectationFailed | None:
        seen[0] = probe.state(about)
        if not match(arguments["state"], seen[0]):
            return None
        return ExpectationFailed(
            f"{story.partner.name} holds return {arguments['return_id']} for {brief(seen[0])}.",
            expected=brief(arguments["state"]),
            actual=brief(seen[0]),
        )

    story.until(check, _within(arguments))
    return seen[0]


@word(
    "expect.probe",
    {
        "return_id": _RETURN,
        "checks": {
            "type": "object",
            "description": "JSONPaths into the probe's answer, with what they have to meet. #absent: nothing.",
            "minProperties": 1,
        },
        "within": SPAN,
    },
    required=("checks",),
    example="expect.probe: {return_id: '${ret.id}', checks: {$.refunded: '#money'}}",
)
def expect_probe(story: Story, arguments: Arguments) -> Any:
    """The probe's answer comes to hold this. Gives the answer."""
    probe = _probe(story)
    about = about_return(story, arguments["return_id"]) if "return_id" in arguments else {}
    seen: list[Any] = [None]

    def check() -> ExpectationFailed | None:
        seen[0] = probe.answer(about)
        wrong = []
        for path, wanted in arguments["checks"].items():
            found = at(fill(path, about), seen[0])
            actual: Json = {} if found is ABSENT else {"met": found}
            wrong += [(path, each.expected, each.actual) for each in match({"met": wanted}, actual)]
        if not wrong:
            return None
        return ExpectationFailed(
            f"{story.partner.name} does not show what it should: {wrong[0][0]} is {wrong[0][2]}.",
            expected=", ".join(f"{path} {wanted}" for path, wanted, _ in wrong),
            actual=", ".join(f"{path} {actual}" for path, _, actual in wrong),
        )

    story.until(check, _within(arguments))
    return seen[0]


def about_return(story: Story, return_id: int) -> Json:
    """What a probe may be told of a return: `return_id` and the plain members of its view."""
    view = story.get_return(return_id)
    plain = {name: value for name, value in view.items() if isinstance(value, str | int)}
    return {**plain, "return_id": return_id, "shop": story.shop.name}


def _probe(story: Story) -> Probe:
    if story.partner.probe is None:
        raise SetupError(f"There is no probe for {story.partner.name}. Give one: --probe URL or command.")
    return story.partner.probe


def _within(arguments: Arguments) -> float | None:
    return seconds(arguments["within"]) if "within" in arguments else None
