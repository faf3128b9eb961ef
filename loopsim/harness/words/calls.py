"""What the partner is expected to call, as words."""

from __future__ import annotations

from typing import Any

from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import Entry, brief, call_line, json_of, path_of, query_of
from loopsim.harness.matchers import MISSING, Mismatch, match, short
from loopsim.harness.spans import SCHEMA as SPAN
from loopsim.harness.spans import seconds
from loopsim.harness.story import Story
from loopsim.harness.words.counting import TIMES, Times, says_times, times_of
from loopsim.harness.words.names import ANY_OPERATION, OPERATION
from loopsim.harness.words.registry import Arguments, Json, word
from loopsim.rules.traffic import whole

_FILTER: Json = {
    "operation": ANY_OPERATION,
    "method": {"description": "The HTTP method."},
    "path": {"description": "Parameters of the path, by name.", "type": "object"},
    "query": {"description": "Parameters of the query, by name.", "type": "object"},
    "body": {"description": "The body, as JSON; a mapping matches as a part."},
    "status": {"description": "The status of Loop's answer."},
    "refusal": {"description": "The rule by which Loop refused, such as return_not_found."},
    "after": {
        "description": "Only calls after this: the name of a saved step, a trigger, or an operation.",
        "type": "string",
    },
}
_WITHIN = {"within": {**SPAN, "description": f"How long to wait in real time. {SPAN['description']}"}}
_NEAREST = 5  # of the calls that were made instead


@word(
    "expect.call",
    {**_FILTER, **TIMES, **_WITHIN},
    main="operation",
    example="expect.call: {operation: processReturn, path: {return_id: '${ret.id}'}, times: 1}",
)
def expect_call(story: Story, arguments: Arguments) -> Any:
    """The partner makes a call, so often as `times` says (at least once where it says nothing). Gives the call."""
    times = times_of(arguments)
    found: list[Entry] = []

    def check(most: bool = False) -> ExpectationFailed | None:
        after = story.position(arguments.get("after"), wanted=True)
        found[:] = [entry for entry in story.calls(after) if _fits(entry, arguments)]
        enough = times.allows(len(found)) if most else len(found) >= times.least
        return None if enough else _missing(story, arguments, times, found)

    story.until(check, _within(arguments))
    if times.most is not None:
        # That there is no further one can only be said when the partner has come to rest.
        story.settle()
        if (failure := check(most=True)) is not None:
            raise failure
    story.accounted |= {entry["id"] for entry in found}
    return _given(found[-1]) if found else None


@word(
    "expect.no_call",
    _FILTER,
    main="operation",
    example="expect.no_call: {operation: cancelReturn}",
)
def expect_no_call(story: Story, arguments: Arguments) -> Any:
    """The partner makes no such call; judged when it has come to rest."""
    story.settle()
    found = [entry for entry in story.calls(story.position(arguments.get("after"))) if _fits(entry, arguments)]
    if found:
        raise ExpectationFailed(
            f"{story.partner.name} made a call that it must not make.",
            expected=f"no {_wanted(arguments)}",
            actual="; ".join(call_line(entry) for entry in found[:_NEAREST]),
            entries=_ids(found),
        )
    return None


@word(
    "expect.calls_in_order",
    {
        "calls": {
            "type": "array",
            "minItems": 1,
            "items": {"anyOf": [OPERATION, {"type": "object", "properties": _FILTER, "additionalProperties": False}]},
            "description": "Operations, or calls as in expect.call, in the order in which they have to come first.",
        },
        **_WITHIN,
    },
    required=("calls",),
    main="calls",
    example="expect.calls_in_order: [getReturnDetails, gradeItems, processReturn]",
)
def expect_calls_in_order(story: Story, arguments: Arguments) -> Any:
    """The partner makes these calls in this order; others may come in between."""
    wanted = [{"operation": each} if isinstance(each, str) else each for each in arguments["calls"]]
    found: list[Entry] = []

    def check() -> ExpectationFailed | None:
        found.clear()
        after = 0
        for each in wanted:
            fits = (entry for entry in story.calls(after) if _fits(entry, each))
            entry = next(fits, None)
            if entry is None:
                return ExpectationFailed(
                    f"{story.partner.name} did not make these calls in this order.",
                    expected=" → ".join(_wanted(one) for one in wanted),
                    actual=_made(story.calls()) + (f"; then no {_wanted(each)}" if found else ""),
                    entries=_ids(story.calls()),
                    missing=_several(each.get("operation")),
                )
            found.append(entry)
            after = entry["id"]
        return None

    story.until(check, _within(arguments))
    story.accounted |= {entry["id"] for entry in found}
    return None


