"""The partner's own state, asked for by an HTTP request or a command, and read with JSONPath (RFC 9535).

Probe(ask="http://127.0.0.1:3000/returns/{return_id}", path="$.status", words={"done": "closed"})
Probe(ask="bin/show-return {return_id}", path="$.status")
"""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Any

from msgspec import Struct

from loopsim.errors import SetupError
from loopsim.harness.asking import NoAnswer, ask
from loopsim.harness.journal import brief, json_of

_PATIENCE = 10.0  # seconds for one question
_NAME = re.compile(r"\{\w+\}")
ABSENT = object()
"""What a path that meets nothing gives."""


class ProbeFailed(SetupError):
    """The probe gave no answer that could be read."""


class Probe(Struct, frozen=True, kw_only=True):
    """`ask` is a URL, or else a command; `path` a JSONPath into its answer; `{return_id}` and other members of the
    return are filled into both. `words` maps the partner's words to Loop's (`open`, `review`, `closed`, …). `shows` are
    JSONPaths of what else the answer tells of a return, by the names of `shown.SHOWN`."""

    ask: str
    path: str = "$"
    words: dict[str, str] = {}
    shows: dict[str, str] = {}

    def answer(self, about: dict[str, Any]) -> Any:
        """The whole answer: JSON, or text where it is none; None for 404. Raises ProbeFailed."""
        if self.ask.startswith(("http://", "https://")):
            return _get(fill(self.ask, about))
        return json_of(run_command(self.ask, about, "--probe"))

    def state(self, about: dict[str, Any], answer: Any = ABSENT) -> Any:
        """The partner's state of a return in Loop's words where they are mapped; None where it knows nothing."""
        if answer is ABSENT:
            answer = self.answer(about)
        found = at(fill(self.path, about), answer)
        if found is ABSENT:
            return None
        return self.words.get(str(found), found)


def at(path: str, value: Any) -> Any:
    """What a JSONPath meets: its value, a list where it meets several, ABSENT where nothing. Raises SetupError for what
    is no JSONPath."""
    # Only here: most stories probe nothing.
    import jsonpath

    if isinstance(value, str | int | float | bool | None):
        # The library would read a text as JSON.
        return value if path == "$" and value is not None else ABSENT
    try:
        found = jsonpath.findall(path, value)
    except jsonpath.JSONPathError as error:
        raise SetupError(f"{path!r} is no JSONPath: {str(error).splitlines()[0]} Write it like $.status.") from error
    return ABSENT if not found else found[0] if len(found) == 1 else found


def check_path(path: str) -> None:
    """Raises SetupError for what is no JSONPath once its `{names}` are filled in."""
    at(_NAME.sub("1", path), [])


def fill(template: str, about: dict[str, Any]) -> str:
    """A template with the members of a return in place of their `{names}`."""
    for name, value in about.items():
        if isinstance(value, str | int):
            template = template.replace(f"{{{name}}}", str(value))
    return template


def _get(url: str) -> Any:
    try:
        return json_of(ask(url, timeout=_PATIENCE))
    except NoAnswer as error:
        if error.status == 404:
            return None
        raise ProbeFailed(f"The probe {url} gives no answer ({error}). Mend it, or --probe.") from error


def run_command(command: str, about: dict[str, Any], flag: str) -> str:
    """What a command prints, with `about` filled in. Raises ProbeFailed, which names the flag."""
    filled = fill(command, about)
    try:
        done = subprocess.run(
            shlex.split(filled), capture_output=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ProbeFailed(f"The command {filled!r} cannot be run ({error}). Mend it, or {flag}.") from error
    if done.returncode != 0:
        said = brief(done.stderr.decode("utf-8", "replace").strip() or "it says nothing")
        raise ProbeFailed(f"The command {filled!r} ends with {done.returncode}: {said}. Mend it, or {flag}.")
    return done.stdout.decode("utf-8", "replace").strip()
