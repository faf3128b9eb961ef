"""Whether webhooks are answered with success, soon, and before the work."""

from __future__ import annotations

from collections import defaultdict

from loopsim.rules.provoked import without_effect
from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Delivery, Traffic, shows

_NONE_SENT = not_judged("Loop sent no webhook in this story: subscribe the partner to what happens in it.")
_SOON_MS = 5_000
_SIGNATURE_REFUSED = frozenset({401, 403})  # `genuine-signature-accepted` speaks of those
_TRIED_AGAIN = frozenset({408, 425, 429})


def _genuine(traffic: Traffic) -> list[Delivery]:
    return [each for each in traffic.deliveries if each.genuine and each.sent]


def _acknowledged(traffic: Traffic) -> Judgement:
    genuine = _genuine(traffic)
    if not genuine:
        return _NONE_SENT
    attempts: dict[object, list[Delivery]] = defaultdict(list)
    for each in genuine:
        attempts[each.delivery_id if each.delivery_id is not None else ("", each.id)].append(each)
    # A partner that says 5xx because Loop did, and waits for the next attempt, does as it should.
    loop_failed = any(call.doubtful or call.status == 429 for call in traffic.calls)
    findings = []
    for tries in attempts.values():
        last = tries[-1]
        if any(each.taken for each in tries) or last.status in _SIGNATURE_REFUSED or last.error == "timeout":
            continue
        temporary = last.status is None or last.status >= 500 or last.status in _TRIED_AGAIN
        if temporary and (loop_failed or last.status in _TRIED_AGAIN):
            continue
        said = f"answered {last.status}" if last.status else f"gave no answer ({last.error})"
        after = "" if temporary else " Loop does not send it again."
        findings.append(shows(f"It {said} to {last.trigger}, delivery {last.delivery_id}.{after}", *tries))
    return failed(*findings)


def _in_time(traffic: Traffic) -> Judgement:
    genuine = _genuine(traffic)
    if not genuine:
        return _NONE_SENT
    late = [each for each in genuine if each.error == "timeout"]
    return failed(*(shows(f"It did not answer {each.trigger} before Loop gave up.", each) for each in late))


def _soon(traffic: Traffic) -> Judgement:
    genuine = _genuine(traffic)
    if not genuine:
        return _NONE_SENT
    slow = [each for each in genuine if each.taken and (each.duration_ms or 0) > _SOON_MS]
    said = "It took {:.1f} s to answer {}."
    return failed(*(shows(said.format((each.duration_ms or 0) / 1000, each.trigger), each) for each in slow))


RULES = (
    Rule(
        name="webhooks-acknowledged",
        level="error",
        needs="traffic",
        title="Answer every genuine webhook with a 2xx",
        reason="A 5xx is sent again a few times, a 3xx or 4xx never: the event is lost.",
        mend="Answer 200 as soon as the message is verified and stored, also to events you have no use for.",
        fact="duration-retry",
        judge=_acknowledged,
    ),
    Rule(
        name="webhooks-acknowledged-in-time",
        level="error",
        needs="traffic",
        title="Answer a webhook before Loop gives up",
        reason="An answer that comes too late is none: Loop sends the event again, and your work is done twice.",
        mend="Store the message, answer, and do the work afterwards.",
        fact="duration-attempt",
        judge=_in_time,
    ),
    Rule(
        name="webhooks-acknowledged-soon",
        level="warning",
        needs="traffic",
        title="Answer a webhook within five seconds",
        reason="Loop waits some ten seconds; on a busy day this answer will come too late.",
        mend="Store the message, answer, and do the work afterwards.",
        fact="duration-attempt",
        judge=_soon,
    ),
    Rule(
        name="acknowledged-before-work",
        level="error",
        needs="provocation",
        title="Answer a webhook before calling Loop or doing other slow work",
        reason="Whoever calls Loop before answering is as slow as Loop is at that moment, and misses the time limit "
        "when it "
        "is slow.",
        mend="Put the message into a queue, answer 200, and let a worker make the calls.",
        fact="duration-attempt",
        judge=lambda traffic: without_effect(traffic, "slow_loop", "While Loop was slow"),
        provocation="slow_loop",
    ),
)
