"""What a partner's call is held against: its parameters, which arrive as text."""

from __future__ import annotations

from typing import Any

import pytest

from loopsim.harness.words.calls import mismatches


@pytest.mark.parametrize(
    ("wanted", "sent", "fits"),
    [(5, "5", True), ("5", "5", True), ("#integer", "-5", True), (True, "true", True), (5, "6", False),
     ("#integer", "\u00b2", False), ("#integer", "--5", False), ("#integer", "9" * 5000, False), (5, "", False)],
)  # fmt: skip
def test_a_parameter_is_compared_as_the_text_it_is(wanted: Any, sent: str, fits: bool) -> None:
    entry = {"path": "/api/v1/x", "query": f"size={sent}", "direction": "in", "kind": "call", "method": "GET"}
    assert (mismatches(entry, {"query": {"size": wanted}}) == []) is fits
