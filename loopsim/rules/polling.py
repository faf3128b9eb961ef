"""Whether the partner asks no more than it has to, and subscribes once."""

from __future__ import annotations

from collections import defaultdict

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_MANY = 60
_MINUTE_MS = 60_000.0


def _moderate(traffic: Traffic) -> Judgement:
    reads = [call for call in traffic.calls if not call.writes and call.began is not None]
    if not reads:
        return not_judged("The partner read nothing in this story.")
    same: dict[object, list[Call]] = defaultdict(list)
    for call in reads:
        rest = tuple((name, value) for name, value in sorted(call.query.items()) if name not in ("from", "to"))
        same[call.path, rest].append(call)
    findings = []
    for calls in same.values():
        busy = next((i for i in range(len(calls) - _MANY) if _within_a_minute(calls[i], calls[i + _MANY])), None)
        if busy is not None:
            findings.append(
                shows(f"It made the same {calls[0].word} more than {_MANY} times in a minute.", calls[busy])
            )
    return failed(*findings)


def _within_a_minute(first: Call, last: Call) -> bool:
    return (last.began or 0) - (first.began or 0) < _MINUTE_MS


def _subscribed_once(traffic: Traffic) -> Judgement:
    made = [call for call in traffic.of("createWebhook") if call.accepted and isinstance(call.body, dict)]
    if not made:
        return not_judged("The partner made no subscription in this story.")
    if any(call.accepted for call in traffic.of("deleteWebhook", "updateWebhook")):
        return not_judged("The partner changed subscriptions in this story; which of them are left cannot be told.")
    seen: dict[str, Call] = {}
    findings = []
    for call in made:
        pair = str([call.body.get(name) for name in ("topic", "trigger", "url")])
        if pair in seen:
            said = f"It subscribed twice to {call.body.get('topic')} on {call.body.get('trigger')} at the same address."
            findings.append(shows(said, seen[pair], call))
        seen.setdefault(pair, call)
    return failed(*findings)


RULES = (
    Rule(
        name="polls-moderately",
        level="note",
        needs="traffic",
        title="Poll with pauses",
        reason="300 calls a minute are all that a key has, for reads and actions together.",
        mend="Poll every few minutes, or let webhooks tell you when to look.",
        fact="rate-limit",
        judge=_moderate,
    ),
    Rule(
        name="subscribed-once",
        level="warning",
        needs="traffic",
        title="Make each subscription once",
        reason="Loop takes the same subscription as often as it is made, and sends every event once for each.",
        mend="List the webhooks at start, and create only what is missing.",
        fact="hook-url",
        judge=_subscribed_once,
    ),
)
