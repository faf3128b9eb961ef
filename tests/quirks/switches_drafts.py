"""Switches of draft returns, and of what the lists do."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.contract.shapes import JSON
from loopsim.domain import draft_returns as domain_drafts
from loopsim.domain import eligibility, submission
from loopsim.domain.policy import Decision
from loopsim.domain.submission import Submission
from loopsim.errors import Refusal
from loopsim.operations import drafts, submitting
from loopsim.operations.loop import draft_returns
from loopsim.operations.perform import Answer
from loopsim.store.transaction import Transaction
from loopsim.wire import draft_returns as wire
from loopsim.wire import draft_steps
from tests.quirks.patching import Switch, asked, function


def _plainly(tx: Transaction, call: Any, draft: Any, refusal: Any = None, status: int = 200) -> Answer:
    """Errors come alone, as elsewhere."""
    if refusal is not None:
        return Answer({"errors": [wire.error(refusal)]}, 422, {"content-type": JSON}, refusal=refusal.code)
    return _answer(tx, call, draft, refusal, status)


def _loudly(tx: Transaction, name: str, secret: str) -> Any:
    order = _look_up(tx, name, secret)
    if not any(line.fulfilled for line in order.lines):
        raise Refusal("returns_unavailable_for_order")
    return order


def _always(offer: Any, spell: Any) -> Any:
    here = f"/draft-returns/{offer.draft.id}"
    return (*_steps_of(offer, spell), draft_steps.Step("submit-draft-return", f"{here}/submit", "Submit"))


def _in_stores_too(chosen: Submission, decision: Decision) -> None:
    _check(structs.replace(chosen, method="mail") if chosen.method == "in_store" else chosen, decision)


_answer, _draft = draft_returns._answer, draft_returns._draft
_look_up, _steps_of = drafts._look_up, draft_steps.steps_of
_check, _speaks_hal, _terms_of = submission.check, wire.speaks_hal, submitting.terms_of

SWITCHES: dict[str, Switch] = {
    "version-draft-forms": function(wire.speaks_hal, lambda _version, accept: wire.HAL in accept),
    "draft-list-accept": asked("listDraftReturns", lambda call: structs.replace(call, accept=wire.HAL)),
    "draft-accept-forms": function(wire.speaks_hal, lambda version, _accept: version not in wire.LINKS_VERSIONS),
    "draft-errors-in-document": function(draft_returns._answer, _plainly),
    "draft-unfulfilled-silent": function(drafts._look_up, _loudly),
    "draft-ready-by-link": function(draft_steps.steps_of, _always),
    "draft-totals-currency": asked("getDraftReturnTotals", lambda call: structs.replace(call, version="2026-07")),
    "draft-address-open": function(domain_drafts.covers, lambda _countries, _address: True),
    "draft-shop-now-pos": function(submission.check, _in_stores_too),
    "draft-shopper-token": function(
        draft_returns._draft, lambda tx, call: _draft(tx, structs.replace(call, shopper_token=""))
    ),
    "listings-decide": function(
        submitting.terms_of, lambda tx: eligibility.Terms(window_days=_terms_of(tx).window_days)
    ),
}
