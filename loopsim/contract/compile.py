"""openapi/ compiled to plain JSON: fragments merged, overlays applied, error forms inherited, everything checked.

openapi/loop/*.yaml ── merged ──┬──────────────────────── 2026-07 ─┐
openapi/overlays/*.yaml ────────┴─ one overlay a version ── later ─┼─ error forms inherited ── checked
openapi/control/*.yaml ── merged ──────────────────────────────────┘
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from loopsim.contract.check import check_documents
from loopsim.contract.facts import read_facts
from loopsim.contract.fragments import merge_fragments
from loopsim.contract.inherit import inherit_errors
from loopsim.contract.overlay import apply_overlay
from loopsim.contract.yaml_source import read_yaml

BASE_VERSION = "2026-07"
"""The version that openapi/loop/ describes; each overlay describes a later one by what changed."""

_NO_PATHS: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}}


def compile_documents(openapi_dir: Path) -> dict[str, Any]:
    """The whole contract as plain JSON.

    `{"loop": {version: document, ...}, "control": document, "facts": {anchor: {"grade", "text"}}}`, versions oldest
    first. Raises SetupError, listing everything that is wrong, when the documents do not hold together.
    """
    base = merge_fragments(openapi_dir / "loop")
    versions = {BASE_VERSION: base}
    for path in sorted((openapi_dir / "overlays").glob("*.yaml")):
        versions[path.stem] = apply_overlay(versions[BASE_VERSION], read_yaml(path))
    control = merge_fragments(openapi_dir / "control")
    compiled = {
        "loop": {version: inherit_errors("loop", _plain(document)) for version, document in versions.items()},
        "control": inherit_errors("control", _plain({**_NO_PATHS, **control})),
        "facts": read_facts(openapi_dir / "FACTS.md"),
    }
    check_documents(compiled)
    return compiled


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """The document without shared parts: a YAML anchor used twice must not be changed in two places at once."""
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]
