"""Addresses of http and https, as users write them."""

from __future__ import annotations

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
