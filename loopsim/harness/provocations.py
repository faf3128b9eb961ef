"""Stories in which something is done to the partner on purpose, each on a shop of its own.

    silent ──┐                       what webhooks bring about = usual - silent
    usual ───┼─▶ effects, compared
    provoked ┘                       a forgery must end as silent does, everything else as usual does

The verdict is on the effect, never on a status alone. What differs is tried once more, and only what differs both
times counts: a partner that polls by its own clock does not do the same at each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from msgspec import Struct, structs

from loopsim.harness.bench import Bench, Played
from loopsim.harness.crafting import CHANGES
from loopsim.harness.disturbances import (
    NOTHING,
    SILENT,
    SLOW_MS,
    Body,
    Course,
    Disturbance,
    acts_of,
    disturbance,
    go,
    lifecycle,
)
from loopsim.harness.document import PartnerDocument, Place, Scenario
from loopsim.harness.effects import Effect, coarse, comparing, differences, effect, naming
from loopsim.harness.play import Went
from loopsim.harness.refusing import Walk, taken_for_success, walk, why_untold
from loopsim.harness.story import Story
from loopsim.harness.suites import address
from loopsim.rules.catalogue import BY_NAME, RULES
from loopsim.rules.evidence import Evidence, Provocation, ProvocationKind
from loopsim.rules.rule import Rule
from loopsim.rules.traffic import Traffic

PREFIX = "provocations/"
KINDS: tuple[ProvocationKind, ...] = ProvocationKind.__args__  # type: ignore[attr-defined]
_TRIES = 4  # base stories that are looked at for one in which webhooks have an effect
IDS = tuple(
    f"{PREFIX}{name}"
    for name in (
        *(f"{run}-{number}" for run in ("usual", "silent", "repeated") for number in range(_TRIES)),
        *(f"{run}{kind}" for kind in KINDS for run in ("", "again-", "after-")),
        "accepted",
    )
)
"""The ids of all stories that this module may play; each needs a block of ids of its own."""

_FORGED: frozenset[ProvocationKind] = frozenset({"forged_signature", "unsigned", "reserialised"})
_HUNG = 10.0  # seconds
_NO_CALL = "The partner makes no call whose answer could be spoilt."
_NO_WEBHOOKS = "The partner takes no webhooks."
_FOUND_ITSELF = "The partner lists returns by itself, so that what it does proves nothing."
_NOT_REFUSED = "The partner asked for no action that Loop refused."
_LISTS = ("listReturns", "reportAsn")


class Provoked(Struct, frozen=True, kw_only=True):
    """A provocation, the rule that judges it, and the story that shows it. `name`: what to ask for to get exactly it
    again."""

    name: str
    rule: Rule
    scenario: Scenario
    played: Played
    provocation: Provocation
    duration_ms: float


class Told(Struct, frozen=True, kw_only=True):
    """A story that was played: what came of it, and the effect it had."""

    scenario: Scenario
    played: Played
    course: Course
    effect: Effect
    aside: Effect
    block: int
    """The effect, leaving out what was done about the bystander."""
    traffic: Traffic


class Base(Struct, frozen=True, kw_only=True):
    """The story that is disturbed. `steady`: the partner does the same each time."""

    scenario: Scenario
    body: Body
    usual: Told
    silent: Told
    steady: bool

    @property
    def visible(self) -> bool:
        """Whether webhooks bring anything about."""
        return self.of(self.usual) != self.of(self.silent)

    def of(self, told: Told, *, aside: bool = False) -> Effect:
        """The effect of a story, as finely as this partner lets it be compared."""
        facts = told.aside if aside else told.effect
        return facts if self.steady else coarse(facts)


class Provoker:
    """Plays the provocations on a bench. `scenarios` are those of the run; `blocks` has the ids of each story."""

    def __init__(self, bench: Bench, scenarios: tuple[Scenario, ...], blocks: dict[str, int], partner: str) -> None:
        self._bench = bench
        self._scenarios = [each for each in scenarios if len(each.partners) == 1 and not each.schedule]
        self._blocks = blocks
        self._partner = PartnerDocument(name=partner)
        self._rules = {rule.provocation: rule for rule in RULES if rule.provocation}

    def provoke(self, kinds: tuple[ProvocationKind, ...] = KINDS) -> Iterator[Provoked]:
        """Every provocation, one after another."""
        base = self._base()
        broken = ""
        for number, kind in enumerate(kinds, 1):
            began = time.perf_counter()
            told, provocation = (None, Provocation(kind=kind, why=broken)) if broken else self._one(kind, base)
            left_its_mark = number < len(kinds) and (provocation.effect or not provocation.alive)
            if left_its_mark and not self._mended(kind, base):
                broken = f"After the provocation {kind} the partner no longer does what it did. Start it anew."
            rule = self._rules[kind]
            yield Provoked(
                name=f"{PREFIX}{kind}:{address(base.scenario)}" if base.scenario.id else PREFIX + kind,
                rule=rule,
                scenario=structs.replace(
                    base.scenario if told is None else told.scenario,
                    id=PREFIX + kind,
                    title=rule.title,
                    protects=rule.reason,
                    steps=(),
                ),
                played=Played(went=Went()) if told is None else told.played,
                provocation=provocation,
                duration_ms=(time.perf_counter() - began) * 1000,
            )

    # the base

    def _base(self) -> Base:
        """The first story in which webhooks have an effect, else the first in which the partner makes calls."""
        found: list[Base] = []
        for number, (scenario, body) in enumerate(self._candidates()):
            usual = self._tell(f"usual-{number}", scenario, body, NOTHING)
            silent = self._tell(f"silent-{number}", scenario, body, SILENT)
            repeated = self._tell(f"repeated-{number}", scenario, body, NOTHING)
            steady = usual.effect == repeated.effect
            base = Base(scenario=scenario, body=body, usual=usual, silent=silent, steady=steady)
            found.append(base)
            if base.visible:
                return base
        return next((base for base in found if base.usual.traffic.calls), found[0])

    def _candidates(self) -> list[tuple[Scenario, Body]]:
        """A whole lifecycle under policies of the run's scenarios, those first that leave the processing to the
        partner; then the acts of those scenarios."""
        policies: dict[str, Scenario] = {}
        for each in self._scenarios:
            policies.setdefault(str(each.shop.get("policy")), each)
        ordered = sorted(policies.values(), key=lambda each: not _leaves_processing(each))
        lives: list[tuple[Scenario, Body]] = [(each, lifecycle) for each in ordered[: _TRIES // 2] or _PLAIN]
        return [*lives, *((each, acts_of(each)) for each in self._scenarios)][:_TRIES]

    def _tell(self, name: str, base: Scenario, body: Body, disturbed: Disturbance) -> Told:
        course = Course()
        scenario, played = self._play(name, base, lambda story: go(story, body, disturbed, course))
        block, without = self._blocks[scenario.id], frozenset({*course.bystander, *course.cancelled_ids})
        return Told(
            scenario=scenario,
            played=played,
            course=course,
            effect=effect(played.entries, played.probes, block),
            aside=effect(played.entries, played.probes, block, without),
            traffic=Traffic(Evidence(entries=played.entries)),
            block=block,
        )

    def _play(self, name: str, base: Scenario, script: Body) -> tuple[Scenario, Played]:
        story = structs.replace(
            base,
            id=PREFIX + name,
            steps=(),
            schedule="",
            rules_off=(),
            row={},
            partners=(self._partner,),
            # A limit that a story is about would be another disturbance.
            shop={name: value for name, value in base.shop.items() if name != "rate_limit"},
        )
        return story, self._bench.play(story, script)

    # the provocations

    def _one(self, kind: ProvocationKind, base: Base) -> tuple[Told | None, Provocation]:
        return self._refused(base) if kind == "refused_action" else self._tried(kind, base)

    def _mended(self, kind: ProvocationKind, base: Base) -> bool:
        """Whether the partner does what it usually does after a provocation that has left its mark; one that loopsim
        started is started anew."""
        if self._bench.restart():
            return True
        return base.of(self._tell(f"after-{kind}", base.scenario, base.body, NOTHING)) == base.of(base.usual)

    def _tried(self, kind: ProvocationKind, base: Base) -> tuple[Told | None, Provocation]:
        disturbed = disturbance(kind, base.usual.traffic.calls)
        if disturbed is None:
            return None, Provocation(kind=kind, why=_NO_CALL)
        began = time.perf_counter()
        told = self._tell(kind, base.scenario, base.body, disturbed)
        if (why := _not_played(told)) or (why := _not_played(base.usual)):
            return told, Provocation(kind=kind, why=why)
        provocation = _judged(kind, base, told)
        # A partner that hangs does so again, and that takes its time.
        if provocation.effect and time.perf_counter() - began < _HUNG:
            second = self._tell(f"again-{kind}", base.scenario, base.body, disturbed)
            seen_again = _judged(kind, base, second).effect
            both = tuple(each for each in provocation.effect if each in seen_again)
            provocation = structs.replace(provocation, effect=both)
        return told, structs.replace(provocation, effect=tuple(naming(told.block)(each) for each in provocation.effect))

    def _refused(self, base: Base) -> tuple[Told | None, Provocation]:
        walks: dict[bool, Walk] = {}

        def go_on(story: Story, *, refuse: bool) -> None:
            walks[refuse] = walk(story, refuse=refuse)

        self._play("accepted", base.scenario, lambda story: go_on(story, refuse=False))
        scenario, played = self._play("refused_action", base.scenario, lambda story: go_on(story, refuse=True))
        accepted, refused = walks.get(False, Walk()), walks.get(True, Walk())
        told = Told(
            scenario=scenario,
            played=played,
            course=Course(),
            effect=Effect(),
            aside=Effect(),
            block=self._blocks[scenario.id],
            traffic=Traffic(Evidence(entries=played.entries)),
        )
        call = refused.call
        provocation = Provocation(
            kind="refused_action",
            effect=taken_for_success(accepted, refused),
            control=call is not None and not call.accepted and accepted.after not in (None, accepted.before),
            entries=() if call is None else (call.id,),
            why=_NOT_REFUSED if call is None or call.accepted else why_untold(accepted),
        )
        return told, provocation


def _not_played(told: Told) -> str:
    """Why a story could not even begin, empty where it did."""
    failures = told.played.went.failures
    return failures[0].says if failures and not told.played.entries else ""


def _leaves_processing(scenario: Scenario) -> bool:
    return (scenario.shop.get("policy") or {}).get("processing_event") == "disabled"


def _judged(kind: ProvocationKind, base: Base, told: Told) -> Provocation:
    """What a provocation brought about, beside what it should have."""
    struck = [each for each in told.traffic.deliveries if not each.genuine]
    hit = [call for call in told.traffic.calls if call.fault]
    usually = {each.status for each in base.usual.traffic.deliveries}
    provocation = Provocation(
        kind=kind,
        alive=told.course.alive,
        # What it answers to everything says nothing about this.
        statuses=tuple(dict.fromkeys(each.status for each in struck if each.status not in usually)),
        entries=(*(each.id for each in struck), *(call.id for call in hit))[:20],
        control=bool(base.of(base.usual)) if kind == "unknown_field" else base.visible,
        why=_why_unseen(base),
    )
    if kind == "slow_loop":
        return structs.replace(provocation, effect=_slow_answers(base, told), control=bool(hit), why=_NO_CALL)
    if kind in _FORGED:
        if any(told.traffic.of(*_LISTS)):
            # It may have found the return by itself, so what it did proves nothing.
            return structs.replace(provocation, control=False, why=provocation.why or _FOUND_ITSELF)
        return structs.replace(provocation, effect=differences(base.of(base.silent), base.of(told)))
    aside = kind in CHANGES or kind == "late"
    effect = differences(base.of(base.usual, aside=aside), base.of(told, aside=aside)) + _after_the_end(kind, told)
    if kind == "answer_lost":
        # The clock runs on in that story, so Loop may have been quicker than the partner.
        own = {f"it did not call {call.operation}" for call in hit if call.refusal}
        if any(call.operation == "createLabel" for call in hit):
            # Only the lost answer says the label's id, so nobody can tell of its status any more.
            own.add("it did not call updateLabel")
        effect = tuple(each for each in effect if not each.startswith(tuple(own)))
    if hit or kind in ("answer_lost", "too_many", "server_error"):
        return structs.replace(provocation, effect=effect if hit else (), control=bool(hit), why=_NO_CALL)
    return structs.replace(provocation, effect=effect)


def _why_unseen(base: Base) -> str:
    """Why webhooks bring nothing about, where that is known."""
    if not (base.silent.traffic.deliveries or base.usual.traffic.deliveries):
        return _NO_WEBHOOKS
    return _FOUND_ITSELF if not base.visible and base.silent.traffic.of(*_LISTS) else ""


def _after_the_end(kind: ProvocationKind, told: Told) -> tuple[str, ...]:
    """What the partner did because of old news about a return that it knew to be over."""
    if kind not in ("duplicate", "swapped", "late"):
        return ()
    comparable = comparing(told.block)
    judged = BY_NAME["ended-returns-left-alone"].judge(told.traffic)
    calls = {call.id: call for call in told.traffic.calls}
    wrong = [calls[finding.entries[-1]] for finding in judged.findings]
    said = [comparable(f"it called {call.operation} of {call.return_id}, knowing that it is over.") for call in wrong]
    known = (each for each in told.traffic.deliveries if each.return_id == told.course.cancelled and each.taken)
    heard = next((each.id for each in known if each.state == "cancelled"), None)
    if heard is not None:
        after = (entry for entry in told.played.entries if entry["id"] > heard)
        others = frozenset(told.course.bystander)
        done = effect(after, (), told.block, others)
        said += [f"it called {fact.about}, knowing that the return is cancelled." for fact in sorted(done)]
    return tuple(dict.fromkeys(said))


def _slow_answers(base: Base, told: Told) -> tuple[str, ...]:
    """The deliveries whose answer waited for Loop's."""
    usual = max((each.duration_ms or 0 for each in base.usual.traffic.deliveries), default=0)
    if usual > SLOW_MS / 2:
        return ()
    slow = [each for each in told.traffic.deliveries if (each.duration_ms or 0) > SLOW_MS * 0.9]
    triggers = dict.fromkeys(each.trigger for each in slow)
    said = "it answered {} only after {} of Loop's own time, otherwise within {:.0f} ms."
    return tuple(said.format(trigger, f"{SLOW_MS} ms", max(usual, 1)) for trigger in triggers)


def _processes_itself(scenario: Scenario) -> bool:
    return bool(scenario.shop.get("policy", {}).get("processing_event") != "disabled")


_PLAIN = tuple(
    Scenario(
        id="",
        title="",
        protects="",
        place=Place("(generated)", 1, 1),
        patterns=(),
        direction="",
        stages=(),
        steps=(),
        shop={"policy": policy},
    )
    for policy in ({"processing_event": "disabled"}, {})
)
"""For a run that has no story: in one shop the processing is left to the partner, the other is as shops are."""
