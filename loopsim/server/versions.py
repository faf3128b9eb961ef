"""Which version of Loop's API a path asks for.

/api/{name}/warehouse/...   the version of that name: v1, a date, latest, unstable
/api/warehouse/...          the oldest, as is a path without /api
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_API = "/api"
_VERSION_LIKE = re.compile(r"v\d+|\d{4}-\d{2}", re.ASCII)


class Asked(NamedTuple):
    """What a path says of its version.

    `base` is the part up to and with the version as it was written, `rest` what follows. `exists` is false for a
    version that Loop does not have; `version` is the default then.
    """

    base: str
    version: str
    rest: str
    exists: bool


class Versions:
    """The versions by the names they have in paths, as the contract's `x-versions` states them."""

    def __init__(self, document: dict[str, Any]) -> None:
        stated = document["x-versions"]
        self.default: str = stated["default"]
        self.names: dict[str, str] = stated["names"]

    def asked(self, path: str) -> Asked:
        """Read a raw path."""
        if path != _API and not path.startswith(_API + "/"):
            return Asked("", self.default, path, True)
        name, slash, rest = path[len(_API) + 1 :].partition("/")
        version = self.names.get(name)
        if version is not None:
            return Asked(f"{_API}/{name}", version, slash + rest or "/", True)
        return Asked(_API, self.default, path[len(_API) :] or "/", _VERSION_LIKE.fullmatch(name) is None)
