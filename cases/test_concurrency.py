"""Concurrency: reimages while others run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import NamedTuple

from reimage_conformance.casebook import (
    SystemUnderTest,
    Untested,
    afterwards,
    alone,
    answer,
    end_without_second_instance,
    inconclusive_unless,
    not_applicable_unless,
    untested_unless,
    values_verifying,
    verifies,
)
from reimage_conformance.judging.concurrency import contended, undisturbed
from reimage_conformance.judging.operations.documents import operation_documents
from reimage_conformance.judging.operations.polls import (
    DENIALS,
    STATUSES,
    leads_elsewhere,
    status_of,
    unknown_operation,
)
from reimage_conformance.judging.operations.progress import progress
from reimage_conformance.judging.response import accepted
from reimage_conformance.judging.transport.answers import answered_with
from reimage_conformance.judging.transport.messages import request_ids_unique
from reimage_conformance.judging.wording import REDIRECTED, is_conflict
from reimage_conformance.model import Exchange, Request, Why
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place, without_header
from reimage_conformance.session.operations import UNPOLLED_BECAUSE, Operation, State
from reimage_conformance.session.step_runs import Result

from .accepting import NOT_RUNNING, judge_completion, may_not_have_run
from .asking import untested_unless_outcome_known
from .contending import (
    judge_no_operation_has_id_of,
    judge_other_instance,
    judge_refusals,
    judge_running_reimage,
    reimage_other_meanwhile,
    start_for_contention,
)

INSTANCES = {"same": "the same instance", "other": "another instance"}
"""The instance of the reimage that is sent while another one runs, in words."""


class TwoReimages(NamedTuple):
    """A reimage of the campaign, and one that was sent while the first one ran.

    `result` is that of the step that sent the first one, and `first` the operation of the first one. `second` is the exchange of the
    second one, and `second_operation` its operation, None where it was not accepted.
    """

    result: Result
    first: Operation
    second: Exchange
    second_operation: Operation | None

    @property
    def second_polls(self) -> list[Exchange]:
        """The polls of the second operation, if there is one."""
        return self.second_operation.polls if self.second_operation is not None else []

    @property
    def second_ended(self) -> bool:
        """Whether the second one was accepted, and polls showed its end."""
        return self.second_operation is not None and self.second_operation.state is State.ENDED

    @property
    def first_without_end(self) -> bool:
        """Whether the second one was accepted, and no poll showed the end of the first one."""
        return self.second_operation is not None and self.first.state is not State.ENDED


async def two_reimages(sut: SystemUnderTest, which: str) -> TwoReimages:
    """A reimage and a second one of the same or another instance that was sent while the first one ran, once both are over.

    `which` is a key of INSTANCES. Raises Untested where the second one was not sent, or its answer leaves open whether it was started.
    """
    if which == "other":
        end_without_second_instance(sut, sut.planner.main)
    result = await result_of_first(sut)
    first = await sut.reimages.finished(result)
    second = result.same if which == "same" else result.other
    second_operation = result.same_operation if which == "same" else result.other_operation
    if second is None and result.adopted:
        raise Untested(
            "the run was cut short before a second reimage could be sent while the first one ran", Why.CUT_SHORT
        )
    if second is None and not result.contention_sent:
        # The first one was accepted, so the campaign sends a second one unless the budget has no room for it.
        raise Untested(
            "max_reimages under [limits] in the target file leaves no room for a reimage that may be accepted while another runs",
            Why.BUDGET,
        )
    if second is None:
        raise Untested("the reimage ended before a reimage of another instance could be sent")
    untested_unless_outcome_known(second)
    if second_operation is not None:
        await second_operation.over.wait()
    return TwoReimages(result, first, second, second_operation)


def untested_unless_first_under_way(first: Operation, second: Exchange) -> None:
    """Raises Untested where a second reimage was answered 400, and the first one may have ended by then.

    An instance that does not run again yet may be refused with 400 (REQ-REIMAGE-RUNNING). The first one had not ended if a
    poll that was sent after this answer said InProgress.
    """
    if second.reply is None or second.reply.status != HTTPStatus.BAD_REQUEST:
        return
    later = [poll for poll in first.polls if poll.at >= second.at + second.elapsed]
    if not any(status_of(poll) == "InProgress" for poll in later):
        raise Untested("the first reimage may have ended before the second one was answered 400")


async def result_of_first(sut: SystemUnderTest) -> Result:
    """The result of the step during which second reimages are sent; raises Untested where the profile has none."""
    step = sut.planner.contended
    if step is None:
        raise Untested("the chosen --profile sends no reimage while another runs", Why.PROFILE)
    return await sut.reimages.result(step.name)


REQUIREMENT_OF_SECOND = {"same": "REQ-CONC-SAME", "other": "REQ-CONC-OTHER"}
"""The requirement about a second reimage, by the keys of INSTANCES."""


@afterwards
@values_verifying("which", {which: (name, "REQ-CONC-CONFLICT") for which, name in REQUIREMENT_OF_SECOND.items()})
async def test_a_reimage_while_another_runs(sut: SystemUnderTest, which: str) -> None:
    """A reimage that is sent while another one runs is accepted under an id of its own and ends, or is refused with 409 ConflictError."""
    two = await two_reimages(sut, which)
    observation = f"a reimage of {INSTANCES[which]} while one runs: {answer(two.second)}"
    sut.observe("REQ-CONC-CONFLICT", observation, two.second)
    untested_unless_first_under_way(two.first, two.second)
    inconclusive_unless(not (two.first_without_end and leads_elsewhere(two.first.polls)), REDIRECTED)
    shown = {"ended": two.second_ended, "lost": two.first_without_end}
    alive = two.second.reply is None and await sut.answers_others(two.second)
    arguments = {"requirement": REQUIREMENT_OF_SECOND[which], **shown, "alive": alive}
    sut.judge(contended, two.first.start, two.second, *two.second_polls, **arguments)


def judge_first(sut: SystemUnderTest, result: Result, first: Operation, refused: list[Exchange]) -> None:
    """Judges that the refused reimages did not disturb the first one of a step.

    Where another reimage of the same instance was accepted, nothing is judged: the others may have been refused because of that one.
    """
    if result.same_operation is None:
        beside = {"beside": REQUIREMENT_OF_SECOND["other"]} if result.other_operation is not None else {}
        sut.judge(undisturbed, first.start, *refused, *first.polls, refusals=len(refused), **beside)


@afterwards
@verifies("REQ-CONC-REFUSED-NOEFFECT", "REQ-GOS-NOTFOUND-NOEFFECT")
async def test_a_refused_reimage_leaves_the_running_one_alone(sut: SystemUnderTest) -> None:
    """A reimage that is refused while another one runs does not disturb that one, and starts no operation."""
    result, first, _, _ = await two_reimages(sut, "same")
    refused = [exchange for exchange in (result.same, result.other) if exchange is not None and is_conflict(exchange)]
    not_applicable_unless(refused, "no reimage that was sent while another one ran was refused with 409")
    inconclusive_unless(not may_not_have_run(sut, first), NOT_RUNNING, why=Why.NOT_READY)
    with sut.violations_at_the_end():
        judge_first(sut, result, first, refused)
        await sut.in_turn(partial(judge_no_operation_has_id_of, sut), refused)
    untested_unless(
        result.same_operation is None, "an accepted reimage of the same instance may be why another one was refused"
    )


@alone
@verifies("REQ-CONC-REFUSED-NOEFFECT", "REQ-GOS-NOTFOUND-NOEFFECT", "REQ-CONC-OTHER")
async def test_refused_reimages_neither_prolong_nor_take_effect(sut: SystemUnderTest) -> None:
    """A reimage ends as others do however many reimages of another instance are refused meanwhile, and that instance stays as it was."""
    await sut.reimages.all_finished()
    first = await result_of_first(sut)
    other = first.other_place if is_conflict(first.other) else None
    other = not_applicable_unless(other, "no reimage of another instance was refused with 409")
    an_end = any(operation.state is State.ENDED for operation in sut.operations.all)
    inconclusive_unless(
        an_end, "the run had no operation that ended", because=("REQ-REIMAGE-COMPLETES",), why=Why.NO_END
    )
    contention = await start_for_contention(sut, first.step.place, other)
    await reimage_other_meanwhile(sut, contention)
    untested_unless(contention.refused, "no reimage of another instance was refused with 409 this time")
    inconclusive_unless(not may_not_have_run(sut, contention.operation), NOT_RUNNING, why=Why.NOT_READY)
    with sut.violations_at_the_end():
        await judge_refusals(sut, contention)
        judge_other_instance(sut, contention)
        await judge_running_reimage(sut, contention)


# Requests that are under way at the same time, each on a connection of its own.

MAX_REPLY_SECONDS = 2.0
"""The longest wait for an answer; an endpoint that serves one connection at a time may take longer, and is not judged then."""
ROUNDS = 3
"""How often the same requests are sent at the same time."""
MAX_OPERATIONS_AT_ONCE = 4
UNKNOWN_ID = "0123456789abcdef0123456789abcdef"
"""An id of the right form that no operation has."""


async def at_the_same_time(sut: SystemUnderTest, *requests: Request) -> list[Exchange]:
    """Sends requests at the same time, each on its own connection; inconclusive where one of them gets no reply."""
    seconds = min(MAX_REPLY_SECONDS, sut.target.limits.request_timeout_seconds)
    exchanges = await sut.sender.simultaneously(
        [replace(r, patience_seconds=seconds) for r in requests], label="at-once"
    )
    silent = [exchange for exchange in exchanges if exchange.reply is None]
    message = f"{len(silent)} of {len(exchanges)} requests that were sent at the same time got no reply"
    inconclusive_unless(not silent, message, why=Why.NO_REPLY)
    return exchanges


async def known_for_polling_at_once(sut: SystemUnderTest) -> list[Operation]:
    """The latest operations that ended and are still known: at least two, at most MAX_OPERATIONS_AT_ONCE."""
    known: dict[str, Operation] = {}  # by id: an endpoint may give several operations one id
    for operation in reversed(sut.operations.all):
        ended = operation.state is State.ENDED and not operation.subscription
        if len(known) < MAX_OPERATIONS_AT_ONCE and ended and await sut.operations.is_known_now(operation):
            known.setdefault(operation.identifier, operation)
    inconclusive_unless(
        known, "polls no longer find any operation that ended", because=UNPOLLED_BECAUSE, why=Why.NO_END
    )
    untested_unless(len(known) > 1, "polls find only one operation that ended, and this needs two")
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
    """Judges whether a poll among others is answered, and shows its own operation.

    A status of DENIALS is no mistake in itself, since the endpoint may forget an operation that ended long ago. `progress` judges one
    that comes too early, and any change since the last poll that showed a status.
    """
    sut.judge(answered_with, poll, requirement="REQ-GOS-200", statuses=[200, *DENIALS], expected="200 OK")
    sut.judge(operation_documents, poll)
    with_status = [each for each in operation.polls if status_of(each) in STATUSES]
    sut.judge(progress, *with_status[-1:], poll)


@alone
@verifies("REQ-VER-MISSING", "REQ-REIMAGE-UNKNOWN-INSTANCE", "REQ-REIMAGE-COMP-MISSING", "REQ-ERR-VERB", "REQ-GOS-200")
async def test_requests_at_the_same_time_are_answered_as_alone(sut: SystemUnderTest) -> None:
    """Requests of several kinds at the same time, valid and invalid, are answered as if they were sent one at a time."""
    await sut.reimages.all_finished()
    to_unknown = sut.unknown_instance()
    kinds = {
        "REQ-VER-MISSING": without_header(to_unknown, "x-ms-version"),
        "REQ-REIMAGE-UNKNOWN-INSTANCE": to_unknown,
        "REQ-REIMAGE-COMP-MISSING": replace(to_unknown, target=to_unknown.target.partition("?")[0]),
        "REQ-ERR-VERB": replace(to_unknown, method="DELETE"),
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
    not_applicable_unless(len(deployments) > 1, "the target lists one deployment only")
    places = [Place(deployment, deployment.role_instances[0]) for deployment in deployments]
    for place in places:
        await sut.instances.until_ready(place)
        await sut.instances.until_running_again(sut.operations.at(place))
    if not sut.reimages.may_start(2):
        sut.reimages.raise_if_cut_short()
        raise Untested("fewer than two reimages were left of those that the run may send", Why.BUDGET)
    return places


@alone
@verifies("REQ-REIMAGE-202", "REQ-ASYNC-REQID-UNIQUE", "REQ-REIMAGE-COMPLETES")
async def test_reimages_at_the_same_time_are_operations_of_their_own(sut: SystemUnderTest) -> None:
    """Reimages of different deployments at the same time are each accepted under an id of their own, or refused with 409."""
    await sut.reimages.all_finished()
    places = await ready_places(sut)
    exchanges = await at_the_same_time(sut, *(sut.builder.reimage(place, UriForm.NAME) for place in places))
    with sut.violations_at_the_end():
        operations = [judge_start(sut, place, exchange) for place, exchange in zip(places, exchanges, strict=True)]
        sut.judge(request_ids_unique, *exchanges)
        await sut.in_turn(partial(judge_end, sut), [operation for operation in operations if operation is not None])


def judge_start(sut: SystemUnderTest, place: Place, exchange: Exchange) -> Operation | None:
    """Judges whether a reimage was accepted or refused with 409; records the operation that it started, if any, and returns it."""
    if is_conflict(exchange):
        return None
    sut.judge(accepted, exchange, requirement=UriForm.NAME.requirement)
    return sut.reimages.book(exchange, place, UriForm.NAME) if exchange.is_successful else None


async def judge_end(sut: SystemUnderTest, operation: Operation) -> None:
    """Judges whether an operation ends Succeeded in time, and judges its documents."""
    await operation.over.wait()
    sut.judge(operation_documents, *operation.polls)
    judge_completion(sut, [operation])
