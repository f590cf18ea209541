"""Checks of what a reimage does to the role instance that it addresses, and to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.sent import slot_sent
from reimage_conformance.judging.wording import is_busy, quoted
from reimage_conformance.model import Outcome, Why
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.deployments import (
    BAD_STATES,
    READY,
    deployment_elements,
    member,
    roles_in,
    statuses_in,
)
from reimage_conformance.protocol.requests import Place
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Limits, Verdict


LOOKS_ENOUGH = 4
"""With fewer looks during an operation, the time in which its instance was offline may have been missed."""


SETTLING_SECONDS = 0.3
"""An instance is waited for at least this many seconds after the end of its operation."""
LATE_DEPARTURE_SECONDS = 2.0
"""The same, if no instance of the endpoint was seen to leave ReadyRole before the end of its operation.

In recordings of the historical service, one left a second after the end.
"""
SETTLING_POLLS = 4
"""An instance is waited for at least this many poll intervals after the end of its operation."""
SETTLING_SHARE = 1.5
"""An instance is waited for at least the duration of its operation times this."""


def settling_seconds(duration: float, limits: Limits, *, departs_early: bool) -> float:
    """How many seconds after the end of an operation its instance may still leave ReadyRole, if it has not left yet.

    `duration` is how long the operation took, in seconds. `departs_early` says that instances of this endpoint were
    seen to leave while their operation was under way.
    """
    least = SETTLING_SECONDS if departs_early else LATE_DEPARTURE_SECONDS
    settling = max(least, SETTLING_SHARE * duration, SETTLING_POLLS * limits.poll_interval_seconds)
    return min(settling, limits.operation_timeout_seconds)


def _effect_of_reimage(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of an accepted reimage on its own instance, or on the other instances; None for a verdict on its name."""
    before, start, looks = exchanges[0], exchanges[1], exchanges[2:]
    deployment = world.deployment_of(read_target(before.request.target))
    if deployment is None or verdict.requirement == "REQ-REIMAGE-SAME-NAME":
        return None
    names: Sequence[str] = (verdict.arguments["instance"],)
    if verdict.requirement == "REQ-REIMAGE-OTHERS-UNTOUCHED":
        watched = _watched(before, verdict.arguments.get("others", ()))
        names = next((tuple(changed) for look in looks if (changed := _not_ready(look, watched))), tuple(watched))
    stayed = verdict.requirement == "REQ-REIMAGE-OFFLINE" and verdict.outcome is not Outcome.MET
    return Effect(tuple(Place(deployment, name) for name in names), (start.number,), absent=stayed)


@effect_on(_effect_of_reimage)
@check
def instance_effect(
    world: World,
    exchanges: Sequence[Exchange],
    instance: str,
    *,
    others: Sequence[str] = (),
    ended_at: float = 0.0,
    waited: float = 0.0,
) -> Iterator[Verdict]:
    """The instance goes offline and comes back under its name, and the other instances stay as they are.

    The requirements are REQ-REIMAGE-OFFLINE, -ONLINE, -SAME-NAME and -OTHERS-UNTOUCHED. Exchanges: a look before the
    reimage, the 202, then looks in order. `others` are instances that no request of the run had addressed. `ended_at`
    is when the end of the operation was seen, in seconds since the run began. `waited` is how many seconds after that
    the suite made its last look. An instance may be offline for so short a time that no look falls into it.
    """
    before, start, seen = exchanges[0], exchanges[1], [e for e in exchanges[2:] if statuses_in(e)]
    if not seen or statuses_in(before).get(instance) != READY:
        status = statuses_in(before).get(instance)
        was = f"{instance} was {f'{status}, not {READY},' if status else 'not shown'} before the reimage"
        unseen = "no answer to Get Deployment showed a role instance after the 202"
        reason, why = (was, Why.NOT_READY) if seen else (unseen, Why.OTHER)
        for requirement in ("REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE"):
            yield about(requirement, start).inconclusive(reason, why=why)
        return
    statuses = [statuses_in(exchange).get(instance, "missing") for exchange in seen]
    path_of_statuses = " > ".join(_without_repeats([READY, *statuses]))
    offline = next((e for e, status in zip(seen, statuses, strict=True) if status != READY), None)
    during = sum(1 for exchange in seen if exchange.at <= ended_at)
    offline_verdict = about("REQ-REIMAGE-OFFLINE", offline or start, seen[-1])
    unanswered = sum(1 for exchange in exchanges[2:] if _is_unanswered(exchange))
    if offline is None and unanswered:
        yield offline_verdict.inconclusive(
            f"{path_of_statuses}; {counted(unanswered, 'request')} for Get Deployment got no answer", why=Why.NO_REPLY
        )
    elif offline is None and during < LOOKS_ENOUGH:
        yield offline_verdict.inconclusive(
            f"Get Deployment was answered only {counted(during, 'time')} while the operation ran"
        )
    else:
        yield offline_verdict.judged(
            offline is not None,
            f"{instance} leaves {READY}",
            f"{path_of_statuses}; shown {counted(during, 'time')} while the operation ran"
            if offline is not None
            else f"InstanceStatus was {READY} in all {during} answers to Get Deployment while the operation ran",
            "never-offline",
        )
    unanswered_at_end = sum(
        1 for exchange in exchanges[2:] if exchange.number > seen[-1].number and _is_unanswered(exchange)
    )
    longest = world.target.limits.operation_timeout_seconds
    yield from _back_online(instance, before, seen, path_of_statuses, waited, unanswered_at_end, longest)
    yield from _others(before, seen, start, others)


