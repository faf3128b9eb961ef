"""What a shopper does with an address that the partner gave, as a word."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from loopsim.harness.asking import NoAnswer, exchange
from loopsim.harness.failures import ExpectationFailed
from loopsim.harness.journal import brief
from loopsim.harness.matchers import match
from loopsim.harness.story import Story
from loopsim.harness.words.registry import Arguments, word

_PATIENCE = 30.0  # seconds for one page
_REDIRECTS = 5
_LOOP = "loopreturns.com"


@word(
    "shopper.opens",
    {
        "url": {"description": "The address, of Loop's portal or API.", "type": "string"},
        "status": {"description": "The status of the page. [default: any below 400]"},
        "text": {"description": "What the text of the page has to meet, such as {$contains: gift}."},
    },
    required=("url",),
    main="url",
    example="shopper.opens: {url: '${link.url}', text: {$contains: '#1003'}}",
)
def shopper_opens(story: Story, arguments: Arguments) -> Any:
    """A shopper follows a link into Loop's portal, which is this loopsim's. Gives where it led to, status and text."""
    url = arguments["url"]
    for _ in range(_REDIRECTS):
        here = _here(story, url)
        try:
            status, text, location = exchange("GET", here, {}, timeout=_PATIENCE)
        except NoAnswer as error:
            raise ExpectationFailed(f"There is no page at {url}: {error}.") from error
        if location is None:
            break
        url = urljoin(here, location)
    wanted = arguments.get("status", {"$range": [200, 399]})
    if match(wanted, status):
        raise ExpectationFailed(
            f"{url} answers {status}.",
            expected=brief(arguments.get("status", "a status below 400")),
            actual=brief(text),
        )
    if "text" in arguments and (wrong := match(arguments["text"], text)):
        raise ExpectationFailed(
            f"The page at {url} is not what it should be.", expected=wrong[0].expected, actual=brief(text, 400)
        )
    return {"url": url, "status": status, "text": text}


def _here(story: Story, url: str) -> str:
    """Where this loopsim has the page of an address. Raises ExpectationFailed for one that is not Loop's."""
    parts, server = urlsplit(url), urlsplit(story.shop.api_base)
    if (parts.scheme, parts.netloc) == (server.scheme, server.netloc):
        return url
    view = story.shop.view()
    own = urlsplit(view["portal_url"]) if view["portal_url"] else urlsplit(f"https://{view['subdomain']}.{_LOOP}/#")
    if parts.scheme not in ("http", "https") or parts.netloc != own.netloc:
        raise ExpectationFailed(
            f"{url!r} does not lead to Loop.", expected=f"an address at {own.netloc} or {server.netloc}", actual=url
        )
    # Loop's portal is one page, whose own paths are in the fragment.
    page = parts.fragment if parts.fragment.startswith("/") else f"{parts.path}?{parts.query}".removesuffix("?")
    portal = f"{server.scheme}://{server.netloc}/_loopsim/portal/{quote(view['name'], safe='')}"
    return portal + page if len(page) > 1 and page[1] != "?" else portal + page[1:]
