"""Points of behaviour: functions that one emulator may replace by name without touching any other.

A function marked with `@point` takes something that carries a `Behaviour` (a call or a connection) first. Calling it
looks into that table before falling back to the conforming function: a fault or an oddity is but an entry there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Behaviour = dict[str, Callable[..., Any]]
"""What one emulator does differently: the name of a point, and what stands in for it."""

POINTS: Behaviour = {}
"""Every point there is, by name, with its conforming function."""


class Behaving(Protocol):
    """Whatever carries the behaviour of one emulator."""

    @property
    def behaviour(self) -> Behaviour:
        """What this emulator does differently."""
        ...


Carrier = TypeVar("Carrier", bound=Behaving)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def point(
    function: Callable[Concatenate[Carrier, Parameters], Result],
) -> Callable[Concatenate[Carrier, Parameters], Result]:
    """Makes `function` replaceable per emulator, under its own name."""
    name = function.__name__
    if name in POINTS:
        raise ValueError(f"two points of behaviour are called {name!r}")
    POINTS[name] = function

    @wraps(function)
    def dispatch(carrier: Carrier, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        chosen: Callable[..., Result] = carrier.behaviour.get(name, function)
        return chosen(carrier, *args, **kwargs)

    return dispatch


def override(behaviour: Behaviour, name: str, wrapper: Callable[..., Any]) -> None:
    """Puts `wrapper` in the place of point `name`; it gets what stood there before, then the point's arguments."""
    behaviour[name] = partial(wrapper, behaviour.get(name, POINTS[name]))
