"""A. Reimage Role Instance: the request. What must be accepted, and what must be refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import NotApplicable, SystemUnderTest, Untested, afterwards, precondition, smoke, verifies
from conformance.checks.acceptance import accepted
from conformance.checks.framing import same_connection_usable
from conformance.checks.transport import answered_with, not_accepted, same_answer
from conformance.model import Exchange, Request
from conformance.oracle import MINIMUM_VERSION
from conformance.protocol.addresses import FORMS, UriForm
from conformance.protocol.requests import (
    with_body,
    with_chunked,
    with_header,
    without_header,
)
from conformance.requirements import published_before
from conformance.session.campaign import Result

SLOT, NAME = UriForm.SLOT, UriForm.NAME
forms = pytest.mark.parametrize("form", [pytest.param(SLOT, marks=smoke), NAME])


def well_formed(sut: SystemUnderTest, form: UriForm, index: int) -> Request:
    """A sound request to a witness; `index` gives each kind of refusal an instance of its own where there are enough."""
    return sut.builder.reimage(sut.main_witness(index), form)


async def judge_accepted(sut: SystemUnderTest, result: Result, requirement: str) -> None:
    """Judges that a step of the campaign was accepted."""
    if result.exchange is None:
        raise NotApplicable("the step was not sent")
    sent = [r.exchange for r in sut.campaign.results.values() if r.exchange is not None]
    silent = [each for each in sent if each.reply is None and sut.sender.answers_others(each)]
    varied = bool(result.step.variations) and sut.campaign.control(result.step.form) is not None
    if result.exchange.reply is None and (varied or len(silent) > 1):
        sut.judge(accepted, result.exchange, requirement=requirement, alive=await sut.answers_others(result.exchange))
    else:
        sut.judge(accepted, result.exchange, requirement=requirement)


# The two URI forms, the slots, the version.


@smoke
@afterwards
@verifies("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP")
async def test_a_post_by_slot_is_accepted(sut: SystemUnderTest) -> None:
    """The service accepts a POST on the slot form, selected by comp=reimage."""
    result = await sut.reimages.result("control-slot")
    await judge_accepted(sut, result, "REQ-REIMAGE-URI-SLOT")
    for requirement in ("REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP"):
        await judge_accepted(sut, result, requirement)


@afterwards
@verifies("REQ-REIMAGE-URI-NAME")
async def test_a_post_by_deployment_name_is_accepted(sut: SystemUnderTest) -> None:
    """The service accepts the same operation on the deployment-name form."""
    await judge_accepted(sut, await sut.reimages.result("control-name"), "REQ-REIMAGE-URI-NAME")


@smoke
@verifies("REQ-REIMAGE-URI-NAME")
async def test_the_name_form_addresses_instances(sut: SystemUnderTest) -> None:
    """An unknown instance is unknown on the name form too: its request line is read, at the cost of no reimage."""
    request = sut.nowhere(NAME)
    exchange = await sut.refuse(request, "REQ-REIMAGE-UNKNOWN-INSTANCE")
    precondition(exchange.reply is not None, "no reply on the name form")
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
@pytest.mark.parametrize("form", FORMS)
async def test_exactly_the_minimum_version_is_accepted(sut: SystemUnderTest, form: UriForm) -> None:
    """A request with exactly 2010-10-28 is acceptable."""
    await judge_accepted(sut, await sut.reimages.result(f"minimum-{form}"), "REQ-REIMAGE-VERSION")


@afterwards
@verifies("REQ-VER-OLD-KEPT")
async def test_reimages_of_every_published_version_are_accepted(sut: SystemUnderTest) -> None:
    """Published versions from 2010-10-28 on stay callable: what is refused with one of them is refused without it too."""
    steps = [step for step in sut.planner.steps if step.is_plain and step.version not in (None, MINIMUM_VERSION)]
    taken = [result for result in [await sut.reimages.result(step.name) for step in steps] if result.is_accepted]
    if not taken:
        raise Untested("no reimage with another published version was accepted or refused by its version")
    with sut.together():
        for result in taken:
            refused = sut.campaign.refused_with_version(result.step)
            if refused is None:
                await judge_accepted(sut, result, "REQ-VER-OLD-KEPT")
            else:
                again = await sut.reimages.start(refused.step.place, refused.step.form, version=refused.step.version)
                if again.reply is not None and again.reply.status == 202:
                    sut.reimages.started(again, refused.step.place, refused.step.form)
                    await judge_accepted(sut, refused, refused.step.form.requirement)
                else:
                    await judge_accepted(sut, refused, "REQ-VER-OLD-KEPT")


@afterwards
@verifies("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
async def test_every_listed_deployment_and_role_is_accepted(sut: SystemUnderTest) -> None:
    """Both forms work for every deployment, each role, and the ends of the range of indices."""
    plain = [
        step.name
        for step in sut.planner.steps
        if not step.variations and step.expected == "succeeds" and step.query is None and not step.stands_for
    ]
    with sut.together():
        for name in plain:
            result = await sut.reimages.result(name)
            if result.exchange is not None and name not in (
                "second-certificate",
                "minimum-slot",
                "minimum-name",
                "other-slot",
            ):
                await judge_accepted(sut, result, result.step.form.requirement)


VARIED = (
    ("spelling-name", "charset-utf-8", "REQ-REIMAGE-CT-PARAM"),
    ("spelling-slot", "charset-quoted", "REQ-REIMAGE-CT-PARAM"),
    ("media-type", "media-type-upper", "REQ-REIMAGE-CT-PARAM"),
    ("spelling-name", "content-length-literal", "REQ-REIMAGE-CL-LITERAL"),
    ("spelling-name", "version-name-upper", "REQ-VER-HEADER-CASE"),
    ("spelling-slot", "version-name-mixed", "REQ-VER-HEADER-CASE"),
    ("spelling-name", "version-spaces", "REQ-VER-OWS"),
    ("spelling-name", "field-names-upper", "REQ-HTTP-FIELD-CASE"),
    ("spelling-slot", "field-names-lower", "REQ-HTTP-FIELD-CASE"),
    ("spelling-name", "fields-reversed", "REQ-HTTP-FIELD-CASE"),
    ("encoded", "instance-percent-encoded", "REQ-NAME-ENCODING"),
    ("encoded-name", "container-percent-encoded", "REQ-NAME-ENCODING"),
    ("spelling-slot", "expect-continue", "REQ-HTTP-EXPECT"),
)


@afterwards
@pytest.mark.parametrize(
    ("step", "variation"),
    [pytest.param(step, variation, marks=pytest.mark.verifies(requirement)) for step, variation, requirement in VARIED],
)
async def test_a_difference_that_means_nothing_is_accepted(sut: SystemUnderTest, step: str, variation: str) -> None:
    """Spellings that HTTP calls equivalent make no difference."""
    requirement = next(r for s, v, r in VARIED if (s, v) == (step, variation))
    whole = await sut.reimages.result(step)
    await judge_accepted(
        sut, await sut.reimages.result(f"{step}:{variation}") if taken_apart(whole) else whole, requirement
    )


def taken_apart(whole: Result) -> bool:
    """Whether a step with several variations was refused, so that each was tried by itself."""
    return len(whole.step.variations) > 1 and not whole.is_accepted and whole.exchange is not None


@afterwards
@verifies("REQ-HTTP-CHUNKED")
async def test_an_empty_chunked_body_is_decoded_or_a_length_asked_for(sut: SystemUnderTest) -> None:
    """A server can decode chunked, or insist on a length: 202, 400 or 411."""
    result = await sut.reimages.result("chunked")
    precondition(result.exchange is not None, "the request was not sent")
    if result.exchange is not None:
        sut.judge(answered_with, result.exchange, requirement="REQ-HTTP-CHUNKED", statuses=[202, 400, 411])


# Version.


@forms
@smoke
@verifies("REQ-REIMAGE-VERSION-OLD")
@pytest.mark.parametrize("version", published_before(MINIMUM_VERSION))
def test_a_version_before_the_minimum_is_refused(sut: SystemUnderTest, form: UriForm, version: str) -> Request:
    """The operation exists from 2010-10-28 on."""
    return sut.builder.reimage(sut.main_witness(2), form, version=version)


# Content-Type.

SAME_TYPES = (
    "application/xml ; charset=utf-8",
    "application/xml;charset=UTF-8",
    "APPLICATION/XML",
    'application/xml; charset="utf-8"',
)
MEDIA_TYPES = ("text/plain", "application/json", "text/xml", "application/atom+xml;type=entry;charset=utf-8", "application/x-www-form-urlencoded",
               "application/xmlx", "application/xm", "xapplication/xml", "application", "xml", "application/xhtml+xml", "*/*", "",
               "text/html; application/xml", "application/octet-stream", "application/soap+xml")  # fmt: skip


@forms
@smoke
@verifies("REQ-REIMAGE-CT-ABSENT")
async def test_a_missing_content_type_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """The document calls Content-Type required."""
    exchange = await sut.refuse(without_header(well_formed(sut, form, 3), "Content-Type"))
    record_leniency(sut, "REQ-REIMAGE-CT-ABSENT", "without Content-Type", exchange)


@forms
@verifies("REQ-REIMAGE-CT-ABSENT")
@pytest.mark.parametrize("value", MEDIA_TYPES)
async def test_another_media_type_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> None:
    """Another media type is not application/xml."""
    exchange = await sut.refuse(with_header(well_formed(sut, form, 3), "Content-Type", value))
    record_leniency(sut, "REQ-REIMAGE-CT-ABSENT", f"Content-Type {value!r}", exchange)


def record_leniency(sut: SystemUnderTest, requirement: str, what: str, *exchanges: object) -> None:
    """Under lenient, records what the endpoint does with a request that only strict forbids."""
    replies = [e for e in exchanges if isinstance(e, Exchange)]
    if sut.world.strictness == "lenient" and replies and replies[0].reply is not None:
        sut.observe(requirement, f"{what}: {replies[0].reply.status}", *replies)


@forms
@verifies("REQ-REIMAGE-CT-PARAM")
@pytest.mark.parametrize("value", SAME_TYPES)
async def test_parameters_and_case_of_the_media_type_mean_nothing(
    sut: SystemUnderTest, form: UriForm, value: str
) -> None:
    """A request for nothing is answered alike whatever parameter or case its media type has."""
    plain = await sut.try_out(sut.nowhere(form))
    varied = await sut.try_out(with_header(sut.nowhere(form), "Content-Type", value), label="varied")
    sut.judge(same_answer, plain, varied, requirement="REQ-REIMAGE-CT-PARAM", what=f"Content-Type {value!r}")


# Length and body.


@forms
@smoke
@verifies("REQ-REIMAGE-CL-ABSENT")
async def test_a_missing_content_length_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """The document calls the header required: 400 or 411, and nothing starts."""
    exchange = await sut.refuse(without_header(well_formed(sut, form, 4), "Content-Length"))
    record_leniency(sut, "REQ-REIMAGE-CL-ABSENT", "without Content-Length", exchange)


@forms
@verifies("REQ-REIMAGE-CL-ABSENT")
def test_the_misspelt_header_is_no_content_length(sut: SystemUnderTest, form: UriForm) -> Request:
    """The document's spelling ContentLength is read as Content-Length; a field of that name does not stand in for it."""
    request = without_header(well_formed(sut, form, 4), "Content-Length")
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
@pytest.mark.parametrize("body", [pytest.param(name, marks=smoke if name == "one octet" else ()) for name in BODIES])
async def test_a_body_is_refused(sut: SystemUnderTest, form: UriForm, body: str) -> None:
    """A nonzero content length is refused, nothing starts, and the connection stays correctly framed."""
    exchange = await sut.refuse(with_body(well_formed(sut, form, 5), BODIES[body]))
    known = await sut.operations.known_poll()
    if exchange.reply is not None:
        after = await sut.send(known, on=exchange.connection)
        fine = after.reply is not None and after.reply.status == 200
        control = [] if fine else [await sut.send(replace(known, fresh_connection=True))]
        sut.judge(same_connection_usable, exchange, after, *control, requirement="REQ-REIMAGE-CL-NONZERO")
    record_leniency(sut, "REQ-REIMAGE-CL-NONZERO", f"a body of {len(BODIES[body])} octets", exchange)


