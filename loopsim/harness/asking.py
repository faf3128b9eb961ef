"""Asking a partner over HTTP: its health, its own state, its hooks. Straight to it, whatever proxies the environment
names, since it is on this machine or beside it."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.error import HTTPError

from loopsim.errors import LoopsimError

LARGEST = 16 * 1024 * 1024


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirect is an answer."""


_FOLLOWING = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_STAYING = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


class NoAnswer(LoopsimError):
    """Nobody answered, or not in HTTP, or with a status of 400 and more (`status`, else None)."""

    def __init__(self, says: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(says)


class Reply(NamedTuple):
    """An answer: status, text, and where it sends whoever asked, if it is a redirect."""

    status: int
    text: str
    location: str | None


def ask(url: str, body: bytes | None = None, *, timeout: float) -> str:
    """The answer to a GET, or to a POST of JSON, wherever it sends one for it. Raises NoAnswer."""
    headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body is not None else {})}
    reply = _exchange(_FOLLOWING, "POST" if body is not None else "GET", url, headers, body, timeout)
    if reply.status >= 400:
        raise NoAnswer(f"it answers {reply.status}", reply.status)
    return reply.text


def exchange(method: str, url: str, headers: dict[str, str], body: bytes | None = None, *, timeout: float) -> Reply:
    """Whatever answer there is; nobody goes where a redirect leads. Raises NoAnswer where there is none."""
    return _exchange(_STAYING, method, url, headers, body, timeout)


def _exchange(
    opener: urllib.request.OpenerDirector,
    method: str,
    url: str,
    headers: dict[str, str],
    body: bytes | None,
    timeout: float,
) -> Reply:
    try:
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            response = opener.open(request, timeout=timeout)
        except HTTPError as error:
            response = error
        with response:
            location = response.headers.get("Location") if 300 <= response.status < 400 else None
            return Reply(int(response.status), response.read(LARGEST).decode("utf-8", "replace"), location)
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswer(str(getattr(error, "reason", error)) or type(error).__name__) from error
