"""What changed between runs, or how implementations differ: a pure function of their results; makes no report."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from reimage_conformance.errors import UsageError
from reimage_conformance.model import Outcome
from reimage_conformance.report.results import verdict_of
from reimage_conformance.report.runs import VIOLATED_OUTCOMES, labels, requirement_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.report.results import Results

TIMING_SHARE = 0.25
"""A smaller change of the length of operations, as a share of the length in the first run, is no difference."""

TIMING_SECONDS = 0.5
"""A smaller change of the length of operations, in seconds, is no difference."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the first run and the last: a requirement or another subject, in both runs."""

    subject: str
    before: str
    after: str
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One requirement with its outcome in each run, "" if the run does not know it."""

    requirement: str
    title: str
    outcomes: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs that know the requirement disagree about it."""
        return len(set(filter(None, self.outcomes))) > 1

    @property
    def is_violated(self) -> bool:
        """Whether a run violates the requirement, whether its baseline names the violation or not."""
        return not VIOLATED_OUTCOMES.isdisjoint(self.outcomes)


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """What a comparison says of each run itself."""

    label: str
    started: str
    verdict: str
    suite_version: str
    strictness: str
    profile: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side; the changes are those from the first to the last.

    `newly_violated` and `newly_met` hold every change to this outcome, also from untested or from a known violation.
    """

    runs: tuple[ComparedRun, ...]
    matrix: tuple[MatrixRow, ...]
    newly_violated: tuple[Change, ...]
    newly_met: tuple[Change, ...]
    other_symptoms: tuple[Change, ...]
    other_outcomes: tuple[Change, ...]
    observations: tuple[Change, ...]
    timings: tuple[Change, ...]
    only_in_first: tuple[str, ...]
    only_in_last: tuple[str, ...]
    caveats: tuple[str, ...]
    exit_code: int
    of_targets: bool = False
    """Whether each run is of a different target, so that what differs is no change in time."""

    @property
    def differences(self) -> tuple[MatrixRow, ...]:
        """The requirements about which the runs disagree."""
        return tuple(row for row in self.matrix if row.differs)

    @property
    def notable(self) -> tuple[MatrixRow, ...]:
        """The rows to show first: those that differ.

        If each run is of a different target, the requirements that a target violates come before them.
        """
        if not self.of_targets:
            return self.differences
        violated = [row for row in self.matrix if row.is_violated]
        return (*violated, *(row for row in self.differences if not row.is_violated))


def compare(runs: Sequence[Results], names: Sequence[str] | None = None) -> Comparison:
    """Compare `runs`, two or more, in the order given; if `names` are given, each run is of a different target, with that name.

    The exit code is 1 if a requirement that is met in the first run is violated in the last, else 0. A requirement that
    both runs violate, in different ways, is a change and no new violation. Raises UsageError for fewer than two runs.
    """
    if len(runs) < 2:
        raise UsageError(f"a comparison needs two runs or more, not {len(runs)}")
    first, last = runs[0], runs[-1]
    changes = list(_outcome_changes(first, last))
    worse = tuple(change for change in changes if change.after == Outcome.VIOLATED)
    better = tuple(change for change in changes if change.after == Outcome.MET)
    return Comparison(
        runs=tuple(_compared(run, label) for run, label in zip(runs, names or labels(runs), strict=True)),
        matrix=tuple(_matrix(runs)),
        newly_violated=worse,
        newly_met=better,
        other_symptoms=tuple(_symptom_changes(first, last)),
        other_outcomes=tuple(change for change in changes if change not in worse and change not in better),
        observations=tuple(_observation_changes(first, last)),
        timings=tuple(_timing_changes(first, last)),
        only_in_first=tuple(_missing(first, last)),
        only_in_last=tuple(_missing(last, first)),
        caveats=tuple(_caveats(runs)),
        exit_code=int(any(change.before == Outcome.MET for change in worse)),
        of_targets=names is not None or len({run["target"]["name"] for run in runs}) == len(runs),
    )


def _compared(run: Results, label: str) -> ComparedRun:
    about = run["run"]
    version = run["suite"]["version"]
    return ComparedRun(label, about["started"], verdict_of(run), version, about["strictness"], about["profile"])


def _outcome_changes(first: Results, last: Results) -> Iterator[Change]:
    before = requirement_rows(first)
    for row in last["requirements"]:
        earlier = before.get(row["id"])
        if earlier is not None and earlier["outcome"] != row["outcome"]:
            yield Change(row["id"], earlier["outcome"], row["outcome"], row.get("title", ""), row["reason"])


def _symptom_changes(first: Results, last: Results) -> Iterator[Change]:
    """Requirements that both runs violate in different ways: the fingerprints of their findings differ."""
    before = requirement_rows(first)
    for row in last["requirements"]:
        earlier = before.get(row["id"])
        if earlier is None or not {earlier["outcome"], row["outcome"]} <= VIOLATED_OUTCOMES:
            continue
        was, now = (each.get("fingerprints") for each in (earlier, row))
        if was and now and set(was) != set(now):  # early versions of the suite wrote no fingerprints
            reason = _symptom_counts(set(was), set(now))
            yield Change(row["id"], _symptoms(first, earlier), _symptoms(last, row), row.get("title", ""), reason)


def _symptoms(run: Results, row: Results) -> str:
    """How `run` violates the requirement of `row`: the headline of its finding, and how many symptoms there are."""
    finding = next((each for each in run["findings"] if each["requirement"] == row["id"]), None)
    headline = str(finding["headline"] if finding is not None else row["reason"] or row["outcome"])
    return headline if len(row["fingerprints"]) < 2 else f"{headline} ({len(row['fingerprints'])} symptoms)"


def _symptom_counts(was: set[str], now: set[str]) -> str:
    """How many symptoms are new, and how many are gone."""
    counts = ((len(now - was), "new"), (len(was - now), "gone"))
    return ", ".join(f"{number} {'symptom' if number == 1 else 'symptoms'} {word}" for number, word in counts if number)


def _missing(run: Results, other: Results) -> list[str]:
    """The requirements of `run` that `other` does not have."""
    others = requirement_rows(other)
    return [row["id"] for row in run["requirements"] if row["id"] not in others]


def _matrix(runs: Sequence[Results]) -> Iterator[MatrixRow]:
    tables = [requirement_rows(run) for run in runs]
    # In the order of the last run; requirements that only earlier runs know come after these.
    names = dict.fromkeys(name for table in reversed(tables) for name in table)
    for name in names:
        rows = [table.get(name) for table in tables]
        title = next((row.get("title", "") for row in rows if row), "")
        yield MatrixRow(name, title, tuple(row["outcome"] if row else "" for row in rows))


def _observation_changes(first: Results, last: Results) -> Iterator[Change]:
    before, after = _seen(first), _seen(last)
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name, "nothing recorded"), after.get(name, "nothing recorded"))


def _seen(run: Results) -> dict[str, str]:
    """What was observed for each requirement, as one text in alphabetical order."""
    seen: dict[str, set[str]] = {}
    for observation in run["observations"]:
        seen.setdefault(observation["requirement"], set()).add(observation["seen"])
    return {name: "; ".join(sorted(texts)) for name, texts in seen.items()}


def _timing_changes(first: Results, last: Results) -> Iterator[Change]:
    before, after = _lengths(first), _lengths(last)
    for name in before:
        if name not in after:
            continue
        was, now = median(before[name]), median(after[name])
        if abs(now - was) >= TIMING_SECONDS and abs(now - was) >= TIMING_SHARE * was:
            yield Change(name, f"{was:.1f} s", f"{now:.1f} s")


def _lengths(run: Results) -> dict[str, list[float]]:
    """The seconds from acceptance to the last poll of each operation, grouped by form and outcome."""
    found: dict[str, list[float]] = {}
    for operation in run["operations"]:
        if operation["polls"]:
            name = f"operations by {operation['form']} that ended {operation['outcome']}"
            found.setdefault(name, []).append(operation["polls"][-1][0])
    return found


def _caveats(runs: Sequence[Results]) -> Iterator[str]:
    """Warnings that the runs were not made in the same way: by other versions, with other options, or not to their end."""
    versions = dict.fromkeys(run["suite"]["version"] for run in runs)
    if len(versions) > 1:
        yield f"the runs come from different versions of the suite: {', '.join(versions)}"
    for key in ("strictness", "profile"):
        values = dict.fromkeys(run["run"][key] for run in runs)
        if len(values) > 1:
            yield f"the runs differ in {key}: {', '.join(values)}"
    yield from (f"run {index} was interrupted" for index, run in enumerate(runs, 1) if run["run"]["interrupted"])
