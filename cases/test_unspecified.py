"""Records what the endpoint does where the documents leave it open, and that the suite meets the duties of a client."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pytest

from reimage_conformance.casebook import (
    SystemUnderTest,
    Witness,
    answer,
    at_the_end,
    each_form,
    inconclusive_unless,
    not_applicable_unless,
    smoke,
    untested_unless,
    values,
    verifies,
)
from reimage_conformance.judging.instances.probes import installation_in, installation_unchanged, sibling_is_no_reimage
from reimage_conformance.judging.operations.polls import status_of
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_throttled
from reimage_conformance.model import Exchange, Request, Why
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import read_document, read_error
from reimage_conformance.protocol.requests import Place, with_query
from reimage_conformance.session.step_runs import Result

from .accepting import accepted_results


def answered_polls(sut: SystemUnderTest) -> list[Exchange]:
    """Every poll that was answered 200."""
    return [
        e
        for e in sut.recorder.exchanges
        if e.label.startswith("poll") and e.reply is not None and e.reply.status == 200
    ]


POINTERS = ("location", "retry-after", "operation-location", "azure-asyncoperation")


@smoke
@at_the_end
@verifies("REQ-REIMAGE-REASON", "REQ-REIMAGE-EXTRA-HEADERS", "REQ-HTTP-202-MONITOR", "REQ-REIMAGE-ALWAYS")
async def test_what_the_202_looks_like(sut: SystemUnderTest) -> None:
    """Records the reason phrase, further headers, and whether refusals come at once."""
    starts = [
        r.exchange for r in await accepted_results(sut) if r.exchange is not None and r.exchange.reply is not None
    ]
    replies = [e.reply for e in starts if e.reply is not None]
    phrases = sorted({reply.reason for reply in replies})
    names = sorted({name for reply in replies for name, _ in reply.headers}, key=str.lower)
    pointers = [name for name in names if name.lower() in POINTERS]
    refusals = [e for e in sut.recorder.exchanges if e.label == "refusal"]
    refused = sum(e.is_error for e in refusals)
    at_once = f"{refused} invalid requests were refused at once, and {len(starts)} reimages were accepted"
    sut.observe("REQ-REIMAGE-REASON", f"reason phrase {', '.join(map(repr, phrases))}", *starts[:1])
    sut.observe("REQ-REIMAGE-EXTRA-HEADERS", f"headers of the 202: {', '.join(names)}", *starts[:1])
    sut.observe("REQ-HTTP-202-MONITOR", f"pointers to a status monitor: {', '.join(pointers) or 'none'}", *starts[:1])
    sut.observe("REQ-REIMAGE-ALWAYS", at_once, *starts[:1])


@smoke
@at_the_end
@verifies("REQ-REIMAGE-DURATION", "REQ-GOS-CACHE", "REQ-GOS-EXTRA-ELEMENTS", "REQ-ASYNC-REQID-FORMAT")
async def test_what_operations_look_like(sut: SystemUnderTest) -> None:
    """Records how long reimages take, caching of polls, further elements, and the form of ids."""
    first = (await accepted_results(sut))[0].exchange
    start = [first] if first is not None else []
    times = sorted(o.duration for o in sut.operations.all if o.ended)
    spread = f"{times[0]:.2f} to {times[-1]:.2f} s" if times else "not seen to end"
    ids = sorted({_look_of_id(o.identifier) for o in sut.operations.all})
    sut.observe("REQ-REIMAGE-DURATION", f"{len(times)} reimages took {spread}", *start)
    sut.observe("REQ-ASYNC-REQID-FORMAT", f"ids are {', '.join(ids)}", *start)
    record_polls(sut, answered_polls(sut))


def _look_of_id(identifier: str) -> str:
    """What an id looks like, in words: its length, case and kind of characters."""
    plain = identifier.replace("-", "")
    kind = "hexadecimal" if all(c in "0123456789abcdefABCDEF" for c in plain) else "opaque"
    case = "lower-case " if plain == plain.lower() else "upper-case " if plain == plain.upper() else ""
    return f"{len(plain)} {case}{kind} characters{' with dashes' if '-' in identifier else ''}"


def record_polls(sut: SystemUnderTest, seen: list[Exchange]) -> None:
    """Records the caching of polls, and elements that the documents do not define."""
    replies = [poll.reply for poll in seen if poll.reply is not None]
    cache = sorted({reply.header("Cache-Control") or "none" for reply in replies})
    names = {name for reply in replies for name, _ in read_document(reply).children()}
    extra = sorted(names - {"ID", "Status", "HttpStatusCode", "Error"})
    sut.observe("REQ-GOS-CACHE", f"Cache-Control of polls: {', '.join(cache) or 'no poll was answered'}", *seen[:1])
    sut.observe("REQ-GOS-EXTRA-ELEMENTS", f"further children of Operation: {', '.join(extra) or 'none'}", *seen[:1])


@at_the_end
@verifies("REQ-GOS-SYNC-ID")
async def test_the_id_of_a_synchronous_request(sut: SystemUnderTest) -> None:
    """Records how a poll with the request id of another poll is answered."""
    seen = inconclusive_unless(answered_polls(sut), "no poll was answered", why=Why.NO_REPLY)
    poll_id = seen[-1].reply.header("x-ms-request-id") if seen[-1].reply else None
    identifier = inconclusive_unless(
        poll_id, "no answer to a poll had an x-ms-request-id header", because=("REQ-GOS-REQID",)
    )
    exchange = await sut.send(sut.builder.operation_status(identifier), label="question")
    observation = f"a poll with the request id of another poll is answered {answer(exchange)} {status_of(exchange)}"
    sut.observe("REQ-GOS-SYNC-ID", observation.strip(), exchange)


def reimaged_twice(results: list[Result]) -> tuple[Result, Result] | None:
    """The results of two steps that reimaged the same instance, the earlier one first; None if there are none."""
    sent = [result for result in results if result.exchange is not None]
    pairs = ((first, again) for at, again in enumerate(sent) for first in sent[:at])
    return next((pair for pair in pairs if pair[0].step.place == pair[1].step.place), None)


@at_the_end
@verifies("REQ-REIMAGE-NOT-IDEMPOTENT")
async def test_a_repeated_reimage_is_a_new_one(sut: SystemUnderTest) -> None:
    """Records that a repeated POST gets an id of its own."""
    first, again = untested_unless(
        reimaged_twice(await accepted_results(sut)), "the run had no two reimages of one role instance to compare"
    )
    if first.operation is not None and again.operation is not None and again.exchange is not None:
        same = first.operation.identifier == again.operation.identifier
        observation = f"a repeated reimage gets {'the same' if same else 'another'} id"
        sut.observe("REQ-REIMAGE-NOT-IDEMPOTENT", observation, again.exchange)


OPEN_QUESTIONS = {
    "comp-upper-name": ("REQ-REIMAGE-COMP-EXACT", "COMP=reimage"),
    "comp-upper-value": ("REQ-REIMAGE-COMP-EXACT", "comp=REIMAGE"),
    "comp-twice": ("REQ-REIMAGE-COMP-EXACT", "comp=reimage twice"),
    "extra-parameter": ("REQ-REIMAGE-COMP-EXACT", "an unknown further parameter"),
    "slot-case": ("REQ-REIMAGE-COMP-EXACT", "a slot with a capital letter"),
}


@at_the_end
@verifies("REQ-REIMAGE-COMP-EXACT")
@values("step", OPEN_QUESTIONS)
async def test_open_questions(sut: SystemUnderTest, step: str) -> None:
    """Records how requests are answered for which the documents define no answer."""
    requirement, what = OPEN_QUESTIONS[step]
    exchange = (await sut.reimages.result(step)).exchange
    sut.observe(requirement, f"{what}: {answer(exchange)}", *([exchange] if exchange is not None else []))


@at_the_end
@verifies("REQ-REIMAGE-COMP")
@pytest.mark.parametrize("sibling", ["reboot", "rebuild"])
@each_form
async def test_a_sibling_operation_is_no_reimage(sut: SystemUnderTest, form: UriForm, sibling: str) -> None:
    """comp=reboot or comp=rebuild must not select a reimage; only a probe can show whether it does."""
    untested_unless(sut.probe.offered, "without a probe a reimage cannot be distinguished from a reboot")
    await sut.reimages.all_finished()
    place = sut.main_witness(Witness.SIBLING)
    before = await sut.probe.installation(place)
    inconclusive_unless(installation_in(before), "the probe's answer has no installation id")
    request = with_query(sut.reimage_of(Witness.SIBLING, form), f"comp={sibling}")
    exchange = await sut.attempt(request, label="sibling")
    after = await installation_after(sut, exchange, place, form, before)
    sut.judge(sibling_is_no_reimage, before, after, exchange, sibling=sibling)


async def installation_after(
    sut: SystemUnderTest, exchange: Exchange, place: Place, form: UriForm, before: Exchange
) -> Exchange:
    """The probe's answer after a request; if the request started an operation, after that too."""
    if not exchange.is_successful:
        return await sut.probe.installation(place)
    operation = sut.operations.open(exchange, place, form)
    sut.instances.address(place)
    await operation.over.wait()
    return await sut.reimages.await_installation(place, before)


