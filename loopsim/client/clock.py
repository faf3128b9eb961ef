"""A shop's clock, driven through the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopsim.client.transport import Json, given

if TYPE_CHECKING:
    from loopsim.client.shop import Shop


class ShopClock:
    """A shop's clock."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def read(self) -> Json:
        """Mode, time, and the timers that are due next."""
        return self._shop._object("GET", "/clock")

    @property
    def now(self) -> str:
        """The shop's time, ISO 8601."""
        return str(self.read()["now"])

    def set(self, mode: str, *, rate: float | None = None, at: str | None = None) -> Json:
        """Another mode: `real`, `scaled` (with its rate) or `manual`; with `at`, forward to that moment first."""
        return self._shop._object("PUT", "/clock", given(mode=mode, rate=rate, at=at))

    def advance(
        self,
        by: str | float | None = None,
        *,
        to: str | None = None,
        next_event: bool = False,
        until_idle: bool = False,
        wait: bool = True,
        quiet_for: int | None = None,
    ) -> Json:
        """Let time pass: by a length (`"14d"`, seconds), to a moment, to the next event, or until nothing is to come.

        With `wait`, the partner gets its time after each webhook; `quiet_for` in milliseconds. Answers `now`,
        `timers_run`, `deliveries`, `stopped`.
        """
        goal = given(by=by, to=to, next_event=next_event or None, until_idle=until_idle or None)
        return self._shop._object("POST", "/clock/advance", {**goal, "wait": wait, **given(quiet_for=quiet_for)})

    def interrupt(self) -> Json:
        """Stop the advance under way."""
        return self._shop._object("POST", "/clock/interrupt")
