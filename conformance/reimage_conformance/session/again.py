"""Another try: runs some cases of a run once more when all have ended; wire, gate and budget are those of the run."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import trio

from reimage_conformance.session.collaborators import Collaborators
from reimage_conformance.session.instances import Instances
from reimage_conformance.session.scheduler import Session
from reimage_conformance.session.sut import SystemUnderTest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.model import Exchange, Observation, Verdict
    from reimage_conformance.session.cases import Case
    from reimage_conformance.session.recorder import Recorder, Writes

_CASE_EVENTS = ("case-start", "case-end")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What another try left: its exchanges by number, its verdicts as they were made, and the events of its cases."""

    exchanges: dict[int, Exchange]
    verdicts: list[Verdict]
    cases: list[dict[str, Any]]


class AttemptJournal:
    """Writes the exchanges of try `number` to the journal of the run, apart from those of the run, and keeps the events of its cases."""

    def __init__(self, journal: Writes, number: int) -> None:
        self._journal, self._number = journal, number
        self.cases: list[dict[str, Any]] = []

    def write(self, type: str, **fields: Any) -> None:  # noqa: A002  as JournalWriter names it
        """Keeps the events of cases and drops all others: another try is never resumed."""
        if type in _CASE_EVENTS:
            self.cases.append({"type": type, **fields})

    def exchange(self, exchange: Exchange) -> None:
        """Writes an exchange as one of this try."""
        self._journal.again(exchange, self._number)

    def sending(self, exchange: Exchange) -> None:
        """Writes that a request goes out; a resumed run counts it as spent if no reply was recorded."""
        self._journal.sending(exchange)

    def again(self, exchange: Exchange, attempt: int) -> None:
        """Writes an exchange of another try than this one."""
        self._journal.again(exchange, attempt)

    def verdict(self, verdict: Verdict) -> None:
        """Writes nothing: the recorder keeps the verdicts, and the event `tried` of the run sums them up."""

    def observation(self, observation: Observation) -> None:
        """Writes nothing: the recorder keeps the observations."""


async def try_again(
    sut: SystemUnderTest,
    cases: Sequence[Case],
    may_start: Callable[[tuple[str, ...]], bool],
    *,
    number: int,
    seconds: float,
) -> Attempt | None:
    """Runs `cases` once more, as try `number` (1 the first), and gives what that left; None if they did not end within `seconds`.

    `may_start` gets the names of a step of the campaign, and says whether the cases may start its reimage.
    """
    journal = AttemptJournal(sut.recorder.journal, number)
    again = _for_another_try(sut, sut.recorder.for_another_try(journal))
    again.limit_campaign_to_demand(may_start)
    session = Session(again, [replace(case, conclusion=Future()) for case in cases])
    with trio.move_on_after(max(seconds, 0)) as scope:
        await session.run_through()
    if scope.cancelled_caught:
        return None
    exchanges = {exchange.number: exchange for exchange in again.recorder.exchanges}
    return Attempt(exchanges, again.recorder.made, journal.cases)


def _for_another_try(sut: SystemUnderTest, recorder: Recorder) -> SystemUnderTest:
    """The same system under test with a campaign, operations and looks of its own; budget, gate and wire are shared."""
    sender = sut.sender.for_another_try(recorder)
    instances, probe = Instances(sut.target, sut.builder, sender), sut.probe.for_another_try(recorder)
    parts = Collaborators(recorder, sender, sut.builder, instances, probe, sut.budget, sut.wire, sut.gate_learns)
    again = SystemUnderTest(sut.target, sut.profile, sut.seed, parts)
    again.is_another_try = True
    return again
