"""One self-contained page: what happened in each scenario."""

from __future__ import annotations

from html import escape

from loopsim.harness.reports import summary as sums
from loopsim.harness.reports.redaction import redacted
from loopsim.harness.reports.terminal import plain
from loopsim.harness.results import RunResult


def render(run: RunResult) -> str:
    """The whole page."""
    run = redacted(run)
    parts = [f"<h2>{escape(sums.name(each))}</h2><pre>{escape(plain(run, each))}</pre>" for each in run.scenarios]
    return f"<!doctype html><meta charset=utf-8><title>loopsim</title><h1>{sums.verdict_line(run)}</h1>{''.join(parts)}"
