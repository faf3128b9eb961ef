"""What may be behind a call that never came: what the rest of the story, the set-up or the whole run shows of it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from loopsim.harness.document import Scenario
from loopsim.harness.journal import Entry, json_of
from loopsim.harness.plan import PartnerPlan
from loopsim.harness.results import Failure, ScenarioResult
from loopsim.harness.shape import ABILITIES


def with_hints(failure: Failure, scenario: Scenario, entries: Iterable[Entry], plan: PartnerPlan | None) -> Failure:
    """A failure of a story with one partner, with what may be behind it, and with the last delivery as evidence where
    it has none."""
    if not failure.missing or plan is None or len(scenario.partners) > 1:
        return failure
    deliveries = [entry for entry in entries if entry["kind"] == "delivery"]
    # What goes to several subscriptions at once is answered in any order.
    deliveries.sort(key=lambda entry: entry.get("delivery_id") or 0)
    found = (
        _answered(deliveries) if plan.target else "",
        _remembers(plan),
        _does(scenario) if plan.does is None else "",
    )
    shown = failure.entries or tuple(entry["id"] for entry in deliveries[-1:])
    return structs.replace(failure, hints=tuple(hint for hint in found if hint), entries=shown)


def never_called(results: tuple[ScenarioResult, ...], api_base: str) -> tuple[ScenarioResult, ...]:
    """The results of a run; where not one call came in all of it, what waits for one says first that the integration
    may be calling elsewhere."""
    if any(entry["kind"] == "call" for result in results for entry in result.journal):
        return results
    hint = f"Nothing called {api_base} in the whole run: is that its LOOP_API_BASE?"
    return tuple(
        structs.replace(
            result,
            failures=tuple(
                structs.replace(each, hints=(hint, *each.hints)) if each.missing else each for each in result.failures
            ),
        )
        for result in results
    )


def _answered(deliveries: list[Entry]) -> str:
    """How many webhooks it took, and which was the last of each topic."""
    if not deliveries:
        return "No webhook was sent to it in this story."
    taken = [entry for entry in deliveries if 200 <= (entry.get("status") or 0) < 300]
    if not taken:
        which = "not the one webhook" if len(deliveries) == 1 else f"none of the {len(deliveries)} webhooks"
        return f"It took {which} that it was sent. See what it answered."
    number = str(len(deliveries)) if len(taken) == len(deliveries) else f"{len(taken)} of {len(deliveries)}"
    last = {entry.get("topic"): _named(entry) for entry in deliveries}
    return (
        f"It answered {number} {'delivery' if number == '1' else 'deliveries'} with 2xx, last"
        f" {' and '.join(last.values())}. What does it read of these?"
    )


def _named(delivery: Entry) -> str:
    payload = json_of(delivery.get("request_body"))
    status = payload.get("label_status") if isinstance(payload, dict) else None
    return f"{delivery.get('trigger') or delivery.get('topic')}{f' (label_status {status})' if status else ''}"


def _remembers(plan: PartnerPlan) -> str:
    if plan.start is not None:
        return ""
    return "It may remember this return from an earlier run: --salt TEXT gives other ids, --reset has it forget."


def _does(scenario: Scenario) -> str:
    """That the story may not be for it."""
    asked = [ability for ability in scenario.needs if ability in ABILITIES]
    if not asked:
        return ""
    less = "nothing" if asked == ["process"] else "process"
    return (
        f"This story is for one that {', and '.join(ABILITIES[ability] for ability in asked)} ({', '.join(asked)})."
        f" If yours does less, say what it does, such as --does {less}: such stories are then skipped."
    )
