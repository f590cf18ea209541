"""The request: what must be accepted, and what must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from reimage_conformance.casebook import (
    Declared,
    NotApplicable,
    SystemUnderTest,
    Witness,
    afterwards,
    each_form,
    forms,
    inconclusive_unless,
    smoke,
    untested_unless,
    values,
    verifies,
)
from reimage_conformance.catalogue import MINIMUM_VERSION, published_before
from reimage_conformance.judging.response import accepted
from reimage_conformance.judging.transport.answers import answered_with, not_accepted
from reimage_conformance.judging.transport.framing import same_connection_usable
from reimage_conformance.model import Exchange, Request
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import with_body, with_chunked, with_header, without_header
from reimage_conformance.session.step_runs import Result

from .asking import poll_on_connection_of, untested_unless_outcome_known

SLOT, NAME = UriForm.SLOT, UriForm.NAME


async def judge_accepted(sut: SystemUnderTest, result: Result, requirement: str) -> None:
    """Judges that a step of the campaign was accepted."""
    if result.exchange is None:
        raise NotApplicable("this reimage was not sent in this run")
    sent = [r.exchange for r in sut.campaign.results.values() if r.exchange is not None]
    silent = [each for each in sent if each.reply is None and sut.sender.answers_others(each)]
    varied = bool(result.step.variations) and sut.campaign.control(result.step.form) is not None
    is_ignored = result.exchange.reply is None and (varied or len(silent) > 1)
    arguments = {"alive": await sut.answers_others(result.exchange)} if is_ignored else {}
    sut.judge(accepted, result.exchange, requirement=requirement, **arguments)


# The two URI forms, the slots, the version.


@smoke
@afterwards
@verifies("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP")
async def test_a_post_by_slot_is_accepted(sut: SystemUnderTest) -> None:
    """The service accepts a POST on the slot form, selected by comp=reimage."""
    result = await sut.reimages.result("control-slot")
    await judge_accepted(sut, result, "REQ-REIMAGE-URI-SLOT")
    await judge_accepted(sut, result, "REQ-REIMAGE-METHOD")
    await judge_accepted(sut, result, "REQ-REIMAGE-COMP")


@afterwards
@verifies("REQ-REIMAGE-URI-NAME")
async def test_a_post_by_deployment_name_is_accepted(sut: SystemUnderTest) -> None:
    """The service accepts the same operation on the deployment-name form."""
    await judge_accepted(sut, await sut.reimages.result("control-name"), "REQ-REIMAGE-URI-NAME")


@smoke
@verifies("REQ-REIMAGE-URI-NAME")
def test_the_name_form_addresses_instances(sut: SystemUnderTest) -> Declared:
    """An unknown instance is refused on the name form too, which shows that the form is served without a reimage."""
    return Declared(sut.unknown_instance(NAME), "REQ-REIMAGE-UNKNOWN-INSTANCE", then=record_running)


def record_running(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Records which instances were addressed, where the name form is answered at all."""
    inconclusive_unless(exchange.reply is not None, "no reply on the name form")
    sut.observe("REQ-REIMAGE-RUNNING", "only instances that the target lists as running were addressed", exchange)


@afterwards
@verifies("REQ-REIMAGE-SLOT-VALUES")
async def test_both_slots_are_accepted(sut: SystemUnderTest) -> None:
    """The slot segment takes staging and production."""
    slots = {deployment.slot for deployment in sut.target.deployments if deployment.role_instances}
    await judge_accepted(sut, await sut.reimages.result("control-slot"), "REQ-REIMAGE-SLOT-VALUES")
    if len(slots) > 1:
        await judge_accepted(sut, await sut.reimages.result("other-slot"), "REQ-REIMAGE-SLOT-VALUES")


@afterwards
@verifies("REQ-REIMAGE-VERSION")
@each_form
async def test_exactly_the_minimum_version_is_accepted(sut: SystemUnderTest, form: UriForm) -> None:
    """A request with exactly 2010-10-28 is acceptable."""
    await judge_accepted(sut, await sut.reimages.result(f"minimum-{form}"), "REQ-REIMAGE-VERSION")


