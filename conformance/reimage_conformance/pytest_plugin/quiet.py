"""Quiet runs: pytest shows no progress, and only the conclusion at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

QUIET = -2
"""A run with this verbosity of pytest (-qq) or less is quiet."""


def is_quiet(config: pytest.Config) -> bool:
    """Whether a session shows only its conclusion."""
    return config.get_verbosity() <= QUIET


class QuietTerminal:
    """A pytest plugin that leaves out the letters of cases, and the headings that plugins print at the end."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Keep the category of an outcome, which pytest counts, without its letter and word."""
        status = yield
        return (status[0], "", "") if status else status

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Leave out headings; one is that of pytest-html, with the path of its page."""
        heading, terminalreporter.write_sep = terminalreporter.write_sep, lambda *_, **__: None
        try:
            return (yield)
        finally:
            terminalreporter.write_sep = heading
