"""The earlier part of a run that was cut short, read from its journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from reimage_conformance.model import Failure, FailureKind, Why
from reimage_conformance.session.budget import Change
from reimage_conformance.session.cases import Conclusion
from reimage_conformance.session.signals import Inconclusive, Nonconformance, NotApplicable, Reason, Unjudged, Untested

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange

NO_REPLY = Failure(FailureKind.CLOSED, "the run was cut short before a reply came")
_UNJUDGED: Mapping[str, type[Unjudged]] = {
    "inconclusive": Inconclusive,
    "untested": Untested,
    "not-applicable": NotApplicable,
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier part of a run, read from its journal; the run began `began_seconds_ago` seconds ago."""

    journal: Journal
    began_seconds_ago: float

    @property
    def latest_seconds(self) -> float:
        """The latest time in the journal, in seconds since the run began."""
        moments = (exchange.at + exchange.elapsed for exchange in self.journal.exchanges.values())
        return max(chain(moments, (event.get("at", 0.0) for event in self.journal.events)), default=0.0)

    @property
    def seconds_taken(self) -> float:
        """How many seconds the parts of the run took so far, without the time between them."""
        moments = [event["at"] for event in self.journal.events if "at" in event]
        between = [
            event["at"] - before.get("at", event["at"])
            for before, event in pairwise(self.journal.events)
            if event["type"] == "resumed"
        ]
        return float(max(moments, default=0.0) - sum(between))

    @property
    def next_number(self) -> int:
        """The number of the next exchange."""
        tried_again = (event["number"] for event in self._of("again"))
        return max((*self.journal.exchanges, *self.journal.unanswered, *tried_again), default=0) + 1

    @property
    def token(self) -> str:
        """The token in the names that were drawn for the run; "" where the run was cut short before it was drawn."""
        return next((event["token"] for event in self._of("token")), "")

    @property
    def listed(self) -> dict[str, tuple[str, ...]]:
        """The instances that each deployment listed when the run began."""
        return {name: tuple(found) for event in self._of("listed") for name, found in event["listed"].items()}

    @property
    def concluded(self) -> dict[str, Conclusion]:
        """How each judged case ended, by its id."""
        ends = (event for event in self.journal.cases if event["type"] == "case-end")
        return {
            event["id"]: _conclusion(event["outcome"], event.get("detail", ""), Why(event.get("why", "")))
            for event in ends
            if event.get("judged", True) and event["outcome"] != "error"
        }

    @property
    def unanswered(self) -> list[Exchange]:
        """The requests that the last part sent and whose reply was not recorded, as exchanges without reply."""
        return [replace(sent, failure=NO_REPLY) for _, sent in sorted(self.journal.unanswered.items())]

    @property
    def all_unanswered(self) -> list[Exchange]:
        """The requests of all parts whose reply was not recorded.

        Those before the last part are exchanges in the journal already.
        """
        before = [each for each in self.journal.exchanges.values() if each.failure == NO_REPLY]
        return list({each.number: each for each in (*before, *self.unanswered)}.values())

    def spent(self) -> set[int]:
        """The numbers of the exchanges whose reimages count as spent."""
        found: set[int] = set()
        for event in self.journal.events:
            if event["type"] == Change.SPENT:
                found.add(event["exchange"])
            elif event["type"] == "operation":  # the run may have been killed before the reimage was counted
                found.add(event["start"])
            elif event["type"] == Change.GIVEN_BACK:
                found.discard(event["exchange"])
        return found

    def _of(self, kind: str) -> Iterable[dict[str, Any]]:
        return (event for event in self.journal.events if event["type"] == kind)


def _conclusion(outcome: str, detail: str, why: Why) -> Conclusion:
    error: Exception | None = None
    if outcome in _UNJUDGED:
        error = _UNJUDGED[outcome](Reason(detail, why))
    elif outcome in ("violated", "advisory"):
        error = Nonconformance(detail)
    return Conclusion(outcome, detail, error, detail, detail)
