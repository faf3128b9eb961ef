"""Shops on platforms of their own that are right in another way than the sample merchant."""

from __future__ import annotations

from tests.defects.defect import MERCHANT
from tests.defects.merchant import TOLD
from tests.defects.rights import Right

SUITE = "@commerce-platform"
MADE_OR_CHANGED = '''    def made_or_changed(self, order: Body) -> Body:
        """An order by POST, from then on by PUT on its own address; once more by POST where Loop has lost it."""
        body = order_body(order)
        loop_id = self.goods.loops.get(("order", order["id"]))
        try:
            if loop_id is not None:
                return self.loop.put("order", f"/orders/{loop_id}", body)
        except Refused as refusal:
            if "Not Found" not in str(refusal):
                raise
        for _ in range(TRIES):
            try:
                return fields(fields(self.loop.call("POST", "/orders", body)).get("order"))
            except Unavailable:
                self.loop.stop.wait(0.05)
            except Refused as refusal:
                if "taken" not in str(refusal):
                    raise
                found = fields(self.loop.call("GET", f"/orders/external/{order['id']}"))
                return fields(found.get("order"))
        raise Unavailable("Loop does not answer")

    def push_order('''
BY_IDS = '''    def by_ids(self, body: Body) -> Body:
        """The same order with Loop's ids in place of ours, where it takes them."""
        known = self.goods.loops

        def named(kind: str, given: Body) -> Body:
            loop_id = known.get((kind, given["external_id"]))
            return given if loop_id is None else {"id": loop_id}

        for line in body["line_items"]:
            line["product"] = named("product", line["product"])
            line["product_variant"] = named("variant", line["product_variant"])
        for shipment in body["fulfillments"]:
            shipment["location"] = named("location", shipment["location"])
        return {**body, "customer": named("customer", body["customer"])}

    def push_order('''

RIGHT_MERCHANTS = (
    Right("merchant-reference", MERCHANT, SUITE, "The sample merchant itself, in both directions."),
    Right(
        "creates-then-changes-by-id",
        MERCHANT,
        SUITE,
        "POST for what is new, PUT by Loop's id for what is known, a look where an answer was lost.",
        (
            (TOLD, "            made = self.made_or_changed(order)\n"),
            ("    def push_order(", MADE_OR_CHANGED),
        ),
    ),
    Right(
        "refers-by-loops-ids",
        MERCHANT,
        SUITE,
        "Loop's ids in every reference.",
        ((TOLD, TOLD.replace("order_body(order)", "self.by_ids(order_body(order))")), ("    def push_order(", BY_IDS)),
    ),
    Right(
        "takes-ids-as-text",
        MERCHANT,
        SUITE,
        "Asks for ids as texts, which no language rounds.",
        (('"Accept": accept}', '"Accept": accept, "X-Loop-Global-Identifier-Type": "string"}'),),
    ),
    Right(
        "calls-the-next-version",
        MERCHANT,
        SUITE,
        "Version 2026-10, where orders need a date and draft returns have one dialect.",
        (
            (
                '        self.base = base.rstrip("/")\n',
                '        self.base = base.rstrip("/").replace("/api/v1", "/api/2026-10")\n',
            ),
        ),
    ),
    Right(
        "follows-links",
        MERCHANT,
        SUITE,
        "The older dialect of draft returns, which begins with a POST.",
        (
            ('        accept = f"{FORMS}, application/json"', '        accept = "application/json"'),
            (
                '        document = fields(self.loop.call("GET", "/draft-returns"))\n',
                '        begin = {"rel": "create-draft-return", "href": self.loop.base + "/draft-returns", "method": "POST"}\n'
                '        document: Body = {"links": [begin]}\n',
            ),
        ),
    ),
    Right(
        "brings-the-customer-with-the-order",
        MERCHANT,
        SUITE,
        "No call for the customer: the order says who it is, with name, e-mail and phone.",
        (
            (
                '            made = self.loop.put("customer", "/customers", {"external_id": who["id"], **customer})\n'
                '            self.keep("customer", who["id"], made)\n',
                "",
            ),
            (
                TOLD,
                TOLD.replace(
                    "order_body(order))",
                    '{**order_body(order), "customer": {"external_id": who["id"], **customer}})',
                ),
            ),
        ),
    ),
)
