"""Addresses: both forms, slots, cloud services, deployments and instances that do not exist, and comp."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reimage_conformance.casebook import (
    Declared,
    SystemUnderTest,
    Witness,
    alone,
    answer,
    each_form,
    forms,
    not_applicable_unless,
    smoke,
    untested_unless,
    values,
    verifies,
)
from reimage_conformance.judging.instances.effects import equivalent_forms
from reimage_conformance.judging.instances.probes import installation_unchanged
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.judging.world import SLOTS
from reimage_conformance.model import Deployment, Exchange, Request, Why
from reimage_conformance.protocol.addresses import UriForm, encode
from reimage_conformance.protocol.requests import Place, with_query, with_subscription
from reimage_conformance.session.operations import Operation

from .accepting import judge_completion, results_that_must_succeed
from .misnaming import near_instances, near_names, reimage_at_segments

SLOT, NAME = UriForm.SLOT, UriForm.NAME


def slot_variants(slot: str, token: str) -> list[str]:
    """Segments that are no slot: changes of `slot`, other words, empty."""
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
    """A value that is no slot addresses nothing, and leads to no successful reimage."""
    slot = sut.planner.main.slot
    request = sut.reimage_of(Witness.ADDRESS, SLOT)
    wrong = slot_variants(slot, sut.builder.token)[number]
    return replace(request, target=request.target.replace(f"/{slot}/", f"/{wrong}/", 1).replace(" ", "%20"))


@verifies("REQ-REIMAGE-SLOT-OTHER")
async def test_a_deployment_name_is_no_slot(sut: SystemUnderTest) -> list[Request]:
    """The name of a deployment in place of a slot addresses nothing."""
    named = [deployment for deployment in sut.target.deployments if deployment.name.lower() not in SLOTS]
    not_applicable_unless(named, "every listed deployment has the name of a slot")
    return await sut.admitted([in_slot(sut, deployment, deployment.name) for deployment in named])


@verifies("REQ-REIMAGE-SLOT-OTHER")
@pytest.mark.parametrize("number", ["1", "2"])
async def test_a_number_is_no_slot(sut: SystemUnderTest, number: str) -> list[Request]:
    """A number in place of a slot addresses nothing, even if an implementation numbers its slots."""
    return await sut.admitted([in_slot(sut, deployment, number) for deployment in sut.target.deployments])


def in_slot(sut: SystemUnderTest, deployment: Deployment, slot: str) -> Request:
    """A reimage of the first instance of a deployment, in a slot that does not exist."""
    return sut.builder.reimage_at(deployment.cloud_service, SLOT, slot, deployment.role_instances[0])


@forms
@verifies("REQ-REIMAGE-UNKNOWN-SERVICE")
def test_a_cloud_service_of_another_subscription_is_unknown(sut: SystemUnderTest, form: UriForm) -> Request:
    """What one subscription holds does not exist in another, though the same certificate is valid for both."""
    other = not_applicable_unless(sut.target.other_subscription_id, "the target lists no second subscription")
    return with_subscription(sut.reimage_of(Witness.ADDRESS, form), sut.target.subscription_id, other)


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
    remaining = not_applicable_unless(near_names(sut)[number:], "the names of the target have no more variants to try")
    return Declared(reimage_at_segments(sut, *remaining[0]), "REQ-REIMAGE-UNKNOWN-SERVICE")


@smoke
@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
def test_an_unknown_instance_is_refused(sut: SystemUnderTest, form: UriForm) -> Request:
    """A reimage of an instance that is not in the deployment does not succeed."""
    return sut.unknown_instance(form)


@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
async def test_near_misses_of_instance_names_are_refused(sut: SystemUnderTest, form: UriForm) -> list[Request]:
    """A part of a name, an index that is too high, a name from another deployment: the deployment has no such instance."""
    near = [
        sut.builder.reimage_at(place.deployment.cloud_service, form, place.container(form), name)
        for place, name in near_instances(sut, form)
    ]
    return await sut.admitted(near)


NAME_VARIANTS = (
    "%20{name}",
    "{name}%20",
    "%09{name}",
    "{name}%0D%0A",
    "{name}%00",
    "{name}%2F",
    "{twice}",
    "{name}*",
    "{name}%25",
    "{name}%C3%A9",
)
"""Variants of a real instance name: with white space or other characters around it, with a wildcard, encoded twice, with a letter that is not in ASCII."""
LIKE_EMPTY = ("%00", "%0A", "..")
"""Segments that an endpoint may read as an empty name."""
NAMES = ("a&b", "x<y>", *LIKE_EMPTY, "x" * 300, "%E2%82%AC", "'; drop", '"', "%FF", "%C3%28", "%5D%5D>")
"""Names with characters that no instance name has, very long names, and names that are not valid UTF-8."""
MANY_AMPERSANDS = [
    pytest.param("&" * 60, id="60 ampersands"),
    pytest.param("x" + "&" * 60, id="an x and 60 ampersands"),
]
"""Names with many ampersands; the id of the case says so in words."""


def malformed(sut: SystemUnderTest, name: str) -> str:
    """A name that no instance has, as a path segment.

    Those of NAME_VARIANTS and LIKE_EMPTY are used as they are; any other follows a random token.
    """
    encoded = name.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E").replace('"', "%22")
    encoded = encoded if name in (*NAME_VARIANTS, *LIKE_EMPTY) else f"{sut.builder.token}{encoded}"
    known = encode(sut.main_witness().role_instance)
    once = known if known[0] == "%" else f"%{ord(known[0]):02X}{known[1:]}"
    twice = once.replace("%", "%25", 1)
    return encoded.replace("{name}", known).replace("{twice}", twice)


def record_bad_name(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Records how a malformed instance name is answered."""
    if exchange.reply is not None:
        sut.observe("REQ-REIMAGE-BAD-NAME", f"a malformed instance name is answered {answer(exchange)}", exchange)


