"""Foreign locks: deployments that something else than the run seemed to hold when a request was answered 409.

An upgrade of the guest OS, an autoscaler or another administrator may hold a deployment for minutes, so that every
reimage in it is answered 409 although no operation of ours runs (REQ-CONC-CONFLICT). Such an answer shows nothing. All
of this is computed from the exchanges.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.own_requests import answered, began
from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.response import CONFLICT_WITH_NOTHING
from reimage_conformance.judging.wording import is_conflict, reply_summary
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import error_message, plain_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reimage_conformance.assessment.own_requests import Moment
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Verdict

TRY_LATER = "something else seems to hold the deployment; try again later"
_CHECKS_NOT_ABOUT_CONFLICTS = ("refused", "same_answer", "answered_with")
"""The checks whose verdict on a request is about something else than the conflict."""
_MIN_KINDS = 2
"""A lock is seen where requests of at least this many kinds were answered 409, and later got another answer.

If only one kind was, the endpoint may have another reason for the 409. It then excuses only requests of this kind, and bad ones with the same mistakes.
"""
_GUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_AFTER_WORDS = re.compile(
    r"\brequest[ -]?id:? +['\"(]?([^\s'\"()]*[0-9][^\s'\"()]*?)[.,;:]?(?=[\s'\"()]|\Z)", re.IGNORECASE
)
"""An id of any form after the words "request id"."""


@dataclass(frozen=True, slots=True)
class ForeignLocks:
    """The answers to reimages, as far as they show whether something else held a deployment."""

    answers: Mapping[Deployment, Sequence[Exchange]]
    """The reimages in each deployment that were accepted, or answered 409 while no operation of ours ran, in the order of sending.

    Those with a defect for which they have to be refused are left out.
    """
    after_locks: Mapping[Deployment, Sequence[Exchange]]
    """The requests in each deployment, sound or not, that were answered otherwise the first time after such a 409."""
    first_conflicts: Mapping[tuple[object, ...], Moment]
    """For each request (`_key`), when its first try that was answered 409 was sent."""
    foreign_ids: frozenset[str]
    """The ids that more than one 409 named and that are not in `own_ids`.

    An id that only one answer names may be a random one, made for that answer.
    """
    own_ids: frozenset[str]
    """The ids that the run was given or sent (`_ids_of_the_run`)."""
    world: World

    @classmethod
    def of(cls, world: World, exchanges: Iterable[Exchange]) -> ForeignLocks:
        """What the exchanges of a run show."""
        in_order = sorted(exchanges, key=began)
        conflicts = [each for each in in_order if is_conflict(each)]
        if not conflicts:
            return cls({}, {}, {}, frozenset(), frozenset(), world)
        operations = _times_of_operations(in_order, world.target.limits.operation_timeout_seconds)
        answers: dict[Deployment, list[Exchange]] = {}
        after_locks: dict[Deployment, list[Exchange]] = {}
        locked_out: set[tuple[object, ...]] = set()  # requests last answered 409 while no operation of ours ran
        for exchange in in_order:
            deployment = _reimaged_deployment(exchange, world)
            if deployment is None or exchange.reply is None:
                continue
            key, met_lock = _key(exchange), is_conflict(exchange) and not _overlaps(exchange, operations)
            must_be_refused = bool(expectation_of(exchange.request, world).must_be_refused_for)
            if met_lock:
                locked_out.add(key)
            elif not is_conflict(exchange) and key in locked_out:
                locked_out.remove(key)
                after_locks.setdefault(deployment, []).append(exchange)
            if (exchange.is_successful or met_lock) and not must_be_refused:
                answers.setdefault(deployment, []).append(exchange)
        first_conflicts: dict[tuple[object, ...], Moment] = {}
        for exchange in conflicts:
            first_conflicts.setdefault(_key(exchange), began(exchange))
        own_ids, named = _ids_of_the_run(in_order), Counter(name for each in conflicts for name in _named_ids(each))
        foreign_ids = frozenset(name for name, times in named.items() if times > 1) - own_ids
        return cls(answers, after_locks, first_conflicts, foreign_ids, own_ids, world)

    def without_foreign_locks(self, verdict: Verdict, exchanges: Mapping[int, Exchange]) -> Verdict:
        """`verdict`, made inconclusive where it accuses the endpoint of a 409 for which a foreign lock may be the reason."""
        if not verdict.is_violation or not (self.answers or self.after_locks):
            return verdict
        reasons = (self._reason(verdict, conflict) for conflict in _conflicts_of(verdict, exchanges))
        reason = next(filter(None, reasons), "")
        if not reason:
            return verdict
        return verdict.made_inconclusive(reason)

    def _reason(self, verdict: Verdict, exchange: Exchange) -> str:
        """Why the 409 of `exchange` shows nothing, "" where it does."""
        deployment = _reimaged_deployment(exchange, self.world)
        if deployment is None:
            return ""
        answers = self.answers.get(deployment, ())
        named = _named_ids(exchange)
        summary = reply_summary(exchange)
        is_foreign = bool(named & self.foreign_ids) and not named & self.own_ids
        if is_foreign and not self._was_accepted_meanwhile(exchange, answers):
            return f"{summary}, because of an operation that this run did not start: {TRY_LATER}"
        if verdict.symptom == CONFLICT_WITH_NOTHING:
            if not named & self.own_ids and _has_passed(exchange, answers):
                return f"{summary}, while no operation of this run was known to run, and a later reimage was accepted: {TRY_LATER}"
            return ""
        return self._reason_for_others(exchange, deployment)

    def _reason_for_others(self, exchange: Exchange, deployment: Deployment) -> str:
        """Why the 409 shows nothing in a verdict that is not about conflicts: answers to other requests in `deployment` show the lock."""
        longest, summary = self.world.target.limits.operation_timeout_seconds, reply_summary(exchange)
        near = [
            each
            for each in _neighbours(exchange, self.answers.get(deployment, ()))
            if abs(each.at - exchange.at) <= longest
        ]
        if any(map(is_conflict, near)):
            return (
                f"{summary}; a valid reimage in the deployment was answered 409 within {longest:g} s of it: {TRY_LATER}"
            )
        later = [each for each in self.after_locks.get(deployment, ()) if 0 <= each.at - exchange.at <= longest]
        kinds = {_kind(each) for each in later}
        mistakes = self._mistakes_in(exchange)
        has_same_mistakes = bool(mistakes) and any(self._mistakes_in(each) == mistakes for each in later)
        if _kind(exchange) in kinds or has_same_mistakes or len(kinds) >= _MIN_KINDS:
            return f"{summary}; requests in the deployment that were answered 409 got other answers later: {TRY_LATER}"
        return ""

    def _mistakes_in(self, exchange: Exchange) -> frozenset[str]:
        """The keys of what is wrong with a request, none for a sound one."""
        return frozenset(defect.key for defect in expectation_of(exchange.request, self.world).defects)

    def _was_accepted_meanwhile(self, exchange: Exchange, answers: Sequence[Exchange]) -> bool:
        """Whether a sound reimage in the deployment was accepted while the request of `exchange` was answered 409 again and again."""
        first = self.first_conflicts.get(_key(exchange), began(exchange))
        return any(each.is_successful and first < began(each) < began(exchange) for each in answers)


def _conflicts_of(verdict: Verdict, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The exchanges of a verdict whose 409 may be the reason for it."""
    if verdict.symptom == CONFLICT_WITH_NOTHING:
        numbers = verdict.evidence[:1]
    elif verdict.check in _CHECKS_NOT_ABOUT_CONFLICTS:
        numbers = verdict.evidence[: 2 if verdict.check == "same_answer" else 1]
    else:
        return []
    return [exchanges[number] for number in numbers if number in exchanges and is_conflict(exchanges[number])]


