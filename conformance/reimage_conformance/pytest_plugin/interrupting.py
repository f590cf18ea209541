"""What ends a run early: Ctrl-C and SIGTERM, heard wherever it comes and worded briefly, and a standard output that is lost."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.errors import ReportError
from reimage_conformance.standard_streams import guard_output, interrupt_when_closed

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
        self._usual_end: object = None

    def pytest_sessionstart(self) -> None:
        """Listen for what is dropped, and for SIGTERM, which CI servers send."""
        self._usual = sys.unraisablehook
        sys.unraisablehook = self._hear
        if threading.current_thread() is threading.main_thread():
            self._usual_end = signal.signal(signal.SIGTERM, _end)

    def pytest_unconfigure(self) -> None:
        """Listen no more, unless somebody else does so by now."""
        if sys.unraisablehook == self._hear:
            sys.unraisablehook = self._usual
        if self._usual_end is not None and signal.getsignal(signal.SIGTERM) is _end:
            signal.signal(signal.SIGTERM, self._usual_end)  # type: ignore[arg-type]

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


class LostOutput:
    """A plugin of pytest's: a run whose standard output is lost ends there, and its reports say so.

    When nobody reads it any more the run is interrupted, as by Ctrl-C. Once the cases are over the run only goes quiet.
    """

    def __init__(self) -> None:
        self._over = False
        self._undo = guard_output(self._lost)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """From here on there is nothing left to interrupt."""
        self._over = True

    def pytest_unconfigure(self) -> None:
        """Leave standard output as it was."""
        self._undo()

    def _lost(self, error: OSError) -> None:
        if self._over:
            return
        try:
            interrupt_when_closed(error)
        except ReportError as full:
            sys.stderr.write(f"error: {full}\n")
            pytest.exit(str(full), returncode=full.exit_code)


def _end(number: int, frame: object) -> None:
    """Ends a run that is asked to terminate as Ctrl-C ends it: with its reports."""
    del number, frame
    raise KeyboardInterrupt


def _interrupt() -> None:
    """Interrupts the main thread; a signal to this one would not wake it."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)
