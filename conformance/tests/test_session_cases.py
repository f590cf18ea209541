"""What a case says: bad requests that it declares, what guards it, and judgements that are made together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.casebook import values, values_verifying
from reimage_conformance.judging.transport.answers import answered_with
from reimage_conformance.protocol.requests import with_query
from reimage_conformance.pytest_plugin.casing import case_body
from reimage_conformance.session.cases import Declared
from reimage_conformance.session.signals import (
    Inconclusive,
    Nonconformance,
    NotApplicable,
    Untested,
    inconclusive_unless,
    not_applicable_unless,
    untested_unless,
)
from reimage_conformance.session.witnesses import Witness
from session_runs import in_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.session.sut import SystemUnderTest


def bad(sut: SystemUnderTest, *values: str) -> list[Request]:
    """Reimages whose comp has these values."""
    return [with_query(sut.reimage_of(Witness.QUERY), f"comp={value}") for value in values]


def statuses(sut: SystemUnderTest) -> list[int]:
    """The statuses of the refusals, in order of sending."""
    return [each.reply.status for each in sut.recorder.exchanges if each.label == "refusal" and each.reply is not None]


def at_once(sut: SystemUnderTest) -> Any:
    """Declares by returning a list."""
    return bad(sut, "a", "b")


async def when_asked(sut: SystemUnderTest) -> Any:
    """Declares when something of the endpoint is known."""
    await sut.instances.look(sut.planner.main)
    return bad(sut, "a", "b")


@pytest.mark.parametrize("case", [at_once, when_asked])
def test_what_a_case_returns_is_sent_and_judged(tmp_path: Path, case: Callable[[SystemUnderTest], Any]) -> None:
    async def body(sut: SystemUnderTest) -> None:
        await case_body(case, {})(sut)
        assert statuses(sut) == [400, 400]
        assert {verdict.requirement for verdict in sut.recorder.verdicts} >= {"REQ-REIMAGE-COMP-MISSING"}

    in_run(tmp_path, body)


@pytest.mark.parametrize("case", [at_once, when_asked])
def test_what_a_case_returns_is_found_wrong(tmp_path: Path, case: Callable[[SystemUnderTest], Any]) -> None:
    async def body(sut: SystemUnderTest) -> None:
        with pytest.raises(Nonconformance, match="REQ-REIMAGE-COMP-MISSING"):
            await case_body(case, {})(sut)

    in_run(tmp_path, body, "comp-ignored")


def test_a_declaration_judges_more_of_its_own_answer(tmp_path: Path) -> None:
    seen: list[str] = []

    def plainly(sut: SystemUnderTest, exchange: Exchange) -> None:
        del sut
        seen.append(exchange.request.target)

    async def by_another_request(sut: SystemUnderTest, exchange: Exchange) -> None:
        await sut.instances.look(sut.planner.main)
        seen.append(exchange.request.target)

    async def body(sut: SystemUnderTest) -> None:
        first, second = bad(sut, "a", "b")
        await case_body(lambda sut: Declared(first, then=plainly), {})(sut)
        await case_body(lambda sut: Declared(second, then=by_another_request), {})(sut)
        assert [target.rpartition("=")[2] for target in seen] == ["a", "b"]

    in_run(tmp_path, body)


def test_a_declaration_names_whom_to_blame(tmp_path: Path) -> None:
    async def body(sut: SystemUnderTest) -> None:
        declared = Declared(bad(sut, "a")[0], "REQ-ERR-VERB", effects=False)
        with pytest.raises(Nonconformance, match="REQ-ERR-VERB"):
            await case_body(lambda sut: declared, {})(sut)

    in_run(tmp_path, body, "comp-ignored")


async def in_turn(sut: SystemUnderTest, polls: list[Exchange], arguments: dict[str, Any]) -> None:
    """Judges by a step for each."""

    async def judge(poll: Exchange) -> None:
        sut.judge(answered_with, poll, **arguments)

    await sut.in_turn(judge, polls)


async def inside_of_others(sut: SystemUnderTest, polls: list[Exchange], arguments: dict[str, Any]) -> None:
    """Judges many among others; the outer ones raise what is violated."""
    with sut.violations_at_the_end():
        sut.judge_each(answered_with, [[poll] for poll in polls[:1]], **arguments)
        sut.judge_each(answered_with, [[poll] for poll in polls[1:]], **arguments)


@pytest.mark.parametrize("judge", [in_turn, inside_of_others])
def test_each_judgement_is_made_before_what_is_violated_is_raised(tmp_path: Path, judge: Callable[..., Any]) -> None:
    async def body(sut: SystemUnderTest) -> None:
        polls = await sut.send_all([sut.builder.operation_status(each * 32) for each in "01"], label="question")
        before = len(sut.recorder.verdicts)
        with pytest.raises(Nonconformance):
            await judge(sut, polls, {"requirement": "REQ-GOS-200", "statuses": [200]})
        made = sut.recorder.verdicts[before:]
        assert [verdict.evidence for verdict in made] == [(poll.number,) for poll in polls]
        assert sut.recorder.log.collected is None

    in_run(tmp_path, body)


@pytest.mark.parametrize(
    ("guard", "signal"),
    [(inconclusive_unless, Inconclusive), (not_applicable_unless, NotApplicable), (untested_unless, Untested)],
)
def test_a_guard_gives_its_value_or_ends_the_case(guard: Callable[[Any, str], Any], signal: type[Exception]) -> None:
    given = SimpleNamespace()
    assert guard(given, "there is none") is given
    nothing: tuple[Any, ...] = (None, "", [], False)
    for missing in nothing:
        with pytest.raises(signal, match="there is none"):
            guard(missing, "there is none")


def test_values_are_marked_one_by_one() -> None:
    smoke = values("version", ("a", "b"), smoke_of=("b",)).args[1]
    assert [[mark.name for mark in each.marks] for each in smoke] == [[], ["smoke"]]

    cited = values_verifying("which", {"a": "REQ-A", "b": ("REQ-B", "REQ-C")}).args[1]
    assert [mark.args for each in cited for mark in each.marks] == [("REQ-A",), ("REQ-B", "REQ-C")]
