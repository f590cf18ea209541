"""The gate: decides for every request whether it may be sent, and learns from every exchange.

It sends nothing itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.gate.admission import Admission, Judge, combined
from reimage_conformance.gate.knowledge import ABSENCE_SECONDS, Knowledge
from reimage_conformance.gate.listing import Container, Listing
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

    `_asked` holds when the gate last gave a question about each address, in seconds since the run began: it gives no second one about it
    in the next ABSENCE_SECONDS. Sending the question, once for each request, is the work of `session/sending.py`.
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
            raise Withheld(f"{request.method} {address}: {Admission.MAY_EXIST}")

    def admits(self, request: Request) -> bool:
        """Whether `request` may be sent, according to what is known now."""
        return not self._doubtful(request)

    def admission(self, request: Request) -> Admission:
        """Why `request` may be sent, or MAY_EXIST."""
        found = [self._admission_and_doubts(target, readings)[0] for target, readings in readings_by_target(request)]
        return combined(found) if found else Admission.READS_ONLY

    def learn(self, exchange: Exchange) -> None:
        """Learns from an unmasked exchange what exists."""
        self._knowledge.learn(exchange)

    def question(self, request: Request) -> Request | None:
        """A GET whose answer may decide whether `request` may be sent; None where there is none left to send.

        What it asks for counts as asked from now on: the caller has to send it.
        """
        for target, readings in readings_by_target(request):
            for container in self._admission_and_doubts(target, readings)[1]:
                look = self._next_look(container) or self._next_properties(container)
                if look is not None:
                    return look
        return None

    def _doubtful(self, request: Request) -> list[Reading]:
        """The readings of a request that keep it back, in the order of their paths."""
        found: list[Reading] = []
        for target, readings in readings_by_target(request):
            if not self._is_listed(target):
                judge = self._new_judge()
                found += [each for each in readings if judge.admission(each) is Admission.MAY_EXIST]
        return sorted(found, key=lambda each: each.path)

    def _admission_and_doubts(self, target: str, readings: frozenset[Reading]) -> tuple[Admission, list[Container]]:
        """The admission of a request target with these readings, and the deployments for which Get Deployment may decide."""
        if self._is_listed(target):
            return Admission.LISTED, []
        judge = self._new_judge()
        admission = combined(judge.admission(each) for each in sorted(readings, key=lambda each: each.path))
        return admission, list(dict.fromkeys(judge.doubts))

    def _is_listed(self, target: str) -> bool:
        """Whether a request target is the path of a listed instance, and no answer showed another deployment in a listed slot."""
        return _path(target) in self._listing.paths and not self._knowledge.is_out_of_date

    def _new_judge(self) -> Judge:
        return Judge(self._listing, self._knowledge, self._token)

    def _next_look(self, container: Container) -> Request | None:
        """A Get Deployment that may show whether there is a deployment at an address; None where every such request was given already.

        Until Get Deployment is known to work in the same URI form, this is a Get Deployment of a listed deployment in that form.
        """
        if self._target.capabilities.get_deployment is False:
            return None
        if not all((container.subscription, container.service, container.name)):
            return None
        if not self._knowledge.get_deployment_works(container.form):
            for control in self._listing.listed_at(container.form):
                if not self._was_asked(control.exactly):
                    return self._look(control)
            return None
        return None if self._was_asked(container.exactly) else self._look(container)

    def _next_properties(self, container: Container) -> Request | None:
        """Get Cloud Service Properties once more, if the last answer about the cloud service of an address is too old to count; else None."""
        subscription, service, _ = container.written
        key = ("cloud-service", subscription, service)
        if self._was_asked(key) or not self._knowledge.should_ask_again(subscription, service):
            return None
        self._asked[key] = self._knowledge.now
        request = self._builder.cloud_service(service, version=OBSERVING_VERSION)
        return with_subscription(request, self._target.subscription_id, subscription)

    def _was_asked(self, key: tuple[str, ...]) -> bool:
        """Whether an address was asked for in the last ABSENCE_SECONDS."""
        asked = self._asked.get(key)
        return asked is not None and self._knowledge.now - asked <= ABSENCE_SECONDS

    def _look(self, container: Container) -> Request | None:
        """Get Deployment at an address, in the spelling of the target file if it lists the deployment, else in that of the request.

        The address counts as asked from now on.
        """
        self._asked[container.exactly] = self._knowledge.now
        deployment = self._listing.deployment(container)
        if deployment is not None:
            return self._builder.deployment(deployment, container.form, version=OBSERVING_VERSION)
        subscription, service, name = container.written
        request = self._builder.deployment_at(service, container.form, name, version=OBSERVING_VERSION)
        return with_subscription(request, self._target.subscription_id, subscription)


def _path(target: str) -> str:
    return target.partition("?")[0]
