"""The partner's own state, as words. They need a probe (`--probe`)."""

from __future__ import annotations

from typing import Any

from loopsim.errors import SetupError
from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import brief
from loopsim.harness.matchers import match
from loopsim.harness.probe import ABSENT, Probe, at, fill
from loopsim.harness.shown import SHOWN, differs, said
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
        **{name: {"description": says} for name, (_, says) in SHOWN.items()},
        "within": SPAN,
    },
    required=("return_id",),
    example="expect.partner: {return_id: '${ret.id}', state: closed, refund: '12.30'}",
)
def expect_partner(story: Story, arguments: Arguments) -> Any:
    """The partner itself comes to hold a return for so. What its probe does not show (`--probe-shows`) is not looked
    at. Gives what it shows, by name."""
    probe, about = _probe(story), about_return(story, arguments["return_id"])
    asked = {name: arguments[name] for name in ("state", *probe.shows) if name in arguments}
    seen: dict[str, Any] = {}

    def check() -> ExpectationFailed | None:
        answer = probe.answer(about)
        seen.update({name: at(fill(path, about), answer) for name, path in probe.shows.items()})
        seen["state"] = probe.state(about, answer)
        wrong = [
            name
            for name, wanted in asked.items()
            if (match(wanted, seen[name]) if name == "state" else differs(name, wanted, seen[name]))
        ]
        if not wrong:
            return None
        return ExpectationFailed(
            _holds(story, arguments["return_id"], wrong[0], seen),
            expected=", ".join(f"{name} {brief(asked[name])}" for name in wrong),
            actual=", ".join(f"{name} {said(seen[name])}" for name in wrong),
        )

    story.until(check, _within(arguments))
    return {name: None if value is ABSENT else value for name, value in seen.items()}


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
    return about_view(story, story.get_return(return_id))


def about_view(story: Story, view: Json) -> Json:
    """The same, where the view is at hand."""
    plain = {name: value for name, value in view.items() if isinstance(value, str | int)}
    return {**plain, "return_id": view["id"], "shop": story.shop.name}


def _holds(story: Story, return_id: int, name: str, seen: dict[str, Any]) -> str:
    if name == "state":
        known = seen[name] is not None
        told = f"holds return {return_id} for {said(seen[name])}" if known else f"knows nothing of return {return_id}"
    elif SHOWN[name][0] == "amount":
        told = f"has booked {said(seen[name])} as {name} of return {return_id}"
    else:
        told = f"shows {said(seen[name])} as {name} of return {return_id}"
    return f"{story.partner.name} {told}."


def _probe(story: Story) -> Probe:
    if story.partner.probe is None:
        raise SetupError(f"There is no probe for {story.partner.name}. Give one: --probe URL or command.")
    return story.partner.probe


def _within(arguments: Arguments) -> float | None:
    return seconds(arguments["within"]) if "within" in arguments else None
