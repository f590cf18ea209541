"""The commands for nightly runs: `job-page` describes one run, `index` lists the runs of a folder."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.commands.words import FilePath
from reimage_conformance.errors import UsageError
from reimage_conformance.outputs import claim_page, try_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.report.job_page import Night

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""The environment variable with the file of the summary page, in a job of GitHub Actions."""


@click.command("job-page")
@click.argument("run", type=FilePath())
@click.option(
    "--exit-code",
    "code",
    type=int,
    help="The exit code of `run`; leave it out if the run was killed. Above 128 means killed too.",
)
@click.option("--history", type=FilePath(), metavar="DIR", help="The earlier runs, up to two folders deep.")
@click.option("--log", type=FilePath(), metavar="FILE", help="What `run` printed.")
@click.option("--badge", type=FilePath(), metavar="FILE", help="Write a badge: JSON for a shields.io endpoint.")
@click.option("--sarif", type=FilePath(), metavar="FILE", help="Write the findings as SARIF 2.1.0.")
@click.option(
    "--timing-factor",
    type=click.FloatRange(min=1),
    help="Report operations that take this many times longer or shorter; 3 reports a slower endpoint, but not usual differences.",
)
@click.option("--github", is_flag=True, help=f"Append the page to ${SUMMARY_VARIABLE}, and print annotations.")
def job_page(
    *,
    run: Path,
    code: int | None,
    history: Path | None,
    log: Path | None,
    badge: Path | None,
    sarif: Path | None,
    timing_factor: float | None,
    github: bool,
) -> int:
    """Describe a nightly run for a CI job.

    RUN is the report folder of the run; it may be empty, or missing. The page says what the exit code means, what changed since the
    last good run in --history, and shows the summary. Where results.json has another exit code than the one given, the worse counts. A
    badge or a SARIF file of an earlier night is replaced. The exit code is 0 if the page could be made.

    Example: reimage-conformance job-page reports/nightly --exit-code 1 --history history > page.md
    """
    from reimage_conformance.report.job_page import page_text  # noqa: PLC0415 -- only this command needs it

    for option, file, is_own in (("--badge", badge, _is_badge), ("--sarif", sarif, _is_sarif)):
        if file is not None:
            _check_own(file, option, is_own)
    night = replace(_night(run, code, history, log), timing_factor=timing_factor)
    _write_badge_and_sarif(night, badge, sarif)
    if github:
        _report_to_github(night)
    else:
        click.echo(page_text(night), nl=False)
    return 0


@click.command()
@click.argument("folder", type=FilePath())
def index(*, folder: Path) -> int:
    """List the runs below a folder in its index.html.

    A run is a folder with a results.json, at most two folders deep. For each target, the page has a table of requirements by runs.

    Example: reimage-conformance index history
    """
    from reimage_conformance.report.index import write_index  # noqa: PLC0415 -- only this command needs it

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; expected one that holds report folders")
    page = folder / "index.html"
    claim_page(page, "index")
    click.echo(write_index(folder))
    return 0


def _report_to_github(night: Night) -> None:
    """Append the page of `night` to the summary of the GitHub job, and print its annotations; raises UsageError outside such a job."""
    from reimage_conformance.report.job_page import github_annotations, page_text  # noqa: PLC0415 -- only this command

    summary = os.environ.get(SUMMARY_VARIABLE)
    if not summary:
        raise UsageError(
            f"--github: expected the name of a file in the environment variable {SUMMARY_VARIABLE}, found none"
        )
    try:
        with Path(summary).open("a", encoding="utf-8") as page:
            page.write(page_text(night))
    except OSError as error:
        raise UsageError(f"{SUMMARY_VARIABLE} {summary}: cannot be written: {error.strerror or error}") from error
    for line in github_annotations(night):
        click.echo(line)


def _check_own(file: Path, option: str, is_own: Callable[[Any], bool]) -> None:
    """Check that `file` is new, or was written by this command in an earlier night, and can be written; raises UsageError otherwise."""
    if file.is_file() and not is_own(_read_json(file)):
        raise UsageError(f"{option} {file}: exists, and this command did not write it; name another file")
    try_file(file, option)


def _is_badge(found: Any) -> bool:
    """Whether `found` has exactly the keys of a badge of this suite."""
    return isinstance(found, dict) and set(found) == {"schemaVersion", "label", "message", "color"}


def _is_sarif(found: Any) -> bool:
    """Whether `found` is a SARIF log of this suite."""
    try:
        return bool([run["tool"]["driver"]["name"] for run in found["runs"]] == ["reimage-conformance"])
    except (TypeError, KeyError):
        return False


def _read_json(file: Path) -> Any:
    """The content of a JSON file; None if it is missing or is not JSON."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _write_badge_and_sarif(night: Night, badge: Path | None, sarif: Path | None) -> None:
    from reimage_conformance.report.badge import badge_text  # noqa: PLC0415 -- only this command needs them
    from reimage_conformance.report.sarif import sarif_text  # noqa: PLC0415
    from reimage_conformance.report.write import write_file  # noqa: PLC0415

    if badge is not None:
        write_file(badge, badge_text(night.results).encode())
    if sarif is not None:
        write_file(sarif, sarif_text(night.results, code=night.exit_code).encode())


def _night(run: Path, code: int | None, history: Path | None, log: Path | None) -> Night:
    """The run in the folder `run`, compared with the last good one below `history`."""
    from reimage_conformance.report.differences import compare  # noqa: PLC0415 -- only this command needs them
    from reimage_conformance.report.ending import reconciled  # noqa: PLC0415
    from reimage_conformance.report.job_page import Night  # noqa: PLC0415
    from reimage_conformance.report.results import load_results  # noqa: PLC0415
    from reimage_conformance.report.runs import last_good  # noqa: PLC0415

    results = load_results(run) if (run / "results.json").exists() else None
    exit_code, results, remark = reconciled(code, results)
    good = last_good(results, history) if results is not None and history is not None else None
    changes = compare([good.results, results]) if good is not None and good.results and results is not None else None
    printed = _read_text(log) if log is not None else ""
    return Night(exit_code, results, _read_text(run / "summary.md"), printed, changes, remark)


def _read_text(file: Path) -> str:
    """The content of a file, "" if it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
