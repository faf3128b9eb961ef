"""What shall go wrong, as words."""

from __future__ import annotations

from typing import Any

from loopsim.harness.story import Story
from loopsim.harness.words.acts import component, control_document
from loopsim.harness.words.registry import Arguments, word

_FAULT = component(control_document(), "NewFault")


@word(
    "faults.on",
    _FAULT["properties"],
    required=("kind",),
    main="kind",
    example="faults.on: {kind: duplicate, trigger: return.created}",
)
def faults_on(story: Story, arguments: Arguments) -> Any:
    """A fault begins: of deliveries (duplicate, swap, delay, tamper, drop, …) or of Loop's answers (too_many,
    server_error, latency, reset, answer_lost, …)."""
    return story.shop.fault(**arguments)


@word("faults.off", {"id": {"type": "integer"}}, main="id", example="faults.off")
def faults_off(story: Story, arguments: Arguments) -> Any:
    """All faults end, or the one with this id."""
    story.shop.clear_faults(arguments.get("id"))
    return None