def mismatches(entry: Entry, wanted: Arguments) -> list[Mismatch]:
    """Why a call is not the one that is wanted; nothing where it is."""
    found: list[Mismatch] = []
    operation = wanted.get("operation")
    if operation is not None and entry.get("operation") not in (
        [operation] if isinstance(operation, str) else operation
    ):
        found.append(Mismatch("operation", short(operation), short(entry.get("operation", MISSING))))
    for name in ("method", "status", "refusal"):
        if name in wanted:
            found += _under(name, match(wanted[name], entry.get(name, MISSING)))
    for name, parameters in (("path", path_of(entry)), ("query", query_of(entry))):
        for parameter, value in (wanted.get(name) or {}).items():
            found += _under(f"{name}.{parameter}", _text_match(value, parameters.get(parameter, MISSING)))
    if "body" in wanted:
        found += _under("body", match(wanted["body"], json_of(entry.get("request_body"))))
    return found


def _fits(entry: Entry, wanted: Arguments) -> bool:
    return not mismatches(entry, wanted)


def _text_match(wanted: Any, actual: Any) -> list[Mismatch]:
    """As `match`, where everything arrives as text: 5 is "5", and `#integer` is what reads as one."""
    if isinstance(wanted, bool):
        wanted = str(wanted).lower()
    if isinstance(wanted, int | float):
        wanted = str(wanted)
    found: list[Mismatch] = match(wanted, actual)
    number = whole(actual) if found and isinstance(actual, str) else None
    if number is not None and not match(wanted, number):
        return []
    return found


def _under(name: str, found: list[Mismatch]) -> list[Mismatch]:
    return [Mismatch(".".join(filter(None, (name, each.path))), each.expected, each.actual) for each in found]


def _wanted(arguments: Arguments) -> str:
    operation = arguments.get("operation") or "call"
    named = operation if isinstance(operation, str) else " or ".join(operation)
    rest = {name: arguments[name] for name in _FILTER if name in arguments and name != "operation"}
    return f"{named} {brief(rest)}" if rest else named


def _missing(story: Story, arguments: Arguments, times: Times, found: list[Entry]) -> ExpectationFailed:
    wanted, calls = _wanted(arguments), story.calls()
    if found:
        return ExpectationFailed(
            f"{story.partner.name} made this call {says_times(len(found))}: {wanted}.",
            expected=str(times),
            actual="; ".join(call_line(entry) for entry in found[:_NEAREST]),
            entries=_ids(found),
        )
    operation = arguments.get("operation")
    near = [entry for entry in calls if operation is None or entry.get("operation") in _several(operation)]
    if near:
        closest = min(near, key=lambda entry: len(mismatches(entry, arguments)))
        differs = mismatches(closest, arguments) or [Mismatch("it", f"after {arguments.get('after')}", "before that")]
        shown = "; ".join(map(str, differs[:3]))
        return ExpectationFailed(
            f"{story.partner.name} made no such call: {wanted}.",
            expected=f"{wanted}, {times}",
            actual=f"nearest is {call_line(closest)}: {shown}",
            entries=(closest["id"],),
        )
    return ExpectationFailed(
        f"{story.partner.name} made no such call: {wanted}.",
        expected=f"{wanted}, {times}",
        actual=_made(calls),
        entries=_ids(calls[-_NEAREST:]),
        missing=_several(operation),
    )


def _several(operation: Any) -> tuple[str, ...]:
    """The operations that are asked for; of a call that may be any, that word."""
    return tuple(operation) if isinstance(operation, list) else (operation or "call",)


def _made(calls: list[Entry]) -> str:
    if not calls:
        return "no call at all"
    shown = " → ".join(entry.get("operation") or call_line(entry) for entry in calls[-12:])
    return f"it called {'… → ' if len(calls) > 12 else ''}{shown}"


def _given(entry: Entry) -> Json:
    """A call as `as:` saves it."""
    return {
        "operation": entry.get("operation"),
        "path": path_of(entry),
        "query": query_of(entry),
        "body": json_of(entry.get("request_body")),
        "status": entry.get("status"),
        "answer": json_of(entry.get("response_body")),
        "entry": entry["id"],
    }


def _within(arguments: Arguments) -> float | None:
    return seconds(arguments["within"]) if "within" in arguments else None


def _ids(entries: list[Entry]) -> tuple[int, ...]:
    return tuple(entry["id"] for entry in entries)
