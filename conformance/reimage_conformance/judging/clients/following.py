"""Checks of how a client follows an operation: with which id, to which end, at which pace."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from reimage_conformance.judging.clients.sessions import followed, is_poll, is_reimage, polled_id
from reimage_conformance.judging.operations.polls import NOT_KNOWN, TERMINAL, status_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import quoted, reply_summary
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import without_dashes
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.clients.sessions import Followed
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict

MIN_PAUSE_SECONDS = 1.0
"""A shorter pause before a poll or a retry is advised against: the quickest published client waits 5 s."""
PATIENCE_SECONDS = 60.0
"""A client that has not polled for this long has given up: it is twice the longest pause of published clients."""
SILENT_PAUSES = 4
"""A client that has not polled for this many times its own longest pause has given up too."""
LOOKS = ("GET", "HEAD")
"""Methods that change nothing."""
RUNNING = "InProgress"
REFUSED = 400
"""The lowest status of a refusal."""


@check
def client_ids(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Each poll asks about the id of a 202, as it was given (REQ-CLIENT-POLL-ID).

    An id that no reply shows may be older than the record. It is held against a client only where the record has an
    operation that was never asked about: the client had that id and did not use it. An id that was asked about before a
    reply of a look showed it is older as well.
    """
    del world
    given: dict[str, Exchange] = {}
    asked: set[str] = set()
    unasked: set[str] = {without_dashes(each.identifier) for each in followed(exchanges) if not each.polls}
    for each in exchanges:
        if is_poll(each.request):
            passed_over = next((given[identifier] for identifier in given if identifier in unasked), None)
            yield from _asked(each, given.get(without_dashes(polled_id(each))), passed_over)
            asked.add(without_dashes(polled_id(each)))
        identifier = without_dashes(each.request_id)
        if identifier and not (_starts_nothing(each) and identifier in asked):
            first = given.setdefault(identifier, each)
            given[identifier] = each if _starts_nothing(first) else first


def _starts_nothing(exchange: Exchange) -> bool:
    """Whether a request changes nothing, so that the id of its reply is of no operation: it is a poll, or another look."""
    return is_poll(exchange.request) or (exchange.request.method.upper() in LOOKS and not is_reimage(exchange.request))


def _asked(poll: Exchange, source: Exchange | None, passed_over: Exchange | None) -> Iterator[Verdict]:
    """The verdict on the id of one poll, which the reply `source` had given; `passed_over` is a 202 whose id was never used."""
    if source is not None:
        yield _used(poll, source)
    elif not polled_id(poll):
        yield about("REQ-CLIENT-POLL-ID", poll).violated("the x-ms-request-id of the 202", "no id in the path", "empty")
    elif passed_over is not None and poll.reply is not None and poll.reply.status in NOT_KNOWN:
        seen = f"{quoted(polled_id(poll))}, answered {reply_summary(poll)}"
        verdict = about("REQ-CLIENT-POLL-ID", poll, passed_over)
        yield verdict.violated(f"the x-ms-request-id of the 202, {quoted(passed_over.request_id)}", seen, "unknown")


def _used(poll: Exchange, source: Exchange) -> Verdict:
    """The verdict on a poll whose id the reply `source` had given."""
    asked, verdict = polled_id(poll), about("REQ-CLIENT-POLL-ID", poll, source)
    subscriptions = {read_target(each.request.resource).subscription.lower() for each in (source, poll)}
    if _starts_nothing(source):
        what, symptom = ("a poll", "poll") if is_poll(source.request) else (source.request.method, "look")
        seen = f"{quoted(asked)}, the id of the reply to {what}"
        return verdict.violated("the x-ms-request-id of a 202", seen, symptom)
    if source.reply is not None and source.reply.status >= REFUSED:
        seen = f"the id of a reply {reply_summary(source)}"
        return verdict.advised("the x-ms-request-id of a 202", seen, "no-operation")
    if len(subscriptions) > 1:
        return verdict.violated("the subscription of the reimage", "a different subscription", "subscription")
    if asked != source.request_id:
        return verdict.advised(quoted(source.request_id), quoted(asked), "form")
    return verdict.met("the id of the 202")


