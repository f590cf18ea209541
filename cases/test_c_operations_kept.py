"""C. Get Operation Status: an operation outlives whatever is asked about it."""

from __future__ import annotations

from dataclasses import replace

from reimage_conformance.casebook import SystemUnderTest, afterwards, values_verifying
from reimage_conformance.catalogue import FIRST_VERSION
from reimage_conformance.judging.polls import TERMINAL, status_of
from reimage_conformance.judging.progress import asking_forgets
from reimage_conformance.model import Exchange, Request
from reimage_conformance.protocol.requests import VERSION_HEADER, with_header
from reimage_conformance.session.operations import Operation, State


def otherwise(request: Request, what: str) -> Request:
    """A request about an operation that leaves it as it is."""
    if what == "the oldest version":
        return with_header(request, VERSION_HEADER, FIRST_VERSION)
    return replace(request, method=what)


OTHERWISE = {
    "the oldest version": "REQ-GOS-READONLY",
    "DELETE": "REQ-ERR-VERB",
    "POST": "REQ-ERR-VERB",
    "PUT": "REQ-ERR-VERB",
}
"""How an operation is asked about otherwise than by a poll, and the requirement by which it stays as it is."""


@afterwards
@values_verifying("what", OTHERWISE)
async def test_asking_does_not_make_an_operation_forgotten(sut: SystemUnderTest, what: str) -> None:
    """An operation that has ended is still there after a poll with another version, and after a method that is refused."""
    await sut.reimages.all_finished()
    exchanges = await asked_of_ended(sut, what) or await asked_between(sut, await sut.operations.known(), what)
    sut.judge(asking_forgets, *exchanges, requirement=OTHERWISE[what], what=what)


async def asked_of_ended(sut: SystemUnderTest, what: str) -> list[Exchange]:
    """Asks about one operation that has ended and is known, and about a second one where that made it forgotten."""
    ended = [o for o in sut.operations.all if o.state is State.ENDED and not o.subscription and not o.unwanted]
    exchanges: list[Exchange] = []
    for operation in reversed(ended):
        if await sut.operations.is_known_now(operation):
            exchanges += await asked_between(sut, operation, what)
            if status_of(exchanges[-1]) in TERMINAL or len(exchanges) > 3:
                break
    return exchanges


async def asked_between(sut: SystemUnderTest, operation: Operation, what: str) -> list[Exchange]:
    """A poll, the other request, and a poll again."""
    before = await sut.operations.poll(operation, label="poll-again")
    request = otherwise(sut.builder.operation_status(operation.identifier), what)
    between = await sut.send(request, label="poll-otherwise")
    return [before, between, await sut.operations.poll(operation, label="poll-again")]