def _is_unanswered(look: Exchange) -> bool:
    """Whether a look shows nothing, since it got no reply or was throttled."""
    return look.reply is None or is_busy(look)


def _back_online(
    instance: str,
    before: Exchange,
    seen: Sequence[Exchange],
    path_of_statuses: str,
    waited: float,
    unanswered_at_end: int,
    longest: float,
) -> Iterator[Verdict]:
    """The verdicts on whether the instance is back online under its own name.

    The last look that showed instances decides. The verdict on an instance that was not at ReadyRole is inconclusive if
    looks after it got no answer (`unanswered_at_end` counts them), or if the last look was earlier than `longest`
    seconds after the end of the operation. The suite gives up looking where another instance did not come back.
    """
    last_status = statuses_in(seen[-1]).get(instance)
    online_verdict, name_verdict = (
        about("REQ-REIMAGE-ONLINE", seen[-1], before),
        about("REQ-REIMAGE-SAME-NAME", seen[-1], before),
    )
    role = roles_in(before).get(instance)
    if last_status is None:
        yield name_verdict.violated(
            f"{instance} of role {role}",
            f"{instance} is no longer listed; listed: {_first_names(sorted(statuses_in(seen[-1])))}",
            "renamed",
        )
        yield online_verdict.inconclusive(f"{instance} is no longer listed", because=("REQ-REIMAGE-SAME-NAME",))
        return
    yield name_verdict.judged(
        roles_in(seen[-1]).get(instance) == role,
        f"{instance} has RoleName {quoted(role or '')}",
        f"RoleName {quoted(roles_in(seen[-1]).get(instance) or '')}",
        "role-changed",
    )
    if last_status in BAD_STATES:
        yield online_verdict.inconclusive(f"{instance} is {last_status}: the guest has a problem (REQ-DEPL-BAD-STATES)")
    elif last_status != READY and unanswered_at_end:
        yield online_verdict.inconclusive(
            f"{path_of_statuses}; the last {counted(unanswered_at_end, 'request')} for Get Deployment got no answer",
            why=Why.NO_REPLY,
        )
    elif last_status != READY and waited < longest:
        yield online_verdict.inconclusive(
            f"{path_of_statuses}; the last look was only {waited:.1f} s after the end of the operation, and it may take "
            f"{longest:g} s",
            because=("REQ-REIMAGE-SAME-NAME", "REQ-DEPL-INSTANCES"),
        )
    else:
        yield online_verdict.judged(
            last_status == READY,
            f"{instance} is {READY} again",
            f"{path_of_statuses}; the last look was {waited:.1f} s after the end of the operation",
            "still-offline",
        )


