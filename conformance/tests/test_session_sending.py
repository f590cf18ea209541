"""Sending: one request to the endpoint, with patience for throttling, redirects and lost connections, within limits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import trio

from judging_samples import LOOK, NO_COMP, POLL, REIMAGE, error, exchange, silent
from open_gate import OpenGate
from reimage_conformance.judging.registry import REPEATS_OF_A_FAULT
from reimage_conformance.model import FailureKind, Response
from reimage_conformance.protocol.requests import with_header, with_query
from reimage_conformance.session.manner import Manner
from reimage_conformance.session.redirects import Redirects
from session_rig import FakeRecorder, FakeWire, in_time, sender_over

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Headers, Request

BUSY = exchange(status=503)
FAULT = exchange(status=500, body=error("InternalError"))


class TestSending:
    """Patience within limits."""

    @in_time
    async def test_the_wire_is_told_how_to_send(self) -> None:
        wire = FakeWire(exchange())

        assert (await sender_over(wire).send(REIMAGE, Manner("x", on=3, watch_close=True))).number == 1
        assert wire.options == [{"label": "x", "on": 3, "watch_close": True}]

    @in_time
    async def test_a_throttled_request_is_tried_again_ever_later(self) -> None:
        wire = FakeWire(BUSY, BUSY, exchange())
        sender = sender_over(wire, poll_interval_seconds=5.0)

        assert (await sender.send(REIMAGE, Manner(on=3))).number == 3
        assert trio.current_time() == 5 + 10
        assert [option.get("on") for option in wire.options] == [3, None, None]

    @in_time
    async def test_patience_ends(self) -> None:
        wire = FakeWire(BUSY)
        sender = sender_over(wire, poll_interval_seconds=5.0, patience_seconds=1000.0)

        assert (await sender.send(REIMAGE)).number == 6
        assert trio.current_time() == 5 + 10 + 20 + 30 + 30

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            ("7", 7.0),
            ("0", 0.0),
            ("900", 30.0),
            ("9" * 400, 30.0),
            ("soon", 5.0),
            ("\xb2", 5.0),
            ("-1", 5.0),
            ("Sun, 06 Nov 1994 08:49:44 GMT", 7.0),
            ("Sun, 06 Nov 1994 08:49:07 GMT", 0.0),
            ("Sun, 06 Nov 1994 09:49:44 GMT", 30.0),
        ],
    )
    @in_time
    async def test_retry_after_is_honoured_within_limits(self, value: str, seconds: float) -> None:
        headers = (("Retry-After", value), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"))
        wire = FakeWire(exchange(status=429, headers=headers), exchange())
        sender = sender_over(wire, poll_interval_seconds=5.0)
        await sender.send(REIMAGE)

        assert trio.current_time() == seconds

    @pytest.mark.parametrize(
        "kind",
        [FailureKind.RESET, FailureKind.CLOSED, FailureKind.TRUNCATED, FailureKind.NOT_HTTP],
    )
    @in_time
    async def test_a_safe_request_that_was_lost_is_sent_once_more(self, kind: FailureKind) -> None:
        wire = FakeWire(silent(kind=kind))
        found = await sender_over(wire).send(POLL)

        assert (found.number, wire.sent) == (2, [POLL, replace(POLL, fresh_connection=True)])

    @in_time
    async def test_a_request_that_met_a_fault_inside_the_endpoint_is_sent_again_a_few_times_at_most(self) -> None:
        wire = FakeWire(FAULT, exchange(status=404))

        assert (await sender_over(wire).send_and_follow_up(POLL, Manner("x", on=3))).number == 2
        assert wire.sent == [POLL, POLL]
        assert wire.options == [
            {"label": "x", "on": 3, "watch_close": False},
            {"label": "x", "on": None, "watch_close": False},
        ]
        assert (await sender_over(FakeWire(FAULT, FAULT, exchange(status=404))).send_and_follow_up(POLL)).number == 3
        assert (await sender_over(FakeWire(FAULT)).send_and_follow_up(POLL)).number == 1 + REPEATS_OF_A_FAULT

    @pytest.mark.parametrize(
        ("kind", "position", "ignored"),
        [
            (FailureKind.RESET, 1, True),
            (FailureKind.CLOSED, 1, True),
            (FailureKind.RESET, 2, False),
            (FailureKind.CLOSED, 2, False),
            (FailureKind.TIMEOUT, 2, True),
        ],
    )
    @in_time
    async def test_a_connection_that_was_lost_after_other_requests_is_no_sign_that_this_one_was_ignored(
        self, kind: FailureKind, position: int, *, ignored: bool
    ) -> None:
        lost = silent(kind=kind, position=position, connection=7)

        assert sender_over(FakeWire(exchange())).answers_others(lost) is ignored

    @in_time
    async def test_so_is_a_look_up_of_the_gate(self) -> None:
        class Curious(OpenGate):
            """Asks one question before it lets a reimage out."""

            def admits(self, request: Request) -> bool:
                return request == POLL or len(wire.sent) > 0

            def question(self, request: Request) -> Request | None:
                del request
                return None if wire.sent else POLL

        wire = FakeWire(FAULT, exchange(status=404), exchange(status=202))
        found = await sender_over(wire, gate=Curious()).send_and_follow_up(REIMAGE)

        assert (found.number, wire.sent) == (3, [POLL, POLL, REIMAGE])
        assert wire.labels() == ["look-up", "look-up", ""]

    @in_time
    async def test_no_question_of_the_gate_is_asked_twice_for_one_request(self) -> None:
        class Insatiable(OpenGate):
            """Asks the same question for ever, as the gate does where an answer takes longer than it counts."""

            def admits(self, request: Request) -> bool:
                return request == POLL

            def question(self, request: Request) -> Request | None:
                del request
                return POLL

        wire = FakeWire(exchange(status=404))
        await sender_over(wire, gate=Insatiable()).send_and_follow_up(REIMAGE)

        assert wire.sent == [POLL, REIMAGE]

    @in_time
    async def test_the_second_repeat_is_sent_beside_nothing_else(self) -> None:
        class Faulty(FakeWire):
            """Fails inside for every request beside another."""

            def answer(self, request: Request) -> Exchange:
                return FAULT if self.under_way > 1 else super().answer(request)

        wire = Faulty(exchange(status=404), seconds=1.0)
        sender, answers = sender_over(wire, width=4), []

        async def ask() -> None:
            answers.append(await sender.send_and_follow_up(POLL))

        async with trio.open_nursery() as tasks:
            for _ in range(4):
                tasks.start_soon(ask)

        assert [each.reply.status for each in answers if each.reply is not None] == [404] * 4
        assert wire.widest == 4

    @in_time
    async def test_a_redirect_after_a_fault_is_followed(self) -> None:
        moved = exchange(status=307, headers=(("Location", "/a"),))
        wire = FakeWire(FAULT, moved, FAULT, exchange(status=404))

        assert (await sender_over(wire).send_and_follow_up(POLL)).number == 4
        assert [request.target for request in wire.sent] == [POLL.target, POLL.target, "/a", "/a"]

    @pytest.mark.parametrize("status", [500, 502, 504])
    @pytest.mark.parametrize(
        ("request_", "number"), [(POLL, 2), (NO_COMP, 2), (REIMAGE, 1), (with_query(REIMAGE, "comp=reimage&x=1"), 1)]
    )
    @in_time
    async def test_what_a_gateway_did_not_pass_on_is_repeated_unless_it_may_have_started_a_reimage(
        self, status: int, request_: Request, number: int
    ) -> None:
        body = error("OperationTimedOut") if status == 500 else ""
        wire = FakeWire(exchange(request_, status=status, body=body), exchange(request_))

        assert (await sender_over(wire).send_and_follow_up(request_)).number == number

    @pytest.mark.parametrize("headers", [(), (("x-ms-request-id", "1"),)])
    @pytest.mark.parametrize("body", ["", "<html><h1>500</h1></html>"])
    @pytest.mark.parametrize(("request_", "number"), [(POLL, 2), (LOOK, 2), (NO_COMP, 1), (REIMAGE, 1)])
    @in_time
    async def test_a_500_without_an_error_code_is_repeated_for_a_get(
        self, request_: Request, number: int, body: str, headers: Headers
    ) -> None:
        wire = FakeWire(exchange(request_, status=500, body=body, headers=headers), exchange(request_))

        assert (await sender_over(wire).send_and_follow_up(request_)).number == number

    @in_time
    async def test_a_500_without_an_error_code_that_stays_is_the_answer(self) -> None:
        fault = exchange(POLL, status=500, headers=(("x-ms-request-id", "1"),))
        found = await sender_over(FakeWire(fault)).send_and_follow_up(POLL)

        assert (found.number, found.reply) == (REPEATS_OF_A_FAULT + 1, fault.reply)

    @pytest.mark.parametrize(
        "other",
        [
            exchange(status=502, body=error("Oops")),
            exchange(status=504, headers=(("x-ms-request-id", "1"),)),
            exchange(status=500, body=error("Oops")),
            exchange(status=501, body=error("InternalError")),
        ],
    )
    @in_time
    async def test_other_faults_are_what_they_are(self, other: Exchange) -> None:
        assert (await sender_over(FakeWire(other)).send_and_follow_up(POLL)).number == 1

    @pytest.mark.parametrize("request_", [POLL, REIMAGE])
    @in_time
    async def test_a_connection_that_is_refused_is_asked_for_again_a_few_times(self, request_: Request) -> None:
        refused = silent(kind=FailureKind.REFUSED)
        found = await sender_over(FakeWire(refused, refused, exchange())).send(request_)

        assert found.number == 3
        assert (await sender_over(FakeWire(refused)).send(request_)).number == 4
        assert trio.current_time() == 0.25 + 0.75

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "BREW"])
    @pytest.mark.parametrize("kind", [FailureKind.RESET, FailureKind.CLOSED])
    @in_time
    async def test_no_method_does_anything_to_an_operation_so_that_a_lost_one_is_sent_once_more(
        self, kind: FailureKind, method: str
    ) -> None:
        request_ = replace(POLL, method=method)
        wire = FakeWire(silent(kind=kind), exchange(status=405))

        assert (await sender_over(wire).send(request_)).number == 2
        assert wire.sent == [request_, replace(request_, fresh_connection=True)]
        assert (await sender_over(FakeWire(silent(kind=kind))).send(request_)).number == 2

    @in_time
    async def test_a_post_to_nobody_that_was_lost_is_sent_once_more(self) -> None:
        request_ = replace(REIMAGE, target=REIMAGE.target.replace("WebRole1_IN_0", "NoSuchRole_IN_0"))
        wire = FakeWire(silent(kind=FailureKind.CLOSED), exchange(status=404))

        assert request_ != REIMAGE
        assert (await sender_over(wire).send(request_)).number == 2
        assert (await sender_over(FakeWire(silent(kind=FailureKind.CLOSED))).send(request_)).number == 2
        in_capitals = replace(REIMAGE, target=REIMAGE.target.replace("WebRole1_IN_0", "WEBROLE1_IN_0"))
        assert (await sender_over(FakeWire(silent(kind=FailureKind.CLOSED))).send(in_capitals)).number == 1

    @in_time
    async def test_one_of_several_polls_at_the_same_time_that_was_lost_is_sent_once_more(self) -> None:
        wire = FakeWire(exchange(), silent(kind=FailureKind.RESET), exchange(status=404))
        found = await sender_over(wire).simultaneously([POLL, POLL])

        assert [each.number for each in found] == [1, 3]

    @in_time
    async def test_a_request_that_crossed_the_end_of_an_idle_connection_is_sent_again(self) -> None:
        late = exchange(status=408, headers=(("Connection", "close"),), position=2)
        wire = FakeWire(late, exchange(status=202))

        assert (await sender_over(wire).send(REIMAGE)).number == 2
        for other in (replace(late, position=1), exchange(status=408, position=2)):
            assert (await sender_over(FakeWire(other, exchange(status=202))).send(REIMAGE)).number == 1

    @in_time
    async def test_a_post_is_never_repeated_blindly(self) -> None:
        wire = FakeWire(silent(kind=FailureKind.RESET))

        assert (await sender_over(wire).send(REIMAGE)).number == 1

    @pytest.mark.parametrize("kind", [FailureKind.TIMEOUT, FailureKind.TLS, FailureKind.TOO_LARGE])
    @in_time
    async def test_other_failures_are_left_alone(self, kind: FailureKind) -> None:
        assert (await sender_over(FakeWire(silent(kind=kind))).send(POLL)).number == 1

    @pytest.mark.parametrize(
        ("location", "target"),
        [
            ("/a?b=c", "/a?b=c"),
            ("/a", "/a"),
            ("https://127.0.0.1:8443/a", "/a"),
            ("https://localhost:8443/a", "/a"),
            ("https://[::1]:8443/a", "/a"),
            ("https://127.0.0.1.:8443/a", "/a"),
            ("//127.0.0.1:8443/a", "/a"),
        ],
    )
    @in_time
    async def test_a_redirect_to_the_same_host_is_followed(self, location: str, target: str) -> None:
        wire = FakeWire(exchange(status=307, headers=(("Location", location),)), exchange())
        found = await sender_over(wire).send(REIMAGE, Manner("x"))

        assert (found.number, found.request.target) == (2, target)
        there = replace(REIMAGE, target=target, moved_from=REIMAGE.target)
        assert with_header(found.request, "Host", "h") == with_header(there, "Host", "h")
        assert wire.options[1]["label"] == "x"
        assert (
            await sender_over(FakeWire(exchange(status=307, headers=(("Location", location),)))).send(REIMAGE)
        ).number == 5, "four times at most"

    @pytest.mark.parametrize(
        ("host", "then"), [(("127.0.0.1:8443",), ("localhost:8443",)), (("odd",), ("odd",)), ((), ())]
    )
    @in_time
    async def test_a_redirect_to_another_name_is_asked_for_by_that_name(
        self, host: tuple[str, ...], then: tuple[str, ...]
    ) -> None:
        wire = FakeWire(exchange(status=307, headers=(("Location", "https://localhost:8443/a"),)))
        found = await sender_over(wire).send(with_header(REIMAGE, "Host", *host))

        assert found.request.values("Host") == then

    @in_time
    async def test_a_redirect_leads_to_what_its_location_says_although_the_record_of_it_is_masked(self) -> None:
        class Masking(FakeRecorder):
            def record(self, exchange: Exchange) -> Exchange:
                status = exchange.reply.status if exchange.reply is not None else 0
                return super().record(replace(exchange, response=Response(status)))

        moved = exchange(status=307, headers=(("Location", "https://127.0.0.1:8443/6a8%31/operations/1"),))
        wire = FakeWire(moved, exchange(), moved, exchange())
        sender = sender_over(wire, recorder=Masking())

        assert (await sender.send_and_follow_up(POLL)).request == replace(POLL, target="/6a8%31/operations/1")
        assert (await sender.send_and_follow_up(POLL, Manner(on=7))).number == 4
        assert [option.get("on") for option in wire.options] == [None, None, 7, None]

    @pytest.mark.parametrize(
        ("location", "moved_from"),
        [("/prefix/0123/operations/1", POLL.target), ("/elsewhere", POLL.target), ("/0123/operations/1?again", "")],
    )
    @in_time
    async def test_a_request_that_is_moved_to_an_unknown_path_counts_as_one_for_its_resource(
        self, location: str, moved_from: str
    ) -> None:
        wire = FakeWire(exchange(status=307, headers=(("Location", location),)), exchange())
        sent = (await sender_over(wire).send_and_follow_up(POLL)).request

        assert (sent.target, sent.moved_from, sent.resource) == (location, moved_from, moved_from or location)

    @pytest.mark.parametrize(
        "reply",
        [
            exchange(status=307),
            exchange(status=307, headers=(("Location", "https://elsewhere/a"),)),
            exchange(status=307, headers=(("Location", "https://elsewhere:8443/a"),)),
            exchange(status=307, headers=(("Location", "https://localhost:8444/a"),)),
            exchange(status=307, headers=(("Location", "https://localhost/a"),)),
            exchange(status=307, headers=(("Location", "https://127.0.0.1:99999/a"),)),
            exchange(status=307, headers=(("Location", "https://[/a"),)),
            exchange(status=307, headers=(("Location", ""),)),
            exchange(status=308, headers=(("Location", "/a"),)),
            silent(),
        ],
    )
    @in_time
    async def test_any_other_redirect_is_not(self, reply: Exchange) -> None:
        assert (await sender_over(FakeWire(reply)).send(REIMAGE)).number == 1


@pytest.mark.parametrize(
    ("base_url", "location", "is_followed"),
    [
        ("https://rig.example", "https://rig.example:443/a", True),
        ("https://rig.example:443", "https://RIG.example/a", True),
        ("http://rig.example", "http://rig.example:80/a", True),
        ("https://rig.example", "https://rig.example:8443/a", False),
        ("https://rig.example", "http://rig.example/a", False),
        ("https://rig.example", "https://rig.example.org/a", False),
    ],
)
def test_a_port_that_is_the_usual_one_makes_no_difference(base_url: str, location: str, *, is_followed: bool) -> None:
    redirects = Redirects(base_url)
    moved = exchange(status=307, headers=(("Location", location),))
    redirects.see(moved)

    assert (redirects.moved(moved, REIMAGE) is not None) is is_followed


@pytest.mark.parametrize(
    ("location", "target"), [("?again", "/s/operations/1?again"), ("2", "/s/operations/2"), ("../x", "/s/x")]
)
def test_a_relative_location_is_resolved_against_the_request(location: str, target: str) -> None:
    redirects, asked = Redirects("https://rig.example"), replace(POLL, target="/s/operations/1")
    moved = exchange(asked, status=307, headers=(("Location", location),))
    redirects.see(moved)
    found = redirects.moved(moved, asked)

    assert found is not None
    assert found.target == target
