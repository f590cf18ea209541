"""The geometry of the page's drawings as numbers for SVG: bars of outcomes and lanes of operations; draws nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from reimage_conformance.report.wording import OUTCOME_WORDS, counted_outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reimage_conformance.model import Assessment, OperationRecord, Outcome, RequirementResult

LANE_LIMIT = 60
"""Operations that are drawn; the table beside the drawing lists all."""

TICK_LIMIT = 120
"""Polls of one operation that are drawn; of more, every second, third and so on."""

WIDTH = 1000.0
"""The width of the drawing of operations, in units of its SVG."""

LANE_HEIGHT = 22.0
"""The distance from one lane to the next, in the same units."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar or lane; `start` and `width` in the units of its SVG, `kind` is a class of the style sheet."""

    kind: str
    start: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The outcomes of one area, as a bar of width 100."""

    area: str
    total: int
    segments: tuple[Segment, ...]

    @property
    def words(self) -> str:
        """The bar in words."""
        return ", ".join(segment.label for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Lane:
    """One operation in the drawing, from its acceptance to its last poll."""

    operation: OperationRecord
    y: float
    segments: tuple[Segment, ...]
    ticks: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """How long the operation was watched."""
        return _watched_seconds(self.operation)

    @property
    def words(self) -> str:
        """The lane in words."""
        return ", ".join(segment.label for segment in self.segments) or "never polled"


@dataclass(frozen=True, slots=True)
class Axis:
    """The seconds under the lanes: the x of each mark, and its text."""

    marks: tuple[tuple[float, str], ...]


def area_bars(results: Iterable[RequirementResult]) -> tuple[Bar, ...]:
    """A bar for each area, in order of appearance."""
    by_area: dict[str, list[Outcome]] = {}
    for result in results:
        by_area.setdefault(result.requirement.area, []).append(result.outcome)
    return tuple(Bar(area, len(outcomes), tuple(_stack(outcomes))) for area, outcomes in by_area.items())


def operation_lanes(assessment: Assessment) -> tuple[tuple[Lane, ...], Axis]:
    """The operations as lanes over one axis of seconds since the first was accepted."""
    operations = assessment.operations[:LANE_LIMIT]
    if not operations:
        return (), Axis(())
    first = min(operation.accepted_at for operation in operations)
    last = max(operation.accepted_at + _watched_seconds(operation) for operation in operations)
    scale = WIDTH / max(last - first, 0.001)
    lanes = tuple(_lane(operation, index, first, scale) for index, operation in enumerate(operations))
    return lanes, Axis(tuple(_axis_marks(last - first, scale)))


def _stack(outcomes: list[Outcome]) -> Iterator[Segment]:
    """The segments of a bar, one for each outcome that occurs."""
    at = 0.0
    for outcome in OUTCOME_WORDS:
        number = outcomes.count(outcome)
        if number:
            width = 100 * number / len(outcomes)
            yield Segment(outcome.value, round(at, 3), round(width, 3), counted_outcome(number, outcome))
            at += width


def _watched_seconds(operation: OperationRecord) -> float:
    return operation.polls[-1][0] if operation.polls else 0.0


def _lane(operation: OperationRecord, index: int, first: float, scale: float) -> Lane:
    origin = operation.accepted_at - first
    step = max(1, math.ceil(len(operation.polls) / TICK_LIMIT))
    ticks = tuple(round((origin + seconds) * scale, 2) for seconds, _ in operation.polls[::step])
    return Lane(operation, LANE_HEIGHT * index, tuple(_spans(operation, origin, scale)), ticks)


def _spans(operation: OperationRecord, origin: float, scale: float) -> Iterator[Segment]:
    """A segment for each series of polls with the same status; it begins where the one before ended."""
    began = 0.0
    for status, group in groupby(operation.polls, key=lambda poll: poll[1]):
        times = [seconds for seconds, _ in group]
        ended = times[-1]
        width = max((ended - began) * scale, 3.0)
        number = len(times)
        label = f"{status} from {times[0]:.2f} s" + (f" to {ended:.2f} s, {number} polls" if number > 1 else "")
        yield Segment(_status_kind(status), round((origin + began) * scale, 2), round(width, 2), label)
        began = ended


def _status_kind(status: str) -> str:
    return {"InProgress": "progress", "Succeeded": "succeeded", "Failed": "failed"}.get(status, "other")


def _axis_marks(seconds: float, scale: float) -> Iterator[tuple[float, str]]:
    step = _round_step(max(seconds, 0.001) / 6)
    for index in range(math.floor(seconds / step) + 1):
        yield round(index * step * scale, 2), f"{index * step:g} s"


def _round_step(rough: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is not less than `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999))
