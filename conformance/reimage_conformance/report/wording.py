"""Words and sentences about outcomes and verdicts; all reports take them from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.model import CountsAs, Outcome, RunVerdict, Strictness, Subject
from reimage_conformance.quantities import counted
from reimage_conformance.report.unjudged import why_untested

if TYPE_CHECKING:
    from reimage_conformance.model import Assessment, CaseRecord, Finding, Preflight, RequirementResult

CHECK = "check"
"""The level of an answer of the preflight that shows a mistake in the target file or the endpoint."""

OUTCOME_WORDS = {
    Outcome.VIOLATED: "violated",
    Outcome.KNOWN: "known violation",
    Outcome.ADVISORY: "advisory",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.MET: "met",
    Outcome.OBSERVED: "observed",
    Outcome.UNTESTED: "untested",
    Outcome.NOT_APPLICABLE: "not applicable",
}
"""Every outcome in the order in which reports list them: what needs attention first."""


def counted_outcome(number: int, outcome: Outcome) -> str:
    """How many requirements ended in an outcome, as in "2 known violations" or "2 met"."""
    words = OUTCOME_WORDS[outcome]
    return counted(number, words) if outcome is Outcome.KNOWN else f"{number} {words}"


OUTCOME_MEANINGS = {
    Outcome.VIOLATED: "the endpoint broke it",
    Outcome.KNOWN: "the endpoint broke it, and the baseline expects that",
    Outcome.ADVISORY: "the endpoint departs from it, which does not fail the run",
    Outcome.INCONCLUSIVE: "it could not be judged: something that must hold first did not hold",
    Outcome.MET: "there is evidence that the endpoint keeps it",
    Outcome.OBSERVED: "the documents leave it open; what the endpoint does is recorded",
    Outcome.UNTESTED: "an option leaves it out, or the target, max_reimages under [limits] or --max-minutes left no room for it",
    Outcome.NOT_APPLICABLE: "the target does not offer what it is about, or it binds the caller",
}
"""What each outcome says about a requirement, in the reports about an endpoint."""

VERDICT_WORDS = {
    RunVerdict.NONCONFORMANT: "Nonconformant",
    RunVerdict.INCOMPLETE: "Incomplete",
    RunVerdict.PARTIAL: "Partial",
    RunVerdict.CONFORMANT: "Conformant",
}


OUTDATED = "Baseline outdated"
"""The verdict of a run without a violation whose baseline lists what no longer holds; in results.json it is nonconformant."""


def verdict_words(assessment: Assessment) -> str:
    """The verdict of a run in words."""
    return OUTDATED if _is_outdated(assessment) else VERDICT_WORDS[assessment.verdict]


def _is_outdated(assessment: Assessment) -> bool:
    return assessment.verdict is RunVerdict.NONCONFORMANT and not assessment.counts()["violated"]


def verdict_sentence(assessment: Assessment) -> str:
    """The reason of the run's verdict in one sentence."""
    counts = assessment.counts()
    if assessment.verdict is RunVerdict.NONCONFORMANT:
        return _nonconformant(assessment, counts)
    if assessment.verdict is RunVerdict.INCOMPLETE:
        return _incomplete(assessment)
    if assessment.verdict is RunVerdict.PARTIAL:
        left = _gating(assessment, Outcome.UNTESTED)
        why = _why_left_out(assessment)
        return f"No violation was seen: {_share_met(assessment)}; {left} {_were(left)} not judged{why}."
    known = f", besides {counted(counts['known'], 'known violation')} in the baseline" if counts["known"] else ""
    met = counted(_gating(assessment, Outcome.MET), "requirement")
    bound = "a client" if assessment.run.subject is Subject.CLIENT else "this target"
    return f"Everything that must hold for {bound} is met: {met}{known}."


def _why_left_out(assessment: Assessment) -> str:
    if assessment.run.subject is Subject.CLIENT:
        return ", because nothing that was recorded of the client shows them"
    return ", because the capture does not show them" if assessment.run.capture else f": {why_untested(assessment)}"