def _reimaged_deployment(exchange: Exchange, world: World) -> Deployment | None:
    """The listed deployment in which a request addresses a role instance; None where there is none.

    A deployment that is named in the wrong form of address counts too: an endpoint may find it, and look at its lock first.
    """
    address = read_target(exchange.request.resource)
    if address.kind is not Kind.REIMAGE or exchange.label == "probe":
        return None
    forms = (replace(address, form=form) for form in (address.form, *UriForm))
    return next(filter(None, map(world.deployment_of, forms)), None)


def _times_of_operations(exchanges: Sequence[Exchange], longest: float) -> list[tuple[float, float]]:
    """When the reimage of each operation of ours was sent and when a poll first showed its end, in seconds since the run began.

    Where no poll showed the end, it is taken to come `longest` seconds after the reimage was sent.
    """
    ends: dict[str, float] = {}
    for exchange in exchanges:
        address = read_target(exchange.request.resource)
        if address.kind is Kind.OPERATION and status_of(exchange) in TERMINAL:
            ends.setdefault(plain_identifier(address.operation), answered(exchange)[0])
    return [
        (exchange.at, ends.get(plain_identifier(exchange.request_id), exchange.at + longest))
        for exchange in exchanges
        if exchange.is_successful and read_target(exchange.request.resource).kind is Kind.REIMAGE
    ]