async def judge_version(sut: SystemUnderTest, result: Result) -> None:
    """Judges that a step was accepted.

    A step that was refused with its own version was repeated with the usual one. If that was accepted, the refused
    request is sent once more: where it is accepted now, the version was not the cause of the refusal.
    """
    refused = sut.campaign.refused_with_version(result.step)
    if refused is None:
        await judge_accepted(sut, result, "REQ-VER-OLD-KEPT")
        return
    step = refused.step
    again = await sut.reimages.start(step.place, step.form, version=step.version)
    is_accepted_now = again.reply is not None and again.reply.status == 202
    if is_accepted_now:
        sut.reimages.book(again, step.place, step.form)
    await judge_accepted(sut, refused, step.form.requirement if is_accepted_now else "REQ-VER-OLD-KEPT")


async def judge_step(sut: SystemUnderTest, step: str) -> None:
    """Judges that a step of the campaign was accepted, if it was sent."""
    result = await sut.reimages.result(step)
    if result.exchange is not None:
        await judge_accepted(sut, result, result.step.form.requirement)


@afterwards
@verifies("REQ-VER-OLD-KEPT")
async def test_reimages_of_every_published_version_are_accepted(sut: SystemUnderTest) -> None:
    """Published versions from 2010-10-28 on are accepted, unless the same request is refused with the usual version too."""
    steps = [step for step in sut.planner.steps if step.is_plain and step.version not in (None, MINIMUM_VERSION)]
    accepted = [result for result in [await sut.reimages.result(step.name) for step in steps] if result.is_accepted]
    untested_unless(
        accepted, "no reimage with a documented version after 2010-10-28 was accepted or refused because of it"
    )
    await sut.in_turn(partial(judge_version, sut), accepted)


JUDGED_ELSEWHERE = ("second-certificate", "minimum-slot", "minimum-name", "other-slot")
"""Steps that other cases judge, under other requirements."""


