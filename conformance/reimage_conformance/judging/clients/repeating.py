"""Checks of what a client sends again: after a 202, after a refusal for the moment, after a 307."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from reimage_conformance.judging.clients.following import MIN_PAUSE_SECONDS, PATIENCE_SECONDS, RUNNING
from reimage_conformance.judging.clients.sessions import followed, is_reimage, is_same_client, place_of
from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import MOVED, reply_summary
from reimage_conformance.protocol.documents import without_dashes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.clients.sessions import Followed
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict

CONFLICT = 409
PUT_OFF = (409, 429, 500, 503)
"""Statuses after which the same request may be accepted later."""
EARLY_SECONDS = 0.5
"""A client may repeat a request this much sooner than Retry-After says: clocks differ, and replies take time."""


@check
def client_repeats(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """No reimage is repeated while the one that was accepted is in progress (REQ-CLIENT-REIMAGE-ONCE)."""
    reimages = [each for each in exchanges if is_reimage(each.request) and each.request.method.upper() == "POST"]
    for operation in followed(exchanges):
        start = operation.start
        repeats = (each for each in reimages if each.number > start.number and _is_repeat(world, start, each))
        repeat = next((each for each in repeats if _is_in_progress(operation, each)), None)
        expected = "no reimage of the same role instance before the operation has ended"
        if repeat is not None:
            seen = f"the POST again {repeat.at - start.at:.1f} s after the 202, answered {reply_summary(repeat)}"
            yield about("REQ-CLIENT-REIMAGE-ONCE", repeat, start).violated(expected, seen, "repeated")
        else:
            yield about("REQ-CLIENT-REIMAGE-ONCE", start).met("no further POST while it was in progress")


def _is_repeat(world: World, start: Exchange, reimage: Exchange) -> bool:
    """Whether `reimage` may be the accepted reimage `start`, sent again by the same client for the same role instance."""
    is_same = is_same_client(reimage.request, start.request) and not _is_refused(reimage)
    return is_same and place_of(world, reimage.request) == place_of(world, start.request)


def _is_refused(exchange: Exchange) -> bool:
    """Whether a request was refused for good, so that it is not the same as one that was accepted."""
    return exchange.reply is not None and 400 <= exchange.reply.status < 500 and exchange.reply.status not in PUT_OFF


def _is_in_progress(operation: Followed, repeat: Exchange) -> bool:
    """Whether the client sent `repeat` while the operation was in progress, as far as it could know.

    A 409 that names the operation shows it, whenever it came.
    """
    before = [poll for poll in operation.polls if poll.number < repeat.number]
    after = [poll for poll in operation.polls if poll.number > repeat.number]
    latest = before[-1] if before else operation.start
    if any(status_of(poll) in TERMINAL for poll in before):
        return False
    if _is_held_by(operation, repeat):
        return True
    if before and status_of(latest) != RUNNING:
        return False
    return repeat.at - latest.at < PATIENCE_SECONDS or any(status_of(poll) == RUNNING for poll in after)


def _is_held_by(operation: Followed, repeat: Exchange) -> bool:
    """Whether `repeat` was answered 409 with the id of `operation` in its text."""
    if repeat.reply is None or repeat.reply.status != CONFLICT:
        return False
    return without_dashes(operation.identifier) in without_dashes(repeat.reply.body.decode("utf-8", "replace"))


@check
def client_retries(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """What was put off is not repeated at once (REQ-CLIENT-RETRY-PAUSE)."""
    del world
    for index, each in enumerate(exchanges):
        reply = each.reply
        if reply is None or reply.status not in PUT_OFF:
            continue
        asked = (each.request.method, each.request.target)
        again = next((one for one in exchanges[index + 1 :] if (one.request.method, one.request.target) == asked), None)
        if again is not None:
            yield _retried(each, again, reply.header("Retry-After") or "")


def _retried(refused: Exchange, again: Exchange, retry_after: str) -> Verdict:
    """The verdict on the pause between a refusal and the same request again; `retry_after` is what the refusal asked for."""
    pause = max(again.at - refused.at - refused.elapsed, 0.0)
    asked_for = float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
    verdict = about("REQ-CLIENT-RETRY-PAUSE", again, refused)
    seen = f"{pause:.2f} s after {reply_summary(refused)}"
    if asked_for and pause < asked_for - EARLY_SECONDS:
        return verdict.violated(f"Retry-After: {retry_after} is waited for", seen, "retry-after")
    return verdict.judged(pause >= MIN_PAUSE_SECONDS, f"{MIN_PAUSE_SECONDS:g} s or more before a retry", seen, "quick")


@check
def client_redirects(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A 307 that is followed is followed with the same method (REQ-CLIENT-REDIRECT)."""
    del world
    for index, each in enumerate(exchanges):
        reply = each.reply
        location = reply.header("Location") if reply is not None and reply.status == MOVED else None
        if location:
            target = _target(each.request.target, location)
            later = next((one for one in exchanges[index + 1 :] if one.request.target == target), None)
            if later is not None:
                method = each.request.method
                seen = f"{later.request.method} after the 307"
                yield about("REQ-CLIENT-REDIRECT", later, each).judged(
                    later.request.method == method, f"{method} again", seen, "method"
                )


def _target(asked: str, location: str) -> str:
    """The request target that a Location leads to, its host left out; "" where it is no URL."""
    try:
        parts = urlsplit(urljoin(f"http://host{asked}", location))
    except ValueError:
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
