"""A bench: where stories are played one after another. It has a shop behind fixed keys, and the partners' processes.

Bench.open ──▶ Bench.play (a story: shop replaced, partners subscribed, steps, the end awaited) … ──▶ Bench.close
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import Struct, structs

from loopsim.client import ControlError, Loopsim, Shop
from loopsim.errors import LoopsimError, SetupError
from loopsim.harness.asking import NoAnswer, ask
from loopsim.harness.blocks import lines_of, owner
from loopsim.harness.document import PartnerDocument, Scenario
from loopsim.harness.failures import ExpectationFailed, StoryOver
from loopsim.harness.gathering import deliveries_of, probed
from loopsim.harness.journal import Entry
from loopsim.harness.oauth import Grant, ended, grant, is_let_in, key_scopes, keys_of
from loopsim.harness.partner import Connection, NeverStarted, Process
from loopsim.harness.plan import DELIVERY_TIMEOUT, MOMENT, SEED, PartnerPlan, RunPlan
from loopsim.harness.play import Went, failure_of, moment_of, play
from loopsim.harness.probe import run_command
from loopsim.harness.results import Failure
from loopsim.harness.spans import seconds
from loopsim.harness.story import Partner, Story

TIME_IS_UP = "The time for this scenario is up: it did not come to its end (--timeout)."
_STARTED = 5.0  # seconds that a partner may look around after its start
_HOOK = 30.0  # seconds for a hook


class Played(Struct, kw_only=True):
    """A story that was played, with all that it left behind. `late` are calls that bear another scenario's ids, by its
    id."""

    went: Went
    seed: int = SEED
    entries: tuple[Entry, ...] = ()
    complete: bool = True
    deliveries: tuple[dict[str, Any], ...] = ()
    probes: tuple[dict[str, Any], ...] = ()
    returns: tuple[dict[str, Any], ...] = ()
    late: tuple[tuple[str, Entry], ...] = ()
    partner_log: str = ""


class Bench:
    """One of those that stories are played on. For one thread, but for `end`."""

    def __init__(self, plan: RunPlan, server: Loopsim, number: int, blocks: dict[str, int]) -> None:
        self._plan = plan
        self._server = server
        self._number = number
        self._blocks = blocks
        self._of_block = {block: id_ for id_, block in blocks.items()}
        self._shop: Shop | None = None
        self._processes: dict[str, Process] = {}
        self._scopes: tuple[str, ...] = ()
        self._tenants: dict[str, Shop] = {}
        self._grants: dict[str, Grant] = {}
        self._ends: dict[str, int] = {}
        self._doubtful = False
        self._story: Story | None = None
        self._over: StoryOver | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Have a shop, and start the partners. Raises SetupError where one of them does not come up."""
        name = self._plan.shop if self._number == 0 else f"{self._plan.shop}-{self._number}"
        known = {row["name"] for row in self._server.shops()}
        create = partial(self._server.create_shop, name, seed=self._number + 1)
        self._shop = self._server.shop(name) if name in known else create()
        self._scopes = tuple(self._shop.keys()[0]["scopes"])
        for partner, plan in self._plan.partners.items():
            if plan.start is not None:
                grants = partial(self._granted, None, partner) if plan.oauth else None
                process = Process(plan.start, self._connection(self._shop, partner), partner or "the partner", grants)
                self._processes[partner] = process
                process.on_end = self._partner_ended
            elif plan.oauth and not is_let_in(self._shop, partner):
                # For one that was told beforehand: what it was told comes of the shop's seed.
                self._granted(self._shop, partner)
        self._shop = self._empty()
        for process in self._processes.values():
            process.start()
        self._shop.settle(_STARTED)

    def _empty(self) -> Shop:
        """The shop as it stands where stories begin, without any: what a partner asks at its start is asked of this."""
        assert self._shop is not None
        known = "" in self._processes
        idle = {"idle_probe": probe} if known and (probe := self._idle_probe_of("")) is not None else {}
        return self._shop.replace(clock={"mode": "manual"}, moment=MOMENT, **idle)

    def late(self) -> list[tuple[str, Entry]]:
        """The calls to shops of their own that came after their story was over, by its id."""
        found: list[tuple[str, Entry]] = []
        for id_, shop in self._tenants.items():
            with suppress(LoopsimError):
                entries = shop.journal(after=self._ends.get(id_, 0), limit=10_000, kind="call")["entries"]
                found += [(id_, entry) for entry in entries]
        return found

    def close(self) -> None:
        """End the partners with all their children, and give the shops their rest."""
        for process in self._processes.values():
            process.stop()
        if self._shop is not None:
            with suppress(LoopsimError):
                for row in self._shop.subscriptions():
                    self._shop.unsubscribe(row["id"])
        for shop in self._tenants.values():
            with suppress(LoopsimError):
                shop.delete()
        self._tenants = {}

    def end(self, reason: StoryOver) -> None:
        """End the story that is being played, and let none begin."""
        with self._lock:
            self._over, story = reason, self._story
        if story is not None:
            story.end(reason)
            return
        for process in list(self._processes.values()):
            # One that is still starting up is not waited for.
            process.stop()

    def play(self, scenario: Scenario, prepare: Callable[[Story], None] | None = None) -> Played:
        """Play a scenario from its beginning; `prepare` is called between set-up and first step."""
        assert self._shop is not None
        marks = {name: process.mark() for name, process in self._processes.items()}
        try:
            self._revive()
            story = self._set_up(scenario)
        except (LoopsimError, OSError) as error:
            return self._unplayed(scenario, error, marks)
        with self._lock:
            self._story = story
            if self._over is not None:
                story.end(self._over)
        timer = threading.Timer(self._plan.time_limit, story.end, (StoryOver(TIME_IS_UP),))
        timer.daemon = True
        timer.start()
        try:
            if prepare is not None:
                prepare(story)
            return self._gathered(story, scenario, play(story, scenario), marks)
        finally:
            timer.cancel()
            # Who took too long may hang, and would take the next story with it.
            self._doubtful = story.over is not None or bool(self._grants and ended(story.journal.entries))
            self._ends[scenario.id] = story.journal.last_id
            with self._lock:
                self._story = None

    def restart(self) -> bool:
        """Start the partners anew that loopsim started; whether there are any."""
        for process in self._processes.values():
            process.stop()
        return bool(self._processes)

    def receiver(self, partner: str) -> tuple[str, str, str]:
        """Where a partner takes webhooks, and the secret and the API key that it should know."""
        assert self._shop is not None
        plan = self._plan_of(partner)
        return self._filled(partner, plan.target), self._shop.secret, str(self._key(self._shop, partner)["key"])

    # before

    def _revive(self) -> None:
        """Start a partner again that ended, or that knows another secret than the shop has."""
        assert self._shop is not None
        secret = self._shop.secret
        for name, process in self._processes.items():
            if self._doubtful or not process.running or process.extra or process.connection.secret != secret:
                self._shop = self._empty()
                process.extra = {}
                process.restart(self._connection(self._shop, name, process.connection.port))
                self._shop.settle(_STARTED)

    def _set_up(self, scenario: Scenario) -> Story:
        shop = self._fresh_shop(scenario)
        partners = tuple(self._partner(shop, document) for document in scenario.partners)
        self._call_hooks(shop)
        for document, partner in zip(scenario.partners, partners, strict=True):
            if document.subscribed and partner.target:
                partner.subscription_ids = self._subscribe(shop, document, partner.target)
        if len(partners) == 1:
            # Whatever happens on this shop is this partner's doing.
            partners[0].keys = partners[0].subscription_ids = None
        block = self._blocks[scenario.id]
        return Story(
            shop,
            partners,
            idle_probe=self._idle_probe(scenario) is not None,
            patience=self._plan.patience,
            foreign=lambda entry: owner(entry, block, self._of_block) is not None,
        )

    def _fresh_shop(self, scenario: Scenario) -> Shop:
        assert self._shop is not None
        settings: dict[str, Any] = {
            "seed": SEED,
            "delivery_timeout": DELIVERY_TIMEOUT,
            **scenario.shop,
            "clock": {"mode": "manual"},
            "moment": moment_of(scenario.shop.get("moment"), MOMENT, seconds),
            "id_block": self._blocks[scenario.id],
        }
        # Said in any case: those of the story before would stay.
        first = scenario.partners[0]
        scopes = first.scopes or self._scopes
        settings["scopes"] = list(key_scopes(scopes) if self._plan_of(first.name).oauth else scopes)
        if (idle := self._idle_probe(scenario)) is not None:
            settings["idle_probe"] = idle
        if self._plan.shift_windows:
            settings["shift_windows"] = True
        if self._plan.mode == "tenant":
            shop = self._server.create_shop(**settings)
            self._tenants[scenario.id] = shop
            return self._with_headers(shop)
        self._shop = self._shop.replace(**settings)
        return self._with_headers(self._shop)

    def _with_headers(self, shop: Shop) -> Shop:
        """Let its webhooks bear the headers that the partners want."""
        headers = {
            header: self._filled(name, template, shop)
            for name, plan in self._plan.partners.items()
            for header, template in plan.headers.items()
        }
        if headers:
            shop.update(delivery_headers=headers)
        return shop

    def _idle_probe(self, scenario: Scenario) -> dict[str, str] | None:
        """What the shop asks to know whether the partner has anything left to do. It can ask one."""
        return None if len(scenario.partners) > 1 else self._idle_probe_of(scenario.partners[0].name)

    def _idle_probe_of(self, name: str) -> dict[str, str] | None:
        plan = self._plan_of(name)
        if plan.idle_probe is None:
            return None
        return {"url": self._filled(name, plan.idle_probe.url), "path": plan.idle_probe.path}

    def _partner(self, shop: Shop, document: PartnerDocument) -> Partner:
        name, plan = document.name, self._plan_of(document.name)
        process = self._process_of(name)
        probe = plan.probe
        if probe is not None:
            probe = structs.replace(probe, ask=self._filled(name, probe.ask, shop))
        key = self._key(shop, name)
        return Partner(
            name,
            keys=frozenset({key["id"], *keys_of(self._grants.get(name) or self._grants.get(""))}),
            probe=probe,
            process=process,
            target=self._filled(name, plan.target, shop),
            asks=self._filled(name, plan.asks, shop),
        )

    def _key(self, shop: Shop, name: str) -> dict[str, Any]:
        """The key of a partner: the shop's own for the first, one that bears its name for others."""
        keys = shop.keys()
        own = [key for key in keys if key["label"] == name and name in self._plan.partners]
        return own[0] if own else keys[0]

    def _connection(self, shop: Shop, name: str, port: int | None = None) -> Connection:
        key = shop.key
        if name:
            # A partner with a name of its own has a key of its own, so that its calls can be told from the others'.
            keys = shop.keys()
            own = [each for each in keys if each["label"] == name]
            key = (own[0] if own else shop.create_key(label=name))["key"]
        return Connection(api_base=shop.api_base, key=key, secret=shop.secret, now=MOMENT, port=port, shop=shop.name)

    def _granted(self, shop: Shop | None, name: str) -> Grant:
        """The merchant's yes to a partner, on a shop (None: the one that stories take the place of)."""
        shop = shop or self._shop
        assert shop is not None
        found = self._grants[name] = grant(shop, name, self._plan_of(name).oauth, self._grants.get(name))
        return found

    def _subscribe(self, shop: Shop, document: PartnerDocument, target: str) -> frozenset[int]:
        made: set[int] = set()
        for topic, trigger in document.subscriptions or ((None, None),):
            made |= {row["id"] for row in shop.subscribe(target, topic, trigger)}
        return frozenset(made)

    def _plan_of(self, name: str) -> PartnerPlan:
        plan = self._plan.partner(name)
        if plan is None:
            raise SetupError(f"Nothing is known of the partner {name}. Configure it: [run.partners.{name}].")
        return plan

    def _process_of(self, name: str) -> Process | None:
        return self._processes.get(name) or self._processes.get("")

    def _filled(self, name: str, template: str, shop: Shop | None = None) -> str:
        process, shop = self._process_of(name), shop or self._shop
        assert shop is not None
        port = process.connection.port if process else None
        known = Connection(
            api_base=shop.api_base, key=shop.key, secret=shop.secret, now=MOMENT, port=port, shop=shop.name
        )
        return known.fill(template)

    def _call_hooks(self, shop: Shop) -> None:
        if self._plan.reset:
            first = next(iter(self._plan.partners), "")
            _hook(self._filled(first, self._plan.reset, shop), {"shop": shop.name}, "--reset")
        for name, plan in self._plan.partners.items():
            if plan.register:
                told = {"shop": shop.name, "api_base": shop.api_base, "key": shop.key, "secret": shop.secret}
                told |= self._granted(shop, name).named() if plan.oauth else {}
                _hook(self._filled(name, plan.register, shop), told, "--register")

    def _partner_ended(self, says: str) -> None:
        with self._lock:
            story = self._story
        if story is not None:
            story.end(StoryOver(says))

    # after

    def _gathered(self, story: Story, scenario: Scenario, went: Went, marks: dict[str, int]) -> Played:
        """All that the story left behind, when the partner has come to rest."""
        place, failures = scenario.place, list(went.failures)
        probes: tuple[dict[str, Any], ...] = ()
        returns: tuple[dict[str, Any], ...] = ()
        deliveries: tuple[dict[str, Any], ...] = ()
        try:
            if story.over is None and not story.settle():
                says = "The partner did not come to rest: it goes on calling, or a delivery gets no answer."
                failures += [] if failures else [failure_of(ExpectationFailed(says), place, story)]
            probes, returns = probed(story)
            deliveries = deliveries_of(story)
        except (LoopsimError, AssertionError) as error:
            if not failures:
                failures.append(failure_of(error, place, story))
        with suppress(LoopsimError):
            story.journal.read()
        own, late = self._parted(story.journal.entries, scenario.id)
        return Played(
            went=Went(steps=went.steps, failures=tuple(failures), interrupted=went.interrupted or story.interrupted),
            seed=int(scenario.shop.get("seed", SEED)),
            entries=own,
            complete=story.journal.dropped == 0,
            deliveries=deliveries,
            probes=probes,
            returns=returns,
            late=late,
            partner_log=self._logs(marks, scenario.id),
        )

    def _unplayed(self, scenario: Scenario, error: Exception, marks: dict[str, int]) -> Played:
        says = str(error)
        if isinstance(error, ControlError):
            says = f"The shop of this scenario cannot be made: {error}"
        place = scenario.place
        failure = Failure(says=says, about="setup", file=place.file, line=place.line, column=place.column)
        log = "" if isinstance(error, NeverStarted) else self._logs(marks, scenario.id)
        return Played(went=Went(failures=(failure,)), partner_log=log)

    def _parted(self, entries: list[Entry], id_: str) -> tuple[tuple[Entry, ...], tuple[tuple[str, Entry], ...]]:
        """The entries of this story, and those of others that came late."""
        own: list[Entry] = []
        late: list[tuple[str, Entry]] = []
        for entry in entries:
            other = owner(entry, self._blocks[id_], self._of_block) if entry["kind"] == "call" else None
            if other is None:
                own.append(entry)
            else:
                late.append((other, entry))
        return tuple(own), tuple(late)

    def _logs(self, marks: dict[str, int], id_: str) -> str:
        block, known = self._blocks[id_], self._of_block
        logs = {name: lines_of(each.log(marks.get(name, 0)), block, known) for name, each in self._processes.items()}
        if len(logs) == 1:
            return next(iter(logs.values()))
        return "\n".join(f"== {name or 'partner'} ==\n{log}" for name, log in logs.items() if log)


def _hook(hook: str, told: dict[str, str], flag: str) -> None:
    """Call a hook: POST JSON to a URL, or run a command."""
    if not hook.startswith(("http://", "https://")):
        run_command(hook, told, flag)
        return
    try:
        ask(hook, json.dumps(told).encode(), timeout=_HOOK)
    except NoAnswer as error:
        raise SetupError(f"The hook {hook} failed ({error}). Mend it, or {flag}.") from error
