"""Builds faults and oddities: changes of points of behaviour, made from small functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reimage_conformance.emulator.messages import Call
from reimage_conformance.emulator.points import POINTS
from reimage_conformance.errors import UsageError, did_you_mean

When = Callable[[Call], bool]
"""Says for which calls a change applies."""


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
    return UsageError(f"unknown {kind} {name!r}{did_you_mean(name, known, cutoff=0.5)}")
