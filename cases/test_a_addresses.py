"""A. Reimage Role Instance: addresses. Slots, cloud services, deployments and instances that do not exist, and comp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from reimage_conformance.casebook import (
    Declared,
    SystemUnderTest,
    Witness,
    answer,
    applicable,
    forms,
    smoke,
    values,
    verifies,
)
from reimage_conformance.model import Deployment, Exchange, Request
from reimage_conformance.protocol.addresses import FORMS, UriForm, encode
from reimage_conformance.protocol.requests import Place, with_query, with_subscription

SLOT, NAME = UriForm.SLOT, UriForm.NAME
Names = tuple[str, str, str, UriForm]
"""Cloud service, slot or deployment, role instance, and form of an address."""


def slot_variants(slot: str, token: str) -> list[str]:
    """Segments that are neither slot: near misses of `slot`, neither name, empty."""
    return [
        slot[:-1],
        slot + "s",
        slot[1:],
        slot[:4],
        f"{slot}{token}",
        f"test{token}",
        "",
        " ",
        f"{slot}%20",
        f"{slot}%00",
        f"{slot},staging",
        "*",
        "0",
    ]


@smoke
@verifies("REQ-REIMAGE-SLOT-OTHER")
@pytest.mark.parametrize("number", range(13))
def test_a_wrong_slot_reimages_nothing(sut: SystemUnderTest, number: int) -> Request:
    """Any other slot value addresses nothing and leads to no successful reimage."""
    slot = sut.planner.main.slot
    request = sut.reimage_of(Witness.ADDRESS, SLOT)
    wrong = slot_variants(slot, sut.builder.token)[number]
    return replace(request, target=request.target.replace(f"/{slot}/", f"/{wrong}/", 1).replace(" ", "%20"))


@verifies("REQ-REIMAGE-SLOT-OTHER")
def test_a_deployment_name_is_no_slot(sut: SystemUnderTest) -> list[Request]:
    """The name of a deployment in place of a slot addresses nothing."""
    return [in_slot(sut, deployment, deployment.name) for deployment in sut.target.deployments]


@verifies("REQ-REIMAGE-SLOT-OTHER")
@pytest.mark.parametrize("number", ["1", "2"])
async def test_a_number_is_no_slot(sut: SystemUnderTest, number: str) -> list[Request]:
    """What an enumeration of the slots may count them by addresses nothing."""
    return await sut.admitted([in_slot(sut, deployment, number) for deployment in sut.target.deployments])


def in_slot(sut: SystemUnderTest, deployment: Deployment, slot: str) -> Request:
    """A reimage of the first instance of a deployment, in a slot that is none."""
    return sut.builder.reimage_at(deployment.cloud_service, SLOT, slot, deployment.role_instances[0])


@forms
@verifies("REQ-REIMAGE-UNKNOWN-SERVICE")
def test_a_cloud_service_of_another_subscription_is_unknown(sut: SystemUnderTest, form: UriForm) -> Request:
    """What one subscription holds does not exist in another, though the same certificate opens both."""
    other = applicable(sut.target.other_subscription_id, "the target lists no second subscription")
    return with_subscription(sut.reimage_of(Witness.ADDRESS, form), sut.target.subscription_id, other)


def near_names(sut: SystemUnderTest) -> list[Names]:
    """Service, container and instance that address nothing, by small slips, in both forms, as a path spells them."""
    return [(spelled(service), spelled(place), spelled(name), form) for service, place, name, form in slips(sut)]


def spelled(name: str) -> str:
    """A name as a path segment has it; white space behind it is encoded already."""
    bare = name.removesuffix("%20")
    return encode(bare) + name[len(bare) :]


def slips(sut: SystemUnderTest) -> list[Names]:
    """The same as the names are, but for white space."""
    main = sut.planner.main
    elsewhere = [each for other in sut.target.deployments for each in slips_elsewhere(sut, other)]
    return [*slips_of_service(sut, main), *slips_of_deployment(sut, main), *elsewhere, *in_empty_slots(sut)]


@smoke
@verifies("REQ-REIMAGE-UNKNOWN-SERVICE")
def test_an_unknown_service_is_refused(sut: SystemUnderTest) -> Request:
    """A reimage naming a cloud service that does not exist does not succeed."""
    place = sut.main_witness(Witness.ADDRESS)
    return sut.builder.reimage_at(sut.builder.no_service, SLOT, place.deployment.slot, place.role_instance)


@verifies("REQ-REIMAGE-UNKNOWN-SERVICE")
@pytest.mark.parametrize("number", range(40))
def test_an_unknown_service_deployment_or_empty_slot_is_refused(sut: SystemUnderTest, number: int) -> Declared:
    """A reimage naming a service or deployment that does not exist, or an empty slot, does not succeed."""
    further = applicable(near_names(sut)[number:], "the target's names make no further near miss")
    return Declared(unquoted(sut, *further[0]), "REQ-REIMAGE-UNKNOWN-SERVICE")


def unquoted(sut: SystemUnderTest, service: str, container: str, instance: str, form: UriForm) -> Request:
    """A request with these path segments as they are, percent signs and all."""
    template = sut.builder.reimage_at("S-E-R", form, "C-O-N", "I-N-S")
    path = template.target
    for mark, name in (("S-E-R", service), ("C-O-N", container), ("I-N-S", instance)):
        path = path.replace(mark, name, 1)
    return replace(template, target=path)


def slips_of_service(sut: SystemUnderTest, main: Deployment) -> list[Names]:
    """Cloud services that do not exist, in both forms."""
    name, instance = main.cloud_service, sut.main_witness().role_instance
    wrong = (name[:-1], name + "x", f"{name}{sut.builder.token}", sut.builder.no_service, name + "%20", "")
    return [(service, Place(main, "").container(form), instance, form) for form in FORMS for service in wrong]


def slips_of_deployment(sut: SystemUnderTest, main: Deployment) -> list[Names]:
    """Deployments that do not exist in the cloud service of the main one."""
    name, instance = main.name, sut.main_witness().role_instance
    wrong = (name[:-1], name + "1", f"{name}{sut.builder.token}", sut.builder.no_deployment, main.slot, "")
    return [(main.cloud_service, each, instance, NAME) for each in wrong]


def slips_elsewhere(sut: SystemUnderTest, other: Deployment) -> list[Names]:
    """The same beside another deployment; and where that one is in another cloud service, each of the two in the wrong one."""
    main, service, instance = sut.planner.main, other.cloud_service, other.role_instances[0]
    wrong = (sut.builder.no_deployment, other.name[:-1], other.name + "1", f"{other.name}{sut.builder.token}")
    found = [(service, name, instance, NAME) for name in wrong if other != main]
    if service != main.cloud_service:
        found.append((main.cloud_service, other.name, instance, NAME))
        found.append((service, main.name, sut.main_witness().role_instance, NAME))
    return found


def in_empty_slots(sut: SystemUnderTest) -> list[Names]:
    """Slots that hold no deployment, with the name of an instance of the main one, and of one of the cloud service's own."""
    instances = {d.cloud_service: d.role_instances[0] for d in reversed(sut.target.deployments) if d.role_instances}
    filled = {(d.cloud_service, d.slot) for d in sut.target.deployments}
    services = dict.fromkeys(d.cloud_service for d in sut.target.deployments)
    empty = [(s, slot) for s in services for slot in ("staging", "production") if (s, slot) not in filled]
    main = sut.main_witness().role_instance
    return [(s, slot, name, SLOT) for s, slot in empty for name in dict.fromkeys((main, instances.get(s, main)))]


