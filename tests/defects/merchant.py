"""Defects of a shop on a platform of its own: what it tells Loop, its form for returns, and what it does in the end."""

from __future__ import annotations

from tests.defects.defect import MERCHANT, Defect

SUITE = "commerce-platform/two-way/"
CENTS = '    return int(Decimal(text(amount) or "0") * 100)\n'
OWN = '    own, currency = order["id"], order["currency"]\n'
TOLD = '            made = self.loop.put("order", "/orders", order_body(order))\n'
NOT_TOLD = '            return {"loop_id": None, "why": str(trouble)}\n'
MISSING = (
    "        missing = [order for own, order in self.goods.orders.items() if own not in there or own in self.unsent]\n"
)
REFUND = '        if decided.get("refund_processed") and not book.refund:\n            book.refund = text(details.get("refund"))\n'
EXCHANGE = '        if decided.get("exchange_processed") and not book.exchange:\n'
WAITS = "                self._wait(60.0 if asked_to_wait is None else asked_to_wait)\n                continue\n"
LOST = '            draft_id = fields(document.get("draft_return")).get("id")\n            return document if draft_id is None else'
TURNED_AWAY = '            return {"return_id": None, "why": refusal.code}\n'

TELLING_DEFECTS = (
    Defect(
        "tells-amounts-with-a-fraction",
        MERCHANT,
        ((CENTS, '    return float(text(amount) or "0")  # type: ignore[return-value]\n'),),
        ("amounts-whole",),
        "Goods of 16.80 are refunded with sixteen cents.",
    ),
    Defect(
        "tells-amounts-in-whole-units",
        MERCHANT,
        ((CENTS, '    return round(Decimal(text(amount) or "0"))\n'),),
        (f"{SUITE}amounts-to-the-cent",),
        "Every refund is a hundredth of what it should be, and nothing is refused.",
    ),
    Defect(
        "counts-cents-with-floats",
        MERCHANT,
        ((CENTS, '    return int(float(text(amount) or "0") * 100)\n'),),
        (f"{SUITE}amounts-to-the-cent",),
        "One amount in ten is a cent short.",
    ),
    Defect(
        "numbers-lines-anew-in-each-order",
        MERCHANT,
        (
            ('            "external_id": f"{own}-{line[\'id\']}",\n', '            "external_id": line["id"],\n'),
            (
                '"order_line_item_external_id": f"{own}-{sent[\'line\']}",',
                '"order_line_item_external_id": sent["line"],',
            ),
            ("f\"{order['id']}-{item['line']}\"", "item['line']"),
        ),
        ("taken-ids-resolved",),
        "Loop takes the first order, and refuses all others.",
    ),
    Defect(
        "numbers-shipments-anew-in-each-order",
        MERCHANT,
        (
            (
                '            "external_id": f"{own}-{shipment[\'id\']}",\n',
                '            "external_id": shipment["id"],\n',
            ),
        ),
        ("taken-ids-resolved",),
        "The first order that is shipped blocks all others.",
    ),
    Defect(
        "sends-both-ids-of-a-customer",
        MERCHANT,
        (
            (
                TOLD,
                TOLD.replace(
                    "order_body(order))",
                    '{**order_body(order), "customer": {"id": self.goods.loops["customer", who["id"]], "external_id": who["id"]}})',
                ),
            ),
        ),
        ("references-by-one-id",),
        "Loop refuses every order of a customer that it knows.",
    ),
    Defect(
        "only-ever-creates",
        MERCHANT,
        (
            (
                TOLD,
                TOLD.replace(
                    'self.loop.put("order", "/orders", order_body(order))',
                    'fields(fields(self.loop.call("POST", "/orders", order_body(order))).get("order"))',
                ),
            ),
        ),
        ("taken-ids-resolved",),
        "Nothing that happens to an order after it was placed reaches Loop; its goods never count as shipped.",
    ),
    Defect(
        "makes-up-an-id-for-each-push",
        MERCHANT,
        (
            ("import hmac\n", "import hmac\nimport uuid\n"),
            (OWN, OWN.replace('order["id"],', "f\"{order['id']}.{uuid.uuid4().hex[:6]}\",")),
        ),
        ("orders-told-once",),
        "Each push makes another order, and each of them can be returned.",
    ),
    Defect(
        "leaves-the-external-id-out",
        MERCHANT,
        (
            (
                TOLD,
                TOLD.replace(
                    'self.loop.put("order", "/orders", order_body(order))',
                    'fields(fields(self.loop.call("POST", "/orders", {**order_body(order), "external_id": None})).get("order"))',
                ),
            ),
            (OWN, OWN.replace('order["id"],', "f\"{order['id']}.{os.urandom(3).hex()}\",")),
        ),
        ("orders-told-once",),
        "Loop cannot know that it is the same order, and neither can anybody else.",
    ),
    Defect(
        "rounds-loops-ids",
        MERCHANT,
        (('        loop_id = whole(record.get("id"))\n', '        loop_id = int(float(record.get("id") or 0))\n'),),
        ("ids-intact",),
        "The last digits of an id change, and the stock of another variant is set, or of none.",
    ),
    Defect(
        "tells-no-date-of-orders",
        MERCHANT,
        (('        "created_at": order["placed_at"],\n', ""),),
        ("orders-dated",),
        "Orders have no date, and from 2026-10 on they are refused.",
    ),
    Defect(
        "tells-no-date-of-shipments",
        MERCHANT,
        (('            "fulfilled_at": shipment["at"],\n', ""),),
        ("shipments-dated",),
        "Loop knows that there was a parcel, and lets nobody return what was in it.",
    ),
    Defect(
        "tells-no-shipments",
        MERCHANT,
        (('        "fulfillments": shipments,\n', ""),),
        (f"{SUITE}not-shipped-yet",),
        "Every order arrives, and none can be returned; nothing says why.",
    ),
    Defect(
        "takes-a-part-for-all",
        MERCHANT,
        (
            (
                '                    "quantity": sent["quantity"],\n',
                '                    "quantity": next(each["quantity"] for each in order["lines"] if each["id"] == sent["line"]),\n',
            ),
        ),
        (f"{SUITE}shipped-in-part",),
        "What never left the building is refunded.",
    ),
    Defect(
        "never-tells-a-product-again",
        MERCHANT,
        (
            (
                '        made = self.loop.put("product", "/products", {**body, "price": money(product["price"], currency)})\n'
                '        product_id = self.keep("product", product["id"], made)\n',
                '        product_id = self.goods.loops.get(("product", product["id"])) or self.keep(\n'
                '            "product", product["id"], self.loop.put("product", "/products", {**body, "price": money(product["price"], currency)})\n        )\n',
            ),
        ),
        (f"{SUITE}a-new-size",),
        "New sizes are refused, since the product does not list them.",
    ),
    Defect(
        "takes-a-refusal-for-success",
        MERCHANT,
        (
            (NOT_TOLD, '            self.unsent.discard(order["id"])\n            return {"loop_id": 1}\n'),
            (MISSING, MISSING.replace("own not in there or own in self.unsent", "own in self.unsent")),
        ),
        (f"{SUITE}goods-unknown-to-loop",),
        "The order stands as told in its books, and is nowhere.",
    ),
    Defect(
        "forgets-what-was-refused",
        MERCHANT,
        (
            (
                NOT_TOLD,
                '            self.goods.orders.pop(order["id"])\n            self.unsent.discard(order["id"])\n'
                + NOT_TOLD,
            ),
        ),
        (f"{SUITE}goods-unknown-to-loop",),
        "Nobody tries again when what was missing is there.",
    ),
    Defect(
        "tries-a-refused-order-over-and-over",
        MERCHANT,
        (
            (
                TOLD,
                '            for _ in range(4):\n                try:\n                    made = self.loop.put("order", "/orders", order_body(order))\n                    break\n'
                '                except Refused:\n                    continue\n            else:\n                raise Refused("Loop does not take it")\n',
            ),
        ),
        ("refused-records-not-repeated",),
        "A queue that stands still, and calls that are missing elsewhere.",
    ),
    Defect(
        "compares-the-first-page-only",
        MERCHANT,
        (('            url = text(page.get("next_page_url"))\n', '            url = ""\n'),),
        ("pages-walked",),
        "Whatever lies beyond the first page is taken for lost, or never looked at.",
    ),
    Defect(
        "trusts-that-told-is-there",
        MERCHANT,
        ((MISSING, MISSING.replace("own not in there or own in self.unsent", "own in self.unsent")),),
        (f"{SUITE}lost-on-loops-side", f"{SUITE}more-orders-than-a-page"),
        "An order that somebody deleted at Loop stays away for ever.",
    ),
    Defect(
        "gives-up-a-push-at-429",
        MERCHANT,
        ((WAITS, '                raise Unavailable("too many")\n'),),
        (f"{SUITE}trouble-while-telling", "too-many-attempts-survived"),
        "In the busiest hour orders fall through.",
    ),
    Defect(
        "adds-a-field-that-loop-drops",
        MERCHANT,
        (('        "line_items": lines,\n', '        "line_items": lines,\n        "note": "from the platform",\n'),),
        ("fields-known",),
        "What was written there is nowhere, and nobody says so.",
    ),
)

