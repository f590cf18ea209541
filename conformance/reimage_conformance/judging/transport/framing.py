"""Checks of framing: where each response ends, and whether its connection can be used afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.sent import answer_to
from reimage_conformance.judging.transport.anomalies import expected_framing, framing_anomalies, is_content_on_head
from reimage_conformance.judging.wording import is_moved, reply_summary, why_undecided
from reimage_conformance.model import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict

_REQUEST_TIMEOUT = 408
NOT_ABOUT_FRAMING = ("REQ-HTTP-STD-HEADERS", "REQ-HTTP-HEAD-NOBODY")
"""Requirements about anomalies of a response that are not anomalies of its framing."""
LARGE_BODY = 16_384
"""A body of this many octets may still be on its way when the endpoint closes the connection after an early refusal.

Then the connection is reset, and the reply is lost.
"""
_KINDS_OF_FAILURES = {
    FailureKind.NOT_HTTP: AnomalyKind.NOT_HTTP,
    FailureKind.TRUNCATED: AnomalyKind.TRUNCATED,
}
"""Failures that are anomalies of framing; captures and replies without a head have no more than the failure."""


def framing_problems(exchange: Exchange) -> list[Anomaly]:
    """What is wrong with the framing of a reply: it is cut short, stalled, too long, or not HTTP."""
    anomalies, failure = framing_anomalies(exchange.response), exchange.failure
    if not anomalies and failure is not None and failure.kind in _KINDS_OF_FAILURES:
        return [Anomaly(_KINDS_OF_FAILURES[failure.kind], failure.detail)]
    return anomalies


def is_lost_after_large_body(exchange: Exchange) -> bool:
    """Whether a reply, or its end, may be lost because the server refused a large body before it had read it (RFC 9112 9.6)."""
    lost = (FailureKind.CLOSED, FailureKind.RESET, FailureKind.TRUNCATED)
    return len(exchange.request.body) >= LARGE_BODY and exchange.failure is not None and exchange.failure.kind in lost


def is_body_read_as_request(exchange: Exchange) -> bool:
    """Whether a second response follows the reply, so that the body may have been read as a request of its own."""
    problems = framing_problems(exchange)
    return bool(exchange.request.body and problems) and all(
        each.kind is AnomalyKind.SECOND_RESPONSE for each in problems
    )


@check
def framing(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Responses are framed as they announce (REQ-HTTP-FRAMING), and those to HEAD have no content (-HEAD-NOBODY).

    Where octets follow the answer to a request with a body, the endpoint may have read that body as a request of its
    own.
    """
    del world
    for exchange in exchanges:
        problems = framing_problems(exchange)
        if (exchange.response is None and not problems) or is_lost_after_large_body(exchange):
            continue
        request = exchange.request
        yield about("REQ-HTTP-FRAMING", exchange).judged(
            not problems,
            expected_framing(problems[0]) if problems else "",
            _anomalies_in(exchange, problems),
            problems[0].key if problems else "",
        )
        if request.method == "HEAD":
            anomalies = exchange.response.anomalies if exchange.response is not None else ()
            content_anomalies = [anomaly for anomaly in anomalies if is_content_on_head(anomaly)]
            yield about("REQ-HTTP-HEAD-NOBODY", exchange).judged(
                not content_anomalies,
                "no content in answer to HEAD",
                _anomalies_in(exchange, content_anomalies),
                "content-on-head",
            )


def _anomalies_in(exchange: Exchange, anomalies: Sequence[Anomaly]) -> str:
    """Anomalies in words, and what was asked for; "" where there are none."""
    words = "; ".join(anomaly.words for anomaly in anomalies)
    return f"{words} {answer_to(exchange.request)}" if words else ""


@check
def same_connection_usable(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """A sound request on the same connection, sent after the first request, is answered as usual.

    An endpoint may close the connection instead, also with a 408 when it was idle (RFC 9110 15.5.9). Then the second request went out on another connection and shows
    nothing. A third exchange repeats the second request on a connection of its own: if that is not answered 200
    either, the first request is not the cause.
    """
    del world
    first, second, control = exchanges[0], exchanges[1], exchanges[2:]
    if is_body_read_as_request(first):
        expected, actual = "one answer to a request and its body", "the body was answered as a request of its own"
        yield about(requirement, first).violated(expected, actual, "desynchronised")
        return
    ends = (FailureKind.CLOSED, FailureKind.RESET)  # reset: the request crossed the close on its way (RFC 9112 9.6)
    closed = second.failure is not None and second.failure.kind in ends and second.response is None
    is_idle = second.reply is not None and second.reply.status == _REQUEST_TIMEOUT
    if second.connection != first.connection or closed or is_idle:
        yield about(requirement, first).observed("closes the connection after refusing")
        return
    if control and (control[0].reply is None or control[0].reply.status != 200):
        because = ("REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY")
        reason = f"a valid request on a connection of its own: {reply_summary(control[0])}"
        verdict = about(requirement, first, control[0])
        yield verdict.inconclusive(reason, because=because, why=why_undecided(control[0]))
        return
    if is_moved(second):
        yield about(requirement, first, second).undecided(second)
        return
    framed = about("REQ-HTTP-FRAMING", second, first)
    is_answered = second.reply is not None and second.reply.status == 200
    expected = "the next request on the connection is answered 200 OK"
    if not is_answered:
        answer = "was answered " if second.reply is not None else "got no complete answer: "
        actual = f"the next request on the connection {answer}{reply_summary(second)}"
        yield about(requirement, first, second).violated(expected, actual, "desynchronised")
        yield framed.violated(expected, actual, "desynchronised")
    else:
        yield framed.met("the connection stays framed")


@check
def closes_connection(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """The endpoint closes the connection after its answer (RFC 9112 6.1, 6.3, 9.6)."""
    del world
    exchange = exchanges[0]
    if exchange.reply is not None:
        actual = f"{reply_summary(exchange)}, and the connection {'is closed' if exchange.closed else 'stays open'}"
        yield about(requirement, exchange).judged(
            exchange.closed, "the connection is closed after the answer", actual, "kept-open"
        )
