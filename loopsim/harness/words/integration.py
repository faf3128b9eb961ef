"""The partner's process as words; only where loopsim starts it (`--start`)."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from loopsim.errors import SetupError
from loopsim.harness.partner import Process
from loopsim.harness.story import Story
from loopsim.harness.words.registry import Arguments, word

_ENV = {
    "env": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "Variables of its environment from now on, beside those it has.",
    }
}


@word(
    "partner.restarts",
    _ENV,
    example="partner.restarts: {env: {LOOP_WEBHOOK_SECRET: '${new.secret},${new.old}'}}",
)
def partner_restarts(story: Story, arguments: Arguments) -> Any:
    """The partner's process ends and starts again, with the shop's present secret in its environment."""
    _restart(story, arguments)
    return None


@word("partner.stops", {}, example="partner.stops")
def partner_stops(story: Story, _arguments: Arguments) -> Any:
    """The partner's process ends, so that deliveries meet nobody."""
    process = _process(story)
    story.resting_probe = story.shop.view()["idle_probe"]
    if story.resting_probe is not None:
        # Nobody is there to be asked: without an answer the shop would hold the probe for broken.
        story.shop.update(idle_probe=None)
    process.stop()
    return None


@word("partner.starts", _ENV, example="partner.starts")
def partner_starts(story: Story, arguments: Arguments) -> Any:
    """The partner's process starts again after `partner.stops`."""
    _restart(story, arguments)
    return None


@word("merchant.removes_application", {}, example="merchant.removes_application")
def merchant_removes_application(story: Story, _arguments: Arguments) -> Any:
    """The merchant takes back all that the partner was given to come in by OAuth. The process is told of another yes
    when it starts again (`partner.restarts`)."""
    for app in story.shop.oauth_clients():
        if story.partner.keys is None or f"oauth:{app['client_id']}" in story.partner.keys:
            story.shop.delete_oauth_tokens(app["client_id"])
    return None


def _restart(story: Story, arguments: Arguments) -> None:
    process = _process(story)
    process.restart(structs.replace(process.connection, secret=story.shop.secret), arguments.get("env"))
    if story.resting_probe is not None:
        story.shop.update(idle_probe=story.resting_probe)
        story.resting_probe = None


def _process(story: Story) -> Process:
    process = story.partner.process
    if process is None:
        raise SetupError(
            f"{story.partner.name} was not started by loopsim, which can stop only what it started. Give --start."
        )
    return process
