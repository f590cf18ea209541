"""Comparing runs from their files to what is told of them; the comparison itself is in `differences`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reimage_conformance.report.comparison_reports import comparison_html, comparison_markdown, comparison_text
from reimage_conformance.report.differences import Comparison, compare
from reimage_conformance.report.runs import load_run
from reimage_conformance.report.write import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.report.results import Results

__all__ = ["Comparison", "compare", "compare_runs", "comparison_html", "comparison_markdown", "comparison_text"]


def compare_runs(
    paths: Sequence[Path], page: Path | None = None, judge: Callable[[Path], Results] | None = None
) -> int:
    """Compare the runs at `paths`, print what differs, write it as `page` too, and give the exit code.

    A path is a report folder, a results.json, or a journal, which `judge` turns into results. A `page` whose name ends
    in .md is Markdown. Raises UsageError where a run cannot be read and ReportError where the page cannot be written.
    """
    found = compare([load_run(path, judge) for path in paths])
    click.echo(comparison_text(found), nl=False)
    if page is not None:
        text = comparison_markdown(found) if page.suffix == ".md" else comparison_html(found)
        write_file(page, text.encode("utf-8"))
    return found.exit_code
