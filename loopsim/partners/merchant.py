"""A shop on a platform of its own (not Shopify) that works with Loop: the integration we would want to see copied.

Its own side tells it of goods, orders and shoppers who want to return something; it tells Loop. Loop tells it by
webhook what became of returns, and it carries out what Loop does not carry out outside Shopify: it pays, issues store
credit, makes the orders of exchanges, and takes goods back into stock. It needs nothing but Loop's public API and
Python's standard library, and runs as `python -m loopsim.partners.merchant` or as `python merchant.py`, configured by
its environment:

    LOOP_API_BASE        for instance https://api.loopreturns.com/api/v1
    LOOP_API_KEY         a key with the scopes of commerce data, of draft returns, Orders and Returns
    LOOP_WEBHOOK_SECRET  the secret of the webhooks; several, separated by commas, while a secret is being changed
    PORT                 where to listen on loopback; 0 or nothing takes a free port
    MERCHANT_QUIET       anything: do not log

Subscribe POST /webhooks/loop to the topics `return`, `giftcard`, `restock` and `return.processing`. Its own side posts
to /do/push-catalogue, /do/push-order, /do/check-returnable, /do/start-return and /do/reconcile, and to /do/forget to
begin anew. GET /health says that it lives, GET /state what it did for each return, and GET /idle whether it has
anything left to do.

The ideas, in the order in which they matter:

1. Whatever is told to Loop is told by PUT with an external id of our own, so telling it twice makes one record. Ids of
   lines and shipments have the order's id in front: Loop wants them unique over the whole shop.
2. Amounts are whole hundredths, made from text by decimal arithmetic. A fraction Loop would cut off without a word.
3. Loop's ids are kept exactly as they come, above 2^53, and an answer without one means that Loop does not have it.
4. A webhook is a hint: what is owed to a shopper is read from Loop, and each outcome is carried out once per return.
5. A draft return goes where its answers lead: we submit it when Loop offers that, and say why when it does not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import Message
from email.utils import parsedate_to_datetime
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

Body = dict[str, Any]

TIMEOUT = 10.0  # seconds for one step of a call to Loop
TRIES = 5  # of what may be repeated; a 429 is no failure
BACKOFF = 0.5  # seconds before the second try, doubled each time
LEAST_WAIT, LONGEST_WAIT = 0.2, 300.0  # seconds of a Retry-After that we wait out
WINDOW, MARGIN = timedelta(days=118), timedelta(days=1)  # Loop looks back over 120 days at most
LARGEST_BODY = 5_000_000
FORMS = "application/prs.hal-forms+json"
MOST_STEPS = 300  # of one draft return, so that no answer of Loop's leads us in circles

# Which field of a payload names the return; every other topic is none of our business.
RETURN_ID = {"return": "id", "giftcard": "return_id", "restock": "id", "return.processing": "return_id"}


class Refused(Exception):
    """Loop said no: asking again will not help. `code` is Loop's own word for it, where it has one."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code or message


class Unavailable(Exception):
    """Loop gave no answer that says anything: the same may work later."""


# Reading what Loop sends: any field may be null, "N/A", new or gone.


def text(value: object) -> str:
    """A string without Loop's ways to say nothing (null, `""`, `"N/A"`), which all become `""`."""
    return value.strip() if isinstance(value, str) and value.strip() != "N/A" else ""


def whole(value: object) -> int | None:
    """An id, exact to the last digit; Loop sends it as a number or as a string of digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def rows(value: object) -> list[Body]:
    """The objects of a list, or none."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def fields(value: object) -> Body:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def cents(amount: object) -> int:
    """Hundredths of an amount such as "16.80"."""
    return int(Decimal(text(amount) or "0") * 100)


def money(amount: object, currency: str) -> Body:
    """An amount as Loop's commerce data have it."""
    return {"amount": cents(amount), "currency_code": currency}


