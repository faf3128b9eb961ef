"""What the pages of the portal show of a draft return's document, and what their forms say: pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from loopsim.domain.orders import Variant
from loopsim.wire.money import decimal
from loopsim.wire.numbers import whole

Json = dict[str, Any]
Change = tuple[str, Json | None, Json]
WHY_NOT = {
    "blocklisted": "the shop does not take it back",
    "order-cancelled": "the order was cancelled",
    "already-returned": "it is in another return",
    "final-sale": "it was a final sale",
    "outside-window": "the time to return it is over",
}
OUTCOMES = {
    "refund": "refund",
    "store-credit": "store credit",
    "exchange": "exchange",
    "shop-now": "credit to shop with",
    None: "not chosen yet",
}


def money(amount: Json) -> str:
    """An amount as people read it."""
    return f"{decimal(amount['amount'])} {amount['currency']}"


def problem(message: str, field: str = "") -> Json:
    """An entry of the summary of errors, which leads to its field."""
    return {"message": message, "field": field}


def problems(document: Json, field: str = "") -> list[Json]:
    """The errors of a document."""
    return [problem(error["message"], field) for error in document["errors"]]


def _lines(document: Json) -> dict[int, Json]:
    return {line["id"]: line for line in document["context"]["order"]["line_items"]}


def _titled(document: Json) -> Iterator[tuple[Json, str]]:
    """The returning items with their titles, which differ: of several alike each says which it is."""
    lines, chosen = _lines(document), _chosen(document)
    so_far: Counter[int] = Counter()
    for item in document["draft_return"]["returning_items"]:
        line_id = item["order_line_item_id"]
        so_far[line_id] += 1
        which = f" ({so_far[line_id]} of {chosen[line_id]})" if chosen[line_id] > 1 else ""
        yield item, lines[line_id]["title"] + which


def _options(document: Json, template: str, field: str) -> list[Json]:
    properties = document["_templates"].get(template, {}).get("properties", ())
    found = (each.get("options", {}).get("inline", []) for each in properties if each["name"] == field)
    return next(found, [])


def _chosen(document: Json) -> Counter[int]:
    return Counter(item["order_line_item_id"] for item in document["draft_return"]["returning_items"])


def items_page(document: Json) -> Json:
    """The lines that can go back, with how many are chosen, and those that cannot."""
    lines, chosen = _lines(document), _chosen(document)
    context = document["context"]
    eligible = {each["order_line_item_id"] for each in context["items_eligible_to_return"]} | set(chosen)
    return {
        "order": context["order"],
        "lines": [
            {**line, "chosen": chosen[id_], "most": line["quantity"]} for id_, line in lines.items() if id_ in eligible
        ],
        "refused": [
            {
                "title": lines[each["order_line_item_id"]]["title"],
                "why": WHY_NOT.get(each["ineligibility_code"], each["ineligibility_code"]),
            }
            for each in context["items_not_eligible_to_return"]
            if each["order_line_item_id"] not in chosen
        ],
    }


def first_line(document: Json) -> str:
    """The field of the first line that could be chosen."""
    lines = items_page(document)["lines"]
    return f"line-{lines[0]['id']}" if lines else ""


def item_changes(document: Json, form: dict[str, str]) -> Iterator[Change]:
    """The operations that bring a draft to what the form says: operation, body, path."""
    chosen = _chosen(document)
    for line in items_page(document)["lines"]:
        wanted = whole(form.get(f"line-{line['id']}", "0")) or 0
        for _ in range(min(wanted, line["most"]) - chosen[line["id"]]):
            yield "addReturningItem", {"order_line_item_id": line["id"]}, {}
        mine = [
            item["id"]
            for item in document["draft_return"]["returning_items"]
            if item["order_line_item_id"] == line["id"]
        ]
        for item_id in mine[max(wanted, 0) :]:
            yield "removeReturningItem", None, {"returning_item_id": item_id}


def reasons_page(document: Json) -> list[Json]:
    """The items, with the reasons to choose from."""
    return [
        {
            "id": item["id"],
            "title": title,
            "reasons": _options(document, f"set-user-input-{item['id']}-1", "value"),
            "reason": item["user_input"][0]["value"],
            "comment": item["user_input"][1]["value"],
        }
        for item, title in _titled(document)
    ]


def says_otherwise(document: Json, form: dict[str, str]) -> bool:
    """Whether a form of items or reasons says something else than the draft, whose items are settled."""
    items = document["draft_return"]["returning_items"]
    reasons = ((form.get(f"reason-{item['id']}"), item["user_input"][0]["value"]) for item in items)
    if any(said is not None and said != str(kept) for said, kept in reasons):
        return True
    chosen = _chosen(document)
    lines = [name for name in form if name.startswith("line-")]
    return any(whole(form[name]) != chosen[whole(name.removeprefix("line-")) or 0] for name in lines)


def outcome_page(document: Json, catalogue: Sequence[Variant]) -> Json:
    """What can be had: other variants of each item, things of the shop, and what becomes of the rest."""
    draft = document["draft_return"]
    exchanges = _options(document, "set-cart", "cart_items")
    bound = {new["returning_item_id"]: new["variant_id"] for new in draft["cart_items"]}
    currency = draft["currency"]
    return {
        "items": [
            {
                "id": item["id"],
                "title": title,
                "variants": [each for each in exchanges if each["value"]["returning_item_id"] == item["id"]],
                "exchange": bound.get(item["id"]),
            }
            for item, title in _titled(document)
        ],
        "catalogue": [
            {
                "id": variant.id,
                "full_title": variant.full_title,
                "shown": money({"amount": variant.price, "currency": variant.currency or currency}),
            }
            for variant in catalogue
        ],
        "bought": bound.get(None),
        "credit_types": _options(document, "set-credit-type", "credit_type"),
        "credit_type": draft["credit_type"],
    }


def cart_of(document: Json, form: dict[str, str]) -> list[Json]:
    """The new items that the form asks for."""
    cart = []
    for item in document["draft_return"]["returning_items"]:
        variant = whole(form.get(f"exchange-{item['id']}", ""))
        if variant is not None:
            cart.append({"variant_id": variant, "returning_item_id": item["id"]})
    bought = whole(form.get("shop-now", ""))
    return cart if bought is None else [*cart, {"variant_id": bought}]


def needs_credit(document: Json) -> bool:
    """Whether something is left of which nobody has said what becomes of it."""
    draft = document["draft_return"]
    return draft["credit_type"] is None and not all(item["has_exchange_item"] for item in draft["returning_items"])


def method_page(document: Json) -> Json:
    """How the items may travel, and from where."""
    address = document["draft_return"]["shipping_address"]
    parts = (address[name] for name in ("name", "address1", "address2", "zip", "city", "state", "country"))
    return {
        "methods": _options(document, "set-return-method", "return_method"),
        "address": ", ".join(part for part in parts if part),
    }


def review_page(document: Json) -> Json:
    """Everything, once more."""
    draft = document["draft_return"]
    totals = draft["totals"]
    amounts = [
        ("Going back", totals["return_total"]),
        ("New items", totals["new_item_total"]),
        ("Bonus", totals["bonus_used"]),
        ("Handling fee", totals["fees"]["applied"]),
        ("You pay", totals["amount_due"]),
        ("Refund", totals["credit"]["refund_credit"]),
        ("Store credit", totals["credit"]["store_credit"]),
    ]
    return {
        "items": [
            {"title": title, "why": item["reason"]["name"], "outcome": OUTCOMES[item["resolution"]]}
            for item, title in _titled(document)
        ],
        "cart": draft["cart_items"],
        "money": [(name, amount) for name, amount in amounts if amount["amount"]],
        "window": draft["return_policy"]["return_window_days"],
        "accepted": "accept-return-policy" not in document["_templates"],
    }