def outcome_meanings(subject: Subject) -> dict[str, str]:
    """What each outcome means in the reports about `subject`, by the outcome."""
    meanings = dict(OUTCOME_MEANINGS)
    if subject is Subject.CLIENT:
        meanings = {outcome: words.replace("the endpoint", "the client") for outcome, words in meanings.items()}
        meanings[Outcome.UNTESTED] = "nothing that was recorded of the client shows it"
        meanings[Outcome.NOT_APPLICABLE] = "it is about something that this session does not have, such as TLS"
    return {outcome.value: words for outcome, words in meanings.items()}


def preflight_sentence(preflight: Preflight) -> str:
    """The result of the preflight in one sentence."""
    doubts = sum(level == CHECK for level, _ in preflight.answers)
    result = "nothing in the target file was found wrong"
    if doubts:
        result = f"{counted(doubts, 'answer')} to check in the target file"
    return f"Before the run, {counted(preflight.requests, 'request')} asked about the target file: {result}."


def duration_words(seconds: float) -> str:
    """A duration as people read it: milliseconds, seconds, or minutes and seconds."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def moment_words(moment: str) -> str:
    """A moment in ISO 8601 as people read it if it is in UTC, else as it is."""
    for zone in ("+00:00", "Z"):
        if moment.endswith(zone):
            return f"{moment.removesuffix(zone).replace('T', ' ')} UTC"
    return moment


def _nonconformant(assessment: Assessment, counts: dict[str, int]) -> str:
    if _is_outdated(assessment):
        return _outdated(assessment)
    violated = {result.requirement.id for result in assessment.of_outcome(Outcome.VIOLATED)}
    causes = sum(1 for finding in assessment.findings if finding.requirement in violated)
    verb = "is" if counts["violated"] == 1 else "are"
    sentence = f"{counted(counts['violated'], 'requirement')} {verb} violated"
    return f"{sentence}: {counted(causes, 'finding')}." if causes else f"{sentence}."


def _outdated(assessment: Assessment) -> str:
    gone, expired = assessment.gone, assessment.expired
    parts = []
    if gone:
        one = gone == 1
        occurs, them = ("occurs", "it") if one else ("occur", "them")
        parts.append(f"the baseline lists {counted(gone, 'violation')} that no longer {occurs}; remove {them}")
    if expired:
        parts.append(
            f"{counted(expired, 'entry', 'entries')} of the baseline {'has' if expired == 1 else 'have'} expired"
        )
    return f"No violation was seen, but {'; '.join(parts) or 'the baseline lists what no longer holds'}."


def _incomplete(assessment: Assessment) -> str:
    if assessment.hindrance:
        met = any(result.outcome is Outcome.MET for result in assessment.requirements)
        return _ended(f"{'Not everything' if met else 'Nothing'} could be judged: {assessment.hindrance}")
    blind = _gating(assessment, Outcome.INCONCLUSIVE)
    if assessment.run.interrupted and not blind:
        return "No violation was seen before the run was cut short."
    required = _required_besides(assessment)
    parts = [f"{counted(blind, 'requirement')} that must hold"] if blind else []
    parts += [f"{counted(len(required), 'requirement')} that --require names"] if required else []
    sentence = f"No violation was seen, but {' and '.join(parts) or 'not everything'} could not be judged"
    left = _gating(assessment, Outcome.UNTESTED) - sum(each.outcome is Outcome.UNTESTED for each in required)
    more = f", and {left} {_were(left)} left out" if left else ""
    return f"{sentence}{more}; {_share_met(assessment)}."


def _ended(sentence: str) -> str:
    """`sentence` with a full stop, unless it ends as a question or a sentence already."""
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def _required_besides(assessment: Assessment) -> list[RequirementResult]:
    """The requirements that --require names and that were not judged, without those that are inconclusive and count as FAIL."""
    missed = [each for each in assessment.requirements if each.requirement.id in assessment.missed]
    return [r for r in missed if not (r.outcome is Outcome.INCONCLUSIVE and r.counts_as is CountsAs.FAIL)]


def missed_sentence(assessment: Assessment) -> str:
    """The sentence about requirements that had to be judged (--require) and were not, each with the reason; "" for none."""
    reasons = {result.requirement.id: result.reason for result in assessment.requirements}
    named = [f"{name} ({reasons[name]})" if reasons[name] else name for name in assessment.missed]
    return f"{REQUIRED_NOTE}, and not judged: {'; '.join(named)}." if named else ""


REQUIRED_NOTE, BASELINE_NOTE = "Required by --require", "The baseline entry for"
"""The beginnings of the notes that alone may decide how a run ends."""


def deciding_notes(assessment: Assessment) -> list[str]:
    """The notes on what fails a run although no finding does."""
    return [note for note in assessment.notes if note.startswith((REQUIRED_NOTE, BASELINE_NOTE))]


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _share_met(assessment: Assessment) -> str:
    """How many of the judged requirements that count as FAIL are met; known violations count as judged and not met."""
    met = _gating(assessment, Outcome.MET)
    judged = met + _gating(assessment, Outcome.VIOLATED) + _gating(assessment, Outcome.KNOWN)
    known = _gating(assessment, Outcome.KNOWN)
    besides = f", {known} {'is a known violation' if known == 1 else 'are known violations'}" if known else ""
    return f"{met} of {counted(judged, 'judged requirement')} {'is' if 1 in (met, judged) else 'are'} met{besides}"


def is_known(finding: Finding, assessment: Assessment) -> bool:
    """Whether the baseline expects the violation of a finding."""
    return any(result.requirement.id == finding.requirement for result in assessment.of_outcome(Outcome.KNOWN))


def is_known_case(case: CaseRecord, assessment: Assessment) -> bool:
    """Whether a case is violated, and the baseline expects a violation of every requirement that it is about."""
    known = {result.requirement.id for result in assessment.of_outcome(Outcome.KNOWN)}
    return case.outcome == Outcome.VIOLATED and bool(case.requirements) and known.issuperset(case.requirements)


def may_depend_on_time(finding: Finding) -> bool:
    """Whether a finding may depend on the moment of a request, or on requests at the same time (`timing` in the catalogue)."""
    requirement = CATALOGUE.get(finding.requirement)
    return requirement is not None and requirement.timing


def tries_words(finding: Finding) -> str:
    """In how many of how many tries a finding was seen, "" if it was not tried again."""
    return "" if finding.tries is None else f"seen in {finding.tries.seen} of {finding.tries.tried} tries"


LEVEL_MEANINGS = {
    CountsAs.FAIL: "a violation, which fails the run",
    CountsAs.WARN: "an advisory, which does not fail the run",
    CountsAs.INFO: "recorded, not judged",
}
"""The meaning of a deviation, by what its requirement counts as."""


def strictness_sentence(assessment: Assessment) -> str:
    """For how many requirements a violation counts as FAIL in this run, why, and the option that changes it."""
    failing = sum(1 for result in assessment.requirements if result.counts_as is CountsAs.FAIL)
    share = f"violation counts as FAIL for {failing} of the {counted(len(assessment.requirements), 'requirement')}"
    is_strict = assessment.run.strictness is Strictness.STRICT
    if assessment.run.subject is Subject.CLIENT:
        return (
            f"A {share}, judged strictly or leniently alike. Judged {'strictly' if is_strict else 'leniently'} here; "
            "`check --client` has --strictness, which adds or leaves out advice alone."
        )
    if is_strict:
        return (
            f"Judged strictly: a {share}, among them what is only deduced from the documents. "
            "Judged leniently (--strictness lenient, or strictness under [target]), only what the documents state counts as FAIL."
        )
    return (
        f"Judged leniently: a {share}, those that the documents state. "
        "Judged strictly (--strictness strict, or strictness under [target]), what is deduced from the documents counts as FAIL too."
    )


def _gating(assessment: Assessment, outcome: Outcome) -> int:
    """How many requirements that count as FAIL have this outcome."""
    return sum(1 for result in assessment.of_outcome(outcome) if result.counts_as is CountsAs.FAIL)
