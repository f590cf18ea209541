"""Findings: violations grouped by cause, the likeliest root cause first.

One violation explains another if the other's verdicts name it as a cause, or if it is a prerequisite of the other in
the catalogue and was violated on the same exchanges. A violation that is explained has no finding of its own. Looks
at role instances and the probe see effects by other means than the answers to requests: a prerequisite explains such
a violation only if it was violated on that look itself.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.headlines import headline_of, violation_sentence
from reimage_conformance.model import CountsAs, Finding, OtherSymptom, Outcome
from reimage_conformance.protocol.addresses import Kind, read_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from reimage_conformance.model import Exchange, RequirementResult, Verdict

_LAST = 1 << 30
"""A number greater than that of every exchange, and than every length of a request."""
MAX_EVIDENCE = 24
"""A finding, and each other symptom of its requirement, names at most this many exchanges."""
MAX_OTHER_SYMPTOMS = 6
"""A finding shows at most this many other symptoms of its requirement, the first ones."""
_BAD = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.KNOWN)


@cache
def prerequisites(requirement: str) -> frozenset[str]:
    """Everything that must hold before a requirement can be judged, directly or not."""
    found: set[str] = set()
    for name in ALL_REQUIREMENTS[requirement].requires:
        found |= {name} | prerequisites(name)
    return frozenset(found)


def _named(cause: str, verdicts: Sequence[Verdict]) -> bool:
    """Whether all of `verdicts` name `cause` among their causes."""
    return bool(verdicts) and all(cause in verdict.because for verdict in verdicts)


def _explains(
    cause: str, verdicts: Sequence[Verdict], violated_on: Mapping[str, set[int]], looks: AbstractSet[int]
) -> bool:
    """Whether a violated `cause` explains all of `verdicts`, by name or as a prerequisite on the same exchanges."""
    return bool(verdicts) and all(_explains_one(cause, verdict, violated_on, looks) for verdict in verdicts)


def _explains_one(cause: str, verdict: Verdict, violated_on: Mapping[str, set[int]], looks: AbstractSet[int]) -> bool:
    """Whether a violated `cause` explains one verdict."""
    if cause in verdict.because:
        return True
    return cause in prerequisites(verdict.requirement) and bool(
        violated_on[cause] & _exchanges_to_explain(verdict, looks)
    )


def _exchanges_to_explain(verdict: Verdict, looks: AbstractSet[int]) -> set[int]:
    """The exchanges on which a violated prerequisite explains a verdict.

    They are its evidence, or only the deciding exchange, if that is a look.
    """
    return set(verdict.evidence[:1] if set(verdict.evidence[:1]) & looks else verdict.evidence)


def _explained(bad: Mapping[str, list[Verdict]], looks: AbstractSet[int]) -> dict[str, set[str]]:
    """For each violated requirement, those that it explains directly.

    `looks` holds the numbers of looks at role instances and of probes. If one violation names the other as its cause,
    it does not explain that other one as a prerequisite.
    """
    violated_on = _exchanges_by_requirement(bad)
    return {
        cause: {
            name
            for name, verdicts in bad.items()
            if name != cause
            and _explains(cause, verdicts, violated_on, looks)
            and (_named(cause, verdicts) or not _named(name, bad[cause]))
        }
        for cause in bad
    }


def _exchanges_by_requirement(bad: Mapping[str, list[Verdict]]) -> dict[str, set[int]]:
    """For each violated requirement, the exchanges on which it was violated."""
    return {name: {n for verdict in verdicts for n in verdict.evidence} for name, verdicts in bad.items()}


def _folded(
    roots: dict[str, list[str]], bad: Mapping[str, list[Verdict]], looks: AbstractSet[int]
) -> dict[str, list[str]]:
    """The roots without those that an earlier root explains together with what it explains itself.

    For example, a violation with two possible causes that belong to one finding has no finding of its own. The order
    stays.
    """
    violated_on = _exchanges_by_requirement(bad)
    kept: dict[str, list[str]] = {}
    for name, explained in roots.items():
        for root, explained_by_root in kept.items():
            group = {root, *explained_by_root}
            if all(any(_explains_one(cause, verdict, violated_on, looks) for cause in group) for verdict in bad[name]):
                kept[root] = [*explained_by_root, name, *explained]
                break
        else:
            kept[name] = explained
    return kept


def _explained_in_all(direct: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """For each violated requirement, all that it explains, directly or through others."""
    reached: dict[str, set[str]] = {}
    for cause in direct:
        todo, seen = list(direct[cause]), set()
        while todo:
            name = todo.pop()
            if name not in seen and name != cause:
                seen.add(name)
                todo += direct[name]
        reached[cause] = seen
    return reached


def roots_of(bad: Mapping[str, list[Verdict]], looks: AbstractSet[int] = frozenset()) -> dict[str, list[str]]:
    """The root causes among violated requirements, each with the requirements that it explains, likeliest first.

    Of violations that explain each other, the one that was seen first is the cause; of those seen in the same
    exchange, the one that explains another of them. `looks` holds the numbers of looks at role instances and of
    probes.
    """
    direct = _explained(bad, looks)
    reached = _explained_in_all(direct)
    first = {name: min(v.evidence[0] if v.evidence else _LAST for v in verdicts) for name, verdicts in bad.items()}
    order = list(ALL_REQUIREMENTS)

    def is_advisory(name: str) -> bool:
        return all(verdict.outcome is Outcome.ADVISORY for verdict in bad[name])

    def likelihood(name: str) -> tuple[bool, bool, int, int, int, bool, int]:
        """The key by which violations are sorted, the likeliest root cause first; `circle` holds those that explain each other."""
        has_cause = any(name in others and cause not in reached[name] for cause, others in reached.items())
        circle = {name, *(other for other in reached[name] if name in reached[other])}
        violations = max(len(bad[other]) for other in circle)
        is_second = any(name in others and first[cause] == first[name] for cause, others in direct.items())
        return has_cause, is_advisory(name), -len(reached[name]), -violations, first[name], is_second, order.index(name)

    roots: dict[str, list[str]] = {}
    taken: set[str] = set()
    for name in sorted(bad, key=likelihood):
        if name not in taken:
            roots[name] = sorted(reached[name] - taken - set(roots), key=order.index)
            taken |= {name, *roots[name]}

    def rank(root: str) -> tuple[bool, int, int]:
        return is_advisory(root), -len(roots[root]), -len(bad[root])

    return _folded({root: roots[root] for root in sorted(roots, key=rank)}, bad, looks)


def _is_look(exchange: Exchange) -> bool:
    """Whether an exchange shows role instances: Get Deployment, Get Cloud Service Properties or the probe."""
    return exchange.label == "probe" or read_target(exchange.request.resource).kind in (
        Kind.DEPLOYMENT,
        Kind.CLOUD_SERVICE,
    )


def fingerprint_of(requirement: str, symptom: str) -> str:
    """A stable short name for how a requirement failed, for baselines."""
    return sha256(f"{requirement}|{symptom}".encode()).hexdigest()[:12]


def findings_of(
    verdicts: Sequence[Verdict],
    results: Sequence[RequirementResult],
    exchanges: Mapping[int, Exchange],
) -> list[Finding]:
    """The findings of a run, in order."""
    bad: dict[str, list[Verdict]] = {}
    outcomes = {result.requirement.id: result for result in results}
    for verdict in verdicts:
        if verdict.outcome in _BAD and outcomes[verdict.requirement].outcome in _BAD:
            bad.setdefault(verdict.requirement, []).append(verdict)
    roots = roots_of(bad, frozenset(number for number, each in exchanges.items() if _is_look(each)))
    affected = _affected(roots, bad, verdicts, results)
    return [_finding(name, bad, [*explained, *affected.get(name, [])], exchanges) for name, explained in roots.items()]


def _affected(
    roots: Mapping[str, list[str]],
    bad: Mapping[str, list[Verdict]],
    verdicts: Sequence[Verdict],
    results: Sequence[RequirementResult],
) -> dict[str, list[str]]:
    """Requirements that could not be judged because of a finding, under the first finding that accounts for them."""
    found: dict[str, list[str]] = {}
    because: dict[str, set[str]] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.INCONCLUSIVE:
            because.setdefault(verdict.requirement, set()).update(verdict.because)
    for result in results:
        name = result.requirement.id
        if result.outcome is not Outcome.INCONCLUSIVE:
            continue
        blamed = (because.get(name, set()) | prerequisites(name)) & set(bad)
        for root, explained in roots.items():
            if blamed & {root, *explained}:
                found.setdefault(root, []).append(name)
                break
    return found


def _deciding(verdicts: Sequence[Verdict], exchanges: Mapping[int, Exchange]) -> Verdict:
    """The verdict that a finding shows: the first one if it is a violation without causes, else the one with the shortest request.

    The reason of the requirement is always that of the first verdict (`outcomes`). A finding is an example: where the first verdict is advisory,
    or may be the effect of something else, the shortest request is the simplest one to repeat.
    """
    if verdicts[0].outcome is Outcome.VIOLATED and not verdicts[0].because:
        return verdicts[0]

    def length(verdict: Verdict) -> int:
        exchange = exchanges.get(verdict.evidence[0]) if verdict.evidence else None
        return _LAST if exchange is None else len(exchange.request.wire())

    return min(verdicts, key=length)


def _sentence(verdict: Verdict) -> str:
    """What went wrong in a violation, without what was seen."""
    return violation_sentence(verdict.requirement, verdict.symptom, verdict.actual)


def _other_symptoms(deciding: Verdict, bad: Mapping[str, list[Verdict]]) -> tuple[OtherSymptom, ...]:
    """The violations of one requirement with another sentence than `deciding`: the first of each sentence, with the exchanges of all that share it.

    Violations on the deciding exchanges are left out, and those that another violation explains. `bad` has the violations of each requirement.
    """
    by_sentence: dict[str, list[Verdict]] = {}
    for verdict in bad[deciding.requirement]:
        if not set(verdict.evidence) & set(deciding.evidence) and not bad.keys() & set(verdict.because):
            by_sentence.setdefault(_sentence(verdict), []).append(verdict)
    by_sentence.pop(_sentence(deciding), None)
    return tuple(_other_symptom(alike) for alike in by_sentence.values())[:MAX_OTHER_SYMPTOMS]


def _other_symptom(alike: Sequence[Verdict]) -> OtherSymptom:
    """The symptom of violations that share their sentence."""
    first = alike[0]
    return OtherSymptom(
        headline=headline_of(first),
        expected=first.expected,
        fingerprint=fingerprint_of(first.requirement, first.symptom),
        evidence=_evidence(alike),
    )


def _evidence(verdicts: Sequence[Verdict]) -> tuple[int, ...]:
    """The exchanges that verdicts rest on, those of the first verdict first."""
    return tuple(dict.fromkeys(number for verdict in verdicts for number in verdict.evidence))[:MAX_EVIDENCE]


def _finding(
    name: str,
    bad: Mapping[str, list[Verdict]],
    explained: Sequence[str],
    exchanges: Mapping[int, Exchange],
) -> Finding:
    """The finding of one root cause among the violations `bad` of each requirement."""
    verdicts = bad[name]
    deciding = _deciding(verdicts, exchanges)
    advisory = all(verdict.outcome is Outcome.ADVISORY for verdict in verdicts)
    return Finding(
        requirement=name,
        counts_as=CountsAs.WARN if advisory else CountsAs.FAIL,
        headline=headline_of(deciding),
        expected=deciding.expected,
        actual=deciding.actual,
        cases=tuple(dict.fromkeys(verdict.case for verdict in verdicts if verdict.case)),
        evidence=_evidence([deciding, *verdicts]),
        also_affected=tuple(dict.fromkeys(explained)),
        fingerprint=fingerprint_of(name, deciding.symptom),
        deciding=deciding.evidence[:MAX_EVIDENCE],
        other_symptoms=_other_symptoms(deciding, bad),
    )
