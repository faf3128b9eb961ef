"""Defects of the ERP: what it does not ask for, what it reads wrongly, what it books wrongly."""

from __future__ import annotations

from tests.defects.defect import ERP, Defect

QUESTIONS = 'const QUESTIONS = [{}, { state: "review" }, { state: "cancelled" }];\n'
NEXT_PAGE = "        url = text(page.nextPageUrl);\n"
PAID = "    const paid = at === null ? 0n : cents(row[field]);\n"
ASKED = '{ ...question, filter: "updated_at", from: stamp(from), to: stamp(to) }'
AMOUNT = '  const amount = BigInt(found[2] + (found[3] ?? "").padEnd(2, "0"));\n'
WAITS = "          await this.pause(wait ?? 60_000);\n          continue;\n"
NEW_YORK = (("TZ", "America/New_York"),)

ERP_DEFECTS = (
    Defect(
        "never-asks-for-cancelled",
        ERP,
        ((QUESTIONS, 'const QUESTIONS = [{}, { state: "review" }];\n'),),
        ("states-asked-for",),
        "A cancelled return stays open in the books for ever.",
    ),
    Defect(
        "asks-for-closed-only",
        ERP,
        ((QUESTIONS, 'const QUESTIONS = [{ state: "closed" }];\n'),),
        ("states-asked-for",),
        "What was paid of a return that is now in review is not in the books.",
    ),
    Defect(
        "never-asks-for-what-is-in-review",
        ERP,
        ((QUESTIONS, 'const QUESTIONS = [{}, { state: "cancelled" }];\n'),),
        ("states-asked-for",),
        "The refund of a return whose exchange is out of stock is paid, and not booked.",
    ),
    Defect(
        "asks-for-several-states-at-once",
        ERP,
        ((QUESTIONS, 'const QUESTIONS = [{ state: "open,closed,expired,review,cancelled" }];\n'),),
        ("requests-readable",),
        "Loop takes one state in a call and refuses the list.",
    ),
    Defect(
        "walks-the-first-page-only",
        ERP,
        ((NEXT_PAGE, '        url = "";\n'),),
        ("pages-walked",),
        "Everything after the fiftieth return of a day is not booked.",
    ),
    Defect(
        "asks-for-page-two-itself",
        ERP,
        (
            (
                NEXT_PAGE,
                '        const cursor = text(page.nextPageUrl).split("cursor=")[1];\n'
                '        url = cursor ? `${this.base}/warehouse/return/list?paginate=true&cursor=${cursor}` : "";\n',
            ),
        ),
        (
            "page-links-verbatim",
            "pages-walked",
            "window-given",
        ),
        "The second page is one of another question, and returns are missing.",
    ),
    Defect(
        "asks-for-the-last-day-without-dates",
        ERP,
        ((ASKED, '{ ...question, filter: "updated_at" }'),),
        ("window-given",),
        "After a weekend without the server, a day of three is booked.",
    ),
    Defect(
        "asks-for-half-a-year-at-once",
        ERP,
        (("const WINDOW = 118 * DAY;", "const WINDOW = 180 * DAY;"),),
        ("window-within-limits",),
        "Loop refuses the question, and the first import books nothing.",
    ),
    Defect(
        "asks-by-the-day-of-creation",
        ERP,
        (('filter: "updated_at"', 'filter: "created_at"'),),
        (
            "erp/one-way/flagged-and-paid-later",
            "erp/one-way/instant-exchange-charged",
        ),
        "A return that is paid two weeks after it was made is never seen paid.",
    ),
    Defect(
        "goes-by-its-own-clock",
        ERP,
        (("    return Date.now() + this.ahead;\n", "    return Date.now();\n"),),
        # A whole folder, here alone: with a clock that is months off nothing is seen at all, so any story will do.
        ("erp/one-way/",),
        "A server whose clock is off by a day asks for a day that has not come.",
    ),
    Defect(
        "knocks-until-it-is-let-in",
        ERP,
        ((WAITS, "          await sleep(5, undefined, { signal: this.stop });\n          continue;\n"),),
        ("no-retry-storm", "too-many-attempts-waited-out"),
        "Thousands of calls a minute against a limit of 300.",
    ),
    Defect(
        "reads-zoneless-times-as-local",
        ERP,
        (('(zoned ? "" : "Z")', '""'),),
        ("times-read-right",),
        "Refunds of the last evening of a month are booked in the next one.",
        NEW_YORK,
    ),
    Defect(
        "writes-local-times-into-its-questions",
        ERP,
        (
            (
                'function stamp(ms) {\n  return new Date(ms).toISOString().replace(/\\.\\d+Z$/, "Z");\n',
                'function stamp(ms) {\n  const local = ms - new Date(ms).getTimezoneOffset() * 60_000;\n  return new Date(local).toISOString().replace(/\\.\\d+Z$/, "");\n',
            ),
            ("const MARGIN = DAY;", "const MARGIN = 0;"),
        ),
        ("times-read-right",),
        "Zone-less times are taken as UTC, so the last hours are always missing.",
        NEW_YORK,
    ),
    Defect(
        "parses-ids-as-numbers",
        ERP,
        (
            (
                '  return /^\\d+$/.test(digits) ? digits : "";\n',
                '  return /^\\d+$/.test(digits) ? String(Math.fround(Number(digits))) : "";\n',
            ),
        ),
        (
            "erp/one-way/two-returns-of-one-order",
            "erp/one-way/payout-is-seen",
        ),
        "Two returns fall together into one, and one of them is not booked.",
    ),
    Defect(
        "books-whole-units-only",
        ERP,
        ((AMOUNT, "  const amount = BigInt(found[2]) * 100n;\n"),),
        ("money-exact",),
        "The cents of every refund are lost.",
    ),
    Defect(
        "cuts-cents-off-by-floating-point",
        ERP,
        ((AMOUNT, '  const amount = BigInt(Math.floor(parseFloat(found[0].replace("-", "")) * 100));\n'),),
        ("money-exact",),
        "One cent is missing in some refunds, and nobody finds out in which.",
    ),
    Defect(
        "rounds-to-ten-cents",
        ERP,
        ((AMOUNT, '  const amount = BigInt(Math.round(parseFloat(found[0].replace("-", "")) * 10)) * 10n;\n'),),
        ("money-exact",),
        "The books and the bank differ in every line.",
    ),
    Defect(
        "books-an-exchange-as-a-refund",
        ERP,
        (('  refund: ["refund", "refund_processed"],\n', '  refund: ["return_total", "return_processed"],\n'),),
        ("erp/one-way/outcomes-are-booked",),
        "Money that never left is booked as paid.",
    ),
    Defect(
        "books-store-credit-as-a-refund",
        ERP,
        (('  refund: ["refund", "refund_processed"],\n', '  refund: ["total", "return_processed"],\n'),),
        ("erp/one-way/outcomes-are-booked",),
        "A debt to the customer is booked as cash that went out.",
    ),
    Defect(
        "forgets-the-handling-fee",
        ERP,
        (('  fee: ["handling_fee", "return_processed"],\n', ""),),
        ("erp/one-way/handling-fee",),
        "Income is missing in the books.",
    ),
    Defect(
        "books-what-is-only-announced",
        ERP,
        ((PAID, "    const paid = cents(row[field]);\n"),),
        ("erp/one-way/only-announced",),
        "A return that is never sent is booked as paid.",
    ),
    Defect(
        "books-whatever-is-closed",
        ERP,
        ((PAID, '    const paid = row.state === "closed" ? cents(row[field]) : 0n;\n'),),
        ("erp/one-way/closed-without-payout",),
        "What staff closed without a payout is booked as paid.",
    ),
    Defect(
        "books-again-at-each-look",
        ERP,
        (("    const booked = sumOf(entries, kind);\n", "    const booked = 0n;\n"),),
        (
            "hybrid/one-way/sent-twice-at-once",
            "erp/one-way/a-part-now-the-rest-later",
        ),
        "A row seen twice is booked twice.",
    ),
    Defect(
        "books-a-return-once-and-never-again",
        ERP,
        (
            (
                "    const known = this.returns.get(returnId);\n",
                "    const known = this.returns.get(returnId);\n    if (known?.entries.length) return [];\n",
            ),
        ),
        ("erp/one-way/a-part-now-the-rest-later",),
        "The exchange that follows the refund by a week is not booked.",
    ),
    Defect(
        "takes-a-return-as-it-first-was",
        ERP,
        (
            (
                "    const known = this.returns.get(returnId);\n",
                "    const known = this.returns.get(returnId);\n    if (known) return [];\n",
            ),
        ),
        (
            "erp/one-way/cancelled-is-noticed",
            "erp/one-way/edited-before-payout",
        ),
        "What was open when it was first seen stays open.",
    ),
    Defect(
        "keeps-what-a-return-was-before-its-edit",
        ERP,
        (
            ("      outcome: text(row.outcome),\n", "      outcome: known?.outcome || text(row.outcome),\n"),
            (PAID, "    const paid = at === null ? 0n : cents((firstSeen[row.id] ??= { ...row })[field]);\n"),
            ("const PAGE_SIZE = 50;\n", "const PAGE_SIZE = 50;\nconst firstSeen = {};\n"),
            (
                "    const updated = moment(row.updated_at);\n",
                "    const updated = moment(row.updated_at);\n    firstSeen[row.id] ??= { ...row };\n",
            ),
        ),
        ("erp/one-way/edited-before-payout",),
        "The customer changed a refund into store credit, and the refund is booked.",
    ),
    Defect(
        "stops-at-the-first-row-it-does-not-understand",
        ERP,
        (
            (
                '    if (!returnId) return this.puzzled("", "a row without an id");\n',
                '    if (!returnId) return this.puzzled("", "a row without an id");\n    if (!["refund", "credit", "exchange"].includes(row.outcome)) throw new TypeError(row.outcome);\n',
            ),
        ),
        ("erp/one-way/two-outcomes-in-one-return",),
        "One mixed return, and nothing after it is booked.",
    ),
    Defect(
        "shows-the-key-in-its-questions",
        ERP,
        (('paginate: "true", pageSize', 'api_key: this.headers["X-Authorization"], paginate: "true", pageSize'),),
        ("secrets-not-in-urls",),
        "The key stands in the log of every proxy on the way.",
    ),
    Defect(
        "asks-with-a-limit-that-loop-drops",
        ERP,
        (("pageSize: String(PAGE_SIZE)", "limit: String(PAGE_SIZE)"),),
        ("fields-known",),
        "Loop ignores it without a word.",
    ),
    Defect(
        "asks-a-version-that-is-gone",
        ERP,
        (
            (
                '    this.base = base.replace(/\\/+$/, "");\n',
                '    this.base = base.replace(/\\/+$/, "").replace("/api/v1", "/api/2025-01");\n',
            ),
        ),
        ("version-supported",),
        "The version is gone, and every call with it.",
    ),
)
