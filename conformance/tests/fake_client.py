"""A client whose replies are arranged, and a dispatcher over it by a clock that the test turns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from conformance.embedding import TurnedClock
from conformance.model import Limits
from conformance.runner.dispatch import Dispatcher
from conformance.tests.open_gate import OpenGate

if TYPE_CHECKING:
    from conformance.gate import Gate
    from conformance.model import Exchange, Request
    from conformance.wire.client import Client


class FakeClient:
    """Answers each request with the next of some exchanges."""

    def __init__(self, *replies: Exchange) -> None:
        self.replies = list(replies)
        self.sent: list[Request] = []
        self.options: list[dict[str, Any]] = []

    def exchange(self, request: Request, **options: Any) -> Exchange:
        self.sent.append(request)
        self.options.append(options)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return replace(reply, request=request, number=len(self.sent))


def dispatcher(client: FakeClient, **limits: Any) -> tuple[Dispatcher, TurnedClock]:
    clock = TurnedClock()
    return Dispatcher(
        cast("Client", client), clock, Limits(**limits), "127.0.0.1:8443", gate=cast("Gate", OpenGate())
    ), clock
