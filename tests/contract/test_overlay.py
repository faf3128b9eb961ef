from __future__ import annotations

from typing import Any

import pytest

from loopsim.contract.overlay import apply_overlay
from loopsim.errors import SetupError

BASE: dict[str, Any] = {"a": {"b-c": [1, 2, 3], "d": {"x": 1}}, "it's": {"x": {"v": 1}, "y": {"v": 1}}}

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "objects merge": ({"target": "$.a.d", "update": {"y": 2}}, {"a": {"b-c": [1, 2, 3], "d": {"x": 1, "y": 2}}}),
    "inner objects merge too": (
        {"target": "$.a", "update": {"d": {"x": 9, "z": 0}}},
        {"a": {"b-c": [1, 2, 3], "d": {"x": 9, "z": 0}}},
    ),
    "arrays are appended to": ({"target": "$.a['b-c']", "update": [4]}, {"a": {"b-c": [1, 2, 3, 4], "d": {"x": 1}}}),
    "one value is appended too": ({"target": "$.a.b-c", "update": 4}, {"a": {"b-c": [1, 2, 3, 4], "d": {"x": 1}}}),
    "scalars are replaced": ({"target": '$.a["d"].x', "update": 2}, {"a": {"b-c": [1, 2, 3], "d": {"x": 2}}}),
    "a place of an array": ({"target": "$.a.b-c[1]", "remove": True}, {"a": {"b-c": [1, 3], "d": {"x": 1}}}),
    "all places of an array": ({"target": "$.a.b-c[*]", "remove": True}, {"a": {"b-c": [], "d": {"x": 1}}}),
    "every key": ({"target": "$['it\\'s'].*", "update": {"v": 2}}, {"it's": {"x": {"v": 2}, "y": {"v": 2}}}),
    "the root": ({"target": "$", "update": {"new": 1}}, {"new": 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_action_changes_what_its_target_selects(name: str) -> None:
    action, changed = CASES[name]
    assert apply_overlay(BASE, {"actions": [action]}) == {**BASE, **changed}


def test_the_base_stays_as_it_was() -> None:
    apply_overlay(
        BASE, {"actions": [{"target": "$.a.d", "update": {"x": 5}}, {"target": "$.a.b-c[*]", "remove": True}]}
    )
    assert BASE["a"] == {"b-c": [1, 2, 3], "d": {"x": 1}}


def test_one_update_in_several_places_is_not_shared_between_them() -> None:
    actions = [
        {"target": "$['it\\'s'].*", "update": {"w": {}}},
        {"target": "$['it\\'s'].x.w", "update": {"only": "x"}},
    ]
    changed = apply_overlay(BASE, {"actions": actions})
    assert changed["it's"]["y"]["w"] == {}


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"target": "$.a.nothing", "remove": True}, "selects nothing"),
        ({"target": "$.a[7]", "remove": True}, "selects nothing"),
        ({"target": "a.b", "remove": True}, "must start with"),
        ({"target": "$.a[?(@.x)]", "remove": True}, "cannot be read at"),
        ({"target": "$.a"}, "neither `update` nor `remove`"),
        ({"target": "$", "remove": True}, "the whole document"),
    ],
)
def test_an_action_that_cannot_be_meant_is_refused(action: dict[str, Any], says: str) -> None:
    with pytest.raises(SetupError) as refused:
        apply_overlay(BASE, {"actions": [action]})
    assert says in str(refused.value)