def _overlaps(exchange: Exchange, operations: Sequence[tuple[float, float]]) -> bool:
    """Whether one of `operations` (`_times_of_operations`) may have run while a request was under way."""
    return any(start <= answered(exchange)[0] and exchange.at <= end for start, end in operations)


def _neighbours(exchange: Exchange, answers: Sequence[Exchange]) -> list[Exchange]:
    """The last answer to a sound reimage before `exchange` and the first one after it."""
    before = [each for each in answers if began(each) < began(exchange)]
    after = [each for each in answers if began(each) > began(exchange)]
    return [*before[-1:], *after[:1]]


def _has_passed(exchange: Exchange, answers: Sequence[Exchange]) -> bool:
    """Whether the lock that the sound reimage of `exchange` met was seen to pass.

    It was seen to pass if a reimage of the same kind was accepted later. If only reimages of other kinds were accepted
    later, the endpoint may refuse this kind alone. Then the lock was seen to pass only if a reimage of another kind met
    it too: the last one of the other kinds before `exchange`, or the first one after it.
    """
    later = [each for each in answers if began(each) > began(exchange) and each.is_successful]
    if any(_kind(each) == _kind(exchange) for each in later):
        return True
    of_other_kinds = [each for each in answers if _kind(each) != _kind(exchange)]
    return bool(later) and any(is_conflict(each) for each in _neighbours(exchange, of_other_kinds))


def _kind(exchange: Exchange) -> tuple[object, ...]:
    """What a request has in common with others of its kind.

    These are method, form of address, query, header lines without the client's own id, body and certificate. What the request
    addresses does not count, nor its connection.
    """
    request, address = exchange.request, read_target(exchange.request.resource)
    lines = tuple(line for line in request.headers if line[0].lower() != "x-ms-client-request-id")
    return request.method, address.form, address.query, lines, request.body, request.identity


def _key(exchange: Exchange) -> tuple[object, ...]:
    """What every try of the same request has in common."""
    return (read_target(exchange.request.resource), *_kind(exchange))


def _named_ids(exchange: Exchange) -> frozenset[str]:
    """The ids that the message of an error names."""
    message = error_message(exchange.reply) if exchange.reply is not None else ""
    return frozenset(map(plain_identifier, (*_GUID.findall(message), *_AFTER_WORDS.findall(message))))


def _ids_of_the_run(exchanges: Sequence[Exchange]) -> frozenset[str]:
    """The ids that the run was given or sent.

    They are the x-ms-request-id of each answer, and the GUIDs in the content of successful answers, in request targets
    and in the headers of requests.
    """
    found = {exchange.request_id for exchange in exchanges} - {""}
    for exchange in exchanges:
        if exchange.reply is not None and exchange.is_successful:
            found.update(_GUID.findall(exchange.reply.body.decode("latin-1")))
        for text in (exchange.request.target, *(value for _, value in exchange.request.headers)):
            found.update(_GUID.findall(text))
    return frozenset(map(plain_identifier, found))
