"""Webhooks as words: what the partner acknowledges, what Loop sends, sending it again, sending what Loop would not."""

from __future__ import annotations

import json
from typing import Any

from loopsim.errors import SetupError
from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import Entry, brief, delivery_line, json_of
from loopsim.harness.matchers import match
from loopsim.harness.spans import SCHEMA as SPAN
from loopsim.harness.spans import seconds
from loopsim.harness.story import Story
from loopsim.harness.words.counting import TIMES, says_times, times_of
from loopsim.harness.words.names import DELIVERY_STATE, TOPIC, TRIGGER
from loopsim.harness.words.registry import Arguments, Json, word

_ABOUT: Json = {
    "trigger": TRIGGER,
    "topic": TOPIC,
    "return_id": {"type": ["integer", "string"]},
    "after": {"type": "string", "description": "Only those after this: a saved step, a trigger, an operation."},
}
_ANSWER_TIME = 5.0  # seconds


@word(
    "expect.acknowledged",
    {
        **_ABOUT,
        "status": {"description": "What the partner has to answer; any 2xx where it is left out."},
        "within": {**SPAN, "default": "5s", "description": f"How soon it has to answer. {SPAN['description']}"},
        **TIMES,
    },
    main="trigger",
    example="expect.acknowledged: {trigger: return.created, within: 2s}",
)
def expect_acknowledged(story: Story, arguments: Arguments) -> Any:
    """The partner receives a webhook and answers it with 2xx in time."""
    within, times = seconds(arguments.get("within", _ANSWER_TIME)), times_of(arguments)
    good: list[Entry] = []

    def check() -> ExpectationFailed | None:
        after = story.position(arguments.get("after"), wanted=True)
        came = [entry for entry in story.deliveries(after) if _about(entry, arguments)]
        good[:] = [entry for entry in came if _accepted(entry, arguments, within)]
        if times.allows(len(good)):
            return None
        return ExpectationFailed(
            _unacknowledged(story, came, arguments, within),
            expected=f"{_named(arguments)} answered with {arguments.get('status', '2xx')} within {within:g} s, {times}",
            actual="; ".join(delivery_line(entry) for entry in came[-3:]) or _sent(story),
            entries=tuple(entry["id"] for entry in came),
        )

    story.until(check, max(within, story.patience) if "within" in arguments else None)
    return _given(story, good[-1]) if good else None


@word(
    "expect.delivery",
    {
        **_ABOUT,
        "state": DELIVERY_STATE,
        "payload": {"description": "What it says; a mapping matches as a part."},
        "attempts": {"description": "How many attempts were made."},
        "within": SPAN,
        **TIMES,
    },
    main="trigger",
    example="expect.delivery: {trigger: return.closed, payload: {state: closed}}",
)
def expect_delivery(story: Story, arguments: Arguments) -> Any:
    """Loop sends a webhook to the partner. Gives the delivery with its payload."""
    times = times_of(arguments)
    found: list[Json] = []

    def check() -> ExpectationFailed | None:
        sent = [row for row in _all(story) if story.partner.got(row) and _about(row, arguments)]
        found[:] = [row for row in sent if not _differs(story, row, arguments)]
        if times.allows(len(found)):
            return None
        near = "; ".join(_differs(story, sent[-1], arguments)) if sent else _sent(story)
        return ExpectationFailed(
            f"Loop sent {_named(arguments)} {says_times(len(found))}.",
            expected=f"{_named(arguments)} {brief({k: v for k, v in arguments.items() if k not in _ABOUT})}, {times}",
            actual=near,
        )

    story.until(check, seconds(arguments["within"]) if "within" in arguments else None)
    return _whole(story, found[-1]["id"]) if found else None


@word(
    "resend",
    {
        **{name: _ABOUT[name] for name in ("trigger", "topic", "return_id")},
        "id": {"type": "integer", "description": "Of the delivery; the last that fits where it is left out."},
        "times": {"type": "integer", "minimum": 1, "default": 1},
    },
    main="trigger",
    example="resend: {trigger: return.closed, times: 2}",
)
def resend(story: Story, arguments: Arguments) -> Any:
    """Loop sends a delivery again, byte for byte. Gives the delivery with its attempts."""
    id_ = arguments.get("id") or _last(story, arguments)["id"]
    sent: Any = None
    for _ in range(arguments.get("times", 1)):
        sent = story.shop.resend(id_)
    return sent


