"""Where webhooks may go."""

from __future__ import annotations

import pytest

from loopsim.webhooks.targets import Target, allowed, target_of, why_blocked


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:3000/hooks",
        "http://127.9.8.7/",
        "https://[::1]:8443/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost:3000",
        "HTTP://LOCALHOST./",
        "http://wms.localhost:9000/a?b=c",
    ],
)
def test_loopback_is_always_allowed(url: str) -> None:
    assert allowed(url, ())


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks",
        "http://10.0.0.5/",
        "http://0.0.0.0:3000/",
        "http://[2001:db8::1]/",
        "http://localhost.example.com/",
        "http://notlocalhost/",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1\\@example.com/",
        "http://example.com#@127.0.0.1/",
        "http://2130706433/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/hosts",
        "127.0.0.1:3000/hooks",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http:///hooks",
        "http://[::1/",
        "http://[::1].example.com/",
        "",
    ],
)
def test_anything_else_is_not(url: str) -> None:
    assert not allowed(url, ())


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://example.com/hooks", "example.com"),
        ("https://EXAMPLE.com./hooks", "Example.COM"),
        ("http://host.docker.internal:3000/", "host.docker.internal"),
        ("http://10.0.0.5/", "10.0.0.5"),
        ("http://10.0.0.5/", "10.0.0.0/8"),
        ("http://10.0.0.5/", "10.0.0.1/8"),
        ("http://[::ffff:10.0.0.5]/", "10.0.0.0/8"),
        ("http://[fd00::5]/", "fd00::/8"),
        ("http://[fd00::5]/", "[fd00::5]"),
    ],
)
def test_what_is_listed_is_allowed(url: str, listed: str) -> None:
    assert allowed(url, ("192.0.2.1", listed))


@pytest.mark.parametrize(
    ("url", "listed"),
    [
        ("https://api.example.com/", "example.com"),
        ("http://11.0.0.5/", "10.0.0.0/8"),
        ("http://[fd00::5]/", "10.0.0.0/8"),
        ("http://some-name/", "0.0.0.0/0"),
        ("ftp://example.com/", "example.com"),
    ],
)
def test_what_only_resembles_an_entry_is_not(url: str, listed: str) -> None:
    assert not allowed(url, (listed,))


def test_a_name_is_not_resolved() -> None:
    # This machine's hosts file may well say that it is loopback; nobody listed it.
    assert not allowed("http://localhost.localdomain/", ("127.0.0.0/8",))


def test_a_target_is_a_host_and_a_port() -> None:
    assert target_of("https://LocalHost./x") == Target("localhost", 443, True)
    assert target_of("http://[::1]:81/x") == Target("::1", 81, True)
    assert target_of("http://example.com") == Target("example.com", 80, False)


def test_the_reason_names_the_flag() -> None:
    assert "--allow-target api.example.com" in why_blocked("https://api.example.com/hooks")
    assert "http" in why_blocked("ftp://127.0.0.1/")
