"""Causes: the requirements that the evidence of a verdict points at, beyond what its check could see.

A cause is only named here. It explains a violation only if the requirement that it names was itself found violated;
that is decided where violations are grouped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.controls import refused_instance
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
_OF_OTHER_INSTANCES = frozenset(
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
"""The requirements that are violated as well if a reimage reaches another instance than the addressed one."""


_OF_TWO_OPERATIONS = frozenset(
    {
        "REQ-GOS-TERMINAL-STABLE",
        "REQ-GOS-PROGRESS",
        "REQ-GOS-READONLY",
        "REQ-REIMAGE-COMPLETES",
        "REQ-REIMAGE-FINAL-200",
        "REQ-REIMAGE-REQID-USABLE",
    }
)
"""The requirements that the polls of an id may violate because two operations have this id."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All exchanges of a run by number, and facts about the whole run that may explain a violation.

    `started` are the ids of operations, `reissued` those that several operations share. `altered` are the ids of
    operations on which a method other than GET and HEAD was accepted. `shifted` are the exchanges on a connection
    that repeated a response, from the repetition on: each may have got the response to another request.
    `forms_to_others` are the forms of address by which a reimage reached another instance; None where the verdicts
    are not known yet. `endless` says that an accepted reimage did not end as it must.
    """

    exchanges: Mapping[int, Exchange]
    controls: Controls
    started: frozenset[str] = frozenset()
    reissued: frozenset[str] = frozenset()
    altered: frozenset[str] = frozenset()
    shifted: frozenset[int] = frozenset()
    forms_to_others: frozenset[UriForm] | None = None
    endless: bool = True

    @classmethod
    def of(cls, exchanges: Mapping[int, Exchange], controls: Controls) -> Evidence:
        """The evidence of a run."""
        starts: Counter[str] = Counter()
        altered: set[str] = set()
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
                altered.add(address.operation)
        reissued = frozenset(identifier for identifier, count in starts.items() if count > 1)
        return cls(exchanges, controls, frozenset(starts), reissued, frozenset(altered), _shifted(exchanges))

    def with_verdicts(self, verdicts: Iterable[Verdict]) -> Evidence:
        """The same evidence, with the causes that only the verdicts of the run show."""
        forms_to_others: set[UriForm] = set()
        endless = False
        for verdict in verdicts:
            if verdict.outcome not in (Outcome.VIOLATED, Outcome.ADVISORY):
                continue
            if verdict.requirement == _EQUIVALENT:
                forms_to_others |= self.forms_in(verdict)
            endless |= verdict.requirement == _COMPLETES and verdict.symptom != "final-status"
        return replace(self, forms_to_others=frozenset(forms_to_others), endless=endless)

    def forms_in(self, verdict: Verdict) -> set[UriForm]:
        """The forms of address of the reimages among the evidence of a verdict."""
        known = [self.exchanges[number] for number in verdict.evidence if number in self.exchanges]
        addresses = [read_target(exchange.request.target) for exchange in known]
        return {each.form for each in addresses if each.kind is Kind.REIMAGE and each.form is not None}


def _shifted(exchanges: Mapping[int, Exchange]) -> frozenset[int]:
    """The exchanges of a connection from the first on that repeats the response before it, request id included.

    None where ids come back on other connections too: then the endpoint repeats ids, and each response belongs to its
    request.
    """
    if _share_ids_across(exchanges):
        return frozenset()
    before: dict[int, Exchange] = {}
    found: set[int] = set()
    repeating: set[int] = set()
    for number, exchange in exchanges.items():
        earlier = before.get(exchange.connection)
        has_id = exchange.reply is not None and bool(exchange.reply.header("x-ms-request-id"))
        if has_id and earlier is not None and earlier.reply == exchange.reply:
            repeating.add(exchange.connection)
        if exchange.connection in repeating:
            found.add(number)
        before[exchange.connection] = exchange
    return frozenset(found)


def _share_ids_across(exchanges: Mapping[int, Exchange]) -> bool:
    """Whether two different responses on different connections have the same id; polls that get the id they ask about do not count."""
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
    """`verdict` with the requirements among its causes that its deciding exchange points at."""
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
    """Whether an answer has a status that no answer of this protocol has."""
    status = exchange.reply.status if exchange.reply is not None else 200
    return is_diversion(status) or not is_standard(status)


def _connection_causes(verdict: Verdict, exchange: Exchange, evidence: Evidence) -> Iterator[str]:
    """Causes in the connection: wrong framing, or a response that belongs to another request."""
    misframed = framing_problems(exchange) and not is_left_body(exchange)
    if misframed and verdict.requirement not in FRAMING_IS_ELSEWHERE:
        yield "REQ-HTTP-FRAMING"
    if exchange.number in evidence.shifted:
        yield "REQ-ASYNC-REQID-UNIQUE"


def _causes(verdict: Verdict, exchange: Exchange, evidence: Evidence) -> Iterator[str]:
    """The requirements that a deciding exchange points at."""
    address = read_target(exchange.request.target)
    yield from _connection_causes(verdict, exchange, evidence)
    if exchange.request.values("Transfer-Encoding") and verdict.requirement != "REQ-HTTP-TE-UNKNOWN":
        yield "REQ-HTTP-CHUNKED"
    if _is_odd(exchange) and verdict.requirement != "REQ-REIMAGE-202":
        yield "REQ-ERR-STATUS"
    reimage = address.kind is Kind.REIMAGE
    if reimage and is_conflict(exchange):
        yield "REQ-CONC-REFUSED-NOEFFECT"
        yield from (_COMPLETES,) if evidence.endless else ()  # an operation that never ends keeps its deployment busy
    if _is_about_version(exchange, MINIMUM_VERSION if reimage else FIRST_VERSION):
        yield from ("REQ-REIMAGE-VERSION",) if reimage else ()
        yield "REQ-VER-OLD-KEPT"
        yield from ("REQ-GOS-VERSION-MIN",) if address.kind is Kind.OPERATION else ()
    if any(key.lower() == "x-ms-version" and value != value.strip(" \t") for key, value in exchange.request.headers):
        yield "REQ-VER-OWS"
    if (
        verdict.requirement in _OF_TWO_OPERATIONS
        and address.kind is Kind.OPERATION
        and address.operation.lower() in evidence.reissued
    ):
        yield "REQ-ASYNC-REQID-UNIQUE"
    yield from _broader_causes(verdict, exchange, address, evidence)
    if address.kind is Kind.REIMAGE and address.form is UriForm.SLOT:
        accepting = evidence.controls.accepting_slots
        if accepting and address.deployment not in accepting:
            yield _SLOTS


def _is_in_refusing_slot(exchange: Exchange, evidence: Evidence) -> bool:
    """Whether a reimage addresses a slot in which a plain reimage was refused, while other slots accept reimages.

    Such a slot may lead to another deployment.
    """
    address = read_target(exchange.request.target)
    by_slot = address.kind is Kind.REIMAGE and address.form is UriForm.SLOT
    return (
        by_slot and bool(evidence.controls.accepting_slots) and address.deployment in evidence.controls.refusing_slots
    )


def _broader_causes(verdict: Verdict, exchange: Exchange, address: Address, evidence: Evidence) -> Iterator[str]:
    """The requirements that are broader than the verdict's own and cover the same fault."""
    if address.kind is Kind.OPERATION and address.operation in evidence.altered:
        yield "REQ-ERR-VERB"
    if verdict.requirement == "REQ-GOS-ID" and exchange.reply is not None:
        shown = read_document(exchange.reply).text("ID") or ""
        yield from (
            ("REQ-REIMAGE-REQID-USABLE",) if any(same_identifier(shown, each) for each in evidence.started) else ()
        )
    if verdict.requirement in _OF_OTHER_INSTANCES:
        forms = evidence.forms_in(verdict)
        yield from (
            (_EQUIVALENT,) if evidence.forms_to_others is None or not forms or forms & evidence.forms_to_others else ()
        )
        known = [evidence.exchanges[number] for number in verdict.evidence if number in evidence.exchanges]
        if any(_is_in_refusing_slot(each, evidence) for each in known):
            yield _SLOTS
    if (
        verdict.requirement == "REQ-REIMAGE-URI-NAME"
        and refused_instance(exchange, address.deployment) in evidence.controls.refused_instances
    ):
        yield "REQ-REIMAGE-URI-SLOT"  # the instance is refused in both forms, so the form is not the cause
    wrong_comp = address.kind is Kind.REIMAGE and ("comp", "reimage") not in address.query
    if wrong_comp and verdict.requirement in ("REQ-REIMAGE-COMP", "REQ-GOS-NOTFOUND-NOEFFECT"):
        yield "REQ-REIMAGE-COMP-MISSING"
    if verdict.requirement == "REQ-ERR-VERB":  # an endpoint may accept that method in place of POST
        yield "REQ-REIMAGE-METHOD"
