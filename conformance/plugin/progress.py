"""The progress of a run, told while pytest waits for a case: one line that is redrawn on a terminal, one line a minute in a log."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Protocol

from conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from conformance.session.progress import Progress

LOG_EVERY_SECONDS = 60.0
"""In a log the first line comes after this, and each further one after as long again."""
MOST_NAMED = 3
"""So many operations under way are named."""
_ERASE_LINE, _UP = "\r\x1b[K", "\x1b[A"


class Terminal(Protocol):
    """What of pytest's terminal reporter is used: it keeps what it writes and what is written through it apart."""

    isatty: bool

    def ensure_newline(self) -> None:
        """Ends the line that pytest is in the middle of."""

    def write(self, content: str, *, flush: bool = False) -> None:
        """Writes a text as it is."""


class ProgressLine:
    """Tells the progress of a run while somebody waits for it; `clock` counts real seconds."""

    def __init__(self, terminal: Terminal, *, redraws: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal, self._redraws, self._clock = terminal, redraws, clock
        self._due = clock() + LOG_EVERY_SECONDS
        self._drawn = False

    def tell(self, progress: Callable[[], Progress]) -> None:
        """Says how far the run is, if it is time to; `progress` is asked only then."""
        if self._redraws:
            self._draw(progress_text(progress()))
        elif self._clock() >= self._due:
            self._due = self._clock() + LOG_EVERY_SECONDS
            self._terminal.ensure_newline()
            self._terminal.write(f"{progress_text(progress())}\n", flush=True)

    def clear(self) -> None:
        """Takes the line away, so that pytest goes on where it was."""
        if self._drawn:
            self._drawn = False
            self._terminal.write(_ERASE_LINE + _UP, flush=True)

    def _draw(self, text: str) -> None:
        if not self._drawn:
            self._terminal.ensure_newline()
            self._drawn = True
        width = shutil.get_terminal_size().columns
        self._terminal.write(_ERASE_LINE + text[: width - 1], flush=True)


def progress_line(config: pytest.Config) -> ProgressLine | None:
    """The progress line of a pytest session; None where pytest has no terminal of its own, as in a worker of pytest-xdist."""
    terminal: Terminal | None = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None:
        return None
    return ProgressLine(terminal, redraws=terminal.isatty and os.environ.get("TERM") != "dumb")


def progress_text(progress: Progress) -> str:
    """One line in ASCII: cases, operations under way with instance and age, reimages spent, what is left."""
    running = progress.running
    named = [f"{one_line(each.instance, 60)} {duration(each.age_seconds)}" for each in running[:MOST_NAMED]]
    more = [f"{len(running) - MOST_NAMED} more"] if len(running) > MOST_NAMED else []
    rest = progress.rest_seconds
    parts = [
        f"{progress.cases_done} of {progress.cases} cases",
        f"reimaging {', '.join([*named, *more])}" if running else "no reimage under way",
        f"{progress.reimages} of {progress.max_reimages} reimages spent",
        "time left not known yet" if rest is None else f"about {duration(rest)} left",
    ]
    return "; ".join(parts).encode("ascii", "backslashreplace").decode("ascii")


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would use: `41 s`, `3 min`, `2 h 10 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
