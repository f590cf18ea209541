"""A property one of whose examples could not be judged: it ends with that reason, and sends nothing more."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
import trio
from hypothesis import given, settings
from hypothesis.errors import Flaky, FlakyStrategyDefinition
from hypothesis.strategies import integers

from reimage_conformance.pytest_plugin.casing import cases_of
from reimage_conformance.session.cases import DIFFERING, conclude
from reimage_conformance.session.recorder import CaseLog
from reimage_conformance.session.signals import Inconclusive, NotApplicable, Untested

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reimage_conformance.session.cases import Case


class ThreadsOfTrio:
    """The part of a wire that leads into a worker thread and back."""

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        return await trio.to_thread.run_sync(function)

    def from_thread(self, awaited: Callable[[], Awaitable[Any]]) -> Any:
        return trio.from_thread.run(awaited)


def case_of(function: Callable[..., Any]) -> Case:
    """The case that pytest would collect from a function."""
    item = SimpleNamespace(
        obj=function,
        nodeid="cases/test_errors.py::drawn",
        path=Path("cases/test_errors.py"),
        iter_markers=lambda name: [SimpleNamespace(args=("REQ-ERR-CODES",))] if name == "verifies" else [],
        get_closest_marker=lambda _: None,
    )
    return cases_of([cast("pytest.Item", item)])[0]


@pytest.mark.parametrize("signal", [Untested, Inconclusive, NotApplicable])
def test_the_first_reason_stands_although_the_same_example_could_be_judged_the_next_time(
    signal: type[Exception],
) -> None:
    sent = []

    @settings(max_examples=20, database=None, derandomize=True, deadline=None)
    @given(number=integers())
    async def drawn(sut: Any, number: int) -> None:
        del sut
        sent.append(number)
        if len(sent) == 3:
            raise signal("no reimage was left")

    with pytest.raises(signal, match="no reimage was left"):
        trio.run(case_of(drawn).run, cast("Any", SimpleNamespace(wire=ThreadsOfTrio())))

    assert len(sent) == 3


@pytest.mark.parametrize("error", [Flaky("Inconsistent results!"), FlakyStrategyDefinition("Inconsistent data!")])
def test_an_answer_that_differs_is_told_in_words_of_the_protocol(error: Exception) -> None:
    ended = conclude(cast("Any", SimpleNamespace()), CaseLog("drawn"), ("REQ-ERR-CODES",), error)

    assert (ended.outcome, ended.detail) == ("inconclusive", DIFFERING)
