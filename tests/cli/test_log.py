"""The line per call and delivery that `serve` writes."""

from __future__ import annotations

import pytest

from loopsim.commands.log import _line, redacted


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:9000/hook", "http://127.0.0.1:9000/hook"),
        ("https://user:secret@wms.example/hook?a=1&token=abc&b=2", "https://wms.example/hook?a=1&token=…&b=2"),
        ("http://[127.0.0.1]/?key=abc", "http://[127.0.0.1]/?key=…"),
        ("http://127.0.0.1:99999/", "http://127.0.0.1:99999/"),
        ("anything", "anything"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_a_step_in_a_lifecycle_and_a_note_have_lines_of_their_own() -> None:
    step = {"kind": "move", "entity": "return", "return_id": 7, "state": "open", "action": "close", "to": "closed"}
    assert _line(step) == "· return 7 open → closed (close)"
    assert _line({**step, "entity": "label_request"}).startswith("· label request of return 7 ")
    assert _line({"kind": "note", "note": "Mind the gap."}).endswith("Mind the gap.")
