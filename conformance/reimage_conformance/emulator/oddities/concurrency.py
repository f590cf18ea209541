"""Oddities of concurrency: what is locked, how many requests and connections are served, throttling, and faults that pass."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_conflict
from reimage_conformance.emulator.conditions import (
    refusal_edit,
    refused_with,
)
from reimage_conformance.emulator.departures import Change, always, instead, skips
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.messages import Call, Refusal, Reply
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import (
    conflicting_operation,
    is_over,
)
from reimage_conformance.emulator.service import refuse
from reimage_conformance.emulator.simultaneous import UNDER_WAY, Simultaneous, WhenFull
from reimage_conformance.emulator.writing import closes

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation


oddity(
    "conflict-code-of-its-own",
    "a busy deployment gives 409 with a code that no document names",
    refusal_edit(refused_with(code="DeploymentBusy"), "conflict"),
    lenient_only=True,
)


def _locked(shares: Callable[[Call, Operation], bool]) -> Change:
    """Lets an operation keep everything busy that shares something with it."""

    def conflicting(_: Callable[..., Operation | None], call: Call) -> Operation | None:
        running = (each for each in call.world.operations.values() if not is_over(call, each) and shares(call, each))
        return next(running, None)

    return instead(conflicting_operation, conflicting)


oddity(
    "lock-none", "there are no conflicts: two reimages run side by side, even of one instance", skips(check_conflict)
)
oddity("lock-instance", "only the instance is locked", _locked(lambda call, each: each.instance is call.instance))
oddity(
    "lock-service",
    "the whole cloud service is locked",
    _locked(
        lambda call, each: (
            each.deployment.service == call.route.service and each.subscription == call.route.subscription
        )
    ),
)
oddity(
    "lock-subscription",
    "the whole subscription is locked",
    _locked(lambda call, each: each.subscription == call.route.subscription),
)


def _now_and_then(status: int, code: str, retry_after: str, every: int) -> Change:
    """Refuses one request in so many; never two in a row."""

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        if call.client.probe or refused is not None or call.number % every:
            return original(call, refused)
        fields = (("Retry-After", retry_after),) if retry_after else ()
        return refuse(call, Refusal("throttled", status, code, "Try again later.", fields))

    return instead(reply_to, answer, always)


oddity("throttled-503", "now and then a request gets 503 ServerBusy", _now_and_then(503, "ServerBusy", "", 7))
oddity(
    "throttled-503-with-retry-after",
    "now and then a request gets 503 with Retry-After",
    _now_and_then(503, "ServerBusy", "0", 7),
)
oddity(
    "throttled-too-many-requests",
    "now and then a request gets 503 TooManyRequests",
    _now_and_then(503, "TooManyRequests", "", 11),
)
oddity(
    "throttled-429", "now and then a request gets 429 with Retry-After", _now_and_then(429, "TooManyRequests", "0", 9)
)

oddity(
    "internal-error-500",
    "now and then a request gets 500 InternalError, which a repeat does not",
    _now_and_then(500, "InternalError", "", 17),
)


def _redirected(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
    """Sends one request in 13 to where it came from, by an absolute URI."""
    if call.client.probe or refused is not None or call.number % 13:
        return original(call, refused)
    host = (call.message.values("Host") or ["localhost"])[0]
    fields = (("Location", f"https://{host}{call.message.target}"),)
    return refuse(call, Refusal("redirected", 307, "TemporaryRedirect", "It is temporarily elsewhere.", fields))


oddity("redirected-307", "now and then a request is sent to the same URI again", instead(reply_to, _redirected, always))

MOST_UNDER_WAY = 3
MOST_IN_A_SECOND = 150
REQUESTS_OF_A_CONNECTION = 10
SOON = Simultaneous(seconds=0.003)
"""Each request takes a moment, so that there are some under way."""


def _throttled(status: int, code: str, is_too_much: Callable[[Call], bool], retry_after: str = "") -> Change:
    """Refuses requests while there are too many."""

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        if call.client.probe or not is_too_much(call):
            return original(call, refused)
        fields = (("Retry-After", retry_after),) if retry_after else ()
        return refuse(call, Refusal("throttled", status, code, "Try again later.", fields))

    return instead(reply_to, answer, always)


def _too_many_under_way(call: Call) -> bool:
    return int(call.notes.get(UNDER_WAY, 1)) > MOST_UNDER_WAY


def _too_many_in_a_second(call: Call) -> bool:
    """Whether as many requests as are allowed in a second were served in the last one; one that is refused does not count."""
    served: deque[float] = call.notes.setdefault("served", deque())
    while served and served[0] < call.now - 1:
        served.popleft()
    if len(served) >= MOST_IN_A_SECOND:
        return True
    served.append(call.now)
    return False


oddity(
    "one-request-at-a-time",
    "one request is served at a time, whatever its connection; others wait",
    simultaneous=Simultaneous(requests=1, seconds=0.002),
)
oddity(
    "one-connection-at-a-time",
    "one connection is taken at a time, and closed when idle; others wait",
    simultaneous=Simultaneous(connections=1, idle_seconds=0.5),
)
oddity(
    "one-connection-others-refused",
    "one connection is taken at a time, and closed when idle; others are refused",
    simultaneous=Simultaneous(connections=1, when_full=WhenFull.REFUSED, idle_seconds=0.5),
)
oddity(
    "third-connection-reset",
    "two connections are taken at a time, and closed when idle; a third is reset",
    simultaneous=Simultaneous(connections=2, when_full=WhenFull.RESET, idle_seconds=0.5),
)
oddity(
    "throttled-by-number-503",
    "beside three requests under way a further one gets 503 ServerBusy",
    _throttled(503, "ServerBusy", _too_many_under_way),
    simultaneous=SOON,
)
oddity(
    "throttled-by-number-429",
    "beside three requests under way a further one gets 429 with Retry-After",
    _throttled(429, "TooManyRequests", _too_many_under_way, "0"),
    simultaneous=SOON,
)
oddity(
    "throttled-by-rate",
    "of more than 150 requests in a second the further ones get 503 TooManyRequests",
    _throttled(503, "TooManyRequests", _too_many_in_a_second),
    simultaneous=Simultaneous(),
)
oddity(
    "throttled-by-rate-429",
    "of more than 150 requests in a second the further ones get 429 with Retry-After",
    _throttled(429, "TooManyRequests", _too_many_in_a_second, "1"),
    simultaneous=Simultaneous(),
)
oddity(
    "slower-in-company",
    "a request takes longer in proportion to those under way beside it",
    simultaneous=Simultaneous(seconds=0.002, seconds_for_each_other=0.1),
)
oddity(
    "closed-when-idle",
    "a connection is closed when nothing happens on it for a moment",
    simultaneous=Simultaneous(idle_seconds=0.05),
)
oddity(
    "closed-after-ten",
    "a connection is closed after its tenth response, as announced",
    instead(
        closes,
        lambda original, call, *rest: call.position >= REQUESTS_OF_A_CONNECTION or original(call, *rest),
    ),
    simultaneous=Simultaneous(),
)
oddity(
    "answers-overtake-each-other",
    "a request takes a moment that differs at random",
    simultaneous=Simultaneous(seconds_at_random=0.04),
)
