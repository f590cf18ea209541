"""Holding: instances that are being examined, so that no reimage of ours begins on them meanwhile."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.protocol.requests import Place


class Holds:
    """The instances on which the campaign starts nothing just now.

    An instance that is examined once is spared until `release`, for more examinations of it will follow; later it is held for each of them.
    """

    def __init__(self) -> None:
        self._held: Counter[Place] = Counter()
        self._spared: set[Place] = set()
        self._released = False

    def keeps(self, place: Place) -> bool:
        """Whether no reimage of `place` is to begin now."""
        return self._held[place] > 0 or (place in self._spared and not self._released)

    def release(self) -> None:
        """From here on instances are held only while they are examined."""
        self._released = True

    @contextmanager
    def examining(self, place: Place) -> Iterator[None]:
        """No reimage of `place` begins while this lasts."""
        self._spared.add(place)
        self._held[place] += 1
        try:
            yield
        finally:
            self._held[place] -= 1
