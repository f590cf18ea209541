"""Stories: a story is the list of requests that reproduce a finding, in order, with the operations that must end in between."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.model import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.model import Exchange

DECIDING_LIMIT = 6
"""A story holds at most this many of the exchanges that decide a finding: the first ones."""
OPERATIONS = "/operations/"
_OVER = re.compile(rb"<(?:\w+:)?Status>\s*(?:Succeeded|Failed)\s*<")
_RUNS = re.compile(rb"<(?:\w+:)?Status>\s*InProgress\s*<")
_ENDING_OF_SIMULTANEOUS = "at-once"
"""The end of the label of requests that were sent at the same time; that of reimages consists of it alone."""
_BEGINNINGS_OF_CONTENDING = ("contend", _ENDING_OF_SIMULTANEOUS)
"""Beginnings of the labels of reimages that were sent while another one might be under way."""
_PROBE = "probe"
"""The label of requests to the probe."""


@dataclass(frozen=True, slots=True)
class Send:
    """One request to send; those of `together` are sent at the same time as it. `decides` says that the verdict rests on its answer."""

    exchange: Exchange
    together: tuple[Exchange, ...] = ()
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Await:
    """The operation that `start` began, to be polled until it is over; `look` is sent between the polls and asks for the instances."""

    start: Exchange
    look: Exchange | None = None


Part = Send | Await


def story_of(deciding: Sequence[int], exchanges: Mapping[int, Exchange]) -> list[Part]:
    """The parts of the story of these deciding exchanges: the exchanges, the reimages that they need, and the waits between.

    Of the deciding exchanges that `exchanges` holds, only the first `DECIDING_LIMIT` are in it.
    """
    recorded = [exchanges[number] for number in dict.fromkeys(deciding) if number in exchanges][:DECIDING_LIMIT]
    starts = {start.number: start for each in recorded for start in _needed_starts(each, recorded, exchanges)}
    wanted = {each.number: each for each in (*starts.values(), *recorded)}
    decides = {each.number for each in recorded}
    return list(_parts([wanted[number] for number in sorted(wanted)], decides, exchanges))


def _parts(ordered: Sequence[Exchange], decides: set[int], exchanges: Mapping[int, Exchange]) -> Iterator[Part]:
    """The exchanges as parts, in order. The operation of an accepted reimage is awaited where it must end, at the latest after the last exchange."""
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
        together = [each for each in _sent_together(exchange, exchanges) if each.number not in sent]
        sent |= {exchange.number, *(each.number for each in together)}
        yield Send(exchange, tuple(together), decides=exchange.number in decides)
        running += [each for each in (exchange, *together) if is_start(each)]
    yield from (_await(start, looks) for start in running)


def _await(start: Exchange, looks: Sequence[Exchange]) -> Await:
    return Await(start, next((look for look in looks if look.number > start.number), None))


def _must_end_before(start: Exchange, exchange: Exchange, exchanges: Mapping[int, Exchange]) -> bool:
    """Whether the operation of `start` must have ended when `exchange` is sent again.

    It must if it was over before `exchange`, if `exchange` shows its end, or if `exchange` starts another reimage that is not meant
    to contend with it.
    """
    return (
        _was_over_before(start, exchange, exchanges)
        or _shows_the_end(start, exchange, exchanges)
        or (is_start(exchange) and not exchange.label.startswith(_BEGINNINGS_OF_CONTENDING))
    )


def is_start(exchange: Exchange) -> bool:
    """Whether an exchange started an operation: a request other than GET and HEAD that was answered 2xx with an id."""
    may_start = exchange.request.method not in ("GET", "HEAD")
    return may_start and exchange.is_successful and bool(identifier_of(exchange))


def is_look(exchange: Exchange) -> bool:
    """Whether an exchange counts as one that asks the endpoint for instances: any GET but a poll or a request to the probe."""
    return exchange.request.method == "GET" and OPERATIONS not in exchange.request.target and exchange.label != _PROBE


def is_probe(exchange: Exchange) -> bool:
    """Whether an exchange asked the probe about a role instance."""
    return exchange.label == _PROBE


def identifier_of(exchange: Exchange) -> str:
    """The x-ms-request-id of an answer without outer blanks, "" for none."""
    return exchange.request_id.strip()


def is_malformed(exchange: Exchange) -> bool:
    """Whether the octets of an answer are wrong as HTTP, or cut short; a client such as curl would not show it as it came."""
    malformed = (FailureKind.NOT_HTTP, FailureKind.TRUNCATED)
    anomalies = exchange.response.anomalies if exchange.response is not None else ()
    return bool(anomalies) or (exchange.failure is not None and exchange.failure.kind in malformed)


def _needed_starts(
    exchange: Exchange, recorded: Sequence[Exchange], exchanges: Mapping[int, Exchange]
) -> list[Exchange]:
    """The accepted reimage that must be sent before `exchange`, so that it shows the finding again; a list of one at most.

    * A poll needs the reimage whose id it asks about.
    * No other request needs one if one of the `recorded` deciding exchanges is a POST or started an operation.
    * A request to the probe needs the first reimage of its instance after the first of the `recorded` exchanges.
    * Any other request needs the last reimage of its cloud service among those that were still under way.
    """
    earlier = [each for each in exchanges.values() if each.number < exchange.number and is_start(each)]
    path = exchange.request.target.partition("?")[0]
    if OPERATIONS in path:
        return [each for each in earlier if identifier_of(each) == path.rpartition(OPERATIONS)[2]][-1:]
    first = min(each.number for each in recorded)
    if any(is_start(each) or each.request.method == "POST" for each in recorded):
        return []
    if is_probe(exchange):
        name = path.rpartition("/")[2]
        return [each for each in earlier if each.number > first and f"/{name}?" in each.request.target][:1]
    under_way = [each for each in earlier if not _was_over_before(each, exchange, exchanges)]
    return [each for each in under_way if _same_service(each, exchange)][-1:]


def _same_service(start: Exchange, look: Exchange) -> bool:
    """Whether a reimage and a look are about the same cloud service."""
    service = re.match(r".*?/hostedservices/[^/?]+", look.request.target)
    return service is not None and start.request.target.startswith(service[0])


def _polls_between(start: Exchange, end: Exchange, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The polls of the operation of `start` that were sent before `end`."""
    between = (each for each in exchanges.values() if start.number < each.number < end.number)
    return [each for each in between if _is_poll_of(each, start)]


