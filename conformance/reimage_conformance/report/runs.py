"""Runs as they were left: finds the results of a report folder, a results.json or a journal; judges nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.errors import UsageError
from reimage_conformance.model import Outcome, RunVerdict
from reimage_conformance.outputs import JOURNAL
from reimage_conformance.report.results import Results, load_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

SHARE_JUDGED = 0.9
"""A partial run is good enough to compare with if it judged at least this share of what the new run judged."""

UNJUDGED = {Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.NOT_APPLICABLE}
"""The outcomes of a requirement that was not judged."""

VIOLATED_OUTCOMES = {Outcome.VIOLATED, Outcome.KNOWN}
"""The outcomes of a requirement that is violated, whether the baseline expects it or not."""


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that was found below a folder: its own folder, and its results (without details) or, in `fault`, why they cannot be read."""

    folder: Path
    results: Results | None
    fault: str = ""


def load_run(path: Path, judge: Callable[[Path], Results] | None = None) -> Results:
    """The results at `path`: a report folder, a results.json, or a journal, which `judge` turns into results.

    Raises UsageError if there are none, or if a journal is given without a judge.
    """
    journal = path / JOURNAL if path.is_dir() else path
    if path.is_dir() and (path / "results.json").exists():
        return load_results(path)
    if journal.suffix == ".jsonl" and journal.exists():
        if judge is None:
            raise UsageError(f"{journal}: is a journal; make its results.json first with `report`")
        return judge(journal)
    if path.is_dir():
        raise UsageError(f"{path}: holds neither results.json nor journal.jsonl")
    return load_results(path)


def find_runs(folder: Path) -> tuple[FoundRun, ...]:
    """Every run at most two folders below `folder`, newest first; `fault` of one that cannot be read says why."""
    files = {file for pattern in ("*/results.json", "*/*/results.json") for file in folder.glob(pattern)}
    found = [_found(file.parent) for file in sorted(files)]
    return tuple(sorted(found, key=_started, reverse=True))


def last_good(run: Results, folder: Path) -> FoundRun | None:
    """The newest good run below `folder` of the same target, profile and strictness that began before `run`; None if there is none.

    A conformant run is good. Without one, a partial run (no violation seen, something untested) is good if it judged at least
    `SHARE_JUDGED` of what `run` judged. A nightly run with a small budget is partial every night; so is a run of a few chosen
    cases, which is not good enough to compare with.
    """
    earlier = [each for each in find_runs(folder) if each.results is not None and _is_comparable(each.results, run)]
    for verdict in (RunVerdict.CONFORMANT, RunVerdict.PARTIAL):
        for each in earlier:
            if (
                each.results is not None
                and each.results["run"]["verdict"] == verdict
                and _judges_enough(each.results, run)
            ):
                return each
    return None


def _judges_enough(earlier: Results, run: Results) -> bool:
    """Whether `earlier` is conformant, or judged at least `SHARE_JUDGED` of what `run` judged."""
    now, then = _judged(run), _judged(earlier)
    return earlier["run"]["verdict"] == RunVerdict.CONFORMANT or len(now & then) >= SHARE_JUDGED * len(now)


def requirement_rows(run: Results) -> dict[str, Results]:
    """What `run` says of each requirement, by its id."""
    return {row["id"]: row for row in run["requirements"]}


def _judged(run: Results) -> set[str]:
    return {row["id"] for row in run["requirements"] if row["outcome"] not in UNJUDGED}


def _is_comparable(earlier: Results, run: Results) -> bool:
    """Whether `earlier` is of the same target, profile and strictness as `run`, and began before it."""
    then, now = earlier["run"], run["run"]
    same = all(then[key] == now[key] for key in ("profile", "strictness"))
    return same and earlier["target"]["name"] == run["target"]["name"] and then["started"] < now["started"]


def labels(runs: Iterable[Results]) -> tuple[str, ...]:
    """A unique name for each of `runs`: its target, with its start if two have the same target, with a number if those are the same too."""
    runs = list(runs)
    names = [str(run["target"]["name"]) for run in runs]
    timed = [f"{name}, {run['run']['started']}" for name, run in zip(names, runs, strict=True)]
    numbered = [f"{name} (run {number})" for number, name in enumerate(timed, 1)]
    return tuple(
        next(kind[index] for kind in (names, timed, numbered) if kind.count(kind[index]) == 1)
        for index in range(len(runs))
    )


def _found(folder: Path) -> FoundRun:
    try:
        return FoundRun(folder, load_results(folder, whole=False))
    except UsageError as error:
        return FoundRun(folder, None, str(error))


def _started(run: FoundRun) -> tuple[str, str]:
    return (str(run.results["run"]["started"]) if run.results else "", str(run.folder))
