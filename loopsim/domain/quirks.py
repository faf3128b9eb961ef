"""The named settings for questions on which the public facts allow two answers. A test keeps `openapi/` in step."""

from __future__ import annotations

QUIRKS: dict[str, tuple[str, ...]] = {
    # name: values, the default first
    "unauthorized_body": ("by_group", "gateway", "legacy"),
    "details_by_order": ("array", "object"),
    "label_change_fires_return_updated": ("on", "off"),
    "empty_pair": ("send", "skip"),
    "webhook_secret": ("shop", "per_webhook"),
    "delivery_order": ("first_attempt", "strict"),
    "webhook_deactivation": ("never", "after_10_failures"),
    "action_success": ("true", '"true"'),
    "webhook_default_status": ("active", "inactive"),
    "flag_moves_to_review": ("off", "on"),
    "grading_fires_return_updated": ("on", "off"),
    "page_size_over_limit": ("refuse", "clamp"),
    "retry_after_header": ("on", "off"),
    "oauth_refresh_token": ("always", "offline_access"),
    "oauth_refresh_rotation": ("off", "on"),
    "unknown_field": ("off", "on"),
}


def quirk(chosen: dict[str, str], name: str) -> str:
    """The value of a quirk: the shop's own choice, or the default."""
    return chosen.get(name, QUIRKS[name][0])
