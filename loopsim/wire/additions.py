"""Fields that nobody knows (quirk `unknown_field`). The vendor adds fields at any time (`FACTS.md#versions-additive`),
and a client that minds breaks on that day; with this it breaks on the day of its own choice.
"""

from __future__ import annotations

from typing import Any

from loopsim.domain.quirks import quirk
from loopsim.domain.shop import Settings

NAME = "loopsim_unknown_field"
VALUE = "Fields are added at any time."


def with_additions(shown: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """A return or a payload as it is shown, with one more field at its end and in each line item where the shop asks
    for that."""
    if quirk(settings.quirks, "unknown_field") == "off":
        return shown
    added = {**shown, NAME: VALUE}
    if "line_items" in shown:
        added["line_items"] = [{**line, NAME: VALUE} for line in shown["line_items"]]
    return added
