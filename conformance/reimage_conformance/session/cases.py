"""Cases, as the session runs them: the name of each, the requirements it cites, when it runs, and how it ended."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from typing import TYPE_CHECKING

from hypothesis.errors import Flaky, FlakyStrategyDefinition, Unsatisfiable

from reimage_conformance.assessment.outcomes import case_outcome
from reimage_conformance.model import Outcome, Request, Verdict, Why
from reimage_conformance.session.bad_requests import ExpectedRefusal
from reimage_conformance.session.signals import Inconclusive, Nonconformance, NotApplicable, Unjudged, Untested

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from reimage_conformance.model import Exchange
    from reimage_conformance.session.recorder import CaseLog, Recorder
    from reimage_conformance.session.sut import SystemUnderTest

LONGEST_DETAIL = 300
"""How many characters of a message are kept."""
DIFFERING = "the same drawn request was answered as permitted one time and not the other"
"""The detail of a property that found a violation which the same request did not show again."""


class Phase(IntEnum):
    """When a case runs, and what may run at the same time.

    A phase begins when the one before it is over. The second phase begins earlier: when few cases of the first are
    left.
    """

    BESIDE = 0
    """Needs no operation. It runs while other cases run and operations are under way."""
    AFTERWARDS = 1
    """Needs the outcome of operations, and waits for them."""
    ALONE = 2
    """Starts operations of its own. It runs after the campaign, while no other case runs."""
    AT_THE_END = 3
    """Judges all exchanges of the run. It runs last, while no other case runs."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a case ended.

    `error` is the exception that it raised. `last_actual` is the `actual` of its last verdict, `undecided_actual` that
    of its first inconclusive one.
    """

    outcome: str
    detail: str = ""
    error: BaseException | None = None
    last_actual: str = ""
    undecided_actual: str = ""

    @property
    def why(self) -> Why:
        """The kind of reason for which it judged nothing."""
        return self.error.reason.why if isinstance(self.error, Unjudged) else Why.OTHER


@dataclass(frozen=True, slots=True)
class Case:
    """One conformance case: `run` is its body, `doc` the first line of its docstring.

    `conclusion` is set when it is over.
    """

    id: str
    requirements: tuple[str, ...]
    doc: str
    phase: Phase
    run: Callable[[SystemUnderTest], Awaitable[None]]
    conclusion: Future[Conclusion] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Declared(ExpectedRefusal):
    """A bad request that a case declares, and how it is judged.

    `then` judges or records more of the answer. The requests in `further` are sent after the answer to this one was
    found right.
    """

    then: Callable[[SystemUnderTest, Exchange], Awaitable[None] | None] | None = None
    further: tuple[Declared, ...] = ()


async def refuse_declared(sut: SystemUnderTest, made: Request | Declared | Iterable[Request | Declared]) -> None:
    """Sends the bad requests that a case declares, at the same time, and judges them.

    Raises as `SystemUnderTest.refuse` does.
    """
    given = [made] if isinstance(made, (Request, Declared)) else list(made)
    declared = [each if isinstance(each, Declared) else Declared(each) for each in given]
    await sut.each(partial(_refuse, sut), declared)


async def _refuse(sut: SystemUnderTest, declared: Declared) -> None:
    exchange = await sut.refusals.refuse(declared)
    judging = declared.then(sut, exchange) if declared.then is not None else None
    if judging is not None:
        await judging
    await refuse_declared(sut, declared.further)


def conclude(recorder: Recorder, log: CaseLog, cited: Sequence[str], error: BaseException | None) -> Conclusion:
    """How a case ended.

    If a precondition did not hold, an inconclusive verdict is recorded for each of the `cited` requirements. If a plain
    assert failed, a violation of the first one is recorded.
    """
    outcome = _outcome(recorder, log, cited, error)
    last_actual = log.verdicts[-1].actual if log.verdicts else ""
    undecided = (verdict.actual for verdict in log.verdicts if verdict.outcome is Outcome.INCONCLUSIVE)
    return Conclusion(outcome, _detail(error), error, last_actual, next(undecided, "")[:LONGEST_DETAIL])


def _outcome(recorder: Recorder, log: CaseLog, cited: Sequence[str], error: BaseException | None) -> str:  # noqa: PLR0911  a table
    """The outcome of a case; records the verdicts that `conclude` describes."""
    outcomes = {verdict.outcome for verdict in log.verdicts}
    match error:
        case NotApplicable():
            return "not-applicable"
        case Untested() | Unsatisfiable() if Outcome.VIOLATED not in outcomes:
            return "untested"
        case Inconclusive():
            recorder.keep(
                [
                    Verdict(name, Outcome.INCONCLUSIVE, actual=str(error), because=error.because, why=error.reason.why)
                    for name in cited
                ]
            )
            return "violated" if Outcome.VIOLATED in outcomes else "inconclusive"
        case _ if Outcome.VIOLATED in outcomes:
            return "violated"
        case None if Outcome.ADVISORY not in outcomes:
            return (case_outcome(log.verdicts, cited) or Outcome.OBSERVED).value
        case None | Nonconformance():
            return "advisory"
        case AssertionError():
            recorder.keep([_violation_by_assert(recorder, cited[0], error)])
            return "violated"
        case Flaky() | FlakyStrategyDefinition():
            return "inconclusive"
        case _:
            return "error"


def _violation_by_assert(recorder: Recorder, requirement: str, error: AssertionError) -> Verdict:
    """A violation that a case found by a plain assert."""
    evidence = (recorder.exchanges[-1].number,) if recorder.exchanges else ()
    actual = _detail(error) or "the assertion of the case does not hold"
    return Verdict(requirement, Outcome.VIOLATED, evidence=evidence, actual=actual, symptom="assertion")


def _detail(error: BaseException | None) -> str:
    """The first line of an exception's message, or its type where it has none; "" for no exception."""
    if error is None:
        return ""
    if isinstance(error, Flaky | FlakyStrategyDefinition):
        return DIFFERING
    text = str(error)
    return (text.splitlines()[0] if text else type(error).__name__)[:LONGEST_DETAIL]
