"""Oddities of concurrency: what is locked, how many requests and connections are served, throttling, and faults that pass."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_conflict
from reimage_conformance.emulator.conditions import (
    refusal_edit,
    refused_with,
)
from reimage_conformance.emulator.departures import Change, instead, skips
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.messages import Refusal, Reply
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import (
    conflicting_operation,
    instance_status,
    is_over,
)
from reimage_conformance.emulator.routing import origin_form
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


def _locked(locks_out: Callable[[Call, Operation], bool]) -> Change:
    """Refuses a reimage as long as an operation is under way for which `locks_out` holds."""

    def conflicting(_: Callable[..., Operation | None], call: Call) -> Operation | None:
        running = (each for each in call.world.operations.values() if not is_over(call, each) and locks_out(call, each))
        return next(running, None)

    return instead(conflicting_operation, conflicting)


def _until_ready(status: int, code: str) -> Change:
    """Refuses the reimage of an instance that has not come back from the last one, too, though its operation has ended."""

    def refused(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        refusal = original(call)
        if refusal is None and call.instance is not None and instance_status(call, call.instance) != "ReadyRole":
            return Refusal("conflict", status, code, "The role instance is not ready.")
        return refusal

    return instead(check_conflict, refused)


oddity(
    "lock-until-ready",
    "a reimage of an instance that is not ready again gives 409, as one beside a running operation does",
    _until_ready(409, "ConflictError"),
)
oddity("not-running-400", "a reimage of an instance that is not ready again gives 400", _until_ready(400, "BadRequest"))
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

LOCKED_FROM, LOCKED_UNTIL = 3, 40
"""Between these ages another holds a deployment, in durations of an operation since the first reimage in the deployment."""
_LOCK_WORDS = "409"
"""What every reason has for which a run is incomplete because of the lock."""


def _locked_by_another(message: str) -> Change:
    """Refuses every reimage in a deployment with `message` while another administrator's operation holds it."""

    def refused(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        if call.deployment not in call.world.deployments:
            return original(call)
        first = call.notes.setdefault("first-reimages", {}).setdefault(call.deployment.name, call.now)
        age = (call.now - first) / call.state.operation_seconds
        is_locked = LOCKED_FROM <= age < LOCKED_UNTIL
        return Refusal("conflict", 409, "ConflictError", message) if is_locked else original(call)

    return instead(check_conflict, refused)


oddity(
    "locked-by-another",
    "for a while an operation of another administrator holds a deployment: every reimage in it gets 409",
    _locked_by_another(
        "An operation with request ID 5e1f0c7a9b3d4e628a1c0d9e7f6b5a43 has exclusive access to the deployment."
    ),
    unjudged=_LOCK_WORDS,
)
oddity(
    "locked-by-another-unnamed",
    "for a while something else holds a deployment: every reimage in it gets 409, which does not say what holds it",
    _locked_by_another("The deployment is being upgraded."),
    unjudged=_LOCK_WORDS,
)


def _refuses_where(chosen: Callable[[Call, Refusal | None], bool], make: Callable[[Call], Refusal]) -> Change:
    """Refuses a request for which `chosen` holds with the refusal that `make` gives; the probe is left alone.

    `chosen` gets the request and the refusal of HTTP, None for a request that is valid HTTP.
    """

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        if call.client.probe or not chosen(call, refused):
            return original(call, refused)
        return refuse(call, make(call))

    return instead(reply_to, answer)


def _every(number: int) -> Callable[[Call, Refusal | None], bool]:
    """Chooses one valid request in `number`."""
    return lambda call, refused: refused is None and call.number % number == 0


def _throttled(status: int, code: str, retry_after: str = "") -> Callable[[Call], Refusal]:
    """The refusal of a request that comes too soon, with Retry-After where it is given."""
    fields = (("Retry-After", retry_after),) if retry_after else ()
    return lambda _: Refusal("throttled", status, code, "Try again later.", fields)


oddity(
    "throttled-503",
    "now and then a request gets 503 ServerBusy",
    _refuses_where(_every(7), _throttled(503, "ServerBusy")),
)
oddity(
    "throttled-503-with-retry-after",
    "now and then a request gets 503 with Retry-After",
    _refuses_where(_every(7), _throttled(503, "ServerBusy", "0")),
)
oddity(
    "throttled-too-many-requests",
    "now and then a request gets 503 TooManyRequests",
    _refuses_where(_every(11), _throttled(503, "TooManyRequests")),
)
oddity(
    "throttled-429",
    "now and then a request gets 429 with Retry-After",
    _refuses_where(_every(9), _throttled(429, "TooManyRequests", "0")),
)
oddity(
    "internal-error-500",
    "now and then a request gets 500 InternalError, which a repeat does not",
    _refuses_where(_every(17), _throttled(500, "InternalError")),
)


oddity(
    "timed-out-500",
    "now and then a GET gets 500 OperationTimedOut, which a repeat does not",
    _refuses_where(
        lambda call, refused: _every(19)(call, refused) and call.message.method == "GET",
        _throttled(500, "OperationTimedOut"),
    ),
)


oddity(
    "expectation-417",
    "a request with Expect gets 417",
    _refuses_where(
        lambda call, refused: refused is None and bool(call.message.values("Expect")),
        lambda _: Refusal("expectation", 417, "BadRequest", "No expectation is met."),
    ),
)


def _lost_by_gateway(status: int) -> Change:
    """A gateway in front of the endpoint that does not pass on some GETs, and answers them with a page of its own.

    A reimage that it does not pass on may leave a run with few reimages incomplete: it is not repeated.
    """
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>".encode()

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        is_lost = _every(23)(call, refused) and call.message.method == "GET" and not call.client.probe
        return Reply(status, "gateway", page, "text/html") if is_lost else original(call, refused)

    return instead(reply_to, answer)


oddity(
    "restarted-500",
    "now and then the application server restarts the endpoint, and answers a GET with a page and 500",
    _lost_by_gateway(500),
)
oddity("gateway-502", "now and then a gateway in front of the endpoint answers a GET with 502", _lost_by_gateway(502))
oddity("gateway-504", "now and then a gateway in front of the endpoint answers a GET with 504", _lost_by_gateway(504))


def _redirection(call: Call) -> Refusal:
    """A redirection to the URI of the request itself, as an absolute URI."""
    host = (call.message.values("Host") or ["localhost"])[0]
    fields = (("Location", f"https://{host}{call.message.target}"),)
    return Refusal("redirected", 307, "TemporaryRedirect", "It is temporarily elsewhere.", fields)


oddity(
    "redirected-307", "now and then a request is sent to the same URI again", _refuses_where(_every(13), _redirection)
)

_ELSEWHERE = "/moved"
"""The beginning of the path to which requests are redirected."""


def _redirection_elsewhere(call: Call) -> Refusal:
    """A redirection to the same URI with a longer path."""
    return replace(_redirection(call), fields=(("Location", f"{_ELSEWHERE}{call.message.target}"),))


def _from_elsewhere(original: Callable[..., str], call: Call) -> str:
    """The target without the beginning that redirections put in front."""
    target = original(call)
    while target.startswith(f"{_ELSEWHERE}/"):
        target = target.removeprefix(_ELSEWHERE)
    return target


oddity(
    "redirected-elsewhere-307",
    "now and then a request is sent to another path for the same resource",
    _refuses_where(_every(13), _redirection_elsewhere),
    instead(origin_form, _from_elsewhere),
)

MAX_UNDER_WAY = 3
"""More requests than this under way at once are refused."""
MAX_PER_SECOND = 150
"""More requests than this within one second are refused."""
MAX_PER_CONNECTION = 10
"""A connection is closed after so many responses."""
BRIEF_REQUESTS = Simultaneous(seconds=0.003)
"""Each request takes a moment, so that several can be under way at once."""


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
    _refuses_where(_too_many_under_way, _throttled(503, "ServerBusy")),
    simultaneous=BRIEF_REQUESTS,
)
oddity(
    "throttled-by-number-429",
    "beside three requests under way a further one gets 429 with Retry-After",
    _refuses_where(_too_many_under_way, _throttled(429, "TooManyRequests", "0")),
    simultaneous=BRIEF_REQUESTS,
)
oddity(
    "throttled-by-rate",
    "of more than 150 requests in a second the further ones get 503 TooManyRequests",
    _refuses_where(_too_many_in_a_second, _throttled(503, "TooManyRequests")),
    simultaneous=Simultaneous(),
)
oddity(
    "throttled-by-rate-429",
    "of more than 150 requests in a second the further ones get 429 with Retry-After",
    _refuses_where(_too_many_in_a_second, _throttled(429, "TooManyRequests", "1")),
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
    "dropped-when-idle",
    "a connection on which nothing happens for three seconds is dropped without a sign; its next request ends in a reset",
    simultaneous=Simultaneous(idle_seconds=3.0, drops_idle=True),
)
oddity(
    "closed-after-ten",
    "a connection is closed after its tenth response, as announced",
    instead(
        closes,
        lambda original, call, *rest: call.position >= MAX_PER_CONNECTION or original(call, *rest),
    ),
    simultaneous=Simultaneous(),
)
oddity(
    "answers-overtake-each-other",
    "a request takes a moment that differs at random",
    simultaneous=Simultaneous(seconds_at_random=0.04),
)
