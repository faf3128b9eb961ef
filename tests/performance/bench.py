"""How fast loopsim is, as ratios in one run on one machine.

    python -m tests.performance.bench [--quick] [--only NAME]... [--format json]

Prints what was measured with its floor, the median and range of the rounds, and the machine. Ends with 1 where a floor
is missed or a measure broke. `NAME` is one of the measures listed by `--help`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from tests.performance import bench_webhooks
from tests.performance.commerce import creates, upserts
from tests.performance.large import large_world
from tests.performance.peers import peers
from tests.performance.plan import Plan, quick
from tests.performance.reads import details_and_list, late_pages
from tests.performance.report import Row, machine, machine_lines, table
from tests.performance.shops import fresh_shops
from tests.performance.starts import first_answer, memory
from tests.performance.virtual_time import thousand_days
from tests.performance.writes import submits


def webhooks(plan: Plan) -> list[Row]:
    """Webhooks delivered and recorded, against a bare loop of the same client."""
    measured = bench_webhooks.measure(plan.messages_rounds)
    ratios = tuple(ours / bare for ours, bare in zip(measured["worker"], measured["bare"], strict=True))
    says = f"{sorted(measured['worker'])[len(ratios) // 2]:,.0f}/s, signed, delivered and recorded"
    return [Row("webhooks", "×", ratios, "at least", 0.70, says)]


MEASURES: dict[str, Callable[[Plan], list[Row]]] = {
    "reads": details_and_list,
    "pages": late_pages,
    "submit": submits,
    "upserts": upserts,
    "creates": creates,
    "webhooks": webhooks,
    "start": first_answer,
    "memory": memory,
    "shops": fresh_shops,
    "large": large_world,
    "time": thousand_days,
    "peers": peers,
}


def main(arguments: list[str]) -> int:
    """Run the bench; the exit code."""
    asked = _parser().parse_args(arguments)
    facts = machine()
    rows: list[Row] = []
    broken: list[str] = []
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="loopsim-bench-") as folder:
        plan = quick(Path(folder)) if asked.quick else Plan(Path(folder))
        if asked.rounds:
            plan = plan._replace(rounds=asked.rounds)
        for name in asked.only or MEASURES:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            try:
                rows += MEASURES[name](plan)
            except Exception:
                # What was measured before and what comes after is worth having.
                traceback.print_exc()
                broken.append(name)
    if asked.format == "json":
        print(json.dumps({"machine": facts, "rows": [row.as_data() for row in rows]}, indent=1))
    else:
        says = "quick, for a look only" if asked.quick else "in full"
        lines = [*machine_lines(facts), f"run      {says}, {perf_counter() - began:.0f} s", "", *table(rows)]
        print("\n".join(lines))
    for name in broken:
        print(f"{name} could not be measured", file=sys.stderr)
    return 1 if broken or any(row.passed is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="How fast loopsim is, as ratios in one run.")
    parser.add_argument("--quick", action="store_true", help="about a minute, for a look only")
    parser.add_argument("--only", action="append", choices=list(MEASURES), help="only this measure; may be repeated")
    parser.add_argument("--rounds", type=int, help="how many rounds")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
