"""Records as they are kept."""

from __future__ import annotations

import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from loopsim.domain.orders import Order
from loopsim.domain.returns import Return
from loopsim.errors import Damaged
from loopsim.store.codec import encode, pack, unpack
from loopsim.store.dictionary import DICTIONARY
from loopsim.store.worlds import load_world


def test_an_order_is_read_as_it_was_packed() -> None:
    for order in load_world("eu-multi-currency").orders:
        assert unpack(Order, pack(order)) == order


def test_what_orders_have_in_common_is_not_kept_with_each() -> None:
    for order in load_world("us-apparel").orders:
        assert len(pack(order)) < 0.75 * len(zlib.compress(encode(order), 9))


@pytest.mark.parametrize("kind", [Order, Return])
def test_the_dictionary_has_the_keys_that_most_documents_have(kind: type[Order] | type[Return]) -> None:
    unlikely = {"loop_id", "instant", "provider_id"}  # beside values of their own, or hardly ever set
    missing = [name for name in kind.__struct_fields__ if f'"{name}":'.encode() not in DICTIONARY]
    assert set(missing) <= unlikely, "a field that came later: add it, and count SCHEMA_VERSION up"


@pytest.mark.parametrize("damaged", [b"", b"{}", b"\xff\xff", b"x\x9c", bytes(4)])
def test_what_is_no_document_is_refused(damaged: bytes) -> None:
    with pytest.raises(Damaged):
        unpack(Order, damaged)


def test_a_document_with_any_byte_changed_is_refused() -> None:
    packed = pack(load_world("us-apparel").orders[0])
    for at in range(len(packed)):
        with pytest.raises(Damaged):
            unpack(Order, packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :])


def test_threads_pack_and_unpack_at_once() -> None:
    orders = load_world("us-apparel").orders

    def there_and_back(_: int) -> bool:
        return all(unpack(Order, pack(order)) == order for order in orders)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(there_and_back, range(12)))
