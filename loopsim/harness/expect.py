"""The expectations of scenarios in Python: `shop.expect.call("processReturn", path={"return_id": 1}, times=1)`.

Each is the word of the same name (`expect.call`), with the same arguments and the same texts. What does not hold raises
`ExpectationFailed`, which is an AssertionError.
"""

from __future__ import annotations

from keyword import iskeyword
from typing import Any

from loopsim.client import Shop
from loopsim.harness import matchers
from loopsim.harness.checking import problems
from loopsim.harness.failures import ExpectationFailed as ExpectationFailed
from loopsim.harness.plan import IdleProbe as IdleProbe
from loopsim.harness.probe import Probe as Probe
from loopsim.harness.problems import nearest
from loopsim.harness.story import Partner, Story
from loopsim.harness.words import WORDS
from loopsim.harness.words.counting import contradictions
from loopsim.harness.words.names import OPERATIONS, TRIGGER
from loopsim.harness.words.registry import Word, arguments_of

_OURS = "expect."


class Expect:
    """What can be expected on a shop. Keeps what was seen, so that `nothing_else` knows what was expected before."""

    def __init__(self, shop: Shop) -> None:
        self._story = Story(shop)

    def configure(self, *, probe: Probe | None = None, patience: float | None = None) -> Expect:
        """How the partner's own state is asked for, and how long (seconds of real time) an expectation waits."""
        partner = self._story.partner
        self._story.partners = {partner.name: Partner(partner.name, probe=probe or partner.probe)}
        self._story.partner = self._story.partners[partner.name]
        if patience is not None:
            self._story.patience = patience
        return self

    def __getattr__(self, verb: str) -> Any:
        # `return` is a keyword of Python, so it is `return_`.
        word = WORDS.get(f"{_OURS}{verb.removesuffix('_')}")
        if verb.startswith("_") or word is None:
            raise AttributeError(f"Nothing can be expected by the name {verb!r}. There are: {', '.join(dir(self))}.")

        def expect(*main: Any, **arguments: Any) -> Any:
            """As the word of this name."""
            __tracebackhide__ = True
            if len(main) > 1:
                raise TypeError(f"expect.{verb} takes one argument by position, {word.main}; give the others by name")
            given = {**(arguments_of(word, main[0]) if main else {}), **arguments}
            missing = [name for name in word.arguments.get("required", ()) if name not in given]
            unknown = [name for name in given if name not in word.arguments["properties"]]
            if missing or (unknown and not word.arguments["additionalProperties"]):
                wrong = f"needs {missing[0]}" if missing else f"takes no {unknown[0]}"
                raise TypeError(f"expect.{verb} {wrong}. It takes: {', '.join(word.arguments['properties'])}.")
            _need_sense(verb, given, word)
            story = self._story
            story.idle_probe = bool(story.shop.view().get("idle_probe"))
            try:
                return word.run(story, given)
            except ExpectationFailed as failure:
                raise failure.with_traceback(None) from None  # how it was found out is no matter of the test's

        expect.__doc__ = word.summary
        return expect

    def __dir__(self) -> list[str]:
        names = (name.removeprefix(_OURS) for name in WORDS if name.startswith(_OURS))
        return ["configure", *(f"{name}_" if iskeyword(name) else name for name in names)]


def _need_sense(verb: str, given: dict[str, Any], word: Word) -> None:
    """Raises ValueError for what could never be met, or never be missed, such as an operation that there is not."""
    __tracebackhide__ = True
    found = problems(given, word.arguments, matchers.is_matcher) + matchers.check(given) + contradictions(given)
    mark, marks = given.get("after"), [*TRIGGER["enum"], *OPERATIONS]
    if isinstance(mark, str) and mark not in marks:
        found.append((("after",), f"Found {mark}; expected a trigger or an operation.{nearest(mark, marks)}"))
    if found:
        path, says = found[0]
        raise ValueError(f"expect.{verb}: {'.'.join(map(str, path))}: {says}")
