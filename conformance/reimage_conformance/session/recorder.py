"""The recorder: keeps every exchange and every verdict of a run, in memory and in the journal."""

from __future__ import annotations

from bisect import insort
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.assessment.spontaneous import Weighing
from reimage_conformance.judging.registry import SCOPE_ALL, judge, judge_scope
from reimage_conformance.model import Exchange, Observation, Outcome, Verdict, Why
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.session.signals import Nonconformance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.journal import Journal
    from reimage_conformance.judging.registry import Check
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Request
    from reimage_conformance.redaction.redactor import Redactor

BAD = (Outcome.VIOLATED, Outcome.ADVISORY)
"""The outcomes for which a case fails."""
MAX_EVIDENCE = 60
"""How many exchanges the end of a case names in the journal."""


@dataclass(slots=True)
class CaseLog:
    """The verdicts of one case so far, and the numbers of the exchanges that are their evidence.

    `collected` holds the verdicts inside `Judging.violations_at_the_end`, None outside of it. `search` is the state of a property
    while it looks for the smallest request that fails.
    """

    id: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    evidence: list[int] = field(default_factory=list)
    collected: list[Verdict] | None = None
    search: Any = None


_LOG: ContextVar[CaseLog] = ContextVar("case")


class Writes(Protocol):
    """What a recorder writes to: the journal of a run, or what another try leaves."""

    def write(self, type: str, **fields: Any) -> None:  # noqa: A002  as JournalWriter names it
        """Takes an event."""
        ...

    def exchange(self, exchange: Exchange) -> None:
        """Takes an exchange."""
        ...

    def sending(self, exchange: Exchange) -> None:
        """Takes a request that goes out."""
        ...

    def again(self, exchange: Exchange, attempt: int) -> None:
        """Takes an exchange of another try."""
        ...

    def verdict(self, verdict: Verdict) -> None:
        """Takes a verdict."""
        ...

    def observation(self, observation: Observation) -> None:
        """Takes an observation."""
        ...


