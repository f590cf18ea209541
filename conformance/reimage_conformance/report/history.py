"""One target over many nights: requirements by nights, and what a person would say of each; a pure function of results."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from reimage_conformance.model import Outcome
from reimage_conformance.quantities import counted
from reimage_conformance.report.visible import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.report.results import Results

NIGHT_LIMIT = 30
"""Nights that the table shows, the newest."""

BAD = {Outcome.VIOLATED, Outcome.KNOWN}
"""Outcomes of a requirement that is violated."""

UNJUDGED = {"", Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.NOT_APPLICABLE}
"""Outcomes that say nothing about the endpoint: they are neither a change nor an end of one."""

FLICKERS = 3
"""Changes from which a requirement comes and goes."""

TITLE_LIMIT = 160


@dataclass(frozen=True, slots=True)
class Night:
    """One column: a run, with the length of its reimages (median of those that succeeded, seconds), and what is new about the suite."""

    started: str
    verdict: str
    profile: str
    suite_version: str
    is_new_version: bool
    seconds: float | None
    link: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One requirement in one night; `link` leads to its card in the report of that night, "" where there is no report."""

    outcome: str
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement over the nights, oldest first; `first_seen` is the first night in which it was violated, "" for none."""

    requirement: str
    title: str
    story: str
    first_seen: str
    changes: int
    is_bad: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The nights of a target, oldest first; `rows` are the requirements of which there is something to say, the worst first.

    `steady` counts the others by the outcome that they had in every night that judged them.
    """

    nights: tuple[Night, ...]
    rows: tuple[Row, ...]
    steady: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """The results of a run, and the folder of its reports as seen from the page; "" where there is no report."""

    results: Results
    place: str


def history_of(runs: Sequence[Run]) -> History:
    """The history that `runs`, newest first, come to."""
    shown = list(reversed(runs[:NIGHT_LIMIT]))
    tables = [{row["id"]: row for row in run.results["requirements"]} for run in shown]
    names = dict.fromkeys(name for table in reversed(tables) for name in table)
    rows: list[Row] = []
    steady: dict[str, int] = {}
    cards = [_cards(run.results) for run in shown]
    for name in names:
        given = [table.get(name) for table in tables]
        judged = [row["outcome"] for row in given if row is not None and row["outcome"] not in UNJUDGED]
        if len(set(judged)) <= 1 and not set(judged) & {*BAD, Outcome.ADVISORY}:
            outcome = judged[0] if judged else "untested"
            steady[outcome] = steady.get(outcome, 0) + 1
        else:
            cells = tuple(_cell(name, row, run, card) for row, run, card in zip(given, shown, cards, strict=True))
            rows.append(_row(name, given, cells, [_day(run.results["run"]["started"]) for run in shown]))
    ordered = sorted(rows, key=lambda row: (not row.is_bad, not row.first_seen, -row.changes))
    return History(tuple(_nights(shown)), tuple(ordered), tuple(steady.items()))


def _nights(runs: Sequence[Run]) -> Iterator[Night]:
    before = ""
    for run in runs:
        told, version = run.results["run"], str(run.results["suite"]["version"])
        yield Night(
            started=told["started"],
            verdict=told["verdict"],
            profile=f"{told['profile']}, {told['strictness']}",
            suite_version=version,
            is_new_version=bool(before) and version != before,
            seconds=_seconds(run.results),
            link=f"{run.place}/report.html" if run.place else "",
        )
        before = version


def _seconds(results: Results) -> float | None:
    """How long a reimage took until its success was seen: the median, in seconds."""
    ended = [each["polls"][-1][0] for each in results["operations"] if each["polls"] and each["outcome"] == "Succeeded"]
    return round(median(ended), 3) if ended else None


def _cards(results: Results) -> dict[str, tuple[int, str]]:
    """The number and headline of the finding that tells of each requirement, its own or the one that explains it."""
    found: dict[str, tuple[int, str]] = {}
    for number, finding in enumerate(results["findings"], 1):
        for name in finding["also_affected"]:
            found.setdefault(name, (number, f"see finding {number}: {finding['headline']}"))
    own = {each["requirement"]: (number, each["headline"]) for number, each in enumerate(results["findings"], 1)}
    return found | own


