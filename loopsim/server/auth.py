"""From a call's headers to the shop it is for: API keys and access tokens, and what the server remembers of each."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from loopsim.contract import Operation
from loopsim.domain.faults import Fault
from loopsim.domain.oauth import Access, shop_of
from loopsim.server.credentials import fingerprint
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
    """A key that opens a shop, with what the key has used of its minute; or an `access` token, and what the journal
    calls it."""

    __slots__ = ("access", "counter", "key", "shop", "token", "window")

    def __init__(self, key: Key, shop: Shop, counter: Counter, access: Access | None = None) -> None:
        self.key = key
        self.access = access
        self.token = None if access is None else fingerprint(key.text)
        self.shop = shop
        self.counter = counter
        self.window = Window()


class Entrances:
    """The entrances of a world, each made when its key is first used and made anew when its shop is another one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: dict[bytes, Entrance] = {}
        self._tokens: dict[bytes, Entrance] = {}
        self._counters: WeakKeyDictionary[Shop, Counter] = WeakKeyDictionary()

    def find(self, headers: Headers) -> tuple[Entrance | None, bool]:
        """The entrance whose key the call brings, and whether it is a bearer token instead."""
        text = headers.get(b"x-authorization")
        if text is None:
            scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
            return (self._of_token(token.strip()), True) if scheme.lower() == b"bearer" else (None, False)
        text = text.strip(b" \t")  # no part of a header's value, and the parser leaves what is at its end
        entrance = self._known.get(text)
        if entrance is None or not self._is_current(entrance):
            entrance = self._open(text)
        return entrance, False

    def _of_token(self, token: bytes) -> Entrance | None:
        """The entrance of an access token, whose shop says each time what it still opens."""
        text = text_of(token)
        shop = self._world.shops.get(shop_of(text) or "")
        access = None if shop is None else shop.records.get("oauth_access", text, Access)
        entrance = self._tokens.get(token)
        if shop is None or access is None:
            self._tokens.pop(token, None)
            return None
        if entrance is None or entrance.shop is not shop:
            key = Key(text, f"oauth:{access.client_id}", shop.name, frozenset(access.scopes))
            entrance = self._tokens[token] = Entrance(key, shop, self.counter(shop), access)
        entrance.access = access
        return entrance

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
    if not needed and (bearer or operation.oauth_scopes):
        return False
    return entrance.key.scopes.issuperset(needed)
