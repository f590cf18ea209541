"""One requirement, explained: the value that the console and the pages of the site are made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import ALL_REQUIREMENTS, SOURCES, requirement, requirements_by_chapter
from reimage_conformance.commands.case_files import cases_folder, citing_cases, first_lines
from reimage_conformance.emulator import FAULTS
from reimage_conformance.explain.answers import kept_answers
from reimage_conformance.explain.certainty import CERTAINTY, counts_words, reason_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.explain.answers import Answer
    from reimage_conformance.model import Requirement, Source


CLIENTS = "clients"
"""The value of `Explanation.chapter` for requirements of clients, which have no chapter."""


@dataclass(frozen=True, slots=True)
class CaseWords:
    """A case that judges the requirement: its `name`, as `file.py::function`, and what it `says`, the first line of its docstring."""

    name: str
    says: str


@dataclass(frozen=True, slots=True)
class FaultFamily:
    """Faults of the emulator that are variants of one mistake; all of them break the requirement.

    `members` are the names of the faults, `summaries` their sentences without repeats.
    """

    name: str
    members: tuple[str, ...]
    summaries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known about a requirement.

    `chapter` is its chapter, or `CLIENTS`. `certainty`, `counts` and `reason` are the sentences of `explain.certainty`. `answers` are
    answers of the conforming emulator. `needed_by` are the requirements that can be judged only where this one holds.
    """

    requirement: Requirement
    chapter: str
    sources: tuple[Source, ...]
    certainty: str
    counts: str
    reason: str
    cases: tuple[CaseWords, ...]
    faults: tuple[FaultFamily, ...]
    answers: tuple[Answer, ...]
    needed_by: tuple[str, ...] = field(default=())


def explanation(name: str, answers: Mapping[str, tuple[Answer, ...]] | None = None) -> Explanation:
    """What is known about the requirement called `name`; raises UsageError, with the nearest ids, where there is none.

    `answers` by requirement replace those of the package.
    """
    row = requirement(name, ALL_REQUIREMENTS)
    return Explanation(
        requirement=row,
        chapter=_chapters().get(row.id, CLIENTS),
        sources=tuple(SOURCES[key] for key in row.sources),
        certainty=CERTAINTY[row.origin],
        counts=counts_words(row),
        reason=reason_words(row),
        cases=_cases().get(row.id, ()),
        faults=_families().get(row.id, ()),
        answers=(kept_answers() if answers is None else answers).get(row.id, ()),
        needed_by=tuple(each.id for each in ALL_REQUIREMENTS.values() if row.id in each.requires),
    )


@cache
def _chapters() -> Mapping[str, str]:
    return {name: chapter for chapter, names in requirements_by_chapter().items() for name in names}


@cache
def _cases() -> Mapping[str, tuple[CaseWords, ...]]:
    folder = cases_folder()
    says = first_lines(folder)
    return {
        cited: tuple(CaseWords(case, says[case]) for case in cases) for cited, cases in citing_cases(folder).items()
    }


@cache
def _families() -> Mapping[str, tuple[FaultFamily, ...]]:
    """The faults that break each requirement, those of one family together."""
    members: dict[str, dict[str, list[str]]] = {}
    for each in FAULTS.values():
        members.setdefault(each.requirement, {}).setdefault(each.family, []).append(each.name)
    return {
        broken: tuple(FaultFamily(name, tuple(names), _summaries(names)) for name, names in families.items())
        for broken, families in members.items()
    }


def _summaries(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(FAULTS[name].summary for name in names))
