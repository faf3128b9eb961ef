"""Asking a partner over HTTP: its health, its own state, its hooks. Straight to it, whatever proxies the environment
names, since it is on this machine or beside it."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from loopsim.errors import LoopsimError

LARGEST = 16 * 1024 * 1024
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A redirect is an answer."""


_STAYING = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


class NoAnswer(LoopsimError):
    """Nobody answered, or not in HTTP, or with a status of 400 and more (`status`, else None)."""

    def __init__(self, says: str, status: int | None = None) -> None:
        self.status = status
        super().__init__(says)


def ask(url: str, body: bytes | None = None, *, timeout: float) -> str:
    """The answer to a GET, or to a POST of JSON. Raises NoAnswer."""
    headers = {"Accept": "application/json", **({"Content-Type": "application/json"} if body is not None else {})}
    status, said = exchange("POST" if body is not None else "GET", url, headers, body, timeout=timeout)
    if status >= 400:
        raise NoAnswer(f"it answers {status}", status)
    return said


def exchange(
    method: str, url: str, headers: dict[str, str], body: bytes | None = None, *, timeout: float
) -> tuple[int, str]:
    """Status and text of whatever answer there is. Raises NoAnswer where there is none."""
    try:
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            response = _DIRECT.open(request, timeout=timeout)
        except HTTPError as error:
            response = error
        with response:
            read: bytes = response.read(LARGEST)
            return int(response.status), read.decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswer(str(getattr(error, "reason", error)) or type(error).__name__) from error


def look(url: str, *, timeout: float) -> tuple[int, str | None, str]:
    """A page: its status, where it redirects to (nobody goes there), its text. Raises NoAnswer where there is none."""
    try:
        try:
            response = _STAYING.open(url, timeout=timeout)
        except HTTPError as error:
            response = error
        with response:
            location = response.headers.get("Location") if 300 <= response.status < 400 else None
            return int(response.status), location, response.read(LARGEST).decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswer(str(getattr(error, "reason", error)) or type(error).__name__) from error
