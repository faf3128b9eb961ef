"""Random acts, calls, scans, failures and moves of the clock, and what must hold after each of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from loopsim.domain.events import TOPICS, TRIGGERS
from loopsim.domain.orders import Variant
from loopsim.domain.returns import Return

OUTCOMES = ("refund", "credit", "exchange", "shop_now")
STATUSES = ("new", "pre_transit", "in_transit", "out_for_delivery", "delivered", "error", "failure")
EVENTS = ("immediate", "pre_transit", "in_transit", "out_for_delivery", "delivered", "disabled")
WORLDS = ("us-apparel", "eu-multi-currency")
STATES = ("open", "review", "closed", "cancelled", "expired")

# Where a return may go in one step of the story; one call may do two moves (review by a flag, then nothing further).
MAY_BECOME = {
    "open": {"open", "review", "closed", "cancelled", "expired"},
    "review": {"review", "open", "closed", "cancelled"},
    "expired": {"expired", "closed"},
    "closed": {"closed"},
    "cancelled": {"cancelled"},
}

policies = st.fixed_dictionaries(
    {
        "processing_event": st.sampled_from(EVENTS),
        "label_source": st.sampled_from(["loop", "loop", "third_party", "none"]),
        "carrier": st.sampled_from(["auto", "manual"]),
        "carrier_service": st.sampled_from(["express", "ground", "economy"]),
        "gift_card_provider": st.sampled_from(["shopify", "third_party"]),
        "restock": st.sampled_from(["shopify", "webhook", "off"]),
        "out_of_stock": st.sampled_from(["review", "refund", "credit"]),
        "handling_fee": st.sampled_from([0, 395]),
        "bonus_credit": st.sampled_from([0, 500]),
        "instant_exchange_hold": st.sampled_from(["one", "full"]),
        "allow_flagged_processing": st.booleans(),
    }
)
quirks = st.fixed_dictionaries(
    {
        "flag_moves_to_review": st.sampled_from(["off", "on"]),
        "label_change_fires_return_updated": st.sampled_from(["on", "off"]),
        "empty_pair": st.sampled_from(["send", "skip"]),
    }
)
items = st.lists(
    st.fixed_dictionaries(
        {"outcome": st.sampled_from(OUTCOMES)},
        optional={"quantity": st.integers(1, 2), "reason": st.sampled_from(["Zu groß / 42", "Broken"])},
    ),
    min_size=1,
    max_size=3,
)


class Story(RuleBasedStateMachine):
    """One shop. `returns` are all that were ever submitted, whatever became of them."""

    returns: Bundle[int] = Bundle("returns")

    def __init__(self, open_shops: Any) -> None:
        super().__init__()
        self.open_shops = open_shops
        self.shop: Any = None
        self.before: dict[int, Return] = {}
        self.closings: Counter[int] = Counter()
        self.highest: dict[str, int] = {}
        self.detailed: Counter[int] = Counter()

    @initialize(world=st.sampled_from(WORLDS), policy=policies, quirks=quirks, seed=st.integers(1, 9999))
    def begin(self, world: str, policy: Any, quirks: Any, seed: int) -> None:
        self.shop = self.open_shops(world, seed=seed, quirks=quirks, workflows=(), processing_events={}, **policy)
        self.shop.subscribe()
        self.variants = [variant.sku for variant in self.shop.records.resources("variant", Variant)[:3]]
        self.seen_orders: list[str] = []
        # A shop can run out by itself; only what the first variants hold is exchanged here.
        self.troubled = False
        for sku in self.variants:
            self.shop.act("stockSets", variant=sku, available=10_000)

    def teardown(self) -> None:
        if self.shop is not None:
            self.shop.shop.close()

    def call(self, operation: str, body: Any = None, **rest: Any) -> Any:
        """A call that may be refused; then nothing may have changed."""
        before = self.shop.shop.connection.serialize()
        ids = dict(self.shop.shop.counters), self.shop.shop.settings
        reply = self.shop.call(operation, body, **rest)
        if reply.refusal is not None:
            assert self.shop.shop.connection.serialize() == before, f"{operation} was refused and changed something"
            assert (self.shop.shop.counters, self.shop.shop.settings) == ids
        if reply.status >= 500:
            assert operation == "removeLineItems"
            assert self.troubled, "processing broke, and nothing was told to fail"
        return reply

    # customers

    @rule(sku=st.integers(0, 2), quantity=st.integers(1, 3), discount=st.integers(0, 500), tax=st.integers(0, 25))
    def somebody_orders(self, sku: int, quantity: int, discount: int, tax: int) -> None:
        lines = [{"variant": self.variants[sku], "quantity": quantity, "discount": discount}]
        reply = self.call("ordersMakes", {"lines": [*lines, {"variant": self.variants[0]}], "tax_percent": tax})
        self.seen_orders.append(reply.body["order"]["name"])

    @rule(
        target=returns,
        items=items,
        newest=st.booleans(),
        method=st.sampled_from(["mail", "mail", "mail", "happy_returns", "in_store"]),
        leftover=st.sampled_from(["refund", "credit"]),
        instant=st.booleans(),
        gift=st.sampled_from([False, False, True]),
        bought=st.lists(st.integers(0, 2), max_size=2),
    )
    def a_customer_submits(self, items: Any, newest: bool, bought: list[int], **rest: Any) -> Any:
        body = {"items": self._with_variants(items), **rest}
        if newest and self.seen_orders:
            body["order"] = self.seen_orders[-1]
        if bought and any(item["outcome"] == "shop_now" for item in items):
            body["shop_now"] = [{"variant": self.variants[each]} for each in bought]
        reply = self.call("customerSubmitsReturn", body)
        return reply.body["return"]["id"] if reply.status == 200 else multiple()

    @rule(id_=returns, items=st.none() | items, leftover=st.none() | st.sampled_from(["refund", "credit"]))
    def a_customer_edits(self, id_: int, items: Any, leftover: Any) -> None:
        body = {"return_id": id_}
        body |= {} if items is None else {"items": self._with_variants(items)}
        body |= {} if leftover is None else {"leftover": leftover}
        self.call("customerEditsReturn", body)

    def _with_variants(self, items: Any) -> Any:
        return [
            {**item, "exchange_variant": self.variants[1]} if item["outcome"] == "exchange" else item for item in items
        ]

    @rule(id_=returns)
    def a_customer_drops_off(self, id_: int) -> None:
        self.call("customerDropsOff", {"return_id": id_})

    @rule(target=returns, outcomes=st.lists(st.sampled_from(OUTCOMES[:3]), min_size=1, max_size=3))
    def a_customer_orders_and_sends_all_back(self, outcomes: list[str]) -> Any:
        self.somebody_orders(0, len(outcomes), 0, 7)
        return self.a_customer_submits([{"outcome": each} for each in outcomes], True, [], method="mail")

    # the warehouse

    @rule(id_=returns, action=st.sampled_from(["processReturn", "cancelReturn", "flagReturn", "closeReturn"]))
    def the_warehouse_acts(self, id_: int, action: str) -> None:
        self.call(action, id=id_)

    @rule(id_=returns, details=st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=2))
    def the_warehouse_processes_with_details(self, id_: int, details: Any) -> None:
        self.detailed[id_] += 1
        self.call("processReturn", details, id=id_)

    @rule(id_=returns, keep=st.integers(0, 7), stranger=st.booleans())
    def the_warehouse_removes(self, id_: int, keep: int, stranger: bool) -> None:
        lines = [str(line.id) for n, line in enumerate(self.shop.return_(id_).lines) if keep >> n & 1]
        self.call("removeLineItems", id=id_, query={"line_item_id": ",".join([*lines, *["7"] * stranger])})

    @rule(id_=returns, category=st.sampled_from(["grade_a", "junk"]), outcome=st.sampled_from(["recycle", "donate"]))
    def the_warehouse_inspects(self, id_: int, category: str, outcome: str) -> None:
        line = self.shop.return_(id_).lines[0].id
        self.call(
            "gradeItems", {"items": [{"line_item_id": line, "description": "ok", "condition_category": category}]}
        )
        self.call("assessItems", {"items": [{"line_item_id": line, "disposition_outcome": outcome}]})

    @rule(id_=returns, what=st.sampled_from(["note", "report", "unreport"]), text=st.text(min_size=1, max_size=20))
    def somebody_writes_something_down(self, id_: int, what: str, text: str) -> None:
        if what == "note":
            self.call("createNote", {"content": text}, id=id_)
            self.call("listNotes", id=id_)
        elif what == "report":
            self.call("createFraudReport", {"category": "other", "comment": text}, id=id_)
        else:
            self.call("deleteFraudReport", id=id_)

    # staff

    @rule(
        id_=returns,
        act=st.sampled_from(
            [
                "staffProcesses",
                "staffFlags",
                "staffUnflags",
                "staffCloses",
                "staffCancels",
                "staffResolvesReview",
                "staffMakesLabel",
            ]
        ),
    )
    def staff_acts(self, id_: int, act: str) -> None:
        self.call(act, {"return_id": id_})

    @rule(id_=returns, staff=st.booleans())
    def somebody_processes_to_the_end(self, id_: int, staff: bool) -> None:
        if staff:
            self.call("staffProcesses", {"return_id": id_})
        else:
            self.call("processReturn", id=id_)
        self.shop.advance(seconds=2)

    @rule(id_=returns, payment=st.booleans())
    def what_is_missing_is_made_up_for(self, id_: int, payment: bool) -> None:
        """Processed twice, the first time without stock or without money."""
        self.the_shop_runs_out(3 if payment else 1, 1 if payment else 0)
        self.somebody_processes_to_the_end(id_, True)
        self.the_shop_runs_out(1, 2)
        self.somebody_processes_to_the_end(id_, True)

    # parcels

    @rule(id_=returns, status=st.sampled_from(STATUSES))
    def the_carrier_scans(self, id_: int, status: str) -> None:
        self.call("carrierScans", {"return_id": id_, "status": status})

    @rule(id_=returns, what=st.sampled_from(["generate", "answer", "answer", "error"]))
    def a_label_is_made_or_not(self, id_: int, what: str) -> None:
        if what == "generate":
            self.call("generateLabel", returnId=id_)
            return
        for request in self.shop.records.label_requests_of(id_):
            if what == "error":
                self.call("reportLabelRequestError", {"reason": "Other"}, id=request.id)
                continue
            body = {"label_request_id": request.id, "tracking_number": "1", "carrier": "UPS", "label_url": None}
            self.call("createLabel", {**body, "rate": {"amount": 1, "currency_code": "USD"}})

    @rule(id_=returns, status=st.sampled_from(STATUSES[:5]))
    def a_partner_updates_a_label(self, id_: int, status: str) -> None:
        for label in self.shop.return_(id_).labels:
            self.call("updateLabel", {"status": status}, id=label.id)

    @rule(id_=returns)
    def the_parcel_arrives(self, id_: int) -> None:
        self.shop.advance(seconds=4)
        self.call("carrierScans", {"return_id": id_, "status": "delivered"})

    @rule(id_=returns)
    def the_bag_is_handed_over_and_shipped(self, id_: int) -> None:
        self.call("customerDropsOff", {"return_id": id_})
        self.call("happyReturnsShips", {})

    # the shop around

    @rule(what=st.integers(0, 4), count=st.integers(0, 2))
    def the_shop_runs_out(self, what: int, count: int) -> None:
        """Of goods or of money, or its processing breaks."""
        self.troubled = True
        if what < 3:
            self.call("stockSets", {"variant": self.variants[what], "available": count})
        else:
            self.call(("paymentFailsNext", "processingFailsNext")[what - 3], {"count": count})

    @rule(topic=st.sampled_from(TOPICS), trigger=st.sampled_from(TRIGGERS), active=st.booleans())
    def somebody_subscribes(self, topic: str, trigger: str, active: bool) -> None:
        hook = {"topic": topic, "trigger": trigger, "url": "http://127.0.0.1:1/x"}
        id_ = self.call("createWebhook", hook).body["id"]
        if not active:
            self.call("updateWebhook", {**hook, "status": "inactive"}, id=id_)

    # time

    @rule()
    def the_next_thing_happens(self) -> None:
        due = self.shop.shop.next_due_ms()
        if due is not None:
            self.shop.advance(milliseconds=max(0, due - self.shop.shop.last_ms))

    @rule(seconds=st.integers(0, 10) | st.integers(0, 5 * 86400))
    def time_passes(self, seconds: int) -> None:
        self.shop.advance(seconds=seconds)

    @rule()
    def weeks_pass(self) -> None:
        self.shop.advance(days=29)

    # what must hold

    @invariant()
    def all_of_it_holds(self) -> None:
        if self.shop is None:
            return
        self._listen()
        now = {return_.id: return_ for return_ in self.shop.records.returns()}
        assert set(self.before) <= set(now)
        changed = [return_ for return_ in now.values() if self.before.get(return_.id) != return_]
        for return_ in changed:
            self._moves_as_it_may(return_)
            self._money_balances(return_)
            self._reads_as_the_contract_says(return_)
        self._units_are_held_once(now)
        for return_ in now.values():
            assert self.closings[return_.id] == (return_.state == "closed")
        self.before = now

    def _listen(self) -> None:
        """Payloads were checked when they were heard."""
        own = dict.fromkeys(TRIGGERS, 0)
        first = self.shop.shop.connection.execute("select id from deliveries order by id").fetchall()
        ids = [id_ for (id_,) in first]
        assert ids == sorted(set(ids))
        rows = self.shop.shop.connection.execute(
            "select id, subscription_id, return_id, trigger from deliveries where id > ?",
            (self.highest.get("delivery", 0),),
        ).fetchall()
        base = self.shop.call("listWebhooks").body["webhooks"]
        firsts = {hook["trigger"]: hook["id"] for hook in reversed(base)}
        for id_, subscription, return_id, trigger in rows:
            self.highest["delivery"] = id_
            if trigger == "return.closed" and subscription == firsts[trigger]:
                self.closings[return_id] += 1
            own[trigger] += 1
        heard = Counter(trigger for trigger, _ in self.shop.heard())
        assert heard == +Counter(own)

    def _moves_as_it_may(self, return_: Return) -> None:
        before = self.before.get(return_.id)
        assert return_.created_at <= return_.updated_at <= self.shop.now
        assert (return_.closed_at is not None) is (return_.state == "closed")
        assert return_.was_processed is False or return_.state == "closed"
        assert return_.pending is None or return_.state in ("open", "review")
        if before is None:
            for kind, ids in (("return", [return_.id]), ("line", [line.id for line in return_.lines])):
                assert ids == sorted(set(ids))
                assert ids[0] > self.highest.get(kind, 0)
                self.highest[kind] = ids[-1]
            return
        # Time may have done several moves at once.
        assert return_.state in MAY_BECOME[before.state]
        assert return_.updated_at >= before.updated_at
        assert return_.created_at == before.created_at
        if before.state in ("closed", "cancelled"):
            assert (return_.lines == before.lines) or {line.id for line in return_.lines} == {
                line.id for line in before.lines
            }
            assert return_.totals == before.totals
            assert return_.refunds == before.refunds
        if return_.state == "cancelled":
            assert self.shop.shop.connection.execute(
                "select kind from timers where entity = ? and kind != 'happy_returns.ships'", (return_.id,)
            ).fetchall() == []  # fmt: skip

    def _money_balances(self, return_: Return) -> None:
        totals = return_.totals
        amounts = {name: getattr(totals, name) for name in totals.__struct_fields__}
        assert all(amount >= 0 for amount in amounts.values()), amounts
        came = totals.return_total + totals.bonus + totals.upsell
        assert came == totals.exchange_total + totals.refund + totals.gift_card + totals.handling_fee
        assert totals.total == totals.refund + totals.gift_card
        kinds = Counter(entry["kind"] for entry in self.shop.records.ledger(return_.id))
        assert len(return_.refunds) <= 1
        # What was partly done is processed again, and the order is told again what came with that call.
        assert kinds.pop("order_updated", 0) <= self.detailed[return_.id]
        assert all(kinds[kind] <= 1 for kind in kinds if kind != "exchange_order"), kinds
        if return_.was_processed:
            assert sum(refund.amount for refund in return_.refunds) == totals.refund
            assert (return_.processed.gift_card_at is not None) is (totals.gift_card > 0)
            assert all(item.delivered or item.out_of_stock_resolution for item in return_.exchanges)
        sent = [
            item for entry in self.shop.records.ledger(return_.id) for item in entry.get("items", ()) if "sku" in item
        ]
        assert len(sent) <= len(return_.exchanges)

    def _reads_as_the_contract_says(self, return_: Return) -> None:
        """Bodies are checked against the contract by `call`."""
        details = self.shop.call("getReturnDetails", query={"return_id": return_.id}).body
        assert (details["state"], details["id"]) == (return_.state, return_.id)
        theirs = self.shop.call(
            "getReturnDetails", query={"return_id": return_.id, "currency_type": "presentment"}
        ).body
        assert [line["line_item_id"] for line in theirs["line_items"]] == [line.id for line in return_.lines]
        at = f"{return_.created_at:%Y-%m-%d %H:%M:%S}"
        query = {"from": at, "to": at, "state": return_.state}
        row = next(row for row in self.shop.call("listReturns", query=query).body if row["id"] == str(return_.id))
        assert (row["total"], row["outcome"]) == (details["total"], details["outcome"])

    def _units_are_held_once(self, now: dict[int, Return]) -> None:
        rows = self.shop.shop.connection.execute(
            "select line_id, return_id, order_line_id, unit, held from units"
        ).fetchall()
        held = Counter((order_line, unit) for _, _, order_line, unit, is_held in rows if is_held)
        assert all(count == 1 for count in held.values())
        for line_id, return_id, order_line, unit, is_held in rows:
            return_ = now[return_id]
            line = return_.line(line_id)
            assert bool(is_held) is (return_.state != "cancelled" and line is not None)
            assert line is None or (line.order_line_id, line.unit) == (order_line, unit)
        assert {row[0] for row in rows} >= {line.id for return_ in now.values() for line in return_.lines}


def test_whatever_happens_the_promises_hold(open_shops: Any) -> None:
    profile = settings()
    chosen = settings(
        max_examples=profile.max_examples * 2,
        stateful_step_count=profile.stateful_step_count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Story(open_shops), settings=chosen)
