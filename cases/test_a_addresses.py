"""A. Reimage Role Instance: addresses. Slots, cloud services, deployments and instances that do not exist, and comp."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import Declared, SystemUnderTest, Witness, answer, applicable, forms, smoke, values, verifies
from conformance.model import Deployment, Exchange, Request
from conformance.protocol.addresses import FORMS, UriForm, encode
from conformance.protocol.requests import Place, with_query, with_subscription

SLOT, NAME = UriForm.SLOT, UriForm.NAME


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


def near_names(sut: SystemUnderTest) -> list[tuple[str, str, str, UriForm]]:
    """Service, container and instance that address nothing, by small slips, in both forms, as a path spells them."""
    return [(spelled(service), spelled(place), spelled(name), form) for service, place, name, form in slips(sut)]


def spelled(name: str) -> str:
    """A name as a path segment has it; white space behind it is encoded already."""
    bare = name.removesuffix("%20")
    return encode(bare) + name[len(bare) :]


def slips(sut: SystemUnderTest) -> list[tuple[str, str, str, UriForm]]:
    """The same as the names are, but for white space."""
    main, token = sut.planner.main, sut.builder.token
    instance = sut.main_witness(Witness.ADDRESS).role_instance
    cases: list[tuple[str, str, str, UriForm]] = []
    for form in FORMS:
        container = Place(main, "").container(form)
        services = (
            main.cloud_service[:-1],
            main.cloud_service + "x",
            f"{main.cloud_service}{token}",
            sut.builder.no_service,
            main.cloud_service + "%20",
            "",
        )
        cases += [(service, container, instance, form) for service in services]
    names = (main.name[:-1], main.name + "1", f"{main.name}{token}", sut.builder.no_deployment, main.slot, "")
    cases += [(main.cloud_service, name, instance, NAME) for name in names]
    for other in sut.target.deployments:
        if other != main:
            wrong = (sut.builder.no_deployment, other.name[:-1], other.name + "1", f"{other.name}{token}")
            cases += [(other.cloud_service, name, other.role_instances[0], NAME) for name in wrong]
        if other.cloud_service != main.cloud_service:
            cases.append((main.cloud_service, other.name, other.role_instances[0], NAME))
            cases.append((other.cloud_service, main.name, instance, NAME))
    filled = {(d.cloud_service, d.slot) for d in sut.target.deployments}
    services_known = dict.fromkeys(d.cloud_service for d in sut.target.deployments)
    empty = [(s, slot) for s in services_known for slot in ("staging", "production") if (s, slot) not in filled]
    for service, slot in empty:
        own = [name for d in sut.target.deployments if d.cloud_service == service for name in d.role_instances]
        cases += [(service, slot, name, SLOT) for name in dict.fromkeys((instance, *own[:1]))]
    return cases


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


def near_instances(sut: SystemUnderTest) -> list[tuple[Place, str]]:
    """Deployments and names of instances that they do not have, by small slips."""
    cases: list[tuple[Place, str]] = []
    token = sut.builder.token
    for deployment in sut.target.deployments:
        known = sut.world.instances(deployment)
        place = Place(deployment, deployment.role_instances[0])
        for name in dict.fromkeys((known[0], known[-1])):
            role, mark, index = name.rpartition("_")
            slips = [
                name.partition("_")[0],
                name[:-1],
                name + "x",
                role,
                role + mark,
                f"{role}{mark}0{index}",
                f"{role}{mark}{index}.5",
                f"{role}{mark}-1",
                f"x{name}",
                f"{name}{token}",
                f"{token}{name}",
                f"{role}{token}{mark}{index}",
            ]
            cases += [(place, slip) for slip in slips if slip]
        roles = {name.rpartition("_")[0] for name in known}
        for role in sorted(roles):
            indices = [
                int(n.rpartition("_")[2])
                for n in known
                if n.rpartition("_")[0] == role and n.rpartition("_")[2].isdigit()
            ]
            cases += [(place, f"{role}_{max(indices) + 1}"), (place, f"{role}_{max(indices) + 100}")] if indices else []
        elsewhere = {n for other in sut.target.deployments if other != deployment for n in other.role_instances}
        cases += [(place, name) for name in sorted(elsewhere - set(known))[:3]]
    return [(place, name) for place, name in cases if name not in sut.world.instances(place.deployment)]


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
