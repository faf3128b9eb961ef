"""Cases of the rules about actions, processing, retries and the rate limit."""

from __future__ import annotations

from typing import Any

from tests.rules.building import RETURN, START, Case, Entry, call, details, hook, moved, refused, story

OTHER = 514_700_002
PROCESS = call("processReturn", RETURN)
NOTE = call("createNote", RETURN, {"content": "Received."})
CLOSED = hook("return.closed", "closed")
FAILED = hook("return.processing.failed", topic="return.processing")
LOST: dict[str, Any] = {"status": None, "fault": "answer_lost", "answer": None}
BROKEN: dict[str, Any] = {
    "status": 500,
    "fault": "server_error",
    "refusal": "server_error",
    "answer": {"message": "Server Error"},
}
LIMITED: dict[str, Any] = {"status": 429, "refusal": "too_many_attempts", "answer": {"message": "Too Many Attempts."}}


def timed(entry: Entry, began: float, took: float = 1.0) -> Entry:
    """The entry at a moment of real time, in milliseconds."""
    return {**entry, "began_ms": began, "duration_ms": took}


def limited(began: float, retry_after: int | None = 2, **given: Any) -> Entry:
    """A processing that is answered 429."""
    entry = call("processReturn", RETURN, **LIMITED, **given)
    return timed({**entry, **({} if retry_after is None else {"retry_after": retry_after})}, began)


def removal(ids: str, **given: Any) -> Entry:
    """A removal of these items."""
    return call("removeLineItems", RETURN, query=f"line_item_id={ids}", **given)


