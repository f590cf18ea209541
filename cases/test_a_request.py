"""A. Reimage Role Instance: the request. What must be accepted, and what must be refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import NotApplicable, SystemUnderTest, Untested, afterwards, precondition, smoke, verifies
from conformance.checks.acceptance import accepted
from conformance.checks.messages import same_connection_usable
from conformance.checks.transport import answered_with, not_accepted
from conformance.model import Exchange, Request
from conformance.oracle import MINIMUM_VERSION
from conformance.protocol.addresses import FORMS, UriForm
from conformance.protocol.requests import (
    Place,
    with_body,
    with_chunked,
    with_header,
    with_query,
    with_subscription,
    without_header,
)
from conformance.requirements import published_before
from conformance.runner.campaign import Result

SLOT, NAME = UriForm.SLOT, UriForm.NAME
forms = pytest.mark.parametrize("form", [pytest.param(SLOT, marks=smoke), NAME])


def well_formed(sut: SystemUnderTest, form: UriForm, index: int) -> Request:
    """A sound request to a witness; `index` gives each kind of refusal an instance of its own where there are enough."""
    return sut.builder.reimage(sut.main_witness(index), form)


def judge_accepted(sut: SystemUnderTest, result: Result, requirement: str) -> None:
    """Judges that a step of the campaign was accepted."""
    if result.exchange is None:
        raise NotApplicable("the step was not sent")
    silent = [r for r in sut.campaign.results.values() if r.exchange is not None and r.exchange.reply is None]
    varied = bool(result.step.variations) and sut.campaign.control(result.step.form) is not None
    if result.exchange.reply is None and (varied or len(silent) > 1):
        sut.judge(accepted, result.exchange, requirement=requirement, alive=sut.is_alive())
    else:
        sut.judge(accepted, result.exchange, requirement=requirement)


# The two URI forms, the slots, the version.


@smoke
@afterwards
@verifies("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP")
def test_a_post_by_slot_is_accepted(sut: SystemUnderTest) -> None:
    """The service accepts a POST on the slot form, selected by comp=reimage."""
    result = sut.result("control-slot")
    judge_accepted(sut, result, "REQ-REIMAGE-URI-SLOT")
    for requirement in ("REQ-REIMAGE-METHOD", "REQ-REIMAGE-COMP"):
        judge_accepted(sut, result, requirement)


@afterwards
@verifies("REQ-REIMAGE-URI-NAME")
def test_a_post_by_deployment_name_is_accepted(sut: SystemUnderTest) -> None:
    """The service accepts the same operation on the deployment-name form."""
    judge_accepted(sut, sut.result("control-name"), "REQ-REIMAGE-URI-NAME")


@smoke
@verifies("REQ-REIMAGE-URI-NAME")
def test_the_name_form_addresses_instances(sut: SystemUnderTest) -> None:
    """An unknown instance is unknown on the name form too: its request line is read, at the cost of no reimage."""
    request = sut.nowhere(NAME)
    exchange = sut.refuse(request, "REQ-REIMAGE-UNKNOWN-INSTANCE")
    precondition(exchange.reply is not None, "no reply on the name form")
    sut.observe("REQ-REIMAGE-RUNNING", "only instances that the target lists as running were addressed", exchange)


@afterwards
@verifies("REQ-REIMAGE-SLOT-VALUES")
def test_both_slots_are_accepted(sut: SystemUnderTest) -> None:
    """The slot segment takes staging and production."""
    slots = {deployment.slot for deployment in sut.target.deployments if deployment.role_instances}
    judge_accepted(sut, sut.result("control-slot"), "REQ-REIMAGE-SLOT-VALUES")
    if len(slots) > 1:
        judge_accepted(sut, sut.result("other-slot"), "REQ-REIMAGE-SLOT-VALUES")


@afterwards
@verifies("REQ-REIMAGE-VERSION")
@pytest.mark.parametrize("form", FORMS)
def test_exactly_the_minimum_version_is_accepted(sut: SystemUnderTest, form: UriForm) -> None:
    """A request with exactly 2010-10-28 is acceptable."""
    judge_accepted(sut, sut.result(f"minimum-{form}"), "REQ-REIMAGE-VERSION")


@afterwards
@verifies("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
def test_every_listed_deployment_and_role_is_accepted(sut: SystemUnderTest) -> None:
    """Both forms work for every deployment, each role, and the ends of the range of indices."""
    plain = [
        step.name
        for step in sut.planner.steps()
        if not step.variations and step.expected == "succeeds" and step.query is None
    ]
    with sut.together():
        for name in plain:
            result = sut.result(name)
            requirement = "REQ-REIMAGE-URI-SLOT" if result.step.form is SLOT else "REQ-REIMAGE-URI-NAME"
            if result.exchange is not None and name not in (
                "second-certificate",
                "minimum-slot",
                "minimum-name",
                "other-slot",
            ):
                judge_accepted(sut, result, requirement)


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
def test_a_difference_that_means_nothing_is_accepted(sut: SystemUnderTest, step: str, variation: str) -> None:
    """Spellings that HTTP calls equivalent make no difference."""
    requirement = next(r for s, v, r in VARIED if (s, v) == (step, variation))
    whole = sut.result(step)
    judge_accepted(sut, sut.result(f"{step}:{variation}") if taken_apart(whole) else whole, requirement)


def taken_apart(whole: Result) -> bool:
    """Whether a step with several variations was refused, so that each was tried by itself."""
    return len(whole.step.variations) > 1 and not whole.is_accepted and whole.exchange is not None


@afterwards
@verifies("REQ-HTTP-CHUNKED")
def test_an_empty_chunked_body_is_decoded_or_a_length_asked_for(sut: SystemUnderTest) -> None:
    """A server can decode chunked, or insist on a length: 202, 400 or 411."""
    result = sut.result("chunked")
    precondition(result.exchange is not None, "the request was not sent")
    if result.exchange is not None:
        sut.judge(answered_with, result.exchange, requirement="REQ-HTTP-CHUNKED", statuses=[202, 400, 411])


# The slot, the service, the deployment, the instance.


def slot_variants(slot: str) -> list[str]:
    """Segments that are neither slot: near misses, neither name, empty."""
    return [
        slot[:-1],
        slot + "s",
        slot[1:],
        "prod",
        "stage",
        "test",
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
def test_a_wrong_slot_reimages_nothing(sut: SystemUnderTest, number: int) -> None:
    """Any other slot value addresses nothing and leads to no successful reimage."""
    place = sut.main_witness(0)
    request = sut.builder.reimage(place, SLOT)
    wrong = slot_variants(place.deployment.slot)[number]
    sut.refuse(
        replace(
            request, target=request.target.replace(f"/{place.deployment.slot}/", f"/{wrong}/", 1).replace(" ", "%20")
        )
    )


@verifies("REQ-REIMAGE-SLOT-OTHER")
def test_a_deployment_name_is_no_slot(sut: SystemUnderTest) -> None:
    """The name of a deployment in place of a slot addresses nothing."""
    for deployment in sut.target.deployments:
        place = Place(deployment, deployment.role_instances[0])
        sut.refuse(sut.builder.reimage_at(deployment.cloud_service, SLOT, deployment.name, place.role_instance))


@forms
@verifies("REQ-REIMAGE-UNKNOWN-SERVICE")
def test_a_cloud_service_of_another_subscription_is_unknown(sut: SystemUnderTest, form: UriForm) -> None:
    """What one subscription holds does not exist in another, though the same certificate opens both."""
    other = sut.target.other_subscription_id
    if other is None or not sut.observer.offers_deployment:
        raise NotApplicable("the target lists no second subscription, or does not show what it holds")
    place = sut.main_witness(0)
    look = sut.builder.deployment(place.deployment)
    shown = sut.send(with_subscription(look, sut.target.subscription_id, other), label="refusal")
    absent = shown.reply is not None and shown.reply.status in (400, 403, 404)
    if not absent:
        raise Untested("the other subscription shows a deployment of that name, which is not to be touched")
    request = with_subscription(sut.builder.reimage(place, form), sut.target.subscription_id, other)
    sut.refuse(request)


def near_names(sut: SystemUnderTest) -> list[tuple[str, str, str, UriForm]]:
    """Service, container and instance that address nothing, by small slips, in both forms."""
    main = sut.planner.main
    instance = sut.main_witness(0).role_instance
    cases: list[tuple[str, str, str, UriForm]] = []
    for form in FORMS:
        container = Place(main, "").container(form)
        services = (
            main.cloud_service[:-1],
            main.cloud_service + "x",
            "no-such-service",
            main.cloud_service + "%20",
            "",
        )
        cases += [(service, container, instance, form) for service in services]
    names = (main.name[:-1], main.name + "1", "no-such-deployment", main.slot, "")
    cases += [(main.cloud_service, name, instance, NAME) for name in names]
    for other in sut.target.deployments:
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
def test_an_unknown_service_is_refused(sut: SystemUnderTest) -> None:
    """A reimage naming a cloud service that does not exist does not succeed."""
    place = sut.main_witness(0)
    sut.refuse(sut.builder.reimage_at("no-such-service", SLOT, place.deployment.slot, place.role_instance))


@verifies("REQ-REIMAGE-UNKNOWN-SERVICE")
@pytest.mark.parametrize("number", range(28))
def test_an_unknown_service_deployment_or_empty_slot_is_refused(sut: SystemUnderTest, number: int) -> None:
    """A reimage naming a service or deployment that does not exist, or an empty slot, does not succeed."""
    cases = near_names(sut)
    if number >= len(cases):
        raise NotApplicable("the target's names make no further near miss")
    service, container, instance, form = cases[number]
    sut.refuse(unquoted(sut, service, container, instance, form), "REQ-REIMAGE-UNKNOWN-SERVICE")


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
def test_an_unknown_instance_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """A reimage of an instance that is not in the deployment does not succeed."""
    sut.refuse(sut.nowhere(form))


@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
def test_near_misses_of_instance_names_are_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """A prefix, an index one too high, a name from another deployment: none is in the deployment."""
    sent = 0
    for place, name in near_instances(sut):
        request = sut.builder.reimage_at(place.deployment.cloud_service, form, place.container(form), name)
        if sut.is_absent(request) and sut.world.listed.get(place.deployment.name):
            sut.refuse(request)
            sent += 1
    precondition(sent, "without Get Deployment no near miss is known to be absent")


AROUND = ("%20{name}", "{name}%20", "%09{name}", "{name}%0D%0A", "{name}%00", "{name}%2F", "{name};x", "{twice}")
"""What is not quite the name of an instance that exists: white space and more around it, or encoded twice."""


@forms
@verifies("REQ-REIMAGE-UNKNOWN-INSTANCE")
@pytest.mark.parametrize(
    "name", ["a&b", "<x>", "%00", "%0A", "..", "x" * 300, "%E2%82%AC", "'; drop", '"', "%FF", "%C3%28", *AROUND]
)
def test_malformed_instance_names_are_refused(sut: SystemUnderTest, form: UriForm, name: str) -> None:
    """Characters that no name has are answered 400 or 404 and a document that is still well formed."""
    deployment = sut.planner.main
    encoded = name.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E").replace('"', "%22")
    known = sut.main_witness(0).role_instance
    encoded = encoded.replace("{name}", known).replace("{twice}", f"%25{ord(known[0]):02X}{known[1:]}")
    exchange = sut.refuse(unquoted(sut, deployment.cloud_service, Place(deployment, "").container(form), encoded, form))
    if exchange.reply is not None:
        sut.observe("REQ-REIMAGE-BAD-NAME", f"a malformed instance name is answered {exchange.reply.status}", exchange)


# comp.

COMPS = (None, "", "comp", "comp=start", "comp=update", "comp=upgrade", "comp=shutdown", "comp=reset", "comp=rebuild,reimage", "comp=", "comp=reimag", "comp=reimagee", "comp=reimages", "comp=restart", "comp=re image", "comp=%20reimage",
         "comp=reimage%20", "comp=reimage%00", "xcomp=reimage", "com=reimage", "reimage", "comp=config", "comp=re%2Bimage",
         "comp=reimage%2Creboot", "comp=1", "op=reimage", "comp==reimage", "comp=reimage%26x", "comp:reimage", "reimage=comp")  # fmt: skip


@forms
@verifies("REQ-REIMAGE-COMP-MISSING")
@pytest.mark.parametrize("query", [pytest.param(q, marks=smoke if q in (None, "comp=restart") else ()) for q in COMPS])
def test_comp_missing_or_wrong_is_refused(sut: SystemUnderTest, form: UriForm, query: str | None) -> None:
    """A POST without comp, or with a value that names no operation, gets 400 and starts nothing."""
    sut.refuse(with_query(well_formed(sut, form, 1), None if query is None else query.replace(" ", "+")))


# Version.


@forms
@smoke
@verifies("REQ-REIMAGE-VERSION-OLD")
@pytest.mark.parametrize("version", published_before(MINIMUM_VERSION))
def test_a_version_before_the_minimum_is_refused(sut: SystemUnderTest, form: UriForm, version: str) -> None:
    """The operation exists from 2010-10-28 on."""
    sut.refuse(sut.builder.reimage(sut.main_witness(2), form, version=version))


# Content-Type.

MEDIA_TYPES = ("text/plain", "application/json", "text/xml", "application/atom+xml;type=entry;charset=utf-8", "application/x-www-form-urlencoded",
               "application/xmlx", "application/xm", "xapplication/xml", "application", "xml", "application/xhtml+xml", "*/*", "",
               "text/html; application/xml", "application/octet-stream", "application/soap+xml")  # fmt: skip


@forms
@smoke
@verifies("REQ-REIMAGE-CT-ABSENT")
def test_a_missing_content_type_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """The document calls Content-Type required."""
    exchange = sut.refuse(without_header(well_formed(sut, form, 3), "Content-Type"))
    record_leniency(sut, "REQ-REIMAGE-CT-ABSENT", "without Content-Type", exchange)


@forms
@verifies("REQ-REIMAGE-CT-ABSENT")
@pytest.mark.parametrize("value", MEDIA_TYPES)
def test_another_media_type_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> None:
    """Another media type is not application/xml."""
    exchange = sut.refuse(with_header(well_formed(sut, form, 3), "Content-Type", value))
    record_leniency(sut, "REQ-REIMAGE-CT-ABSENT", f"Content-Type {value!r}", exchange)


def record_leniency(sut: SystemUnderTest, requirement: str, what: str, *exchanges: object) -> None:
    """Under lenient, records what the endpoint does with a request that only strict forbids."""
    replies = [e for e in exchanges if isinstance(e, Exchange)]
    if sut.world.strictness == "lenient" and replies and replies[0].reply is not None:
        sut.observe(requirement, f"{what}: {replies[0].reply.status}", *replies)


# Length and body.


@forms
@smoke
@verifies("REQ-REIMAGE-CL-ABSENT")
def test_a_missing_content_length_is_refused(sut: SystemUnderTest, form: UriForm) -> None:
    """The document calls the header required: 400 or 411, and nothing starts."""
    exchange = sut.refuse(without_header(well_formed(sut, form, 4), "Content-Length"))
    record_leniency(sut, "REQ-REIMAGE-CL-ABSENT", "without Content-Length", exchange)


@forms
@verifies("REQ-REIMAGE-CL-ABSENT")
def test_the_misspelt_header_is_no_content_length(sut: SystemUnderTest, form: UriForm) -> None:
    """The document's spelling ContentLength is read as Content-Length; a field of that name does not stand in for it."""
    request = without_header(well_formed(sut, form, 4), "Content-Length")
    sut.refuse(with_header(request, "ContentLength", "0"))


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
def test_a_body_is_refused(sut: SystemUnderTest, form: UriForm, body: str) -> None:
    """A nonzero content length is refused, nothing starts, and the connection stays correctly framed."""
    exchange = sut.refuse(with_body(well_formed(sut, form, 5), BODIES[body]))
    known = sut.known_poll()
    if exchange.reply is not None:
        after = sut.send(known, on=exchange.connection)
        fine = after.reply is not None and after.reply.status == 200
        control = [] if fine else [sut.send(replace(known, fresh_connection=True))]
        sut.judge(same_connection_usable, exchange, after, *control, requirement="REQ-REIMAGE-CL-NONZERO")
    record_leniency(sut, "REQ-REIMAGE-CL-NONZERO", f"a body of {len(BODIES[body])} octets", exchange)


@forms
@verifies("REQ-REIMAGE-CL-NONZERO")
@pytest.mark.parametrize("chunks", [(b"x",), (b"<a/>", b"<b/>"), (b"d" * 5000,)], ids=["one", "two", "large"])
def test_a_chunked_body_is_refused(sut: SystemUnderTest, form: UriForm, chunks: tuple[bytes, ...]) -> None:
    """A body is a body in whatever coding it comes."""
    sut.refuse(with_chunked(well_formed(sut, form, 5), *chunks))


@forms
@verifies("REQ-REIMAGE-CL-NONZERO")
def test_a_body_declared_but_not_sent_starts_nothing(sut: SystemUnderTest, form: UriForm) -> None:
    """The endpoint refuses at once, or waits for the octets: it does not accept."""
    request = with_header(well_formed(sut, form, 5), "Content-Length", "5")
    patience = min(0.3, sut.target.limits.request_timeout_seconds)
    exchange = sut.attempt(replace(request, fresh_connection=True, patience_seconds=patience))
    sut.judge(not_accepted, exchange, requirement="REQ-REIMAGE-CL-NONZERO")
