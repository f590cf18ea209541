"""Progress: the polls of one operation in order, from InProgress to its one end."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from reimage_conformance.judging.operations.polls import DENIALS, STATUSES, TERMINAL, status_of, version_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import quoted, reply_summary
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import read_document, same_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict


RETENTION_SECONDS = 2.0
EARLY_POLLS = 2
SETTLED_POLLS = 3
_SAME_MOMENT = 1e-6
"""Seconds by which sums of seconds are taken for equal."""
_USABLE = "REQ-REIMAGE-REQID-USABLE"
_STABLE, _MOVING, _SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"

Shown: TypeAlias = "tuple[Exchange, str]"
"""A poll, and the status that it showed."""


@check
def progress(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The statuses go from InProgress to one end and stay there (REQ-GOS-PROGRESS, REQ-GOS-TERMINAL-STABLE, REQ-GOS-READONLY).

    An end that holds for one way of asking and not for another (version, connection), or that a new way of asking or a HEAD takes back, is
    REQ-GOS-READONLY's; so is one that stood for three polls until a way of asking came that was not used before. One that the
    first polls show and the next take back is REQ-GOS-PROGRESS's, one among polls that show another operation's ID
    REQ-REIMAGE-REQID-USABLE's; any other change after an end is REQ-GOS-TERMINAL-STABLE's.
    """
    del world
    seen = [(poll, status_of(poll)) for poll in exchanges if poll.reply is not None]
    known = [(poll, status) for poll, status in seen if status in STATUSES]
    other = [(poll, status) for poll, status in seen if status and status not in STATUSES]
    if other and known:
        expected, actual = f"nothing but {', '.join(STATUSES)}", f"Status {quoted(other[0][1])}"
        yield about(_MOVING, other[0][0]).violated(expected, actual, "other-status", because=("REQ-GOS-STATUS",))
    first = next((i for i, (_, status) in enumerate(known) if status in TERMINAL), None)
    if first is not None:
        end = known[first]
        seen, known = ([each for each in shown if not _is_beside(each[0], end[0])] for shown in (seen, known))
        yield from _after_end(seen, known, known.index(end))
    elif known and not other:
        yield about(_MOVING, known[-1][0]).met(f"{len(known)} times InProgress")


def _after_end(seen: list[Shown], known: list[Shown], first: int) -> Iterator[Verdict]:
    """Whether the end that `known[first]` showed stood."""
    end_poll, end = known[first]
    changed = [(poll, status) for poll, status in known[first + 1 :] if status != end]
    later = seen[seen.index(known[first]) + 1 :]
    gone = [p for p, status in later if not status and p.at <= end_poll.at + RETENTION_SECONDS and _is_gone(p)]
    heads = {p.number for p, _ in later if p.request.method == "HEAD"}
    told = ", ".join(_runs([status for _, status in known]))
    expected = f"InProgress, then {end} for good"
    if gone:
        actual = f"{told}, then {reply_summary(gone[0])}"
        yield about(_STABLE, gone[0], end_poll).violated(expected, actual, "gone", because=(_SAFE,))
    elif changed:
        mixed_up = not all(_is_own(poll) for poll in (end_poll, changed[0][0]))
        actual = f"{changed[0][1]} after {end}; all polls: {told}"
        roots = (_USABLE,) if mixed_up else _roots_of_change(known, first, changed, heads)
        for requirement in dict.fromkeys((_STABLE, _MOVING, *(root for root in roots if root != _USABLE))):
            because = tuple(root for root in roots if root != requirement)
            yield about(requirement, changed[0][0], end_poll).violated(expected, actual, "flip", because=because)
    else:
        yield about(_MOVING, end_poll).met(told)
        if len(known) > first + 1:
            yield about(_STABLE, known[-1][0]).met(told)
        if len({_way_of(poll) for poll, _ in known[first:]}) > 1:
            yield about(_SAFE, known[-1][0]).met(told)


