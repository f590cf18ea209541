"""Points of behaviour: functions that one emulator may replace, without any effect on other emulators.

The first argument of a function marked with `@point` has a `Behaviour`, a table of functions by name. When the function is called, the
function of that name in the table runs in its place; without an entry, the conforming function itself runs. A fault or an oddity makes
entries in the table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Behaviour = dict[str, Callable[..., Any]]
"""What one emulator does differently: the functions that replace points, by the name of the point."""

POINTS: Behaviour = {}
"""All points by name, with their conforming functions."""


class Behaving(Protocol):
    """The first argument of a point: anything that has the behaviour of one emulator."""

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
    """Makes `function` replaceable for each emulator, under its own name; raises ValueError for a name that is taken."""
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
    """Replaces the point `name` in `behaviour` by `wrapper`, which gets the function that it replaces, then the point's arguments."""
    behaviour[name] = partial(wrapper, behaviour.get(name, POINTS[name]))
