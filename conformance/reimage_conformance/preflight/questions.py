"""Asks an endpoint before a run which identities and which version it accepts, with GETs only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.judging.instances.probes import installation_in
from reimage_conformance.judging.wording import reply_summary
from reimage_conformance.model import FailureKind, Identity
from reimage_conformance.preflight.access import barrier, barrier_remark
from reimage_conformance.preflight.remarks import Remark, check, mend, note, ok
from reimage_conformance.preflight.statement import is_published
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.protocol.requests import OBSERVING_VERSION, Place
from reimage_conformance.session.polling import DENIED
from reimage_conformance.session.probe import probe_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reimage_conformance.model import Exchange, Request, Target
    from reimage_conformance.protocol.requests import RequestBuilder


VERSION_REFUSED = "MissingOrIncorrectVersionHeader"
"""The error code of a refused x-ms-version."""


class Questions:
    """Asks an endpoint what a run relies on.

    `ask` sends a request. `unknown` is the id of an operation that does not exist. `speaks_tls` says whether the port
    answers TLS; it is called if base_url is http and the endpoint answers 400 or nothing.
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
        """The remarks on whether the endpoint accepts the credentials; the question is a poll of an unknown operation, which has no effect.

        If this poll meets a barrier, other requests are sent too. If one of them meets none, the endpoint can be judged,
        and a run will judge its polls.
        """
        poll = self._ask(self._builder.operation_status(self._unknown))
        if self._wrong_scheme(poll):
            yield mend(
                f"base_url: {self._target.base_url} answers TLS, not plain HTTP; expected https:// in place of http://"
            )
            return
        if barrier(poll) is not None:
            others = self._others(poll)
            if all(barrier(exchange) is not None for exchange in others):
                yield barrier_remark([poll, *others], self._target)
            else:
                yield check(
                    "base_url: only some questions are answered as by an endpoint of this protocol; "
                    f"an unknown operation is answered {reply_summary(poll)}"
                )
            return
        yield ok(f"client_certificate may use subscription_id: an unknown operation is answered {reply_summary(poll)}")
        if poll.reply is None:
            return
        if poll.is_successful:
            yield note("a poll of an operation that does not exist is answered as if it existed; a run will report it")
        elif error_code(poll.reply) == VERSION_REFUSED:
            yield self._version_refused(poll)
        elif not error_code(poll.reply):
            yield note(
                "base_url: the refusal of an unknown operation has no Error document; is this the right service?"
            )

    def _wrong_scheme(self, exchange: Exchange) -> bool:
        """Whether a request in plain text was sent to a port with TLS, which answers 400 or nothing."""
        answered = exchange.reply is not None and (exchange.reply.status != 400 or bool(error_code(exchange.reply)))
        return not answered and not self._target.is_https and self._speaks_tls()

    def _others(self, poll: Exchange) -> list[Exchange]:
        """The answers to other well-formed requests, up to the first without a barrier; only one if the poll timed out."""
        deployment = self._target.deployments[0]
        looks = [self._builder.deployment(deployment, form, version=OBSERVING_VERSION) for form in UriForm]
        requests = [*looks, self._builder.cloud_service(deployment.cloud_service, version=OBSERVING_VERSION)]
        is_slow = poll.failure is not None and poll.failure.kind is FailureKind.TIMEOUT
        asked: list[Exchange] = []
        for request in requests[:1] if is_slow else requests:
            asked.append(self._ask(request))
            if barrier(asked[-1]) is None:
                break
        return asked

    def _version_refused(self, poll: Exchange) -> Remark:
        version = self._target.x_ms_version
        text = f'x_ms_version: the endpoint does not take "{version}": {reply_summary(poll)}'
        return check(f"{text}, though it was published") if is_published(version) else mend(text)

    def other_identities(self) -> Iterator[Remark]:
        """The remarks on the second certificate and the optional subscription ids."""
        target, poll = self._target, self._builder.operation_status(self._unknown)
        if target.is_https and target.second_client_certificate is not None:
            exchange = self._ask(replace(poll, identity=Identity.SECOND))
            text = f"second_client_certificate: answered {reply_summary(exchange)}"
            is_accepted = exchange.reply is not None and exchange.reply.status not in DENIED
            yield ok(text) if is_accepted else check(f"{text}; expected a certificate of the same subscription")
        if target.other_subscription_id is not None:
            yield self._other(target.other_subscription_id)
        if target.foreign_subscription_id is not None and target.is_https:
            yield self._foreign(target.foreign_subscription_id)

    def _other(self, subscription: str) -> Remark:
        exchange = self._ask(self._builder.operation_status(self._unknown, subscription=subscription))
        text = f"other_subscription_id: answered {reply_summary(exchange)}"
        if exchange.reply is None or exchange.reply.status in DENIED:
            return check(f"{text}; expected one that client_certificate may use")
        return ok(text)

    def _foreign(self, subscription: str) -> Remark:
        exchange = self._ask(self._builder.operation_status(self._unknown, subscription=subscription))
        text = f"foreign_subscription_id: answered {reply_summary(exchange)}"
        if exchange.reply is not None and exchange.reply.status not in DENIED:
            return note(
                f"{text}, expected 403; a run reports it as a violation: name another id "
                "if client_certificate may use this one"
            )
        return ok(text)


def probe_remarks(target: Target, ask: Callable[[Request], Exchange] | None) -> Iterator[Remark]:
    """The remarks on the probe of one role instance of each deployment: whether it shows an installation id; `ask` sends a request to it."""
    if target.probe_url is None or ask is None:
        yield note("url in [probe]: no probe is named, so what a reimage writes cannot be judged")
        return
    for deployment in target.deployments:
        exchange = ask(probe_request(target.probe_url, Place(deployment, deployment.role_instances[0])))
        instance = f"{deployment.name}/{deployment.role_instances[0]}"
        if installation_in(exchange):
            yield ok(f"url in [probe]: {instance} shows its installation_id")
        else:
            yield check(
                f"url in [probe]: {instance} is answered {reply_summary(exchange)}; expected JSON with installation_id"
            )
