"""Where webhooks may go: loopback always, anything else only when it was listed.

Imported subscriptions must never reach a production system by accident. No name is resolved here: one that is not
listed is not allowed, wherever it may point. What is listed is a host name, an address, or a network in CIDR form.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from loopsim.urls import address_of, is_loopback, plain_host

DEFAULT_PORTS = {"http": 80, "https": 443}


class Target(Struct, frozen=True):
    """What a URL leads to. `host` is in lower case, without the dot at the end or the brackets of an address;
    `loopback`: it is this machine, by its very name or address."""

    host: str
    port: int
    loopback: bool


@lru_cache(maxsize=1024)
def target_of(url: str) -> Target | None:
    """What the URL leads to; None where it is not http or https, or has no host or no valid port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return None
    behind = parts.netloc.partition("]")[2]
    if behind and not behind.startswith(":"):
        # urlsplit does not mind what stands behind an address in brackets.
        return None
    host = plain_host(parts.hostname)
    return Target(host, DEFAULT_PORTS[parts.scheme] if port is None else port, is_loopback(host))


def allowed(url: str, allowed: Iterable[str]) -> bool:
    """Whether a webhook may be posted to the URL, given the hosts, addresses and networks that are listed."""
    target = target_of(url)
    if target is None:
        return False
    return target.loopback or any(_matches(target.host, entry) for entry in allowed)


def why_blocked(url: str) -> str:
    """Why nothing was posted to a URL that is not allowed, and what to do about it."""
    target = target_of(url)
    if target is None:
        return "Not sent: only http and https URLs with a host can be posted to."
    return (
        f"Not sent: {target.host} is not loopback and was not allowed."
        f" Start loopsim with --allow-target {target.host} if webhooks are meant to go there."
    )


def _matches(host: str, entry: str) -> bool:
    address = address_of(host)
    if address is None:
        return host == plain_host(entry)
    try:
        return address in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