def _roots_of_change(known: list[Shown], first: int, changed: list[Shown], heads: set[int]) -> tuple[str, ...]:
    """Which requirement a change after an end belongs to; two where it may be either."""
    end = known[first][1]
    change = known.index(changed[0])
    before, after = known[:change], known[change + 1 :]
    if any(known[change - 1][0].number < number < changed[0][0].number for number in heads):
        return (_SAFE,)
    ways = {_way_of(poll) for poll, _ in changed}
    apart = ways.isdisjoint(_way_of(poll) for poll, status in known[first:] if status == end)
    new = _way_of(changed[0][0]) not in {_way_of(poll) for poll, _ in before}
    if (apart and any(status == end for _, status in after)) or (new and change - first >= SETTLED_POLLS):
        return (_SAFE,)
    if change > first + 1 or first >= EARLY_POLLS:
        return (_STABLE,)
    return (_MOVING,) if changed[0][1] == "InProgress" else (_STABLE, _MOVING)


def _is_beside(poll: Exchange, end: Exchange) -> bool:
    """Whether a poll was sent after the one that showed the end, and before its answer was there: either may have been answered first."""
    beside = poll.at + _SAME_MOMENT < end.at + end.elapsed and end.at < poll.at + poll.elapsed
    return poll.number > end.number and beside


def _is_own(poll: Exchange) -> bool:
    """Whether a poll shows the operation that it asked about."""
    shown = read_document(poll.reply).text("ID") if poll.reply is not None else None
    return shown is None or same_identifier(shown, read_target(poll.request.target).operation)


def _way_of(poll: Exchange) -> tuple[str, bool]:
    """What may differ between polls of one operation without any effect: the version, and whether the connection was new, asked for or not."""
    return version_of(poll), poll.request.fresh_connection or poll.position == 1


def _is_gone(poll: Exchange) -> bool:
    """Whether a poll says that there is no such operation."""
    if poll.reply is None or poll.request.method == "HEAD":
        return False
    return poll.reply.status in DENIALS


def _runs(statuses: list[str]) -> list[str]:
    """Statuses with repeats folded: `InProgress x 4`."""
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
    """A reimage that was accepted reaches Succeeded with 200 in time (REQ-REIMAGE-COMPLETES); exchanges: the 202, then polls.

    Where a reimage that nobody polls does succeed, its polling is to blame (REQ-GOS-READONLY). `waited` is how long the suite went on asking, in seconds, where no end came.
    """
    del world
    polls = exchanges[1:]
    verdict = about(
        requirement, *[poll for poll in polls if status_of(poll) in TERMINAL][:1], *polls[-1:], exchanges[0]
    )
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    if not ends:
        readable = [poll for poll in polls if status_of(poll) in STATUSES]
        if not readable or (polls[-1].reply is not None and status_of(polls[-1]) not in STATUSES):
            yield verdict.inconclusive(
                "no poll showed a status",
                because=("REQ-REIMAGE-REQID-USABLE", "REQ-GOS-STATUS", "REQ-GOS-ROOT", "REQ-GOS-200"),
            )
        else:
            yield verdict.violated(
                "Succeeded", f"still InProgress after {waited:.1f} s and {len(polls)} polls", "no-end", because=(_SAFE,)
            )
        return
    document = read_document(ends[0].reply) if ends[0].reply else None
    status, code = status_of(ends[0]), (document.text("HttpStatusCode") if document else None) or "none"
    if status == "Failed":
        taken_back = any(status_of(poll) != "Failed" for poll in polls if poll.at > ends[0].at and status_of(poll))
        because = (_MOVING, _STABLE, _SAFE) if taken_back else (_SAFE,)
        yield verdict.violated("Succeeded", f"Failed, HttpStatusCode {code}", "failed", because=because)
    elif code != "200":
        blame = ("REQ-REIMAGE-FINAL-200", "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT", "REQ-XML-NS")
        yield verdict.violated("Succeeded with 200", f"Succeeded, HttpStatusCode {code}", "final-status", because=blame)
    else:
        yield verdict.met(f"Succeeded with 200 after {len(polls)} polls")


