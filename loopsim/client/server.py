"""A running server, or one in this process, and the shops on it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from loopsim.client.shop import Shop
from loopsim.client.transport import TIMEOUT, Json, Transport, given

if TYPE_CHECKING:
    from loopsim.embedded import EmbeddedServer


class Loopsim(Transport):
    """A running server, or with no `url` one that `start` or a `with` block starts in this process, on a free port.

    `token` is what a running one was started with, if it was. Several in one process share nothing. Raises `SetupError`
    for what is no address, and for a call to a server that was not started.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, timeout: float = TIMEOUT) -> None:
        super().__init__(token, timeout)
        self._embedded: EmbeddedServer | None = None
        self._own = url is None
        if url is not None:
            self._reach(url)

    def start(self) -> Loopsim:
        """Start a server of one's own, where no running one was named. Return when it answers."""
        if self._own and self._embedded is None:
            from loopsim.embedded import EmbeddedServer

            self._embedded = EmbeddedServer().start()
            self._reach(self._embedded.url)
        return self

    def stop(self) -> None:
        """Stop a server of one's own, with everything closed. A running one goes on."""
        self.close()
        embedded, self._embedded = self._embedded, None
        if embedded is not None:
            embedded.stop()
            self.url = ""

    def __enter__(self) -> Loopsim:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def health(self) -> Json:
        """Version, capabilities, number of shops."""
        answer: Json = self.call("GET", "/health")
        return answer

    def lifecycle(self) -> Json:
        """What can be exercised: `transitions`, `triggers`, `operations`, `errors`, `shared_errors`."""
        answer: Json = self.call("GET", "/lifecycle")
        return answer

    def shops(self) -> list[Json]:
        """All shops, by name, in short."""
        rows: list[Json] = self.call("GET", "/shops")["shops"]
        return rows

    def create_shop(self, name: str | None = None, **asked: Any) -> Shop:
        """A new shop. `asked`: world, seed, moment, clock, policy, quirks, rate_limit, scopes, webhook, id_block."""
        return self.opened(self.call("POST", "/shops", given(name=name, **asked)))

    def shop(self, name: str | None = None, **asked: Any) -> Shop:
        """The shop of this name that is there; without a name, or with anything asked for, a new one whose clock stands
        still until it is moved. `asked` as in `create_shop`."""
        if name is None or asked:
            return self.create_shop(name, **{"clock": {"mode": "manual"}, **asked})
        return self._opened_before(name)

    def _opened_before(self, name: str) -> Shop:
        # With its oldest API key, empty where all were taken back.
        path = f"/shops/{quote(name, safe='')}"
        secret = self.call("GET", f"{path}/secrets")["secret"]
        keys = self.call("GET", f"{path}/keys")["keys"]
        return Shop(self, name, keys[0]["key"] if keys else "", secret, f"{self.url}/api/v1")

    def opened(self, answer: Json) -> Shop:
        """The shop of an answer that opens one."""
        return Shop(self, answer["shop"]["name"], answer["key"]["key"], answer["secret"], answer["urls"]["base_url"])