@afterwards
@verifies("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
async def test_every_listed_deployment_and_role_is_accepted(sut: SystemUnderTest) -> None:
    """Both forms work for every deployment, each role, and the ends of the range of indices."""
    sound = [step for step in sut.planner.steps if step.expected == "succeeds" and not step.stands_for]
    plain = [step.name for step in sound if not step.variations and step.query is None]
    await sut.in_turn(partial(judge_step, sut), [name for name in plain if name not in JUDGED_ELSEWHERE])


VARIED = {
    ("spelling-name", "charset-utf-8"): "REQ-REIMAGE-CT-PARAM",
    ("spelling-slot", "charset-quoted"): "REQ-REIMAGE-CT-PARAM",
    ("media-type", "media-type-upper"): "REQ-REIMAGE-CT-PARAM",
    ("spelling-name", "content-length-literal"): "REQ-REIMAGE-CL-LITERAL",
    ("spelling-name", "version-name-upper"): "REQ-VER-HEADER-CASE",
    ("spelling-slot", "version-name-mixed"): "REQ-VER-HEADER-CASE",
    ("spelling-name", "version-spaces"): "REQ-VER-OWS",
    ("spelling-name", "field-names-upper"): "REQ-HTTP-FIELD-CASE",
    ("spelling-slot", "field-names-lower"): "REQ-HTTP-FIELD-CASE",
    ("spelling-name", "fields-reversed"): "REQ-HTTP-FIELD-CASE",
    ("encoded", "instance-percent-encoded"): "REQ-NAME-ENCODING",
    ("encoded-name", "container-percent-encoded"): "REQ-NAME-ENCODING",
    ("spelling-slot", "expect-continue"): "REQ-HTTP-EXPECT",
}
"""The requirement that says that a variation makes no difference, by the step that has the variation and by its name."""


@afterwards
@pytest.mark.parametrize(
    ("step", "variation"),
    [pytest.param(*varied, marks=pytest.mark.verifies(requirement)) for varied, requirement in VARIED.items()],
)
async def test_a_difference_that_means_nothing_is_accepted(sut: SystemUnderTest, step: str, variation: str) -> None:
    """Spellings that HTTP calls equivalent make no difference."""
    await judge_accepted(sut, await result_with(sut, step, variation), VARIED[step, variation])


async def result_with(sut: SystemUnderTest, step: str, variation: str) -> Result:
    """The result of the step that has this variation, or of the step that has only this one.

    Where a step with several variations was refused, the campaign sent each of them by itself.
    """
    whole = await sut.reimages.result(step)
    was_taken_apart = len(whole.step.variations) > 1 and not whole.is_accepted and whole.exchange is not None
    return await sut.reimages.result(f"{step}:{variation}") if was_taken_apart else whole


@afterwards
@verifies("REQ-HTTP-CHUNKED")
async def test_an_empty_chunked_body_is_decoded_or_a_length_asked_for(sut: SystemUnderTest) -> None:
    """A server can decode chunked, or insist on a length: 202, 400 or 411."""
    result = await sut.reimages.result("chunked")
    exchange = inconclusive_unless(result.exchange, "the request was not sent")
    untested_unless_outcome_known(exchange)
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-CHUNKED", statuses=[202, 400, 411])


# Version.


@forms
@smoke
@verifies("REQ-REIMAGE-VERSION-OLD")
@pytest.mark.parametrize("version", published_before(MINIMUM_VERSION))
def test_a_version_before_the_minimum_is_refused(sut: SystemUnderTest, form: UriForm, version: str) -> Request:
    """The operation exists from 2010-10-28 on."""
    return sut.reimage_of(Witness.VERSION, form, version=version)


# Content-Type.

SAME_TYPES = (
    "application/xml ; charset=utf-8",
    "application/xml;charset=UTF-8",
    "APPLICATION/XML",
    'application/xml; charset="utf-8"',
)
MEDIA_TYPES = ("text/plain", "application/json", "text/xml", "application/atom+xml;type=entry;charset=utf-8", "application/x-www-form-urlencoded",
               "application/xmlx", "application/xm", "xapplication/xml", "application", "xml", "application/xhtml+xml", "*/*", "",
               "text/html; application/xml", "application/octet-stream", "application/soap+xml", "application/*")  # fmt: skip


@forms
@smoke
@verifies("REQ-REIMAGE-CT-ABSENT")
def test_a_missing_content_type_is_refused(sut: SystemUnderTest, form: UriForm) -> Declared:
    """The document calls Content-Type required."""
    request = without_header(sut.reimage_of(Witness.MEDIA_TYPE, form), "Content-Type")
    return Declared(request, then=record_if_lenient("REQ-REIMAGE-CT-ABSENT", "without Content-Type"))


@forms
@verifies("REQ-REIMAGE-CT-ABSENT")
@pytest.mark.parametrize("value", MEDIA_TYPES)
def test_another_media_type_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> Declared:
    """A media type other than application/xml is refused."""
    request = with_header(sut.reimage_of(Witness.MEDIA_TYPE, form), "Content-Type", value)
    return Declared(request, then=record_if_lenient("REQ-REIMAGE-CT-ABSENT", f"Content-Type {value!r}"))


@forms
@verifies("REQ-REIMAGE-CT-PARAM")
@pytest.mark.parametrize("value", SAME_TYPES)
async def test_parameters_and_case_of_the_media_type_mean_nothing(
    sut: SystemUnderTest, form: UriForm, value: str
) -> None:
    """A reimage of an unknown instance is answered in the same way whatever parameter or case its media type has."""
    plain = await sut.try_out(sut.unknown_instance(form))
    varied = await sut.try_out(with_header(sut.unknown_instance(form), "Content-Type", value), label="varied")
    sut.compare(plain, varied, requirement="REQ-REIMAGE-CT-PARAM", what=f"Content-Type {value!r}")


# Length and body.


def record_if_lenient(requirement: str, what: str) -> Callable[[SystemUnderTest, Exchange], None]:
    """A function that records the answer to a request that only strict forbids; it does nothing unless the run is lenient."""

    def record(sut: SystemUnderTest, exchange: Exchange) -> None:
        if sut.world.strictness == "lenient" and exchange.reply is not None:
            sut.observe(requirement, f"{what}: {exchange.reply.status}", exchange)

    return record


@forms
@smoke
@verifies("REQ-REIMAGE-CL-ABSENT")
def test_a_missing_content_length_is_refused(sut: SystemUnderTest, form: UriForm) -> Declared:
    """The document calls the header required: 400 or 411, and nothing starts."""
    request = without_header(sut.reimage_of(Witness.LENGTH, form), "Content-Length")
    return Declared(request, then=record_if_lenient("REQ-REIMAGE-CL-ABSENT", "without Content-Length"))


@forms
@verifies("REQ-REIMAGE-CL-ABSENT")
def test_the_misspelt_header_is_no_content_length(sut: SystemUnderTest, form: UriForm) -> Request:
    """The document's spelling ContentLength is read as Content-Length; a field of that name does not stand in for it."""
    request = without_header(sut.reimage_of(Witness.LENGTH, form), "Content-Length")
    return with_header(request, "ContentLength", "0")


BODIES = {
    "one octet": b"x",
    "a space": b" ",
    "a line": b"\r\n",
    "a zero": b"0",
    "a NUL": b"\0",
    "XML": b'<?xml version="1.0"?><ReimageRoleOperation xmlns="http://schemas.microsoft.com/windowsazure"/>',
    "a kilobyte": b"a" * 1024,
    "64 kB and one": b"b" * 65537,
    "100 kB": b"c" * 100_000,
}


@forms
@verifies("REQ-REIMAGE-CL-NONZERO", "REQ-HTTP-FRAMING")
@values("body", BODIES, smoke_of=("one octet",))
def test_a_body_is_refused(sut: SystemUnderTest, form: UriForm, body: str) -> Declared:
    """A nonzero content length is refused, nothing starts, and the connection stays correctly framed."""
    return Declared(with_body(sut.reimage_of(Witness.BODY, form), BODIES[body]), then=judge_framing)


@forms
@verifies("REQ-REIMAGE-CL-NONZERO")
@pytest.mark.parametrize("chunks", [(b"x",), (b"<a/>", b"<b/>"), (b"d" * 5000,)], ids=["one", "two", "large"])
def test_a_chunked_body_is_refused(sut: SystemUnderTest, form: UriForm, chunks: tuple[bytes, ...]) -> Request:
    """A body in chunked coding is refused like any other."""
    return with_chunked(sut.reimage_of(Witness.BODY, form), *chunks)


@forms
@verifies("REQ-REIMAGE-CL-NONZERO")
async def test_a_body_declared_but_not_sent_starts_nothing(sut: SystemUnderTest, form: UriForm) -> None:
    """The endpoint refuses at once, or waits for the octets: it does not accept."""
    await judge_declared_length(sut, form, "5", seconds=0.3)


@verifies("REQ-REIMAGE-CL-NONZERO")
@pytest.mark.parametrize("power", [32, 64])
async def test_a_declared_length_that_no_machine_word_holds_starts_nothing(sut: SystemUnderTest, power: int) -> None:
    """A length of 2 to the power of 32 or 64 is not taken for 0, whatever type of number the endpoint keeps it in."""
    await judge_declared_length(sut, UriForm.SLOT, str(2**power), seconds=0.1)


async def judge_declared_length(sut: SystemUnderTest, form: UriForm, length: str, *, seconds: float) -> None:
    """Declares a body, sends none, waits up to `seconds` for an answer, and judges that the request was not accepted."""
    request = with_header(sut.reimage_of(Witness.BODY, form), "Content-Length", length)
    patience = min(seconds, sut.target.limits.request_timeout_seconds)
    exchange = await sut.attempt(replace(request, fresh_connection=True, patience_seconds=patience))
    await sut.settle(exchange)
    sut.judge(not_accepted, exchange, requirement="REQ-REIMAGE-CL-NONZERO")


async def judge_framing(sut: SystemUnderTest, exchange: Exchange) -> None:
    """Judges, with a poll on it, that the connection is in order after a body."""
    known = await sut.operations.known_poll()
    if exchange.reply is not None:
        polls = await poll_on_connection_of(sut, exchange, known)
        sut.judge(same_connection_usable, exchange, *polls, requirement="REQ-REIMAGE-CL-NONZERO")
    record_if_lenient("REQ-REIMAGE-CL-NONZERO", f"a body of {len(exchange.request.body)} octets")(sut, exchange)
