"""The customer portal: pages in which a person looks an order up and submits a return, over the draft-return engine.

Plain HTML without a script. Each page shows one document of `operations/loop/draft_returns.py`, and each form is one or
more of its operations; the portal decides nothing itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from loopsim.clock import from_ms
from loopsim.domain.orders import Variant
from loopsim.errors import Refusal
from loopsim.operations.buyers import live_customer
from loopsim.operations.control.views import PORTAL as PATH
from loopsim.operations.control.views import portal_path
from loopsim.operations.loop.deep_links import DeepLink
from loopsim.operations.perform import Call
from loopsim.server import portal_pages as pages
from loopsim.server.runtime import Runtime
from loopsim.store.shop import Shop
from loopsim.store.transaction import Transaction

VERSION = "2026-10"
LARGEST_FORM = 256 * 1024
CATALOGUE = 200
"""Variants that Shop Now offers; a shop may have many more."""
_HERE = Path(__file__).parent
_HEADERS = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    # Not `no-referrer`: browsers then hide the origin of forms, too.
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}
Json = dict[str, Any]
Form = dict[str, str]
Page = Callable[["Visit"], Awaitable[Response]]


class Visit:
    """One request for a page of one shop's portal. `form` is empty for those that only look."""

    def __init__(self, runtime: Runtime, shop: Shop, request: Request, form: Form) -> None:
        self.runtime, self.shop, self.request, self.form = runtime, shop, request, form
        self.home = portal_path(shop.name)

    @property
    def draft_id(self) -> int:
        """The draft in the path."""
        return int(self.request.path_params["draft"])

    @property
    def here(self) -> str:
        """Where the pages of the draft are."""
        return f"{self.home}/draft/{self.draft_id}"

    @property
    def posted(self) -> bool:
        """Whether a form was sent."""
        return self.request.method == "POST"

    def perform(self, operation_id: str, body: Any = None, **path: Any) -> Json:
        """An operation of draft returns; its document, with `errors` where it was refused."""
        call = Call(path=path, body=body or {}, version=VERSION, base_url=self.home)
        document: Json = self.runtime.perform(self.shop, operation_id, call).body
        return document

    def on_draft(self, operation_id: str, body: Any = None, **path: Any) -> Json:
        """An operation on the draft in the path."""
        return self.perform(operation_id, body, id=self.draft_id, **path)

    def records(self) -> Transaction:
        """The shop's records, for reading."""
        return Transaction(self.shop, from_ms(self.runtime.now_ms(self.shop)))


