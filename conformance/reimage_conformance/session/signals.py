"""Signals: the exceptions by which a case ends early: nonconformant, inconclusive, untested or not applicable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from reimage_conformance.model import Why

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not judged: in words, and its kind."""

    words: str
    why: Why = Why.OTHER

    def __str__(self) -> str:
        """The words."""
        return self.words


class Unjudged(Exception):  # noqa: N818  it is an outcome, not an error
    """A case did not judge its requirement; `reason` says why."""

    def __init__(self, reason: str | Reason, why: Why = Why.OTHER) -> None:
        self.reason = reason if isinstance(reason, Reason) else Reason(reason, why)
        super().__init__(self.reason.words)


class Nonconformance(AssertionError):  # noqa: N818  it is a finding, not an error
    """The endpoint broke a requirement."""


class Inconclusive(Unjudged):
    """A precondition did not hold, so the requirement could not be judged; `because` names requirements to blame."""

    def __init__(self, reason: str | Reason, because: tuple[str, ...] = (), why: Why = Why.OTHER) -> None:
        super().__init__(reason, why)
        self.because = because


class Untested(Unjudged):
    """The profile, the budget or another limit of the run left the case out."""


class NotReached(Untested):
    """The run had no time for the case."""


class Withheld(Untested):
    """A request was not sent, because the target file does not list what it addresses, and that may exist."""


class NotApplicable(Unjudged):
    """The target does not offer what the case is about."""


class Discarded(Exception):  # noqa: N818  it is no outcome: another example is drawn
    """A drawn example does not fit; Hypothesis draws another one."""


def assume(holds: object) -> None:
    """Discards the drawn example unless `holds`; properties use it in place of `hypothesis.assume`."""
    if not holds:
        raise Discarded


def inconclusive_unless(
    value: Value | None, reason: str, *, because: tuple[str, ...] = (), why: Why = Why.OTHER
) -> Value:
    """Gives `value` if it is true; otherwise ends the case as inconclusive."""
    if not value:
        raise Inconclusive(reason, because, why)
    return value


def not_applicable_unless(value: Value | None, reason: str) -> Value:
    """Gives `value` if it is true; otherwise ends the case as not applicable."""
    if not value:
        raise NotApplicable(reason)
    return value


def untested_unless(value: Value | None, reason: str, *, why: Why = Why.OTHER) -> Value:
    """Gives `value` if it is true; otherwise ends the case as untested."""
    if not value:
        raise Untested(reason, why)
    return value
