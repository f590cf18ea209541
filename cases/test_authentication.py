"""Authentication: who may reimage, who may read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reimage_conformance.casebook import (
    Declared,
    SystemUnderTest,
    Witness,
    afterwards,
    answer,
    each_form,
    forms,
    not_applicable_unless,
    values,
    verifies,
)
from reimage_conformance.judging.operations.progress import completes, same_status
from reimage_conformance.judging.request import refused
from reimage_conformance.judging.response import accepted
from reimage_conformance.judging.transport.answers import answered_with, not_accepted
from reimage_conformance.model import Exchange, Identity, Request
from reimage_conformance.protocol.addresses import FORMS, UriForm
from reimage_conformance.protocol.requests import with_query, with_subscription, without_header
from reimage_conformance.session.instances import Call
from reimage_conformance.session.operations import Operation
from reimage_conformance.session.step_runs import Result

from .accepting import may_not_have_run

WITHOUT_EFFECT = [400, 401, 403, 404]
"""Statuses that say that nothing was done; REQ-AUTH-FAIL says which of them is right."""


def not_applicable_without_https(sut: SystemUnderTest) -> None:
    """Ends the case as not applicable where the target is not reached over https, since authentication needs certificates."""
    not_applicable_unless(sut.target.is_https, "the target is not reached over https")


def without_effect(request: Request) -> Declared:
    """A reimage by an unknown caller, which must not change the instance."""
    return Declared(request, effect_requirement="REQ-AUTH-BEFORE-EFFECT", then=judge_without_looks)


def judge_without_looks(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Judges from its status that a refusal had no effect, where Get Deployment is not offered."""
    if not sut.instances.offers_deployment and exchange.reply is not None:
        sut.judge(answered_with, exchange, requirement="REQ-AUTH-BEFORE-EFFECT", statuses=WITHOUT_EFFECT)


@forms
@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL", "REQ-AUTH-BEFORE-EFFECT")
def test_an_anonymous_reimage_is_refused(sut: SystemUnderTest, form: UriForm) -> Declared:
    """A request without a client certificate is not served."""
    not_applicable_without_https(sut)
    return without_effect(replace(sut.reimage_of(Witness.CERTIFICATE, form), identity=Identity.NONE))


@forms
@verifies("REQ-AUTH-FAIL")
async def test_another_spelling_of_the_subscription_does_not_replace_a_certificate(
    sut: SystemUnderTest, form: UriForm
) -> None:
    """A request without a client certificate is not served if the subscription id is in capitals; any refusal will do."""
    not_applicable_without_https(sut)
    own = sut.target.subscription_id
    not_applicable_unless(own != own.upper(), "the subscription id has no small letters")
    request = replace(sut.reimage_of(Witness.CERTIFICATE, form), identity=Identity.NONE)
    exchange = await sut.try_out(with_subscription(request, own, own.upper()))
    sut.judge(not_accepted, exchange, requirement="REQ-AUTH-FAIL")


@forms
@verifies("REQ-AUTH-FAIL", "REQ-AUTH-BEFORE-EFFECT")
def test_an_unknown_certificate_is_refused(sut: SystemUnderTest, form: UriForm) -> Declared:
    """A request with a certificate that is not registered is refused."""
    not_applicable_without_https(sut)
    return without_effect(replace(sut.reimage_of(Witness.CERTIFICATE, form), identity=Identity.UNKNOWN))


def strange_subscription(sut: SystemUnderTest, whose: str) -> str:
    """The id of a subscription to which the target's certificate gives no access."""
    own = {"nobody's": sut.builder.no_subscription, "no GUID": f"no-such-subscription-{sut.builder.token}"}
    return own.get(whose) or not_applicable_unless(
        sut.target.foreign_subscription_id, "the target lists no foreign subscription"
    )


@forms
@verifies("REQ-AUTH-FAIL", "REQ-AUTH-BEFORE-EFFECT")
@pytest.mark.parametrize("whose", ["somebody else's", "nobody's", "no GUID"])
def test_a_subscription_that_the_certificate_does_not_open_is_refused(
    sut: SystemUnderTest, form: UriForm, whose: str
) -> Declared:
    """A certificate gives access to its own subscriptions and to no other."""
    not_applicable_without_https(sut)
    request = sut.reimage_of(Witness.CERTIFICATE, form)
    return without_effect(with_subscription(request, sut.target.subscription_id, strange_subscription(sut, whose)))


def by_stranger(sut: SystemUnderTest, request: Request, identity: str) -> Request:
    """`request` with the identity of this value, or, for "foreign", under a foreign subscription."""
    if identity != "foreign":
        return replace(request, identity=Identity(identity))
    return with_subscription(request, sut.target.subscription_id, strange_subscription(sut, "somebody else's"))


strangers = values("identity", (Identity.NONE, Identity.UNKNOWN, "foreign"))


@afterwards
@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL")
@strangers
async def test_an_operation_is_not_shown_to_strangers(sut: SystemUnderTest, identity: str) -> None:
    """Get Operation Status requires a certificate of the subscription, as the reimage did."""
    not_applicable_without_https(sut)
    await sut.reimages.all_finished()
    known = await sut.operations.known_poll()
    sut.judge(refused, await sut.send(by_stranger(sut, known, identity), label="refusal"))