@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
@pytest.mark.parametrize("name", [*NAMES, *MANY_AMPERSANDS, *NAME_VARIANTS])
def test_malformed_instance_names_are_refused(sut: SystemUnderTest, form: UriForm, name: str) -> Declared:
    """A name with characters that no name has is answered 400 or 404, with a well-formed document."""
    main = sut.planner.main
    container = form.container(main)
    return Declared(
        reimage_at_segments(sut, main.cloud_service, container, malformed(sut, name), form), then=record_bad_name
    )


# The query parameter comp.

COMPS = (None, "", "comp", "comp=re-image", "comp=start", "comp=update", "comp=upgrade", "comp=shutdown", "comp=reset", "comp=rebuild,reimage", "comp=", "comp=reimag", "comp=reimagee", "comp=reimages", "comp=restart", "comp=re image", "comp=%20reimage",
         "comp=reimage%20", "comp=reimage%00", "xcomp=reimage", "com=reimage", "reimage", "comp=config", "comp=re%2Bimage",
         "comp=reimage%2Creboot", "comp=1", "op=reimage", "comp==reimage", "comp=reimage%26x", "comp:reimage", "reimage=comp", "x?comp=reimage",
         "comp%5B%5D=reimage", "comp%5B0%5D=reimage")  # fmt: skip


@forms
@verifies("REQ-REIMAGE-COMP-MISSING")
@values("query", COMPS, smoke_of=(None, "comp=restart"))
def test_comp_missing_or_wrong_is_refused(sut: SystemUnderTest, form: UriForm, query: str | None) -> Request:
    """A POST without comp, or with a value that names no operation, gets 400 and starts nothing."""
    return with_query(sut.reimage_of(Witness.QUERY, form), None if query is None else query.replace(" ", "+"))


def shared_instance(sut: SystemUnderTest, form: UriForm) -> Place:
    """An instance whose name is also in other deployments, if there is one: it shows whether deployments are mixed up.

    For the slot form it is in another deployment than the main one, since an ignored slot would lead to the main one.
    """
    shared = sut.planner.namesakes or sut.places()[:1]
    return shared[0] if form is UriForm.SLOT else shared[-1]


