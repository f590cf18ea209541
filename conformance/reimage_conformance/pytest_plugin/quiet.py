"""Quiet runs: pytest shows no progress, and at the end the conclusion alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

QUIET = -2
"""pytest's verbosity (-qq) from which on a run is quiet."""


def is_quiet(config: pytest.Config) -> bool:
    """Whether a session shows its conclusion alone."""
    return config.get_verbosity() <= QUIET


class QuietTerminal:
    """A pytest plugin that leaves out the letters of cases, and the headings of what plugins say at the end."""

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, Any]:
        """Keep the category of an outcome, by which pytest counts, without its letter and word."""
        told = yield
        return (told[0], "", "") if told else told

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, None, None]:
        """Leave out headings; pytest-html tells the path of its page in one."""
        heading, terminalreporter.write_sep = terminalreporter.write_sep, lambda *_, **__: None
        try:
            return (yield)
        finally:
            terminalreporter.write_sep = heading
