"""Fronts: whether the service answers, or something in front of it that lets no sound request through.

A gateway, a proxy, a login page, or an endpoint that does not know our certificate answers every request in the same way.
That shows nothing about the service, so that it is not accused. An endpoint without role instances that answers
as this protocol does (an x-ms-request-id, its documents, 202) is no front.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import reply_summary
from reimage_conformance.model import FailureKind, Identity, Outcome
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.documents import error_code, media_type, read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Response, Target, Verdict

CREDENTIALS = (401, 403)
PROXY_CREDENTIALS = 407
GATEWAY = (502, 504)
LATER = (429, 503)
"""Statuses that ask the client to come back later."""
_DOCUMENTS = ("Operation", "Deployment", "HostedService")
_CONNECTION_ENDED = (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET)
_NAMES = ("instance", "place", "slot", "bad-name", "elsewhere")
"""The keys of the defects that a sound request may have: what it addresses does not exist."""


@dataclass(frozen=True, slots=True)
class Front:
    """Something that answers in place of the service.

    `sentence` names the likely mistake and the key of the target file to change. `is_certain` says that sending more
    requests is of no use. A 404 without a sign of this protocol is not certain: a service that offers only reimages
    may send it, so that only a reimage shows more.
    """

    sentence: str
    is_certain: bool


def shows_protocol(exchange: Exchange) -> bool:
    """Whether an answer shows a sign of this protocol: a request id, one of its documents, or the 202 of a reimage."""
    reply = exchange.reply
    if reply is None:
        return False
    if reply.header("x-ms-request-id") or error_code(reply):
        return True
    if reply.status == 202 and exchange.request.method == "POST":
        return True
    return bool(reply.body) and read_document(reply).local_name in _DOCUMENTS


def comes_from_service(exchange: Exchange) -> bool:
    """Whether the service itself answered: no refusal of the caller, and no failure of something in front of it."""
    reply = exchange.reply
    if reply is None or not shows_protocol(exchange):
        return False
    is_front = reply.status in (*CREDENTIALS, PROXY_CREDENTIALS, 429)
    return reply.status < 500 and not 300 <= reply.status < 400 and not is_front


def without_fronts(verdict: Verdict, exchanges: Mapping[int, Exchange], front: Front | None, closed: str) -> Verdict:
    """`verdict`, made inconclusive where a front, and not the service, gave the answer.

    `front` is the front of all requests, if there is one. `closed` is the sentence on why no reimage is let through, ""
    where one is.
    """
    exchange = exchanges.get(verdict.evidence[0]) if verdict.evidence else None
    is_of_reimage = exchange is not None and read_target(exchange.request.resource).kind is Kind.REIMAGE
    reason = closed if is_of_reimage else ""
    if front is not None:
        reason = front.sentence
    if not reason or verdict.outcome not in (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY):
        return verdict
    return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=())


def closed_reimages(world: World, exchanges: Iterable[Exchange]) -> str:
    """A sentence on why no sound reimage of a listed instance was let through.

    It is "" where one was let through or was refused for another reason. A 429 or 503 is such a reason: it asks the
    client to come back later.
    """
    refused: list[Exchange] = []
    for exchange in exchanges:
        judged = expectation_of(exchange.request, world)
        if exchange.label == "probe" or judged.address.kind is not Kind.REIMAGE or not judged.must_be_accepted:
            continue
        status = exchange.reply.status if exchange.reply is not None else 0
        if status not in (*CREDENTIALS, PROXY_CREDENTIALS) and (status < 500 or status in LATER):
            return ""
        refused.append(exchange)
    if not refused or refused[0].reply is None:
        return ""
    observation = f"every valid reimage is answered {reply_summary(refused[0])}, and other requests are not"
    return f"{observation}: {_mistake(refused[0].reply, world.target, known=shows_protocol(refused[0]))}"


def front_of(world: World, exchanges: Iterable[Exchange]) -> Front | None:
    """The front, where no sound request reached the service; None where one did, or none was sent."""
    refused: list[Exchange] = []
    for exchange in exchanges:
        if exchange.label == "probe" or not _is_sound(exchange, world):
            continue
        if comes_from_service(exchange):
            return None
        refused.append(exchange)
    return _front_of_answers(refused, world.target) if refused else None


def _is_sound(exchange: Exchange, world: World) -> bool:
    """Whether a request is well formed and from a known caller; what it addresses need not exist."""
    judged = expectation_of(exchange.request, world)
    known = exchange.request.identity in (Identity.PRIMARY, Identity.SECOND)
    read = judged.address.kind is Kind.REIMAGE or exchange.request.method == "GET"
    named = judged.address.kind is not Kind.OTHER and bool(version_of(exchange))
    return known and read and named and all(defect.key in _NAMES for defect in judged.must_be_refused_for)


def _front_of_answers(refused: list[Exchange], target: Target) -> Front | None:
    """The front that gave these answers, by the most frequent status; None where silence does not show one."""
    answered = [(exchange, exchange.reply) for exchange in refused if exchange.reply is not None]
    if not answered:
        return _front_of_silence(refused, target)
    ((status, _),) = Counter(reply.status for _, reply in answered).most_common(1)
    exchange, reply = next(each for each in answered if each[1].status == status)
    every = f"every valid request is answered {reply_summary(exchange)}"
    is_certain = all(_is_for_every_request(each) for _, each in answered)
    return Front(f"{every}: {_mistake(reply, target, known=shows_protocol(exchange))}", is_certain)


def _is_for_every_request(reply: Response) -> bool:
    """Whether an answer does not depend on the request, and will not change with time."""
    return reply.status in (*CREDENTIALS, PROXY_CREDENTIALS) or (
        not 400 <= reply.status < 500 and reply.status not in LATER
    )


def _front_of_silence(silent: list[Exchange], target: Target) -> Front | None:
    """The front where every connection ended without an answer, as with a certificate that is refused in TLS."""
    kinds = {exchange.failure.kind for exchange in silent if exchange.failure is not None}
    if not target.is_https or not kinds <= set(_CONNECTION_ENDED):
        return None
    every = f"no valid request got an answer: {reply_summary(silent[0])}"
    return Front(
        f"{every}: client_certificate may not use subscription_id, as a refusal in TLS shows; look at both",
        is_certain=True,
    )


def _mistake(reply: Response, target: Target, *, known: bool) -> str:  # noqa: PLR0911  a table
    """The likely mistake behind an answer that every request gets, and the key of the target file to check."""
    status = reply.status
    if status == PROXY_CREDENTIALS:
        return "a proxy that asks for credentials answers in place of the service; look at base_url"
    if status in CREDENTIALS and not target.is_https:
        return "no client certificate is shown over http; look at base_url, which may have to begin with https://"
    if status in CREDENTIALS:
        other = "" if known else ", and at base_url, for nothing in the answer is of this protocol"
        return f"client_certificate may not use subscription_id; look at both{other}"
    if status in GATEWAY:
        return "a gateway does not reach the service behind it; look at base_url, and whether the service runs"
    if status in LATER:
        return "the service is busy or down; try again later, or look at base_url"
    if status >= 500:
        return "the service, or something in front of it, fails on every request; look at its log, and at base_url"
    if 300 <= status < 400:
        moved = urlsplit(reply.header("Location") or "")
        where = f"{moved.scheme}://{moved.netloc}" if moved.netloc else (moved.path or "elsewhere")
        return f"the answer redirects to {where}; look at base_url"
    if status < 300:
        return f"{media_type(reply) or 'content without a media type'} that is no document of this protocol; look at base_url"
    return "nothing in the answer is of this protocol; look at base_url, which seems to lead to something else"
