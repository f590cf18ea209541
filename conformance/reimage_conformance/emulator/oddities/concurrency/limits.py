"""Oddities of limits: how many requests and connections are served at the same time, for how long, and what others get."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import instead
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.messages import Close, Reply
from reimage_conformance.emulator.oddities.concurrency.refusals import refuses_where, try_again_later
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.simultaneous import UNDER_WAY, SimultaneousHandling, WhenFull
from reimage_conformance.emulator.writing import closes, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.departures import Change
    from reimage_conformance.emulator.messages import Action, Call, Refusal

MAX_UNDER_WAY = 3
"""While so many requests are under way, any other one is refused."""
MAX_PER_SECOND = 150
"""After so many requests within one second, any other one is refused."""
MAX_PER_CONNECTION = 10
"""A connection is closed after so many responses."""
_NEVER_SENT = 599
"""The status of a reply in whose place the connection is closed."""
LASTING_REQUESTS = SimultaneousHandling(seconds=0.003)
"""Each request takes a moment, so that several can be under way at the same time."""


def _too_many_under_way(call: Call, _: Refusal | None) -> bool:
    return int(call.notes.get(UNDER_WAY, 1)) > MAX_UNDER_WAY


def _too_many_in_a_second(call: Call, _: Refusal | None) -> bool:
    """Whether `MAX_PER_SECOND` requests were served within the last second; a request that is refused does not count."""
    served: deque[float] = call.notes.setdefault("served", deque())
    while served and served[0] < call.now - 1:
        served.popleft()
    if len(served) >= MAX_PER_SECOND:
        return True
    served.append(call.now)
    return False


def _closes_unanswered(chosen: Callable[[Call], bool]) -> tuple[Change, Change]:
    """Closes the connection in place of answering a valid request that is `chosen`; the request has no effect."""

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        if refused is None and not call.client.probe and chosen(call):
            return Reply(_NEVER_SENT, "lost")
        return original(call, refused)

    def write(original: Callable[..., list[Action]], call: Call, reply: Reply) -> list[Action]:
        return [Close()] if reply.status == _NEVER_SENT else original(call, reply)

    return instead(reply_to, answer), instead(render, write)


def _is_first_to_nobody(call: Call) -> bool:
    """Whether a POST is the first one of an instance that was never listed."""
    is_chosen = call.message.method == "POST" and "NoSuchRole" in call.message.target
    return is_chosen and not call.notes.get("lost") and bool(call.notes.setdefault("lost", True))


oddity(
    "one-connection-lost",
    "one connection is closed before its request, which names an instance that does not exist, is answered",
    *_closes_unanswered(_is_first_to_nobody),
)
oddity(
    "every-29th-connection-lost",
    "now and then a connection is closed before its GET is answered",
    *_closes_unanswered(lambda call: call.number % 29 == 0 and call.message.method == "GET"),
)
oddity(
    "idle-timeout-crosses",
    "now and then a request on a used connection meets the 408 that ends the connection",
    instead(
        reply_to,
        lambda original, call, refused: (
            Reply(408, "idle", close=True)
            if refused is None and call.position > 1 and call.number % 31 == 0 and not call.client.probe
            else original(call, refused)
        ),
    ),
)
oddity(
    "one-request-at-a-time",
    "one request is served at a time, whatever its connection; others wait",
    simultaneous=SimultaneousHandling(requests=1, seconds=0.002),
)
oddity(
    "one-connection-at-a-time",
    "one connection is taken at a time, and closed when idle; others wait",
    simultaneous=SimultaneousHandling(connections=1, idle_seconds=0.5),
)
oddity(
    "one-connection-others-refused",
    "one connection is taken at a time, and closed when idle; others are refused",
    simultaneous=SimultaneousHandling(connections=1, when_full=WhenFull.REFUSED, idle_seconds=0.5),
)
oddity(
    "third-connection-reset",
    "two connections are taken at a time, and closed when idle; a third is reset",
    simultaneous=SimultaneousHandling(connections=2, when_full=WhenFull.RESET, idle_seconds=0.5),
)
oddity(
    "throttled-by-number-503",
    "while three requests are under way, any other one gets 503 ServerBusy",
    refuses_where(_too_many_under_way, try_again_later(503, "ServerBusy")),
    simultaneous=LASTING_REQUESTS,
)
oddity(
    "throttled-by-number-429",
    "while three requests are under way, any other one gets 429 with Retry-After",
    refuses_where(_too_many_under_way, try_again_later(429, "TooManyRequests", "0")),
    simultaneous=LASTING_REQUESTS,
)
oddity(
    "throttled-by-rate",
    "after 150 requests in a second, any other one gets 503 TooManyRequests",
    refuses_where(_too_many_in_a_second, try_again_later(503, "TooManyRequests")),
    simultaneous=SimultaneousHandling(),
)
oddity(
    "throttled-by-rate-429",
    "after 150 requests in a second, any other one gets 429 with Retry-After",
    refuses_where(_too_many_in_a_second, try_again_later(429, "TooManyRequests", "1")),
    simultaneous=SimultaneousHandling(),
)
oddity(
    "slower-in-company",
    "a request takes longer, the more others are under way",
    simultaneous=SimultaneousHandling(seconds=0.002, seconds_for_each_other=0.1),
)
oddity(
    "closed-when-idle",
    "a connection is closed when nothing happens on it for a moment",
    simultaneous=SimultaneousHandling(idle_seconds=0.05),
)
oddity(
    "dropped-when-idle",
    "a connection on which nothing happens for three seconds is dropped without a sign; its next request ends in a reset",
    simultaneous=SimultaneousHandling(idle_seconds=3.0, drops_idle=True),
)
oddity(
    "closed-after-ten",
    "a connection is closed after its tenth response, as announced",
    instead(
        closes,
        lambda original, call, *rest: call.position >= MAX_PER_CONNECTION or original(call, *rest),
    ),
    simultaneous=SimultaneousHandling(),
)
oddity(
    "answers-overtake-each-other",
    "a request takes a moment that differs at random",
    simultaneous=SimultaneousHandling(seconds_at_random=0.04),
)
