"""Framing: where each response ends, and what becomes of its connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import reply_summary
from reimage_conformance.model import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict

_HEAD_ANOMALY = "content-on-head"
FRAMING_IS_ELSEWHERE = ("REQ-HTTP-STD-HEADERS", "REQ-HTTP-HEAD-NOBODY")
"""Requirements about the same octets that framing does not decide."""
FIELD_ANOMALIES = (
    "bare-lf",
    "obs-fold",
    "white-space-before-colon",
    "invalid-field-name",
    "malformed-field",
    "invalid-field",
)


def framing_problems(exchange: Exchange) -> list[str]:
    """What is wrong with the framing of a reply: it broke off, stalled, went on too long, or is no HTTP."""
    failure, response = exchange.failure, exchange.response
    anomalies = response.anomalies if response is not None else ()
    elsewhere = (_HEAD_ANOMALY, *FIELD_ANOMALIES, "malformed-status-line", "invalid-status-code")
    ours = [anomaly for anomaly in anomalies if not anomaly.startswith(elsewhere)]
    broken = failure is not None and failure.kind in (FailureKind.NOT_HTTP, FailureKind.TRUNCATED)
    return [f"{failure.kind.value}: {failure.detail}"] if failure is not None and broken and not ours else ours


_BODY = ("REQ-REIMAGE-CL-NONZERO", "REQ-HTTP-CHUNKED")
LARGE_BODY = 16_384
"""So many octets may still be under way when the endpoint closes the connection after an early refusal; that resets it, and its reply is lost."""


def is_lost_under_its_body(exchange: Exchange) -> bool:
    """Whether a reply is missing, or its end, that a server lost by refusing a large body before it was read (RFC 9112 9.6)."""
    lost = (FailureKind.CLOSED, FailureKind.RESET, FailureKind.TRUNCATED)
    return len(exchange.request.body) >= LARGE_BODY and exchange.failure is not None and exchange.failure.kind in lost


def is_left_body(exchange: Exchange) -> bool:
    """Whether nothing is wrong with a reply but that more followed it, where the request had a body to be taken for another."""
    problems = framing_problems(exchange)
    return bool(exchange.request.body and problems) and all(each.startswith("second-response") for each in problems)


@check
def framing(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Responses are framed as they say, and those to HEAD have no content (REQ-HTTP-FRAMING, REQ-HTTP-HEAD-NOBODY).

    Octets after the answer to a request with a body may be the answer to that body, read as a request of its own.
    """
    del world
    for exchange in exchanges:
        ours = framing_problems(exchange)
        if (exchange.response is None and not ours) or is_lost_under_its_body(exchange):
            continue
        request = exchange.request
        yield about("REQ-HTTP-FRAMING", exchange).judged(
            not ours,
            "framing consistent with the octets sent",
            "; ".join(ours),
            ours[0].partition(":")[0] if ours else "",
            because=_BODY if is_left_body(exchange) else (),
        )
        if request.method == "HEAD":
            anomalies = exchange.response.anomalies if exchange.response is not None else ()
            head = [anomaly for anomaly in anomalies if anomaly.startswith(_HEAD_ANOMALY)]
            yield about("REQ-HTTP-HEAD-NOBODY", exchange).judged(
                not head, "no content in answer to HEAD", "; ".join(head), "content-on-head"
            )


@check
def same_connection_usable(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """After the first exchange's request, the second on its connection is answered as a sound request is.

    An endpoint may close the connection instead; then the second went out on another one and says nothing. A third exchange is the
    second once more on a connection of its own: if that is not answered 200 either, the connection is not to blame.
    """
    del world
    first, second, control = exchanges[0], exchanges[1], exchanges[2:]
    if is_left_body(first):
        expected = "the body is read, and answered with the request that it belongs to"
        yield about(requirement, first).violated(
            expected, "the body was answered as a request of its own", "desynchronised"
        )
        return
    closed = second.failure is not None and second.failure.kind is FailureKind.CLOSED
    if second.connection != first.connection or closed:
        yield about(requirement, first).observed("closes the connection after refusing")
        return
    if control and (control[0].reply is None or control[0].reply.status != 200):
        because = ("REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-READONLY")
        yield about(requirement, first, control[0]).inconclusive(
            f"a sound request on another connection: {reply_summary(control[0])}", because=because
        )
        return
    framed = about("REQ-HTTP-FRAMING", second, first)
    fine = second.reply is not None and second.reply.status == 200
    expected = "the next request on the connection is answered 200 OK"
    if not fine:
        yield about(requirement, first, second).violated(expected, reply_summary(second), "desynchronised")
        yield framed.violated(expected, reply_summary(second), "desynchronised", because=(requirement,))
    else:
        yield framed.met("the connection stays framed")


@check
def closes_connection(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """The endpoint closes the connection after its answer (RFC 9112 6.1, 6.3, 9.6)."""
    del world
    exchange = exchanges[0]
    if exchange.reply is not None:
        yield about(requirement, exchange).judged(
            exchange.closed,
            "the connection is closed after the answer",
            f"{reply_summary(exchange)}, and the connection stays open",
            "kept-open",
        )
