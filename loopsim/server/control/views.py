"""What the control API shows of a shop, its clock and its keys."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from loopsim.clock import from_ms
from loopsim.domain.quirks import QUIRKS, quirk
from loopsim.operations.control.views import portal_path
from loopsim.server.runtime import Runtime
from loopsim.store.shop import Shop
from loopsim.store.timers import count_timers, next_timers
from loopsim.store.transaction import OTHER_IDS, first_id
from loopsim.store.world import Key
from loopsim.wire.times import with_millis

_NEXT = 20


def clock_view(runtime: Runtime, shop: Shop) -> dict[str, Any]:
    """A shop's clock, with the next timers."""
    due = next_timers(shop.connection, _NEXT)
    return {
        "mode": shop.clock.mode,
        "rate": shop.clock.rate,
        "now": with_millis(runtime.now(shop)),
        "advancing": runtime.scheduler.advancing(shop),
        "timers": count_timers(shop.connection),
        "next": [{"kind": each.kind, "due": with_millis(from_ms(each.due)), "entity": each.entity} for each in due],
    }


def shop_view(runtime: Runtime, shop: Shop) -> dict[str, Any]:
    """A shop with its settings, clock and every quirk."""
    settings = shop.settings
    return {
        "name": shop.name,
        "shop_id": settings.id,
        "subdomain": settings.subdomain,
        "world": settings.world,
        "seed": settings.seed,
        "id_block": settings.id_block,
        "platform": settings.platform,
        "currency": settings.currency,
        "clock": clock_view(runtime, shop),
        "policy": msgspec.to_builtins(settings.policy),
        "quirks": {name: quirk(settings.quirks, name) for name in QUIRKS},
        "rate_limit": settings.rate_limit,
        "quiet_for": settings.quiet_for,
        "delivery_timeout": settings.delivery_timeout,
        "allowed_targets": list(settings.allowed_targets),
        "idle_probe": msgspec.to_builtins(settings.idle_probe),
        "shift_windows": settings.shift_windows,
        "delivery_headers": settings.delivery_headers,
        "checkout_plus": settings.checkout_plus,
        "portal_url": settings.portal_url,
        "ids": {"first": first_id(settings, "return") + 1, "width": OTHER_IDS[1]},
    }


def shop_row(runtime: Runtime, shop: Shop) -> dict[str, Any]:
    """A shop as a list shows it."""
    return {
        "name": shop.name,
        "shop_id": shop.settings.id,
        "world": shop.settings.world,
        "seed": shop.settings.seed,
        "mode": shop.clock.mode,
        "now": with_millis(runtime.now(shop)),
    }


def key_view(key: Key) -> dict[str, Any]:
    """An API key. Whoever may use the control API may know it."""
    return {"id": str(key.id), "key": key.text, "label": key.label, "scopes": sorted(key.scopes)}


def opened_view(runtime: Runtime, shop: Shop, key: Key, base_url: str) -> dict[str, Any]:
    """A shop that was just made, with all that a client needs to use it."""
    parts = urlsplit(base_url)
    return {
        "shop": shop_view(runtime, shop),
        "key": key_view(key),
        "secret": shop.settings.secret,
        "urls": {
            "base_url": f"{parts.scheme}://{parts.netloc}/api/v1",
            "portal": f"{parts.scheme}://{parts.netloc}{portal_path(shop.name)}",
        },
    }
