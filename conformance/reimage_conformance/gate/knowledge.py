"""Knowledge: what exists at the endpoint, according to its answers to Get Deployment and Get Cloud Service Properties in this run.

A 404 counts as "does not exist" only if the same call, in the same form, was answered with a reliable document of a listed
deployment, with every instance that the target file lists: an endpoint that does not offer the call answers 404 to everything. A 404
with neither a request id nor an error code does not count: a gateway may have sent it. An absence, of an instance in a document too,
counts for ABSENCE_SECONDS: a deployment or an instance may be created meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reimage_conformance.gate.listing import DeploymentAddress, Listing
from reimage_conformance.gate.spelling import normal
from reimage_conformance.judging.wording import has_no_sign_of_protocol
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.model import Identity
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.deployments import shown_in
from reimage_conformance.protocol.documents import NAMESPACE, child, read_document

if TYPE_CHECKING:
    from reimage_conformance.model import Deployment, Exchange
    from reimage_conformance.protocol.addresses import Address
    from reimage_conformance.protocol.deployments import Shown

_IDENTITIES_WITH_ACCESS = (Identity.PRIMARY, Identity.SECOND)
"""Only answers to these say what exists: any other identity is refused whatever it asks for."""
ABSENCE_SECONDS = 60.0
"""What does not exist is asked for again after this time, before a request that addresses it is sent."""
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class SeenDeployment:
    """What documents of the run together showed of one deployment.

    `instances` holds every instance name that any document listed, in its spelling. `is_complete` says that a document listed all instances,
    as far as a document can show that.
    """

    name: str
    written_slot: str
    private_id: str
    instances: frozenset[str]
    is_complete: bool

    @property
    def has_id(self) -> bool:
        """Whether the private id can identify a deployment: one of zeros and dashes alone cannot."""
        return bool(self.private_id.strip("0-"))

    @property
    def normal_instances(self) -> frozenset[str]:
        """The names of the instances in normal form."""
        return frozenset(normal(name) for name in self.instances)

    @classmethod
    def from_document(cls, shown: Shown, *, is_reliable: bool) -> SeenDeployment:
        """What one document showed; `is_reliable` is that of the document (`_is_reliable`)."""
        is_complete = is_reliable and shown.lists_all and bool(shown.name) and bool(shown.instances)
        return cls(shown.name, shown.written_slot, shown.private_id, frozenset(shown.instances), is_complete)

    def is_named_as(self, deployment: Deployment) -> bool:
        """Whether the documents showed the name of `deployment`."""
        return normal(self.name) == normal(deployment.name)

    def is_like(self, other: SeenDeployment) -> bool:
        """Whether both were shown with the same name and slot, each in normal form."""
        return (normal(self.name), normal(self.written_slot)) == (normal(other.name), normal(other.written_slot))

    def with_more(self, other: SeenDeployment) -> SeenDeployment:
        """What this and a later document together show; the later one alone where it is about another deployment.

        A document without a Name is about the same deployment.
        """
        if not other.name:
            other = replace(other, name=self.name, private_id=self.private_id)
        if self.name and normal(self.name) != normal(other.name):
            return other
        is_complete = self.is_complete or other.is_complete
        return replace(other, instances=self.instances | other.instances, is_complete=is_complete)


@dataclass(slots=True)
class Knowledge:
    """What a run has learnt about deployments and cloud services; `learn` takes it from exchanges.

    `operations` holds the ids, in normal form, under which this run's own reimages were accepted. `_seen` holds what documents showed
    at each address, `_shown_at` the time of the last one, `_all_shown_at` the time of the last one with all instances. `_answered_forms`
    holds the URI forms of `has_answered_get_deployment`. Cloud services are keyed by subscription and name.

    `_not_found` and `_services_not_found` hold the time of the last 404 for each address and cloud service. Their keys are spelled as
    `Listing.address` and `Listing.as_listed` say: an endpoint may treat names that differ in letter case as different names.

    `_deployments_of` holds, for each cloud service with a complete answer (`_keep_if_complete`), the addresses of all its deployments
    and the time of the last such answer. `_has_complete_service_answer` says that there was one for any cloud service.

    `latest_at` is the end of the latest exchange, with a reply or without. All times are in seconds since the run began.
    """

    listing: Listing
    operations: set[str] = field(default_factory=set)
    latest_at: float = 0.0
    _seen: dict[DeploymentAddress, SeenDeployment] = field(default_factory=dict)
    _shown_at: dict[DeploymentAddress, float] = field(default_factory=dict)
    _all_shown_at: dict[DeploymentAddress, float] = field(default_factory=dict)
    _not_found: dict[tuple[str, ...], float] = field(default_factory=dict)
    _answered_forms: set[UriForm] = field(default_factory=set)
    _services_found: set[tuple[str, str]] = field(default_factory=set)
    _services_not_found: dict[tuple[str, str], float] = field(default_factory=dict)
    _deployments_of: dict[tuple[str, str], tuple[frozenset[DeploymentAddress], float]] = field(default_factory=dict)
    _has_complete_service_answer: bool = False

    def has_answered_get_deployment(self, form: UriForm) -> bool:
        """Whether Get Deployment, in this form, was answered with a reliable document of a listed deployment, with all its listed instances."""
        return form in self._answered_forms

    def seen_at(self, address: DeploymentAddress) -> SeenDeployment | None:
        """What documents showed of the deployment at an address, None if no document showed one.

        A listed deployment has two addresses: documents at the other one count too if they show its name.
        """
        deployment = self.listing.deployment(address)
        found = self._seen.get(address)
        if deployment is None:
            return found
        for other in self.listing.addresses_of(deployment):
            seen = self._seen.get(other)
            if other != address and seen is not None and seen.is_named_as(deployment):
                found = seen if found is None else replace(found, instances=found.instances | seen.instances)
        return found

    def lists_all_at(self, address: DeploymentAddress) -> bool:
        """Whether a document of the last ABSENCE_SECONDS listed all instances of the deployment at an address, as far as a document can show that."""
        seen, deployment = self.seen_at(address), self.listing.deployment(address)
        same = self.listing.addresses_of(deployment) if deployment is not None else (address,)
        return (
            seen is not None and seen.is_complete and any(self._is_fresh(self._all_shown_at.get(each)) for each in same)
        )

    @property
    def contradicts_target_file(self) -> bool:
        """Whether answers showed that a listed deployment left its slot, so that the target file is out of date."""
        return any(map(self.is_replaced, self.listing.listed_at(UriForm.SLOT)))

    def is_replaced(self, address: DeploymentAddress) -> bool:
        """Whether the latest answers showed that a listed deployment is not in its slot any more: a swap, or a new deployment.

        A document of the slot shows another Name, or a later document of the deployment shows the other slot. A document that has
        the private id of the listed deployment is about that one, whatever Name it shows.
        """
        deployment, latest = self.listing.deployment(address), self._seen.get(address)
        if address.form is not UriForm.SLOT or deployment is None or latest is None or not latest.name:
            return False
        at_name = replace(address, form=UriForm.NAME, name=normal(deployment.name))
        by_name = self._seen.get(at_name)
        if latest.is_named_as(deployment):
            is_later = self._shown_at.get(at_name, 0.0) > self._shown_at.get(address, 0.0)
            return by_name is not None and is_later and normal(by_name.written_slot) in set(SLOTS) - {address.name}
        is_the_listed_one = by_name is not None and by_name.has_id and by_name.private_id == latest.private_id
        return not is_the_listed_one

    def is_absent(self, address: DeploymentAddress) -> bool:
        """Whether answers showed that there is no deployment at an address, and no answer showed one."""
        if address in self._seen:
            return False
        if self.was_not_found(address) and self.has_answered_get_deployment(address.form):
            return True
        existing, answered_at = self._deployments_of.get((address.subscription, address.service), (None, 0.0))
        is_missing = existing is not None and address not in existing and self._is_fresh(answered_at)
        return is_missing or self.is_absent_service(address.written.subscription, address.written.service)

    def _is_fresh(self, answered_at: float | None) -> bool:
        """Whether an answer came in the last ABSENCE_SECONDS; `answered_at` is its time, None where there is none."""
        return answered_at is not None and self.latest_at - answered_at <= ABSENCE_SECONDS

    def was_not_found(self, address: DeploymentAddress) -> bool:
        """Whether Get Deployment at an address was answered 404 in the last ABSENCE_SECONDS."""
        return self._is_fresh(self._not_found.get(address.key_as_written))

    def is_absent_service(self, subscription: str, service: str) -> bool:
        """Whether answers showed that a cloud service does not exist; both names are spelled as `Listing.as_listed` does."""
        is_found = (normal(subscription), normal(service)) in self._services_found
        was_not_found = self._is_fresh(self._services_not_found.get((subscription, service)))
        return self._has_complete_service_answer and was_not_found and not is_found

    def should_ask_again(self, subscription: str, service: str) -> bool:
        """Whether the last 404 or complete answer of Get Cloud Service Properties about a cloud service is older than ABSENCE_SECONDS.

        Both names are spelled as `Listing.as_listed` does.
        """
        _, shown_at = self._deployments_of.get((normal(subscription), normal(service)), (None, None))
        not_found_at = self._services_not_found.get((subscription, service))
        times = [each for each in (shown_at, not_found_at) if each is not None]
        return bool(times) and not self._is_fresh(max(times))

    def listed_deployment_reached_at(self, address: DeploymentAddress) -> Deployment | None:
        """The listed deployment that an address leads to, although the address is not listed; or None.

        The documents at both addresses show the same name, slot and private id, and no other deployment was shown with that id.
        """
        seen = self._seen.get(address)
        if seen is None or not seen.has_id:
            return None
        for listed in (*self.listing.listed_at(UriForm.SLOT), *self.listing.listed_at(UriForm.NAME)):
            deployment, at_listed = self.listing.deployment(listed), self._seen.get(listed)
            if deployment is None or at_listed is None or not at_listed.is_named_as(deployment):
                continue
            is_same = seen.is_like(at_listed) and seen.private_id == at_listed.private_id
            if is_same and address.service == listed.service:
                return None if self._is_id_shared(at_listed) else deployment
        return None

    def _is_id_shared(self, seen: SeenDeployment) -> bool:
        """Whether another name or slot was shown with the same private id, so that the id identifies no deployment.

        Names and slots are compared as the documents write them: in doubt, the id identifies nothing.
        """
        return any(
            each.private_id == seen.private_id and (each.name, each.written_slot) != (seen.name, seen.written_slot)
            for each in self._seen.values()
        )

    def learn(self, exchange: Exchange) -> None:
        """Learns from an unmasked exchange."""
        reply, request = exchange.reply, exchange.request
        self.latest_at = max(self.latest_at, exchange.at + exchange.elapsed)
        if reply is None or request.identity not in _IDENTITIES_WITH_ACCESS or _is_gateway_404(exchange):
            return
        # `target` is where the request went. After a 307 that may be no address of this protocol: a GET then shows nothing. A reimage is
        # still one of this run, and `resource` is what it addressed before the redirect.
        asked = read_target(request.target)
        is_reimage = request.method == "POST" and read_target(request.resource).kind is Kind.REIMAGE
        if is_reimage and exchange.is_successful:
            self.operations.add(normal(exchange.request_id))
        elif request.method == "GET" and asked.kind is Kind.DEPLOYMENT and asked.form is not None:
            names = (asked.subscription, asked.service, asked.form, asked.deployment)
            self._learn_deployment(self.listing.address(*names), exchange)
        elif request.method == "GET" and asked.kind is Kind.CLOUD_SERVICE:
            self._learn_service(asked, exchange)

    def _learn_deployment(self, address: DeploymentAddress, exchange: Exchange) -> None:
        """Learns from an answer to Get Deployment."""
        if exchange.reply is not None and exchange.reply.status == _NOT_FOUND:
            self._not_found[address.key_as_written] = self.latest_at
            return
        for each in shown_in(exchange):
            seen = SeenDeployment.from_document(each, is_reliable=_is_reliable(exchange))
            self._keep(address, seen)
            deployment = self.listing.deployment(address)
            if deployment is not None and seen.is_complete and _has_all(seen, deployment):
                self._answered_forms.add(address.form)

    def _learn_service(self, asked: Address, exchange: Exchange) -> None:
        """Learns from an answer to Get Cloud Service Properties; it shows deployments only with embed-detail=true."""
        service = (normal(asked.subscription), normal(asked.service))
        if exchange.reply is not None and exchange.reply.status == _NOT_FOUND:
            self._services_not_found[self.listing.as_listed(asked.subscription, asked.service)] = self.latest_at
            return
        root = read_document(exchange.reply).root if exchange.reply is not None else None
        if exchange.reply is None or exchange.reply.status != 200 or root is None:
            return
        self._services_found.add(service)
        if asked.parameters("embed-detail") != ("true",) or child(root, "Deployments") is None:
            return
        addresses: set[DeploymentAddress] = set()
        found = [SeenDeployment.from_document(each, is_reliable=_is_reliable(exchange)) for each in shown_in(exchange)]
        for seen in found:
            for form, name in ((UriForm.SLOT, seen.written_slot), (UriForm.NAME, seen.name)):
                address = DeploymentAddress(*service, form, normal(name))
                addresses.add(address)
                self._keep(address, seen)
        if all(seen.name and seen.written_slot for seen in found):
            self._keep_if_complete(service, frozenset(addresses), exchange)

    def _keep_if_complete(
        self, service: tuple[str, str], addresses: frozenset[DeploymentAddress], exchange: Exchange
    ) -> None:
        """Keeps `addresses` as all deployments of a cloud service, if the answer is reliable and complete.

        It is complete if the target file lists deployments of the cloud service, and `addresses` has all of them. Addresses that
        earlier answers showed stay in the record, so that an answer that leaves one out does not make it absent.
        """
        all_listed = {each for form in UriForm for each in self.listing.listed_at(form)}
        listed = {each for each in all_listed if (each.subscription, each.service) == service}
        if listed and listed <= addresses and _is_reliable(exchange):
            self._has_complete_service_answer = True
            before, _ = self._deployments_of.get(service, (frozenset(), 0.0))
            self._deployments_of[service] = (addresses | before, self.latest_at)

    def _keep(self, address: DeploymentAddress, seen: SeenDeployment) -> None:
        """Adds what one document showed to what earlier ones showed at an address."""
        deployment = self.listing.deployment(address)
        if deployment is not None and not _has_all(seen, deployment):
            seen = replace(seen, is_complete=False)  # a listed instance is missing
        self._shown_at[address] = self.latest_at
        if seen.is_complete:
            self._all_shown_at[address] = self.latest_at
        earlier = self._seen.get(address)
        self._seen[address] = seen if earlier is None else earlier.with_more(seen)


def _has_all(seen: SeenDeployment, deployment: Deployment) -> bool:
    """Whether a document lists every instance that the target file lists of a deployment."""
    return {normal(name) for name in deployment.listed_instances} <= seen.normal_instances


def _is_gateway_404(exchange: Exchange) -> bool:
    """Whether an answer is a 404 with neither a request id nor an error code, such as a gateway sends when it cannot reach the endpoint."""
    return exchange.reply is not None and exchange.reply.status == _NOT_FOUND and has_no_sign_of_protocol(exchange)


def _is_reliable(exchange: Exchange) -> bool:
    """Whether a document is reliable: well-formed, in the right namespace, and without a continuation token."""
    if exchange.reply is None:
        return False
    document = read_document(exchange.reply)
    is_continued = any("continuation" in name.lower() for name, _ in exchange.reply.headers)
    is_readable = not document.encoding_problem and not document.syntax_problem and document.namespace == NAMESPACE
    return is_readable and not is_continued and b"ContinuationToken" not in exchange.reply.body
