"""Differing runs: what two runs came to differently, and by which evidence, told from their journals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.assessment.rejudging import rejudged, world_of
from reimage_conformance.assessment.spontaneous import Weighing
from reimage_conformance.detection.forking import journal_of
from reimage_conformance.journal import read_journal
from reimage_conformance.judging.wording import reply_summary
from reimage_conformance.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reimage_conformance.detection.forking import Found
    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange, Verdict

MAX_VERDICTS_TOLD = 8
MAX_MET_TOLD = 2
MAX_EXCHANGES_TOLD = 6


def differences(one: Found, other: Found, journals: Path) -> str:
    """In which requirements, findings and errors two runs differ, with the verdicts and exchanges of each; "" where they do not.

    `journals` is the folder with the journals of both.
    """
    names = sorted(one.outcomes.keys() | other.outcomes.keys())
    differing = [name for name in names if one.outcomes.get(name) != other.outcomes.get(name)]
    told = [f"Journals: {journals}"]
    for what in ("findings", "errors"):
        if getattr(one, what) != getattr(other, what):
            told += [f"{what} of {found.subject.name}: {list(getattr(found, what))}" for found in (one, other)]
            differing += [
                name for name in one.findings + other.findings if what == "findings" and name not in differing
            ]
    for found in (one, other) if differing else ():
        told += _told(found, differing, read_journal(journal_of(found.subject, journals)))
    return "\n".join(told) if len(told) > 1 else ""


def _told(found: Found, requirements: list[str], journal: Journal) -> Iterator[str]:
    """What a run came to under each of these requirements, and why."""
    verdicts = Weighing(Intervals.of(journal.exchanges.values())).weighed(rejudged(journal), world_of(journal))
    for name in dict.fromkeys(requirements):
        own = [verdict for verdict in verdicts if verdict.requirement == name]
        counts = {each.value: sum(v.outcome is each for v in own) for each in Outcome}
        yield (
            f"{found.subject.name}: {name} {found.outcomes.get(name)}: "
            + ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
            + f"; {found.unjudged.get(name) or found.seen.get(name, '')}"
        )
        deciding = [verdict for verdict in own if verdict.outcome is not Outcome.MET] or own[:MAX_MET_TOLD]
        for verdict in deciding[:MAX_VERDICTS_TOLD]:
            yield from _evidence(verdict, journal)


def _evidence(verdict: Verdict, journal: Journal) -> Iterator[str]:
    """A verdict with the exchanges that it rests on, in order of time."""
    yield f"  {verdict.outcome} by {verdict.check} in {verdict.case}: {verdict.actual}"
    numbers = sorted(dict.fromkeys((*verdict.evidence, *verdict.between)))
    known = [journal.exchanges[number] for number in numbers if number in journal.exchanges]
    yield from (f"    {_line(exchange)}" for exchange in known[:MAX_EXCHANGES_TOLD])
    if len(known) > MAX_EXCHANGES_TOLD:
        yield f"    and {len(known) - MAX_EXCHANGES_TOLD} more, the last: {_line(known[-1])}"


def _line(exchange: Exchange) -> str:
    """An exchange: number, when it went out and how long it took (seconds), the request, and what came."""
    when = f"{exchange.at:.3f} s + {exchange.elapsed:.3f} s"
    request = f"{exchange.request.method} {exchange.request.target}"
    return f"#{exchange.number} at {when}, {exchange.label or 'unlabelled'}: {request}: {reply_summary(exchange)}"
