"""Names: whether the endpoint has the deployments and role instances that the target file lists.

An answer of the endpoint may itself be wrong. So a target file is called wrong (MEND) only where two independent
answers agree that it is: both URI forms of Get Deployment, or one of them and Get Cloud Service Properties. Where they
differ, the remark is a CHECK.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.judging.deployments import may_be_left_out
from reimage_conformance.judging.wording import reply_summary
from reimage_conformance.preflight.remarks import Remark, check, mend, note, ok
from reimage_conformance.protocol.addresses import UriForm, natural
from reimage_conformance.protocol.deployments import READY, Shown, shown_in, statuses_in
from reimage_conformance.protocol.documents import error_code, read_document
from reimage_conformance.protocol.requests import OBSERVING_VERSION
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reimage_conformance.model import Deployment, Exchange, Request, Target
    from reimage_conformance.protocol.requests import RequestBuilder

FEW = 6
"""A remark names at most this many deployments or instances."""


@dataclass(frozen=True, slots=True)
class DeploymentAnswers:
    """The answers about one deployment of the target file; `where` names its table.

    `by_slot` and `by_name` are answers to Get Deployment, `service` is one to Get Cloud Service Properties. `by_name` and `service` are
    there only if `by_slot` does not agree with the target file; `service` is also None if `get_cloud_service` is false.
    """

    where: str
    deployment: Deployment
    by_slot: Exchange
    by_name: Exchange | None = None
    service: Exchange | None = None

    @property
    def is_shown(self) -> bool:
        """Whether Get Deployment shows a deployment by either form."""
        return bool(described(self.by_slot) or described(self.by_name))

    @property
    def as_shown(self) -> list[Shown]:
        """The deployment as each answer shows it: by slot, by name, and in Get Cloud Service Properties."""
        listed = [each for each in shown_in(self.service) if each.name == self.deployment.name]
        return [*described(self.by_slot), *described(self.by_name), *listed[:1]]

    @property
    def address(self) -> str:
        """The slot and the cloud service in words."""
        return f"{self.deployment.slot} of {self.deployment.cloud_service}"


class Names:
    """Asks for the deployments of a target, and compares names with the target file."""

    def __init__(self, target: Target, builder: RequestBuilder, ask: Callable[[Request], Exchange]) -> None:
        self._target, self._builder, self._ask = target, builder, ask
        self._services: dict[str, Exchange] = {}

    def remarks(self) -> Iterator[Remark]:
        """The remarks on each deployment: its slot, its name, its instances, and whether those are ready."""
        if self._target.capabilities.get_deployment is False:
            yield note("get_deployment is false: the names and instances in the target file are not checked")
            return
        looks = [self._look(deployment, UriForm.SLOT) for deployment in self._target.deployments]
        found = [
            self._answers(f"[[deployments]] number {number}", deployment, look)
            for number, (deployment, look) in enumerate(zip(self._target.deployments, looks, strict=True), start=1)
        ]
        is_offered = any(each.is_shown for each in found)
        if not is_offered:
            listed = [(each.deployment.cloud_service, shown) for each in found for shown in shown_in(each.service)]
            if not listed:
                yield self._nothing_shown_remark(found)
                return
            is_offered = self._ask_whether_offered(*listed[0])
        for each in found:
            yield from _deployment_remarks(each, is_offered=is_offered)

    def _answers(self, where: str, deployment: Deployment, by_slot: Exchange) -> DeploymentAnswers:
        """The answers about one deployment; where the first agrees with the target file, no more is asked."""
        if _agrees(deployment, by_slot):
            return DeploymentAnswers(where, deployment, by_slot)
        by_name = self._look(deployment, UriForm.NAME)
        return DeploymentAnswers(where, deployment, by_slot, by_name, self._service(deployment.cloud_service))

    def _ask_whether_offered(self, service: str, listed: Shown) -> bool:
        """Asks Get Deployment for a deployment that Get Cloud Service Properties lists; True if it shows one, so that it is offered."""
        if not listed.name:
            return False
        look = self._ask(self._builder.deployment_at(service, UriForm.NAME, listed.name, version=OBSERVING_VERSION))
        return bool(described(look))

    def _look(self, deployment: Deployment, form: UriForm) -> Exchange:
        return self._ask(self._builder.deployment(deployment, form, version=OBSERVING_VERSION))

    def _service(self, name: str) -> Exchange | None:
        if self._target.capabilities.get_cloud_service is False:
            return None
        if name not in self._services:
            self._services[name] = self._ask(self._builder.cloud_service(name, version=OBSERVING_VERSION))
        return self._services[name]

    def _nothing_shown_remark(self, found: Sequence[DeploymentAnswers]) -> Remark:
        """The remark where no call shows any deployment: the calls are not offered, or all names are wrong."""
        first = found[0]
        text = f"Get Deployment shows no deployment (the first answer is {reply_summary(first.by_slot)})"
        # Where `get_cloud_service` is false, `service` is None: the 404s are of one call, which may not be offered, and prove nothing.
        is_unknown = all(_is_404(look) for each in found for look in (each.by_slot, each.by_name, each.service))
        capabilities = self._target.capabilities
        if is_unknown and (capabilities.get_deployment or capabilities.get_cloud_service):
            claimed = "get_deployment" if capabilities.get_deployment else "get_cloud_service"
            return mend(
                "cloud_service: Get Deployment and Get Cloud Service Properties are answered 404 for every deployment; "
                f"correct cloud_service, or set {claimed} to false"
            )
        if all(_says_that_service_is_unknown(each) for each in found):
            return mend(
                f"cloud_service in {first.where}: the endpoint says that there is no {first.deployment.cloud_service} "
                "under this subscription_id"
            )
        if capabilities.get_deployment:
            return check(
                f"get_deployment is true, but {text}; set it to false, or correct cloud_service, slot and name"
            )
        return note(f"{text}: it is not offered, or cloud_service, slot and name are wrong; names cannot be checked")


def described(exchange: Exchange | None) -> list[Shown]:
    """The one deployment that an answer to Get Deployment shows, or none."""
    if exchange is None or exchange.reply is None or read_document(exchange.reply).local_name != "Deployment":
        return []
    return shown_in(exchange)


def _agrees(deployment: Deployment, by_slot: Exchange) -> bool:
    """Whether an answer shows the deployment with its name, its slot and all its instances."""
    names = set(deployment.listed_instances)
    return any(
        each.name == deployment.name and each.slot == deployment.slot and names <= set(each.instances)
        for each in described(by_slot)
    )


def _is_404(exchange: Exchange | None) -> bool:
    """Whether a request was answered 404."""
    return exchange is not None and exchange.reply is not None and exchange.reply.status == 404


def _says_that_service_is_unknown(answers: DeploymentAnswers) -> bool:
    """Whether every call is answered 404 with a Message that names the cloud service, other than in a URI."""
    name = re.escape(answers.deployment.cloud_service)
    looks = (answers.by_slot, answers.by_name, answers.service)
    return all(
        _is_404(look) and re.search(rf"(?<![\w/-]){name}(?![\w/-])", _message(look)) is not None for look in looks
    )


def _message(exchange: Exchange | None) -> str:
    """The Message of an Error document whose Code is ResourceNotFound, else ""."""
    if exchange is None or exchange.reply is None or error_code(exchange.reply) != "ResourceNotFound":
        return ""
    return read_document(exchange.reply).text("Message") or ""


def _deployment_remarks(answers: DeploymentAnswers, *, is_offered: bool) -> Iterator[Remark]:
    """The remarks on one deployment of the target file."""
    if not answers.is_shown:
        yield _absence_remark(answers, is_offered=is_offered)
        return
    misnamed = _misnaming_remark(answers)
    if misnamed is not None:
        yield misnamed
        return
    yield from _instance_remarks(answers)


def _absence_remark(answers: DeploymentAnswers, *, is_offered: bool) -> Remark:
    """The remark where neither URI form shows the deployment."""
    deployment, where, service = answers.deployment, answers.where, answers.service
    keys = f"cloud_service and slot in {where}"
    text = f"{keys}: Get Deployment for {answers.address} is answered {reply_summary(answers.by_slot)}"
    listed = shown_in(service)
    if not (_is_404(answers.by_slot) and _is_404(answers.by_name)):
        return check(text)
    if any(each.name == deployment.name and _may_be_in_slot(each, deployment.slot) for each in listed):
        return check(f"{text}, although Get Cloud Service Properties shows {deployment.name} there")
    if not is_offered:
        return check(text)
    if listed:
        names = _few([f'"{each.name}" in {each.slot or "an unknown slot"}' for each in listed])
        return mend(
            f'slot and name in {where}: {deployment.cloud_service} has no "{deployment.name}" in {deployment.slot}; '
            f"it has {names}"
        )
    if service is not None and _is_404(service):
        text += f", and Get Cloud Service Properties is answered {reply_summary(service)}"
    return mend(text)


def _misnaming_remark(answers: DeploymentAnswers) -> Remark | None:
    """The remark on a wrong name or slot, or None."""
    deployment, where = answers.deployment, answers.where
    by_slot, by_name = (next(iter(described(look)), None) for look in (answers.by_slot, answers.by_name))
    listed = [each for each in shown_in(answers.service) if each.name == deployment.name]
    service_agrees_with_file = any(_may_be_in_slot(each, deployment.slot) for each in listed)
    is_in_other_slot = (
        by_name is not None and by_name.name == deployment.name and not _may_be_in_slot(by_name, deployment.slot)
    )
    if by_slot is not None and by_slot.name != deployment.name:
        text = f'name in {where}: {answers.address} holds "{by_slot.name}", not "{deployment.name}"'
        # A name in another letter case may be the same name, which the endpoint writes in its own way.
        slot_has_another = bool(by_slot.name) and by_slot.name.lower() != deployment.name.lower()
        name_is_not_there = is_in_other_slot or _is_404(answers.by_name)
        two_agree = slot_has_another and name_is_not_there
        return mend(text) if two_agree and not service_agrees_with_file else check(text)
    if is_in_other_slot and by_name is not None:
        text = f'slot in {where}: "{deployment.name}" of {deployment.cloud_service} is in {by_name.slot}, not in {deployment.slot}'
        two_agree = by_slot is None and _is_404(answers.by_slot)
        return mend(text) if two_agree and not service_agrees_with_file else check(text)
    return None


def _may_be_in_slot(shown: Shown, slot: str) -> bool:
    """Whether an answer shows a deployment in `slot`, or does not show its slot (`Shown.slot` is "" then)."""
    return shown.slot in (slot, "")


def _instance_remarks(answers: DeploymentAnswers) -> Iterator[Remark]:
    """The remarks on the instances of the target file: whether they exist and are ready."""
    deployment, where = answers.deployment, answers.where
    lists = [each.instances for each in answers.as_shown if each.instances]
    seen = {name for names in lists for name in names}
    groups = {"role_instances": deployment.role_instances, "failing_role_instances": deployment.failing_role_instances}
    for key, names in groups.items():
        absent = [name for name in names if name not in seen]
        if absent:
            others = _few(list(dict.fromkeys(name for each in lists for name in each))) or "none"
            missing = f"the endpoint shows no {', '.join(absent)} in {deployment.name}"
            text = f"{key} in {where}: {missing}; it shows {others}"
            is_proven = len(lists) > 1 and any(not may_be_left_out(name, answers.as_shown, absent) for name in absent)
            yield mend(text) if is_proven else check(text)
    unlisted = sorted(seen.difference(deployment.listed_instances), key=natural)
    if unlisted:
        yield note(
            f"role_instances in {where}: the target file does not list {counted(len(unlisted), 'role instance')} "
            f"of {deployment.name} ({_few(unlisted)}); the suite addresses no request to an unlisted instance, "
            "but a faulty endpoint may reimage one on a bad request"
        )
    shown = statuses_in(answers.by_slot) or (statuses_in(answers.by_name) if answers.by_name is not None else {})
    unready = {name: shown[name] for name in deployment.role_instances if shown.get(name, READY) != READY}
    if unready:
        states = ", ".join(f"{name} is {status}" for name, status in unready.items())
        yield note(f"role_instances in {where}: {states}; a reimage is judged only if its instance is {READY} before")
    ready = sum(shown.get(name) == READY for name in deployment.role_instances)
    if ready:
        yield ok(
            f"{deployment.name} is in {answers.address}; {ready} of its role instances {'is' if ready == 1 else 'are'} {READY}"
        )


def _few(names: Sequence[str]) -> str:
    """The first FEW of `names`, and dots if there are more."""
    return ", ".join(names[:FEW]) + (", ..." if len(names) > FEW else "")
