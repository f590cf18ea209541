"""Findings: violations grouped by cause, the likeliest root first.

One violation explains another where the other's verdicts name it, or where it is a prerequisite of the other, declared
in the catalogue, and was violated on the same exchanges. What is explained has no finding of its own. What a look at role
instances or a probe shows was seen by other means than the answers to requests: a prerequisite explains it only if it
was violated on that look itself.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.headlines import headline_of
from reimage_conformance.model import CountsAs, Finding, Outcome
from reimage_conformance.protocol.addresses import Kind, read_target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from reimage_conformance.model import Exchange, RequirementResult, Verdict

_NEVER = 1 << 30
_BAD = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.KNOWN)


@cache
def prerequisites(requirement: str) -> frozenset[str]:
    """Everything that must hold before a requirement can be judged, directly or not."""
    found: set[str] = set()
    for name in CATALOGUE[requirement].requires:
        found |= {name} | prerequisites(name)
    return frozenset(found)


def _named(cause: str, verdicts: Sequence[Verdict]) -> bool:
    """Whether every one of `verdicts` names `cause` as its own."""
    return bool(verdicts) and all(cause in verdict.because for verdict in verdicts)


def _explains(
    cause: str, verdicts: Sequence[Verdict], spoiled: Mapping[str, set[int]], looks: AbstractSet[int]
) -> bool:
    """Whether a violated `cause` accounts for every one of `verdicts`, by name or as a prerequisite on the same exchanges."""
    return bool(verdicts) and all(_accounts(cause, verdict, spoiled, looks) for verdict in verdicts)


def _accounts(cause: str, verdict: Verdict, spoiled: Mapping[str, set[int]], looks: AbstractSet[int]) -> bool:
    """Whether a violated `cause` accounts for one verdict."""
    if cause in verdict.because:
        return True
    return cause in prerequisites(verdict.requirement) and bool(spoiled[cause] & _grounds(verdict, looks))


def _grounds(verdict: Verdict, looks: AbstractSet[int]) -> set[int]:
    """The exchanges on which a prerequisite that was violated explains a verdict: the deciding look alone, where a look decided."""
    return set(verdict.evidence[:1] if set(verdict.evidence[:1]) & looks else verdict.evidence)


def _explained(bad: Mapping[str, list[Verdict]], looks: AbstractSet[int]) -> dict[str, set[str]]:
    """For each violated requirement, those that it explains directly; `looks` numbers the looks at role instances and the probes.

    Where one names the other as its cause, the other does not count as a prerequisite the other way round.
    """
    spoiled = _spoiled(bad)
    return {
        cause: {
            name
            for name, verdicts in bad.items()
            if name != cause
            and _explains(cause, verdicts, spoiled, looks)
            and (_named(cause, verdicts) or not _named(name, bad[cause]))
        }
        for cause in bad
    }


def _spoiled(bad: Mapping[str, list[Verdict]]) -> dict[str, set[int]]:
    """For each violated requirement, the exchanges on which it was violated."""
    return {name: {n for verdict in verdicts for n in verdict.evidence} for name, verdicts in bad.items()}


def _folded(
    roots: dict[str, list[str]], bad: Mapping[str, list[Verdict]], looks: AbstractSet[int]
) -> dict[str, list[str]]:
    """The roots without those whose every verdict an earlier one accounts for, together with what it drags along.

    A violation with two causes that are one finding themselves says nothing of its own. Which comes first stays as it is.
    """
    spoiled = _spoiled(bad)
    kept: dict[str, list[str]] = {}
    for name, dragged in roots.items():
        for others in kept.items():
            group = {others[0], *others[1]}
            if all(any(_accounts(cause, verdict, spoiled, looks) for cause in group) for verdict in bad[name]):
                kept[others[0]] = [*others[1], name, *dragged]
                break
        else:
            kept[name] = dragged
    return kept


def _reached(direct: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """For each violated requirement, all those that it explains, directly or through others."""
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
    """The root causes among violated requirements, each with what it drags along, likeliest first.

    Of those that explain each other, the one that was seen first is the cause, and of those seen in the same exchange the one that
    explains another of them. `looks` numbers the looks at role instances and the probes.
    """
    direct = _explained(bad, looks)
    reached = _reached(direct)
    seen = {name: min(v.evidence[0] if v.evidence else _NEVER for v in verdicts) for name, verdicts in bad.items()}
    order = list(CATALOGUE)

    def weight(name: str) -> tuple[bool, bool, int, int, int, bool, int]:
        advisory = all(verdict.outcome is Outcome.ADVISORY for verdict in bad[name])
        dependent = any(name in others and cause not in reached[name] for cause, others in reached.items())
        most = max(len(bad[other]) for other in {name, *(o for o in reached[name] if name in reached[o])})
        second = any(name in others and seen[cause] == seen[name] for cause, others in direct.items())
        return (dependent, advisory, -len(reached[name]), -most, seen[name], second, order.index(name))

    roots: dict[str, list[str]] = {}
    taken: set[str] = set()
    for name in sorted(bad, key=weight):
        if name not in taken:
            roots[name] = sorted(reached[name] - taken - set(roots), key=order.index)
            taken |= {name, *roots[name]}
    inorder = sorted(
        roots.items(),
        key=lambda item: (
            all(v.outcome is Outcome.ADVISORY for v in bad[item[0]]),
            -len(item[1]),
            -len(bad[item[0]]),
        ),
    )
    return _folded(dict(inorder), bad, looks)


def _is_look(exchange: Exchange) -> bool:
    """Whether an exchange looks at role instances, from outside or from inside."""
    return exchange.label == "probe" or read_target(exchange.request.target).kind in (
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
    return [
        _finding(name, bad[name], [*dragged, *affected.get(name, [])], exchanges) for name, dragged in roots.items()
    ]


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
        for root, dragged in roots.items():
            if blamed & {root, *dragged}:
                found.setdefault(root, []).append(name)
                break
    return found


def _finding(
    name: str,
    verdicts: Sequence[Verdict],
    dragged: Sequence[str],
    exchanges: Mapping[int, Exchange],
) -> Finding:
    """The finding of one root cause."""
    deciding = min(
        verdicts,
        key=lambda v: (
            len(exchanges[v.evidence[0]].request.wire()) if v.evidence and v.evidence[0] in exchanges else _NEVER
        ),
    )
    deciding = verdicts[0] if verdicts[0].outcome is Outcome.VIOLATED and not verdicts[0].because else deciding
    advisory = all(verdict.outcome is Outcome.ADVISORY for verdict in verdicts)
    evidence = dict.fromkeys(n for verdict in (deciding, *verdicts) for n in verdict.evidence)
    return Finding(
        requirement=name,
        counts_as=CountsAs.WARN if advisory else CountsAs.FAIL,
        headline=headline_of(deciding),
        expected=deciding.expected,
        actual=deciding.actual,
        cases=tuple(dict.fromkeys(verdict.case for verdict in verdicts if verdict.case)),
        evidence=tuple(evidence)[:24],
        also_affected=tuple(dict.fromkeys(dragged)),
        fingerprint=fingerprint_of(name, deciding.symptom),
        deciding=deciding.evidence[:24],
    )
