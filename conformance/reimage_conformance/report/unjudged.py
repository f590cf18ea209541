"""What a run left unjudged: the reasons in groups, each with how many requirements it concerns and what the reader can do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.model import CountsAs, Outcome
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from reimage_conformance.model import Assessment, Sufficing


@dataclass(frozen=True, slots=True)
class Remedy:
    """A kind of reason: how it is recognised, what it says, and what to do; an empty `words` leaves the reason as it is."""

    form: re.Pattern[str]
    words: str
    advice: str

    def advised(self, enough: Sufficing | None) -> str:
        """The advice, with the number of reimages that would have been enough where it is known."""
        if enough is None:
            return self.advice.format(enough="", number="")
        least = "" if enough.exact else "at least "
        return self.advice.format(enough=f" to {least}{enough.max_reimages}", number=f" {enough.max_reimages}")


def _remedy(form: str, words: str, advice: str) -> Remedy:
    return Remedy(re.compile(form), words, advice)


REMEDIES = (
    _remedy(
        r"budget of reimages is spent|max_reimages leaves no room|enough requests that break",
        "the budget of reimages was spent",
        "raise max_reimages{enough} under [limits] in the target file, or give --max-reimages{number}",
    ),
    _remedy(
        r"may exist, and is not listed",
        "what they address may exist and is not listed, so that it was not touched",
        "set complete = true under [target] if nothing exists beside what the target file lists",
    ),
    _remedy(r"^profile, selection or budget left it out$", "no case that judges this was chosen", "choose a larger --profile, or select more cases"),
    _remedy(r"this profile|in profile|nightly", "the profile leaves them out", "choose a larger --profile"),
    _remedy(r"cut short|ended before", "the run was cut short", "run again, or go on with --resume"),
    _remedy(
        r"^our own re",
        "another request of this run may have had the effect",
        "run again, with connections = 1 under [limits] if it stays so",
    ),
    _remedy(
        r"no well-formed request of this kind was accepted|no plain request to this deployment|refused in the same way",
        "no sound request of the same kind was accepted, so that a refusal shows nothing",
        "mend the first finding, or check the addresses and certificates in the target file with preflight",
    ),
    _remedy(
        r"was busy|\b(?:429|503)\b",
        "the endpoint was busy",
        "run again when it is less busy, or set requests_per_second under [limits]",
    ),
    _remedy(
        r"no operation (?:ended )?Failed|reimage of a failing role instance",
        "no reimage ended Failed",
        "list an instance whose reimage fails under failing_role_instances, if there is one",
    ),
    _remedy(r"one role instance", "the target lists a single role instance", "list a second one under role_instances"),
    _remedy(r" was \w+ before the reimage$", "", "bring it to ReadyRole, then run again"),
    _remedy(
        r"no complete reply|never answered|no poll was answered|got no reply|got no answer",
        "the endpoint gave no answer",
        "see that it is up; raise request_timeout_seconds under [limits] if it is slow",
    ),
    _remedy(
        r"neither Succeeded nor Failed|no operation (?:that )?(?:ended|Succeeded)|no reimage that succeeded|no poll showed",
        "no earlier operation reached Succeeded or Failed",
        "mend the finding about operations; raise operation_timeout_seconds under [limits] if reimages take longer",
    ),
    _remedy(r"^no response of the run was of this kind$", "", "nothing to do: the endpoint sent none that it applies to"),
)  # fmt: skip
"""The kinds of reason that tell a reader what to do; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Requirements that were not judged for one reason; `outcome` is inconclusive or untested, `counting` how many of them count as FAIL."""

    outcome: Outcome
    reason: str
    advice: str
    requirements: tuple[str, ...]
    counting: int

    @property
    def sentence(self) -> str:
        """How many, why, and what to do."""
        told = f"{counted(len(self.requirements), 'requirement')} {self.outcome.value}: {self.reason}"
        return f"{told}; {self.advice}" if self.advice else told


def unjudged(assessment: Assessment) -> list[Unjudged]:
    """What is inconclusive or untested, by reason: what keeps most from being judged that counts as FAIL first."""
    enough = assessment.sufficing
    groups: dict[tuple[Outcome, str, str], list[tuple[str, bool]]] = {}
    for result in assessment.of_outcome(Outcome.INCONCLUSIVE, Outcome.UNTESTED):
        reason, advice = _explained(result.reason or "the run did not say why", enough)
        if assessment.run.capture:
            advice = ""
        member = (result.requirement.id, result.counts_as is CountsAs.FAIL)
        groups.setdefault((result.outcome, reason, advice), []).append(member)
    found = [
        Unjudged(outcome, reason, advice, tuple(name for name, _ in members), sum(counts for _, counts in members))
        for (outcome, reason, advice), members in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.counting, -len(each.requirements), each.reason))


def _explained(reason: str, enough: Sufficing | None) -> tuple[str, str]:
    """A reason in the words of its kind, and what to do; the reason itself where it is of no kind that is known."""
    for remedy in REMEDIES:
        if remedy.form.search(reason):
            return remedy.words or reason, remedy.advised(enough)
    return reason, ""
