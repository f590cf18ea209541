"""G. Authentication and TLS: who may reimage, who may read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import NotApplicable, SystemUnderTest, Witness, afterwards, answer, forms, verifies
from conformance.checks.acceptance import accepted
from conformance.checks.progress import completes, same_status
from conformance.checks.refusals import refused
from conformance.checks.transport import answered_with, same_answer
from conformance.model import Identity, Request
from conformance.protocol.addresses import FORMS, UriForm
from conformance.protocol.requests import with_query, with_subscription, without_header
from conformance.session.instances import Call
from conformance.session.operations import Operation


def over_tls(sut: SystemUnderTest) -> None:
    """Authentication is by certificate, so it needs https."""
    if not sut.target.is_https:
        raise NotApplicable("the target is not reached over https")


async def refuse_and_look(sut: SystemUnderTest, request: Request) -> None:
    """Refuses a reimage, and looks whether the instance it addresses noticed."""
    exchange = await sut.refuse(request, effect_requirement="REQ-AUTH-BEFORE-EFFECT")
    if not sut.instances.offers_deployment and exchange.reply is not None:
        sut.judge(answered_with, exchange, requirement="REQ-AUTH-BEFORE-EFFECT", statuses=[401, 403, 404])


@forms
@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL", "REQ-AUTH-BEFORE-EFFECT")
async def test_an_anonymous_reimage_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """A request without a client certificate is not served, however the subscription id is spelt."""
    over_tls(sut)
    request = replace(sut.reimage_of(Witness.CERTIFICATE, form), identity=Identity.NONE)
    own = sut.target.subscription_id
    for spelt in dict.fromkeys((own, own.upper())):
        await refuse_and_look(sut, with_subscription(request, own, spelt))


@forms
@verifies("REQ-AUTH-FAIL", "REQ-AUTH-BEFORE-EFFECT")
async def test_an_unknown_certificate_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """A certificate that nobody registered opens nothing."""
    over_tls(sut)
    await refuse_and_look(sut, replace(sut.reimage_of(Witness.CERTIFICATE, form), identity=Identity.UNKNOWN))


@forms
@verifies("REQ-AUTH-FAIL", "REQ-AUTH-BEFORE-EFFECT")
@pytest.mark.parametrize("whose", ["somebody else's", "nobody's", "no GUID"])
async def test_a_subscription_that_the_certificate_does_not_open_is_refused(
    sut: SystemUnderTest, form: UriForm, whose: str
) -> None:
    """A certificate opens its own subscriptions and no other."""
    over_tls(sut)
    own, foreign = sut.target.subscription_id, sut.target.foreign_subscription_id
    if whose == "somebody else's" and foreign is None:
        raise NotApplicable("the target lists no foreign subscription")
    strange = {"nobody's": sut.builder.no_subscription, "no GUID": f"no-such-subscription-{sut.builder.token}"}
    subscription = strange.get(whose) or foreign or ""
    await refuse_and_look(sut, with_subscription(sut.reimage_of(Witness.CERTIFICATE, form), own, subscription))


@afterwards
@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL")
@pytest.mark.parametrize("identity", [Identity.NONE, Identity.UNKNOWN, "foreign"])
async def test_an_operation_is_not_shown_to_strangers(sut: SystemUnderTest, identity: str) -> None:
    """Get Operation Status asks for the same certificate as the operation did."""
    over_tls(sut)
    await sut.reimages.all_finished()
    known = await sut.operations.known_poll()
    if identity != "foreign":
        request = replace(known, identity=Identity(identity))
    elif sut.target.foreign_subscription_id:
        request = with_subscription(known, sut.target.subscription_id, sut.target.foreign_subscription_id)
    else:
        raise NotApplicable("the target lists no foreign subscription")
    sut.judge(refused, await sut.send(request, label="refusal"))


@verifies("REQ-AUTH-TLS", "REQ-AUTH-FAIL")
@pytest.mark.parametrize("identity", [Identity.NONE, Identity.UNKNOWN, "foreign"])
async def test_a_deployment_is_not_shown_to_strangers(sut: SystemUnderTest, identity: str) -> None:
    """Get Deployment asks for it too."""
    over_tls(sut)
    sut.instances.claim(Call.DEPLOYMENT)
    request = sut.builder.deployment(sut.planner.main)
    if identity != "foreign":
        request = replace(request, identity=Identity(identity))
    elif sut.target.foreign_subscription_id:
        request = with_subscription(request, sut.target.subscription_id, sut.target.foreign_subscription_id)
    else:
        raise NotApplicable("the target lists no foreign subscription")
    sut.judge(refused, await sut.send(request, label="refusal"))


@afterwards
@verifies("REQ-AUTH-ANYCERT")
async def test_any_certificate_of_the_subscription_will_do(sut: SystemUnderTest) -> None:
    """A second certificate of the same subscription reimages, and reads operations that the first one started."""
    over_tls(sut)
    if sut.target.second_client_certificate is None:
        raise NotApplicable("the target lists no second client certificate")
    if sut.instances.offers_deployment:
        look = replace(sut.builder.deployment(sut.planner.main), identity=Identity.SECOND)
        sut.judge(
            answered_with,
            await sut.send(look, label="look"),
            requirement="REQ-AUTH-ANYCERT",
            statuses=[200],
            because=["REQ-DEPL-URI"],
        )
    await judge_polls(sut, await sut.operations.known())
    result = await sut.reimages.result("second-certificate")
    if result.exchange is not None:
        sut.judge(accepted, result.exchange, requirement="REQ-AUTH-ANYCERT")
    if result.operation is not None and (await sut.reimages.finished(result)).is_known:
        if first_succeeds(sut):
            waited = round(result.operation.duration, 3)
            sut.judge(completes, *result.operation.exchanges, requirement="REQ-AUTH-ANYCERT", waited=waited)
        await judge_polls(sut, result.operation)
    for form in FORMS:
        plain = await sut.try_out(sut.nowhere(form))
        second = await sut.try_out(replace(sut.nowhere(form), identity=Identity.SECOND), label="varied")
        sut.judge(same_answer, plain, second, requirement="REQ-AUTH-ANYCERT", what="the second certificate")


def first_succeeds(sut: SystemUnderTest) -> bool:
    """Whether the reimages that the first certificate started, and that have to succeed, all did."""
    steps = [result for result in sut.campaign.results.values() if result.step.identity is Identity.PRIMARY]
    ends = [each.operation.status for each in steps if each.operation and each.step.expected == "succeeds"]
    return bool(ends) and set(ends) == {"Succeeded"}


async def judge_polls(sut: SystemUnderTest, operation: Operation) -> None:
    """Judges that an operation that one certificate started is read by the other, and read alike."""
    poll = sut.builder.operation_status(operation.identifier)
    identities = (Identity.PRIMARY, Identity.SECOND, Identity.PRIMARY)
    before, second, after = [await sut.send(replace(poll, identity=each), label="poll-second") for each in identities]
    for each in (second, after):
        sut.judge(answered_with, each, requirement="REQ-AUTH-ANYCERT", statuses=[200], because=["REQ-GOS-200"])
    sut.judge(same_status, before, second, after)


@verifies("REQ-AUTH-ORDER")
@pytest.mark.parametrize("form", FORMS[:1])
async def test_which_error_wins(sut: SystemUnderTest, form: UriForm) -> None:
    """Records which error an endpoint gives first when several apply."""
    over_tls(sut)
    place = sut.main_witness(Witness.CERTIFICATE)
    bare = without_header(sut.builder.reimage(place, form), "x-ms-version")
    for what, request in (
        (
            "a foreign subscription and no version",
            with_subscription(bare, sut.target.subscription_id, sut.builder.no_subscription),
        ),
        ("no version and no comp", with_query(bare, None)),
    ):
        exchange = await sut.attempt(request)
        status = answer(exchange)
        sut.observe("REQ-AUTH-ORDER", f"{what}: {status}", exchange)
