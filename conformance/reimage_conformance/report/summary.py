"""summary.md: a run for the page of a CI job; Markdown in which no text of an endpoint can become markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.model import Subject
from reimage_conformance.quantities import counted
from reimage_conformance.report.unjudged import unjudged
from reimage_conformance.report.visible import one_line, visible
from reimage_conformance.report.wording import (
    CHECK,
    OUTCOME_WORDS,
    duration_words,
    is_known,
    may_depend_on_time,
    preflight_sentence,
    strictness_sentence,
    tries_words,
    verdict_sentence,
    verdict_words,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reimage_conformance.model import Assessment, Finding
    from reimage_conformance.report.unjudged import Unjudged

FINDING_LIMIT = 50
"""Findings that are shown in full; the rest are counted."""

EVIDENCE_LIMIT = 10
"""Exchanges of a finding that are named."""

NAMES_LIMIT = 12
"""Requirements that were not judged for one reason and are named; the rest are counted."""

TEXT_LIMIT = 1_000
"""Characters of one sentence of a finding."""

SPECIAL = re.compile(
    r"""
      [\\`*\[\]<>|~$&\#@]                        # code, emphasis, links, HTML, cells, mathematics, mentions
    | (?<![A-Za-z0-9])_ | _(?![A-Za-z0-9])       # emphasis, which is none within a word
    | :(?=//) | (?<=www)\.                       # addresses that would become links (GFM 6.9)
    | ^[-+=] | (?<=^\d)[.)] | (?<=^\d\d)[.)]     # lists and underlines at the start of a line
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Characters that are, or could be, markup in Markdown."""


def summary_text(assessment: Assessment) -> str:
    """The text of summary.md."""
    blocks = [
        f"# {_verdict_line(assessment)}",
        escaped(verdict_sentence(assessment)),
        *[f"> {escaped(note)}" for note in assessment.notes],
        _counts_table(assessment),
        _facts(assessment),
        *_preflight(assessment),
        *_finding_blocks(assessment),
        *_unjudged(assessment),
    ]
    return "\n\n".join(blocks) + "\n"


def escaped(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` on one line as Markdown that shows exactly these characters, cut to `limit` of them."""
    return SPECIAL.sub(_entity, one_line(text, limit))


def fenced(text: str, language: str = "") -> str:
    """`text` as a code block that nothing in it can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{visible(text)}\n{fence}"


def code(text: str) -> str:
    """`text` on one line as code that nothing in it can end (CommonMark 6.1)."""
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence} {one_line(text)} {fence}" if "`" in text else f"`{one_line(text)}`"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};" if match[0] in "<>&@:." else f"\\{match[0]}"


def _verdict_line(assessment: Assessment) -> str:
    return f"{verdict_words(assessment)}: {escaped(str(assessment.target.get('name', '')))}"


def _counts_table(assessment: Assessment) -> str:
    counts = assessment.counts()
    head = " | ".join(OUTCOME_WORDS.values())
    numbers = " | ".join(str(counts[outcome.value]) for outcome in OUTCOME_WORDS)
    return f"| {head} |\n|{' ---: |' * len(OUTCOME_WORDS)}\n| {numbers} |"


def _facts(assessment: Assessment) -> str:
    run = assessment.run
    facts = [
        counted(assessment.requests, "request"),
        f"{counted(assessment.reimages, 'reimage')} accepted",
        duration_words(run.duration_seconds),
        *([f"profile {run.profile.value}"] if run.subject is not Subject.CLIENT else []),
        f"strictness {run.strictness.value}",
        *([f"seed {run.seed}"] if run.subject is not Subject.CLIENT else []),
        f"suite {code(run.suite_version)}",
        *(["interrupted"] if run.interrupted else []),
    ]
    return " · ".join([code(str(assessment.target.get("base_url", ""))), *facts])


def _preflight(assessment: Assessment) -> Iterable[str]:
    """The result of the preflight, with every answer that shows a possible mistake in the target file."""
    if assessment.preflight is None:
        return
    doubts = [f"- {escaped(text)}" for level, text in assessment.preflight.answers if level == CHECK]
    yield "\n".join([escaped(preflight_sentence(assessment.preflight)), *doubts])


def _unjudged(assessment: Assessment) -> Iterable[str]:
    """Why something was not judged, and what to do."""
    groups = unjudged(assessment)
    if groups:
        yield "## Not judged"
        yield "\n".join(_reason(each) for each in groups)


def _reason(group: Unjudged) -> str:
    names = ", ".join(map(escaped, group.requirements[:NAMES_LIMIT]))
    more = len(group.requirements) - NAMES_LIMIT
    return f"- {escaped(group.sentence)} ({names}{f' and {more} more' if more > 0 else ''})"


def _finding_blocks(assessment: Assessment) -> Iterable[str]:
    findings = assessment.findings
    if not findings:
        return
    yield "## Findings"
    yield f"The likeliest cause first. {escaped(strictness_sentence(assessment))}"
    for number, finding in enumerate(findings[:FINDING_LIMIT], 1):
        yield from _finding_block(number, finding, known=is_known(finding, assessment))
    if len(findings) > FINDING_LIMIT:
        yield f"{counted(len(findings) - FINDING_LIMIT, 'more finding')} in report.html and results.json."


def _exchanges(numbers: Sequence[int]) -> str:
    """The numbers of the first exchanges, and how many more there are."""
    more = len(numbers) - EVIDENCE_LIMIT
    named = ", ".join(map(str, numbers[:EVIDENCE_LIMIT]))
    return f"{named} and {more} more" if more > 0 else named or "none"


def _finding_block(number: int, finding: Finding, *, known: bool) -> Iterable[str]:
    yield f"### {number}. {'(known) ' if known else ''}{escaped(finding.headline)}"
    counts = "a known violation, which the baseline expects" if known else finding.counts_as.value
    facts = [
        f"- requirement: {escaped(finding.requirement)} ({counts})",
        f"- expected: {escaped(finding.expected)}",
        f"- actual: {escaped(finding.actual)}",
        f"- exchanges: {_exchanges(finding.evidence)}",
    ]
    if finding.tries is not None:
        facts.append(f"- tried again: {tries_words(finding)}")
    facts += [f"- violated in another way too: {escaped(other.headline)}" for other in finding.other_symptoms]
    if finding.also_affected:
        facts.append(f"- probably also causes: {', '.join(escaped(name) for name in finding.also_affected)}")
    yield "\n".join(facts)
    if finding.reproduce:
        yield (
            f"Is it fixed? `reimage-conformance replay RUN {number} --target FILE`, "
            "where RUN is this report folder; report.html has a shell script as well."
        )
    if finding.reproduce and may_depend_on_time(finding):
        yield "This may depend on timing. How often it fails: `reimage-conformance verify RUN --target FILE`."
