"""All reports of a journal, made again: the same suite makes the same results of it, octet for octet."""

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
    """Judge `journal` again, write its reports into `folder`, print its conclusion, or the core of it, and give the exit code.

    That of a complete run is its own; for a run that was cut short it is 1 where something was violated, else 6: the
    reports came about as asked, so 2 would say of the wrong command that it was interrupted.
    """
    found = read_journal(journal)
    assessment = report_on(found, folder)
    tell = quiet_lines if quiet else console_lines
    for line in tell(assessment, folder / "report.html"):
        click.echo(line)
    return exit_code(assessment)


def report_on(journal: Journal, folder: Path) -> Assessment:
    """Write the four reports of `journal` into `folder`; raises ReportError where that is not possible."""
    assessment = assessed(journal)
    write_reports(assessment, journal.exchanges, folder)
    write_page(assessment, journal.exchanges, folder / "report.html")
    return assessment


def exit_code(assessment: Assessment) -> int:
    """What the assessment means for the command that made its reports."""
    if not assessment.run.interrupted:
        return assessment.exit_code
    return VIOLATED if assessment.verdict is RunVerdict.NONCONFORMANT else INCOMPLETE
