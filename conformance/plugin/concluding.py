"""Concluding a case: how it ended, turned into an outcome, and into what pytest reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis.errors import Flaky, FlakyStrategyDefinition, Unsatisfiable

from conformance.assessment.outcomes import case_outcome
from conformance.model import Outcome, Verdict
from conformance.runner.signals import Inconclusive, Nonconformance, NotApplicable, Untested

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from conformance.runner.recorder import Recorder

LONGEST_DETAIL = 300


def conclude_case(
    recorder: Recorder, cited: Sequence[str], report: pytest.TestReport, error: BaseException | None
) -> str:
    """The outcome of a case and, behind a bar, its detail; `report` is made to say the same."""
    outcome = _outcome(recorder, cited, error)
    detail = _detail(error)
    match outcome:
        case "untested" | "not-applicable":
            report.outcome, report.longrepr = "skipped", ("", 0, f"{outcome}: {detail}")
        case "inconclusive":
            detail = detail or _undecided(recorder)
            report.outcome, report.longrepr = "failed", f"inconclusive: {detail}"
        case "violated":
            report.outcome = "failed"
        case "advisory":
            report.outcome, report.wasxfail = "skipped", detail or _last(recorder)
    report.reimage_outcome = outcome  # type: ignore[attr-defined]
    return f"{outcome}|{detail}"


def _outcome(recorder: Recorder, cited: Sequence[str], error: BaseException | None) -> str:  # noqa: PLR0911  a table
    """One word for how a case ended; what it came to without a verdict of its own is kept as one."""
    outcomes = {verdict.outcome for verdict in recorder.case_verdicts}
    match error:
        case NotApplicable():
            return "not-applicable"
        case Untested() | Unsatisfiable():
            return "untested"
        case Inconclusive():
            recorder.keep(
                [Verdict(name, Outcome.INCONCLUSIVE, actual=str(error), because=error.because) for name in cited]
            )
            return "violated" if Outcome.VIOLATED in outcomes else "inconclusive"
        case _ if Outcome.VIOLATED in outcomes:
            return "violated"
        case None if Outcome.ADVISORY not in outcomes:
            return (case_outcome(recorder.case_verdicts, cited) or Outcome.OBSERVED).value
        case None | Nonconformance():
            return "advisory"
        case AssertionError():
            recorder.keep([_accusation(recorder, cited[0], error)])
            return "violated"
        case Flaky() | FlakyStrategyDefinition():
            return "inconclusive"
        case _:
            return "error"


def _accusation(recorder: Recorder, requirement: str, error: AssertionError) -> Verdict:
    """A violation that a case found by a plain assert."""
    evidence = (recorder.exchanges[-1].number,) if recorder.exchanges else ()
    words = _detail(error) or "the assertion of the case does not hold"
    return Verdict(requirement, Outcome.VIOLATED, evidence=evidence, actual=words, symptom="assertion")


def _detail(error: BaseException | None) -> str:
    """The first line of what an exception says."""
    if error is None:
        return ""
    said = str(error)
    return (said.splitlines()[0] if said else type(error).__name__)[:LONGEST_DETAIL]


def _undecided(recorder: Recorder) -> str:
    """Why the case could not be judged, as the first verdict says that could not be made."""
    found = (verdict.actual for verdict in recorder.case_verdicts if verdict.outcome is Outcome.INCONCLUSIVE)
    return next(found, "")[:LONGEST_DETAIL]


def _last(recorder: Recorder) -> str:
    """What the last verdict of the case saw."""
    return recorder.case_verdicts[-1].actual if recorder.case_verdicts else ""
