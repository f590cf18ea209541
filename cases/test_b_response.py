"""B. Reimage Role Instance: the response, and the effect on role instances."""

from __future__ import annotations

from collections.abc import Iterable

from reimage_conformance.casebook import (
    SystemUnderTest,
    afterwards,
    alone,
    applicable,
    each_form,
    needs_second_instance,
    possible,
    precondition,
    smoke,
    verifies,
)
from reimage_conformance.judging.acceptance import answered_202, empty_body, id_usable, request_id_present
from reimage_conformance.judging.instances import equivalent_forms, instance_effect
from reimage_conformance.judging.operation_documents import operation_documents
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.judging.polls import TERMINAL, needs_no_more, status_of
from reimage_conformance.judging.probes import fresh_installation, installation_unchanged, storage_kept_and_lost
from reimage_conformance.judging.progress import completes
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Exchange
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place, with_header, with_query
from reimage_conformance.session.campaign import Result
from reimage_conformance.session.instances import Call, Watch
from reimage_conformance.session.operations import Operation


async def accepted_requests(sut: SystemUnderTest) -> list[Exchange]:
    """The answer to every reimage that was accepted and should have been."""
    asked = [result for result in await sut.reimages.all_finished() if result.step.expected != "open"]
    found = [result.exchange for result in asked if result.exchange is not None]
    precondition(found, "no reimage was accepted", because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"))
    return found


async def ordinary(sut: SystemUnderTest) -> list[Result]:
    """Every accepted step that has to succeed."""
    found = [result for result in await sut.reimages.all_finished() if result.step.expected == "succeeds"]
    precondition(found, "no reimage was accepted", because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"))
    return found


@smoke
@afterwards
@verifies("REQ-REIMAGE-202")
async def test_an_accepted_reimage_is_answered_202(sut: SystemUnderTest) -> None:
    """An accepted request is answered 202, no other 2xx."""
    sut.judge(answered_202, *await accepted_requests(sut))


@smoke
@afterwards
@verifies("REQ-REIMAGE-REQID")
async def test_the_202_carries_a_request_id(sut: SystemUnderTest) -> None:
    """The 202 carries x-ms-request-id, one non-empty value."""
    sut.judge(request_id_present, *await accepted_requests(sut), requirement="REQ-REIMAGE-REQID")


@smoke
@afterwards
@verifies("REQ-REIMAGE-BODY-EMPTY")
async def test_the_202_has_no_content(sut: SystemUnderTest) -> None:
    """The 202 has no content after transfer decoding."""
    sut.judge(empty_body, *await accepted_requests(sut))


async def identified(sut: SystemUnderTest) -> list[Operation]:
    """Every operation whose 202 carried an id."""
    await accepted_requests(sut)
    known = [operation for operation in sut.operations.all if operation.identifier]
    return precondition(known, "no 202 carried an id", because=("REQ-REIMAGE-REQID", "REQ-REIMAGE-202"))


def judge_completion(sut: SystemUnderTest, operations: Iterable[Operation], **arguments: object) -> None:
    """Judges that operations end Succeeded in time."""
    with sut.together():
        for operation in operations:
            sut.judge(completes, *operation.exchanges, waited=round(operation.duration, 3), **arguments)


@smoke
@afterwards
@verifies("REQ-REIMAGE-REQID-USABLE", "REQ-REIMAGE-REQID-PROMPT", "REQ-GOS-URI")
async def test_the_request_id_yields_the_status_of_the_operation(sut: SystemUnderTest) -> None:
    """The id, used unchanged, is known to Get Operation Status within two seconds."""
    known = await identified(sut)
    usual = [operation for operation in known if is_undisturbed(sut, operation)]
    judged = usual if any(operation.is_known for operation in usual) else known
    sut.judge_each(id_usable, [operation.exchanges for operation in judged])
    polls = [poll for operation in known for poll in operation.polls]
    sut.judge(operation_documents, *polls, only=["REQ-REIMAGE-REQID-USABLE"])


@smoke
@afterwards
@verifies("REQ-GOS-URI")
async def test_a_poll_needs_no_more_than_a_version(sut: SystemUnderTest) -> None:
    """Where no poll is answered, one with a media type, a length or a query shows whether the endpoint asks for these."""
    known = [operation for operation in await identified(sut) if not operation.subscription]
    precondition(known, "no 202 carried an id", because=("REQ-REIMAGE-REQID", "REQ-REIMAGE-202"))
    bare = sut.builder.operation_status(known[-1].identifier)
    plain = await sut.send(bare, label="poll-varied")
    typed = with_header(bare, "Content-Type", "application/xml")
    varied = (typed, with_header(bare, "Content-Length", "0"), with_query(bare, "api-version=1"))
    none_known = not any(operation.is_known for operation in known)
    exchanges = [await sut.send(request, label="poll-varied") for request in varied if none_known]
    sut.judge(needs_no_more, plain, *exchanges)


def is_undisturbed(sut: SystemUnderTest, operation: Operation) -> bool:
    """Whether a request that must be taken started an operation, by the first certificate, and nothing contended with it."""
    results = sut.campaign.results.values()
    contended = any(result.same is not None and operation is result.operation for result in results)
    return (
        not contended
        and not operation.start.label.startswith("contend")
        and operation.start.request.identity == "primary"
        and {defect.key for defect in permitted(operation.start.request, sut.world).defects} <= {"version-other"}
    )


@smoke
@afterwards
@verifies("REQ-REIMAGE-COMPLETES")
async def test_a_reimage_succeeds_in_time(sut: SystemUnderTest) -> None:
    """A valid reimage that was answered 202 reaches Succeeded with 200 within the time that the operator allows."""
    operations = [await sut.reimages.finished(result) for result in await ordinary(sut)]
    usual = [operation for operation in operations if is_undisturbed(sut, operation)]
    judge_completion(sut, usual or operations)


@smoke
@afterwards
@verifies("REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE", "REQ-REIMAGE-SAME-NAME")
async def test_the_instance_goes_offline_and_comes_back(sut: SystemUnderTest) -> None:
    """The instance is taken offline and brought back under its name."""
    judge_watched(sut, await watched(sut), "REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE", "REQ-REIMAGE-SAME-NAME")


@smoke
@afterwards
@verifies("REQ-REIMAGE-OTHERS-UNTOUCHED")
async def test_the_other_instances_stay_as_they_are(sut: SystemUnderTest) -> None:
    """While an instance is reimaged, those that no request has reimaged stay ready."""
    watches = await watched(sut)
    needs_second_instance(sut)
    beside = any(watch.others for watch in watches)
    possible(beside, "every other role instance that the target lists was reimaged too")
    judge_watched(sut, watches, "REQ-REIMAGE-OTHERS-UNTOUCHED")


async def watched(sut: SystemUnderTest) -> list[Watch]:
    """What Get Deployment showed during each reimage that succeeded and was observed."""
    sut.instances.claim(Call.DEPLOYMENT)
    watches = [
        result.watch
        for result in await ordinary(sut)
        if (await sut.reimages.finished(result)).status == "Succeeded" and result.watch is not None
    ]
    precondition(watches, "no reimage that succeeded was observed", because=("REQ-REIMAGE-COMPLETES", "REQ-DEPL-ROOT"))
    return watches


def judge_watched(sut: SystemUnderTest, watches: list[Watch], *requirements: str) -> None:
    """Judges by what was watched, as far as it tells of `requirements`."""
    with sut.together():
        for watch in watches:
            sut.judge(
                instance_effect,
                watch.before,
                watch.operation.start,
                *watch.looks,
                instance=watch.place.role_instance,
                others=list(watch.others),
                ended_at=next((p.at for p in watch.operation.polls if status_of(p) in TERMINAL), 0.0),
                waited=round(watch.waited, 3),
                only=list(requirements),
            )


def shared_instance(sut: SystemUnderTest) -> Place:
    """An instance whose name other deployments have too, where there is one: what mixes up deployments shows there."""
    for deployment in sut.target.deployments:
        for name in deployment.role_instances:
            if sum(name in other.role_instances for other in sut.target.deployments) > 1:
                return Place(deployment, name)
    return sut.places()[0]


async def judge_observed(sut: SystemUnderTest, form: UriForm) -> None:
    """Judges the equivalence of both forms by the reimages of the campaign: what was seen of them, or else that they succeeded."""
    results = [result for result in await ordinary(sut) if result.step.form is form]
    watches = [result.watch for result in results if result.watch is not None and result.watch.looks]
    for watch in watches:
        names = {"deployment": watch.place.deployment.name, "instance": watch.place.role_instance, "looked": 1}
        exchanges = (watch.before, watch.operation.start, *watch.looks)
        others = list(watch.others)
        sut.judge(equivalent_forms, *exchanges, **names, others=others, only=["REQ-REIMAGE-URI-EQUIV"])
    for result in results if not watches else ():
        judge_completion(sut, [await sut.reimages.finished(result)], requirement="REQ-REIMAGE-URI-EQUIV")
    possible(results, "the budget of reimages is spent, and none in this form was accepted")


@alone
@verifies("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-OTHERS-UNTOUCHED")
@each_form
async def test_both_forms_address_the_same_instance(sut: SystemUnderTest, form: UriForm) -> None:
    """When a slot holds the named deployment, either form reimages the instance in that deployment and none elsewhere."""
    await sut.reimages.all_finished()
    if sut.reimages.may_start():
        await judge_reimage(sut, shared_instance(sut), form)
    else:
        await judge_observed(sut, form)


async def judge_reimage(sut: SystemUnderTest, place: Place, form: UriForm) -> None:
    """Reimages an instance, and judges that this one is reimaged and no other, by looks at every deployment and by the probe."""
    await sut.instances.until_ready(place)
    before = await looks_at_all(sut)
    others = [other for other in sut.places() if other != place] if sut.probe.offered else []
    installed = [await sut.probe.installation(other) for other in others]
    operation = await started_past_conflicts(sut, place, form)
    looks: list[Exchange] = []
    while operation.is_under_way:
        looks += await looks_at_all(sut)
        await sut.operations.a_while(operation)
    with sut.together():
        judge_where(sut, operation, place, before, looks)
        for other, was in zip(others, installed, strict=True):
            await judge_installation(sut, operation, place, other, was)


async def looks_at_all(sut: SystemUnderTest) -> list[Exchange]:
    """What Get Deployment shows of every deployment; nothing where it is not offered."""
    deployments = sut.target.deployments if sut.instances.offers_deployment else ()
    return [await sut.instances.look(deployment) for deployment in deployments]


async def started_past_conflicts(sut: SystemUnderTest, place: Place, form: UriForm) -> Operation:
    """A reimage of the case's own, tried three times where it meets a conflict."""
    for _ in range(3):
        exchange = await sut.reimages.start(place, form)
        if not is_conflict(exchange):
            break
    return sut.reimages.started(exchange, place, form)


def judge_where(
    sut: SystemUnderTest, operation: Operation, place: Place, before: list[Exchange], looks: list[Exchange]
) -> None:
    """Judges that the instance was reimaged where it was addressed; that the operation succeeded where no look can tell."""
    if before:
        names = {"deployment": place.deployment.name, "instance": place.role_instance, "looked": len(before)}
        sut.judge(equivalent_forms, *before, operation.start, *looks, **names)
    else:
        judge_completion(sut, [operation], requirement="REQ-REIMAGE-URI-EQUIV")


async def judge_installation(
    sut: SystemUnderTest, operation: Operation, place: Place, other: Place, was: Exchange
) -> None:
    """Judges that the reimage of one instance wrote no other one afresh."""
    now = await sut.probe.installation(other)
    what, requirement = f"a reimage of {place.role_instance}", "REQ-REIMAGE-OTHERS-UNTOUCHED"
    sut.judge(installation_unchanged, was, now, operation.start, requirement=requirement, what=what)


@afterwards
@verifies("REQ-REIMAGE-FRESH-OS")
async def test_a_fresh_operating_system_is_written(sut: SystemUnderTest) -> None:
    """After a reimage the installation is another one."""
    with sut.together():
        for result in await probed(sut):
            contended = {"contended": True} if result.was_contended else {}
            start = [result.exchange] if result.exchange is not None else []
            sut.judge(fresh_installation, result.probe_before[0], result.probe_after[0], *start, **contended)


@afterwards
@verifies("REQ-REIMAGE-LOCALSTORE", "REQ-REIMAGE-OTHERDATA-LOST")
async def test_local_storage_is_kept_and_other_data_is_lost(sut: SystemUnderTest) -> None:
    """Data in local storage resources is kept as far as possible; other local data is lost."""
    found = [(*result.probe_before[1:], *result.probe_after[1:]) for result in await probed(sut)]
    sut.judge_each(storage_kept_and_lost, found)


async def probed(sut: SystemUnderTest) -> list[Result]:
    """The steps that left markers behind and were looked into when they were over."""
    applicable(sut.probe.offered, "the target has no probe")
    found = [r for r in await ordinary(sut) if (await sut.reimages.finished(r)).status == "Succeeded" and r.probe_after]
    return precondition(found, "no reimage with markers succeeded", because=("REQ-REIMAGE-COMPLETES",))
