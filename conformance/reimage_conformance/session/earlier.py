"""The earlier part of a run that was cut short, as its journal has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

from reimage_conformance.model import Failure, FailureKind
from reimage_conformance.session.budget import Change
from reimage_conformance.session.cases import Conclusion
from reimage_conformance.session.signals import Inconclusive, Nonconformance, NotApplicable, Untested

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Exchange

NO_REPLY = Failure(FailureKind.CLOSED, "the run was cut short before a reply came")
_ENDED: Mapping[str, type[Exception]] = {
    "violated": Nonconformance,
    "advisory": Nonconformance,
    "inconclusive": Inconclusive,
    "untested": Untested,
    "not-applicable": NotApplicable,
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier part of a run, as its journal has it; `ago` is how many seconds ago the run began."""

    journal: Journal
    ago: float

    @property
    def last(self) -> float:
        """The last moment that the journal knows of, in seconds since the run began."""
        moments = (exchange.at + exchange.elapsed for exchange in self.journal.exchanges.values())
        return max(chain(moments, (event.get("at", 0.0) for event in self.journal.events)), default=0.0)

    @property
    def took(self) -> float:
        """How many seconds the parts of the run took so far, the time between them left out."""
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
        return max((*self.journal.exchanges, *self.journal.unanswered), default=0) + 1

    @property
    def token(self) -> str:
        """What marks the names that were drawn for the run; "" where it had not come so far."""
        return next((event["token"] for event in self._of("token")), "")

    @property
    def listed(self) -> dict[str, tuple[str, ...]]:
        """The instances that the deployments were seen to list."""
        return {name: tuple(found) for event in self._of("listed") for name, found in event["listed"].items()}

    @property
    def concluded(self) -> dict[str, Conclusion]:
        """How the cases ended that were judged."""
        ends = (event for event in self.journal.cases if event["type"] == "case-end")
        return {
            event["id"]: _conclusion(event["outcome"], event.get("detail", ""))
            for event in ends
            if event.get("judged", True) and event["outcome"] != "error"
        }

    @property
    def unanswered(self) -> list[Exchange]:
        """The requests that the last part sent and of which no more is known, as exchanges without reply."""
        return [replace(sent, failure=NO_REPLY) for _, sent in sorted(self.journal.unanswered.items())]

    @property
    def lost(self) -> list[Exchange]:
        """Those of every part; the journal has the ones of parts before the last as exchanges."""
        before = [each for each in self.journal.exchanges.values() if each.failure == NO_REPLY]
        return list({each.number: each for each in (*before, *self.unanswered)}.values())

    def spent(self) -> set[int]:
        """The exchanges that started the reimages which count."""
        found: set[int] = set()
        for event in self.journal.events:
            if event["type"] == Change.SPENT:
                found.add(event["exchange"])
            elif event["type"] == "operation":  # a kill may have come before it was counted
                found.add(event["start"])
            elif event["type"] == Change.GIVEN_BACK:
                found.discard(event["exchange"])
        return found

    def _of(self, kind: str) -> Iterable[dict[str, Any]]:
        return (event for event in self.journal.events if event["type"] == kind)


def _conclusion(outcome: str, detail: str) -> Conclusion:
    raised = _ENDED.get(outcome)
    return Conclusion(outcome, detail, raised(detail) if raised is not None else None, detail, detail)
