"""Progress: the polls of one operation in order, from InProgress to its one end (digest section C)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.polls import STATUSES, TERMINAL, status_of, version_of
from conformance.checks.registry import about, check
from conformance.checks.wording import is_busy, said
from conformance.protocol.documents import (
    read_document,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.model import Exchange, Verdict
    from conformance.world import World


RETENTION_SECONDS = 2.0


EARLY_POLLS = 2


@check
def progress(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The statuses go from InProgress to one end and stay there (REQ-GOS-PROGRESS, REQ-GOS-TERMINAL-STABLE, REQ-GOS-READONLY).

    A poll answered differently under another version is REQ-GOS-READONLY's. An end that one of the first polls shows and the next takes back
    is REQ-GOS-PROGRESS's; any other change after an end is REQ-GOS-TERMINAL-STABLE's.
    """
    del world
    seen = [(poll, status_of(poll)) for poll in exchanges if poll.reply is not None]
    known = [(poll, status) for poll, status in seen if status in STATUSES]
    if not known:
        return
    first = next((i for i, (_, status) in enumerate(known) if status in TERMINAL), None)
    if first is None:
        yield about("REQ-GOS-PROGRESS", known[-1][0]).met(f"{len(known)} times InProgress")
        return
    end_poll, end = known[first]
    changed = [(poll, status) for poll, status in known[first + 1 :] if status != end]
    gone = [
        poll
        for poll, status in seen
        if not status and end_poll.at < poll.at <= end_poll.at + RETENTION_SECONDS and _is_gone(poll)
    ]
    other = [(poll, status) for poll, status in seen if status and status not in STATUSES]
    if other:
        expected, actual = f"nothing but {', '.join(STATUSES)}", f"Status {other[0][1]!r}"
        yield about("REQ-GOS-PROGRESS", other[0][0]).violated(
            expected, actual, "other-status", because=("REQ-GOS-STATUS",)
        )
    told = ", ".join(_runs([status for _, status in known]))
    expected = f"InProgress, then {end} for good"
    if not changed and not gone:
        yield about("REQ-GOS-PROGRESS", end_poll).met(told)
        if len(known) > first + 1:
            yield about("REQ-GOS-TERMINAL-STABLE", known[-1][0]).met(told)
        if len({version_of(poll) for poll, _ in known[first:]}) > 1:
            yield about("REQ-GOS-READONLY", known[-1][0]).met(told)
        return
    if gone:
        yield about("REQ-GOS-TERMINAL-STABLE", gone[0], end_poll).violated(
            expected, f"{told}, then {said(gone[0])}", "gone"
        )
        return
    yield from _changed(known, first, changed, expected, told)


def _changed(
    known: list[tuple[Exchange, str]], first: int, changed: list[tuple[Exchange, str]], expected: str, told: str
) -> Iterator[Verdict]:
    """Which requirement a change after an end belongs to."""
    end_poll = known[first][0]
    evidence = (changed[0][0], end_poll)
    versions = {version_of(poll) for poll, _ in changed}
    steady = {version_of(poll) for poll, _ in known[first:]} - versions
    stable, moving, safe = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"
    before = {version_of(poll) for poll, _ in known[: known.index(changed[0])]}
    if version_of(changed[0][0]) not in before or (
        steady and all(status == known[first][1] for poll, status in known[first:] if version_of(poll) in steady)
    ):
        root = safe
    else:
        taken_back = known[first + 1][0] is changed[0][0] and changed[0][1] == "InProgress"
        root = moving if taken_back and first < EARLY_POLLS else stable
    for requirement in (stable, moving, safe):
        if requirement is safe and root is not safe:
            continue
        because = () if requirement == root else (root,)
        yield about(requirement, *evidence).violated(expected, told, "flip", because=because)


def _is_gone(poll: Exchange) -> bool:
    """Whether a poll says that there is no such operation."""
    return poll.reply is not None and 400 <= poll.reply.status < 500 and not is_busy(poll)


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

    `waited` is how long the suite went on asking, in seconds, where no end came.
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
                "Succeeded", f"still InProgress after {waited:.1f} s and {len(polls)} polls", "no-end"
            )
        return
    document = read_document(ends[0].reply) if ends[0].reply else None
    status, code = status_of(ends[0]), (document.text("HttpStatusCode") if document else None) or "none"
    if status == "Failed":
        taken_back = any(status_of(poll) != "Failed" for poll in polls if poll.at > ends[0].at and status_of(poll))
        because = ("REQ-GOS-PROGRESS", "REQ-GOS-TERMINAL-STABLE") if taken_back else ()
        yield verdict.violated("Succeeded", f"Failed, HttpStatusCode {code}", "failed", because=because)
    elif code != "200":
        blame = ("REQ-REIMAGE-FINAL-200", "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT")
        yield verdict.violated("Succeeded with 200", f"Succeeded, HttpStatusCode {code}", "final-status", because=blame)
    else:
        yield verdict.met(f"Succeeded with 200 after {len(polls)} polls")


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
