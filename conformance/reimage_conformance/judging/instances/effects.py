"""Instances: what a reimage does to the role instance that it addresses, and to the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.deployments import (
    BAD_STATES,
    READY,
    deployment_elements,
    member,
    roles_in,
    statuses_in,
)
from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.wording import is_busy
from reimage_conformance.model import Outcome
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Limits, Verdict


LOOKS_ENOUGH = 4


SETTLING_SECONDS = 0.3
"""So long after the end of an operation an instance is waited for at least."""
LATE_DEPARTURE_SECONDS = 2.0
"""So long it is waited for to leave where no other was seen to leave before the end; one of the historical service left one second after it."""
SETTLING_POLLS = 4
SETTLING_SHARE = 1.5


def settling_seconds(duration: float, limits: Limits, *, departs_early: bool) -> float:
    """How long after the end of an operation its instance may still leave ReadyRole, where it was not seen to leave; seconds.

    `duration` is how long the operation took, in seconds. `departs_early` says that instances of this endpoint were seen to leave
    while their operation was under way.
    """
    least = SETTLING_SECONDS if departs_early else LATE_DEPARTURE_SECONDS
    settling = max(least, SETTLING_SHARE * duration, SETTLING_POLLS * limits.poll_interval_seconds)
    return min(settling, limits.operation_timeout_seconds)


def _of_the_reimage(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of an accepted reimage on its own instance, or on the others."""
    before, start, looks = exchanges[0], exchanges[1], exchanges[2:]
    deployment = world.deployment_of(read_target(before.request.target))
    if deployment is None or verdict.requirement == "REQ-REIMAGE-SAME-NAME":
        return None
    names: Sequence[str] = (verdict.arguments["instance"],)
    if verdict.requirement == "REQ-REIMAGE-OTHERS-UNTOUCHED":
        watched = _watched(before, verdict.arguments.get("others", ()))
        names = next((tuple(moved) for look in looks if (moved := _moved(look, watched))), tuple(watched))
    return Effect(tuple(Place(deployment, name) for name in names), (start.number,))


@effect_on(_of_the_reimage)
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
    """The instance goes offline, comes back under its name, and the others stay (REQ-REIMAGE-OFFLINE, -ONLINE, -SAME-NAME, -OTHERS-UNTOUCHED).

    Exchanges: an observation before the reimage, the 202, then observations in order; `others` are instances that no
    request of the run had addressed; `ended_at` is when the operation's end was seen, in seconds of the run, and `waited` how
    long after it the suite went on looking. A fast endpoint may pass through offline between two looks.
    """
    del world
    before, start, seen = exchanges[0], exchanges[1], [e for e in exchanges[2:] if statuses_in(e)]
    if not seen or statuses_in(before).get(instance) != READY:
        reason = (
            f"{instance} was {statuses_in(before).get(instance, 'not shown')} before"
            if seen
            else "nothing was observed"
        )
        for requirement in ("REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE"):
            yield about(requirement, start).inconclusive(
                reason, because=("REQ-DEPL-URI", "REQ-DEPL-ROOT", "REQ-DEPL-INSTANCES")
            )
        return
    trail = [statuses_in(exchange).get(instance, "missing") for exchange in seen]
    told = " > ".join(_folded([READY, *trail]))
    offline = next((e for e, status in zip(seen, trail, strict=True) if status != READY), None)
    during = sum(1 for exchange in seen if exchange.at <= ended_at)
    left = about("REQ-REIMAGE-OFFLINE", offline or start, seen[-1])
    blind = sum(1 for exchange in exchanges[2:] if _is_unanswered(exchange))
    if offline is None and blind:
        yield left.inconclusive(f"{told}, and {blind} looks in between were not answered")
    elif offline is None and during < LOOKS_ENOUGH:
        yield left.inconclusive(f"seen only {during} times while the operation ran")
    else:
        yield left.judged(
            offline is not None,
            f"{instance} leaves {READY}",
            f"{told}, seen {during} times while the operation ran",
            "never-offline",
        )
    unseen = sum(1 for exchange in exchanges[2:] if exchange.number > seen[-1].number and _is_unanswered(exchange))
    yield from _back(instance, before, seen, told, waited, unseen)
    yield from _others(before, seen, start, others)


def _is_unanswered(look: Exchange) -> bool:
    """Whether a look shows nothing, since it got no reply or was throttled."""
    return look.reply is None or is_busy(look)


def _back(
    instance: str, before: Exchange, seen: Sequence[Exchange], told: str, waited: float, unseen: int
) -> Iterator[Verdict]:
    """Whether the instance is back online under its own name; the last look says so unless `unseen` further ones were not answered."""
    last = statuses_in(seen[-1]).get(instance)
    online, same = about("REQ-REIMAGE-ONLINE", seen[-1], before), about("REQ-REIMAGE-SAME-NAME", seen[-1], before)
    role = roles_in(before).get(instance)
    if last is None:
        yield same.violated(
            f"{instance} of role {role}",
            f"not listed any more; listed: {', '.join(sorted(statuses_in(seen[-1]))[:6]) or 'no instance'}",
            "renamed",
        )
        yield online.inconclusive("the instance is not listed any more", because=("REQ-REIMAGE-SAME-NAME",))
        return
    yield same.judged(
        roles_in(seen[-1]).get(instance) == role,
        f"role {role}",
        f"role {roles_in(seen[-1]).get(instance)}",
        "role-changed",
    )
    if last in BAD_STATES:
        yield online.inconclusive(f"{instance} is {last}: the guest has a problem (REQ-DEPL-BAD-STATES)")
    elif last != READY and unseen:
        yield online.inconclusive(f"{told}, and the last {unseen} looks were not answered")
    else:
        yield online.judged(
            last == READY,
            f"{instance} back at ReadyRole",
            f"{told}, {waited:.1f} s after the end",
            "still-offline",
            because=("REQ-REIMAGE-OTHERS-UNTOUCHED",),
        )


