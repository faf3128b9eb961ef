"""JUnit XML that CI systems take."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import xmlschema

from loopsim.harness.reports import junit
from loopsim.harness.results import RunResult
from tests.harness.reports.example import HOSTILE, example, failing, journal

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))


def read(run: RunResult) -> ElementTree.Element:
    """The document as a CI system reads it."""
    document = junit.render(run)
    SCHEMA.validate(ElementTree.fromstring(document))
    return ElementTree.fromstring(document)


def case(root: ElementTree.Element, name: str) -> ElementTree.Element:
    """The one whose name holds it."""
    (found,) = (each for each in root.iter("testcase") if name in each.attrib["name"])
    return found


def test_every_scenario_is_a_case_with_its_outcome() -> None:
    root = read(example())

    assert root.attrib["tests"] == "6"
    assert (root.attrib["failures"], root.attrib["errors"], root.attrib["skipped"]) == ("1", "1", "1")
    assert [suite.attrib["name"] for suite in root] == ["erp/one-way", "wms/two-way"]
    assert case(root, "+duplicate").find("failure") is not None
    assert case(root, "The partner starts").find("error") is not None
    skipped = case(root, "The ERP books").find("skipped")
    assert skipped is not None
    assert skipped.attrib["message"] == "It needs a probe. Give one with --probe."
    assert [child.tag for child in case(root, "+swap")] == ["properties"]


def test_a_failure_says_what_to_do_about_it() -> None:
    failure = case(read(example()), "+duplicate").find("failure")

    assert failure is not None
    assert failure.text is not None
    assert failure.attrib["message"].startswith("Expected one call processReturn, saw two.")
    for part in (
        "Protects from: Paying out", "2 calls processReturn", "inspect-and-process.loopsim.yaml:18", "process-once",
        "Remember by return id", "openapi/FACTS.md#process-async", "← POST", "Again: loopsim run",
    ):  # fmt: skip
        assert part in failure.text


def test_the_traffic_of_a_failure_can_be_read() -> None:
    out = (case(read(example()), "+duplicate").findtext("system-out") or "").splitlines()

    assert "03-02 09:00:20  → return.updated of return 514700001, attempt 2 [duplicate]  200" in out
    assert "03-02 09:00:22  • return 514700001: open → closed by process_done" in out
    assert "03-02 09:00:22  ! The idle probe does not answer." in out
    assert "03-02 09:00:22  ← GET /api/v1/warehouse/return/list  200  50 rows  more on the next page" in out
    assert "03-02 09:00:22  ← GET /api/v1/warehouse/return/list  429 (too_many_attempts)  asks to wait 7 s" in out


def test_what_was_not_judged_is_said_of_the_case() -> None:
    properties = {
        each.attrib["name"]: each.attrib["value"] for each in case(read(example()), "+duplicate").iter("property")
    }

    assert properties["rules.not_judged"] == "pages-walked"
    assert properties["patterns"] == "wms 3pl"


def test_characters_that_xml_forbids_and_markup_do_no_harm() -> None:
    (failure,) = failing().failures
    failures = (msgspec.structs.replace(failure, says="\x00\x0b says"),)
    scenario = msgspec.structs.replace(failing(), title="\x00\x1b[31m\ud800]]>&<" + HOSTILE, failures=failures)
    root = read(example(scenarios=(scenario,)))

    assert HOSTILE in case(root, "]]>&<").attrib["name"]
    assert "boom\ufffd " in (case(root, "]]>&<").findtext("system-err") or "")


def test_what_a_case_puts_out_is_bounded() -> None:
    scenario = msgspec.structs.replace(failing(), journal=journal() * 900, partner_log="x" * 10_000_000)

    document = junit.render(example(scenarios=(scenario,)))

    assert len(document) < 5 * junit.MOST


def test_a_run_without_scenarios_is_a_document_too() -> None:
    assert read(example(scenarios=())).attrib["tests"] == "0"
