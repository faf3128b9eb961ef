"""openapi/ as data: routes, operations, validation, errors in each operation's dialect, checks of answers, the ledger.

    openapi/ ── compile ──> compiled.json ── source ──> Contract ── route ──> Operation
        of an Operation: read_path, read_query, read_body, validate; render (a Refusal in its words); check_response

Of loopsim this imports nothing but `errors`.
"""

from loopsim.contract.contract import Contract, Match, public_document
from loopsim.contract.dialect import Rendered, messages_of, render
from loopsim.contract.ledger import Entry, Row, ledger
from loopsim.contract.operation import ErrorForm, Operation, Parameter, Provenance
from loopsim.contract.responses import check_response, check_webhook
from loopsim.contract.source import load_contract
from loopsim.contract.validation import Validated, read_body, read_ids, read_path, read_query, validate

__all__ = [
    "Contract",
    "Entry",
    "ErrorForm",
    "Match",
    "Operation",
    "Parameter",
    "Provenance",
    "Rendered",
    "Row",
    "Validated",
    "check_response",
    "check_webhook",
    "ledger",
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