async def judge_observed(sut: SystemUnderTest, form: UriForm) -> None:
    """Judges from the reimages of the campaign whether a form is equivalent to the other: from the looks at them, or from their success."""
    results = [result for result in await results_that_must_succeed(sut) if result.step.form is form]
    watches = [result.watch for result in results if result.watch is not None and result.watch.looks]
    for watch in watches:
        arguments = {"deployment": watch.place.deployment.name, "instance": watch.place.role_instance, "looked": 1}
        exchanges = (watch.before, watch.operation.start, *watch.looks)
        others = list(watch.others)
        sut.judge(equivalent_forms, *exchanges, **arguments, others=others, only=["REQ-REIMAGE-URI-EQUIV"])
    for result in results if not watches else ():
        judge_completion(sut, [await sut.reimages.finished(result)], requirement="REQ-REIMAGE-URI-EQUIV")
    untested_unless(
        results,
        "the run had sent all reimages that it may send, and no reimage in this form was accepted",
        why=Why.BUDGET,
    )


@alone
@verifies("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-OTHERS-UNTOUCHED")
@each_form
async def test_both_forms_address_the_same_instance(sut: SystemUnderTest, form: UriForm) -> None:
    """When a slot holds the named deployment, either form reimages the instance in that deployment and none elsewhere."""
    await sut.reimages.all_finished()
    if sut.reimages.may_start():
        await judge_reimage(sut, shared_instance(sut, form), form)
    else:
        await judge_observed(sut, form)


async def judge_reimage(sut: SystemUnderTest, place: Place, form: UriForm) -> None:
    """Reimages an instance and judges, from looks at every deployment and from the probe, whether another one was reimaged."""
    await sut.until_no_request_has_effect()
    await sut.instances.until_ready(place)
    before = await looks_at_all(sut)
    others = [other for other in sut.places() if other != place] if sut.probe.offered else []
    installed = [await sut.probe.installation(other) for other in others]
    operation = await started_past_conflicts(sut, place, form)
    looks: list[Exchange] = []
    while operation.is_under_way:
        looks += await looks_at_all(sut)
        await sut.operations.wait_one_poll_interval(operation)
    with sut.violations_at_the_end():
        judge_which_instance(sut, operation, place, before, looks)
        for other, installation in zip(others, installed, strict=True):
            await judge_installation(sut, operation, place, other, installation)


async def looks_at_all(sut: SystemUnderTest) -> list[Exchange]:
    """What Get Deployment shows of every deployment; nothing where it is not offered."""
    deployments = sut.target.deployments if sut.instances.offers_deployment else ()
    return [await sut.instances.look(deployment) for deployment in deployments]


async def started_past_conflicts(sut: SystemUnderTest, place: Place, form: UriForm) -> Operation:
    """Starts a reimage, with up to three tries while it is refused with 409."""
    for _ in range(3):
        exchange = await sut.reimages.start(place, form)
        if not is_conflict(exchange):
            break
    return sut.reimages.book(exchange, place, form)


def judge_which_instance(
    sut: SystemUnderTest, operation: Operation, place: Place, before: list[Exchange], looks: list[Exchange]
) -> None:
    """Judges whether the addressed instance was reimaged; without Get Deployment, whether the operation succeeded."""
    if before:
        arguments = {"deployment": place.deployment.name, "instance": place.role_instance, "looked": len(before)}
        sut.judge(equivalent_forms, *before, operation.start, *looks, **arguments)
    else:
        judge_completion(sut, [operation], requirement="REQ-REIMAGE-URI-EQUIV")


async def judge_installation(
    sut: SystemUnderTest, operation: Operation, place: Place, other: Place, before: Exchange
) -> None:
    """Judges whether the reimage of one instance changed the installation of another."""
    after = await sut.probe.installation(other)
    what, requirement = f"a reimage of {place.deployment.name}/{place.role_instance}", "REQ-REIMAGE-OTHERS-UNTOUCHED"
    sut.judge(installation_unchanged, before, after, operation.start, requirement=requirement, what=what)