@word(
    "loop.sends",
    {
        "like": {
            "description": "The delivery to make it from: a trigger, or more of it. The last one that fits.",
            "type": ["string", "object"],
            "properties": {name: _ABOUT[name] for name in ("trigger", "topic", "return_id")},
            "additionalProperties": False,
        },
        "trigger": {"type": "string", "description": "What it claims to be; that of `like` where it is left out."},
        "topic": {"type": "string"},
        "return_id": {"type": ["integer", "null"]},
        "payload": {
            "description": "Its body: text for the exact bytes, or a mapping.",
            "type": ["string", "object", "array"],
        },
        "change": {"description": "Members of the payload to set; null is a value.", "type": "object"},
        "remove": {"description": "Members of the payload to leave out.", "type": "array", "items": {"type": "string"}},
        "signature": {
            "description": (
                "`genuine`, `none`, `{text}`, or `{secret, form, over}` with form base64, hex, base64url, sha1-base64"
                " or prefixed, and over `sent` or `{text}`."
            ),
            "type": ["string", "object"],
        },
        "header": {"type": "string", "description": "Of the signature, where it is not X-Loop-Signature."},
    },
    main="like",
    example="loop.sends: {like: return.created, change: {state: cancelled}, signature: none}",
)
def loop_sends(story: Story, arguments: Arguments) -> Any:
    """A delivery that was made for the occasion: changed, signed wrongly, or both. Gives it with the partner's
    answer."""
    like = arguments.get("like")
    wanted = {"trigger": like} if isinstance(like, str) else like or arguments
    model = _whole(story, _last(story, wanted)["id"]) if like is not None or "payload" not in arguments else None
    payload = arguments.get("payload", model["text"] if model else "")
    if not isinstance(payload, str) or "change" in arguments or "remove" in arguments:
        value = json_of(payload) if isinstance(payload, str) else payload
        if isinstance(value, dict):
            value = {**value, **arguments.get("change", {})}
            value = {name: each for name, each in value.items() if name not in arguments.get("remove", ())}
        # Loop's payloads are what PHP prints: no spaces, slashes escaped, ASCII.
        payload = json.dumps(value, separators=(",", ":")).replace("/", "\\/")
    row = model or {"topic": None, "trigger": None, "return_id": None, "subscription_id": None}
    trigger = arguments.get("trigger") or row["trigger"]
    asked = {
        "topic": arguments.get("topic") or row["topic"] or str(trigger).partition(".")[0],
        "trigger": trigger,
        "return_id": arguments.get("return_id", row["return_id"]),
        "signature": arguments.get("signature"),
        "header": arguments.get("header"),
    }
    return story.shop.send(
        row["subscription_id"] or _subscription(story, trigger),
        payload,
        **{name: each for name, each in asked.items() if each is not None},
    )


def _subscription(story: Story, trigger: str | None) -> int:
    for row in story.shop.subscriptions():
        if row["trigger"] == trigger and story.partner.got({"subscription_id": row["id"]}):
            return int(row["id"])
    raise SetupError(f"{story.partner.name} has no subscription for {trigger}. Name a trigger that it subscribes to.")


def _all(story: Story) -> list[Json]:
    rows: list[Json] = []
    while len(page := story.shop.deliveries(after=rows[-1]["id"] if rows else 0, limit=1000)) == 1000:
        rows += page
    return rows + page


def _last(story: Story, wanted: Arguments) -> Json:
    rows = [row for row in _all(story) if story.partner.got(row) and _about(row, wanted) and not _crafted(row)]
    if not rows:
        raise ExpectationFailed(f"There is no delivery {_named(wanted)} that could be sent again.", actual=_sent(story))
    return rows[-1]


def _crafted(row: Json) -> bool:
    return (row.get("fault") or {}).get("kind") == "crafted"


def _about(row: Json, wanted: Arguments) -> bool:
    return all(
        wanted.get(name) is None or str(row.get(name)) == str(wanted[name])
        for name in ("trigger", "topic", "return_id")
    )


def _accepted(entry: Entry, arguments: Arguments, within: float) -> bool:
    status = entry.get("status")
    good = (
        not match(arguments["status"], status) if "status" in arguments else status is not None and status // 100 == 2
    )
    return good and entry.get("duration_ms", 0) <= within * 1000


def _unacknowledged(story: Story, came: list[Entry], arguments: Arguments, within: float) -> str:
    if not came:
        return f"No {_named(arguments)} reached {story.partner.name}."
    last = came[-1]
    if last.get("error"):
        return f"{story.partner.name} gave no answer to {_named(arguments)}: {last['error']}."
    if last.get("duration_ms", 0) > within * 1000:
        return f"{story.partner.name} took {last['duration_ms'] / 1000:.1f} s to answer {_named(arguments)}."
    return f"{story.partner.name} answered {_named(arguments)} with {last.get('status')}."


def _differs(story: Story, row: Json, arguments: Arguments) -> list[str]:
    wanted = {name: arguments[name] for name in ("state",) if name in arguments}
    if "attempts" in arguments:
        wanted["attempt_count"] = arguments["attempts"]
    if "payload" in arguments:
        wanted["payload"] = arguments["payload"]
        row = {**row, "payload": _whole(story, row["id"])["payload"]}
    return [str(each) for each in match(wanted, row)]


def _whole(story: Story, id_: int) -> Json:
    """A delivery as `as:` saves it: its own members, `payload` as JSON, `text` as sent, and the attempts."""
    view = story.shop.delivery(id_)
    return {
        **view["delivery"],
        "payload": json_of(view["payload"]),
        "text": view["payload"],
        "attempts": view["attempts"],
    }


def _given(story: Story, entry: Entry) -> Json:
    return _whole(story, entry["delivery_id"])


def _named(arguments: Arguments) -> str:
    about = f" of return {arguments['return_id']}" if arguments.get("return_id") else ""
    return f"{arguments.get('trigger') or arguments.get('topic') or 'webhook'}{about}"


def _sent(story: Story) -> str:
    triggers = [entry.get("trigger", "") for entry in story.deliveries()]
    return f"it was sent {', '.join(triggers[-8:])}" if triggers else "it was sent nothing"
