"""Keys and secrets out of everything that leaves with a report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from loopsim.harness.results import RunResult

HIDDEN = "[redacted]"

_KEY = re.compile(r"\bloop_(test|live)_[0-9A-Za-z]{8,}")
_TOKEN = re.compile(r"\bloop_(code|at|rt)\.[0-9A-Za-z_-]+\.[0-9A-Fa-f]{8,}")
_FINGERPRINT = r"(?!sha256(?::|%3A)[0-9a-f]{8}\b)"  # says which secret it was, and not what it was
_WORDS = ("authorization", "api_key", "api-key", "apikey", "secret", "password", "token")
_NAME = "|".join(_WORDS)
# `"secret": "…"`, also where JSON stands in a string of JSON; and `LOOP_API_KEY=…`, where only what has a digit is
# taken for a value, because people also write "the secret: ask for it".
_MEMBER = re.compile(
    rf'(?P<name>(?:{_NAME})\\*"\s{{0,9}}:\s{{0,9}}\\*"){_FINGERPRINT}(?P<value>[^"\\]+)', re.IGNORECASE
)
_SETTING = re.compile(
    rf"(?P<name>(?:{_NAME})['\"]?\s{{0,9}}[:=]\s{{0,9}}['\"]?){_FINGERPRINT}"
    r"(?P<value>(?:Bearer\s+)?(?=[^\s'\",;&<>\d]{0,99}\d)[^\s'\",;&<>\\]{6,})",
    re.IGNORECASE,
)
_HEADERS = frozenset({"authorization", "x-authorization", "cookie", "set-cookie"})


def hidden(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with API keys, codes and tokens of OAuth, what is named as a secret, and each of `secrets` replaced; and
    with half a pair of surrogates, which a partner's JSON can hold and no file, as question marks."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    for secret in secrets:
        if len(secret) >= 6:
            text = text.replace(secret, HIDDEN)
    if "loop_" in text:
        text = _TOKEN.sub(rf"loop_\1.{HIDDEN}", _KEY.sub(rf"loop_\1_{HIDDEN}", text))
    low = text.lower()
    if not any(word in low for word in _WORDS):
        return text
    return _SETTING.sub(rf"\g<name>{HIDDEN}", _MEMBER.sub(rf"\g<name>{HIDDEN}", text))


def redacted(run: RunResult, secrets: Iterable[str] = ()) -> RunResult:
    """The run without keys and secrets, however deep they stand. `secrets` are values known to be some (the webhook
    secret of the run's shop has no form that would give it away). Doing it again changes nothing."""
    known = tuple(secrets)

    def clean(value: Any, name: str = "") -> Any:
        if isinstance(value, str):
            return HIDDEN if name.lower() in _HEADERS and value else hidden(value, known)
        if isinstance(value, dict):
            return {hidden(str(key), known): clean(each, str(key)) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [clean(each) for each in value]
        return value

    return msgspec.convert(clean(msgspec.to_builtins(run)), RunResult)
