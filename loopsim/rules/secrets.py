"""Whether keys and secrets stay out of addresses."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

_SECRET = re.compile(
    r"^(x[-_]?)?(api[-_]?key|key|((access|refresh)[-_]?)?token|((webhook|client)[-_]?)?secret|authorization|password)$",
    re.I,
)


def _not_in_urls(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return not_judged("The partner called nothing in this story.")
    findings = []
    for call in traffic.calls:
        for name in _names(call):
            if _SECRET.match(name):
                findings.append(shows(f"It put a secret into an address, as {name}, in {call.word}.", call))
    return failed(*findings[:10])


def _names(call: Call) -> list[str]:
    names = list(call.query)
    url = (
        call.body.get("url")
        if isinstance(call.body, dict) and call.operation in ("createWebhook", "updateWebhook")
        else None
    )
    if isinstance(url, str):
        try:
            names += [name for name, _ in parse_qsl(urlsplit(url).query)]
        except ValueError:
            return names
    return names


RULES = (
    Rule(
        name="secrets-not-in-urls",
        level="error",
        needs="traffic",
        title="Keep keys and secrets out of URLs",
        reason="Addresses are written into logs, histories and error reports all along the way.",
        mend="Send the key in X-Authorization. For webhooks rely on the signature.",
        fact="auth-api-key",
        judge=_not_in_urls,
    ),
)
