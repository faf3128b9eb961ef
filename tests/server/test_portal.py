"""The customer portal over HTTP: from the look-up, a deep link or a QR code to a return and its status page."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim, Shop
from loopsim.embedded import EmbeddedServer
from tests.quirks.bench import exchange


class Html(HTMLParser):
    """A page as a reader has it: its text, forms, fields, labels, links and ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.said: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.tags if tag in tags]


class Browser:
    """Sends forms and follows redirects, as a browser without scripts does."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.path = ""
        self.status = 0
        self.page = Html("")

    def go(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> Browser:
        parts = urlsplit(self.server)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        body = None if form is None else urlencode(form)
        sent = {"Origin": self.server, "Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
        connection.request("GET" if body is None else "POST", path, body, {**sent, **headers})
        answer = connection.getresponse()
        raw, self.status, self.path = answer.read().decode(), answer.status, path
        connection.close()
        if answer.status == 303:
            return self.go(answer.headers["location"])
        self.page = Html(raw)
        return self

    def fill(self, **values: Any) -> Browser:
        """Send the page's first form, with what it holds already and these fields, whose `_` stand for `-`."""
        form = self.page.all("form")[0]
        return self.go(
            form.get("action") or self.path, {name.replace("_", "-"): value for name, value in values.items()}
        )

    def names(self, start: str) -> list[str]:
        return [f["name"] for f in self.page.all("input", "select", "textarea") if f["name"].startswith(start)]

    def options(self) -> list[str]:
        return [each["value"] for each in self.page.all("option") if each.get("value")]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer(Options(port=0, clock="manual")) as running:
        yield running


@pytest.fixture
def shop(server: EmbeddedServer) -> Iterator[Shop]:
    made = Loopsim(server.url).create_shop("outfits", seed=3, clock={"mode": "manual"}, policy={"carrier": "manual"})
    yield made
    made.delete()


@pytest.fixture
def browser(server: EmbeddedServer) -> Browser:
    return Browser(server.url)


def loop(shop: Shop, method: str, path: str, body: Any = None) -> Any:
    """A call of Loop's API with the shop's key."""
    raw = None if body is None else json.dumps(body).encode()
    sent = {"X-Authorization": shop.key, "Content-Type": "application/json"}
    reply = exchange(shop.server.url, method, f"/api/v1{path}", raw, sent)
    assert reply.status == 200, reply.body
    return reply.json


HOME = "/_loopsim/portal/outfits"


def ordered(shop: Shop, **own: Any) -> str:
    variants = [each["id"] for each in shop.variants()[:2]]
    lines = [{"variant": variants[0]}, {"variant": variants[1], "quantity": 3}]
    return str(shop.orders.makes(lines=lines, email="robin@example.com", **own)["name"])


def at_items(browser: Browser, shop: Shop) -> Browser:
    return browser.go(HOME).fill(order=ordered(shop), secret="43004")


def at_outcome(browser: Browser, shop: Shop) -> Browser:
    at_items(browser, shop)
    browser.fill(**{browser.names("line-")[0]: 1})
    return browser.fill(**{browser.names("reason-")[0]: 2, browser.names("comment-")[0]: "Very small"})


def submitted(browser: Browser, **outcome: Any) -> Browser:
    browser.fill(**outcome)
    browser.fill(method="mail")
    return browser.fill(policy=1)


def only_return(shop: Shop) -> Any:
    (return_,) = shop.returns()
    return return_


def test_a_person_comes_from_the_look_up_to_a_return(browser: Browser, shop: Shop) -> None:
    at_outcome(browser, shop)
    submitted(browser, credit="refund")
    assert "Your return is submitted" in browser.page.text
    return_ = only_return(shop)
    assert (return_["state"], return_["outcome"]) == ("open", "refund")
    assert str(return_["id"]) in browser.page.text
    browser.go(next(a["href"] for a in browser.page.all("a") if "/return/" in a["href"]))
    assert browser.path == return_["status_page"]
    assert "Too large" in browser.page.text
    shop.clock.advance(by="5s")
    (label,) = only_return(shop)["labels"]
    assert label["tracking_number"] in browser.go(browser.path).page.text


