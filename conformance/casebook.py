"""What a conformance case is written with: the requirement it verifies, when it runs, and what must hold before."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from conformance.session.cases import Declared
from conformance.session.signals import Inconclusive, NotApplicable, Untested, assume, precondition
from conformance.session.sut import SystemUnderTest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.model import Deployment

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


def needs_second_instance(sut: SystemUnderTest, *deployments: Deployment) -> None:
    """Guards a case that needs a deployment, of `deployments` or of all, with two role instances.

    Raises NotApplicable where each is known to have one alone, Untested where the target file lists one alone.
    """
    among = deployments or sut.target.deployments
    if any(len(deployment.role_instances) > 1 for deployment in among):
        return
    names = " and ".join(deployment.name for deployment in among)
    if all(len(sut.world.listed.get(deployment.name, ())) == 1 for deployment in among):
        raise NotApplicable(f"{names} has one role instance")
    raise Untested(f"the target lists one role instance of {names}")


def verifies(*requirements: str) -> Callable[[Case], Case]:
    """Cites the requirements that a case judges, by their ids."""

    def mark(case: Case) -> Case:
        return pytest.mark.verifies(*requirements)(case)  # type: ignore[no-any-return]

    return mark


__all__ = [
    "Declared", "Inconclusive", "NotApplicable", "SystemUnderTest", "Untested", "afterwards", "alone", "assume", "at_the_end", "needs_second_instance",
    "nightly", "precondition",
    "smoke", "verifies",
]  # fmt: skip
