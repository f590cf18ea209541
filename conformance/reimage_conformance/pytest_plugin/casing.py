"""Makes cases of the session from pytest's items: id, cited requirements, phase and body."""

from __future__ import annotations

import gc
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import is_hypothesis_test, reject

from reimage_conformance.catalogue.chapters import chapter_of, rank
from reimage_conformance.session.cases import Case, Phase, refuse_declared
from reimage_conformance.session.signals import Discarded, Inconclusive, NotApplicable, Untested

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import pytest

    from reimage_conformance.session.sut import SystemUnderTest

MARKS = {"afterwards": Phase.AFTERWARDS, "alone": Phase.ALONE, "at_the_end": Phase.AT_THE_END}
"""The marks that say when a case runs."""


def cites(item: pytest.Item) -> tuple[str, ...]:
    """The requirements that an item cites; none if it is not a case."""
    return tuple(dict.fromkeys(name for mark in item.iter_markers("verifies") for name in mark.args))


def phase_of(item: pytest.Item) -> Phase:
    """When a case runs."""
    return next((phase for name, phase in MARKS.items() if item.get_closest_marker(name) is not None), Phase.BESIDE)


def order_of(item: pytest.Item) -> tuple[Phase, int]:
    """The sort key of a case: its phase, then the chapter of its file. Inside a file, pytest's order stays."""
    return phase_of(item), rank(chapter_of(item.path))


def cases_of(items: Sequence[pytest.Item]) -> list[Case]:
    """The cases among items, in their order."""
    return [_case(item) for item in items if cites(item)]


def _case(item: pytest.Item) -> Case:
    function: Callable[..., Any] = item.obj  # type: ignore[attr-defined]
    doc = (inspect.getdoc(function) or "").splitlines()
    values = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    run = _property_body(function, values) if is_hypothesis_test(function) else case_body(function, values)
    return Case(item.nodeid, cites(item), doc[0] if doc else "", phase_of(item), run)


def case_body(function: Callable[..., Any], values: dict[str, Any]) -> Callable[[SystemUnderTest], Awaitable[None]]:
    """The body of a case; what it returns, directly or as a coroutine, are the bad requests that it declares."""

    async def run(sut: SystemUnderTest) -> None:
        made = function(sut=sut, **values)
        if inspect.isawaitable(made):
            made = await made
        if made is not None:
            await refuse_declared(sut, made)

    return run


def _property_body(function: Any, values: dict[str, Any]) -> Callable[[SystemUnderTest], Awaitable[None]]:
    """The body of a property: Hypothesis runs its engine in a thread and hands each example to the session.

    An example that could not be judged ends the case. Hypothesis then runs it again and searches for a smaller one; no request is sent for these
    examples, and each ends with the reason of the first one.
    """
    body = function.hypothesis.inner_test

    async def run(sut: SystemUnderTest) -> None:
        unjudged: list[Exception] = []

        def example(**drawn: Any) -> None:
            if unjudged:
                raise unjudged[0]
            try:
                sut.wire.from_thread(partial(body, **drawn))
            except Discarded:
                reject()
            except (Untested, Inconclusive, NotApplicable) as reason:
                unjudged.append(reason)
                raise

        function.hypothesis.inner_test = example
        gc.freeze()  # In each new thread, Hypothesis collects garbage and goes through all objects that are not frozen.
        await sut.wire.in_thread(partial(function, sut=sut, **values))

    return run
