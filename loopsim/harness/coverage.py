"""Lifecycle coverage: which operations, error answers, triggers and state transitions were exercised, of those that can
be; and which scenarios add nothing to it.

    journal ─ exercised ─> Coverage ──────────┐
    lifecycle ─ possible, within ─> Coverage ─┴ measured ─> Measured, one Kind for each of the four
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import Struct

from loopsim.harness.results import Coverage, FactText, RunResult, Transition

KINDS = ("operations", "errors", "triggers", "transitions")
ANY = "any"
"""Stands for the operation of a refusal that each can give (key, rate limit, unreadable body)."""
NAMES = {
    "operations": "operations",
    "errors": "error answers",
    "triggers": "triggers",
    "transitions": "state transitions",
}


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of what can be exercised. `extra` is what was exercised but is not listed as possible."""

    name: str
    covered: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...] = ()

    @property
    def possible(self) -> int:
        """How many there are."""
        return len(self.covered) + len(self.missing)

    @property
    def percent(self) -> float:
        """Of those that can be; 100 where there is none."""
        return share(len(self.covered), self.possible)


class Measured(Struct, frozen=True):
    """The four kinds, and their percentage over all."""

    kinds: tuple[Kind, ...]

    @property
    def percent(self) -> float:
        """What `--fail-under` is held against: everything exercised, of everything that can be."""
        return share(sum(len(kind.covered) for kind in self.kinds), sum(kind.possible for kind in self.kinds))


def share(part: int, whole: int) -> float:
    """In percent, rounded down to a tenth, so that 100 is only said of the whole."""
    return 100.0 if not whole else part * 1000 // whole / 10


def text(item: str | Transition) -> str:
    """An item as people read it."""
    if isinstance(item, Transition):
        return f"{item.entity}: {item.state or '·'} → {item.to} by {item.action}"
    return item


def exercised(journal: Iterable[Mapping[str, Any]]) -> Coverage:
    """What the partner's calls, the deliveries and the moves of a journal exercised."""
    found: dict[str, set[Any]] = {kind: set() for kind in KINDS}
    for entry in journal:
        kind = entry.get("kind")
        if kind == "call":
            if entry.get("operation"):
                found["operations"].add(entry["operation"])
            if entry.get("refusal"):
                found["errors"].add(f"{entry.get('operation') or ANY} {entry.get('status')} {entry['refusal']}")
        elif kind == "delivery" and entry.get("trigger"):
            found["triggers"].add(entry["trigger"])
        elif kind == "move":
            found["transitions"].add(
                Transition(*(str(entry.get(name) or "") for name in ("entity", "state", "action", "to")))
            )
    return _coverage(found)


def possible(lifecycle: Mapping[str, Any]) -> Coverage:
    """What `GET /_loopsim/lifecycle` says can be exercised; nothing where it says nothing."""
    if not lifecycle:
        return Coverage()
    shared = {f"{ANY} {each['status']} {each['refusal']}" for each in lifecycle["shared_errors"]}
    return _coverage(
        {
            "operations": {operation["operation"] for operation in lifecycle["operations"]},
            "errors": shared
            | {f"{each['operation']} {each['status']} {each['refusal']}" for each in lifecycle["errors"]},
            "triggers": set(lifecycle["triggers"]),
            "transitions": {
                Transition(each["entity"], each["state"] or "", each["action"], each["to"])
                for each in lifecycle["transitions"]
            },
        }
    )


def within(possible: Coverage, done: Coverage, lifecycle: Mapping[str, Any]) -> tuple[Coverage, tuple[str, ...]]:
    """What can be exercised in those parts of Loop's API that the partner uses at all, and the names of these parts.
    Who reads returns is not measured by carts: operations and refusals count of the families that it called, steps of
    the entities that moved."""
    families = {row["operation"]: row.get("family", "") for row in lifecycle.get("operations", ())}
    used = {families.get(operation, "") for operation in done.operations}
    moved = {step.entity for step in done.transitions}
    kept = Coverage(
        operations=tuple(each for each in possible.operations if families.get(each) in used),
        errors=tuple(
            each
            for each in possible.errors
            if (operation := each.partition(" ")[0]) == ANY or families.get(operation) in used
        ),
        triggers=possible.triggers,
        transitions=tuple(step for step in possible.transitions if step.entity in moved),
    )
    return kept, tuple(sorted(used - {""}))


def merged(parts: Iterable[Coverage]) -> Coverage:
    """All that any of them exercised."""
    found: dict[str, set[Any]] = {kind: set() for kind in KINDS}
    for part in parts:
        for kind in KINDS:
            found[kind].update(getattr(part, kind))
    return _coverage(found)


def measured(done: Coverage, possible: Coverage) -> Measured:
    """What was exercised against what can be."""
    kinds = []
    for kind in KINDS:
        can, did = set(getattr(possible, kind)), set(getattr(done, kind))
        if kind == "errors":
            did = {_shared(error, can) for error in did}
        covered, missing, extra = (_texts(part) for part in (can & did, can - did, did - can))
        kinds.append(Kind(name=NAMES[kind], covered=covered, missing=missing, extra=extra))
    return Measured(tuple(kinds))


def of_run(run: RunResult) -> Measured:
    """What a whole run exercised."""
    return measured(merged(scenario.coverage for scenario in run.scenarios), run.possible)


def coverage_line(run: RunResult) -> str:
    """The coverage of a run in one sentence; empty where nothing says what is possible."""
    found = of_run(run)
    if not any(kind.possible for kind in found.kinds):
        return ""
    parts = (f"{len(kind.covered)}/{kind.possible} {kind.name}" for kind in found.kinds if kind.possible)
    of = f" of {', '.join(run.families)}" if run.families else ""
    return f"{found.percent:g} %{of}: {', '.join(parts)}"


def assumptions(lifecycle: Mapping[str, Any], operations: Collection[str]) -> tuple[str, ...]:
    """The anchors of what nobody has confirmed about these operations."""
    rows = lifecycle.get("operations", ())
    return tuple(sorted({anchor for row in rows if row["operation"] in operations for anchor in row["assumed"]}))


def facts(lifecycle: Mapping[str, Any], anchors: Collection[str]) -> dict[str, FactText]:
    """What the facts under these anchors say."""
    known = lifecycle.get("facts", {})
    return {anchor: FactText(**known[anchor]) for anchor in sorted(anchors) if anchor in known}


def _shared(error: str, can: Collection[str]) -> str:
    """The error as the lifecycle lists it: under its operation, or under any where all have it."""
    of_any = f"{ANY} {error.partition(' ')[2]}"
    return of_any if error not in can and of_any in can else error


def _coverage(found: Mapping[str, Iterable[Any]]) -> Coverage:
    return Coverage(**{kind: tuple(sorted(found[kind], key=text)) for kind in KINDS})


def _texts(items: Iterable[Any]) -> tuple[str, ...]:
    return tuple(sorted(text(item) for item in items))