async def judge_installation(sut: SystemUnderTest, place: Place) -> None:
    """Judges that an instance that no accepted request addressed still has its first installation."""
    before = sut.probe.first.get(str(place))
    if before is not None and str(place) not in sut.instances.addressed:
        refusals = sut.refusals.reimage_requests_to(place)
        what, requirement = sut.refusals.blame_for_change(place, refusals)
        after = await sut.probe.installation(place)
        sut.judge(installation_unchanged, before, after, *refusals[:1], requirement=requirement, what=what)


@smoke
@at_the_end
@verifies("REQ-GOS-NOTFOUND-NOEFFECT", "REQ-REIMAGE-OTHERS-UNTOUCHED")
async def test_no_installation_changed_unasked(sut: SystemUnderTest) -> None:
    """Instances that no accepted request addressed still have the installation that the probe saw at the beginning of the run."""
    not_applicable_unless(sut.probe.offered, "the target has no probe")
    await sut.in_turn(partial(judge_installation, sut), sut.places())


@smoke
@at_the_end
@verifies("REQ-GOS-NOTFOUND-NOEFFECT")
async def test_the_ids_of_refused_reimages_were_polled(sut: SystemUnderTest) -> None:
    """The request ids of refused reimages were polled, to see whether a reimage was started; a refusal need not have an id."""
    refused = [e for e in sut.recorder.exchanges if e.label == "refusal" and is_refused_reimage(e)]
    polls = [e for e in sut.recorder.exchanges if e.label == "poll-refused"]
    inconclusive_unless(polls or refused, "no reimage was refused")
    with_id = any(e.reply is not None and e.reply.header("x-ms-request-id") for e in refused)
    not_applicable_unless(polls or with_id, "the endpoint gives refused reimages no x-ms-request-id")
    untested_unless(polls, "no x-ms-request-id of a refused reimage was polled")


