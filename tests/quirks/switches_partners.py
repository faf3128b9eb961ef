"""Switches of what partners use: OAuth, Checkout+, Ship by Loop, bulk operations."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.domain import durations
from loopsim.domain.bulk import Job
from loopsim.operations import bulk, ship_by_loop
from loopsim.operations.loop import checkout_plus as operations
from loopsim.operations.perform import Answer, Call
from loopsim.server.auth import may
from loopsim.store.transaction import Transaction
from tests.quirks.patching import Patch, Perform, Switch, attribute, function, wrapped


def _endless(patch: Patch) -> None:
    hour = durations.DURATIONS["oauth_token"]
    patch.item(durations.DURATIONS, "oauth_token", structs.replace(hour, high=10**9, low=10**9))


def _anywhere(patch: Patch) -> None:
    def admitted(entrance: Any, operation: Any, *, bearer: bool) -> bool:
        return entrance is not None if bearer else may(entrance, operation, bearer=bearer)

    patch.everywhere(may, admitted)


def _other_session(real: Perform, tx: Transaction, call: Call) -> Any:
    answer = real(tx, call)
    if call.body.get("sessionId"):
        return answer
    return Answer({**answer.body, "sessionId": f"{answer.body['sessionId']}-{tx.count('test_session')}"})


def _at_once(real: Perform, tx: Transaction, call: Call) -> Any:
    answer = real(tx, call)
    bulk_id = answer.body["bulk_operation"]["id"]
    bulk.bulk_run(tx, bulk_id, {})
    tx.cancel_timers(bulk_id, "bulk.run")
    return answer


def _all_or_none(real: Any, tx: Transaction, job: Job) -> Job:
    failed = any(each.status == "failed" for each in tx.resource_page("bulk_job", Job, 1000, parent=job.bulk_id))
    done = structs.replace(job, status="failed") if failed else real(tx, job)
    tx.put_resource("bulk_job", done.id, done, parent=job.bulk_id)
    return done


def _stopping(patch: Patch) -> None:
    real = bulk._carry_out
    patch.everywhere(real, lambda tx, job: _all_or_none(real, tx, job))


def _found(real: Perform, tx: Transaction, call: Call) -> Any:
    return structs.replace(real(tx, call), status=302)


SWITCHES: dict[str, Switch] = {
    "oauth-token-hour": _endless,
    "bulk-later": wrapped("createBulkOperation", _at_once),
    "bulk-line-alone": _stopping,
    "ship-deadline": attribute(ship_by_loop, "MOST_POLLS", 1000),
    "ship-token-only": function(may, lambda entrance, _operation, *, bearer: entrance is not None),  # noqa: ARG005
    "checkout-off": attribute(operations, "why_not", lambda _cart, **_: None),
    "checkout-same-session": wrapped("analyzeCart", _other_session),
    "partner-link-307": wrapped("followPartnerLink", _found),
    "oauth-bearer-places": _anywhere,
}
