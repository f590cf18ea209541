"""The events that end a run early: Ctrl-C, SIGTERM, and a standard output that nobody reads any more."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.errors import ReportError
from reimage_conformance.standard_streams import guard_output, interrupt_when_closed

if TYPE_CHECKING:
    from collections.abc import Callable

_AGAIN_SECONDS = 0.02
"""The pause before a dropped KeyboardInterrupt is raised again."""


class Interruption:
    """A pytest plugin that makes sure that Ctrl-C and SIGTERM end the run.

    Python drops an exception that is raised in a callback of the garbage collector or of a weak reference, and calls
    `sys.unraisablehook`. If that drops a KeyboardInterrupt, this plugin raises it again.
    """

    def __init__(self, *, brief: bool = True) -> None:
        self._brief = brief
        self._plugins: pytest.PytestPluginManager | None = None
        self._usual: Callable[[sys.UnraisableHookArgs], object] = sys.unraisablehook
        self._usual_handler: object = None

    def pytest_sessionstart(self) -> None:
        """Install the hook for dropped exceptions, and the handler of SIGTERM, which CI servers send."""
        self._usual = sys.unraisablehook
        sys.unraisablehook = self._on_dropped
        if threading.current_thread() is threading.main_thread():
            self._usual_handler = signal.signal(signal.SIGTERM, _raise_interrupt)

    def pytest_unconfigure(self) -> None:
        """Restore the hook and the handler, unless other code has replaced them."""
        if sys.unraisablehook == self._on_dropped:
            sys.unraisablehook = self._usual
        if self._usual_handler is not None and signal.getsignal(signal.SIGTERM) is _raise_interrupt:
            signal.signal(signal.SIGTERM, self._usual_handler)  # type: ignore[arg-type]

    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep the plugins of the session: one is pytest's terminal, which has words of its own for an interruption."""
        self._plugins = config.pluginmanager

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep only the last frame of the traceback, since pytest formats all of them, and show none of it after Ctrl-C."""
        if not self._brief:
            return
        excinfo.traceback = excinfo.traceback.filter(excinfo)[-1:] or excinfo.traceback
        reporter: Any = self._plugins.get_plugin("terminalreporter") if self._plugins is not None else None
        if reporter is not None and isinstance(excinfo.value, KeyboardInterrupt):
            reporter._report_keyboardinterrupt = _say_nothing  # noqa: SLF001  the run's last line says it (`ending`)

    def _on_dropped(self, dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            timer = threading.Timer(_AGAIN_SECONDS, _interrupt)
            timer.daemon = True
            timer.start()
        else:
            self._usual(dropped)


class LostOutput:
    """A pytest plugin that ends a run whose standard output is closed or cannot be written; its reports say so.

    The run is interrupted as by Ctrl-C. After the last case, output is only dropped.
    """

    def __init__(self) -> None:
        self._over = False
        self._undo = guard_output(self._lost)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Stop interrupting the run: the cases are over."""
        self._over = True

    def pytest_unconfigure(self) -> None:
        """Restore standard output."""
        self._undo()

    def _lost(self, error: OSError) -> None:
        if self._over:
            return
        try:
            interrupt_when_closed(error)
        except ReportError as full:
            sys.stderr.write(f"error: {full}\n")
            pytest.exit(str(full), returncode=full.exit_code)


def _say_nothing() -> None:
    """Takes the place of pytest's words about an interruption."""


def _raise_interrupt(number: int, frame: object) -> None:
    """The handler of SIGTERM: ends the run as Ctrl-C does, with reports."""
    del number, frame
    raise KeyboardInterrupt


def _interrupt() -> None:
    """Sends SIGINT to the main thread; a signal to the thread of the timer would not wake it."""
    main = threading.main_thread().ident
    if main is not None:
        signal.pthread_kill(main, signal.SIGINT)
