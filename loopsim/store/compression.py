"""Compression by Zstandard, whose library takes 6 ms to import: `codec` does so when it packs the first document.

At level 3 it takes half of zlib's time for less on disk, if neither its contexts nor the dictionary are made anew for
each document.
"""

from __future__ import annotations

import threading

import zstandard

from loopsim.store.dictionary import DICTIONARY

_LEVEL, _USUAL = 3, 3_000  # bytes of a usual document: its tables are as small as that
_PARAMETERS = zstandard.ZstdCompressionParameters.from_level(
    _LEVEL, source_size=_USUAL, dict_size=len(DICTIONARY), write_content_size=True, write_dict_id=False
)
_DICTIONARY = zstandard.ZstdCompressionDict(DICTIONARY, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_DICTIONARY.precompute_compress(compression_params=_PARAMETERS)


class _Contexts(threading.local):
    # One of each for every thread: a context in use lets other threads run, and must not be used by them.
    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(dict_data=_DICTIONARY, compression_params=_PARAMETERS).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=_DICTIONARY).decompress


_contexts = _Contexts()


def compress(text: bytes) -> bytes:
    """Bytes that `decompress` makes the text of again."""
    return _contexts.compress(text)


def decompress(compressed: bytes) -> bytes:
    """The text that `compress` made the bytes of. Raises `zstandard.ZstdError` for other bytes."""
    return _contexts.decompress(compressed)
