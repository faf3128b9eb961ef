"""The sample storefront under trial: right as it is and in other ways, and caught with each kind of defect."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.defects.catalogue import DEFECTS
from tests.defects.defect import STOREFRONT
from tests.defects.rights import RIGHT_PARTNERS
from tests.defects.run import defect_trial, reference_trial, right_trial
from tests.defects.trial import try_out

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed; the storefront partner runs on Node 18 or newer"
)
RULES = {
    "cart-lists-flat",
    "cart-tokens-kept",
    "links-signed-right",
    "offers-told-verbatim",
    "offers-told-with-session",
}


def test_the_shipped_storefront_passes_its_suite_with_no_finding(tmp_path: Path) -> None:
    found = try_out(reference_trial(STOREFRONT), tmp_path)
    assert not found.blamed, (found.failed, found.rules, found.trouble)
    assert found.passed >= 36
    assert found.judged >= RULES


@pytest.mark.parametrize(
    "right", [right for right in RIGHT_PARTNERS if right.partner == STOREFRONT], ids=lambda right: right.name
)
def test_one_that_is_right_in_another_way_is_not_blamed(right: object, tmp_path: Path) -> None:
    found = try_out(replace(right_trial(right), provoked=False), tmp_path)  # type: ignore[arg-type]
    assert not found.blamed, (found.failed, found.rules, found.trouble)


@pytest.mark.parametrize(
    ("name", "suite", "caught_by"),
    [
        ("takes-a-refused-cart-for-kept", "cart-unknown-variant", "cart-tokens-kept"),
        ("takes-a-refused-update-for-done", "cart-emptied", "storefront/two-way/cart-emptied"),
        ("signs-unsorted", "link-signed", "links-signed-right"),
        ("spells-the-mode-its-own-way", "checkout-offer", "offers-told-verbatim"),
        ("begins-a-session-each-time", "checkout-asked-again", "storefront/two-way/checkout-asked-again"),
    ],
)
def test_a_defect_is_caught_by_what_names_it(name: str, suite: str, caught_by: str, tmp_path: Path) -> None:
    defect = next(defect for defect in DEFECTS if defect.name == name)
    found = try_out(replace(defect_trial(defect), suite=f"storefront/two-way/{suite}", provoked=False), tmp_path)
    assert not found.trouble
    assert found.caught_by((caught_by,)) == caught_by, (found.failed, found.rules)
