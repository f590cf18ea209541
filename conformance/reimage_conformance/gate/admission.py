"""Ruling: decides whether a request may be sent, and why.

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
    from reimage_conformance.gate.listing import DeploymentAddress, Listing
    from reimage_conformance.gate.readings import Reading
    from reimage_conformance.model import Deployment

_WILDCARDS = re.compile(r"[*%]")
"""The wildcards of file names and of SQL: an endpoint may take a name with one of them for a pattern."""


class Ruling(StrEnum):
    """Why a request may be sent, or that it must not be sent (MAY_EXIST). Of each text, the subject is what the request addresses."""

    READS_ONLY = "it changes nothing"
    LISTED = "it is listed"
    OWN_OPERATION = "this run started it"
    ABSENT = "it was shown not to exist"
    LEADS_TO_LISTED = "it was shown to lead to what is listed"
    RANDOM = "a name in it was drawn at random for this run"
    COMPLETE = "the target file says that nothing else exists"
    MAY_EXIST = "may exist, and is not listed"


@dataclass(slots=True)
class AdmissionRules:
    """The rules by which a request may be sent, applied to its readings: by the target file and by what the endpoint has shown.

    `token` is the random part of names that were made up for this run. `addresses_in_doubt` collects the addresses of deployments
    that keep a request back now; the answer to a Get Deployment at each of them may show that the request may be sent.
    """

    listing: Listing
    knowledge: Knowledge
    token: str
    addresses_in_doubt: list[DeploymentAddress] = field(default_factory=list)

    def ruling(self, reading: Reading) -> Ruling:
        """Whether and why a request may be sent, as far as this reading decides; adds to `addresses_in_doubt`."""
        if self.token and any(self.token in name for name in reading.arbitrary_names):
            return Ruling.RANDOM
        is_all_listed = self._lists_all_at(reading) and not self._may_mean_unlisted(reading)
        return Ruling.COMPLETE if is_all_listed else self._ruling_by_part(reading)

    def _ruling_by_part(self, reading: Reading) -> Ruling:
        """The ruling by the kind of resource that a reading addresses."""
        match reading.part:
            case Part.INSTANCE:
                return self._combined_ruling(reading, lambda each: self._instance_ruling(each, reading.instance))
            case Part.DEPLOYMENT:
                is_safe = reading.is_safe
                return self._combined_ruling(reading, lambda each: self._deployment_ruling(each, is_safe=is_safe))
            case Part.SERVICE:
                return self._service_ruling(reading)
            case Part.OPERATION if reading.operation in self.knowledge.operations:
                return Ruling.OWN_OPERATION
            case _:
                return Ruling.MAY_EXIST

    def _lists_all_at(self, reading: Reading) -> bool:
        """Whether the target file says that it lists everything that may be at this address (`complete`).

        It says so of everything under the own subscription, and of a path that fits no resource and names no subscription. Under the
        other subscriptions that it names, it says so of the cloud services that it lists.
        """
        if not self.listing.complete or self.knowledge.contradicts_target_file or reading.part is Part.UNREADABLE:
            return False
        fits_nothing = reading.part is Part.OTHER and not reading.subscription
        if fits_nothing or reading.subscription == self.listing.own_subscription:
            return True
        return reading.subscription in self.listing.named_subscriptions and reading.service in self.listing.services

    def _may_mean_unlisted(self, reading: Reading) -> bool:
        """Whether an answer showed an unlisted instance that this reading may mean, whatever the target file says."""
        if reading.form is None or reading.part not in (Part.INSTANCE, Part.DEPLOYMENT):
            return False
        possible = self._possible_deployments(reading, reading.form)
        return any(self._may_mean_unlisted_at(each, reading.instance) for each in possible)

    def _may_mean_unlisted_at(self, address: DeploymentAddress, name: str) -> bool:
        """Whether an answer showed an unlisted instance at an address for which an endpoint may take `name`.

        It has this name, or one that begins with it, or it fits the wildcards. An empty name may mean every instance.
        """
        seen, reached = self.knowledge.seen_at(address), self.knowledge.listed_deployment_reached_at(address)
        if seen is None:
            return False
        begins = _pattern_of(name)
        return any(
            begins.match(each) for each in seen.normal_instances - self._listed_names(address) - _names_in(reached)
        )

    def _combined_ruling(self, reading: Reading, ruling_on: Callable[[DeploymentAddress], Ruling]) -> Ruling:
        """The combined ruling on all deployments that the reading may mean; `ruling_on` gives the ruling on one."""
        if reading.form is None:
            return Ruling.MAY_EXIST
        return combined([ruling_on(each) for each in self._possible_deployments(reading, reading.form)])

    def _possible_deployments(self, reading: Reading, form: UriForm) -> list[DeploymentAddress]:
        """The addresses of the deployments that the slot or name in a reading may mean; the first case that applies decides.

        * A deployment is known by this word, in this URI form: that one.
        * It is one of the two slots: the deployment in that slot, and the deployment that has this word as its name.
        * It stands in place of a name: the deployment of that name.
        * It stands in place of a slot: either slot, since an endpoint may take any other word for one of them; and the deployment
          that has this word as its name, if one is known.
        """
        subscription, service, written = reading.written
        by_slot, by_name = (self.listing.address(subscription, service, each, written) for each in UriForm)
        in_this_form, in_the_other = (by_slot, by_name) if form is UriForm.SLOT else (by_name, by_slot)
        if self._is_known(in_this_form):
            return [in_this_form]
        if reading.deployment in SLOTS:
            return [in_this_form, in_the_other]
        if form is UriForm.NAME:
            return [by_name]
        slots = [self.listing.address(subscription, service, UriForm.SLOT, slot) for slot in SLOTS]
        return [by_name, *slots] if self._is_known(by_name) else slots

    def _listed(self, address: DeploymentAddress) -> Deployment | None:
        """The listed deployment at an address; None where there is none, or where another deployment replaced it."""
        return None if self.knowledge.is_replaced(address) else self.listing.deployment(address)

    def _listed_names(self, address: DeploymentAddress) -> set[str]:
        """The names, in normal form, of the instances that the target file lists of the deployment at an address."""
        return _names_in(self._listed(address))

    def _is_known(self, address: DeploymentAddress) -> bool:
        """Whether a deployment is at an address, according to the target file or to an answer."""
        return self.listing.deployment(address) is not None or self.knowledge.seen_at(address) is not None

    def _instance_ruling(self, address: DeploymentAddress, name: str) -> Ruling:
        """The ruling on a role instance of the deployment at an address."""
        if not name or _WILDCARDS.search(name):
            return self._pattern_ruling(address, name)
        if name in self._listed_names(address):
            return Ruling.MAY_EXIST if name in self._listed_names_with_a_double(address) else Ruling.LISTED
        if self.knowledge.is_absent(address):
            return Ruling.ABSENT
        if name in _names_in(self.knowledge.listed_deployment_reached_at(address)):
            return Ruling.LEADS_TO_LISTED
        if self.knowledge.lists_all_at(address) and not self._may_mean_unlisted_at(address, name):
            return Ruling.ABSENT
        self.addresses_in_doubt.append(address)
        return Ruling.MAY_EXIST

    def _listed_names_with_a_double(self, address: DeploymentAddress) -> set[str]:
        """The names, in normal form, of the listed instances beside which the endpoint has shown another one whose name differs in spelling only."""
        deployment, seen = self.listing.deployment(address), self.knowledge.seen_at(address)
        if deployment is None or seen is None:
            return set()
        exact = set(deployment.listed_instances)
        return {normal(each) for each in seen.instances - exact} & {normal(each) for each in exact}

    def _pattern_ruling(self, address: DeploymentAddress, pattern: str) -> Ruling:
        """The ruling on an instance name with wildcards, or on an empty one, which stands for all instances.

        All instances that match must be listed.
        """
        if self.knowledge.is_absent(address):
            return Ruling.ABSENT
        seen = self.knowledge.seen_at(address)
        if seen is None or not self.knowledge.lists_all_at(address):
            self.addresses_in_doubt.append(address)
            return Ruling.MAY_EXIST
        wild = _pattern_of(pattern or "*")
        matched = {name for name in seen.normal_instances if wild.fullmatch(name)}
        if not matched:
            return Ruling.ABSENT
        are_listed = matched <= self._listed_names(address) and not matched & self._listed_names_with_a_double(address)
        return Ruling.LISTED if are_listed else Ruling.MAY_EXIST

    def _deployment_ruling(self, address: DeploymentAddress, *, is_safe: bool) -> Ruling:
        """The ruling on a whole deployment: all its instances must be listed.

        OPTIONS and TRACE change nothing, so that for them it is enough that the deployment is listed.
        """
        if is_safe and self._listed(address) is not None:
            return Ruling.LISTED
        return self._pattern_ruling(address, "*")

    def _service_ruling(self, reading: Reading) -> Ruling:
        """The ruling on a cloud service: it must not exist. OPTIONS and TRACE may also address a listed one."""
        is_own = reading.subscription == self.listing.own_subscription and reading.service in self.listing.services
        if is_own and reading.is_safe:
            return Ruling.LISTED
        written = reading.written
        absent = self.knowledge.is_absent_service(*self.listing.as_listed(written.subscription, written.service))
        return Ruling.ABSENT if absent else Ruling.MAY_EXIST


def _names_in(deployment: Deployment | None) -> set[str]:
    """The names, in normal form, of the instances that the target file lists of a deployment; none without one."""
    return {normal(each) for each in deployment.listed_instances} if deployment is not None else set()


def _pattern_of(name: str) -> re.Pattern[str]:
    """The pattern that a name is where its wildcards stand for any text."""
    return re.compile(".*".join(map(re.escape, _WILDCARDS.split(name))), re.DOTALL)


def combined(rulings: Iterable[Ruling]) -> Ruling:
    """MAY_EXIST if it is among the rulings or there are none, else the first ruling."""
    found = list(rulings)
    if not found or Ruling.MAY_EXIST in found:
        return Ruling.MAY_EXIST
    return found[0]
