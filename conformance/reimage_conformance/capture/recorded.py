"""What a recording shows of a call: the defects that its request certainly has, and what stays unclear."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reimage_conformance.capture.har_targets import ENCODED_QUERY
from reimage_conformance.capture.masked_ids import is_hash, is_placeholder
from reimage_conformance.judging.facts import is_certain
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.registry import passed_faults
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.judging.world import SLOTS, Absence
from reimage_conformance.model import Fact, Identity
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.deployments import shown_in
from reimage_conformance.protocol.documents import error_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reimage_conformance.capture.traffic import Recorded
    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.judging.registry import Check
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.addresses import Address
    from reimage_conformance.protocol.deployments import Shown

_DEFECTS_OF_ABSENT_NAMES = ("place", "instance", "bad-name")
"""The keys of the defects that depend on whether names exist."""
_DEFECTS_OF_PLACEHOLDERS = (*_DEFECTS_OF_ABSENT_NAMES, "slot")
"""The keys of the defects that a request seems to have where a placeholder stands in place of a name."""
OK, REDIRECTED, NOT_FOUND, CONFLICT, FAULT = 200, 307, 404, 409, 500
CREDENTIAL_STATUSES = (401, 403)
_Key = tuple[str, str, str, str]
"""The key of a deployment, or of a cloud service: subscription, cloud service, form of the address, deployment; the last two "" for a service."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A check to make on some exchanges, with its arguments."""

    check: Check
    exchanges: tuple[Exchange, ...]
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """One case of a capture: its name, the judgements that it makes, and verdicts that need no check.

    `operation` is the identifier of the operation that the first exchange of the case started, "" for none.
    """

    id: str
    doc: str
    judgements: tuple[Judgement, ...]
    verdicts: tuple[Verdict, ...] = ()
    operation: str = ""


@dataclass(frozen=True, slots=True)
class RequestReading:
    """What is certain about a request: its address, and its certain defects.

    `names_unclear` says that a name of the request was replaced by a placeholder, or that it may not exist; a name that does not exist
    is a further defect. `recording_unclear` says that the request seems to have a defect, but too little was recorded. `is_plain` says
    that nothing about the request is unusual, not even in a way that the documents permit.
    """

    address: Address
    defects: tuple[Defect, ...]
    names_unclear: bool
    recording_unclear: bool
    is_plain: bool

    @property
    def is_sound(self) -> bool:
        """Whether the request has no certain defect that must be refused, and nothing about it is unclear."""
        return not (self.defects or self.names_unclear or self.recording_unclear)


def is_accepted(exchange: Exchange) -> bool:
    """Whether a call was answered with any 2xx."""
    return exchange.reply is not None and 200 <= exchange.reply.status < 300


def folds_slots(exchanges: Iterable[Exchange]) -> bool:
    """Whether the endpoint accepted a slot in another letter case than the documents write it."""
    asked = (read_target(exchange.request.target) for exchange in exchanges if is_accepted(exchange))
    slots = (address.deployment for address in asked if address.form is UriForm.SLOT)
    return any(slot not in SLOTS and slot.lower() in SLOTS for slot in slots)


