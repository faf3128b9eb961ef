"""Laravel's pages."""

from __future__ import annotations

import pytest

from loopsim.wire.paging import length_aware, page_of, with_links


def labels(current: int, last: int) -> str:
    page = with_links(length_aware(list(range(last)), current, 1, "http://x/y", {"a": "b"}))
    return " ".join(f"[{link['label']}]" if link["active"] else link["label"] for link in page["links"][1:-1])


@pytest.mark.parametrize(
    ("current", "last", "shown"),
    [
        (1, 1, "[1]"),
        (2, 3, "1 [2] 3"),
        (7, 13, "1 2 3 4 5 6 [7] 8 9 10 11 12 13"),
        (1, 20, "[1] 2 3 4 5 6 7 8 9 10 ... 19 20"),
        (10, 20, "1 2 ... 7 8 9 [10] 11 12 13 ... 19 20"),
        (20, 20, "1 2 ... 11 12 13 14 15 16 17 18 19 [20]"),
    ],
)
def test_links_show_the_ends_and_what_is_near(current: int, last: int, shown: str) -> None:
    assert labels(current, last) == shown


def test_links_lead_where_they_say_and_keep_the_query() -> None:
    page = with_links(length_aware(list(range(3)), 2, 1, "http://x/y", {"a": "b"}))
    assert [link["url"] for link in page["links"]] == [f"http://x/y?a=b&page={n}" for n in (1, 1, 2, 3, 3)]


@pytest.mark.parametrize(("text", "page"), [("3", 3), ("0", 1), ("-2", 1), ("x", 1), ("", 1)])
def test_a_page_that_is_none_is_the_first(text: str, page: int) -> None:
    assert page_of({"page": text}) == page
