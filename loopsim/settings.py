"""A project's own settings: `loopsim.toml`, or else `[tool.loopsim]` of `pyproject.toml`, in the current directory.

    port = 9000                 # a flag of any verb
    allow-target = ["10.0.0.0/8"]
    [trigger]                   # a flag of this verb alone, which counts more
    webhook = "http://127.0.0.1:9100/loop"
    [run.env]                   # what a flag says as NAME=VALUE
    BASE_URL = "{api_base}"

A command line counts more than the environment, and the environment more than these files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from loopsim.errors import SetupError

FLAGS = frozenset(
    {
        "allow_host", "allow_target", "asks", "at", "ci", "clock", "ctrf", "db", "direction", "does", "durable", "env",
        "fail_on", "fail_under", "findings", "follow", "force", "format", "from", "grade", "header", "health", "host",
        "html", "idle_path", "idle_probe", "jobs", "junit", "keep_personal_data", "limit", "log_format", "log_level",
        "mode", "moment", "next_event", "no_delivery", "no_wait", "oauth", "only", "patience", "pattern", "port",
        "port_file", "probe", "probe_map", "probe_path", "probe_shows", "provoke", "quiet_for", "rate", "rate_limit",
        "redundant", "register", "replace", "reset", "resume", "return", "salt", "schema", "seed", "shell",
        "shift_windows", "shop", "shopify", "start", "start_timeout", "state", "strict", "target", "timeout", "to",
        "token", "topic", "trigger", "until_idle", "url", "webhook", "without", "world",
    }
)  # fmt: skip
"""The name of every flag of every verb, as Python writes it."""

TABLES = frozenset({"partners"})
"""What a verb's table may hold beside flags, for what flags cannot say."""

PARAMETERS = {"return": "return_id", "from": "run_file"}
"""What a flag is called in the code, where that has to be another word."""


def read_settings(verb: str, verbs: Mapping[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """The settings for one of the verbs (as in `cli.VERBS`), by parameter. Raises SetupError for a file that cannot be
    read, or a name that is no flag's and no verb's."""
    found = _find(folder or Path())
    if found is None:
        return {}
    where, tables = found
    plain = {_flag(key): value for key, value in tables.items() if not isinstance(value, dict)}
    own: dict[str, Any] = {}
    for name, table in tables.items():
        if isinstance(table, dict):
            if name not in verbs:
                raise SetupError(f"{where} has a table [{name}], but loopsim has no such verb. {_nearest(name, verbs)}")
            for key in table:
                if name == verb or _flag(key) not in FLAGS | TABLES:
                    _need_flag_of(name, verbs[name], f"{where} [{name}]", _flag(key))
            if name == verb:
                own = {_flag(key): _listed(_flag(key), value) for key, value in table.items()}
    for key in plain:
        _need_flag(where, key)
    return {PARAMETERS.get(key, key): value for key, value in (plain | own).items()}


def where_settings(folder: Path | None = None) -> str:
    """The file that settings come from, as messages name it; empty where there is none."""
    found = _find(folder or Path())
    return found[0] if found else ""


def _find(folder: Path) -> tuple[str, dict[str, Any]] | None:
    own, project = folder / "loopsim.toml", folder / "pyproject.toml"
    if own.is_file():
        return own.name, _read(own)
    if project.is_file():
        tools = _read(project, "loopsim").get("tool")
        tables = tools.get("loopsim") if isinstance(tools, dict) else None
        if not isinstance(tables, dict | None):
            raise SetupError(f"{project.name} sets tool.loopsim, which is no table. Write [tool.loopsim].")
        return None if tables is None else (f"{project.name} [tool.loopsim]", tables)
    return None


def _read(file: Path, word: str = "") -> dict[str, Any]:
    """The tables of a file; none where the word does not occur, which most projects' files are spared reading by."""
    try:
        text = file.read_text("utf-8-sig")
        if word not in text:
            return {}
        import tomllib

        return tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SetupError(f"{file} cannot be read: {error}. Mend or remove it.") from error


def _listed(flag: str, value: Any) -> Any:
    """A value as its flag takes it: a table is what a flag says as NAME=VALUE, several times."""
    if isinstance(value, dict) and flag not in TABLES:
        return [f"{name}={each}" for name, each in value.items()]
    return value


def _flag(key: str) -> str:
    return key.replace("-", "_")


def _need_flag(where: str, flag: str) -> None:
    if flag not in FLAGS | TABLES:
        known = {name.replace("_", "-") for name in FLAGS}
        shown = flag.replace("_", "-")
        raise SetupError(f"{where} sets {shown}, but loopsim has no flag --{shown}. {_nearest(shown, known)}")


def _need_flag_of(verb: str, entry: tuple[str, str], where: str, flag: str) -> None:
    """That a table sets flags of its own verb, or of the verbs below that."""
    # Only here: top-level settings need no verb's flags, and of the tables only that of the verb in use is looked at.
    import importlib

    command = importlib.import_module(f"loopsim.commands.{entry[0]}").command
    below = getattr(command, "commands", {}).values()
    known = {name[2:] for each in (command, *below) for param in each.params for name in param.opts if name[:2] == "--"}
    shown = flag.replace("_", "-")
    if shown not in known and not (flag in TABLES and verb == "run"):
        raise SetupError(f"{where} sets {shown}, but loopsim {verb} has no flag --{shown}. {_nearest(shown, known)}")


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else "See loopsim --help."
