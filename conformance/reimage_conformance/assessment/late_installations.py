"""Late installations: guest operating systems that the probe showed as new only after the suite had stopped waiting for them.

No document limits the time from Succeeded to the new guest OS (REQ-REIMAGE-FRESH-OS): an instance may leave ReadyRole only after
the end of its operation. All of this is computed from the exchanges.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from reimage_conformance.assessment.own_requests import is_at
from reimage_conformance.judging.instances.probes import installation_in, probed_place
from reimage_conformance.protocol.addresses import Kind, read_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.requests import Place

_OLD_INSTALLATION = "same-installation"
"""The symptom of a reimage after which the probe showed the installation of before."""
_OLD_DATA = "other-data-kept"
"""The symptom of a reimage after which what only a new guest OS loses was still there."""
_COMPARED = "fresh_installation"
"""The check that compares the installations before and after a reimage."""
_OTHERS_CHANGED = "installation_unchanged"
"""The check whose violation says that a request changed an instance that it must not change; then nothing is late, unless a reimage of
that instance was not seen to change it yet (`_is_change_due`)."""


@dataclass(frozen=True, slots=True)
class LateInstallations:
    """The first exchange in which the probe showed a late installation, and the one that had shown the old one; None where none was late."""

    old: Exchange | None = None
    new: Exchange | None = None

    @classmethod
    def of(cls, world: World, verdicts: Iterable[Verdict], exchanges: Mapping[int, Exchange]) -> LateInstallations:
        """Finds the first new installation that the probe showed only after a verdict had missed it.

        A verdict on such a reimage may be inconclusive because of an earlier reimage of its instance. Then the installation that
        came late is that of one of the two.
        """
        made = list(verdicts)
        accusing = [verdict for verdict in made if verdict.check == _OTHERS_CHANGED and verdict.is_violation]
        if not all(_is_change_due(verdict, exchanges, world) for verdict in accusing):
            return cls()
        for verdict in made:
            old = _unchanged_installation(verdict, exchanges)
            new = _changed_after(old, exchanges, world) if old is not None else None
            if new is not None:
                return cls(old, new)
        return cls()

    def without_late(self, verdict: Verdict) -> Verdict:
        """`verdict`, made inconclusive where it misses a new installation, or blames another request for one, and one was late in this run.

        An endpoint that is late once may be late every time.
        """
        is_about_late = verdict.symptom in (_OLD_INSTALLATION, _OLD_DATA) or verdict.check == _OTHERS_CHANGED
        if self.old is None or self.new is None or not (is_about_late and verdict.is_violation):
            return verdict
        reason = f"{verdict.actual}; a new installation came late in this run: exchange {self.old.number} showed the old one, exchange {self.new.number} the new one"
        return verdict.made_inconclusive(reason)


def _unchanged_installation(verdict: Verdict, exchanges: Mapping[int, Exchange]) -> Exchange | None:
    """The last of the probe's answers that `verdict` compares, where they show one installation before and after a reimage."""
    if verdict.check != _COMPARED or len(verdict.between) < 2:
        return None
    before, after = (exchanges.get(number) for number in verdict.between[:2])
    if after is None or before is None or not installation_in(after):
        return None
    return after if installation_in(after) == installation_in(before) else None


def _changed_after(old: Exchange, exchanges: Mapping[int, Exchange], world: World) -> Exchange | None:
    """The first later answer of the probe with another installation id, if no reimage of the instance was accepted in between."""
    place = probed_place(world, old)
    for exchange in sorted(exchanges.values(), key=lambda each: each.number):
        if exchange.number <= old.number or place is None:
            continue
        if _reimages(exchange, place, world):
            return None
        is_same_question = exchange.request.target == old.request.target and exchange.label == old.label
        if is_same_question and installation_in(exchange) not in ("", installation_in(old)):
            return exchange
    return None


def _is_change_due(verdict: Verdict, exchanges: Mapping[int, Exchange], world: World) -> bool:
    """Whether a reimage of the instance that two answers of the probe show may still have to change it at the first of them.

    That is so if more reimages of it were accepted before than the probe had shown changes of its installation.
    """
    first = exchanges.get(verdict.between[0]) if verdict.between else None
    place = probed_place(world, first) if first is not None else None
    if first is None or place is None:
        return False
    until = [exchange for number, exchange in sorted(exchanges.items()) if number <= first.number]
    shown = [installation_in(each) for each in until if each.request.target == first.request.target]
    changes = sum(before != after for before, after in pairwise(filter(None, shown)))
    return changes < sum(_reimages(exchange, place, world) for exchange in until)


def _reimages(exchange: Exchange, place: Place, world: World) -> bool:
    """Whether a request was a reimage of an instance, unless it was refused."""
    address = read_target(exchange.request.resource)
    is_reimage = address.kind is Kind.REIMAGE and exchange.request.method == "POST" and not exchange.is_error
    return is_reimage and is_at(address, place, world)
