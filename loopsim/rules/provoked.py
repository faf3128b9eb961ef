"""What rules about provocations share: the verdict is on the effect, never on the status that the partner answered."""

from __future__ import annotations

from loopsim.rules.evidence import Provocation, ProvocationKind
from loopsim.rules.rule import Finding, Judgement, failed, not_judged
from loopsim.rules.traffic import Traffic


def without_effect(traffic: Traffic, kind: ProvocationKind, done: str) -> Judgement:
    """Judge provocations that must change nothing: `done` says in a few words what was done to the partner."""
    provoked = [each for each in traffic.evidence.provocations if each.kind == kind]
    if not provoked:
        return not_judged("It was not tried: run with --provoke.")
    findings = [finding for each in provoked for finding in _findings(each, done)]
    if findings:
        return failed(*findings)
    if not any(each.control for each in provoked):
        why = next((each.why for each in provoked if each.why), "")
        return not_judged(why or "Without it the partner shows no effect either: give loopsim a probe (--probe).")
    return failed()


def survived(traffic: Traffic, kind: ProvocationKind, done: str) -> Judgement:
    """As `without_effect`, and an answer that says the partner broke (5xx, none at all) counts as well."""
    judged = without_effect(traffic, kind, done)
    provoked = [each for each in traffic.evidence.provocations if each.kind == kind]
    broke = [
        Finding(says=f"{done}, it answered {'with ' + str(status) if status else 'not at all'}.", entries=each.entries)
        for each in provoked
        for status in dict.fromkeys(each.statuses)
        if status is None or status >= 500
    ]
    return failed(*judged.findings, *broke) if broke else judged


def _findings(provoked: Provocation, done: str) -> list[Finding]:
    said = [Finding(says=f"{done}: {effect}", entries=provoked.entries) for effect in provoked.effect]
    if not provoked.alive:
        silent = f"{done}: since then it answers no longer; see what it printed."
        said.append(Finding(says=silent, entries=provoked.entries))
    return said