def _is_poll_of(exchange: Exchange, start: Exchange) -> bool:
    """Whether an exchange asks about the operation of `start`."""
    return f"{OPERATIONS}{identifier_of(start)}" in exchange.request.target


def _was_over_before(start: Exchange, exchange: Exchange, exchanges: Mapping[int, Exchange]) -> bool:
    """Whether a poll before `exchange` showed the end of the operation of `start`."""
    return any(map(is_over, _polls_between(start, exchange, exchanges)))


def _shows_the_end(start: Exchange, poll: Exchange, exchanges: Mapping[int, Exchange]) -> bool:
    """Whether `poll` shows the end of the operation of `start`: it says Succeeded or Failed, or it no longer says InProgress.

    If the poll were sent again too early, it would be answered InProgress, and not show what was wrong with the end.
    """
    if not _is_poll_of(poll, start) or poll.reply is None or is_in_progress(poll):
        return False
    return is_over(poll) or any(map(is_in_progress, _polls_between(start, poll, exchanges)))


def is_in_progress(poll: Exchange) -> bool:
    """Whether a poll shows that its operation is under way."""
    return poll.reply is not None and _RUNS.search(poll.reply.body) is not None


def is_over(poll: Exchange) -> bool:
    """Whether a poll shows the end of its operation."""
    return poll.reply is not None and _OVER.search(poll.reply.body) is not None


def _sent_together(exchange: Exchange, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The other requests that the suite meant to send at the same time as `exchange`: those with its case and label that were under way then.

    There are none if its label does not say that it was sent with others.
    """
    if not exchange.label.endswith(_ENDING_OF_SIMULTANEOUS):
        return []
    meant = (each for each in exchanges.values() if (each.case, each.label) == (exchange.case, exchange.label))
    return [each for each in meant if each.number != exchange.number and _were_under_way_together(each, exchange)]


def _were_under_way_together(one: Exchange, other: Exchange) -> bool:
    """Whether two requests were sent at the same time, or each before the other was answered."""
    return one.at == other.at or (one.at < other.at + other.elapsed and other.at < one.at + one.elapsed)