@forms
@verifies("REQ-REIMAGE-CL-NONZERO")
@pytest.mark.parametrize("chunks", [(b"x",), (b"<a/>", b"<b/>"), (b"d" * 5000,)], ids=["one", "two", "large"])
def test_a_chunked_body_is_refused(sut: SystemUnderTest, form: UriForm, chunks: tuple[bytes, ...]) -> Request:
    """A body is a body in whatever coding it comes."""
    return with_chunked(well_formed(sut, form, 5), *chunks)


@forms
@verifies("REQ-REIMAGE-CL-NONZERO")
async def test_a_body_declared_but_not_sent_starts_nothing(sut: SystemUnderTest, form: UriForm) -> None:
    """The endpoint refuses at once, or waits for the octets: it does not accept."""
    await declare(sut, form, "5", seconds=0.3)


@verifies("REQ-REIMAGE-CL-NONZERO")
@pytest.mark.parametrize("power", [32, 64])
async def test_a_declared_length_that_no_machine_word_holds_starts_nothing(sut: SystemUnderTest, power: int) -> None:
    """A length of 2 to the power of 32 or 64 is not 0, whatever number it is kept in."""
    await declare(sut, UriForm.SLOT, str(2**power), seconds=0.1)


async def declare(sut: SystemUnderTest, form: UriForm, length: str, *, seconds: float) -> None:
    """Declares a body, sends none, and waits so long for an answer, which must not be that it was accepted."""
    request = with_header(well_formed(sut, form, 5), "Content-Length", length)
    patience = min(seconds, sut.target.limits.request_timeout_seconds)
    exchange = await sut.attempt(replace(request, fresh_connection=True, patience_seconds=patience))
    await sut.settle(exchange)
    sut.judge(not_accepted, exchange, requirement="REQ-REIMAGE-CL-NONZERO", because=["REQ-HTTP-CL-INVALID"])
