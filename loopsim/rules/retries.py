"""Whether calls are repeated only where that is safe."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Delivery, Step, Traffic, shows

# What is done a second time when it is asked a second time, or may be. A label, a fraud report or a removal is not
# among it: what these are about takes one, and refuses the second.
NOT_REPEATABLE = frozenset({"processReturn", "createNote", "createWebhook", "createDestination"})


def _safely(traffic: Traffic) -> Judgement:
    doubtful = [call for call in traffic.of(*NOT_REPEATABLE) if call.doubtful]
    if not doubtful:
        return not_judged("No answer to an action was lost, and none was a 5xx, in this story.")
    findings = []
    for call in doubtful:
        again = next((each for each in traffic.calls if each.id > call.id and _same(each, call)), None)
        if again is not None and not any(_tells(step, call) for step in traffic.between(call, again)):
            why = f"was answered {call.status}" if call.status is not None else "got no answer"
            about = f" of return {call.return_id}" if call.return_id is not None else ""
            said = f"Its {call.word}{about} {why}, and it made the call again without looking whether it was done."
            findings.append(shows(said, call, again))
    return failed(*findings)


def _same(again: Call, call: Call) -> bool:
    if again.operation != call.operation or again.path != call.path:
        return False
    return call.operation == "processReturn" or again.raw_body == call.raw_body


def _tells(step: Step, call: Call) -> bool:
    """Whether a step may have told the partner if the call was carried out."""
    if isinstance(step, Delivery):
        return step.taken and step.return_id == call.return_id
    return isinstance(step, Call) and not step.writes and not step.doubtful and step.status != 429


RULES = (
    Rule(
        name="retried-safely",
        level="error",
        needs="traffic",
        title="After a lost answer or a 5xx, look before you repeat an action",
        reason="Loop has no idempotency key: the first call may have been carried out, and the second does it again.",
        mend="Read the return, its notes or the list, and repeat only what is not there. Reads, grading and label "
        "statuses may "
        "simply be repeated.",
        fact="idempotency-none",
        judge=_safely,
    ),
)
