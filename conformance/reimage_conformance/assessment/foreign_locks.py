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
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.judging.response import CONFLICT_WITH_NOTHING
from reimage_conformance.judging.wording import is_conflict, reply_summary
from reimage_conformance.model import Outcome, Why
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.documents import error_message, plain_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reimage_conformance.assessment.own_requests import Moment
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Verdict

LATER = "something else seems to hold the deployment; try again later"
_ACCUSED = (Outcome.VIOLATED, Outcome.ADVISORY)
_CHECKS_OF_OTHERS = ("refused", "same_answer", "answered_with")
"""The checks whose verdict on a request is about something else than the conflict."""
_MIN_KINDS = 2
"""A lock shows where requests of at least this many kinds were answered 409. A single kind may have another reason."""
_GUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_AFTER_WORDS = re.compile(
    r"\brequest[ -]?id:? +['\"(]?([^\s'\"()]*[0-9][^\s'\"()]*?)[.,;:]?(?=[\s'\"()]|\Z)", re.IGNORECASE
)
"""An id that has not the form of a GUID, after the words "request id"."""


@dataclass(frozen=True, slots=True)
class ForeignLocks:
    """The answers to sound reimages, as far as they show whether something else held a deployment.

    `answers` holds for each deployment its sound reimages that were accepted, or answered 409 while no operation of
    ours ran, in the order of sending. `passed` holds for each deployment the answers other than 409 to requests,
    sound or not, whose answer before was such a 409. `tries` holds for each request the moment when it was first
    answered 409. `foreign` are the ids that more than one 409 named, and that the run was never given and never sent. An id that one answer
    alone names may be drawn for this answer. `ids` are those that the run was given or sent.
    """

    answers: Mapping[Deployment, Sequence[Exchange]]
    passed: Mapping[Deployment, Sequence[Exchange]]
    tries: Mapping[tuple[object, ...], Moment]
    foreign: frozenset[str]
    ids: frozenset[str]
    world: World

    @classmethod
    def of(cls, world: World, exchanges: Iterable[Exchange]) -> ForeignLocks:
        """What the exchanges of a run show."""
        in_order = sorted(exchanges, key=began)
        conflicts = [each for each in in_order if is_conflict(each)]
        if not conflicts:
            return cls({}, {}, {}, frozenset(), frozenset(), world)
        running = _running(in_order, world.target.limits.operation_timeout_seconds)
        answers: dict[Deployment, list[Exchange]] = {}
        passed: dict[Deployment, list[Exchange]] = {}
        locked_out: set[tuple[object, ...]] = set()  # requests last answered 409 while no operation of ours ran
        for exchange in in_order:
            deployment = _reimaged_deployment(exchange, world)
            if deployment is None or exchange.reply is None:
                continue
            key, met_lock = _key(exchange), is_conflict(exchange) and not _is_beside(exchange, running)
            if met_lock:
                locked_out.add(key)
            elif not is_conflict(exchange) and key in locked_out:
                locked_out.remove(key)
                passed.setdefault(deployment, []).append(exchange)
            if (exchange.is_successful or met_lock) and not permitted(exchange.request, world).binding:
                answers.setdefault(deployment, []).append(exchange)
        tries: dict[tuple[object, ...], Moment] = {}
        for exchange in conflicts:
            tries.setdefault(_key(exchange), began(exchange))
        ids, named = _ids_of_the_run(in_order), Counter(name for each in conflicts for name in _named_ids(each))
        foreign = frozenset(name for name, times in named.items() if times > 1) - ids
        return cls(answers, passed, tries, foreign, ids, world)

    def weighed(self, verdict: Verdict, exchanges: Mapping[int, Exchange]) -> Verdict:
        """`verdict`, made inconclusive where it accuses the endpoint of a 409 that something else may be the reason for."""
        if verdict.outcome not in _ACCUSED or not (self.answers or self.passed):
            return verdict
        reason = next(filter(None, (self._reason(verdict, exchange) for exchange in _accused(verdict, exchanges))), "")
        if not reason:
            return verdict
        return replace(
            verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, expected="", symptom="", because=(), why=Why.OTHER
        )

    def _reason(self, verdict: Verdict, exchange: Exchange) -> str:
        """Why the 409 of `exchange` shows nothing, "" where it does."""
        deployment = _reimaged_deployment(exchange, self.world)
        if deployment is None:
            return ""
        answers = self.answers.get(deployment, ())
        named = _named_ids(exchange)
        summary = reply_summary(exchange)
        if named & self.foreign and not named & self.ids and not self._was_accepted_meanwhile(exchange, answers):
            return f"{summary}, because of an operation that this run did not start: {LATER}"
        if verdict.symptom == CONFLICT_WITH_NOTHING:
            if not named & self.ids and _has_passed(exchange, answers):
                return f"{summary}, while no operation of this run was known to run, and a later reimage was accepted: {LATER}"
            return ""
        return self._reason_for_others(exchange, deployment)

    def _reason_for_others(self, exchange: Exchange, deployment: Deployment) -> str:
        """The same for a 409 to a request that may be bad, which names no operation."""
        longest, summary = self.world.target.limits.operation_timeout_seconds, reply_summary(exchange)
        near = [
            each
            for each in _neighbours(exchange, self.answers.get(deployment, ()))
            if abs(each.at - exchange.at) <= longest
        ]
        if any(map(is_conflict, near)):
            return f"{summary}, as a valid reimage of the deployment at about the same time: {LATER}"
        later = [each for each in self.passed.get(deployment, ()) if 0 <= each.at - exchange.at <= longest]
        kinds = {_kind(each) for each in later}
        if _kind(exchange) in kinds or len(kinds) >= _MIN_KINDS:
            return f"{summary}, as other requests to the deployment that were answered otherwise later: {LATER}"
        return ""

    def _was_accepted_meanwhile(self, exchange: Exchange, answers: Sequence[Exchange]) -> bool:
        """Whether a sound reimage in the deployment was accepted while the request of `exchange` was answered 409 again and again."""
        first = self.tries.get(_key(exchange), began(exchange))
        return any(each.is_successful and first < began(each) < began(exchange) for each in answers)


