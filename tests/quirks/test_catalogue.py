"""The catalogue is whole: every line of the facts is in it, every quirk has a switch, settings are the contract's."""

from __future__ import annotations

from loopsim.contract import Contract
from loopsim.domain.quirks import QUIRKS as SETTINGS
from tests.quirks.catalogue import (
    LINES_OF_CLIENTS,
    LINES_OF_RESOURCES,
    LINES_OF_SECTION_9,
    OUTSIDE,
    QUIRKS,
    SETTLED,
)
from tests.quirks.switches import SWITCHES


def test_every_line_of_the_facts_has_a_quirk() -> None:
    told = {source for quirk in QUIRKS.values() for source in quirk.sources}
    told |= set(OUTSIDE)

    assert {*LINES_OF_SECTION_9, *LINES_OF_CLIENTS, *SETTLED, *LINES_OF_RESOURCES} == told


def test_every_quirk_has_a_switch_and_every_switch_a_quirk() -> None:
    assert SWITCHES.keys() == QUIRKS.keys()


def test_every_named_setting_has_a_quirk_of_its_own() -> None:
    assert {name.removeprefix("setting-") for name in QUIRKS if name.startswith("setting-")} == set(SETTINGS)


def test_the_contract_names_the_settings_with_their_values_and_defaults(contract: Contract) -> None:
    stated = {name: (each["default"], list(each["values"])) for name, each in contract.quirks().items()}

    assert stated == {name: (values[0], list(values)) for name, values in SETTINGS.items()}


def test_the_contract_grades_each_setting_by_a_fact(contract: Contract) -> None:
    assert {each["fact"] for each in contract.quirks().values()} <= contract.facts.keys()
