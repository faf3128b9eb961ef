"""Addresses of http and https, as users write them, and which of them are this machine's own."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit


def split_url(url: str) -> SplitResult | None:
    """The parts of an address of http or https with a host and a port that can be; None for any other text."""
    try:
        parts = urlsplit(url)
        # Only asking for it shows whether it is one.
        parts.port  # noqa: B018
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def plain_host(host: str) -> str:
    """A host in the one spelling that is compared: lower case, without the dot at the end or an address's brackets."""
    return host.strip("[]").lower().rstrip(".")


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a plain host is, None for a name; one of IPv4 in the clothes of IPv6 is the one inside."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name or address: 127.0.0.0/8, ::1, `localhost` and the names below
    it. No name is resolved."""
    plain = plain_host(host)
    address = address_of(plain)
    if address is None:
        return plain == "localhost" or plain.endswith(".localhost")
    return address.is_loopback
