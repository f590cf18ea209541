"""Questions to an endpoint before a run: who it lets in, what it lists, what it takes; GET only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.checks.deployments import READY, deployment_elements, member, statuses_in
from conformance.checks.probes import installation_in
from conformance.checks.wording import is_busy, said
from conformance.model import FailureKind, Identity
from conformance.oracle import MINIMUM_VERSION
from conformance.preflight.remarks import Level, Remark, mend, note, ok, stop
from conformance.protocol.addresses import UriForm
from conformance.protocol.documents import error_code
from conformance.protocol.requests import Place
from conformance.requirements import FIRST_VERSION, published_from

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.model import Deployment, Exchange, Request, Target
    from conformance.protocol.requests import RequestBuilder
    from conformance.runner.observing import Probe

OBSERVING_VERSION = "2011-10-01"
REFUSALS = (401, 403)
FEW = 6


class Questions:
    """Asks an endpoint what a run would rely on.

    `ask` carries a request; `unknown` is the id of an operation that nobody started, so that asking for it is harmless;
    `speaks_tls` tells whether the port answers TLS, for an endpoint that answers plain HTTP oddly.
    """

    def __init__(
        self,
        target: Target,
        builder: RequestBuilder,
        ask: Callable[[Request], Exchange],
        unknown: str,
        *,
        speaks_tls: Callable[[], bool] = lambda: False,
    ) -> None:
        self._target, self._builder, self._ask, self._unknown = target, builder, ask, unknown
        self._speaks_tls = speaks_tls

    def identity(self) -> Iterator[Remark]:
        """Whether the credentials are let in, as a poll of an unknown operation shows without any effect."""
        exchange = self._ask(self._builder.operation_status(self._unknown))
        refusal = self._wrong_scheme(exchange) or self._refusal(exchange)
        if refusal is not None:
            yield refusal
            return
        yield ok(f"client_certificate opens subscription_id: an unknown operation is answered {said(exchange)}")
        if exchange.reply is not None and exchange.reply.status < 300:
            yield note("an operation that nobody started is answered as if it existed; a run will say so")
        elif exchange.reply is not None and not error_code(exchange.reply):
            yield note("the refusal of an unknown operation holds no Error document; is base_url the right service?")

    def _wrong_scheme(self, exchange: Exchange) -> Remark | None:
        """Whether a request in plain text was sent to a port with TLS, which answers 400 or nothing."""
        answered = exchange.reply is not None and (exchange.reply.status != 400 or bool(error_code(exchange.reply)))
        if answered or self._target.is_https or not self._speaks_tls():
            return None
        return mend(f"base_url: {self._target.base_url} is a port with TLS, so https:// is expected")

    def _refusal(self, exchange: Exchange) -> Remark | None:
        """What keeps us out, or None."""
        reply = exchange.reply
        if reply is None:
            return self._silence(exchange)
        if reply.status in REFUSALS:
            return stop(f"client_certificate: the endpoint answers {said(exchange)}; it does not open subscription_id")
        if reply.status in (301, 302, 303, 307, 308):
            moved = urlsplit(reply.header("Location") or "")
            where = f"{moved.scheme}://{moved.netloc}" if moved.netloc else "elsewhere"
            return mend(f"base_url: the endpoint sends callers to {where}")
        if is_busy(exchange):
            return stop(f"base_url: the endpoint is busy: {said(exchange)}; try again later")
        if error_code(reply) == "MissingOrIncorrectVersionHeader":
            return mend(f'x_ms_version: the endpoint does not take "{self._target.x_ms_version}": {said(exchange)}')
        return None

    def _silence(self, exchange: Exchange) -> Remark:
        """What no reply to the first question means."""
        kind = exchange.failure.kind if exchange.failure else FailureKind.CLOSED
        if kind is FailureKind.TLS and self._target.client_certificate is None:
            return mend(f"client_certificate: none is named, and the endpoint gives no reply: {said(exchange)}")
        if kind is FailureKind.TLS:
            return stop(f"client_certificate: the endpoint gives no reply: {said(exchange)}")
        broken = self._target.is_https and kind in (FailureKind.CLOSED, FailureKind.RESET)
        hint = "; an endpoint that refuses client_certificate may do so" if broken else ""
        return stop(f"base_url: the endpoint gives no reply: {said(exchange)}{hint}")

    def version(self) -> Iterator[Remark]:
        """Whether the version is one that a reimage may carry."""
        version = self._target.x_ms_version
        if version < MINIMUM_VERSION:
            yield mend(f'x_ms_version: "{version}" is older than {MINIMUM_VERSION}, the first that a reimage may carry')
        elif version not in published_from(FIRST_VERSION):
            yield note(f'x_ms_version: "{version}" was never published; an endpoint may refuse it')
        else:
            yield ok(f"x_ms_version: {version} was published, and a poll with it is answered")

    def other_identities(self) -> Iterator[Remark]:
        """What the optional identifiers and the second certificate open."""
        target, poll = self._target, self._builder.operation_status(self._unknown)
        if target.is_https and target.second_client_certificate is not None:
            exchange = self._ask(replace(poll, identity=Identity.SECOND))
            opens = exchange.reply is not None and exchange.reply.status not in REFUSALS
            text = f"second_client_certificate: answered {said(exchange)}"
            yield ok(text) if opens else mend(f"{text}; expected a certificate of the same subscription")
        if target.other_subscription_id is not None:
            yield self._other(target.other_subscription_id)
        if target.foreign_subscription_id is not None and target.is_https:
            yield self._foreign(target.foreign_subscription_id)

    def _other(self, subscription: str) -> Remark:
        exchange = self._ask(self._builder.operation_status(self._unknown, subscription=subscription))
        if subscription.lower() == self._target.subscription_id.lower():
            return mend("other_subscription_id is the same as subscription_id; expected a second one")
        if exchange.reply is None or exchange.reply.status in REFUSALS:
            return mend(f"other_subscription_id: answered {said(exchange)}; expected one that client_certificate opens")
        return ok(f"other_subscription_id: answered {said(exchange)}")

    def _foreign(self, subscription: str) -> Remark:
        if subscription.lower() == self._target.subscription_id.lower():
            return mend("foreign_subscription_id is the same as subscription_id; expected one that is not opened")
        exchange = self._ask(self._builder.operation_status(self._unknown, subscription=subscription))
        if exchange.reply is not None and exchange.reply.status not in REFUSALS:
            return note(
                f"foreign_subscription_id: answered {said(exchange)} where 403 is expected; either client_certificate "
                "opens it, or a run will hold it against the endpoint"
            )
        return ok(f"foreign_subscription_id: answered {said(exchange)}")

    def deployments(self) -> Iterator[Remark]:
        """Whether each slot holds the deployment that is named, and each instance is listed and ready."""
        if self._target.capabilities.get_deployment is False:
            yield note("get_deployment is false: names and instances are taken as the target file has them")
            return
        looks = [(d, [self._look(d, form) for form in UriForm]) for d in self._target.deployments]
        if not any(deployment_elements(look) for _, pair in looks for look in pair):
            yield self._unanswered(looks[0][1][0])
            return
        for number, (deployment, pair) in enumerate(looks, start=1):
            yield from _deployment_remarks(f"[[deployments]] number {number}", deployment, *pair)

    def _look(self, deployment: Deployment, form: UriForm) -> Exchange:
        return self._ask(self._builder.deployment(deployment, form, version=OBSERVING_VERSION))

    def _unanswered(self, exchange: Exchange) -> Remark:
        """No deployment is described: the call is not offered, or no name is right."""
        text = f"Get Deployment is answered {said(exchange)} for every deployment"
        if self._target.capabilities.get_deployment:
            return mend(f"get_deployment is true, but {text}; set it to false, or mend cloud_service, slot and name")
        return note(f"{text}: it is not offered, or cloud_service, slot and name are wrong; names cannot be checked")


def _deployment_remarks(where: str, deployment: Deployment, by_slot: Exchange, by_name: Exchange) -> Iterator[Remark]:
    """What two answers say about one deployment of the target file."""
    place = f"{deployment.slot} of {deployment.cloud_service}"
    found = deployment_elements(by_slot) or deployment_elements(by_name)
    if not found:
        yield mend(f"cloud_service and slot in {where}: {place} is answered {said(by_slot)}")
        return
    name, slot = member(found[0], "Name"), member(found[0], "DeploymentSlot").lower()
    if name != deployment.name:
        yield mend(f'name in {where}: {place} holds "{name}", not "{deployment.name}"')
        return
    if slot and slot != deployment.slot:
        yield mend(f'slot in {where}: "{name}" of {deployment.cloud_service} is in {slot}, not in {deployment.slot}')
        return
    shown = statuses_in(by_slot) or statuses_in(by_name)
    yield from _instance_remarks(where, deployment, shown)


def _instance_remarks(where: str, deployment: Deployment, shown: dict[str, str]) -> Iterator[Remark]:
    """Whether the instances of the target file are there and ready."""
    groups = {"role_instances": deployment.role_instances, "failing_role_instances": deployment.failing_role_instances}
    for key, names in groups.items():
        absent = [name for name in names if name not in shown]
        if absent:
            listed = ", ".join(list(shown)[:FEW]) or "none"
            yield mend(f"{key} in {where}: {deployment.name} lists no {', '.join(absent)}; it lists {listed}")
    unready = {name: shown[name] for name in deployment.role_instances if shown.get(name, READY) != READY}
    if unready:
        told = ", ".join(f"{name} is {status}" for name, status in unready.items())
        yield note(f"role_instances in {where}: {told}; what a reimage does is judged from {READY} on")
    ready = sum(shown.get(name) == READY for name in deployment.role_instances)
    if ready:
        where = f"{deployment.slot} of {deployment.cloud_service}"
        yield ok(f"{deployment.name} is in {where}; {ready} of its role instances are {READY}")


def probe_remarks(target: Target, probe: Probe) -> Iterator[Remark]:
    """Whether the probe tells the installation id of a role instance of each deployment."""
    if not probe.offered:
        yield note("url in [probe]: none is named, so what a reimage writes cannot be judged")
        return
    for deployment in target.deployments:
        exchange = probe.installation(Place(deployment, deployment.role_instances[0]))
        instance = f"{deployment.name}/{deployment.role_instances[0]}"
        if installation_in(exchange):
            yield ok(f"url in [probe]: {instance} tells its installation_id")
        else:
            yield mend(f"url in [probe]: {instance} is answered {said(exchange)}; expected JSON with installation_id")


def may_go_on(remarks: list[Remark]) -> bool:
    """Whether further questions make sense."""
    return all(remark.level is not Level.STOP for remark in remarks)
