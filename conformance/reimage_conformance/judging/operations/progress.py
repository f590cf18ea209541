"""Checks of the polls of one operation in their order, from InProgress to its end."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeAlias

from reimage_conformance.judging.operations.polls import (
    DENIALS,
    STATUSES,
    TERMINAL,
    leads_elsewhere,
    status_of,
    version_of,
    versions_that_show,
)
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import reply_summary, valued, why_undecided
from reimage_conformance.model import Why
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import read_document, same_identifier
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict


RETENTION_SECONDS = 2.0
"""An endpoint may forget an operation this many seconds after its end (REQ-GOS-RETENTION)."""
EARLY_POLLS = 2
"""An end came too early if one of this many first polls shows it and the next one does not (REQ-GOS-PROGRESS)."""
SETTLED_POLLS = 3
"""After this many polls showed the end, a change in the first poll that is sent in a new way is due to that way (REQ-GOS-READONLY)."""
_SAME_MOMENT_SECONDS = 1e-6
"""Two moments that differ by less are the same, since sums of seconds are rounded."""
_USABLE = "REQ-REIMAGE-REQID-USABLE"
_UNREADABLE = (_USABLE, "REQ-GOS-STATUS", "REQ-GOS-ROOT", "REQ-GOS-200")
_STABLE, _PROGRESS, _READONLY = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"

PolledStatus: TypeAlias = "tuple[Exchange, str]"
"""A poll, and the status that it showed."""


@check
def progress(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The statuses go from InProgress to one end and stay there.

    A later poll with another status than the end violates REQ-GOS-TERMINAL-STABLE and REQ-GOS-PROGRESS. One requirement is
    the cause, and the verdicts on the others name it (`because`). Of the causes that are not violated by the change as such,
    REQ-GOS-READONLY alone is judged here too. The cause is the first of these that fits:

    REQ-REIMAGE-REQID-USABLE, if one of the polls shows the ID of another operation.

    REQ-GOS-READONLY, if the status depends on how the poll is sent (version, connection), if a HEAD came right before, or
    if `SETTLED_POLLS` polls showed the end and the first poll that was sent in another way did not.

    REQ-GOS-PROGRESS, if one of the first polls showed the end and the next poll InProgress. If the next poll showed another
    end, REQ-GOS-TERMINAL-STABLE may be the cause as well; then the verdict on each names the other (`findings.roots_of` takes such circles).

    REQ-GOS-TERMINAL-STABLE in every other case. It is also violated if a poll does not find the operation at most
    `RETENTION_SECONDS` after its end. A 400 does not count for this where the x-ms-version of the poll never showed the operation: the version may be
    why it was refused (REQ-VER-OLD-KEPT).
    """
    del world
    seen = [(poll, status_of(poll)) for poll in exchanges if poll.reply is not None]
    with_status = [(poll, status) for poll, status in seen if status in STATUSES]
    other = [(poll, status) for poll, status in seen if status and status not in STATUSES]
    # Where no poll shows a status of this protocol, only REQ-GOS-STATUS is violated: there is no order to judge.
    if other and with_status:
        expected, actual = f"only {', '.join(STATUSES)}", valued("Status", other[0][1])
        yield about(_PROGRESS, other[0][0]).violated(expected, actual, "other-status")
    end = next(((poll, status) for poll, status in with_status if status in TERMINAL), None)
    if end is not None:
        seen = [each for each in seen if not _is_simultaneous(each[0], end[0])]
        with_status = [each for each in with_status if not _is_simultaneous(each[0], end[0])]
        yield from _after_end(seen, with_status, with_status.index(end))
    elif with_status and not other:
        yield about(_PROGRESS, with_status[-1][0]).met(f"{len(with_status)} times InProgress")


