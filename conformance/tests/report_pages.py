"""Makes finished pages for tests and benchmarks: a pytest session with one passing or failing item for each case."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.commands.pytest_session import isolated_pytest
from reimage_conformance.replay.page import PLUGINS
from reimage_conformance.report.html.hooks import HtmlHooks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reimage_conformance.model import Assessment, CaseRecord, Exchange


class Cases:
    """A plugin that replaces whatever was collected by one item a case."""

    def __init__(self, cases: tuple[CaseRecord, ...]) -> None:
        self.cases = cases

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        items[:] = [CaseItem.from_parent(session, name=case.id, nodeid=case.id, case=case) for case in self.cases]


class CaseItem(pytest.Item):
    """An item that ends as its case did."""

    def __init__(self, *, case: CaseRecord, **named: object) -> None:
        super().__init__(**named)  # type: ignore[arg-type]
        self.case = case

    def runtest(self) -> None:
        if self.case.outcome in ("not-applicable", "untested"):
            pytest.skip(self.case.detail or "left out")
        if self.case.outcome in ("violated", "error", "inconclusive"):
            raise AssertionError(self.case.detail)


def make_page(folder: Path, assessment: Assessment, exchanges: Mapping[int, Exchange]) -> Path:
    """Run the session and give the finished page."""
    page = folder / "report.html"
    run_session(folder, page, HtmlHooks(lambda: (assessment, exchanges)), assessment.cases)
    return page


def run_session(folder: Path, page: Path, hooks: HtmlHooks, cases: tuple[CaseRecord, ...]) -> int:
    """Run a session of `cases` that writes `page` with `hooks`, and give its exit code."""
    arguments = [str(folder), f"--rootdir={folder}", "-p", "no:cacheprovider", "-q", "--no-header", "--no-summary"]
    arguments += [f"--html={page}", "--self-contained-html", "-c", str(folder / "pytest.ini")]
    (folder / "pytest.ini").write_text("[pytest]\n")
    return pytest_alone(arguments, Cases(cases), hooks)


def pytest_alone(arguments: list[str], *plugins: object) -> int:
    """Run pytest in this process without the plugins that happen to be installed, and give its exit code."""
    words = [word for name in PLUGINS for word in ("-p", name)]
    with isolated_pytest(os.environ):
        return int(pytest.main([*words, *arguments], plugins=plugins))
