"""Checks of refusals: a request with a defect was answered as the oracle permits, and started nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.errors import BY_TABLE, TABLE_KEYS
from reimage_conformance.judging.operations.polls import TERMINAL
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.sent import seen_for, seen_for_kind
from reimage_conformance.judging.transport.framing import is_lost_under_its_body
from reimage_conformance.judging.wording import is_busy, is_standard, reply_summary, symptom
from reimage_conformance.model import FailureKind
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.deployments import READY, statuses_in
from reimage_conformance.protocol.documents import error_code, read_document
from reimage_conformance.protocol.requests import Place
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict

_VERSION_KEYS = ("version-malformed", "version-old")
"""Defects that an endpoint also overlooks if it accepts requests without any version."""


@check
def refused(
    world: World,
    exchanges: Sequence[Exchange],
    requirement: str = "",
    *,
    alive: bool = False,
    polls: int = 0,
    overdue: bool = False,
) -> Iterator[Verdict]:
    """The request of the first exchange was refused as its defects demand.

    `polls` is the number of exchanges after the first that poll the operation which it started, 0 where it started
    none. `alive` says that the endpoint answered other requests meanwhile, so that a missing reply counts as its
    answer. `overdue` says that the operation did not end within the time that the operator allows. Where a request
    has several defects, the answer of any of them is permitted. A wrong answer violates `requirement`, or the
    requirement of the first defect where none is given.
    """
    exchange = exchanges[0]
    allowed = permitted(exchange.request, world)
    binding = allowed.binding
    if not binding:
        return
    verdict = about(requirement or binding[0].requirement, exchange)
    expected = _permitted_words(allowed.defects)
    if exchange.reply is None:
        yield from _unanswered(exchange, allowed.defects, verdict.requirement, expected, alive=alive)
    elif is_busy(exchange):
        yield verdict.undecided(exchange, "the endpoint was busy: ")
    elif exchange.reply.status < 300:
        followed = exchanges[1 : 1 + polls]
        yield from _accepted(exchange, followed, allowed.defects, verdict.requirement, expected, overdue=overdue)
    elif exchange.reply.status == 307:
        yield verdict.inconclusive("redirected with 307")
    else:
        yield from _answered(exchange, allowed.defects, verdict.requirement, expected)


def _permitted_words(defects: Sequence[Defect]) -> str:
    """The answers that are permitted; statuses alone are merged where no defect names more."""
    if all(not defect.later and not any(answer.codes for answer in defect.answers) for defect in defects):
        statuses = frozenset().union(*(defect.statuses for defect in defects))
        return " or ".join(str(status) for status in sorted(statuses))
    return "; or ".join(dict.fromkeys(str(defect) for defect in defects))


def _unanswered(
    exchange: Exchange, defects: Sequence[Defect], requirement: str, expected: str, *, alive: bool
) -> Iterator[Verdict]:
    """The verdict where no reply came.

    A defect of authentication may be refused in TLS. Else a missing reply is a wrong answer if the endpoint answered
    other requests meanwhile (`alive`), and proves nothing if not.
    """
    verdict = about(requirement, exchange)
    kind = exchange.failure.kind if exchange.failure else FailureKind.CLOSED
    hung_up = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET)
    if any(defect.layer == "auth" for defect in defects) and kind in hung_up:
        yield verdict.met(f"refused in TLS: {kind.value}")
    elif alive and not is_lost_under_its_body(exchange):
        yield verdict.violated(
            expected, seen_for(reply_summary(exchange), exchange.request, defects), symptom(exchange)
        )
    else:
        yield verdict.undecided(exchange)


def _accepted(
    exchange: Exchange,
    polls: Sequence[Exchange],
    defects: Sequence[Defect],
    requirement: str,
    expected: str,
    *,
    overdue: bool,
) -> Iterator[Verdict]:
    """The verdict on a 2xx: it is permitted only where the operation may fail later, and did.

    A 2xx with an Error document, or a status that is not registered, violates REQ-ERR-STATUS as well. A 200 to HEAD,
    OPTIONS or TRACE is observed, not judged.
    """
    last = next((poll for poll in reversed(polls) if _end(poll) is not None), None)
    end = _end(last) if last is not None else None
    verdict = about(requirement, exchange, *([last] if last is not None else polls[-1:]))
    response = exchange.reply
    if response is not None and (error_code(response) or not is_standard(response.status)):
        hidden = bool(error_code(response))
        what, problem = (" with an Error document", "error-in-2xx") if hidden else ("", symptom(exchange))
        yield about("REQ-ERR-STATUS", exchange).violated("a 4xx status", f"{reply_summary(exchange)}{what}", problem)
        yield verdict.violated(expected, reply_summary(exchange), problem)
        return
    if response is not None and response.status == 200 and exchange.request.method in ("HEAD", "OPTIONS", "TRACE"):
        yield about("REQ-ERR-VERB", exchange).observed(
            f"{exchange.request.method} is answered {reply_summary(exchange)}"
        )
        return
    later = frozenset().union(*(defect.later for defect in defects))
    if later and overdue and end is None:
        actual = f"{reply_summary(exchange)}, but the operation had not ended after {counted(len(polls), 'poll')}"
        yield verdict.violated(expected, actual, "accepted:no-end")
    elif later and response is not None and response.status == 202 and end is None:
        yield verdict.inconclusive("accepted; the end of the operation was not seen")
    elif later and end is not None and end[0] == "Failed" and end[1] in {str(status) for status in later}:
        yield verdict.met(f"accepted, then Failed with {end[1]}")
    else:
        ended = f", then {end[0]} {f'with {end[1]}' if end[1] else 'without HttpStatusCode'}" if end else ""
        actual = f"{reply_summary(exchange)}{ended}"
        others = tuple(defect.requirement for defect in defects if defect.requirement != requirement)
        version_ignored = ("REQ-VER-MISSING",) if any(defect.key in _VERSION_KEYS for defect in defects) else ()
        yield verdict.violated(
            expected, seen_for(actual, exchange.request, defects), "accepted", because=(*others, *version_ignored)
        )


def _end(poll: Exchange) -> tuple[str, str] | None:
    """The terminal status that a poll shows and its HttpStatusCode, or None."""
    if poll.reply is None:
        return None
    document = read_document(poll.reply)
    status = document.text("Status")
    return (status, document.text("HttpStatusCode") or "") if status in TERMINAL else None


def _answered(exchange: Exchange, defects: Sequence[Defect], requirement: str, expected: str) -> Iterator[Verdict]:
    """The verdict on a refusal: its status first, then its code where one can be read.

    An anonymous request that is refused was not served, so REQ-AUTH-TLS is met; a wrong status or code violates
    REQ-AUTH-FAIL.
    """
    response = exchange.reply
    if response is None:
        return
    if requirement == "REQ-AUTH-TLS":
        yield about(requirement, exchange).met(reply_summary(exchange))
        requirement = "REQ-AUTH-FAIL"
    verdict = about(requirement, exchange)
    fitting = [defect for defect in defects if response.status in defect.statuses]
    code = error_code(response)
    in_table = any(defect.key in TABLE_KEYS for defect in defects)
    if not fitting:
        by_table = len(defects) == 1 and defects[0].key in BY_TABLE and response.status < 500
        root, other = ("REQ-ERR-CODES", requirement) if by_table else (requirement, "REQ-ERR-CODES")
        unknown = any(defect.key in ("bad-name", "elsewhere") for defect in defects)
        because = ("REQ-ERR-CODES",) if unknown else ()  # the endpoint may answer every unknown name so
        yield about(root, exchange).violated(
            expected, _refusal(exchange, defects, root), symptom(exchange), because=because
        )
        if in_table and len(defects) == 1:
            actual = _refusal(exchange, defects, other)
            yield about(other, exchange).violated(expected, actual, symptom(exchange), because=(root,))
        return
    codes = [defect.codes(response.status) for defect in fitting]
    if code and all(codes) and code not in frozenset().union(*codes):
        yield from _wrong_code(exchange, defects, requirement, expected, f"code:{code}", in_table=in_table)
        return
    yield verdict.met(reply_summary(exchange))
    if in_table and code and len(defects) == 1:
        yield about("REQ-ERR-CODES", exchange).met(reply_summary(exchange))


def _refusal(exchange: Exchange, defects: Sequence[Defect], requirement: str) -> str:
    """A refusal in words, and what it refused.

    For REQ-ERR-CODES this includes the kind of request, since the sentences of that requirement do not say it.
    """
    if requirement == "REQ-ERR-CODES" and len(defects) == 1:
        return seen_for_kind(reply_summary(exchange), exchange.request, defects[0])
    return seen_for(reply_summary(exchange), exchange.request, defects)


def _wrong_code(
    exchange: Exchange, defects: Sequence[Defect], requirement: str, expected: str, problem: str, *, in_table: bool
) -> Iterator[Verdict]:
    """The verdict on a right status with a wrong code.

    REQ-ERR-CODES is violated as well where the error table lists the defect (`in_table`). Else a wrong code
    violates a requirement only if a defect is one of authentication.
    """
    verdict = about(requirement, exchange)
    if in_table:
        code = error_code(exchange.reply) if exchange.reply is not None else ""
        owners = tuple(d.requirement for d in defects if any(code in answer.codes for answer in d.answers))
        actual = _refusal(exchange, defects, "REQ-ERR-CODES")
        yield about("REQ-ERR-CODES", exchange).violated(expected, actual, problem, because=owners)
        others = tuple(owner for owner in owners if owner != requirement)
        yield verdict.violated(expected, _refusal(exchange, defects, requirement), problem, because=others)
    elif any(defect.layer == "auth" for defect in defects):
        yield verdict.violated(expected, reply_summary(exchange), problem)
    else:
        yield verdict.met(reply_summary(exchange))


@check
def nothing_left_behind(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A poll with the id of a refused reimage shows no running or succeeded operation (REQ-GOS-NOTFOUND-NOEFFECT)."""
    del world
    refusal, poll = exchanges[0], exchanges[1]
    verdict = about("REQ-GOS-NOTFOUND-NOEFFECT", poll, refusal)
    if poll.reply is None:
        yield verdict.undecided(poll)
        return
    document = read_document(poll.reply) if poll.reply.status == 200 else None
    status = document.text("Status") if document is not None else None
    expected = "no operation InProgress or Succeeded under the id of a refused request"
    answer = f"{reply_summary(poll)}, {f'Status {status}' if status else 'no Status'}"
    actual = f"a poll with the id of the refusal ({reply_summary(refusal)}) was answered {answer}"
    holds = status not in ("InProgress", "Succeeded")
    yield verdict.judged(holds, expected, actual, f"operation:{status}")