def _accused(verdict: Verdict, exchanges: Mapping[int, Exchange]) -> list[Exchange]:
    """The exchanges of a verdict whose 409 may be the reason for it."""
    if verdict.symptom == CONFLICT_WITH_NOTHING:
        numbers = verdict.evidence[:1]
    elif verdict.check in _CHECKS_OF_OTHERS:
        numbers = verdict.evidence[: 2 if verdict.check == "same_answer" else 1]
    else:
        return []
    return [exchanges[number] for number in numbers if number in exchanges and is_conflict(exchanges[number])]


def _reimaged_deployment(exchange: Exchange, world: World) -> Deployment | None:
    """The listed deployment in which a request addresses a role instance; None where there is none."""
    address = read_target(exchange.request.resource)
    if address.kind is not Kind.REIMAGE or exchange.label == "probe":
        return None
    return world.deployment_of(address)


def _running(exchanges: Sequence[Exchange], longest: float) -> list[tuple[float, float]]:
    """When each operation of ours was accepted and when a poll first showed its end, in seconds since the run began.

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


def _is_beside(exchange: Exchange, running: Sequence[tuple[float, float]]) -> bool:
    """Whether an operation of ours may have run when a request was answered."""
    return any(start <= answered(exchange)[0] and exchange.at <= end for start, end in running)


def _neighbours(exchange: Exchange, answers: Sequence[Exchange]) -> list[Exchange]:
    """The last answer to a sound reimage before `exchange` and the first one after it."""
    before = [each for each in answers if began(each) < began(exchange)]
    after = [each for each in answers if began(each) > began(exchange)]
    return [*before[-1:], *after[:1]]


def _has_passed(exchange: Exchange, answers: Sequence[Exchange]) -> bool:
    """Whether the lock that a sound reimage met was seen to pass.

    A reimage of the same kind was accepted later. Or one of another kind met the lock too, before any was accepted, and
    one of any kind was accepted later: else it may be the kind that the endpoint refuses.
    """
    later = [each for each in answers if began(each) > began(exchange) and each.is_successful]
    if any(_kind(each) == _kind(exchange) for each in later):
        return True
    others = [each for each in answers if _kind(each) != _kind(exchange) or each.number == exchange.number]
    return bool(later) and any(is_conflict(each) for each in _neighbours(exchange, others))


def _kind(exchange: Exchange) -> tuple[object, ...]:
    """What a request has in common with others of its kind: all but the instance, the connection and the client's own id."""
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
    """Every id that an answer or a request of the run has; of documents, those of successful answers."""
    found = {exchange.request_id for exchange in exchanges} - {""}
    for exchange in exchanges:
        if exchange.reply is not None and exchange.is_successful:
            found.update(_GUID.findall(exchange.reply.body.decode("latin-1")))
        for text in (exchange.request.target, *(value for _, value in exchange.request.headers)):
            found.update(_GUID.findall(text))
    return frozenset(map(plain_identifier, found))
