from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from loopsim.contract import load_contract
from loopsim.server.reading import read_document

if TYPE_CHECKING:
    from tests.server.conftest import Client

PAGES = ["/_loopsim/docs", "/_loopsim/docs?version=2026-10", "/_loopsim/docs/control", "/_loopsim/facts"]


class Links(HTMLParser):
    """What a page refers to, and the ids it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name == "id" and value:
                self.ids.append(value)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_from_elsewhere(client: Client, path: str) -> None:
    answer = client.call("GET", path)
    text = answer.raw.decode()
    links = Links(text).links
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert all(link.startswith(("/", "#")) for link in links), links
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|style=", text)
    for link in sorted({link.partition("#")[0] for link in links} - {""}):
        assert client.call("GET", link).status == 200, link


@pytest.mark.parametrize("path", PAGES)
def test_no_id_stands_twice_and_no_link_leads_nowhere(client: Client, path: str) -> None:
    page = Links(client.call("GET", path).raw.decode())
    facts = Links(client.call("GET", "/_loopsim/facts").raw.decode())
    assert len(page.ids) == len(set(page.ids))
    targets = {"#": set(page.ids), "/_loopsim/facts#": set(facts.ids)}
    dangling = [
        link for link in page.links for prefix, ids in targets.items()
        if link.startswith(prefix) and unquote(link[len(prefix) :]) not in ids
    ]  # fmt: skip
    assert dangling == []


def test_what_alternatives_share_stands_once() -> None:
    groups = read_document(load_contract().document("loop", "2026-07"), frozenset())
    outcomes = [(card.id, outcome) for group in groups for card in group.cards for outcome in card.outcomes]
    rows = [(id_, [row for row in outcome.fields if row.depth == 1]) for id_, outcome in outcomes]
    assert {id_ for id_, shown in rows if len(shown) > len(set(shown))} == set()
    (flagged,) = [outcome.fields for id_, outcome in outcomes if id_ == "flagReturn"]
    assert [(row.depth, row.name) for row in flagged[1:]] == [(1, "errors"), (2, "message"), (2, "code")]


@pytest.mark.parametrize(("path", "document"), [(PAGES[0], "/openapi.json"), (PAGES[2], "/_loopsim/openapi.json")])
def test_every_operation_of_the_document_is_on_its_page(client: Client, path: str, document: str) -> None:
    operations = {
        operation["operationId"]
        for item in client.call("GET", document).body["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    assert operations <= set(Links(client.call("GET", path).raw.decode()).ids)
    assert operations


def test_the_document_names_the_server_it_came_from(client: Client) -> None:
    document = client.call("GET", "/openapi.json", Host="localhost:1234").body
    assert document["servers"][0]["url"] == "http://localhost:1234/api/v1"


@pytest.mark.parametrize(
    ("asked", "version"), [("", "2026-07"), ("?version=v1", "2026-07"), ("?version=latest", "2026-10")]
)
def test_a_version_of_the_document_goes_by_any_of_its_names(client: Client, asked: str, version: str) -> None:
    assert client.call("GET", f"/openapi.json{asked}").body["info"]["version"] == version


@pytest.mark.parametrize("path", ["/openapi.json?version=v9", "/_loopsim/docs/nothing", "/_loopsim/static/../app.py"])
def test_a_page_that_is_not_there_is_a_problem_document(client: Client, path: str) -> None:
    answer = client.call("GET", path)
    assert (answer.status, answer.headers["content-type"]) == (404, "application/problem+json")
