"""The typed Python client of loopsim's control API: synchronous, of the standard library alone, safe with threads.

    server = Loopsim("http://127.0.0.1:8484")
    shop = server.create_shop(clock={"mode": "manual"})
    shop.subscribe("http://127.0.0.1:9000/loop")
    made = shop.customer.submits_return(items=[{"sku": "TEE-M", "outcome": "exchange"}])
    shop.clock.advance(by="14d")
    assert shop.get_return(made["id"])["state"] == "closed"

Without a server of one's own, in a test or a script, one is started in a thread of the process and stopped at the end:

    with Loopsim() as sim:
        shop = sim.shop(seed=7)

Answers are the plain JSON of the API; one that has a single member is that member. `ControlError` is raised for what
the server refuses, `SetupError` where no server answers.
"""

from __future__ import annotations

from loopsim.client.server import Loopsim as Loopsim
from loopsim.client.shop import Shop as Shop
from loopsim.client.transport import DEFAULT_URL as DEFAULT_URL
from loopsim.client.transport import TIMEOUT as TIMEOUT
from loopsim.client.transport import ControlError as ControlError
from loopsim.client.transport import Json as Json
