"""The requirements that a run did not judge, grouped by reason, each group with what the reader can do about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.model import CountsAs, Outcome, Sufficing, Why
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.model import Assessment

NOT_JUDGED = (Outcome.INCONCLUSIVE, Outcome.UNTESTED)
"""The outcomes of requirements that the run left without a judgement, although they apply to the target."""
REASON_LIMIT = 3
"""Reasons that one sentence names; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """The words for a kind of reason, and what to do about it; if `words` is empty, the reason of the requirement is used.

    In `advice`, {sufficing} is the max_reimages that would have been enough, and {to_sufficing} the same after "to"; "" if it is not known.
    """

    words: str
    advice: str

    def advised(self, sufficing: Sufficing | None) -> str:
        """The advice, with the number of reimages that would have been enough where it is known."""
        if sufficing is None:
            return self.advice.format(to_sufficing="", sufficing="")
        number = f"{'' if sufficing.exact else 'at least '}{sufficing.max_reimages}"
        return self.advice.format(to_sufficing=f" to {number}", sufficing=f" {sufficing.max_reimages}")


REMEDIES = {
    Why.BUDGET: Remedy(
        "the run had sent all reimages that it may send",
        "raise max_reimages{to_sufficing} under [limits] in the target file, or give --max-reimages{sufficing}",
    ),
    Why.UNLISTED: Remedy(
        "their requests were not sent, since what these address may exist and is not listed",
        "set complete = true under [target] if nothing exists except what the target file lists",
    ),
    # The reason of the requirement is "left out by" and the option, as `assessment.assess` makes it.
    Why.NOT_CHOSEN: Remedy("", "choose them too, or leave that option out"),
    Why.PROFILE: Remedy("left out by --profile {profile}", "choose a larger --profile"),
    Why.OUT_OF_TIME: Remedy(
        "", "raise --max-minutes, or go on with `run TARGET --resume DIR`, where DIR is the report folder"
    ),
    Why.CUT_SHORT: Remedy("the run was cut short", "run again, or go on with --resume"),
    Why.OWN_REQUEST: Remedy(
        "another request of this run may have caused what was seen",
        "run again, with connections = 1 under [limits] if it stays so",
    ),
    Why.NO_CONTROL: Remedy(
        "no valid request of the same kind was accepted, so that a refusal proves nothing",
        "fix the first finding, or check the addresses and certificates in the target file with preflight",
    ),
    Why.BUSY: Remedy(
        "the endpoint was busy", "run again when it is less busy, or set requests_per_second under [limits]"
    ),
    Why.NO_FAILURE: Remedy(
        "no reimage ended Failed",
        "list an instance whose reimage fails under failing_role_instances, if there is one",
    ),
    Why.ONE_INSTANCE: Remedy("the target lists a single role instance", "list a second one under role_instances"),
    Why.NOT_READY: Remedy("", "bring the instance to ReadyRole, then run again"),
    Why.NO_REPLY: Remedy(
        "the endpoint gave no answer",
        "see that it is up; raise request_timeout_seconds under [limits] if it is slow",
    ),
    Why.NO_END: Remedy(
        "no earlier operation reached Succeeded or Failed",
        "fix the finding about operations; raise operation_timeout_seconds under [limits] if reimages take longer",
    ),
}
"""The words and the advice for each kind of reason. A kind that is not here has no advice, and the requirement's own reason is used."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Requirements that were not judged for the same reason.

    `outcome` is inconclusive or untested; `gating_count` is how many of them count as FAIL.
    """

    outcome: Outcome
    reason: str
    advice: str
    requirements: tuple[str, ...]
    gating_count: int

    @property
    def sentence(self) -> str:
        """How many, why, and what to do."""
        text = f"{counted(len(self.requirements), 'requirement')} {self.outcome.value}: {self.reason}"
        return f"{text}; {self.advice}" if self.advice else text


@dataclass(frozen=True, slots=True)
class _Row:
    """A requirement that was not judged; `is_gating` says that it counts as FAIL."""

    name: str
    outcome: Outcome
    reason: str
    why: Why
    is_gating: bool


def unjudged(assessment: Assessment) -> list[Unjudged]:
    """The requirements that are inconclusive or untested, by reason; first the reason with the most that count as FAIL."""
    rows = [
        _Row(r.requirement.id, r.outcome, r.reason, r.why, r.counts_as is CountsAs.FAIL)
        for r in assessment.of_outcome(*NOT_JUDGED)
    ]
    groups = _grouped(rows, assessment.run.profile.value, assessment.sufficing)
    return [replace(each, advice="") for each in groups] if assessment.run.capture else groups


def why_untested(assessment: Assessment) -> str:
    """Why the untested requirements that count as FAIL are untested, the commonest reason first; "" where there are none."""
    return _untested_words(unjudged(assessment))


def why_untested_in(results: Mapping[str, Any]) -> str:
    """The same for a run of which there are only the results."""
    rows = [
        _Row(r["id"], Outcome(r["outcome"]), r["reason"], Why(r.get("why", "")), r["counts_as"] == CountsAs.FAIL)
        for r in results["requirements"]
        if r["outcome"] in NOT_JUDGED
    ]
    return _untested_words(_grouped(rows, results["run"]["profile"], None))


def _grouped(rows: Iterable[_Row], profile: str, sufficing: Sufficing | None) -> list[Unjudged]:
    groups: dict[tuple[Outcome, str, str], list[_Row]] = {}
    for row in rows:
        remedy = REMEDIES.get(row.why, Remedy("", ""))
        reason = remedy.words.format(profile=profile) or row.reason or "the run did not say why"
        groups.setdefault((row.outcome, reason, remedy.advised(sufficing)), []).append(row)
    found = [
        Unjudged(outcome, reason, advice, tuple(row.name for row in members), sum(row.is_gating for row in members))
        for (outcome, reason, advice), members in groups.items()
    ]
    return sorted(found, key=lambda each: (-each.gating_count, -len(each.requirements), each.reason))


def _untested_words(groups: Iterable[Unjudged]) -> str:
    """The reasons of the groups with untested requirements that count as FAIL; with the number of each where there are several."""
    gating = [each for each in groups if each.outcome is Outcome.UNTESTED and each.gating_count]
    if len(gating) < 2:
        return "".join(each.reason.removesuffix(".") for each in gating)
    words = [f"{each.reason.removesuffix('.')} ({each.gating_count})" for each in gating[:REASON_LIMIT]]
    rest = sum(each.gating_count for each in gating[REASON_LIMIT:])
    return ", ".join([*words, *([f"other reasons ({rest})"] if rest else [])])
