"""index.html: the runs below a folder, by target, with their trend and requirements by nights; reads results, judges nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from reimage_conformance.model import Outcome
from reimage_conformance.outputs import is_own_page
from reimage_conformance.report.history import History, Run, history_of
from reimage_conformance.report.html.document import static_page
from reimage_conformance.report.html.markup import render
from reimage_conformance.report.runs import find_runs
from reimage_conformance.report.write import write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from reimage_conformance.report.results import Results
    from reimage_conformance.report.runs import FoundRun

RUN_LIMIT = 200
"""Runs of one target that are listed, the newest."""

TREND_LIMIT = 40
"""Runs of one target in the drawing of its trend."""

TREND_OUTCOMES = (Outcome.VIOLATED, Outcome.KNOWN, Outcome.ADVISORY, Outcome.INCONCLUSIVE, Outcome.MET)
"""The outcomes that a column of the trend shows, from the bottom up."""

LINKS = {
    "report.html": "page",
    "summary.md": "summary",
    "results.json": "results",
    "junit.xml": "JUnit",
    "journal.jsonl": "journal",
}
"""The files of a run and the words that lead to them."""

LEAST_SHARE = 0.04
"""An outcome that occurs takes at least this share of a column, so that one violation among hundreds is seen."""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """One line of the index; `links` are its reports, as (words, address relative to the index).

    `url` is that of the folder of its report.html, relative to the index; "" if there is none.
    """

    results: Results
    links: tuple[tuple[str, str], ...]
    url: str


@dataclass(frozen=True, slots=True)
class Column:
    """One run in the trend: its parts from the bottom up, as (outcome, y of the upper edge, height); the column is 100 high."""

    x: int
    words: str
    parts: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class TargetRuns:
    """The runs of one target, newest first, their trend, oldest first, and its requirements by nights."""

    name: str
    runs: tuple[ListedRun, ...]
    columns: tuple[Column, ...]
    history: History


def write_index(folder: Path) -> Path:
    """Write `folder`/index.html and give its path; a file there that the suite did not write is left as it is. Raises ReportError."""
    path = folder / "index.html"
    if path.exists() and not is_own_page(path):
        return path
    write_file(path, index_html(folder, find_runs(folder)).encode("utf-8"))
    return path


def index_html(folder: Path, runs: Sequence[FoundRun]) -> str:
    """The index of `runs`, with links relative to `folder`; a run that lies there twice is listed once."""
    by_target: dict[str, list[ListedRun]] = {}
    for listed in _without_copies(_listed(run, run.results, folder) for run in runs if run.results is not None):
        by_target.setdefault(str(listed.results["target"]["name"]), []).append(listed)
    targets = [
        TargetRuns(
            name, tuple(found[:RUN_LIMIT]), _trend(found), history_of([Run(each.results, each.url) for each in found])
        )
        for name, found in by_target.items()
    ]
    faults = [run.fault for run in runs if run.results is None]
    return static_page("Runs", render("index", targets=targets, faults=faults, trend=TREND_OUTCOMES))


def _without_copies(runs: Iterable[ListedRun]) -> list[ListedRun]:
    """Each run once, in the order given: of several copies the one that finished last, then the one with most reports."""
    best: dict[tuple[str, ...], ListedRun] = {}
    for each in runs:
        about = each.results["run"]
        key = (str(about["id"]) or each.url, str(about["started"]), str(each.results["target"]["name"]))
        known = best.get(key)
        if known is None or _completeness(each) > _completeness(known):
            best[key] = each
    return list(best.values())


def _completeness(run: ListedRun) -> tuple[str, int]:
    return str(run.results["run"]["finished"]), len(run.links)


def _listed(run: FoundRun, results: Results, folder: Path) -> ListedRun:
    url = f"./{quote(run.folder.relative_to(folder).as_posix())}"
    links = tuple((words, f"{url}/{name}") for name, words in LINKS.items() if (run.folder / name).exists())
    return ListedRun(results, links, url if (run.folder / "report.html").exists() else "")


def _trend(runs: Sequence[ListedRun]) -> tuple[Column, ...]:
    shown = list(reversed(runs[:TREND_LIMIT]))
    return tuple(_column(10 * index, run.results) for index, run in enumerate(shown))


def _column(x: int, results: Results) -> Column:
    counts = {outcome.value: results["summary"][outcome.value] for outcome in TREND_OUTCOMES}
    least = LEAST_SHARE * sum(counts.values())
    weights = {name: max(number, least) if number else 0.0 for name, number in counts.items()}
    total = sum(weights.values()) or 1.0
    parts, bottom = [], 0.0
    for name, weight in weights.items():
        height = 100 * weight / total
        parts.append((name, round(100 - bottom - height, 2), round(height, 2)))
        bottom += height
    outcomes = ", ".join(f"{number} {name}" for name, number in counts.items() if number)
    return Column(x, f"{results['run']['started']}: {outcomes or 'nothing judged'}", tuple(parts))
