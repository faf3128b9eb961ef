"""What has become of things at Loop, as words."""

from __future__ import annotations

from typing import Any

from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import brief
from loopsim.harness.matchers import Mismatch, match
from loopsim.harness.spans import SCHEMA as SPAN
from loopsim.harness.spans import seconds
from loopsim.harness.story import Story
from loopsim.harness.words.counting import TIMES, says_times, times_of
from loopsim.harness.words.names import LEDGER_KIND, RETURN_STATE
from loopsim.harness.words.registry import Arguments, Json, word

_RETURN = {"type": "integer", "description": "The id of the return."}
_SHOWN = 4  # of the partner's calls, where something is not as expected


@word(
    "expect.return",
    {
        "id": _RETURN,
        "state": RETURN_STATE,
        "within": SPAN,
    },
    required=("id",),
    main="id",
    more=True,
    example="expect.return: {id: '${ret.id}', state: closed, outcome: refund}",
)
def expect_return(story: Story, arguments: Arguments) -> Any:
    """A return comes to be so: any member of it as the control API shows it. Gives the return."""
    wanted = {name: value for name, value in arguments.items() if name not in ("id", "within")}
    seen: list[Json] = []

    def check() -> ExpectationFailed | None:
        seen[:] = [story.get_return(arguments["id"])]
        return _differing(story, f"Return {arguments['id']}", match(wanted, seen[0]))

    story.until(check, _within(arguments))
    return seen[0]


@word(
    "expect.label",
    {
        "return_id": _RETURN,
        "label_id": {"type": "integer", "description": "The last one of the return where it is left out."},
        "status": {"description": "Such as pre_transit, in_transit, delivered, expired."},
        "within": SPAN,
    },
    required=("return_id",),
    main="return_id",
    more=True,
    example="expect.label: {return_id: '${ret.id}', status: delivered}",
)
def expect_label(story: Story, arguments: Arguments) -> Any:
    """A label of a return comes to be so. Gives the label."""
    fixed = ("return_id", "label_id", "within")
    wanted = {name: value for name, value in arguments.items() if name not in fixed}
    return_id, label_id = arguments["return_id"], arguments.get("label_id")
    seen: list[Json] = []

    def check() -> ExpectationFailed | None:
        labels = story.get_return(return_id)["labels"]
        seen[:] = [each for each in labels if label_id in (None, each["id"])][-1:]
        if not seen:
            which = "no label" if label_id is None else f"no label {label_id}"
            return ExpectationFailed(f"Return {return_id} has {which}.", expected=brief(wanted), actual=brief(labels))
        return _differing(story, f"The label of return {return_id}", match(wanted, seen[0]))

    story.until(check, _within(arguments))
    return seen[0]


@word(
    "expect.shopify",
    {
        "return_id": _RETURN,
        "kind": LEDGER_KIND,
        "data": {"description": "What the entry says; a mapping matches as a part."},
        "within": SPAN,
        **TIMES,
    },
    main="kind",
    example="expect.shopify: {return_id: '${ret.id}', kind: refund, times: 1}",
)
def expect_shopify(story: Story, arguments: Arguments) -> Any:
    """Loop does something on the shop's platform, so often as `times` says. Gives the entry of its ledger."""
    times = times_of(arguments)
    wanted = {name: arguments[name] for name in ("kind", "data") if name in arguments}
    found: list[Json] = []

    def check() -> ExpectationFailed | None:
        entries = story.shop.ledger(arguments.get("return_id"))
        found[:] = [entry for entry in entries if not match(wanted, entry)]
        if times.allows(len(found)):
            return None
        about = f" for return {arguments['return_id']}" if "return_id" in arguments else ""
        return ExpectationFailed(
            f"Loop did this{about} {says_times(len(found))}: {brief(wanted)}.",
            expected=str(times),
            actual=", ".join(f"{entry['kind']}" for entry in entries) or "nothing at all",
            entries=_changing(story),
        )

    story.until(check, _within(arguments))
    return found[-1] if found else None


def _differing(story: Story, subject: str, found: list[Mismatch]) -> ExpectationFailed | None:
    if not found:
        return None
    first, did = found[0], _changing(story)
    made = "" if did else f" {story.partner.name} made no call that changes anything."
    return ExpectationFailed(
        f"{subject} is not as expected: {first.path or 'it'} is {first.actual}.{made}",
        expected=", ".join(f"{each.path} {each.expected}" for each in found),
        actual=", ".join(f"{each.path} {each.actual}" for each in found),
        entries=did,
    )


def _changing(story: Story) -> tuple[int, ...]:
    """The last calls of the partner that were to change something: what it did for the state that is not so."""
    return tuple(entry["id"] for entry in story.calls() if entry.get("method") not in ("GET", "HEAD"))[-_SHOWN:]


def _within(arguments: Arguments) -> float | None:
    return seconds(arguments["within"]) if "within" in arguments else None
