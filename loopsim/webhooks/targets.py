"""Where webhooks may go: loopback always, anything else only when it was listed.

Imported subscriptions must never reach a production system by accident. No name is resolved here: one that is not
listed is not allowed, wherever it may point. What is listed is a host name, an address, or a network in CIDR form.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

DEFAULT_PORTS = {"http": 80, "https": 443}


class Target(Struct, frozen=True):
    """What a URL leads to. `host` is in lower case, without the dot at the end or the brackets of an address;
    `loopback`: it is this machine, by its very name or address."""

    host: str
    port: int
    loopback: bool


def plain_host(host: str) -> str:
    """A host in the one spelling that is compared here."""
    return host.lower().rstrip(".")


def is_loopback(host: str) -> bool:
    """Whether a plain host is this machine by its name or address: 127.0.0.0/8, ::1, `localhost` and the names below
    it."""
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback


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


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _matches(host: str, entry: str) -> bool:
    address = _address(host)
    if address is None:
        return host == plain_host(entry)
    try:
        return address in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
