"""Scenario files: what comes of them, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopsim.errors import SetupError
from loopsim.harness.document import Place, Scenario
from loopsim.harness.problems import ScenarioError
from loopsim.harness.reading import read_scenarios
from loopsim.harness.words import Word
from loopsim.harness.yaml_text import read_text


def _word(name: str, main: str | None = None, required: tuple[str, ...] = (), **properties: Any) -> Word:
    schema = {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}
    return Word(name=name, summary="", arguments=schema, main=main, example=name, run=lambda _story, _given: None)


ITEM = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"outcome": {"enum": ["refund", "credit", "exchange"]}, "quantity": {"type": "integer"}},
}
WORDS = {
    word.name: word
    for word in (
        _word("customer.submits_return", items={"type": "array", "items": ITEM}),
        _word(
            "carrier.scans",
            None,
            ("return_id",),
            return_id={"type": "integer"},
            status={"enum": ["in_transit", "delivered"]},
        ),
        _word("clock.advances", "by", by={"type": "string", "pattern": r"^\d+[smhd]$"}),
        _word("expect.return", id={"type": "integer"}, state={"enum": ["open", "closed"]}, total={}),
        _word("expect.nothing_else"),
    )
}
HEAD = """\
scenario: A warehouse waits
protects: Paying out too early.
pattern: wms
direction: two-way
stages: [created]
"""
STEPS = """\
steps:
  - customer.submits_return: {items: [{outcome: refund}]}
    as: ret
"""


class Folder:
    """Files written into a folder, and read from there as a user names them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        return Path(name)

    def read(self, text: str, name: str = "a.loopsim.yaml") -> list[Scenario]:
        return read_scenarios(self.write(name, text), Path(), WORDS)

    def problems(self, text: str) -> list[str]:
        with pytest.raises(ScenarioError) as caught:
            self.read(text)
        return str(caught.value).splitlines()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


def test_a_file_is_one_story_with_its_steps_in_order(folder: Folder) -> None:
    (story,) = folder.read(
        HEAD
        + STEPS
        + """\
  - clock.advances: 10s
  - carrier.scans: {return_id: "${ret.id}", status: delivered}
    in: partner
    note: at the door
  - expect.return:
      id: ${ret.id}
      state: '#string'
      total: {$regex: "^1"}
  - expect.nothing_else
""",
        "wms/two-way/waits.loopsim.yaml",
    )
    assert (story.id, story.title, story.patterns, story.stages) == (
        "wms/two-way/waits",
        "A warehouse waits",
        ("wms",),
        ("created",),
    )
    assert [step.word for step in story.steps] == [
        "customer.submits_return", "clock.advances", "carrier.scans", "expect.return", "expect.nothing_else",
    ]  # fmt: skip
    assert story.steps[1].arguments == {"by": "10s"}
    assert (story.steps[2].partner, story.steps[2].note) == ("partner", "at the door")
    assert story.steps[2].arguments == {"return_id": "${ret.id}", "status": "delivered"}
    file = "wms/two-way/waits.loopsim.yaml"
    assert story.steps[0].place == Place(file, 7, 5)
    assert story.steps[0].places["items.0.outcome"] == Place(file, 7, 40)
    assert story.steps[1].places["by"] == Place(file, 9, 5)
    assert story.steps[0].save_as == "ret"


def test_rows_and_schedules_make_a_story_each_and_fill_in_the_columns(folder: Folder) -> None:
    stories = folder.read(
        HEAD.replace("waits", "waits for a ${row.outcome}")
        + """\
covers: ["outcome:${row.outcome}"]
schedules: [duplicate]
shop: {seed: "${row.seed}"}
rows:
  - {name: refund, outcome: refund, seed: 7}
  - {name: trade, outcome: exchange, seed: 8}
steps:
  - customer.submits_return: {items: [{outcome: "${row.outcome}"}]}
"""
    )
    assert [story.id for story in stories] == ["a[refund]", "a[refund]+duplicate", "a[trade]", "a[trade]+duplicate"]
    assert [story.schedule for story in stories[:2]] == ["", "duplicate"]
    trade = stories[2]
    assert trade.title == "A warehouse waits for a exchange"
    assert trade.shop == {"seed": 8}
    assert trade.covers == ("outcome:exchange",)
    assert trade.row["outcome"] == "exchange"
    assert trade.steps[0].arguments == {"items": [{"outcome": "exchange"}]}


