"""Ctrl-C: heard wherever it comes, and worded briefly."""

from __future__ import annotations

import gc
import signal
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import FrameType

_SOON_SECONDS, _AGAIN_SECONDS = 0.02, 0.3


class Interruption:
    """A plugin of pytest's for the time of a run.

    While garbage is collected, callbacks run (Hypothesis has one, weak references have some), and Python drops whatever is
    raised in those. A Ctrl-C that comes in a callback of the collector is put off, and one that has not reached pytest a moment
    later comes again.
    """

    def __init__(self, *, brief: bool = True) -> None:
        self._brief = brief
        self._listens = False
        self._arrived = False

    def pytest_sessionstart(self) -> None:
        """Listen for Ctrl-C in the main thread, where Python's own handler is in place."""
        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        self._listens = is_usual and threading.current_thread() is threading.main_thread()
        if self._listens:
            signal.signal(signal.SIGINT, self._hear)

    def pytest_unconfigure(self) -> None:
        """Leave the signal as it was found."""
        self._arrived = True
        if self._listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Leave of the traceback the last frame that pytest would show: it would word all sixty, and throw them away."""
        self._arrived = True
        if self._brief:
            excinfo.traceback = excinfo.traceback.filter(excinfo)[-1:] or excinfo.traceback

    def _hear(self, number: int, frame: FrameType | None) -> None:
        put_off = _is_within_collection(frame)
        timer = threading.Timer(_SOON_SECONDS if put_off else _AGAIN_SECONDS, self._come_again)
        timer.daemon = True
        timer.start()
        if not put_off:
            signal.default_int_handler(number, frame)

    def _come_again(self) -> None:
        main = threading.main_thread().ident
        if not self._arrived and main is not None:
            signal.pthread_kill(main, signal.SIGINT)  # a signal of this thread's own would not wake the main one


def _is_within_collection(frame: FrameType | None) -> bool:
    callbacks = [getattr(callback, "__code__", None) for callback in gc.callbacks]
    while frame is not None:
        if frame.f_code in callbacks:
            return True
        frame = frame.f_back
    return False
