"""Whether payloads that are unlike the samples are survived."""

from __future__ import annotations

from loopsim.rules.provoked import survived, without_effect
from loopsim.rules.rule import Rule

RULES = (
    Rule(
        name="unknown-fields-survived",
        level="error",
        needs="provocation",
        title="Ignore fields that you do not know",
        reason="Loop adds fields to answers and payloads at any time, without a new version.",
        mend="Read the members you need; turn off strict models (additionalProperties, extra='forbid', "
        "FAIL_ON_UNKNOWN).",
        fact="versions-additive",
        judge=lambda traffic: survived(traffic, "unknown_field", "Sent with a field that no page names"),
        provocation="unknown_field",
    ),
    Rule(
        name="unknown-values-survived",
        level="error",
        needs="provocation",
        title="Survive a state, outcome or status that you do not know",
        reason="Loop's lists of values have grown before. One new word must not stop the returns that come after it.",
        mend="Give every switch over Loop's words a default that puts this one return aside.",
        fact="states-inside",
        judge=lambda traffic: survived(traffic, "unknown_enum", "Sent with values that no page names"),
        provocation="unknown_enum",
    ),
    Rule(
        name="nulls-survived",
        level="error",
        needs="provocation",
        title="Survive null wherever Loop may send it",
        reason="Many members are null for some shops and returns: reasons, SKUs, order numbers, exchange orders.",
        mend="Treat members that may be null as optional in your types, and test with none of them.",
        fact="payload-return-order-numbers",
        judge=lambda traffic: survived(traffic, "nulls", "Sent with nulls"),
        provocation="nulls",
    ),
    Rule(
        name="not-available-survived",
        level="error",
        needs="provocation",
        title='Read "N/A" as nothing',
        reason='Where no label will come, carrier, tracking number, status and even a time say "N/A".',
        mend='Turn "N/A" and empty text into null where you read a payload, before dates are parsed or numbers booked.',
        fact="return-not-available",
        judge=lambda traffic: survived(traffic, "not_available", 'Sent with "N/A" for all that a label would tell'),
        provocation="not_available",
    ),
    Rule(
        name="empty-payload-survived",
        level="error",
        needs="provocation",
        title="Survive an empty payload",
        reason="A topic without data for its trigger is delivered as [], a list and not an object.",
        mend="Check that the body is an object with an id before reading it; answer 200 to what is not.",
        fact="quirk-empty-pair",
        judge=lambda traffic: survived(traffic, "empty_payload", "Sent []"),
        provocation="empty_payload",
    ),
    Rule(
        name="lost-answers-survived",
        level="error",
        needs="provocation",
        title="End the same when an answer of Loop is lost",
        reason="A call whose answer is lost may have been carried out. To repeat it blindly does the work twice, to "
        "forget it "
        "leaves it undone.",
        mend="After a lost answer read the return (or its notes), and repeat only what is not there.",
        fact="idempotency-none",
        judge=lambda traffic: without_effect(traffic, "answer_lost", "When an answer was lost"),
        provocation="answer_lost",
    ),
    Rule(
        name="too-many-attempts-survived",
        level="error",
        needs="provocation",
        title="Do after a 429 what you meant to do",
        reason="A 429 did nothing. Work that is dropped there is missing exactly on the busiest day.",
        mend="Wait as long as Retry-After says, then make the same call again.",
        fact="rate-limit",
        judge=lambda traffic: without_effect(traffic, "too_many", "When Loop answered 429"),
        provocation="too_many",
    ),
    Rule(
        name="server-errors-survived",
        level="warning",
        needs="provocation",
        title="Get over one 500 of Loop's",
        reason="Single failures happen every day; a return whose processing was given up after one waits for somebody "
        "to look.",
        mend="Read the return, and if nothing was done try again with growing pauses; or tell your people.",
        fact="http-server-error",
        judge=lambda traffic: without_effect(traffic, "server_error", "When Loop answered 500"),
        provocation="server_error",
    ),
)
