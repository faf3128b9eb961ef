"""`loopsim words`."""

from __future__ import annotations

import json

from loopsim.harness.words import WORDS
from tests.cli.terminal import invoke, run


def test_every_word_is_listed_with_what_it_says_and_so_are_the_matchers() -> None:
    lines = [line.split() for line in invoke("words").out.splitlines()]

    listed = {line[0]: line[1:] for line in lines if line}
    assert set(WORDS) <= listed.keys()
    assert listed["#uuid"] == ["A", "UUID."]
    assert all(listed[name] for name in WORDS)


def test_one_word_is_shown_with_its_arguments_and_an_example() -> None:
    out = invoke("words", "carrier.scans").out

    assert "- carrier.scans: {return_id: '${ret.id}', status: delivered}" in out
    (status,) = (line for line in out.splitlines() if line.startswith("status"))
    assert "delivered" in status
    assert "Required." in status
    assert "items[].outcome" in invoke("words", "customer.submits_return").out
    assert "May stand alone behind the word." in invoke("words", "clock.advances").out


def test_a_word_that_is_none_gets_the_nearest() -> None:
    done = run("words", "carier.scans")

    assert done.code == 2
    assert "There is no word 'carier.scans'. Did you mean carrier.scans?" in done.err


def test_as_json_the_words_come_with_their_schemas() -> None:
    answer = invoke("words", "--format", "json").json

    assert {word["name"] for word in answer["words"]} == set(WORDS)
    assert "#money" in answer["matchers"]
    one = invoke("words", "clock.advances", "--format", "json").json
    assert (one["main"], one["arguments"]["type"]) == ("by", "object")


def test_the_schema_for_editors_is_printed() -> None:
    schema = json.loads(invoke("words", "--schema").out)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "clock.advances" in json.dumps(schema["$defs"]["step"])
