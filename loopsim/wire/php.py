"""JSON as PHP's `json_encode` writes it: compact, `/` as `\\/`, everything beyond ASCII as lower-case `\\uXXXX` in
surrogate pairs.

Loop's answers and webhook bodies are such bytes (captured for webhooks), and signatures are taken over them.
"""

from __future__ import annotations

import codecs
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2)), error.end


codecs.register_error("loopsim.php", _escape)


def escape(text: bytes) -> bytes:
    """Compact UTF-8 JSON in PHP's spelling."""
    escaped = text.replace(b"/", b"\\/")
    return escaped if escaped.isascii() else escaped.decode("utf-8").encode("ascii", "loopsim.php")


def encode(value: Any) -> bytes:
    """The bytes of a value. A float without a fraction must already be an int, as PHP prints `5.0` as `5`."""
    return escape(_encode(value))
