"""A warehouse that polls: webhooks are answered and forgotten, and what it does follows from rounds of questions alone.

A round lists what is open and what is in review, and reads each return that it knew and that is in neither list any
more. Rounds begin every POLL_EVERY seconds (60 without it), and whenever somebody asks for the state: `idle` says that
a round which began after the question has come to its end, so that there is nothing left that it could see.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import datetime, timedelta
from typing import Any

from loopsim.partners import warehouse
from loopsim.partners.warehouse import MARGIN, Expected, Refused, Unavailable, arrived, text, whole

ENDED = ("closed", "cancelled")
PATIENCE = 1.0  # seconds that whoever asks for the state is kept waiting; a round may have to wait out a 429
OVERDUE = timedelta(minutes=10)  # of Loop's time: a queue that has not processed a return by then will not


class Polling(warehouse.Warehouse):
    """The reference warehouse's worker, inspection and payout; how it learns of returns is its own."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.coming: threading.Event | None = None  # set when the round that has not begun yet is over
        self.over: set[int] = set()  # returns that are closed, cancelled or gone: nothing follows
        self.queued_at: dict[int, datetime] = {}

    def deliver(self, *_: object) -> int:
        """Webhooks are welcome, and say nothing that the next round would not."""
        return 200

    def state(self) -> dict[str, Any]:
        whole_round = self.look().wait(PATIENCE)
        return {**super().state(), "idle": whole_round}

    def look(self) -> threading.Event:
        """Have a round begin after now; several who ask before it begins share it."""
        with self.lock:
            coming, is_new = self.coming or threading.Event(), self.coming is None
            self.coming = coming
        if is_new:
            self.add_job(self.catch_up)
        return coming

    def catch_up(self) -> None:
        """One round."""
        with self.lock:
            coming, self.coming = self.coming, None
        try:
            self.poll()
        except (Refused, Unavailable) as trouble:
            self.say(f"could not poll: {trouble}")
        finally:
            if coming is not None:
                coming.set()

    def poll(self) -> None:
        """Look at all that is not over, and do what it needs."""
        listed = self.listed()
        for return_id, row in listed.items():
            self.over.discard(return_id)
            self.follow(return_id, self.remember(return_id), row)
        for return_id in sorted(self.returns.keys() - listed.keys() - self.over):
            self.see_off(return_id)

    def see_off(self, return_id: int) -> None:
        """Learn what became of a return that is in no list any more."""
        try:
            details = self.loop.details(return_id)
        except Refused as refusal:
            # Loop says that it knows no such return, with status 200. Asking again would cost a call in each round.
            self.mark(return_id, "attention", f"Loop refused: {refusal}")
            self.over.add(return_id)
            return
        if self.stood_back(return_id, details) and text(details.get("state")) in ENDED:
            self.over.add(return_id)

    def listed(self) -> dict[int, dict[str, Any]]:
        """What Loop has that may need us, by id."""
        believed = self.loop.now
        found = [*self.loop.listed("open"), *self.loop.listed("review")]
        if abs(self.loop.now - believed) > MARGIN:  # the window was made by a clock that was far off
            found = [*self.loop.listed("open"), *self.loop.listed("review")]
        return {i: row for row in found if (i := whole(row.get("id"))) is not None}

    def follow(self, return_id: int, known: Expected, row: dict[str, Any]) -> None:
        if self.stood_back(return_id, row):
            return
        if known.stage == "processing":
            if self.loop.now - self.queued_at.setdefault(return_id, self.loop.now) > OVERDUE:
                self.mark(return_id, "attention", "Loop took it for processing, and has not done it")
        elif not known.handed_over and arrived(row):
            self.attend(return_id)
            self.queued_at[return_id] = self.loop.now
        elif not known.handed_over:
            self.mark(return_id, "expected")


if __name__ == "__main__":
    warehouse.Warehouse = Polling  # type: ignore[misc]
    warehouse.CATCH_UP_EVERY = float(os.environ.get("POLL_EVERY") or 60.0)
    sys.exit(warehouse.main())