def _others(before: Exchange, seen: Sequence[Exchange], start: Exchange, others: Sequence[str]) -> Iterator[Verdict]:
    """Whether every other instance stayed as it was."""
    watched = _watched(before, others)
    if not watched:
        return
    for exchange in seen:
        moved = _moved(exchange, watched)
        if moved:
            name, status = next(iter(moved.items()))
            actual = f"{name} is {status}" + (f" and {len(moved) - 1} more changed" if len(moved) > 1 else "")
            yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", exchange, start).violated(
                "the other instances stay ReadyRole", actual, "others-touched", because=("REQ-GOS-NOTFOUND-NOEFFECT",)
            )
            return
    yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", seen[-1], start).met(
        f"{len(watched)} others stayed ReadyRole over {len(seen)} looks"
    )


def _watched(before: Exchange, others: Sequence[str]) -> list[str]:
    """Those of `others` that were ready before."""
    was = statuses_in(before)
    return [name for name in others if was.get(name) == READY]


def _moved(look: Exchange, watched: Sequence[str]) -> dict[str, str]:
    """Those of `watched` that a look does not show ready, and how it shows them; none where it shows no instance."""
    now = statuses_in(look)
    return {name: now.get(name, "missing") for name in watched if now.get(name) != READY} if now else {}


def _folded(values: list[str]) -> list[str]:
    """`values` without immediate repeats."""
    return [value for i, value in enumerate(values) if i == 0 or values[i - 1] != value]


def _of_either_form(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect:
    """The effect of a reimage on the instance that it addresses, or on those that left in its stead or with it."""
    looked, own = verdict.arguments["looked"], (verdict.arguments["deployment"], verdict.arguments["instance"])
    before, start, looks = exchanges[:looked], exchanges[looked], exchanges[looked + 1 :]
    affected = [own] if verdict.outcome is Outcome.MET else _left(before, looks, own, verdict.arguments.get("others"))
    named = {deployment.name: deployment for deployment in world.target.deployments}
    places = tuple(Place(named[name], instance) for name, instance in affected if name in named)
    return Effect(places, (start.number,))


@effect_on(_of_either_form)
@check
def equivalent_forms(
    world: World,
    exchanges: Sequence[Exchange],
    deployment: str,
    instance: str,
    looked: int,
    others: Sequence[str] | None = None,
) -> Iterator[Verdict]:
    """A reimage through either form takes the addressed instance offline, and none in its stead (REQ-REIMAGE-URI-EQUIV).

    Exchanges: an observation of each deployment, as many as `looked`, the 202, then observations of every deployment in turn. Where the
    addressed instance goes offline and others with it, that is REQ-REIMAGE-OTHERS-UNTOUCHED's matter. `others` are the other instances of
    the deployment that no request of ours may have taken offline; None stands for all that were ReadyRole.
    """
    del world
    before, start, looks = exchanges[:looked], exchanges[looked], exchanges[looked + 1 :]
    moved = [f"{name}/{other}" for name, other in _left(before, looks, (deployment, instance), others)]
    seen = [_places(look).get((deployment, instance)) for look in looks]
    here = [status for status in seen if status is not None]
    verdict = about("REQ-REIMAGE-URI-EQUIV", start, *looks[-1:])
    expected = f"{instance} of {deployment} is reimaged, and no other"
    told = f"{', '.join(moved[:6])} went offline"
    if not here:
        yield verdict.inconclusive("the deployment was not seen while the operation ran")
    elif moved and set(here) == {READY}:
        yield verdict.violated(expected, f"{told} instead", "other-instance")
    elif moved:
        yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", start, *looks[-1:]).violated(expected, told, "others-touched")
    else:
        yield verdict.met(f"{instance}: {' > '.join(_folded(here))}")


def _left(
    before: Sequence[Exchange], looks: Sequence[Exchange], own: tuple[str, str], others: Sequence[str] | None
) -> list[tuple[str, str]]:
    """The places but `own` that were ready before and that some look shows otherwise, in order; of `others` alone, unless that is None."""
    ready = {place for look in before for place, status in _places(look).items() if status == READY} - {own}
    if others is not None:
        ready &= {(own[0], name) for name in others}
    return sorted(
        {place for look in looks for place, status in _places(look).items() if place in ready and status != READY}
    )


def _places(look: Exchange) -> dict[tuple[str, str], str]:
    """InstanceStatus by name of deployment and instance, as one answer shows it."""
    shown = deployment_elements(look)
    return {(member(shown[0], "Name"), name): status for name, status in statuses_in(look).items()} if shown else {}
