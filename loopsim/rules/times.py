"""Whether moments stay what they are on the partner's side."""

from __future__ import annotations

from typing import Any

from loopsim.rules.probed import shown, told
from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Traffic, moment, shows

_QUARTER_MS = 15 * 60 * 1000
_FARTHEST_MS = 14 * 60 * 60 * 1000
_CLOSE_MS = 1_000


def _right(traffic: Traffic) -> Judgement:
    if not traffic.evidence.probes:
        return not_judged("There is no probe to compare times with: give one (--probe).")
    compared, findings = False, []
    for return_id, members in told(traffic).items():
        for name, value in shown(traffic, return_id):
            moments = [(at, by) for value, by in members.get(name, ()) if (at := _moment(value)) is not None]
            has = _moment(value)
            if not moments or has is None:
                continue
            compared = True
            if any(abs(has - at) <= _CLOSE_MS for at, _ in moments):
                continue
            at, by = moments[-1]
            if _shifted(has - at):
                said = f"Its {name} of return {return_id} is {(has - at) / 3_600_000:+g} h away from what Loop told."
                findings.append(shows(said, *by, return_id=return_id))
    if findings or compared:
        return failed(*findings)
    return not_judged("The probe shows no time under Loop's name for it (created_at, updated_at, …).")


def _moment(value: Any) -> int | None:
    """A time: text in an ISO form, a dump of PHP's with its `date`, or seconds or milliseconds since 1970."""
    if isinstance(value, dict):
        value = value.get("date")
    if isinstance(value, str):
        return moment(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1e8 < value < 1e14:
        return None
    return round(value if value > 1e11 else value * 1000)


def _shifted(difference: int) -> bool:
    """Whether a difference is one between time zones."""
    rest = (abs(difference) + _CLOSE_MS) % _QUARTER_MS
    return _QUARTER_MS - _CLOSE_MS <= abs(difference) <= _FARTHEST_MS and rest <= 2 * _CLOSE_MS


RULES = (
    Rule(
        name="times-read-right",
        level="error",
        needs="probe",
        title="Read times without a zone as UTC",
        reason="Details, notes and returned_at have no zone, the list and webhooks have one. Read as local time they "
        "are "
        "hours off, and windows and deadlines with them.",
        mend="Parse both forms, and take what has no zone for UTC.",
        fact="time-space",
        judge=_right,
    ),
)
