"""Stories in which a shopper follows the link that a partner gave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loopsim.harness.document import Scenario
from loopsim.harness.results import RunResult
from tests.harness.conftest import DELIVERED
from tests.harness.partners import write

Play = Callable[..., RunResult]
Write = Callable[..., Scenario]

BEGINNING = (
    DELIVERED.partition("steps:")[0]
    + """steps:
- orders.makes: {name: A-1, lines: [{variant: TEE-RED-M}]}
  as: order
- loop.is_called: {operation: getOrder, path: {id: '${order.id}'}}
  as: known
- loop.is_called:
    operation: createDeepLink
    body: {name: '${order.name}', zip: '${known.order.shipping_address.postal_code}', gift: true}
  as: link
"""
)


def says(result: RunResult) -> list[str]:
    return [failure.says for failure in result.scenarios[0].failures]


def test_a_link_leads_to_its_order_in_the_portal(play: Play, scenario: Write, tmp_path: Path) -> None:
    story = scenario(
        BEGINNING
        + """
- shopper.opens: {url: '${link.url}', text: {$contains: a gift}}
  as: page
- shopper.opens: 'https://${partner.subdomain}.loopreturns.com/?order=${order.name}'
- shopper.opens: 'https://${partner.subdomain}.loopreturns.com/#/link/0000'
"""
    )
    (failure,) = says(play(story, command=write(tmp_path)))
    assert failure.endswith("/#/link/0000 answers 404.")


@pytest.mark.parametrize(
    "url",
    ["https://example.com/#/link/1", "undefined", "file:///etc/hosts", "https://loopreturns.com.example/#/link/1"],
)
def test_what_leads_elsewhere_is_not_opened(play: Play, scenario: Write, tmp_path: Path, url: str) -> None:
    result = play(scenario(f"{BEGINNING}\n- shopper.opens: '{url}'\n"), command=write(tmp_path))
    assert says(result) == [f"{url!r} does not lead to Loop."]


def test_each_story_has_digits_of_its_own(play: Play, scenario: Write, tmp_path: Path) -> None:
    text = BEGINNING + "- shopper.opens: 'no-${story}'\n"
    first, second = play(scenario(text, "first"), scenario(text, "second"), command=write(tmp_path)).scenarios
    shown = [each.failures[0].says.split("'")[1] for each in (first, second)]
    assert len(set(shown)) == 2
    assert all(each.removeprefix("no-").isdecimal() and len(each) == 15 for each in shown)
