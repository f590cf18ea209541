"""The end of a run: the journal assessed, the reports written, the exit code chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reimage_conformance.baseline import write_baseline
from reimage_conformance.errors import ReportError, SuiteError
from reimage_conformance.journal import read_journal
from reimage_conformance.outputs import is_own_page
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.report.console import console_lines
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
AT_ITS_END = (0, 1, NO_CASES)
"""What pytest's exit status is for a session that came to its end; every other means that it was cut short."""

USAGE = 4


def end_session(
    session: pytest.Session,
    run: Run | None,
    folder: Path | None,
    plan: Plan,
    exitstatus: int,
    unrecorded: SuiteError | None = None,
) -> list[str]:
    """Closes the run, assesses its journal, writes the reports; gives the lines to print and sets the exit status.

    `unrecorded` is what ended the run early, where nobody asked for it: a journal that cannot be written any more, or a defect of the suite.
    """
    cut_short = unrecorded is not None or exitstatus not in AT_ITS_END
    if hasattr(session.config, "workerinput"):
        if run is not None:
            run.finish(interrupted=cut_short)
        return []
    where = run.folder if run is not None else folder
    if where is None or (run is None and not (where / "journal.jsonl").exists()):
        return []
    try:
        if run is not None:
            run.finish(interrupted=cut_short)
        journal = read_journal(where / "journal.jsonl")
        assessment = assessed(journal, run.sut.recorder.made if run is not None else None)
        _write(assessment, journal, folder, plan)
    except SuiteError as error:
        session.exitstatus = error.exit_code
        kept = isinstance(error, ReportError) and folder is not None
        return ["", f"error: {error}", *([_way_on(folder)] if kept else [])]
    _register_page(session, assessment, journal.exchanges)
    _set_status(session, assessment, exitstatus)
    session.config.stash[ASSESSMENT] = assessment
    page = folder / "report.html" if folder is not None else None
    lines = ["", *console_lines(assessment, page, plan.file)]
    if unrecorded is not None:
        session.exitstatus = unrecorded.exit_code
        lines.append(f"error: {unrecorded}")
    return lines


def _set_status(session: pytest.Session, assessment: Assessment, exitstatus: int) -> None:
    """Makes the exit status the run's verdict, where nothing else decides it."""
    if exitstatus in AT_ITS_END or (exitstatus == INTERRUPTED and assessment.run.interrupted):
        session.exitstatus = NO_CASES if exitstatus == NO_CASES else assessment.exit_code
    if any(case.outcome == "error" for case in assessment.cases) and assessment.exit_code != NONCONFORMANT:
        session.exitstatus = INTERNAL_ERROR


def _way_on(folder: Path | None) -> str:
    """How to get the reports that could not be written."""
    return f"what was recorded is kept: `reimage-conformance report {folder}` makes the reports, once there is room"


def _write(assessment: Assessment, journal: Journal, folder: Path | None, plan: Plan) -> None:
    """Writes the reports, the list of runs beside them where the folder is the suite's own, and the baseline asked for."""
    if folder is not None:
        write_reports(assessment, journal.exchanges, folder)
        listed = folder.parent.parent / "index.html"
        if plan.report_dir is None or (plan.resume is not None and is_own_page(listed)):
            write_index(folder.parent.parent)
    if plan.write_baseline is not None:
        write_baseline(assessment, plan.write_baseline)


PAGE = "reimage-conformance-page"
"""The name under which pytest knows the hooks that make report.html."""

ASSESSMENT = pytest.StashKey["Assessment"]()


def _register_page(session: pytest.Session, assessment: Assessment, exchanges: Mapping[int, Exchange]) -> None:
    """Puts the assessment on pytest-html's page, which is written when the session's end goes on."""
    if session.config.getoption("htmlpath", None):
        hooks = session.config.pluginmanager.get_plugin(PAGE)
        if isinstance(hooks, PageHooks):
            hooks.assessed = (assessment, exchanges)


class PageHooks(HtmlHooks):
    """pytest-html's page, made from the assessment once there is one."""

    def __init__(self) -> None:
        super().__init__(self._given)
        self.assessed: tuple[Assessment, Mapping[int, Exchange]] | None = None

    def _given(self) -> tuple[Assessment, Mapping[int, Exchange]]:
        if self.assessed is None:
            raise RuntimeError("the run has not been assessed")
        given, self.assessed = self.assessed, (self.assessed[0], {})  # the exchanges are let go once the page has them
        return given
