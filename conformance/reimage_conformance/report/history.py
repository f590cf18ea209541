"""One target over many nights: a table of requirements by nights, with a sentence about each; a pure function of results."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from reimage_conformance.model import Outcome
from reimage_conformance.quantities import counted
from reimage_conformance.report.runs import UNJUDGED, VIOLATED_OUTCOMES, requirement_rows
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.report.results import Results

NIGHT_LIMIT = 30
"""Nights that the table shows, the newest."""

FLICKERING_CHANGES = 3
"""A violation that began and ended this often, both counted, "comes and goes"."""

WORDS_LIMIT = 160
"""Characters of the words of a cell."""


@dataclass(frozen=True, slots=True)
class Night:
    """One column: a run; `seconds` is the median length of its reimages that succeeded, None if none did."""

    started: str
    verdict: str
    profile: str
    suite_version: str
    is_new_version: bool
    seconds: float | None
    link: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One requirement in one night; `link` leads to it in the report of that night, "" if there is no report."""

    outcome: str
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement over the nights, oldest first.

    `story` is a phrase such as "violated since ..."; `first_seen` the first night in which it was violated, "" for none; `is_bad`
    whether the last night that judged it found it violated.
    """

    requirement: str
    title: str
    story: str
    first_seen: str
    changes: int
    is_bad: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The nights of a target, oldest first.

    `rows` are the requirements that were violated or advisory, or that changed, the worst first. `steady` counts the others by
    the outcome that they had in every night that judged them.
    """

    nights: tuple[Night, ...]
    rows: tuple[Row, ...]
    steady: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a run, and the URL of its report folder, relative to the page; "" if there is no report."""

    results: Results
    url: str


def history_of(runs: Sequence[Run]) -> History:
    """The history of the target of `runs`, which are given newest first."""
    shown = list(reversed(runs[:NIGHT_LIMIT]))
    tables = [requirement_rows(run.results) for run in shown]
    names = dict.fromkeys(name for table in reversed(tables) for name in table)
    rows: list[Row] = []
    steady: dict[str, int] = {}
    cards = [_cards(run.results) for run in shown]
    minutes = [_minute(run.results["run"]["started"]) for run in shown]
    for name in names:
        given = [table.get(name) for table in tables]
        outcomes = {row["outcome"] for row in given if row is not None and _is_judged(row)}
        if len(outcomes) <= 1 and not outcomes & {*VIOLATED_OUTCOMES, Outcome.ADVISORY}:
            outcome = next(iter(outcomes), "untested")
            steady[outcome] = steady.get(outcome, 0) + 1
        else:
            cells = tuple(_cell(name, row, run, card) for row, run, card in zip(given, shown, cards, strict=True))
            rows.append(_row(name, given, cells, minutes))
    ordered = sorted(rows, key=lambda row: (not row.is_bad, not row.first_seen, -row.changes))
    return History(tuple(_nights(shown)), tuple(ordered), tuple(steady.items()))


def _nights(runs: Sequence[Run]) -> Iterator[Night]:
    before = ""
    for run in runs:
        about, version = run.results["run"], str(run.results["suite"]["version"])
        yield Night(
            started=about["started"],
            verdict=about["verdict"],
            profile=f"{about['profile']}, {about['strictness']}",
            suite_version=version,
            is_new_version=bool(before) and version != before,
            seconds=_median_length(run.results),
            link=f"{run.url}/report.html" if run.url else "",
        )
        before = version


def _median_length(results: Results) -> float | None:
    """The median of the seconds from the acceptance of a reimage to the poll that saw it succeed."""
    ended = [each["polls"][-1][0] for each in results["operations"] if each["polls"] and each["outcome"] == "Succeeded"]
    return round(median(ended), 3) if ended else None


def _cards(results: Results) -> dict[str, tuple[int, str]]:
    """For each requirement the number and headline of its finding: its own, or the one that also affects it."""
    found: dict[str, tuple[int, str]] = {}
    for number, finding in enumerate(results["findings"], 1):
        for name in finding["also_affected"]:
            found.setdefault(name, (number, f"see finding {number}: {finding['headline']}"))
    own = {each["requirement"]: (number, each["headline"]) for number, each in enumerate(results["findings"], 1)}
    return found | own


def _cell(name: str, row: Results | None, run: Run, cards: dict[str, tuple[int, str]]) -> Cell:
    if row is None:
        return Cell("", "this suite did not know it", "")
    number, reason = cards.get(name, (0, row["reason"]))
    words = f"{_minute(run.results['run']['started'])}: {row['outcome']}{f', {reason}' if reason else ''}"
    anchor = f"finding-{number}" if number else name
    link = f"{run.url}/report.html#{anchor}" if run.url else ""
    return Cell(row["outcome"], one_line(words, WORDS_LIMIT), link)


def _row(name: str, given: Sequence[Results | None], cells: tuple[Cell, ...], minutes: Sequence[str]) -> Row:
    judged = [(at, row) for at, row in zip(minutes, given, strict=True) if row is not None and _is_judged(row)]
    violated = [at for at, row in judged if row["outcome"] in VIOLATED_OUTCOMES]
    title = next((row.get("title", "") for row in reversed(given) if row is not None), "")
    last = given[-1]
    return Row(
        requirement=name,
        title=title,
        story=_story(judged, is_last_judged=last is not None and _is_judged(last)),
        first_seen=violated[0] if violated else "",
        changes=sum(_differ(one, other) for (_, one), (_, other) in pairwise(judged)),
        is_bad=bool(judged) and judged[-1][1]["outcome"] in VIOLATED_OUTCOMES,
        cells=cells,
    )


def _is_judged(row: Results) -> bool:
    """Whether a night judged the requirement; other outcomes are neither a change nor the end of a violation."""
    return row["outcome"] not in {"", *UNJUDGED}


def _differ(one: Results, other: Results) -> bool:
    """Whether a requirement changed between two nights: its outcome, or the way in which it is violated."""
    was, now = one.get("fingerprints"), other.get("fingerprints")
    return bool(one["outcome"] != other["outcome"] or (was and now and set(was) != set(now)))


def _story(judged: Sequence[tuple[str, Results]], *, is_last_judged: bool) -> str:
    """A phrase about a requirement that these nights judged, oldest first, such as "violated since ..."."""
    bad = [row["outcome"] in VIOLATED_OUTCOMES for _, row in judged]
    since = judged[len(judged) - _streak(bad)][0]
    turns = sum(one != other for one, other in pairwise(bad))
    more = "" if is_last_judged else "; not judged in the last night"
    if not any(bad):
        outcomes = list(dict.fromkeys(row["outcome"] for _, row in judged))
        if len(outcomes) > 1:
            return f"never violated, {' and '.join(outcomes)} by turns{more}"
        return f"{outcomes[0]} in every night{more}"
    share = f"violated in {sum(bad)} of {counted(len(bad), 'night')}"
    if turns >= FLICKERING_CHANGES:
        last = max(at for (at, _), is_bad in zip(judged, bad, strict=True) if is_bad)
        return f"comes and goes: {share}, {'also the last' if bad[-1] else f'last on {last}'}{more}"
    if all(bad):
        return f"violated in every night{_another_way(judged)}{more}"
    if bad[-1]:
        return f"violated since {since}, {counted(_streak(bad), 'night')}{_another_way(judged)}{more}"
    return f"fixed on {since}; {share}{more}"


def _streak(bad: Sequence[bool]) -> int:
    """How many of the last nights are alike."""
    return next((number for number, each in enumerate(reversed(bad)) if each != bad[-1]), len(bad))


def _another_way(judged: Sequence[tuple[str, Results]]) -> str:
    """A phrase with the last night in which a violation changed its symptoms; "" if none did."""
    changed = [
        at
        for (_, one), (at, other) in pairwise(judged)
        if {one["outcome"], other["outcome"]} <= VIOLATED_OUTCOMES
        and _differ({**one, "outcome": ""}, {**other, "outcome": ""})
    ]
    return f", in another way since {changed[-1]}" if changed else ""


def _minute(started: str) -> str:
    """A moment in ISO 8601 as date, hour and minute."""
    return started[:16].replace("T", " ")
