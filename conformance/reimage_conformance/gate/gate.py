"""The gate: asked for every request before it goes out, and told of every exchange; it sends nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.gate.admission import Admission, Judge, worst
from reimage_conformance.gate.knowledge import Knowledge
from reimage_conformance.gate.listing import Container, Listing
from reimage_conformance.gate.readings import readings_by_target
from reimage_conformance.protocol.requests import RequestBuilder, with_subscription

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.gate.readings import Reading
    from reimage_conformance.model import Exchange, Request, Target

LOOKING_VERSION = "2011-10-01"


class Withheld(Exception):  # noqa: N818  it is an outcome, not an error
    """A request was not sent, since what it addresses may exist, and is not listed."""


class Gate:
    """Lets out what changes nothing unlisted, as far as the addresses go; `token` marks the names that were drawn for this run.

    `masked` hides what is secret in a text; `withheld` holds what was kept back, in words.
    """

    def __init__(self, target: Target, token: str, *, masked: Callable[[str], str] = str) -> None:
        self._target, self._token, self._masked = target, token, masked
        self._listing = Listing(target)
        self._knowledge = Knowledge(self._listing)
        self._builder = RequestBuilder(target)
        self._asked: set[Container] = set()
        self.withheld: dict[str, None] = {}

    def check(self, request: Request) -> None:
        """Does nothing where `request` may go out; raises Withheld, with what it may address, where it may not."""
        for reading in self._doubtful(request):
            address = self._masked("/" + reading.path.lstrip("/"))
            self.withheld.setdefault(address)
            raise Withheld(f"{request.method} {address}: {Admission.MAY_EXIST}")

    def admits(self, request: Request) -> bool:
        """Whether `request` may go out, as far as is known now."""
        return not self._doubtful(request)

    def admission(self, request: Request) -> Admission:
        """Why `request` may go out, or MAY_EXIST."""
        found = [self._judge(target, readings)[0] for target, readings in readings_by_target(request)]
        return worst(found) if found else Admission.READS_ONLY

    def learn(self, exchange: Exchange) -> None:
        """Takes what an exchange shows of what exists; it is to be as it crossed the wire, not masked."""
        self._knowledge.learn(exchange)

    def question(self, request: Request) -> Request | None:
        """A GET whose answer may decide whether `request` may go out; None where there is none, or none that was not asked before."""
        if self._target.capabilities.get_deployment is False:
            return None
        for target, readings in readings_by_target(request):
            for container in self._judge(target, readings)[1]:
                found = self._unasked(container)
                if found is not None:
                    return found
        return None

    def _doubtful(self, request: Request) -> list[Reading]:
        """The readings of a request that keep it back."""
        found: list[Reading] = []
        for target, readings in readings_by_target(request):
            if _path(target) not in self._listing.paths:
                judge = self._judging()
                found += [each for each in readings if judge.admission(each) is Admission.MAY_EXIST]
        return sorted(found, key=lambda each: each.path)

    def _judge(self, target: str, readings: frozenset[Reading]) -> tuple[Admission, list[Container]]:
        """What the readings of one target come to, and the deployments that it would help to look at."""
        if _path(target) in self._listing.paths:
            return Admission.LISTED, []
        judge = self._judging()
        found = worst(judge.admission(each) for each in sorted(readings, key=lambda each: each.path))
        return found, list(dict.fromkeys(judge.doubts))

    def _judging(self) -> Judge:
        return Judge(self._listing, self._knowledge, self._token)

    def _unasked(self, container: Container) -> Request | None:
        """A look at a deployment, or first at a listed one in the same form, to see that the call works; each once in a run."""
        if not all((container.subscription, container.service, container.name)):
            return None
        if not self._knowledge.works(container.form):
            for control in self._listing.listed_at(container.form):
                if control not in self._asked:
                    return self._look(control)
            return None
        return None if container in self._asked else self._look(container)

    def _look(self, container: Container) -> Request | None:
        """Get Deployment at an address, spelled as the target file spells it where it lists it."""
        self._asked.add(container)
        deployment = self._listing.deployment(container)
        if deployment is not None:
            return self._builder.deployment(deployment, container.form, version=LOOKING_VERSION)
        own = container.subscription == self._listing.own
        subscription = self._target.subscription_id if own else container.subscription
        request = self._builder.deployment_at(
            self._spelled(container.service), container.form, container.name, version=LOOKING_VERSION
        )
        return with_subscription(request, self._target.subscription_id, subscription)

    def _spelled(self, service: str) -> str:
        """A cloud service as the target file spells it, where it lists it."""
        named = {each.cloud_service.casefold(): each.cloud_service for each in self._target.deployments}
        return named.get(service, service)


def _path(target: str) -> str:
    return target.partition("?")[0]
