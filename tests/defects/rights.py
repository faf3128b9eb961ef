"""Partners that are right in another way than the reference partners: whoever blames one of them is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from tests.defects.defect import ERP, ROOT, SHIPPER, STOREFRONT, WAREHOUSE, changed

QUEUED = "        self.add_job(partial(self.heed, body))\n        return 200\n"
INSPECTION = (
    '        self.loop.grade(grades)\n        self.loop.assess(fates)\n        self.mark(return_id, "graded")\n'
)
NOTE = '        self.loop.add_note(return_id, f"Warehouse: {len(lines)} unit(s) received and inspected.")\n'
DETAILS = '        return fields(self.call("GET", f"/warehouse/return/details?return_id={return_id}"))\n'


@dataclass(frozen=True)
class Right:
    """A partner that is right. `suite` is what it is judged by, one or several; `changes` as in a defect; `does` what it is able to do,
    where that is less than all."""

    name: str
    partner: str
    suite: str
    says: str
    changes: tuple[tuple[str, str], ...] = ()
    does: tuple[str, ...] | None = None

    def text(self) -> str:
        return changed((ROOT / self.partner).read_text("utf-8"), self.changes)


RIGHT_PARTNERS = (
    Right(
        "inspects-in-another-order",
        WAREHOUSE,
        "@wms/two-way",
        "Writes its note first, then says what becomes of the units, then how they are.",
        (
            (
                INSPECTION,
                '        self.loop.assess(fates)\n        self.loop.grade(grades)\n        self.mark(return_id, "graded")\n',
            ),
            (NOTE + "        # Paying", "        # Paying"),
            ("        grades, fates = [], []\n", "        grades, fates = [], []\n" + NOTE),
        ),
    ),
    Right(
        "answers-200-and-drops-forgeries",
        WAREHOUSE,
        "@wms/two-way",
        "Gives a forger no hint.",
        (('Loop did not sign")\n            return 401\n', 'Loop did not sign")\n            return 200\n'),),
    ),
    Right(
        "answers-204",
        WAREHOUSE,
        "@wms/two-way",
        "Any 2xx is an acknowledgement.",
        (('self._answer(status, "taken"', 'self._answer(202 if status == 200 else status, "taken"'),),
    ),
    Right(
        "remembers-what-it-has-seen",
        WAREHOUSE,
        "@wms/two-way",
        "Keeps the digest of every body, and drops what it has worked on already.",
        (
            (
                QUEUED,
                "        if digest not in self.worked:\n            self.add_job(partial(self.heed, body))\n            self.worked.add(digest)\n        return 200\n",
            ),
            (
                "        self.lock = threading.Lock()\n",
                "        self.lock = threading.Lock()\n        self.worked: set[bytes] = set()\n",
            ),
        ),
    ),
    Right(
        "works-a-little-later",
        WAREHOUSE,
        "@wms/two-way",
        "Its queue takes its time before each job.",
        (
            (
                "            try:\n                job()\n",
                "            self.loop.stop.wait(0.03)\n            try:\n                job()\n",
            ),
        ),
    ),
    Right(
        "reads-by-order-name",
        WAREHOUSE,
        "@wms/two-way",
        "Knows orders, not returns: asks for an order's returns and picks the one it means.",
        (
            (
                DETAILS,
                "        if order := self.orders.get(return_id):\n"
                '            found = rows(self.call("GET", f"/warehouse/return/details?{urlencode({\'order_name\': order})}"))\n'
                '            return next((row for row in found if whole(row.get("id")) == return_id), {})\n' + DETAILS,
            ),
            ("        self.stop = stop\n", "        self.stop = stop\n        self.orders: dict[int, str] = {}\n"),
            (
                "        known = self.remember(return_id)\n        failure",
                '        known = self.remember(return_id)\n        if order := text(payload.get("order_name")):\n            self.loop.orders[return_id] = order\n        failure',
            ),
        ),
    ),
    Right(
        "only-processes",
        WAREHOUSE,
        "@wms/two-way",
        "Inspects on paper: no grading, no notes.",
        ((INSPECTION, '        self.mark(return_id, "graded")\n'), (NOTE, "")),
        ("process",),
    ),
    Right(
        "looks-at-every-webhook",
        WAREHOUSE,
        "@wms/two-way",
        "Reads the return again whatever happened to it.",
        (
            (
                '        if known.stage != "closed" and (failure or delivered or not left_open or known.stage == "attention"):\n',
                '        if known.stage != "closed" or delivered or left_open or failure:\n',
            ),
        ),
    ),
    Right("batches", "tests/defects/right/batching.py", "@wms/two-way", "Works hints off together."),
    Right(
        "polls-and-ignores-webhooks",
        "tests/defects/right/polling.py",
        "@wms/two-way @oms/two-way @middleware/two-way",
        "Asks Loop for its returns round after round, and takes webhooks without a look.",
    ),
    Right(
        "acts-by-webhooks-alone",
        "tests/defects/right/by_webhook_alone.py",
        "@wms/two-way",
        "Goes by the newest payload, and reads only where an answer was lost.",
        does=("process",),
    ),
    Right(
        "books-by-webhook",
        "tests/defects/right/books.py",
        "@erp/one-way",
        "An ERP that takes what webhooks say.",
        does=("nothing",),
    ),
    *(
        Right(
            f"listens-for-{name}",
            "tests/defects/right/listener.py",
            f"@{name}/one-way",
            "Calls nobody: what webhooks said last of a return is what it shows.",
            does=("nothing",),
        )
        for name in ("analytics", "3pl", "helpdesk", "commerce-platform")
    ),
    Right(
        "polls-without-pages",
        ERP,
        "@erp/one-way",
        "Takes the bare array that Loop gives where nobody asks for pages, day by day.",
        (
            (
                "      let url = ",
                '      for (const row of await this.get(`${this.base}/warehouse/return/list?${new URLSearchParams(asked)}`)) yield row;\n      let url = "" && ',
            ),
        ),
    ),
    Right(
        "asks-state-by-state",
        ERP,
        "@erp/one-way",
        "Five questions where three would do, with large pages and times written with a space.",
        (
            (
                "const QUESTIONS = [{}, ",
                'const QUESTIONS = [{ state: "open" }, { state: "closed" }, { state: "expired" }, ',
            ),
            ("const PAGE_SIZE = 50;", "const PAGE_SIZE = 500;"),
            (
                '  return new Date(ms).toISOString().replace(/\\.\\d+Z$/, "Z");\n',
                '  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");\n',
            ),
        ),
    ),
    Right(
        "writes-tickets",
        "tests/defects/right/helpdesk.py",
        "@helpdesk/two-way",
        "A helpdesk that looks returns up by their order, and notes what the customer wrote.",
    ),
    Right(
        "makes-the-cart-when-they-go-back",
        STOREFRONT,
        "@storefront/two-way",
        "Loop hears of a cart once the shopper is done, and each time of a new one.",
        (
            (
                '    return { message: session.handOver.loop_return_id ? await this.keepCart(session) : "" };\n',
                '    return { message: "" };\n',
            ),
            (
                "      if (session.token !== null) return await this.loop.updateCart(session.token, session.variants);\n",
                "      await this.dropCart(session);\n",
            ),
        ),
    ),
    Right(
        "empties-the-cart-by-leaving-it",
        STOREFRONT,
        "@storefront/two-way",
        "Forgets the token of a cart that was emptied, and keeps the session of the checkout as its cart.",
        (
            ("    if (session.token !== null) await this.loop.deleteCart(session.token);\n", ""),
            ('platform: "custom", sessionId, cart }', 'platform: "custom", cartId: sessionId, cart }'),
        ),
    ),
    Right(
        "drops-what-loop-does-not-know",
        STOREFRONT,
        "@storefront/two-way",
        "Takes out of the cart what Loop cannot exchange, sends ids as text, and leads back to the list of items.",
        (
            (
                "      if (!(error instanceof Refused && /no cart found/i.test(error.message))) throw error;\n",
                "      const unknown = /^Variant ID (\\d+) not found/.exec(error.message)?.[1];\n"
                "      if (unknown) {\n"
                "        session.variants = session.variants.filter((each) => String(each) !== unknown);\n"
                "        return session.variants.length ? this.putCart(session) : this.dropCart(session);\n"
                "      }\n"
                "      if (!(error instanceof Refused && /no cart found/i.test(error.message))) throw error;\n",
            ),
            (
                'await this.ask("POST", `${this.base}/cart/${token}`, { cart: variants })',
                'await this.ask("POST", `${this.base}/cart/${token}`, { cart: variants.map(String) })',
            ),
            ("${session.token}${key}`, message", '${session.token}${key || "?to=lineItems"}`, message'),
        ),
    ),
    Right(
        "creates-each-order",
        STOREFRONT,
        "@storefront/two-way",
        "Tells of an order by POST, and asks Checkout+ under a session of its own.",
        (
            ('this.ask("PUT", `${this.base}/orders`, order)', 'this.ask("POST", `${this.base}/orders`, order)'),
            (
                "this.loop.analyze(this.domain, session.id, cart)",
                "this.loop.analyze(this.domain, `s-${session.id}`, cart)",
            ),
        ),
    ),
    Right("carries-parcels", SHIPPER, "@label-provider/two-way", "Answers the portal of Ship by Loop."),
    Right(
        "makes-labels", "tests/defects/right/label_provider.py", "@label-provider/two-way", "Answers label requests."
    ),
)
