"""A shop's settings: who it is, how it takes returns, which quirks it shows."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from msgspec import Struct, field

from loopsim.domain import chance
from loopsim.domain.durations import DURATIONS
from loopsim.domain.policy import Policy

LAST_BLOCK = 7_999


class IdleProbe(Struct, frozen=True, kw_only=True):
    """Where a partner says whether it has anything left to do: it has not while the JSON that `url` answers has true at
    the dotted `path`."""

    url: str
    path: str = "idle"


class Settings(Struct, frozen=True, kw_only=True):
    """Everything about a shop that stays the same while its returns move.

    `id` is the `shop_id` of webhooks, `subdomain` the portal's. `utc_offset` (minutes) is the zone of label times.
    `portal_url` is where deep links and status pages lead; empty for Loop's own portal of the subdomain.
    `shift_windows`: a partner that lists by the wall's clock means the shop's.
    `delivery_headers` go with every webhook. `rate_limit` is calls per minute and key. `id_block` spaces ids apart.
    """

    id: int
    subdomain: str
    seed: int
    world: str = "us-apparel"
    platform: Literal["shopify", "custom"] = "shopify"
    currency: str = "USD"
    taxes_included: bool = False
    country: str = "United States"
    country_code: str = "US"
    utc_offset: int = 0
    policy: Policy = Policy()
    quirks: dict[str, str] = field(default_factory=dict)
    rate_limit: int = 300
    default_destination_id: int | None = None
    destination_limit: int = 50
    id_block: int = 0
    quiet_for: int = 300
    delivery_timeout: int = 1000 * DURATIONS["webhook_attempt"].low
    secret: str = ""
    allowed_targets: tuple[str, ...] = ()
    idle_probe: IdleProbe | None = None
    shift_windows: bool = False
    portal_url: str = ""
    delivery_headers: dict[str, str] = field(default_factory=dict)
    checkout_plus: bool = False

    @property
    def portal(self) -> str:
        """What the addresses of the portal's pages begin with (`FACTS.md#return-status-page`, `#deep-links-link`)."""
        return self.portal_url or f"https://{self.subdomain}.loopreturns.com/#"


@lru_cache(maxsize=1024)
def own_block(seed: int) -> int:
    """The block of ids that a seed gives; a server moves on to the next where another shop has it."""
    return chance.between(1, LAST_BLOCK, seed, "ids")