class Recorder:
    """Keeps exchanges by number and verdicts in order, and writes both to the journal at once.

    Cases run at the same time. Each runs in a context of its own (`enter`), and what is recorded in the context
    belongs to the case. `made` holds the verdicts as they were made, `verdicts` the same verdicts as they
    count (`Weighing`).
    """

    def __init__(
        self, journal: Writes, redactor: Redactor, world: World, *, announcing: Redactor | None = None
    ) -> None:
        self.world = world
        self._announcing = announcing
        self.exchanges: list[Exchange] = []
        self.made: list[Verdict] = []
        self.verdicts: list[Verdict] = []
        self.observations: list[Observation] = []
        self._outside_cases = CaseLog()
        self.enter(self._outside_cases)  # the context may still have the log of another recorder
        self.journal = journal
        self._redactor = redactor
        self._intervals = Intervals()
        self._weighing = Weighing(self._intervals)

    def for_another_try(self, journal: Writes) -> Recorder:
        """A recorder for another try, which begins with no exchange and no verdict, and writes to `journal`."""
        return Recorder(journal, self._redactor, replace(self.world, memory={}))

    @property
    def log(self) -> CaseLog:
        """The log of the case that runs in this context; a log without an id outside of cases."""
        return _LOG.get(self._outside_cases)

    def enter(self, log: CaseLog) -> None:
        """Makes everything that is recorded in this context belong to the case."""
        _LOG.set(log)

    def go_on(self, journal: Journal) -> None:
        """Takes over what the earlier part of a run recorded; called before anything is recorded in this part."""
        self.exchanges = sorted(journal.exchanges.values(), key=attrgetter("number"))
        for exchange in self.exchanges:
            self._intervals.add(exchange)
        self.made = list(journal.verdicts)
        self.verdicts = self._weighing.weighed(self.made, self.world)
        self.observations = list(journal.observations)

    def announce(self, exchange: Exchange) -> None:
        """Journals a request that may change something before it goes out, so that the journal has it if the run is killed.

        Worker threads call it, one at a time; it uses a redactor of its own for that reason.
        """
        if self._announcing is not None and may_change_something(exchange.request):
            self.journal.sending(replace(self._announcing.exchange(exchange), case=self.log.id))

    def record(self, exchange: Exchange) -> Exchange:
        """Redacts, keeps and journals an exchange; gives the redacted one, which is judged."""
        kept = replace(self._redactor.exchange(exchange), case=self.log.id)
        insort(self.exchanges, kept, key=attrgetter("number"))
        self._intervals.add(kept)
        self.journal.exchange(kept)
        return kept

    def request_ids(self) -> set[str]:
        """The x-ms-request-id of every answer so far."""
        return {exchange.request_id for exchange in self.exchanges if exchange.request_id}

    def judge(self, check: Check, exchanges: Sequence[Exchange], **arguments: Any) -> list[Verdict]:
        """Judges exchanges by a check, and keeps the verdicts under the current case; raises nothing."""
        self.journal.write(
            "judgement",
            case=self.log.id,
            check=check.__name__,
            exchanges=[e.number for e in exchanges],
            arguments=arguments,
        )
        return self.keep(judge(self.world, check, exchanges, **arguments))

    def judge_all(self, check: Check, **arguments: Any) -> list[Verdict]:
        """Judges every exchange with the endpoint so far; otherwise as `judge`."""
        until = self.exchanges[-1].number if self.exchanges else 0
        self.journal.write(
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
        """Keeps verdicts under the current case, and gives them as they stand now.

        A verdict about an effect is inconclusive where another request of ours may have caused the effect. The
        assessment decides that again at the end of the run, so `made` and the journal hold the verdict as it was made.
        """
        log = self.log
        made = [replace(verdict, case=log.id) for verdict in verdicts]
        for verdict in made:
            self.journal.verdict(verdict)
        self.made += made
        kept = self._weighing.weighed(made, self.world)
        self.verdicts += kept
        log.verdicts += kept
        for verdict in kept:
            log.evidence += verdict.evidence
        return kept

    def observe(self, requirement: str, seen: str, *exchanges: Exchange) -> None:
        """Records what this endpoint does where the documents say nothing."""
        observation = Observation(requirement, seen, tuple(e.number for e in exchanges))
        self.observations.append(observation)
        self.log.evidence += observation.evidence
        self.journal.observation(observation)

    def note(self, event: str, **fields: Any) -> None:
        """Journals an event that is neither exchange nor verdict."""
        self.journal.write(event, **fields)

    def free_memory(self) -> None:
        """Drops everything but the verdicts from memory; the journal has the rest."""
        self.exchanges.clear()
        self.world.memory.clear()
        self._intervals = Intervals()
        self._weighing = Weighing(self._intervals)

    def open_case(self, log: CaseLog, requirements: Sequence[str], doc: str) -> None:
        """Journals the beginning of a case."""
        self.journal.write("case-start", id=log.id, requirements=list(requirements), doc=doc)

    def close_case(
        self,
        log: CaseLog,
        outcome: str,
        duration_seconds: float,
        detail: str = "",
        why: Why = Why.OTHER,
        *,
        judged: bool = True,
    ) -> None:
        """Journals the end of a case.

        `why` is the kind of its reason. `judged` is False where the run had no time for the case: a resumed run runs it.
        """
        evidence = list(dict.fromkeys(log.evidence))[:MAX_EVIDENCE]
        self.journal.write(
            "case-end",
            id=log.id,
            outcome=outcome,
            duration_seconds=round(duration_seconds, 6),
            evidence=evidence,
            detail=detail,
            judged=judged,
            **({} if why is Why.OTHER else {"why": why}),
        )


def may_change_something(request: Request) -> bool:
    """Whether a request may start something, even at a faulty endpoint.

    It may unless it is a GET or HEAD of a resource that is only read.
    """
    return request.method not in ("GET", "HEAD") or read_target(request.resource).kind in (Kind.REIMAGE, Kind.OTHER)


def raise_bad(verdicts: Sequence[Verdict]) -> None:
    """Raises Nonconformance for the violations and advisories among `verdicts`."""
    bad = [verdict for verdict in verdicts if verdict.outcome in BAD]
    if bad:
        raise Nonconformance("\n".join(violation_text(verdict) for verdict in bad[:4]))


def violation_text(verdict: Verdict) -> str:
    """A violation in one paragraph."""
    where = ", ".join(f"#{number}" for number in verdict.evidence[:3])
    return f"{verdict.requirement}: expected {verdict.expected or 'otherwise'}; got {verdict.actual} (exchange {where})"
