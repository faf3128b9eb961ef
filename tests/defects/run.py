"""`make defects`: which partners with a known defect, and which mutants, the harness catches, and whether it blames right ones.

python -m tests.defects.run                       everything, some minutes
python -m tests.defects.run --only acts-on        what has these words in its name
python -m tests.defects.run --sample 12           a few of each kind, drawn by --seed: what CI runs
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from loopsim.rules.catalogue import BY_NAME
from tests.defects.catalogue import DEFECTS, RIGHTS
from tests.defects.defect import ERP, LABELS, ROOT, WAREHOUSE, Defect, defective
from tests.defects.rights import Right
from tests.defects.trial import SUITES, Outcome, Trial, try_out

CAUGHT, KILLED = 0.95, 0.75
"""The least share of defects caught by the right rule, and of mutants caught at all."""
MUTANTS = 120
REFERENCES = 3
"""How often the reference is run, to see what its own calls vary in."""
T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for, print the tables, and give 0 where the rates are as good as they have to be."""
    asked = _asked(arguments)
    began = time.monotonic()
    rng = random.Random(asked.seed)
    defects = _chosen(DEFECTS, asked, rng)
    rights = _chosen(RIGHTS, asked, rng)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), asked.jobs)
        good = True
        if "right" in asked.kinds:
            good &= report_rights(rights, bench.all(right_trial(right) for right in rights))
        if "defects" in asked.kinds:
            good &= report_defects(defects, bench.all(defect_trial(defect) for defect in defects))
        if "mutants" in asked.kinds:
            good &= run_mutants(bench, asked)
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0 if good else 1


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.defects.run", description="How good the harness is.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="right, defects, mutants; all without one")
    parser.add_argument("--only", default="", help="only what has this in its name")
    parser.add_argument("--sample", type=int, default=0, help="so many of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=4, help="partners at a time; most of the time they wait")
    asked = parser.parse_args(arguments)
    asked.kinds = asked.kinds or ["right", "defects", "mutants"]
    return asked


def _chosen(all_of: Sequence[T], asked: argparse.Namespace, rng: random.Random) -> list[T]:
    fitting = [each for each in all_of if asked.only in each.name]  # type: ignore[attr-defined]
    return rng.sample(fitting, asked.sample) if 0 < asked.sample < len(fitting) else fitting


class Bench:
    """Tries partners out, some at a time, each in a folder of its own."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder = folder
        self._jobs = jobs
        self._made = 0

    def all(self, trials: Iterable[Trial]) -> list[Outcome]:
        numbered = []
        for trial in trials:
            self._made += 1
            numbered.append((trial, self._folder / str(self._made)))
        with ThreadPoolExecutor(self._jobs) as pool:
            return list(pool.map(lambda one: self._one(*one), numbered))

    def _one(self, trial: Trial, folder: Path) -> Outcome:
        found = try_out(trial, folder)
        print(f"  {'blamed' if found.blamed else 'passed'}  {trial.name}", file=sys.stderr, flush=True)
        return found


def reference_trial(partner: str) -> Trial:
    return Trial(f"reference {partner}", (ROOT / partner).read_text("utf-8"), partner, SUITES[partner])


def right_trial(right: Right) -> Trial:
    like = ERP if right.suite.endswith("/one-way") else LABELS if right.suite.startswith("@label") else WAREHOUSE
    like = right.partner if right.partner in SUITES else like
    return Trial(right.name, right.text(), like, right.suite, does=right.does)


def defect_trial(defect: Defect) -> Trial:
    """With provocations where one of them is to show the defect; they take the most of the time."""
    provoked = any(BY_NAME[name].provocation for name in defect.caught_by if name in BY_NAME)
    suite = SUITES[defect.partner]
    return Trial(defect.name, defective(defect), defect.partner, suite, dict(defect.environment), provoked)


def report_rights(rights: list[Right], outcomes: list[Outcome]) -> bool:
    print("\nPartners that are right in another way")
    for right, found in zip(rights, outcomes, strict=True):
        blame = (
            f"BLAMED by {found.any_other()}: {_first(found)}" if found.blamed else f"{found.passed} scenarios passed"
        )
        print(f"  {right.name:48} {blame}")
    wrong = sum(found.blamed for found in outcomes)
    print(f"  {wrong} of {len(rights)} wrongly blamed")
    return wrong == 0


def report_defects(defects: list[Defect], outcomes: list[Outcome]) -> bool:
    print("\nDefects")
    rightly = at_all = 0
    for defect, found in zip(defects, outcomes, strict=True):
        by = found.caught_by(defect.caught_by)
        rightly += bool(by)
        at_all += found.blamed
        verdict = by or (f"BY ANOTHER: {found.any_other()}: {_first(found)}" if found.blamed else "MISSED")
        print(f"  {defect.name:48} {verdict}")
    print(f"  {rightly} of {len(defects)} caught by the right rule ({_share(rightly, len(defects))}), {at_all} at all")
    return rightly >= CAUGHT * len(defects)


def run_mutants(bench: Bench, asked: argparse.Namespace) -> bool:
    # Only here: mutmut is needed for nothing else.
    from tests.defects.mutants import drawn

    drawn_ones = [each for each in drawn(asked.sample or MUTANTS, asked.seed) if asked.only in str(each)]
    trials = [Trial(str(each), each.text, WAREHOUSE, SUITES[WAREHOUSE]) for each in drawn_ones]
    found_all = bench.all([reference_trial(WAREHOUSE)] * REFERENCES + trials)
    references, outcomes = found_all[:REFERENCES], found_all[REFERENCES:]
    # What is done at once comes in this order or that, in any program: what differs has to do so twice.
    doubtful = [i for i, found in enumerate(outcomes) if not found.blamed and differing(found, references)]
    again = dict(zip(doubtful, bench.all(trials[i] for i in doubtful), strict=True))
    print("\nMutants")
    caught = equivalent = 0
    for i, (mutant, first) in enumerate(zip(drawn_ones, outcomes, strict=True)):
        found = again.get(i, first)
        same = not found.blamed and not differing(first, references) & differing(found, references)
        caught += found.blamed
        equivalent += same
        verdict = f"caught by {found.any_other()}" if found.blamed else "equivalent" if same else "MISSED"
        print(f"  {verdict:60} {mutant}")
    judged = len(drawn_ones) - equivalent
    print(f"  {caught} of {judged} caught ({_share(caught, judged)}); {equivalent} do nothing that differs")
    return caught >= KILLED * judged


def differing(found: Outcome, references: Sequence[Outcome]) -> set[str]:
    """The scenarios in which it did what the reference did in none of its runs."""
    return {id_ for id_, did in found.signature.items() if all(did != each.signature.get(id_) for each in references)}


def _first(found: Outcome) -> str:
    return next((says for says in found.failed.values() if says), "")[:160]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


if __name__ == "__main__":
    sys.exit(main())
