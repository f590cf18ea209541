"""Concurrency: a reimage that is sent while another runs in the same deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.operations.polls import NOT_KNOWN, TERMINAL, leads_elsewhere, status_of, without_end
from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.wording import is_busy, is_moved, reply_summary, symptom
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.protocol.requests import Place
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict


PROLONGED_FACTOR = 6.0
PROLONGED_FLOOR_SECONDS = 10.0
"""Refusals count as the cause of a long operation only where it exceeds every other one by this factor and by these seconds."""


def seconds_until_prolonged(usual_seconds: float, operation_timeout_seconds: float) -> float:
    """After how many seconds of refusals the running operation counts as prolonged by them, where others took `usual_seconds` at most.

    The floor is half of the time limit of operations where that is less, since an operation is followed no longer than that limit.
    """
    floor = min(PROLONGED_FLOOR_SECONDS, operation_timeout_seconds / 2)
    return max(PROLONGED_FACTOR * usual_seconds, usual_seconds + floor)


@check
def contended(
    world: World,
    exchanges: Sequence[Exchange],
    requirement: str,
    *,
    ended: bool,
    lost: bool = False,
    alive: bool = False,
) -> Iterator[Verdict]:
    """A reimage while another runs is accepted under an id of its own and finishes, or refused with 409 ConflictError.

    Exchanges: the 202 of the running reimage, the second request, the polls of the second request's operation.
    `ended` says whether that operation ended, `lost` that no poll showed the end of the running one. `alive` says that
    the endpoint answers other requests.
    """
    del world
    first, second, polls = exchanges[0], exchanges[1], exchanges[2:]
    verdict = about(requirement, second, first, *polls[-1:])
    expected = "202 with an x-ms-request-id of its own, and both operations end; or 409 with the code ConflictError"
    if is_busy(second) or is_moved(second) or (second.reply is None and not alive):
        yield verdict.undecided(second)
        return
    if second.reply is None:
        yield verdict.violated(expected, reply_summary(second), symptom(second))
        return
    if second.reply.status == 409:
        code = error_code(second.reply)
        actual = reply_summary(second) if code else f"{reply_summary(second)} without an error code"
        yield verdict.judged(code == "ConflictError", expected, actual, f"code:{code}")
        return
    if second.reply.status != 202:
        yield verdict.violated(expected, reply_summary(second), symptom(second))
        return
    if second.request_id and second.request_id == first.request_id:
        yield verdict.violated(expected, f"202 with the running operation's id {second.request_id}", "shared-id")
    elif lost:
        actual = f"{reply_summary(second)}, but no poll of the first operation showed its end"
        yield verdict.violated(expected, actual, "first-lost")
    elif not ended and leads_elsewhere(polls):
        yield verdict.undecided(polls[-1])
    elif not ended:
        actual = f"{reply_summary(second)}, but {without_end(polls)}"
        yield verdict.violated(expected, actual, "no-end")
    else:
        yield verdict.met(f"{reply_summary(second)}, and the operation ended")


def _effect_of_refusals(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of refused requests on the running operation, until its end was seen."""
    first, *later = exchanges
    polls = later[verdict.arguments["refusals"] :]
    address = read_target(first.request.resource)
    deployment = world.deployment_of(address)
    if deployment is None:
        return None
    end = next((poll for poll in polls if status_of(poll) in TERMINAL), polls[-1] if polls else first)
    place = Place(deployment, address.instance)
    return Effect((place,), (first.number,), on_operation=True, looks=(first.number, end.number))


def _shows_no_status(poll: Exchange) -> bool:
    """Whether a poll was answered 200 with content in which no Status can be read."""
    return poll.reply is not None and poll.reply.status == 200 and not status_of(poll)


def _progress(polls: Sequence[Exchange]) -> str:
    """How far an operation without an end had come, as the last of its polls shows."""
    if not polls:
        return "its operation could not be polled"
    last = polls[-1]
    if last.reply is not None and last.reply.status in NOT_KNOWN:
        return without_end(polls)
    shown = reply_summary(last)
    if status_of(last):
        shown += f", Status {status_of(last)}"
    elif _shows_no_status(last):
        shown += ", no readable Status"
    return f"not ended after {counted(len(polls), 'poll')} (the last one: {shown})"


def is_prolonged(start: Exchange, last_refused: Exchange, end: Exchange, allowed_seconds: float) -> bool:
    """Whether an operation ended only after the last refused request, which was sent more than `allowed_seconds` after `start`."""
    return end.at > last_refused.at and last_refused.at - start.at > allowed_seconds


@effect_on(_effect_of_refusals)
@check
def undisturbed(
    world: World,
    exchanges: Sequence[Exchange],
    *,
    refusals: int,
    usual_seconds: float = 0.0,
    beside: str = "",
    prolonged_before: int = 0,
) -> Iterator[Verdict]:
    """An operation during which reimages were refused with 409 ends as it would have (REQ-CONC-REFUSED-NOEFFECT).

    Exchanges: the 202 of the running reimage, the refused requests (as many as `refusals`), the polls.
    `usual_seconds` is the longest time that any other operation of the run took, 0 where the refusals were too few to
    prolong this one. `prolonged_before` is the exchange number of an earlier reimage that was prolonged in the same way, 0 where
    there is none. A single operation may take longer than others, since no document says how long one takes. `beside` is the
    requirement of another request that was accepted meanwhile; the verdict is the same, but that request may have disturbed
    the operation (`reimage_conformance.assessment.causes`).
    """
    del beside  # the rule `accepted-beside` reads it among the arguments of the verdict
    allowed_seconds = seconds_until_prolonged(usual_seconds, world.target.limits.operation_timeout_seconds)
    first, refused, polls = exchanges[0], exchanges[1 : 1 + refusals], exchanges[1 + refusals :]
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    verdict = about("REQ-CONC-REFUSED-NOEFFECT", *refused[:1], *ends[:1], *polls[-1:], first)
    expected = "the running operation reaches Succeeded"
    if polls and all(_shows_no_status(poll) for poll in polls):
        yield verdict.inconclusive("no poll showed a Status", because=("REQ-GOS-ROOT", "REQ-GOS-STATUS", "REQ-XML-NS"))
    elif not ends and leads_elsewhere(polls):
        yield verdict.undecided(polls[-1])
    elif not ends:
        actual = f"{_progress(polls)}; {counted(len(refused), 'request')} refused meanwhile"
        yield verdict.violated(expected, actual, "no-end")
    elif status_of(ends[0]) != "Succeeded":
        actual = f"it ended Failed after {counted(len(refused), 'request')} had been refused"
        yield verdict.violated(expected, actual, "failed")
    elif refused and usual_seconds and is_prolonged(first, refused[-1], ends[0], allowed_seconds):
        actual = (
            f"still InProgress after {refused[-1].at - first.at:.1f} s, ended once no more requests were refused; "
            f"other operations took {usual_seconds:.1f} s at most"
        )
        if not prolonged_before:
            yield verdict.inconclusive(f"{actual}; a single operation may take longer than others")
            return
        actual += f"; the reimage of exchange {prolonged_before} was prolonged in the same way"
        yield verdict.violated(
            "the running operation ends as soon as without the refused requests", actual, "prolonged"
        )
    else:
        yield verdict.met(f"Succeeded; {counted(len(refused), 'request')} refused meanwhile")
