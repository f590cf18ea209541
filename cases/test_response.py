"""The response to a reimage that is accepted: its status, its id, its content."""

from __future__ import annotations

from reimage_conformance.casebook import SystemUnderTest, afterwards, inconclusive_unless, smoke, verifies
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.operations.polls import needs_no_more
from reimage_conformance.judging.response import answered_202, empty_body, id_usable, request_id_present
from reimage_conformance.protocol.requests import with_header, with_query
from reimage_conformance.session.operations import Operation

from .accepting import accepted_requests, is_undisturbed


@smoke
@afterwards
@verifies("REQ-REIMAGE-202")
async def test_an_accepted_reimage_is_answered_202(sut: SystemUnderTest) -> None:
    """An accepted request is answered 202, no other 2xx."""
    sut.judge(answered_202, *await accepted_requests(sut))


@smoke
@afterwards
@verifies("REQ-REIMAGE-REQID")
async def test_the_202_carries_a_request_id(sut: SystemUnderTest) -> None:
    """The 202 carries x-ms-request-id, one non-empty value."""
    sut.judge(request_id_present, *await accepted_requests(sut), requirement="REQ-REIMAGE-REQID")


@smoke
@afterwards
@verifies("REQ-REIMAGE-BODY-EMPTY")
async def test_the_202_has_no_content(sut: SystemUnderTest) -> None:
    """The 202 has no content after transfer decoding."""
    sut.judge(empty_body, *await accepted_requests(sut))


async def identified(sut: SystemUnderTest, *, elsewhere: bool = True) -> list[Operation]:
    """Every operation whose 202 carried an id; unless `elsewhere`, only those of the target's own subscription."""
    await accepted_requests(sut)
    known = [o for o in sut.operations.all if o.identifier and (elsewhere or not o.subscription)]
    return inconclusive_unless(
        known, "no 202 carried an x-ms-request-id", because=("REQ-REIMAGE-REQID", "REQ-REIMAGE-202")
    )


@smoke
@afterwards
@verifies("REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-REQID-PROMPT", "REQ-GOS-URI")
async def test_the_request_id_yields_the_status_of_the_operation(sut: SystemUnderTest) -> None:
    """The id, used unchanged, is known to Get Operation Status within two seconds."""
    known = await identified(sut)
    usual = [operation for operation in known if is_undisturbed(sut, operation)]
    judged = usual if any(operation.is_known for operation in usual) else known
    sut.judge_each(id_usable, [operation.exchanges for operation in judged])
    polls = [poll for operation in known for poll in operation.polls]
    sut.judge(operation_documents, *polls, only=["REQ-REIMAGE-REQID-USABLE"])


@smoke
@afterwards
@verifies("REQ-GOS-URI")
async def test_a_poll_needs_no_more_than_a_version(sut: SystemUnderTest) -> None:
    """If no plain poll is answered, polls with a media type, a length or a query show whether the endpoint requires these."""
    known = await identified(sut, elsewhere=False)
    bare = sut.builder.operation_status(known[-1].identifier)
    plain = await sut.send(bare, label="poll-varied")
    typed = with_header(bare, "Content-Type", "application/xml")
    varied = (typed, with_header(bare, "Content-Length", "0"), with_query(bare, "api-version=1"))
    none_known = not any(operation.is_known for operation in known)
    exchanges = [await sut.send(request, label="poll-varied") for request in varied if none_known]
    sut.judge(needs_no_more, plain, *exchanges)
