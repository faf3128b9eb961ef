"""What `loopsim init` writes: a first scenario, settings, and a workflow for CI."""

from __future__ import annotations

from collections.abc import Callable

SCENARIO = "scenarios/first-return.loopsim.yaml"
SCHEMA = "scenarios/scenario.schema.json"
SETTINGS = "loopsim.toml"

_HEAD = """\
# yaml-language-server: $schema=scenario.schema.json
# A story: what happens to a shop, and what your integration must do about it. All words: loopsim words
scenario: {title}
protects: {protects}
pattern: {pattern}
direction: {direction}
stages: [created, shipped, processing, concluded]
shop: {{policy: {{processing_event: {event}, carrier: manual}}}}
steps:
  # A customer hands in a return; Loop makes its label, and tells your integration of both.
  - customer.submits_return: {{items: [{{outcome: refund}}]}}
    as: ret
  - clock.advances: 1m
  - expect.acknowledged: {{trigger: return.created, within: 5s}}
"""

_TWO_WAY = """\
  # Nothing has arrived yet, so nothing may be paid out.
  - expect.no_call: processReturn

  # The parcel arrives. Your integration has a day of the shop's time to have it processed, once.
  - carrier.scans: {return_id: "${ret.id}", status: delivered}
  - clock.advances: 1d
  - expect.call: {operation: processReturn, path: {id: "${ret.id}"}, times: 1}
  - expect.return: {id: "${ret.id}", state: closed}
  - expect.shopify: {return_id: "${ret.id}", kind: refund, times: 1}
"""

_ONE_WAY = """\

  # The parcel arrives, and Loop pays out.
  - carrier.scans: {return_id: "${ret.id}", status: delivered}
  - clock.advances: 1d
  - expect.return: {id: "${ret.id}", state: closed}
  - expect.acknowledged: {trigger: return.closed, within: 5s}

  # Your integration only listens.
  - expect.no_call: [processReturn, closeReturn, cancelReturn]

  # With a probe (loopsim.toml) this looks into your own records:
  # - expect.partner: {return_id: "${ret.id}", state: closed}
"""

_SETTINGS = """\
# Settings of loopsim for this project. Every flag of every verb can stand here: loopsim run --help
[run]
# Where your integration takes webhooks.
target = "http://localhost:3000/webhooks/loop"

# How loopsim starts your integration, with LOOP_API_BASE, LOOP_API_KEY and LOOP_WEBHOOK_SECRET in its environment, and
# when it is ready. Without it, start it yourself with what `loopsim env` prints.
# start = "npm start"
# health = "http://localhost:3000/health"

# Where your integration says what it knows of a return, for expect.partner.
# probe = "http://localhost:3000/returns/{return_id}"
"""

_GITHUB = """\
name: loopsim
on: [push, pull_request]
jobs:
  contract:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install loopsim
      # Install and build your integration here, and give its command as `start` in loopsim.toml.
      - run: {command}
"""

_GITLAB = """\
# Take it in with `include: {{local: {path}}}` in .gitlab-ci.yml.
loopsim:
  image: python:3.12
  script:
    - pip install loopsim
    # Install and build your integration here, and give its command as `start` in loopsim.toml.
    - {command}
"""

CI: dict[str, tuple[str, str]] = {
    "github": (".github/workflows/loopsim.yml", _GITHUB),
    "gitlab": (".gitlab/loopsim.yml", _GITLAB),
}
"""By service: where its workflow stands, and its text."""


def files(pattern: str, direction: str, ci: str, command: str, schema: Callable[[], str]) -> dict[str, str]:
    """The files by their path, relative to the project. `command` is what CI runs, `schema` makes the schema's text."""
    listens = direction == "one-way"
    head = _HEAD.format(
        title="A return is heard of from its beginning to its end" if listens
        else "A return is processed once, when the parcel is there",
        protects="Records that miss how a return ended." if listens
        else "Paying out for a parcel that never came, or paying out twice.",
        pattern=pattern, direction=direction, event="delivered" if listens else "disabled",
    )  # fmt: skip
    written = {SCENARIO: head + (_ONE_WAY if listens else _TWO_WAY), SCHEMA: schema(), SETTINGS: _SETTINGS}
    if ci in CI:
        path, text = CI[ci]
        written[path] = text.format(command=command, path=path)
    return written
