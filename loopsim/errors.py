"""Every error loopsim raises on purpose.

    LoopsimError
    ├── Refusal            what an API refuses: a code and its parameters; the contract renders the body
    │   ├── Invalid        a request that is not well formed: messages by field
    │   └── NotHere        this shop does not have it; another may
    └── SetupError         the tool itself cannot go on: says what is wrong and what to do next
        ├── PortTaken      somebody else listens there
        └── Damaged        something that was stored cannot be read

Refusals carry no status and no sentence. The status and the body belong to the operation that refused and stand in
`openapi/` (`x-errors`), so one domain rule can answer in each of Loop's dialects.
"""

from __future__ import annotations

from typing import Any


class LoopsimError(Exception):
    """Base of all; never raised itself."""


class Refusal(LoopsimError):
    """An API call that is refused. `code` names the rule, `params` fill the sentence of the operation's error form."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params


class Invalid(Refusal):
    """A request that is not well formed: `fields` holds the messages by field, in the order they were found."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        super().__init__("invalid")
        self.fields = fields


class NotHere(Refusal):
    """What is asked for without a key is not this shop's; where no other has it either, the call is refused so."""


class SetupError(LoopsimError):
    """Something about the set-up stops loopsim. The message says what is wrong and what to do next."""


class PortTaken(SetupError):
    """Somebody listens on the port already."""


class Damaged(SetupError, ValueError):
    """Something that was stored is not what was written."""
