from __future__ import annotations

import pytest

from loopsim.server.requests import query_of


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&a=2", {"a": "2"}),
        (b"from=2026-05-06+00%3A00%3A00", {"from": "2026-05-06 00:00:00"}),
        (b"from=2026-05-06 00:00:00", {"from": "2026-05-06 00:00:00"}),
        (b"a&b=&=c&&", {"a": "", "b": "", "": "c"}),
        (b"a=b=c", {"a": "b=c"}),
        (b"n%61me=%C3%A9", {"name": "é"}),
        (b"a=%FF%zz\xff", {"a": "\ufffd%zz\ufffd"}),
    ],
)
def test_a_query_is_read_as_php_reads_it(raw: bytes, query: dict[str, str]) -> None:
    assert query_of(raw) == query
