"""Fronts: what stands before the service and answers everything by itself is held against nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hollow_endpoints import GATEWAYS, HOLLOW, Canned
from judging_samples import (
    BUILDER,
    LOOK,
    NO_VERSION,
    NOBODY,
    POLL,
    REIMAGE,
    REIMAGE_BY_NAME,
    TARGET,
    exchange,
    numbered,
    refusal,
    response,
    silent,
    started,
    world,
)
from reimage_conformance.assessment import assess
from reimage_conformance.assessment.fronts import closed_reimages, front_of, without_fronts
from reimage_conformance.config import target_to_mapping
from reimage_conformance.journal import Journal
from reimage_conformance.model import Exchange, FailureKind, Identity, Outcome, Request, RunVerdict, Verdict
from reimage_conformance.protocol.addresses import UriForm

if TYPE_CHECKING:
    from reimage_conformance.judging.world import World

SENT = (POLL, LOOK, NOBODY, REIMAGE, REIMAGE_BY_NAME, NO_VERSION)
SIGNED = (("x-ms-request-id", "1" * 32),)


def answered(request: Request, canned: Canned, number: int, *, signed: bool) -> Exchange:
    headers = tuple((name, value) for name, _, value in (line.partition(": ") for line in canned.headers))
    headers += (("Content-Type", canned.media_type),) if canned.media_type else ()
    return Exchange(number, request, response(canned.status, canned.body, headers + (SIGNED if signed else ())))


def of_gateway(name: str) -> tuple[World, list[Exchange]]:
    """The world, and what a gateway answers to requests of every kind."""
    gateway = GATEWAYS[name]
    where = world(base_url="https://127.0.0.1:1" if gateway.over_tls else "http://127.0.0.1:1")
    answers = (gateway.post if request.method == "POST" and gateway.post else gateway.canned for request in SENT)
    return where, [
        answered(r, canned, n, signed=False) for n, (r, canned) in enumerate(zip(SENT, answers, strict=True), 1)
    ]


@pytest.mark.parametrize("name", GATEWAYS)
def test_a_gateway_is_known_by_any_answer_and_its_sentence_names_the_mistake(name: str) -> None:
    where, exchanges = of_gateway(name)
    front = front_of(where, exchanges)

    assert front is not None
    assert front.sentence.startswith("every valid request is answered ")
    assert GATEWAYS[name].told in front.sentence
    assert "base_url" in front.sentence or "client_certificate" in front.sentence
    assert front.is_certain is (GATEWAYS[name].canned.status not in (400, 404, 429, 503))
    for outcome in (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY):
        found = Verdict("REQ-HTTP-DATE", outcome, evidence=(1,))
        judged = without_fronts(found, numbered(*exchanges), front, "")
        assert (judged.outcome, judged.actual, judged.because) == (Outcome.INCONCLUSIVE, front.sentence, ())
    seen = Verdict("REQ-HTTP-DATE", Outcome.OBSERVED, evidence=(1,))
    assert without_fronts(seen, numbered(*exchanges), front, "") is seen


@pytest.mark.parametrize(
    "name", ["always-202", "echo", "always-404", "always-400", "always-200-7", "refuses-every-reimage"]
)
def test_an_endpoint_that_answers_as_this_protocol_would_is_no_front(name: str) -> None:
    canned = ((request, HOLLOW[name](request.method, b"head")) for request in SENT)
    exchanges = [answered(request, each, n, signed=True) for n, (request, each) in enumerate(canned, 1)]

    assert front_of(world(), exchanges) is None
    assert closed_reimages(world(), exchanges) == ""


@pytest.mark.parametrize(
    "let_in",
    [
        started(number=9, identifier=""),
        refusal(POLL, 404, "ResourceNotFound", number=9),
        exchange(POLL, 404, headers=SIGNED, number=9),
        replace(started(number=9), request=replace(REIMAGE, identity=Identity.SECOND)),
    ],
)
def test_one_sound_request_that_is_let_in_shows_the_service(let_in: Exchange) -> None:
    for name in GATEWAYS:
        where, exchanges = of_gateway(name)
        assert front_of(where, [*exchanges, let_in]) is None


@pytest.mark.parametrize(
    "other",
    [
        refusal(NO_VERSION, 400, "MissingOrIncorrectVersionHeader", number=9),
        replace(started(number=9), request=replace(REIMAGE, identity=Identity.UNKNOWN)),
        exchange(Request("GET", "/elsewhere", POLL.headers), 404, headers=SIGNED, number=9),
        replace(started(number=9), label="probe"),
    ],
)
def test_what_is_answered_to_other_requests_shows_nothing(other: Exchange) -> None:
    where, exchanges = of_gateway("403-tls")

    assert front_of(where, [*exchanges, other]) == front_of(where, exchanges)
    assert front_of(where, [other]) is None


def test_a_certificate_that_is_refused_in_tls_is_named() -> None:
    refused = [silent(request, FailureKind.TLS, number=n) for n, request in enumerate(SENT, 1)]
    front = front_of(world(), refused)

    assert front is not None
    assert front.is_certain
    assert "client_certificate may not use subscription_id, as a refusal in TLS shows" in front.sentence
    assert front_of(world(base_url="http://127.0.0.1:1"), refused) is None
    assert front_of(world(), [silent(POLL, FailureKind.TIMEOUT), *refused[1:]]) is None


class TestReimagesAlone:
    """Reimages that are not let through where other requests are."""

    KNOWN = refusal(POLL, 404, "ResourceNotFound", number=1)

    def of(self, *reimages: Exchange) -> str:
        return closed_reimages(world(), [self.KNOWN, *reimages])

    @pytest.mark.parametrize("status", [401, 403, 407, 500, 502, 504])
    def test_are_held_against_nobody(self, status: int) -> None:
        reason = self.of(refusal(REIMAGE, status, number=2), refusal(REIMAGE_BY_NAME, status, number=3))
        exchanges = numbered(self.KNOWN, refusal(REIMAGE, status, number=2))
        late, early = (Verdict("REQ-HTTP-DATE", Outcome.VIOLATED, evidence=(number,)) for number in (2, 1))

        assert reason.startswith(f"every valid reimage is answered {status}")
        assert without_fronts(late, exchanges, None, reason).outcome is Outcome.INCONCLUSIVE
        assert without_fronts(early, exchanges, None, reason) is early
        assert without_fronts(late, exchanges, None, "") is late

    def test_but_one_that_was_taken_or_refused_otherwise_shows_that_they_are_looked_at(self) -> None:
        closed = refusal(REIMAGE, 403, number=2)

        assert self.of(closed, started(REIMAGE_BY_NAME, number=3)) == ""
        assert self.of(closed, refusal(REIMAGE_BY_NAME, 404, number=3)) == ""
        assert self.of(closed, silent(REIMAGE_BY_NAME, number=3)) == ""
        assert self.of(closed, refusal(REIMAGE_BY_NAME, 503, number=3)) == ""
        assert self.of(refusal(NO_VERSION, 403, number=2)) == ""
        assert self.of() == ""


def journal(*exchanges: Exchange, **header: Any) -> Journal:
    """A journal in which the dates of all answers were judged."""
    first = {
        "type": "run",
        "id": "r",
        "started": "2026-01-01T00:00:00+00:00",
        "seed": 0,
        "profile": "standard",
        "strictness": "strict",
        "suite_version": "0",
        "target": target_to_mapping(TARGET),
        **header,
    }
    named = {"case": "c", "check": "dates", "exchanges": [e.number for e in exchanges], "arguments": {}}
    start = {"type": "case-start", "id": "c", "requirements": ["REQ-HTTP-DATE"], "doc": ""}
    end = {"type": "case-end", "id": "c", "outcome": "violated", "detail": "no Date", "evidence": []}
    events = [first, start, {"type": "judgement", **named}, end, {"type": "end", "interrupted": False}]
    return Journal(first, numbered(*exchanges), [], [], [start, end], events, complete=True)


def test_the_sentence_is_the_reason_of_the_verdict_and_of_every_case() -> None:
    exchanges = [exchange(request, 403, number=n) for n, request in enumerate((POLL, LOOK, REIMAGE), 1)]
    found = assess(journal(*exchanges))
    (case,) = found.cases

    assert (found.verdict, found.exit_code, found.findings) == (RunVerdict.INCOMPLETE, 6, ())
    assert "client_certificate may not use subscription_id" in found.hindrance
    assert (case.outcome, case.detail) == ("inconclusive", found.hindrance)


def test_a_capture_is_told_nothing_of_a_target_file() -> None:
    exchanges = [exchange(request, 403, number=n) for n, request in enumerate((POLL, LOOK, REIMAGE), 1)]
    found = assess(journal(*exchanges, capture="a.har"))

    assert (found.hindrance, found.findings) == ("", ())
    assert found.exit_code == 0


def test_a_service_that_lets_in_is_judged() -> None:
    taken = [
        started(number=1),
        started(BUILDER.reimage_at("contoso", UriForm.NAME, "contoso-v2", "WebRole1_IN_1"), number=2),
    ]
    found = assess(journal(*taken))

    assert (found.verdict, found.hindrance) == (RunVerdict.NONCONFORMANT, "")
