"""The command `verify`: judges several times what failed in an earlier run, and counts the outcomes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.repeating import (
    CODES_WITH_RESULTS,
    NO_CASE,
    UNKNOWN,
    options_of_repetition,
    repeating_options,
    run_quietly,
    spent_words,
)
from reimage_conformance.commands.run import check_target_files
from reimage_conformance.commands.words import FilePath, columns
from reimage_conformance.outputs import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.model import Exchange
    from reimage_conformance.replay.counting import LaterOutcome

HEADLINE_LIMIT = 120
"""Characters of a headline in the table."""


@click.command()
@click.argument("run_folder", type=FilePath(), metavar="RUN")
@click.option(
    "--runs", type=click.IntRange(min=1), default=3, show_default=True, metavar="N", help="How often to judge it."
)
@click.option("--target", type=FilePath(is_target=True), required=True, help="The target file of the endpoint to ask.")
@repeating_options
def verify(
    *, run_folder: Path, runs: int, target: Path, report_dir: Path | None, overwrite: bool, **settings: Any
) -> int:
    """Count how often what failed fails again.

    RUN is the report folder of a run, or its results.json. Every requirement that was violated or inconclusive in it is judged
    N times, one run after another, each under the limits of the target file. A table says how often each came out how.
    --report-dir DIR keeps the reports of the runs in DIR/1, DIR/2 and so on.

    Exit codes: 0 nothing is violated any more; 1 something is violated, in one run or more; 6 cannot tell; 2, 3 and 4 as for `run`.

    Example: reimage-conformance verify reports/rig/20260101T000000Z --runs 5 --target rig.toml
    """
    from reimage_conformance.choosing import failed_requirements, results_of_run, shown_exchanges_of  # noqa: PLC0415 -- reads journals
    from reimage_conformance.outputs import claim_folder  # noqa: PLC0415
    from reimage_conformance.quantities import counted  # noqa: PLC0415
    from reimage_conformance.report.results import load_results  # noqa: PLC0415

    rows, found = failed_requirements(run_folder, "verify"), results_of_run(run_folder, "verify")
    check_target_files([target])
    with contextlib.ExitStack() as stack:
        folder = report_dir or Path(stack.enter_context(TemporaryDirectory()))
        folders = [folder / str(number) for number in range(1, runs + 1)]
        for each in folders:
            claim_folder(each, overwrite=overwrite)
        times = counted(runs, "time")
        click.echo(f"judging again, {times}, what failed in the run {found['run']['started']} in {run_folder}")
        then, later = shown_exchanges_of(run_folder), []
        for number, each in enumerate(folders, 1):
            options = options_of_repetition(found, run_folder, report_dir=each, overwrite=overwrite, **settings)
            code = run_quietly(target, options)
            if code not in CODES_WITH_RESULTS:
                return UNKNOWN if code == NO_CASE else code
            results = load_results(each)
            later.append(list(_judged(rows, found, then, results, each)))
            click.echo(f"run {number} of {runs}: {spent_words(results)}")
        return _print_table(rows, later)


def _judged(
    rows: Sequence[Mapping[str, Any]],
    found: Mapping[str, Any],
    then: Mapping[int, Exchange],
    results: Mapping[str, Any],
    folder: Path,
) -> Iterator[LaterOutcome]:
    """The outcome of each requirement in the run with these `results`, which left its journal in `folder`."""
    from reimage_conformance.journal import read_journal  # noqa: PLC0415 -- imports the wire
    from reimage_conformance.replay.counting import later_outcome  # noqa: PLC0415

    now = read_journal(folder / JOURNAL)
    return (later_outcome(row, found, then, results, now) for row in rows)


def _print_table(rows: Sequence[Mapping[str, Any]], later: Sequence[Sequence[LaterOutcome]]) -> int:
    """Print how often each requirement had each outcome, and give the exit code; `later` has the outcomes of each run."""
    from reimage_conformance.replay.comparing import gravest  # noqa: PLC0415
    from reimage_conformance.replay.counting import Tally, reasons_of  # noqa: PLC0415
    from reimage_conformance.report.visible import one_line, visible  # noqa: PLC0415

    tallies = [
        Tally(row["id"], row["headline"] or row["reason"] or row["title"], tuple(outcomes))
        for row, outcomes in zip(rows, zip(*later, strict=True), strict=True)
    ]
    click.echo("")
    for line in columns((each.requirement, one_line(each.headline, HEADLINE_LIMIT), each.counted) for each in tallies):
        click.echo(line)
    for reason in reasons_of(tallies):
        click.echo(visible(f"  {reason}", keep="\n"))
    return gravest(each.answer for each in tallies).value
