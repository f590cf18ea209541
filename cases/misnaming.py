"""Names that are almost right: cloud services, deployments, slots and instances that do not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from reimage_conformance.casebook import SystemUnderTest
from reimage_conformance.judging.world import Absence
from reimage_conformance.model import Deployment, Request
from reimage_conformance.protocol.addresses import FORMS, Address, Kind, UriForm, encode
from reimage_conformance.protocol.requests import Place

SLOT, NAME = UriForm.SLOT, UriForm.NAME
Names = tuple[str, str, str, UriForm]
"""Cloud service, slot or deployment, role instance, and form of an address."""
FAR_BEYOND = 100
"""Scaling out a role during the run gives no instance an index that is this much above the highest one."""
MOST_FROM_ELSEWHERE = 3
"""How many names of instances of other deployments are tried in a deployment."""


def near_names(sut: SystemUnderTest) -> list[Names]:
    """Names that address nothing, each one small change away from a real one, encoded for a path, in both forms."""
    return [
        (as_segment(service), as_segment(container), as_segment(name), form)
        for service, container, name, form in wrong_names(sut)
    ]


def as_segment(name: str) -> str:
    """A name encoded for a path segment; white space at its end is encoded already."""
    bare = name.removesuffix("%20")
    return encode(bare) + name[len(bare) :]


def wrong_names(sut: SystemUnderTest) -> list[Names]:
    """The names of `near_names`, not yet encoded except for white space at the end."""
    main = sut.planner.main
    others = [other for other in sut.target.deployments if other != main]
    elsewhere = [names for other in others for names in wrong_deployments_elsewhere(sut, other)]
    wrong = [*wrong_services(sut, main), *wrong_deployments(sut, main), *elsewhere, *in_empty_slots(sut)]
    return [names for names in wrong if not exists(sut, *names)]


def exists(sut: SystemUnderTest, service: str, container: str, instance: str, form: UriForm) -> bool:
    """Whether these names address a known instance after all: a deployment may be called `staging`, or as another one is called."""
    address = Address(Kind.REIMAGE, sut.target.subscription_id, service, form, container, instance)
    return sut.world.absence(address) is Absence.NOTHING


def reimage_at_segments(sut: SystemUnderTest, service: str, container: str, instance: str, form: UriForm) -> Request:
    """A reimage request with these path segments as they are: nothing in them is encoded."""
    template = sut.builder.reimage_at("S-E-R", form, "C-O-N", "I-N-S")
    path = template.target
    for mark, name in (("S-E-R", service), ("C-O-N", container), ("I-N-S", instance)):
        path = path.replace(mark, name, 1)
    return replace(template, target=path)


def wrong_services(sut: SystemUnderTest, main: Deployment) -> list[Names]:
    """Cloud services that do not exist, in both forms."""
    name, instance = main.cloud_service, sut.main_witness().role_instance
    wrong = (name[:-1], name + "x", f"{name}{sut.builder.token}", sut.builder.no_service, name + "%20", "")
    return [(service, form.container(main), instance, form) for form in FORMS for service in wrong]


def wrong_deployments(sut: SystemUnderTest, main: Deployment) -> list[Names]:
    """Deployments that do not exist in the cloud service of the main one."""
    name, instance = main.name, sut.main_witness().role_instance
    wrong = (name[:-1], name + "1", f"{name}{sut.builder.token}", sut.builder.no_deployment, main.slot, "")
    return [(main.cloud_service, each, instance, NAME) for each in wrong]


def wrong_deployments_elsewhere(sut: SystemUnderTest, other: Deployment) -> list[Names]:
    """Deployments that do not exist in the cloud service of `other`, which is not the main deployment.

    If its cloud service is not that of the main deployment, each of the two is also addressed in the cloud service of the other one.
    """
    main, service, instance = sut.planner.main, other.cloud_service, other.role_instances[0]
    wrong = (sut.builder.no_deployment, other.name[:-1], other.name + "1", f"{other.name}{sut.builder.token}")
    found = [(service, name, instance, NAME) for name in wrong]
    if service != main.cloud_service:
        found.append((main.cloud_service, other.name, instance, NAME))
        found.append((service, main.name, sut.main_witness().role_instance, NAME))
    return found


def empty_slots(sut: SystemUnderTest) -> list[tuple[str, str]]:
    """Cloud service and slot, for each slot in which the target file lists no deployment."""
    filled = {(d.cloud_service, d.slot) for d in sut.target.deployments}
    services = dict.fromkeys(d.cloud_service for d in sut.target.deployments)
    return [(s, slot) for s in services for slot in ("staging", "production") if (s, slot) not in filled]


def in_empty_slots(sut: SystemUnderTest) -> list[Names]:
    """Empty slots, each with the name of an instance of the main deployment and of one in the same cloud service."""
    instances = {d.cloud_service: d.role_instances[0] for d in reversed(sut.target.deployments) if d.role_instances}
    main = sut.main_witness().role_instance
    return [
        (service, slot, name, SLOT)
        for service, slot in empty_slots(sut)
        for name in dict.fromkeys((main, instances.get(service, main)))
    ]


def near_instances(sut: SystemUnderTest, form: UriForm) -> list[tuple[Place, str]]:
    """Names that no instance of a deployment has, to send in addresses of this form, each with a place in that deployment.

    They are one small change away from the name of a listed instance, so that an endpoint may confuse the two, or belong
    to an instance of another deployment. Names that a role gets when it is scaled out are left out, unless the target file
    says that nothing else exists.
    """
    found: list[tuple[Place, str]] = []
    for deployment in sut.target.deployments:
        known, listed = sut.world.instances(deployment), deployment.role_instances
        near = changed_in_turn(sut, (listed[0], listed[-1]), form, known)
        beyond = unused_names(sut, names_beyond(known), known)
        elsewhere = {n for other in sut.target.deployments if other != deployment for n in other.role_instances}
        from_elsewhere = unused_names(sut, sorted(elsewhere), known)[:MOST_FROM_ELSEWHERE]
        place = Place(deployment, listed[0])
        found += [(place, name) for name in (*near, *beyond, *from_elsewhere)]
    return found


def changed_in_turn(sut: SystemUnderTest, two: tuple[str, str], form: UriForm, known: Sequence[str]) -> list[str]:
    """The names that `changed_names` makes, those of one name and of the other in turn; for the other form it begins with the other name.

    Where the changed name is in use, that of the other name takes its place. With the same name twice, each form has all changes of it.
    """
    changed = zip(*(changed_names(name, sut.builder.token) for name in two), strict=True)
    turned = [names[::-1] if (at + FORMS.index(form)) % 2 else names for at, names in enumerate(changed)]
    return list(dict.fromkeys(name for names in turned for name in unused_names(sut, names, known)[:1]))


def unused_names(sut: SystemUnderTest, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Those of `names` that none of the `known` instances has, and that none gets when its role is scaled out."""
    highest = {} if sut.target.complete else highest_indices(known)
    return [name for name in names if name and name not in known and not comes_with_scaling(name, highest)]