class RecordedTraffic:
    """The recorded calls of one endpoint, masked and numbered, and the world to judge them in.

    `given` says that the target was given, and not inferred from the calls. `whole` says what it says of a
    `Selection`: nothing exists but what the target lists, or no request addresses it.
    """

    def __init__(self, world: World, recorded: Sequence[Recorded], *, given: bool, whole: bool) -> None:
        self.world, self.recorded, self.given, self.whole = world, tuple(recorded), given, whole
        self._readings: dict[int, RequestReading] = {}

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Every exchange, in order."""
        return tuple(each.exchange for each in self.recorded)

    @cached_property
    def transient_faults(self) -> set[int]:
        """The numbers of the exchanges whose 500 InternalError was transient, so that it shows nothing.

        A 500 without a code may be one (REQ-ERR-BODY-OPTIONAL), where a later repeat of the request got another status.
        """
        without_code = {
            each.number
            for index, each in enumerate(self.exchanges)
            if each.reply is not None and each.reply.status == FAULT and not error_code(each.reply)
            if any(_is_answered_otherwise(each, later) for later in self.exchanges[index + 1 :])
        }
        return passed_faults(self.exchanges) | without_code

    def reading(self, recorded: Recorded) -> RequestReading:
        """The certain defects of the request of `recorded`, read once."""
        number = recorded.exchange.number
        if number not in self._readings:
            self._readings[number] = self._read(recorded)
        return self._readings[number]

    def _read(self, recorded: Recorded) -> RequestReading:
        """Sorts the defects that the oracle finds in a request into certain and uncertain ones.

        A defect of a name for which a placeholder may stand is left out: the request as it was sent may not have had it. A name that
        may exist sets `names_unclear`. A defect that the recorder may have caused sets `recording_unclear`. Every other defect for
        which the request has to be refused is certain.
        """
        request = recorded.exchange.request
        judged = expectation_of(request, self.world)
        are_masked = _are_masked(judged.address) or self._is_name_rewritten(recorded, judged.address)
        names_unclear, recording_unclear = are_masked, False
        kept: list[Defect] = []
        for defect in judged.must_be_refused_for:
            if defect.key in _DEFECTS_OF_PLACEHOLDERS and are_masked:
                continue
            if defect.key in _DEFECTS_OF_ABSENT_NAMES and not self._is_absent(recorded, judged.address):
                names_unclear = True
            elif self._is_uncertain(defect, recorded, judged.address):
                recording_unclear = True
            else:
                kept.append(defect)
        # Without TLS there is no certificate, so that a foreign subscription is no binding defect; it does not count as unusual.
        binding = {defect.key for defect in judged.must_be_refused_for} | {"foreign-subscription"}
        is_unusual = any(defect.key not in binding for defect in judged.defects) or judged.address.extra_slash
        is_plain = not (kept or is_unusual or (judged.address.kind is Kind.OPERATION and judged.address.query))
        return RequestReading(judged.address, tuple(kept), names_unclear, recording_unclear, is_plain)

    def _is_name_rewritten(self, recorded: Recorded, address: Address) -> bool:
        """Whether a HAR shows a hash in place of the name of an instance, or its query encoded as a part of the name."""
        is_of_a_journal = recorded.tells(Fact.IDENTITY)  # no HAR records which certificate was presented
        if is_of_a_journal:
            return False
        is_absent = self.world.absence(address) is Absence.INSTANCE
        return is_absent and (is_hash(address.instance) or ENCODED_QUERY in address.instance)

    def _is_absent(self, recorded: Recorded, address: Address) -> bool:
        """Whether names certainly address nothing, according to a target file that lists everything or to the endpoint's own answers."""
        if not self.given:
            return False
        absence = self.world.absence(address)
        if absence is Absence.INSTANCE:
            return self._certainly_lacks_instance(recorded, address)
        if absence in (Absence.SERVICE, Absence.DEPLOYMENT):
            named, in_lower_case = (_key_of(each) for each in (address, _with_slot_in_lower_case(address)))
            is_denied = self.whole or not self._not_found.isdisjoint((_service_key(address), named))
            return is_denied and self._found.isdisjoint((named, in_lower_case))
        return True  # not reached: the oracle finds a defect of _DEFECTS_OF_ABSENT_NAMES only with the three absences above

    def _certainly_lacks_instance(self, recorded: Recorded, address: Address) -> bool:
        """Whether the deployment certainly lacks the instance that `address` names and that no answer lists.

        A look has to list other instances of it. It has to come after the call, unless nothing exists but what the target
        lists: an instance may have been added since an earlier look.
        """
        deployment = self.world.deployment_of(address)
        if deployment is None:
            return False
        key = _key_of(replace(address, form=UriForm.NAME, deployment=deployment.name))
        listing = [number for number, each, shown in self._looks if each == key and shown.instances]
        return any(self.whole or number > recorded.exchange.number for number in listing)

    @cached_property
    def _looks(self) -> list[tuple[int, _Key, Shown]]:
        """Each deployment that an answer shows: the number of the exchange, the key of the deployment by its name, what is shown."""
        return [
            (each.exchange.number, _key_of(replace(address, form=UriForm.NAME, deployment=shown.name)), shown)
            for each, address in self._addressed
            if address.kind in (Kind.DEPLOYMENT, Kind.CLOUD_SERVICE) and self.is_conclusive(each)
            for shown in shown_in(each.exchange)
        ]

    @cached_property
    def _found(self) -> set[_Key]:
        """The deployments that an answer shows, by name and by slot, and the cloud services that hold them."""
        by_name = {key for _, key, _ in self._looks}
        by_slot = {(key[0], key[1], UriForm.SLOT.value, shown.slot) for _, key, shown in self._looks}
        return by_name | by_slot | {(key[0], key[1], "", "") for key in by_name}

    @cached_property
    def _not_found(self) -> set[_Key]:
        """The cloud services and deployments that a GET did not find, by a conclusive answer 404, and that no answer shows."""
        calls = [each for each in self.of_kind(Kind.DEPLOYMENT, Kind.CLOUD_SERVICE) if self.is_conclusive(each)]
        gets = [each.exchange for each in calls if each.exchange.request.method == "GET"]
        missing = [each for each in gets if each.reply is not None and each.reply.status == NOT_FOUND]
        return {_key_of(read_target(each.request.target)) for each in missing} - self._found

    def _is_uncertain(self, defect: Defect, recorded: Recorded, address: Address) -> bool:
        """Whether a defect is not certain.

        The recorder may have caused it. Or the certificate was not recorded, and may give access to the subscription.
        """
        if defect.key != "foreign-subscription" or recorded.tells(Fact.IDENTITY):
            return not is_certain(defect, recorded.exchange)
        foreign = self.world.target.foreign_subscription_id
        return not self.given or foreign is None or address.subscription.lower() != foreign.lower()

    def is_conclusive(self, recorded: Recorded) -> bool:
        """Whether the reply depends on the request itself, and not on credentials, load, another operation or a transient fault.

        A missing reply depends on it if the request was sent without a certificate that the endpoint knows, and only then. Two replies
        show nothing: a 307, and a 200 to a GET whose content was not recorded.
        """
        exchange = recorded.exchange
        if exchange.reply is None:
            return exchange.request.identity in (Identity.NONE, Identity.UNKNOWN)
        kind = read_target(exchange.request.target).kind
        if kind is not Kind.REIMAGE and exchange.reply.status == OK and not recorded.tells(Fact.CONTENT):
            return False
        if (
            is_busy(exchange)
            or exchange.number in self.transient_faults
            or exchange.reply.status == REDIRECTED
            or (exchange.reply.status == CONFLICT and kind is Kind.REIMAGE)
        ):
            return False
        return recorded.tells(Fact.IDENTITY) or exchange.reply.status not in CREDENTIAL_STATUSES

    def of_kind(self, *kinds: Kind) -> list[Recorded]:
        """The calls of these kinds, in order."""
        return [each for each, address in self._addressed if address.kind in kinds]

    def polls(self, identifier: str, subscription: str) -> list[Recorded]:
        """The polls of the operation with this id in a subscription, in order.

        A poll that varies what the documents leave open (an unlisted version, a query) counts only if it was answered
        2xx.
        """
        found = self._polls.get((identifier, subscription), []) if identifier else []
        return [each for each in found if self.reading(each).is_plain or is_accepted(each.exchange)]

    @cached_property
    def _addressed(self) -> list[tuple[Recorded, Address]]:
        return [(each, read_target(each.exchange.request.target)) for each in self.recorded]

    @cached_property
    def _polls(self) -> dict[tuple[str, str], list[Recorded]]:
        found: dict[tuple[str, str], list[Recorded]] = {}
        for each, address in self._addressed:
            if address.kind is Kind.OPERATION and address.operation:
                found.setdefault((address.operation, address.subscription), []).append(each)
        return found


def _is_answered_otherwise(fault: Exchange, later: Exchange) -> bool:
    """Whether `later` repeats the request of a fault and got an answer with another status."""
    return later.request == fault.request and later.reply is not None and later.reply.status != FAULT


def _key_of(address: Address) -> _Key:
    """The key of the deployment that an address names, or of its cloud service where it names no deployment."""
    subscription, service, *_ = _service_key(address)
    form = address.form.value if address.form is not None and address.deployment else ""
    return (subscription, service, form, address.deployment)


def _are_masked(address: Address) -> bool:
    """Whether a name in an address is a placeholder, as sanitisers and route templates write them."""
    return any(is_placeholder(name) for name in (address.service, address.deployment, address.instance))


def _with_slot_in_lower_case(address: Address) -> Address:
    """`address` with its slot in lower case, as `_found` has slots."""
    return replace(address, deployment=address.deployment.lower()) if address.form is UriForm.SLOT else address


def _service_key(address: Address) -> _Key:
    """The key of the cloud service in an address."""
    return (address.subscription.lower(), address.service, "", "")