def near_instances(sut: SystemUnderTest) -> list[tuple[Place, str]]:
    """Deployments and names of instances that they do not have, by small slips."""
    found: list[tuple[Place, str]] = []
    for deployment in sut.target.deployments:
        known = sut.world.instances(deployment)
        ends = dict.fromkeys((known[0], known[-1]))
        near = [slip for name in ends for slip in slips_of_instance(name, sut.builder.token)]
        near += beyond(known)
        elsewhere = {n for other in sut.target.deployments if other != deployment for n in other.role_instances}
        near += sorted(elsewhere - set(known))[:3]
        place = Place(deployment, deployment.role_instances[0])
        found += [(place, name) for name in near if name and name not in known]
    return found


@smoke
@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
def test_an_unknown_instance_is_refused(sut: SystemUnderTest, form: UriForm) -> Request:
    """A reimage of an instance that is not in the deployment does not succeed."""
    return sut.nowhere(form)


@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
async def test_near_misses_of_instance_names_are_refused(sut: SystemUnderTest, form: UriForm) -> list[Request]:
    """A prefix, an index one too high, a name from another deployment: none is in the deployment."""
    near = [
        sut.builder.reimage_at(place.deployment.cloud_service, form, place.container(form), name)
        for place, name in near_instances(sut)
    ]
    return await sut.admitted(near)


