"""What Get Deployment showed during the run."""

from __future__ import annotations

from collections.abc import Iterable

from reimage_conformance.casebook import SystemUnderTest
from reimage_conformance.model import Exchange
from reimage_conformance.protocol.deployments import statuses_in
from reimage_conformance.session.instances import Call


def end_without_get_deployment(sut: SystemUnderTest) -> None:
    """Ends the case where the target does not offer Get Deployment, or never answered it."""
    sut.instances.require(Call.DEPLOYMENT)


def looks(sut: SystemUnderTest) -> list[Exchange]:
    """Every look of the run that showed role instances."""
    return [e for e in sut.recorder.exchanges if e.label == "look" and statuses_in(e)]


def joined(words: Iterable[str], nothing: str) -> str:
    """The distinct words, sorted, as one list; `nothing` where there are none."""
    return ", ".join(sorted(set(words))) or nothing
