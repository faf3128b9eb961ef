"""Whether the rate limit is respected, and failures are not answered with a storm."""

from __future__ import annotations

from loopsim.rules.rule import Finding, Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_SLACK_MS = 50
_UNDER_WAY_MS = 100  # calls of other workers that were as good as sent when the 429 arrived
_AT_ONCE_MS = 100  # without Retry-After, a repeat within this was no pause
_STORM = 3  # attempts; many a client tries once more at once, and then with pauses
_STORM_GAP_MS = 100
_BECAUSE_MS = 50  # a webhook that came so long before a call, or less, may be why it was made


def _waited_out(traffic: Traffic) -> Judgement:
    limited = [call for call in traffic.calls if call.status == 429 and call.ended is not None]
    if not limited:
        return not_judged("Loop answered no call with 429 in this story.")
    findings = []
    for call in limited:
        early = _early(traffic, call)
        if early is not None:
            waited = max(0.0, (early.began or 0) - (call.ended or 0)) / 1000
            asked = "to pause" if call.retry_after is None else f"to wait {call.retry_after} s"
            findings.append(
                shows(f"After a 429 that asked {asked} it called {early.word} {waited:.2f} s later.", call, early)
            )
    return failed(*findings)


def _early(traffic: Traffic, limited: Call) -> Call | None:
    """The first call that did not wait: the same again, or another that meets the limit, too."""
    ended = limited.ended or 0
    until = ended + (_AT_ONCE_MS if limited.retry_after is None else limited.retry_after * 1000 - _SLACK_MS)
    for call in traffic.calls:
        if call.began is None or call.key != limited.key or not ended <= call.began < until:
            continue
        if call.request == limited.request or (call.status == 429 and call.began > ended + _UNDER_WAY_MS):
            return call
    return None


def _no_storm(traffic: Traffic) -> Judgement:
    failing = [call for call in traffic.calls if (call.doubtful or call.status == 429) and call.began is not None]
    if not failing:
        return not_judged("No call failed in this story (429, 5xx, a lost answer).")
    trouble = {call.id for call in failing}
    runs: dict[object, list[Call]] = {}
    findings: dict[object, Finding] = {}
    for call in traffic.calls:
        run = runs.setdefault(call.request, [])
        if run and not _at_once(call, run[-1]):
            run.clear()
        if run or call.id in trouble:
            run.append(call)
        if len(run) >= _STORM and len(run) - _reasons(traffic, run) >= _STORM:
            findings[call.request] = shows(f"It made {call.word} {len(run)} times with hardly a pause.", *run)
        if call.id not in trouble:
            run.clear()
    return failed(*findings.values())


def _reasons(traffic: Traffic, run: list[Call]) -> int:
    """How many webhooks may each have had the partner look: that is no repeating."""
    about, since, until = run[0].return_id, (run[0].began or 0) - _BECAUSE_MS, run[-1].began or 0
    return sum(
        about in (None, each.return_id) and each.began is not None and since <= each.began <= until
        for each in traffic.deliveries
    )


def _at_once(again: Call, call: Call) -> bool:
    """Whether a call came right after another one had failed: by real time, and by the shop's, in which a webhook that
    is sent again comes minutes later."""
    if again.began is None or call.ended is None or again.began < call.ended:
        return False  # of another worker
    return again.began - (call.began or 0) <= _STORM_GAP_MS and again.at - call.at <= _STORM_GAP_MS


RULES = (
    Rule(
        name="too-many-attempts-waited-out",
        level="error",
        needs="traffic",
        title="Wait as long as a 429 asks",
        reason="Who goes on calling stays locked out until the minute is over, and usually loses the work "
        "that the calls were for.",
        mend="Read Retry-After (seconds), let nothing of this key go out before, then make the same call again.",
        fact="rate-limit",
        judge=_waited_out,
    ),
    Rule(
        name="no-retry-storm",
        level="error",
        needs="traffic",
        title="Pause, and pause longer, between attempts",
        reason="When Loop is in trouble a tight loop of retries keeps it there, and uses up 300 calls in seconds.",
        mend="Wait 1 s, 2 s, 4 s … with some chance in it, and give up after a handful of attempts.",
        fact="rate-limit",
        judge=_no_storm,
    ),
)