def test_an_included_file_gives_what_comes_first(folder: Folder) -> None:
    folder.write("shared/begun.yaml", "shop: {seed: 1, policy: {carrier: manual, restock: 'off'}}\n" + STEPS)
    (story,) = folder.read(
        HEAD
        + """\
include: ../shared/begun.yaml
shop: {seed: 2, policy: {carrier: auto}}
steps:
  - expect.return: {id: "${ret.id}"}
""",
        "wms/b.loopsim.yaml",
    )
    assert [step.word for step in story.steps] == ["customer.submits_return", "expect.return"]
    assert story.steps[0].place.file == "shared/begun.yaml"
    assert story.shop == {"seed": 2, "policy": {"carrier": "auto", "restock": "off"}}


def test_includes_in_a_circle_are_refused(folder: Folder) -> None:
    folder.write("one.yaml", "include: two.yaml\n")
    folder.write("two.yaml", "\ninclude: one.yaml\n")
    (problem,) = folder.problems(HEAD + "include: one.yaml\n" + STEPS)
    assert problem.startswith("two.yaml:2:1: The includes go in a circle: a.loopsim.yaml → one.yaml → two.yaml")


def test_includes_cannot_explode(folder: Folder) -> None:
    for n in range(30):
        folder.write(f"{n}.yaml", f"include: [{n + 1}.yaml, {n + 1}.yaml]\n")
    folder.write("30.yaml", STEPS)
    (problem,) = folder.problems(HEAD + "include: 0.yaml\n" + STEPS)
    assert "takes in more than 100 files" in problem


def test_partners_have_their_own_subscriptions(folder: Folder) -> None:
    (story,) = folder.read(
        HEAD
        + """\
partners:
  wms: {subscribe: [{topic: return}, {topic: label, trigger: label.created}], scopes: [returns]}
  erp: {subscribe: false}
  oms:
"""
        + STEPS
    )
    wms, erp, oms = story.partners
    assert wms.subscriptions == (("return", None), ("label", "label.created"))
    assert wms.scopes == ("returns",)
    assert (erp.subscribed, oms.subscribed, oms.subscriptions) == (False, True, ())


def test_without_partners_there_is_one(folder: Folder) -> None:
    (story,) = folder.read(HEAD + STEPS)
    assert [partner.name for partner in story.partners] == ["partner"]


