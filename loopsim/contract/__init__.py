"""openapi/ as data: routes, operations, validation, errors in each operation's dialect; and what a server starts
without: checks of answers (`contract.responses`), the ledger (`contract.ledger`).

    openapi/ ── compile ──> compiled.json ── source ──> Contract ── route ──> Operation
        of an Operation: read_path, read_query, read_body, validate; render (a Refusal in its words)

Of loopsim this imports nothing but `errors`.
"""

from loopsim.contract.contract import Contract, Match, public_document
from loopsim.contract.dialect import Rendered, messages_of, render
from loopsim.contract.operation import ErrorForm, Operation, Parameter, Provenance
from loopsim.contract.source import load_contract
from loopsim.contract.validation import Validated, read_body, read_ids, read_path, read_query, validate

__all__ = [
    "Contract",
    "ErrorForm",
    "Match",
    "Operation",
    "Parameter",
    "Provenance",
    "Rendered",
    "Validated",
    "load_contract",
    "messages_of",
    "public_document",
    "read_body",
    "read_ids",
    "read_path",
    "read_query",
    "render",
    "validate",
]
