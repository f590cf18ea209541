"""Knowledge: what exists at the endpoint, according to its answers to Get Deployment and Get Cloud Service Properties in this run.

A 404 counts as "does not exist" only if the same call, in the same form, was answered with a reliable document of a listed
deployment: an endpoint that does not offer the call answers 404 to everything. A 404 with neither a request id nor an error code
does not count: a gateway may have sent it. An absence counts for ABSENCE_SECONDS: a deployment may be created meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reimage_conformance.gate.listing import Container, Listing
from reimage_conformance.gate.spelling import normal
from reimage_conformance.judging.wording import has_no_sign_of_protocol
from reimage_conformance.model import Identity
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.deployments import shown_in
from reimage_conformance.protocol.documents import NAMESPACE, child, read_document

if TYPE_CHECKING:
    from reimage_conformance.model import Deployment, Exchange
    from reimage_conformance.protocol.addresses import Address
    from reimage_conformance.protocol.deployments import Shown

OWN_IDENTITIES = (Identity.PRIMARY, Identity.SECOND)
ABSENCE_SECONDS = 60.0
"""What does not exist is asked for again after this time, before a request that addresses it is sent."""
_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Known:
    """What documents of the run together showed of one deployment.

    `instances` holds every instance name that any document listed, in its spelling. `is_complete` says that a document listed all instances,
    as far as a document can show that.
    """

    name: str
    slot: str
    private_id: str
    instances: frozenset[str]
    is_complete: bool

    @property
    def has_id(self) -> bool:
        """Whether the private id can identify a deployment: one of zeros and dashes alone cannot."""
        return bool(self.private_id.strip("0-"))

    @property
    def normal_instances(self) -> frozenset[str]:
        """The normal names of the instances."""
        return frozenset(normal(name) for name in self.instances)

    @classmethod
    def from_document(cls, shown: Shown, *, is_reliable: bool) -> Known:
        """What one document showed; `is_reliable` is that of the document (`_is_reliable`)."""
        is_complete = is_reliable and shown.lists_all and bool(shown.name) and bool(shown.instances)
        return cls(shown.name, shown.written_slot, shown.private_id, frozenset(shown.instances), is_complete)

    def is_named_as(self, deployment: Deployment) -> bool:
        """Whether the documents showed the name of `deployment`."""
        return normal(self.name) == normal(deployment.name)

    def with_more(self, other: Known) -> Known:
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

    `operations` holds the normal ids under which this run's own reimages were accepted. `_shown` holds what documents showed at each
    address, `_working_forms` the URI forms in which Get Deployment works. Cloud services are keyed by subscription and name.
    `_not_found` and `_services_not_found` hold the time of the last 404 for each address and cloud service, in the spelling of the
    request: an endpoint may take names in another letter case for other names. `_deployments_of` holds, for each cloud service with a
    complete answer, the addresses of all its deployments and the time of the last such answer; `_services_work` says that there was one.
    `now` is the time of the last answer. All times are in seconds since the run began.
    """

    listing: Listing
    operations: set[str] = field(default_factory=set)
    now: float = 0.0
    _shown: dict[Container, Known] = field(default_factory=dict)
    _not_found: dict[tuple[str, ...], float] = field(default_factory=dict)
    _working_forms: set[UriForm] = field(default_factory=set)
    _services_found: set[tuple[str, str]] = field(default_factory=set)
    _services_not_found: dict[tuple[str, str], float] = field(default_factory=dict)
    _deployments_of: dict[tuple[str, str], tuple[frozenset[Container], float]] = field(default_factory=dict)
    _services_work: bool = False

    def get_deployment_works(self, form: UriForm) -> bool:
        """Whether Get Deployment, in this form, was answered with a reliable document of a listed deployment."""
        return form in self._working_forms

    def shown(self, container: Container) -> Known | None:
        """What documents showed of the deployment at an address, None if no document showed one.

        A listed deployment has two addresses: documents at the other one count too if they show its name.
        """
        deployment = self.listing.deployment(container)
        found = self._shown.get(container)
        if deployment is None:
            return found
        for other in self.listing.containers(deployment):
            shown = self._shown.get(other)
            if other != container and shown is not None and shown.is_named_as(deployment):
                found = shown if found is None else replace(found, instances=found.instances | shown.instances)
        return found

    @property
    def is_out_of_date(self) -> bool:
        """Whether answers showed that another deployment took the slot of a listed one, so that the target file is out of date."""
        return any(map(self.is_replaced, self.listing.listed_at(UriForm.SLOT)))

    def is_replaced(self, container: Container) -> bool:
        """Whether the latest answer showed another deployment in the slot of a listed one: a swap, or a new deployment.

        A document that has the private id of the listed deployment is about that one, whatever Name it shows.
        """
        deployment, latest = self.listing.deployment(container), self._shown.get(container)
        if container.form is not UriForm.SLOT or deployment is None or latest is None or not latest.name:
            return False
        if latest.is_named_as(deployment):
            return False
        by_name = self._shown.get(replace(container, form=UriForm.NAME, name=normal(deployment.name)))
        return by_name is None or not by_name.has_id or by_name.private_id != latest.private_id

    def is_absent(self, container: Container) -> bool:
        """Whether answers showed that there is no deployment at an address, and no answer showed one."""
        if container in self._shown:
            return False
        if self.was_not_found(container) and self.get_deployment_works(container.form):
            return True
        existing, answered_at = self._deployments_of.get((container.subscription, container.service), (None, 0.0))
        is_missing = existing is not None and container not in existing and self._is_fresh(answered_at)
        return is_missing or self.is_absent_service(*container.written[:2])

    def _is_fresh(self, answered_at: float | None) -> bool:
        """Whether an answer came in the last ABSENCE_SECONDS; `answered_at` is its time, None where there is none."""
        return answered_at is not None and self.now - answered_at <= ABSENCE_SECONDS

    def was_not_found(self, container: Container) -> bool:
        """Whether Get Deployment at an address was answered 404 in the last ABSENCE_SECONDS."""
        return self._is_fresh(self._not_found.get(container.exactly))

    def is_absent_service(self, subscription: str, service: str) -> bool:
        """Whether answers showed that a cloud service does not exist; its names are spelled as in the request."""
        is_found = (normal(subscription), normal(service)) in self._services_found
        was_not_found = self._is_fresh(self._services_not_found.get((subscription, service)))
        return self._services_work and was_not_found and not is_found

    def should_ask_again(self, subscription: str, service: str) -> bool:
        """Whether the last 404 or complete answer of Get Cloud Service Properties about a cloud service is older than ABSENCE_SECONDS."""
        _, shown_at = self._deployments_of.get((normal(subscription), normal(service)), (None, None))
        not_found_at = self._services_not_found.get((subscription, service))
        times = [each for each in (shown_at, not_found_at) if each is not None]
        return bool(times) and not self._is_fresh(max(times))

    def leads_to(self, container: Container) -> Deployment | None:
        """The listed deployment that an address leads to, although the address is not listed; or None.

        The documents at both addresses show the same name, slot and private id, and no other deployment was shown with that id.
        """
        shown = self._shown.get(container)
        if shown is None or not shown.has_id:
            return None
        for own in (*self.listing.listed_at(UriForm.SLOT), *self.listing.listed_at(UriForm.NAME)):
            deployment, known = self.listing.deployment(own), self._shown.get(own)
            if deployment is None or known is None or not known.is_named_as(deployment):
                continue
            same = (normal(shown.name), normal(shown.slot)) == (normal(known.name), normal(known.slot))
            if same and shown.private_id == known.private_id and container.service == own.service:
                return None if self._is_shared(known) else deployment
        return None

    def _is_shared(self, known: Known) -> bool:
        """Whether another deployment was shown with the same private id, so that the id identifies neither."""
        return any(
            each.private_id == known.private_id and (each.name, each.slot) != (known.name, known.slot)
            for each in self._shown.values()
        )

    def learn(self, exchange: Exchange) -> None:
        """Learns from an unmasked exchange."""
        reply, request = exchange.reply, exchange.request
        self.now = max(self.now, exchange.at + exchange.elapsed)
        if reply is None or request.identity not in OWN_IDENTITIES or _is_foreign_404(exchange):
            return
        # After a 307 the target may be no address of this protocol: a GET then shows nothing, but a reimage is still one of this run.
        address = read_target(request.target)
        is_reimage = request.method == "POST" and read_target(request.resource).kind is Kind.REIMAGE
        if is_reimage and exchange.is_successful:
            self.operations.add(normal(exchange.request_id))
        elif request.method == "GET" and address.kind is Kind.DEPLOYMENT and address.form is not None:
            names = (address.subscription, address.service, address.form, address.deployment)
            self._learn_deployment(self.listing.container(*names), exchange)
        elif request.method == "GET" and address.kind is Kind.CLOUD_SERVICE:
            self._learn_service(address, exchange)

    def _learn_deployment(self, container: Container, exchange: Exchange) -> None:
        """Learns from an answer to Get Deployment."""
        if exchange.reply is not None and exchange.reply.status == _NOT_FOUND:
            self._not_found[container.exactly] = self.now
            return
        for each in shown_in(exchange):
            shown = Known.from_document(each, is_reliable=_is_reliable(exchange))
            self._keep(container, shown)
            deployment = self.listing.deployment(container)
            if deployment is not None and shown.is_complete and _has_all(shown, deployment):
                self._working_forms.add(container.form)

    def _learn_service(self, address: Address, exchange: Exchange) -> None:
        """Learns from an answer to Get Cloud Service Properties; it shows deployments only with embed-detail=true."""
        service = (normal(address.subscription), normal(address.service))
        if exchange.reply is not None and exchange.reply.status == _NOT_FOUND:
            self._services_not_found[self.listing.as_listed(address.subscription, address.service)] = self.now
            return
        root = read_document(exchange.reply).root if exchange.reply is not None else None
        if exchange.reply is None or exchange.reply.status != 200 or root is None:
            return
        self._services_found.add(service)
        if address.parameters("embed-detail") != ("true",) or child(root, "Deployments") is None:
            return
        containers: set[Container] = set()
        found = [Known.from_document(each, is_reliable=_is_reliable(exchange)) for each in shown_in(exchange)]
        for shown in found:
            for form, name in ((UriForm.SLOT, shown.slot), (UriForm.NAME, shown.name)):
                containers.add(Container(*service, form, normal(name)))
                self._keep(Container(*service, form, normal(name)), shown)
        if all(shown.name and shown.slot for shown in found):
            self._keep_if_complete(service, frozenset(containers), exchange)

    def _keep_if_complete(self, service: tuple[str, str], containers: frozenset[Container], exchange: Exchange) -> None:
        """Keeps `containers` as all deployments of a cloud service, if the answer is reliable and they include all listed ones."""
        listed = {each for form in UriForm for each in self.listing.listed_at(form)}
        own = {each for each in listed if (each.subscription, each.service) == service}
        if own and own <= containers and _is_reliable(exchange):
            self._services_work = True
            before, _ = self._deployments_of.get(service, (frozenset(), 0.0))
            self._deployments_of[service] = (containers | before, self.now)

    def _keep(self, container: Container, shown: Known) -> None:
        """Adds what was shown to what is known of an address."""
        deployment = self.listing.deployment(container)
        if deployment is not None and not _has_all(shown, deployment):
            shown = replace(shown, is_complete=False)  # a listed instance is missing
        known = self._shown.get(container)
        self._shown[container] = shown if known is None else known.with_more(shown)


def _has_all(shown: Known, deployment: Deployment) -> bool:
    """Whether a document lists every instance that the target file lists of a deployment."""
    return {normal(name) for name in deployment.listed_instances} <= shown.normal_instances


def _is_foreign_404(exchange: Exchange) -> bool:
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
