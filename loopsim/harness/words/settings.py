"""The shop's own ways, as words: policy, quirks, secrets."""

from __future__ import annotations

from typing import Any

from loopsim.harness.story import Story
from loopsim.harness.words.acts import component, control_document
from loopsim.harness.words.registry import Arguments, word

_DOCUMENT = control_document()


@word(
    "policy.becomes",
    component(_DOCUMENT, "PolicyInput")["properties"],
    example="policy.becomes: {processing_event: disabled}",
)
def policy_becomes(story: Story, arguments: Arguments) -> Any:
    """The shop changes how it takes returns; what is not named stays."""
    return story.shop.update(policy=arguments)["policy"]


@word(
    "shop.becomes",
    component(_DOCUMENT, "SettingsInput")["properties"],
    example="shop.becomes: {rate_limit: 10, quirks: {flag_moves_to_review: 'on'}}",
)
def shop_becomes(story: Story, arguments: Arguments) -> Any:
    """Settings of the shop change: quirks, rate limit, time-outs, policy; what is not named stays."""
    return story.shop.update(**arguments)


@word(
    "secret.rotates",
    {"subscription_id": {"type": "integer"}},
    main="subscription_id",
    example="secret.rotates",
)
def secret_rotates(story: Story, arguments: Arguments) -> Any:
    """The webhook secret is replaced; gives `secret` and `old`. The partner learns of it with `partner.restarts`."""
    old = story.shop.secret
    return {**story.shop.rotate_secret(**arguments), "old": old}
