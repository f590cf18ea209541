"""The page and the annotations of a CI job for one night: what its exit code means, what changed since the last good night."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.model import Outcome
from reimage_conformance.quantities import counted
from reimage_conformance.report.comparison_reports import comparison_markdown
from reimage_conformance.report.ending import CUT_OFF, GOOD, INCOMPLETE, NONCONFORMANT, what_stopped
from reimage_conformance.report.runs import UNJUDGED
from reimage_conformance.report.summary import escaped, fenced
from reimage_conformance.report.unjudged import why_untested_in
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.report.differences import Change, Comparison
    from reimage_conformance.report.results import Results

NO_RESULTS = "No results: nothing was judged"

MEANINGS = {
    0: ("The endpoint conforms", "Nothing is to be done."),
    1: ("The endpoint violates the protocol", "Fix the first finding below first."),
    2: ("The run was interrupted", "What it judged until then is below. Run it again, or go on with `run --resume`."),
    3: ("The suite itself broke", "This says nothing about the endpoint. Please report the last lines of the run."),
    4: (
        "The job is set up wrongly",
        "Nothing was judged, and the endpoint is not to blame. Correct what the last lines of the run name.",
    ),
    5: ("No case was selected", "Nothing was judged. Look at what the job selects."),
    6: (
        "Not everything could be judged",
        "No violation was seen. Look at what hindered the run: an endpoint that is away or throttles, credentials, or what --require names.",
    ),
    126: ("The job is set up wrongly", "The suite could not be started: look at the command and its path."),
    127: ("The job is set up wrongly", "The suite was not found: look at the command, its path and its installation."),
    CUT_OFF: (
        "The run was cut off",
        "What it judged until then is below. Give the job more time, or the run fewer minutes.",
    ),
}
"""What each exit code means for the owner of the job, and what to do."""

ANNOTATION_LIMIT = 10
"""Annotations of one level; GitHub shows no more for one step."""

LOG_LINES = 20
"""The last lines of a command's output that the page shows where it left no results."""

PAGE_LIMIT = 900_000
"""Octets of a page; GitHub takes 1 MiB."""


@dataclass(frozen=True, slots=True)
class Night:
    """One run of a CI job.

    `results` and `summary` (the text of summary.md) are there if the run left them; `log` is its output; `changes` are those since
    the last good night; `remark` is a sentence about contradictions between exit code and results, "" for none.
    """

    exit_code: int
    results: Results | None = None
    summary: str = ""
    log: str = ""
    changes: Comparison | None = None
    remark: str = ""
    timing_factor: float | None = None
    """A change of the length of operations by this factor or more is shown; with None none is shown."""


def page_text(night: Night) -> str:
    """The page of the job, as Markdown."""
    heading, advice = _meaning(night)
    code = "" if night.exit_code == CUT_OFF else f" (exit code {night.exit_code})"
    blocks = [f"# {heading}{code}"]
    if night.results is not None and night.exit_code in (INCOMPLETE, CUT_OFF):
        blocks += [f"> {escaped(reason)}" for reason in [what_stopped(night.results)] if reason]
    blocks.append(advice)
    blocks += [f"> {escaped(night.remark)}"] if night.remark else []
    if night.results is None:
        blocks += [fenced("\n".join(_last_lines(night.log)))] if night.log.strip() else []
        return "\n\n".join(blocks) + "\n"
    if night.results["run"]["interrupted"] and night.exit_code not in (INCOMPLETE, CUT_OFF):
        blocks.append("> The run did not come to its end; this is what it judged until then.")
    blocks += _changes(night)
    blocks.append(night.summary)
    page = "\n\n".join(block.strip("\n") for block in blocks if block) + "\n"
    return page.encode()[:PAGE_LIMIT].decode(errors="ignore")


def github_annotations(night: Night) -> list[str]:
    """The workflow commands of GitHub Actions that mark what is wrong, the worst first."""
    heading, advice = _meaning(night)
    if night.results is None:
        return [_command("error", heading, next(reversed(_last_lines(night.log)), advice))]
    new = {change.subject for change in night.changes.newly_violated} if night.changes is not None else set()
    lines = []
    for level, counts_as in (("error", "FAIL"), ("warning", "WARN")):
        found = [each for each in night.results["findings"] if each["counts_as"] == counts_as]
        for each in found[:ANNOTATION_LIMIT]:
            since = ", new since the last good night" if each["requirement"] in new else ""
            lines.append(_command(level, f"{each['requirement']}{since}", each["headline"]))
    if not lines and night.exit_code:
        level = "error" if night.exit_code != INCOMPLETE else "warning"
        lines.append(_command(level, heading, what_stopped(night.results) or night.remark or advice))
    return lines


