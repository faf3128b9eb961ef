"""Whether draft returns are led by what Loop's answers offer."""

from __future__ import annotations

from typing import Any

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows

SUBMIT = "submit-draft-return"


def _offered(traffic: Traffic) -> Judgement:
    submits = traffic.of("submitDraftReturn")
    if not submits:
        return not_judged("The partner submitted no draft return in this story.")
    findings = []
    for call in submits:
        last = _last_document(traffic, call)
        if last is not None and call.refused and not _offers(last.answer):
            findings.append(shows("It submitted a draft return that Loop did not offer to take.", last, call))
    return failed(*findings[:5])


def _last_document(traffic: Traffic, submit: Call) -> Call | None:
    """The last answer about a draft before it was submitted; None where the partner has read it since, which shows it
    more than the journal keeps."""
    draft_id = submit.path.split("/draft-returns/")[-1].partition("/")[0]
    about = [each for each in traffic.calls if each.id < submit.id and _draft_of(each) == draft_id]
    return about[-1] if about and about[-1].writes and isinstance(about[-1].answer, dict) else None


def _draft_of(call: Call) -> str:
    """The id of the draft that a call is about, as text; empty where it is about none."""
    if "/draft-returns/" in call.path:
        return call.path.split("/draft-returns/")[-1].partition("/")[0]
    draft = call.answer.get("draft_return") if isinstance(call.answer, dict) else None
    return str(draft.get("id")) if isinstance(draft, dict) else ""


def _offers(document: Any) -> bool:
    links = document.get("links")
    named = {each.get("rel") for each in links if isinstance(each, dict)} if isinstance(links, list) else set()
    templates = document.get("_templates")
    return SUBMIT in named or (isinstance(templates, dict) and SUBMIT in templates)


RULES = (
    Rule(
        name="drafts-submitted-when-offered",
        level="error",
        needs="traffic",
        title="Submit a draft return only when Loop offers it",
        reason="What is still missing differs from shop to shop, and so do the steps. A client that goes its own way "
        "works for one shop and is refused by the next.",
        mend="Follow the links or templates of each answer, and submit when submit-draft-return is among them.",
        fact="drafts-links",
        judge=_offered,
    ),
)
