"""The registry of faults: what a fault is, and how a slip becomes one fault or a family of faults; holds none itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.needs import Need
    from reimage_conformance.emulator.places import Place

    Changes = Change | tuple[Change, ...]

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Fault:
    """One named way to be wrong: the requirement that it breaks, a sentence on how, and the changes that cause it.

    `also` names requirements that may be blamed for it as well. `needs` says what a world must hold for the fault to
    show.
    """

    name: str
    requirement: str
    summary: str
    changes: tuple[Change, ...]
    also: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    @property
    def family(self) -> str:
        """The part of the name that faults with the same mistake in other places share."""
        return self.name.partition("[")[0]


FAULTS: dict[str, Fault] = {}
"""Every fault by its name."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake that an endpoint can make: the name of its faults, the requirement that they break, a sentence on how.

    `also` and `needs` are those of its faults. Each method registers faults: `by` a single one, the others a family.
    In the name and the sentence of a family "{}" stands for the place, the value or the row; a name without "{}" has it
    in brackets behind, and is left as it is where the place has no word.
    """

    name: str
    requirement: str
    summary: str
    also: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    def inside(self, place: Place) -> Slip:
        """The same mistake at one place: its faults have the place before their own word, and {place} in their sentence."""
        return replace(
            self,
            name=f"{self.name}[{place.word}:{{}}]",
            summary=self.summary.replace("{place}", place.words),
            also=(*self.also, *place.also),
            needs=(*self.needs, *place.needs),
        )

    def by(self, *changes: Change) -> None:
        """The one fault that these changes cause."""
        self._register(self.name, self.summary, changes)

    def at(self, places: Iterable[Place], change: Callable[[Place], Changes]) -> None:
        """A fault for each place, with the place's own name in brackets; everywhere has none."""
        for place in places:
            name = self._called(place.word) if place.word or "{}" in self.name else self.name
            self._register(name, self._told(place.words), change(place), place.also, place.needs)

    def each(self, values: Iterable[Value], change: Callable[[Value], Changes]) -> None:
        """A fault for each value, called by its text."""
        self.table(change, *((str(value), str(value), value) for value in values))

    def each_named(self, values: Mapping[str, Value], change: Callable[[Value], Changes]) -> None:
        """A fault for each value, called by its key; {name} in the sentence stands for the key."""
        self.table(change, *((name, str(value), value) for name, value in values.items()))

    def table(self, change: Callable[[Value], Changes], *rows: tuple[str, str, Value]) -> None:
        """A fault for each row: a word for its name, words for its sentence, the value that its changes are made from."""
        self.rows(*((word, words, change(value)) for word, words, value in rows))

    def rows(self, *rows: tuple[str, str, Changes]) -> None:
        """A fault for each row: a word for its name, words for its sentence, its changes."""
        for word, words, changes in rows:
            self._register(self._called(word), self._told(words, word), changes)

    def _called(self, word: str) -> str:
        return self.name.format(word) if "{}" in self.name else f"{self.name}[{word}]"

    def _told(self, words: str, name: str = "") -> str:
        return self.summary.format(words, name=name).strip()

    def _register(
        self,
        name: str,
        summary: str,
        changes: Changes,
        also: tuple[str, ...] = (),
        needs: tuple[Need, ...] = (),
    ) -> None:
        made = changes if isinstance(changes, tuple) else (changes,)
        if name in FAULTS:
            raise ValueError(f"two faults are called {name!r}")
        if not made:
            raise ValueError(f"fault {name!r} changes nothing")
        FAULTS[name] = Fault(name, self.requirement, summary, made, (*self.also, *also), (*self.needs, *needs))