def comes_with_scaling(name: str, highest: Mapping[str, int]) -> bool:
    """Whether scaling out a role may create an instance of this name during the run; `highest` has the highest index of each role."""
    role, mark, index = name.rpartition("_")
    is_number = bool(mark) and index.isdecimal() and str(int(index)) == index  # no instance is called _IN_01
    return is_number and role in highest and int(index) < highest[role] + FAR_BEYOND


def changed_names(name: str, token: str) -> list[str]:
    """Names that differ a little from that of an instance; some of them are empty."""
    role, mark, index = name.rpartition("_")
    cut = [name.partition("_")[0], name[:-1], name + "x", role, role + mark]
    indices = [f"{role}{mark}0{index}", f"{role}{mark}{index}.5", f"{role}{mark}-1"]
    joined = name.replace("_", "").replace("-", "")  # an endpoint may drop what separates the words
    return [*cut, *indices, joined, f"x{name}", f"{name}{token}", f"{token}{name}", f"{role}{token}{mark}{index}"]


def names_beyond(known: Sequence[str]) -> list[str]:
    """For each role two names of instances that do not exist: with the next index after the highest one, and with one far beyond it."""
    highest = highest_indices(known)
    return [f"{role}_{highest[role] + step}" for role in sorted(highest) for step in (1, FAR_BEYOND)]


def highest_indices(known: Sequence[str]) -> dict[str, int]:
    """The highest index of each role in `known`, names of instances; a role is what stands before the last underscore."""
    highest: dict[str, int] = {}
    for role, _, index in (name.rpartition("_") for name in known):
        if index.isdecimal():
            highest[role] = max(int(index), highest.get(role, 0))
    return highest
