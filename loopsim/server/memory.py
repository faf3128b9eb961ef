"""The C library's allocator, told that large bodies come and go."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h
_LARGEST_IN_HEAP = 2 * 1024 * 1024
_KEPT_FREE = 8 * 1024 * 1024


@cache
def expect_large_bodies() -> None:
    """Let freed memory of up to 8 MiB be used again, instead of being given back and asked for with every body.

    glibc would give it back: a page of the list (300 KB) then costs a third more, in page faults. Done once, and only
    where large bodies are sent, because it takes 4 ms.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with suppress(OSError, AttributeError):  # another C library has no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_MMAP_THRESHOLD, _LARGEST_IN_HEAP)
        mallopt(_TRIM_THRESHOLD, _KEPT_FREE)
