"""Ctrl-C: heard wherever it comes, and worded briefly."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_AGAIN_SECONDS = 0.02


class Interruption:
    """A plugin of pytest's for the time of a run.

    Python drops what is raised in callbacks of the garbage collector and of weak references, and tells `sys.unraisablehook`: a Ctrl-C
    that was dropped so comes again.
    """

    def __init__(self, *, brief: bool = True) -> None:
        self._brief = brief
        self._usual: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook

    def pytest_sessionstart(self) -> None:
        """Listen for what is dropped."""
        self._usual = sys.unraisablehook
        sys.unraisablehook = self._hear

    def pytest_unconfigure(self) -> None:
        """Listen no more, unless somebody else does so by now."""
        if sys.unraisablehook == self._hear:
            sys.unraisablehook = self._usual

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Leave of the traceback the last frame that pytest would show: it would word all sixty, and throw them away."""
        if self._brief:
            excinfo.traceback = excinfo.traceback.filter(excinfo)[-1:] or excinfo.traceback

    def _hear(self, dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            timer = threading.Timer(_AGAIN_SECONDS, _interrupt)
            timer.daemon = True
            timer.start()
        else:
            self._usual(dropped)


def _interrupt() -> None:
    """Interrupts the main thread; a signal to this one would not wake it."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)
