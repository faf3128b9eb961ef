"""The lifecycle of draft returns: the whole product of states and actions, and what a finished draft becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from loopsim.domain.draft_returns import LIFECYCLE, STATES, Draft, ReturningItem, finalized, missing, move
from loopsim.errors import Refusal

DRAFT = Draft(id=43, order_id=1, created_at=datetime(2026, 6, 1, tzinfo=UTC))
ENDS = {"submitted", "cancelled", "expired"}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("action", LIFECYCLE)
def test_each_action_in_each_state_moves_or_is_refused(action: Any, state: Any) -> None:
    draft = Draft(id=43, order_id=1, created_at=DRAFT.created_at, state=state)
    if state in LIFECYCLE[action]:
        assert move(draft, action).state == LIFECYCLE[action][state]
        assert state not in ENDS
    else:
        with pytest.raises(Refusal) as refused:
            move(draft, action)
        assert refused.value.code == "draft_state"


def test_nothing_is_final_without_items() -> None:
    with pytest.raises(Refusal):
        finalized(DRAFT)


def test_what_is_missing_is_named() -> None:
    assert missing(DRAFT) == ("items", "return_method", "policy")
    with_item = structs.replace(DRAFT, items=(ReturningItem(id=1, line_id=2),))
    assert missing(with_item) == ("credit_type", "return_method", "policy")
