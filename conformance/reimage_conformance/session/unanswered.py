"""Unanswered requests: why one got no reply, and whether it may be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.model import FailureKind, Identity
from reimage_conformance.protocol.addresses import Kind, read_target

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request

STRANGERS = (Identity.NONE, Identity.UNKNOWN)
"""The identities that an endpoint may turn away without a reply."""
SAFE_METHODS = ("GET", "HEAD")
_LOST = (FailureKind.RESET, FailureKind.CLOSED, FailureKind.TRUNCATED, FailureKind.REFUSED, FailureKind.NOT_HTTP)
"""The failures that may be an accident of one connection."""
_CROWDED = (FailureKind.RESET, FailureKind.CLOSED, FailureKind.REFUSED, FailureKind.TIMEOUT, FailureKind.TLS)
"""The failures that an endpoint may cause when more requests are under way than it can take."""


def is_lost(exchange: Exchange) -> bool:
    """Whether the connection broke before the reply was complete."""
    return exchange.reply is None and exchange.failure is not None and exchange.failure.kind in _LOST


def may_be_dropped(exchange: Exchange) -> bool:
    """Whether the endpoint may have closed the connection before the request arrived: it had carried others (RFC 9112 9.5)."""
    ended = exchange.failure is not None and exchange.failure.kind in (FailureKind.RESET, FailureKind.CLOSED)
    return ended and exchange.response is None and exchange.position > 1


def is_crowded_out(exchange: Exchange) -> bool:
    """Whether a request may have got no reply because too many requests were under way."""
    return exchange.failure is not None and exchange.response is None and exchange.failure.kind in _CROWDED


def missing_reply_counts(request: Request) -> bool:
    """Whether a missing reply to a request counts: it has the usual time limit, and a certificate that the endpoint knows."""
    return request.patience_seconds is None and request.identity not in STRANGERS


def is_repeatable(request: Request, exchange: Exchange) -> bool:
    """Whether a request may be sent again: it does nothing, or it was never sent (RFC 9110, section 9.2.2)."""
    if not missing_reply_counts(request):
        return False
    return does_nothing(request) or is_unconnected(exchange)


def does_nothing(request: Request) -> bool:
    """Whether a request does nothing, however often it is sent: its method is safe, or it addresses an operation, which can only be read."""
    return request.method in SAFE_METHODS or read_target(request.resource).kind is Kind.OPERATION


def is_unconnected(exchange: Exchange) -> bool:
    """Whether a request was never sent, because the endpoint accepted no connection."""
    return exchange.response is None and exchange.connection == 0
