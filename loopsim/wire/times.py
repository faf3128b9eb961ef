"""Times on the wire: Loop's spellings, and reading dates as leniently as PHP's Carbon does.

Which endpoint speaks which dialect is settled in `FACTS.md#time-formats`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone


def iso(moment: datetime) -> str:
    """`2026-05-27T16:30:36+00:00`: list rows and webhooks."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}+00:00"


def iso_or_none(moment: datetime | None) -> str | None:
    """`iso`, or None."""
    return None if moment is None else iso(moment)


def spaced(moment: datetime) -> str:
    """`2026-05-27 16:30:36`: details, notes and `returned_at`; UTC, unsaid."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def spaced_or_none(moment: datetime | None) -> str | None:
    """`spaced`, or None."""
    return None if moment is None else spaced(moment)


def with_millis(moment: datetime) -> str:
    """`2024-10-25T16:44:47.038Z`: fraud reports."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def zulu(moment: datetime) -> str:
    """`2023-11-07T05:31:56Z`: label request webhooks."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


def in_zone(moment: datetime, offset_minutes: int) -> str:
    """`2023-04-25T13:25:00-05:00`: labels and label requests, in the shop's zone."""
    return moment.astimezone(timezone(timedelta(minutes=offset_minutes))).isoformat(timespec="seconds")


def php_dump(moment: datetime | None) -> dict[str, object] | None:
    """A PHP DateTime as `json_encode` prints it, or None (captured in `outcomes_processed_at`)."""
    if moment is None:
        return None
    return {"date": f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}", "timezone_type": 3, "timezone": "UTC"}


_DATE = re.compile(
    r"""^\s*(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})
    (?:[Tt\s]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?
    \s*(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?\s*$""",
    re.VERBOSE,
)
_BARE_ZONE = re.compile(r"([T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?) (\d{2}:\d{2})$")
_RELATIVE = re.compile(
    r"^\s*(?P<sign>[+-]?)\s*(?P<count>\d{1,5})\s*(?P<unit>second|sec|minute|min|hour|day|week)s?(?P<ago>\s+ago)?\s*$"
)
_UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def parse(text: str, now: datetime, *, end_of_day: bool = False) -> datetime | None:
    """Read a date as Carbon would; no zone means UTC. None where it cannot be read.

    Dates, date-times with a space or a `T`, zones, Unix seconds (`@1700000000`), `now`, `today`, `yesterday`,
    `tomorrow`, `-7 days`.
    `end_of_day`: a plain date stands for its last second.
    """
    text = text.strip()
    # A '+' that a client did not encode arrives as a space before the zone.
    text = _BARE_ZONE.sub(r"\1+\2", text)
    try:
        found = _absolute(text, end_of_day) or _word(text.lower(), now) or _relative(text.lower(), now)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and _EARLIEST <= found <= _LATEST else None


def _absolute(text: str, end_of_day: bool) -> datetime | None:
    if text.startswith("@") and text[1:].lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text[1:]), UTC)
    found = _DATE.match(text)
    if found is None:
        return None
    part = found.groupdict()
    if part["hour"] is None and end_of_day:
        part |= {"hour": "23", "minute": "59", "second": "59"}
    return datetime(
        int(part["year"]),
        int(part["month"]),
        int(part["day"]),
        int(part["hour"] or 0),
        int(part["minute"] or 0),
        int(part["second"] or 0),
        int((part["fraction"] or "0")[:6].ljust(6, "0")),
        tzinfo=_zone(part["zone"]),
    ).astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(offset if text[0] == "+" else -offset)


def _word(text: str, now: datetime) -> datetime | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "now": now,
        "today": midnight,
        "yesterday": midnight - timedelta(days=1),
        "tomorrow": midnight + timedelta(days=1),
    }.get(text)


def _relative(text: str, now: datetime) -> datetime | None:
    found = _RELATIVE.match(text)
    if found is None:
        return None
    span = timedelta(seconds=int(found["count"]) * _UNITS[found["unit"]])
    return now - span if found["sign"] == "-" or found["ago"] else now + span


def truth(text: str | None) -> bool:
    """A boolean in a query as Laravel's `boolean()` reads it, Python's `True` included."""
    return text is not None and text.strip().lower() in {"1", "true", "on", "yes"}
