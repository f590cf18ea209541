"""Makes report.html from a journal: in a pytest session, every case is an item that ends as the journal says."""

from __future__ import annotations

import contextlib
import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.errors import ReportError
from reimage_conformance.report.html.hooks import HtmlHooks
from reimage_conformance.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from pathlib import Path

    from reimage_conformance.model import Assessment, CaseRecord, Exchange

FAILED = ("violated", "error", "inconclusive")
LEFT_OUT = ("untested", "not-applicable")
PLUGINS = ("pytest_metadata.plugin", "pytest_html.plugin")
_ISOLATION = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}


class CaseError(Exception):
    """A case that ended violated, inconclusive or with an error, with the detail of its record; no error of this command."""


class CaseItem(pytest.Item):
    """An item that ends as its case did; there is nothing to run."""

    def __init__(self, *, case: CaseRecord, **named: Any) -> None:
        super().__init__(**named)
        self.case = case

    def runtest(self) -> None:
        """End as the record says."""
        if self.case.outcome in LEFT_OUT:
            pytest.skip(f"{self.case.outcome}: {visible(self.case.detail)}")
        if self.case.outcome in FAILED:
            raise CaseError(visible(self.case.detail) or self.case.outcome)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:  # noqa: ARG002  pytest's signature
        """The detail of the case, and no traceback."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The id of the case; it has no line in a file."""
        return self.path, None, self.case.id


class JournalCases:
    """A pytest plugin that makes a session collect the cases of a journal instead of files."""

    def __init__(self, cases: tuple[CaseRecord, ...]) -> None:
        self._cases = cases

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """One item for each case, under the id that it had."""
        session.items = [CaseItem.from_parent(session, name=case.id, nodeid=case.id, case=case) for case in self._cases]
        session.testscollected = len(session.items)
        session.config.hook.pytest_collection_finish(session=session)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Report an advisory as an expected failure, as a live run does."""
        report = yield
        if report.when == "call" and isinstance(item, CaseItem) and item.case.outcome == "advisory":
            report.outcome, report.wasxfail = "skipped", visible(item.case.detail)
        return report


def write_page(assessment: Assessment, exchanges: Mapping[int, Exchange], path: Path) -> None:
    """Write report.html to `path`; raises ReportError if that is not possible."""
    hooks = HtmlHooks(lambda: (assessment, exchanges))
    with TemporaryDirectory() as empty, _isolated(), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        words = [empty, f"--rootdir={empty}", "-c", os.devnull, "-q", "--no-header", "--no-summary", "--capture=no"]
        words += ["-p", "no:cacheprovider", *(word for name in PLUGINS for word in ("-p", name))]
        words += [f"--html={path.absolute()}", "--self-contained-html"]
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            code = pytest.main(words, plugins=[JournalCases(assessment.cases), hooks])
    if hooks.failure is not None:
        raise hooks.failure
    if (
        code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        or not path.is_file()
    ):
        raise ReportError(f"{path}: the page could not be made: pytest ended with {code}")


@contextlib.contextmanager
def _isolated() -> Iterator[None]:
    """Keeps plugins and options that are meant for other pytest sessions out of this one."""
    before = {name: os.environ.get(name) for name in _ISOLATION}
    os.environ.update(_ISOLATION)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
