"""Whether keys and tokens are those that Loop accepts."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged, passed
from loopsim.rules.traffic import Traffic, shows

_EXPIRED = frozenset({"token_expired", "expired_token"})


def _refreshed(traffic: Traffic) -> Judgement:
    expired = [call for call in traffic.calls if call.refusal in _EXPIRED]
    if not expired:
        return not_judged("No access token expired in this story.")
    last = expired[-1]
    if any(call.id > last.id and call.accepted for call in traffic.calls):
        return passed()
    return failed(shows("Its access token expired, and it went on with none that Loop accepts.", *expired[:1], last))


def _accepted(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return not_judged("The partner called nothing in this story.")
    refused = [call for call in traffic.calls if call.status == 401 and call.refusal not in _EXPIRED]
    if not refused:
        return passed()
    known = any(call.key for call in refused)
    why = "its key lacks the scope" if known else "it sent no key that the shop knows"
    return failed(
        shows(f"Loop refused {len(refused)} of its calls with 401, first {refused[0].word}: {why}.", refused[0])
    )


RULES = (
    Rule(
        name="token-refreshed",
        level="error",
        needs="traffic",
        title="Renew an access token that has expired",
        reason="A token lives for one hour. What works in a test of minutes stands still in production.",
        mend="On 401 renew the token once and repeat the call; better, renew it some minutes before its end.",
        fact="auth-oauth-life",
        judge=_refreshed,
    ),
    Rule(
        name="key-accepted",
        level="error",
        needs="traffic",
        title="Send a key that Loop accepts, with the scopes that the calls need",
        reason="401 is all that Loop says of a missing key, a wrong one, and one without the scope.",
        mend="Send the key in X-Authorization, without a word in front, and ask for each scope that you use.",
        fact="auth-missing-scope",
        judge=_accepted,
    ),
)
