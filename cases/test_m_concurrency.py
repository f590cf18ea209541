"""M. Concurrency: reimages while others run."""

from __future__ import annotations

import pytest

from conformance.casebook import NotApplicable, SystemUnderTest, Untested, afterwards, alone, precondition, verifies
from conformance.checks.contention import PROLONGED, contended, undisturbed
from conformance.checks.probes import installation_unchanged
from conformance.checks.refusals import instance_untouched
from conformance.model import Exchange
from conformance.protocol.addresses import UriForm
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


def is_refused(exchange: Exchange | None) -> bool:
    """Whether a reimage was refused because another runs."""
    return exchange is not None and exchange.reply is not None and exchange.reply.status == 409


@afterwards
@verifies("REQ-CONC-REFUSED-NOEFFECT")
def test_a_refused_reimage_leaves_the_running_one_alone(sut: SystemUnderTest) -> None:
    """A request refused while an operation runs does not disturb that operation."""
    result, _, _ = contention(sut, "same")
    refused = [exchange for exchange in (result.same, result.other) if exchange is not None and is_refused(exchange)]
    if not refused:
        raise NotApplicable("no reimage was refused with 409")
    operation = sut.finished(result)
    sut.judge(undisturbed, operation.start, *refused, *operation.polls, refusals=len(refused))


@alone
@verifies("REQ-CONC-REFUSED-NOEFFECT", "REQ-GOS-NOTFOUND-NOEFFECT")
def test_refused_reimages_neither_prolong_nor_take_effect(sut: SystemUnderTest) -> None:
    """However often reimages are refused with 409 while one runs, it ends as others do, and the refused instance stays as it was."""
    sut.finish_all()
    first = sut.result("control-slot")
    if first.other_place is None or not is_refused(first.other):
        raise NotApplicable("no reimage of another instance was refused with 409")
    place, other = first.step.place, first.other_place
    before = sut.probe.installation(other) if sut.probe.offered else None
    look = sut.await_ready(other)
    seen = [look] if look is not None else []
    usual = max((operation.duration for operation in sut.book.operations if operation.state is State.ENDED), default=0)
    operation = sut.started(sut.start(place, UriForm.SLOT), place, UriForm.SLOT)
    deadline = sut.clock.now() + (PROLONGED + 1) * usual
    refused: list[Exchange] = []
    taken = False
    while operation.is_under_way and sut.clock.now() < deadline:
        exchange = sut.send(sut.builder.reimage(other, UriForm.SLOT), label="contend:other")
        taken = exchange.reply is not None and exchange.reply.status < 300
        if taken:  # the first one was over already
            sut.book.wait(sut.started(exchange, other, UriForm.SLOT))
        if not is_refused(exchange):
            break
        refused.append(exchange)
        sut.idle()
    seen += [sut.observer.look(other.deployment)] if seen else []
    sut.book.wait(operation)
    precondition(refused, "no reimage was refused with 409 this time")
    requirement = "REQ-GOS-NOTFOUND-NOEFFECT"
    with sut.together():
        arguments = {"refusals": len(refused), "usual_seconds": round(usual, 3)}
        sut.judge(undisturbed, operation.start, *refused, *operation.polls, **arguments)
        if seen and not taken:
            addressed = {"requirement": requirement, "instance": other.role_instance, "beside": True}
            sut.judge(instance_untouched, seen[0], refused[0], seen[1], **addressed)
        if before is not None and not taken:
            what = "a reimage that was refused with 409"
            after = sut.probe.installation(other)
            sut.judge(installation_unchanged, before, after, *refused[:1], requirement=requirement, what=what)
