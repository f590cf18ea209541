"""Ctrl-C: heard wherever it comes, and worded briefly."""

from __future__ import annotations

import gc
import signal
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import FrameType

_AGAIN_SECONDS = 0.02


class Interruption:
    """A plugin of pytest's for the time of a run.

    While garbage is collected, callbacks of the collector run (Hypothesis has one), and Python drops whatever is raised
    in those: a Ctrl-C that comes then is put off until the collection is over.
    """

    def __init__(self, *, brief: bool = True) -> None:
        self._brief = brief
        self._listens = False

    def pytest_sessionstart(self) -> None:
        """Listen for Ctrl-C, where pytest is asked to run in the main thread and Python's own handler is in place."""
        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._listens = is_usual and threading.current_thread() is threading.main_thread()
        if self._listens:
            signal.signal(signal.SIGINT, _hear)

    def pytest_unconfigure(self) -> None:
        """Leave the signal as it was found."""
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Leave of the traceback the last frame that pytest would show: it would word all sixty, and throw them away."""
        if self._brief:
            excinfo.traceback = excinfo.traceback.filter(excinfo)[-1:] or excinfo.traceback


def _hear(number: int, frame: FrameType | None) -> None:
    if _is_within_collection(frame):
        threading.Timer(_AGAIN_SECONDS, signal.raise_signal, (number,)).start()
    else:
        signal.default_int_handler(number, frame)


def _is_within_collection(frame: FrameType | None) -> bool:
    callbacks = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None:
        if frame.f_code in callbacks:
            return True
        frame = frame.f_back
    return False
