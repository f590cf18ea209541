"""Ctrl-C is heard wherever it comes, and worded briefly."""

from __future__ import annotations

import gc
import signal
import sys
import threading
import weakref
from typing import TYPE_CHECKING, cast

import pytest

from reimage_conformance.pytest_plugin.interrupting import Interruption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0


class Thing:
    """Something that can be referred to weakly."""


@pytest.fixture
def listening() -> Iterator[Interruption]:
    """Listens as a run does, to the signal as Python hears it, and leaves both as they were."""
    before, hook = signal.signal(signal.SIGINT, signal.default_int_handler), sys.unraisablehook
    interruption = Interruption()
    interruption.pytest_sessionstart()
    yield interruption
    interruption.pytest_unconfigure()
    signal.signal(signal.SIGINT, before)
    assert sys.unraisablehook is hook


@pytest.mark.usefixtures("listening")
def test_an_interruption_is_raised_where_it_comes_and_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)

    assert not threading.Event().wait(0.5)


@pytest.mark.usefixtures("listening")
def test_an_interruption_while_garbage_is_collected_comes_after_that() -> None:
    heard: list[str] = []

    def interrupt(phase: str, _: object) -> None:
        heard.append(phase)
        if heard == ["start"]:
            signal.raise_signal(signal.SIGINT)

    late = threading.Event()
    gc.disable()  # the collection that is asked for is to be the first one heard of
    gc.callbacks.append(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            _do_and_wait(gc.collect, late)
    finally:
        gc.callbacks.remove(interrupt)
        gc.enable()
    assert heard[:2] == ["start", "stop"]
    assert not late.is_set(), "it wakes who waits"


@pytest.mark.usefixtures("listening")
def test_an_interruption_in_the_callback_of_a_weak_reference_comes_again() -> None:
    things = [Thing()]
    reference = weakref.ref(things[0], lambda _: signal.raise_signal(signal.SIGINT))
    late = threading.Event()
    with pytest.raises(KeyboardInterrupt):
        _do_and_wait(things.clear, late)
    assert reference() is None
    assert not late.is_set()


def test_what_else_is_dropped_goes_where_it_went(listening: Interruption, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[type[BaseException]] = []
    listening.pytest_unconfigure()
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: told.append(dropped.exc_type))
    listening.pytest_sessionstart()
    thing = Thing()
    reference = weakref.ref(thing, lambda _: 1 / 0)
    del thing
    listening.pytest_unconfigure()

    assert reference() is None
    assert told == [ZeroDivisionError]


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


def _do_and_wait(act: Callable[[], object], late: threading.Event) -> None:
    """Do something, and wait until it is late for what should come of it."""
    timer = threading.Timer(PATIENCE / 2, late.set)
    timer.daemon = True
    timer.start()
    try:
        act()
        late.wait(PATIENCE)
    finally:
        timer.cancel()


def _interrupted(depth: int) -> None:
    if depth == 0:
        raise KeyboardInterrupt
    _interrupted(depth - 1)