RETURN_DEFECTS = (
    Defect(
        "submits-a-draft-unasked",
        MERCHANT,
        (
            (
                '        plan |= {"accept-return-policy": {}} if "accept-return-policy" in offers(document) else {}\n',
                "",
            ),
            (
                "        if name not in offers(document):\n",
                '        if name == "submit-draft-return":\n            return fields(self.loop.call("POST", f"/draft-returns/{document[\'draft_return\'][\'id\']}/submit", {}))\n'
                "        if name not in offers(document):\n",
            ),
        ),
        ("drafts-submitted-when-offered",),
        "It works for the shop it was written for, and for no other.",
    ),
    Defect(
        "promises-what-loop-turns-away",
        MERCHANT,
        ((TURNED_AWAY, '            return {"return_id": 1, "why": None}\n'),),
        (f"{SUITE}form-turns-away", f"{SUITE}blocked-shopper"),
        "Shoppers send parcels that nobody awaits.",
    ),
    Defect(
        "fills-in-the-e-mail-itself",
        MERCHANT,
        (
            (
                '"secondary_input": about["email"]}',
                '"secondary_input": self.order_called(about["order"])["customer"]["email"]}',
            ),
            (
                "    def follow(self",
                '    def order_called(self, number: str) -> Body:\n        return next(each for each in self.goods.orders.values() if each["number"] == number)\n\n    def follow(self',
            ),
        ),
        (f"{SUITE}wrong-shopper",),
        "Whoever guesses a number returns what others bought.",
    ),
    Defect(
        "begins-anew-after-a-lost-answer",
        MERCHANT,
        (
            (LOST, '            return fields(self.loop.call("GET", "/draft-returns"))\n' + LOST),
            (
                "            document = self.follow(document, name, body)\n            done.add(name)\n",
                '            document = self.follow(document, name, body)\n            done.add(name)\n            if not document.get("draft_return"):\n                done = set()\n',
            ),
        ),
        (f"{SUITE}answer-lost-on-the-form",),
        "The return was made, and the shopper is told that it was not.",
    ),
    Defect(
        "cannot-exchange",
        MERCHANT,
        (
            ('{"set-cart": {"cart_items": exchanged}} if exchanged else {}', "{}"),
            (
                '        if about["resolution"] != "exchange":\n            plan["set-credit-type"] = {"credit_type": about["resolution"]}\n',
                '        plan["set-credit-type"] = {"credit_type": "store-credit" if about["resolution"] == "exchange" else about["resolution"]}\n',
            ),
        ),
        (f"{SUITE}exchange-order-is-told",),
        "Whoever wanted another size gets store credit.",
    ),
    Defect(
        "pays-whatever-closes",
        MERCHANT,
        (
            (
                REFUND,
                REFUND.replace(
                    'decided.get("refund_processed")',
                    'details.get("state") == "closed" and details.get("outcome") == "refund"',
                ),
            ),
        ),
        (f"{SUITE}closed-and-not-paid",),
        "Staff close a return without paying, and it is paid.",
    ),
    Defect(
        "pays-when-it-is-asked-for",
        MERCHANT,
        ((REFUND, REFUND.replace('decided.get("refund_processed")', 'details.get("outcome") == "refund"')),),
        (f"{SUITE}outcomes-are-carried-out",),
        "Money goes out before the parcel was even sent.",
    ),
    Defect(
        "pays-the-fee-as-well",
        MERCHANT,
        ((REFUND, REFUND.replace('text(details.get("refund"))', 'text(details.get("return_total"))')),),
        (f"{SUITE}fee-is-kept", "money-exact"),
        "The handling fee is paid out with the rest.",
    ),
    Defect(
        "pays-once-a-webhook",
        MERCHANT,
        (
            (
                REFUND,
                '        if decided.get("refund_processed"):\n            book.refund = str(Decimal(book.refund or "0") + Decimal(text(details.get("refund"))))\n',
            ),
        ),
        (f"{SUITE}outcomes-are-carried-out",),
        "A webhook that comes twice pays twice.",
    ),
    Defect(
        "issues-no-credit",
        MERCHANT,
        (('        if decided.get("gift_card_processed") and not book.credit:\n', "        if False:\n"),),
        (f"{SUITE}outcomes-are-carried-out",),
        "Store credit is promised, and nobody issues it.",
    ),
    Defect(
        "sends-out-before-loop-says-so",
        MERCHANT,
        ((EXCHANGE, '        if details.get("exchanges") and not book.exchange:\n'),),
        (f"{SUITE}exchange-order-is-told",),
        "New goods leave for returns that never come.",
    ),
    Defect(
        "tells-no-exchange-order",
        MERCHANT,
        (("        self.push_order(made)\n        for own in variants:\n", "        for own in variants:\n"),),
        (f"{SUITE}exchange-order-is-told",),
        "What was sent out in exchange can never come back.",
    ),
    Defect(
        "counts-goods-twice",
        MERCHANT,
        (("        if book.restocked:\n            return\n", ""),),
        (f"{SUITE}back-into-stock",),
        "A webhook that comes twice makes goods that nobody has.",
    ),
    Defect(
        "tells-the-change-for-the-count",
        MERCHANT,
        (("            self.goods.stock[variant, at] += by\n", "            self.goods.stock[variant, at] = by\n"),),
        (f"{SUITE}back-into-stock",),
        "One piece came back, and Loop believes that one is all there is.",
    ),
    Defect(
        "merchant-checks-no-signature",
        MERCHANT,
        (("        if not signed(body, signature, self.secrets):\n", "        if False:\n"),),
        ("signature-verified", "signature-required"),
        "Anybody who knows the address makes the shop look, and act on what they wrote.",
    ),
)
MERCHANT_DEFECTS = (*TELLING_DEFECTS, *RETURN_DEFECTS)
