"""The state of one emulator, shared by its requests; does not know its faults, oddities and connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from reimage_conformance.emulator.points import Behaviour
    from reimage_conformance.emulator.world import World


@dataclass(slots=True)
class State:
    """What the requests to one emulator share.

    A reimage takes `operation_seconds` of `clock`. `epoch` is the time of day, in seconds since 1970, at which the clock was 0. `behaviour` holds
    what this emulator does differently; faults and oddities keep their state in `notes`. `accepted` counts the reimages that were started,
    `requests` the requests that were read.
    """

    operation_seconds: float
    clock: Callable[[], float]
    epoch: float
    random: Random
    world: World
    behaviour: Behaviour = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    accepted: int = 0
    requests: int = 0

    def wall_time(self, now: float) -> float:
        """The time of day, in seconds since 1970, at `now` of the emulator's clock."""
        return self.epoch + now