def _after_end(seen: list[PolledStatus], with_status: list[PolledStatus], end_index: int) -> Iterator[Verdict]:
    """The verdicts on what polls showed after `with_status[end_index]`, the first that showed an end.

    `with_status` are those of `seen` that showed a status of this protocol.
    """
    end_poll, end = with_status[end_index]
    changed = [(poll, status) for poll, status in with_status[end_index + 1 :] if status != end]
    later = seen[seen.index(with_status[end_index]) + 1 :]
    versions = versions_that_show([poll for poll, _ in with_status])
    soon = [p for p, status in later if not status and p.at <= end_poll.at + RETENTION_SECONDS]
    not_found = [p for p in soon if _is_gone(p) and not _may_be_refused_for_its_version(p, versions)]
    heads = {p.number for p, _ in later if p.request.method == "HEAD"}
    all_statuses = ", ".join(_with_repeats_counted([status for _, status in with_status]))
    expected = f"after the first {end}, every later poll shows {end}"
    one_end = "InProgress until the operation ends, then one end in every poll"
    if not_found:
        actual = f"{all_statuses}, then {reply_summary(not_found[0])}"
        yield about(_STABLE, not_found[0], end_poll).violated(expected, actual, "gone")
    elif changed:
        is_of_two_operations = not all(_is_own(poll) for poll in (end_poll, changed[0][0]))
        causes = (_USABLE,) if is_of_two_operations else _causes_of_change(with_status, end_index, changed, heads)
        after_head = any(end_poll.number < number < changed[0][0].number for number in heads)
        how_it_differed = (
            "after a HEAD to the operation" if after_head else _difference_of_ways(end_poll, changed[0][0])
        )
        way = f", {how_it_differed}" if how_it_differed and causes == (_READONLY,) else ""
        actual = f"{changed[0][1]} after {end}{way}; all polls: {all_statuses}"
        judged_here = (cause for cause in causes if cause != _USABLE)  # `operation_documents` judges that one
        for requirement in dict.fromkeys((_STABLE, _PROGRESS, *judged_here)):
            because = tuple(cause for cause in causes if cause != requirement)
            any_way = ", with any x-ms-version and on any connection" if requirement == _READONLY else ""
            verdict = about(requirement, changed[0][0], end_poll)
            expected_here = one_end if requirement == _PROGRESS else f"{expected}{any_way}"
            yield verdict.violated(expected_here, actual, "flip", because=because)
    else:
        yield about(_PROGRESS, end_poll).met(all_statuses)
        if len(with_status) > end_index + 1:
            yield about(_STABLE, with_status[-1][0]).met(all_statuses)
        if len({_way_of(poll) for poll, _ in with_status[end_index:]}) > 1:
            yield about(_READONLY, with_status[-1][0]).met(all_statuses)


def _causes_of_change(
    with_status: list[PolledStatus], end_index: int, changed: list[PolledStatus], heads: set[int]
) -> tuple[str, ...]:
    """The requirement that explains a change after an end; two where it may be either.

    `with_status` and `end_index` are as in `_after_end`. `changed` are the later polls with another status, `heads` the numbers of HEAD requests.
    """
    end = with_status[end_index][1]
    change_index = with_status.index(changed[0])
    before, after = with_status[:change_index], with_status[change_index + 1 :]
    # A HEAD came right before the change.
    if any(with_status[change_index - 1][0].number < number < changed[0][0].number for number in heads):
        return (_READONLY,)
    changed_ways = {_way_of(poll) for poll, _ in changed}
    ways_with_end = {_way_of(poll) for poll, status in with_status[end_index:] if status == end}
    end_came_back = any(status == end for _, status in after)
    # Polls in some ways show the end, before and after the change, and polls in other ways do not.
    if end_came_back and changed_ways.isdisjoint(ways_with_end):
        return (_READONLY,)
    # The end was stable until the first poll in a new way.
    is_new_way = _way_of(changed[0][0]) not in {_way_of(poll) for poll, _ in before}
    if is_new_way and change_index - end_index >= SETTLED_POLLS:
        return (_READONLY,)
    # Several polls showed the end, or it came late: it was no end that came too early.
    if change_index > end_index + 1 or end_index >= EARLY_POLLS:
        return (_STABLE,)
    return (_PROGRESS,) if changed[0][1] == "InProgress" else (_STABLE, _PROGRESS)


def _is_simultaneous(poll: Exchange, end: Exchange) -> bool:
    """Whether a poll was under way at the same time as the earlier poll that showed the end.

    The endpoint may have answered either of them first.
    """
    overlaps = poll.at + _SAME_MOMENT_SECONDS < end.at + end.elapsed and end.at < poll.at + poll.elapsed
    return poll.number > end.number and overlaps


