"""Baselines: known violations, whose correction is agreed, so that a run fails only for new ones.

An entry names one way in which one requirement is violated, by the fingerprint of the finding. That violation counts as known
until the entry expires. When the entry has expired, or the violation no longer occurs, runs fail until the entry is removed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from reimage_conformance.assessment.assess import conclude
from reimage_conformance.catalogue import requirement
from reimage_conformance.config import keys
from reimage_conformance.config.toml import read_toml
from reimage_conformance.errors import JournalError, TargetError, UsageError
from reimage_conformance.model import Assessment, Outcome, RunVerdict
from reimage_conformance.quantities import counted
from reimage_conformance.report.visible import one_line
from reimage_conformance.report.wording import BASELINE_NOTE
from reimage_conformance.report.write import write_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import RequirementResult

EVENT = "baseline"
"""The journal's event that keeps the baseline of a run, so that its reports can be made again without the file."""

_JUDGING = ("met", "violated", "advisory", "observed")
"""The outcomes of a case that has judged its requirement."""
_UNJUDGED = (Outcome.UNTESTED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE)
"""The outcomes of a requirement that was not judged."""
_NONCONFORMANT_CODE, _INTERRUPTED_CODE = 1, 2
"""The exit codes of a nonconformant run and of an interrupted one, as in `assess.conclude`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One known violation; `cases` are the ones that showed it, `expires` the last day on which it counts as known."""

    requirement: str
    fingerprint: str
    reason: str
    owner: str = ""
    ticket: str = ""
    expires: date | None = None
    cases: tuple[str, ...] = ()

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and today > self.expires


Baseline = tuple[Entry, ...]


def _is_date(value: Any) -> bool:
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            return False
    return type(value) in (str, date)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _text(expected: str, *, required: bool = False) -> keys.Key:
    return keys.Key(
        expected, lambda value: isinstance(value, str) and (not required or bool(value.strip())), required=required
    )


_KEYS: Mapping[str, keys.Key] = {
    "requirement": _text("the id of a requirement", required=True),
    "fingerprint": _text("the fingerprint that results.json shows with the finding", required=True),
    "reason": _text("a sentence that says why this is known", required=True),
    "owner": _text("who fixes it"),
    "ticket": _text("where that is tracked"),
    "expires": keys.Key(
        "a date like 2026-12-31",
        _is_date,
        converted=lambda value: date.fromisoformat(value) if isinstance(value, str) else value,
    ),
    "cases": keys.Key("an array of case ids", _are_texts, converted=tuple),
}


def load_baseline(path: Path) -> Baseline:
    """The baseline in the file at `path`; raises UsageError naming file, entry, key and what is expected."""
    try:
        document = read_toml(path, "a baseline")
        keys.refuse_unknown(path, "at the top level", document, ("known",))
        return _entries(path, document.get("known", []))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such baseline; --write-baseline {path} writes one from a run") from error
    except TargetError as error:  # read_toml and keys.checked, which target files need too, raise it
        raise UsageError(str(error)) from error


def _entries(path: Path, rows: Any) -> Baseline:
    if not isinstance(rows, list):
        raise UsageError(f'{path}: "known" is expected to be [[known]] tables, found {keys.shown(rows)}')
    entries: list[Entry] = []
    for number, row in enumerate(rows, start=1):
        where = f"[[known]] number {number}"
        entry = Entry(**keys.checked(path, where, row, _KEYS))
        try:
            requirement(entry.requirement)
        except UsageError as error:
            raise UsageError(f"{path}: {where}: {error}") from error
        if any((entry.requirement, entry.fingerprint) == (other.requirement, other.fingerprint) for other in entries):
            raise UsageError(
                f"{path}: {where} repeats {entry.requirement} with fingerprint {entry.fingerprint}; expected it once"
            )
        entries.append(entry)
    return tuple(entries)


