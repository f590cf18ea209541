"""Checks of the answer to a reimage that has to be accepted, and of the request id in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.operations.polls import DENIALS, NOT_KNOWN, shows_operation
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.sent import answer_for
from reimage_conformance.judging.wording import (
    is_busy,
    is_conflict,
    is_moved,
    may_have_been_carried_out,
    quoted,
    reply_summary,
    symptom,
)
from reimage_conformance.model import Why
from reimage_conformance.protocol.documents import error_code, is_path_segment
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.registry import About
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict


PROMPT_SECONDS = 2.0
"""The id of a 202 has to be known this many seconds after it (REQ-REIMAGE-REQID-PROMPT)."""
CONFLICT_WITH_NOTHING = "conflict-with-nothing"
"""The symptom of a sound reimage that was answered 409 every time although no operation of ours ran."""
PLAIN = (
    "REQ-REIMAGE-URI-SLOT",
    "REQ-REIMAGE-URI-NAME",
    "REQ-REIMAGE-METHOD",
    "REQ-REIMAGE-COMP",
    "REQ-REIMAGE-VERSION",
    "REQ-REIMAGE-SLOT-VALUES",
)
"""The requirements that sound reimages are sent for which vary nothing but form of address, slot and version."""
LEFT_OPEN = (("REQ-HTTP-EXPECT", 417),)
"""Refusals of a sound request that HTTP leaves to the endpoint, by requirement and status (RFC 9110 10.1.1)."""
_FORMS = ("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
"""The requirements of the two forms of address."""
_REQUIREMENT_OF_CODE = {
    "MissingOrInvalidRequiredQueryParameter": "REQ-REIMAGE-COMP",
    "MissingOrIncorrectVersionHeader": "REQ-REIMAGE-VERSION",
    "InvalidHttpVerb": "REQ-REIMAGE-METHOD",
}
"""The requirement that an endpoint violates if it refuses a sound request with this code."""


@check
def accepted(
    world: World, exchanges: Sequence[Exchange], requirement: str, expected: str = "", *, alive: bool = False
) -> Iterator[Verdict]:
    """The request was accepted for processing with any 2xx; `answered_202` judges which one it is.

    `expected` are the words for the right answer. `alive` says that sound reimages get no reply again and again while
    the endpoint answers everything else. Then a missing reply is a violation. So is a 409: no operation runs, since
    the suite waits for the end of every operation that it started. Both violate REQ-REIMAGE-202 too where the request
    varies nothing. A redirection other than 307 violates it whatever the request varies; a 307 shows nothing. Whether
    something else than the run caused the 409 is seen in the assessment (`reimage_conformance.assessment.foreign_locks`).
    """
    del world
    exchange = exchanges[0]
    verdict = about(requirement, exchange)
    expected = expected or "202 Accepted"
    violated = ("REQ-REIMAGE-202", requirement) if requirement in PLAIN else (requirement,)
    unreached = _why_unreached(exchange)
    if unreached or is_moved(exchange):
        yield verdict.undecided(exchange, unreached)
    elif exchange.reply is None and alive:
        for name in violated:
            yield about(name, exchange).violated(expected, answer_for(exchange, name), symptom(exchange))
    elif exchange.reply is None:
        yield verdict.undecided(exchange)
    elif 300 <= exchange.reply.status < 400:
        yield about("REQ-REIMAGE-202", exchange).violated(expected, reply_summary(exchange), symptom(exchange))
        yield verdict.violated(expected, answer_for(exchange, requirement), symptom(exchange))
    elif (requirement, exchange.reply.status) in LEFT_OPEN:
        yield verdict.observed(reply_summary(exchange))
    elif is_conflict(exchange):
        for name in violated:
            actual = f"{reply_summary(exchange)} at every try"
            yield about(name, exchange).violated(expected, actual, CONFLICT_WITH_NOTHING)
    else:
        root = _REQUIREMENT_OF_CODE.get(error_code(exchange.reply), requirement)
        actual = answer_for(exchange, requirement)
        yield verdict.judged(exchange.is_successful, expected, actual, symptom(exchange))
        if not exchange.is_successful and root != requirement and requirement in _FORMS:
            yield about(root, exchange).violated(expected, reply_summary(exchange), symptom(exchange))


def _why_unreached(exchange: Exchange) -> str:
    """Why an answer does not say what the endpoint makes of the request, "" where it does."""
    if is_busy(exchange):
        return "the endpoint was busy: "
    return "the endpoint may have carried out the request: " if may_have_been_carried_out(exchange) else ""


@check
def answered_202(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """An accepted reimage is answered 202 (REQ-REIMAGE-202)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.is_successful:
            verdict = about("REQ-REIMAGE-202", exchange)
            right = exchange.reply.status == 202
            yield verdict.judged(right, "202 Accepted", reply_summary(exchange), symptom(exchange))


