"""The assessment from which every report is made, both of a run that just ended and of a journal that is read again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment import assess
from reimage_conformance.assessment.assess import NO_END_SEEN
from reimage_conformance.assessment.clients import assess_client, is_of_client
from reimage_conformance.baseline import apply_baseline, baseline_in
from reimage_conformance.errors import JournalError
from reimage_conformance.model import Preflight
from reimage_conformance.report.wording import missed_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Assessment, Verdict


def assessed(journal: Journal, judged: Sequence[Verdict] | None = None) -> Assessment:
    """The assessment of the run in `journal`, with its baseline applied and its notes.

    `judged` are the verdicts of a run that just ended; without them, the checks are called again. The session of a client is
    judged by the requirements of clients. Raises JournalError.
    """
    assessment = assess_client(journal) if is_of_client(journal) else assess(journal, judged)
    notes = (*_damage(journal), *filter(None, [missed_sentence(assessment)]), *_noted(journal), *_under_way(assessment))
    assessment = replace(assessment, notes=notes, preflight=_preflight(journal))
    found = baseline_in(journal)
    return assessment if found is None else apply_baseline(assessment, *found)


def _preflight(journal: Journal) -> Preflight | None:
    """The result of the preflight, None if there was none; raises JournalError for an event that cannot be read."""
    event = next((event for event in journal.events if event["type"] == "preflight"), None)
    if event is None:
        return None
    try:
        return Preflight(int(event["requests"]), tuple((str(level), str(text)) for level, text in event["answers"]))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"the journal's preflight cannot be read: {error}") from error


def _damage(journal: Journal) -> Iterator[str]:
    """What is wrong with the journal itself, in sentences."""
    if not journal.complete:
        yield "The journal ends before the run did; this is what it holds."
    for note in journal.notes:
        yield f"The journal is damaged: {note}."


def _under_way(assessment: Assessment) -> Iterator[str]:
    """The sentence about operations that were under way when the run was cut short; the endpoint goes on with them."""
    left = [each for each in assessment.operations if each.outcome == NO_END_SEEN] if assessment.run.interrupted else []
    named = [f"{each.id} ({each.role_instance} in {each.deployment})" for each in left[:8]]
    more = [f"and {len(left) - 8} more"] if len(left) > 8 else []
    if left:
        yield f"Still under way when the run was cut short: {', '.join([*named, *more])}."


def _noted(journal: Journal) -> Iterator[str]:
    """The notes that the run wrote into its journal for the readers of its reports."""
    if journal.header.get("faults"):
        yield f"The emulator was wrong on purpose: {', '.join(journal.header['faults'])}."
    yield from (str(event.get("text", "")) for event in journal.events if event["type"] == "note")
