"""Checks of single polls: how Get Operation Status answers, whatever the operation does."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import is_busy, is_moved, quoted, reply_summary, symptom
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import (
    content_type,
    error_code,
    raw_text,
    read_body,
    read_document,
)
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Response, Verdict


STATUSES = ("InProgress", "Succeeded", "Failed")
TERMINAL = ("Succeeded", "Failed")
NOT_KNOWN = (400, 404, 410)
"""HTTP statuses that say that there is no such operation."""
DENIALS = (*NOT_KNOWN, 401, 403)
"""The same, and HTTP statuses that an endpoint may send in their place."""


def status_of(exchange: Exchange) -> str:
    """The Status that a poll showed, exactly as written; "" where none can be read, and where there are several."""
    if exchange.reply is None or exchange.reply.status != 200:
        return ""
    return _status_in(content_type(exchange.reply), exchange.reply.body)


@lru_cache(maxsize=1024)
def _status_in(declared: str, body: bytes) -> str:
    """The Status in one body; cached, since each check asks for it again."""
    document = read_body(declared, body)
    found = document.child("Status") if document.local_name == "Operation" else None
    several = document.children().count(("Status", document.namespace)) > 1
    return "" if found is None or several else raw_text(found)


def end_shown(poll: Exchange) -> tuple[str, str] | None:
    """The terminal status that a poll shows and its HttpStatusCode, or None."""
    if poll.reply is None:
        return None
    document = read_document(poll.reply)
    status = document.text("Status")
    return (status, document.text("HttpStatusCode") or "") if status in TERMINAL else None


def shows_operation(poll: Exchange) -> bool:
    """Whether a poll was answered 2xx, or with an Operation document under another status."""
    if poll.is_successful:
        return True
    return poll.reply is not None and read_document(poll.reply).local_name == "Operation"


def leads_elsewhere(polls: Sequence[Exchange]) -> bool:
    """Whether the last poll was answered 307, so that an end could not be seen here (REQ-HTTP-307)."""
    return bool(polls) and is_moved(polls[-1])


def without_end(polls: Sequence[Exchange]) -> str:
    """Why no end of an operation was seen, by its polls: `the operation had not ended after 4 polls`."""
    if not polls:
        return "the operation could not be polled"
    answers = {reply_summary(poll) for poll in polls}
    if len(answers) == 1 and polls[0].reply is not None and not polls[0].is_successful:
        every = "every poll" if len(polls) > 1 else "the only poll"
        return f"{every} of the operation was answered {answers.pop()}"
    if polls[-1].reply is not None and polls[-1].reply.status in NOT_KNOWN:
        return f"the last of {len(polls)} polls of the operation was answered {reply_summary(polls[-1])}"
    return f"the operation had not ended after {counted(len(polls), 'poll')}"


@check
def polls_answered(
    world: World, exchanges: Sequence[Exchange], *, alive: bool = False, again: bool = False
) -> Iterator[Verdict]:
    """Every poll of a known operation is answered 200, whatever its state (REQ-GOS-200).

    Exchanges: the 202, then polls. An operation is known from the first poll that shows it. After its end it may be
    forgotten. A 400, 404 or 410 with an error code before that violates REQ-REIMAGE-REQID-USABLE too. `alive` says that
    the endpoint answers other requests. `again` says that most operations of the run lost a poll, so that a lost poll
    is no accident even where the next was answered.
    """
    del world
    polls = exchanges[1:]
    known = next((i for i, poll in enumerate(polls) if shows_operation(poll)), len(polls))
    ended = next((i for i, poll in enumerate(polls) if status_of(poll) in TERMINAL), len(polls))
    for index, poll in enumerate(polls):
        verdict = about("REQ-GOS-200", poll, exchanges[0])
        if poll.reply is None:
            retried = index + 1 < len(polls) and polls[index + 1].reply is not None
            if again or (alive and not retried):
                yield verdict.violated("200 OK", reply_summary(poll), symptom(poll))
            elif not retried:
                yield verdict.undecided(poll)
        elif is_busy(poll) or is_moved(poll) or index < known:
            continue
        elif index > ended and poll.reply.status in DENIALS:
            continue  # it may have been forgotten; REQ-GOS-TERMINAL-STABLE says when it must not
        else:
            if poll.reply.status in NOT_KNOWN and error_code(poll.reply):
                usable = about("REQ-REIMAGE-REQID-USABLE", poll, exchanges[0])
                yield usable.violated("the status of the operation", reply_summary(poll), "denied")
            yield verdict.judged(poll.reply.status == 200, "200 OK", reply_summary(poll), symptom(poll))


def version_of(exchange: Exchange) -> str:
    """The x-ms-version of a request, or ""."""
    return next(iter(exchange.request.values("x-ms-version")), "")


def versions_that_show(polls: Sequence[Exchange]) -> set[str]:
    """The x-ms-versions with which polls showed a status; a poll with another one may be refused because of its version (REQ-VER-OLD-KEPT)."""
    return {version_of(poll) for poll in polls if status_of(poll) in STATUSES}


@check
def unknown_operation(world: World, exchanges: Sequence[Exchange], issued: str = "") -> Iterator[Verdict]:
    """A poll with an id that was never issued is refused with 404 ResourceNotFound or 400 BadRequest (REQ-GOS-UNKNOWN-ID).

    `issued` is the id of an operation from which some of the polled ids were made by a small change, "" for none.
    """
    strict = world.strictness == "strict"
    for exchange in exchanges:
        verdict = about("REQ-GOS-UNKNOWN-ID", exchange)
        expected = "404 with ResourceNotFound or 400 with BadRequest"
        if exchange.reply is None or is_moved(exchange):
            yield verdict.undecided(exchange)
        elif is_busy(exchange):
            yield verdict.undecided(exchange, "the endpoint was busy: ")
        elif exchange.reply.status in (400, 404):
            yield from _unknown_code(exchange, exchange.reply, expected, strict=strict)
        elif exchange.is_successful or strict:
            asked = read_target(exchange.request.resource).operation
            content = "" if exchange.reply.body else " without content"
            actual = f"{reply_summary(exchange)}{content}, for the operation id {_made_up(asked, issued)}"
            yield verdict.violated(expected, actual, symptom(exchange))
        else:
            yield verdict.advised(expected, reply_summary(exchange), symptom(exchange))


def _made_up(asked: str, issued: str) -> str:
    """A made-up id, and the issued one that it was made from, if any."""
    is_near = bool(issued) and len(asked) > 3 and (asked[1:-1] in issued or issued[1:-1] in asked)
    return f"{quoted(asked)}{f', made from the id {issued} of an operation' if is_near else ''}"


def _unknown_code(exchange: Exchange, response: Response, expected: str, *, strict: bool) -> Iterator[Verdict]:
    """The verdict on the code of a refused poll: the error table is binding under strict."""
    code = error_code(response)
    fitting = {404: "ResourceNotFound", 400: "BadRequest"}[response.status]
    verdict = about("REQ-GOS-UNKNOWN-ID", exchange)
    if strict and code and code not in (fitting, "ResourceNotFound", "BadRequest"):
        yield about("REQ-ERR-CODES", exchange).violated(expected, reply_summary(exchange), f"code:{code}")
        yield verdict.violated(expected, reply_summary(exchange), f"code:{code}")
    else:
        yield verdict.met(reply_summary(exchange))


@check
def needs_no_more(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A poll as the documents describe it is answered like one with more headers or a query (REQ-GOS-URI).

    Exchanges: a poll of an operation, then the same poll with something added.
    """
    del world
    plain, varied = exchanges[0], exchanges[1:]
    refused = plain.reply is not None and plain.reply.status in NOT_KNOWN
    needed = [each for each in varied if refused and each.reply is not None and each.reply.status == 200]
    verdict = about("REQ-GOS-URI", plain, *needed[:1])
    if needed:
        names = [name for name, _ in needed[0].request.headers if not plain.request.values(name)]
        actual = f"{reply_summary(plain)}, but 200 OK to the same poll with {names[0] if names else 'a query'} added"
        yield verdict.violated("200 OK", actual, "needs-more")
    elif plain.reply is not None and plain.reply.status == 200:
        yield verdict.met(reply_summary(plain))
