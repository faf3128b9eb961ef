"""Notes on a return."""

from __future__ import annotations

from tests.quirks.bench import Bench
from tests.quirks.catalogue import shows


@shows("notes-none")
def test_a_return_without_notes_answers_422_and_false(shop: Bench) -> None:
    reply = shop.get(f"/warehouse/return/{shop.submit()}/notes")

    assert (reply.status, reply.body) == (422, b"false")
    assert reply.headers["content-type"] == "application/json"


@shows("notes-array")
def test_notes_are_a_bare_array_newest_first(shop: Bench) -> None:
    return_id = shop.submit()
    for content in ("first", "second"):
        assert shop.post(f"/warehouse/return/{return_id}/note", {"content": content}).body == b"true"
        shop.advance(90)

    notes = shop.get(f"/warehouse/return/{return_id}/notes").json

    assert isinstance(notes, list)
    newest, oldest = notes
    assert list(newest) == ["id", "content", "created_at"]
    assert (newest["content"], newest["created_at"]) == ("second", "2026-06-01 12:01:30")
    assert (oldest["content"], oldest["created_at"]) == ("first", "2026-06-01 12:00:00")
    assert type(newest["id"]) is int


@shows("note-255")
def test_a_note_may_have_255_characters_and_no_more(shop: Bench) -> None:
    return_id = shop.submit()
    path = f"/warehouse/return/{return_id}/note"
    refusal = {"errors": {"message": "Content is required and must be less than 255 characters."}}

    assert shop.post(path, {"content": "ü" * 255}).body == b"true"
    for content in ("x" * 256, "", None):
        reply = shop.post(path, {"content": content})
        assert (reply.status, reply.json) == (422, refusal)
    assert len(shop.get(f"/warehouse/return/{return_id}/notes").json) == 1
