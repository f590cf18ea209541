"""Causes: what the evidence of a verdict itself points at, beyond what its check could see.

A cause is only named here. Whether it explains anything is decided where violations are grouped, and only if the
requirement it names was itself found violated.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.controls import shut_out
from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, published_from
from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.transport.framing import FRAMING_IS_ELSEWHERE, framing_problems, is_left_body
from reimage_conformance.judging.wording import is_conflict, is_diversion, is_standard
from reimage_conformance.model import Outcome
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import error_code, read_document, same_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reimage_conformance.assessment.controls import Controls
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.addresses import Address

_COMPLETES = "REQ-REIMAGE-COMPLETES"
_EQUIVALENT, _SLOTS = "REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-SLOT-VALUES"
_MIXED_UP = frozenset(
    {
        "REQ-REIMAGE-URI-SLOT",
        "REQ-REIMAGE-URI-NAME",
        _SLOTS,
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        "REQ-REIMAGE-OTHERS-UNTOUCHED",
        "REQ-REIMAGE-FRESH-OS",
        "REQ-REIMAGE-OTHERDATA-LOST",
        "REQ-REIMAGE-OFFLINE",
        "REQ-REIMAGE-ONLINE",
        "REQ-REIMAGE-COMPLETES",
        "REQ-CONC-REFUSED-NOEFFECT",
        "REQ-GOS-NOTFOUND-NOEFFECT",
    }
)
"""What a reimage that reaches another instance than the one it names violates besides."""


_RETOLD = frozenset(
    {
        "REQ-GOS-TERMINAL-STABLE",
        "REQ-GOS-PROGRESS",
        "REQ-GOS-READONLY",
        "REQ-REIMAGE-COMPLETES",
        "REQ-REIMAGE-FINAL-200",
        "REQ-REIMAGE-REQID-USABLE",
    }
)
"""What the story of an operation may violate because it is the story of two."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All exchanges of a run by number, and which well-formed requests were accepted.

    `started` are the ids of operations, `reissued` those of several, `meddled` those of operations on which another method than GET or HEAD was accepted.
    `shifted` are the exchanges on connections that repeated a response, from there on: each may have got that of another request.
    `misled` are the forms of address by which a reimage was seen to reach another instance; None where verdicts were not asked for it.
    `endless` says that some accepted reimage was seen not to end as it must.
    """

    exchanges: Mapping[int, Exchange]
    controls: Controls
    started: frozenset[str] = frozenset()
    reissued: frozenset[str] = frozenset()
    meddled: frozenset[str] = frozenset()
    shifted: frozenset[int] = frozenset()
    misled: frozenset[UriForm] | None = None
    endless: bool = True

    @classmethod
    def of(cls, exchanges: Mapping[int, Exchange], controls: Controls) -> Evidence:
        """The evidence of a run."""
        starts: Counter[str] = Counter()
        meddled: set[str] = set()
        for exchange in exchanges.values():
            address = read_target(exchange.request.target)
            status = exchange.reply.status if exchange.reply is not None else 0
            if exchange.reply is not None and status == 202 and address.kind is Kind.REIMAGE:
                starts[(exchange.reply.header("x-ms-request-id") or "").lower()] += 1
            if (
                200 <= status < 300
                and address.kind is Kind.OPERATION
                and exchange.request.method not in ("GET", "HEAD")
            ):
                meddled.add(address.operation)
        reissued = frozenset(identifier for identifier, count in starts.items() if count > 1)
        return cls(exchanges, controls, frozenset(starts), reissued, frozenset(meddled), _shifted(exchanges))

    def with_verdicts(self, verdicts: Iterable[Verdict]) -> Evidence:
        """The same, with what the verdicts of the run show of the causes that single exchanges cannot."""
        misled: set[UriForm] = set()
        endless = False
        for verdict in verdicts:
            if verdict.outcome not in (Outcome.VIOLATED, Outcome.ADVISORY):
                continue
            if verdict.requirement == _EQUIVALENT:
                misled |= self.forms_in(verdict)
            endless |= verdict.requirement == _COMPLETES and verdict.symptom != "final-status"
        return replace(self, misled=frozenset(misled), endless=endless)

    def forms_in(self, verdict: Verdict) -> set[UriForm]:
        """The forms of address of the reimages among the evidence of a verdict."""
        known = [self.exchanges[number] for number in verdict.evidence if number in self.exchanges]
        addresses = [read_target(exchange.request.target) for exchange in known]
        return {each.form for each in addresses if each.kind is Kind.REIMAGE and each.form is not None}


def _shifted(exchanges: Mapping[int, Exchange]) -> frozenset[int]:
    """The exchanges from the first on their connection that brought the very response of the one before, its id included.

    None where ids come back on other connections too: then it is the ids that repeat, and each response belongs to its request.
    """
    if _share_ids_across(exchanges):
        return frozenset()
    before: dict[int, Exchange] = {}
    found: set[int] = set()
    astray: set[int] = set()
    for number, exchange in exchanges.items():
        earlier = before.get(exchange.connection)
        told = exchange.reply is not None and bool(exchange.reply.header("x-ms-request-id"))
        if told and earlier is not None and earlier.reply == exchange.reply:
            astray.add(exchange.connection)
        if exchange.connection in astray:
            found.add(number)
        before[exchange.connection] = exchange
    return frozenset(found)


def _share_ids_across(exchanges: Mapping[int, Exchange]) -> bool:
    """Whether two responses that differ have one id on different connections; a poll that is told the id it asks about is left out."""
    first: dict[str, Exchange] = {}
    for exchange in exchanges.values():
        identifier = (exchange.reply.header("x-ms-request-id") if exchange.reply is not None else "") or ""
        address = read_target(exchange.request.target)
        tracked = address.kind is Kind.OPERATION and same_identifier(address.operation, identifier)
        if not identifier or tracked:
            continue
        earlier = first.setdefault(identifier, exchange)
        if earlier.connection != exchange.connection and earlier.reply != exchange.reply:
            return True
    return False


def attributed(verdict: Verdict, evidence: Evidence) -> Verdict:
    """`verdict` with the requirements that its deciding exchange points at among its causes."""
    exchange = evidence.exchanges.get(verdict.evidence[0]) if verdict.evidence else None
    if verdict.outcome not in (Outcome.VIOLATED, Outcome.ADVISORY) or exchange is None:
        return verdict
    causes = [cause for cause in _causes(verdict, exchange, evidence) if cause != verdict.requirement]
    return replace(verdict, because=tuple(dict.fromkeys((*verdict.because, *causes)))) if causes else verdict


def _is_about_version(exchange: Exchange, minimum: str) -> bool:
    """Whether a published version from `minimum` on was refused."""
    code = error_code(exchange.reply) if exchange.reply is not None and exchange.reply.status >= 400 else ""
    return code == "MissingOrIncorrectVersionHeader" and version_of(exchange) in published_from(minimum)


def _is_odd(exchange: Exchange) -> bool:
    """Whether an answer has a status that no answer here should have."""
    status = exchange.reply.status if exchange.reply is not None else 200
    return is_diversion(status) or not is_standard(status)


def _of_the_connection(verdict: Verdict, exchange: Exchange, evidence: Evidence) -> Iterator[str]:
    """What may have given a response another beginning or end than its own, or the place of another."""
    misframed = framing_problems(exchange) and not is_left_body(exchange)
    if misframed and verdict.requirement not in FRAMING_IS_ELSEWHERE:
        yield "REQ-HTTP-FRAMING"
    if exchange.number in evidence.shifted:
        yield "REQ-ASYNC-REQID-UNIQUE"


def _causes(verdict: Verdict, exchange: Exchange, evidence: Evidence) -> Iterator[str]:
    """What a deciding exchange points at."""
    address = read_target(exchange.request.target)
    yield from _of_the_connection(verdict, exchange, evidence)
    if exchange.request.values("Transfer-Encoding") and verdict.requirement != "REQ-HTTP-TE-UNKNOWN":
        yield "REQ-HTTP-CHUNKED"
    if _is_odd(exchange) and verdict.requirement != "REQ-REIMAGE-202":
        yield "REQ-ERR-STATUS"
    reimage = address.kind is Kind.REIMAGE
    if reimage and is_conflict(exchange):
        yield "REQ-CONC-REFUSED-NOEFFECT"
        yield from (_COMPLETES,) if evidence.endless else ()  # what never ends keeps everything busy
    if _is_about_version(exchange, MINIMUM_VERSION if reimage else FIRST_VERSION):
        yield from ("REQ-REIMAGE-VERSION",) if reimage else ()
        yield "REQ-VER-OLD-KEPT"
        yield from ("REQ-GOS-VERSION-MIN",) if address.kind is Kind.OPERATION else ()
    if any(key.lower() == "x-ms-version" and value != value.strip(" \t") for key, value in exchange.request.headers):
        yield "REQ-VER-OWS"
    if (
        verdict.requirement in _RETOLD
        and address.kind is Kind.OPERATION
        and address.operation.lower() in evidence.reissued
    ):
        yield "REQ-ASYNC-REQID-UNIQUE"
    yield from _wider(verdict, exchange, address, evidence)
    if address.kind is Kind.REIMAGE and address.form is UriForm.SLOT:
        taken = evidence.controls.open_slots
        if taken and address.deployment not in taken:
            yield _SLOTS


def _is_in_muddled_slot(exchange: Exchange, evidence: Evidence) -> bool:
    """Whether a reimage addresses a slot in which another, sound and plain, was refused, though not every one in a slot is: it may lead elsewhere."""
    address = read_target(exchange.request.target)
    by_slot = address.kind is Kind.REIMAGE and address.form is UriForm.SLOT
    return by_slot and bool(evidence.controls.open_slots) and address.deployment in evidence.controls.shut_slots


def _wider(verdict: Verdict, exchange: Exchange, address: Address, evidence: Evidence) -> Iterator[str]:
    """The requirements that cover what a verdict's own covers in part."""
    if address.kind is Kind.OPERATION and address.operation in evidence.meddled:
        yield "REQ-ERR-VERB"
    if verdict.requirement == "REQ-GOS-ID" and exchange.reply is not None:
        shown = read_document(exchange.reply).text("ID") or ""
        yield from (
            ("REQ-REIMAGE-REQID-USABLE",) if any(same_identifier(shown, each) for each in evidence.started) else ()
        )
    if verdict.requirement in _MIXED_UP:
        forms = evidence.forms_in(verdict)
        yield from (_EQUIVALENT,) if evidence.misled is None or not forms or forms & evidence.misled else ()
        known = [evidence.exchanges[number] for number in verdict.evidence if number in evidence.exchanges]
        if any(_is_in_muddled_slot(each, evidence) for each in known):
            yield _SLOTS
    if (
        verdict.requirement == "REQ-REIMAGE-URI-NAME"
        and shut_out(exchange, address.deployment) in evidence.controls.shut
    ):
        yield "REQ-REIMAGE-URI-SLOT"  # it is the instance that is refused, and not a form
    wrong_comp = address.kind is Kind.REIMAGE and ("comp", "reimage") not in address.query
    if wrong_comp and verdict.requirement in ("REQ-REIMAGE-COMP", "REQ-GOS-NOTFOUND-NOEFFECT"):
        yield "REQ-REIMAGE-COMP-MISSING"
    if verdict.requirement == "REQ-ERR-VERB":  # whatever method took the place of POST
        yield "REQ-REIMAGE-METHOD"
