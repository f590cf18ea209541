"""M. Concurrency: reimages while others run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import (
    NotApplicable,
    SystemUnderTest,
    Untested,
    afterwards,
    alone,
    answer,
    needs_second_instance,
    precondition,
    verifies,
)
from conformance.checks.acceptance import accepted
from conformance.checks.contention import PROLONGED, contended, undisturbed
from conformance.checks.messages import request_ids_unique
from conformance.checks.operation_documents import operation_documents
from conformance.checks.polls import DENIALS, STATUSES, status_of, unknown_operation
from conformance.checks.probes import fresh_installation, installation_in, installation_unchanged
from conformance.checks.progress import completes, progress
from conformance.checks.refusals import instance_untouched, nothing_left_behind
from conformance.checks.transport import answered_with, same_answer
from conformance.checks.wording import is_conflict
from conformance.model import Exchange, Request
from conformance.protocol.addresses import UriForm
from conformance.protocol.requests import Place, without_header
from conformance.session.campaign import Result
from conformance.session.operations import NOT_KNOWN, Operation, State


async def contention(sut: SystemUnderTest, which: str) -> tuple[Result, Exchange, Operation | None]:
    """The step that others contended with, the request that did, and the operation that this one started, if it did."""
    if which == "other":
        needs_second_instance(sut, sut.planner.main)
    result = await contended_step(sut)
    await sut.reimages.finished(result)
    exchange = result.same if which == "same" else result.other
    operation = result.same_operation if which == "same" else result.other_operation
    if exchange is None and result.adopted:
        raise Untested("the run was cut short before another reimage could be sent while this one ran")
    if exchange is None and not result.was_tried:
        raise Untested("a reimage while another runs may be accepted, and max_reimages has no room for more")
    if exchange is None:
        raise Untested(f"the reimage was over before one of the {which} instance could be sent")
    if operation is not None:
        await operation.over.wait()
    return result, exchange, operation


async def contended_step(sut: SystemUnderTest) -> Result:
    """The step that other requests contend with."""
    step = sut.planner.contended
    if step is None:
        raise Untested("this profile sends no reimage while another runs")
    return await sut.reimages.result(step.name)


@afterwards
@pytest.mark.parametrize(
    "which",
    [
        pytest.param("same", marks=pytest.mark.verifies("REQ-CONC-SAME", "REQ-CONC-CONFLICT")),
        pytest.param("other", marks=pytest.mark.verifies("REQ-CONC-OTHER", "REQ-CONC-CONFLICT")),
    ],
)
async def test_a_reimage_while_another_runs(sut: SystemUnderTest, which: str) -> None:
    """It is accepted under an id of its own and finishes, or refused with 409 ConflictError."""
    result, exchange, operation = await contention(sut, which)
    requirement = "REQ-CONC-SAME" if which == "same" else "REQ-CONC-OTHER"
    polls = operation.polls if operation is not None else []
    ended = operation is not None and operation.state is State.ENDED
    said = answer(exchange)
    sut.observe("REQ-CONC-CONFLICT", f"a reimage of the {which} instance while one runs: {said}", exchange)
    if result.exchange is not None:
        lost = operation is not None and result.operation is not None and result.operation.state is not State.ENDED
        alive = exchange.reply is None and await sut.answers_others(exchange)
        arguments = {"requirement": requirement, "ended": ended, "lost": lost, "alive": alive}
        sut.judge(contended, result.exchange, exchange, *polls, **arguments)


@afterwards
@verifies("REQ-CONC-REFUSED-NOEFFECT")
async def test_a_refused_reimage_leaves_the_running_one_alone(sut: SystemUnderTest) -> None:
    """A request refused while an operation runs does not disturb that operation."""
    result, _, _ = await contention(sut, "same")
    refused = [exchange for exchange in (result.same, result.other) if exchange is not None and is_conflict(exchange)]
    if not refused:
        raise NotApplicable("no reimage was refused with 409")
    operation = await sut.reimages.finished(result)
    taken = "REQ-CONC-SAME" if result.same_operation else "REQ-CONC-OTHER" if result.other_operation else ""
    arguments = {"beside": taken} if taken else {}
    sut.judge(undisturbed, operation.start, *refused, *operation.polls, refusals=len(refused), **arguments)


@alone
@verifies("REQ-CONC-REFUSED-NOEFFECT", "REQ-GOS-NOTFOUND-NOEFFECT", "REQ-CONC-OTHER")
async def test_refused_reimages_neither_prolong_nor_take_effect(sut: SystemUnderTest) -> None:
    """However often reimages are refused with 409 while one runs, it ends as others do, and the refused instance stays as it was."""
    await sut.reimages.all_finished()
    first = await contended_step(sut)
    if first.other_place is None or not is_conflict(first.other):
        raise NotApplicable("no reimage of another instance was refused with 409")
    place, other = first.step.place, first.other_place
    before = await sut.probe.installation(other) if sut.probe.offered else None
    await sut.instances.until_ready(place)
    own = await sut.probe.installation(place) if writes_afresh(sut) else None
    look = await sut.instances.until_ready(other)
    seen = [look] if look is not None else []
    usual = max((operation.duration for operation in sut.operations.all if operation.state is State.ENDED), default=0)
    operation = sut.reimages.started(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
    deadline = sut.sender.clock.now() + (PROLONGED + 1) * usual
    refused: list[Exchange] = []
    taken = False
    while operation.is_under_way and sut.sender.clock.now() < deadline:
        form = UriForm.SLOT if len(refused) % 2 else UriForm.NAME
        exchange = await sut.send(sut.builder.reimage(other, form), label="contend:other")
        taken = exchange.reply is not None and exchange.reply.status < 300
        if taken:  # the first one was over already
            await sut.reimages.started(exchange, other, form).over.wait()
        if not is_conflict(exchange):
            break
        refused.append(exchange)
        await sut.operations.a_while(operation)
    seen += [await sut.instances.look(other.deployment)] if seen else []
    await operation.over.wait()
    precondition(refused, "no reimage was refused with 409 this time")
    requirement = "REQ-GOS-NOTFOUND-NOEFFECT"
    with sut.together():
        arguments = {"refusals": len(refused), "usual_seconds": round(usual, 3)}
        sut.judge(undisturbed, operation.start, *refused, *operation.polls, **arguments)
        for exchange in refused[:2]:  # one of each form
            sut.judge(contended, operation.start, exchange, requirement="REQ-CONC-OTHER", ended=True)
            poll = await sut.refusals.poll_of(exchange)
            if poll is not None:
                sut.judge(nothing_left_behind, exchange, poll)
        if seen and not taken:
            addressed = {"requirement": requirement, "instance": other.role_instance, "beside": True}
            sut.judge(instance_untouched, seen[0], refused[0], seen[1], **addressed)
        if before is not None and not taken:
            what = "a reimage that was refused with 409"
            after = await sut.probe.installation(other)
            sut.judge(installation_unchanged, before, after, *refused[:1], requirement=requirement, what=what)
        if own is not None and operation.status == "Succeeded":
            written = await sut.reimages.await_installation(place, own)
            sut.judge(fresh_installation, own, written, requirement="REQ-CONC-REFUSED-NOEFFECT")


def writes_afresh(sut: SystemUnderTest) -> bool:
    """Whether the probe showed a reimage that nothing contended with to write a fresh installation."""
    quiet = [r for r in sut.campaign.results.values() if r.probe_after and r.same is None and r.other is None]
    return any(installation_in(r.probe_after[0]) != installation_in(r.probe_before[0]) for r in quiet)


# Requests that are under way at the same time, each on a connection of its own.

PATIENCE_SECONDS = 2.0
"""How long an answer is waited for beside others; an endpoint that serves one connection at a time is not accused."""
ROUNDS = 3
STRANGER = "0123456789abcdef0123456789abcdef"


async def beside(sut: SystemUnderTest, *requests: Request) -> list[Exchange]:
    """What comes of requests that are under way at the same time; inconclusive where one of them gets no reply."""
    patience = min(PATIENCE_SECONDS, sut.target.limits.request_timeout_seconds)
    exchanges = await sut.sender.at_once([replace(r, patience_seconds=patience) for r in requests], label="at-once")
    silent = [exchange for exchange in exchanges if exchange.reply is None]
    precondition(not silent, f"{len(silent)} of {len(exchanges)} requests at the same time got no reply")
    return exchanges


@alone
@verifies("REQ-GOS-ID", "REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-UNKNOWN-ID", "REQ-ASYNC-REQID-UNIQUE")
async def test_polls_at_the_same_time_tell_each_its_own_operation(sut: SystemUnderTest) -> None:
    """Polls of several operations and of one that never was are answered beside each other as they are alone."""
    await sut.reimages.all_finished()
    ended = [
        o
        for o in sut.operations.all
        if o.state is State.ENDED and not o.subscription and await sut.operations.is_known_now(o)
    ]
    known = list({operation.identifier: operation for operation in ended}.values())[-4:]
    precondition(ended, "no operation that ended is known", because=NOT_KNOWN)
    if len(known) < 2:
        raise Untested("fewer than two operations are known")
    stranger = sut.builder.operation_status(STRANGER)
    for _ in range(ROUNDS):
        *polls, strange = await beside(sut, *(sut.builder.operation_status(o.identifier) for o in known), stranger)
        sut.judge(unknown_operation, strange)
        sut.judge(request_ids_unique, *polls, strange)
        for operation, poll in zip(known, polls, strict=True):
            sut.judge(answered_with, poll, requirement="REQ-GOS-200", statuses=[200, *DENIALS], expected="200 OK")
            sut.judge(operation_documents, poll)
            sut.judge(progress, *[p for p in operation.polls if status_of(p) in STATUSES][-1:], poll)


@alone
@verifies("REQ-VER-MISSING", "REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-COMP-MISSING", "REQ-ERR-VERB", "REQ-GOS-200")
async def test_requests_at_the_same_time_are_answered_as_alone(sut: SystemUnderTest) -> None:
    """Requests of several kinds, sound and not, get beside each other what they get alone."""
    await sut.reimages.all_finished()
    nowhere = sut.nowhere()
    kinds = {
        "REQ-VER-MISSING": without_header(nowhere, "x-ms-version"),
        "REQ-REIMAGE-UNKNOWN-INSTANCE": nowhere,
        "REQ-REIMAGE-COMP-MISSING": replace(nowhere, target=nowhere.target.partition("?")[0]),
        "REQ-ERR-VERB": replace(nowhere, method="DELETE"),
        "REQ-GOS-200": await sut.operations.known_poll(),
    }
    plain = [await sut.try_out(request) for request in kinds.values()]
    for _ in range(ROUNDS):
        exchanges = await beside(sut, *kinds.values())
        started = any(exchange.reply is not None and exchange.reply.status == 202 for exchange in exchanges)
        for requirement, alone_, exchange in zip(kinds, plain, exchanges, strict=True):
            await sut.settle(exchange)
            if started and is_conflict(exchange):
                continue  # by an operation that is to fail later
            sut.judge(same_answer, alone_, exchange, requirement=requirement, what="other requests at the same time")


@alone
@verifies("REQ-REIMAGE-202", "REQ-ASYNC-REQID-UNIQUE", "REQ-REIMAGE-COMPLETES")
async def test_reimages_at_the_same_time_are_operations_of_their_own(sut: SystemUnderTest) -> None:
    """Reimages of different deployments that arrive together are each accepted, under an id of their own, or find the endpoint busy."""
    await sut.reimages.all_finished()
    deployments = [deployment for deployment in sut.target.deployments if deployment.role_instances][:2]
    places = [Place(deployment, deployment.role_instances[0]) for deployment in deployments]
    if len(places) < 2:
        raise NotApplicable("the target lists one deployment only")
    for place in places:
        await sut.instances.until_ready(place)
    if not sut.reimages.may_start(2):
        sut.reimages.check()
        raise Untested("the budget of reimages is spent")
    form = UriForm.NAME
    exchanges = await beside(sut, *(sut.builder.reimage(place, form) for place in places))
    started = []
    with sut.together():
        for place, exchange in zip(places, exchanges, strict=True):
            if is_conflict(exchange):
                continue
            sut.judge(accepted, exchange, requirement=form.requirement)
            if exchange.reply is not None and exchange.reply.status < 300:
                started.append(sut.reimages.started(exchange, place, form))
        sut.judge(request_ids_unique, *exchanges)
        for operation in started:
            await operation.over.wait()
            sut.judge(operation_documents, *operation.polls)
            sut.judge(completes, *operation.exchanges, waited=round(operation.duration, 3))
