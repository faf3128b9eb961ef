"""What `loopsim init` writes: a first scenario, settings, and a workflow for CI."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SCENARIO = "scenarios/first-return.loopsim.yaml"
SCHEMA = "scenarios/scenario.schema.json"
SETTINGS = "loopsim.toml"
SOURCE = "git+https://git.example.com/you/loopsim@main"
"""Where a workflow installs from, until its project names its own."""

_HEAD = """\
# yaml-language-server: $schema=scenario.schema.json
# A story: what happens to a shop, and what your integration must do about it. All words: loopsim words
scenario: {title}
protects: {protects}
pattern: {pattern}
direction: {direction}
covers: [story:first-return]
stages: [created, shipped, processing, concluded]
shop: {{policy: {{{policy}}}}}
steps:
"""

_SUBMITTED = """\
  # A customer submits a return, and Loop tells your integration of it.
  - customer.submits_return: {items: [{outcome: refund}]}
    as: ret
  - clock.advances: 1m
  - expect.acknowledged: {trigger: return.created, within: 5s}
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

_LABELS = """\
  # Loop asks for a label, and yours has to come.
  - expect.acknowledged: {trigger: label.request.issued, within: 5s}
  - expect.call: {operation: createLabel, times: 1}
  - expect.label: {return_id: "${ret.id}"}

  # The parcel travels and arrives, and Loop pays out.
  - carrier.scans: {return_id: "${ret.id}", status: delivered}
  - clock.advances: 1d
  - expect.return: {id: "${ret.id}", state: closed}
"""

_SHOPPING = """\
  # A shopper comes from Loop into your shop, with the credit of a return. Your side is asked through --asks.
  - stock.sets: {variant: TEE-RED-M, available: 20}
    as: tee
  - orders.makes: {lines: [{variant: HOOD-GRY-M}]}
    as: order
  - partner.is_asked:
      task: shopper-arrives
      about:
        session: "visit-${story}"
        url: "https://shop.example/?loop_return_id=5b0f6a3e-91c4-4f27-8a55-${story}&loop_domain=returns.shop.example"

  # They choose, and go back: your shop has kept the cart at Loop, and sends them on with its token.
  - partner.is_asked:
      task: shopper-fills-cart
      about: {session: "visit-${story}", lines: [{variant_id: "${tee.variant_id}", quantity: 2}]}
  - partner.is_asked:
      task: shopper-goes-back
      about: {session: "visit-${story}"}
      answers: {url: {$regex: "^https?://returns.shop.example/#/cart/v2/"}}
    as: back

  # The return is submitted with that cart. Its parcel arrives, and what was chosen is sent.
  - customer.submits_return: {order: "${order.name}", items: [{outcome: shop_now}], cart: "${back.url}"}
    as: ret
  - clock.advances: 1m
  - carrier.scans: {return_id: "${ret.id}", status: delivered}
  - clock.advances: 1d
  - expect.return: {id: "${ret.id}", state: closed}
  - expect.shopify: {return_id: "${ret.id}", kind: exchange_order, times: 1}
"""


class _Story(NamedTuple):
    title: str
    protects: str
    policy: str
    steps: str


_PROCESSES = _Story(
    "A return is processed once, when the parcel is there",
    "Paying out for a parcel that never came, or paying out twice.",
    "processing_event: disabled, carrier: manual",
    _SUBMITTED + _TWO_WAY,
)
_LISTENS = _Story(
    "A return is heard of from its beginning to its end",
    "Records that miss how a return ended.",
    "processing_event: delivered, carrier: manual",
    _SUBMITTED + _ONE_WAY,
)
_MAKES_LABELS = _Story(
    "A return gets its label from us, once",
    "A customer who waits for a label that never comes, or gets two.",
    "label_source: third_party, processing_event: delivered, carrier: manual",
    _SUBMITTED + _LABELS,
)
_KEEPS_CARTS = _Story(
    "A shopper spends the credit of a return in our shop",
    "Credit that nobody can spend, or a shopper who is sent what they did not choose.",
    "processing_event: delivered, carrier: manual",
    _SHOPPING,
)
_TWO_WAY_OF = {"label-provider": _MAKES_LABELS, "storefront": _KEEPS_CARTS}

_SETTINGS = """\
# Settings of loopsim for this project. Every flag of every verb can stand here: loopsim run --help
[run]
# Where your integration takes webhooks.
target = "http://localhost:3000/webhooks/loop"

# How loopsim starts your integration, with LOOP_API_BASE, LOOP_API_KEY and LOOP_WEBHOOK_SECRET in its environment, and
# when it is ready. Without it, start it yourself with what `loopsim env` prints.
# start = "npm start"
# health = "http://localhost:3000/health"

# Where your integration says whether it has nothing to do now, as {"idle": true}: runs are several times as fast. The
# shop's clock waits until it is idle: one that sleeps until Loop has finished is idle, or what it waits for never
# comes.
# idle-probe = "http://localhost:3000/idle"

# What it is able to do at Loop: process, grade, notes and others (an unknown word is answered with the list), or
# nothing. Stories that need more are skipped; without this line all are played.
# does = ["process"]

# Where your integration says what it knows of a return, for expect.partner.
# probe = "http://localhost:3000/returns/{return_id}"

# Where people and systems on your side ask it for things, for partner.is_asked.
# asks = "http://localhost:3000/do/{task}"
"""

_GITHUB = """\
name: loopsim
on: [push, pull_request]
env:
  # Where your loopsim is: a git address, a wheel or a folder. The name loopsim on PyPI is another project's.
  LOOPSIM: "{source}"
jobs:
  contract:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: pip install "$LOOPSIM"
      # Install and build your integration here, and give its command as `start` in loopsim.toml.
      - run: {command} --html loopsim.html
      - uses: actions/upload-artifact@v4
        if: always()
        with:
          name: loopsim
          path: loopsim.html
"""

_GITLAB = """\
# Take it in with `include: {{local: {path}}}` in .gitlab-ci.yml.
loopsim:
  image: python:3.12
  variables:
    # Where your loopsim is: a git address, a wheel or a folder. The name loopsim on PyPI is another project's.
    LOOPSIM: "{source}"
  script:
    - pip install "$LOOPSIM"
    # Install and build your integration here, and give its command as `start` in loopsim.toml.
    - {command} --html loopsim.html --junit loopsim.xml
  artifacts:
    when: always
    paths: [loopsim.html]
    reports:
      junit: loopsim.xml
"""

CI: dict[str, tuple[str, str]] = {
    "github": (".github/workflows/loopsim.yml", _GITHUB),
    "gitlab": (".gitlab/loopsim.yml", _GITLAB),
}
"""By service: where its workflow stands, and its text."""


def files(pattern: str, direction: str, ci: str, command: str, schema: Callable[[], str]) -> dict[str, str]:
    """The files by their path, relative to the project. `command` is what CI runs, `schema` makes the schema's text."""
    story = _LISTENS if direction == "one-way" else _TWO_WAY_OF.get(pattern, _PROCESSES)
    head = _HEAD.format(
        title=story.title, protects=story.protects, policy=story.policy, pattern=pattern, direction=direction
    )
    written = {SCENARIO: head + story.steps, SCHEMA: schema(), SETTINGS: _SETTINGS}
    if ci in CI:
        path, text = CI[ci]
        written[path] = text.format(command=command, path=path, source=SOURCE)
    return written
