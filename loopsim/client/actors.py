"""Who acts in a shop, by the words of the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopsim.client.shop import Shop


class Actor:
    """Somebody who acts: `shop.staff.flags(return_id=1)` is `shop.act("staff.flags", return_id=1)`."""

    def __init__(self, shop: Shop, subject: str, verbs: tuple[str, ...]) -> None:
        self._shop = shop
        self._subject = subject
        self._verbs = verbs

    def __getattr__(self, verb: str) -> Any:
        if verb.startswith("_") or verb not in self._verbs:
            raise AttributeError(f"{self._subject} has no act {verb!r}. There are: {', '.join(self._verbs)}.")
        return lambda **body: self._shop.act(f"{self._subject}.{verb}", **body)

    def __dir__(self) -> list[str]:
        return list(self._verbs)
