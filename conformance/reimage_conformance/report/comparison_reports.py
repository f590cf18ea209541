"""The reports of a comparison: lines for a terminal, Markdown, and one offline HTML page; compares nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.outputs import GENERATOR
from reimage_conformance.quantities import counted
from reimage_conformance.report.html.document import static_page
from reimage_conformance.report.html.markup import render
from reimage_conformance.report.summary import escaped
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.report.differences import Change, Comparison

NAME_LIMIT = 12
"""At most this many requirements that only one of the runs has are named; the rest are counted."""

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
"""Outcomes as the cells of a matrix in plain text; a violation is in capitals."""

CHANGE_HEADINGS = (
    "newly violated",
    "newly met",
    "violated in another way",
    "other changes of outcome",
    "changed observations",
    "changed timings",
)
"""Headings of what changed from the first run to the last, in the order of `_groups`."""

TARGET_HEADINGS = (
    "violated by the last only",
    "met by the last only",
    "violated in different ways",
    "other outcomes that differ",
    "observations that differ",
    "timings that differ",
)
"""The same headings where the two runs are of two targets."""


def comparison_text(comparison: Comparison) -> str:
    """The comparison for a terminal, without colours."""
    lines = [f"{number}. {line}" for number, line in enumerate(_run_lines(comparison), 1)]
    lines += [f"note: {one_line(caveat)}" for caveat in comparison.caveats]
    groups, incomparable = list(_groups(comparison)), list(_incomparable(comparison))
    for heading, changes in groups:
        lines += ["", f"{heading} ({len(changes)})", *map(_line, changes)]
    if len(comparison.runs) > 2 or comparison.of_targets:
        lines += [
            "",
            f"requirements that {matrix_title(comparison)} ({len(comparison.notable)})",
            *_matrix_lines(comparison),
        ]
    if not comparison.differences and not groups:
        lines += ["", "no difference"]
    lines += ["", *incomparable] if incomparable else []
    return "\n".join(lines) + "\n"


def comparison_markdown(comparison: Comparison, none: str = "No difference.") -> str:
    """The comparison for a job page; `none` is the sentence for a comparison without a difference."""
    blocks = [
        "# Comparison",
        "\n".join(f"{i}. {escaped(line)}" for i, line in enumerate(_run_lines(comparison), 1)),
    ]
    blocks += [f"> {escaped(caveat)}" for caveat in comparison.caveats]
    groups = list(_groups(comparison))
    for heading, changes in groups:
        rows = "\n".join(f"| {escaped(c.subject)} | {escaped(c.before)} | {escaped(c.after)} |" for c in changes)
        blocks += [f"## {heading.capitalize()} ({len(changes)})", f"| | first | last |\n| --- | --- | --- |\n{rows}"]
    if comparison.notable:
        blocks += [f"## Requirements that {matrix_title(comparison)}", _markdown_matrix(comparison)]
    if not comparison.differences and not groups:
        blocks.append(none)
    blocks += [escaped(line) for line in _incomparable(comparison)]
    blocks.append(f"[//]: # ({GENERATOR})")
    return "\n\n".join(blocks) + "\n"


def comparison_html(comparison: Comparison) -> str:
    """The comparison as one page that needs neither network nor script."""
    body = render(
        "comparison",
        comparison=comparison,
        groups=list(_groups(comparison)),
        incomparable=list(_incomparable(comparison)),
        matrix_title=matrix_title(comparison),
    )
    return static_page("Comparison of runs", body)


def _groups(comparison: Comparison) -> Iterator[tuple[str, tuple[Change, ...]]]:
    """The headings of the changes that occurred, each with its changes, the worst first; none for three targets or more.

    The table of outcomes shows how three targets or more differ.
    """
    if comparison.of_targets and len(comparison.runs) > 2:
        return
    changes = (
        comparison.newly_violated,
        comparison.newly_met,
        comparison.other_symptoms,
        comparison.other_outcomes,
        comparison.observations,
        comparison.timings,
    )
    headings = TARGET_HEADINGS if comparison.of_targets else CHANGE_HEADINGS
    yield from ((heading, group) for heading, group in zip(headings, changes, strict=True) if group)


def matrix_title(comparison: Comparison) -> str:
    """What the requirements in the first table of outcomes have in common, as the end of its title."""
    return "are violated or differ" if comparison.of_targets else "differ"


def _run_lines(comparison: Comparison) -> Iterator[str]:
    """One line for each run: its name and start, its verdict, and how it was made."""
    for run in comparison.runs:
        name = run.label if run.started in run.label else f"{run.label}, {run.started}"
        yield one_line(f"{name}: {run.verdict} ({run.profile}, {run.strictness}, suite {run.suite_version})")


def _line(change: Change) -> str:
    reason = f"  ({one_line(change.reason, 200)})" if change.reason else ""
    return f"  {one_line(change.subject)}: {one_line(change.before, 200)} -> {one_line(change.after, 200)}{reason}"


def _matrix_lines(comparison: Comparison) -> Iterator[str]:
    """The notable rows, one column a run; the columns are numbered as the runs are above."""
    width = max((len(row.requirement) for row in comparison.notable), default=0)
    yield f"  {'':{width}}  " + "".join(f"{number:<13}" for number in range(1, len(comparison.runs) + 1)).rstrip()
    for row in comparison.notable:
        cells = "".join(f"{MATRIX_SIGNS[outcome]:<13}" for outcome in row.outcomes)
        yield f"  {row.requirement:{width}}  {cells}".rstrip()


def _markdown_matrix(comparison: Comparison) -> str:
    names = [escaped(run.label) if comparison.of_targets else str(i) for i, run in enumerate(comparison.runs, 1)]
    rows = (f"| {escaped(row.requirement)} | {' | '.join(row.outcomes)} |" for row in comparison.notable)
    return f"| requirement | {' | '.join(names)} |\n| --- |{' --- |' * len(comparison.runs)}\n" + "\n".join(rows)


def _incomparable(comparison: Comparison) -> Iterator[str]:
    """The sentences about requirements that only the first run knows, or only the last."""
    for where, names in (("first", comparison.only_in_first), ("last", comparison.only_in_last)):
        if names:
            more = f" and {len(names) - NAME_LIMIT} more" if len(names) > NAME_LIMIT else ""
            listed = one_line(", ".join(names[:NAME_LIMIT])) + more
            yield f"not comparable, only in the {where} run: {counted(len(names), 'requirement')}: {listed}"
