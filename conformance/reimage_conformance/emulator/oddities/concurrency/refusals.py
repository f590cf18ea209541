"""Oddities of single requests: some are throttled, fail, are redirected or do not reach the endpoint, although they are valid."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from reimage_conformance.emulator.departures import Change, instead
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.messages import Refusal, Reply
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.routing import origin_form
from reimage_conformance.emulator.service import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call


def refuses_where(chosen: Callable[[Call, Refusal | None], bool], make: Callable[[Call], Refusal]) -> Change:
    """Refuses a request for which `chosen` holds with the refusal that `make` gives, but no request to the probe.

    `chosen` gets the request and the refusal of HTTP, None for a request that is valid HTTP.
    """

    def answer(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
        if call.client.probe or not chosen(call, refused):
            return original(call, refused)
        return refuse(call, make(call))

    return instead(reply_to, answer)


def _every(number: int) -> Callable[[Call, Refusal | None], bool]:
    """Chooses each request whose number is a multiple of `number`, if it is valid HTTP."""
    return lambda call, refused: refused is None and call.number % number == 0


def try_again_later(status: int, code: str, retry_after: str = "") -> Callable[[Call], Refusal]:
    """Makes refusals with the message "Try again later.", and with Retry-After where `retry_after` is given."""
    fields = (("Retry-After", retry_after),) if retry_after else ()
    return lambda _: Refusal("throttled", status, code, "Try again later.", fields)


oddity(
    "throttled-503",
    "now and then a request gets 503 ServerBusy",
    refuses_where(_every(7), try_again_later(503, "ServerBusy")),
)
oddity(
    "throttled-503-with-retry-after",
    "now and then a request gets 503 with Retry-After",
    refuses_where(_every(7), try_again_later(503, "ServerBusy", "0")),
)
oddity(
    "throttled-too-many-requests",
    "now and then a request gets 503 TooManyRequests",
    refuses_where(_every(11), try_again_later(503, "TooManyRequests")),
)
oddity(
    "throttled-429",
    "now and then a request gets 429 with Retry-After",
    refuses_where(_every(9), try_again_later(429, "TooManyRequests", "0")),
)
oddity(
    "internal-error-500",
    "now and then a request gets 500 InternalError, which a repeat does not",
    refuses_where(_every(17), try_again_later(500, "InternalError")),
)
oddity(
    "timed-out-500",
    "now and then a GET gets 500 OperationTimedOut, which a repeat does not",
    refuses_where(
        lambda call, refused: _every(19)(call, refused) and call.message.method == "GET",
        try_again_later(500, "OperationTimedOut"),
    ),
)


def _first_to_its_address(call: Call, refused: Refusal | None) -> bool:
    """Whether a GET is the first valid request to its target."""
    seen: set[str] = call.notes.setdefault("addresses", set())
    is_first = refused is None and call.message.method == "GET" and call.message.target not in seen
    seen.add(call.message.target)
    return is_first


oddity(
    "cold-addresses",
    "the first GET of each address gets 503, since its cache is cold",
    refuses_where(_first_to_its_address, try_again_later(503, "ServerBusy", "0")),
)

POLL_SECONDS = 0.5
"""How soon after a poll of an operation the next poll of it is refused."""


def _polled_soon(call: Call, refused: Refusal | None) -> bool:
    """Whether the last poll with the same target that was served came less than `POLL_SECONDS` ago."""
    if refused is not None or "/operations/" not in call.message.target:
        return False
    served: dict[str, float] = call.notes.setdefault("polled", {})
    is_soon = call.now < served.get(call.message.target, -POLL_SECONDS) + POLL_SECONDS
    if not is_soon:
        served[call.message.target] = call.now
    return is_soon


oddity(
    "polls-limited",
    "an operation can be polled twice a second; another poll gets 429 with Retry-After",
    refuses_where(_polled_soon, try_again_later(429, "TooManyRequests", "1")),
    unjudged="429 Too Many Requests",
)

PENALTY_SECONDS = 2.0
"""How long every request is refused once one was too many."""


def _is_in_penalty(call: Call, refused: Refusal | None) -> bool:
    """Each 100th request begins a time in which every request is refused."""
    until: float = call.notes.get("penalty-until", 0.0)
    if call.now >= until and refused is None and call.number % 100 == 0:
        until = call.notes["penalty-until"] = call.now + PENALTY_SECONDS
    return call.now < until


def _after_penalty(call: Call) -> Refusal:
    """A refusal whose Retry-After is the date of the first whole second after the penalty."""
    until = formatdate(call.state.wall_time(call.notes["penalty-until"]) + 1, usegmt=True)
    return try_again_later(429, "TooManyRequests", until)(call)


oddity(
    "locked-out-until-a-date",
    "now and then every request gets 429 for two seconds, with a date in Retry-After",
    refuses_where(_is_in_penalty, _after_penalty),
    unjudged="429 Too Many Requests",
)
oddity(
    "expectation-417",
    "a request with Expect gets 417",
    refuses_where(
        lambda call, refused: refused is None and bool(call.message.values("Expect")),
        lambda _: Refusal("expectation", 417, "BadRequest", "No expectation is met."),
    ),
)


def _lost_by_gateway(status: int) -> Change:
    """Answers some GETs with an HTML page, as a gateway in front of the endpoint that does not pass them on.

    Reimages are passed on: a run does not repeat one that is answered so, and a run with few reimages would stay incomplete.
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


oddity("redirected-307", "now and then a request is redirected to its own URI", refuses_where(_every(13), _redirection))


def _redirection_with_port(call: Call) -> Refusal:
    """A redirection to the URI of the request itself, in which the port stands although it is the usual one."""
    host = (call.message.values("Host") or ["localhost"])[0]
    port = "" if ":" in host else ":443"
    return replace(_redirection(call), fields=(("Location", f"https://{host}{port}{call.message.target}"),))


oddity(
    "redirected-with-default-port-307",
    "now and then a request is redirected to its own URI, with the port of https in it",
    refuses_where(_every(13), _redirection_with_port),
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
    "now and then a request is redirected to another path for the same resource",
    refuses_where(_every(13), _redirection_elsewhere),
    instead(origin_form, _from_elsewhere),
)
