"""A customer's return from its choices to the record: one way for the act, the draft returns and the portal."""

from __future__ import annotations

from msgspec import structs

from loopsim.domain import eligibility
from loopsim.domain.listings import Listing, is_order_listed
from loopsim.domain.orders import Order, OrderLine
from loopsim.domain.policy import Candidate, Decision, decide
from loopsim.domain.returns import Return
from loopsim.domain.submission import Submission, candidates
from loopsim.domain.submission import submit as submitted
from loopsim.operations import moves
from loopsim.store.transaction import Transaction


def terms_of(tx: Transaction) -> eligibility.Terms:
    """What decides in this shop whether a unit may be returned."""
    return eligibility.Terms(
        blocked=tuple(tx.all("blocklist", Listing)),
        allowed=tuple(tx.all("allowlist", Listing)),
        window_days=tx.settings.policy.return_window_days,
    )


def default_destination_id(tx: Transaction) -> int | None:
    """Where a new return goes that no rule sends elsewhere."""
    destination = moves.default_destination(tx)
    return None if destination is None else destination.id


def why_not(
    tx: Transaction, order: Order, line: OrderLine, held: set[tuple[int, int]], terms: eligibility.Terms
) -> str | None:
    """The code of why a line cannot be returned; None where it can. Final sale counts unless a workflow rule lifts it
    for this line."""
    if line.final_sale and not is_order_listed(terms.allowed, order):
        alone = (Candidate(sku=line.sku or "", tags=line.tags, reason="", resolution="refund", value=line.unit_price),)
        if decide(tx.settings.policy, order, alone, "mail", None).bypass_final_sale:
            line = structs.replace(line, final_sale=False)
    return eligibility.ineligibility(order, line, held, terms, tx.now)


def decision_of(tx: Transaction, submission: Submission, terms: eligibility.Terms, destination: int | None) -> Decision:
    """What policy and workflow rules say of a return; who is on the allowlist gets past final sale."""
    allowed = is_order_listed(terms.allowed, submission.order)
    policy = tx.settings.policy
    units = candidates(submission)
    return decide(policy, submission.order, units, submission.method, destination, bypass_final_sale=allowed)


def submit(tx: Transaction, submission: Submission) -> Return:
    """The return that a customer submits, with everything that follows. Raises what forbids it (`Refusal`)."""
    terms = terms_of(tx)
    eligibility.check(submission.order, (item.line for item in submission.items), terms, tx.now)
    decision = decision_of(tx, submission, terms, default_destination_id(tx))
    change = submitted(submission, decision, tx.settings, tx.next_id, tx.now)
    tx.hold_units(change.return_.id, [(line.id, line.order_line_id, line.unit) for line in change.return_.lines])
    return moves.submit(tx, change)
