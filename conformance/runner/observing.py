"""Observing: what Get Deployment, Get Cloud Service Properties and the probe show, asked once and kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from conformance.checks.deployments import READY, statuses_in
from conformance.checks.instances import settling_seconds
from conformance.checks.probes import installation_in
from conformance.model import Request
from conformance.protocol.addresses import UriForm
from conformance.requirements import TABLE_VERSIONS
from conformance.runner.pacing import until_next_look

if TYPE_CHECKING:
    from conformance.model import Deployment, Exchange, Target
    from conformance.protocol.requests import Place, RequestBuilder
    from conformance.runner.dispatch import Dispatcher
    from conformance.runner.operations import Operation
    from conformance.wire.client import Client

OBSERVING_VERSION = "2011-10-01"
LATER_VERSION = TABLE_VERSIONS[-1]
"""What some statuses are gone by (REQ-DEPL-STATUS-GATES)."""


@dataclass(slots=True)
class Watch:
    """One instance being watched while and after it is reimaged; moments in seconds of the run's clock."""

    operation: Operation
    place: Place
    before: Exchange
    others: tuple[str, ...]
    looks: list[Exchange] = field(default_factory=list)
    due: float = 0.0
    over: bool = False
    waited: float = 0.0


class Observer:
    """Get Deployment and Get Cloud Service Properties, where the target offers them."""

    def __init__(self, target: Target, builder: RequestBuilder, dispatcher: Dispatcher) -> None:
        self._target, self._builder, self._dispatcher = target, builder, dispatcher
        self._offers: dict[str, bool] = {}
        self.first: dict[str, Exchange] = {}
        self.last: dict[str, Exchange] = {}
        self.watches: list[Watch] = []
        self.addressed: set[str] = set()
        self.given_up = False
        self._seen_away: set[str] = set()
        self._departs_late: bool | None = None

    @property
    def offers_deployment(self) -> bool:
        """Whether Get Deployment is claimed, or answered when asked once."""
        return self._asked("deployment", self._target.capabilities.get_deployment, self._ask_deployment)

    @property
    def offers_cloud_service(self) -> bool:
        """Whether Get Cloud Service Properties is."""
        return self._asked("cloud-service", self._target.capabilities.get_cloud_service, self._ask_cloud_service)

    def known(self, name: str) -> bool:
        """Whether a call was found to be offered; False where nobody asked."""
        return self._offers.get(name, False)

    def _asked(self, name: str, claimed: bool | None, ask: object) -> bool:  # noqa: FBT001  a tri-state of the target file
        if name not in self._offers:
            self._offers[name] = claimed if claimed is not None else bool(ask())  # type: ignore[operator]
        return self._offers[name]

    def _ask_deployment(self) -> bool:
        """Asks both forms: one that answers is enough to claim the call."""
        return any(
            _is_answered(self.look(deployment, form)) for deployment in self._target.deployments[:1] for form in UriForm
        )

    def _ask_cloud_service(self) -> bool:
        """Asks with detail and without: one that is answered is enough to claim the call."""
        service = self._target.deployments[0].cloud_service
        return any(
            _is_answered(
                self._dispatcher.once(
                    self._builder.cloud_service(service, version=OBSERVING_VERSION, detail=detail), label="look"
                )
            )
            for detail in (True, False)
        )

    def look(
        self, deployment: Deployment, form: UriForm = UriForm.SLOT, *, version: str = OBSERVING_VERSION
    ) -> Exchange:
        """One Get Deployment."""
        exchange = self._dispatcher.once(self._builder.deployment(deployment, form, version=version), label="look")
        if statuses_in(exchange):
            self.first.setdefault(deployment.name, exchange)
            self.last[deployment.name] = exchange
        return exchange

    def survey(self) -> dict[str, tuple[str, ...]]:
        """The instances that each listed deployment shows before anything was done to it."""
        if not self.offers_deployment:
            return {}
        return {d.name: tuple(statuses_in(self.first.get(d.name) or self.look(d))) for d in self._target.deployments}

    def watch(self, operation: Operation, place: Place, before: Exchange, others: tuple[str, ...]) -> Watch:
        """Watches the instance at `place` from now on."""
        watch = Watch(operation, place, before, others, due=self._dispatcher.clock.now())
        self.watches.append(watch)
        return watch

    def address(self, place: Place) -> None:
        """From here on `place` is being reimaged, so it is nobody's bystander any more."""
        self.addressed.add(str(place))
        for watch in self.watches:
            if watch.place.deployment == place.deployment and not watch.over:
                watch.others = tuple(name for name in watch.others if name != place.role_instance)

    def tick(self) -> None:
        """Looks at every deployment with a watch whose time has come."""
        now = self._dispatcher.clock.now()
        for watch in self.watches:
            if not watch.over and now >= watch.due:
                self._look_for(watch)

    def _look_for(self, watch: Watch) -> None:
        """One look, for every watch on the deployment."""
        clock, limits = self._dispatcher.clock, self._dispatcher.limits
        exchange = self.look(watch.place.deployment)
        self._look_again(watch.place, exchange)
        now = clock.now()
        for each in self.watches:
            if not each.over and each.place.deployment == watch.place.deployment:
                each.looks.append(exchange)
                waited = now - each.operation.began
                each.due = now + until_next_look(waited, limits.poll_interval_seconds)
                self._conclude(each, exchange, now)

    def _look_again(self, place: Place, exchange: Exchange) -> None:
        """The first time that an instance of a deployment is seen to be away, one more look with a later version."""
        away = statuses_in(exchange).get(place.role_instance) not in (READY, None)
        if away and place.deployment.name not in self._seen_away:
            self._seen_away.add(place.deployment.name)
            self.look(place.deployment, version=LATER_VERSION)

    def _conclude(self, watch: Watch, exchange: Exchange, now: float) -> None:
        """Ends a watch once the instance is back, or it has been waited for long enough."""
        status = statuses_in(exchange).get(watch.place.role_instance)
        if watch.operation.is_under_way:
            if status not in (READY, None):
                self._departs_late = False
            return
        limits = self._dispatcher.limits
        watch.waited = now - (watch.operation.ended or watch.operation.began)
        shown = [listed for look in watch.looks if (listed := statuses_in(look))]  # a throttled look shows nothing
        was_offline = any(listed.get(watch.place.role_instance) != READY for listed in shown)
        is_online = status == READY
        early = self._departs_late is False
        settled = watch.waited >= settling_seconds(watch.operation.duration, limits, departs_early=early)
        if (is_online and (was_offline or settled)) or (settled and not self.shows(watch.place.deployment)):
            watch.over = True
            self._departs_late = was_offline and self._departs_late is not False
        elif not is_online and (watch.waited >= limits.operation_timeout_seconds or self.given_up):
            watch.over = self.given_up = True

    def shows(self, deployment: Deployment) -> bool:
        """Whether a look ever showed instances of a deployment."""
        return deployment.name in self.first

    def is_online(self, place: Place) -> bool:
        """Whether no watch waits for the instance any more."""
        return all(watch.over for watch in self.watches if watch.place == place)

    def has_settled(self, operation: Operation) -> bool:
        """Whether the instance of an operation has been seen to change, or was given time for it."""
        if any(watch.operation is operation for watch in self.watches):
            return True  # `is_online` waits for it
        if operation.is_under_way:
            return False
        early = self._departs_late is False
        settling = settling_seconds(operation.duration, self._dispatcher.limits, departs_early=early)
        return self._dispatcher.clock.now() >= (operation.ended or operation.began) + settling

    def is_last_bystander(self, place: Place) -> bool:
        """Whether an instance is the only one left that shows whether the reimage of another one, still watched, leaves the others alone."""
        here = (watch for watch in self.watches if not watch.over and watch.place.deployment == place.deployment)
        return any(watch.others == (place.role_instance,) for watch in here)


