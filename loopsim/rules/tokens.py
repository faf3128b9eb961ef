"""Whether keys and tokens are those that Loop accepts."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged, passed
from loopsim.rules.traffic import Traffic, shows

_DEAD = {"token_expired": "expired", "token_revoked": "was taken back"}
_RENEWS = "requestToken"


def _refreshed(traffic: Traffic) -> Judgement:
    dead = [call for call in traffic.calls if call.refusal in _DEAD]
    if not dead:
        return not_judged("The partner came with no access token that had ended, in this story.")
    last = dead[-1]
    after = [call for call in traffic.calls if call.id > last.id]
    if any(call.accepted and call.operation != _RENEWS for call in after):
        return passed()
    if any(call.refused and call.operation == _RENEWS for call in after):
        # Only the merchant can help it now, and no call of its own.
        return passed()
    asked = [call for call in traffic.of(_RENEWS) if call.id > dead[0].id]
    did = "it went on with the old one" if asked and asked[0].id < last.id else "it made no call with another"
    return failed(shows(f"Its access token {_DEAD[last.refusal]}, and {did}.", dead[0], *asked[:1], last))


def _accepted(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return not_judged("The partner called nothing in this story.")
    refused = [call for call in traffic.calls if call.status == 401 and call.refusal not in _DEAD]
    if not refused:
        return passed()
    known = any(call.key for call in refused)
    why = "its key or token lacks the scope" if known else "it sent no key or token that the shop knows"
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
        mend="On 401 renew the token once and repeat the call, which did nothing; renewing it some minutes before its "
        "end spares the 401, not the look at it. Where renewing is refused too, only the merchant's consent helps.",
        fact="auth-oauth-life",
        judge=_refreshed,
    ),
    Rule(
        name="key-accepted",
        level="error",
        needs="traffic",
        title="Send a key that Loop accepts, with the scopes that the calls need",
        reason="401 is all that Loop says of a missing key, a wrong one, and one without the scope.",
        mend="Send a key in X-Authorization without a word in front, a token in Authorization after Bearer, and ask "
        "for each scope that you use.",
        fact="auth-missing-scope",
        judge=_accepted,
    ),
)
