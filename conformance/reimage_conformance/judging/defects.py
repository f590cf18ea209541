"""The nouns of the oracle: what is wrong with a request, and the answers that are permitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.judging.wording import any_of
from reimage_conformance.model import CountsAs

if TYPE_CHECKING:
    from reimage_conformance.protocol.addresses import Address


ANY_4XX = frozenset(range(400, 500))


def any_status_of(statuses: frozenset[int]) -> str:
    """Permitted statuses in words: `400, 404 or 405`, or `any 4xx`."""
    if statuses >= ANY_4XX:
        return any_of(("any 4xx", *sorted(statuses - ANY_4XX)))
    return any_of(sorted(statuses))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answers that are permitted: any of these statuses, and one of these codes if there is an Error document."""

    statuses: frozenset[int]
    codes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """The answer as reports write it: `404 with ResourceNotFound`."""
        statuses = any_status_of(self.statuses)
        return f"{statuses} with {any_of(sorted(self.codes))}" if self.codes else statuses


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong with a request.

    `key` names the kind of defect. `answers` are the permitted refusals. `counts_as` is what any other answer counts as,
    an acceptance too; with INFO the endpoint may answer as it likes. `later` holds values of HttpStatusCode: the
    endpoint may also accept the request if its operation then fails with one of them. With `any_failure` any other
    HttpStatusCode is permitted too, or none, though not recommended. `layer` is "http" where HTTP software may refuse the
    request before the application sees it, and "auth" where a refusal in TLS is permitted too.
    """

    key: str
    requirement: str
    answers: tuple[Answer, ...]
    counts_as: CountsAs
    later: frozenset[int] = frozenset()
    layer: str = "application"
    any_failure: bool = False

    @property
    def statuses(self) -> frozenset[int]:
        """Every permitted status."""
        return frozenset().union(*(answer.statuses for answer in self.answers))

    def codes(self, status: int) -> frozenset[str]:
        """The codes that are permitted with `status`; empty where every code is permitted."""
        named = [answer.codes for answer in self.answers if status in answer.statuses]
        return frozenset().union(*named) if named and all(named) else frozenset()

    def __str__(self) -> str:
        """The permitted answers as reports write them."""
        refusals = ", or ".join(str(answer) for answer in self.answers)
        if not self.later:
            return refusals
        embedded = "" if self.any_failure else f" with {any_of(sorted(self.later))}"
        return f"{refusals}, or 202 and then Failed{embedded}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the oracle says of one request.

    `passes_http` says that HTTP software has no reason to refuse the request before the application sees it.
    """

    address: Address
    defects: tuple[Defect, ...]
    passes_http: bool

    @property
    def must_be_refused_for(self) -> tuple[Defect, ...]:
        """The defects for which the request has to be refused."""
        return tuple(defect for defect in self.defects if defect.counts_as in (CountsAs.FAIL, CountsAs.WARN))

    @property
    def may_be_accepted(self) -> bool:
        """Whether the endpoint need not refuse the request."""
        return not self.must_be_refused_for

    @property
    def must_be_accepted(self) -> bool:
        """Whether the request has no defect, so that the endpoint has to accept it."""
        return not self.defects

    @property
    def may_fail_late(self) -> bool:
        """Whether the endpoint may accept the request, reimage nothing, and report the failure in the status of the operation."""
        return any(defect.later for defect in self.defects)
