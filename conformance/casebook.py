"""What a conformance case is written with: the requirement it verifies, when it runs, and what must hold before."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from conformance.runner.signals import Inconclusive, NotApplicable, Untested, precondition
from conformance.runner.sut import SystemUnderTest

if TYPE_CHECKING:
    from collections.abc import Callable

Case = TypeVar("Case", bound="Callable[..., object]")

smoke = pytest.mark.smoke
"""Runs in the smoke profile too."""
nightly = pytest.mark.nightly
"""Runs in the nightly profile alone."""
afterwards = pytest.mark.afterwards
"""Needs the outcome of operations, so it runs when the cases that need none are through."""
alone = pytest.mark.alone
"""Starts operations of its own, so it runs when the campaign is over."""
at_the_end = pytest.mark.at_the_end
"""Judges everything that crossed the wire, so it runs last."""


def verifies(*requirements: str) -> Callable[[Case], Case]:
    """Cites the requirements that a case judges, by their ids."""

    def mark(case: Case) -> Case:
        return pytest.mark.verifies(*requirements)(case)  # type: ignore[no-any-return]

    return mark


__all__ = [
    "Inconclusive", "NotApplicable", "SystemUnderTest", "Untested", "afterwards", "alone", "at_the_end", "nightly", "precondition",
    "smoke", "verifies",
]  # fmt: skip
