"""The recorder: every exchange and every verdict of a run goes through it into memory and the journal."""

from __future__ import annotations

from bisect import insort
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.judging.registry import SCOPE_ALL, judge, judge_scope
from reimage_conformance.model import Exchange, Observation, Outcome, Verdict
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.session.signals import Nonconformance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.journal import Journal, JournalWriter
    from reimage_conformance.judging.registry import Check
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Request
    from reimage_conformance.redaction.redactor import Redactor

BAD = (Outcome.VIOLATED, Outcome.ADVISORY)


@dataclass(slots=True)
class CaseLog:
    """What one case has come to so far: its verdicts, and the numbers of the exchanges that it points at.

    `collected` holds the verdicts of judgements that are made together, until the last one is made; None outside of such a row. `search` is
    what a property knows while it looks for the smallest request that fails.
    """

    id: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    evidence: list[int] = field(default_factory=list)
    collected: list[Verdict] | None = None
    search: Any = None


_LOG: ContextVar[CaseLog] = ContextVar("case")


class Recorder:
    """Keeps what happened: exchanges by number, verdicts in order, both also in the journal at once.

    Cases run beside each other; each is in a context of its own (`enter`), and what is recorded there belongs to it.
    """

    def __init__(
        self, journal: JournalWriter, redactor: Redactor, world: World, *, announcing: Redactor | None = None
    ) -> None:
        self.world = world
        self._announcing = announcing
        self.exchanges: list[Exchange] = []
        self.made: list[Verdict] = []
        self.verdicts: list[Verdict] = []
        self.observations: list[Observation] = []
        self._nobodys = CaseLog()
        self.enter(self._nobodys)  # what another recorder was at in this context is over
        self._journal = journal
        self._redactor = redactor
        self._intervals = Intervals()

    @property
    def log(self) -> CaseLog:
        """The case that is running in this context; one without an id where none is."""
        return _LOG.get(self._nobodys)

    def enter(self, log: CaseLog) -> None:
        """From here on everything in this context belongs to the case."""
        _LOG.set(log)

    def go_on(self, journal: Journal) -> None:
        """Takes what the earlier part of a run recorded, before anything is recorded in this one."""
        self.exchanges = sorted(journal.exchanges.values(), key=attrgetter("number"))
        for exchange in self.exchanges:
            self._intervals.add(exchange)
        self.made = list(journal.verdicts)
        self.verdicts = [self._intervals.weighed(verdict, self.world) for verdict in self.made]
        self.observations = list(journal.observations)

    def announce(self, exchange: Exchange) -> None:
        """Journals that a request goes out which may change something, so that a kill before its reply leaves a trace.

        It is called by threads, one at a time, and has a redactor of its own for that.
        """
        if self._announcing is not None and may_change_something(exchange.request):
            self._journal.sending(replace(self._announcing.exchange(exchange), case=self.log.id))

    def record(self, exchange: Exchange) -> Exchange:
        """Redacts and journals an exchange; what comes back is what everything is judged by."""
        kept = replace(self._redactor.exchange(exchange), case=self.log.id)
        insort(self.exchanges, kept, key=attrgetter("number"))
        self._intervals.add(kept)
        self._journal.exchange(kept)
        return kept

    def judge(self, check: Check, exchanges: Sequence[Exchange], **arguments: Any) -> list[Verdict]:
        """Judges exchanges by a check, and keeps the verdicts under the current case; raises nothing."""
        self._journal.write(
            "judgement",
            case=self.log.id,
            check=check.__name__,
            exchanges=[e.number for e in exchanges],
            arguments=arguments,
        )
        return self.keep(judge(self.world, check, exchanges, **arguments))

    def judge_all(self, check: Check, **arguments: Any) -> list[Verdict]:
        """The same over every exchange with the endpoint so far."""
        until = self.exchanges[-1].number if self.exchanges else 0
        self._journal.write(
            "judgement",
            case=self.log.id,
            check=check.__name__,
            exchanges=[],
            scope=SCOPE_ALL,
            until=until,
            arguments=arguments,
        )
        return self.keep(judge_scope(self.world, check, self.exchanges, until, arguments))

    def keep(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Keeps verdicts under the current case, and gives them as far as they can be known by now.

        One about an effect that another request of ours may have had is inconclusive; the assessment weighs it again
        when everything is known, so `made` and the journal hold it as it was made.
        """
        log = self.log
        made = [replace(verdict, case=log.id) for verdict in verdicts]
        for verdict in made:
            self._journal.verdict(verdict)
        self.made += made
        kept = [self._intervals.weighed(verdict, self.world) for verdict in made]
        self.verdicts += kept
        log.verdicts += kept
        for verdict in kept:
            log.evidence += verdict.evidence
        return kept

    def observe(self, requirement: str, seen: str, *exchanges: Exchange) -> None:
        """Records what this endpoint does where the documents are silent."""
        observation = Observation(requirement, seen, tuple(e.number for e in exchanges))
        self.observations.append(observation)
        self.log.evidence += observation.evidence
        self._journal.observation(observation)

    def note(self, event: str, **fields: Any) -> None:
        """Journals an event that is neither exchange nor verdict."""
        self._journal.write(event, **fields)

    def let_go(self) -> None:
        """Keeps only the verdicts; the journal has everything else, and is read when the run is over."""
        self.exchanges.clear()
        self.world.memory.clear()
        self._intervals = Intervals()

    def open_case(self, log: CaseLog, requirements: Sequence[str], doc: str) -> None:
        """A case begins."""
        self._journal.write("case-start", id=log.id, requirements=list(requirements), doc=doc)

    def close_case(
        self, log: CaseLog, outcome: str, duration_seconds: float, detail: str = "", *, judged: bool = True
    ) -> None:
        """A case is over; `judged` is False where the run had no time for it, so that it may still be judged."""
        evidence = list(dict.fromkeys(log.evidence))[:60]
        self._journal.write(
            "case-end",
            id=log.id,
            outcome=outcome,
            duration_seconds=round(duration_seconds, 6),
            evidence=evidence,
            detail=detail,
            judged=judged,
        )


def may_change_something(request: Request) -> bool:
    """Whether a request may start something, at a service that is wrong too: all but reading what is read by GET."""
    return request.method not in ("GET", "HEAD") or read_target(request.target).kind in (Kind.REIMAGE, Kind.OTHER)


def raise_bad(verdicts: Sequence[Verdict]) -> None:
    """Raises Nonconformance for the violations and advisories among `verdicts`."""
    bad = [verdict for verdict in verdicts if verdict.outcome in BAD]
    if bad:
        raise Nonconformance("\n".join(worded(verdict) for verdict in bad[:4]))


def worded(verdict: Verdict) -> str:
    """A violation in one paragraph."""
    where = ", ".join(f"#{number}" for number in verdict.evidence[:3])
    return f"{verdict.requirement}: expected {verdict.expected or 'otherwise'}; got {verdict.actual} (exchange {where})"
