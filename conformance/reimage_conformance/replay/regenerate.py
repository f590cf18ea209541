"""Makes all reports from a journal again; the same version of the suite makes the same results.json, octet for octet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reimage_conformance.journal import read_journal
from reimage_conformance.model import RunVerdict
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.replay.page import write_page
from reimage_conformance.report.console import console_lines, quiet_lines
from reimage_conformance.report.write import write_reports

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Assessment

VIOLATED = 1
INCOMPLETE = 6


def regenerate(journal: Path, folder: Path, *, quiet: bool = False) -> int:
    """Judge `journal` again, write its reports into `folder`, print its conclusion, and give the exit code (see `exit_code`).

    `quiet` prints only the core of the conclusion. Raises JournalError and ReportError.
    """
    assessment = report_on(read_journal(journal), folder)
    lines_of = quiet_lines if quiet else console_lines
    for line in lines_of(assessment, folder / "report.html"):
        click.echo(line)
    return exit_code(assessment)


def report_on(journal: Journal, folder: Path) -> Assessment:
    """Write the four reports of `journal` into `folder`; raises ReportError if that is not possible."""
    assessment = assessed(journal)
    write_reports(assessment, journal.exchanges, folder)
    write_page(assessment, journal.exchanges, folder / "report.html")
    return assessment


def exit_code(assessment: Assessment) -> int:
    """The exit code of a command that made the reports of a run: for a complete run, the run's own.

    For a run that was cut short it is 1 if something was violated, else 6. It is not 2, the code of an interrupted command,
    since this command was not interrupted.
    """
    if not assessment.run.interrupted:
        return assessment.exit_code
    return VIOLATED if assessment.verdict is RunVerdict.NONCONFORMANT else INCOMPLETE
