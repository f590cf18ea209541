"""Checks of single answers where HTTP allows several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.sent import answer_for, header_sent
from reimage_conformance.judging.wording import MOVED, REDIRECTED, is_busy, phrase, reply_summary, symptom

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
) -> Iterator[Verdict]:
    """The answer has one of these statuses; `expected` are the words for it, those of the statuses if empty.

    `alike` names other requests that got the same wrong status: the verdict is the same, and the message says it.
    """
    del world
    wanted = expected or (phrase(statuses[0]) if len(statuses) == 1 else " or ".join(map(str, statuses)))
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
    if is_busy(exchange):
        return verdict.undecided(exchange)
    if exchange.reply is not None and exchange.reply.status == MOVED:
        return verdict.inconclusive(REDIRECTED)
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

    `what` is what the second one has and the first one has not.
    """
    del world
    plain, varied = exchanges[0], exchanges[1]
    verdict = about(requirement, varied, plain)
    if plain.reply is None or is_busy(plain):
        yield verdict.undecided(plain)
    elif is_busy(varied):
        yield verdict.undecided(varied)
    else:
        same = varied.reply is not None and varied.reply.status == plain.reply.status
        expected = f"{reply_summary(plain)}, the answer to the same request without this difference"
        yield verdict.judged(same, expected, f"{reply_summary(varied)}, for a request with {what}", symptom(varied))
