"""The page of a run: what it says, what it keeps out, how large it gets, and how it behaves in a browser."""

from __future__ import annotations

import asyncio
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loopsim.harness.reports import html
from loopsim.harness.reports.timeline import Budget, Gap, Item, timeline
from tests.e2e.test_browser import CHROMIUM
from tests.harness.reports.browser import PATIENCE, Page, browser
from tests.harness.reports.example import HOSTILE, KEY, example, failing, journal, scenario

VOID = {"meta", "link", "input", "br", "img"}


class Reader(HTMLParser):
    """Whether every element is closed where it should be; which elements, attributes and ids there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.scripts = 0
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.scripts += tag == "script"
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if "href" in found else []
        self.handlers += [name for name in found if name.startswith("on")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def many_entries(number: int) -> tuple[dict[str, Any], ...]:
    """As many entries, with ids of their own."""
    once = journal()
    whole = [
        {**entry, "id": entry["id"] + len(once) * turn} for turn in range(number // len(once) + 1) for entry in once
    ]
    return tuple(whole[:number])


def test_a_failing_scenario_is_shown_with_all_that_explains_it() -> None:
    text = html.render(example())

    for part in (
        "1 failed, 1 error, 3 passed, 1 skipped in 4.2 s", "Paying out for a parcel that never came.",
        "Expected one call processReturn, saw two.", "Remember by return id", "sig3+8DSGuYxbOyx=",
        "6, attempt 2 of 2", "Tried again at", "50, and there is a next page",
        "Note: The idle probe", "Dropped silently", "not_open", "return 514700001: open → closed",
        "Lifecycle coverage: 57.1 %", "A delivery waits ten seconds for its answer.", "No list had a second page.",
        "[refund]+duplicate&#39; --target",
    ):  # fmt: skip
        assert part in text


def test_the_bytes_are_shown_as_they_were_and_laid_out_with_every_digit() -> None:
    text = html.render(example())

    assert "https:\\/\\/shop-1.loopreturns.com\\/#\\/return\\/9c39" in text
    assert "&#34;provider_order_id&#34;: 9007199254740993" in text


def test_every_element_is_closed_every_id_is_one_of_a_kind_and_every_link_leads_somewhere_on_the_page() -> None:
    page = Reader(html.render(example()))

    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert [link for link in page.links if not link.startswith("#")] == ["data:,"]


def test_hostile_content_stays_text() -> None:
    hostile = msgspec.structs.replace(failing(), title=HOSTILE, protects=HOSTILE, id=f'"{HOSTILE}', reproduce=HOSTILE)

    text = html.render(example(scenarios=(hostile,), target=HOSTILE))
    page = Reader(text)

    assert page.scripts == 1
    assert page.handlers == []
    assert "<img" not in text
    assert KEY not in text


def test_a_timeline_has_its_findings_where_they_belong() -> None:
    drawn = timeline(failing(), Budget())
    items = [item for item in drawn.items if isinstance(item, Item)]
    noted = {item.key: [note.problem.name for note in item.notes] for item in items if item.notes}

    assert noted == {"e6": ["acknowledge-in-time"], "e9": ["expectation", "process-once"]}
    assert drawn.loose == ()
    assert [item.lane for item in items[:4]] == ["story", "move", "webhook", "call"]
    assert [item.day for item in items if item.day] == ["Monday, 02 March 2026"]


def test_steps_that_never_ran_stand_at_the_end() -> None:
    items = [item for item in timeline(failing(), Budget()).items if isinstance(item, Item)]

    assert [item.title for item in items if item.key.startswith("step")][-1] == items[-1].title == "expect.nothing_else"


def test_a_failure_without_traffic_stands_at_its_step() -> None:
    (failure,) = failing().failures
    alone = msgspec.structs.replace(failing(), failures=(msgspec.structs.replace(failure, entries=()),), verdicts=())

    drawn = timeline(alone, Budget())

    assert [item.title for item in drawn.items if isinstance(item, Item) and item.notes] == ["expect.call"]


def test_ten_thousand_entries_are_cut_to_what_a_browser_can_show_and_what_findings_point_at_stays() -> None:
    entries = many_entries(10_000)
    middle = failing().verdicts[0].findings[0]
    pointing = msgspec.structs.replace(middle, entries=(5_001,))
    verdict = msgspec.structs.replace(failing().verdicts[0], findings=(pointing,))
    large = msgspec.structs.replace(failing(), journal=entries, steps=(), verdicts=(verdict,))

    drawn = timeline(large, Budget())
    text = html.render(example(scenarios=(large,)))

    assert any(isinstance(item, Item) and item.key == "e5001" for item in drawn.items)
    (gap,) = (item for item in drawn.items if isinstance(item, Gap))
    assert gap.left_out + len(drawn.items) - 1 == 10_000
    assert len(text) < 2_000_000


def test_a_page_of_many_scenarios_is_bounded_too() -> None:
    long_bodies = tuple({**journal()[2], "id": 900 + n, "request_body": "{" + "x" * 200_000 + "}"} for n in range(9))
    wide = msgspec.structs.replace(failing(), journal=long_bodies)
    long = msgspec.structs.replace(failing(), journal=many_entries(200))

    texts = [html.render(example(scenarios=(each,) * 120)) for each in (wide, long)]

    assert max(map(len, texts)) < 16_000_000
    assert "the page is full" in texts[0]
    assert re.search(r"\d+ entries left out", texts[1])


def test_an_empty_run_has_a_page_too() -> None:
    empty = html.render(example(scenarios=(), exit_code=2))
    good = html.render(example(scenarios=(scenario(),), exit_code=0))

    Reader(empty)
    Reader(good)
    assert "The set-up is wrong" in empty
    assert "Everything that was judged holds" in good


def in_browser(tmp_path: Path, check: Any) -> None:
    """Open the page of the example, and let `check` drive it."""
    file = tmp_path / "run.html"
    file.write_text(html.render(example()), "utf-8")

    async def drive() -> None:
        async with browser() as page:
            await page.open(file.as_uri())
            await check(page)
            assert page.console == []
            assert [url for url in page.requests if not url.startswith(("file:", "data:"))] == []

    asyncio.run(drive())


CONTROLS = "[...document.querySelectorAll('button, a[href], input, meter')].filter(e => e.checkVisibility()).length"


async def names_of_controls(page: Page) -> list[str]:
    """What a screen reader calls each control of the page; an empty text for one without a name."""
    tree = (await page.do("Accessibility.getFullAXTree"))["nodes"]
    controls = [node for node in tree if node.get("role", {}).get("value") in ("button", "link", "searchbox", "meter")]
    return [node.get("name", {}).get("value", "") for node in controls]


SHOWN = "[...document.querySelectorAll('.scenario')].filter(each => !each.hidden).map(each => each.id).join()"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_in_a_browser_it_opens_on_what_failed_filters_expands_and_fetches_nothing(tmp_path: Path) -> None:
    async def check(page: Page) -> None:
        # What went wrong or is warned of, the worst first and open.
        assert await page.js(SHOWN) == "s1,s2,s4"
        assert await page.js("document.getElementById('s1').open")
        await page.js("document.querySelector('[data-show=all]').click()")
        assert len((await page.js(SHOWN)).split(",")) == 6
        await page.js("search.value = 'erp ledger'; search.dispatchEvent(new Event('input'))")
        assert await page.js(SHOWN) == "s3"
        assert await page.js("document.getElementById('shown').textContent") == "1 of 6 shown"
        # A link to a finding opens what it stands in, filtered away or not.
        await page.js("document.getElementById('close').click(); location.hash = '#s1-n1'")
        assert await page.js(
            "new Promise(done => requestAnimationFrame(() => done(1))), !document.getElementById('s1').hidden"
        )
        # A webhook: its bytes laid out, then raw.
        await page.js("document.querySelector('#s1-e3 details').open = true")
        assert await page.js("getComputedStyle(document.querySelector('#s1-e3 .pretty')).display") == "block"
        await page.js("document.querySelector('#s1-e3 .swap').click()")
        assert "alert(1)" in await page.js("document.querySelector('#s1-e3 .raw').innerText")
        assert await page.js("document.querySelector('#s1-e3 .pretty').hidden")

    in_browser(tmp_path, check)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_in_a_browser_a_phone_scrolls_in_one_direction_and_a_printer_gets_what_failed(tmp_path: Path) -> None:
    async def check(page: Page) -> None:
        await page.js("document.getElementById('open').click()")
        for pixels in (360, 900, 1400):
            await page.width(pixels)
            assert await page.js("document.documentElement.scrollWidth") <= pixels
        # Every lane's name can be read on a phone, where there are no columns.
        await page.width(360)
        assert await page.js("document.querySelector('#s1-e3 .lane').getBoundingClientRect().width") > 50
        await page.js("document.getElementById('close').click()")
        printed = await page.do("Page.printToPDF")
        assert len(printed["data"]) > 50_000
        assert await page.js("document.getElementById('s1').open")

    in_browser(tmp_path, check)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_in_a_browser_a_keyboard_reaches_every_control_and_each_has_a_name(tmp_path: Path) -> None:
    async def check(page: Page) -> None:
        shown = await page.js(CONTROLS)
        assert shown > 10
        # The tree that a screen reader gets is brought up to date some time after the page.
        async with asyncio.timeout(PATIENCE):
            while len(names := await names_of_controls(page)) != shown:
                pass
        assert "" not in names
        for key in ("keyDown", "keyUp"):
            await page.do("Input.dispatchKeyEvent", type=key, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        assert await page.js("document.activeElement.textContent") == "To the scenarios"

    in_browser(tmp_path, check)


def test_the_script_is_the_one_that_the_policy_allows() -> None:
    text = html.render(example())

    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
