"""Whether actions fit the state of their return, and refusals are understood."""

from __future__ import annotations

from collections import Counter, defaultdict

from loopsim.rules.provoked import without_effect
from loopsim.rules.rule import Finding, Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import ACTIONS, Call, Delivery, Moved, Traffic, shows

_NO_ACTION = not_judged("The partner acted on no return in this story.")
_OFTEN = 3


def _left_alone(traffic: Traffic) -> Judgement:
    acted = [call for call in traffic.of(*ACTIONS) if call.return_id is not None]
    if not acted:
        return _NO_ACTION
    findings = []
    for call in acted:
        told = None if call.return_id is None else traffic.known_final(call.return_id, call)
        if told is not None:
            findings.append(shows(f"It asked to {call.word} return {call.return_id}, {_how(told)}.", told, call))
    return failed(*findings)


def _how(told: Call | Delivery | Moved) -> str:
    if isinstance(told, Delivery):
        return f"although {told.trigger} had told it that the return is {told.state}"
    if isinstance(told, Call) and told.operation == "getReturnDetails":
        return "although it had read that the return is closed or cancelled"
    return f"although its own {told.word if isinstance(told, Call) else told.action} had ended it"


def _refused_repeatedly(traffic: Traffic) -> Judgement:
    refused = [call for call in traffic.of(*ACTIONS) if call.refused and call.status not in (401, 429)]
    refused = [call for call in refused if not call.doubtful and call.return_id is not None]
    if not refused:
        return not_judged("Loop refused no action in this story.")
    findings: list[Finding] = []
    runs: dict[tuple[str, int | None], list[Call]] = defaultdict(list)
    for call in refused:
        run = runs[call.operation, call.return_id]
        if run and _something_changed(traffic, run[-1], call):
            run.clear()
        run.append(call)
        if len(run) == _OFTEN:
            said = f"It asked to {call.word} return {call.return_id} {_OFTEN} times, and was refused each time"
            findings.append(shows(f"{said}: {call.message or call.refusal}", *run))
    return failed(*findings)


def _something_changed(traffic: Traffic, first: Call, last: Call) -> bool:
    return any(
        step.return_id == first.return_id and (isinstance(step, Moved) or (isinstance(step, Delivery) and step.taken))
        for step in traffic.between(first, last)
    )


def _flagged(traffic: Traffic) -> Judgement:
    flagged = [call for call in traffic.of("flagReturn") if call.accepted]
    flagged += [call for call in traffic.of("processReturn") if call.refusal == "flagged"]
    if not flagged:
        return not_judged("No return was flagged by the partner, and none refused to it for a flag.")
    findings = []
    for known in flagged:
        later = (
            call for call in traffic.of("processReturn") if call.id > known.id and call.return_id == known.return_id
        )
        call = next(later, None)
        if call is not None and call.refusal == "flagged":
            findings.append(
                shows(f"It asked to process return {call.return_id}, knowing that it is flagged.", known, call)
            )
    return failed(*findings)


def _reviewed(traffic: Traffic) -> Judgement:
    calls = [call for call in traffic.of("processReturn") if call.return_id is not None]
    if not calls:
        return not_judged("The partner had no return processed in this story.")
    findings = []
    for call in calls:
        told = traffic.last_told(call.return_id, call)
        if told is not None and told.state == "review" and call.refused:
            said = f"It asked to process return {call.return_id}, although {told.trigger} had told it"
            findings.append(shows(f"{said} that it is in review.", told, call))
    return failed(*findings)


def _removed_at_once(traffic: Traffic) -> Judgement:
    removals = traffic.of("removeLineItems")
    if not removals:
        return not_judged("The partner removed no line items in this story.")
    findings = []
    done: dict[int | None, Call] = {}
    for call in removals:
        first = done.get(call.return_id)
        if first is not None and first.query.get("line_item_id") != call.query.get("line_item_id"):
            said = f"It removed items of return {call.return_id} one call after the other; the first ended the return"
            findings.append(shows(f"{said}, so the rest is paid out.", first, call))
        elif call.accepted:
            done[call.return_id] = call
    return failed(*findings)


