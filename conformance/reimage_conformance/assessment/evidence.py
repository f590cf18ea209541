"""Evidence: what the exchanges of a run show that may explain a violation, and what rules look at; names no cause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.protocol.addresses import Address, Kind, UriForm, read_target
from reimage_conformance.protocol.documents import error_code, same_identifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reimage_conformance.assessment.controls import Controls
    from reimage_conformance.model import Exchange, Verdict

_COMPLETES, _EQUIVALENT, _VERB = "REQ-REIMAGE-COMPLETES", "REQ-REIMAGE-URI-EQUIV", "REQ-ERR-VERB"


@dataclass(frozen=True, slots=True)
class Evidence:
    """All exchanges of a run by number, and facts about the whole run that may explain a violation.

    `started` holds the ids of operations, in lower case, `reissued` those that several operations share. `altered` holds
    the ids of operations on which a method other than GET and HEAD was accepted, or which were not found after one.
    `shifted` holds the numbers of exchanges on a connection that repeated a response, from the repetition on: each may
    have got the response to another request. `forms_to_others` are the forms of address by which a reimage reached
    another instance; None where the verdicts are not known yet. `endless` says that an accepted reimage did not end, or
    ended Failed; it is True where the verdicts are not known yet.
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
            address = read_target(exchange.request.resource)
            status = exchange.reply.status if exchange.reply is not None else 0
            if status == 202 and address.kind is Kind.REIMAGE:
                starts[exchange.request_id.lower()] += 1
            is_poll = address.kind is Kind.OPERATION and exchange.request.method in ("GET", "HEAD")
            if 200 <= status < 300 and address.kind is Kind.OPERATION and not is_poll:
                altered.add(address.operation)
        reissued = frozenset(identifier for identifier, count in starts.items() if count > 1)
        return cls(exchanges, controls, frozenset(starts), reissued, frozenset(altered), _shifted(exchanges))

    def with_verdicts(self, verdicts: Iterable[Verdict]) -> Evidence:
        """The same evidence, with the causes that only the verdicts of the run show."""
        forms_to_others: set[UriForm] = set()
        altered = set(self.altered)
        endless = False
        for verdict in verdicts:
            if not verdict.is_violation:
                continue
            if verdict.requirement == _EQUIVALENT:
                forms_to_others |= self.forms_in(verdict)
            if (verdict.requirement, verdict.symptom) == (_VERB, "forgotten"):
                altered |= {read_target(each.request.resource).operation for each in self._exchanges_of(verdict)}
            endless |= verdict.requirement == _COMPLETES and verdict.symptom != "final-status"
        return replace(self, forms_to_others=frozenset(forms_to_others), altered=frozenset(altered), endless=endless)

    def forms_in(self, verdict: Verdict) -> set[UriForm]:
        """The forms of address of the reimages among the evidence of a verdict."""
        addresses = [read_target(exchange.request.resource) for exchange in self._exchanges_of(verdict)]
        return {each.form for each in addresses if each.kind is Kind.REIMAGE and each.form is not None}

    def _exchanges_of(self, verdict: Verdict) -> list[Exchange]:
        """The exchanges among the evidence of a verdict; those that the journal lacks are left out."""
        return [self.exchanges[number] for number in verdict.evidence if number in self.exchanges]


def _shifted(exchanges: Mapping[int, Exchange]) -> frozenset[int]:
    """The numbers of exchanges on connections that repeated a response, request id included, from the repetition on.

    There are none where an id comes back on another connection too: then the endpoint repeats ids, and each response
    belongs to its request.
    """
    if _share_ids_across(exchanges):
        return frozenset()
    before: dict[int, Exchange] = {}
    found: set[int] = set()
    repeating: set[int] = set()
    for number, exchange in exchanges.items():
        earlier = before.get(exchange.connection)
        if exchange.request_id and earlier is not None and earlier.reply == exchange.reply:
            repeating.add(exchange.connection)
        if exchange.connection in repeating:
            found.add(number)
        before[exchange.connection] = exchange
    return frozenset(found)


def _share_ids_across(exchanges: Mapping[int, Exchange]) -> bool:
    """Whether two different responses on different connections have the same id.

    A poll that is answered with the id that it asks about does not count.
    """
    first: dict[str, Exchange] = {}
    for exchange in exchanges.values():
        identifier, address = exchange.request_id, read_target(exchange.request.resource)
        if not identifier or (address.kind is Kind.OPERATION and same_identifier(address.operation, identifier)):
            continue
        earlier = first.setdefault(identifier, exchange)
        if earlier.connection != exchange.connection and earlier.reply != exchange.reply:
            return True
    return False


@dataclass(frozen=True, slots=True)
class SeenViolation:
    """What a rule looks at: a violation, the exchange that decided it, and the evidence of the whole run.

    `address` is what the request of that exchange addresses.
    """

    verdict: Verdict
    exchange: Exchange
    address: Address
    evidence: Evidence

    @classmethod
    def of(cls, verdict: Verdict, evidence: Evidence) -> SeenViolation | None:
        """What rules look at for `verdict`; None where the exchange that decided it is not on record."""
        exchange = evidence.exchanges.get(verdict.evidence[0]) if verdict.evidence else None
        return None if exchange is None else cls(verdict, exchange, read_target(exchange.request.resource), evidence)

    @property
    def is_reimage(self) -> bool:
        """Whether the request addresses a role instance to be reimaged."""
        return self.address.kind is Kind.REIMAGE

    @property
    def is_poll(self) -> bool:
        """Whether the request addresses an operation."""
        return self.address.kind is Kind.OPERATION

    @property
    def is_answered(self) -> bool:
        """Whether a reply came."""
        return self.exchange.reply is not None

    @property
    def status(self) -> int:
        """The status of the reply, 0 where there is none."""
        return self.exchange.reply.status if self.exchange.reply is not None else 0

    @property
    def code(self) -> str:
        """The error code of the reply, "" where there is none."""
        return error_code(self.exchange.reply) if self.exchange.reply is not None else ""

    @property
    def others(self) -> list[Exchange]:
        """The exchanges of the verdict behind the one that decided it, as far as they are on record."""
        numbers = self.verdict.evidence[1:]
        return [self.evidence.exchanges[number] for number in numbers if number in self.evidence.exchanges]

    def argument(self, name: str) -> Any:
        """An argument of the check; None where it was not given."""
        return self.verdict.arguments.get(name)
