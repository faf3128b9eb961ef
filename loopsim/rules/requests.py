"""Whether calls are ones that Loop knows and reads whole."""

from __future__ import annotations

import re

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import TAKEN, Call, Traffic, shows

_NO_CALL = not_judged("The partner called nothing in this story.")
_UNREADABLE = frozenset({"invalid", "malformed_json", "body_too_large", "content_required", "missing_fields"})
_REMOVED = re.compile(r"/api/v(?!1(?:/|$))\d+(?:/|$)")
_DATED = re.compile(r"/api/\d{4}-\d\d/")


def _fields_known(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return _NO_CALL
    seen: dict[tuple[str, tuple[str, ...]], Call] = {}
    for call in traffic.calls:
        if call.unknown:
            seen.setdefault((call.operation, call.unknown), call)
    said = "Loop drops {} of {} without a word."
    return failed(*(shows(said.format(", ".join(call.unknown), call.word), call) for call in seen.values()))


def _readable(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return _NO_CALL
    wrong = [call for call in traffic.calls if call.refusal in _UNREADABLE and not _only_taken(call)]
    said = "Loop could not read its {}: {}"
    return failed(*(shows(said.format(call.word, call.message or call.status), call) for call in wrong))


def _only_taken(call: Call) -> bool:
    """Whether all that is wrong are external ids that are taken, as after a lost answer: that has a rule of its own."""
    return bool(call.complaints) and all(TAKEN in says for _, says in call.complaints)


def _versions(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return _NO_CALL
    old = [call for call in traffic.calls if _gone(call)]
    return failed(*(shows(f"It called {call.path}, of a version that is gone.", call) for call in old[:5]))


def _gone(call: Call) -> bool:
    """Whether a call is of a version that Loop no longer has: a number, or a month of which it knows no operation."""
    dated = _DATED.search(call.path) is not None and not call.operation and call.status == 404
    return dated or _REMOVED.search(call.path) is not None


def _endpoints(traffic: Traffic) -> Judgement:
    if not traffic.calls:
        return _NO_CALL
    lost = [call for call in traffic.calls if not call.operation and call.status in (404, 405)]
    lost = [call for call in lost if not _gone(call)]
    return failed(*(shows(f"Loop has no {call.method} {call.path}.", call) for call in lost[:5]))


RULES = (
    Rule(
        name="fields-known",
        level="warning",
        needs="traffic",
        title="Send only parameters and fields that Loop knows",
        reason="What Loop does not know it drops without an error: a filter that is spelled wrongly filters nothing.",
        mend="Correct the name, or leave it out. loopsim ledger lists what each operation takes.",
        fact="http-unknown-fields",
        judge=_fields_known,
    ),
    Rule(
        name="requests-readable",
        level="warning",
        needs="traffic",
        title="Send what Loop can read",
        reason="A call that is refused for its form does nothing, and will do nothing when it is repeated.",
        mend="Follow Loop's sentence; it names the field.",
        fact="http-validation",
        judge=_readable,
    ),
    Rule(
        name="version-supported",
        level="error",
        needs="traffic",
        title="Call no version that is gone",
        reason="There is no v2: its paths answer 404, whatever old pages say.",
        mend="Use /api/v1, or a dated version such as /api/2026-07.",
        fact="versions-v2-gone",
        judge=_versions,
    ),
    Rule(
        name="endpoints-known",
        level="error",
        needs="traffic",
        title="Call endpoints that exist",
        reason="A wrong path or method is a call that was never made.",
        mend="Compare path and method with Loop's pages; loopsim ledger lists what there is.",
        fact="http-not-found",
        judge=_endpoints,
    ),
)