def apply_baseline(assessment: Assessment, baseline: Baseline, today: date) -> Assessment:
    """`assessment` with the outcome `known` for the violations that `baseline` names; its findings come last.

    A violated requirement is known only if unexpired entries name every way in which it is violated (`fingerprints`). A violation that
    a known finding explains (`also_affected`) is known too.

    An entry that has expired, or whose violation is gone, fails the run; a note names it.
    """
    unexpired = [entry for entry in baseline if not entry.has_expired(today)]
    expected = {(entry.requirement, entry.fingerprint) for entry in unexpired}
    known = {
        result.requirement.id
        for result in assessment.of_outcome(Outcome.VIOLATED)
        if result.fingerprints and {(result.requirement.id, each) for each in result.fingerprints} <= expected
    }
    affected = {
        name for finding in assessment.findings if finding.requirement in known for name in finding.also_affected
    }
    results = tuple(
        _as_known(result, unexpired) if result.requirement.id in known | affected else result
        for result in assessment.requirements
    )
    expired = [entry for entry in baseline if entry.has_expired(today)]
    gone = [entry for entry in unexpired if _is_gone(entry, assessment)]
    is_incomplete = bool(assessment.obstacle or assessment.missed)
    verdict, exit_code = conclude(results, interrupted=assessment.run.interrupted, hindered=is_incomplete)
    if expired or gone:
        verdict = RunVerdict.NONCONFORMANT
        exit_code = _INTERRUPTED_CODE if assessment.run.interrupted else _NONCONFORMANT_CODE
    findings = sorted(assessment.findings, key=lambda finding: finding.requirement in known)
    return replace(
        assessment,
        requirements=results,
        findings=tuple(findings),
        verdict=verdict,
        exit_code=exit_code,
        notes=(
            *assessment.notes,
            *(_note(entry, assessment, today) for entry in baseline if entry in (*expired, *gone)),
        ),
        hindrance=assessment.obstacle if verdict is RunVerdict.INCOMPLETE else "",
        gone=len(gone),
        expired=len(expired),
    )


def _as_known(result: RequirementResult, unexpired: Iterable[Entry]) -> RequirementResult:
    """`result` as known if it is violated, with the reasons of its entries."""
    if result.outcome is not Outcome.VIOLATED:
        return result
    reasons = [
        f"known: {entry.reason}"
        for entry in unexpired
        if entry.requirement == result.requirement.id and entry.fingerprint in result.fingerprints
    ]
    return replace(result, outcome=Outcome.KNOWN, reason="; ".join(reasons) or result.reason)


def _is_gone(entry: Entry, assessment: Assessment) -> bool:
    """Whether the run could have shown the violation of an entry, and did not."""
    result = _result_of(entry, assessment)
    return result is not None and not _is_seen(entry, assessment) and _was_judged(entry, result, assessment)


def _result_of(entry: Entry, assessment: Assessment) -> RequirementResult | None:
    return next((each for each in assessment.requirements if each.requirement.id == entry.requirement), None)


def _note(entry: Entry, assessment: Assessment, today: date) -> str:
    """The sentence about an entry that has expired, or whose violation is gone."""
    if entry.has_expired(today):
        return f"{_named(entry)} expired on {entry.expires}; fix the endpoint, or agree on another date."
    result = _result_of(entry, assessment)
    outcome = Outcome.UNTESTED if result is None else result.outcome
    now = "violated in another way" if outcome is Outcome.VIOLATED else outcome.value
    return f"{_named(entry)} no longer holds: the requirement is {now}; remove the entry."


def _named(entry: Entry) -> str:
    """The entry as a note names it."""
    return f"{BASELINE_NOTE} {', '.join(filter(None, (entry.requirement, entry.ticket, entry.owner)))}"


def _was_judged(entry: Entry, result: RequirementResult, assessment: Assessment) -> bool:
    """Whether the run could have shown the entry's violation: where the entry names cases, one of them has to have judged."""
    if result.outcome in _UNJUDGED:
        return False
    judging = {_function_of(case.id) for case in assessment.cases if case.outcome in _JUDGING}
    return not entry.cases or not judging.isdisjoint(map(_function_of, entry.cases))