def signed(body: bytes, signature: str, secrets: list[str]) -> bool:
    """Whether `signature` is base64(HMAC-SHA256) of these very bytes. Parsing and printing again would change them."""
    given = signature.encode("utf-8", "replace")
    made = [base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)) for secret in secrets]
    return any(hmac.compare_digest(one, given) for one in made)


class Loop:
    """Loop's API as far as we use it. Each call gives the parsed answer, or raises Refused or Unavailable."""

    def __init__(self, base: str, key: str, stop: threading.Event) -> None:
        self.base = base.rstrip("/")
        accept = f"{FORMS}, application/json"  # the dialect of draft returns that every version speaks
        self.headers = {"X-Authorization": key, "Content-Type": "application/json", "Accept": accept}
        self.stop = stop
        self.now = datetime.now(UTC)  # Loop's time: its windows are judged by its clock, and ours may be wrong

    def put(self, kind: str, path: str, body: Body) -> Body:
        """Make or change a record, and give it as Loop has it now. Repeating it does no harm."""
        kept = fields(fields(self.call("PUT", path, body)).get(kind))
        if not kept:
            raise Refused(f"Loop's answer has no {kind}")
        return kept

    def details(self, return_id: int) -> Body:
        return fields(self.call("GET", f"/warehouse/return/details?return_id={return_id}"))

    def orders(self) -> Iterator[Body]:
        """All orders that Loop has, by its own links."""
        url = "/orders?limit=250"
        while url:
            page = fields(self.call("GET", url))
            yield from rows(page.get("orders"))
            url = text(page.get("next_page_url"))

    def listed(self, state: str) -> Iterator[Body]:
        """All returns of a state: one state to a call (without one, review is left out), every page, links verbatim."""
        window = {"from": stamp(self.now - WINDOW), "to": stamp(self.now + MARGIN)}
        url = f"/warehouse/return/list?{urlencode({'paginate': 'true', 'state': state, **window})}"
        while url:
            page = fields(self.call("GET", url))
            yield from rows(page.get("returns"))
            url = text(page.get("nextPageUrl"))

    def call(self, method: str, url: str, body: object = None) -> Any:
        """One call. A 429 did nothing and is waited out. After a 5xx or a lost answer nobody knows whether it took
        effect: GET and PUT are repeated, anything else is Unavailable, for the caller to look."""
        failures = 0
        while True:
            try:
                status, headers, content = self._send(method, url, body)
                if status != 429 and status < 500:
                    return answer_of(status, content)
                trouble, asked_to_wait = f"HTTP {status}", retry_after(headers, self.now)
            except (OSError, HTTPException, ValueError) as broken:
                status, trouble, asked_to_wait = 0, str(broken) or type(broken).__name__, None
            if status == 429:
                self._wait(60.0 if asked_to_wait is None else asked_to_wait)
                continue
            failures += 1
            if failures == TRIES or method not in ("GET", "PUT"):
                raise Unavailable(trouble)
            self._wait(max(asked_to_wait or 0, BACKOFF * 2 ** (failures - 1)))

    def _send(self, method: str, url: str, body: object) -> tuple[int, Message, bytes]:
        """One exchange. A link of Loop's own is used as it is, but the key goes to no other host."""
        if self.stop.is_set():
            raise Unavailable("we are closing")
        home, target = urlsplit(self.base), urlsplit(url if "://" in url else self.base + url)
        if target.netloc != home.netloc:
            raise Refused(f"Loop's link leads to another host, {target.netloc}")
        connect = HTTPSConnection if home.scheme == "https" else HTTPConnection
        connection = connect(home.netloc, timeout=TIMEOUT)
        try:
            payload = None if body is None else json.dumps(body).encode()
            connection.request(method, f"{target.path}?{target.query}".rstrip("?"), payload, self.headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.now = moment(answer.headers["Date"]) or datetime.now(UTC)
        return answer.status, answer.headers, content

    def _wait(self, seconds: float) -> None:
        if seconds > LONGEST_WAIT:
            raise Unavailable(f"Loop asks us to wait {seconds:.0f} s")
        self.stop.wait(max(seconds, LEAST_WAIT))


def answer_of(status: int, content: bytes) -> Any:
    """The parsed answer. Raises Refused for a no in any of Loop's forms, ValueError for a yes that cannot be read."""
    try:
        answer = json.loads(content)
    except ValueError:
        if status < 300:
            raise
        answer = None
    errors = fields(answer).get("errors") or fields(answer).get("error")
    if status < 300 and not errors:
        return answer
    first = errors[0] if isinstance(errors, list) and errors else errors
    message = fields(first).get("message") or fields(answer).get("message") or f"HTTP {status}"
    raise Refused(str(message), text(fields(first).get("code")))


def moment(http_date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(http_date or "").astimezone(UTC)
    except ValueError:
        return None


def retry_after(headers: Message, now: datetime) -> float | None:
    """Seconds that the answer asks us to wait, given as a number or as a date; None where it does not say."""
    value = (headers["Retry-After"] or "").strip()
    until = moment(value)
    return float(value) if value.isdecimal() else (until - now).total_seconds() if until else None


def stamp(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def order_body(order: Body) -> Body:
    """An order of ours as Loop has them: our own ids everywhere, those of its parts with the order's in front."""
    own, currency = order["id"], order["currency"]
    lines = [
        {
            "external_id": f"{own}-{line['id']}",
            "product": {"external_id": line["product"]},
            "product_variant": {"external_id": line["variant"]},
            "quantity": line["quantity"],
            "unit_price": money(line["price"], currency),
            "taxable": True,
        }
        for line in order["lines"]
    ]
    shipments = [
        {
            "external_id": f"{own}-{shipment['id']}",
            "status": "success",
            "fulfilled_at": shipment["at"],
            "shipping_carrier": shipment.get("carrier"),
            "location": {"external_id": shipment["location"]},
            "tracking_numbers": [shipment["tracking_number"]] if shipment.get("tracking_number") else [],
            "fulfillment_line_items": [
                {
                    "external_id": f"{own}-{shipment['id']}-{sent['line']}",
                    "order_line_item_external_id": f"{own}-{sent['line']}",
                    "quantity": sent["quantity"],
                }
                for sent in shipment["lines"]
            ],
        }
        for shipment in order.get("shipments", ())
    ]
    total = sum(each["unit_price"]["amount"] * each["quantity"] for each in lines)
    return {
        "external_id": own,
        "name": order["number"],
        "status": "cancelled" if order.get("cancelled") else "active",
        "taxes_included": False,
        "total_price": {"amount": total, "currency_code": currency},
        "customer": {"external_id": order["customer"]["id"]},
        "shipping_address": order.get("address"),
        "line_items": lines,
        "fulfillments": shipments,
        "created_at": order["placed_at"],
    }


# Draft returns: what an answer offers, in either of Loop's dialects.


def offers(document: Body) -> dict[str, Body]:
    """What can be done now, by name: the address, the method, and for each field the values to choose from."""
    found = {}
    for name, form in fields(document.get("_templates")).items():
        inputs = {each["name"]: rows(fields(each.get("options")).get("inline")) for each in rows(form["properties"])}
        found[name] = {"url": form["target"], "method": form["method"], "inputs": inputs}
    for link in rows(document.get("links")):
        inputs = {each["name"]: rows(each.get("options")) for each in rows(link.get("fields"))}
        found[link["rel"]] = {"url": link["href"], "method": link["method"], "inputs": inputs}
    return found


@dataclass
class Book:
    """What we know of one return and did for it. Amounts as Loop told them; "" for what was not done."""

    state: str = ""
    order: str = ""
    outcome: str = ""
    currency: str = ""
    fee: str = ""
    tracking_number: str = ""
    refund: str = ""
    credit: str = ""
    exchange: str = ""
    exchange_order: str = ""
    restocked: bool = False
    trouble: str = ""


@dataclass
class Goods:
    """Our own side: what we sell, where it lies, who ordered what; and what Loop calls each of them."""

    variants: dict[str, Body] = field(default_factory=dict)
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, Body] = field(default_factory=dict)
    loops: dict[tuple[str, str], int] = field(default_factory=dict)

    def ours(self, kind: str, loop_id: int | None) -> str:
        """Our id of what Loop calls so; "" for what is not ours."""
        return next((own for (of, own), known in self.loops.items() if of == kind and known == loop_id), "")


class Merchant:
    """The memory, the queue and the one worker. Whatever is not asked for by HTTP is done by the worker alone."""

    def __init__(self, loop: Loop, secrets: list[str], say: Callable[[str], None]) -> None:
        self.loop, self.secrets, self.say = loop, secrets, say
        self.goods = Goods()
        self.returns: dict[int, Book] = {}
        self.unsent: set[str] = set()  # orders that Loop does not have as they are here
        self.rejected = self.open_jobs = 0
        self.lock = threading.Lock()
        self.jobs: queue.Queue[Callable[[], None]] = queue.Queue()
        self.tasks: dict[str, Callable[[Body], Body]] = {
            "push-catalogue": self.push_catalogue,
            "push-order": lambda about: self.push_order(fields(about.get("order"))),
            "check-returnable": self.check_returnable,
            "start-return": self.start_return,
            "reconcile": self.reconcile,
            "forget": self.forget,
        }

    def state(self) -> Body:
        with self.lock:
            returns = {str(return_id): asdict(book) for return_id, book in self.returns.items()}
            loops = {own: loop_id for (kind, own), loop_id in self.goods.loops.items() if kind == "order"}
            unsent = sorted(self.unsent)
            return {"returns": returns, "orders": loops, "unsent": unsent, "rejected": self.rejected, **self.idle()}

    def idle(self) -> Body:
        return {"idle": self.open_jobs == 0}

    def deliver(self, body: bytes, signature: str) -> int:
        """Take in one webhook, and return the status to answer with."""
        if not signed(body, signature, self.secrets):
            self.rejected += 1
            self.say("turned away a message that Loop did not sign")
            return 401
        self.add_job(partial(self.heed, body))
        return 200

    def do(self, task: str, about: Body) -> Body:
        """Have the worker do a task of our own side, and give what came of it."""
        done: Future[Body] = Future()

        def job() -> None:
            try:
                done.set_result(self.tasks[task](about))
            except Exception as error:
                done.set_exception(error)

        self.add_job(job)
        return done.result(TIMEOUT * TRIES)

    def add_job(self, job: Callable[[], None]) -> None:
        with self.lock:
            self.open_jobs += 1
        self.jobs.put(job)

    def work(self) -> None:
        """The worker: until we close, and whatever a single job runs into."""
        while not self.loop.stop.is_set():
            job = self.jobs.get()
            try:
                job()
            except Exception as error:
                self.say(f"could not do a job: {type(error).__name__}: {error}")
            with self.lock:
                self.open_jobs -= 1

    # What our own side has, told to Loop.

    def keep(self, kind: str, own: str, record: Body) -> int:
        """Remember what Loop calls a record of ours. Raises Refused where its answer does not say."""
        loop_id = whole(record.get("id"))
        if loop_id is None:
            raise Refused(f"Loop's answer has no id for {kind} {own}")
        with self.lock:
            self.goods.loops[kind, own] = loop_id
        return loop_id

    def push_catalogue(self, about: Body) -> Body:
        currency = about.get("currency", "USD")
        for place in rows(about.get("locations")):
            body = {"external_id": place["id"], "name": place["name"], "status": "active", "address": place["address"]}
            self.keep("location", place["id"], self.loop.put("location", "/locations", body))
        for product in rows(about.get("products")):
            self.push_product(product, currency)
        return {"pushed": True}

    def push_product(self, product: Body, currency: str) -> None:
        options = [{**option, "position": place} for place, option in enumerate(product.get("options", ()), 1)]
        body = {"external_id": product["id"], "name": product["name"], "options": options}
        made = self.loop.put("product", "/products", {**body, "price": money(product["price"], currency)})
        product_id = self.keep("product", product["id"], made)
        for variant in rows(product.get("variants")):
            body = {
                "external_id": variant["id"],
                "name": variant["name"],
                "sku": variant.get("sku"),
                "taxable": True,
                "price": money(variant.get("price", product["price"]), currency),
                "options": [{"position": at, "value": value} for at, value in enumerate(variant.get("values", ()), 1)],
            }
            made = self.loop.put("product_variant", f"/products/{product_id}/product-variants", body)
            self.keep("variant", variant["id"], made)
            self.goods.variants[variant["id"]] = {"product": product["id"]}
            for place, count in fields(variant.get("stock")).items():
                self.goods.stock[variant["id"], place] = count
                self.push_stock(variant["id"], place)

    def push_stock(self, variant: str, place: str) -> None:
        """Tell Loop a count as it is here. It replaces Loop's own, so telling it twice adds nothing."""
        path = f"/inventories/{self.goods.loops['variant', variant]}/{self.goods.loops['location', place]}"
        self.loop.put("inventory", path, {"available_count": self.goods.stock[variant, place]})

    def push_order(self, order: Body) -> Body:
        """Tell Loop an order. Where it does not take it, the order stays on the list of what is to be told."""
        with self.lock:
            self.goods.orders[order["id"]] = order
            self.unsent.add(order["id"])
        try:
            who = order["customer"]
            customer = {name: who.get(name) for name in ("first_name", "last_name", "email", "phone")}
            made = self.loop.put("customer", "/customers", {"external_id": who["id"], **customer})
            self.keep("customer", who["id"], made)
            made = self.loop.put("order", "/orders", order_body(order))
            loop_id = self.keep("order", order["id"], made)
        except (Refused, Unavailable) as trouble:
            self.say(f"Loop did not take order {order['id']}: {trouble}")
            return {"loop_id": None, "why": str(trouble)}
        for line in rows(made.get("line_items")):
            self.keep("line", text(line.get("external_id")), line)
        with self.lock:
            self.unsent.discard(order["id"])
        return {"loop_id": loop_id}

    def reconcile(self, _about: Body) -> Body:
        """Tell Loop the orders that it does not have, and learn of the returns that no webhook told us of."""
        there = {text(order.get("external_id")) for order in self.loop.orders()}
        missing = [order for own, order in self.goods.orders.items() if own not in there or own in self.unsent]
        told = [order["id"] for order in missing if self.push_order(order)["loop_id"] is not None]
        for state in ("open", "review", "closed"):
            for row in self.loop.listed(state):
                if (return_id := whole(row.get("id"))) is not None:
                    self.attend(return_id)
        return {"told": told, "unsent": sorted(self.unsent)}

    def forget(self, _about: Body) -> Body:
        """Begin anew, for another shop."""
        with self.lock:
            self.goods, self.returns, self.unsent = Goods(), {}, set()
        return {"forgotten": True}

    # Returns that begin here.

    def check_returnable(self, about: Body) -> Body:
        """What of an order may come back, by Loop's ids of its lines. Advice: a draft return decides."""
        try:
            answer = fields(self.loop.call("POST", "/orders/return-eligibility", {"order_name": about["order"]}))
        except Refused as refusal:
            return {"eligible": [], "why": str(refusal)}
        items = rows(fields(answer.get("return_eligibility")).get("items"))
        return {"eligible": [whole(item.get("id")) for item in items if item.get("eligible") is True]}

    def start_return(self, about: Body) -> Body:
        """Fill in a draft return as far as Loop lets us, and submit it."""
        order = next((each for each in self.goods.orders.values() if each["number"] == about["order"]), None)
        if order is None:
            return {"return_id": None, "why": "order-not-found"}
        wanted = [
            {**item, "line_id": self.goods.loops.get(("line", f"{order['id']}-{item['line']}"))}
            for item in rows(about.get("items"))
        ]
        try:
            draft = self.fill_in(about, wanted)
        except Refused as refusal:
            return {"return_id": None, "why": refusal.code}
        return {"return_id": whole(draft.get("return_id")), "why": None}

    def fill_in(self, about: Body, wanted: list[Body]) -> Body:
        """From look-up to submit, one step after the other, each as the last answer offers it."""
        document = fields(self.loop.call("GET", "/draft-returns"))
        done: set[str] = set()
        for _ in range(MOST_STEPS):
            draft = fields(document.get("draft_return"))
            if draft.get("state") == "submitted":
                return draft
            name, body = self.next_step(document, about, wanted, done)
            document = self.follow(document, name, body)
            done.add(name)
        raise Refused("Loop does not come to an end with this draft")

    def follow(self, document: Body, name: str, body: Body) -> Body:
        """Do what the document offers. Where its answer is lost, look how the draft stands: the step may be done."""
        if name not in offers(document):
            raise Refused(f"Loop offers no {name}", "not-offered")
        step = offers(document)[name]
        try:
            return fields(self.loop.call(step["method"], step["url"], body))
        except Unavailable:
            draft_id = fields(document.get("draft_return")).get("id")
            return document if draft_id is None else fields(self.loop.call("GET", f"/draft-returns/{draft_id}"))

    def next_step(self, document: Body, about: Body, wanted: list[Body], done: set[str]) -> tuple[str, Body]:
        """What the shopper would do now: items and reasons first, then what they get, then how it travels."""
        draft = fields(document.get("draft_return"))
        if not draft:
            return "create-draft-return", {"order_name": about["order"], "secondary_input": about["email"]}
        if draft["state"] == "created":
            return item_step(document, wanted)
        exchanged = self.exchanged(document, wanted)
        plan: dict[str, Body] = {"set-cart": {"cart_items": exchanged}} if exchanged else {}
        if about["resolution"] != "exchange":
            plan["set-credit-type"] = {"credit_type": about["resolution"]}
        plan["set-return-method"] = {"return_method": about["method"]}
        plan |= {"accept-return-policy": {}} if "accept-return-policy" in offers(document) else {}
        return next(((name, body) for name, body in plan.items() if name not in done), ("submit-draft-return", {}))

    def exchanged(self, document: Body, wanted: list[Body]) -> list[Body]:
        """Of the new items that Loop offers for each item that goes back, those that are wanted."""
        choices = [each["value"] for each in offers(document)["set-cart"]["inputs"]["cart_items"]]
        return [
            choice
            for item, wish in zip(rows(document["draft_return"].get("returning_items")), wanted, strict=True)
            for choice in choices
            if wish.get("exchange_for")
            and choice["returning_item_id"] == item["id"]
            and whole(choice["variant_id"]) == self.goods.loops.get(("variant", wish["exchange_for"]))
        ]

    # What became of returns.

    def heed(self, body: bytes) -> None:
        """Read a delivered hint, and look at the return that it is about."""
        payload = json.loads(body)
        if not isinstance(payload, dict):  # an empty `[]`: Loop had no data for that topic yet
            return
        topic = text(payload.get("topic"))
        return_id = whole(payload.get(RETURN_ID.get(topic, "")))
        if return_id is None:
            return
        if topic == "restock":
            self.restock(return_id, rows(payload.get("restock_items")))
        else:
            self.attend(return_id)

    def book(self, return_id: int) -> Book:
        with self.lock:
            return self.returns.setdefault(return_id, Book())

    def attend(self, return_id: int) -> None:
        """Read a return, and carry out what Loop has decided and we have not done yet."""
        book = self.book(return_id)
        try:
            details = self.loop.details(return_id)
            with self.lock:
                book.state, book.order = text(details.get("state")), text(details.get("order_name"))
                book.outcome, book.currency = text(details.get("outcome")), text(details.get("currency"))
                book.fee, book.tracking_number = text(details.get("handling_fee")), text(details.get("tracking_number"))
                book.trouble = ""
            self.carry_out(return_id, book, details)
        except (Refused, Unavailable) as trouble:
            book.trouble = str(trouble)
            self.say(f"return {return_id}: {trouble}")

    def carry_out(self, return_id: int, book: Book, details: Body) -> None:
        """Pay, issue and send out, once each. Only what Loop calls processed is owed: a return can close without it."""
        decided = fields(details.get("outcomes_processed_at"))
        if decided.get("refund_processed") and not book.refund:
            book.refund = text(details.get("refund"))
            self.say(f"return {return_id}: paid back {book.refund} {book.currency}")
        if decided.get("gift_card_processed") and not book.credit:
            book.credit = text(details.get("gift_card"))
            self.say(f"return {return_id}: issued {book.credit} {book.currency} of store credit")
        if decided.get("exchange_processed") and not book.exchange:
            self.exchange(return_id, book, details)

    def exchange(self, return_id: int, book: Book, details: Body) -> None:
        """Make the order of the new goods and tell Loop, so that they can come back in their turn."""
        old = self.goods.orders.get(self.goods.ours("order", whole(details.get("provider_order_id"))))
        new = [each for each in rows(details.get("exchanges")) if not each.get("out_of_stock_resolution")]
        variants = [self.goods.ours("variant", whole(each.get("variant_id"))) for each in new]
        book.exchange = f"{sum(cents(each.get('total')) for each in new) / Decimal(100):.2f}"
        if old is None or not all(variants):
            raise Refused("the exchange is of goods that are not ours, and needs a person")
        lines = [
            {"id": str(number), "product": self.goods.variants[own]["product"], "variant": own, "quantity": 1,
             "price": text(each.get("price"))}
            for number, (own, each) in enumerate(zip(variants, new, strict=True), 1)
        ]  # fmt: skip
        placed_at = stamp(self.loop.now)
        name = book.exchange_order = f"EXC-{return_id}"
        made = {**old, "id": name, "number": name, "placed_at": placed_at, "lines": lines, "shipments": []}
        self.push_order(made)
        for own in variants:
            self.move_stock(own, "", -1)

    def restock(self, return_id: int, items: list[Body]) -> None:
        """Take goods back into stock, once per return, and tell Loop the new counts."""
        book = self.book(return_id)
        if book.restocked:
            return
        book.restocked = True
        for item in items:
            variant = self.goods.ours("variant", whole(item.get("variant_id")))
            place = self.goods.ours("location", whole(item.get("location_id")))
            self.move_stock(variant, place, whole(item.get("available_adjustment")) or 0)

    def move_stock(self, variant: str, place: str, by: int) -> None:
        """Change a count; of goods that are not ours, none. Without a place, where there are most."""
        counts = {at: count for (own, at), count in self.goods.stock.items() if own == variant}
        at = place if place in counts else max(counts, key=lambda each: counts[each], default="")
        if at:
            self.goods.stock[variant, at] += by
            self.push_stock(variant, at)


def item_step(document: Body, wanted: list[Body]) -> tuple[str, Body]:
    """The next item, or why the shopper sends one back, or that these are all."""
    items, steps = rows(document["draft_return"].get("returning_items")), offers(document)
    if len(items) < len(wanted):
        return "add-returning-item", {"order_line_item_id": eligible(document, wanted[len(items)]["line_id"])}
    for item, wish in zip(items, wanted, strict=True):
        name = f"set-user-input-{item['id']}-1"
        if not item.get("reason") and name in steps:
            choices = steps[name]["inputs"]["value"]
            fitting = [each for each in choices if each["prompt"] == wish.get("reason")]
            return name, {"value": (fitting or choices[-1:])[0]["value"]}
    return "finalize-items", {}


def eligible(document: Body, line_id: int | None) -> int:
    """The line, if Loop lets a unit of it be returned. Raises Refused with Loop's code."""
    step = offers(document).get("add-returning-item", {"inputs": {}})
    if any(whole(each["value"]) == line_id for each in step["inputs"].get("order_line_item_id", ())):
        return line_id or 0
    barred = rows(fields(document.get("context")).get("items_not_eligible_to_return"))
    why = [text(each.get("ineligibility_code")) for each in barred if whole(each.get("order_line_item_id")) == line_id]
    raise Refused("Loop does not take this back", (why or ["not-eligible"])[0])


class Receiver(ThreadingHTTPServer):
    """Our side of the web: the webhooks, our own side's tasks, and questions for whoever runs us."""

    daemon_threads = True
    request_queue_size = 128  # a shop's busy hour must not meet a refused connection

    def __init__(self, port: int, merchant: Merchant) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.merchant = merchant


class Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def do_GET(self) -> None:
        merchant = self.server.merchant
        answers: dict[str, Callable[[], object]] = {
            "/health": lambda: {"ok": True},
            "/state": merchant.state,
            "/idle": merchant.idle,
        }
        answer = answers.get(self.path)
        self._answer(200, answer()) if answer else self._answer(404, "not found")

    def do_POST(self) -> None:
        length = whole(self.headers["Content-Length"])
        if length is None or length > LARGEST_BODY:
            self.close_connection = True
            self._answer(413 if length else 411, "a body of known and moderate length, please")
            return
        body, path = self.rfile.read(length), urlsplit(self.path).path.rstrip("/")
        merchant = self.server.merchant
        if path == "/webhooks/loop":
            status = merchant.deliver(body, self.headers["X-Loop-Signature"] or "")
            self._answer(status, "taken" if status == 200 else "not signed by Loop")
        elif (task := path.removeprefix("/do/")) in merchant.tasks:
            try:
                self._answer(200, merchant.do(task, fields(json.loads(body or b"{}"))))
            except Exception as error:
                self._answer(500, f"{type(error).__name__}: {error}")
        else:
            self._answer(404, "not found")

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what happens to returns is logged, not who called."""


def say(line: str) -> None:
    """One line, for the people who run the shop."""
    if not os.environ.get("MERCHANT_QUIET"):
        print(" ".join(line.split()), flush=True)


def main() -> int:
    settings = [os.environ.get(name, "") for name in ("LOOP_API_BASE", "LOOP_API_KEY", "LOOP_WEBHOOK_SECRET")]
    base, key, secrets = settings
    known_secrets = [secret.strip() for secret in secrets.split(",") if secret.strip()]
    if not (base and key and known_secrets):
        print("set LOOP_API_BASE, LOOP_API_KEY and LOOP_WEBHOOK_SECRET", file=sys.stderr)
        return 2
    stop = threading.Event()
    merchant = Merchant(Loop(base, key, stop), known_secrets, say)
    receiver = Receiver(int(os.environ.get("PORT") or 0), merchant)
    for number in (signal.SIGTERM, signal.SIGINT):
        # From a thread: shutdown() waits for serve_forever(), which a signal handler would be standing in the way of.
        signal.signal(number, lambda *_: threading.Thread(target=receiver.shutdown).start())
    print(json.dumps({"listening": f"http://127.0.0.1:{receiver.server_port}/webhooks/loop"}), flush=True)
    worker = threading.Thread(target=merchant.work, daemon=True)
    worker.start()
    receiver.serve_forever(poll_interval=0.1)
    stop.set()
    merchant.add_job(lambda: None)
    worker.join(TIMEOUT)
    receiver.server_close()
    say("closed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
