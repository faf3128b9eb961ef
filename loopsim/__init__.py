"""loopsim: a local, stateful simulator of the Loop Returns API, and a test harness for what is built on it.

from loopsim import Loopsim

with Loopsim() as sim:
    shop = sim.shop(seed=7)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopsim.client import Loopsim as Loopsim
    from loopsim.client import Shop as Shop

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # On demand: every command imports this package, and few need the client.
    if name in ("Loopsim", "Shop"):
        from loopsim import client

        return getattr(client, name)
    raise AttributeError(f"module 'loopsim' has no attribute {name!r}")
