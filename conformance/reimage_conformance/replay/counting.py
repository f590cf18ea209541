"""Counting how what failed in a run comes out in later runs of what judges it; sends nothing."""

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
"""The requirement is met, but what saw it violated was not judged or not sent again."""
_AS_VIOLATED = (VIOLATED, "known")
_JUDGED = (Outcome.MET.value, Outcome.ADVISORY.value, Outcome.OBSERVED.value)


@dataclass(frozen=True, slots=True)
class Again:
    """How a requirement came out in one later run, and why where that run could not judge it."""

    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """A requirement that failed in a run, what was said of it there, and how it came out in each later run, in order."""

    requirement: str
    headline: str
    again: tuple[Again, ...]

    @property
    def violations(self) -> int:
        """The number of later runs in which it was violated."""
        return sum(each.outcome == VIOLATED for each in self.again)

    @property
    def counted(self) -> str:
        """How often it came out how, as in "1 of 3 violated, 2 met"."""
        others = Counter(each.outcome for each in self.again if each.outcome != VIOLATED)
        words = [f"{self.violations} of {len(self.again)} {VIOLATED}"]
        return ", ".join([*words, *(f"{number} {outcome}" for outcome, number in others.items())])

    @property
    def answer(self) -> Answer:
        """Seen again where one run saw it violated, else unknown where one run could not judge it, else mended."""
        if self.violations:
            return Answer.AGAIN
        return Answer.MENDED if all(each.outcome in _JUDGED for each in self.again) else Answer.UNKNOWN


def again_in(
    row: Mapping[str, Any],
    found: Mapping[str, Any],
    then: Mapping[int, Exchange],
    results: Mapping[str, Any],
    now: Journal,
) -> Again:
    """How the requirement of `row` came out in the run with these `results` and the journal `now`.

    `row` belongs to the requirements in `found`, the results of the run where it failed; `then` has the exchanges of that run.
    """
    result = next((each for each in results["requirements"] if each["id"] == row["id"]), None)
    if result is None:
        return Again(Outcome.UNTESTED.value, "it is no requirement of this version")
    outcome = result["outcome"]
    if outcome in _AS_VIOLATED:
        return Again(VIOLATED)
    if outcome not in _JUDGED:
        return Again(outcome, result["reason"] or "nothing judged it")
    if outcome != Outcome.MET.value or row["outcome"] not in _AS_VIOLATED:
        return Again(outcome)
    comparisons = (compared(each, then, results, now) for each in _findings(row, found))
    left = next((each.reason for each in comparisons if each.answer is Answer.UNKNOWN), "")
    return Again(NOT_REPEATED, left) if left else Again(outcome)


def _findings(row: Mapping[str, Any], found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings about the requirement of `row`; one made of its evidence where another finding explains the violation."""
    alone = {"requirement": row["id"], "expected": "", "actual": "", "cases": [], "evidence": row["evidence"]}
    return [each for each in found["findings"] if each["requirement"] == row["id"]] or [alone]


def reasons_of(tallies: Sequence[Tally]) -> Iterator[str]:
    """Why later runs could not judge requirements, in lines: each reason once, with the requirements that it holds for."""
    held: dict[tuple[str, str], list[str]] = {}
    for tally in tallies:
        for each in dict.fromkeys(tally.again):
            if each.reason:
                held.setdefault((each.outcome, each.reason), []).append(tally.requirement)
    yield from (f"{outcome}: {', '.join(names)}: {reason}" for (outcome, reason), names in held.items())