def _is_own(poll: Exchange) -> bool:
    """Whether a poll shows the ID that it asked about, or no ID."""
    shown = read_document(poll.reply).text("ID") if poll.reply is not None else None
    return shown is None or same_identifier(shown, read_target(poll.request.resource).operation)


def _way_of(poll: Exchange) -> tuple[str, bool]:
    """How a poll was sent: its version, and whether it was the first request on its connection.

    An operation must not depend on either (REQ-GOS-READONLY).
    """
    return version_of(poll), poll.request.fresh_connection or poll.position == 1


def _difference_of_ways(earlier: Exchange, later: Exchange) -> str:
    """How `later` was sent in another way than `earlier`, or ""."""
    (was_version, was_new), (version, new) = _way_of(earlier), _way_of(later)
    differences = [f"x-ms-version {version} in place of {was_version}"] if version != was_version else []
    differences += [f"a {'new connection' if new else 'connection that was used before'}"] if new != was_new else []
    return f"in answer to a poll with {' and '.join(differences)}" if differences else ""


def _is_gone(poll: Exchange) -> bool:
    """Whether a poll is refused as one of an operation that is not there any more (`DENIALS`); an answer to HEAD does not count."""
    if poll.reply is None or poll.request.method == "HEAD":
        return False
    return poll.reply.status in DENIALS


def _may_be_refused_for_its_version(poll: Exchange, versions: Collection[str]) -> bool:
    """Whether a poll was answered 400, and its x-ms-version is none of `versions`, those that the operation was shown with."""
    is_bad_request = poll.reply is not None and poll.reply.status == HTTPStatus.BAD_REQUEST
    return is_bad_request and version_of(poll) not in versions


def _with_repeats_counted(statuses: list[str]) -> list[str]:
    """Statuses with repeats counted: `InProgress x 4`."""
    runs: list[tuple[str, int]] = []
    for status in statuses:
        if runs and runs[-1][0] == status:
            runs[-1] = (status, runs[-1][1] + 1)
        else:
            runs.append((status, 1))
    return [status if count == 1 else f"{status} x {count}" for status, count in runs]


@check
def completes(
    world: World, exchanges: Sequence[Exchange], requirement: str = "REQ-REIMAGE-COMPLETES", waited: float = 0.0
) -> Iterator[Verdict]:
    """A reimage that was accepted reaches Succeeded with 200 in time (REQ-REIMAGE-COMPLETES).

    Exchanges: the 202, then polls. `waited` is for how many seconds the suite polled an operation that did not end.
    `polling_is_to_blame` judges whether polling is the cause.
    """
    polls = exchanges[1:]
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    verdict = about(requirement, *ends[:1], *polls[-1:], exchanges[0])
    if not ends:
        readable = [poll for poll in polls if status_of(poll) in STATUSES]
        if not readable or (polls[-1].reply is not None and status_of(polls[-1]) not in STATUSES):
            which = "the last poll did not show" if readable else "no poll showed"
            yield verdict.inconclusive(f"{which} a Status", because=_UNREADABLE, why=Why.NO_END)
        else:
            actual = f"still InProgress after {waited:.1f} s and {counted(len(polls), 'poll')}"
            expected = f"Succeeded within {world.target.limits.operation_timeout_seconds:g} s"
            yield verdict.violated(expected, actual, "no-end")
        return
    document = read_document(ends[0].reply) if ends[0].reply else None
    status, code = status_of(ends[0]), (document.text("HttpStatusCode") if document else None) or ""
    shown_code = f"HttpStatusCode {code}" if code else "no HttpStatusCode"
    if status == "Failed":
        taken_back = any(status_of(poll) != "Failed" for poll in polls if poll.at > ends[0].at and status_of(poll))
        because = (_PROGRESS, _STABLE) if taken_back else ()
        yield verdict.violated("Succeeded", f"Failed, {shown_code}", "failed", because=because)
    elif code != "200":
        yield verdict.violated("Succeeded with 200", f"Succeeded, {shown_code}", "final-status")
    else:
        yield verdict.met(f"Succeeded with 200 after {counted(len(polls), 'poll')}")


