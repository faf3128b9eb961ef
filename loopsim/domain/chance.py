"""Chance without a stream: every random value is a function of what it is for.

`draw(seed, purpose, entity, counter)` hashes its arguments, so one more call anywhere shifts nothing elsewhere, and
the same shop asked the same question gives the same answer in every process.
"""

from __future__ import annotations

from hashlib import blake2b

_BITS = 64


def draw(seed: int, purpose: str, entity: object = "", counter: int = 0) -> int:
    """A uniform integer in 0 .. 2**64 - 1."""
    text = f"{seed}\x1f{purpose}\x1f{entity}\x1f{counter}".encode()
    return int.from_bytes(blake2b(text, digest_size=_BITS // 8).digest(), "big")


def fraction(seed: int, purpose: str, entity: object = "", counter: int = 0) -> float:
    """A uniform float in [0, 1)."""
    return (draw(seed, purpose, entity, counter) >> 11) / (1 << 53)


def between(low: int, high: int, seed: int, purpose: str, entity: object = "", counter: int = 0) -> int:
    """A uniform integer in low .. high, both included."""
    return low + draw(seed, purpose, entity, counter) % (high - low + 1)


def digits(count: int, seed: int, purpose: str, entity: object = "", counter: int = 0) -> str:
    """A string of `count` decimal digits that does not begin with 0."""
    text = ""
    part = 0
    while len(text) < count:
        text += f"{draw(seed, purpose, f'{entity}/{part}', counter):020d}"
        part += 1
    text = text[-count:]
    return ("9" + text[1:]) if text[0] == "0" else text


def hexadecimal(count: int, seed: int, purpose: str, entity: object = "", counter: int = 0) -> str:
    """A string of `count` (up to 128) hexadecimal digits in lower case."""
    text = f"{seed}\x1f{purpose}\x1f{entity}\x1f{counter}".encode()
    return blake2b(text, digest_size=64).hexdigest()[:count]


def uuid4(seed: int, purpose: str, entity: object = "", counter: int = 0) -> str:
    """A version 4 UUID, in its usual spelling. Every answer bears one, so it is put together by hand."""
    text = f"{seed}\x1f{purpose}\x1f{entity}\x1f{counter}".encode()
    h = blake2b(text, digest_size=16).hexdigest()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"
