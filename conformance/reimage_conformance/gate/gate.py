"""The gate: decides for every request whether it may be sent, and learns from every exchange.

It sends nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.gate.admission import AdmissionRules, Ruling, combined
from reimage_conformance.gate.knowledge import ABSENCE_SECONDS, Knowledge
from reimage_conformance.gate.listing import DeploymentAddress, Listing
from reimage_conformance.gate.readings import readings_by_target
from reimage_conformance.model import Why
from reimage_conformance.protocol.requests import OBSERVING_VERSION, RequestBuilder, with_subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.gate.readings import Reading
    from reimage_conformance.model import Exchange, Request, Target


class Withheld(Exception):  # noqa: N818  it is an outcome, not an error
    """A request was not sent, because what it addresses may exist and the target file does not list it."""

    def __init__(self, reason: str, why: Why = Why.UNLISTED) -> None:
        super().__init__(reason)
        self.why = why


class Gate:
    """Keeps back requests that may change something unlisted, judged by their addresses.

    `token` is in all names that were drawn for this run. `masked` masks secrets in a text. The keys of `withheld` are the
    masked paths that were kept back, in order.

    `_asked` holds when the gate last gave a question about each address, in seconds since the run began: it gives no second question
    about it in the next ABSENCE_SECONDS. Sending the question, once for each request, is the work of `session/sending.py`.
    """

    def __init__(self, target: Target, token: str, *, masked: Callable[[str], str] = str) -> None:
        self._target, self._token, self._masked = target, token, masked
        self._listing = Listing(target)
        self._knowledge = Knowledge(self._listing)
        self._builder = RequestBuilder(target)
        self._asked: dict[tuple[str, ...], float] = {}
        self.withheld: dict[str, None] = {}

    def check(self, request: Request) -> None:
        """Raises Withheld, with the address, where `request` may not be sent."""
        doubtful = self._doubtful(request)
        if doubtful:
            address = self._masked("/" + doubtful[0].path.lstrip("/"))
            self.withheld.setdefault(self._masked(_path(request.target)))
            raise Withheld(f"what {request.method} {address} addresses {Ruling.MAY_EXIST}")

    def admits(self, request: Request) -> bool:
        """Whether `request` may be sent, according to what is known now."""
        return not self._doubtful(request)

    def ruling(self, request: Request) -> Ruling:
        """Whether and why `request` may be sent."""
        found = [self._ruling_and_doubts(target, readings)[0] for target, readings in readings_by_target(request)]
        return combined(found) if found else Ruling.READS_ONLY

    def learn(self, exchange: Exchange) -> None:
        """Learns from an unmasked exchange what exists."""
        self._knowledge.learn(exchange)

    def question(self, request: Request) -> Request | None:
        """A GET whose answer may decide whether `request` may be sent; None where there is none left to send.

        What it asks for counts as asked from now on: the caller has to send it.
        """
        for target, readings in readings_by_target(request):
            for address in self._ruling_and_doubts(target, readings)[1]:
                look = self._next_look(address) or self._next_properties(address)
                if look is not None:
                    return look
        return None

    def _doubtful(self, request: Request) -> list[Reading]:
        """The readings of a request that keep it back, in the order of their paths."""
        found: list[Reading] = []
        for target, readings in readings_by_target(request):
            if not self._is_listed(target):
                rules = self._new_rules()
                found += [each for each in readings if rules.ruling(each) is Ruling.MAY_EXIST]
        return sorted(found, key=lambda each: each.path)

    def _ruling_and_doubts(self, target: str, readings: frozenset[Reading]) -> tuple[Ruling, list[DeploymentAddress]]:
        """The ruling on a request target with these readings, and the addresses for which Get Deployment may decide."""
        if self._is_listed(target):
            return Ruling.LISTED, []
        rules = self._new_rules()
        ruling = combined(rules.ruling(each) for each in sorted(readings, key=lambda each: each.path))
        return ruling, list(dict.fromkeys(rules.addresses_in_doubt))

    def _is_listed(self, target: str) -> bool:
        """Whether a request target is the path of a listed instance, and no answer showed another deployment in a listed slot."""
        return _path(target) in self._listing.paths and not self._knowledge.contradicts_target_file

    def _new_rules(self) -> AdmissionRules:
        return AdmissionRules(self._listing, self._knowledge, self._token)

    def _next_look(self, address: DeploymentAddress) -> Request | None:
        """A Get Deployment that may show whether there is a deployment at an address; None where every such request was given already.

        Until Get Deployment is known to work in the same URI form, this is a Get Deployment of a listed deployment in that form.
        """
        if self._target.capabilities.get_deployment is False:
            return None
        if not all((address.subscription, address.service, address.name)):
            return None
        if not self._knowledge.has_answered_get_deployment(address.form):
            for control in self._listing.listed_at(address.form):
                if not self._was_asked(control.key_as_written):
                    return self._look(control)
            return None
        return None if self._was_asked(address.key_as_written) else self._look(address)

    def _next_properties(self, address: DeploymentAddress) -> Request | None:
        """Get Cloud Service Properties once more, if the last answer about the cloud service of an address is too old to count; else None."""
        subscription, service, _ = address.written
        key = ("cloud-service", subscription, service)
        if self._was_asked(key) or not self._knowledge.should_ask_again(subscription, service):
            return None
        self._asked[key] = self._knowledge.latest_at
        request = self._builder.cloud_service(service, version=OBSERVING_VERSION)
        return with_subscription(request, self._target.subscription_id, subscription)

    def _was_asked(self, key: tuple[str, ...]) -> bool:
        """Whether an address was asked for in the last ABSENCE_SECONDS."""
        asked = self._asked.get(key)
        return asked is not None and self._knowledge.latest_at - asked <= ABSENCE_SECONDS

    def _look(self, address: DeploymentAddress) -> Request | None:
        """Get Deployment at an address, in the spelling of the target file if it lists the deployment, else in that of the request.

        The address counts as asked from now on.
        """
        self._asked[address.key_as_written] = self._knowledge.latest_at
        deployment = self._listing.deployment(address)
        if deployment is not None:
            return self._builder.deployment(deployment, address.form, version=OBSERVING_VERSION)
        subscription, service, name = address.written
        request = self._builder.deployment_at(service, address.form, name, version=OBSERVING_VERSION)
        return with_subscription(request, self._target.subscription_id, subscription)


def _path(target: str) -> str:
    return target.partition("?")[0]
