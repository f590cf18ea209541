"""The requirements that a run did not judge, grouped by reason, each group with what the reader can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.model import CountsAs, Outcome, Sufficing, Why
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from reimage_conformance.model import Assessment


@dataclass(frozen=True, slots=True)
class Remedy:
    """The words for a kind of reason, and what to do about it; if `words` is empty, the reason of the requirement is used."""

    words: str
    advice: str

    def advised(self, enough: Sufficing | None) -> str:
        """The advice, with the number of reimages that would have been enough where it is known."""
        if enough is None:
            return self.advice.format(enough="", number="")
        least = "" if enough.exact else "at least "
        return self.advice.format(enough=f" to {least}{enough.max_reimages}", number=f" {enough.max_reimages}")


REMEDIES = {
    Why.BUDGET: Remedy(
        "the run had sent all reimages that it may send",
        "raise max_reimages{enough} under [limits] in the target file, or give --max-reimages{number}",
    ),
    Why.UNLISTED: Remedy(
        "what they address may exist and is not listed, so that it was not touched",
        "set complete = true under [target] if nothing exists beside what the target file lists",
    ),
    Why.NOT_CHOSEN: Remedy(
        "the chosen --profile or selection leaves them out", "choose a larger --profile, or select more cases"
    ),
    Why.PROFILE: Remedy("the chosen --profile leaves them out", "choose a larger --profile"),
    Why.CUT_SHORT: Remedy("the run was cut short", "run again, or go on with --resume"),
    Why.OWN_REQUEST: Remedy(
        "another request of this run may have had the effect",
        "run again, with connections = 1 under [limits] if it stays so",
    ),
    Why.NO_CONTROL: Remedy(
        "no valid request of the same kind was accepted, so that a refusal proves nothing",
        "mend the first finding, or check the addresses and certificates in the target file with preflight",
    ),
    Why.BUSY: Remedy(
        "the endpoint was busy", "run again when it is less busy, or set requests_per_second under [limits]"
    ),
    Why.NO_FAILURE: Remedy(
        "no reimage ended Failed",
        "list an instance whose reimage fails under failing_role_instances, if there is one",
    ),
    Why.ONE_INSTANCE: Remedy("the target lists a single role instance", "list a second one under role_instances"),
    Why.NOT_READY: Remedy("", "bring it to ReadyRole, then run again"),
    Why.NO_REPLY: Remedy(
        "the endpoint gave no answer",
        "see that it is up; raise request_timeout_seconds under [limits] if it is slow",
    ),
    Why.NO_END: Remedy(
        "no earlier operation reached Succeeded or Failed",
        "mend the finding about operations; raise operation_timeout_seconds under [limits] if reimages take longer",
    ),
}
"""The words and the advice for each kind of reason. A kind that is not here has no advice, and the requirement's own reason is used."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Requirements that were not judged for the same reason.

    `outcome` is inconclusive or untested; `counting` is how many of them count as FAIL.
    """

    outcome: Outcome
    reason: str
    advice: str
    requirements: tuple[str, ...]
    counting: int

    @property
    def sentence(self) -> str:
        """How many, why, and what to do."""
        text = f"{counted(len(self.requirements), 'requirement')} {self.outcome.value}: {self.reason}"
        return f"{text}; {self.advice}" if self.advice else text


def unjudged(assessment: Assessment) -> list[Unjudged]:
    """The requirements that are inconclusive or untested, by reason; first the reason with the most that count as FAIL."""
    enough = assessment.sufficing
    groups: dict[tuple[Outcome, str, str], list[tuple[str, bool]]] = {}
    for result in assessment.of_outcome(Outcome.INCONCLUSIVE, Outcome.UNTESTED):
        remedy = REMEDIES.get(result.why, Remedy("", ""))
        reason, advice = remedy.words or result.reason or "the run did not say why", remedy.advised(enough)
        if assessment.run.capture:
            advice = ""
        member = (result.requirement.id, result.counts_as is CountsAs.FAIL)
        groups.setdefault((result.outcome, reason, advice), []).append(member)
    found = [
        Unjudged(outcome, reason, advice, tuple(name for name, _ in members), sum(counts for _, counts in members))
        for (outcome, reason, advice), members in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.counting, -len(each.requirements), each.reason))