class Portal:
    """The pages of all shops' portals."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        loader = FileSystemLoader(_HERE / "templates")
        self._templates = Environment(
            loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
        )
        self._templates.filters["money"] = pages.money

    def application(self) -> Starlette:
        """What serves them."""
        draft = f"{PATH}/{{shop}}/draft/{{draft:int}}"
        both = ["GET", "POST"]
        return Starlette(
            routes=[
                Route(f"{PATH}/{{shop}}", self._page(self.look_up), methods=both),
                Route(f"{PATH}/{{shop}}/link/{{uuid}}", self._page(self.link), methods=both),
                Route(f"{PATH}/{{shop}}/return/{{uuid}}", self._page(self.status)),
                Route(draft, self._page(self.draft)),
                Route(f"{draft}/items", self._page(self.items), methods=both),
                Route(f"{draft}/reasons", self._page(self.reasons), methods=both),
                Route(f"{draft}/outcome", self._page(self.outcome), methods=both),
                Route(f"{draft}/method", self._page(self.method), methods=both),
                Route(f"{draft}/review", self._page(self.review), methods=both),
                Route(f"{draft}/cancel", self._page(self.cancel), methods=["POST"]),
            ]
        )

    def _page(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def serve(request: Request) -> Response:
            name = request.path_params["shop"]
            await self._runtime.free(name)
            shop = self._runtime.world.shops.get(name)
            if shop is None:
                return HTMLResponse("<!doctype html><title>No such shop</title><p>No such shop.", 404, _HEADERS)
            form = await _form_of(request)
            visit = Visit(self._runtime, shop, request, form or {})
            if form is None:
                text = "It holds more than this page takes. Go back, and write less."
                return self._note(visit, "This form is too large", text, 413)
            try:
                return await page(visit)
            except Refusal:
                return self._note(visit, "Not found", "There is nothing here any more.", 404)

        return serve

    # the way

    async def look_up(self, visit: Visit) -> Response:
        """Find the order."""
        asked = visit.request.query_params
        # What a link of the merchant's own says already (documented): ?order=…&zip=… or &email=….
        said = {"order": asked.get("order", ""), "secret": asked.get("zip") or asked.get("email", ""), "gift": ""}
        given = {name: visit.form.get(name, otherwise).strip() for name, otherwise in said.items()}
        errors = []
        if visit.posted:
            errors = [
                pages.problem(f"Enter the {what}.", field)
                for field, what in (("order", "order name"), ("secret", "e-mail, postal code or phone"))
                if not given[field]
            ]
            if not errors:
                body = {
                    "order_name": given["order"],
                    "secondary_input": given["secret"],
                    "is_gift": bool(given["gift"]),
                }
                document = visit.perform("createDraftReturn", body)
                if not document["errors"]:
                    return _go(f"{visit.home}/draft/{document['draft_return']['id']}")
                errors = pages.problems(document, "order")
        return self._show(visit, "lookup", "Start a return", given=given, errors=errors)

    async def link(self, visit: Visit) -> Response:
        """A deep link: the order is known."""
        records = visit.records()
        link = records.get("deep_link", visit.request.path_params["uuid"], DeepLink)
        order = None if link is None else records.order(link.order_id)
        if link is None or order is None:
            raise Refusal("draft_not_found")
        errors: list[Json] = []
        if visit.posted:
            who = live_customer(records, order)
            secret = order.shipping_address.zip or who.email or who.phone
            body = {"order_name": order.name, "secondary_input": secret, "is_gift": link.gift}
            document = visit.perform("createDraftReturn", body)
            if not document["errors"]:
                return _go(f"{visit.home}/draft/{document['draft_return']['id']}")
            errors = pages.problems(document)
        return self._show(visit, "link", "Start a return", order=order.name, gift=link.gift, errors=errors)

    async def draft(self, visit: Visit) -> Response:
        """Where the draft was left."""
        draft = visit.on_draft("getDraftReturn")["draft_return"]
        state = draft["state"]
        if state == "created":
            return _go(f"{visit.here}/{'reasons' if draft['returning_items'] else 'items'}")
        if state == "items-finalized":
            return _go(f"{visit.here}/outcome")
        if state != "submitted":
            return self._note(visit, f"This return was {state}", "You can start another.")
        return_ = visit.records().need_return(draft["return_id"])
        page = f"{visit.home}/return/{return_.uuid}"
        return self._show(visit, "done", "Your return is submitted", return_id=return_.id, status_page=page)

    async def items(self, visit: Visit) -> Response:
        """Choose what goes back."""
        document = visit.on_draft("getDraftReturn")
        if document["draft_return"]["state"] != "created":
            return self._settled(visit, document)
        errors: list[Json] = []
        if visit.posted:
            for operation_id, body, path in pages.item_changes(document, visit.form):
                after = visit.on_draft(operation_id, body, **path)
                errors = errors or pages.problems(after)
            document = visit.on_draft("getDraftReturn")
            if not errors and not document["draft_return"]["returning_items"]:
                errors = [pages.problem("Choose at least one item.", pages.first_line(document))]
            if not errors:
                return _go(f"{visit.here}/reasons")
        values = pages.items_page(document)
        return self._show(visit, "items", "Choose the items", "Items", errors=errors, can_cancel=True, **values)

    async def reasons(self, visit: Visit) -> Response:
        """Say why."""
        document = visit.on_draft("getDraftReturn")
        if document["draft_return"]["state"] != "created":
            return self._settled(visit, document)
        if not document["draft_return"]["returning_items"]:
            return _go(f"{visit.here}/items")
        errors: list[Json] = []
        if visit.posted:
            for item in pages.reasons_page(document):
                reason = visit.form.get(f"reason-{item['id']}", "")
                place = {"returning_item_id": item["id"]}
                comment = {"value": visit.form.get(f"comment-{item['id']}", "").strip()}
                visit.on_draft("setUserInput", comment, user_input_id=2, **place)
                after = visit.on_draft("setUserInput", {"value": reason}, user_input_id=1, **place)
                if after["errors"]:
                    errors.append(pages.problem(f"Choose a reason for {item['title']}.", f"reason-{item['id']}"))
            if not errors:
                errors = pages.problems(visit.on_draft("finalizeItems"))
            if not errors:
                return _go(f"{visit.here}/outcome")
            document = visit.on_draft("getDraftReturn")
        items = pages.reasons_page(document)
        return self._show(visit, "reasons", "Say why", "Reasons", errors=errors, items=items, can_cancel=True)

    async def outcome(self, visit: Visit) -> Response:
        """Choose what comes of it."""
        document = visit.on_draft("getDraftReturn")
        if document["draft_return"]["state"] != "items-finalized":
            return _go(visit.here)
        errors: list[Json] = []
        if visit.posted:
            cart = {"cart_items": pages.cart_of(document, visit.form)}
            errors = pages.problems(visit.on_draft("setDraftReturnCart", cart))
            credit = visit.form.get("credit")
            if not errors and credit:
                errors = pages.problems(
                    visit.on_draft("setDraftReturnCreditType", {"credit_type": credit}), "credit-type"
                )
            document = visit.on_draft("getDraftReturn")
            if not errors and pages.needs_credit(document):
                errors = [pages.problem("Choose what becomes of what is not exchanged.", "credit-type")]
            if not errors:
                return _go(f"{visit.here}/method")
        catalogue = visit.records().resource_page("variant", Variant, CATALOGUE)
        values = pages.outcome_page(document, catalogue)
        return self._show(visit, "outcome", "Choose what you get", "Outcome", errors=errors, can_cancel=True, **values)

    async def method(self, visit: Visit) -> Response:
        """Choose how the items travel."""
        document = visit.on_draft("getDraftReturn")
        if document["draft_return"]["state"] != "items-finalized":
            return _go(visit.here)
        if pages.needs_credit(document):
            return _go(f"{visit.here}/outcome")
        errors: list[Json] = []
        if visit.posted and not visit.form.get("method"):
            errors = [pages.problem("Choose how the items travel.", "method")]
        elif visit.posted:
            body = {"return_method": visit.form["method"]}
            errors = pages.problems(visit.on_draft("setDraftReturnMethod", body), "method")
        if visit.posted and not errors:
            return _go(f"{visit.here}/review")
        values = pages.method_page(document)
        return self._show(visit, "method", "Choose how it travels", "Method", errors=errors, can_cancel=True, **values)

    async def review(self, visit: Visit) -> Response:
        """Look it over, and submit."""
        document = visit.on_draft("getDraftReturn")
        if document["draft_return"]["state"] != "items-finalized":
            return _go(visit.here)
        if pages.needs_credit(document):
            return _go(f"{visit.here}/outcome")
        errors: list[Json] = []
        if visit.posted:
            if not visit.form.get("policy"):
                errors = [pages.problem("Agree to the return policy.", "policy")]
            else:
                accepted = visit.on_draft("acceptReturnPolicy")
                errors = pages.problems(accepted)
                if not errors and "submit-draft-return" not in accepted["_templates"]:
                    # Whoever skipped that page by the address of this one.
                    return _go(f"{visit.here}/method")
            errors = errors or pages.problems(visit.on_draft("submitDraftReturn"))
            if not errors:
                return _go(visit.here)
            document = visit.on_draft("getDraftReturn")
        values = pages.review_page(document)
        return self._show(visit, "review", "Check and submit", "Review", errors=errors, can_cancel=True, **values)

    async def cancel(self, visit: Visit) -> Response:
        """Give up."""
        visit.on_draft("cancelDraftReturn")
        return _go(visit.here)

    async def status(self, visit: Visit) -> Response:
        """How a return stands."""
        uuid = visit.request.path_params["uuid"]
        return_ = visit.records().return_by_uuid(uuid)
        if return_ is None:
            raise Refusal("return_not_found")
        return self._show(visit, "status", f"Return {return_.id}", return_=return_)

    # pages

    def _show(self, visit: Visit, template: str, title: str, step: str = "", **values: Any) -> Response:
        here = visit.here if "draft" in visit.request.path_params else ""
        text = self._templates.get_template(f"portal/{template}.html").render(
            title=title,
            shop=visit.shop.settings.subdomain,
            home=visit.home,
            here=here,
            step=step,
            wrong={error["field"] for error in values.get("errors", ())},
            steps=("Items", "Reasons", "Outcome", "Method", "Review"),
            **values,
        )
        return HTMLResponse(text, 422 if values.get("errors") else 200, _HEADERS)

    def _settled(self, visit: Visit, document: Json) -> Response:
        """To where the draft stands; whoever came back to change the items learns that it is too late."""
        draft = document["draft_return"]
        if visit.posted and draft["state"] == "items-finalized" and pages.says_otherwise(document, visit.form):
            return self._show(visit, "settled", "The items are settled", can_cancel=True)
        return _go(visit.here)

    def _note(self, visit: Visit, title: str, text: str, status: int = 200) -> Response:
        shown = self._templates.get_template("portal/note.html").render(
            title=title, text=text, shop=visit.shop.settings.subdomain, home=visit.home
        )
        return HTMLResponse(shown, status, _HEADERS)


def _go(path: str) -> Response:
    """On to the next page, which is got, so that going back and reloading send nothing again."""
    return RedirectResponse(path, 303, _HEADERS)


async def _form_of(request: Request) -> Form | None:
    """What a form says; None where it says too much."""
    if request.method != "POST":
        return {}
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return None
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=5000))
    except ValueError:
        return None
