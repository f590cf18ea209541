"""Concurrency: reimages while others run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus

from reimage_conformance.casebook import (
    SystemUnderTest,
    Untested,
    afterwards,
    alone,
    answer,
    applicable,
    needs_second_instance,
    possible,
    precondition,
    values_verifying,
    verifies,
)
from reimage_conformance.judging.concurrency import contended, undisturbed
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.operations.polls import DENIALS, STATUSES, status_of, unknown_operation
from reimage_conformance.judging.operations.progress import completes, progress
from reimage_conformance.judging.response import accepted
from reimage_conformance.judging.transport.answers import answered_with
from reimage_conformance.judging.transport.messages import request_ids_unique
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Exchange, Request, Why
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place, without_header
from reimage_conformance.session.operations import UNPOLLED_BECAUSE, Operation, State
from reimage_conformance.session.step_runs import Result

from .asking import require_known_outcome
from .contending import (
    judge_id,
    judge_other_instance,
    judge_refusals,
    judge_running_reimage,
    reimage_other_meanwhile,
    start_for_contention,
)

INSTANCES = {"same": "the same instance", "other": "another instance"}
"""The instance of the reimage that is sent while another one runs, in words."""


async def contending_reimage(sut: SystemUnderTest, which: str) -> tuple[Result, Exchange, Operation | None]:
    """The result of the contended step, the exchange of the reimage that was sent meanwhile, and the operation of that one, if any.

    `which` is a key of INSTANCES. Raises Untested where that reimage was not sent, or its answer leaves open whether it was started.
    """
    if which == "other":
        needs_second_instance(sut, sut.planner.main)
    result = await contended_result(sut)
    await sut.reimages.finished(result)
    exchange = result.same if which == "same" else result.other
    operation = result.same_operation if which == "same" else result.other_operation
    if exchange is None and result.adopted:
        raise Untested(
            "the run was cut short before a second reimage could be sent while the first one ran", Why.CUT_SHORT
        )
    if exchange is None and not result.contention_sent:
        raise Untested(
            "max_reimages under [limits] in the target file leaves no room for a reimage that may be accepted while another runs",
            Why.BUDGET,
        )
    if exchange is None:
        raise Untested(f"the reimage ended before a reimage of {INSTANCES[which]} could be sent")
    require_known_outcome(exchange)
    if operation is not None:
        await operation.over.wait()
    return result, exchange, operation


def require_under_way(result: Result, exchange: Exchange) -> None:
    """Raises Untested where a reimage sent while another one ran was answered 400, and the other one may have ended by then.

    An instance that does not run again yet may be refused with 400 (REQ-REIMAGE-RUNNING). The other one had not ended if a
    poll that was sent after this answer said InProgress.
    """
    if exchange.reply is None or exchange.reply.status != HTTPStatus.BAD_REQUEST or result.operation is None:
        return
    later = [poll for poll in result.operation.polls if poll.at >= exchange.at + exchange.elapsed]
    if not any(status_of(poll) == "InProgress" for poll in later):
        raise Untested("the first reimage may have ended before the second one was answered 400")


async def contended_result(sut: SystemUnderTest) -> Result:
    """The result of the step during which other reimages are sent; raises Untested where the profile has none."""
    step = sut.planner.contended
    if step is None:
        raise Untested("the chosen --profile sends no reimage while another runs", Why.PROFILE)
    return await sut.reimages.result(step.name)


REQUIREMENTS = {"same": "REQ-CONC-SAME", "other": "REQ-CONC-OTHER"}


@afterwards
@values_verifying("which", {which: (name, "REQ-CONC-CONFLICT") for which, name in REQUIREMENTS.items()})
async def test_a_reimage_while_another_runs(sut: SystemUnderTest, which: str) -> None:
    """A reimage that is sent while another one runs is accepted under an id of its own and ends, or is refused with 409 ConflictError."""
    result, exchange, operation = await contending_reimage(sut, which)
    observation = f"a reimage of {INSTANCES[which]} while one runs: {answer(exchange)}"
    sut.observe("REQ-CONC-CONFLICT", observation, exchange)
    require_under_way(result, exchange)
    if result.exchange is not None:
        polls = operation.polls if operation is not None else []
        ended = operation is not None and operation.state is State.ENDED
        lost = operation is not None and result.operation is not None and result.operation.state is not State.ENDED
        alive = exchange.reply is None and await sut.answers_others(exchange)
        arguments = {"requirement": REQUIREMENTS[which], "ended": ended, "lost": lost, "alive": alive}
        sut.judge(contended, result.exchange, exchange, *polls, **arguments)


def accepted_beside(result: Result) -> dict[str, str]:
    """The argument of `undisturbed` that names the requirement of a reimage which was accepted while another one ran, if one was."""
    if not (result.same_operation or result.other_operation):
        return {}
    return {"beside": REQUIREMENTS["same" if result.same_operation else "other"]}


@afterwards
@verifies("REQ-CONC-REFUSED-NOEFFECT", "REQ-GOS-NOTFOUND-NOEFFECT")
async def test_a_refused_reimage_leaves_the_running_one_alone(sut: SystemUnderTest) -> None:
    """A reimage that is refused while another one runs does not disturb that one, and starts no operation."""
    result, _, _ = await contending_reimage(sut, "same")
    refused = [exchange for exchange in (result.same, result.other) if exchange is not None and is_conflict(exchange)]
    applicable(refused, "the run had no reimage that was refused with 409")
    operation = await sut.reimages.finished(result)
    with sut.together():
        arguments = {"refusals": len(refused), **accepted_beside(result)}
        sut.judge(undisturbed, operation.start, *refused, *operation.polls, **arguments)
        await sut.in_turn(partial(judge_id, sut), refused)


@alone
@verifies("REQ-CONC-REFUSED-NOEFFECT", "REQ-GOS-NOTFOUND-NOEFFECT", "REQ-CONC-OTHER")
async def test_refused_reimages_neither_prolong_nor_take_effect(sut: SystemUnderTest) -> None:
    """A reimage ends as others do however many reimages of another instance are refused meanwhile, and that instance stays as it was."""
    await sut.reimages.all_finished()
    first = await contended_result(sut)
    other = first.other_place if is_conflict(first.other) else None
    other = applicable(other, "no reimage of another instance was refused with 409")
    contention = await start_for_contention(sut, first.step.place, other)
    await reimage_other_meanwhile(sut, contention)
    precondition(contention.refused, "the endpoint refused no reimage of another instance with 409 this time")
    with sut.together():
        await judge_refusals(sut, contention)
        judge_other_instance(sut, contention)
        await judge_running_reimage(sut, contention)


# Requests that are under way at the same time, each on a connection of its own.

PATIENCE_SECONDS = 2.0
"""The longest wait for an answer; an endpoint that serves one connection at a time may take longer, and is not judged then."""
ROUNDS = 3
"""How often the same requests are sent at the same time."""
MAX_OPERATIONS_AT_ONCE = 4
UNKNOWN_ID = "0123456789abcdef0123456789abcdef"
"""An id of the right form that no operation has."""


async def at_the_same_time(sut: SystemUnderTest, *requests: Request) -> list[Exchange]:
    """Sends requests at the same time, each on its own connection; inconclusive where one of them gets no reply."""
    patience = min(PATIENCE_SECONDS, sut.target.limits.request_timeout_seconds)
    exchanges = await sut.sender.at_once([replace(r, patience_seconds=patience) for r in requests], label="at-once")
    silent = [exchange for exchange in exchanges if exchange.reply is None]
    message = f"{len(silent)} of {len(exchanges)} requests that were sent at the same time got no reply"
    precondition(not silent, message, why=Why.NO_REPLY)
    return exchanges


async def known_for_polling_at_once(sut: SystemUnderTest) -> list[Operation]:
    """The latest operations that ended and are still known: at least two, at most MAX_OPERATIONS_AT_ONCE."""
    known: dict[str, Operation] = {}
    for operation in reversed(sut.operations.all):
        ended = operation.state is State.ENDED and not operation.subscription
        if len(known) < MAX_OPERATIONS_AT_ONCE and ended and await sut.operations.is_known_now(operation):
            known.setdefault(operation.identifier, operation)
    precondition(known, "polls no longer find any operation that ended", because=UNPOLLED_BECAUSE, why=Why.NO_END)
    possible(len(known) > 1, "polls find only one operation that ended, and this needs two")
    return list(known.values())


@alone
@verifies("REQ-GOS-ID", "REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-UNKNOWN-ID", "REQ-ASYNC-REQID-UNIQUE")
async def test_polls_at_the_same_time_tell_each_its_own_operation(sut: SystemUnderTest) -> None:
    """Polls of several operations and of an unknown id at the same time are answered as if they were sent one at a time."""
    await sut.reimages.all_finished()
    known = await known_for_polling_at_once(sut)
    identifiers = (*(operation.identifier for operation in known), UNKNOWN_ID)
    for _ in range(ROUNDS):
        *polls, unknown = await at_the_same_time(sut, *(sut.builder.operation_status(each) for each in identifiers))
        sut.judge(unknown_operation, unknown)
        sut.judge(request_ids_unique, *polls, unknown)
        for operation, poll in zip(known, polls, strict=True):
            judge_own_operation(sut, operation, poll)


def judge_own_operation(sut: SystemUnderTest, operation: Operation, poll: Exchange) -> None:
    """Judges whether a poll among others is answered, and shows its own operation."""
    sut.judge(answered_with, poll, requirement="REQ-GOS-200", statuses=[200, *DENIALS], expected="200 OK")
    sut.judge(operation_documents, poll)
    sut.judge(progress, *[each for each in operation.polls if status_of(each) in STATUSES][-1:], poll)


@alone
@verifies("REQ-VER-MISSING", "REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-COMP-MISSING", "REQ-ERR-VERB", "REQ-GOS-200")
async def test_requests_at_the_same_time_are_answered_as_alone(sut: SystemUnderTest) -> None:
    """Requests of several kinds at the same time, valid and invalid, are answered as if they were sent one at a time."""
    await sut.reimages.all_finished()
    nowhere = sut.unknown_instance()
    kinds = {
        "REQ-VER-MISSING": without_header(nowhere, "x-ms-version"),
        "REQ-REIMAGE-UNKNOWN-INSTANCE": nowhere,
        "REQ-REIMAGE-COMP-MISSING": replace(nowhere, target=nowhere.target.partition("?")[0]),
        "REQ-ERR-VERB": replace(nowhere, method="DELETE"),
        "REQ-GOS-200": await sut.operations.known_poll(),
    }
    plain = {name: await sut.try_out(request) for name, request in kinds.items()}
    for _ in range(ROUNDS):
        exchanges = await at_the_same_time(sut, *kinds.values())
        await judge_as_alone(sut, plain, dict(zip(kinds, exchanges, strict=True)))


async def judge_as_alone(sut: SystemUnderTest, one_by_one: dict[str, Exchange], together: dict[str, Exchange]) -> None:
    """Judges whether requests that were sent `together` got the answers that they got `one_by_one`."""
    started = any(exchange.reply is not None and exchange.reply.status == 202 for exchange in together.values())
    for requirement, exchange in together.items():
        await sut.settle(exchange)
        # If one was accepted, its operation may be the reason for a conflict of another.
        if not (started and is_conflict(exchange)):
            what = "other requests at the same time"
            sut.compare(one_by_one[requirement], exchange, requirement=requirement, what=what)


async def ready_places(sut: SystemUnderTest) -> list[Place]:
    """An instance of each of two deployments, ready to be reimaged within the budget."""
    deployments = [deployment for deployment in sut.target.deployments if deployment.role_instances][:2]
    applicable(len(deployments) > 1, "the target lists one deployment only")
    places = [Place(deployment, deployment.role_instances[0]) for deployment in deployments]
    for place in places:
        await sut.instances.until_ready(place)
        await sut.instances.until_running_again(sut.operations.at(place))
    if not sut.reimages.may_start(2):
        sut.reimages.raise_if_cut_short()
        raise Untested("the run had sent all reimages that it may send", Why.BUDGET)
    return places


@alone
@verifies("REQ-REIMAGE-202", "REQ-ASYNC-REQID-UNIQUE", "REQ-REIMAGE-COMPLETES")
async def test_reimages_at_the_same_time_are_operations_of_their_own(sut: SystemUnderTest) -> None:
    """Reimages of different deployments at the same time are each accepted under an id of their own, or refused with 409."""
    await sut.reimages.all_finished()
    places = await ready_places(sut)
    exchanges = await at_the_same_time(sut, *(sut.builder.reimage(place, UriForm.NAME) for place in places))
    with sut.together():
        operations = [judge_start(sut, *each) for each in zip(places, exchanges, strict=True)]
        sut.judge(request_ids_unique, *exchanges)
        await sut.in_turn(partial(judge_end, sut), [operation for operation in operations if operation is not None])


def judge_start(sut: SystemUnderTest, place: Place, exchange: Exchange) -> Operation | None:
    """Judges whether a reimage was accepted or refused with 409; returns the operation that it started, if any."""
    if is_conflict(exchange):
        return None
    sut.judge(accepted, exchange, requirement=UriForm.NAME.requirement)
    return sut.reimages.book(exchange, place, UriForm.NAME) if exchange.is_successful else None


async def judge_end(sut: SystemUnderTest, operation: Operation) -> None:
    """Judges whether an operation ends Succeeded in time, and judges its documents."""
    await operation.over.wait()
    sut.judge(operation_documents, *operation.polls)
    sut.judge(completes, *operation.exchanges, waited=round(operation.duration, 3))
