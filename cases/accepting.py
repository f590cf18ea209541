"""What reimages were accepted, and whether they completed."""

from __future__ import annotations

from collections.abc import Iterable

from reimage_conformance.casebook import SystemUnderTest, inconclusive_unless
from reimage_conformance.judging.operations.progress import completes
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Exchange, Why
from reimage_conformance.session.operations import Operation
from reimage_conformance.session.step_runs import Result

NOT_SPELT = "no reimage with this spelling was sent"
"""Why a requirement on spellings is untested where only requests other than reimages were sent with the spelling."""

NOT_RUNNING = "the reimage ended Failed, and its instance may not have been running again after an earlier one"
"""Why a failed reimage shows nothing where `may_not_have_run` holds."""


async def accepted_results(
    sut: SystemUnderTest, expected: tuple[str, ...] = ("succeeds", "fails", "open")
) -> list[Result]:
    """The results of the accepted steps with one of these expectations (`Step.expected`), once all are over.

    Raises Inconclusive where there are none.
    """
    found = [result for result in await sut.reimages.all_finished() if result.step.expected in expected]
    return inconclusive_unless(
        found, "no reimage was accepted", because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
    )


async def accepted_requests(sut: SystemUnderTest) -> list[Exchange]:
    """The exchanges of all reimages that were rightly accepted."""
    results = await accepted_results(sut, ("succeeds", "fails"))
    return [result.exchange for result in results if result.exchange is not None]


async def results_that_must_succeed(sut: SystemUnderTest) -> list[Result]:
    """The results of the accepted steps whose operations have to end Succeeded."""
    return await accepted_results(sut, ("succeeds",))


def judge_completion(sut: SystemUnderTest, operations: Iterable[Operation], **arguments: object) -> None:
    """Judges that operations end Succeeded in time; raises Inconclusive where `may_not_have_run` holds for each of them."""
    conclusive = [operation for operation in operations if not may_not_have_run(sut, operation)]
    inconclusive_unless(conclusive, NOT_RUNNING, why=Why.NOT_READY)
    with sut.violations_at_the_end():
        for operation in conclusive:
            sut.judge(completes, *operation.exchanges, waited=round(operation.duration, 3), **arguments)


def may_not_have_run(sut: SystemUnderTest, operation: Operation) -> bool:
    """Whether an operation ended Failed and its instance may not have been running when it was started.

    Only a reimage of a running instance has to succeed (REQ-REIMAGE-RUNNING). An earlier reimage takes the instance offline for an
    unknown time, and only Get Deployment shows when it runs again.
    """
    if sut.instances.offers_deployment or operation.status != "Failed" or operation.place is None:
        return False
    return any(each.start.number < operation.start.number for each in sut.operations.at(operation.place))


def is_undisturbed(sut: SystemUnderTest, operation: Operation) -> bool:
    """Whether an operation was started by a sound request with the first certificate, and nothing was sent to contend with it."""
    results = sut.campaign.results.values()
    contended = any(result.same is not None and operation is result.operation for result in results)
    return (
        not contended
        and not operation.start.label.startswith("contend")
        and operation.start.request.identity == "primary"
        and {defect.key for defect in expectation_of(operation.start.request, sut.world).defects} <= {"version-other"}
    )