CASES = {
    "ended-returns-left-alone": Case(
        passes=(
            story(PROCESS, CLOSED),
            # Staff was quicker, and nobody had told.
            story(moved("cancel", "open", "cancelled"), refused("processReturn", "unprocessable")),
            story(hook(state="cancelled", status=500), refused("processReturn", "unprocessable")),
            story(hook(state="closed", return_id=OTHER), PROCESS),
            story(CLOSED, call("gradeItems", body={"items": []}), NOTE, PROCESS | {"return_id": OTHER}),
            # The call was on its way when the webhook came, and was written into the journal after it.
            story(timed(CLOSED, 100, 5), timed(refused("processReturn", "unprocessable"), 103, 9)),
        ),
        fails=(
            (story(hook(state="cancelled"), refused("processReturn", "unprocessable")), "return.updated had told it"),
            (story(call("closeReturn", RETURN), PROCESS), "although its own close had ended it"),
            (
                story(moved("cancel", "open", "cancelled"), details(), call("flagReturn", RETURN)),
                "although it had read",
            ),
        ),
        not_judged=(story(), story(CLOSED, details())),
    ),
    "refusals-not-repeated": Case(
        passes=(
            story(refused("processReturn", "unprocessable")),
            story(*[refused("processReturn", "unprocessable"), moved("edit", "open", "open")] * 3),
            story(*[refused("processReturn", "unprocessable"), hook()] * 3),
        ),
        fails=(
            (story(*[refused("cancelReturn", "unprocessable")] * 3), "It asked to cancel return 514700001 3 times"),
        ),
        not_judged=(story(), story(PROCESS)),
    ),
    "flagged-returns-left-alone": Case(
        passes=(
            story(call("flagReturn", RETURN)),
            story(refused("processReturn", "flagged"), moved("unflag", "open", "open"), PROCESS),
        ),
        fails=(
            (story(call("flagReturn", RETURN), refused("processReturn", "flagged")), "knowing that it is flagged"),
            (story(*[refused("processReturn", "flagged")] * 2), "knowing that it is flagged"),
        ),
        not_judged=(story(), story(PROCESS)),
    ),
    "reviews-left-alone": Case(
        passes=(
            story(hook(state="review"), hook(), PROCESS),
            story(hook(state="review"), PROCESS),
            # It had not been told.
            story(hook(), moved("process_partly_done", "open", "review"), refused("processReturn", "unprocessable")),
            story(hook(state="review", status=500), refused("processReturn", "unprocessable")),
        ),
        fails=((story(hook(state="review"), refused("processReturn", "unprocessable")), "that it is in review"),),
        not_judged=(story(), story(hook(state="review"))),
    ),
    "items-removed-in-one-call": Case(
        passes=(
            story(removal("1,2")),
            story(removal("1", refusal="not_all_removable", status=422), removal("1,2")),
            story(removal("1,2"), removal("1,2")),
        ),
        fails=((story(removal("1"), removal("2", refusal="not_modifiable", status=422)), "one call after the other"),),
        not_judged=(story(), story(PROCESS)),
    ),
    "notes-before-the-end": Case(
        passes=(story(NOTE, CLOSED),),
        fails=((story(CLOSED, NOTE), "It wrote a note to return 514700001 after its end."),),
    ),
    "notes-not-repeated": Case(
        passes=(story(NOTE, call("createNote", RETURN, {"content": "Graded."}), {**NOTE, "return_id": OTHER}),),
        fails=((story(NOTE, hook(), NOTE), "It wrote the same note to return 514700001 2 times."),),
    ),
    "processed-once": Case(
        passes=(
            story(PROCESS, CLOSED),
            story(PROCESS, FAILED, PROCESS),
            story(PROCESS, moved("process_partly_done", "open", "review"), PROCESS),
            story(refused("processReturn", "flagged"), PROCESS),
            story(PROCESS, call("processReturn", OTHER)),
            story(call("processReturn", RETURN, **LIMITED), PROCESS),
            story(call("processReturn", RETURN, **LOST), details(), PROCESS),
        ),
        fails=(
            (story(PROCESS, PROCESS), "again, after Loop had taken it"),
            (story(PROCESS, CLOSED, refused("processReturn", "unprocessable")), "again, after Loop had taken it"),
        ),
        not_judged=(story(), story(CLOSED)),
    ),
    "processing-awaited": Case(
        passes=(
            story(PROCESS, CLOSED),
            story(PROCESS, FAILED),
            story(PROCESS, moved("process_done", "open", "closed"), details()),
            story(PROCESS, moved("process_done", "open", "closed"), call("listReturns", query="state=closed")),
        ),
        fails=((story(PROCESS, moved("process_done", "open", "closed")), "neither a webhook nor a read told it"),),
        not_judged=(
            story(),
            story(PROCESS),
            story(refused("processReturn", "flagged")),
            # It polls, and the story ended before its next turn.
            story(call("listReturns", query="state=open"), PROCESS, moved("process_done", "open", "closed")),
        ),
    ),
    "retried-safely": Case(
        passes=(
            story(call("processReturn", RETURN, **LOST), details(), PROCESS),
            story(call("processReturn", RETURN, **LOST), CLOSED),
            story(call("processReturn", RETURN, **BROKEN), details(), PROCESS),
            story(call("createNote", RETURN, {"content": "A"}, **LOST), call("listNotes", RETURN), NOTE),
            story(call("createNote", RETURN, {"content": "A"}, **LOST), NOTE),
            story(call("processReturn", RETURN, **LOST), details(), *[call("createLabel", body={}, **LOST)] * 2),
        ),
        fails=(
            (story(call("processReturn", RETURN, **LOST), PROCESS), "Its process of return 514700001 got no answer"),
            (story(call("processReturn", RETURN, **BROKEN), PROCESS), "was answered 500"),
            (story(call("createNote", RETURN, {"content": "Received."}, **LOST), NOTE), "without looking"),
        ),
        not_judged=(story(), story(PROCESS), story(call("processReturn", RETURN, **LIMITED), PROCESS)),
    ),
    "too-many-attempts-waited-out": Case(
        passes=(
            story(limited(0), timed(PROCESS, 2_010)),
            story(limited(0), timed(details(), 30)),  # another worker, which the limit let through
            story(limited(0), timed({**PROCESS, "key": "2"}, 30)),
            story(limited(0, retry_after=None), timed(PROCESS, 900)),
        ),
        fails=(
            (
                story(limited(0), timed(PROCESS, 500)),
                "After a 429 that asked to wait 2 s it called process 0.50 s later.",
            ),
            (story(limited(0), timed(call("listReturns", **LIMITED), 700)), "it called listReturns"),
            (story(limited(0, retry_after=None), timed(PROCESS, 20)), "asked to pause"),
        ),
        not_judged=(story(), story(PROCESS), story(call("processReturn", RETURN, **LIMITED), PROCESS)),
    ),
    "no-retry-storm": Case(
        passes=(
            story(*[timed(call("processReturn", RETURN, **BROKEN), at) for at in (0, 20, 140, 160)]),
            story(*[timed(call("processReturn", RETURN, **BROKEN), at, 100) for at in (0, 20, 40)]),  # of three workers
            story(
                *[timed(hook(), at) for at in (0, 1, 2)],  # each of them has the partner look
                *[timed(details(**BROKEN), at) for at in (3, 6, 9)],
            ),
            story(
                *[
                    timed({**call("processReturn", RETURN, **BROKEN), "at": START + at}, at // 1000)
                    for at in (0, 5_000, 20_000)
                ]
            ),
            story(*[timed(call("processReturn", RETURN, **BROKEN), at) for at in (0, 120, 240, 360, 480)]),
            story(*[timed(call("processReturn", RETURN, **BROKEN), at * 1_000) for at in range(9)]),
            story(*[timed(call("processReturn", each, **BROKEN), each * 10) for each in range(9)]),
        ),
        fails=(
            (story(*[limited(at * 20) for at in range(9)]), "It made process 9 times with hardly a pause."),
            (
                story(
                    *[
                        timed(call("processReturn", RETURN, **each), at)
                        for at, each in ((0, BROKEN), (2, BROKEN), (4, {}))
                    ]
                ),
                "It made process 3 times with hardly a pause.",
            ),
        ),
        not_judged=(story(), story(timed(PROCESS, 0))),
    ),
}
