"""Parts of a session over a wire whose replies are arranged, with a clock that jumps whenever every task waits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, cast

import trio
from trio.testing import MockClock

from judging_samples import world
from open_gate import OpenGate
from reimage_conformance.model import FailureKind, Limits
from reimage_conformance.session.lanes import Lanes
from reimage_conformance.session.patience import Patience
from reimage_conformance.session.redirects import Redirects
from reimage_conformance.session.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from reimage_conformance.gate import Gate
    from reimage_conformance.model import Exchange, Request
    from reimage_conformance.session.recorder import Recorder

HOST = "127.0.0.1:8443"
LONGEST_SECONDS = 1_000_000
"""A test that would wait for ever ends after this time; its clock jumps there at once."""
Arguments = ParamSpec("Arguments")


def in_time(test: Callable[Arguments, Awaitable[None]]) -> Callable[Arguments, None]:
    """Runs a test that is a coroutine, from second 0 of a clock of its own."""

    async def bounded(*arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        with trio.fail_after(LONGEST_SECONDS):
            await test(*arguments, **named)

    @wraps(test)
    def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> None:
        trio.run(partial(bounded, *arguments, **named), clock=MockClock(autojump_threshold=0))

    return run


class SessionClock:
    """The time of the session that is running."""

    def now(self) -> float:
        """Seconds since the test began."""
        return trio.current_time()

    def sleep(self, seconds: float) -> None:
        """Not offered: tasks sleep with trio."""
        raise NotImplementedError


class FakeWire:
    """Answers each request with the next of `replies`, and with the last one from then on; each takes `seconds`."""

    def __init__(self, *replies: Exchange, seconds: float = 0.0) -> None:
        self.replies = list(replies)
        self.takes = seconds
        self.sent: list[Request] = []
        self.options: list[dict[str, Any]] = []
        self.limits: list[int] = []
        self.under_way = 0
        self.widest = 0

    def labels(self) -> list[str]:
        """The labels of what was sent, in order."""
        return [str(option["label"]) for option in self.options]

    def answer(self, request: Request) -> Exchange:
        """The next reply, whatever the request is."""
        del request
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    async def exchange(self, request: Request, **options: Any) -> Exchange:
        """The next reply, for this request; numbers follow the order of sending."""
        self.sent.append(request)
        self.options.append(options)
        number, at = len(self.sent), trio.current_time()
        self.under_way += 1
        self.widest = max(self.widest, self.under_way)
        reply = self.answer(request)
        try:
            await trio.sleep(self.takes)
        finally:
            self.under_way -= 1
        sent = reply.failure is None or reply.failure.kind is not FailureKind.REFUSED
        return replace(reply, request=request, number=number, at=at, label=str(options["label"]), connection=int(sent))

    def limit(self, connections: int) -> None:
        """Remembers how many connections may be open."""
        self.limits.append(connections)

    def close_idle(self) -> None:
        """Does nothing: there are no connections."""

    async def exchange_simultaneously(self, requests: Sequence[Request], *, label: str) -> list[Exchange]:
        """The next reply for each request, one after the other."""
        return [await self.exchange(request, label=label, on=None, watch_close=False) for request in requests]


class FakeRecorder:
    """Remembers events and exchanges."""

    def __init__(self) -> None:
        self.world = world()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.exchanges: list[Exchange] = []

    def note(self, event: str, **fields: Any) -> None:
        """Remembers an event."""
        self.events.append((event, fields))

    def record(self, exchange: Exchange) -> Exchange:
        """Remembers an exchange."""
        self.exchanges.append(exchange)
        return exchange


def sender_over(
    wire: FakeWire,
    *,
    recorder: FakeRecorder | None = None,
    width: int = 4,
    patience_seconds: float | None = None,
    gate: OpenGate | None = None,
    **limits: Any,
) -> Sender:
    """A sender over `wire`; called inside a trio run. By default its gate lets everything out."""
    clock, chosen = SessionClock(), Limits(**limits)
    return Sender(
        cast("Any", wire),
        clock,
        chosen,
        cast("Recorder", recorder if recorder is not None else FakeRecorder()),
        redirects=Redirects(f"https://{HOST}"),
        gate=cast("Gate", gate or OpenGate()),
        lanes=Lanes(width),
        patience=Patience.for_limits(chosen.request_timeout_seconds, patience_seconds, clock.now()),
    )
