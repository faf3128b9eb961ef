"""From the flags and settings of `loopsim run` to a plan."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.core import ParameterSource

from loopsim.errors import SetupError
from loopsim.harness.document import Scenario
from loopsim.harness.oauth import Given
from loopsim.harness.partner import FILLED, NAMES, Start, unknown_names
from loopsim.harness.plan import IdleProbe, PartnerPlan, RunPlan
from loopsim.harness.probe import Probe, check_path
from loopsim.harness.problems import nearest
from loopsim.harness.shape import ABILITIES
from loopsim.harness.shown import SHOWN
from loopsim.harness.spans import seconds
from loopsim.rules.catalogue import BY_NAME
from loopsim.urls import split_url

PARTNER = (
    "target", "start", "start_timeout", "health", "env", "probe", "probe_path", "probe_map", "probe_shows",
    "idle_probe", "idle_path", "asks", "register", "header", "does", "oauth",
)  # fmt: skip
"""The flags that are about one partner; each may stand in `[run.partners.NAME]` too."""

NAMING = ("target", "start", "probe", "idle_probe", "asks", "register")
"""The flags that name an integration: with none of them a run would judge nobody."""

Values = dict[str, Any]
NONE = "none"
"""The target of one that was started by hand, only polls and shows nothing of itself."""
NOTHING = "nothing"
"""Said of one that only takes in what it is told."""


def plan_of(values: Values, scenarios: Sequence[Scenario], *, provoke: bool) -> RunPlan:
    """The plan of a run of these scenarios, by the flags and settings of the current command."""
    named = (click.get_current_context().default_map or {}).get("partners") or {}
    partners = partners_of(values, named)
    check_mode(values["mode"], values["jobs"], partners)
    return RunPlan(
        scenarios=tuple(scenarios),
        partners=partners,
        mode=values["mode"],
        jobs=values["jobs"],
        shop=values["shop"],
        reset=values["reset"] or "",
        salt=values["salt"] or "",
        time_limit=seconds(values["timeout"]),
        patience=seconds(values["patience"]),
        shift_windows=values["shift_windows"],
        provoke=provoke,
        rules_off=_rules(values["without"]),
        strict=values["strict"],
        fail_on=values["fail_on"],
        fail_under=values["fail_under"] or 0.0,
        flags=reproducing(values),
        command=shlex.join(["loopsim", *sys.argv[1:]]),
    )


def partners_of(values: Values, named: dict[str, Values]) -> dict[str, PartnerPlan]:
    """The partners by name: the flags make the one named "", the settings those with names of their own."""
    found = {name: partner_of({**_normal(name, own)}) for name, own in named.items()}
    default = {name: values[name] for name in PARTNER}
    if any(default[name] for name in NAMING):
        found[""] = partner_of(default)
    if not found:
        raise SetupError(
            "No integration was named, so nothing would be judged. Give --target URL, where it takes webhooks, or"
            " --start COMMAND to have it started; both can stand in loopsim.toml, which `loopsim init` writes. Of one"
            " that only polls and that you have started yourself, say --target none."
        )
    return found


def partner_of(values: Values) -> PartnerPlan:
    """One partner. Raises SetupError for flags that do not go together."""
    target, command = values.get("target") or "", values.get("start") or ""
    if target == NONE:
        target = ""
    check_templates({**values, "target": target})
    start = None
    if command:
        start = Start(
            command=command,
            target=target,
            health=values.get("health") or "",
            env=pairs(values.get("env"), "--env"),
            timeout=seconds(values.get("start_timeout") or 30),
        )
        if not target and not start.health:
            raise SetupError("A partner that is started needs a --target for its webhooks, or a --health URL.")
    elif values.get("health") or values.get("env"):
        raise SetupError("--health and --env are for a partner that loopsim starts. Give --start, or leave them out.")
    probe = None
    if values.get("probe"):
        words = pairs(values.get("probe_map"), "--probe-map")
        shows = _shows(values.get("probe_shows"))
        for path in filter(None, (values.get("probe_path"), *shows.values())):
            check_path(path)
        probe = Probe(ask=values["probe"], path=values.get("probe_path") or "$", words=words, shows=shows)
    idle = None
    if values.get("idle_probe"):
        idle = IdleProbe(url=values["idle_probe"], path=values.get("idle_path") or "idle")
    return PartnerPlan(
        target=target,
        start=start,
        probe=probe,
        idle_probe=idle,
        headers=_headers(values.get("header")),
        register=values.get("register") or "",
        asks=_asks(values.get("asks")),
        does=_abilities(values.get("does")),
        oauth=_given(values.get("oauth")),
    )


_HEADER = re.compile(r"[Xx]-(?![Ll]oop-)[A-Za-z0-9-]{1,60}")
"""As the control API takes them."""

ADDRESSES = {
    "target": "a receiver, such as http://localhost:3000/webhooks/loop",
    "health": "its health, such as http://localhost:3000/health",
    "idle_probe": "what says whether it is idle, such as http://localhost:3000/idle",
    "register": "what takes each new shop, such as http://localhost:3000/shops",
}
"""The flags that are URLs, and of what."""


def check_templates(values: Values) -> None:
    """Raises SetupError for a URL that is none, and for a `{name}` that nothing is filled in for."""
    for name, what in ADDRESSES.items():
        template, flag = values.get(name) or "", f"--{name.replace('_', '-')}"
        if unknown := unknown_names(template):
            known = ", ".join(f"{{{each}}}" for each in NAMES)
            raise SetupError(f"{flag} {template!r}: nothing is known as {{{unknown[0]}}}; there are {known}.")
        if "{port}" in template and not values.get("start"):
            raise SetupError(
                f"{flag} {template!r}: a {{port}} is chosen for what loopsim starts. Give --start, or a port."
            )
        if template and split_url(FILLED.fill(template)) is None:
            raise SetupError(f"{flag} {template!r} is no address of {what}.")
    # These may have braces of their own, and a probe and --asks have names of their own.
    for name in ("start", "probe", "asks", "env", "header"):
        given = values.get(name) or ()
        texts = (given,) if isinstance(given, str) else given.values() if isinstance(given, dict) else given
        for unknown_name in (each for text in texts for each in unknown_names(str(text))):
            if near := nearest(unknown_name, NAMES):
                raise SetupError(f"--{name}: nothing is known as {{{unknown_name}}}.{near}")


def check_mode(mode: str, jobs: int, partners: dict[str, PartnerPlan]) -> None:
    """Raises SetupError where scenarios cannot run in this way."""
    if mode == "single" and jobs > 1:
        raise SetupError(
            "Several at once need partners of their own (--mode per-worker), or one that serves many shops"
            " (--mode tenant)."
        )
    if mode == "tenant" and any(plan.oauth and not plan.register for plan in partners.values()):
        raise SetupError(
            "A partner of many shops that comes in by OAuth has to be told the tokens of each: give --register."
        )
    if mode == "per-worker":
        for plan in partners.values():
            if plan.start is None or (jobs > 1 and not plan.start.needs_port()):
                raise SetupError(
                    "--mode per-worker starts a partner for each job: give --start, with {port} in it and in --target."
                )


def pairs(given: Any, flag: str) -> dict[str, str]:
    """`("A=1", "B=2")`, or a table of the settings, as a mapping."""
    if isinstance(given, dict):
        return {str(name): str(value) for name, value in given.items()}
    found = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SetupError(f"{flag} takes NAME=VALUE, found {text!r}.")
        found[name] = value
    return found


def _headers(given: Any) -> dict[str, str]:
    found = pairs(given, "--header")
    for name in found:
        if not _HEADER.fullmatch(name):
            raise SetupError(
                f"--header {name!r}: a header of one's own begins with X-, as in X-Shop={{shop}}, and not with X-Loop-."
            )
    return found


def _asks(given: str | None) -> str:
    if given and ("{task}" not in given or split_url(given.replace("{port}", "1")) is None):
        raise SetupError(f"--asks {given!r} is no URL with {{task}} in it, such as http://localhost:3000/do/{{task}}.")
    return given or ""


def _shows(given: Any) -> dict[str, str]:
    found = pairs(given, "--probe-shows")
    for name in found:
        if name not in SHOWN:
            known = "; ".join(f"{each} ({says})" for each, (_, says) in SHOWN.items())
            raise SetupError(f"--probe-shows knows no {name!r}. A probe may show: {known}")
    return found


def _rules(given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given or ())
    for name in names:
        if name not in BY_NAME:
            raise SetupError(f"--without knows no rule {name!r}.{nearest(name, BY_NAME)} `loopsim rules` lists them.")
    return names


def _given(given: Any) -> Given:
    if given not in (None, "", "tokens", "code"):
        raise SetupError(
            f"oauth = {given!r} says nothing. A partner that comes in by OAuth is handed tokens, or a code."
        )
    return given or ""


def _abilities(given: Any) -> tuple[str, ...] | None:
    if not given:
        return None
    said = (given,) if isinstance(given, str) else tuple(given)
    if NOTHING in said:
        if set(said) != {NOTHING}:
            raise SetupError(f"--does {NOTHING} goes alone. Leave it out, or the others.")
        return ()
    for each in said:
        if each not in ABILITIES:
            known = "; ".join(f"{name} ({says})" for name, says in ABILITIES.items())
            raise SetupError(f"--does knows no {each!r}. An integration may do {NOTHING}, or: {known}.")
    return said


def reproducing(values: Values) -> tuple[str, ...]:
    """The flags that a command needs that runs one of the scenarios again: those given that change how it goes."""
    flags: list[str] = []
    for name in (*PARTNER, "reset", "salt", "url", "shop", "shift_windows", "without"):
        if not _is_given(name):
            continue
        value, flag = values.get(name), f"--{name.replace('_', '-')}"
        for each in value if isinstance(value, tuple | list) else (value,):
            if each is True:
                flags.append(flag)
            elif each:
                flags += [flag, str(each)]
    return tuple(flags)


def _is_given(name: str) -> bool:
    """Whether it stands on the command line; what comes from settings and environment is there the next time, too."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _normal(name: str, own: Any) -> Values:
    if not isinstance(own, dict):
        raise SetupError(f"[run.partners.{name}] is no table. Write it with target, start, probe and the like.")
    values = {key.replace("-", "_"): value for key, value in own.items()}
    unknown = sorted(set(values) - set(PARTNER))
    if unknown:
        known = ", ".join(each.replace("_", "-") for each in PARTNER)
        raise SetupError(f"[run.partners.{name}] sets {unknown[0]}, but a partner has only: {known}.")
    return values
