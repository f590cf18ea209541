"""The budget of reimages: never exceeded, counting those that an endpoint starts by accepting what it should refuse."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Budget:
    """How many reimages a run may cause; `spent` counts those that did, refusals that came late given back.

    `reserve` is kept from the campaign while requests that ought to be refused are still to be sent.
    """

    limit: int
    spent: int = 0
    reserve: int = 1
    accepted: set[int] = field(default_factory=set)

    def allows(self, *, reserved: int = 0) -> bool:
        """Whether one more request that may start a reimage can be sent, leaving `reserved` untouched."""
        return self.spent + reserved < self.limit

    def spend(self, exchange: int) -> None:
        """Counts the reimage that exchange number `exchange` started."""
        if exchange not in self.accepted:
            self.accepted.add(exchange)
            self.spent += 1

    def give_back(self, exchange: int) -> None:
        """The operation that exchange started turned out to address nothing and reimaged nothing."""
        if exchange in self.accepted:
            self.accepted.discard(exchange)
            self.spent -= 1
