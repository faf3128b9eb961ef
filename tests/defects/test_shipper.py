"""The partner of Ship by Loop under trial: right as it is, and caught with each of its defects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.defects.defect import SHIPPER, Defect
from tests.defects.run import defect_trial, reference_trial
from tests.defects.shipper import SHIPPER_DEFECTS
from tests.defects.trial import try_out


def test_a_partner_that_answers_the_portal_is_not_blamed(tmp_path: Path) -> None:
    found = try_out(reference_trial(SHIPPER), tmp_path)
    assert not found.blamed, (found.failed, found.rules, found.trouble)
    assert found.passed >= 5
    assert found.judged >= {"portal-answered-in-time", "parcels-bought-once"}


@pytest.mark.parametrize("defect", SHIPPER_DEFECTS, ids=lambda defect: defect.name)
def test_each_defect_is_caught_by_what_names_it(defect: Defect, tmp_path: Path) -> None:
    found = try_out(replace(defect_trial(defect), provoked=False), tmp_path)
    assert not found.trouble
    assert found.caught_by(defect.caught_by), (found.failed, found.rules)
