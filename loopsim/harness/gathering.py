"""What a story leaves behind: its deliveries, and the partners' own states of its returns."""

from __future__ import annotations

from typing import Any

from loopsim.harness.failures import StoryOver
from loopsim.harness.journal import Entry
from loopsim.harness.probe import ProbeFailed, fill
from loopsim.harness.story import Story
from loopsim.harness.words.probes import about_view

Json = dict[str, Any]
_PAGE = 1000


def deliveries_of(story: Story) -> tuple[Json, ...]:
    """Each delivery with its attempts, from its row and what the journal has of it."""
    attempts: dict[int, list[Entry]] = {}
    for entry in story.journal.of("delivery"):
        attempts.setdefault(entry["delivery_id"], []).append(entry)
    rows: list[Json] = []
    while True:
        page = story.shop.deliveries(after=rows[-1]["id"] if rows else 0, limit=_PAGE)
        rows += page
        if len(page) < _PAGE:
            break
    return tuple({**row, "attempts": [_attempt(entry) for entry in attempts.get(row["id"], [])]} for row in rows)


def probed(story: Story) -> tuple[tuple[Json, ...], tuple[Json, ...]]:
    """The partners' own states of every return: partner, return_id, state (in Loop's words where they are mapped) and
    the whole answer, once; and the returns as Loop has them. Both are empty where there is no probe. Raises StoryOver
    where a probe gives no answer."""
    probing = [partner for partner in story.partners.values() if partner.probe is not None]
    if not probing or story.over is not None:
        return (), ()
    views = tuple(story.shop.returns(limit=_PAGE))
    found: list[Json] = []
    answers: dict[tuple[str, str], Any] = {}  # who tells of all returns at once is asked once, and kept once
    kept: set[tuple[str, str]] = set()
    for view in views:
        about = about_view(story, view)
        for partner in probing:
            assert partner.probe is not None
            try:
                question = (partner.name, fill(partner.probe.ask, about))
                if question not in answers:
                    answers[question] = partner.probe.answer(about)
                answer = answers[question]
                state = partner.probe.state(about, answer)
            except ProbeFailed as error:
                raise StoryOver(str(error), partner=False) from error
            told = {"partner": partner.name, "return_id": view["id"], "state": state}
            found.append(told if question in kept else {**told, "answer": answer})
            kept.add(question)
    return tuple(found), views


def _attempt(entry: Entry) -> Json:
    names = ("at", "url", "request_headers", "request_body", "status", "response_body", "error", "duration_ms")
    return {"number": entry.get("attempt"), "entry": entry["id"], **{name: entry.get(name) for name in names}}
