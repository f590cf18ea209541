"""Counts, over later runs of the same cases, the outcomes of requirements that failed in a run; sends nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reimage_conformance.model import Outcome
from reimage_conformance.replay.comparing import Answer, compared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange

VIOLATED = Outcome.VIOLATED.value
NOT_REPEATED = "not repeated"
"""The outcome of a met requirement if a case that had found it violated was not judged or did not send its request again."""
_AS_VIOLATED = (VIOLATED, Outcome.KNOWN.value)
_JUDGED = (Outcome.MET.value, Outcome.ADVISORY.value, Outcome.OBSERVED.value)


@dataclass(frozen=True, slots=True)
class LaterOutcome:
    """The outcome of a requirement in one later run; `reason` says why that run could not judge it."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """A requirement that failed in a run, its headline there, and its outcomes in the later runs, in order."""

    requirement: str
    headline: str
    later: tuple[LaterOutcome, ...]

    @property
    def violations(self) -> int:
        """The number of later runs in which it was violated."""
        return sum(each.outcome == VIOLATED for each in self.later)

    @property
    def counted(self) -> str:
        """How often it had each outcome, as in "1 of 3 violated, 2 met"."""
        others = Counter(each.outcome for each in self.later if each.outcome != VIOLATED)
        words = [f"{self.violations} of {len(self.later)} {VIOLATED}"]
        return ", ".join([*words, *(f"{number} {outcome}" for outcome, number in others.items())])

    @property
    def answer(self) -> Answer:
        """AGAIN if a later run found it violated, else UNKNOWN if one could not judge it, else MENDED."""
        if self.violations:
            return Answer.AGAIN
        return Answer.MENDED if all(each.outcome in _JUDGED for each in self.later) else Answer.UNKNOWN


def later_outcome(
    row: Mapping[str, Any],
    found: Mapping[str, Any],
    then: Mapping[int, Exchange],
    results: Mapping[str, Any],
    now: Journal,
) -> LaterOutcome:
    """The outcome of the requirement of `row` in the run with these `results` and the journal `now`.

    `row` is one of the requirements in `found`, the results of the run where it failed; `then` has the exchanges of that run.
    """
    result = next((each for each in results["requirements"] if each["id"] == row["id"]), None)
    if result is None:
        return LaterOutcome(Outcome.UNTESTED.value, "it is no requirement of this version")
    outcome = result["outcome"]
    if outcome in _AS_VIOLATED:
        return LaterOutcome(VIOLATED)
    if outcome not in _JUDGED:
        return LaterOutcome(outcome, result["reason"] or "nothing judged it")
    if outcome != Outcome.MET.value or row["outcome"] not in _AS_VIOLATED:
        return LaterOutcome(outcome)
    comparisons = (compared(each, then, results, now) for each in _findings(row, found))
    reason = next((each.reason for each in comparisons if each.answer is Answer.UNKNOWN), "")
    return LaterOutcome(NOT_REPEATED, reason) if reason else LaterOutcome(outcome)


def _findings(row: Mapping[str, Any], found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings about the requirement of `row`; if another finding explains the violation, one that is made of its evidence."""
    alone = {"requirement": row["id"], "expected": "", "actual": "", "cases": [], "evidence": row["evidence"]}
    return [each for each in found["findings"] if each["requirement"] == row["id"]] or [alone]


def reasons_of(tallies: Sequence[Tally]) -> Iterator[str]:
    """The reasons why later runs could not judge requirements, as lines: each reason once, with all its requirements."""
    names_by_reason: dict[tuple[str, str], list[str]] = {}
    for tally in tallies:
        for each in dict.fromkeys(tally.later):
            if each.reason:
                names_by_reason.setdefault((each.outcome, each.reason), []).append(tally.requirement)
    yield from (f"{outcome}: {', '.join(names)}: {reason}" for (outcome, reason), names in names_by_reason.items())
