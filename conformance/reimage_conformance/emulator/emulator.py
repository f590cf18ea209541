"""The emulator: its world, its clock and its behaviour. It makes connections and has no sockets."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from reimage_conformance.emulator.http1 import Connection
from reimage_conformance.emulator.layouts import LARGE
from reimage_conformance.emulator.messages import Client
from reimage_conformance.emulator.points import override
from reimage_conformance.emulator.simultaneous import SimultaneousHandling
from reimage_conformance.emulator.state import State
from reimage_conformance.emulator.world import new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.layouts import Layout
    from reimage_conformance.emulator.messages import Watcher
    from reimage_conformance.emulator.world import World


class Emulator:
    """A conforming endpoint of Reimage Role Instance, except for the changes that it is given.

    `layout` says what exists in it; None stands for the large world. A reimage takes `operation_seconds` of `clock`. With the same `seed` the same
    requests get the same answers. `simultaneous` says how its server handles requests and connections that come at the
    same time. The functions in `watchers` are called with every request and its answer. This class knows no fault and no oddity:
    `emulator_with` takes their names.
    """

    def __init__(
        self,
        operation_seconds: float = 0.2,
        *,
        clock: Callable[[], float] = time.monotonic,
        changes: Sequence[Change] = (),
        simultaneous: SimultaneousHandling | None = None,
        seed: int | None = None,
        layout: Layout | None = None,
    ) -> None:
        self.simultaneous = simultaneous or SimultaneousHandling()
        self.watchers: list[Watcher] = []
        self.layout = LARGE if layout is None else layout
        random = Random(seed)  # noqa: S311 - ids of an emulator are no secrets
        self.state = State(operation_seconds, clock, time.time() - clock(), random, new_world(random, self.layout))
        for change in changes:
            override(self.state.behaviour, change.point, change.wrapper)

    def connect(self, identity: str | None = "main", *, probe: bool = False, tls: bool = True) -> Connection:
        """A new connection of a client with the certificate called `identity`; None stands for a client without one.

        With `tls` false no certificate is asked for. With `probe` the connection leads to the data-plane probe.
        """
        return Connection(self.state, Client(identity, probe, tls), self.watchers)

    @property
    def world(self) -> World:
        """All that exists in this emulator."""
        return self.state.world

    @property
    def accepted(self) -> int:
        """The number of reimages that were started."""
        return self.state.accepted

    @property
    def requests(self) -> int:
        """The number of requests that were read, without those to the probe."""
        return self.state.requests
