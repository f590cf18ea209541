"""Deployments: what Get Deployment and Get Cloud Service Properties show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import inf

from reimage_conformance.casebook import (
    SystemUnderTest,
    at_the_end,
    each_form,
    inconclusive_unless,
    not_applicable_unless,
    smoke,
    untested_unless,
    verifies,
)
from reimage_conformance.catalogue import MINIMUM_VERSION, TABLE_VERSIONS, published_from
from reimage_conformance.judging.deployments import (
    deployment_document,
    embedded_deployments,
    empty_slot,
    instance_list,
    no_instance_twice,
    observer_answers,
    status_vocabulary,
    version_gates,
)
from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.request import refused
from reimage_conformance.judging.transport.messages import allow_with_405
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.model import Deployment, Exchange, Request
from reimage_conformance.protocol.addresses import FORMS, UriForm, read_target
from reimage_conformance.protocol.deployments import deployment_elements, member
from reimage_conformance.protocol.requests import (
    OBSERVING_VERSION,
    VERSION_HEADER,
    with_header,
    with_query,
    without_header,
)
from reimage_conformance.protocol.strategies import MALFORMED_VERSIONS
from reimage_conformance.session.instances import Call

from .accepting import NOT_SPELT
from .looking import end_without_get_deployment
from .misnaming import empty_slots


@smoke
@verifies("REQ-OBS-OPTIONAL")
async def test_what_can_be_observed(sut: SystemUnderTest) -> None:
    """Records whether the endpoint offers the two observing calls."""
    deployment, service = sut.instances.offers_deployment, sut.instances.offers_cloud_service
    sut.observe(
        "REQ-OBS-OPTIONAL",
        f"Get Deployment: {_offer_in_words(deployment)}; Get Cloud Service Properties: {_offer_in_words(service)}",
    )


def _offer_in_words(offered: bool) -> str:
    """Whether a call is offered, in words for the report."""
    return "offered" if offered else "not offered"


def judge_looks(sut: SystemUnderTest, looks: Sequence[Exchange]) -> None:
    """Judges that looks at deployments are answered.

    The message says of a look that it was sent while a reimage was under way, if an equal one was answered 200 at another time.
    """
    spans = [
        (each.place.deployment, each.start.number, inf if each.is_under_way else each.polls[-1].number)
        for each in sut.operations.all
        if each.place is not None and each.polls
    ]

    def is_reimaged(look: Exchange) -> bool:
        return any(is_within(sut, look, span) for span in spans)

    refused = [look for look in looks if not is_answered_200(look) and is_reimaged(look)]
    equal = [each for each in sut.recorder.exchanges if asked_for(each) in map(asked_for, refused)]
    unhindered = {asked_for(each) for each in equal if is_answered_200(each) and not is_reimaged(each)}
    reimaged = [look.number for look in refused if asked_for(look) in unhindered]
    sut.judge(
        observer_answers, *looks, requirement="REQ-DEPL-URI", **({"while_reimaged": reimaged} if reimaged else {})
    )


def asked_for(look: Exchange) -> tuple[str, str, str]:
    """What makes looks equal: the method, the address and the version."""
    return look.request.method, look.request.resource, version_of(look)


def is_answered_200(look: Exchange) -> bool:
    """Whether a look is answered 200."""
    return look.reply is not None and look.reply.status == 200


def is_within(sut: SystemUnderTest, look: Exchange, span: tuple[Deployment, int, float]) -> bool:
    """Whether a look at a deployment was sent in a span: the deployment, and the numbers of the first and the last exchange."""
    deployment, first, last = span
    return first < look.number < last and sut.world.deployment_of(read_target(look.request.resource)) == deployment


@smoke
@verifies("REQ-DEPL-URI")
@each_form
async def test_a_deployment_answers_by_slot_and_by_name(sut: SystemUnderTest, form: UriForm) -> None:
    """GET on a deployment, by slot or by name, answers 200 with a request id."""
    end_without_get_deployment(sut)
    looks = [await sut.instances.look(deployment, form) for deployment in sut.target.deployments]
    judge_looks(sut, looks)


async def judge_document(sut: SystemUnderTest, form: UriForm, deployment: Deployment) -> None:
    """Judges that the document is that of the deployment."""
    look = await sut.instances.look(deployment, form)
    sut.judge(deployment_document, look, name=deployment.name, slot=deployment.slot)


@smoke
@verifies("REQ-DEPL-ROOT")
@each_form
async def test_the_document_describes_the_deployment(sut: SystemUnderTest, form: UriForm) -> None:
    """Root Deployment holds the documented members and is the one asked for."""
    end_without_get_deployment(sut)
    await sut.in_turn(partial(judge_document, sut, form), sut.target.deployments)


async def judge_instances(sut: SystemUnderTest, form: UriForm, deployment: Deployment) -> None:
    """Judges that the document lists the instances of the deployment, except those that are being reimaged."""
    reimaged = being_reimaged(sut, deployment)
    look = await sut.instances.look(deployment, form)
    reimaged |= being_reimaged(sut, deployment)
    listed = deployment.listed_instances
    sut.judge(instance_list, look, instances=[each for each in listed if each not in reimaged])


def being_reimaged(sut: SystemUnderTest, deployment: Deployment) -> set[str]:
    """The instances that a reimage of ours may be changing: its operation is under way, or the watch of the instance is not over."""
    places = [each.place for each in sut.operations.all if each.is_under_way]
    places += [each.place for each in sut.instances.watches if not each.is_over]
    return {each.role_instance for each in places if each is not None and each.deployment == deployment}


@smoke
@verifies("REQ-DEPL-INSTANCES")
@each_form
async def test_the_document_lists_the_instances(sut: SystemUnderTest, form: UriForm) -> None:
    """RoleInstanceList holds RoleName, InstanceName, InstanceStatus of every instance."""
    end_without_get_deployment(sut)
    await sut.in_turn(partial(judge_instances, sut, form), sut.target.deployments)


@smoke
@verifies("REQ-PROPS-URI", "REQ-DEPL-INSTANCES")
async def test_cloud_service_properties_show_the_same_instances(sut: SystemUnderTest) -> None:
    """With embed-detail=true the cloud service shows its deployments and their instances."""
    sut.instances.require(Call.CLOUD_SERVICE)
    services = dict.fromkeys(deployment.cloud_service for deployment in sut.target.deployments)
    await sut.in_turn(partial(judge_service, sut), services)


@verifies("REQ-PROPS-URI", "REQ-VER-OLD-KEPT", "REQ-DEPL-VERSIONS", "REQ-VER-GATED-ELEMENTS")
async def test_cloud_service_properties_answer_in_every_version(sut: SystemUnderTest) -> None:
    """Every published version is answered, and shows no element that came with a later version."""
    sut.instances.require(Call.CLOUD_SERVICE)
    service = sut.planner.main.cloud_service
    versions = [version for version in TABLE_VERSIONS if version >= MINIMUM_VERSION]
    looks = await sut.send_all([sut.builder.cloud_service(service, version=each) for each in versions], label="look")
    sut.judge(observer_answers, *looks, requirement="REQ-PROPS-URI")
    sut.judge(version_gates, *looks)


@verifies("REQ-DEPL-URI", "REQ-VER-OLD-KEPT", "REQ-DEPL-VERSIONS", "REQ-VER-GATED-ELEMENTS", "REQ-DEPL-ROOT")
@each_form
async def test_elements_appear_from_their_first_version_on(sut: SystemUnderTest, form: UriForm) -> None:
    """Response elements introduced with a version are not shown to older ones; later ones show the same document, and may add to it."""
    end_without_get_deployment(sut)
    looks = await sut.each(
        lambda version: sut.instances.look(sut.planner.main, form, version=version), published_from("2009-10-01")
    )
    judge_looks(sut, [e for e in looks if version_of(e) in TABLE_VERSIONS])
    sut.judge(version_gates, *looks)
    main, later = sut.planner.main, [[look] for look in looks if version_of(look) >= OBSERVING_VERSION]
    sut.judge_each(deployment_document, later, name=main.name, slot=main.slot)


@at_the_end
@verifies("REQ-DEPL-INSTANCES")
async def test_no_instance_is_listed_twice(sut: SystemUnderTest) -> None:
    """No answer of the run lists a role instance more than once, also while it is reimaged."""
    end_without_get_deployment(sut)
    sut.judge_all(no_instance_twice)


@at_the_end
@smoke
@verifies("REQ-DEPL-STATUS-VALUES", "REQ-DEPL-STATUS-GATES", "REQ-DEPL-POWER")
async def test_instance_statuses_are_documented(sut: SystemUnderTest) -> None:
    """InstanceStatus and PowerState take documented values that fit the version."""
    end_without_get_deployment(sut)
    sut.judge_all(status_vocabulary)


@verifies("REQ-HTTP-405-ALLOW")
async def test_what_else_a_deployment_allows(sut: SystemUnderTest) -> None:
    """OPTIONS gets any answer; a 405 says in Allow which methods are allowed."""
    end_without_get_deployment(sut)
    exchange = await sut.send(replace(sut.builder.deployment(sut.planner.main), method="OPTIONS"), label="question")
    inconclusive_unless(exchange.reply is not None, "no reply")
    sut.judge(allow_with_405, exchange)


async def judge_service(sut: SystemUnderTest, service: str) -> None:
    """Judges that a cloud service shows its deployments with embed-detail=true, and none without."""
    own = [deployment for deployment in sut.target.deployments if deployment.cloud_service == service]
    plain = sut.builder.cloud_service(service, version="2011-10-01", detail=False)
    await judge_embedded(sut, sut.builder.cloud_service(service, version="2011-10-01"), own, wanted=True)
    await judge_embedded(sut, plain, [], wanted=False)
    await judge_embedded(sut, with_query(plain, "embed-detail=false"), [], wanted=False)


async def judge_embedded(sut: SystemUnderTest, request: Request, shown: Sequence[Deployment], *, wanted: bool) -> None:
    """Judges that a GET on a cloud service is answered, and shows these deployments.

    Instances that are being reimaged need not be shown.
    """
    reimaged = {deployment: being_reimaged(sut, deployment) for deployment in shown}
    look = await sut.send(request, label="look")
    deployments = {
        deployment.name: sorted(set(sut.world.instances(deployment)) - earlier - being_reimaged(sut, deployment))
        for deployment, earlier in reimaged.items()
    }
    sut.judge(observer_answers, look, requirement="REQ-PROPS-URI")
    sut.judge(embedded_deployments, look, wanted=wanted, deployments=deployments)


@verifies("REQ-DEPL-EMPTY-SLOT")
async def test_an_empty_slot_is_not_found(sut: SystemUnderTest) -> None:
    """A slot without deployment gives 404 ResourceNotFound."""
    end_without_get_deployment(sut)
    empty = not_applicable_unless(
        empty_slots(sut), "the target file lists a deployment in every slot of its cloud services"
    )
    requests = [sut.builder.deployment_at(service, UriForm.SLOT, slot) for service, slot in empty]
    looks = zip(empty, await sut.send_all(requests, label="refusal"), strict=True)
    judged = [look for (service, slot), look in looks if not shows_unlisted(sut, service, slot, look)]
    untested_unless(judged, "every slot that the target file does not list holds a deployment")
    sut.judge_each(empty_slot, [[look] for look in judged])


def shows_unlisted(sut: SystemUnderTest, service: str, slot: str, look: Exchange) -> bool:
    """Whether a slot that the target file does not list shows a deployment."""
    listed = {deployment.name for deployment in sut.target.deployments if deployment.cloud_service == service}
    shown = deployment_elements(look)
    return (
        not sut.target.complete
        and len(shown) == 1
        and member(shown[0], "DeploymentSlot").lower() == slot
        and member(shown[0], "Name") not in {*listed, ""}
    )


@verifies("REQ-VER-MISSING", "REQ-VER-FORMAT")
async def test_a_look_without_a_sound_version_is_refused(sut: SystemUnderTest) -> None:
    """Every operation requires the version header, Get Deployment included."""
    end_without_get_deployment(sut)
    looks = [sut.builder.deployment(sut.planner.main, form) for form in FORMS]
    await sut.in_turn(partial(judge_versions, sut), looks)


@verifies("REQ-VER-MISSING", "REQ-VER-FORMAT")
async def test_cloud_service_properties_ask_for_a_sound_version_too(sut: SystemUnderTest) -> None:
    """Get Cloud Service Properties without a version, or with one that is no date, is refused."""
    sut.instances.require(Call.CLOUD_SERVICE)
    await judge_versions(sut, sut.builder.cloud_service(sut.planner.main.cloud_service))


async def judge_versions(sut: SystemUnderTest, request: Request) -> None:
    """Judges that a sound request is refused without its version, and with malformed versions."""
    bad = [with_header(request, VERSION_HEADER, version) for version in MALFORMED_VERSIONS]
    looks = await sut.send_all([without_header(request, VERSION_HEADER), *bad], label="refusal")
    sut.judge_each(refused, [[look] for look in looks])


def encoded(request: Request, segment: str, at: int) -> Request:
    """A request with the character at position `at` of a segment of its path percent-encoded."""
    letter = segment[at]
    spelt = f"{segment[:at]}%{ord(letter):02X}{segment[at + 1 :]}"
    return replace(request, target=f"{request.target}/".replace(f"/{segment}/", f"/{spelt}/", 1)[:-1])


def with_upper_names(request: Request, *, host: bool) -> Request:
    """A request with the name of Host, or those of all other fields, in capitals."""
    lines = ((name.upper() if (name == "Host") is host else name, value) for name, value in request.headers)
    return replace(request, headers=tuple(lines))


@verifies("REQ-NAME-ENCODING", "REQ-HTTP-FIELD-CASE", "REQ-VER-HEADER-CASE")
async def test_spelling_makes_no_difference_to_a_look(sut: SystemUnderTest) -> None:
    """Percent-encoded unreserved characters and the case of field names make no difference."""
    end_without_get_deployment(sut)
    main = sut.planner.main
    alike = partial(sut.judge_alike, await sut.instances.look(main), short_of=NOT_SPELT)
    request = sut.builder.deployment(main, version="2011-10-01")
    for name in (main.cloud_service, main.slot):
        spelt = {f"one character of {name!r} in its path percent-encoded": encoded(request, name, 0)}
        await alike("REQ-NAME-ENCODING", spelt, label="look")
    fixed = {repr(segment): segment for segment in ("services", "hostedservices", "deploymentslots")}
    for name, segment in {**fixed, "the subscription id": sut.target.subscription_id}.items():
        spelt = {f"one character of {name} in its path percent-encoded": encoded(request, segment, len(segment) - 1)}
        await alike("REQ-NAME-ENCODING", spelt)
    host, others = with_upper_names(request, host=True), with_upper_names(request, host=False)
    await alike("REQ-HTTP-FIELD-CASE", {"the header name Host written HOST": host}, label="look")
    await alike("REQ-VER-HEADER-CASE", {"all header names but Host in capitals": others}, label="look")


@at_the_end
@smoke
@verifies("REQ-DEPL-URI")
async def test_a_deployment_answers_while_it_is_reimaged(sut: SystemUnderTest) -> None:
    """Get Deployment answers 200 while an instance of the deployment is reimaged too."""
    end_without_get_deployment(sut)
    watched = {look.number: look for watch in sut.instances.watches for look in watch.looks}
    answered = [look for look in watched.values() if look.reply is not None and not is_busy(look)]
    not_applicable_unless(answered, "no reimage was watched")
    judge_looks(sut, answered)