def _function_of(case: str) -> str:
    """The function and the parameters in the id of a case; unlike the file name, they stay when a case moves to another file."""
    return case.rpartition("::")[2]


def baseline_event(baseline: Baseline, today: date) -> dict[str, Any]:
    """The fields of a journal's event `EVENT` for a baseline that was applied on the day `today`, as JSON values."""
    return {"today": today.isoformat(), "entries": [_plain(entry) for entry in baseline]}


def _plain(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in _KEYS}
    return {**row, "expires": entry.expires.isoformat() if entry.expires else None, "cases": list(entry.cases)}


def baseline_in(journal: Journal) -> tuple[Baseline, date] | None:
    """The baseline of the run that `journal` records, and the day on which it was applied; None where the run had none.

    Raises JournalError where the event is malformed.
    """
    event = next((event for event in journal.events if event["type"] == EVENT), None)
    if event is None:
        return None
    try:
        rows = [
            {**row, "cases": tuple(row["cases"]), "expires": row["expires"] and date.fromisoformat(row["expires"])}
            for row in event["entries"]
        ]
        return tuple(Entry(**row) for row in rows), date.fromisoformat(event["today"])
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"the journal's baseline cannot be read: {error}") from error


_HEADER = """\
# Known violations: a run with --baseline and this file fails only for others, for expired entries, and for entries whose violation is gone.
# Complete each entry: say why it is accepted, who fixes it, where that is tracked, and until when.
"""
_CASES_KEPT = 3


def write_baseline(assessment: Assessment, path: Path) -> str:
    """Write the violations of `assessment` to `path`; gives a sentence on what became of the entries.

    An entry that the file has already stays as it is if its violation was seen again, or if the run could not have shown it. Every other
    one is removed.
    Raises ReportError where the file cannot be written, UsageError where it exists and is no baseline.
    """
    earlier = {_key(entry): entry for entry in (load_baseline(path) if path.exists() else ())}
    seen = {_key(entry): entry for entry in _violations(assessment)}
    others = [entry for key, entry in earlier.items() if key not in seen]
    explained = [entry for entry in others if _is_seen(entry, assessment)]
    kept = [entry for entry in others if entry not in explained and not _is_gone(entry, assessment)]
    of_this_run = [*(earlier.get(key, entry) for key, entry in seen.items()), *explained]
    write_file(path, (_HEADER + "".join(map(_table, [*of_this_run, *kept]))).encode("utf-8"))
    removed = len(others) - len(explained) - len(kept)
    return (
        f"{path}: {counted(len(of_this_run), 'entry', 'entries')} for violations of this run, "
        f"{len(kept)} kept (not judged by this run), {removed} removed"
    )


def _key(entry: Entry) -> tuple[str, str]:
    return entry.requirement, entry.fingerprint


def _is_seen(entry: Entry, assessment: Assessment) -> bool:
    """Whether the violation of an entry was seen, even if another finding explains it."""
    result = _result_of(entry, assessment)
    return result is not None and entry.fingerprint in result.fingerprints


def _violations(assessment: Assessment) -> Iterator[Entry]:
    """An entry for each way in which a requirement with a finding of its own is violated; the headline of the finding is the reason of each."""
    results = {result.requirement.id: result for result in assessment.of_outcome(Outcome.VIOLATED, Outcome.KNOWN)}
    for finding in assessment.findings:
        if finding.requirement in results:
            for fingerprint in results[finding.requirement].fingerprints:
                cases = finding.cases[:_CASES_KEPT]
                yield Entry(finding.requirement, fingerprint, one_line(finding.headline), cases=cases)


def _table(entry: Entry) -> str:
    """The entry in TOML."""
    rows = {name: value for name in _KEYS if (value := getattr(entry, name)) or name in ("owner", "ticket")}
    lines = [f"{name} = {_toml(value)}" for name, value in rows.items()]
    lines += [] if entry.expires else ["# expires = 2099-12-31"]
    return "\n".join(["", "[[known]]", *lines, ""])


def _toml(value: Any) -> str:
    """A string, a date or a list of strings in TOML, which wants DEL escaped where JSON does not."""
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
