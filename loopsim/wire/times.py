"""Times on the wire: Loop's spellings, and reading dates as leniently as PHP's Carbon does.

Which endpoint speaks which dialect is settled in `FACTS.md#time-iso`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache

from msgspec import to_builtins


def iso(moment: datetime) -> str:
    """`2026-05-27T16:30:36+00:00`: list rows and webhooks."""
    # It ends in a Z, and takes an eighth of the time of isoformat, which many an answer needs a dozen times.
    text: str = to_builtins(moment)
    return f"{text[:19]}+00:00" if text[-1] == "Z" else moment.isoformat(timespec="seconds")


def iso_or_none(moment: datetime | None) -> str | None:
    """`iso`, or None."""
    return None if moment is None else iso(moment)


def spaced(moment: datetime) -> str:
    """`2026-05-27 16:30:36`: details, notes and `returned_at`; UTC, unsaid."""
    text: str = to_builtins(moment)
    return text[:19].replace("T", " ")


def spaced_or_none(moment: datetime | None) -> str | None:
    """`spaced`, or None."""
    return None if moment is None else spaced(moment)


def with_millis(moment: datetime) -> str:
    """`2024-10-25T16:44:47.038Z`: fraud reports."""
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def in_zone(moment: datetime, offset_minutes: int) -> str:
    """`2023-04-25T13:25:00-05:00`: labels and label requests, in the shop's zone."""
    return moment.astimezone(timezone(timedelta(minutes=offset_minutes))).isoformat(timespec="seconds")


def php_dump(moment: datetime | None) -> dict[str, object] | None:
    """A PHP DateTime as `json_encode` prints it, or None (captured in `outcomes_processed_at`): whole seconds, as Loop
    keeps them, whatever the six decimals promise."""
    if moment is None:
        return None
    return {"date": f"{spaced(moment)}.000000", "timezone_type": 3, "timezone": "UTC"}


_TIME = r"""(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?
    \s*(?P<half>[AaPp]\.?[Mm]\.?)?"""
_ZONE = r"\s*(?P<zone>[Zz]|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]{3,4})?(?:\s*\([^)]*\))?\s*$"
_MONTH = r"(?P<name>[A-Za-z]{3,9})\.?"
_WEEKDAY = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,?\s+)?"
# What PHP reads as a date, as far as clients are known or likely to send it. A year of two digits is no date here.
_DATES = tuple(
    rf"^\s*{_WEEKDAY}{day}{_ZONE}"
    for day in (
        rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?:[Tt\s]\s*{_TIME})?",
        rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}})(?:\s+{_TIME})?",
        rf"(?P<day>\d{{1,2}})[-.](?P<month>\d{{1,2}})[-.](?P<year>\d{{4}})(?:\s+{_TIME})?",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
        r"(?:[Tt](?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?)?",
        rf"(?P<day>\d{{1,2}})[\s-]+{_MONTH}[\s,-]+(?P<year>\d{{4}})(?:\s+{_TIME})?",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})(?:\s+{_TIME})?",
    )
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7,
    "bst": 1, "cet": 1, "cest": 2,
}  # fmt: skip
_BARE_ZONE = re.compile(r"([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})$")
_RELATIVE = re.compile(
    r"^\s*(?P<sign>[+-]?)\s*(?P<count>\d{1,5})\s*(?P<unit>second|sec|minute|min|hour|day|week)s?(?P<ago>\s+ago)?\s*$"
)
_UNITS = {"second": 1, "sec": 1, "minute": 60, "min": 60, "hour": 3600, "day": 86400, "week": 604800}
_EARLIEST, _LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_LONGEST_TEXT = 100


def parse(text: str, now: datetime, *, end_of_day: bool = False) -> datetime | None:
    """Read a date as Carbon would; no zone means UTC. None where it cannot be read.

    Dates with dashes, slashes, dots or month names, date-times with a space or a `T`, zones by offset or common name,
    Unix seconds (`@1700000000`), `now`, `today`, `yesterday`, `tomorrow`, `-7 days`. As PHP has it, a day that the
    month lacks runs over into the next, and 24:00 is the next midnight.
    `end_of_day`: a plain date stands for its last second.
    """
    text = text.strip()
    if len(text) > _LONGEST_TEXT or not text.isascii():
        return None
    try:
        found = _absolute(text, end_of_day) or _word(text.lower(), now) or _relative(text.lower(), now)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and _EARLIEST <= found <= _LATEST else None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Each when it is first needed: a server that starts has no time for seldom spellings."""
    return re.compile(pattern, re.VERBOSE | re.IGNORECASE)


@lru_cache(maxsize=512)
def _absolute(text: str, end_of_day: bool) -> datetime | None:
    # A '+' that a client did not encode arrives as a space before the zone.
    text = _BARE_ZONE.sub(r"\1+\2", text)
    if text.startswith("@") and text[1:].lstrip("-").isdigit():
        return datetime.fromtimestamp(int(text[1:]), UTC)
    found = next((match for pattern in _DATES if (match := _compiled(pattern).match(text))), None)
    if found is None:
        return None
    part = found.groupdict()
    day, zone = int(part["day"]), _zone(part["zone"])
    if day > 31:
        raise ValueError(day)
    start = datetime(int(part["year"]), _month(part), 1, tzinfo=zone) + timedelta(days=day - 1)
    if part["hour"] is None:
        span = timedelta(days=1, seconds=-1) if end_of_day else timedelta()
    else:
        span = _time_of_day(part)
    return (start + span).astimezone(UTC)


def _month(part: dict[str, str | None]) -> int:
    name = (part.get("name") or "").lower()
    if not name:
        return int(part["month"] or 0)
    fitting = [
        number for number, month in enumerate(_MONTHS, 1) if name in (month, month[:3]) or name == "sept" == month[:4]
    ]
    if not fitting:
        raise ValueError(name)
    return fitting[0]


def _time_of_day(part: dict[str, str | None]) -> timedelta:
    hour, minute, second = (int(part.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (part.get("half") or "").lower()[:1]
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        raise ValueError(hour)
    micro = int((part.get("fraction") or "0")[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)


def _zone(text: str | None) -> timezone:
    if text is None:
        return UTC
    if text[-1].isalpha():
        if text.lower() not in _ZONES:
            raise ValueError(text)
        return timezone(timedelta(hours=_ZONES[text.lower()]))
    sign, digits = re.sub(r"^(?:UTC|GMT)", "", text, flags=re.IGNORECASE)[:1], re.sub(r"[^0-9]", "", text)
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(offset if sign == "+" else -offset)


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
