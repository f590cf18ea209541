"""Progress: the figures that are shown while a run goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.protocol.addresses import read_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reimage_conformance.session.operation import Operation
    from reimage_conformance.session.sut import SystemUnderTest


@dataclass(frozen=True, slots=True)
class Running:
    """An operation under way: the role instance that is reimaged, and the seconds since it was accepted."""

    instance: str
    age_seconds: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `rest_seconds` is the expected time left, None while it is not known."""

    cases_done: int
    cases: int
    running: tuple[Running, ...]
    reimages: int
    max_reimages: int
    rest_seconds: float | None


def progress_of(sut: SystemUnderTest, cases_done: int, cases: int, pace: float) -> Progress:
    """The progress of a run; `pace` is the mean time of a case so far, in seconds, up to the end of the last one."""
    now, budget = sut.sender.clock.now(), sut.budget
    under_way = list(sut.operations.under_way)
    room = max(budget.limit - budget.spent - budget.held, 0)
    waiting = Counter(step.place.deployment.path for step in list(sut.campaign.agenda.pending)[:room])
    reimaging = reimaging_seconds(sut.operations.longest_seconds, _ages(under_way, now), waiting)
    return Progress(
        cases_done,
        cases,
        tuple(Running(read_target(each.start.request.resource).instance, now - each.began) for each in under_way),
        budget.spent,
        budget.limit,
        None if reimaging is None else reimaging + pace * (cases - cases_done),
    )


def _ages(operations: Iterable[Operation], now: float) -> list[tuple[str, float]]:
    """The deployment and the age of each operation; "" where it addresses nothing that is listed."""
    return [(each.place.deployment.path if each.place is not None else "", now - each.began) for each in operations]


def reimaging_seconds(
    usual: float | None, ages: Sequence[tuple[str, float]], waiting: Mapping[str, int]
) -> float | None:
    """The seconds until the last reimage ends; None where that is not known.

    `usual` is the duration of one reimage in seconds, None while none has ended. `ages` are the deployment and the age
    in seconds of each operation under way. `waiting` is the number of reimages that follow on each deployment, one
    after another.
    """
    left = dict.fromkeys(waiting, 0.0) | {deployment: 0.0 for deployment, _ in ages}
    if usual is None:
        return None if left else 0.0
    for deployment, age in ages:
        left[deployment] = max(left[deployment], usual - age, 0.0)
    return max((left[name] + usual * waiting.get(name, 0) for name in left), default=0.0)