def test_everything_wrong_is_said_at_once_with_its_place_and_the_nearest_name(folder: Folder) -> None:
    assert folder.problems(
        """\
scenario: A story
protects: Something.
pattern: [wms, wsm]
direction: both
stages: [created]
shedules: [duplicate]
shop: {seed: -1}
steps:
  - carier.scans: {return_id: 1}
  - carrier.scans: {returnid: 1, status: deliverd}
  - clock.advances: 3 days
    as: waited
  - expect.return: {id: "${wated.id}"}
    in: warehouse
"""
    ) == [
        "a.loopsim.yaml:3:16: Found \"wsm\"; expected one of erp, wms, oms, 3pl, middleware, hybrid, analytics,"
        " label-provider, helpdesk, commerce-platform, storefront. Did you mean wms?",
        'a.loopsim.yaml:4:1: Found "both"; expected one of one-way, two-way.',
        "a.loopsim.yaml:6:1: Found the member shedules; expected one of scenario, protects, pattern, direction, stages,"
        " covers, needs, schedules, rules, rows, include, shop, partners, steps. Did you mean schedules?",
        "a.loopsim.yaml:7:8: -1 is less than the minimum of 0.",
        "a.loopsim.yaml:9:5: There is no word carier.scans. Did you mean carrier.scans? See loopsim words.",
        "a.loopsim.yaml:10:5: carrier.scans: The member return_id is missing.",
        "a.loopsim.yaml:10:21: carrier.scans: Found the member returnid; expected one of return_id, status."
        " Did you mean return_id?",
        'a.loopsim.yaml:10:34: carrier.scans: Found "deliverd"; expected one of in_transit, delivered.'
        " Did you mean delivered?",
        r'a.loopsim.yaml:11:5: clock.advances: Found "3 days"; expected a text like /^\d+[smhd]$/.',
        "a.loopsim.yaml:13:21: expect.return: Nothing is called wated at this step; there are now, partner, story,"
        " waited. Did you mean waited?",
        "a.loopsim.yaml:14:5: Nobody is called warehouse; the partners are partner.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1:1: The file is empty"),
        ("- a\n", "1:1: Found no mapping"),
        ("a: [1\n", "2:1: This is no YAML"),
        (HEAD.replace("Paying out too early.", "5") + STEPS, '2:1: Found 5; expected a text. For a text write "5".'),
        (HEAD + "include: [gone.yaml]\n" + STEPS, "6:11: There is no file gone.yaml to include"),
        (HEAD + "rows: [{name: a, seed: x}]\nshop: {seed: '${row.seed}'}\n" + STEPS, '7:8: Found "x"; expected an'),
        ("a:\n\tb: 2\n", "Indent with blanks, not with tabs;"),
        ("a: b: c\n", "1:5: This is no YAML: mapping values are not allowed in this context. Does the line above lack"),
        (HEAD + "steps:\n  - clock.advances: 1d\n    as: my-ret\n", '8:5: Found "my-ret"; expected letters, digits'),
        (HEAD + "steps:\n  - clock.advances: 1d\n    note: 3\n", "8:5: Found 3; expected a text."),
        (HEAD + "steps:\n  - note: a\n", "7:5: Found note; a step is a word with its arguments."),
        (HEAD + "steps:\n  - {}\n", "7:5: Found nothing; a step is a word with its arguments."),
        (HEAD + "shop: {seed: 1e999}\n" + STEPS, "6:14: Found 1e999, which is too large a number."),
        ("a: 1\n---\nb: 2\n", "2:1: Found a second document"),
        (HEAD + "scenario: Again\n" + STEPS, "6:1: The member scenario stands here twice"),
        (HEAD + "shop: !!python/object:os.system {}\n" + STEPS, "6:7: Found the tag"),
        (HEAD + "shop: {seed: 007}\n" + STEPS, "6:14: Found 007: a number without its leading zero"),
        (HEAD + "shop: {seed: on}\n" + STEPS, '6:8: Found "on"; expected an integer.'),
        (HEAD + "shop: {policy: {allow_flagged_processing: yes}}\n" + STEPS, "YAML 1.2 has true and false only."),
        (HEAD + "shop: {moment: soon}\n" + STEPS, '6:8: Found "soon"; expected a text like'),
        (HEAD + "shop: {sed: 7}\n" + STEPS, "6:8: Found the member sed; expected one of world, seed, moment, policy"),
        (HEAD + "rules: {off: [pages-waled]}\n" + STEPS, "6:15: Found \"pages-waled\"; expected one of"),
        (HEAD.replace("[created]", "created") + STEPS, "expected a list. For a list of one write [created]."),
        (HEAD + "partners: {a-b: {}}\n" + STEPS, "6:12: Found the name a-b; expected letters, digits and _"),
        (HEAD + "shop: {moment: {ends: wall, after: 3 days}}\n" + STEPS, "expected a text like 90s."),
        (HEAD + "steps: []\n", "6:1: This is empty; expected at least one."),
        (HEAD + "include: gone.yaml\n" + STEPS, "6:1: There is no file gone.yaml to include"),
        (HEAD + "steps:\n  - carrier.scans:\n    return_id: 1\n", "7:5: Found return_id beside carrier.scans; indent"),
        (HEAD + "steps:\n  - expect.nothing_else: 3\n", "7:5: Found 3; expect.nothing_else takes its arguments"),
        (HEAD + "steps:\n  - expect.return: {state: '#strng'}\n", "7:21: expect.return: Found #strng, which is no"),
        (HEAD + "steps:\n  - expect.return: {total: {$regexp: x}}\n", "7:21: expect.return: Found $regexp; expected"),
        (HEAD + "steps:\n  - clock.advances: 1d\n    as: now\n", "8:5: now is a name of loopsim's own"),
        (HEAD + "rows: [{name: a}, {name: a}]\n" + STEPS, "6:19: The name a is taken by a row above"),
        (
            HEAD + "rows: [{name: a, outcome: refnd}]\nsteps:\n"
            "  - customer.submits_return: {items: [{outcome: '${row.outcome}'}]}\n",
            '8:40: customer.submits_return: Found "refnd"; expected one of refund',
        ),
        (
            HEAD + "rows: [{name: a, x: 1}]\nsteps:\n  - customer.submits_return: {items: [{quantity: '${row.y}'}]}\n",
            "8:40: row has no member y; it has name, x.",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_is(folder: Folder, text: str, says: str) -> None:
    (problem, *_) = folder.problems(text)
    assert problem.startswith("a.loopsim.yaml:")
    assert says in problem


def test_aliases_work_and_cannot_explode(folder: Folder) -> None:
    (story,) = folder.read(
        HEAD + "steps:\n  - customer.submits_return: {items: [&one {outcome: refund}, {<<: *one, quantity: 2}, *one]}\n"
    )
    assert story.steps[0].arguments["items"] == [
        {"outcome": "refund"}, {"outcome": "refund", "quantity": 2}, {"outcome": "refund"},
    ]  # fmt: skip
    lines = ["x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = folder.problems("\n".join(lines))
    assert "more than 50000 values" in problem
    (problem, *_) = folder.problems("a: &a [*a]\n")
    assert "has no end" in problem
    (problem, *_) = folder.problems("a: " + "[" * 900 + "]" * 900)
    assert "levels deep" in problem
    (problem, *_) = folder.problems("a: " + "[" * 100_000)
    assert "a.loopsim.yaml:1:" in problem
    (problem,) = folder.problems("#" + "x" * 300_000)
    assert "262144 at most" in problem


def test_a_file_that_is_not_there_says_what_to_do(folder: Folder) -> None:  # noqa: ARG001
    with pytest.raises(SetupError, match=r"gone\.yaml cannot be read"):
        read_scenarios(Path("gone.yaml"), words=WORDS)


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("expect.call: procesReturn", '7:5: expect.call: Found "procesReturn"; expected one of'),
        ("expect.call: {operation: [getReturnDetail]}", "Did you mean getReturnDetails?"),
        (
            "expect.no_call: {operation: cancelReturn, after: sumbitted}",
            "7:47: expect.no_call: Found sumbitted; expected",
        ),
        ("expect.nothing_else: {except: [listRetruns]}", "Did you mean listReturns?"),
        ("expect.acknowledged: return.createdd", "Did you mean return.created?"),
        ("expect.return: {id: 1, state: close}", "Did you mean closed?"),
        ("expect.shopify: refnd", "Did you mean refund?"),
        ("expect.call: {within: 10 sekunds}", "expected a text like 90s."),
        ("expect.call: {times: {min: 3, max: 1}}", "Nothing can be at least 3 and at most 1. Swap min and max."),
        ("expect.call: {times: -1}", "Found -1; expected a number of at least 0 or a mapping."),
        ("clock.advances: until_idel", "expected a text like 90s."),
    ],
)
def test_a_name_that_nobody_knows_is_found_before_it_proves_an_absence(folder: Folder, step: str, says: str) -> None:
    path = folder.write("a.loopsim.yaml", HEAD + f"steps:\n  - {step}\n")
    with pytest.raises(ScenarioError) as caught:
        read_scenarios(path)
    assert says in str(caught.value)


def test_an_expectation_comes_after_a_saved_step_a_trigger_or_an_operation(folder: Folder) -> None:
    marks = ("ret", "label.created", "processReturn")
    steps = STEPS + "".join(f"  - expect.no_call: {{after: {mark}}}\n" for mark in marks)
    assert len(read_scenarios(folder.write("a.loopsim.yaml", HEAD + steps))) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5), ("-3", -3), ("0", 0), ("0.5", 0.5), ("true", True), ("FALSE", False), ("~", None), ("", None),
        ("on", "on"), ("no", "no"), ("16:30:36", "16:30:36"), ("2026-03-02", "2026-03-02"), ("0x1F", "0x1F"),
        ("1_000", "1_000"), (".inf", ".inf"), ("'12.30'", "12.30"), ("90071992547409931", 90071992547409931),
    ],
)  # fmt: skip
def test_a_scalar_is_what_json_would_call_it(text: str, value: Any) -> None:
    read = read_text(f"a: {text}\n".encode(), "f").value["a"]
    assert (type(read), read) == (type(value), value)
