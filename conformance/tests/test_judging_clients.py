"""What a client is judged by: tables of exchanges in, verdicts out. What published clients do is never a violation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from judging_samples import (
    ANONYMOUS,
    DASHED_ID,
    LOOK,
    NO_COMP,
    NO_LENGTH,
    NO_TYPE,
    NO_VERSION,
    OLD,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    PUT,
    REIMAGE,
    REIMAGE_BY_NAME,
    RUNNING,
    SUBSCRIPTION,
    SUCCEEDED,
    UNKNOWN,
    error,
    exchange,
    judged,
    lenient,
    poll,
    polls,
    refusal,
    started,
    world,
)
from reimage_conformance.assessment.clients import TOPICS
from reimage_conformance.catalogue import CLIENT_CATALOGUE
from reimage_conformance.headlines import violation_sentence
from reimage_conformance.judging.clients.sessions import followed, is_poll, is_reimage, place_of
from reimage_conformance.model import Exchange, Fact, Identity, Outcome, Request, Strictness
from reimage_conformance.protocol.requests import with_header, with_query

BAD = (Outcome.VIOLATED, Outcome.ADVISORY)
Told = dict[str, tuple[str, str]]
"""What departs from a requirement: its outcome and symptom, by the requirement without its prefix."""


def departures(
    check: str, *exchanges: Exchange, strictness: Strictness = Strictness.STRICT, **arguments: float
) -> Told:
    """The violations and advisories of a check."""
    found = judged(check, exchanges, world(strictness), **arguments)
    return {v.requirement.removeprefix("REQ-CLIENT-"): (v.outcome.value, v.symptom) for v in found if v.outcome in BAD}


def met(check: str, *exchanges: Exchange, **arguments: float) -> set[str]:
    """The requirements that a check says are met."""
    return {v.requirement for v in judged(check, exchanges, **arguments) if v.outcome is Outcome.MET}


def typed(value: str) -> Request:
    return with_header(REIMAGE, "Content-Type", value)


def versioned(value: str, request: Request = REIMAGE) -> Request:
    return with_header(request, "x-ms-version", value)


def moved(old: str, new: str) -> Request:
    return replace(REIMAGE, target=REIMAGE.target.replace(old, new))


CHUNKED = with_header(NO_LENGTH, "Transfer-Encoding", "chunked")
BODY = replace(with_header(REIMAGE, "Content-Length", "4"), body=b"<x/>")
WRONG = {
    "by PUT": (PUT, {"REIMAGE-METHOD": ("violated", "method")}),
    "without comp": (NO_COMP, {"REIMAGE-URI": ("violated", "comp")}),
    "with the question mark escaped": (moved("?comp", "%3Fcomp"), {"REIMAGE-URI": ("violated", "comp")}),
    "with comp in capitals": (moved("comp=reimage", "comp=Reimage"), {"REIMAGE-URI": ("violated", "comp")}),
    "on another path": (moved("/deploymentslots/", "/slots/"), {"REIMAGE-URI": ("violated", "path")}),
    "with the word in the path": (moved("?comp=reimage", "/reimage"), {"REIMAGE-URI": ("violated", "path")}),
    "of no slot": (moved("/production/", "/prod/"), {"REIMAGE-URI": ("violated", "slot")}),
    "as a form": (typed("application/x-www-form-urlencoded"), {"REIMAGE-CONTENT-TYPE": ("violated", "type")}),
    "without length": (NO_LENGTH, {"REIMAGE-CONTENT-LENGTH": ("violated", "length")}),
    "chunked and empty": (CHUNKED, {"REIMAGE-CONTENT-LENGTH": ("violated", "length")}),
    "with the empty chunk written out": (
        replace(CHUNKED, body=b"0\r\n\r\n"),
        {"REIMAGE-CONTENT-LENGTH": ("violated", "length")},
    ),
    "with a body": (BODY, {"REIMAGE-BODY": ("violated", "body"), "REIMAGE-CONTENT-LENGTH": ("violated", "length")}),
    "with a chunked body": (
        replace(CHUNKED, body=b"<x/>"),
        {"REIMAGE-BODY": ("violated", "body"), "REIMAGE-CONTENT-LENGTH": ("violated", "length")},
    ),
    "without version": (NO_VERSION, {"REIMAGE-VERSION": ("violated", "missing")}),
    "with a word as version": (versioned("latest"), {"REIMAGE-VERSION": ("violated", "malformed")}),
    "with a version before the reimage": (OLD, {"REIMAGE-VERSION": ("violated", "old")}),
    "with two versions": (versioned("2011-10-01, 2012-03-01"), {"REIMAGE-VERSION": ("violated", "several")}),
    "in HTTP/1.0": (replace(REIMAGE, http_version="HTTP/1.0"), {"HTTP-VERSION": ("advisory", "http-version")}),
}
TOLERATED = {
    "as documented": (REIMAGE, {}),
    "by name": (REIMAGE_BY_NAME, {}),
    "with a charset": (typed("Application/XML; charset=utf-8"), {}),
    "with the version of azure-asm-compute": (versioned("2017-01-01"), {}),
    "with the length of the PHP SDK": (with_header(REIMAGE, "contentlength", "0"), {}),
    "with the slot of .NET": (moved("/production/", "/Production/"), {"REIMAGE-URI": ("advisory", "slot-case")}),
    "with a slash before the query": (moved("?comp", "/?comp"), {"REIMAGE-URI": ("advisory", "slash")}),
    "with a parameter more": (moved("=reimage", "=reimage&x=1"), {"REIMAGE-URI": ("advisory", "more")}),
    "without type, as .NET": (NO_TYPE, {"REIMAGE-CONTENT-TYPE": ("advisory", "missing")}),
    "as atom, as the Python SDK": (
        typed("application/atom+xml;type=entry;charset=utf-8"),
        {"REIMAGE-CONTENT-TYPE": ("advisory", "atom")},
    ),
}


@pytest.mark.parametrize(("request_", "told"), [*WRONG.values(), *TOLERATED.values()], ids=[*WRONG, *TOLERATED])
def test_a_reimage_is_judged_by_its_octets(request_: Request, told: Told) -> None:
    assert departures("client_reimages", exchange(request_)) == told


@pytest.mark.parametrize(("request_", "told"), TOLERATED.values(), ids=TOLERATED)
def test_lenient_accuses_no_published_client_either(request_: Request, told: Told) -> None:
    assert departures("client_reimages", exchange(request_), strictness=Strictness.LENIENT) == told


@pytest.mark.parametrize(
    ("check", "exchanges", "told"),
    [
        ("client_reimages", [exchange(NO_LENGTH)], {"REIMAGE-CONTENT-LENGTH": ("violated", "length")}),
        ("client_reimages", [exchange(NO_LENGTH, 411)], {"REIMAGE-CONTENT-LENGTH": ("violated", "length")}),
        ("client_waits", [started(), *polls(RUNNING, RUNNING)], {"POLL-END": ("violated", "gave-up")}),
        ("client_waits", [started()], {"POLL-END": ("violated", "never")}),
        (
            "client_repeats",
            [started(), exchange(REIMAGE, 202, number=2, at=0.1)],
            {"REIMAGE-ONCE": ("violated", "repeated")},
        ),
        (
            "client_ids",
            [
                started(),
                poll(error("ResourceNotFound"), 404, request=replace(POLL, target=f"/s/operations/{OTHER_ID}")),
            ],
            {"POLL-ID": ("violated", "unknown")},
        ),
    ],
)
def test_lenient_lets_no_defect_pass(check: str, exchanges: list[Exchange], told: Told) -> None:
    arguments = {"until": 99.0} if check == "client_waits" else {}

    assert departures(check, *exchanges, strictness=Strictness.LENIENT, **arguments) == told


def test_a_sound_reimage_meets_everything_that_is_asked_of_one() -> None:
    asked = {name for topic in TOPICS if topic.id == "client::reimages" for name in topic.requirements}

    assert met("client_reimages", started()) == asked


def test_a_body_explains_the_length_that_goes_with_it() -> None:
    found = {v.requirement: v.because for v in judged("client_reimages", [exchange(BODY)])}

    assert found["REQ-CLIENT-REIMAGE-CONTENT-LENGTH"] == ("REQ-CLIENT-REIMAGE-BODY",)


@pytest.mark.parametrize(
    ("request_", "meant"),
    [
        (REIMAGE, True),
        (PUT, True),
        (NO_COMP, True),
        (with_query(REIMAGE, "comp=reboot"), False),
        (replace(NO_COMP, method="GET"), False),
        (moved("?comp=reimage", "?comp=rebuild"), False),
        (POLL, False),
    ],
)
def test_what_is_meant_as_a_reimage(request_: Request, meant: bool) -> None:  # noqa: FBT001
    assert is_reimage(request_) is meant


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        (f"/{SUBSCRIPTION}/operations/{OPERATION_ID}", True),
        (f"/{SUBSCRIPTION}/operations/", True),
        (f"/{SUBSCRIPTION}/services/hostedservices/contoso/deployments/v1/roles/operations", False),
        (f"/{SUBSCRIPTION}/operations?StartTime=2011-10-01", False),
        (f"/{SUBSCRIPTION}/services/hostedservices/contoso", False),
    ],
)
def test_what_is_meant_as_a_poll(target: str, meant: bool) -> None:  # noqa: FBT001
    assert is_poll(replace(POLL, target=target)) is meant


POLLS = {
    "as documented": (POLL, {}),
    "by HEAD": (replace(POLL, method="HEAD"), {}),
    "by POST": (replace(POLL, method="POST"), {"POLL-METHOD": ("violated", "method")}),
    "with a body": (replace(POLL, body=b"x"), {"POLL-METHOD": ("violated", "body")}),
    "with a query": (replace(POLL, target=f"{POLL.target}?a=1"), {"POLL-METHOD": ("advisory", "query")}),
    "with the oldest version": (versioned("2009-10-01", POLL), {}),
    "with an older version": (versioned("2009-01-01", POLL), {"POLL-VERSION": ("violated", "old")}),
    "without version": (
        replace(POLL, headers=tuple(line for line in POLL.headers if line[0].lower() != "x-ms-version")),
        {"POLL-VERSION": ("violated", "missing")},
    ),
}


@pytest.mark.parametrize(("request_", "told"), POLLS.values(), ids=POLLS)
def test_a_poll_is_judged_by_its_octets(request_: Request, told: Told) -> None:
    assert departures("client_polls", poll(request=request_)) == told


def asking(identifier: str, subscription: str = SUBSCRIPTION) -> Request:
    return replace(POLL, target=f"/{subscription}/operations/{identifier}")


LOOKED = exchange(LOOK, 200, headers=(("x-ms-request-id", DASHED_ID),))
REFUSED = exchange(REIMAGE, 409, error("ConflictError"), (("x-ms-request-id", OTHER_ID),), number=1)
IDS = {
    "of the 202": (started(), poll(), {}),
    "with dashes": (started(), poll(request=asking(DASHED_ID)), {"POLL-ID": ("advisory", "form")}),
    "in capitals": (started(), poll(request=asking(OPERATION_ID.upper())), {"POLL-ID": ("advisory", "form")}),
    "of nothing": (started(), poll(request=asking("")), {"POLL-ID": ("violated", "empty")}),
    "made up": (
        started(),
        poll(error("ResourceNotFound"), 404, request=asking(OTHER_ID)),
        {"POLL-ID": ("violated", "unknown")},
    ),
    "of before the record": (started(), poll(request=asking(OTHER_ID)), {}),
    "of before the record, and forgotten": (LOOKED, poll(error("ResourceNotFound"), 404, request=asking(OTHER_ID)), {}),
    "of a 400": (
        exchange(NO_TYPE, 400, error(), (("x-ms-request-id", OTHER_ID),)),
        poll(request=asking(OTHER_ID)),
        {"POLL-ID": ("advisory", "no-operation")},
    ),
    "of a 200": (exchange(REIMAGE, 200, headers=(("x-ms-request-id", OTHER_ID),)), poll(request=asking(OTHER_ID)), {}),
    "of a refusal": (REFUSED, poll(request=asking(OTHER_ID)), {"POLL-ID": ("advisory", "no-operation")}),
    "elsewhere": (
        started(),
        poll(request=asking(OPERATION_ID, SUBSCRIPTION[:-1] + "2")),
        {"POLL-ID": ("violated", "subscription")},
    ),
}


@pytest.mark.parametrize(("first", "then", "told"), IDS.values(), ids=IDS)
def test_the_id_of_a_poll_is_the_one_that_was_given(first: Exchange, then: Exchange, told: Told) -> None:
    assert departures("client_ids", first, then) == told


ANSWERED = (("x-ms-request-id", OTHER_ID),)
FOLLOWED_UP = {
    "of a poll's own reply": (
        [started(), poll(RUNNING, headers=ANSWERED), poll(error(), 404, number=3, request=asking(OTHER_ID))],
        {"POLL-ID": ("violated", "poll")},
    ),
    "of a poll's own reply, answered as if it were known": (
        [started(), poll(RUNNING, headers=ANSWERED), poll(number=3, request=asking(OTHER_ID))],
        {"POLL-ID": ("violated", "poll")},
    ),
    "of a poll of an operation older than the record": (
        [
            poll(RUNNING, request=asking(OTHER_ID), headers=ANSWERED),
            poll(number=3, request=asking(OTHER_ID)),
        ],
        {},
    ),
    "of a poll and of the 202 after it": (
        [
            poll(RUNNING, number=1, request=asking(DASHED_ID), headers=ANSWERED),
            started(number=2, identifier=OTHER_ID),
            poll(number=3, request=asking(OTHER_ID)),
        ],
        {},
    ),
    "of a look": (
        [
            started(),
            exchange(LOOK, 200, headers=ANSWERED, number=2),
            poll(error(), 404, number=3, request=asking(OTHER_ID)),
        ],
        {"POLL-ID": ("violated", "look")},
    ),
    "of a look and of the 202 after it": (
        [
            exchange(LOOK, 200, headers=ANSWERED, number=1),
            started(number=2, identifier=OTHER_ID),
            poll(number=3, request=asking(OTHER_ID)),
        ],
        {},
    ),
    "of the 202 each time": (
        [started(), poll(RUNNING, headers=ANSWERED), poll(number=3)],
        {},
    ),
}


@pytest.mark.parametrize(("exchanges", "told"), FOLLOWED_UP.values(), ids=FOLLOWED_UP)
def test_every_poll_is_judged_by_its_id(exchanges: list[Exchange], told: Told) -> None:
    assert departures("client_ids", *exchanges) == told


def test_the_id_of_the_202_is_told_to_be_right() -> None:
    assert met("client_ids", started(), poll()) == {"REQ-CLIENT-POLL-ID"}


GONE = poll(error("ResourceNotFound"), 404, number=3, at=3.0)
ENDS = {
    "polled to its end": ([started(), *polls(RUNNING, RUNNING, SUCCEEDED)], 99.0, {}),
    "given up": ([started(), *polls(RUNNING, RUNNING)], 99.0, {"POLL-END": ("violated", "gave-up")}),
    "given up at a pace of its own": (
        [started(), *polls(RUNNING, RUNNING)],
        7.1,
        {"POLL-END": ("violated", "gave-up")},
    ),
    "cut off": ([started(), *polls(RUNNING, RUNNING)], 6.9, {"POLL-END": ("advisory", "gave-up")}),
    "polled once, then cut off": ([started(), *polls(RUNNING)], 61.0, {"POLL-END": ("advisory", "gave-up")}),
    "polled once, then given up": ([started(), *polls(RUNNING)], 63.0, {"POLL-END": ("violated", "gave-up")}),
    "never polled": ([started()], 60.0, {"POLL-END": ("violated", "never")}),
    "never polled, then cut off": ([started()], 59.0, {"POLL-END": ("advisory", "never")}),
    "polled slowly, then cut off": (
        [started(), poll(number=2, at=1.0), poll(number=3, at=11.0, elapsed=5.0)],
        55.0,
        {"POLL-END": ("advisory", "gave-up")},
    ),
    "lost by the endpoint": ([started(), *polls(RUNNING), GONE], 99.0, {}),
    "without an id": ([started(identifier="")], 99.0, {}),
}


@pytest.mark.parametrize(("exchanges", "until", "told"), ENDS.values(), ids=ENDS)
def test_an_operation_is_polled_to_its_end(exchanges: list[Exchange], until: float, told: Told) -> None:
    found = departures("client_waits", *exchanges, until=until)

    assert {name: each for name, each in found.items() if name == "POLL-END"} == told


OVER = {
    "polled to its end": ([started(), *polls(RUNNING, SUCCEEDED)], {}),
    "given up": ([started(), *polls(RUNNING, RUNNING)], {"POLL-END": ("violated", "gave-up")}),
    "polled once": ([started(), *polls(RUNNING)], {"POLL-END": ("violated", "gave-up")}),
    "never polled": ([started()], {"POLL-END": ("violated", "never")}),
    "lost by the endpoint": ([started(), *polls(RUNNING), GONE], {}),
}


@pytest.mark.parametrize(("exchanges", "told"), OVER.values(), ids=OVER)
def test_a_client_that_has_ended_meant_to_poll_no_more(exchanges: list[Exchange], told: Told) -> None:
    found = departures("client_waits", *exchanges, until=3.5, over=True)

    assert {name: each for name, each in found.items() if name == "POLL-END"} == told
    assert departures("client_waits", started(), until=3.5, over=True, faulty=True) == {
        "POLL-END": ("advisory", "never")
    }


def test_who_sees_the_end_has_met_what_is_asked_of_waiting() -> None:
    waited = met("client_waits", started(), *polls(RUNNING, SUCCEEDED))

    assert waited == {"REQ-CLIENT-POLL-END", "REQ-CLIENT-POLL-PAUSE", "REQ-CLIENT-POLL-AFTER-END"}


def test_to_give_up_at_an_endpoint_that_is_wrong_on_purpose_is_told_only() -> None:
    exchanges = [started(), *polls(RUNNING, RUNNING)]

    found = judged("client_waits", exchanges, until=99.0, faulty=True)
    assert [v.outcome for v in found if v.requirement == "REQ-CLIENT-POLL-END"] == [Outcome.ADVISORY]


def test_polls_without_pause_and_after_the_end_are_told() -> None:
    quick = [poll(RUNNING, number=2, at=1.0), poll(SUCCEEDED, number=3, at=1.2), poll(SUCCEEDED, number=4, at=1.3)]

    assert departures("client_waits", started(), *quick) == {
        "POLL-PAUSE": ("advisory", "quick"),
        "POLL-AFTER-END": ("advisory", "again"),
    }
    assert departures("client_waits", started(), *quick, strictness=Strictness.LENIENT) == {}


def again(at: float, number: int = 9, request: Request = REIMAGE, status: int = 202) -> Exchange:
    return exchange(request, status, number=number, at=at)


def held(at: float, number: int, identifier: str) -> Exchange:
    """A POST that is refused since the operation with this id runs."""
    text = f"An operation with request ID {identifier} has exclusive access to the deployment."
    return exchange(REIMAGE, 409, error("ConflictError", text), number=number, at=at)


OTHER_INSTANCE = moved("WebRole1_IN_0", "WebRole1_IN_1")
REPEATS = {
    "at once": ([started(), again(0.1, 2)], {"REIMAGE-ONCE": ("violated", "repeated")}),
    "in the other form": ([started(), again(0.1, 2, REIMAGE_BY_NAME)], {"REIMAGE-ONCE": ("violated", "repeated")}),
    "into a conflict": ([started(), again(0.1, 2, status=409)], {"REIMAGE-ONCE": ("violated", "repeated")}),
    "while it was seen to run": ([started(), *polls(RUNNING), again(9.0)], {"REIMAGE-ONCE": ("violated", "repeated")}),
    "while it is seen to run later": (
        [started(), again(900.0, 2), poll(RUNNING, number=3, at=901.0)],
        {"REIMAGE-ONCE": ("violated", "repeated")},
    ),
    "after its end": ([started(), *polls(RUNNING, SUCCEEDED), again(9.0)], {}),
    "much later without a look": ([started(), again(900.0, 2)], {}),
    "as another operation": ([started(), again(0.1, 2, with_query(REIMAGE, "comp=rebuild"))], {}),
    "by another client": ([started(), again(0.1, 2, with_header(REIMAGE, "User-Agent", "other"))], {}),
    "with another certificate": ([started(), again(0.1, 2, replace(REIMAGE, identity=Identity.SECOND))], {}),
    "after a poll that was refused": ([started(), poll(error("ResourceNotFound"), 404), again(9.0)], {}),
    "into a redirect": ([started(), again(0.1, 2, status=399)], {"REIMAGE-ONCE": ("violated", "repeated")}),
    "of another instance": ([started(), again(0.1, 2, OTHER_INSTANCE)], {}),
    "long after, while it was seen to run lately": (
        [started(), poll(number=2, at=2.0), poll(number=3, at=99.0), again(150.0, 4)],
        {"REIMAGE-ONCE": ("violated", "repeated")},
    ),
    "long after it was seen to run": ([started(), *polls(RUNNING), again(62.1, 3)], {}),
    "into an error of the service": (
        [started(), again(0.1, 2, status=500)],
        {"REIMAGE-ONCE": ("violated", "repeated")},
    ),
    "into a status of its own": ([started(), again(0.1, 2, status=502)], {"REIMAGE-ONCE": ("violated", "repeated")}),
    "as a request that was refused": ([started(), again(0.1, 2, BODY, 400)], {}),
    "as a request without type": ([started(), again(0.1, 2, typed("text/plain"), 415)], {}),
    "not at all": ([started()], {}),
    "into a conflict with itself after a poll that was refused": (
        [started(), poll(error("BadRequest"), 400), held(9.0, 3, OPERATION_ID)],
        {"REIMAGE-ONCE": ("violated", "repeated")},
    ),
    "into a conflict with itself long after": (
        [started(), held(900.0, 2, DASHED_ID)],
        {"REIMAGE-ONCE": ("violated", "repeated")},
    ),
    "into a conflict with something else long after": ([started(), held(900.0, 2, OTHER_ID)], {}),
    "into a conflict with itself though the end was seen": (
        [started(), *polls(RUNNING, SUCCEEDED), held(9.0, 4, OPERATION_ID)],
        {},
    ),
}


@pytest.mark.parametrize(("exchanges", "told"), REPEATS.values(), ids=REPEATS)
def test_a_reimage_is_not_repeated_while_it_runs(exchanges: list[Exchange], told: Told) -> None:
    assert departures("client_repeats", *exchanges) == told


BUSY = refusal(REIMAGE, 503, "ServerBusy")
ASKED_FOR = exchange(REIMAGE, 503, error("ServerBusy"), (("Retry-After", "20"),))
RETRIES = {
    "at once": (BUSY, again(0.1, 2), {"RETRY-PAUSE": ("advisory", "quick")}),
    "after a conflict": (refusal(REIMAGE, 409, "ConflictError"), again(0.1, 2), {"RETRY-PAUSE": ("advisory", "quick")}),
    "after too many": (refusal(REIMAGE, 429), again(0.1, 2), {"RETRY-PAUSE": ("advisory", "quick")}),
    "after an error": (refusal(REIMAGE, 500, "InternalError"), again(0.1, 2), {"RETRY-PAUSE": ("advisory", "quick")}),
    "after what it was": (refusal(NO_TYPE, 400, "BadRequest"), again(0.1, 2, NO_TYPE), {}),
    "by another method": (refusal(PUT, 503), again(0.1, 2), {}),
    "a second later": (BUSY, again(1.0, 2), {}),
    "more than half a second before Retry-After": (
        ASKED_FOR,
        again(19.4, 2),
        {"RETRY-PAUSE": ("advisory", "retry-after")},
    ),
    "late in the session": (
        replace(BUSY, at=5.0, elapsed=1.0),
        again(6.9, 2),
        {"RETRY-PAUSE": ("advisory", "quick")},
    ),
    "half a second before Retry-After": (ASKED_FOR, again(19.5, 2), {}),
    "after a pause": (BUSY, again(5.0, 2), {}),
    "before Retry-After": (ASKED_FOR, again(5.0, 2), {"RETRY-PAUSE": ("advisory", "retry-after")}),
    "after Retry-After": (ASKED_FOR, again(20.0, 2), {}),
    "of something else": (BUSY, again(0.1, 2, OTHER_INSTANCE), {}),
}


@pytest.mark.parametrize(("first", "then", "told"), RETRIES.values(), ids=RETRIES)
def test_a_retry_comes_after_a_pause(first: Exchange, then: Exchange, told: Told) -> None:
    assert departures("client_retries", first, then) == told


def test_a_retry_is_sought_after_the_refusal_whatever_came_before() -> None:
    earlier = [exchange(LOOK, 200, number=1), exchange(REIMAGE, 202, number=2, at=1.0)]
    later = [refusal(REIMAGE, 503, "ServerBusy", number=3), again(9.0, 4)]

    assert departures("client_retries", *earlier, *later) == {}
    assert departures("client_retries", *earlier, later[0], again(0.2, 4)) == {"RETRY-PAUSE": ("advisory", "quick")}


def test_a_pace_of_seconds_is_no_hurry() -> None:
    slow = [poll(RUNNING, number=2, at=2.0), poll(RUNNING, number=3, at=7.0), poll(SUCCEEDED, number=4, at=12.0)]

    assert departures("client_waits", started(), *slow) == {}


def redirected(location: str) -> Exchange:
    return exchange(REIMAGE, 307, headers=(("Location", location),))


@pytest.mark.parametrize(
    ("method", "location", "told"),
    [
        ("POST", REIMAGE.target, {}),
        ("GET", REIMAGE.target, {"REDIRECT": ("violated", "method")}),
        ("GET", f"https://region.example{REIMAGE.target}", {"REDIRECT": ("violated", "method")}),
        ("GET", "https://[broken", {}),
        ("GET", "/elsewhere", {}),
    ],
)
def test_a_307_is_followed_with_the_same_method(method: str, location: str, told: Told) -> None:
    then = exchange(replace(REIMAGE, method=method), number=2)

    assert departures("client_redirects", redirected(location), then) == told


def test_only_a_307_asks_for_the_same_method() -> None:
    elsewhere = exchange(REIMAGE, 303, headers=(("Location", REIMAGE.target),))

    assert judged("client_redirects", [elsewhere, exchange(replace(REIMAGE, method="GET"), number=2)]) == []


@pytest.mark.parametrize(
    ("exchanges", "evidence"), [([started()], (1,)), ([started(), *polls(RUNNING, RUNNING)], (3, 1))]
)
def test_the_evidence_of_giving_up_is_the_last_poll_and_the_202(
    exchanges: list[Exchange], evidence: tuple[int, ...]
) -> None:
    found = judged("client_waits", exchanges)

    assert [v.evidence for v in found if v.requirement == "REQ-CLIENT-POLL-END"] == [evidence]


def test_a_client_shows_a_certificate_whichever_it_is() -> None:
    assert met("client_certificate", started(), exchange(UNKNOWN, 403, number=2)) == {"REQ-CLIENT-CERTIFICATE"}
    assert departures("client_certificate", exchange(ANONYMOUS, 403)) == {"CERTIFICATE": ("violated", "none")}
    assert judged("client_certificate", [exchange(ANONYMOUS)], world(base_url="http://127.0.0.1:8080")) == []


def test_the_versions_of_a_client_are_told() -> None:
    (told,) = judged("client_versions", [started(versioned("2017-01-01")), poll()])

    assert told.outcome is Outcome.OBSERVED
    assert told.actual == "2011-10-01 (published), 2017-01-01 (in no list)"


def test_nothing_is_said_of_what_a_recorder_did_not_keep() -> None:
    lost = exchange(NO_TYPE, unrecorded=frozenset({Fact.REQUEST_LINES, Fact.IDENTITY, Fact.HTTP_VERSION}))
    said = {v.requirement for check in ("client_reimages", "client_certificate") for v in judged(check, [lost])}

    assert said == {"REQ-CLIENT-REIMAGE-METHOD", "REQ-CLIENT-REIMAGE-URI", "REQ-CLIENT-REIMAGE-BODY"}


def test_operations_are_followed_by_their_ids_and_places_by_their_names() -> None:
    first, second = started(), started(OTHER_INSTANCE, number=2, identifier=OTHER_ID)
    (one, other) = followed([first, second, *polls(RUNNING, SUCCEEDED, start=3)])

    assert (len(one.polls), len(other.polls)) == (2, 0)
    assert place_of(world(), REIMAGE) == place_of(world(), REIMAGE_BY_NAME)
    assert place_of(lenient(), moved("/production/", "/Production/")) == place_of(world(), REIMAGE)
    assert place_of(world(), REIMAGE) != place_of(world(), OTHER_INSTANCE)


def test_only_a_reimage_is_followed() -> None:
    rebuilt = started(with_query(REIMAGE, "comp=rebuild"))

    assert followed([rebuilt, *polls(RUNNING)]) == ()
    assert departures("client_waits", rebuilt, until=99.0) == {}


WORDS = {
    "client_certificate": (
        [exchange(ANONYMOUS, 403)],
        {"CERTIFICATE": ("a client certificate", "TLS was set up without one")},
    ),
    "client_reimages": (
        [exchange(typed("text/plain")), exchange(BODY, number=2), exchange(moved("/production/", "/prod/"), number=3)],
        {
            "REIMAGE-CONTENT-TYPE": ("application/xml", "'text/plain'"),
            "REIMAGE-BODY": ("no body", "4 octets of body"),
            "REIMAGE-CONTENT-LENGTH": ("Content-Length: 0", "Content-Length: 4"),
            "REIMAGE-URI": ("staging or production", "the slot 'prod'"),
        },
    ),
    "client_waits": (
        [started(), poll(RUNNING, number=2, at=1.0), poll(RUNNING, number=3, at=1.5)],
        {
            "POLL-END": (
                "polls until Succeeded or Failed",
                "the last of 2 polls showed InProgress, and the record goes on for 58.5 s",
            ),
            "POLL-PAUSE": ("1 s or more from one poll to the next", "1 interval, the shortest 0.50 s"),
        },
    ),
    "client_retries": (
        [ASKED_FOR, again(5.0, 2)],
        {"RETRY-PAUSE": ("Retry-After: 20 is waited for", "5.00 s after 503 Service Unavailable with ServerBusy")},
    ),
    "client_repeats": (
        [started(at=1.0), again(1.5, 2)],
        {
            "REIMAGE-ONCE": (
                "no reimage of the same role instance before the operation has ended",
                "the POST again 0.5 s after the 202, answered 202 Accepted",
            )
        },
    ),
    "client_redirects": (
        [redirected(REIMAGE.target), exchange(replace(REIMAGE, method="GET"), number=2)],
        {"REDIRECT": ("POST again", "GET after the 307")},
    ),
}


@pytest.mark.parametrize("check", WORDS)
def test_a_verdict_says_what_was_expected_and_what_was_seen(check: str) -> None:
    exchanges, told = WORDS[check]
    arguments = {"until": 60.0} if check == "client_waits" else {}
    found = judged(check, exchanges, **arguments)

    assert {
        v.requirement.removeprefix("REQ-CLIENT-"): (v.expected, v.actual) for v in found if v.outcome in BAD
    } == told


def test_no_headline_says_a_thing_twice() -> None:
    reimages = [request for request, _ in (*WRONG.values(), *TOLERATED.values())]
    found = [v for request in reimages for v in judged("client_reimages", [exchange(request)])]
    found += [v for request, _ in POLLS.values() for v in judged("client_polls", [poll(request=request)])]
    found += [v for first, then, _ in IDS.values() for v in judged("client_ids", [first, then])]
    bad = [v for v in found if v.outcome in BAD]

    assert len(bad) > 20
    assert [
        v.actual
        for v in bad
        if f"without {v.actual.removeprefix('no ')}" in violation_sentence(v.requirement, v.symptom)
    ] == []


def test_every_requirement_of_clients_has_one_topic_and_every_topic_a_sentence() -> None:
    named = [name for topic in TOPICS for name in topic.requirements]

    assert sorted(named) == sorted(CLIENT_CATALOGUE)
    assert [topic.id for topic in TOPICS if not topic.check.__doc__] == []
