"""Makes the lines that end a run on a terminal: the verdict, the findings, what was not judged, where the report is; prints nothing."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from reimage_conformance.model import CountsAs, Subject
from reimage_conformance.quantities import counted
from reimage_conformance.report.explaining import explaining_sentence
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.unjudged import unjudged
from reimage_conformance.report.visible import one_line
from reimage_conformance.report.wording import (
    CHECK,
    OUTCOME_WORDS,
    counted_outcome,
    deciding_notes,
    duration_words,
    is_known,
    may_depend_on_time,
    strictness_sentence,
    tries_words,
    verdict_sentence,
    verdict_words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reimage_conformance.model import Assessment, Finding
    from reimage_conformance.report.unjudged import Unjudged

MOST_LINES = 60
"""A run ends with at most this many lines, whatever its results are: fewer headlines are shown where they do not fit.

With the other limits below, everything but the further headlines takes 58 lines at most.
"""

FINDING_LIMIT = 5
"""Findings that are shown with what was expected; of later ones only the headline is shown."""

HEADLINE_LIMIT = 15
"""Findings whose headline is shown, the first FINDING_LIMIT included; the rest are counted."""

NOTE_LIMIT = 4
"""Notes that are shown, and as many answers to check; the rest are counted."""

REASON_LIMIT = 6
"""Reasons for what was not judged that are shown; the rest are counted."""

NAMED_LIMIT = 3
"""Requirements that were not judged for one reason are named if there are at most this many, else they are only counted."""

TEXT_LIMIT = 400
"""Characters of one sentence."""


def console_lines(assessment: Assessment, report: Path | None = None, target: Path | None = None) -> list[str]:
    """The lines that end a run, without colours, at most `MOST_LINES`.

    `report` is the page to open, where one was written; `target` the target file, where there is one.
    """
    assessment = MaskedNames.of(assessment.target).everywhere(assessment)
    answers = assessment.preflight.answers if assessment.preflight is not None else ()
    checks = [text for level, text in answers if level == CHECK]
    lines = [_verdict(assessment), _counts(assessment)]
    lines += _limited([f"note: {one_line(note)}" for note in assessment.notes], NOTE_LIMIT, "note")
    lines += _limited(
        [f"check: {one_line(text)}" for text in checks], NOTE_LIMIT, "answer to check", "answers to check"
    )
    lines += _first_findings(assessment)
    reasons = [f"  {one_line(_unjudged(each), TEXT_LIMIT)}" for each in unjudged(assessment)]
    rest = ["", "Not judged:", *_limited(reasons, REASON_LIMIT, "reason", indent="  ")] if reasons else []
    rest += ["", explaining_sentence(assessment), strictness_sentence(assessment)] if assessment.findings else []
    rest += ["", *_next_steps(assessment, report, target)] if report is not None else []
    return [*lines, *_further_findings(assessment, MOST_LINES - len(lines) - len(rest)), *rest]


def quiet_lines(assessment: Assessment, report: Path | None = None) -> list[str]:
    """The lines of a quiet command: the verdict, the notes that decided it, up to `HEADLINE_LIMIT` headlines, and where the report is."""
    assessment = MaskedNames.of(assessment.target).everywhere(assessment)
    headlines = [_graded_headline(number, finding, assessment) for number, finding in enumerate(assessment.findings, 1)]
    where = [f"report: {report}"] if report is not None else []
    advisory = sum(finding.counts_as is CountsAs.WARN for finding in assessment.findings)
    verdict = _verdict(assessment)
    if advisory:
        verdict = f"{verdict.removesuffix('.')}, {counted(advisory, 'advisory', 'advisories')}."
    notes = _limited([f"note: {one_line(note)}" for note in deciding_notes(assessment)], NOTE_LIMIT, "note")
    return [verdict, *notes, *_limited(headlines, HEADLINE_LIMIT, "finding"), *where]


def _graded_headline(number: int, finding: Finding, assessment: Assessment) -> str:
    """The headline of a finding after what it counts as: FAIL, WARN, or KNOWN where the baseline expects it."""
    mark = "KNOWN" if is_known(finding, assessment) else finding.counts_as.value
    return f"{mark}  {_headline(number, finding, known=False)}"


def _unjudged(group: Unjudged) -> str:
    """What was not judged and why, with the names of a few requirements."""
    return (
        f"{group.sentence} ({', '.join(group.requirements)})"
        if len(group.requirements) <= NAMED_LIMIT
        else group.sentence
    )


def _next_steps(assessment: Assessment, report: Path, target: Path | None) -> list[str]:
    """The commands that repeat findings, where there are any, and where the report is."""
    where = f"report: {report}"
    if assessment.run.subject is Subject.CLIENT or not assessment.findings:
        return [where]
    file, aside = (shlex.quote(str(target)), "") if target is not None else ("FILE", "  (FILE is a target file)")
    folder = shlex.quote(str(report.parent))
    commands = [f"to check whether finding 1 is fixed: reimage-conformance replay {folder} 1 --target {file}{aside}"]
    if any(map(may_depend_on_time, assessment.findings)):
        commands.append(f"to see how often a finding occurs: reimage-conformance verify {folder} --target {file}")
    return [*commands, where]


def _limited(lines: Sequence[str], limit: int, noun: str, plural: str = "", *, indent: str = "") -> list[str]:
    """The first `limit` lines, and one that says how many more there are."""
    more = len(lines) - limit
    if more <= 0:
        return list(lines)
    rest = counted(more, f"more {noun}", f"more {plural}" if plural else "")
    return [*lines[:limit], f"{indent}and {rest} in the report"]


def _first_findings(assessment: Assessment) -> list[str]:
    """The first findings in full."""
    lines: list[str] = []
    for number, finding in enumerate(assessment.findings[:FINDING_LIMIT], 1):
        lines += ["", *_finding(number, finding, known=is_known(finding, assessment))]
        is_more = assessment.run.subject is Subject.CLIENT and finding.actual not in finding.headline
        lines += [f"{' ' * (len(str(number)) + 2)}seen: {one_line(finding.actual, TEXT_LIMIT)}"] if is_more else []
    return lines


def _further_findings(assessment: Assessment, room: int) -> list[str]:
    """The headlines of the findings after the first ones, and how many more there are, in `room` lines at most."""
    further = enumerate(assessment.findings[FINDING_LIMIT:], FINDING_LIMIT + 1)
    headlines = [_headline(number, finding, known=is_known(finding, assessment)) for number, finding in further]
    others = 2  # a blank line, and the line that counts the rest
    shown = max(0, min(HEADLINE_LIMIT - FINDING_LIMIT, room - others))
    return ["", *_limited(headlines, shown, "finding")] if headlines else []


def _verdict(assessment: Assessment) -> str:
    name = one_line(str(assessment.target.get("name", "")))
    return f"{verdict_words(assessment).upper()}  {name}: {verdict_sentence(assessment)}"


def _counts(assessment: Assessment) -> str:
    counts = assessment.counts()
    outcomes = [counted_outcome(counts[each.value], each) for each in OUTCOME_WORDS if counts[each.value]]
    spent = [counted(assessment.requests, "request"), counted(assessment.reimages, "reimage")]
    return f"{', '.join(outcomes)}; {', '.join(spent)} in {duration_words(assessment.run.duration_seconds)}"


def _headline(number: int, finding: Finding, *, known: bool) -> str:
    mark = "(known) " if known else ""
    return f"{number}. {mark}{one_line(finding.headline, TEXT_LIMIT)}"


def _finding(number: int, finding: Finding, *, known: bool) -> list[str]:
    indent = " " * (len(str(number)) + 2)
    counts = "a known violation, which the baseline expects" if known else f"counts as {finding.counts_as.value}"
    tries = f"; {tries_words(finding)}" if finding.tries is not None else ""
    lines = [
        _headline(number, finding, known=known),
        f"{indent}{finding.requirement}, {counts}{tries}",
        f"{indent}expected: {one_line(finding.expected, TEXT_LIMIT)}",
    ]
    if finding.other_symptoms:
        also = one_line(finding.other_symptoms[0].headline, TEXT_LIMIT)
        more = len(finding.other_symptoms) - 1
        rest = f"; {counted(more, 'more symptom')} in the report" if more else ""
        lines.append(f"{indent}and also: {also}{rest}")
    if finding.also_affected:
        lines.append(f"{indent}probably also causes: {one_line(', '.join(finding.also_affected), TEXT_LIMIT)}")
    return lines
