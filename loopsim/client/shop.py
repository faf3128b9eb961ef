"""One shop, driven through the control API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from loopsim.client.actors import Actor
from loopsim.client.clock import ShopClock
from loopsim.client.transport import Json, given

if TYPE_CHECKING:
    from loopsim.client.server import Loopsim
    from loopsim.harness.expect import Expect


class Shop:
    """A shop: `key` goes into X-Authorization, `secret` signs its webhooks, `api_base` is Loop's API."""

    def __init__(self, server: Loopsim, name: str, key: str, secret: str, api_base: str) -> None:
        self.server = server
        self.name = name
        self.key = key
        self.secret = secret
        self.api_base = api_base
        self.clock = ShopClock(self)
        self.customer = Actor(self, "customer", ("submits_return", "edits_return", "drops_off", "ships_by_loop"))
        self.carrier = Actor(self, "carrier", ("scans",))
        self.staff = Actor(
            self, "staff", ("processes", "flags", "unflags", "closes", "cancels", "resolves_review", "makes_label")
        )
        self.happy_returns = Actor(self, "happy_returns", ("ships",))
        self.orders = Actor(self, "orders", ("makes", "fulfils", "lookup_fails_next", "retrieval_fails_next"))
        self.stock = Actor(self, "stock", ("sets",))
        self.payment = Actor(self, "payment", ("fails_next",))
        self.processing = Actor(self, "processing", ("fails_next",))
        self._expect: Expect | None = None

    @property
    def expect(self) -> Expect:
        """What the partner shall do, and what shall come of it: `shop.expect.call("processReturn", times=1)`. The words
        of scenarios (`loopsim words`); raises ExpectationFailed, an AssertionError."""
        if self._expect is None:
            # Only here: the client itself is of the standard library alone.
            from loopsim.harness.expect import Expect

            self._expect = Expect(self)
        return self._expect

    def __repr__(self) -> str:
        return f"Shop({self.name!r} at {self.server.url})"

    def call(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Any:
        """Make a call below `/_loopsim/shops/<name>`; a member that stands alone in the answer is the answer."""
        answer = self.server.call(method, f"/shops/{quote(self.name, safe='')}{path}", body, query)
        return next(iter(answer.values())) if isinstance(answer, dict) and len(answer) == 1 else answer

    def act(self, word: str, **body: Any) -> Any:
        """Let somebody act: `act("carrier.scans", return_id=1, status="delivered")`. The return, as it is then."""
        return self.call("POST", f"/acts/{quote(word)}", given(**body))

    # the shop itself

    def view(self) -> Json:
        """The shop with its settings."""
        return self._object("GET", "")

    def update(self, **settings: Any) -> Json:
        """Change settings: policy, quirks, rate_limit, quiet_for, delivery_timeout, allowed_targets."""
        return self._object("PATCH", "/settings", settings)

    def replace(self, **asked: Any) -> Shop:
        """Another shop in the place of this one, as `Loopsim.create_shop`; name, keys and webhook secret stay."""
        return self.server.opened(self._object("PUT", "", asked))

    def reset(self) -> Json:
        """Begin anew; the keys stay."""
        return self._object("POST", "/reset")

    def copy(self, name: str | None = None) -> Shop:
        """A copy of the shop as it is now, with a key of its own."""
        return self.server.opened(self.call("POST", "/copy", given(name=name)))

    def delete(self) -> None:
        """Delete the shop."""
        self.call("DELETE", "")

    def keys(self) -> list[Json]:
        """Its API keys, oldest first."""
        return self._list("/keys")

    def create_key(self, *scopes: str, label: str | None = None) -> Json:
        """A new API key; with every scope where none is named."""
        return self._object("POST", "/keys", given(scopes=list(scopes) or None, label=label))

    def rotate_key(self, key_id: str) -> Json:
        """Give an API key another text."""
        return self._object("POST", f"/keys/{quote(str(key_id))}/rotate")

    def delete_key(self, key_id: str) -> None:
        """Take an API key back."""
        self.call("DELETE", f"/keys/{quote(str(key_id))}")

    # OAuth

    def oauth_clients(self) -> list[Json]:
        """The applications that it knows, with their secrets."""
        return self._list("/oauth-clients")

    def create_oauth_client(
        self,
        *redirect_uris: str,
        scopes: Iterable[str] | None = None,
        name: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> Json:
        """Register an application: `client_id`, `client_secret`, `scopes`, ...; with the scopes of a provider of labels
        where none are named."""
        asked = given(name=name, client_id=client_id, client_secret=client_secret, scopes=scopes and list(scopes))
        return self._object("POST", "/oauth-clients", {"redirect_uris": list(redirect_uris), **asked})

    def delete_oauth_client(self, client_id: str) -> None:
        """Forget an application, with all that it was given."""
        self.call("DELETE", f"/oauth-clients/{quote(client_id, safe='')}")

    def create_oauth_tokens(self, client_id: str) -> Json:
        """Let the merchant allow an application all it may ask for: `access_token`, `refresh_token`, ..."""
        return self._object("POST", f"/oauth-clients/{quote(client_id, safe='')}/tokens")

    def delete_oauth_tokens(self, client_id: str) -> None:
        """Take back all that an application was given, as when the merchant removes it."""
        self.call("DELETE", f"/oauth-clients/{quote(client_id, safe='')}/tokens")

    def create_oauth_code(self, client_id: str, redirect_uri: str | None = None) -> Json:
        """Let the merchant allow an application all it may ask for: the `code` that it would be told, good once and for
        ten minutes, and the `redirect_uri` to exchange it with (the application's first where none is named)."""
        path = f"/oauth-clients/{quote(client_id, safe='')}/codes"
        return self._object("POST", path, given(redirect_uri=redirect_uri))

    @property
    def token_url(self) -> str:
        """Where codes and refresh tokens are exchanged."""
        return f"{self.server.url}/oauth/token"

    # webhooks

    def subscribe(
        self, url: str, topic: str | None = None, trigger: str | None = None, status: str | None = None
    ) -> list[Json]:
        """Subscribe a receiver to a pair, or to every pair that belongs together and fits."""
        asked = given(url=url, topic=topic, trigger=trigger, status=status)
        made: list[Json] = self.call("POST", "/subscriptions", asked)
        return made

    def subscriptions(self) -> list[Json]:
        """Its webhook subscriptions."""
        return self._list("/subscriptions")

    def update_subscription(self, id: int, **changes: Any) -> Json:
        """Change a subscription: url, topic, trigger, status."""
        return self._object("PATCH", f"/subscriptions/{id}", changes)

    def unsubscribe(self, id: int) -> None:
        """Delete a subscription."""
        self.call("DELETE", f"/subscriptions/{id}")

    def secrets(self) -> Json:
        """The shop's webhook secret and those that subscriptions use."""
        return self._object("GET", "/secrets")

    def rotate_secret(self, subscription_id: int | None = None) -> Json:
        """A new webhook secret; `secret` of this object follows."""
        answer = self._object("POST", "/secrets/rotate", given(subscription_id=subscription_id))
        self.secret = answer["secret"]
        return answer

    def deliveries(
        self, *, after: int = 0, limit: int = 100, state: str | None = None, return_id: int | None = None
    ) -> list[Json]:
        """Webhook deliveries with an id above `after`, oldest first."""
        query = {"after": after, "limit": limit, "state": state, "return_id": return_id}
        rows: list[Json] = self.call("GET", "/deliveries", query=query)["deliveries"]
        return rows

    def delivery(self, id: int) -> Json:
        """One delivery, with `payload` and `attempts`."""
        return self._object("GET", f"/deliveries/{id}")

    def resend(self, id: int, *, wait: bool = True) -> Json:
        """Send a delivery's bytes again; as `delivery`."""
        return self._object("POST", f"/deliveries/{id}/resend", {"wait": wait})

    def send(self, subscription_id: int, payload: str, **asked: Any) -> Json:
        """Send a crafted delivery; as `delivery`. `asked`: topic, trigger, return_id, signature, header, wait."""
        return self._object("POST", "/deliveries", {"subscription_id": subscription_id, "payload": payload, **asked})

    def settle(self, timeout: float = 30.0, quiet_for: int | None = None) -> Json:
        """Wait until nothing is being delivered and the partner is quiet; `settled`, `open`, `waiting`."""
        return self._object("POST", "/deliveries/settle", given(timeout=timeout, quiet_for=quiet_for))

    # faults

    def fault(self, kind: str, **asked: Any) -> Json:
        """Tell the shop to show a fault: `fault("duplicate", topic="label", params={"copies": 2})`."""
        return self._object("POST", "/faults", {"kind": kind, **asked})

    def faults(self) -> list[Json]:
        """The faults it is told to show."""
        return self._list("/faults")

    def clear_faults(self, id: int | None = None) -> None:
        """Forget all faults, or one."""
        self.call("DELETE", "/faults" if id is None else f"/faults/{id}")

    # what happened, and what is there

    def journal(
        self, *, after: int = 0, limit: int = 500, kind: str | None = None, wait: float = 0, canonical: bool = False
    ) -> Json:
        """What went over the wire: `entries`, `last_id`, `dropped`. Waits up to `wait` seconds for a first entry."""
        query = {"after": after, "limit": limit, "kind": kind, "wait": wait or None, "canonical": canonical or None}
        return self._object("GET", "/journal", query=query)

    def events(self, *, after: int = 0, kind: str | None = None) -> Iterator[Json]:
        """Journal entries for ever, as they come; from the first again when the shop begins anew."""
        while True:
            page = self.journal(after=after, kind=kind, wait=30)
            yield from page["entries"]
            after = page["last_id"] if page["last_id"] >= after else 0

    def findings(self) -> list[Json]:
        """What each rule says of the traffic so far: `rule`, `outcome`, `findings`, `mend`, ..."""
        judgements: list[Json] = self._object("GET", "/findings")["judgements"]
        return judgements

    def ledger(self, return_id: int | None = None) -> list[Json]:
        """What Loop did on the shop's platform."""
        return self._list("/ledger", {"return_id": return_id})

    def list_orders(self, *, after: int = 0, limit: int = 100, returnable: bool = False) -> list[Json]:
        """Orders, with how many units of each line can be returned."""
        return self._list("/orders", {"after": after, "limit": limit, "returnable": returnable or None})

    def variants(self) -> list[Json]:
        """What the shop sells."""
        return self._list("/variants")

    def returns(self, *, after: int = 0, limit: int = 100, state: str | None = None) -> list[Json]:
        """Returns, by id."""
        return self._list("/returns", {"after": after, "limit": limit, "state": state})

    def get_return(self, id: int) -> Json:
        """One return, with the timers that are set for it."""
        return self._object("GET", f"/returns/{id}")

    def import_returns(self, rows: list[Json] | None = None, raw: str | None = None, **asked: Any) -> Json:
        """Import returns of a real shop; `asked`: keep_personal_data, resume, replace."""
        answer: Json = self.server.call(
            "POST", f"/shops/{quote(self.name, safe='')}/import", given(rows=rows, raw=raw, **asked)
        )
        return answer

    def _object(self, method: str, path: str, body: Any = None, query: Json | None = None) -> Json:
        answer: Json = self.call(method, path, body, query)
        return answer

    def _list(self, path: str, query: Json | None = None) -> list[Json]:
        answer: list[Json] = self.call("GET", path, query=query)
        return answer
