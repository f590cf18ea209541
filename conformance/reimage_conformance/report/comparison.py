"""Comparing runs from their files to what is told of them; the comparison itself is in `differences`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reimage_conformance.report.comparison_reports import comparison_html, comparison_markdown, comparison_text
from reimage_conformance.report.differences import Comparison, compare
from reimage_conformance.report.runs import last_good, load_run
from reimage_conformance.report.visible import one_line
from reimage_conformance.report.write import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.report.results import Results

NOTHING_TO_COMPARE = 6
"""The exit code where there is no run to compare with."""

__all__ = [
    "Comparison",
    "compare",
    "compare_runs",
    "compare_with_last_good",
    "comparison_html",
    "comparison_markdown",
    "comparison_text",
]


def compare_runs(
    paths: Sequence[Path],
    page: Path | None = None,
    judge: Callable[[Path], Results] | None = None,
    names: Sequence[str] | None = None,
) -> int:
    """Compare the runs at `paths`, print what differs, write it as `page` too, and give the exit code.

    With `names`, each run is of another target, called so. A path is a report folder, a results.json, or a journal, which `judge` turns into results. A `page` whose name ends
    in .md is Markdown. Raises UsageError where a run cannot be read and ReportError where the page cannot be written.
    """
    return _told([load_run(path, judge) for path in paths], page, names)


def compare_with_last_good(
    path: Path, folder: Path, page: Path | None = None, judge: Callable[[Path], Results] | None = None
) -> int:
    """Compare the run at `path` with the last good run of its target below `folder`, as `compare_runs` does.

    Where there is none yet, say so: the exit code is 6 then, since nothing could be compared.
    """
    run = load_run(path, judge)
    good = last_good(run, folder)
    if good is None or good.results is None:
        name, profile = one_line(str(run["target"]["name"])), run["run"]["profile"]
        click.echo(f"nothing to compare with: no earlier run of {name!r} (profile {profile}) below {folder} was good")
        return NOTHING_TO_COMPARE
    return _told([good.results, run], page)


def _told(runs: Sequence[Results], page: Path | None, names: Sequence[str] | None = None) -> int:
    found = compare(runs, names)
    click.echo(comparison_text(found), nl=False)
    if page is not None:
        text = comparison_markdown(found) if page.suffix == ".md" else comparison_html(found)
        write_file(page, text.encode("utf-8"))
    return found.exit_code