def _noted_in_time(traffic: Traffic) -> Judgement:
    notes = [call for call in traffic.of("createNote") if call.return_id is not None]
    if not notes:
        return not_judged("The partner wrote no note in this story.")
    findings = []
    for call in notes:
        told = None if call.return_id is None else traffic.known_final(call.return_id, call)
        if told is not None:
            findings.append(shows(f"It wrote a note to return {call.return_id} after its end.", told, call))
    return failed(*findings)


def _not_noted_twice(traffic: Traffic) -> Judgement:
    notes = [call for call in traffic.of("createNote") if call.accepted and call.return_id is not None]
    if not notes:
        return not_judged("The partner wrote no note in this story.")
    times = Counter((call.return_id, call.raw_body) for call in notes)
    findings = []
    for (return_id, body), count in times.items():
        if count > 1:
            same = [call for call in notes if (call.return_id, call.raw_body) == (return_id, body)]
            findings.append(shows(f"It wrote the same note to return {return_id} {count} times.", *same))
    return failed(*findings)


RULES = (
    Rule(
        name="ended-returns-left-alone",
        level="error",
        needs="traffic",
        title="Do not act on a return that you know to be closed or cancelled",
        reason="Both states are final. Whoever acts on them does not look at the state, and will one day pay for "
        "items that "
        "the customer keeps.",
        mend="Read the return before acting and go on only if its state is open.",
        fact="states",
        judge=_left_alone,
    ),
    Rule(
        name="refusals-noticed",
        level="error",
        needs="provocation",
        title="Do not take an answer of 200 with errors for success",
        reason="Most refusals come with status 200. Who looks at the status alone books refunds that never happened.",
        mend="An action has succeeded only if the body is the value true; anything with errors is a refusal.",
        fact="actions-unprocessable",
        judge=lambda traffic: without_effect(traffic, "refused_action", "When Loop refused with 200 and errors"),
        provocation="refused_action",
    ),
    Rule(
        name="refusals-not-repeated",
        level="warning",
        needs="traffic",
        title="Do not repeat an action that was refused while nothing has changed",
        reason="The answer stays the same, and each try costs one of 300 calls a minute.",
        mend="Put the return aside with Loop's sentence, and try again when a webhook or a read shows another state.",
        fact="actions-unprocessable",
        judge=_refused_repeatedly,
    ),
    Rule(
        name="flagged-returns-left-alone",
        level="warning",
        needs="traffic",
        title="Do not process a return that you know to be flagged",
        reason="A flag says that a person has to look first; no call takes it away.",
        mend="After UNPROCESSABLE_FLAGGED_RETURN or a flag of your own, wait until staff has cleared the return.",
        fact="actions-flagged",
        judge=_flagged,
    ),
    Rule(
        name="reviews-left-alone",
        level="warning",
        needs="traffic",
        title="Do not process a return that you know to be in review",
        reason="Something blocks it: stock, funds or a decision that the shop keeps for people. Loop refuses, and a "
        "partner that does not look at the state takes the refusal for its own failure.",
        mend="Leave it to staff; go on when a webhook or a read says that it is open.",
        fact="states-review",
        judge=_reviewed,
    ),
    Rule(
        name="items-removed-in-one-call",
        level="error",
        needs="traffic",
        title="Remove all line items of a return in one call",
        reason="Removing processes the return inside the call: a second call finds it closed, and its items were paid "
        "out.",
        mend="Send all ids in one line_item_id, separated by commas.",
        fact="actions-remove",
        judge=_removed_at_once,
    ),
    Rule(
        name="notes-before-the-end",
        level="note",
        needs="traffic",
        title="Write notes while the return is open",
        reason="Who works on a return reads its notes before it ends, and Loop's guide calls an ended return "
        "read-only.",
        mend="Write the note before you process, cancel or close.",
        fact="notes-create",
        judge=_noted_in_time,
    ),
    Rule(
        name="notes-not-repeated",
        level="warning",
        needs="traffic",
        title="Write a note once",
        reason="Notes cannot be deleted; staff reads the same sentence again and again.",
        mend="Read the notes before writing one, or remember that it was written.",
        fact="notes-create",
        judge=_not_noted_twice,
    ),
)