AROUND = (
    "%20{name}",
    "{name}%20",
    "%09{name}",
    "{name}%0D%0A",
    "{name}%00",
    "{name}%2F",
    "{name};{token}",
    "{twice}",
    "{name}*",
    "{name}%25",
)
"""What is not quite the name of an instance that exists: white space and more around it, a wildcard behind it, or encoded twice."""
NOTHING = ("%00", "%0A", "..")
"""What an endpoint may read as no name at all."""


NAMES = ("a&b", "<x>", *NOTHING, "x" * 300, "%E2%82%AC", "'; drop", '"', "%FF", "%C3%28", "%5D%5D>")


MANY = [pytest.param("&" * 60, id="60 ampersands"), pytest.param("x" + "&" * 60, id="an x and 60 ampersands")]


def malformed(sut: SystemUnderTest, name: str) -> str:
    """A name that no instance has, as a path segment: one of AROUND and NOTHING as it stands, any other behind a random token."""
    encoded = name.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E").replace('"', "%22")
    encoded = encoded if name in (*AROUND, *NOTHING) else f"{sut.builder.token}{encoded}"
    known = encode(sut.main_witness().role_instance)
    twice = known if known[0] == "%" else f"%{ord(known[0]):02X}{known[1:]}"
    twice = twice.replace("%", "%25", 1)
    return encoded.replace("{token}", sut.builder.token).replace("{name}", known).replace("{twice}", twice)


def record_bad_name(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Records how a malformed instance name is answered."""
    if exchange.reply is not None:
        sut.observe("REQ-REIMAGE-BAD-NAME", f"a malformed instance name is answered {answer(exchange)}", exchange)


@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
@pytest.mark.parametrize("name", [*NAMES, *MANY, *AROUND])
def test_malformed_instance_names_are_refused(sut: SystemUnderTest, form: UriForm, name: str) -> Declared:
    """Characters that no name has are answered 400 or 404 and a document that is still well formed."""
    main = sut.planner.main
    container = Place(main, "").container(form)
    return Declared(unquoted(sut, main.cloud_service, container, malformed(sut, name), form), then=record_bad_name)


# comp.

COMPS = (None, "", "comp", "comp=re-image", "comp=start", "comp=update", "comp=upgrade", "comp=shutdown", "comp=reset", "comp=rebuild,reimage", "comp=", "comp=reimag", "comp=reimagee", "comp=reimages", "comp=restart", "comp=re image", "comp=%20reimage",
         "comp=reimage%20", "comp=reimage%00", "xcomp=reimage", "com=reimage", "reimage", "comp=config", "comp=re%2Bimage",
         "comp=reimage%2Creboot", "comp=1", "op=reimage", "comp==reimage", "comp=reimage%26x", "comp:reimage", "reimage=comp", "x?comp=reimage")  # fmt: skip


@forms
@verifies("REQ-REIMAGE-COMP-MISSING")
@values("query", COMPS, smoke_of=(None, "comp=restart"))
def test_comp_missing_or_wrong_is_refused(sut: SystemUnderTest, form: UriForm, query: str | None) -> Request:
    """A POST without comp, or with a value that names no operation, gets 400 and starts nothing."""
    return with_query(sut.reimage_of(Witness.QUERY, form), None if query is None else query.replace(" ", "+"))


def slips_of_instance(name: str, token: str) -> list[str]:
    """Near misses of the name of an instance, some of them empty."""
    role, mark, index = name.rpartition("_")
    cut = [name.partition("_")[0], name[:-1], name + "x", role, role + mark]
    indices = [f"{role}{mark}0{index}", f"{role}{mark}{index}.5", f"{role}{mark}-1"]
    return [*cut, *indices, f"x{name}", f"{name}{token}", f"{token}{name}", f"{role}{token}{mark}{index}"]


def beyond(known: Sequence[str]) -> list[str]:
    """For each role an index that is one too high, and one that is far too high."""
    highest: dict[str, int] = {}
    for role, _, index in (name.rpartition("_") for name in known):
        if index.isdigit():
            highest[role] = max(int(index), highest.get(role, 0))
    return [f"{role}_{highest[role] + step}" for role in sorted(highest) for step in (1, 100)]
