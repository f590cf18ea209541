"""The end of a run: assesses the journal, writes the reports, and sets the exit code."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.baseline import write_baseline
from reimage_conformance.errors import ReportError, SuiteError
from reimage_conformance.journal import read_journal
from reimage_conformance.outputs import JOURNAL, is_own_page
from reimage_conformance.pytest_plugin.quiet import is_quiet
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.report.console import console_lines, quiet_lines
from reimage_conformance.report.html.hooks import HtmlHooks
from reimage_conformance.report.index import write_index
from reimage_conformance.report.write import write_reports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Assessment, Exchange
    from reimage_conformance.pytest_plugin.options import Plan
    from reimage_conformance.pytest_plugin.run import Run

NONCONFORMANT = 1
INTERRUPTED = 2
INTERNAL_ERROR = 3
NO_CASES = 5
COMPLETE = (0, 1, NO_CASES)
"""The exit statuses of a pytest session that ran to its end; all others mean that it was cut short."""

USAGE = 4
"""The exit status of a pytest session whose command line is wrong."""


def end_session(
    session: pytest.Session,
    run: Run | None,
    folder: Path | None,
    plan: Plan,
    exitstatus: int,
    breakdown: SuiteError | None = None,
) -> list[str]:
    """Closes the run, assesses its journal, writes the reports and sets the exit status; gives the lines to print.

    `breakdown` is the error that ended the run early, if any: the journal cannot be written any more, or the suite has a defect.
    """
    cut_short = breakdown is not None or exitstatus not in COMPLETE
    if hasattr(session.config, "workerinput"):
        if run is not None:
            run.finish(interrupted=cut_short)
        return []
    where = run.folder if run is not None else folder
    if where is None or (run is None and not (where / JOURNAL).exists()):
        return []
    try:
        if run is not None:
            run.finish(interrupted=cut_short)
        journal = read_journal(where / JOURNAL)
        assessment = assessed(journal, run.sut.recorder.made if run is not None else None)
        about_files = _write_files(assessment, journal, folder, plan)
    except SuiteError as error:
        session.exitstatus = error.exit_code
        kept = isinstance(error, ReportError) and folder is not None
        return ["", f"error: {error}", *([_advice(folder)] if kept else [])]
    _register_page(session, assessment, journal.exchanges)
    _set_status(session, assessment, exitstatus)
    session.config.stash[ASSESSMENT] = assessment
    lines = [*_conclusion_lines(session.config, assessment, folder, plan), *about_files]
    if exitstatus == INTERRUPTED and assessment.run.interrupted:
        lines.append(interruption_line(plan.file, folder))
    if breakdown is not None:
        session.exitstatus = breakdown.exit_code
        lines.append(f"error: {breakdown}")
    return lines


def _conclusion_lines(config: pytest.Config, assessment: Assessment, folder: Path | None, plan: Plan) -> list[str]:
    page = folder / "report.html" if folder is not None else None
    return quiet_lines(assessment, page) if is_quiet(config) else ["", *console_lines(assessment, page, plan.file)]


def interruption_line(target: Path | None, folder: Path | None) -> str:
    """That the run was interrupted, and the command that goes on with it; an embedded emulator is gone with its run."""
    if target is None or folder is None:
        return "interrupted"
    words = ["reimage-conformance", "run", str(target), "--resume", str(folder)]
    return f"interrupted; go on with: {shlex.join(words)}"


def _set_status(session: pytest.Session, assessment: Assessment, exitstatus: int) -> None:
    """Sets the exit status by the run's verdict, unless the session was cut short or the suite itself failed."""
    if exitstatus in COMPLETE or (exitstatus == INTERRUPTED and assessment.run.interrupted):
        session.exitstatus = NO_CASES if exitstatus == NO_CASES else assessment.exit_code
    if any(case.outcome == "error" for case in assessment.cases) and assessment.exit_code != NONCONFORMANT:
        session.exitstatus = INTERNAL_ERROR


def _advice(folder: Path | None) -> str:
    """How to get the reports that could not be written."""
    return (
        f"the journal is kept: `reimage-conformance report {folder}` writes the reports when there is room on the disk"
    )


def _write_files(assessment: Assessment, journal: Journal, folder: Path | None, plan: Plan) -> list[str]:
    """Writes the reports, the list of runs if the report folder is the default one, and the baseline of --write-baseline.

    Gives the lines about them.
    """
    if folder is not None:
        write_reports(assessment, journal.exchanges, folder)
        listed = folder.parent.parent / "index.html"
        if plan.report_dir is None or (plan.resume is not None and is_own_page(listed)):
            write_index(folder.parent.parent)
    return [write_baseline(assessment, plan.write_baseline)] if plan.write_baseline is not None else []


PAGE = "reimage-conformance-page"
"""The name under which pytest knows the hooks that make report.html."""

ASSESSMENT = pytest.StashKey["Assessment"]()


def _register_page(session: pytest.Session, assessment: Assessment, exchanges: Mapping[int, Exchange]) -> None:
    """Gives the assessment to the hooks of pytest-html, which writes its page later in the same hook."""
    if session.config.getoption("htmlpath", None):
        hooks = session.config.pluginmanager.get_plugin(PAGE)
        if isinstance(hooks, PageHooks):
            hooks.assessed = (assessment, exchanges)


class PageHooks(HtmlHooks):
    """The hooks of pytest-html, which make its page from the assessment."""

    def __init__(self) -> None:
        super().__init__(self._take_assessed)
        self.assessed: tuple[Assessment, Mapping[int, Exchange]] | None = None

    def _take_assessed(self) -> tuple[Assessment, Mapping[int, Exchange]]:
        if self.assessed is None:
            raise RuntimeError("the run has not been assessed")
        taken, self.assessed = self.assessed, (self.assessed[0], {})  # frees the memory of the exchanges
        return taken
