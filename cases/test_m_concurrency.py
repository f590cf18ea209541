"""M. Concurrency: reimages while others run."""

from __future__ import annotations

import pytest

from conformance.casebook import SystemUnderTest, Untested, afterwards, verifies
from conformance.checks.contention import contended
from conformance.checks.progress import completes
from conformance.model import Exchange
from conformance.runner.campaign import Result
from conformance.runner.operations import Operation, State


def contention(sut: SystemUnderTest, which: str) -> tuple[Result, Exchange, Operation | None]:
    """The first step, the request that contended with it, and the operation that this one started, if it did."""
    result = sut.result("control-slot")
    sut.finished(result)
    exchange = result.same if which == "same" else result.other
    operation = result.same_operation if which == "same" else result.other_operation
    if exchange is None:
        raise Untested("no request contended with the first reimage")
    if operation is not None:
        sut.book.wait(operation)
    return result, exchange, operation


@afterwards
@pytest.mark.parametrize(
    "which",
    [
        pytest.param("same", marks=pytest.mark.verifies("REQ-CONC-SAME", "REQ-CONC-CONFLICT")),
        pytest.param("other", marks=pytest.mark.verifies("REQ-CONC-OTHER", "REQ-CONC-CONFLICT")),
    ],
)
def test_a_reimage_while_another_runs(sut: SystemUnderTest, which: str) -> None:
    """It is accepted under an id of its own and finishes, or refused with 409 ConflictError."""
    result, exchange, operation = contention(sut, which)
    requirement = "REQ-CONC-SAME" if which == "same" else "REQ-CONC-OTHER"
    polls = operation.polls if operation is not None else []
    ended = operation is not None and operation.state is State.ENDED
    said = exchange.reply.status if exchange.reply is not None else "no reply"
    sut.observe("REQ-CONC-CONFLICT", f"a reimage of the {which} instance while one runs: {said}", exchange)
    if result.exchange is not None:
        lost = operation is not None and result.operation is not None and result.operation.state is not State.ENDED
        alive = exchange.reply is None and sut.is_alive()
        arguments = {"requirement": requirement, "ended": ended, "lost": lost, "alive": alive}
        sut.judge(contended, result.exchange, exchange, *polls, **arguments)


@afterwards
@verifies("REQ-CONC-REFUSED-NOEFFECT")
def test_a_refused_reimage_leaves_the_running_one_alone(sut: SystemUnderTest) -> None:
    """A request refused while an operation runs does not disturb that operation."""
    result, exchange, _ = contention(sut, "same")
    operation = sut.finished(result)
    if exchange.reply is not None and exchange.reply.status == 409:
        arguments = {"requirement": "REQ-CONC-REFUSED-NOEFFECT", "waited": round(operation.duration, 3)}
        sut.judge(completes, *operation.exchanges, **arguments)
    else:
        sut.judge(
            completes,
            *operation.exchanges,
            requirement="REQ-CONC-REFUSED-NOEFFECT",
            waited=round(operation.duration, 3),
        )
