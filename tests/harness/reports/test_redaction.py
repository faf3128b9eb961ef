"""Keys and secrets never leave with a report."""

from __future__ import annotations

import msgspec
import pytest

from loopsim.harness.reports import ctrf, github, html, junit
from loopsim.harness.reports.redaction import hidden, redacted
from tests.harness.reports.example import KEY, SECRET, example, failing


@pytest.mark.parametrize(
    "text",
    [
        f"LOOP_API_KEY={KEY}",
        f"GET /api/v1/warehouse/return/list?api_key={KEY}",
        f"X-Authorization: {KEY}",
        f'{{"headers": {{"X-Authorization": "{KEY}"}}}}',
        f"LOOP_WEBHOOK_SECRET={SECRET}",
        f'{{"secret": "{SECRET}"}}',
        f'"{{\\"secret\\": \\"{SECRET}\\"}}"',
        f"Authorization: Bearer {SECRET}",
        f"https://example.com/?token={SECRET}&page=2",
    ],
)
def test_what_has_the_form_or_the_name_of_a_secret_is_hidden(text: str) -> None:
    shown = hidden(text)

    assert KEY not in shown
    assert SECRET not in shown
    assert "[redacted]" in shown
    assert hidden(shown) == shown


@pytest.mark.parametrize("text", ["Wrong secret: the partner signed nothing.", '{"tokens": 3, "author": "Dana"}'])
def test_what_only_speaks_of_a_secret_stays(text: str) -> None:
    assert hidden(text) == text


@pytest.mark.parametrize("kind", ["code", "at", "rt"])
def test_codes_and_tokens_are_hidden_wherever_they_stand(kind: str) -> None:
    text = f"It went on with loop_{kind}.run-1.{SECRET.encode().hex()} twice."

    assert hidden(text) == f"It went on with loop_{kind}.[redacted] twice."


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token":"sha256:0a1b2c3d"}',
        '"{\\"token\\": \\"sha256:0a1b2c3d\\"}"',
        "client_secret=sha256:0a1b2c3d&x=1",
    ],
)
def test_what_says_which_secret_it_was_stays(text: str) -> None:
    assert hidden(text) == text
    longer = text.replace("0a1b2c3d", "0a1b2c3d4e5f")
    assert "0a1b" not in hidden(longer)


def test_a_known_secret_goes_wherever_it_stands() -> None:
    run = example(scenarios=(msgspec.structs.replace(failing(), why=f"It printed {SECRET}."),))

    shown = redacted(run, [SECRET])

    assert SECRET not in msgspec.json.encode(shown).decode()
    assert redacted(shown) == shown


def test_headers_with_credentials_are_hidden_whatever_they_hold() -> None:
    entry = {"at": 0, "kind": "call", "id": 1, "request_headers": {"X-Authorization": "my own key"}}
    run = redacted(example(scenarios=(msgspec.structs.replace(failing(), journal=(entry,)),)))

    assert run.scenarios[0].journal[0]["request_headers"] == {"X-Authorization": "[redacted]"}


def test_half_a_surrogate_pair_breaks_no_report() -> None:
    (failure,) = failing().failures
    broken = msgspec.structs.replace(failure, says="\ud83d half", actual="\udc00", file="\ud800.yaml")
    run = example(scenarios=(msgspec.structs.replace(failing(), failures=(broken,), title="\udfff"),))

    for text in (ctrf.render(run), html.render(run), github.annotations(run), github.step_summary(run)):
        assert "? half" in text.encode().decode()
    assert b"? half" in junit.render(run)


def test_no_report_holds_the_key() -> None:
    run = example()
    texts = [junit.render(run).decode(), ctrf.render(run), html.render(run), github.annotations(run)]
    texts.append(github.step_summary(run))

    assert KEY in msgspec.json.encode(run).decode()
    assert not any(KEY in text for text in texts)
