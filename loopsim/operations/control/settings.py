"""A shop's settings: what may be asked for, checked, and changed while the shop is open."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from loopsim.domain.policy import Policy
from loopsim.domain.quirks import QUIRKS, quirk
from loopsim.domain.shop import IdleProbe, Settings
from loopsim.errors import Invalid
from loopsim.operations.control.subscriptions import follow_secret_quirk
from loopsim.operations.perform import Call, operation
from loopsim.store.transaction import Transaction

_PLAIN = (
    "rate_limit", "quiet_for", "delivery_timeout", "shift_windows", "delivery_headers", "checkout_plus", "portal_url",
)  # fmt: skip


def changed(settings: Settings, body: dict[str, Any]) -> Settings:
    """The settings with those of a request laid over: `policy` and `quirks` name by name. Raises `Invalid`."""
    changes = {name: body[name] for name in _PLAIN if name in body}
    if "allowed_targets" in body:
        changes["allowed_targets"] = tuple(body["allowed_targets"])
    if "idle_probe" in body:
        changes["idle_probe"] = None if body["idle_probe"] is None else IdleProbe(**body["idle_probe"])
    if "policy" in body:
        changes["policy"] = _policy(settings.policy, body["policy"])
    if "quirks" in body:
        changes["quirks"] = {**settings.quirks, **_quirks(body["quirks"])}
    return structs.replace(settings, **changes)


@operation("updateSettings")
def update_settings(tx: Transaction, call: Call) -> None:
    """Keep other settings; the server shows the shop with them."""
    before = quirk(tx.settings.quirks, "webhook_secret")
    tx.settings = changed(tx.settings, call.body)
    tx.shop.set_settings(tx.settings)
    if quirk(tx.settings.quirks, "webhook_secret") != before:
        follow_secret_quirk(tx)


def _policy(old: Policy, partial: dict[str, Any]) -> Policy:
    try:
        return msgspec.convert({**msgspec.to_builtins(old), **partial}, Policy)
    except msgspec.ValidationError as error:
        raise Invalid({"policy": [str(error)]}) from None


def _quirks(chosen: dict[str, Any]) -> dict[str, str]:
    messages: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for name, value in chosen.items():
        values = QUIRKS.get(name)
        if values is None:
            messages[f"quirks.{name}"] = [f"There is no quirk {name}. There are: {', '.join(sorted(QUIRKS))}."]
            continue
        spelled[name] = _spelled(value)
        if spelled[name] not in values:
            messages[f"quirks.{name}"] = [f"{name} may be: {', '.join(values)}."]
    if messages:
        raise Invalid(messages)
    return spelled


def _spelled(value: str | bool) -> str:
    return value if isinstance(value, str) else "on" if value else "off"
