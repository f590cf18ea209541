"""The hooks of pytest-html that put an assessment on its page; decides nothing about the run, and is registered by the plugin."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from reimage_conformance.errors import ReportError
from reimage_conformance.model import CaseRecord, Outcome
from reimage_conformance.report.html.finish import finish_html
from reimage_conformance.report.html.page import Page
from reimage_conformance.report.html.rows import case_row, plain_cell
from reimage_conformance.report.wording import is_known_case
from reimage_conformance.standard_streams import cannot_be_written, is_full

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from reimage_conformance.model import Assessment, Exchange
    from reimage_conformance.report.html.finish import RowOf
    from reimage_conformance.report.html.rows import Row

    Assessed: TypeAlias = tuple[Assessment, Mapping[int, Exchange]]


class HtmlHooks:
    """Puts an assessment on pytest-html's page.

    `assess` is called once, when the session is over; if it gives None, the page stays as pytest-html makes it.
    `case_id` turns a node id of the session into the id of its case record. `failure` is set if the page could not be written.
    """

    def __init__(
        self,
        assess: Callable[[], Assessed | None],
        case_id: Callable[[str], str] = str,
        title: str = "Conformance of Reimage Role Instance",
    ) -> None:
        self._assess = assess
        self._case_id = case_id
        self._title = title
        self._page: Page | None = None
        self.failure: ReportError | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Name the page."""
        report.title = self._title

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Escape the node id in a row; the final row is made when the session is over."""
        cells[1] = plain_cell(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str], postfix: list[str]) -> None:
        """Put the sections around the table of cases."""
        assessed = self._assess()
        if assessed is None:
            return
        page = Page.of(*assessed)
        prefix[:0] = page.before_cases()
        postfix[:0] = page.after_cases()
        self._page = replace(page, exchanges={})  # rows need none, and pytest-html takes much memory from here on

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Finish the page once pytest-html has written it; if that fails, print one sentence and set the exit status."""
        path = _html_path(session.config.getoption("htmlpath", None) or "")
        result = None
        try:
            result = yield
            if self._page is not None:
                finish_html(path, self._rows(self._page))
        except OSError as error:
            self._give_up(session, _failure(error, path))
        except ReportError as error:
            self._give_up(session, error)
        return result

    def _give_up(self, session: pytest.Session, error: ReportError) -> None:
        self.failure = error
        session.exitstatus = error.exit_code
        session.config.get_terminal_writer().line(f"\nerror: {error}")

    def _rows(self, page: Page) -> RowOf:
        cases = {case.id: _shown(case, page.assessment) for case in page.assessment.cases}

        def row_of(node_id: str, result: str, log: str) -> Row:
            known = cases.get(self._case_id(node_id))
            if known is None:
                return case_row(CaseRecord(node_id, (), result.lower()), page.shown, log)
            return case_row(known, page.shown, log if known.outcome in ("violated", "error", "inconclusive") else "")

        return row_of


def _shown(case: CaseRecord, assessment: Assessment) -> CaseRecord:
    """A case as the page shows it: a violation that the baseline expects is a known violation."""
    return replace(case, outcome=Outcome.KNOWN.value) if is_known_case(case, assessment) else case


def _failure(error: OSError, path: Path) -> ReportError:
    """The error to report for `error` if it concerns the page at `path` or a full disk; raises any other.

    An error of writing, not of opening, names no file. The page is removed then if it is incomplete.
    """
    if error.filename is None and is_full(error):
        with contextlib.suppress(OSError):
            if b"</html>" not in path.read_bytes():
                path.unlink()
                return ReportError(f"{path}: cannot be written: {error.strerror}")
        return ReportError(cannot_be_written(error))
    if error.filename is None or Path(str(error.filename)) != path:
        raise error
    return ReportError(f"{path}: cannot be written: {error.strerror}")


def _html_path(option: str) -> Path:
    """The file that pytest-html writes for the value of its option --html."""
    return Path.cwd() / Path(os.path.expandvars(option)).expanduser()
