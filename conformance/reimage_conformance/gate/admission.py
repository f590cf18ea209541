"""Admission: decides whether a request may be sent, and why.

A server may read a request as one of several addresses. The request may be sent if each of them is listed or is known not to
exist. One address that may exist and is not listed keeps the request back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reimage_conformance.gate.readings import Part
from reimage_conformance.gate.spelling import normal
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.protocol.addresses import UriForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reimage_conformance.gate.knowledge import Knowledge
    from reimage_conformance.gate.listing import Container, Listing
    from reimage_conformance.gate.readings import Reading
    from reimage_conformance.model import Deployment

_WILDCARDS = re.compile(r"[*%]")


class Admission(StrEnum):
    """Why a request may be sent; with MAY_EXIST it must not be sent."""

    READS_ONLY = "it changes nothing"
    LISTED = "it is listed"
    ABSENT = "it was shown not to exist"
    LEADS_TO_LISTED = "it was shown to lead to what is listed"
    RANDOM = "a name in it was drawn at random for this run"
    COMPLETE = "the target file says that nothing else exists"
    MAY_EXIST = "may exist, and is not listed"


@dataclass(slots=True)
class Judge:
    """Judges readings by the target file and by what the endpoint has shown.

    `token` is the random part of names that were made up for this run. `doubts` collects the deployments that keep a
    request back now; the answer to a Get Deployment of each may show that the request may be sent.
    """

    listing: Listing
    knowledge: Knowledge
    token: str
    doubts: list[Container] = field(default_factory=list)

    def admission(self, reading: Reading) -> Admission:
        """Why a request with this reading may be sent, or MAY_EXIST; adds to `doubts`."""
        if self.token and any(self.token in name for name in reading.free_names):
            return Admission.RANDOM
        return Admission.COMPLETE if self._is_complete(reading) else self._admission_by_part(reading)

    def _admission_by_part(self, reading: Reading) -> Admission:
        """The admission by the kind of resource that a reading addresses."""
        match reading.part:
            case Part.INSTANCE:
                return self._combined_admission(reading, lambda each: self._instance_admission(each, reading.instance))
            case Part.DEPLOYMENT:
                asks = reading.asks
                return self._combined_admission(reading, lambda each: self._deployment_admission(each, asks=asks))
            case Part.SERVICE:
                return self._service_admission(reading)
            case Part.OPERATION if reading.operation in self.knowledge.operations:
                return Admission.LISTED
            case _:
                return Admission.MAY_EXIST

    def _is_complete(self, reading: Reading) -> bool:
        """Whether the target file says that it lists everything that may be at this address.

        With a complete target file, this holds for a path that fits no resource too.
        """
        if not self.listing.complete or self.knowledge.is_out_of_date or reading.part is Part.UNREADABLE:
            return False
        if reading.subscription == self.listing.own or (reading.part is Part.OTHER and not reading.subscription):
            return True
        return reading.subscription in self.listing.subscriptions and reading.service in self.listing.services

    def _combined_admission(self, reading: Reading, admission_of: Callable[[Container], Admission]) -> Admission:
        """The combined admission of all deployments that the reading may mean; `admission_of` gives the admission of one."""
        if reading.form is None:
            return Admission.MAY_EXIST
        return combined([admission_of(each) for each in self._possible_deployments(reading, reading.form)])

    def _possible_deployments(self, reading: Reading, form: UriForm) -> list[Container]:
        """The deployments that the slot or name of a reading may mean.

        An endpoint may take any word other than a slot for either slot, or for the name of a deployment.
        """
        subscription, service, written = reading.written
        by_slot, by_name = (self.listing.container(subscription, service, each, written) for each in UriForm)
        own, other = (by_slot, by_name) if form is UriForm.SLOT else (by_name, by_slot)
        if self._is_known(own):
            return [own]
        if reading.deployment in SLOTS:  # a deployment may also have the name of a slot
            return [own, other]
        if form is UriForm.NAME:
            return [by_name]
        slots = [self.listing.container(subscription, service, UriForm.SLOT, slot) for slot in SLOTS]
        return [by_name, *slots] if self._is_known(by_name) else slots

    def _listed(self, container: Container) -> Deployment | None:
        """The listed deployment at an address; None where there is none, or where another deployment replaced it."""
        return None if self.knowledge.is_replaced(container) else self.listing.deployment(container)

    def _listed_names(self, container: Container) -> set[str]:
        """The normal names of the instances that the target file lists of the deployment at an address."""
        deployment = self._listed(container)
        return {normal(each) for each in deployment.listed_instances} if deployment is not None else set()

    def _is_known(self, container: Container) -> bool:
        """Whether a deployment is at an address, according to the target file or to an answer."""
        return self.listing.deployment(container) is not None or self.knowledge.shown(container) is not None

    def _instance_admission(self, container: Container, name: str) -> Admission:
        """The admission of a role instance at the address of a deployment."""
        if not name or _WILDCARDS.search(name):
            return self._pattern_admission(container, name)
        shown = self.knowledge.shown(container)
        if name in self._listed_names(container):
            return Admission.MAY_EXIST if name in self._unlisted_spellings(container) else Admission.LISTED
        if self.knowledge.is_absent(container):
            return Admission.ABSENT
        if shown is not None and shown.is_complete and name not in shown.normal_instances:
            return Admission.ABSENT
        alias_of = self.knowledge.leads_to(container)
        if alias_of is not None and name in {normal(each) for each in alias_of.listed_instances}:
            return Admission.LEADS_TO_LISTED
        self.doubts.append(container)
        return Admission.MAY_EXIST

    def _unlisted_spellings(self, container: Container) -> set[str]:
        """The normal names of listed instances for which the endpoint has shown another instance, whose name differs in spelling only."""
        deployment, shown = self.listing.deployment(container), self.knowledge.shown(container)
        if deployment is None or shown is None:
            return set()
        exact = set(deployment.listed_instances)
        return {normal(each) for each in shown.instances - exact} & {normal(each) for each in exact}

    def _pattern_admission(self, container: Container, pattern: str) -> Admission:
        """The admission of an instance name with wildcards, or of an empty one, which matches all instances.

        All instances that match must be listed.
        """
        if self.knowledge.is_absent(container):
            return Admission.ABSENT
        shown = self.knowledge.shown(container)
        if shown is None or not shown.is_complete:
            self.doubts.append(container)
            return Admission.MAY_EXIST
        wild = re.compile(".*".join(map(re.escape, _WILDCARDS.split(pattern or "*"))), re.DOTALL)
        matched = {name for name in shown.normal_instances if wild.fullmatch(name)}
        if not matched:
            return Admission.ABSENT
        are_listed = matched <= self._listed_names(container) and not matched & self._unlisted_spellings(container)
        return Admission.LISTED if are_listed else Admission.MAY_EXIST

    def _deployment_admission(self, container: Container, *, asks: bool) -> Admission:
        """The admission of a whole deployment: all its instances must be listed, unless the method changes nothing (`asks`)."""
        if asks and self._listed(container) is not None:
            return Admission.LISTED
        return self._pattern_admission(container, "*")

    def _service_admission(self, reading: Reading) -> Admission:
        """The admission of a cloud service: it must not exist, or be listed while the method changes nothing."""
        is_own = reading.subscription == self.listing.own and reading.service in self.listing.services
        if is_own and reading.asks:
            return Admission.LISTED
        absent = self.knowledge.is_absent_service(*self.listing.as_listed(*reading.written[:2]))
        return Admission.ABSENT if absent else Admission.MAY_EXIST


def combined(admissions: Iterable[Admission]) -> Admission:
    """MAY_EXIST if it is among the admissions or there are none, else the first admission."""
    found = list(admissions)
    if not found or Admission.MAY_EXIST in found:
        return Admission.MAY_EXIST
    return found[0]
