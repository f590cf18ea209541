"""Unanswered requests: how one ended without a reply, and whether it may be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.model import FailureKind, Identity

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange, Request

STRANGERS = (Identity.NONE, Identity.UNKNOWN)
SAFE_METHODS = ("GET", "HEAD")
_LOST = (FailureKind.RESET, FailureKind.CLOSED, FailureKind.TRUNCATED, FailureKind.REFUSED, FailureKind.NOT_HTTP)
_CROWDED = (FailureKind.RESET, FailureKind.CLOSED, FailureKind.REFUSED, FailureKind.TIMEOUT, FailureKind.TLS)
"""How a request may end at an endpoint that cannot take as many as are under way."""


def is_lost(exchange: Exchange) -> bool:
    """Whether the connection broke under a request."""
    return exchange.reply is None and exchange.failure is not None and exchange.failure.kind in _LOST


def is_crowded_out(exchange: Exchange) -> bool:
    """Whether a request ended as it may at an endpoint that cannot take as many as are under way."""
    return exchange.failure is not None and exchange.response is None and exchange.failure.kind in _CROWDED


def is_patient(request: Request) -> bool:
    """Whether a missing reply to a request would say anything: it is waited for as long as ever, and the caller is known."""
    return request.patience_seconds is None and request.identity not in STRANGERS


def is_repeatable(request: Request, exchange: Exchange) -> bool:
    """Whether sending a request again cannot do anything twice: it is safe, or it never went out (RFC 9110, section 9.2.2)."""
    if not is_patient(request):
        return False
    return request.method in SAFE_METHODS or is_unconnected(exchange)


def is_unconnected(exchange: Exchange) -> bool:
    """Whether a request never went out, since the endpoint took no connection."""
    return exchange.response is None and exchange.connection == 0
