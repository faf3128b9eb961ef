"""The registry of words: every act is one, and each says what it takes."""

from __future__ import annotations

import pytest
from jsonschema_rs import Draft202012Validator

from loopsim.contract import load_contract
from loopsim.harness.words import WORDS, Word, arguments_of

ACTS = [
    path.rpartition("/")[2]
    for path in load_contract().document("control")["paths"]
    if path.startswith("/_loopsim/shops/{shop}/acts/")
]


@pytest.mark.parametrize("act", ACTS)
def test_every_act_of_the_control_api_is_a_word(act: str) -> None:
    assert act in WORDS


@pytest.mark.parametrize("made", WORDS.values(), ids=list(WORDS))
def test_a_word_says_what_it_is_and_what_it_takes(made: Word) -> None:
    assert made.summary
    assert made.summary[0].isupper()
    assert made.example.startswith(made.name)
    assert made.arguments["type"] == "object"
    assert made.main is None or made.main in made.arguments["properties"]
    Draft202012Validator(made.arguments)


def test_what_stands_alone_is_the_main_argument() -> None:
    assert arguments_of(WORDS["clock.advances"], "14d") == {"by": "14d"}
    assert arguments_of(WORDS["clock.advances"], {"to": "2026-03-16T09:00:00Z"}) == {"to": "2026-03-16T09:00:00Z"}
    assert arguments_of(WORDS["clock.settles"], None) == {}


def test_a_word_without_a_main_argument_says_so() -> None:
    with pytest.raises(ValueError, match=r"carrier\.scans takes its arguments by name"):
        arguments_of(WORDS["carrier.scans"], "delivered")
