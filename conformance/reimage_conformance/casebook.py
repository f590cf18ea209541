"""What a conformance case is written with: the requirement it verifies, its values, when it runs, and what must hold before."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

from reimage_conformance.model import Why
from reimage_conformance.protocol.addresses import FORMS, UriForm
from reimage_conformance.session.cases import Declared
from reimage_conformance.session.signals import (
    Inconclusive,
    NotApplicable,
    Untested,
    assume,
    inconclusive_unless,
    not_applicable_unless,
    untested_unless,
)
from reimage_conformance.session.sut import SystemUnderTest
from reimage_conformance.session.witnesses import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping

    from reimage_conformance.model import Deployment, Exchange

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


def values(name: str, given: Iterable[object], *, smoke_of: Container[object] = ()) -> pytest.MarkDecorator:
    """Runs a case once for each value of its parameter `name`; those of `smoke_of` in the smoke profile too."""
    marked = [pytest.param(value, marks=smoke if value in smoke_of else ()) for value in given]
    return pytest.mark.parametrize(name, marked)


def values_verifying(name: str, given: Mapping[str, str | tuple[str, ...]]) -> pytest.MarkDecorator:
    """Runs a case once for each key of `given`, as its parameter `name`; the value names the requirements that it then judges."""
    cited = {value: (names,) if isinstance(names, str) else names for value, names in given.items()}
    return pytest.mark.parametrize(
        name, [pytest.param(value, marks=pytest.mark.verifies(*names)) for value, names in cited.items()]
    )


each_form = values("form", FORMS)
"""Runs a case once for each form of the address."""
forms = values("form", FORMS, smoke_of=(UriForm.SLOT,))
"""Runs a case once for each form of the address; in the smoke profile only by slot."""


def end_without_second_instance(sut: SystemUnderTest, *deployments: Deployment) -> None:
    """Ends a case that needs two role instances in one deployment where none of `deployments`, by default all of the target, has two.

    Raises NotApplicable where Get Deployment shows that each has only one, Untested where the target file lists only one.
    """
    among = deployments or sut.target.deployments
    if any(len(deployment.role_instances) > 1 for deployment in among):
        return
    names = " and ".join(deployment.path for deployment in among)
    if all(len(sut.world.listed_in(deployment)) == 1 for deployment in among):
        words = "has one role instance" if len(among) == 1 else "have one role instance each"
        raise NotApplicable(f"{names} {words}")
    raise Untested(f"the target lists one role instance of {names}", Why.ONE_INSTANCE)


def answer(exchange: Exchange | None) -> str:
    """The status of a reply in words; "no reply" where there is none."""
    return str(exchange.reply.status) if exchange is not None and exchange.reply is not None else "no reply"


__all__ = [
    "Declared",
    "Inconclusive",
    "NotApplicable",
    "SystemUnderTest",
    "Untested",
    "Witness",
    "afterwards",
    "alone",
    "answer",
    "assume",
    "at_the_end",
    "each_form",
    "end_without_second_instance",
    "forms",
    "inconclusive_unless",
    "nightly",
    "not_applicable_unless",
    "smoke",
    "untested_unless",
    "values",
    "values_verifying",
    "verifies",
]  # fmt: skip
