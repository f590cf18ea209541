"""Looks: ask Get Deployment and Get Cloud Service Properties about role instances, and find out whether the target offers them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import TABLE_VERSIONS
from reimage_conformance.judging.wording import is_busy, reply_summary
from reimage_conformance.model import Why
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.deployments import statuses_in
from reimage_conformance.protocol.requests import OBSERVING_VERSION
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.signals import Inconclusive, NotApplicable

if TYPE_CHECKING:
    from reimage_conformance.model import Deployment, Exchange, Target
    from reimage_conformance.protocol.requests import RequestBuilder
    from reimage_conformance.session.sending import Sender

_LOOK = Manner("look")

LATER_VERSION = TABLE_VERSIONS[-1]
"""A version that no longer shows some instance statuses (REQ-DEPL-STATUS-GATES)."""


class Call(StrEnum):
    """A call that a target may offer."""

    DEPLOYMENT = "deployment"
    CLOUD_SERVICE = "cloud-service"

    @property
    def documented_name(self) -> str:
        """The name of the call in the documents."""
        return "Get Deployment" if self is Call.DEPLOYMENT else "Get Cloud Service Properties"


class Looks:
    """Makes the two calls, and keeps their answers.

    `first` and `last` hold the first and the latest answer that listed instances, by deployment.
    `unanswered` holds the calls that got no reply when the run began, and what happened instead, in words.
    """

    def __init__(self, target: Target, builder: RequestBuilder, sender: Sender) -> None:
        self._target, self._builder, self._sender = target, builder, sender
        self.offers_deployment = False
        self.offers_cloud_service = False
        self.first: dict[Deployment, Exchange] = {}
        self.last: dict[Deployment, Exchange] = {}
        self.unanswered: dict[Call, str] = {}

    async def find_out(self) -> None:
        """Finds out whether the target offers the two calls: by the target file, or else by making each call."""
        claimed = self._target.capabilities
        offered = claimed.get_deployment
        self.offers_deployment = await self._answers_deployment() if offered is None else offered
        offered = claimed.get_cloud_service
        self.offers_cloud_service = await self._answers_cloud_service() if offered is None else offered

    @property
    def offers(self) -> dict[str, bool | None]:
        """Whether the target offers each call, None for one that was never answered; as the journal holds it."""
        found = {Call.DEPLOYMENT: self.offers_deployment, Call.CLOUD_SERVICE: self.offers_cloud_service}
        return {call.value: None if call in self.unanswered else offered for call, offered in found.items()}

    def require(self, call: Call) -> None:
        """Raises NotApplicable where the target does not offer a call, and Inconclusive where it got no reply."""
        offered = self.offers_deployment if call is Call.DEPLOYMENT else self.offers_cloud_service
        if call in self.unanswered:
            raise Inconclusive(f"{call.documented_name} was never answered: {self.unanswered[call]}", why=Why.NO_REPLY)
        if not offered:
            raise NotApplicable(f"the target does not offer {call.documented_name}")

    async def _answers_deployment(self) -> bool:
        """Whether Get Deployment is answered with 2xx in one of its two forms."""
        looks = []
        for form in UriForm:
            looks.append(await self.look(self._target.deployments[0], form))
            if looks[-1].is_successful:
                return True
        self._note_silence(Call.DEPLOYMENT, looks)
        return False

    async def _answers_cloud_service(self) -> bool:
        """Whether Get Cloud Service Properties is answered with 2xx, with detail or without."""
        service = self._target.deployments[0].cloud_service
        looks = []
        for detail in (True, False):
            request = self._builder.cloud_service(service, version=OBSERVING_VERSION, detail=detail)
            looks.append(await self._sender.send(request, _LOOK))
            if looks[-1].is_successful:
                return True
        self._note_silence(Call.CLOUD_SERVICE, looks)
        return False

    def _note_silence(self, call: Call, looks: list[Exchange]) -> None:
        """Notes the call as unanswered if each look got no reply or was throttled: it is not known then whether the call is offered."""
        if all(look.reply is None or is_busy(look) for look in looks):
            self.unanswered[call] = reply_summary(looks[-1])

    async def look(
        self,
        deployment: Deployment,
        form: UriForm = UriForm.SLOT,
        *,
        version: str = OBSERVING_VERSION,
        patient: bool = True,
    ) -> Exchange:
        """Makes one Get Deployment; if `patient`, a throttled one is repeated."""
        request = self._builder.deployment(deployment, form, version=version)
        exchange = await (self._sender.send if patient else self._sender.send_and_follow_up)(request, _LOOK)
        if statuses_in(exchange):
            self.first.setdefault(deployment, exchange)
            self.last[deployment] = exchange
        return exchange

    async def survey(self) -> dict[str, tuple[str, ...]]:
        """The instances that each listed deployment shows at the beginning of the run, by the key of the deployment."""
        if not self.offers_deployment:
            return {}
        looks = {d.key: self.first.get(d) or await self.look(d) for d in self._target.deployments}
        self._note_silence(Call.DEPLOYMENT, list(looks.values()))
        self.offers_deployment = Call.DEPLOYMENT not in self.unanswered
        return {key: tuple(statuses_in(look)) for key, look in looks.items()}

    def shows(self, deployment: Deployment) -> bool:
        """Whether a look ever showed instances of a deployment."""
        return deployment in self.first
