"""Explaining: which requirements may explain a violation, from the catalogue, the rules and the check, and by which path.

A cause is only named here. It explains a violation only if the requirement that it names was itself found violated;
that is decided where violations are grouped (`reimage_conformance.assessment.findings`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.causes import RULES, lookup_keys
from reimage_conformance.assessment.evidence import SeenViolation
from reimage_conformance.catalogue import ALL_REQUIREMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.assessment.evidence import Evidence
    from reimage_conformance.model import Verdict


@dataclass(frozen=True, slots=True)
class KnownToCheck:
    """Causes that only a check can see: its verdicts on the requirements in `of` (any, if empty) name them.

    `causes` are the requirements that it may name; empty where they are those that the request itself violates.
    """

    check: str
    sentence: str
    of: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()

    def is_about(self, requirement: str) -> bool:
        """Whether the check may name a cause of violations of `requirement`."""
        return not self.of or requirement in self.of


_ENDS = ("REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS")
_GATES = ("REQ-DEPL-VERSIONS", "REQ-VER-GATED-ELEMENTS")
KNOWN_TO_CHECKS = (
    KnownToCheck(
        "refused",
        "The oracle says which other requirements the request violates; the code that came may be right for one of them.",
    ),
    KnownToCheck("error_statuses", "The oracle says which requirements the request violates.", ("REQ-ERR-STATUS",)),
    KnownToCheck("error_codes", "The oracle says which requirement the request violates.", ("REQ-ERR-CODES",)),
    KnownToCheck(
        "client_reimages",
        "The request has a body, so that its length cannot be 0.",
        ("REQ-CLIENT-REIMAGE-CONTENT-LENGTH",),
        ("REQ-CLIENT-REIMAGE-BODY",),
    ),
    KnownToCheck(
        "deployment_document",
        "The missing elements are there in another namespace.",
        ("REQ-DEPL-ROOT",),
        ("REQ-XML-NS",),
    ),
    KnownToCheck(
        "instance_list",
        "The missing elements are there in another namespace.",
        ("REQ-DEPL-INSTANCES",),
        ("REQ-XML-NS",),
    ),
    KnownToCheck(
        "version_gates",
        "All looks together show whether single elements come too early, or all elements come in every version.",
        _GATES,
        _GATES,
    ),
    KnownToCheck(
        "operation_documents",
        "All polls together show whether the ID is that of another operation, with its status.",
        ("REQ-GOS-ID",),
        ("REQ-REIMAGE-REQID-USABLE",),
    ),
    KnownToCheck(
        "progress",
        "The order of all polls of an operation shows which kind of poll took its end back.",
        (*_ENDS, "REQ-GOS-READONLY"),
        (*_ENDS, "REQ-GOS-READONLY", "REQ-REIMAGE-REQID-USABLE"),
    ),
    KnownToCheck(
        "completes",
        "A later poll took the status Failed back.",
        ("REQ-REIMAGE-COMPLETES", "REQ-AUTH-ANYCERT", "REQ-REIMAGE-URI-EQUIV"),
        _ENDS,
    ),
    KnownToCheck(
        "request_ids_unique",
        "Every request that shares an id is a reimage that was sent while another ran.",
        ("REQ-ASYNC-REQID-UNIQUE",),
        ("REQ-CONC-SAME", "REQ-CONC-OTHER"),
    ),
)
"""Every check whose verdicts name causes themselves; a test makes sure that no other check does."""


def listed_causes(requirement: str, symptom: str) -> tuple[str, ...]:
    """The causes that the catalogue lists for a violation of `requirement` with this symptom."""
    row = ALL_REQUIREMENTS[requirement]
    return (*row.explained_by, *(cause for key in lookup_keys(symptom) for cause in row.explained_when.get(key, ())))


def attributed(verdict: Verdict, evidence: Evidence) -> Verdict:
    """`verdict` with all its causes: those that its check named, those of the catalogue, and those of the rules."""
    if not verdict.is_violation:
        return verdict
    violation = SeenViolation.of(verdict, evidence)
    ruled = [cause for rule in RULES for cause in rule.causes_of(violation)] if violation is not None else []
    found = (*listed_causes(verdict.requirement, verdict.symptom), *ruled)
    causes = (*verdict.because, *(cause for cause in found if cause != verdict.requirement))
    return replace(verdict, because=tuple(dict.fromkeys(causes)))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: `cause` may explain `effect`; `source` says where that stands, `why` when it does."""

    cause: str
    effect: str
    source: str
    why: str


def steps_to(effect: str) -> Iterator[Step]:
    """What may explain a violation of the requirement `effect` directly: the catalogue first, then rules, then checks.

    A rule that is limited to checks alone is about requests, so that it is left out where `effect` is about none.
    """
    row = ALL_REQUIREMENTS[effect]
    rules = [rule for rule in RULES if rule.is_about(effect) and (rule.of or not rule.checks or row.request)]
    known = [each for each in KNOWN_TO_CHECKS if each.is_about(effect)]
    sources = [
        ("the catalogue, explained_by", "always", row.explained_by),
        *(
            ("the catalogue, explained_when", f"where the symptom is {key}", row.explained_when[key])
            for key in row.explained_when
        ),
        ("the catalogue, requires", "where it was violated on the same exchange", row.requires),
        *((f"rule {rule.name} (assessment/causes.py)", rule.sentence, rule.causes) for rule in rules),
        *((f"check {each.check}", each.sentence, each.causes) for each in known),
    ]
    return (Step(cause, effect, source, why) for source, why, causes in sources for cause in causes)


def path(effect: str, cause: str) -> list[Step]:
    """The shortest path by which a violation of `cause` may explain one of `effect`, from the cause on.

    It is empty where there is none, or both are the same.
    """
    found: dict[str, list[Step]] = {effect: []}
    todo = [effect]
    for name in todo:
        for step in steps_to(name):
            if step.cause not in found:
                found[step.cause] = [step, *found[name]]
                todo.append(step.cause)
    return found.get(cause, [])


def open_causes(effect: str) -> list[str]:
    """Sentences on the causes of `effect` that only the request or the check of a violation shows, so that no path has them."""
    row = ALL_REQUIREMENTS[effect]
    ruled = [rule for rule in RULES if rule.argument and rule.is_about(effect)]
    known = [each for each in KNOWN_TO_CHECKS if not each.causes and each.is_about(effect) and (each.of or row.request)]
    return [f"rule {rule.name}: {rule.sentence}" for rule in ruled] + [
        f"check {each.check}: {each.sentence}" for each in known
    ]
