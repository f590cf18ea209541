"""Checks of refusals: a request with a defect was answered as the oracle permits, and started nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.judging.defects import any_status_of
from reimage_conformance.judging.errors import BY_TABLE, TABLE_KEYS, is_refused_before_application
from reimage_conformance.judging.operations.polls import end_shown, leads_elsewhere, without_end
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.sent import with_kind_sent, with_sent
from reimage_conformance.judging.transport.framing import is_lost_after_large_body
from reimage_conformance.judging.wording import (
    any_of,
    is_busy,
    is_moved,
    is_standard,
    quoted,
    reply_summary,
    symptom,
)
from reimage_conformance.model import FailureKind
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.deployments import BAD_STATES, READY, statuses_in
from reimage_conformance.protocol.documents import error_code, read_document
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.judging.registry import About
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Request, Response, Verdict

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
    allowed = expectation_of(exchange.request, world)
    if not allowed.must_be_refused_for:
        return
    bad = _BadRequest(exchange, allowed.defects, requirement or allowed.must_be_refused_for[0].requirement)
    if exchange.reply is None:
        yield _unanswered(bad, alive=alive)
    elif is_busy(exchange):
        yield bad.verdict.undecided(exchange, "the endpoint was busy: ")
    elif exchange.is_successful:
        yield from _accepted(bad, exchange.reply, exchanges[1 : 1 + polls], overdue=overdue)
    elif is_moved(exchange):
        yield bad.verdict.undecided(exchange)
    else:
        yield from _answered(bad, exchange.reply)


@dataclass(frozen=True, slots=True)
class _BadRequest:
    """A request that has to be refused; `requirement` is the one that a wrong answer violates."""

    exchange: Exchange
    defects: tuple[Defect, ...]
    requirement: str

    @property
    def verdict(self) -> About:
        """A maker of verdicts about the requirement."""
        return about(self.requirement, self.exchange)

    @property
    def expected(self) -> str:
        """The permitted answers in words; statuses alone are merged where no defect names more.

        A defect that asks for a code is left out where another one permits the same statuses with any code.
        """
        any_code = frozenset().union(*(a.statuses for d in self.defects for a in d.answers if not a.codes))
        shown = [d for d in self.defects if d.later or not all(a.codes and a.statuses <= any_code for a in d.answers)]
        if all(not defect.later and not any(answer.codes for answer in defect.answers) for defect in shown):
            statuses = frozenset().union(*(defect.statuses for defect in shown))
            return any_status_of(statuses)
        return "; or ".join(dict.fromkeys(str(defect) for defect in shown))

    @property
    def is_of_table(self) -> bool:
        """Whether the error table lists a defect of the request."""
        return any(defect.key in TABLE_KEYS for defect in self.defects)

    def refusal(self, requirement: str) -> str:
        """The refusal in words, and what it refused.

        For REQ-ERR-CODES this includes the kind of request, since the sentences of that requirement do not say it.
        """
        if requirement == "REQ-ERR-CODES" and len(self.defects) == 1:
            return with_kind_sent(reply_summary(self.exchange), self.exchange.request, self.defects[0])
        return self.seen(f"{reply_summary(self.exchange)}{self._as_if_let_in}")

    @property
    def _as_if_let_in(self) -> str:
        """Words for a refusal with an error code that is not about the certificate, where the caller may not send the request."""
        answers = [answer for defect in self.defects if defect.layer == "auth" for answer in defect.answers]
        codes = frozenset().union(*(answer.codes for answer in answers))
        code = error_code(self.exchange.reply) if self.exchange.reply is not None else ""
        is_refused = self.exchange.reply is not None and 400 <= self.exchange.reply.status < 500
        return ", as if the certificate were accepted" if answers and is_refused and code and code not in codes else ""

    def seen(self, actual: str) -> str:
        """What was seen, then what had been sent."""
        return with_sent(actual, self.exchange.request, self.defects)


def _unanswered(bad: _BadRequest, *, alive: bool) -> Verdict:
    """The verdict where no reply came.

    A defect of authentication may be refused in TLS. Else a missing reply is a wrong answer if the endpoint answered
    other requests meanwhile (`alive`), and proves nothing if not.
    """
    exchange = bad.exchange
    kind = exchange.failure.kind if exchange.failure else FailureKind.CLOSED
    hung_up = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET)
    if any(defect.layer == "auth" for defect in bad.defects) and kind in hung_up:
        return bad.verdict.met(f"refused in TLS: {kind.value}")
    if alive and not is_lost_after_large_body(exchange):
        return bad.verdict.violated(bad.expected, bad.seen(reply_summary(exchange)), symptom(exchange))
    return bad.verdict.undecided(exchange)


def _accepted(bad: _BadRequest, response: Response, polls: Sequence[Exchange], *, overdue: bool) -> Iterator[Verdict]:
    """The verdict on a 2xx: it is permitted only where the operation may fail later, and did.

    Where any failure is permitted, one with another HttpStatusCode is advisory, and an operation without an end shows nothing.
    A 2xx with an Error document, or a status that is not registered, violates REQ-ERR-STATUS as well. A 200 or
    204 to HEAD, OPTIONS or TRACE is observed, not judged (RFC 9110 9.3.7).
    """
    exchange, method = bad.exchange, bad.exchange.request.method
    ends = [(poll, end) for poll in polls if (end := end_shown(poll)) is not None]
    last, end = ends[-1] if ends else (None, None)
    verdict = about(bad.requirement, exchange, *([last] if last is not None else polls[-1:]))
    if error_code(response) or not is_standard(response.status):
        hidden = bool(error_code(response))
        what, problem = (" with an Error document", "error-in-2xx") if hidden else ("", symptom(exchange))
        yield about("REQ-ERR-STATUS", exchange).violated("a 4xx status", f"{reply_summary(exchange)}{what}", problem)
        yield verdict.violated(bad.expected, reply_summary(exchange), problem)
        return
    if response.status in (200, 204) and method in ("HEAD", "OPTIONS", "TRACE"):
        yield about("REQ-ERR-VERB", exchange).observed(f"{method} is answered {reply_summary(exchange)}")
        return
    later = frozenset().union(*(defect.later for defect in bad.defects))
    any_failure = any(defect.any_failure for defect in bad.defects)
    if later and overdue and end is None and not (any_failure or leads_elsewhere(polls)):
        actual = f"{reply_summary(exchange)}, but {without_end(polls)}"
        yield verdict.violated(bad.expected, actual, "accepted:no-end")
    elif later and response.status == 202 and end is None:
        yield verdict.inconclusive("accepted; the end of the operation was not seen")
    elif end is not None and end[0] == "Failed" and end[1] in {str(status) for status in later}:
        yield verdict.met(f"accepted, then Failed with {end[1]}")
    else:
        ended = f", then {end[0]} {f'with {end[1]}' if end[1] else 'without HttpStatusCode'}" if end else ""
        if any_failure and end is not None and end[0] == "Failed":
            actual = bad.seen(f"{reply_summary(exchange)}{ended}")
            yield verdict.advised(f"Failed with {any_of(sorted(later))}", actual, "accepted")
            return
        if later and end is not None and end[0] == "Failed":
            ended += f", not with {any_of(sorted(later))}"
        others = tuple(defect.requirement for defect in bad.defects if defect.requirement != bad.requirement)
        version_ignored = ("REQ-VER-MISSING",) if any(defect.key in _VERSION_KEYS for defect in bad.defects) else ()
        actual = bad.seen(f"{reply_summary(exchange)}{ended}")
        yield verdict.violated(bad.expected, actual, "accepted", because=(*others, *version_ignored))


def _answered(bad: _BadRequest, response: Response) -> Iterator[Verdict]:
    """The verdict on a refusal: its status first, then its code where one can be read.

    An anonymous request that is refused was not served, so REQ-AUTH-TLS is met; a wrong status or code violates
    REQ-AUTH-FAIL. A page with 400 by the software that ends TLS is a refusal in TLS.
    """
    exchange = bad.exchange
    if bad.requirement == "REQ-AUTH-TLS":
        yield bad.verdict.met(reply_summary(exchange))
        bad = replace(bad, requirement="REQ-AUTH-FAIL")
    fitting = [defect for defect in bad.defects if response.status in defect.statuses]
    if not fitting and _is_page_of_tls_layer(exchange, response):
        yield bad.verdict.met(f"refused in TLS, with a page: {reply_summary(exchange)}")
        return
    if not fitting:
        yield from _wrong_status(bad, response)
        return
    code, codes = error_code(response), [defect.codes(response.status) for defect in fitting]
    if code and all(codes) and code not in frozenset().union(*codes):
        yield from _wrong_code(bad, code)
        return
    yield bad.verdict.met(reply_summary(exchange))
    if bad.is_of_table and code and len(bad.defects) == 1:
        yield about("REQ-ERR-CODES", exchange).met(reply_summary(exchange))


def _is_page_of_tls_layer(exchange: Exchange, response: Response) -> bool:
    """Whether an unknown caller was refused by the software that ends TLS, which may say so in a page with 400 (REQ-AUTH-FAIL)."""
    return response.status == 400 and bool(response.body.strip()) and is_refused_before_application(exchange)


def _wrong_status(bad: _BadRequest, response: Response) -> Iterator[Verdict]:
    """The verdicts on a refusal whose status none of the defects permits.

    REQ-ERR-CODES is violated as well where the error table lists the only defect. Where the table alone gives the
    status, REQ-ERR-CODES is the cause of the other violation; else the other requirement is.
    """
    exchange, is_single = bad.exchange, len(bad.defects) == 1
    is_by_table = is_single and bad.defects[0].key in BY_TABLE and response.status < 500
    cause, effect = bad.requirement, "REQ-ERR-CODES"
    if is_by_table:
        cause, effect = effect, cause
    is_unknown_name = any(defect.key in ("bad-name", "elsewhere") for defect in bad.defects)
    because = ("REQ-ERR-CODES",) if is_unknown_name else ()  # the endpoint may answer every unknown name in this way
    problem = symptom(exchange)
    yield about(cause, exchange).violated(bad.expected, bad.refusal(cause), problem, because=because)
    if bad.is_of_table and is_single:
        yield about(effect, exchange).violated(bad.expected, bad.refusal(effect), problem, because=(cause,))


def _wrong_code(bad: _BadRequest, code: str) -> Iterator[Verdict]:
    """The verdicts on a right status with a wrong `code`.

    REQ-ERR-CODES is violated as well where the error table lists the defect. Else a wrong code violates a requirement
    only if a defect is one of authentication.
    """
    exchange, problem = bad.exchange, f"code:{code}"
    if bad.is_of_table:
        owners = tuple(d.requirement for d in bad.defects if any(code in answer.codes for answer in d.answers))
        actual = bad.refusal("REQ-ERR-CODES")
        yield about("REQ-ERR-CODES", exchange).violated(bad.expected, actual, problem, because=owners)
        others = tuple(owner for owner in owners if owner != bad.requirement)
        yield bad.verdict.violated(bad.expected, bad.refusal(bad.requirement), problem, because=others)
    elif any(defect.layer == "auth" for defect in bad.defects):
        yield bad.verdict.violated(bad.expected, bad.seen(reply_summary(exchange)), problem)
    else:
        yield bad.verdict.met(reply_summary(exchange))


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
    deployment = world.deployment_of(read_target(exchanges[0].request.resource))
    if deployment is None:
        return None
    place = Place(deployment, str(verdict.arguments["instance"]))
    return Effect((place,), (exchanges[1].number,), refusal=True, anywhere=True, departs=True)


@effect_on(_effect_of_refusal)
@check
def instance_untouched(
    world: World, exchanges: Sequence[Exchange], requirement: str, instance: str, *, beside: bool = False
) -> Iterator[Verdict]:
    """Right after a refusal, Get Deployment shows the addressed instance as it was before.

    Exchanges: a look before, the refusal, a look after. `beside` says that another instance of the deployment was
    being reimaged meanwhile; the verdict is the same, but that reimage may be the cause
    (`reimage_conformance.assessment.causes`). A status that is due to the guest is inconclusive (REQ-DEPL-BAD-STATES).
    """
    del beside
    before, refusal, after = exchanges[0], exchanges[1], exchanges[2]
    named = world.named(read_target(before.request.resource), instance)
    was, now = statuses_in(before).get(instance), statuses_in(after).get(instance)
    if was != READY or now is None:
        return
    expected = f"{named} stays {READY} after a refused request"
    verdict = about(requirement, refusal, after)
    if now == READY:
        yield verdict.met(f"{reply_summary(refusal)}, and {named} stays {READY}")
        return
    if now in BAD_STATES:
        yield verdict.inconclusive(f"{named} is {now}, which is a problem of its guest")
        return
    for violated in dict.fromkeys((requirement, "REQ-GOS-NOTFOUND-NOEFFECT")):
        actual = f"{named} is {now} after {reply_summary(refusal)}{_method_if_unusual(refusal.request)}"
        yield about(violated, refusal, after).violated(expected, actual, "touched")


def _method_if_unusual(request: Request) -> str:
    """The method of a request in words, "" for POST."""
    return "" if request.method == "POST" else f", for method {quoted(request.method)}"
