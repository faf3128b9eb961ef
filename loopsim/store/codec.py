"""Records to bytes and back: JSON of the domain's records, returns and orders compressed.

Compression costs some 20 microseconds a write and 5 a read, and keeps 10,000 returns well under 100 MB on disk.
"""

from __future__ import annotations

import zlib
from typing import Any, TypeVar

import msgspec

from loopsim.store.dictionary import DICTIONARY

_LEVEL, _WINDOW, _MEMORY = 2, -13, 6  # raw deflate with a window of 8 KiB: enough for the dictionary and what follows
T = TypeVar("T")
_encoder = msgspec.json.Encoder()
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: Any) -> bytes:
    """JSON of a record or plain data."""
    return _encoder.encode(value)


def decode(kind: type[T], doc: bytes) -> T:
    """The record of this type that `encode` made the bytes from."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    result: T = decoder.decode(doc)
    return result


def pack(value: Any) -> bytes:
    """Compressed JSON."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW, _MEMORY, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    return packer.compress(_encoder.encode(value)) + packer.flush()


def unpack(kind: type[T], doc: bytes) -> T:
    """The record that `pack` made the bytes from."""
    return decode(kind, zlib.decompressobj(_WINDOW, DICTIONARY).decompress(doc))