def _effect_of_refusal(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of a refused request on the instance that the looks before and after it show."""
    deployment = world.deployment_of(read_target(exchanges[0].request.target))
    if deployment is None:
        return None
    place = Place(deployment, str(verdict.arguments["instance"]))
    return Effect((place,), (exchanges[1].number,), refusal=True, anywhere=True)


@effect_on(_effect_of_refusal)
@check
def instance_untouched(
    world: World, exchanges: Sequence[Exchange], requirement: str, instance: str, *, beside: bool = False
) -> Iterator[Verdict]:
    """Right after a refusal, Get Deployment shows the addressed instance as it was before.

    Exchanges: a look before, the refusal, a look after. `beside` says that another instance of the deployment was
    being reimaged meanwhile; the verdict is the same, but that reimage may be the cause
    (`reimage_conformance.assessment.causes`).
    """
    del world, beside
    before, refusal, after = exchanges[0], exchanges[1], exchanges[2]
    was, now = statuses_in(before).get(instance), statuses_in(after).get(instance)
    if was != READY or now is None:
        return
    expected = f"{instance} stays {READY} after a refused request"
    verdict = about(requirement, refusal, after)
    if now == READY:
        yield verdict.met(f"{reply_summary(refusal)}, and {instance} stays {READY}")
        return
    for violated in dict.fromkeys((requirement, "REQ-GOS-NOTFOUND-NOEFFECT")):
        actual = f"{instance} is {now} after {reply_summary(refusal)}"
        yield about(violated, refusal, after).violated(expected, actual, "touched")
