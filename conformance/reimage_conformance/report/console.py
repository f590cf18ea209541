"""The last words of a run on a terminal: the verdict, the findings, where the report is; printed elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.report.visible import one_line
from reimage_conformance.report.wording import (
    CHECK,
    OUTCOME_WORDS,
    VERDICT_WORDS,
    counted,
    duration_words,
    verdict_sentence,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Assessment, Finding

FINDING_LIMIT = 10
"""Findings told on the terminal; the rest are counted."""

TEXT_LIMIT = 400

COMMAND_LIMIT = 2_000
"""Characters of a command that a terminal is troubled with; half a command would be of no use."""


def console_lines(assessment: Assessment, report: Path | None = None) -> list[str]:
    """The lines that end a run, without colours; `report` is the page to open, where one was written."""
    lines = [_verdict(assessment), _counts(assessment), *(f"note: {one_line(note)}" for note in assessment.notes)]
    lines += [f"check: {one_line(text)}" for level, text in _asked(assessment) if level == CHECK]
    for number, finding in enumerate(assessment.findings[:FINDING_LIMIT], 1):
        lines += ["", *_finding(number, finding)]
    if len(assessment.findings) > FINDING_LIMIT:
        lines += ["", f"and {counted(len(assessment.findings) - FINDING_LIMIT, 'more finding')} in the report"]
    return [*lines, "", f"report: {report}"] if report is not None else lines


def _asked(assessment: Assessment) -> tuple[tuple[str, str], ...]:
    """What was asked before the run, and answered."""
    return assessment.preflight.answers if assessment.preflight is not None else ()


def _verdict(assessment: Assessment) -> str:
    name = one_line(str(assessment.target.get("name", "")))
    return f"{VERDICT_WORDS[assessment.verdict].upper()}  {name}: {verdict_sentence(assessment)}"


def _counts(assessment: Assessment) -> str:
    counts = assessment.counts()
    told = [f"{counts[outcome.value]} {words}" for outcome, words in OUTCOME_WORDS.items() if counts[outcome.value]]
    spent = [counted(assessment.requests, "request"), counted(assessment.reimages, "reimage")]
    return f"{', '.join(told)}; {', '.join(spent)} in {duration_words(assessment.run.duration_seconds)}"


def _finding(number: int, finding: Finding) -> list[str]:
    indent = " " * (len(str(number)) + 2)
    lines = [
        f"{number}. {one_line(finding.headline, TEXT_LIMIT)}",
        f"{indent}{finding.requirement}, counts as {finding.counts_as.value}",
        f"{indent}expected: {one_line(finding.expected, TEXT_LIMIT)}",
        f"{indent}actual:   {one_line(finding.actual, TEXT_LIMIT)}",
    ]
    if finding.also_affected:
        lines.append(f"{indent}explains: {', '.join(finding.also_affected)}")
    if finding.reproduce:
        lines.append(f"{indent}try:      {_command(finding.reproduce)}")
    return lines


def _command(reproduce: str) -> str:
    return one_line(reproduce) if len(reproduce) <= COMMAND_LIMIT else "the command in the report"
