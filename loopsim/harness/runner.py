"""A run: scenarios on benches, each bench in a thread of its own, and what comes of it.

    RunPlan ──▶ Run.run ── a thread per bench ──▶ Played ── judged ──▶ ScenarioResult … ──▶ RunResult

Every wait in it is bounded, and what goes wrong (a partner that never starts, crashes, hangs; an interrupted run) ends
in a result that says so.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import deque
from datetime import UTC, datetime
from typing import Protocol

from msgspec import structs

from loopsim import __version__
from loopsim.client import Loopsim
from loopsim.errors import LoopsimError
from loopsim.harness.bench import TIME_IS_UP, Bench
from loopsim.harness.blocks import blocks
from loopsim.harness.document import Scenario
from loopsim.harness.failures import StoryOver
from loopsim.harness.journal import Entry, call_line
from loopsim.harness.judging import Judge
from loopsim.harness.partner import NeverStarted, unreachable
from loopsim.harness.plan import RunPlan
from loopsim.harness.provocations import IDS as PROVOKED
from loopsim.harness.provocations import KINDS, Provoker
from loopsim.harness.results import Failure, RunResult, ScenarioResult
from loopsim.harness.schedules import Schedules, more_ids
from loopsim.harness.signature_doctor import DOCTOR, diagnose, genuine_refused

INTERRUPTED = 130
"""The exit code of a run that the user stopped, as shells have it."""
_READING = {"GET", "HEAD", "OPTIONS"}
_ENDLESS = 3  # stories in a row whose time was up, after which no more are tried
_ENDING = 15.0  # seconds that a bench may take to end when it is told to


class Listener(Protocol):
    """Who is told of a run as it goes; from several threads."""

    def started(self, scenario: Scenario) -> None: ...
    def ended(self, result: ScenarioResult) -> None: ...


class Run:
    """One run. `run` may be called once."""

    def __init__(self, plan: RunPlan, server: Loopsim, listener: Listener) -> None:
        self._plan = plan
        self._server = server
        self._listener = listener
        self._kinds = KINDS if plan.provoke else plan.provocations
        provoked = PROVOKED if self._kinds else ()
        ids = (*(scenario.id for scenario in plan.scenarios), *more_ids(plan.scenarios), *provoked, DOCTOR)
        self._blocks = blocks(ids, plan.salt)
        self._schedules = Schedules(plan.scenarios, self._blocks)
        self._todo: deque[Scenario] = deque(plan.scenarios)
        self._judge = Judge(plan, server)
        self._results: dict[str, ScenarioResult] = {}
        self._late: list[tuple[str, str, Entry]] = []
        self._findings: list[Failure] = []
        self._notes: dict[str, None] = {}
        self._over: queue.Queue[None] = queue.Queue()
        self._interrupted = False
        self._opened = False
        self._unreachable = False
        self._provoking = threading.Lock()
        self._diagnosed = False
        count = 1 if plan.mode == "single" else max(1, min(plan.jobs, len(plan.scenarios)))
        self._benches = [Bench(plan, server, number, self._blocks) for number in range(count)]

    def run(self) -> RunResult:
        """Play everything, and say what came of it. An interrupt ends it early, with a result all the same."""
        began, started_at = time.perf_counter(), datetime.now(UTC)
        threads: list[threading.Thread] = []
        try:
            if (failure := self._out_of_reach()) is not None:
                self._give_up(failure)
            else:
                threads = [threading.Thread(target=self._work, args=(bench,), daemon=True) for bench in self._benches]
                for thread in threads:
                    thread.start()
                for _ in threads:
                    self._over.get()
        except KeyboardInterrupt:
            self._interrupt()
        finally:
            for thread in threads:
                thread.join(_ENDING)
            for bench in self._benches:
                # Once more, for a thread that did not come to it.
                bench.close()
        self._add_late()
        for scenario in self._todo:
            self._results[scenario.id] = self._judge.unplayed(scenario, "The run was interrupted before it.")
        ids = dict.fromkeys((*(scenario.id for scenario in self._plan.scenarios), *self._results))
        results = tuple(self._results[id_] for id_ in ids if id_ in self._results)
        return self._judge.whole(
            results,
            started_at=started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            duration_ms=(time.perf_counter() - began) * 1000,
            version=__version__,
            findings=(*self._findings, *(Failure(says=note, about="setup") for note in self._notes)),
            exit_code=INTERRUPTED if self._interrupted else 5 if self._unreachable else None,
        )

    # one after another, for those who call the tune (pytest)

    def play(self, scenario: Scenario) -> RunResult:
        """One scenario of the plan now, in this thread; a run of it alone. `close` when none is left.

        Raises `LoopsimError` where the partner does not come up.
        """
        bench = self._benches[0]
        began, started_at = time.perf_counter(), datetime.now(UTC)
        if not self._opened:
            if (failure := self._out_of_reach()) is not None:
                raise NeverStarted(failure.says)
            bench.open()
            self._opened = True
        self._play(bench, scenario)
        return self._judge.whole(
            (self._results[scenario.id],),
            started_at=started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            duration_ms=(time.perf_counter() - began) * 1000,
            version=__version__,
            findings=(),
            exit_code=None,
        )

    def close(self) -> None:
        """End what `play` began."""
        for bench in self._benches:
            bench.close()

    # the threads

    def _work(self, bench: Bench) -> None:
        try:
            bench.open()
            endless = 0
            while not self._interrupted and endless < _ENDLESS:
                try:
                    scenario = self._todo.popleft()
                except IndexError:
                    self._provoke(bench)
                    return
                self._play(bench, scenario)
                ended = all(failure.says != TIME_IS_UP for failure in self._results[scenario.id].failures)
                endless = 0 if ended else endless + 1
            if endless:
                says = f"{endless} stories in a row did not come to their end: the partner hangs. See its log."
                self._give_up(Failure(says=says, about="setup"))
        except LoopsimError as error:
            self._unreachable |= isinstance(error, NeverStarted)
            self._give_up(Failure(says=str(error), about="setup"))
        except Exception:
            self._give_up(Failure(says=f"loopsim itself broke:\n{traceback.format_exc()}", about="setup"))
        finally:
            self._late += [(id_, "another", entry) for id_, entry in bench.late()]
            bench.close()
            self._over.put(None)

    def _provoke(self, bench: Bench) -> None:
        """The provocations, on the first bench that has nothing else to do."""
        if not self._kinds or self._interrupted or not self._provoking.acquire(blocking=False):
            return
        partner = next(iter(self._plan.partners), "") or "partner"
        stories = (*self._plan.bases, *self._plan.scenarios)
        for provoked in Provoker(bench, stories, self._blocks, partner).provoke(self._kinds):
            if self._interrupted:
                return
            self._listener.started(provoked.scenario)
            result = self._judge.provoked(provoked)
            self._results[result.id] = result
            self._listener.ended(result)

    def _play(self, bench: Bench, scenario: Scenario) -> None:
        self._listener.started(scenario)
        began = time.perf_counter()
        try:
            result = self._result(bench, scenario, began)
        except Exception:
            broke = Failure(says=f"loopsim itself broke:\n{traceback.format_exc()}", about="setup")
            result = self._judge.unplayed(scenario, "loopsim itself broke.", status="error")
            result = structs.replace(result, failures=(broke,))
        result = self._with_diagnosis(bench, scenario, result)
        self._results[scenario.id] = result
        self._listener.ended(result)

    def _with_diagnosis(self, bench: Bench, scenario: Scenario, result: ScenarioResult) -> ScenarioResult:
        """The result with what the signature doctor says, once a run, where the partner refuses what Loop signed."""
        refused = genuine_refused(result.journal)
        if refused is None or self._diagnosed:
            return result
        self._diagnosed = True
        target, secret, key = bench.receiver(scenario.partners[0].name)
        diagnosis = diagnose(self._server, target, secret, key, self._blocks[DOCTOR])
        if not diagnosis.mistake and refused["status"] not in (401, 403):
            return result
        place = scenario.place
        finding = Failure(
            says=diagnosis.says, entries=(refused["id"],), file=place.file, line=place.line, column=place.column
        )
        return structs.replace(result, failures=(*result.failures, finding))

    def _result(self, bench: Bench, scenario: Scenario, began: float) -> ScenarioResult:
        if (why := self._judge.why_not(scenario)) is not None:
            return self._judge.unplayed(scenario, why)
        played = self._schedules.play(bench, scenario) if scenario.schedule else bench.play(scenario)
        self._schedules.played(scenario, played)
        self._late += [(id_, scenario.id, entry) for id_, entry in played.late]
        self._notes |= {entry["note"]: None for entry in played.entries if entry["kind"] == "note"}
        return self._judge.judged(scenario, played, (time.perf_counter() - began) * 1000)

    # what goes wrong

    def _out_of_reach(self) -> Failure | None:
        """A target that nobody started and where nobody listens: no scenario could say anything."""
        for name, plan in self._plan.partners.items():
            if plan.start is None and plan.target and "{" not in plan.target and (why := unreachable(plan.target)):
                self._unreachable = True
                return Failure(
                    says=f"{name or 'The partner'} is not there: {plan.target} cannot be reached ({why}). Start it, let"
                    " loopsim start it (--start), or mend --target.",
                    about="setup",
                )
        return None

    def _give_up(self, failure: Failure) -> None:
        """End with what cannot be played any more as errors: of a bench that is lost, unless others go on."""
        if self._interrupted:
            # Whatever broke, broke because of that.
            return
        self._findings.append(failure)
        if len(self._benches) > 1 and not self._unreachable:
            return
        while self._todo:
            scenario = self._todo.popleft()
            result = self._judge.unplayed(scenario, failure.says.splitlines()[0], status="error")
            self._results[scenario.id] = structs.replace(result, failures=(failure,))

    def _interrupt(self) -> None:
        self._interrupted = True
        for bench in self._benches:
            bench.end(StoryOver("The run was interrupted.", partner=False, interrupted=True))

    def _add_late(self) -> None:
        """Calls that came when another story was under way fail the one whose ids they bear. Reading harms nobody, and
        one that a fault held back was made in time."""
        for id_, during, entry in self._late:
            result = self._results.get(id_)
            if result is None or entry.get("method") in _READING or entry.get("fault") == "latency":
                continue
            failure = Failure(
                says=f"The partner made a call for this story after it was over, when {during} was under way:"
                " it was not done when it went quiet.",
                expected="every call before the partner is quiet",
                actual=call_line(entry),
                file=result.file,
                line=result.line,
            )
            status = "error" if result.status == "error" else "failed"
            self._results[id_] = structs.replace(result, status=status, failures=(*result.failures, failure))
