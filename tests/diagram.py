"""Draws the return's state diagram for the README from the table the engine runs on: `python -m tests.diagram`."""

from __future__ import annotations

from loopsim.domain.returns import FINAL, LIFECYCLE, STATES


def diagram() -> str:
    """A Mermaid state diagram: one arrow per pair of states, with the actions that lead along it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for action, moves in LIFECYCLE.items():
        for state, move in moves.items():
            if move.to != state:
                arrows.setdefault((state, move.to), []).append(action)
    lines = ["stateDiagram-v2", "    [*] --> open: submit", "    [*] --> review: submit"]
    lines += [f"    {a} --> {b}: {', '.join(actions)}" for (a, b), actions in arrows.items()]
    lines += [f"    {state} --> [*]" for state in STATES if state in FINAL]
    return "\n".join(lines)


if __name__ == "__main__":
    print(diagram())
