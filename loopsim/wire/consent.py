"""The page on which a merchant allows an application what it asks for: plain HTML, no script."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from loopsim.domain.oauth import Client

if TYPE_CHECKING:
    from jinja2 import Template


def consent_page(
    client: Client, shop: str, scopes: tuple[str, ...], redirect_uri: str, fields: Mapping[str, str]
) -> bytes:
    """The page's bytes. `fields` are the parameters of the request, which the form sends again with the decision."""
    shown = {"client": client, "shop": shop, "scopes": scopes, "redirect_uri": redirect_uri, "fields": fields}
    return _template().render(shown).encode("utf-8", "replace")


@cache
def _template() -> Template:
    # Only here: most runs never show the page.
    from jinja2 import Environment, FileSystemLoader

    pages = FileSystemLoader(Path(__file__).parent / "pages")
    return Environment(loader=pages, autoescape=True).get_template("consent.html")
