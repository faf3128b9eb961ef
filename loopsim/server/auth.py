"""From a call's headers to the shop it is for: API keys, and what the server remembers of each while it runs."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from loopsim.contract import Operation
from loopsim.domain.faults import Fault
from loopsim.server.rate_limit import Window
from loopsim.server.requests import Headers, text_of
from loopsim.server.stamps import Stamp
from loopsim.store.shop import Shop
from loopsim.store.world import Key, World


class Counter:
    """What stands at one shop: the stamp of its time, and its answer faults (None: to be read again)."""

    __slots__ = ("faults", "stamp")

    def __init__(self) -> None:
        self.stamp = Stamp()
        self.faults: tuple[Fault, ...] | None = None


class Entrance:
    """A key that opens a shop, with what the key has used of its minute."""

    __slots__ = ("counter", "key", "shop", "window")

    def __init__(self, key: Key, shop: Shop, counter: Counter) -> None:
        self.key = key
        self.shop = shop
        self.counter = counter
        self.window = Window()


class Entrances:
    """The entrances of a world, each made when its key is first used and made anew when its shop is another one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[bytes, Entrance] = {}
        self._counters: WeakKeyDictionary[Shop, Counter] = WeakKeyDictionary()

    def find(self, headers: Headers) -> tuple[Entrance | None, bool]:
        """The entrance whose key the call brings, and whether it came as a bearer token."""
        text = headers.get(b"x-authorization")
        bearer = text is None
        if text is None:
            scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer":
                return None, False
            text = token.strip()
        entrance = self._known.get(text)
        if entrance is None or not self._is_current(entrance):
            entrance = self._open(text)
        return entrance, bearer

    def _is_current(self, entrance: Entrance) -> bool:
        key = entrance.key
        return self._world.keys.get(key.text) is key and self._world.shops[key.shop] is entrance.shop

    def _open(self, text: bytes) -> Entrance | None:
        key = self._world.keys.get(text_of(text))
        if key is None:
            self._known.pop(text, None)
            return None
        shop = self._world.shops[key.shop]
        entrance = self._known[text] = Entrance(key, shop, self.counter(shop))
        return entrance

    def counter(self, shop: Shop) -> Counter:
        """What the server remembers of a shop."""
        counter = self._counters.get(shop)
        if counter is None:
            counter = self._counters[shop] = Counter()
        return counter


def may(entrance: Entrance | None, operation: Operation, *, bearer: bool) -> bool:
    """Whether the key opens the operation: with every scope, and as a bearer token only where tokens are taken."""
    if entrance is None:
        return False
    needed = operation.oauth_scopes if bearer else operation.scopes
    if bearer and not needed:
        return False
    return entrance.key.scopes.issuperset(needed)
