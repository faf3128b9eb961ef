"""Defects in how the warehouse calls Loop: repeating, waiting, pages, windows, addresses."""

from __future__ import annotations

from tests.defects.defect import WAREHOUSE, Defect

NEXT_PAGE = '            url = text(page.get("nextPageUrl"))\n'
WAITS = "                self._wait(60.0 if asked_to_wait is None else asked_to_wait)\n                continue\n"
DETAILS = 'f"/warehouse/return/details?return_id={return_id}"'
WINDOWED = "'state': state, **window})}"
FIRST_CATCH_UP = '            found = [*self.loop.listed("open"), *self.loop.listed("review")]\n            if abs'
SECOND_CATCH_UP = '                found = [*self.loop.listed("open"), *self.loop.listed("review")]\n        except'

CALL_DEFECTS = (
    Defect(
        "processes-again-blindly-when-the-answer-is-lost",
        WAREHOUSE,
        (
            ("            if took_effect and took_effect():\n                return True\n", ""),
            ("DOUBT if took_effect else 0, ", ""),
        ),
        ("lost-answers-survived", "retried-safely", "processed-once"),
        "The money was on its way when the line broke, and is asked for again.",
    ),
    Defect(
        "never-tries-again",
        WAREHOUSE,
        (
            ("            if failures == TRIES:\n", "            if failures:\n"),
            (
                '            self.mark(return_id, "attention", f"no answer from Loop',
                '            known.handed_over = True\n            self.mark(return_id, "attention", f"no answer from Loop',
            ),
        ),
        (
            "wms/two-way/hiccup-while-reading",
            "wms/two-way/server-error-on-process",
        ),
        "One hiccup of Loop, and a return is left to staff for ever.",
    ),
    Defect(
        "gives-up-at-429",
        WAREHOUSE,
        ((WAITS, '                known = "too many"\n                raise Refused(known, status)\n'),),
        (
            "too-many-attempts-survived",
            "too-many-attempts-waited-out",
        ),
        "In the busiest hour returns fall through.",
    ),
    Defect(
        "ignores-retry-after",
        WAREHOUSE,
        ((WAITS, "                self._wait(LEAST_WAIT)\n                continue\n"),),
        ("too-many-attempts-waited-out", "no-retry-storm"),
        "It knocks five times a second at a door that is closed for a minute, and keeps others out, too.",
    ),
    Defect(
        "retry-storm",
        WAREHOUSE,
        ((WAITS, "                self.stop.wait(0.005)\n                continue\n"),),
        ("no-retry-storm", "too-many-attempts-waited-out"),
        "Thousands of calls a minute against a limit of 300.",
    ),
    Defect(
        "retries-a-broken-loop-without-a-pause",
        WAREHOUSE,
        (
            ("            if failures == TRIES:\n", "            if failures == 40:\n"),
            (
                "            self._wait(max(asked_to_wait or 0, DOUBT if took_effect else 0, BACKOFF * 2 ** (failures - 1)))\n",
                "",
            ),
        ),
        ("no-retry-storm",),
        "While Loop is down, every client that does this keeps it down.",
    ),
    Defect(
        "stops-after-one-page",
        WAREHOUSE,
        ((NEXT_PAGE, '            url = ""\n'),),
        ("pages-walked",),
        "Everything after the hundredth return is never seen.",
    ),
    Defect(
        "builds-its-own-next-page",
        WAREHOUSE,
        (
            (
                NEXT_PAGE,
                '            cursor = text(page.get("nextPageUrl")).partition("cursor=")[2]\n            url = f"/warehouse/return/list?paginate=true&cursor={cursor}" if cursor else ""\n',
            ),
        ),
        (
            "page-links-verbatim",
            "pages-walked",
            "window-given",
        ),
        "The link's other parameters are lost, and the second page is one of another question.",
    ),
    Defect(
        "asks-without-dates",
        WAREHOUSE,
        (
            (WINDOWED, "'state': state})}"),
            (
                '        window = {"from": stamp(self.now - WINDOW, "T", "Z"), "to": stamp(self.now + MARGIN, "T", "Z")}\n',
                "",
            ),
        ),
        ("window-given",),
        "Loop shows the last 24 hours; a weekend of returns is missing.",
    ),
    Defect(
        "asks-from-a-day-only",
        WAREHOUSE,
        (('"Z"), "to": stamp(self.now + MARGIN, "T", "Z")}', '"Z")}'),),
        ("window-with-both-ends",),
        "With `from` alone Loop shows the 24 hours after it, not all since.",
    ),
    Defect(
        "asks-for-more-than-120-days",
        WAREHOUSE,
        (("WINDOW = timedelta(days=118)", "WINDOW = timedelta(days=180)"),),
        ("window-within-limits",),
        "Loop refuses the question, and nothing is caught up.",
    ),
    Defect(
        "asks-with-local-time",
        WAREHOUSE,
        (
            (
                '        window = {"from": stamp(self.now - WINDOW, "T", "Z"), "to": stamp(self.now + MARGIN, "T", "Z")}\n',
                '        here = self.now.astimezone()\n        window = {"from": stamp(here - WINDOW), "to": stamp(here)}\n',
            ),
        ),
        ("wms/two-way/webhooks-missed",),
        "Zone-less times are taken as UTC, so the last hours are always missing.",
        (("TZ", "America/New_York"),),
    ),
    Defect(
        "never-asks-for-review",
        WAREHOUSE,
        (
            (FIRST_CATCH_UP, FIRST_CATCH_UP.replace(', *self.loop.listed("review")', "")),
            (SECOND_CATCH_UP, SECOND_CATCH_UP.replace(', *self.loop.listed("review")', "")),
        ),
        ("states-asked-for",),
        "Loop leaves out what is in review unless asked; nobody at the dock knows of it.",
    ),
    Defect(
        "takes-no-notes-for-an-error",
        WAREHOUSE,
        (("            if refusal.status == 422:\n", "            if refusal.status == 404:\n"),),
        ("wms/two-way/inspect-and-process",),
        "Loop answers 422 to a question for notes where there are none, and every return ends with staff.",
    ),
    Defect(
        "puts-the-key-into-the-address",
        WAREHOUSE,
        ((DETAILS, "f\"/warehouse/return/details?return_id={return_id}&api_key={self.headers['X-Authorization']}\""),),
        ("secrets-not-in-urls",),
        "The key stands in the log of every proxy on the way.",
    ),
    Defect(
        "sends-a-parameter-that-loop-drops",
        WAREHOUSE,
        ((WINDOWED, "'state': state, 'limit': 500, **window})}"),),
        ("fields-known",),
        "Loop ignores it without a word; what it was meant to do never happens.",
    ),
    Defect(
        "sends-a-field-that-loop-drops",
        WAREHOUSE,
        (('{"content": content}', '{"content": content, "visible_to_customer": False}'),),
        ("fields-known",),
        "What was meant to be internal is not: Loop knows no such field.",
    ),
    Defect(
        "calls-an-old-version",
        WAREHOUSE,
        (
            (
                '        self.base = base.rstrip("/")\n',
                '        self.base = base.rstrip("/").replace("/api/v1", "/api/2025-01")\n',
            ),
        ),
        ("version-supported",),
        "The version is gone, and every call with it.",
    ),
)
