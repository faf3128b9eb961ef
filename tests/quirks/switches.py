"""For every quirk of the catalogue the switch that turns it off in the running code."""

from __future__ import annotations

from loopsim.domain.quirks import QUIRKS as SETTINGS
from tests.quirks import (
    switches_answers,
    switches_commerce,
    switches_drafts,
    switches_list,
    switches_partners,
    switches_returns,
    switches_webhooks,
)
from tests.quirks.patching import Patch, Switch, dead

__all__ = ["SWITCHES", "Patch"]

SWITCHES: dict[str, Switch] = {
    **switches_answers.SWITCHES,
    **switches_commerce.SWITCHES,
    **switches_drafts.SWITCHES,
    **switches_list.SWITCHES,
    **switches_partners.SWITCHES,
    **switches_returns.SWITCHES,
    **switches_webhooks.SWITCHES,
    **{f"setting-{name}": dead(name) for name in SETTINGS},
}