@check
def request_id_present(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """An answer carries one non-empty x-ms-request-id (REQ-REIMAGE-REQID, REQ-GOS-REQID)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.is_successful:
            values = exchange.reply.values("x-ms-request-id")
            actual = _ids_in_words(values)
            yield about(requirement, exchange).judged(
                len(values) == 1 and bool(values[0].strip()), "one x-ms-request-id, not empty", actual, "request-id"
            )


def _ids_in_words(values: Sequence[str]) -> str:
    """The x-ms-request-id header lines of an answer in words: none, one with its value, or several."""
    match list(values):
        case []:
            return "no x-ms-request-id header"
        case [value]:
            return f"x-ms-request-id: {value}" if value.strip() else "an x-ms-request-id header without a value"
        case _:
            return f"{len(values)} x-ms-request-id headers: {', '.join(map(quoted, values))}"


@check
def empty_body(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The 202 has no content after transfer decoding (REQ-REIMAGE-BODY-EMPTY)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.reply.status == 202:
            body = exchange.reply.body
            yield about("REQ-REIMAGE-BODY-EMPTY", exchange).judged(
                not body, "no content", f"{len(body)} octets: {quoted(body)}" if body else "no content", "body"
            )


@check
def id_usable(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The id of the 202 gives the status of the operation, within two seconds (REQ-REIMAGE-REQID-USABLE, -PROMPT).

    Only an answer that there is no such operation shows that the id came late. Where the polls after these two seconds
    got other answers, such as 503, it may have been known.
    """
    del world
    start, polls = exchanges[0], exchanges[1:]
    identifier = start.request_id
    usable = about("REQ-REIMAGE-REQID-USABLE", *polls[:1], start)
    if not is_path_segment(identifier):
        yield usable.violated(
            "an id usable as a path segment", quoted(identifier) if identifier else "no x-ms-request-id", "unsafe-id"
        )
        return
    shown = [poll for poll in polls if shows_operation(poll)]
    if not shown:
        yield from _never_shown(usable, start, polls)
        return
    yield usable.met(f"polled as {identifier}")
    yield about("REQ-GOS-URI", shown[0]).met("Get Operation Status answers")
    accepted_at = start.at + start.elapsed
    unshown = [
        poll
        for poll in polls
        if poll.at < shown[0].at and poll.at > accepted_at + PROMPT_SECONDS and poll.reply is not None
    ]
    late = [poll for poll in unshown if poll.reply is not None and poll.reply.status in DENIALS]
    prompt = about("REQ-REIMAGE-REQID-PROMPT", *(late or unshown)[:1], shown[0], start)
    if unshown and not late:
        yield prompt.undecided(unshown[0], f"a poll more than {PROMPT_SECONDS:g} s after the 202 shows nothing: ")
        return
    actual = f"the first poll that showed the operation came {shown[0].at - accepted_at:.1f} s after the 202"
    expected = f"a poll shows the operation within {PROMPT_SECONDS:g} s of the 202"
    yield prompt.judged(not late, expected, actual, "late-id")


def _never_shown(usable: About, start: Exchange, polls: Sequence[Exchange]) -> Iterator[Verdict]:
    """The verdicts where no poll showed the operation.

    REQ-GOS-URI is violated as well where no answer says that there is no such operation.
    """
    seen = sorted({reply_summary(poll) for poll in polls})
    moved = [poll for poll in polls if is_moved(poll)]
    statuses = {
        poll.reply.status for poll in polls if poll.reply is not None and not is_busy(poll) and not is_moved(poll)
    }
    if moved and not statuses:
        yield about("REQ-GOS-URI", moved[0], start).undecided(moved[0])
        yield usable.undecided(moved[0])
        return
    if not statuses:
        reason = f"no poll was answered: {', '.join(seen)}" if seen else "no poll was sent"
        yield usable.inconclusive(reason, because=("REQ-GOS-200",), why=Why.NO_REPLY)
        return
    actual = f"{counted(len(polls), 'poll')}, answered {' and '.join(seen)}"
    if statuses.isdisjoint(NOT_KNOWN):
        verdict = about("REQ-GOS-URI", *polls[:1], start)
        yield verdict.violated("an answer to Get Operation Status", actual, "no-operation-status")
    yield usable.violated("the status of the operation", actual, "unusable-id")
