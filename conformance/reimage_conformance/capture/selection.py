"""Selects from a capture the calls of this protocol to one endpoint; the others are counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from reimage_conformance.capture.fronts import answered_by_fronts, is_by_gateway
from reimage_conformance.capture.inference import inferred_target
from reimage_conformance.capture.recorded import RecordedTraffic, folds_slots
from reimage_conformance.errors import JournalError
from reimage_conformance.judging.clients.sessions import is_poll, is_reimage
from reimage_conformance.judging.oracle import SIBLINGS
from reimage_conformance.judging.world import World
from reimage_conformance.model import Fact, Strictness, Subject
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reimage_conformance.capture.traffic import Capture, Recorded
    from reimage_conformance.model import Target

_DEFAULT_PORTS = (80, 443)


@dataclass(frozen=True, slots=True)
class Selection:
    """The exchanges to judge, with the target they are judged against.

    `given` says that the target was not inferred. `whole` says that nothing exists but what it lists, or that the
    requests are those of a run, which asked for nothing that may exist and is not listed.
    """

    target: Target
    recorded: tuple[Recorded, ...]
    given: bool
    whole: bool
    notes: tuple[str, ...]


def select(capture: Capture, target: Target | None, subject: Subject = Subject.ENDPOINT) -> Selection:
    """The exchanges of `capture` with the endpoint of `target`, or with the one that most of the calls went to.

    For a client they include requests that it meant as calls, whatever their path or method. Raises JournalError where the capture
    holds no call of this protocol to the endpoint.
    """
    wanted = is_call if subject is Subject.ENDPOINT else is_meant_as_call
    calls = [each for each in capture.recorded if wanted(each)]
    target = _given_target(capture, target)
    origins = Counter(each.origin for each in calls)
    if target is None:
        if not calls:
            raise JournalError(
                f"{capture.name!r} holds no call of this protocol among {len(capture.recorded)} exchanges"
            )
        origin = origins.most_common(1)[0][0]
    else:
        origin = target.base_url
    hosts = _hosts(calls, origin)
    chosen = [each for each in calls if capture.target is not None or _host(each.origin) in hosts]
    if not chosen:
        where = ", ".join(sorted(origins)[:4]) or "nowhere"
        raise JournalError(f"{capture.name!r} holds no call of this protocol to {origin}; calls in it went to {where}")
    given = target is not None
    target = target or inferred_target(capture.name, origin, chosen)
    own = [each for each in chosen if not given or _is_own(each, target)]
    whole = given and (target.complete or capture.target is not None)
    answered = [each for each in own if not is_by_gateway(each)]
    traffic = RecordedTraffic(_world(target, answered), answered, given=given, whole=whole)
    fronted = answered_by_fronts(traffic) if subject is Subject.ENDPOINT else set()
    judged = [each for each in answered if each.exchange.number not in fronted]
    if fronted and not given:
        target = inferred_target(capture.name, origin, judged)
    passed = {
        "no call of this protocol": len(capture.recorded) - len(calls),
        f"to another endpoint than {origin}": len(calls) - len(chosen),
        "under a subscription that the target does not name": len(chosen) - len(own),
        "answered by a proxy or gateway on the way": len(own) - len(answered),
        "answered with HTML, plain text or nothing by what seems to stand in front of the endpoint": len(answered)
        - len(judged),
    }
    return Selection(target, tuple(judged), given, whole, (*capture.notes, *_notes(capture, len(judged), passed)))


def _world(target: Target, recorded: Sequence[Recorded]) -> World:
    """The world in which the defects of requests are looked for, before anything is judged."""
    return World(target, Strictness.STRICT, folds_slots=folds_slots(each.exchange for each in recorded))


def is_call(recorded: Recorded) -> bool:
    """Whether an exchange is a call of this protocol, whatever is wrong with it, and not of a sibling operation such as a reboot."""
    request = recorded.exchange.request
    address = read_target(request.target)
    match address.kind:
        case Kind.REIMAGE:
            return not any(value.lower() in SIBLINGS for value in address.parameters("comp"))
        case Kind.OPERATION | Kind.DEPLOYMENT | Kind.CLOUD_SERVICE:
            return request.method == "GET"
        case _:
            return False


def is_meant_as_call(recorded: Recorded) -> bool:
    """Whether a client meant an exchange as a call of this protocol, on whatever path and with whatever method."""
    request = recorded.exchange.request
    return is_call(recorded) or is_reimage(request) or is_poll(request)


def _hosts(calls: Sequence[Recorded], origin: str) -> set[tuple[str, int]]:
    """The hosts of an endpoint: that of `origin`, and hosts that a 307 redirects to or from."""
    hosts = {_host(origin)}
    pairs = [(_host(each.origin), _host(moved.origin)) for each, moved in redirect_pairs(calls)]
    while found := {host for pair in pairs if hosts.intersection(pair) for host in pair} - hosts:
        hosts |= found
    return hosts


def redirect_pairs(calls: Sequence[Recorded]) -> list[tuple[Recorded, Recorded]]:
    """Each call that was answered 307, with the next call that repeats it at the new URL (REQ-HTTP-307)."""
    pairs: list[tuple[Recorded, Recorded]] = []
    for index, each in enumerate(calls):
        url = _destination(each)
        followed = (later for later in calls[index + 1 :] if _repeats(later, each, url))
        pairs += [(each, later) for later in islice(followed, 1)] if url else []
    return pairs


def _destination(moved: Recorded) -> str:
    """The URL to which a 307 sends a call, "" where there is none or it is no URL."""
    try:
        return urljoin(moved.origin + moved.exchange.request.target, moved.moved_to) if moved.moved_to else ""
    except ValueError:
        return ""


def _repeats(later: Recorded, moved: Recorded, url: str) -> bool:
    """Whether a call is `moved` sent again to `url`."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    same = (later.exchange.request.method, later.exchange.request.target) == (moved.exchange.request.method, target)
    return same and _host(later.origin) == _host(url)


def _host(origin: str) -> tuple[str, int]:
    """Host and port of an origin; the scheme and a default port do not count, since a proxy may have changed the scheme."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return ("", 0)
    return (parts.hostname or "", 0 if port is None or port in _DEFAULT_PORTS else port)


def _given_target(capture: Capture, target: Target | None) -> Target | None:
    """The target of a target file, or of the journal that was captured; None where it has to be inferred.

    Where there are both, the identifiers are those of the journal, in which they may be masked.
    """
    own = capture.target
    if target is None or own is None:
        return own if target is None else target
    return replace(
        target,
        subscription_id=own.subscription_id,
        foreign_subscription_id=own.foreign_subscription_id,
        other_subscription_id=own.other_subscription_id,
    )


def _is_own(recorded: Recorded, target: Target) -> bool:
    """Whether a call is under a subscription that the target names, or in the journal of a run, whose calls may be malformed."""
    if recorded.tells(Fact.IDENTITY):
        return True
    named = {target.subscription_id, target.other_subscription_id, target.foreign_subscription_id}
    address = read_target(recorded.exchange.request.target)
    return address.subscription.lower() in {name.lower() for name in named if name}


def _notes(capture: Capture, judged: int, passed: Mapping[str, int]) -> Iterable[str]:
    """What was judged and what was passed over, in sentences."""
    whole = counted(len(capture.recorded), "exchange")
    yield f"Judged from {capture.name}: {judged:,} of {whole}; what they do not show is untested."
    yield from (f"Passed over, {what}: {counted(count, 'exchange')}." for what, count in passed.items() if count)
