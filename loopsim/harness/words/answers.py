"""What an answer over HTTP has to meet, for words that ask somebody something."""

from __future__ import annotations

from typing import Any

from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import brief
from loopsim.harness.matchers import match
from loopsim.harness.words.registry import Arguments, Json

ANSWERS: Json = {
    "status": {"description": "The status of the answer. [default: any below 400]"},
    "answers": {"description": "What the answer has to meet; a mapping matches as a part."},
}


def met(whose: str, status: int, answer: Any, arguments: Arguments) -> Any:
    """The answer, if it meets what `arguments` say of it. Raises ExpectationFailed; `whose` begins its sentence."""
    wanted = arguments.get("status", {"$range": [200, 399]})
    if match(wanted, status):
        raise ExpectationFailed(
            f"{whose} has the status {status}.",
            expected=brief(arguments.get("status", "a status below 400")),
            actual=f"{status} {brief(answer)}",
        )
    if "answers" in arguments and (wrong := match({"answer": arguments["answers"]}, {"answer": answer})):
        raise ExpectationFailed(
            f"{whose} is not what it should be.",
            expected=", ".join(f"{each.path} {each.expected}" for each in wrong),
            actual=", ".join(f"{each.path} {each.actual}" for each in wrong),
        )
    return answer
