"""What another shop of the server has: to the key of this one it is forbidden, where Loop says so, and not unknown.

Shops share no ids, so that it is another shop's can only be said of what its owner has seen.
"""

from __future__ import annotations

from loopsim.errors import Refusal
from loopsim.server.places import Place
from loopsim.store.shop import Shop
from loopsim.store.world import World
from loopsim.wire.numbers import whole


def forbidden_or(refusal: Refusal, place: Place, shop: Shop | None, world: World) -> Refusal:
    """The refusal of a call to a shop, or `label_forbidden` where another shop has the label that it did not find."""
    if refusal.code != "label_not_found":
        return refusal
    label_id = whole(place.params.get("id", ""))
    others = (other for other in world.shops.values() if other is not shop)
    found = label_id is not None and any(other.records.return_of_label(label_id) is not None for other in others)
    return Refusal("label_forbidden") if found else refusal
