"""What is asked of a run, as plain data: made by `loopsim run` from its flags and settings."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from loopsim.harness.document import Scenario
from loopsim.harness.oauth import Given
from loopsim.harness.partner import Start
from loopsim.harness.probe import Probe
from loopsim.rules.evidence import ProvocationKind

Mode = Literal["single", "per-worker", "tenant"]

MOMENT = "2026-03-02T09:00:00Z"
"""When a story begins that does not say."""
SEED = 7
DELIVERY_TIMEOUT = 10_000
"""Milliseconds that a partner has for its answer, where a story does not say."""
TIME_LIMIT = 60.0
"""Seconds of real time that one scenario may take."""


class IdleProbe(Struct, frozen=True, kw_only=True):
    """Where a partner says whether it has anything left to do: JSON, idle where the member at `path` is true."""

    url: str
    path: str = "idle"


class PartnerPlan(Struct, frozen=True, kw_only=True):
    """One integration under test. `target` is where its webhooks go (empty for one that only polls), `start` how
    loopsim starts it (None: somebody else did). Templates in them are filled in by `partner.Connection`."""

    target: str = ""
    start: Start | None = None
    probe: Probe | None = None
    idle_probe: IdleProbe | None = None
    headers: dict[str, str] = {}
    """Templates of headers that its webhooks bear, by name. For partners of many shops."""
    register: str = ""
    """A URL that is told of each shop before its story: name, api_base, key, secret. For partners of many shops."""
    asks: str = ""
    """A URL with `{task}`, to which what people and systems on its side ask of it is posted (`tasks.TASKS`)."""
    does: tuple[str, ...] | None = None
    """What it is able to do (`shape.ABILITIES`); None: nobody said, so every story is played."""
    oauth: Given = ""
    """What it is handed to come in by OAuth; then its key opens nothing that a token opens."""


class RunPlan(Struct, frozen=True, kw_only=True):
    """A whole run. `partners` by the name that scenarios give them; the one named "" is any other. `reset` is a URL to
    POST to or a command, before each story; another `salt` gives other ids. `flags` are those that a
    reproducing command needs, too. `provocations` are those that are asked for by name (`provoke`: all of them), and
    `bases` stories that are not played, on whose shops they are tried."""

    scenarios: tuple[Scenario, ...]
    partners: dict[str, PartnerPlan]
    mode: Mode = "single"
    jobs: int = 1
    shop: str = "default"
    reset: str = ""
    salt: str = ""
    time_limit: float = TIME_LIMIT
    patience: float = 5.0
    shift_windows: bool = False
    provoke: bool = False
    provocations: tuple[ProvocationKind, ...] = ()
    bases: tuple[Scenario, ...] = ()
    rules_off: tuple[str, ...] = ()
    strict: bool = False
    fail_on: Literal["error", "warning"] = "error"
    fail_under: float = 0.0
    flags: tuple[str, ...] = ()
    command: str = ""

    def partner(self, name: str) -> PartnerPlan | None:
        """The plan for a partner of this name."""
        return self.partners.get(name) or self.partners.get("")
