"""Names that the contract knows, as schemas: a misspelt one is found when a scenario is read, not when it runs."""

from __future__ import annotations

from loopsim.contract import load_contract
from loopsim.harness.words.acts import component, control_document
from loopsim.harness.words.registry import Json


def _named(schema: Json, says: str) -> Json:
    return {"description": says, "enum": schema["enum"]}


_CONTROL = control_document()

OPERATIONS: tuple[str, ...] = tuple(sorted(load_contract().operation_ids("loop")))
OPERATION: Json = {"enum": list(OPERATIONS)}
ANY_OPERATION: Json = {
    "description": "The operationId of Loop's API, or several of which any will do.",
    "anyOf": [OPERATION, {"type": "array", "items": OPERATION, "minItems": 1}],
}
TRIGGER = _named(component(_CONTROL, "Trigger"), "What happened, in Loop's word for it, such as return.created.")
TOPIC = _named(component(_CONTROL, "Topic"), "What it is about, in Loop's word for it, such as return.")
RETURN_STATE = _named(component(_CONTROL, "ReturnState"), "What the return has come to.")
DELIVERY_STATE = _named(component(_CONTROL, "DeliveryState"), "What the delivery has come to.")
LEDGER_KIND = _named(component(_CONTROL, "LedgerEntry")["properties"]["kind"], "What Loop did.")
