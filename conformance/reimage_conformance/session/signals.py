"""How a case ends other than well: the endpoint broke a requirement, or it could not be judged, or was left out."""

from __future__ import annotations

from typing import TypeVar

Value = TypeVar("Value")


class Nonconformance(AssertionError):  # noqa: N818  it is a finding, not an error
    """The endpoint broke a requirement."""


class Inconclusive(Exception):  # noqa: N818  it is an outcome, not an error
    """A precondition did not hold, so the requirement could not be judged; `because` names requirements to blame."""

    def __init__(self, reason: str, because: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.because = because


class Untested(Exception):  # noqa: N818  it is an outcome, not an error
    """The profile or the budget left the case out."""


class NotReached(Untested):
    """The run had no time for the case."""


class Withheld(Untested):
    """A request was not sent, since what it addresses may exist, and is not listed."""


class NotApplicable(Exception):  # noqa: N818  it is an outcome, not an error
    """The target does not offer what the case is about."""


class Discarded(Exception):  # noqa: N818  it is no outcome: another example is drawn
    """A drawn example has nothing to show."""


def assume(holds: object) -> None:
    """Discards the drawn example unless `holds`; in properties, which the session runs, this stands for Hypothesis' own."""
    if not holds:
        raise Discarded


def precondition(value: Value | None, reason: str, *, because: tuple[str, ...] = ()) -> Value:
    """Ends the case as inconclusive unless there is a value and it is true; gives the value."""
    if not value:
        raise Inconclusive(reason, because)
    return value


def applicable(value: Value | None, reason: str) -> Value:
    """Ends the case as not applicable unless there is a value and it is true; gives the value."""
    if not value:
        raise NotApplicable(reason)
    return value


def possible(value: Value | None, reason: str) -> Value:
    """Ends the case as untested unless there is a value and it is true; gives the value."""
    if not value:
        raise Untested(reason)
    return value
