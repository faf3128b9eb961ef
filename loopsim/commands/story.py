"""What leads to each trigger: a table of steps, and the steps as acts and moves of the clock.

A step looks at the return first and does only what is still missing, so the same table serves a fresh return and one
that was named, wherever that one stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from loopsim.commands.connection import Refused, Shop, flags_to
from loopsim.errors import LoopsimError

JOURNEY = ("pre_transit", "in_transit", "out_for_delivery", "delivered")
FINAL = {"closed", "cancelled", "expired"}


WAITED_FOR = {"label.make": "for the label", "return.process": "for Loop's queue"}


class Recipe(NamedTuple):
    """`submit` is the act's body for a fresh return; `policy` is what the shop's must be while it lasts."""

    steps: tuple[str, ...]
    submit: dict[str, Any] = {}
    policy: dict[str, Any] = {}


_LABELLED = {"label_source": "loop"}
_REQUESTED = {"label_source": "third_party"}
_TO_THE_END = ("submit", "label", "deliver", "process")

RECIPES: dict[str, Recipe] = {
    "return.created": Recipe(("submit",)),
    "return.updated": Recipe(("submit", "change")),
    "return.closed": Recipe(_TO_THE_END),
    "return.processing.failed": Recipe(("submit", "sabotage", "process_once")),
    "label.created": Recipe(("submit", "new_label"), policy=_LABELLED),
    "label.updated": Recipe(("submit", "label", "move"), policy=_LABELLED),
    "restock.requested": Recipe(_TO_THE_END, policy={"restock": "webhook"}),
    "label.request.issued": Recipe(("submit", "label_request"), policy=_REQUESTED),
    "label.request.cancelled": Recipe(("submit", "label_request", "cancel"), policy=_REQUESTED),
    "giftcard.requested": Recipe(
        _TO_THE_END, {"items": [{"outcome": "credit"}]}, {"gift_card_provider": "third_party"}
    ),
    "shipment.processed": Recipe(("submit", "drop_off", "ship"), {"method": "happy_returns"}),
}


class Stuck(LoopsimError):
    """The story cannot go on to where it should lead."""

    exit_code = 1


class Step(NamedTuple):
    """Something that happened: who did what, and what came of it."""

    who: str
    what: str
    detail: str = ""


class Story:
    """One return of a shop on its way. `tell` is called with each step as it is done."""

    def __init__(self, shop: Shop, return_id: int | None, submit: dict[str, Any], tell: Callable[[Step], None]) -> None:
        self.shop = shop
        self.return_id = return_id
        self.submit = submit
        self._tell = tell
        self.steps: list[Step] = []

    def told(self, who: str, what: str, detail: str = "") -> None:
        step = Step(who, what, detail)
        self.steps.append(step)
        self._tell(step)

    def view(self) -> dict[str, Any]:
        """The return as the control API shows it."""
        view: dict[str, Any] = self.shop.get_return(self.return_id or 0)
        return view

    def act(self, word: str, what: str, **body: Any) -> dict[str, Any]:
        """An act on the return."""
        view: dict[str, Any] = self.shop.act(word, return_id=self.return_id, **body)
        self.told(word.partition(".")[0], what, state_of(view))
        return view

    def run_timer(self, kind: str) -> bool:
        """Let time pass until a timer of the return has run; False where none of this kind is set."""
        due = next((timer["due"] for timer in self.view()["timers"] if timer["kind"] == kind), None)
        if due is None:
            return False
        before = self.shop.clock.now
        try:
            came = self.shop.clock.advance(to=due)
        except Refused as error:
            if error.code != "clock_backwards":
                raise
            # The clock runs by itself and was faster: what was due has run, or does with the next move.
            came = self.shop.clock.advance(by=0.001)
        passed = (datetime.fromisoformat(came["now"]) - datetime.fromisoformat(before)).total_seconds()
        self.told("clock", f"{max(round(passed), 0)} s pass", WAITED_FOR.get(kind, kind))
        return True


def play(shop: Shop, trigger: str, return_id: int | None, tell: Callable[[Step], None]) -> Story:
    """Let happen what leads to a trigger, on a fresh return where none is named. Raises Stuck and Refused."""
    recipe = RECIPES[trigger]
    story = Story(shop, return_id, recipe.submit, tell)
    with _policy(shop, recipe.policy, story):
        for step in recipe.steps:
            STEPS[step](story)
    return story


@contextmanager
def _policy(shop: Shop, wanted: dict[str, Any], story: Story) -> Iterator[None]:
    policy = shop.view()["policy"]
    before = {name: policy[name] for name, value in wanted.items() if policy[name] != value}
    if not before:
        yield
        return
    changed = {name: wanted[name] for name in before}
    shop.update(policy=changed)
    said = ", ".join(f"{name} = {value}" for name, value in changed.items())
    story.told("shop", f"policy for the time being: {said}")
    try:
        yield
    finally:
        shop.update(policy=before)


def state_of(view: dict[str, Any]) -> str:
    """A return in a few words."""
    flagged = ", flagged" if view["flagged"] else ""
    label = f", label {view['labels'][-1]['status']}" if view["labels"] else ""
    about = f"return {view['id']} of {view['order_name']} ({view['outcome'] or 'no outcome yet'})"
    return f"{about} is {view['state']}{flagged}{label}"


def submit_fresh(shop: Shop, body: dict[str, Any]) -> dict[str, Any]:
    """A fresh return of one unit that can come back, of an order that is made for it where there is none.

    `body` is the act's, and its first item says what becomes of the unit.
    """
    unit = _returnable(shop) or _ordered(shop)
    item = {**next(iter(body.get("items", ())), {}), **unit["item"]}
    view: dict[str, Any] = shop.act("customer.submits_return", **{**body, "order": unit["order"], "items": [item]})
    return view


def _returnable(shop: Shop) -> dict[str, Any] | None:
    for order in shop.list_orders(limit=1000, returnable=True):
        for line in order["lines"]:
            if line["returnable"] and not line["final_sale"]:
                return {"order": order["id"], "item": {"line_item_id": line["id"]}}
    return None


def _ordered(shop: Shop) -> dict[str, Any]:
    sold = [line for order in shop.list_orders(limit=1000) for line in order["lines"]]
    final = {line["variant_id"] for line in sold if line["final_sale"]}
    variant = next((each["id"] for each in shop.variants() if each["id"] not in final), None)
    if variant is None:
        raise Stuck(f"Shop {shop.name} sells nothing that could come back. Take a shop of another world: --shop.")
    return {"order": shop.act("orders.makes", lines=[{"variant": variant}])["id"], "item": {}}


# the steps


def _submit(story: Story) -> None:
    if story.return_id is not None:
        view = story.view()
        if view["state"] in FINAL:
            raise Stuck(
                f"Return {view['id']} is {view['state']}, and nothing more happens to it."
                " Name another, or none to start a fresh one."
            )
        return
    view = submit_fresh(story.shop, story.submit)
    story.return_id = view["id"]
    story.told("customer", "submits a return", state_of(view))


def _change(story: Story) -> None:
    if story.view()["state"] == "open":
        story.act("customer.edits_return", "edits the return")
    else:
        flagged = story.view()["flagged"]
        story.act("staff.unflags" if flagged else "staff.flags", "takes the flag away" if flagged else "flags it")


def _new_label(story: Story) -> None:
    if story.view()["labels"]:
        raise Stuck(f"Return {story.return_id} has its label already. Name one without, or none to start a fresh one.")
    _label(story)
    if not story.view()["labels"]:
        raise Stuck(
            f"Return {story.return_id} gets no label: its method or outcome needs none, or a third party makes it."
        )


def _label(story: Story) -> None:
    view = story.view()
    if not view["labels"] and view["state"] not in FINAL:
        story.run_timer("label.make")


def _ahead(view: dict[str, Any]) -> tuple[str, ...]:
    status = view["labels"][-1]["status"] if view["labels"] else ""
    return JOURNEY[JOURNEY.index(status) + 1 :] if status in JOURNEY else JOURNEY


def _move(story: Story) -> None:
    view = story.view()
    if not view["labels"]:
        raise Stuck(f"Return {story.return_id} has no label that a carrier could scan.")
    status = next(iter(_ahead(view)), "delivered")
    story.act("carrier.scans", f"scans {status}", status=status)


def _deliver(story: Story) -> None:
    view = story.view()
    while view["labels"] and view["state"] not in FINAL and _ahead(view):
        status = _ahead(view)[0]
        view = story.act("carrier.scans", f"scans {status}", status=status)


def _process_once(story: Story) -> None:
    view = story.view()
    if view["state"] in FINAL:
        return
    if not view["pending"]:
        story.act("staff.processes", "processes the return")
    story.run_timer("return.process")
    view = story.view()
    story.told("loop", "has run its queue", state_of(view))


def _process(story: Story) -> None:
    _process_once(story)
    view = story.view()
    if view["state"] != "closed":
        state = state_of(view)
        raise Stuck(
            f"{state[:1].upper()}{state[1:]}, not closed: an item out of stock or a payment that fails leaves it so."
            f" See what was done with `loopsim ledger --shopify{flags_to(story.shop.server, story.shop.name)}`."
        )


def _sabotage(story: Story) -> None:
    count = story.shop.act("processing.fails_next", count=1)
    story.told("loop", "will fail to process", f"the next {count}")


def _label_request(story: Story) -> None:
    if not story.run_timer("label.make"):
        raise Stuck(f"Return {story.return_id} waits for no label. Name one that does, or none to start a fresh one.")


def _cancel(story: Story) -> None:
    story.act("staff.cancels", "cancels the return")


def _drop_off(story: Story) -> None:
    story.act("customer.drops_off", "drops it off at a bar")


def _ship(story: Story) -> None:
    story.shop.act("happy_returns.ships")
    story.told("happy returns", "ships its boxes")


STEPS: dict[str, Callable[[Story], None]] = {
    "submit": _submit,
    "change": _change,
    "new_label": _new_label,
    "label": _label,
    "move": _move,
    "deliver": _deliver,
    "process": _process,
    "process_once": _process_once,
    "sabotage": _sabotage,
    "label_request": _label_request,
    "cancel": _cancel,
    "drop_off": _drop_off,
    "ship": _ship,
}
