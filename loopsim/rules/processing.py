"""Whether processing is asked for once, and its end is awaited."""

from __future__ import annotations

from loopsim.rules.rule import Finding, Judgement, Rule, failed, not_judged, passed
from loopsim.rules.traffic import READS_OF_MANY, READS_OF_ONE, Call, Delivery, Moved, Step, Traffic, shows

_NONE = not_judged("The partner asked for no processing in this story.")
# After these the return needs another processing.
_REOPENS = frozenset({"process_partly_done", "process_failed", "resolve", "unflag", "edit"})


def _once(traffic: Traffic) -> Judgement:
    calls = [call for call in traffic.of("processReturn") if call.return_id is not None]
    if not calls:
        return _NONE
    findings: list[Finding] = []
    waiting: dict[int | None, Call] = {}
    for step in traffic.steps:
        if _reopens(step):
            waiting.pop(step.return_id, None)
        if not isinstance(step, Call) or step.operation != "processReturn" or step.return_id is None:
            continue
        first = waiting.get(step.return_id)
        if first is not None and step.status != 429:
            findings.append(
                shows(f"It asked to process return {step.return_id} again, after Loop had taken it.", first, step)
            )
        elif step.accepted:
            waiting[step.return_id] = step
    return failed(*findings)


def _reopens(step: Step) -> bool:
    if isinstance(step, Moved):
        return step.action in _REOPENS
    return isinstance(step, Delivery) and (step.trigger == "return.processing.failed" or step.state == "review")


def _confirmed(traffic: Traffic) -> Judgement:
    accepted = [call for call in traffic.of("processReturn") if call.accepted and call.return_id is not None]
    if not accepted:
        return not_judged("Loop took no processing of the partner's in this story.")
    undecided, findings = False, []
    listed = max((call.id for call in traffic.of(*READS_OF_MANY) if call.accepted), default=0)
    for call in accepted:
        return_id = call.return_id or 0
        ended = _end_of(traffic, call)
        since = (ended or call).id
        if any(_tells(step) for step in traffic.of_return(return_id) if step.id >= since) or listed > since:
            continue
        if ended is None or any(each.operation in READS_OF_ONE | READS_OF_MANY for each in traffic.calls):
            undecided = True  # it polls, and may well have looked after the story's end
            continue
        said = f"After process of return {return_id} neither a webhook nor a read told it whether Loop did it."
        findings.append(shows(said, call))
    if findings:
        return failed(*findings)
    return not_judged("The story ended before the partner could learn of the end.") if undecided else passed()


def _end_of(traffic: Traffic, call: Call) -> Step | None:
    """What first showed on the wire or inside that the processing came to an end."""
    later = (step for step in traffic.of_return(call.return_id) if step.id > call.id)
    return next((step for step in later if _is_end(step)), None)


def _is_end(step: Step) -> bool:
    if isinstance(step, Moved):
        return step.action in {"process_done", "process_partly_done", "process_failed"}
    return isinstance(step, Delivery) and (
        step.trigger == "return.processing.failed" or step.state in ("closed", "review")
    )


def _tells(step: Step) -> bool:
    if isinstance(step, Delivery):
        return step.taken and _is_end(step)
    return isinstance(step, Call) and step.accepted and step.operation == "getReturnDetails"


RULES = (
    Rule(
        name="processed-once",
        level="error",
        needs="traffic",
        title="Ask to process a return once",
        reason="A second call is refused at best. That it adds nothing while the first is queued is nowhere promised, "
        "and "
        "then the customer is paid twice.",
        mend="Remember per return that you asked, in the same transaction as your own work; ask again only after "
        "return.processing.failed.",
        fact="actions-process-twice",
        judge=_once,
    ),
    Rule(
        name="processing-awaited",
        level="warning",
        needs="traffic",
        title="Learn how a processing ended",
        reason="The value true only says that the return is queued. It may fail, or go to review for want of stock or "
        "funds.",
        mend="Subscribe to return.closed and return.processing.failed, or read the return later.",
        fact="actions-process",
        judge=_confirmed,
    ),
)
