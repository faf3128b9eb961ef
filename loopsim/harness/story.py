"""A story: one shop, its partners, what was saved on the way, and waiting for what should come of it.

Story.until(check) ── holds ─▶ done
      ▲   │ does not
      │   ├─ the partner's idle probe says that it is done ─▶ failed
      └───┴─ next journal entry, until the patience ends ──▶ failed
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopsim.client import ControlError, Shop
from loopsim.harness.failures import ExpectationFailed, StoryOver
from loopsim.harness.journal import Entry, Journal

if TYPE_CHECKING:
    from loopsim.harness.partner import Process
    from loopsim.harness.probe import Probe

PATIENCE = 5.0
"""Seconds of real time that an expectation waits where it does not say."""
_CHUNK = 1.0  # seconds of one long poll, so that the end of a story is noticed
_PIECE = 0.1
_OWN = "the story's own"  # the label of its key
_SETTLE = 20.0  # seconds that a partner may take to come to rest


class Partner:
    """An integration under test, as a story knows it: `keys` are what the journal calls it, by key or by token. These
    and `subscription_ids` None mean: whoever."""

    def __init__(
        self,
        name: str = "partner",
        *,
        keys: frozenset[str] | None = None,
        subscription_ids: frozenset[int] | None = None,
        probe: Probe | None = None,
        process: Process | None = None,
        target: str = "",
        asks: str = "",
    ) -> None:
        self.name = name
        self.target = target
        self.asks = asks
        self.keys = keys
        self.subscription_ids = subscription_ids
        self.probe = probe
        self.process = process

    def made(self, entry: Entry) -> bool:
        """Whether a call is this partner's."""
        return self.keys is None or entry.get("key") is None or entry["key"] in self.keys

    def got(self, entry: Entry) -> bool:
        """Whether a delivery went to this partner."""
        return self.subscription_ids is None or entry.get("subscription_id") in self.subscription_ids


class Story:
    """One scenario as it goes, or a test that uses `shop.expect`. Not for several threads, but for `end`."""

    def __init__(
        self,
        shop: Shop,
        partners: tuple[Partner, ...] = (),
        *,
        idle_probe: bool = False,
        patience: float = PATIENCE,
        foreign: Callable[[Entry], bool] | None = None,
    ) -> None:
        self.shop = shop
        self.partners = {partner.name: partner for partner in partners or (Partner(),)}
        self.partner = next(iter(self.partners.values()))
        self.journal = Journal(shop)
        self.values: dict[str, Any] = {}
        self.positions: dict[str, tuple[int, int]] = {}  # of a saved step: the last entry before it, and with it
        self.accounted: set[int] = set()
        self._own_key: str | None = None
        self.idle_probe = idle_probe
        self.resting_probe: dict[str, Any] | None = None  # while the partner is stopped, and nobody can be asked
        self.patience = patience
        self._foreign = foreign or (lambda _entry: False)
        self._over: StoryOver | None = None
        self._lock = threading.Lock()

    # ending it from outside

    def end(self, reason: StoryOver) -> None:
        """End the story from another thread: what it waits for is cut short, and its next step raises `reason`."""
        with self._lock:
            if self._over is not None:
                return
            self._over = reason
        try:
            # Also a journal entry, which wakes a long poll.
            self.shop.clock.interrupt()
        except Exception:
            # The server may be gone as well: the next call of the story says so.
            return

    @property
    def over(self) -> StoryOver | None:
        """Why it was ended from outside, if it was."""
        return self._over

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped the run."""
        return self._over is not None and self._over.interrupted

    def check_over(self) -> None:
        """Raise `StoryOver` where the story was ended."""
        if self._over is not None:
            raise self._over

    # waiting

    def until(self, check: Callable[[], ExpectationFailed | None], within: float | None = None) -> None:
        """Return when `check` gives None; raise what it gave last when the time is up, or earlier where the partner's
        idle probe says that nothing more will come."""
        self.journal.read()
        failure = check()
        if failure is None:
            return
        ends = time.monotonic() + (self.patience if within is None else within)
        idle_ends = time.monotonic() + _SETTLE
        while failure is not None and self.idle_probe and time.monotonic() < idle_ends:
            # In short pieces: what has come to hold may be over again before the partner is at rest.
            settled = self.settle(_PIECE)
            failure = check()
            if failure is not None and settled and self.idle_probe:
                raise failure
        while failure is not None:
            self.check_over()
            left = ends - time.monotonic()
            if left <= 0:
                raise failure
            self.journal.read(wait=min(left, _CHUNK))
            failure = check()

    def settle(self, timeout: float = _SETTLE, quiet_for: int | None = None) -> bool:
        """Wait until nothing is under way and the partner is quiet; whether it came to that."""
        self.check_over()
        settled = bool(self.shop.settle(timeout, quiet_for)["settled"])
        self.check_over()
        self.journal.read()
        # A probe that gives no answer proves nothing, and the shop says so: then only patience does.
        self.idle_probe &= not self.journal.of("note")
        return settled

    # what the story does itself

    def own_key(self) -> str:
        """The text of a key of the story's own, with every scope. What is called with it is nobody's call."""
        if self._own_key is None:
            # A shop that took the place of another has its keys, and their texts are told once.
            keys = self.shop.keys()
            found = [key for key in keys if key["label"] == _OWN]
            made = self.shop.rotate_key(found[0]["id"]) if found else self.shop.create_key(label=_OWN)
            self._own_key = str(made["key"])
            self.journal.own_key = str(made["id"])
        return self._own_key

    # what happened

    def now(self) -> str:
        """The shop's time, ISO 8601."""
        return self.shop.clock.now

    def calls(self, after: int = 0) -> list[Entry]:
        """The calls of the current partner so far."""
        return [e for e in self.journal.of("call", after) if self.partner.made(e) and not self._foreign(e)]

    def deliveries(self, after: int = 0) -> list[Entry]:
        """The attempts to deliver something to the current partner so far."""
        return [entry for entry in self.journal.of("delivery", after) if self.partner.got(entry)]

    def position(self, mark: str | None, *, wanted: bool = False) -> int:
        """The journal entry that a mark stands for: the name of a saved step, a trigger, or an operation. A partner may
        react before a step is over: what is wanted counts from the step's beginning, what must not be from its end."""
        if not mark:
            return 0
        if mark in self.positions:
            return self.positions[mark][0 if wanted else 1]
        kind, member = ("delivery", "trigger") if "." in mark else ("call", "operation")
        for entry in self.journal.of(kind):
            if entry.get(member) == mark:
                return int(entry["id"])
        # Nothing of it yet, so nothing can be after it.
        return self.journal.last_id

    def get_return(self, return_id: int) -> dict[str, Any]:
        """A return as it is. Raises ExpectationFailed where there is none."""
        try:
            return self.shop.get_return(return_id)
        except ControlError as error:
            if error.status != 404:
                raise
            raise ExpectationFailed(f"The shop has no return {return_id}.") from error