def is_refused_reimage(exchange: Exchange) -> bool:
    """Whether the request is a POST to a role instance, and its answer an error."""
    request = exchange.request
    is_reimage = request.method == "POST" and read_target(request.resource).kind is Kind.REIMAGE
    return is_reimage and exchange.is_error


@smoke
@at_the_end
@verifies("REQ-NAME-INSTANCE", "REQ-TLS-VERSION")
async def test_names_and_tls(sut: SystemUnderTest) -> None:
    """Records the instance names in use, and how the endpoint is reached."""
    sut.observe("REQ-NAME-INSTANCE", f"instance names: {', '.join(place.role_instance for place in sut.places()[:6])}")
    sut.observe("REQ-TLS-VERSION", "reached over TLS 1.2 or later" if sut.target.is_https else "reached without TLS")


def sound_reimages(sut: SystemUnderTest) -> list[Request]:
    """The requests of the sound reimages that the suite sent."""
    return [
        e.request
        for e in sut.recorder.exchanges
        if read_target(e.request.resource).kind is Kind.REIMAGE and not expectation_of(e.request, sut.world).defects
    ]


def with_status(sut: SystemUnderTest, status: int) -> list[Exchange]:
    """Every exchange whose reply has this status."""
    return [e for e in sut.recorder.exchanges if e.reply is not None and e.reply.status == status]