def _cell(name: str, row: Results | None, run: Run, cards: dict[str, tuple[int, str]]) -> Cell:
    if row is None:
        return Cell("", "this suite did not know it", "")
    number, told = cards.get(name, (0, row["reason"]))
    words = f"{_day(run.results['run']['started'])}: {row['outcome']}{f', {told}' if told else ''}"
    anchor = f"finding-{number}" if number else name
    link = f"{run.place}/report.html#{anchor}" if run.place else ""
    return Cell(row["outcome"], one_line(words, TITLE_LIMIT), link)


def _row(name: str, given: Sequence[Results | None], cells: tuple[Cell, ...], days: Sequence[str]) -> Row:
    judged = [
        (day, row) for day, row in zip(days, given, strict=True) if row is not None and row["outcome"] not in UNJUDGED
    ]
    bad = [day for day, row in judged if row["outcome"] in BAD]
    title = next((row.get("title", "") for row in reversed(given) if row is not None), "")
    last = given[-1]
    return Row(
        requirement=name,
        title=title,
        story=_story(judged, is_last_judged=last is not None and last["outcome"] not in UNJUDGED),
        first_seen=bad[0] if bad else "",
        changes=sum(_differ(one, other) for (_, one), (_, other) in pairwise(judged)),
        is_bad=bool(judged) and judged[-1][1]["outcome"] in BAD,
        cells=cells,
    )


def _differ(one: Results, other: Results) -> bool:
    """Whether a requirement changed between two nights: its outcome, or the way in which it is violated."""
    was, now = one.get("fingerprints"), other.get("fingerprints")
    return bool(one["outcome"] != other["outcome"] or (was and now and set(was) != set(now)))


def _story(judged: Sequence[tuple[str, Results]], *, is_last_judged: bool) -> str:
    """What a person would say of a requirement that was judged in these nights, oldest first."""
    bad = [row["outcome"] in BAD for _, row in judged]
    since = _since(judged, bad)
    turns = sum(one != other for one, other in pairwise(bad))
    more = "" if is_last_judged else "; not judged in the last night"
    if not any(bad):
        outcomes = list(dict.fromkeys(row["outcome"] for _, row in judged))
        steady = f"{outcomes[0]} in every night"
        return (f"never violated, {' and '.join(outcomes)} by turns" if len(outcomes) > 1 else steady) + more
    share = f"violated in {sum(bad)} of {counted(len(bad), 'night')}"
    if turns >= FLICKERS:
        last = max(day for (day, _), was in zip(judged, bad, strict=True) if was)
        return f"comes and goes: {share}, {'also the last' if bad[-1] else f'last on {last}'}{more}"
    if all(bad):
        return f"violated in every night{_another_way(judged)}{more}"
    if bad[-1]:
        return f"violated since {since}, {counted(_streak(bad), 'night')}{_another_way(judged)}{more}"
    return f"mended on {since}; {share}{more}"


def _since(judged: Sequence[tuple[str, Results]], bad: Sequence[bool]) -> str:
    """The night from which on a requirement has been as it is now."""
    return judged[len(judged) - _streak(bad)][0]


def _streak(bad: Sequence[bool]) -> int:
    """How many nights at the end are alike."""
    return next((number for number, each in enumerate(reversed(bad)) if each != bad[-1]), len(bad))


def _another_way(judged: Sequence[tuple[str, Results]]) -> str:
    """When the way in which a requirement is violated changed last, if it did."""
    changed = [
        day
        for (_, one), (day, other) in pairwise(judged)
        if {one["outcome"], other["outcome"]} <= BAD and _differ({**one, "outcome": ""}, {**other, "outcome": ""})
    ]
    return f", in another way since {changed[-1]}" if changed else ""


def _day(started: str) -> str:
    """The day of a moment, with its hour and minute."""
    return started[:16].replace("T", " ")
