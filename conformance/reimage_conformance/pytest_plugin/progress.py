"""The progress of a run, shown while pytest waits for a case: one redrawn line on a terminal, one line a minute in a log."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from reimage_conformance.pytest_plugin.quiet import is_quiet
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from reimage_conformance.session.progress import Progress

LOG_EVERY_SECONDS = 60.0
"""The interval of progress lines in a log; the first line comes after one interval."""
MOST_NAMED = 3
"""The most operations under way that are named."""
_ERASE_LINE, _UP, _RIGHT = "\r\x1b[K", "\x1b[A", "\x1b[{}C"


class Terminal(Protocol):
    """The terminal that pytest writes to."""

    @property
    def column(self) -> int:
        """The column of the cursor in the line that pytest is writing."""

    @property
    def columns(self) -> int:
        """The width of the terminal."""

    def line(self, text: str) -> None:
        """Writes a line of its own."""

    def draw(self, text: str) -> None:
        """Writes text without pytest's knowledge; the caller moves the cursor back later."""


class PytestTerminal:
    """The terminal of a pytest session; pytest's capturing is switched off while this writes."""

    def __init__(self, config: pytest.Config) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._writer = config.get_terminal_writer()
        capture = config.pluginmanager.get_plugin("capturemanager")
        self._uncaptured = nullcontext if capture is None else capture.global_and_fixture_disabled

    @property
    def column(self) -> int:
        """The column of the cursor in the line that pytest is writing."""
        return self._writer.width_of_current_line

    @property
    def columns(self) -> int:
        """The width of the terminal."""
        return shutil.get_terminal_size().columns

    def line(self, text: str) -> None:
        """Writes a line of its own."""
        with self._uncaptured():
            self._reporter.ensure_newline()
            if self.column:
                self._writer.line()
            self._writer.line(text)
            self._writer.flush()

    def draw(self, text: str) -> None:
        """Writes text without pytest's knowledge."""
        with self._uncaptured():
            sys.stdout.write(text)
            sys.stdout.flush()


class ProgressLine:
    """Shows the progress of a run while pytest waits for a case.

    With `redraws` one line is redrawn, otherwise one line a minute is written. `clock` gives real time in seconds.
    """

    def __init__(self, terminal: Terminal, *, redraws: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal, self._redraws, self._clock = terminal, redraws, clock
        self._due = clock() + LOG_EVERY_SECONDS
        self._drawn = False

    def show(self, progress: Callable[[], Progress]) -> None:
        """Shows the progress if a line is due; `progress` is called only then."""
        if self._redraws:
            start = _ERASE_LINE if self._drawn else "\n"
            self._drawn = True
            self._terminal.draw(start + progress_text(progress())[: self._terminal.columns - 1])
        elif self._clock() >= self._due:
            self._due = self._clock() + LOG_EVERY_SECONDS
            self._terminal.line(progress_text(progress()))

    def clear(self) -> None:
        """Erases the line and moves the cursor back to pytest's position."""
        if self._drawn:
            self._drawn = False
            column = self._terminal.column % self._terminal.columns
            self._terminal.draw(_ERASE_LINE + _UP + (_RIGHT.format(column) if column else ""))


def progress_line(config: pytest.Config) -> ProgressLine | None:
    """The progress line of a pytest session; None in a quiet run, and in a worker of pytest-xdist, which has no terminal."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or is_quiet(config):
        return None
    redraws = bool(reporter.isatty) and os.environ.get("TERM") != "dumb"
    return ProgressLine(PytestTerminal(config), redraws=redraws)


def progress_text(progress: Progress) -> str:
    """One line in ASCII: cases, the time that is left, reimages spent, operations under way with instance and age."""
    running = progress.running
    named = [f"{one_line(each.instance, 60)} {duration(each.age_seconds)}" for each in running[:MOST_NAMED]]
    more = [f"{len(running) - MOST_NAMED} more"] if len(running) > MOST_NAMED else []
    rest = progress.rest_seconds
    parts = [
        f"{progress.cases_done} of {progress.cases} cases",
        "time left not known yet" if rest is None else f"about {duration(rest)} left",
        f"{progress.reimages} of {progress.max_reimages} reimages",
        f"under way: {', '.join([*named, *more])}" if running else "none under way",
    ]
    return "; ".join(parts).encode("ascii", "backslashreplace").decode("ascii")


def duration(seconds: float) -> str:
    """Seconds in a unit that suits their size: `41 s`, `3 min`, `2 h 10 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
