"""Operations of the control API that need the running server: they make and drop shops, or wait."""

from __future__ import annotations

from collections.abc import Awaitable
from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from loopsim.operations.perform import Answer, Call
    from loopsim.server.runtime import Runtime


class RuntimeOperation(Struct, frozen=True):
    """The function of an operation, by its name and that of the module beside this one which is imported when it is
    called first. One that `ends_with_client` is cancelled when the client who asked for it goes away."""

    module: str
    function: str
    ends_with_client: bool = False

    def __call__(self, runtime: Runtime, call: Call) -> Awaitable[Answer]:
        """Call the function itself."""
        module = import_module(f"{__package__}.{self.module}")
        answering: Awaitable[Answer] = getattr(module, self.function)(runtime, call)
        return answering


RUNTIME_OPERATIONS = {
    "readClock": RuntimeOperation("clock", "read_clock"),
    "setClock": RuntimeOperation("clock", "set_clock"),
    "advanceClock": RuntimeOperation("clock", "advance_clock", ends_with_client=True),
    "interruptClock": RuntimeOperation("clock", "interrupt_clock"),
    "resendDelivery": RuntimeOperation("deliveries", "resend_delivery", ends_with_client=True),
    "sendDelivery": RuntimeOperation("deliveries", "send_delivery", ends_with_client=True),
    "settleDeliveries": RuntimeOperation("deliveries", "settle_deliveries", ends_with_client=True),
    "readFindings": RuntimeOperation("findings", "read_findings", ends_with_client=True),
    "getHealth": RuntimeOperation("health", "get_health"),
    "importReturns": RuntimeOperation("imports", "import_returns", ends_with_client=True),
    "readJournal": RuntimeOperation("journal", "read_journal", ends_with_client=True),
    "listKeys": RuntimeOperation("keys", "list_keys"),
    "createKey": RuntimeOperation("keys", "create_key"),
    "rotateKey": RuntimeOperation("keys", "rotate_key"),
    "deleteKey": RuntimeOperation("keys", "delete_key"),
    "readLifecycle": RuntimeOperation("lifecycle", "read_lifecycle"),
    "listShops": RuntimeOperation("shops", "list_shops"),
    "createShop": RuntimeOperation("shops", "create_shop"),
    "replaceShop": RuntimeOperation("shops", "replace_shop"),
    "getShop": RuntimeOperation("shops", "get_shop"),
    "deleteShop": RuntimeOperation("shops", "delete_shop"),
    "resetShop": RuntimeOperation("shops", "reset_shop"),
    "copyShop": RuntimeOperation("shops", "copy_shop"),
    "updateSettings": RuntimeOperation("shops", "update_settings"),
}
"""By operation; they come before those of the same id in `operations.perform.OPERATIONS`."""
