"""No two threads parse source at the same time: before Python 3.13 that may raise a SystemError."""

from __future__ import annotations

import ast
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio

from reimage_conformance.detection.forking import JudgedEmulator, judge_each
from reimage_conformance.pytest_plugin.hooks import pytest_runtest_makereport
from reimage_conformance.session.turns import TURN
from reimage_conformance.session.wires import ThreadedWire

if TYPE_CHECKING:
    from pathlib import Path


def wire() -> ThreadedWire:
    return ThreadedWire(cast("Any", None), 1)


def test_threads_compute_one_after_another() -> None:
    alone: list[bool] = []
    inside: list[int] = []

    def compute(number: int) -> None:
        for _ in range(20):
            inside.append(number)
            threading.Event().wait(0)  # lets another thread run
            alone.append(inside == [number])
            inside.remove(number)
            wire().from_thread(trio.lowlevel.checkpoint)

    async def four() -> None:
        async with trio.open_nursery() as tasks:
            for number in range(4):
                tasks.start_soon(wire().in_thread, lambda number=number: compute(number))

    trio.run(four)

    assert alone == [True] * 80


def test_a_thread_that_waits_for_the_session_lets_others_compute() -> None:
    async def two() -> None:
        computed = trio.Event()

        async def set_computed() -> None:
            computed.set()

        async with trio.open_nursery() as tasks:
            tasks.start_soon(wire().in_thread, lambda: wire().from_thread(computed.wait))
            await trio.testing.wait_all_tasks_blocked()
            tasks.start_soon(wire().in_thread, lambda: wire().from_thread(set_computed))

    trio.run(two)

    assert not TURN.locked()


def test_a_turn_ends_with_an_error() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trio.run(wire().in_thread, broken)

    assert not TURN.locked()


def test_a_traceback_is_formatted_in_turn() -> None:
    item, call = (
        cast("Any", SimpleNamespace(stash=pytest.Stash())),
        cast("Any", SimpleNamespace(excinfo=None, when="call")),
    )

    formatting = pytest_runtest_makereport(item, call)
    next(formatting)
    assert TURN.locked()
    with pytest.raises(StopIteration):
        formatting.send(cast("Any", SimpleNamespace()))

    assert not TURN.locked()


def test_nothing_is_parsed_out_of_turn_while_a_session_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint has a fault, so that examples are shrunk."""
    seen, parse = tmp_path / "seen", ast.parse

    def watched(*arguments: Any, **options: Any) -> Any:
        if any(thread.name == "conformance-session" for thread in threading.enumerate()):
            with seen.open("a", encoding="utf-8") as lines:  # each endpoint is judged in a process of its own
                lines.write("in turn\n" if TURN.locked() else f"out of turn in {threading.current_thread().name}\n")
        return parse(*arguments, **options)

    monkeypatch.setattr(ast, "parse", watched)
    (found,) = judge_each([JudgedEmulator("comp is not read", faults=("comp-ignored",))])

    assert found.findings
    assert set(seen.read_text(encoding="utf-8").splitlines()) == {"in turn"}
