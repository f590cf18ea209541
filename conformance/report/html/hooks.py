"""The hooks of pytest-html that make its page ours; decides nothing about the run, and is registered by the plugin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from conformance.errors import ReportError
from conformance.model import CaseRecord
from conformance.report.html.finish import finish_html
from conformance.report.html.page import Page
from conformance.report.html.rows import case_row, plain_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from conformance.model import Assessment, Exchange
    from conformance.report.html.finish import RowOf
    from conformance.report.html.rows import Row

    Assessed: TypeAlias = tuple[Assessment, Mapping[int, Exchange]]


class HtmlHooks:
    """Puts an assessment on pytest-html's page.

    `assess` is asked once, when the session is over; while it gives None the page stays as pytest-html makes it.
    `case_id` turns a node id of the session into the id of its case record.
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

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Any) -> None:
        """Name the page."""
        report.title = self._title

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Leave nothing unescaped in a row; what it says in the end is settled when the session is over."""
        cells[1] = plain_cell(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str], postfix: list[str]) -> None:
        """Put the sections around the table of cases."""
        assessed = self._assess()
        if assessed is None:
            return
        self._page = Page.of(*assessed)
        prefix[:0] = self._page.before_cases()
        postfix[:0] = self._page.after_cases()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Finish the page once pytest-html has written it; one that cannot be written is a sentence, no crash."""
        path = _html_path(session.config.getoption("htmlpath", None) or "")
        result = None
        try:
            result = yield
            if self._page is not None:
                finish_html(path, self._rows(self._page))
        except OSError as error:
            if error.filename is None or Path(str(error.filename)) != path:
                raise
            _give_up(session, ReportError(f"{path}: cannot be written: {error.strerror}"))
        except ReportError as error:
            _give_up(session, error)
        return result

    def _rows(self, page: Page) -> RowOf:
        cases = {case.id: case for case in page.assessment.cases}

        def row_of(node_id: str, result: str, log: str) -> Row:
            known = cases.get(self._case_id(node_id))
            if known is None:
                return case_row(CaseRecord(node_id, (), result.lower()), page.shown, log)
            return case_row(known, page.shown, log if known.outcome in ("violated", "error", "inconclusive") else "")

        return row_of


def _give_up(session: pytest.Session, error: ReportError) -> None:
    session.exitstatus = error.exit_code
    session.config.get_terminal_writer().line(f"error: {error}")


def _html_path(option: str) -> Path:
    """Where pytest-html writes for its option --html."""
    return Path.cwd() / Path(os.path.expandvars(option)).expanduser()
