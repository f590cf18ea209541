"""Tries violations again that may depend on timing: after the last case has ended, and before the run ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.assessment import assess
from reimage_conformance.assessment.tries import TRIED
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.choosing import story_of_findings
from reimage_conformance.errors import ReportError
from reimage_conformance.journal import Journal, read_journal
from reimage_conformance.model import CountsAs, Outcome, Profile
from reimage_conformance.replay.comparing import Answer, compared
from reimage_conformance.report.results import results
from reimage_conformance.session.again import try_again
from reimage_conformance.session.scheduler import cause_of
from reimage_conformance.session.thresholds import (
    LEAST_TRYING_SECONDS,
    MAX_FINDINGS_TRIED_AGAIN,
    MAX_STEPS_OF_A_TRY,
    MAX_TRYING_SHARE,
    MAX_VERDICTS_COMPARED,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.pytest_plugin.options import Plan
    from reimage_conformance.session.again import Attempt
    from reimage_conformance.session.cases import Case
    from reimage_conformance.session.sut import SystemUnderTest

REFUSAL = "refusal"
"""The label of a request that ought to be refused."""


@dataclass(slots=True)
class Retried:
    """A finding, as in results.json, how often it was tried and seen, and whether to go on trying (`goes_on`).

    A try repeats only the part of the finding that is `cheapest` to repeat. When that part has not shown the violation, the next tries
    repeat everything that the finding rests on (`is_whole`).
    """

    finding: Mapping[str, Any]
    cheapest: Mapping[str, Any]
    tried: int = 1
    seen: int = 1
    is_whole: bool = False
    goes_on: bool = True

    @property
    def repeated(self) -> Mapping[str, Any]:
        """What the next try repeats."""
        return self.finding if self.is_whole else self.cheapest

    def count(self, answer: Answer) -> None:
        """Counts a try with this answer.

        A part that did not show the violation is not counted, and the whole is tried next. A whole is counted if it showed the
        violation, or clearly did not. Any other answer ends the tries.
        """
        if answer is Answer.AGAIN:
            self.tried, self.seen = self.tried + 1, self.seen + 1
        elif not self.is_whole:
            self.is_whole = True
        elif answer is Answer.MENDED:
            self.tried += 1
        else:
            self.goes_on = False


async def retry_violations(sut: SystemUnderTest, cases: Sequence[Case], journal: Path, plan: Plan) -> None:
    """Tries violations again that may depend on timing, and notes in the journal how often each finding was seen.

    It does nothing if there is no such violation, if the run is hindered, or if a request may have done harm. An error here is
    noted, and does not change the verdicts of the run. Raises ReportError if the journal cannot be written.
    """
    if not (_may_try(sut, plan) and any(map(_may_depend_on_timing, sut.recorder.verdicts))):
        return
    try:
        retried = await _retried(sut, cases, read_journal(journal), plan)
    except Exception as error:  # the run itself has ended well
        cause = cause_of(error)
        if isinstance(cause, ReportError):
            raise cause from error
        text = f"Violations were not tried again, because of a defect of the suite: {type(cause).__name__}: {cause}."
        sut.recorder.note("note", text=text)
        return
    for each in retried:
        if each.tried > 1:
            sut.recorder.note(TRIED, requirement=each.finding["requirement"], tried=each.tried, seen=each.seen)


def _may_try(sut: SystemUnderTest, plan: Plan) -> bool:
    """Whether violations may be tried again.

    They are not in a smoke run or a resumed one; nor where the endpoint did not keep up, an operation is under way, an instance did
    not come back, a request may have done harm, or the budget is spent.
    """
    hindered = bool(sut.sender.given_up or sut.sender.lanes.reasons or sut.operations.hopeless)
    unsettled = bool(sut.guard.may_have_done_harm or sut.operations.under_way or sut.instances.waits_no_more)
    is_full = plan.profile is not Profile.SMOKE and plan.resume is None
    return plan.tries > 1 and is_full and not hindered and not unsettled and not sut.budget.is_spent


def _may_depend_on_timing(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.VIOLATED and CATALOGUE[verdict.requirement].timing


async def _retried(sut: SystemUnderTest, cases: Sequence[Case], journal: Journal, plan: Plan) -> list[Retried]:
    """The findings that may depend on timing, each tried again as often as plan, time and budget allow."""
    # The assessment needs this event, which the run writes only at its end.
    journal.events.append({"type": "offers", "offers": sut.instances.offers})
    found = results(assess(journal, sut.recorder.made))
    time_dependent = [each for each in found["findings"] if _may_be_tried_again(each)][:MAX_FINDINGS_TRIED_AGAIN]
    retried = [Retried(each, _cheapest(each, sut.recorder.verdicts, journal.exchanges)) for each in time_dependent]
    began = sut.elapsed_seconds()
    longest = max(MAX_TRYING_SHARE * began, LEAST_TRYING_SECONDS)
    until = min(began + longest, plan.max_seconds or float("inf"))
    expected_seconds = sut.operations.longest_seconds or 0.0
    for number in range(1, plan.tries + 1):  # one more than needed: a try of a part may not be counted
        left = [each for each in retried if each.goes_on and each.tried < plan.tries]
        if not left or sut.budget.is_spent or sut.elapsed_seconds() + expected_seconds > until:
            break
        choice = story_of_findings([each.repeated for each in left], journal.exchanges)
        chosen = [case for case in cases if choice.wants(case.id, case.requirements)]
        since = sut.elapsed_seconds()
        may_start = at_most(MAX_STEPS_OF_A_TRY, choice.may_start)
        attempt = await try_again(sut, chosen, may_start, number=number, seconds=until - since) if chosen else None
        if attempt is None:
            break
        expected_seconds = sut.elapsed_seconds() - since
        for each, answer in zip(left, _answers(left, journal, attempt), strict=True):
            each.count(answer)
    return retried


def at_most(most: int, may_start: Callable[[tuple[str, ...]], bool]) -> Callable[[tuple[str, ...]], bool]:
    """Limits `may_start` to `most` steps: gives a function that allows the first ones that `may_start` allows, and no more."""
    left = most

    def allowed(names: tuple[str, ...]) -> bool:
        nonlocal left
        is_allowed = left > 0 and may_start(names)
        left -= is_allowed
        return is_allowed

    return allowed


def _may_be_tried_again(finding: Mapping[str, Any]) -> bool:
    return finding["counts_as"] == CountsAs.FAIL and CATALOGUE[finding["requirement"]].timing


def _cheapest(
    finding: Mapping[str, Any], verdicts: Sequence[Verdict], exchanges: Mapping[int, Exchange]
) -> Mapping[str, Any]:
    """The finding with one of its verdicts only: the one that takes the fewest reimages to see again."""
    bad = [v for v in verdicts if v.requirement == finding["requirement"] and v.outcome is Outcome.VIOLATED and v.case]
    each_alone = [
        {**finding, "cases": [v.case], "evidence": numbers, "deciding": numbers}
        for v in bad[:MAX_VERDICTS_COMPARED]
        if (numbers := _evidence_of(v, exchanges))
    ]
    return min(each_alone, key=lambda alone: _reimages_of(alone, exchanges), default=finding)


def _evidence_of(verdict: Verdict, exchanges: Mapping[int, Exchange]) -> list[int]:
    """The exchanges that a verdict rests on; only the bad requests if there are some, since their case makes the looks for effects itself."""
    bad = [number for number in verdict.evidence if number in exchanges and exchanges[number].label == REFUSAL]
    return bad or [number for number in verdict.evidence if number in exchanges]


def _reimages_of(finding: Mapping[str, Any], exchanges: Mapping[int, Exchange]) -> int:
    """How many reimages of the campaign it may take to see a finding again."""
    steps = story_of_findings([finding], exchanges).steps
    return len(exchanges) if steps is None else len(steps)


def _answers(retried: Sequence[Retried], journal: Journal, attempt: Attempt) -> list[Answer]:
    """What an attempt says of each finding; its refusals are compared with the accepted reimages of the run too."""
    both = replace(journal, exchanges=journal.exchanges | attempt.exchanges, cases=attempt.cases, observations=[])
    again = results(assess(both, attempt.verdicts))
    now = Journal(journal.header, attempt.exchanges, attempt.verdicts, cases=attempt.cases)
    return [compared(each.repeated, journal.exchanges, again, now).answer for each in retried]
