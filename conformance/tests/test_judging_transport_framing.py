"""Framing judged: where replies end, and what becomes of the connection after them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from judging_samples import (
    POLL,
    REIMAGE,
    brief,
    exchange,
    inconclusive,
    judged,
    met,
    observed,
    refusal,
    silent,
    violated,
    worded,
)
from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.judging.transport.framing import framing_problems, is_body_read_as_request
from reimage_conformance.model import Exchange, Failure, FailureKind, Outcome
from reimage_conformance.protocol.requests import with_body

HEAD = replace(REIMAGE, method="HEAD")
FRAMING = "REQ-HTTP-FRAMING"


class TestFraming:
    """The check `framing`."""

    def test_a_sound_response(self) -> None:
        assert brief(judged("framing", [exchange()])) == [met(FRAMING)]
        assert brief(judged("framing", [exchange(HEAD, 400)])) == [met(FRAMING), met("REQ-HTTP-HEAD-NOBODY")]

    def test_a_reply_that_a_large_body_cost_its_end_says_nothing(self) -> None:
        for size, counts in ((16_384, False), (16_383, True)):
            cut = exchange(with_body(POLL, b"x" * size), 413, failure=FailureKind.TRUNCATED)
            assert bool(judged("framing", [cut])) is counts
        assert brief(judged("framing", [exchange(with_body(POLL, b"x" * 16_384), 413)])) == [met(FRAMING)]

    def test_anomalies_of_framing(self) -> None:
        found = judged("framing", [exchange(anomalies=("surplus: 3 octets", "short: x"))])

        assert brief(found) == [violated(FRAMING, "surplus")]
        assert worded(found) == [
            ("nothing after the end of the response", "3 octets; short: x (the answer to Reimage Role Instance)")
        ]

    @pytest.mark.parametrize(
        "anomaly", ["bare-lf", "obs-fold: x", "white-space-before-colon", "invalid-field-name", "malformed-status-line"]
    )
    def test_anomalies_of_fields_are_not_the_framings(self, anomaly: str) -> None:
        assert brief(judged("framing", [exchange(anomalies=(anomaly,))])) == [met(FRAMING)]

    def test_content_in_answer_to_head(self) -> None:
        found = judged("framing", [exchange(HEAD, 400, anomalies=("content-on-head: 4 octets of content came",))])

        assert brief(found) == [violated("REQ-HTTP-HEAD-NOBODY", "content-on-head"), met(FRAMING)]
        assert worded(found)[0] == (
            "no content in answer to HEAD",
            "4 octets of content came (the answer to HEAD at the address of Reimage Role Instance)",
        )

    def test_what_is_no_http_or_cut_short(self) -> None:
        found = judged("framing", [silent(kind=FailureKind.NOT_HTTP)])
        cut = judged("framing", [exchange(failure=FailureKind.TRUNCATED)])

        assert brief(found) == [violated(FRAMING, "not-http")]
        assert found[0].actual == "as arranged (the answer to Reimage Role Instance)"
        assert brief(cut) == [violated(FRAMING, "truncated")]
        assert cut[0].actual == "as arranged (the answer to Reimage Role Instance)"
        assert brief(judged("framing", [silent(kind=FailureKind.TRUNCATED)])) == [violated(FRAMING, "truncated")]
        assert judged("framing", [silent(HEAD, FailureKind.NOT_HTTP)])[1].requirement == "REQ-HTTP-HEAD-NOBODY"
        named = judged("framing", [exchange(failure=FailureKind.TRUNCATED, anomalies=("short: 3 of 5",))])
        assert [verdict.actual for verdict in named] == ["short: 3 of 5 (the answer to Reimage Role Instance)"]
        assert brief(judged("framing", [exchange(failure=FailureKind.TIMEOUT)])) == [met(FRAMING)]

    def test_that_it_is_no_http_is_not_said_twice(self) -> None:
        odd = Exchange(1, REIMAGE, None, Failure(FailureKind.NOT_HTTP, "the reply is not HTTP: it begins with 'SSH'"))

        assert worded(judged("framing", [odd])) == [
            (
                "a response in HTTP/1.1",
                "the reply is not HTTP: it begins with 'SSH' (the answer to Reimage Role Instance)",
            )
        ]

    def test_a_broken_chunk(self) -> None:
        told = "a chunk does not begin with its size, but with 'zz'"
        found = judged("framing", [exchange(anomalies=(f"bad-chunk: {told}",))])

        assert worded(found) == [
            (
                "each chunk begins with its size and ends with CR LF",
                f"{told} (the answer to Reimage Role Instance)",
            )
        ]

    def test_silence_says_nothing(self) -> None:
        kinds = [kind for kind in FailureKind if kind not in (FailureKind.NOT_HTTP, FailureKind.TRUNCATED)]

        assert judged("framing", [*(silent(kind=kind) for kind in kinds), Exchange(9, REIMAGE, None)]) == []
        assert brief(judged("framing", [silent(), exchange(number=2)])) == [met(FRAMING, 2)]

    @pytest.mark.parametrize(
        ("reply", "problems"),
        [
            (exchange(), []),
            (exchange(anomalies=("surplus: 1", "stalled: 2 of 3 octets")), ["surplus: 1", "stalled: 2 of 3 octets"]),
            (exchange(anomalies=("bad-chunk: x", "invalid-field-value: x")), ["bad-chunk: x"]),
            (exchange(HEAD, 400, anomalies=("content-on-head: 4 octets",)), []),
            (exchange(status=999, anomalies=("invalid-status-code: 999", "surplus: 1")), ["surplus: 1"]),
            (exchange(anomalies=("bare-lf: x", "obs-fold: x", "malformed-field-line: x")), []),
            (exchange(anomalies=("malformed-status-line: x", "white-space-before-colon: x")), []),
            (exchange(failure=FailureKind.TIMEOUT, anomalies=("stalled: x",)), ["stalled: x"]),
            (exchange(failure=FailureKind.TIMEOUT), []),
            (exchange(failure=FailureKind.TRUNCATED), ["truncated: as arranged"]),
            (exchange(failure=FailureKind.TRUNCATED, anomalies=("truncated: x",)), ["truncated: x"]),
            (exchange(failure=FailureKind.NOT_HTTP), ["not-http: as arranged"]),
            (silent(kind=FailureKind.TRUNCATED), ["truncated: as arranged"]),
            (silent(kind=FailureKind.NOT_HTTP), ["not-http: as arranged"]),
            (silent(kind=FailureKind.CLOSED), []),
            (Exchange(1, REIMAGE, None), []),
        ],
    )
    def test_what_is_wrong_with_the_framing(self, reply: Exchange, problems: list[str]) -> None:
        assert [str(each) for each in framing_problems(reply)] == problems


SECOND = ("second-response: 90 more octets came",)
WITH_BODY = with_body(REIMAGE, b"GET / HTTP/1.1\r\n\r\n")


class TestLeftBody:
    """Bodies that are not read, and then answered as requests of their own."""

    def test_more_after_the_answer_to_a_body(self) -> None:
        found = judged("framing", [exchange(WITH_BODY, 400, anomalies=SECOND)])

        assert brief(found) == [violated(FRAMING, "second-response")]
        assert found[0].actual.startswith("90 more octets came (")

    @pytest.mark.parametrize(
        "anomalies", [SECOND, ("second-response: 1", "second-response: 2"), ("bare-lf: x", *SECOND)]
    )
    def test_nothing_else_is_wrong(self, anomalies: tuple[str, ...]) -> None:
        assert is_body_read_as_request(exchange(WITH_BODY, 400, anomalies=anomalies)) is True

    @pytest.mark.parametrize(
        "other",
        [
            exchange(REIMAGE, 400, anomalies=SECOND),
            exchange(WITH_BODY, 400),
            exchange(WITH_BODY, 400, anomalies=("bare-lf: x",)),
            exchange(WITH_BODY, 400, anomalies=("bad-chunk: x",)),
            exchange(WITH_BODY, 400, anomalies=("surplus: 3 octets after the response",)),
            exchange(WITH_BODY, 400, anomalies=(*SECOND, "surplus: 3")),
            exchange(WITH_BODY, 400, anomalies=(*SECOND, "bad-chunk: x")),
            exchange(WITH_BODY, 400, failure=FailureKind.TRUNCATED),
            silent(WITH_BODY),
        ],
    )
    def test_anything_else_is_no_left_body(self, other: Exchange) -> None:
        assert is_body_read_as_request(other) is False
        assert {said[3] for said in brief(judged("framing", [other]))} <= {()}


class TestConnections:
    """What becomes of the connection."""

    NAME = "REQ-REIMAGE-CL-NONZERO"
    FIRST = refusal(REIMAGE, 400)

    def second(self, status: int | None = 200, connection: int = 0, failure: FailureKind | None = None) -> Exchange:
        """The request after it."""
        return exchange(POLL, status, number=2, connection=connection, failure=failure)

    def of(self, second: Exchange) -> list[object]:
        """What the check says."""
        return list(brief(judged("same_connection_usable", [self.FIRST, second], requirement=self.NAME)))

    def test_the_next_request_is_answered(self) -> None:
        found = judged("same_connection_usable", [self.FIRST, self.second()], requirement=self.NAME)

        assert brief(found) == [met(FRAMING, 2)]
        assert found[0].actual == "the connection stays framed"

    def test_the_next_request_is_misread(self) -> None:
        found = judged("same_connection_usable", [self.FIRST, self.second(400)], requirement=self.NAME)

        assert brief(found) == [
            violated(self.NAME, "desynchronised", 1, 2),
            violated(FRAMING, "desynchronised", 2, 1),
        ]
        expected = "the next request on the connection is answered 200 OK"
        told = "the next request on the connection"
        assert worded(found) == [(expected, f"{told} was answered 400 Bad Request")] * 2
        quiet = judged(
            "same_connection_usable",
            [self.FIRST, self.second(None, failure=FailureKind.TIMEOUT)],
            requirement=self.NAME,
        )
        assert quiet[0].actual == f"{told} got no complete answer: no answer came in time: as arranged"
        for second in (self.second(None, failure=FailureKind.TIMEOUT), self.second(202)):
            assert self.of(second)[0] == violated(self.NAME, "desynchronised", 1, 2)

    def test_a_next_request_that_is_led_elsewhere_shows_nothing(self) -> None:
        assert self.of(self.second(307)) == [inconclusive(self.NAME, 1, 2)]

    @pytest.mark.parametrize("status", [200, 400])
    def test_a_body_that_is_left_is_answered_on_its_own(self, status: int) -> None:
        left = exchange(WITH_BODY, 400, anomalies=SECOND)
        for second in (self.second(status), self.second(status, connection=1)):
            found = judged("same_connection_usable", [left, second], requirement=self.NAME)
            assert brief(found) == [violated(self.NAME, "desynchronised")]
            assert worded(found) == [
                (
                    "one answer to a request and its body",
                    "the body was answered as a request of its own",
                )
            ]

    def control(self, status: int | None, failure: FailureKind | None = None) -> Exchange:
        """The request after it once more, on a connection of its own."""
        return exchange(POLL, status, number=3, connection=5, failure=failure)

    @pytest.mark.parametrize(
        ("control", "told"),
        [
            ((404, None), "404 Not Found"),
            ((202, None), "202 Accepted"),
            ((None, FailureKind.TIMEOUT), "no answer came in time: as arranged"),
            ((200, FailureKind.TRUNCATED), "as arranged"),
        ],
    )
    def test_what_goes_wrong_elsewhere_too_is_not_the_connections_fault(
        self, control: tuple[int | None, FailureKind | None], told: str
    ) -> None:
        found = judged(
            "same_connection_usable", [self.FIRST, self.second(404), self.control(*control)], requirement=self.NAME
        )

        assert brief(found) == [
            inconclusive(self.NAME, 1, 3, because=("REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY"))
        ]
        assert found[0].actual == f"a valid request on a connection of its own: {told}"

    def test_what_goes_right_elsewhere_is(self) -> None:
        three = [self.FIRST, self.second(404), self.control(200)]

        assert brief(judged("same_connection_usable", three, requirement=self.NAME)) == [
            violated(self.NAME, "desynchronised", 1, 2),
            violated(FRAMING, "desynchronised", 2, 1),
        ]

    @pytest.mark.parametrize("kind", [FailureKind.CLOSED, FailureKind.RESET])
    def test_closing_needs_no_control(self, kind: FailureKind) -> None:
        three = [self.FIRST, self.second(None, failure=kind), self.control(404)]

        assert brief(judged("same_connection_usable", three, requirement=self.NAME)) == [observed(self.NAME)]

    def test_closing_is_observed(self) -> None:
        for second in (self.second(connection=1), self.second(None, failure=FailureKind.CLOSED), self.second(408)):
            found = judged("same_connection_usable", [self.FIRST, second], requirement=self.NAME)
            assert brief(found) == [observed(self.NAME)]
            assert found[0].actual == "closes the connection after refusing"

    def test_closing_after_the_answer(self) -> None:
        name = "REQ-HTTP-CL-INVALID"

        assert brief(judged("closes_connection", [exchange(status=400, closed=True)], requirement=name)) == [met(name)]
        found = judged("closes_connection", [exchange(status=400)], requirement=name)
        assert brief(found) == [violated(name, "kept-open")]
        assert worded(found) == [
            ("the connection is closed after the answer", "400 Bad Request, and the connection stays open")
        ]
        assert judged("closes_connection", [silent()], requirement=name) == []
        assert brief(
            judged("closes_connection", [exchange(status=400, closed=True), exchange(number=2)], requirement=name)
        ) == [met(name)]


@pytest.mark.parametrize("kind", AnomalyKind)
def test_an_anomaly_of_each_kind_is_judged_under_one_requirement(kind: AnomalyKind) -> None:
    sound = exchange(HEAD, 400)
    assert sound.response is not None
    odd = replace(sound, response=replace(sound.response, anomalies=(Anomaly(kind, "what was seen"),)))
    found = [each for name in ("framing", "standard_headers") for each in judged(name, [odd])]
    violations = [each for each in found if each.outcome is Outcome.VIOLATED]

    assert len(violations) == (0 if kind is AnomalyKind.INVALID_STATUS_CODE else 1)
    if kind is not AnomalyKind.CONTENT_CODING:
        assert {each.symptom for each in violations} <= {kind.value}
        assert {each.actual.partition(" (")[0] for each in violations} <= {"what was seen"}
    assert all(each.expected for each in violations)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("stalled", "all octets that Content-Length announces, or the last chunk, or else the end of the connection"),
        ("not-in-chunks", "content in chunks, as Transfer-Encoding announces, or no Transfer-Encoding"),
        ("content-on-204", "a response without content, and without Content-Length and Transfer-Encoding"),
        ("transfer-encoding-on-204", "a response without content, and without Content-Length and Transfer-Encoding"),
    ],
)
def test_an_anomaly_is_told_in_its_words(key: str, expected: str) -> None:
    found = judged("framing", [exchange(anomalies=(f"{key}: what was seen",))])

    assert worded(found) == [(expected, "what was seen (the answer to Reimage Role Instance)")]
    assert found[0].symptom == key


@pytest.mark.parametrize(
    "text", ["surplus: 3: 4", "content-on-head: x", "length-on-204: 0", "length-and-transfer-encoding: x"]
)
def test_an_anomaly_is_written_as_text_and_read_from_it(text: str) -> None:
    assert str(Anomaly.from_text(text)) == text
    assert Anomaly.from_text(text).kind is not AnomalyKind.OTHER


@pytest.mark.parametrize("text", ["of-another-version: x", "no key at all"])
def test_an_anomaly_of_another_version_keeps_its_words(text: str) -> None:
    assert Anomaly.from_text(text) == Anomaly(AnomalyKind.OTHER, text)
