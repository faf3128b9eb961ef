"""Lengths of time as scenarios write them: seconds as a number, or `500ms`, `90s`, `2h`, `14d`, `1d12h`."""

from __future__ import annotations

import re

from loopsim.errors import SetupError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")

SCHEMA = {
    "type": ["number", "string"],
    "description": "A length of time: seconds as a number, or text such as `500ms`, `90s`, `2h`, `14d`, `1d12h`.",
    "examples": ["90s"],
    "pattern": r"^(?:\d+(?:\.\d+)?\s*(?:ms|[smhdw])\s*)+$",
}


def seconds(value: float | str) -> float:
    """A span in seconds. Raises SetupError for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).replace(" ", "")
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise SetupError(f"{value!r} is no length of time. Write it like 500ms, 90s, 2h, 14d or 1d12h.")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
