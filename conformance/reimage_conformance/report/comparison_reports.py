"""A comparison told: as lines for a terminal, as Markdown and as one offline HTML page; compares nothing itself."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING

from reimage_conformance.outputs import GENERATOR
from reimage_conformance.quantities import counted
from reimage_conformance.report.html.document import static_page
from reimage_conformance.report.html.markup import render
from reimage_conformance.report.summary import escaped
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.report.differences import Change, Comparison

NAME_LIMIT = 12
"""Requirements that are named where many are left out."""

MATRIX_SIGNS = {
    "met": "met",
    "violated": "VIOLATED",
    "known": "known",
    "advisory": "advisory",
    "observed": "observed",
    "inconclusive": "?",
    "untested": "-",
    "not-applicable": "n/a",
    "": "",
}
"""Outcomes as the cells of a matrix in plain text, what is wrong standing out."""


def comparison_text(comparison: Comparison) -> str:
    """The comparison for a terminal, without colours."""
    lines = [*_runs(comparison), *(f"note: {one_line(caveat)}" for caveat in comparison.caveats)]
    for heading, changes in _groups(comparison):
        lines += ["", f"{heading} ({len(changes)})", *map(_line, changes)]
    if len(comparison.runs) > 2:
        lines += ["", f"differences ({len(comparison.differences)})", *_matrix_lines(comparison)]
    if not comparison.differences and not list(_groups(comparison)):
        lines += ["", "no difference"]
    lines += ["", *_incomparable(comparison)] if list(_incomparable(comparison)) else []
    return "\n".join(lines) + "\n"


def comparison_markdown(comparison: Comparison) -> str:
    """The comparison for a job page."""
    blocks = [
        "# Comparison",
        "\n".join(f"{i}. {escaped(line)}" for i, line in enumerate(_told_runs(comparison), 1)),
    ]
    blocks += [f"> {escaped(caveat)}" for caveat in comparison.caveats]
    for heading, changes in _groups(comparison):
        rows = "\n".join(f"| {escaped(c.subject)} | {escaped(c.before)} | {escaped(c.after)} |" for c in changes)
        blocks += [f"## {heading.capitalize()} ({len(changes)})", f"| | first | last |\n| --- | --- | --- |\n{rows}"]
    if comparison.differences:
        blocks += ["## Requirements that differ", _markdown_matrix(comparison)]
    if not comparison.differences and not list(_groups(comparison)):
        blocks.append("No difference.")
    blocks += [escaped(line) for line in _incomparable(comparison)]
    blocks.append(f"[//]: # ({GENERATOR})")
    return "\n\n".join(blocks) + "\n"


def comparison_html(comparison: Comparison) -> str:
    """The comparison as one page that needs neither network nor script."""
    groups = list(_groups(comparison))
    body = render("comparison", comparison=comparison, groups=groups, incomparable=list(_incomparable(comparison)))
    return static_page("Comparison of runs", body)


def _groups(comparison: Comparison) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """The kinds of change that occurred, the worst first."""
    groups = {
        "newly violated": comparison.newly_violated,
        "newly met": comparison.newly_met,
        "violated in another way": comparison.other_symptoms,
        "other changes of outcome": comparison.other_outcomes,
        "changed observations": comparison.observations,
        "changed timings": comparison.timings,
    }
    yield from ((heading, changes) for heading, changes in groups.items() if changes)


def _runs(comparison: Comparison) -> Iterable[str]:
    return starmap("{}. {}".format, enumerate(_told_runs(comparison), 1))


def _told_runs(comparison: Comparison) -> Iterator[str]:
    for run in comparison.runs:
        name = run.label if run.started in run.label else f"{run.label}, {run.started}"
        yield one_line(f"{name}: {run.verdict} ({run.profile}, {run.strictness}, suite {run.suite_version})")


def _line(change: Change) -> str:
    reason = f"  ({one_line(change.reason, 200)})" if change.reason else ""
    return f"  {one_line(change.subject)}: {one_line(change.before, 200)} -> {one_line(change.after, 200)}{reason}"


def _matrix_lines(comparison: Comparison) -> Iterator[str]:
    """The rows that differ, one column a run; the columns are numbered as the runs are above."""
    width = max((len(row.requirement) for row in comparison.differences), default=0)
    yield f"  {'':{width}}  " + "".join(f"{number:<13}" for number in range(1, len(comparison.runs) + 1)).rstrip()
    for row in comparison.differences:
        cells = "".join(f"{MATRIX_SIGNS[outcome]:<13}" for outcome in row.outcomes)
        yield f"  {row.requirement:{width}}  {cells}".rstrip()


def _markdown_matrix(comparison: Comparison) -> str:
    numbers = " | ".join(map(str, range(1, len(comparison.runs) + 1)))
    rows = (f"| {escaped(row.requirement)} | {' | '.join(row.outcomes)} |" for row in comparison.differences)
    return f"| requirement | {numbers} |\n| --- |{' --- |' * len(comparison.runs)}\n" + "\n".join(rows)


def _incomparable(comparison: Comparison) -> Iterator[str]:
    for where, names in (("first", comparison.only_in_first), ("last", comparison.only_in_last)):
        if names:
            more = f" and {len(names) - NAME_LIMIT} more" if len(names) > NAME_LIMIT else ""
            told = one_line(", ".join(names[:NAME_LIMIT])) + more
            yield f"not comparable, only in the {where} run: {counted(len(names), 'requirement')}: {told}"
