"""Checks of single answers where HTTP allows several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.judging.operations.polls import end_shown
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.sent import answer_for, header_sent
from reimage_conformance.judging.wording import any_of, is_busy, is_moved, phrase, reply_summary, symptom
from reimage_conformance.model import Strictness
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import plain_identifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict


@check
def answered_with(
    world: World,
    exchanges: Sequence[Exchange],
    requirement: str,
    statuses: Sequence[int],
    *,
    expected: str = "",
    alike: str = "",
    alive: bool = True,
) -> Iterator[Verdict]:
    """The answer has one of these statuses; `expected` are the words for it, those of the statuses if empty.

    `alike` names other requests that got the same wrong status: the verdict is the same, and the message says it.
    `alive` False says that the endpoint may have answered no other request either, so that a missing answer shows nothing.
    """
    del world
    if exchanges[0].reply is None and not alive:
        yield about(requirement, exchanges[0]).undecided(exchanges[0])
        return
    wanted = expected or (phrase(statuses[0]) if len(statuses) == 1 else any_of(statuses))
    yield _with_status(exchanges[0], requirement, wanted, lambda status: status in statuses, alike)


@check
def not_answered_with(
    world: World, exchanges: Sequence[Exchange], requirement: str, statuses: Sequence[int], expected: str
) -> Iterator[Verdict]:
    """There is an answer, and it has none of these statuses."""
    del world
    yield _with_status(exchanges[0], requirement, expected, lambda status: status not in statuses)


def _with_status(
    exchange: Exchange, requirement: str, expected: str, is_right: Callable[[int], bool], alike: str = ""
) -> Verdict:
    """The verdict on the status of an answer; a missing answer is wrong, and a busy endpoint or a redirect shows nothing."""
    verdict = about(requirement, exchange)
    if is_busy(exchange) or is_moved(exchange):
        return verdict.undecided(exchange)
    holds = exchange.reply is not None and is_right(exchange.reply.status)
    too = f"; {alike} got the same status" if alike and not holds else ""
    return verdict.judged(holds, expected, f"{answer_for(exchange, requirement)}{too}", symptom(exchange))


@check
def not_accepted(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """The request was refused or got no answer."""
    del world
    exchange = exchanges[0]
    expected = "a refusal, or no answer until the body that Content-Length announces has come"
    announced = header_sent(exchange.request, "Content-Length")
    actual = f"{reply_summary(exchange)}, for {announced} and no body yet" if announced else reply_summary(exchange)
    yield about(requirement, exchange).judged(not exchange.is_successful, expected, actual, "accepted")


@check
def same_answer(world: World, exchanges: Sequence[Exchange], requirement: str, what: str) -> Iterator[Verdict]:
    """Two requests that mean the same get the same status; the first one is written in the usual way.

    Exchanges: the two requests, then polls of the operations that they started. `what` is what the second request has and
    the first one has not. Statuses may differ where each is one that the documents allow for its request (REQ-AUTH-ORDER,
    REQ-REIMAGE-UNKNOWN-INSTANCE).
    """
    plain, varied, polls = exchanges[0], exchanges[1], exchanges[2:]
    verdict = about(requirement, varied, plain)
    if plain.reply is None or is_busy(plain) or is_moved(plain):
        yield verdict.undecided(plain)
    elif is_busy(varied) or is_moved(varied):
        yield verdict.undecided(varied)
    else:
        same = varied.reply is not None and varied.reply.status == plain.reply.status
        same = same or all(_is_documented(each, polls, world) for each in (plain, varied))
        kind = "bad request, which names something that does not exist," if plain.is_error else "request"
        expected = f"{reply_summary(plain)}, the answer to the same {kind} without this difference"
        yield verdict.judged(same, expected, f"{reply_summary(varied)}, for a request with {what}", symptom(varied))


def _is_documented(exchange: Exchange, polls: Sequence[Exchange], world: World) -> bool:
    """Whether the documents name the answer for a defect of its request: a status, or a 202 whose operation then failed.

    What lenient alone permits does not count: under it a bad request may have any status of the application.
    """
    documents = replace(world, strictness=Strictness.STRICT, memory={})
    defects = expectation_of(exchange.request, documents).must_be_refused_for
    if exchange.reply is None:
        return False
    if exchange.reply.status == 202:
        later = {str(status) for defect in defects for status in defect.later}
        ends = [end for poll in polls if _polls(poll, exchange) and (end := end_shown(poll)) is not None]
        return any(status == "Failed" and embedded in later for status, embedded in ends)
    return any(exchange.reply.status in defect.statuses for defect in defects)


def _polls(poll: Exchange, start: Exchange) -> bool:
    """Whether a poll asks for the operation that a request started."""
    asked = read_target(poll.request.resource).operation
    return bool(asked) and plain_identifier(asked) == plain_identifier(start.request_id)