def test_store_credit_exchange_and_shop_now(browser: Browser, shop: Shop) -> None:
    submitted(at_outcome(browser, shop), credit="store-credit")
    at_outcome(browser, shop)
    field = browser.names("exchange-")[0]
    submitted(browser, **{field: browser.options()[0]})
    at_outcome(browser, shop)
    submitted(browser, shop_now=browser.options()[-1], credit="refund")
    outcomes = [each["line_items"][0]["resolution"] for each in shop.returns()]
    assert sorted(outcomes) == ["credit", "exchange", "shop_now"]


def test_several_units_of_a_line_go_back(browser: Browser, shop: Shop) -> None:
    at_items(browser, shop)
    several = browser.names("line-")[1]
    browser.fill(**{several: 3})
    assert len(browser.names("reason-")) == 3
    assert "(2 of 3)" in browser.page.text
    browser.go(browser.path.replace("reasons", "items")).fill(**{several: 2})
    reasons = browser.names("reason-")
    assert len(reasons) == 2
    browser.fill(**dict.fromkeys(reasons, 1))
    submitted(browser, credit="refund")
    assert len(only_return(shop)["line_items"]) == 2


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"order": "", "secret": ""}, "Enter the order name."),
        ({"order": "#nobody", "secret": "43004"}, "The order could not be found."),
        ({"secret": "99999"}, "The order does not match the given information."),
    ],
)
def test_what_is_wrong_stands_in_a_summary_that_leads_to_the_field(
    form: dict[str, str], said: str, browser: Browser, shop: Shop
) -> None:
    browser.go(HOME).fill(**{"order": ordered(shop), **form})
    assert browser.status == 422
    assert said in browser.page.text
    (summary,) = [attrs for attrs in browser.page.all("div") if attrs.get("role") == "alert"]
    assert "autofocus" in summary
    ids = {attrs["id"] for _, attrs in browser.page.tags if "id" in attrs}
    assert {a["href"][1:] for a in browser.page.all("a") if a["href"].startswith("#")} <= ids


def test_each_page_says_what_it_lacks(browser: Browser, shop: Shop) -> None:
    at_items(browser, shop).fill()
    assert "Choose at least one item." in browser.page.text
    browser.fill(**{browser.names("line-")[0]: 1})
    reason = browser.names("reason-")[0]
    assert "Choose a reason" in browser.fill().page.text
    browser.fill(**{reason: 1}).fill()
    assert "Choose what becomes of what is not exchanged." in browser.page.text
    browser.fill(credit="refund").fill()
    assert "Choose how the items travel." in browser.page.text
    browser.fill(method="mail").fill()
    assert "Agree to the return policy." in browser.page.text
    assert shop.returns() == []


def test_who_skips_a_page_by_its_address_is_led_back_to_it(browser: Browser, shop: Shop) -> None:
    draft = at_outcome(browser, shop).path.removesuffix("/outcome")
    assert browser.go(f"{draft}/method").path == f"{draft}/outcome"
    assert browser.go(f"{draft}/review", {"policy": 1}).path == f"{draft}/outcome"
    browser.fill(credit="refund")
    assert browser.go(f"{draft}/review", {"policy": 1}).path == f"{draft}/method"
    browser.fill(method="mail")
    assert "Your return is submitted" in browser.fill(policy=1).page.text


def test_who_comes_back_to_change_what_is_settled_is_told_so_and_who_only_sends_twice_goes_on(
    browser: Browser, shop: Shop
) -> None:
    at_items(browser, shop)
    items = {browser.names("line-")[0]: 1}
    reasons = {browser.fill(**items).names("reason-")[0]: 2}
    draft = browser.fill(**reasons).path.removesuffix("/outcome")
    for page, form in (("items", items), ("reasons", reasons)):
        (field,) = form
        assert browser.go(f"{draft}/{page}", form).path == f"{draft}/outcome"
        assert "What this form said was not kept." in browser.go(f"{draft}/{page}", {field: 3}).page.text
    assert f"{draft}/outcome" in [a["href"] for a in browser.page.all("a")]


@pytest.mark.parametrize("form", [{"order": "#" * 300_000}, dict.fromkeys(map(str, range(6000)), "")])
@pytest.mark.usefixtures("shop")
def test_a_form_that_says_too_much_is_told_so(form: dict[str, str], browser: Browser) -> None:
    browser.go(HOME, form)

    assert browser.status == 413
    assert "It holds more than this page takes." in browser.page.text