@each_form
@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL")
@strangers
async def test_a_deployment_is_not_shown_to_strangers(sut: SystemUnderTest, form: UriForm, identity: str) -> None:
    """Get Deployment requires a certificate of the subscription too."""
    not_applicable_without_https(sut)
    sut.instances.require(Call.DEPLOYMENT)
    look = sut.builder.deployment(sut.planner.main, form)
    sut.judge(refused, await sut.send(by_stranger(sut, look, identity), label="refusal"))


@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL")
@strangers
async def test_a_cloud_service_is_not_shown_to_strangers(sut: SystemUnderTest, identity: str) -> None:
    """Get Cloud Service Properties requires a certificate of the subscription too."""
    not_applicable_without_https(sut)
    sut.instances.require(Call.CLOUD_SERVICE)
    look = sut.builder.cloud_service(sut.planner.main.cloud_service)
    await sut.send(look, label="control")  # without it, a refusal proves nothing
    sut.judge(refused, await sut.send(by_stranger(sut, look, identity), label="refusal"))


NOT_REIMAGED = "no reimage with the second certificate was sent"


@afterwards
@verifies("REQ-AUTH-ANYCERT")
async def test_any_certificate_of_the_subscription_will_do(sut: SystemUnderTest) -> None:
    """With a second certificate of the same subscription, a reimage is accepted, and operations of the first one are shown."""
    not_applicable_without_https(sut)
    not_applicable_unless(sut.target.second_client_certificate, "the target lists no second client certificate")
    await judge_look(sut)
    await sut.until_controlled(FORMS)
    await judge_polls(sut, await sut.operations.known(), short_of=NOT_REIMAGED)
    await judge_reimage(sut, await sut.reimages.result("second-certificate"))
    for form in FORMS:
        plain = await sut.try_out(sut.unknown_instance(form))
        by_second = replace(sut.unknown_instance(form), identity=Identity.SECOND)
        await sut.judge_alike(plain, "REQ-AUTH-ANYCERT", {"the second certificate": by_second}, short_of=NOT_REIMAGED)


def first_succeeds(sut: SystemUnderTest) -> bool:
    """Whether all reimages with the first certificate that have to succeed did; false where there is none."""
    steps = [result for result in sut.campaign.results.values() if result.step.identity is Identity.PRIMARY]
    ends = [each.operation.status for each in steps if each.operation and each.step.expected == "succeeds"]
    return bool(ends) and set(ends) == {"Succeeded"}


async def judge_polls(sut: SystemUnderTest, operation: Operation, **arguments: str) -> None:
    """Judges that polls with either certificate are answered 200 and show the same status."""
    poll = sut.builder.operation_status(operation.identifier)
    identities = (Identity.PRIMARY, Identity.SECOND, Identity.PRIMARY)
    before, second, after = [await sut.send(replace(poll, identity=each), label="poll-second") for each in identities]
    for each in (second, after):
        sut.judge(answered_with, each, requirement="REQ-AUTH-ANYCERT", statuses=[200], **arguments)
    sut.judge(same_status, before, second, after, **arguments)


async def judge_look(sut: SystemUnderTest) -> None:
    """Judges that Get Deployment, where it is offered, is answered 200 with the second certificate."""
    if sut.instances.offers_deployment:
        look = await sut.send(replace(sut.builder.deployment(sut.planner.main), identity=Identity.SECOND), label="look")
        arguments = {"statuses": [200], "short_of": NOT_REIMAGED}
        sut.judge(answered_with, look, requirement="REQ-AUTH-ANYCERT", **arguments)


async def judge_reimage(sut: SystemUnderTest, result: Result) -> None:
    """Judges the reimage with the second certificate: accepted, ended like those of the first, and readable with both."""
    if result.exchange is not None:
        sut.judge(accepted, result.exchange, requirement="REQ-AUTH-ANYCERT")
    if result.operation is None or not (await sut.reimages.finished(result)).is_known:
        return
    if first_succeeds(sut) and not may_not_have_run(sut, result.operation):
        waited = round(result.operation.duration, 3)
        sut.judge(completes, *result.operation.exchanges, requirement="REQ-AUTH-ANYCERT", waited=waited)
    await judge_polls(sut, result.operation)


@verifies("REQ-AUTH-ORDER")
@pytest.mark.parametrize("form", FORMS[:1])
async def test_which_error_wins(sut: SystemUnderTest, form: UriForm) -> None:
    """Records which error an endpoint gives for a request with several defects."""
    not_applicable_without_https(sut)
    bare = without_header(sut.reimage_of(Witness.CERTIFICATE, form), "x-ms-version")
    foreign = await sut.attempt(with_subscription(bare, sut.target.subscription_id, sut.builder.no_subscription))
    sut.observe("REQ-AUTH-ORDER", f"a foreign subscription and no version: {answer(foreign)}", foreign)
    neither = await sut.attempt(with_query(bare, None))
    sut.observe("REQ-AUTH-ORDER", f"no version and no comp: {answer(neither)}", neither)
