"""Operations of the control API that need the running server: they make and drop shops, or wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from loopsim.operations.perform import Answer, Call

if TYPE_CHECKING:
    from loopsim.server.runtime import Runtime

RuntimeFunction = Callable[["Runtime", Call], Awaitable[Answer]]

RUNTIME_OPERATIONS: dict[str, RuntimeFunction] = {}
END_WITH_CLIENT: set[str] = set()
"""Operations that are cancelled when the client who asked for them goes away."""


def runtime_operation(
    operation_id: str, *, ends_with_client: bool = False
) -> Callable[[RuntimeFunction], RuntimeFunction]:
    """Register the function of an operation; it comes before one of the same id in `operations.perform.OPERATIONS`."""

    def register(function: RuntimeFunction) -> RuntimeFunction:
        RUNTIME_OPERATIONS[operation_id] = function
        if ends_with_client:
            END_WITH_CLIENT.add(operation_id)
        return function

    return register