@check
def client_waits(
    world: World, exchanges: Sequence[Exchange], *, until: float = 0.0, over: bool = False, faulty: bool = False
) -> Iterator[Verdict]:
    """Each accepted reimage is polled to its end, at a pace, and not after it (REQ-CLIENT-POLL-END, -PAUSE, -AFTER-END).

    `until` is when the record ends, in seconds since it began. `over` says that the client had ended before the record did, so that it
    meant to poll no more. `faulty` says that the endpoint was wrong on purpose, so that operations need not end: to give up is advisory then.
    """
    del world
    last = max((each.at + each.elapsed for each in exchanges), default=0.0)
    for operation in followed(exchanges):
        yield from _end(operation, max(until, last), over=over and not faulty, faulty=faulty)
        yield from _pace(operation)
        yield from _after(operation)


def _end(operation: Followed, until: float, *, over: bool, faulty: bool) -> Iterator[Verdict]:
    """The verdict on whether an operation was polled to its end; the arguments are as for `client_waits`."""
    start, polls = operation.start, operation.polls
    ended = next((poll for poll in polls if status_of(poll) in TERMINAL), None)
    latest = polls[-1] if polls else start
    verdict = about("REQ-CLIENT-POLL-END", latest, *([start] if polls else []))
    if ended is not None:
        yield about("REQ-CLIENT-POLL-END", ended, start).met(f"{status_of(ended)} after {counted(len(polls), 'poll')}")
        return
    if polls and status_of(latest) != RUNNING:
        return  # the last reply showed nothing that a client could go on from
    silence = max(until - latest.at - latest.elapsed, 0.0)
    expected = "polls until Succeeded or Failed"
    seen = f"the last of {counted(len(polls), 'poll')} showed InProgress" if polls else "no poll after the 202"
    symptom = "gave-up" if polls else "never"
    if polls and faulty:
        actual = f"{seen} {latest.at - start.at:.1f} s after the 202, by an endpoint that is wrong on purpose"
        yield verdict.advised(expected, actual, symptom)
    elif silence >= _patience(operation):
        yield verdict.violated(expected, f"{seen}, and the record goes on for {silence:.1f} s", symptom)
    elif over:
        actual = f"{seen}, and the client had ended when the record was stopped {silence:.1f} s later"
        yield verdict.violated(expected, actual, symptom)
    else:
        actual = f"{seen}; the record ends {silence:.1f} s later, so that more polls may have been meant to come"
        yield verdict.advised(expected, actual, symptom)


def _patience(operation: Followed) -> float:
    """Seconds of silence after which a client has given up, according to its own longest pause where it has made any."""
    pauses = _pauses(operation.polls)
    return min(PATIENCE_SECONDS, max(MIN_PAUSE_SECONDS, SILENT_PAUSES * max(pauses))) if pauses else PATIENCE_SECONDS


def _pauses(polls: Sequence[Exchange]) -> list[float]:
    """The intervals after polls that showed InProgress, in seconds, each from one poll to the next."""
    return [max(later.at - each.at, 0.0) for each, later in pairwise(polls) if status_of(each) == RUNNING]


def _pace(operation: Followed) -> Iterator[Verdict]:
    """The verdict on the shortest interval between polls, if there is an interval."""
    pauses = _pauses(operation.polls)
    if pauses:
        seen = f"{counted(len(pauses), 'interval')}, the shortest {min(pauses):.2f} s"
        expected = f"{MIN_PAUSE_SECONDS:g} s or more from one poll to the next"
        verdict = about("REQ-CLIENT-POLL-PAUSE", operation.polls[pauses.index(min(pauses))], operation.start)
        yield verdict.judged(min(pauses) >= MIN_PAUSE_SECONDS, expected, seen, "quick")


def _after(operation: Followed) -> Iterator[Verdict]:
    """The verdict on polls after the end of an operation, if its end was shown."""
    polls = operation.polls
    ended = next((index for index, poll in enumerate(polls) if status_of(poll) in TERMINAL), None)
    if ended is None:
        return
    more = polls[ended + 1 :]
    verdict = about("REQ-CLIENT-POLL-AFTER-END", *more[:1], polls[ended])
    seen = f"{counted(len(more), 'poll')} after {status_of(polls[ended])}"
    yield verdict.judged(not more, "no poll after the end", seen, "again")
