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
    """One named way to be wrong: the requirement that it breaks, a sentence that says how, and the changes that cause it.

    `also` names further requirements under which it may be found. `needs` says what a world must hold for the fault to show.
    """

    name: str
    requirement: str
    summary: str
    changes: tuple[Change, ...]
    also: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    @property
    def family(self) -> str:
        """The name without the part in brackets: faults of one mistake in different places, or with different values, share it."""
        return self.name.partition("[")[0]


FAULTS: dict[str, Fault] = {}
"""Every fault by its name."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake that an endpoint can make: the name of its faults, the requirement that they break, a sentence that says how.

    `also` and `needs` are those of its faults. Each method except `inside` registers faults: `by` a single one, the others a family.
    In the name and the sentence of a family, "{}" stands for the place, the value or the row of a fault. A name without "{}" gets it in
    brackets at its end, unless the word of the place is "".
    """

    name: str
    requirement: str
    summary: str
    also: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()

    def inside(self, place: Place) -> Slip:
        """The same mistake at one place. In names, the word of the place comes before that of the fault; in the sentence it replaces {place}."""
        return replace(
            self,
            name=f"{self.name}[{place.word}:{{}}]",
            summary=self.summary.replace("{place}", place.words),
            also=(*self.also, *place.also),
            needs=(*self.needs, *place.needs),
        )

    def by(self, *changes: Change) -> None:
        """Registers one fault with these changes."""
        self._register(self.name, self.summary, changes)

    def at(self, places: Iterable[Place], change: Callable[[Place], Changes]) -> None:
        """Registers a fault for each place; `change` makes its changes."""
        for place in places:
            name = self._name_with(place.word) if place.word or "{}" in self.name else self.name
            self._register(name, self._sentence_with(place.words), change(place), place.also, place.needs)

    def each(self, values: Iterable[Value], change: Callable[[Value], Changes]) -> None:
        """Registers a fault for each value; the text of the value is its word in name and sentence. `change` makes its changes."""
        self.table(change, *((str(value), str(value), value) for value in values))

    def each_named(self, values: Mapping[str, Value], change: Callable[[Value], Changes]) -> None:
        """Registers a fault for each value; its key is the word in the name, and stands for {name} in the sentence. `change` makes its changes."""
        self.table(change, *((name, str(value), value) for name, value in values.items()))

    def table(self, change: Callable[[Value], Changes], *rows: tuple[str, str, Value]) -> None:
        """Registers a fault for each row: a word for its name, words for its sentence, the value that its changes are made from."""
        self.rows(*((word, words, change(value)) for word, words, value in rows))

    def rows(self, *rows: tuple[str, str, Changes]) -> None:
        """Registers a fault for each row: a word for its name, words for its sentence, its changes."""
        for word, words, changes in rows:
            self._register(self._name_with(word), self._sentence_with(words, word), changes)

    def _name_with(self, word: str) -> str:
        return self.name.format(word) if "{}" in self.name else f"{self.name}[{word}]"

    def _sentence_with(self, words: str, name: str = "") -> str:
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