@check
def same_status(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """An operation that has ended has the same status whichever certificate asks (REQ-AUTH-ANYCERT).

    Exchanges: a poll by one certificate, a poll by the other, a poll by the first again. A status that differs
    between the first and the third poll is not judged here.
    """
    del world
    before, other, after = exchanges
    first_status, other_status = status_of(before), status_of(other)
    if first_status in TERMINAL and status_of(after) == first_status and other_status in STATUSES:
        verdict = about("REQ-AUTH-ANYCERT", other, before, after)
        expected = f"the same status as with the first certificate ({first_status})"
        yield verdict.judged(
            other_status == first_status, expected, f"{other_status} with the second certificate", "other-status"
        )


@check
def fails_as_announced(world: World, exchanges: Sequence[Exchange], *, overdue: bool = False) -> Iterator[Verdict]:
    """A reimage of an instance that the target file lists as failing ends Failed, with an Error (REQ-GOS-ERROR).

    `overdue` says that the suite waited for `operation_timeout_seconds`. Succeeded is no violation, since the target file
    may be wrong.
    """
    del world
    polls = exchanges[1:]
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    verdict = about("REQ-GOS-ERROR", *ends[:1], exchanges[0])
    if ends and status_of(ends[0]) == "Failed":
        yield verdict.met("Failed, as the target file says")
    elif not ends and overdue and polls and status_of(polls[-1]) == "InProgress":
        actual = f"still InProgress after {counted(len(polls), 'poll')}"
        yield verdict.violated("Failed, as the target file says, with an Error", actual, "no-end")
    else:
        shown = f"ended {status_of(ends[0])}" if ends else "was not seen to end"
        reason = f"the reimage of a role instance that the target file lists as failing {shown}"
        yield verdict.inconclusive(reason, why=Why.NO_FAILURE)


@check
def polling_is_to_blame(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A reimage that is polled all the time has the same outcome as one that is polled only at its end (REQ-GOS-READONLY).

    It is violated only if the one that is polled at its end alone reaches Succeeded. Exchanges: the 202 and the first poll
    of this one; then the 202 and the polls of the other one.
    """
    del world
    late_poll, polls = exchanges[1], exchanges[3:]
    verdict = about(_READONLY, polls[-1], late_poll)
    shown = status_of(late_poll)
    polled = _with_repeats_counted([status_of(poll) or reply_summary(poll) for poll in polls])
    if shown == "Succeeded" and "Succeeded" in [status_of(poll) for poll in polls]:
        yield verdict.inconclusive(
            "the reimage that was polled all the time succeeded too", because=("REQ-REIMAGE-COMPLETES",)
        )
    elif shown == "Succeeded" and leads_elsewhere(polls):
        yield verdict.undecided(polls[-1])
    elif shown == "Succeeded":
        actual = f"polled all the time: {', '.join(polled)}; polled only at the end: Succeeded"
        yield verdict.violated("the same outcome however often an operation is polled", actual, "polling-spoils")
    else:
        yield verdict.inconclusive(
            f"the reimage that was polled only at the end showed {shown or reply_summary(late_poll)}",
            because=("REQ-REIMAGE-COMPLETES", "REQ-GOS-200"),
        )


@check
def asking_forgets(world: World, exchanges: Sequence[Exchange], requirement: str, *, what: str) -> Iterator[Verdict]:
    """An operation that a poll has just shown is still found after `what`, a request that must change nothing.

    Exchanges: a poll, that request, a poll. If this last poll did not find the operation, the same three for another
    operation follow. One operation may have been forgotten by chance at this moment; two show that the request is the cause.
    """
    del world
    groups = [exchanges[i : i + 3] for i in range(0, len(exchanges), 3)]
    lost = [after for shown, _, after in groups if status_of(shown) in TERMINAL and _is_gone(after)]
    verdict = about(requirement, *reversed(exchanges))  # the last poll decides, and evidence begins with what decides
    if len(lost) > 1:
        yield verdict.violated(
            "200 OK to the next poll",
            f"the poll after {what} was answered {reply_summary(lost[-1])}, for two operations",
            "forgotten",
        )
    elif not lost and status_of(exchanges[-1]) in TERMINAL:
        yield verdict.met(f"after {what}: {status_of(exchanges[-1])}")
    else:
        yield verdict.inconclusive(f"after {what}: {reply_summary(exchanges[-1])}", why=why_undecided(exchanges[-1]))