def _first_names(names: Sequence[str]) -> str:
    """The first six names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"{', '.join(names[:6])}{more}" if names else "no instance"


def _others(before: Exchange, seen: Sequence[Exchange], start: Exchange, others: Sequence[str]) -> Iterator[Verdict]:
    """The verdict on whether every other instance stayed as it was."""
    watched = _watched(before, others)
    if not watched:
        return
    for exchange in seen:
        changed = _not_ready(exchange, watched)
        if changed:
            name, status = next(iter(changed.items()))
            more = f", and {len(changed) - 1} more changed" if len(changed) > 1 else ""
            actual = f"{name} is {status} after a reimage of {read_target(start.request.target).instance}{more}"
            yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", exchange, start).violated(
                f"the other instances stay {READY}", actual, "others-touched"
            )
            return
    yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", seen[-1], start).met(
        f"{counted(len(watched), 'other instance')} stayed {READY} in {counted(len(seen), 'answer')} to Get Deployment"
    )


def _watched(before: Exchange, others: Sequence[str]) -> list[str]:
    """Those of `others` that were ready before the reimage."""
    was = statuses_in(before)
    return [name for name in others if was.get(name) == READY]


def _not_ready(look: Exchange, watched: Sequence[str]) -> dict[str, str]:
    """The status of each of `watched` that a look does not show ready; empty if the look shows no instance at all."""
    now = statuses_in(look)
    return {name: now.get(name, "missing") for name in watched if now.get(name) != READY} if now else {}


def _without_repeats(values: list[str]) -> list[str]:
    """`values` without immediate repeats."""
    return [value for i, value in enumerate(values) if i == 0 or values[i - 1] != value]


def _effect_of_either_form(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect:
    """The effect of a reimage on the instance that it addresses, or, for a violation, on the others that left ReadyRole."""
    looked, own = verdict.arguments["looked"], (verdict.arguments["deployment"], verdict.arguments["instance"])
    before, start, looks = exchanges[:looked], exchanges[looked], exchanges[looked + 1 :]
    affected = (
        [own]
        if verdict.outcome is Outcome.MET
        else _places_that_left(before, looks, own, verdict.arguments.get("others"))
    )
    named = {deployment.name: deployment for deployment in world.target.deployments}
    places = tuple(Place(named[name], instance) for name, instance in affected if name in named)
    return Effect(places, (start.number,))


@effect_on(_effect_of_either_form)
@check
def equivalent_forms(
    world: World,
    exchanges: Sequence[Exchange],
    deployment: str,
    instance: str,
    looked: int,
    others: Sequence[str] | None = None,
) -> Iterator[Verdict]:
    """A reimage through either form takes the addressed instance offline, and no other (REQ-REIMAGE-URI-EQUIV).

    Exchanges: `looked` looks, one at each deployment; the 202; then looks at every deployment in turn. If the
    addressed instance goes offline and others with it, REQ-REIMAGE-OTHERS-UNTOUCHED is violated instead. `others` are
    the instances to consider beside it: those of its deployment that no request of ours may have taken offline. None
    stands for all instances of every deployment that were at ReadyRole.
    """
    del world
    before, start, looks = exchanges[:looked], exchanges[looked], exchanges[looked + 1 :]
    others_offline = [
        f"{name}/{other}" for name, other in _places_that_left(before, looks, (deployment, instance), others)
    ]
    statuses = [_statuses_by_place(look).get((deployment, instance)) for look in looks]
    own_statuses = [status for status in statuses if status is not None]
    verdict = about("REQ-REIMAGE-URI-EQUIV", start, *looks[-1:])
    expected = f"{deployment}/{instance}, addressed by {slot_sent(start.request)}, is reimaged, and no other"
    actual = f"{', '.join(others_offline[:6])} went offline"
    if not own_statuses:
        yield verdict.inconclusive("Get Deployment did not show the deployment while the operation ran")
    elif others_offline and set(own_statuses) == {READY}:
        yield verdict.violated(expected, f"{actual}, while {deployment}/{instance} stayed {READY}", "other-instance")
    elif others_offline:
        yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", start, *looks[-1:]).violated(expected, actual, "others-touched")
    else:
        yield verdict.met(f"{instance}: {' > '.join(_without_repeats(own_statuses))}")


def _places_that_left(
    before: Sequence[Exchange], looks: Sequence[Exchange], own: tuple[str, str], others: Sequence[str] | None
) -> list[tuple[str, str]]:
    """The places other than `own` that were ready before and that some look shows not ready, in order.

    With `others`, only these instances of the deployment of `own` are considered.
    """
    ready = {place for look in before for place, status in _statuses_by_place(look).items() if status == READY} - {own}
    if others is not None:
        ready &= {(own[0], name) for name in others}
    return sorted(
        {
            place
            for look in looks
            for place, status in _statuses_by_place(look).items()
            if place in ready and status != READY
        }
    )


def _statuses_by_place(look: Exchange) -> dict[tuple[str, str], str]:
    """InstanceStatus by names of deployment and instance, as one look shows them."""
    shown = deployment_elements(look)
    return {(member(shown[0], "Name"), name): status for name, status in statuses_in(look).items()} if shown else {}
