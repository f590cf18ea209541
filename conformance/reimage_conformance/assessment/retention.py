"""Retention: which operations an endpoint had forgotten by the time they were asked about (REQ-GOS-RETENTION)."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from reimage_conformance.judging.operations.polls import NOT_KNOWN, STATUSES, TERMINAL, status_of
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.protocol.addresses import Kind, read_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.model import Exchange

_PLAIN = ("poll-known", "poll-late")
"""The labels of plain polls that ask whether an operation is still known."""


def forgotten_in(exchanges: Mapping[int, Exchange]) -> dict[str, int]:
    """The operations that the endpoint had forgotten, each with the number of the last exchange that showed it.

    A plain poll did not find them more than `RETENTION_SECONDS` after their end, and no later poll found them either.
    """
    ended: dict[str, float] = {}
    shown: dict[str, int] = {}
    gone: set[str] = set()
    for number, exchange in exchanges.items():
        address = read_target(exchange.request.resource)
        if address.kind is not Kind.OPERATION or exchange.request.method != "GET":
            continue
        name, status = address.operation, status_of(exchange)
        if status in STATUSES:
            shown[name] = number
            gone.discard(name)
            if status in TERMINAL:
                ended.setdefault(name, exchange.at)
        elif (
            exchange.label in _PLAIN and _is_denied(exchange) and exchange.at > ended.get(name, inf) + RETENTION_SECONDS
        ):
            gone.add(name)
    return {name: shown[name] for name in gone}


def is_of_the_forgotten(exchange: Exchange, forgotten: Mapping[str, int]) -> bool:
    """Whether a poll is refused for an operation that was forgotten by then.

    The documents do not say how long an operation is kept.
    """
    shown = forgotten.get(read_target(exchange.request.resource).operation)
    return shown is not None and exchange.number > shown and _is_denied(exchange)


def _is_denied(poll: Exchange) -> bool:
    """Whether a poll is answered that there is no such operation."""
    return poll.reply is not None and poll.reply.status in NOT_KNOWN
