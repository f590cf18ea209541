"""What a CI job says of one night: what its exit code means, what changed since the last good night, and annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.quantities import counted
from reimage_conformance.report.comparison_reports import comparison_markdown
from reimage_conformance.report.summary import escaped, fenced
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.report.differences import Comparison
    from reimage_conformance.report.results import Results

CUT_OFF = -1
"""Stands for the exit code of a run that was killed, which gave none."""

NONCONFORMANT, INCOMPLETE = 1, 6

MEANINGS = {
    0: ("The endpoint conforms", "Nothing is to be done."),
    1: ("The endpoint violates the protocol", "The first finding below is the one to mend."),
    2: ("The run was interrupted", "What it came to until then is below. Run it again, or go on with `run --resume`."),
    3: ("The suite itself broke", "This says nothing about the endpoint. Please report the lines below."),
    4: (
        "The job is set up wrongly",
        "Nothing was judged, and the endpoint is not to blame. Mend what the lines below name.",
    ),
    5: ("No case was selected", "Nothing was judged. Look at what the job selects."),
    6: (
        "Not everything could be judged",
        "No violation was seen. Look at what hindered the run: an endpoint that is away or throttles, credentials, time.",
    ),
    CUT_OFF: (
        "The run was cut off",
        "What it came to until then is below. Give the job more time, or the run fewer minutes.",
    ),
}
"""What each exit code means for the owner of the job, and what to do."""

ANNOTATION_LIMIT = 10
"""Annotations of one kind: GitHub shows no more of one step."""

LOG_LINES = 20
"""The last lines of a command's output that the page shows where it left no results."""

PAGE_LIMIT = 900_000
"""Octets of a page; GitHub takes 1 MiB."""


@dataclass(frozen=True, slots=True)
class Night:
    """One run of a job: its exit code, its results and summary where there are any, its last words, what changed since the last good one."""

    exit_code: int
    results: Results | None = None
    summary: str = ""
    log: str = ""
    changes: Comparison | None = None


def page_text(night: Night) -> str:
    """The page of the job, as Markdown."""
    heading, advice = _meaning(night)
    code = "" if night.exit_code == CUT_OFF else f" (exit code {night.exit_code})"
    blocks = [f"# {heading}{code}", advice]
    if night.results is None:
        blocks += [fenced("\n".join(_last_lines(night.log)))] if night.log.strip() else []
        return "\n\n".join(blocks) + "\n"
    if night.results["run"]["interrupted"] and night.exit_code != CUT_OFF:
        blocks.append("> The run did not come to its end; this is what it came to until then.")
    if night.exit_code == INCOMPLETE and night.results["run"].get("reason"):
        blocks.append(f"> {escaped(night.results['run']['reason'])}")
    blocks += _changes(night)
    blocks.append(night.summary)
    page = "\n\n".join(block.strip("\n") for block in blocks if block) + "\n"
    return page.encode()[:PAGE_LIMIT].decode(errors="ignore")


def github_annotations(night: Night) -> list[str]:
    """The workflow commands of GitHub Actions that mark what is wrong, the worst first."""
    heading, advice = _meaning(night)
    if night.results is None:
        told = next(reversed(_last_lines(night.log)), advice)
        return [_command("error", heading, told)] if night.exit_code else []
    findings = [(each["counts_as"], each) for each in night.results["findings"]]
    new = {change.subject for change in night.changes.newly_violated} if night.changes is not None else set()
    lines = []
    for level, counts_as in (("error", "FAIL"), ("warning", "WARN")):
        found = [each for kind, each in findings if kind == counts_as]
        for each in found[:ANNOTATION_LIMIT]:
            since = ", new since the last good night" if each["requirement"] in new else ""
            lines.append(_command(level, f"{each['requirement']}{since}", each["headline"]))
    if not lines and night.exit_code:
        told = night.results["run"].get("reason") or advice
        lines.append(_command("error" if night.exit_code != INCOMPLETE else "warning", heading, told))
    return lines


def _meaning(night: Night) -> tuple[str, str]:
    heading, advice = MEANINGS.get(night.exit_code, MEANINGS[3])
    if night.exit_code == 0 and night.results is not None and night.results["run"]["verdict"] == "partial":
        return "No violation was seen", "Something was left untested, for the profile, the selection or the budget."
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
    yield comparison_markdown(night.changes).partition("\n")[2].replace("\n## ", "\n### ")


def _last_lines(log: str) -> list[str]:
    return [one_line(line, 1_000) for line in log.splitlines() if line.strip()][-LOG_LINES:]


def _command(level: str, title: str, text: str) -> str:
    """A workflow command; what would end it, or its title, is encoded as GitHub asks for."""
    told = one_line(text, 1_000).replace("%", "%25")
    name = one_line(f"conformance: {title}", 200).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{told}"
