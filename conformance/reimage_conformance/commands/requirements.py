"""The command `requirements`: lists the catalogue, with the cases that judge each requirement or the reason why none can."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from reimage_conformance.catalogue import ALL_REQUIREMENTS, CATALOGUE, CLIENT_CATALOGUE, requirement
from reimage_conformance.commands.case_files import cases_folder, citing_cases
from reimage_conformance.commands.completing import requirement_ids
from reimage_conformance.commands.words import SuggestingChoice, columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reimage_conformance.model import Requirement

HEADINGS = ("id", "level", "counts as", "requirement", "judged by")

NO_CASE = "no case judges it yet"
NO_PATH = 5
"""The exit code of --why where nothing was found; a run that selects no case has the same."""
BY_RECORD = "judged from a record, by `check RUN --client`"


@dataclass(frozen=True, slots=True)
class Row:
    """A requirement with the cases that cite it; `otherwise` says how it is judged where no case can."""

    requirement: Requirement
    cases: tuple[str, ...]
    otherwise: str = ""

    @property
    def counts_as(self) -> str:
        """What a deviation counts as, strict before lenient; one word where both are equal."""
        strict, lenient = self.requirement.strict, self.requirement.lenient
        return strict.value if strict is lenient else f"{strict.value}/{lenient.value}"

    @property
    def judged(self) -> str:
        """The cases, or why there are none."""
        return ", ".join(self.cases) or self.otherwise or self.requirement.untestable or NO_CASE


@click.command()
@click.option(
    "--format", "form", type=SuggestingChoice(["table", "json", "markdown"]), default="table", show_default=True
)
@click.option("--client", is_flag=True, help="List the requirements that a recorded client is judged by.")
@click.option(
    "--why",
    nargs=2,
    metavar="A B",
    shell_complete=requirement_ids,
    help="Print how a violation of B explains one of A, step by step; exit code 5 where nothing says that it does.",
)
def requirements(form: str, *, client: bool, why: tuple[str, str] | None) -> int:
    """List the requirements and the cases that judge them.

    With --why, print how one requirement explains another in place of the list.

    Example: reimage-conformance requirements --why REQ-REIMAGE-202 REQ-GOS-200
    """
    if why is not None:
        return _print_path(*(requirement(name.upper(), ALL_REQUIREMENTS).id for name in why))
    rows = [Row(each, (), BY_RECORD) for each in CLIENT_CATALOGUE.values()] if client else _of_endpoints()
    {"table": _print_table, "json": _print_json, "markdown": _print_markdown}[form](rows)
    return 0


def _of_endpoints() -> list[Row]:
    cited = citing_cases(cases_folder())
    return [Row(requirement, cited.get(requirement.id, ())) for requirement in CATALOGUE.values()]


def _print_path(effect: str, cause: str) -> int:
    """Print how a violation of `cause` explains one of `effect`, or that nothing says so; gives the exit code."""
    from reimage_conformance.assessment.explaining import open_causes, path  # noqa: PLC0415 -- reads documents, as no other form does

    steps = path(effect, cause)
    for step in steps:
        click.echo(f"{step.cause} explains {step.effect}: {step.source}: {step.why}")
    if steps:
        return 0
    click.echo(f"nothing says that {cause} explains {effect}")
    for sentence in open_causes(effect):
        click.echo(f"a verdict on {effect} may name a cause by {sentence}")
    return NO_PATH


def _print_json(rows: Iterable[Row]) -> None:
    click.echo(json.dumps([_plain(row) for row in rows], indent=1))


def _plain(row: Row) -> dict[str, object]:
    requirement = row.requirement
    return {
        "id": requirement.id,
        "title": requirement.title,
        "section": requirement.section,
        "area": requirement.area,
        "level": requirement.level,
        "strict": requirement.strict.value,
        "lenient": requirement.lenient.value,
        "text": requirement.text,
        "note": requirement.note,
        "sources": list(requirement.sources),
        "requires": list(requirement.requires),
        "control": requirement.control,
        "explained_by": list(requirement.explained_by),
        "explained_when": {symptom: list(causes) for symptom, causes in requirement.explained_when.items()},
        "cases": list(row.cases),
        "reason": "" if row.cases else row.judged,
    }


def _print_markdown(rows: Iterable[Row]) -> None:
    lines = [f"| {' | '.join(HEADINGS)} |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        judged = ", ".join(f"`{case}`" for case in row.cases) or row.judged
        cells = (row.requirement.id, row.requirement.level, row.counts_as, row.requirement.text, judged)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    click.echo("\n".join(lines))


def _print_table(rows: Iterable[Row]) -> None:
    """A table with wrapped columns on a terminal, one line for each requirement elsewhere."""
    cells = [
        (row.requirement.id, row.requirement.level, row.counts_as, row.requirement.title, row.judged) for row in rows
    ]
    if not sys.stdout.isatty():
        click.echo("\n".join(columns([HEADINGS, *cells])))
        return
    from rich.console import Console  # noqa: PLC0415 -- a tenth of a second that the other forms need not spend
    from rich.table import Table  # noqa: PLC0415

    table = Table(*HEADINGS, box=None, pad_edge=False)
    table.columns[0].no_wrap = table.columns[2].no_wrap = True
    for row in cells:
        table.add_row(*row)
    Console(markup=False, emoji=False, highlight=False).print(table)
