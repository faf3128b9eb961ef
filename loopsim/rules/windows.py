"""Whether the windows and states of lists cover what the partner has to see."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged, passed
from loopsim.rules.traffic import Call, Delivery, Moved, Traffic, moment, shows

DAY_MS = 24 * 60 * 60 * 1000
_NO_LIST = not_judged("The partner listed no returns in this story.")
_UNASKED = ("cancelled", "review")


def _lists(traffic: Traffic) -> list[Call]:
    """The first pages of lists of returns that were answered."""
    return [call for call in traffic.of("listReturns") if call.accepted and "cursor" not in call.query]


def _span(call: Call) -> tuple[int, int]:
    """The window of a list as Loop takes it, in milliseconds."""
    since = moment(call.query.get("from"))
    until = moment(call.query.get("to")) if since is not None else None
    if since is None:
        return call.at - DAY_MS, call.at
    return since, since + DAY_MS if until is None else until


def _given(traffic: Traffic) -> Judgement:
    lists = _lists(traffic)
    if not lists:
        return _NO_LIST
    bare = [call for call in lists if not call.query.get("from")]
    if not bare:
        return passed()
    findings, old = [], False
    for return_id in traffic.returns:
        appeared = _appeared(traffic, return_id)
        late = next((call for call in bare if appeared is not None and appeared < call.at - DAY_MS), None)
        if late is None or appeared is None:
            continue
        old = True
        heard = any(each.taken and each.return_id == return_id for each in traffic.deliveries if each.id < late.id)
        if not heard and not any(_span(call)[0] <= appeared <= _span(call)[1] for call in lists):
            said = f"It listed returns without a window, and return {return_id} is older than 24 hours."
            findings.append(shows(said, late, return_id=return_id))
    if findings or old:
        return failed(*findings[:5])
    return not_judged("No return was older than 24 hours when the partner listed without a window.")


def _appeared(traffic: Traffic, return_id: int) -> int | None:
    known = (step for step in traffic.steps if step.return_id == return_id and isinstance(step, Delivery | Moved))
    return next((step.at for step in known), None)


def _closed(traffic: Traffic) -> Judgement:
    lists = _lists(traffic)
    if not lists:
        return _NO_LIST
    findings = []
    for call in lists:
        since, until = _span(call)
        if not moment(call.query.get("from")):
            if call.query.get("to"):
                findings.append(shows("It gave `to` without `from`; Loop ignores it.", call))
        elif not call.query.get("to") and until < call.at - 60_000 and not _goes_on(lists, since, until):
            said = f"It asked from {call.query['from']} on, and Loop took the 24 hours after that alone."
            findings.append(shows(said, call))
    return failed(*findings)


def _goes_on(lists: list[Call], since: int, until: int) -> bool:
    """Whether another list takes over where this window ends: then they are slices."""
    return any(_span(each)[0] <= until + 1_000 and _span(each)[1] > until and _span(each)[0] > since for each in lists)


def _within_limits(traffic: Traffic) -> Judgement:
    calls = traffic.of("listReturns", "reportAsn", "listHappyReturnsShipments", "listLabelRequests")
    if not calls:
        return _NO_LIST
    findings = []
    for call in calls:
        errors = call.answer.get("errors") if isinstance(call.answer, dict) else None
        if call.status != 422 or not isinstance(errors, dict) or not {"from", "to"} & set(errors):
            continue
        if not any(each.operation == call.operation and each.accepted for each in calls if each.id > call.id):
            window = f"{call.query.get('from', '')} to {call.query.get('to', '')}"
            findings.append(shows(f"Loop refused its window, {window}: {call.message}", call))
    return failed(*findings)


def _states(traffic: Traffic) -> Judgement:
    lists = _lists(traffic)
    if not lists:
        return _NO_LIST
    ended = [
        each for each in traffic.moves if each.entity == "return" and each.to in _UNASKED and each.state != each.to
    ]
    ended = [each for each in ended if any(call.id > each.id for call in lists)]
    if not ended:
        return not_judged("No return was cancelled or sent to review while the partner polled.")
    findings = []
    for each in ended:
        asked = any(call.query.get("state") == each.to for call in lists if call.id > each.id)
        read = any(call.about(each.return_id or 0) for call in traffic.of("getReturnDetails") if call.id > each.id)
        told = any(got.taken and got.return_id == each.return_id for got in traffic.deliveries if got.id > each.id)
        if not (asked or read or told):
            said = f"Return {each.return_id} went to {each.to}, and it lists without asking for that state."
            findings.append(shows(said, each))
    return failed(*findings)


RULES = (
    Rule(
        name="window-given",
        level="error",
        needs="traffic",
        title="Give from and to when listing returns",
        reason="Without them Loop covers the previous 24 hours. After a weekend's outage the older returns never "
        "appear.",
        mend="Keep the moment up to which you have read, and ask from there (a little earlier) until now.",
        fact="returns-list-window",
        judge=_given,
    ),
    Rule(
        name="window-with-both-ends",
        level="error",
        needs="traffic",
        title="Give both from and to",
        reason="`from` alone covers the 24 hours after it and `to` alone is ignored, both without an error.",
        mend="Always send both; a `to` in the future is fine.",
        fact="returns-list-from-only",
        judge=_closed,
    ),
    Rule(
        name="window-within-limits",
        level="error",
        needs="traffic",
        title="Keep windows within 120 days",
        reason="A longer window is refused as a whole, so a backfill reads nothing.",
        mend="Cut the time into windows of at most 120 days, and walk them one by one.",
        fact="returns-list-span",
        judge=_within_limits,
    ),
    Rule(
        name="states-asked-for",
        level="warning",
        needs="traffic",
        title="Ask for cancelled returns and those in review where you need them",
        reason="A list without `state` leaves both out: a return that was cancelled stays open in your books for ever.",
        mend="List once more with state=cancelled, and with state=review.",
        fact="returns-list-states",
        judge=_states,
    ),
)
