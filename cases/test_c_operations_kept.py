"""C. Get Operation Status: an operation outlives whatever is asked about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import SystemUnderTest, afterwards
from conformance.checks.polls import TERMINAL, status_of
from conformance.checks.progress import asking_forgets
from conformance.model import Exchange, Request
from conformance.protocol.requests import VERSION_HEADER, with_header
from conformance.requirements import FIRST_VERSION
from conformance.session.operations import Operation, State


def otherwise(request: Request, what: str) -> Request:
    """A request about an operation that leaves it as it is."""
    if what == "the oldest version":
        return with_header(request, VERSION_HEADER, FIRST_VERSION)
    return replace(request, method=what)


@afterwards
@pytest.mark.parametrize(
    "what",
    [
        pytest.param("the oldest version", marks=pytest.mark.verifies("REQ-GOS-READONLY")),
        pytest.param("DELETE", marks=pytest.mark.verifies("REQ-ERR-VERB")),
        pytest.param("POST", marks=pytest.mark.verifies("REQ-ERR-VERB")),
        pytest.param("PUT", marks=pytest.mark.verifies("REQ-ERR-VERB")),
    ],
)
async def test_asking_does_not_make_an_operation_forgotten(sut: SystemUnderTest, what: str) -> None:
    """An operation that has ended is still there after a poll with another version, and after a method that is refused."""
    await sut.reimages.all_finished()
    ended = [o for o in sut.operations.all if o.state is State.ENDED and not o.subscription and not o.unwanted]
    exchanges: list[Exchange] = []
    for operation in reversed(ended):
        if await sut.operations.is_known_now(operation):
            exchanges += await asked_between(
                sut, operation, otherwise(sut.builder.operation_status(operation.identifier), what)
            )
            if status_of(exchanges[-1]) in TERMINAL or len(exchanges) > 3:
                break
    if not exchanges:
        operation = await sut.operations.known()
        exchanges = await asked_between(
            sut, operation, otherwise(sut.builder.operation_status(operation.identifier), what)
        )
    requirement = "REQ-GOS-READONLY" if what == "the oldest version" else "REQ-ERR-VERB"
    sut.judge(asking_forgets, *exchanges, requirement=requirement, what=what)


async def asked_between(sut: SystemUnderTest, operation: Operation, request: Request) -> list[Exchange]:
    """A poll, `request`, and a poll again."""
    before = await sut.operations.poll(operation, label="poll-again")
    between = await sut.send(request, label="poll-otherwise")
    return [before, between, await sut.operations.poll(operation, label="poll-again")]
