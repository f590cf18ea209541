"""The rows of pytest-html's table of cases: cells with their details, usable by keyboard; reads and writes no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from reimage_conformance.report.html.markup import SIGNS, render
from reimage_conformance.report.html.selection import case_evidence
from reimage_conformance.report.visible import visible

if TYPE_CHECKING:
    from collections.abc import Container

    from reimage_conformance.model import CaseRecord

HEADER = (
    '<th scope="col" class="sortable col-outcome" data-column-type="outcome" tabindex="0">Outcome</th>',
    '<th scope="col" class="sortable col-case" data-column-type="case" tabindex="0">Case</th>',
    '<th scope="col" class="sortable col-requirement" data-column-type="requirement" tabindex="0">Requirement</th>',
    '<th scope="col" class="sortable col-seconds" data-column-type="seconds" tabindex="0">Time</th>',
)
"""The head of the table; pytest-html sorts by the value that a row has under a column's type."""

RANKS = tuple(SIGNS)
"""Outcomes in the order in which the table sorts them."""

LOG_LIMIT = 1_500
"""Characters of pytest's log of a case that are kept, from its end."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its cells, and the value that each column is sorted by."""

    cells: tuple[str, ...]
    outcome: str
    case: str
    requirement: str
    seconds: float


def case_row(case: CaseRecord, shown: Container[int] = (), log: str = "") -> Row:
    """The row of `case`; `shown` are the exchanges on the page, `log` is pytest's log of the case, escaped by pytest-html."""
    cells = (
        render("row_outcome", outcome=case.outcome),
        render("row_case", case=case, evidence=case_evidence(case), shown=shown, log=_kept(log), name=_name(case.id)),
        render("row_requirement", requirements=case.requirements),
        render("row_seconds", seconds=case.duration_seconds),
    )
    rank = RANKS.index(case.outcome) if case.outcome in RANKS else len(RANKS)
    requirement = case.requirements[0] if case.requirements else ""
    return Row(cells, f"{rank:02}", visible(case.id), requirement, case.duration_seconds)


def plain_cell(node_id: str) -> str:
    """The cell that names an item until the final row replaces it."""
    return Markup('<td class="col-testId">{}</td>').format(visible(node_id, keep=""))


def _name(node_id: str) -> tuple[str, str]:
    """The file and the rest of a node id."""
    path, _, name = node_id.partition("::")
    return (path, name) if name else ("", node_id)


def _kept(log: str) -> Markup:
    """The end of an escaped log, where pytest says what failed; cut between lines, so that no entity is halved."""
    kept = log if len(log) <= LOG_LIMIT else log[-LOG_LIMIT:].partition("\n")[2]
    return Markup(visible(kept))  # noqa: S704  (pytest-html escaped it)
