"""Our own requests that may have started a reimage: what each addresses, what became of it, and how reports word it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_passing_fault, may_have_been_carried_out
from reimage_conformance.judging.world import Absence
from reimage_conformance.model import FailureKind
from reimage_conformance.protocol.addresses import Address, Kind, UriForm
from reimage_conformance.protocol.requests import is_cut_short

if TYPE_CHECKING:
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange
    from reimage_conformance.protocol.requests import Place


class Moment(NamedTuple):
    """A moment: seconds since the run began, and the number of the exchange, which orders exchanges of the same time."""

    seconds: float
    number: int = 0


Key: TypeAlias = "tuple[str, str, str]"
"""A deployment as addresses name it: cloud service, form, and slot or name, in lower case."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
"""Methods that may be answered 2xx without starting anything; only a 202 to them says that something was started."""
UNKNOWN_EFFECT = (500, 502, 504)
"""Statuses after which a sound request may have been carried out; a passing fault counts only where it leaves that open."""
REFUSED_HAS_NO_EFFECT = "REQ-GOS-NOTFOUND-NOEFFECT"
"""The requirement that is violated if a refused request has an effect, whichever request it was."""


def began(exchange: Exchange) -> Moment:
    """When a request was sent."""
    return Moment(exchange.at, exchange.number)


def answered(exchange: Exchange) -> Moment:
    """When the reply of a request had come, or the wait for it had ended."""
    return Moment(exchange.at + exchange.elapsed, exchange.number)


@dataclass(frozen=True, slots=True)
class OwnRequest:
    """A request of ours that may have started a reimage; `identifier` is that of the operation, "" where none is known."""

    exchange: Exchange
    address: Address
    identifier: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether it was answered 2xx."""
        return self.exchange.is_successful

    def has_unknown_effect(self, world: World) -> bool:
        """Whether it is not known if the request was carried out: it got no reply, or a status that leaves this open.

        A request that never came to the endpoint was not carried out. Nor was one of a caller who is refused in TLS, or
        one that is cut short: the endpoint waits for the rest.
        """
        reply = self.exchange.reply
        judged = expectation_of(self.exchange.request, world)
        if reply is not None:
            failed = may_have_been_carried_out(self.exchange) or (
                reply.status in UNKNOWN_EFFECT and not is_passing_fault(self.exchange)
            )
            return failed and not judged.must_be_refused_for
        failure = self.exchange.failure
        was_closed = failure is not None and failure.kind in (FailureKind.TLS, FailureKind.CLOSED, FailureKind.RESET)
        never_came = failure is not None and failure.kind is FailureKind.REFUSED
        is_unauthenticated = any(defect.layer == "auth" for defect in judged.must_be_refused_for)
        return not (never_came or is_cut_short(self.exchange.request) or (was_closed and is_unauthenticated))


def keys_of(deployment: Deployment) -> tuple[Key, ...]:
    """A deployment by its slot and by its name, whatever their letter case."""
    service = deployment.cloud_service.lower()
    return ((service, UriForm.SLOT, deployment.slot.lower()), (service, UriForm.NAME, deployment.name.lower()))


def is_at(address: Address, place: Place, world: World) -> bool:
    """Whether an address leads to a place; letter case and white space around names do not count."""
    if address.form is None or address.subscription.lower() != world.target.subscription_id.lower():
        return False
    key = (address.service.strip().lower(), address.form, address.deployment.strip().lower())
    return key in keys_of(place.deployment) and is_namesake(address, place)


def is_namesake(address: Address, place: Place) -> bool:
    """Whether an address has the instance name of a place, in whatever deployment."""
    return address.instance.strip().lower() == place.role_instance.lower()


def addresses_nothing(address: Address, world: World) -> bool:
    """Whether an address leads to no known place, so that it is not known which instance the request reached."""
    if address.kind is not Kind.REIMAGE or address.subscription.lower() != world.target.subscription_id.lower():
        return True
    return world.absence(address) is not Absence.NOTHING


def overlap(first: Exchange, second: Exchange) -> bool:
    """Whether two requests were under way at the same time."""
    return first.at < second.at + second.elapsed and second.at < first.at + first.elapsed


def worded(
    request: OwnRequest, place: Place, *, is_late: bool = False, is_back: bool = False, is_one_answer: bool = False
) -> str:
    """A sentence on how a request of ours may have caused what was seen.

    `is_late` says that no answer had shown its instance away before the first of the answers that are compared.
    `is_back` says that its instance had come back from it before the first of the answers that are compared.
    `is_one_answer` says that what was seen is one answer, and not compared with another.
    """
    number, name = request.exchange.number, place.role_instance
    between = "when the answer was given" if is_one_answer else "between the two answers that are compared"
    if not request.is_accepted:
        return (
            f"the suite's own request to reimage {request.address.instance} (exchange {number}) got no reply that shows "
            f"whether it was carried out, and may have changed {name} {between}"
        )
    if is_late:
        return (
            f"{name} was not seen to leave ReadyRole after the suite's own reimage (exchange {number}), "
            "so that it may have left only now"
        )
    if is_back:
        return (
            f"{name} had come back from the suite's own reimage (exchange {number}) only shortly before, "
            "so that it may leave ReadyRole once more"
        )
    if is_namesake(request.address, place):
        return f"the suite's own reimage of {name} (exchange {number}) was under way {between}"
    return (
        f"the suite's own request (exchange {number}) was accepted although it addresses no role instance of the "
        f"target file, and may have changed {name} {between}"
    )


def blamed(request: OwnRequest, world: World) -> tuple[str, ...]:
    """The requirements that an accepted request violates, if it should have been refused."""
    return tuple(
        dict.fromkeys(
            defect.requirement for defect in expectation_of(request.exchange.request, world).must_be_refused_for
        )
    )


def worded_as_refused(request: OwnRequest, place: Place) -> str:
    """A sentence on how a refused request of ours may have changed an instance that the judged request did not address."""
    asked = f"the suite's own request to {place.role_instance} (exchange {request.exchange.number})"
    return f"{asked} was refused right before, and may have changed it all the same"


def blamed_if_refused(request: OwnRequest, world: World) -> tuple[str, ...]:
    """The requirements that a refused request violates if it has an effect."""
    return (*blamed(request, world), REFUSED_HAS_NO_EFFECT, "REQ-CONC-REFUSED-NOEFFECT")
