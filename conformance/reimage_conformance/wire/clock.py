"""Clocks that are passed in as values, so that the suite's own tests advance the time instead of waiting."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time; only differences between two readings mean something."""

    def now(self) -> float:
        """The time in seconds; it never runs backwards."""

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """The time in seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; return at once if they are not positive."""
        if seconds > 0:
            time.sleep(seconds)
