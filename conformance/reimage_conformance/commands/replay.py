"""The command `replay`: repeats a finding of an earlier run at an endpoint, and compares what was seen."""

from __future__ import annotations

import contextlib
from dataclasses import replace
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
from reimage_conformance.commands.words import FilePath
from reimage_conformance.outputs import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.model import Exchange


@click.command()
@click.argument("run_folder", type=FilePath(), metavar="RUN")
@click.argument("number", type=click.IntRange(min=1), default=1, metavar="[N]")
@click.option("--target", type=FilePath(is_target=True), required=True, help="The target file of the endpoint to ask.")
@click.option("--all", "every", is_flag=True, help="Repeat every finding, in one run.")
@repeating_options
def replay(
    *, run_folder: Path, number: int, target: Path, every: bool, report_dir: Path | None, **settings: Any
) -> int:
    """Repeat a finding of a run: is it fixed?

    RUN is the report folder of a run, or its results.json; N is the number of a finding, 1 if left out. The cases that made the finding
    run again, within the limits of the target file. The output shows what was expected, what was seen then, and what is seen now.

    Exit codes: 0 fixed; 1 seen again; 6 cannot tell; 2, 3 and 4 as for `run`.

    Example: reimage-conformance replay reports/rig/20260101T000000Z 2 --target rig.toml
    """
    from reimage_conformance.choosing import finding_of, results_of_run, shown_exchanges_of  # noqa: PLC0415 -- reads journals

    found = results_of_run(run_folder, "replay")
    findings = {number: finding_of(run_folder, number)}
    if every:
        findings = dict(enumerate(found["findings"], 1))
    check_target_files([target])
    with contextlib.ExitStack() as stack:
        folder = report_dir or Path(stack.enter_context(TemporaryDirectory())) / "run"
        number_or_all = "all" if every else str(number)
        options = options_of_repetition(found, run_folder, finding=number_or_all, report_dir=folder, **settings)
        click.echo(f"repeating {_named(findings)} of the run {found['run']['started']} in {run_folder}")
        code = run_quietly(target, options)
        if code not in CODES_WITH_RESULTS:
            return UNKNOWN if code == NO_CASE else code
        return _print_comparisons(findings, shown_exchanges_of(run_folder), folder, kept=report_dir is not None)


def _named(findings: Mapping[int, Mapping[str, Any]]) -> str:
    numbers = ", ".join(map(str, findings))
    return f"finding {numbers}" if len(findings) == 1 else f"findings {numbers}"


def _print_comparisons(
    findings: Mapping[int, Mapping[str, Any]], then: Mapping[int, Exchange], folder: Path, *, kept: bool
) -> int:
    """Print the comparison of each finding with the run in `folder`, and give the exit code; `then` has the earlier exchanges.

    `kept` says that the folder stays.
    """
    from reimage_conformance.journal import read_journal  # noqa: PLC0415 -- imports the wire
    from reimage_conformance.replay.comparing import compared, exit_code, lines_of  # noqa: PLC0415
    from reimage_conformance.report.masked_names import MaskedNames  # noqa: PLC0415
    from reimage_conformance.report.results import load_results  # noqa: PLC0415
    from reimage_conformance.report.visible import one_line, visible  # noqa: PLC0415

    results, now = load_results(folder), read_journal(folder / JOURNAL)
    shown = MaskedNames.of(now.header["target"]).exchanges(now.exchanges)
    now = replace(now, exchanges=dict(shown))
    click.echo(spent_words(results))
    comparisons = [compared(finding, then, results, now) for finding in findings.values()]
    for (number, finding), comparison in zip(findings.items(), comparisons, strict=True):
        click.echo(f"\n{number}. {finding['requirement']}: {one_line(finding['headline'])}")
        for line in lines_of(comparison, kept=kept):
            click.echo(visible(line, keep="\n"))
    return exit_code(comparisons)
