"""Mistakes of the target file: what it lists, and nothing in the run shows to exist.

What rests on a mistake is not held against the endpoint.

A deployment, a slot or a role instance exists for a run where a reimage of it was accepted, or an answer to Get Deployment or Get
Cloud Service Properties shows it. Where these show something else in its place, the target file is as likely to be wrong as the endpoint.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reimage_conformance.judging.deployments import may_be_left_out
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import first_names
from reimage_conformance.model import Outcome
from reimage_conformance.protocol.addresses import Address, Kind, UriForm, natural, read_target
from reimage_conformance.protocol.deployments import Shown, shown_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Verdict

_LOOKS = (Kind.DEPLOYMENT, Kind.CLOUD_SERVICE)
_NAMES_SHOWN = 6
"""How many names of instances a sentence gives at most."""
_BY_THE_FILE = ("REQ-DEPL-URI", "REQ-DEPL-ROOT", "REQ-DEPL-INSTANCES", "REQ-PROPS-URI")
"""The requirements that compare a document with what the target file lists."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A name of the target file that nothing shows to exist.

    It is an `instance`, a slot or a deployment's name, as `form` says, or the whole cloud service where `form` is None.
    A wrong slot or name covers every address of its form in the cloud service, except the slots or names in `others`,
    which are listed too: the endpoint may have something else there. `within` holds the slot and the name of the
    deployment that the instance is listed in. `is_spelling` says that the name is there in other letter case: an endpoint
    may accept it, so that only what it answers with 404 rests on the mistake.
    """

    sentence: str
    service: str
    form: UriForm | None = None
    others: tuple[str, ...] = ()
    instance: str = ""
    within: tuple[str, ...] = ()
    is_spelling: bool = False

    def covers(self, address: Address) -> bool:
        """Whether a request to `address` cannot be answered as the target file has it."""
        if address.service != self.service:
            return False
        if self.instance:
            return address.instance == self.instance and address.deployment in self.within
        return self.form is None or (address.form is self.form and address.deployment not in self.others)


@dataclass(slots=True)
class Seen:
    """What the run shows of each cloud service.

    `documents` holds the deployments that answers show, by the name of the service. `asked` are the addresses of sound
    requests, `accepted` those that were answered 2xx, `denied` those that were answered 404. `answered_otherwise` holds
    the cloud services of which a sound reimage got another answer or none, so that the service may be there.
    """

    documents: dict[str, list[Shown]] = field(default_factory=dict)
    accepted: set[Address] = field(default_factory=set)
    denied: set[Address] = field(default_factory=set)
    asked: set[Address] = field(default_factory=set)
    answered_otherwise: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, world: World, exchanges: Iterable[Exchange]) -> Seen:
        """What sound requests for listed names came to."""
        seen = cls()
        for exchange in exchanges:
            address = read_target(exchange.request.resource)
            if exchange.label == "probe" or address.kind not in (*_LOOKS, Kind.REIMAGE):
                continue
            if address.kind is Kind.REIMAGE and not expectation_of(exchange.request, world).must_be_accepted:
                continue
            seen.add(exchange, replace(address, subscription="", query=()))
        return seen

    def add(self, exchange: Exchange, address: Address) -> None:
        """Adds one answer."""
        status = exchange.reply.status if exchange.reply is not None else 0
        self.asked.add(address)
        if 200 <= status < 300:
            self.accepted.add(address)
            if address.kind in _LOOKS:
                self.documents.setdefault(address.service, []).extend(shown_in(exchange))
        elif status == 404:
            self.denied.add(address)
        elif address.kind is Kind.REIMAGE:
            self.answered_otherwise.add(address.service)

    def has(self, service: str, form: UriForm, container: str) -> bool:
        """Whether anything was accepted at a slot or a name."""
        return _includes(self.accepted, service, form, container)

    def lacks(self, service: str, form: UriForm, container: str) -> bool:
        """Whether something was denied at a slot or a name, and nothing accepted."""
        return _includes(self.denied, service, form, container) and not self.has(service, form, container)


def _includes(addresses: Iterable[Address], service: str, form: UriForm, container: str) -> bool:
    """Whether one of `addresses` is at a slot or a name."""
    return any((a.service, a.form, a.deployment) == (service, form, container) for a in addresses)


def mistakes_of(world: World, exchanges: Iterable[Exchange]) -> list[Mistake]:
    """What the target file lists and nothing in the run shows to exist."""
    seen = Seen.of(world, exchanges)
    found: list[Mistake] = []
    for number, deployment in enumerate(world.target.deployments, start=1):
        where = f"in [[deployments]] number {number}"
        service = _service(deployment.cloud_service, where, seen)
        in_service = [each for each in world.target.deployments if each.cloud_service == deployment.cloud_service]
        found += [service] if service is not None else _within(deployment, in_service, where, seen)
    return found


def agreed_mistakes(world: World, exchanges: Sequence[Exchange]) -> list[Mistake]:
    """The mistakes that a look and the 404 to a reimage agree on.

    A recording cannot be asked more: what a look leaves out may be the endpoint's fault, and so may a 404 alone.
    """
    seen = Seen.of(world, exchanges)
    found = list(_denied_twice(world.target.deployments, seen))
    for mistake in mistakes_of(world, exchanges):
        kinds = {address.kind for address in seen.denied if mistake.covers(address)}
        is_looked_for = bool(mistake.form or mistake.instance) or not kinds.isdisjoint(_LOOKS)
        found += [mistake] if is_looked_for and Kind.REIMAGE in kinds else []
    return found


def _denied_twice(deployments: Sequence[Deployment], seen: Seen) -> Iterator[Mistake]:
    """The slots and names at which nothing was accepted, and a look and a reimage were answered 404."""
    for number, deployment in enumerate(deployments, start=1):
        service = deployment.cloud_service
        for form, container in _forms(deployment):
            at = [a for a in seen.denied if (a.service, a.form, a.deployment) == (service, form, container)]
            if {Kind.DEPLOYMENT, Kind.REIMAGE} <= {a.kind for a in at} and not seen.has(service, form, container):
                key = "slot" if form is UriForm.SLOT else "name"
                sentence = f'{key} in [[deployments]] number {number}: Get Deployment and a reimage at "{container}" of {service} are answered 404'
                others = tuple(dict(_forms(each))[form] for each in deployments if each.cloud_service == service)
                yield Mistake(sentence, service, form, tuple(other for other in others if other != container))


def _service(service: str, where: str, seen: Seen) -> Mistake | None:
    """A cloud service at which every sound request was answered 404."""
    reimages = [a for a in seen.denied if a.service == service and a.kind is Kind.REIMAGE]
    known = service in seen.answered_otherwise or any(a.service == service for a in seen.accepted)
    if known or not reimages:
        return None
    sentence = (
        f"cloud_service {where}: every request for {service} is answered 404, so that nothing shows that there is one"
    )
    return Mistake(sentence, service)


def _within(deployment: Deployment, in_service: list[Deployment], where: str, seen: Seen) -> Iterator[Mistake]:
    """What is wrong with a deployment of a cloud service that is there; `in_service` are all that are listed in it.

    A deployment that an answer leaves out, and that nobody asked for, may be there.
    """
    service = deployment.cloud_service
    shown = seen.documents.get(service, [])
    if not shown:
        return
    held = ", ".join(dict.fromkeys(f'"{each.name}" in {each.slot or "some slot"}' for each in shown))
    named = [each for each in shown if each.name.lower() == deployment.name.lower()]
    there = [each for each in shown if each.slot == deployment.slot]
    by_name, by_slot = (seen.has(service, *each) for each in _forms(deployment))
    no_name, no_slot = (seen.lacks(service, *each) for each in _forms(deployment))
    other_names = tuple(each.name for each in in_service if each != deployment)
    if named and all(each.name != deployment.name for each in named):
        sentence = _spelt("name", where, deployment.name, named[0].name)
        yield Mistake(sentence, service, UriForm.NAME, other_names, is_spelling=True)
    if not named and not by_name and (no_name or any(each.name for each in there)):
        sentence = f'name {where}: no answer shows "{deployment.name}" in {service}, which has {held}'
        yield Mistake(sentence, service, UriForm.NAME, other_names)
    in_slot = by_slot or any(each.slot in (deployment.slot, "") for each in shown)
    if not in_slot and (no_slot or named):
        sentence = f"slot {where}: no answer shows a deployment in {deployment.slot} of {service}, which has {held}"
        yield Mistake(sentence, service, UriForm.SLOT, tuple(each.slot for each in in_service if each != deployment))
    yield from _instances(deployment, where, seen, named or there)


def _forms(deployment: Deployment) -> tuple[tuple[UriForm, str], tuple[UriForm, str]]:
    """How a deployment is addressed by its name, and by its slot."""
    return (UriForm.NAME, deployment.name), (UriForm.SLOT, deployment.slot)


def _instances(deployment: Deployment, where: str, seen: Seen, here: list[Shown]) -> Iterator[Mistake]:
    """Role instances that no answer shows in the deployment, unless a reimage of them was accepted.

    One that no sound request addressed may be left out by the endpoint, if a reimage of another absent one was accepted.
    """
    listed = {name for each in here for name in each.instances}
    names = deployment.listed_instances
    absent = [name for name in names if name not in listed] if listed else []
    within = deployment.slot, deployment.name
    spelt = {name.lower(): name for name in listed}
    leaves_out = any(_among(seen.accepted, deployment, name) for name in absent)
    for name in absent:
        if name.lower() in spelt:
            sentence = _spelt("role_instances", where, name, spelt[name.lower()])
            yield Mistake(sentence, deployment.cloud_service, instance=name, within=within, is_spelling=True)
            continue
        taken, denied, asked = (_among(each, deployment, name) for each in (seen.accepted, seen.denied, seen.asked))
        may_be_there = (asked or leaves_out) and may_be_left_out(name, here, absent)
        if not taken and (denied or not may_be_there):
            shown = first_names(sorted(listed, key=natural), _NAMES_SHOWN)
            sentence = f'role_instances {where}: no answer shows "{name}" in {deployment.name}, which has {shown}'
            yield Mistake(sentence, deployment.cloud_service, instance=name, within=within)


def _among(addresses: set[Address], deployment: Deployment, instance: str) -> bool:
    """Whether one of `addresses` is the reimage of an instance of a deployment, by either form."""
    bare = Address(Kind.REIMAGE, service=deployment.cloud_service, instance=instance)
    return any(replace(bare, form=form, deployment=container) in addresses for form, container in _forms(deployment))


def _spelt(key: str, where: str, name: str, shown: str) -> str:
    """The sentence for a name that is there in other letter case."""
    return f'{key} {where}: "{name}" is shown as "{shown}"; write it in the same letter case'


def without_mistakes(verdict: Verdict, exchanges: Mapping[int, Exchange], mistakes: Sequence[Mistake]) -> Verdict:
    """`verdict`, inconclusive where it holds against the endpoint what may be a mistake of the target file."""
    exchange = exchanges.get(verdict.evidence[0]) if verdict.evidence else None
    if not mistakes or not verdict.is_violation or exchange is None:
        return verdict
    address = read_target(exchange.request.resource)
    by_the_file = verdict.requirement in _BY_THE_FILE
    is_denied = exchange.reply is not None and exchange.reply.status == 404
    for mistake in mistakes:
        rests_on_it = mistake.covers(address) and (is_denied or not mistake.is_spelling)
        if rests_on_it or (by_the_file and mistake.service == address.service):
            return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=mistake.sentence, because=())
    return verdict