@check
def same_status(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """An operation that is over reads alike whoever asks (REQ-AUTH-ANYCERT).

    Exchanges: a poll by one certificate, a poll by another, a poll by the first again; a status that changes by itself is not this check's matter.
    """
    del world
    before, other, after = exchanges
    own, read = status_of(before), status_of(other)
    if own in TERMINAL and status_of(after) == own and read in STATUSES:
        verdict = about("REQ-AUTH-ANYCERT", other, before, after)
        expected = f"{own}, as with the first certificate"
        yield verdict.judged(read == own, expected, f"{read} with the second certificate", "other-status")


@check
def fails_as_announced(world: World, exchanges: Sequence[Exchange], *, overdue: bool = False) -> Iterator[Verdict]:
    """A reimage of an instance that the target calls failing ends Failed, with an Error (REQ-GOS-ERROR).

    `overdue` says that the suite waited as long as the operator allows; a Succeeded may be the target file's mistake.
    """
    del world
    polls = exchanges[1:]
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    verdict = about("REQ-GOS-ERROR", *ends[:1], exchanges[0])
    if ends and status_of(ends[0]) == "Failed":
        yield verdict.met("Failed, as the target says")
    elif not ends and overdue and polls and status_of(polls[-1]) == "InProgress":
        yield verdict.violated(
            "Failed, with an Error",
            f"still InProgress after {len(polls)} polls",
            "no-end",
            because=("REQ-REIMAGE-COMPLETES",),
        )
    else:
        shown = status_of(ends[0]) if ends else "no end"
        yield verdict.inconclusive(f"the instance that should fail showed {shown}")


@check
def polling_is_to_blame(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A reimage that is polled as usual goes wrong where one that is left alone does not (REQ-GOS-READONLY).

    Exchanges: the quiet one's 202 and its only poll, then the 202 and polls of one that was started after it.
    """
    del world
    quiet, polls = exchanges[1], exchanges[3:]
    verdict = about(_SAFE, polls[-1], quiet)
    shown = status_of(quiet)
    polled = _runs([status_of(poll) or reply_summary(poll) for poll in polls])
    if shown == "Succeeded" and "Succeeded" in [status_of(poll) for poll in polls]:
        yield verdict.inconclusive("polled as usual, a reimage succeeds too", because=("REQ-REIMAGE-COMPLETES",))
    elif shown == "Succeeded":
        told = f"{', '.join(polled)}; polled once, at the end: Succeeded"
        yield verdict.violated("the same outcome however often an operation is polled", told, "polling-spoils")
    else:
        yield verdict.inconclusive(
            f"left alone, a reimage is {shown or reply_summary(quiet)} as well",
            because=("REQ-REIMAGE-COMPLETES", "REQ-GOS-200"),
        )


@check
def asking_forgets(world: World, exchanges: Sequence[Exchange], requirement: str, *, what: str) -> Iterator[Verdict]:
    """An operation that a poll has just shown is shown again after `what`, a request that changes nothing.

    Exchanges: a poll, that request, and a poll; then the same of another operation where the first was gone. Only two that go at this
    very moment show that it was not their time.
    """
    del world
    groups = [exchanges[i : i + 3] for i in range(0, len(exchanges), 3)]
    lost = [after for shown, _, after in groups if status_of(shown) in TERMINAL and _is_gone(after)]
    verdict = about(requirement, *reversed(exchanges))
    if len(lost) > 1:
        yield verdict.violated(
            "the operation as it was", f"after {what}: {reply_summary(lost[-1])}, twice", "forgotten"
        )
    elif not lost and status_of(exchanges[-1]) in TERMINAL:
        yield verdict.met(f"after {what}: {status_of(exchanges[-1])}")
    else:
        yield verdict.inconclusive(f"after {what}: {reply_summary(exchanges[-1])}")
