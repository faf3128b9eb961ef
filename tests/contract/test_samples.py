"""The sample export says what real rows look like: it is valid by the contract, and 200 seeded mutations of it are not.

Mutations are of four kinds: a value of another type, a missing key, a key that nobody knows, two keys changed in place.
"""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loopsim.contract import Contract, load_contract
from loopsim.contract.responses import check_response

SAMPLES = Path(__file__).parents[2] / "fixtures" / "samples" / "returns-export.json"
ROWS: list[dict[str, Any]] = json.loads(SAMPLES.read_text("utf-8"))
KINDS = ("type", "missing", "extra", "order")
MUTATIONS = 200

# A field that came later than the schema; the third row has it, and rows of an export may.
LATER = "refund_shipping_total"
Path_ = tuple[str | int, ...]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


def problems(contract: Contract, rows: Any, allow_unknown: bool = False) -> list[str]:
    body = json.dumps(rows).encode()
    operation = contract.operation("listReturns")
    return check_response(operation, 200, "application/json", body, allow_unknown=allow_unknown)


def known(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != LATER}


@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
def test_the_rows_of_the_sample_are_valid(version: str, contract: Contract) -> None:
    operation = contract.operation("listReturns", version)
    rows = [known(row) for row in ROWS]
    assert len(rows) == 3
    assert check_response(operation, 200, "application/json", json.dumps(rows).encode()) == []
    page = {"returns": rows, "nextPageUrl": None, "previousPageUrl": None}
    assert check_response(operation, 200, "application/json", json.dumps(page).encode()) == []


def test_a_field_of_a_later_day_is_let_through_only_when_asked(contract: Contract) -> None:
    assert LATER in ROWS[2]
    assert problems(contract, ROWS) != []
    assert problems(contract, ROWS, allow_unknown=True) == []


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all objects and values of a row."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def at(row: Any, path: Path_) -> Any:
    for step in path:
        row = row[step]
    return row


def of_another_type(value: Any, choose: random.Random) -> Any:
    """A value that no field of the first one's kind may have. Null is not tried: many fields may be null."""
    if isinstance(value, bool):
        return choose.choice(["true", 1, [value]])
    if isinstance(value, int):
        return choose.choice([str(value), value + 0.5, [value], {"id": value}])
    if isinstance(value, str):
        return choose.choice([12, 12.5, True, [value], {"text": value}])
    if isinstance(value, list):
        return choose.choice([{"0": value}, "[]", 5, True])
    if isinstance(value, dict):
        return choose.choice([[value], "{}", 5, True])
    return choose.choice([12.5, [None], True])


def mutated(row: dict[str, Any], kind: str, choose: random.Random) -> tuple[dict[str, Any], Path_]:
    """A copy of the row with one thing wrong, and where."""
    row = copy.deepcopy(row)
    every = sorted(places(row), key=str)
    if kind == "type":
        path = choose.choice(every)
        at(row, path[:-1])[path[-1]] = of_another_type(at(row, path), choose)
        return row, path
    objects = [(), *(path for path in every if isinstance(at(row, path), dict))]
    path = choose.choice([path for path in objects if len(at(row, path)) > 1])
    target = at(row, path)
    names = list(target)
    if kind == "missing":
        del target[choose.choice(names)]
    elif kind == "extra":
        target[choose.choice(["refund_shipping", "x", "Id", "line_item"])] = choose.choice([None, 1, "text", [], {}])
    else:
        first, second = sorted(choose.sample(range(len(names)), 2))
        names[first], names[second] = names[second], names[first]
        values = dict(target)
        target.clear()
        target.update({name: values[name] for name in names})
    return row, path


def all_mutations() -> list[tuple[int, str, dict[str, Any], Path_]]:
    """Each another one: a draw that repeats an earlier mutation is drawn again."""
    choose = random.Random(2026)
    seen: set[str] = set()
    made = []
    while len(made) < MUTATIONS:
        number = len(made)
        kind = KINDS[number % len(KINDS)]
        row, path = mutated(known(ROWS[number % 3]), kind, choose)
        if (text := json.dumps(row)) not in seen:
            seen.add(text)
            made.append((number, kind, row, path))
    return made


@pytest.mark.parametrize(
    ("kind", "row"),
    [pytest.param(kind, row, id=f"{number}-{kind}-{path}") for number, kind, row, path in all_mutations()],
)
def test_a_mutation_of_a_row_is_refused(kind: str, row: dict[str, Any], contract: Contract) -> None:
    others = [known(each) for each in ROWS]
    assert problems(contract, [*others, row]) != [], kind
    assert problems(contract, {"returns": [row], "nextPageUrl": None, "previousPageUrl": None}) != []


def test_there_are_200_mutations_of_four_kinds_and_they_differ() -> None:
    made = all_mutations()
    assert Counter(kind for _, kind, _, _ in made) == dict.fromkeys(KINDS, 50)
    assert len({json.dumps(row) for _, _, row, _ in made}) == MUTATIONS


def test_the_samples_given_to_us_are_the_ones_we_carry() -> None:
    assert [row["state"] for row in ROWS] == ["open", "closed", "cancelled"]
    assert [row["outcome"] for row in ROWS] == ["exchange", "refund", "exchange"]
    assert {row["multi_currency"] for row in ROWS} == {True, False}
