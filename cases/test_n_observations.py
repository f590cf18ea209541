"""What this endpoint does where the documents are silent, and that the suite itself keeps what binds a client."""

from __future__ import annotations

import pytest

from conformance.casebook import (
    NotApplicable,
    SystemUnderTest,
    Untested,
    Witness,
    answer,
    at_the_end,
    precondition,
    smoke,
    verifies,
)
from conformance.checks.polls import status_of
from conformance.checks.probes import installation_in, installation_unchanged, sibling_is_no_reimage
from conformance.checks.wording import is_busy
from conformance.model import Exchange, Request
from conformance.oracle import permitted
from conformance.protocol.addresses import Kind, UriForm, read_target
from conformance.protocol.documents import read_document, read_error
from conformance.protocol.requests import with_query
from conformance.session.campaign import Result


async def accepted(sut: SystemUnderTest) -> list[Result]:
    """Every step that was accepted."""
    found = await sut.reimages.all_finished()
    precondition(found, "no reimage was accepted", because=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME"))
    return found


def polls(sut: SystemUnderTest) -> list[Exchange]:
    """Every poll that was answered 200."""
    return [
        e
        for e in sut.recorder.exchanges
        if e.label.startswith("poll") and e.reply is not None and e.reply.status == 200
    ]


@smoke
@at_the_end
@verifies("REQ-REIMAGE-REASON", "REQ-REIMAGE-EXTRA-HEADERS", "REQ-HTTP-202-MONITOR", "REQ-REIMAGE-ALWAYS")
async def test_what_the_202_looks_like(sut: SystemUnderTest) -> None:
    """Records the reason phrase, further headers, and whether refusals come at once."""
    starts = [r.exchange for r in await accepted(sut) if r.exchange is not None and r.exchange.reply is not None]
    replies = [e.reply for e in starts if e.reply is not None]
    phrases = sorted({reply.reason for reply in replies})
    names = sorted({name for reply in replies for name, _ in reply.headers}, key=str.lower)
    pointers = sorted(
        {
            name
            for name in names
            if name.lower() in ("location", "retry-after", "operation-location", "azure-asyncoperation")
        }
    )
    refused = [
        e for e in sut.recorder.exchanges if e.label == "refusal" and e.reply is not None and e.reply.status >= 400
    ]
    sut.observe("REQ-REIMAGE-REASON", f"reason phrase {', '.join(map(repr, phrases))}", *starts[:1])
    sut.observe("REQ-REIMAGE-EXTRA-HEADERS", f"headers of the 202: {', '.join(names)}", *starts[:1])
    sut.observe("REQ-HTTP-202-MONITOR", f"pointers to a status monitor: {', '.join(pointers) or 'none'}", *starts[:1])
    sut.observe(
        "REQ-REIMAGE-ALWAYS",
        f"{len(refused)} bad requests were refused at once, {len(starts)} good ones answered 202",
        *starts[:1],
    )


@smoke
@at_the_end
@verifies("REQ-REIMAGE-DURATION", "REQ-GOS-CACHE", "REQ-GOS-EXTRA-ELEMENTS", "REQ-ASYNC-REQID-FORMAT")
async def test_what_operations_look_like(sut: SystemUnderTest) -> None:
    """Records how long reimages take, caching of polls, further elements, and the form of ids."""
    results = await accepted(sut)
    times = sorted(o.duration for o in sut.operations.all if o.ended)
    seen = polls(sut)
    cache = sorted({e.reply.header("Cache-Control") or "none" for e in seen if e.reply is not None})
    known = ("ID", "Status", "HttpStatusCode", "Error")
    extra = sorted(
        {n for e in seen if e.reply is not None for n, _ in read_document(e.reply).children() if n not in known}
    )
    first = results[0].exchange
    ids = sorted({_form(o.identifier) for o in sut.operations.all})
    spread = f"{times[0]:.2f} to {times[-1]:.2f} s" if times else "not seen to end"
    sut.observe("REQ-REIMAGE-DURATION", f"{len(times)} reimages took {spread}", *([first] if first else []))
    sut.observe("REQ-GOS-CACHE", f"Cache-Control of polls: {', '.join(cache) or 'no poll was answered'}", *seen[:1])
    sut.observe("REQ-GOS-EXTRA-ELEMENTS", f"further children of Operation: {', '.join(extra) or 'none'}", *seen[:1])
    sut.observe("REQ-ASYNC-REQID-FORMAT", f"ids are {', '.join(ids)}", *([first] if first else []))


def _form(identifier: str) -> str:
    """What an id looks like."""
    plain = identifier.replace("-", "")
    kind = "hexadecimal" if all(c in "0123456789abcdefABCDEF" for c in plain) else "opaque"
    case = "lower-case " if plain == plain.lower() else "upper-case " if plain == plain.upper() else ""
    return f"{len(plain)} {case}{kind} characters{' with dashes' if '-' in identifier else ''}"


@at_the_end
@verifies("REQ-GOS-SYNC-ID")
async def test_the_id_of_a_synchronous_request(sut: SystemUnderTest) -> None:
    """Records what polling the id of a poll gives."""
    seen = polls(sut)
    precondition(seen, "no poll was answered")
    identifier = (seen[-1].reply.header("x-ms-request-id") if seen[-1].reply else None) or ""
    precondition(identifier, "polls carry no id", because=("REQ-GOS-REQID",))
    exchange = await sut.send(sut.builder.operation_status(identifier), label="question")
    status = answer(exchange)
    sut.observe(
        "REQ-GOS-SYNC-ID", f"the id of a poll, polled, is answered {status} {status_of(exchange)}".strip(), exchange
    )


@at_the_end
@verifies("REQ-REIMAGE-NOT-IDEMPOTENT")
async def test_a_repeated_reimage_is_a_new_one(sut: SystemUnderTest) -> None:
    """Records that a repeated POST gets an id of its own."""
    results = [result for result in await accepted(sut) if result.exchange is not None]
    twice = (
        (one, other) for at, one in enumerate(results) for other in results[:at] if one.step.place == other.step.place
    )
    again, first = next(twice, (None, None))
    if again is None or first is None:
        raise Untested("no role instance was reimaged twice")
    if first.operation is not None and again.operation is not None and again.exchange is not None:
        same = first.operation.identifier == again.operation.identifier
        sut.observe(
            "REQ-REIMAGE-NOT-IDEMPOTENT",
            f"a repeated reimage gets {'the same' if same else 'another'} id",
            again.exchange,
        )


OPEN_QUESTIONS = {
    "comp-upper-name": ("REQ-REIMAGE-COMP-EXACT", "COMP=reimage"),
    "comp-upper-value": ("REQ-REIMAGE-COMP-EXACT", "comp=REIMAGE"),
    "comp-twice": ("REQ-REIMAGE-COMP-EXACT", "comp=reimage twice"),
    "extra-parameter": ("REQ-REIMAGE-COMP-EXACT", "an unknown further parameter"),
    "slot-case": ("REQ-REIMAGE-COMP-EXACT", "a slot with a capital letter"),
}


@at_the_end
@verifies("REQ-REIMAGE-COMP-EXACT")
@pytest.mark.parametrize("step", OPEN_QUESTIONS)
async def test_open_questions(sut: SystemUnderTest, step: str) -> None:
    """Records what becomes of requests that the documents leave open."""
    result = await sut.reimages.result(step)
    requirement, what = OPEN_QUESTIONS[step]
    exchange = result.exchange
    said = exchange.reply.status if exchange is not None and exchange.reply is not None else "no reply"
    sut.observe(requirement, f"{what}: {said}", *([exchange] if exchange is not None else []))


@at_the_end
@verifies("REQ-REIMAGE-COMP")
@pytest.mark.parametrize("sibling", ["reboot", "rebuild"])
@pytest.mark.parametrize("form", list(UriForm))
async def test_a_sibling_operation_is_no_reimage(sut: SystemUnderTest, form: UriForm, sibling: str) -> None:
    """comp=reboot or comp=rebuild must not select a reimage; without a probe what comes of it is only recorded."""
    if not sut.probe.offered:
        raise Untested("without a probe a reimage cannot be told from a reboot")
    await sut.reimages.all_finished()
    place = sut.main_witness(Witness.SIBLING)
    before = await sut.probe.installation(place)
    precondition(installation_in(before), "the probe tells no installation id")
    exchange = await sut.attempt(with_query(sut.builder.reimage(place, form), f"comp={sibling}"), label="sibling")
    if exchange.reply is not None and 200 <= exchange.reply.status < 300:
        operation = sut.operations.open(exchange, place, form)
        sut.instances.address(place)
        await operation.over.wait()
        after = await sut.reimages.await_installation(place, before)
    else:
        after = await sut.probe.installation(place)
    sut.judge(sibling_is_no_reimage, before, after, exchange, sibling=sibling)


@smoke
@at_the_end
@verifies("REQ-GOS-NOTFOUND-NOEFFECT", "REQ-REIMAGE-OTHERS-UNTOUCHED")
async def test_no_installation_changed_unasked(sut: SystemUnderTest) -> None:
    """Instances that no accepted request named are what they were when the run began, by the probe."""
    if not sut.probe.offered:
        raise NotApplicable("the target has no probe")
    for place in sut.places():
        before = sut.probe.first.get(str(place))
        if before is not None and str(place) not in sut.instances.addressed:
            refusals = sut.refusals.refusals_of(place)
            what, requirement = sut.refusals.suspect(place, refusals)
            after = await sut.probe.installation(place)
            sut.judge(installation_unchanged, before, after, *refusals[:1], requirement=requirement, what=what)


@smoke
@at_the_end
@verifies("REQ-GOS-NOTFOUND-NOEFFECT")
async def test_the_ids_of_refused_reimages_were_polled(sut: SystemUnderTest) -> None:
    """A refusal's id, polled, shows that the refusal left nothing behind; without an id that cannot be seen."""
    refused = [e for e in sut.recorder.exchanges if e.label == "poll-refused"]
    precondition(refused, "no refused reimage carried an id to poll", because=("REQ-ASYNC-REQID-ERRORS",))


@smoke
@at_the_end
@verifies("REQ-NAME-INSTANCE", "REQ-TLS-VERSION")
async def test_names_and_tls(sut: SystemUnderTest) -> None:
    """Records the instance names in use, and how the endpoint is reached."""
    sut.observe("REQ-NAME-INSTANCE", f"instance names: {', '.join(place.role_instance for place in sut.places()[:6])}")
    sut.observe("REQ-TLS-VERSION", "reached over TLS 1.2 or later" if sut.target.is_https else "reached without TLS")


def sound(sut: SystemUnderTest) -> list[Request]:
    """The well-formed reimages that the suite sent."""
    return [
        e.request
        for e in sut.recorder.exchanges
        if read_target(e.request.target).kind is Kind.REIMAGE and not permitted(e.request, sut.world).defects
    ]


@smoke
@at_the_end
@verifies(
    "REQ-REIMAGE-CT", "REQ-REIMAGE-CL", "REQ-REIMAGE-BODY-NONE", "REQ-ASYNC-POLL", "REQ-ASYNC-NON202", "REQ-HTTP-307", "REQ-THROTTLE",
    "REQ-ERR-INTERNAL", "REQ-XML-SAFE",
)  # fmt: skip
async def test_what_binds_the_client(sut: SystemUnderTest) -> None:
    """Records that the suite's own well-formed requests are what the documents ask of a client."""
    requests = sound(sut)
    precondition(requests, "no well-formed reimage was sent")
    typed = sum(request.values("Content-Type") != () for request in requests)
    zero = sum(request.values("Content-Length") == ("0",) for request in requests)
    bare = sum(not request.body for request in requests)
    busy = [e for e in sut.recorder.exchanges if is_busy(e)]
    moved = [e for e in sut.recorder.exchanges if e.reply is not None and e.reply.status == 307]
    broken = [e for e in sut.recorder.exchanges if e.reply is not None and e.reply.status == 500]
    own = "binds the client; this suite's well-formed requests"
    sut.observe("REQ-REIMAGE-CT", f"{own} carry Content-Type: {typed} of {len(requests)}")
    sut.observe("REQ-REIMAGE-CL", f"{own} carry Content-Length: 0: {zero} of {len(requests)}")
    sut.observe("REQ-REIMAGE-BODY-NONE", f"{own} have no body: {bare} of {len(requests)}")
    sut.observe(
        "REQ-ASYNC-POLL",
        f"binds the client; {sum(len(o.polls) for o in sut.operations.all)} polls of {len(sut.operations.all)} operations",
    )
    sut.observe("REQ-ASYNC-NON202", "binds the client; a refused reimage counts as not started until shown otherwise")
    sut.observe("REQ-HTTP-307", f"binds the client; {len(moved)} redirects seen", *moved[:1])
    sut.observe("REQ-THROTTLE", f"binds the client; throttled {len(busy)} times", *busy[:1])
    sut.observe("REQ-ERR-INTERNAL", f"binds the client; answered 500 {len(broken)} times", *broken[:1])
    sut.observe("REQ-XML-SAFE", "binds the client; documents are read without entities, DTDs and network")


@at_the_end
@verifies("REQ-TIMEOUT", "REQ-REBOOT")
async def test_codes_seen(sut: SystemUnderTest) -> None:
    """Records every error code that the run met."""
    found: dict[str, Exchange] = {}
    for e in sut.recorder.exchanges:
        if e.label != "probe" and e.reply is not None and e.reply.status >= 400:
            code = read_error(read_document(e.reply)).code if e.reply.body else ""
            found.setdefault(f"{e.reply.status} {code or 'without code'}", e)
    sut.observe("REQ-TIMEOUT", f"answers met: {', '.join(sorted(found))}", *list(found.values())[:3])
    siblings = [e for e in sut.recorder.exchanges if e.label == "sibling"]
    said = ", ".join(sorted({str(e.reply.status) for e in siblings if e.reply is not None})) or "not tried"
    sut.observe("REQ-REBOOT", f"comp=reboot and comp=rebuild are answered: {said}", *siblings[:1])
