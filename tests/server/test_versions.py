from __future__ import annotations

import pytest

from loopsim.server.versions import Asked, Versions

VERSIONS = Versions({"x-versions": {"default": "2026-07", "names": {"v1": "2026-07", "latest": "2026-10"}}})


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/api/v1/webhooks", Asked("/api/v1", "2026-07", "/webhooks", True)),
        ("/api/latest/a/b", Asked("/api/latest", "2026-10", "/a/b", True)),
        ("/api/webhooks", Asked("/api", "2026-07", "/webhooks", True)),
        ("/webhooks", Asked("", "2026-07", "/webhooks", True)),
        ("/api/v1", Asked("/api/v1", "2026-07", "/", True)),
        ("/apiary", Asked("", "2026-07", "/apiary", True)),
        ("/api/v2/webhooks", Asked("/api", "2026-07", "/v2/webhooks", False)),
        ("/api/2025-01/webhooks", Asked("/api", "2026-07", "/2025-01/webhooks", False)),
    ],
)
def test_a_path_says_which_version_it_asks_for(path: str, asked: Asked) -> None:
    assert VERSIONS.asked(path) == asked
