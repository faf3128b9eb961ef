"""Cases of the rules about webhooks and provocations."""

from __future__ import annotations

from loopsim.rules.evidence import Evidence, ProvocationKind
from tests.rules.building import RETURN, Case, call, hook, provoked, story

WITHOUT_EFFECT: dict[str, ProvocationKind] = {
    "signature-verified": "forged_signature",
    "signature-required": "unsigned",
    "signature-over-raw-body": "reserialised",
    "acknowledged-before-work": "slow_loop",
    "duplicates-harmless": "duplicate",
    "order-not-assumed": "swapped",
    "late-delivery-harmless": "late",
    "lost-answers-survived": "answer_lost",
    "too-many-attempts-survived": "too_many",
    "server-errors-survived": "server_error",
    "refusals-noticed": "refused_action",
}
SURVIVED: dict[str, ProvocationKind] = {
    "unknown-fields-survived": "unknown_field",
    "unknown-values-survived": "unknown_enum",
    "nulls-survived": "nulls",
    "not-available-survived": "not_available",
    "empty-payload-survived": "empty_payload",
}


def without_effect(kind: ProvocationKind) -> Case:
    """What counts is the effect; a 200 that is dropped in silence is as good as a refusal."""
    return Case(
        passes=(provoked(kind), provoked(kind, statuses=(200,)), provoked(kind, statuses=(401,))),
        fails=(
            (provoked(kind, "It processed the return."), "It processed the return."),
            (provoked(kind, alive=False), "answers no longer"),
        ),
        not_judged=(Evidence(), provoked(kind, control=False)),
    )


def survived(kind: ProvocationKind) -> Case:
    """Here an answer that says that the receiver broke counts as well."""
    plain = without_effect(kind)
    broke = ((provoked(kind, statuses=(200, 500)), "with 500"), (provoked(kind, statuses=(None,)), "not at all"))
    return Case(passes=plain.passes, fails=(*plain.fails, *broke), not_judged=plain.not_judged)


def failing(status: int | None, **given: object) -> dict[str, object]:
    """A webhook that is not taken."""
    return hook(status=status, **given)


TAKEN = hook()
ROTATED = {"kind": "control", "operation": "rotateSecret"}

CASES = {
    **{rule: without_effect(kind) for rule, kind in WITHOUT_EFFECT.items()},
    **{rule: survived(kind) for rule, kind in SURVIVED.items()},
    "genuine-signature-accepted": Case(
        passes=(story(TAKEN), story(failing(500)), story(TAKEN, failing(401, fault="tamper"))),
        fails=(
            (story(failing(401)), "It answered 401 to a rightly signed return.updated."),
            (story(failing(403)), "403"),
        ),
        not_judged=(story(), story(failing(401, fault="crafted")), story(ROTATED, failing(401))),
    ),
    "webhooks-acknowledged": Case(
        passes=(
            story(TAKEN, hook(status=204)),
            story(failing(500, delivery_id=4), hook(delivery_id=4, attempt=2)),
            story(failing(429)),
            # Loop itself failed: to have it send again is right.
            story(call("processReturn", RETURN, status=503, fault="server_error"), failing(500)),
            story(failing(400, fault="crafted"), TAKEN),
        ),
        fails=(
            (story(failing(404)), "It answered 404 to return.updated, delivery 1. Loop does not send it again."),
            (story(failing(302)), "302"),
            (story(failing(500)), "It answered 500"),
            (story(failing(None, error="refused")), "gave no answer (refused)"),
        ),
        not_judged=(story(), story(failing(None, note="blocked"))),
    ),
    "webhooks-acknowledged-in-time": Case(
        passes=(story(hook(duration_ms=4_000.0)), story(failing(500))),
        fails=((story(failing(None, error="timeout")), "did not answer return.updated before Loop gave up"),),
    ),
    "webhooks-acknowledged-soon": Case(
        passes=(story(hook(duration_ms=4_000.0)),),
        fails=((story(hook(duration_ms=6_200.0)), "It took 6.2 s to answer return.updated."),),
    ),
}