def test_a_field_that_is_wrong_says_so_itself(browser: Browser, shop: Shop) -> None:
    def wrong() -> list[str]:
        return [each["name"] for each in browser.page.all("input", "select") if each.get("aria-invalid") == "true"]

    browser.go(HOME).fill(order="#1", secret="")
    assert wrong() == ["secret"]
    at_items(browser, shop)
    browser.fill(**{browser.names("line-")[0]: 1}).fill()
    assert wrong() == browser.names("reason-")
    assert re.search(r"Choose a reason for \w+ [^.]+ / \w+\.", browser.page.text)
    browser.fill(**{browser.names("reason-")[0]: 1}).fill(credit="refund").fill(method="mail")
    assert wrong() == []
    browser.fill()
    assert wrong() == ["policy"]


def test_who_gives_up_can_begin_again(browser: Browser, shop: Shop) -> None:
    at_items(browser, shop)
    browser.go(browser.path.replace("items", "cancel"), {})
    assert "This return was cancelled" in browser.page.text


def every_page(browser: Browser, shop: Shop) -> Iterator[Html]:
    yield browser.go(HOME).page
    yield at_items(browser, shop).page
    yield browser.fill(**{browser.names("line-")[0]: 1}).page
    yield browser.fill(**{browser.names("reason-")[0]: 1}).page
    yield browser.fill(credit="refund").page
    yield browser.fill(method="mail").page
    yield browser.fill(policy=1).page
    yield browser.go(only_return(shop)["status_page"]).page


def test_every_page_can_be_read_aloud_and_has_no_script(browser: Browser, shop: Shop) -> None:
    for page in every_page(browser, shop):
        (html,) = page.all("html")
        assert html["lang"] == "en"
        assert len(page.all("h1")) == 1
        assert page.all("script") == []
        fields = page.all("input", "select", "textarea")
        labelled = {label["for"] for label in page.all("label")}
        assert {field["id"] for field in fields} == labelled
        assert len(page.all("fieldset")) == len(page.all("legend"))
        ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert not [attrs for _, attrs in page.tags if int(attrs.get("tabindex", 0)) > 0]


def test_deep_links_and_status_pages_lead_here_where_they_are_told_to(browser: Browser, shop: Shop) -> None:
    name = ordered(shop)
    link = loop(shop, "POST", "/order/link", {"name": name, "zip": "43004"})["url"]
    assert re.fullmatch(r"https://[\w-]+\.loopreturns\.com/#/link/[0-9a-f-]{36}", link)
    shop.update(portal_url=f"{browser.server}{HOME}")
    made = loop(shop, "POST", "/order/qr", {"name": name, "zip": "43004", "gift": True})
    url = made["deeplink_url"]
    assert url.startswith(f"{browser.server}{HOME}/link/")
    browser.go(urlsplit(url).path)
    assert (browser.status, name in browser.page.text, "gift" in browser.page.text) == (200, True, True)
    browser.go(browser.path, {})
    browser.fill(**{browser.names("line-")[0]: 1})
    browser.fill(**{browser.names("reason-")[0]: 1})
    submitted(browser, credit="store-credit")
    id_ = only_return(shop)["id"]
    details = loop(shop, "GET", f"/warehouse/return/details?return_id={id_}")
    assert browser.go(urlsplit(details["status_page_url"]).path).status == 200
    shop.update(portal_url="")
    details = loop(shop, "GET", f"/warehouse/return/details?return_id={id_}")
    assert "loopreturns.com/#/return/" in details["status_page_url"]


@pytest.mark.usefixtures("shop")
def test_a_link_of_the_merchants_own_fills_the_look_up(browser: Browser) -> None:
    browser.go(f"{HOME}?order=%231001&email=robin%40example.com")
    assert [field.get("value") for field in browser.page.all("input")[:2]] == ["#1001", "robin@example.com"]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("path", ["/link/x", "/return/x", "/draft/7", "/draft/7/items"])
def test_what_is_not_there_is_a_page_with_404(path: str, browser: Browser) -> None:
    browser.go(f"{HOME}{path}")
    assert (browser.status, "Not found" in browser.page.text) == (404, True)


def test_an_unknown_shop_is_a_404(browser: Browser) -> None:
    assert browser.go("/_loopsim/portal/nobody").status == 404


def test_a_page_of_another_origin_cannot_send_forms(browser: Browser, shop: Shop) -> None:
    assert browser.go(HOME, {"order": ordered(shop)}, Origin="https://evil.example").status == 403