def _meaning(night: Night) -> tuple[str, str]:
    """The heading of a night, and what the owner of the job is to do."""
    heading, advice = MEANINGS.get(night.exit_code, MEANINGS[3])
    if night.results is None and night.exit_code in (GOOD, NONCONFORMANT, INCOMPLETE):
        return (
            NO_RESULTS,
            "The run left no results.json where this page looks. Check the report folder, the arguments and the last lines of the run.",
        )
    if night.exit_code == GOOD and night.results is not None and night.results["run"]["verdict"] == "partial":
        return (
            "No violation was seen",
            f"Something was left untested: {escaped(why_untested_in(night.results)) or 'see the page of the run'}.",
        )
    if night.exit_code == NONCONFORMANT and night.results is not None and not night.results["summary"]["violated"]:
        return (
            "The baseline lists what no longer occurs",
            "Remove the entries that the notes below name from the baseline.",
        )
    if night.exit_code == CUT_OFF and night.results is not None and night.results["summary"]["violated"]:
        return heading, f"It had seen that {MEANINGS[1][0][0].lower()}{MEANINGS[1][0][1:]}. {MEANINGS[1][1]}"
    return heading, advice


def _changes(night: Night) -> Iterator[str]:
    if night.changes is None:
        return
    good = night.changes.runs[0]
    yield f"## Since the last good night ({escaped(good.started)})"
    worse = len(night.changes.newly_violated)
    if worse:
        yield f"**{counted(worse, 'requirement')} newly violated.**"
    lost = sum(change.before == Outcome.MET and _is_unjudged(change) for change in night.changes.other_outcomes)
    if lost:
        yield f"**Met before, not judged now: {lost}.**"
    shown, left_out = _shown(night, night.changes)
    text = comparison_markdown(shown, "Nothing else changed." if left_out else "No difference.")
    yield text.partition("\n")[2].replace("\n## ", "\n### ")  # below a heading of our own
    if left_out:
        yield f"Not shown: {', '.join(left_out)}. `reimage-conformance compare` shows them."


def _shown(night: Night, changes: Comparison) -> tuple[Comparison, list[str]]:
    """The changes that the page shows, and phrases for what it leaves out.

    It leaves out observations, small changes of timing, and requirements that an incomplete run did not judge.
    """
    unjudged: set[str] = set()
    if night.exit_code in (INCOMPLETE, CUT_OFF) or (night.results is not None and night.results["run"]["interrupted"]):
        unjudged = {change.subject for change in changes.other_outcomes if _is_unjudged(change)}
    timings = tuple(change for change in changes.timings if _is_large(change, night.timing_factor))
    counts = (
        (len(unjudged), "change", "to what was not judged"),
        (len(changes.observations), "changed observation", ""),
        (len(changes.timings) - len(timings), "changed timing", ""),
    )
    shown = replace(
        changes,
        matrix=tuple(row for row in changes.matrix if row.requirement not in unjudged),
        other_outcomes=tuple(change for change in changes.other_outcomes if change.subject not in unjudged),
        observations=(),
        timings=timings,
    )
    return shown, [f"{counted(number, noun)} {more}".strip() for number, noun, more in counts if number]


def _is_unjudged(change: Change) -> bool:
    return change.after in UNJUDGED


def _is_large(change: Change, factor: float | None) -> bool:
    """Whether a length, in words such as "1.2 s", changed by `factor` or more in either direction."""
    if factor is None:
        return False
    was, now = sorted(float(text.split()[0]) for text in (change.before, change.after))
    return now >= factor * was


def _last_lines(log: str) -> list[str]:
    return [one_line(line, 1_000) for line in log.splitlines() if line.strip()][-LOG_LINES:]


def _command(level: str, title: str, text: str) -> str:
    """A workflow command of GitHub Actions; characters that would end it, or its title, are percent-encoded as GitHub asks."""
    message = one_line(text, 1_000).replace("%", "%25")
    name = one_line(f"conformance: {title}", 200).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{message}"
