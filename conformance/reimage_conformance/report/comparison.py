"""Compares runs for the command line: reads their files, prints the differences and writes them; `differences` finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reimage_conformance.report.comparison_reports import comparison_html, comparison_markdown, comparison_text
from reimage_conformance.report.differences import compare
from reimage_conformance.report.runs import last_good, load_run
from reimage_conformance.report.visible import one_line
from reimage_conformance.report.write import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.report.results import Results

NOTHING_TO_COMPARE = 6
"""The exit code where there is no run to compare with."""


def compare_runs(
    paths: Sequence[Path],
    page: Path | None = None,
    judge: Callable[[Path], Results] | None = None,
    names: Sequence[str] | None = None,
) -> int:
    """Compare the runs at `paths`, print what differs, and give the exit code (that of `compare`).

    A path is a report folder, a results.json, or a journal, which `judge` turns into results. If `page` is given, the differences are
    written there too: as Markdown if its name ends in .md, else as HTML. If `names` are given, each run is of another target, with that name.
    Raises UsageError if a run cannot be read and ReportError if the page cannot be written.
    """
    return _show_differences([load_run(path, judge) for path in paths], page, names)


def compare_with_last_good(
    path: Path, folder: Path, page: Path | None = None, judge: Callable[[Path], Results] | None = None
) -> int:
    """Compare the run at `path` with the last good run of its target below `folder`, as `compare_runs` does.

    Where there is none yet, print that; the exit code is `NOTHING_TO_COMPARE` then.
    """
    run = load_run(path, judge)
    good = last_good(run, folder)
    if good is None or good.results is None:
        name, profile = one_line(str(run["target"]["name"])), run["run"]["profile"]
        click.echo(f"nothing to compare with: no earlier run of {name!r} (profile {profile}) below {folder} was good")
        return NOTHING_TO_COMPARE
    return _show_differences([good.results, run], page)


def _show_differences(runs: Sequence[Results], page: Path | None, names: Sequence[str] | None = None) -> int:
    comparison = compare(runs, names)
    click.echo(comparison_text(comparison), nl=False)
    if page is not None:
        text = comparison_markdown(comparison) if page.suffix == ".md" else comparison_html(comparison)
        write_file(page, text.encode("utf-8"))
    return comparison.exit_code