@smoke
@at_the_end
@verifies(
    "REQ-REIMAGE-CT", "REQ-REIMAGE-CL", "REQ-REIMAGE-BODY-NONE", "REQ-ASYNC-POLL", "REQ-ASYNC-NON202", "REQ-HTTP-307", "REQ-THROTTLE",
    "REQ-ERR-INTERNAL", "REQ-XML-SAFE",
)  # fmt: skip
async def test_what_binds_the_client(sut: SystemUnderTest) -> None:
    """Records that the suite's own valid requests are what the documents ask of a client."""
    record_own_requests(sut, inconclusive_unless(sound_reimages(sut), "no valid reimage was sent"))
    busy = [e for e in sut.recorder.exchanges if is_throttled(e)]
    moved, broken = with_status(sut, 307), with_status(sut, 500)
    polled = f"{sum(len(o.polls) for o in sut.operations.all)} polls of {len(sut.operations.all)} operations"
    sut.observe("REQ-ASYNC-POLL", f"binds the client; {polled}")
    sut.observe("REQ-ASYNC-NON202", "binds the client; a refused reimage counts as not started until shown otherwise")
    sut.observe("REQ-HTTP-307", f"binds the client; {len(moved)} redirects seen", *moved[:1])
    sut.observe("REQ-THROTTLE", f"binds the client; throttled {len(busy)} times", *busy[:1])
    sut.observe("REQ-ERR-INTERNAL", f"binds the client; answered 500 {len(broken)} times", *broken[:1])
    sut.observe("REQ-XML-SAFE", "binds the client; documents are read without entities, DTDs and network")


def record_own_requests(sut: SystemUnderTest, requests: list[Request]) -> None:
    """Records what headers and body the suite's own sound reimages have."""
    typed = sum(request.values("Content-Type") != () for request in requests)
    zero = sum(request.values("Content-Length") == ("0",) for request in requests)
    bare = sum(not request.body for request in requests)
    own = "binds the client; this suite's valid requests"
    sut.observe("REQ-REIMAGE-CT", f"{own} carry Content-Type: {typed} of {len(requests)}")
    sut.observe("REQ-REIMAGE-CL", f"{own} carry Content-Length: 0: {zero} of {len(requests)}")
    sut.observe("REQ-REIMAGE-BODY-NONE", f"{own} have no body: {bare} of {len(requests)}")


def first_errors(exchanges: Iterable[Exchange]) -> dict[str, Exchange]:
    """The first error answer with each status and code."""
    found: dict[str, Exchange] = {}
    for exchange in exchanges:
        if exchange.label != "probe" and exchange.reply is not None and exchange.is_error:
            code = read_error(read_document(exchange.reply)).code if exchange.reply.body else ""
            found.setdefault(f"{exchange.reply.status} {code or 'without code'}", exchange)
    return found


@at_the_end
@verifies("REQ-TIMEOUT", "REQ-REBOOT")
async def test_codes_seen(sut: SystemUnderTest) -> None:
    """Records every error code that the run met."""
    found = first_errors(sut.recorder.exchanges)
    sut.observe("REQ-TIMEOUT", f"answers met: {', '.join(sorted(found))}", *list(found.values())[:3])
    siblings = [e for e in sut.recorder.exchanges if e.label == "sibling"]
    answers = ", ".join(sorted({answer(e) for e in siblings if e.reply is not None}))
    tried = f"were answered {answers}" if answers else "were not tried, or got no reply"
    sut.observe("REQ-REBOOT", f"comp=reboot and comp=rebuild {tried}", *siblings[:1])
