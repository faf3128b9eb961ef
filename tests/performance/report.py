"""What was measured, as rows of a table, and the machine it was measured on."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psutil

Sense = Literal["at least", "at most", "for information"]
LIBRARIES = ("uvicorn", "uvloop", "httptools", "msgspec", "aiohttp", "starlette")


class Row(NamedTuple):
    """A measure: the value of every round, and the floor that their median must reach. `says` adds the rest."""

    name: str
    unit: str
    values: tuple[float, ...]
    sense: Sense = "for information"
    floor: float | None = None
    says: str = ""

    @property
    def median(self) -> float:
        """The figure that counts."""
        return statistics.median(self.values) if self.values else math.nan

    @property
    def passed(self) -> bool | None:
        """Whether the floor is reached; None where there is none."""
        if self.floor is None or not self.values:
            return None
        return self.median >= self.floor if self.sense == "at least" else self.median <= self.floor

    def as_data(self) -> dict[str, Any]:
        """The row as plain data."""
        return {
            "measure": self.name,
            "unit": self.unit,
            "sense": self.sense,
            "floor": self.floor,
            "median": self.median,
            "min": min(self.values, default=math.nan),
            "max": max(self.values, default=math.nan),
            "passed": self.passed,
            "says": self.says,
            "rounds": list(self.values),
        }


def machine() -> dict[str, Any]:
    """Processor, cores, memory, versions, load."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def machine_lines(facts: dict[str, Any]) -> list[str]:
    """The machine in a few lines of text."""
    libraries = ", ".join(f"{library} {facts[library]}" for library in LIBRARIES)
    return [
        f"machine  {facts['processor']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}",
        f"python   {facts['python']}; {libraries}",
        f"load     {' '.join(str(each) for each in facts['load'])} (1, 5, 15 minutes, when the bench began)",
    ]


def table(rows: Sequence[Row]) -> list[str]:
    """The rows as lines of text, aligned."""
    cells = [("measure", "floor", "median", "min – max", "", "")] + [_cells(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(5)]
    return [
        "  ".join([*(text.ljust(width) for text, width in zip(row[:5], widths, strict=True)), row[5]]).rstrip()
        for row in cells
    ]


def _cells(row: Row) -> tuple[str, ...]:
    sign = {"at least": "≥ ", "at most": "≤ "}.get(row.sense, "")
    floor = "" if row.floor is None else f"{sign}{row.floor:g} {row.unit}".rstrip()
    verdict = {None: "", True: "pass", False: "SHORT"}[row.passed]
    spread = f"{_shown(min(row.values))} – {_shown(max(row.values))}" if len(row.values) > 1 else ""
    median = f"{_shown(row.median)} {row.unit}".rstrip() if row.values else ""
    return (row.name, floor, median, spread, verdict, row.says)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
