"""Changes of points of behaviour, of which faults and oddities consist; the error for a name that neither has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from reimage_conformance.emulator.messages import Call
from reimage_conformance.emulator.points import POINTS
from reimage_conformance.errors import UsageError

WORD = re.compile(r"[A-Za-z0-9]+")
"""A word in the name of a fault or oddity."""

SIMILAR = 0.35
"""A known name is suggested for an unknown one from this similarity on."""

When = Callable[[Call], bool]
"""A test of the calls to which a change applies."""


@dataclass(frozen=True, slots=True)
class Change:
    """The name of a point of behaviour, and the function that replaces it: called with the original function, then with the point's arguments."""

    point: str
    wrapper: Callable[..., Any]


def always(_: Call) -> bool:
    """Every call."""
    return True


def instead(target: Callable[..., Any], function: Callable[..., Any], when: When = always) -> Change:
    """A change that calls `function` in place of the point `target`, for calls where `when` holds.

    `function` gets the original function, then the point's arguments. Raises ValueError where `target` is no point.
    """
    name = target.__name__
    if name not in POINTS:
        raise ValueError(f"{name!r} is no point of behaviour")

    def wrapper(original: Callable[..., Any], call: Call, *args: Any) -> Any:
        return function(original, call, *args) if when(call) else original(call, *args)

    return Change(name, wrapper)


def gives(target: Callable[..., Any], value: object, when: When = always) -> Change:
    """A change that makes the point `target` return `value`."""
    return instead(target, lambda *_: value, when)


def skips(check: Callable[..., Any], when: When = always) -> Change:
    """A change that makes the check `check` find nothing: it returns None."""
    return gives(check, None, when)


def edits(target: Callable[..., Any], edit: Callable[..., Any], when: When = always) -> Change:
    """A change that makes the point `target` return `edit(call, result)` in place of its result."""
    return instead(target, lambda original, call, *args: edit(call, original(call, *args)), when)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a fault or oddity (`kind`) called `name` that is not among `known`; it suggests the most similar known name."""
    near = max(known, key=lambda each: _similarity(name, each))
    hint = f"; did you mean {near!r}?" if _similarity(name, near) >= SIMILAR else ""
    return UsageError(f"unknown {kind} {name!r}{hint}")


def _similarity(name: str, known: str) -> float:
    """How similar two names are, from 0 to 1: by their characters and by their words, so that operation-never-ends is near never-ends."""
    by_characters = SequenceMatcher(None, name, known).ratio()
    words, known_words = WORD.findall(name), WORD.findall(known)
    shared = _length_of_similar(words, known_words) + _length_of_similar(known_words, words)
    by_words = shared / max(1, sum(map(len, words + known_words)))
    return (by_characters + by_words) / 2


def _length_of_similar(words: list[str], others: list[str]) -> int:
    """The length of those `words` that one of the `others` resembles."""
    return sum(len(word) for word in words if get_close_matches(word, others, n=1, cutoff=0.8))
