"""What somebody on the partner's own side asks of it, as a word. Needs `--asks`."""

from __future__ import annotations

import json
from typing import Any

from loopsim.errors import SetupError
from loopsim.harness.asking import NoAnswer, exchange
from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import json_of
from loopsim.harness.story import Story
from loopsim.harness.tasks import TASKS
from loopsim.harness.words.answers import ANSWERS, met
from loopsim.harness.words.registry import Arguments, word

_PATIENCE = 30.0  # seconds for one task
_HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


@word(
    "partner.is_asked",
    {
        "task": {
            "description": " ".join(f"`{name}`: {says}" for name, says in TASKS.items()),
            "enum": list(TASKS),
        },
        "about": {"description": "What it is told with it, as JSON.", "type": "object"},
        **ANSWERS,
    },
    required=("task",),
    main="task",
    example="partner.is_asked: {task: push-order, about: {order: {external_id: A-1, …}}}",
)
def partner_is_asked(story: Story, arguments: Arguments) -> Any:
    """Somebody on the partner's own side (a shopper in its shop, a clerk, a timer) has it do something; it answers when
    that is done. Gives its answer."""
    partner, task = story.partner, arguments["task"]
    if not partner.asks:
        raise SetupError(f"{partner.name} cannot be asked to {task}. Say where: --asks URL with {{task}} in it.")
    url = partner.asks.replace("{task}", task)
    body = json.dumps(arguments.get("about", {})).encode()
    try:
        reply = exchange("POST", url, _HEADERS, body, timeout=_PATIENCE)
    except NoAnswer as error:
        raise ExpectationFailed(f"{partner.name} gives no answer when it is asked to {task}: {error}.") from error
    story.journal.read()
    return met(f"{partner.name}'s answer to {task}", reply.status, json_of(reply.text), arguments)
