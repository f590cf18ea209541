"""What reimages were accepted, and whether they completed."""

from __future__ import annotations

from collections.abc import Iterable

from reimage_conformance.casebook import (
    SystemUnderTest,
    precondition,
)
from reimage_conformance.judging.operations.progress import completes
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.model import Exchange
from reimage_conformance.session.campaign import Result
from reimage_conformance.session.operations import Operation

NOT_SPELT = "no reimage that is spelt otherwise was tried"
"""What decides whether a spelling makes no difference, where it was tried with other requests only."""


async def accepted_requests(sut: SystemUnderTest) -> list[Exchange]:
    """The answer to every reimage that was accepted and should have been."""
    asked = [result for result in await sut.reimages.all_finished() if result.step.expected != "open"]
    found = [result.exchange for result in asked if result.exchange is not None]
    precondition(found, "no reimage was accepted", because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"))
    return found


async def ordinary(sut: SystemUnderTest) -> list[Result]:
    """Every accepted step that has to succeed."""
    found = [result for result in await sut.reimages.all_finished() if result.step.expected == "succeeds"]
    precondition(found, "no reimage was accepted", because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"))
    return found


def judge_completion(sut: SystemUnderTest, operations: Iterable[Operation], **arguments: object) -> None:
    """Judges that operations end Succeeded in time."""
    with sut.together():
        for operation in operations:
            sut.judge(completes, *operation.exchanges, waited=round(operation.duration, 3), **arguments)


def is_undisturbed(sut: SystemUnderTest, operation: Operation) -> bool:
    """Whether a request that must be taken started an operation, by the first certificate, and nothing contended with it."""
    results = sut.campaign.results.values()
    contended = any(result.same is not None and operation is result.operation for result in results)
    return (
        not contended
        and not operation.start.label.startswith("contend")
        and operation.start.request.identity == "primary"
        and {defect.key for defect in permitted(operation.start.request, sut.world).defects} <= {"version-other"}
    )
