"""Polls of the operations of a run, in several ways, and polls with ids that were never issued."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

import trio

from reimage_conformance.casebook import SystemUnderTest, Untested, answer, inconclusive_unless, not_applicable_unless
from reimage_conformance.judging.request import refused
from reimage_conformance.judging.transport.answers import answered_with
from reimage_conformance.judging.wording import is_conflict, may_have_been_carried_out
from reimage_conformance.model import Exchange, Identity, Request, Why
from reimage_conformance.session.operations import UNPOLLED, UNPOLLED_BECAUSE, Operation, State
from reimage_conformance.session.step_runs import Result
from reimage_conformance.session.steps import Step
from reimage_conformance.session.unanswered import is_lost, missing_reply_counts

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_OPERATIONS_WITH_LOST_POLLS = 3
"""Lost polls are no accident if at least this many operations, and more than half of all, lost one."""


async def polled_operations(sut: SystemUnderTest) -> list[Operation]:
    """The operations that were polled, once all reimages of the campaign are over."""
    await sut.reimages.all_finished()
    found = [operation for operation in sut.operations.all if operation.polls]
    inconclusive_unless(found, UNPOLLED, because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-202", "REQ-REIMAGE-REQID"))
    return found


async def ended_operation(sut: SystemUnderTest, status: str = "Succeeded") -> Operation:
    """An operation that ended with this status and that the endpoint still knows; raises Inconclusive where none ended so."""
    inconclusive_unless(
        any(o.state is State.ENDED and o.status == status for o in await polled_operations(sut)),
        f"the run had no operation that ended {status}",
        because=("REQ-REIMAGE-COMPLETES", *UNPOLLED_BECAUSE),
        why=Why.NO_FAILURE if status == "Failed" else Why.NO_END,
    )
    return await sut.operations.known(status)


def lost_a_poll(sut: SystemUnderTest, operation: Operation) -> bool:
    """Whether a poll of an operation got no reply although other requests were answered."""
    return any(poll.reply is None and sut.sender.answers_others(poll) for poll in operation.polls)


def loses_other_requests_too(sut: SystemUnderTest) -> bool:
    """Whether connections were lost under other GETs as well: then lost polls say nothing about polls."""
    others = (e for e in sut.recorder.exchanges if e.request.method == "GET" and not e.label.startswith("poll"))
    lost = sum(is_lost(e) and missing_reply_counts(e.request) for e in others)
    return lost >= MIN_OPERATIONS_WITH_LOST_POLLS


async def poll_on_connection_of(sut: SystemUnderTest, exchange: Exchange, poll: Request) -> list[Exchange]:
    """Sends a poll on the connection of an exchange, and where it is not answered 200, once more on a connection of its own."""
    after = await sut.send(poll, on=exchange.connection)
    if after.reply is not None and after.reply.status == HTTPStatus.OK:
        return [after]
    return [after, await sut.send(replace(poll, fresh_connection=True))]


def not_applicable_without_failing_instance(sut: SystemUnderTest) -> None:
    """Ends the case as not applicable if the target lists no instance whose reimage fails."""
    failing = any(deployment.failing_role_instances for deployment in sut.target.deployments)
    not_applicable_unless(failing, "the target lists no failing role instance")


def did_not_succeed(result: Result) -> bool:
    """Whether polls showed the operation of a reimage, but not that it ended Succeeded."""
    operation = result.operation
    return operation is not None and operation.is_known and operation.status != "Succeeded"


async def start_once_more(sut: SystemUnderTest, wrong: list[Result]) -> tuple[Step, Exchange]:
    """Repeats one of the reimages that went `wrong`, in the first deployment that does not answer 409; gives its step and the exchange."""
    for result in {result.step.place.deployment: result for result in reversed(wrong)}.values():
        step = result.step
        exchange = await sut.reimages.start(step.place, step.form, version=step.version)
        if not is_conflict(exchange):
            break
    return step, exchange


def untested_unless_outcome_known(exchange: Exchange) -> None:
    """Raises Untested where the answer to a reimage leaves open whether it was started."""
    if may_have_been_carried_out(exchange):
        raise Untested(f"the answer leaves open whether the reimage was started: {answer(exchange)}")


async def polled_late(sut: SystemUnderTest, step: Step, exchange: Exchange) -> Operation:
    """The operation that `exchange` started, first polled after twice the time of the longest other one, and after 2 s at least."""
    longest = max((operation.duration for operation in sut.operations.all if operation.ended), default=0.0)
    await trio.sleep(min(max(2 * longest, 2.0), sut.target.limits.operation_timeout_seconds))
    operation = sut.reimages.book(exchange, step.place, step.form, anyway=True)
    await sut.operations.poll(operation, label="poll-quiet")
    return operation


_NUMBERED = re.compile("(?P<prefix>(?:.*[^0-9A-Fa-f])?)(?P<number>[0-9A-Fa-f]+)")
"""An id that ends in a number, decimal or hexadecimal."""
MIN_DISTANCE_OF_RANDOM_IDS = 1 << 24
"""Two ids whose numbers differ by less were not drawn at random."""


def issued_id(sut: SystemUnderTest) -> str:
    """An issued id of more than 8 characters, so that an id which differs a little was hardly issued too; "" if there is none."""
    return next((operation.identifier for operation in sut.operations.all if len(operation.identifier) > 8), "")


def unknown_ids(sut: SystemUnderTest, known: str) -> list[str]:
    """Ids that were never issued: of the usual form, malformed, and one change away from the issued id `known`, if any.

    An endpoint that counts its ids issued smaller numbers before the run, and may know them still: these are left out.
    """
    issued = sut.recorder.request_ids()
    is_counted = are_consecutive_numbers(issued)
    ids = ["0" * 32, "f" * 32, f"{sut.random.getrandbits(128):032x}", "00000000-0000-4000-8000-000000000000", "not-an-id", "x" * 200,
           "a&b", "a<b>", "null", "*", "InProgress"]  # fmt: skip
    ids += [] if is_counted else ["1"]
    if known:
        last = "0" if known[-1] != "0" else "1"
        first = "0" if known[0] != "0" else "1"
        nearby = [known[:-1], known[1:], first + known[1:], known[: len(known) // 2], known[:-1] + last]
        ids += [known + "0", "x" + known, *([] if is_counted else nearby)]
    return [each for each in ids if each not in issued]


def are_consecutive_numbers(ids: Iterable[str]) -> bool:
    """Whether ids count up, with or without a common prefix, so that a smaller number may be an operation from before the run."""
    numbered = [each for identifier in ids if (each := _NUMBERED.fullmatch(identifier.replace("-", "")))]
    numbers = sorted({(each["prefix"], int(each["number"], 16)) for each in numbered})
    return any(
        first == second and later - earlier < MIN_DISTANCE_OF_RANDOM_IDS
        for (first, earlier), (second, later) in pairwise(numbers)
    )


def dashed(identifier: str) -> str:
    """A GUID with its dashes; any other id as it is."""
    return str(UUID(identifier)) if re.fullmatch("[0-9A-Fa-f]{32}", identifier) else identifier


async def judge_in_other_subscription(sut: SystemUnderTest, identifier: str, subscription: str) -> None:
    """Polls an operation under another subscription and judges that it is not shown."""
    request = sut.builder.operation_status(identifier, subscription=subscription)
    exchange = await sut.send(request, label="poll-elsewhere")
    sut.judge(answered_with, exchange, requirement="REQ-GOS-OTHER-SUB", statuses=[400, 403, 404])


async def judge_refusal(sut: SystemUnderTest, request: Request) -> None:
    """Sends a request that cannot start anything and judges that it is refused as the oracle says."""
    exchange = await sut.send(request, label="refusal")
    alive = exchange.reply is None and await sut.answers_others(exchange)
    sut.judge(refused, exchange, alive=alive)


async def poll_in_every_way(sut: SystemUnderTest, operation: Operation) -> None:
    """Polls on a new connection, with the second certificate, with an unknown id, and under another subscription."""
    request = replace(sut.builder.operation_status(operation.identifier), fresh_connection=True)
    plain = await sut.send(request, label="poll-new-connection")
    operation.add_poll(plain)
    second = sut.target.is_https and sut.target.second_client_certificate is not None
    if second and plain.reply is not None and plain.reply.status == 200:
        by_second = await sut.send(replace(request, identity=Identity.SECOND), label="poll-second")
        sut.judge(answered_with, by_second, requirement="REQ-AUTH-ANYCERT", statuses=[200])
    await sut.send(sut.builder.operation_status("0" * 32), label="poll-stranger")
    if sut.target.other_subscription_id is not None:
        await judge_in_other_subscription(sut, operation.identifier, sut.target.other_subscription_id)


async def polls_at_the_end(sut: SystemUnderTest, operation: Operation) -> list[Exchange]:
    """Polls on a new connection, on a used one, and three at the same time; gives the first two, and those of the three that were answered."""
    used = sut.builder.operation_status(operation.identifier)
    fresh = replace(used, fresh_connection=True)
    polls = [await sut.send(each, label="poll-new-connection") for each in (fresh, used)]
    together = await sut.sender.simultaneously([fresh] * 3, label="poll-at-once")
    return polls + [poll for poll in together if poll.reply is not None]
