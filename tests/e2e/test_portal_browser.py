"""The customer portal in a real browser, with nothing but the keyboard."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from loopsim.bootstrap import Options
from loopsim.client import Loopsim
from loopsim.embedded import EmbeddedServer
from tests.e2e.test_browser import CHROMIUM
from tests.harness.reports.browser import PATIENCE, Page, browser

KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "ArrowDown": (40, ""), " ": (32, " ")}
MOST_TABS = 40
HERE = "(document.activeElement.id || document.activeElement.tagName + ':' + document.activeElement.textContent)"


class Keyboard:
    """A person who uses the keys alone. `way` is where the focus has been on this page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.way: list[str] = []

    async def press(self, key: str) -> None:
        code, text = KEYS[key]
        about = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        await self.page.do("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        await self.page.do("Input.dispatchKeyEvent", type="keyUp", **about)

    async def reach(self, what: str) -> None:
        """Go on with Tab until the focus is on the element whose id (or tag and text) begins so."""
        for _ in range(MOST_TABS):
            here = await self.page.js(HERE)
            if here.startswith(what):
                assert await self.page.js("document.activeElement.matches(':focus-visible')")
                return
            self.way.append(here)
            await self.press("Tab")
        raise AssertionError(f"no Tab leads to {what}: {self.way}")

    async def write(self, field: str, text: str) -> None:
        await self.reach(field)
        await self.page.do("Input.insertText", text=text)

    async def check(self, field: str) -> None:
        await self.reach(field)
        await self.press(" ")
        assert await self.page.js("document.activeElement.checked")

    async def choose_next(self, field: str) -> None:
        await self.reach(field)
        await self.press("ArrowDown")
        assert await self.page.js("document.activeElement.value !== ''")

    async def send(self, button: str) -> str:
        """Press the button; the heading of the page that comes."""
        await self.reach(f"BUTTON:{button}")
        await self.press("Enter")
        while (await asyncio.wait_for(self.page._events.get(), PATIENCE))["method"] != "Page.loadEventFired":
            pass
        self.way = []
        return str(await self.page.js("document.querySelector('h1').textContent"))


async def returned(url: str, order: str) -> tuple[str, list[str]]:
    """Submit a return for an order; its number, and what the browser complained of."""
    async with browser() as page:
        await page.open(url)
        person = Keyboard(page)
        # A mistake first: the summary has the focus, and its link leads to the field.
        assert await person.send("Find the order") == "Start a return"
        assert (await page.js("document.activeElement.getAttribute('role')")) == "alert"
        await person.reach("A:Enter the order name.")
        await person.press("Enter")
        await person.write("order", order)
        await person.write("secret", "43004")
        assert await person.send("Find the order") == "Choose the items"
        await person.check("line-")
        assert await person.send("Continue") == "Say why"
        await person.choose_next("reason-")
        await person.write("comment-", "It pinches")
        assert await person.send("Continue") == "Choose what you get"
        await person.choose_next("exchange-")
        assert await person.send("Continue") == "Choose how it travels"
        await person.reach("method-mail")
        assert await page.js("document.activeElement.checked")
        assert await person.send("Continue") == "Check and submit"
        await person.check("policy")
        assert await person.send("Submit the return") == "Your return is submitted"
        number = str(await page.js("document.querySelector('#return-number').textContent"))
        elsewhere = [each for each in page.requests if not each.startswith(("http://127.0.0.1:", "data:"))]
        return number, [*elsewhere, *(each for each in page.console if "422" not in each)]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_a_return_is_submitted_with_the_keyboard_alone() -> None:
    with EmbeddedServer(Options(port=0, clock="manual")) as server:
        shop = Loopsim(server.url).create_shop("outfits", seed=3, clock={"mode": "manual"})
        order = shop.orders.makes(lines=[{"variant": shop.variants()[0]["id"]}])["name"]
        number, complaints = asyncio.run(returned(f"{server.url}/_loopsim/portal/outfits", order))
        made = shop.get_return(int(number))
    assert complaints == []
    assert (made["state"], made["outcome"]) == ("open", "exchange")
    assert made["exchanges"]


async def width(url: str) -> int:
    """How wide a page is on a telephone."""
    async with browser() as page:
        await page.do("Emulation.setDeviceMetricsOverride", width=360, height=700, deviceScaleFactor=1, mobile=False)
        await page.open(url)
        return int(await page.js("document.documentElement.scrollWidth"))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_the_longest_name_of_an_order_fits_a_telephone() -> None:
    with EmbeddedServer(Options(port=0, clock="manual")) as server:
        shop = Loopsim(server.url).create_shop("outfits", seed=3, clock={"mode": "manual"})
        order = shop.orders.makes(name="L" * 200, lines=[{"variant": shop.variants()[0]["id"]}], email="a@example.com")
        home = f"{server.url}/_loopsim/portal/outfits"
        form = urlencode({"order": order["name"], "secret": "a@example.com"}).encode()
        with urlopen(home, form, timeout=PATIENCE) as items:
            assert "L" * 200 in items.read().decode()
        assert asyncio.run(width(items.url)) <= 360
