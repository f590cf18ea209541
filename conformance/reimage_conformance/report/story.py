"""The story of a finding: the requests that show it again, in their order, and the operations that must end in between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.model import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.model import Exchange

MOST_DECIDING = 6
"""A story holds at most this many exchanges of a verdict: the first ones that the verdict names."""
OPERATIONS = "/operations/"
_OVER = re.compile(rb"<(?:\w+:)?Status>\s*(?:Succeeded|Failed)\s*<")
_RUNS = re.compile(rb"<(?:\w+:)?Status>\s*InProgress\s*<")
_AT_ONCE = "at-once"
_CONTENDING = ("contend", _AT_ONCE)
_PROBE = "probe"
"""Labels of exchanges, or their beginnings."""


@dataclass(frozen=True, slots=True)
class Send:
    """One request to send; those `beside` it go out at the same time. `decides` says that the verdict rests on its answer."""

    exchange: Exchange
    beside: tuple[Exchange, ...] = ()
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Await:
    """An operation to poll until it is over; `look` asks for the instances meanwhile."""

    start: Exchange
    look: Exchange | None = None


Part = Send | Await


def story_of(deciding: Sequence[int], exchanges: Mapping[int, Exchange]) -> list[Part]:
    """The parts of the story of these deciding exchanges: the exchanges, the reimages that they need, and the waits between.

    Only the first `MOST_DECIDING` exchanges that are known are in it.
    """
    known = [exchanges[number] for number in dict.fromkeys(deciding) if number in exchanges][:MOST_DECIDING]
    starts = {start.number: start for each in known for start in _needed_starts(each, known, exchanges)}
    wanted = {each.number: each for each in (*starts.values(), *known)}
    decides = {each.number for each in known}
    return list(_parts([wanted[number] for number in sorted(wanted)], decides, exchanges))


def _parts(ordered: Sequence[Exchange], decides: set[int], exchanges: Mapping[int, Exchange]) -> Iterator[Part]:
    """The exchanges in their order as parts. Each accepted reimage is awaited before the exchanges that came after its end."""
    running: list[Exchange] = []
    looks = [each for each in ordered if is_look(each)]
    sent: set[int] = set()
    for exchange in ordered:
        if exchange.number in sent:
            continue
        for start in list(running):
            if _must_end_before(start, exchange, exchanges):
                yield _await(start, looks)
                running.remove(start)
        beside = _beside(exchange, exchanges)
        sent |= {exchange.number, *(each.number for each in beside)}
        yield Send(exchange, tuple(beside), decides=exchange.number in decides)
        running += [each for each in (exchange, *beside) if is_start(each)]
    yield from (_await(start, looks) for start in running)


def _await(start: Exchange, looks: Sequence[Exchange]) -> Await:
    return Await(start, next((look for look in looks if look.number > start.number), None))


def _must_end_before(start: Exchange, exchange: Exchange, exchanges: Mapping[int, Exchange]) -> bool:
    """Whether the operation of `start` must have ended when `exchange` is sent again."""
    return (
        _is_over(start, exchange, exchanges)
        or _shows_the_end(start, exchange, exchanges)
        or (is_start(exchange) and not exchange.label.startswith(_CONTENDING))
    )


def is_start(exchange: Exchange) -> bool:
    """Whether an exchange is a reimage that was accepted with an id."""
    is_reimage = exchange.request.method not in ("GET", "HEAD")
    return is_reimage and exchange.is_successful and bool(identifier_of(exchange))


def is_look(exchange: Exchange) -> bool:
    """Whether an exchange asks the endpoint for instances."""
    return exchange.request.method == "GET" and OPERATIONS not in exchange.request.target and exchange.label != _PROBE


def is_probe(exchange: Exchange) -> bool:
    """Whether an exchange asked the probe about a role instance."""
    return exchange.label == _PROBE


def identifier_of(exchange: Exchange) -> str:
    """The id that an answer carried, "" for none."""
    return (exchange.reply.header("x-ms-request-id") or "").strip() if exchange.reply is not None else ""


def shows_framing(exchange: Exchange) -> bool:
    """Whether something was wrong with the octets of an answer, which a client such as curl would not show."""
    odd = (FailureKind.NOT_HTTP, FailureKind.TRUNCATED)
    anomalies = exchange.response.anomalies if exchange.response is not None else ()
    return bool(anomalies) or (exchange.failure is not None and exchange.failure.kind in odd)


def _needed_starts(exchange: Exchange, known: Sequence[Exchange], exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The accepted reimages that must be sent before `exchange`, so that it shows the finding again."""
    earlier = [each for each in exchanges.values() if each.number < exchange.number and is_start(each)]
    path = exchange.request.target.partition("?")[0]
    if OPERATIONS in path:
        return [each for each in earlier if identifier_of(each) == path.rpartition(OPERATIONS)[2]][-1:]
    first = min(each.number for each in known)
    if any(is_start(each) or each.request.method == "POST" for each in known):
        return []
    if is_probe(exchange):
        name = path.rpartition("/")[2]
        return [each for each in earlier if each.number > first and f"/{name}?" in each.request.target][:1]
    return [each for each in earlier if not _is_over(each, exchange, exchanges) and _same_service(each, exchange)][-1:]


def _same_service(start: Exchange, look: Exchange) -> bool:
    """Whether a reimage and a look are about the same cloud service."""
    service = re.match(r".*?/hostedservices/[^/?]+", look.request.target)
    return service is not None and start.request.target.startswith(service[0])


def _polls_between(start: Exchange, end: Exchange, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The polls of the operation of `start` before `end`."""
    between = (each for each in exchanges.values() if start.number < each.number < end.number)
    return [each for each in between if _polls(each, start)]


def _polls(exchange: Exchange, start: Exchange) -> bool:
    """Whether an exchange asks about the operation of `start`."""
    return f"{OPERATIONS}{identifier_of(start)}" in exchange.request.target


def _is_over(start: Exchange, exchange: Exchange, exchanges: Mapping[int, Exchange]) -> bool:
    """Whether the operation of `start` was seen to be over before `exchange`."""
    return any(map(is_over, _polls_between(start, exchange, exchanges)))


def _shows_the_end(start: Exchange, poll: Exchange, exchanges: Mapping[int, Exchange]) -> bool:
    """Whether `poll` shows the end of the operation of `start`: by its status, or by not saying InProgress as an earlier poll did.

    If the poll were sent again too early, it would be answered InProgress, and not show what was wrong with the end.
    """
    if not _polls(poll, start) or poll.reply is None or is_in_progress(poll):
        return False
    return is_over(poll) or any(map(is_in_progress, _polls_between(start, poll, exchanges)))


def is_in_progress(poll: Exchange) -> bool:
    """Whether a poll shows that its operation is under way."""
    return poll.reply is not None and _RUNS.search(poll.reply.body) is not None


def is_over(poll: Exchange) -> bool:
    """Whether a poll shows the end of its operation."""
    return poll.reply is not None and _OVER.search(poll.reply.body) is not None


def _beside(exchange: Exchange, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The requests that were sent together with `exchange`, to be under way at the same time."""
    if not exchange.label.endswith(_AT_ONCE):
        return []
    together = (each for each in exchanges.values() if each.label == exchange.label and each.at == exchange.at)
    return [each for each in together if each.number != exchange.number]
