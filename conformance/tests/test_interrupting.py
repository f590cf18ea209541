"""Ctrl-C is heard wherever it comes, and worded briefly."""

from __future__ import annotations

import gc
import signal
import threading
from typing import TYPE_CHECKING, cast

import pytest

from conformance.plugin.interrupting import Interruption

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0


@pytest.fixture
def listening() -> Iterator[Interruption]:
    """Listens for Ctrl-C as a run does, and leaves the signal as it was."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interruption = Interruption()
    interruption.pytest_sessionstart()
    yield interruption
    interruption.pytest_unconfigure()
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.mark.usefixtures("listening")
def test_an_interruption_is_raised_where_it_comes() -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("listening")
def test_an_interruption_while_garbage_is_collected_comes_after_that() -> None:
    heard: list[str] = []

    def interrupt(phase: str, _: object) -> None:
        heard.append(phase)
        if heard == ["start"]:
            signal.raise_signal(signal.SIGINT)

    gc.callbacks.append(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            _collect_and_wait()
    finally:
        gc.callbacks.remove(interrupt)
    assert heard[:2] == ["start", "stop"]


@pytest.mark.usefixtures("listening")
def test_an_interruption_that_is_dropped_comes_again() -> None:
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        dropped = True

    with pytest.raises(KeyboardInterrupt):
        threading.Event().wait(PATIENCE)
    assert dropped


def test_an_interruption_that_arrived_comes_once(listening: Interruption) -> None:
    with pytest.raises(KeyboardInterrupt) as raised:
        signal.raise_signal(signal.SIGINT)
    listening.pytest_keyboard_interrupt(cast("pytest.ExceptionInfo[BaseException]", raised))

    assert not threading.Event().wait(0.5)


def test_a_handler_of_somebody_else_is_left_alone() -> None:
    def other(*_: object) -> None:
        """Somebody else's."""

    before = signal.signal(signal.SIGINT, other)
    try:
        interruption = Interruption()
        interruption.pytest_sessionstart()
        interruption.pytest_unconfigure()
        assert signal.getsignal(signal.SIGINT) is other
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_listens_for_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=Interruption().pytest_sessionstart)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("brief", "frames"), [(True, 1), (False, 7)])
def test_of_an_interruption_the_last_frame_alone_is_worded(*, brief: bool, frames: int) -> None:
    with pytest.raises(KeyboardInterrupt) as raised:
        _interrupted(5)
    caught = cast("pytest.ExceptionInfo[BaseException]", raised)
    assert len(caught.traceback) == 7

    Interruption(brief=brief).pytest_keyboard_interrupt(caught)

    assert len(caught.traceback) == frames
    assert caught.traceback[-1].name == "_interrupted"
    assert "KeyboardInterrupt" in str(caught.getrepr())


def test_an_end_that_pytest_is_asked_for_keeps_the_frame_that_asked() -> None:
    with pytest.raises(pytest.exit.Exception) as raised:
        pytest.exit("that was it")
    caught = cast("pytest.ExceptionInfo[BaseException]", raised)

    Interruption().pytest_keyboard_interrupt(caught)

    assert [entry.name for entry in caught.traceback] == [
        "test_an_end_that_pytest_is_asked_for_keeps_the_frame_that_asked"
    ]


def _collect_and_wait() -> None:
    gc.collect()
    threading.Event().wait(PATIENCE)


def _interrupted(depth: int) -> None:
    if depth == 0:
        raise KeyboardInterrupt
    _interrupted(depth - 1)