def _is_answered(look: Exchange) -> bool:
    """Whether a call is there at all; which 2xx it should be answered with is for the checks."""
    return look.reply is not None and 200 <= look.reply.status < 300


class Probe:
    """The data-plane probe of the target: a look inside a role instance."""

    def __init__(self, target: Target, client: Client | None) -> None:
        self._url, self._client = target.probe_url, client
        self.first: dict[str, Exchange] = {}
        self.answers = True
        """False once one that had answered did not for as long as the operator allows: it is waited for no more."""

    @property
    def offered(self) -> bool:
        """Whether the target has one."""
        return self._url is not None and self._client is not None

    def ask(self, place: Place, method: str = "GET", suffix: str = "", body: bytes = b"") -> Exchange:
        """One exchange with the probe of a role instance."""
        if self._url is None or self._client is None:
            raise RuntimeError("the target has no probe")
        url = urlsplit(self._url)
        path = url.path.format(**{key: quote(value, safe="") for key, value in place.names().items()}) + suffix
        headers = [("Host", url.netloc)] + ([("Content-Length", str(len(body)))] if method == "PUT" else [])
        return self._client.exchange(Request(method, path, tuple(headers), body), label="probe")

    def installation(self, place: Place) -> Exchange:
        """The installation id of a role instance now."""
        exchange = self.ask(place)
        if installation_in(exchange):
            self.first.setdefault(str(place), exchange)
        return exchange
