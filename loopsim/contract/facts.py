"""FACTS.md read: each fact under its anchor, with its grade and its text."""

from __future__ import annotations

import re
from pathlib import Path

from loopsim.errors import SetupError

GRADES = ("captured", "documented", "reported", "assumed")
"""How sure a fact is, surest first."""

_HEADING = re.compile(r'^###\s+<a id="(?P<anchor>[^"]+)"></a>.*$', re.MULTILINE)
_SECTION_END = re.compile(r"^#{1,3}\s", re.MULTILINE)
_GRADED = re.compile(r"\A\*(?P<grade>\w+)\*\s*[—-]*\s*(?P<text>.*)\Z", re.DOTALL)


def read_facts(path: Path) -> dict[str, dict[str, str]]:
    """`{anchor: {"grade", "text"}}` of a FACTS.md; empty where the file is missing.

    Raises SetupError for an anchor used twice or a fact without a known grade.
    """
    if not path.exists():
        return {}
    source = path.read_text(encoding="utf-8")
    facts: dict[str, dict[str, str]] = {}
    for heading in _HEADING.finditer(source):
        anchor = heading["anchor"]
        end = _SECTION_END.search(source, heading.end())
        fact = _GRADED.match(source[heading.end() : end.start() if end else None].strip())
        if fact is None or fact["grade"] not in GRADES:
            raise SetupError(f"{path.name}: the fact {anchor} must begin with its grade, one of {', '.join(GRADES)}.")
        if anchor in facts:
            raise SetupError(f"{path.name}: the anchor {anchor} stands there twice. Rename one of the two.")
        facts[anchor] = {"grade": fact["grade"], "text": " ".join(fact["text"].split())}
    return facts
