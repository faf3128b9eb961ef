"""Whether lists are read to their end, by the links that Loop gives."""

from __future__ import annotations

from loopsim.rules.rule import Judgement, Rule, failed, not_judged
from loopsim.rules.traffic import Call, Traffic, shows, whole

_REPEATED = ("from", "to", "filter", "pageSize")


def _walked(traffic: Traffic) -> Judgement:
    pages = [call for call in traffic.calls if call.more and call.accepted]
    if not pages:
        return not_judged("No list had a second page in this story: make more returns, or ask for small pages.")
    findings = []
    for call in pages:
        if not any(_follows(later, call) for later in traffic.calls if later.id > call.id):
            findings.append(shows(f"It read a page of {call.operation} and not the next one.", call))
    return failed(*findings)


def _follows(later: Call, page: Call) -> bool:
    """Whether a call asks for a page after this one, of the same list."""
    if later.operation != page.operation or later.query == page.query:
        return False
    if any(later.query.get(name, page.query.get(name)) != page.query.get(name) for name in ("state", "status")):
        return False
    if "cursor" in later.query:
        return later.query["cursor"] != page.query.get("cursor")
    return any((whole(later.query.get(name)) or 0) > (whole(page.query.get(name)) or 0) for name in ("offset", "page"))


def _verbatim(traffic: Traffic) -> Judgement:
    followed = [call for call in traffic.of("listReturns") if call.query.get("cursor")]
    if not followed:
        return not_judged("The partner asked for no second page of returns in this story.")
    findings = []
    first = next((each for each in traffic.of("listReturns") if each.more), None)
    for call in followed:
        lost = [name for name in _REPEATED if name not in call.query]
        if first is not None and first.id < call.id and "state" in first.query and "state" not in call.query:
            lost.append("state")
        if lost:
            findings.append(
                shows(f"It asked for the next page without {', '.join(lost)}.", *filter(None, (first,)), call)
            )
    return failed(*findings)


RULES = (
    Rule(
        name="pages-walked",
        level="error",
        needs="traffic",
        title="Read every page of a list",
        reason="A page holds 100 returns. On the day when there are 101 the last one is missing, without any error.",
        mend="Ask for nextPageUrl as long as it is not null.",
        fact="returns-list-paging",
        judge=_walked,
    ),
    Rule(
        name="page-links-verbatim",
        level="warning",
        needs="traffic",
        title="Follow nextPageUrl as it is",
        reason="The link carries window, filter, state and page size. A page asked for without them is one of another "
        "list.",
        mend="Send a GET to nextPageUrl, unchanged, with your key. Do not take it apart.",
        fact="returns-list-next-page",
        judge=_verbatim,
    ),
)
