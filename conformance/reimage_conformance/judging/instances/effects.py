"""Checks of what a reimage does to the role instance that it addresses, and to the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.sent import slot_sent
from reimage_conformance.judging.wording import first_names, is_busy, is_moved, valued
from reimage_conformance.model import Outcome, Why, deployment_key
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.deployments import (
    BAD_STATES,
    READY,
    deployment_elements,
    has_instance_list,
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


MIN_LOOKS = 4
"""With fewer looks during an operation, the time in which its instance was offline may have been missed."""
SETTLING_SECONDS = 0.3
"""For at least this many seconds after the end of its operation, an instance may still leave ReadyRole (`settling_seconds`)."""
LATE_DEPARTURE_SECONDS = 2.0
"""Used in place of `SETTLING_SECONDS` until looks have shown that instances of this endpoint leave before the end, or never leave.

In recordings of the historical service, an instance left a second after the end of its operation.
"""
SETTLING_POLLS = 4
"""As `SETTLING_SECONDS`, in poll intervals; the longest of the three times counts."""
SETTLING_FACTOR = 1.5
"""As `SETTLING_SECONDS`, as a multiple of the duration of the operation."""
SECOND_DEPARTURE_FACTOR = 1.0
"""For how long after its return an instance may leave ReadyRole once more, as a multiple of the duration of its operation.

No document says that it stays at ReadyRole once it is back.
"""
MISSING = "missing"
"""In place of a status: the look does not list the instance."""
MIN_LOOKS_WITHOUT = 2
"""An instance counts as no longer listed where this many looks in a row do not list it: a single answer may be incomplete."""
_MAX_NAMES = 6
"""A message names at most this many role instances, and counts the others."""


def second_departure_seconds(duration: float) -> float:
    """For how many seconds after its return an instance may leave ReadyRole once more; `duration` is that of its operation, in seconds."""
    return SECOND_DEPARTURE_FACTOR * duration


def settling_seconds(duration: float, limits: Limits, *, departs_early: bool) -> float:
    """How many seconds after the end of an operation its instance may still leave ReadyRole, if it has not left yet.

    `duration` is how long the operation took, in seconds. `departs_early` says that instances of this endpoint were
    seen to leave while their operation was under way, or not at all.
    """
    least = SETTLING_SECONDS if departs_early else LATE_DEPARTURE_SECONDS
    settling = max(least, SETTLING_FACTOR * duration, SETTLING_POLLS * limits.poll_interval_seconds)
    return min(settling, limits.operation_timeout_seconds)


def _effect_of_reimage(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of an accepted reimage on its own instance, or on the other instances; None for a verdict on its name."""
    before, start, looks = exchanges[0], exchanges[1], exchanges[2:]
    deployment = world.deployment_of(read_target(before.request.resource))
    if deployment is None or verdict.requirement == "REQ-REIMAGE-SAME-NAME":
        return None
    names: Sequence[str] = (verdict.arguments["instance"],)
    if verdict.requirement == "REQ-REIMAGE-OTHERS-UNTOUCHED":
        watched = _watched(before, verdict.arguments.get("others", ()))
        _, changed, still_watched = _first_change(looks, watched)
        names = tuple(changed) or tuple(still_watched)
    did_not_leave = verdict.requirement == "REQ-REIMAGE-OFFLINE" and verdict.outcome is not Outcome.MET
    did_not_return = verdict.requirement == "REQ-REIMAGE-ONLINE" and verdict.outcome is not Outcome.MET
    places = tuple(Place(deployment, name) for name in names)
    return Effect(
        places,
        (start.number,),
        # The effect is that something did not happen.
        absent=did_not_leave or did_not_return,
        # The effect is that another instance left ReadyRole.
        departs=verdict.requirement == "REQ-REIMAGE-OTHERS-UNTOUCHED",
        # The last look alone shows that the instance did not return; for the rest, all looks count.
        looks=verdict.evidence[:1] if did_not_return else (),
    )


@effect_on(_effect_of_reimage)
@check
def instance_effect(
    world: World,
    exchanges: Sequence[Exchange],
    instance: str,
    *,
    others: Sequence[str] = (),
    refused: Sequence[str] = (),
    ended_at: float = 0.0,
    waited: float = 0.0,
) -> Iterator[Verdict]:
    """The instance goes offline and comes back under its name, and the other instances stay as they are.

    The requirements are REQ-REIMAGE-OFFLINE, -ONLINE, -SAME-NAME and -OTHERS-UNTOUCHED. Exchanges: a look before the
    reimage, the 202, then looks in order. `others` are the instances that no other reimage of the run may still change.
    `refused` names those of them whose own reimage was refused with 409 before they changed. For these the verdict is
    the same, and the message says that their own reimage may be the cause. `ended_at` is when the end of the operation
    was seen, in seconds since the run began. `waited` is how many seconds after that the suite made its last look.

    An instance may be offline for so short a time that no look falls into it. If no look shows it offline, and fewer than
    `MIN_LOOKS` looks came while the operation ran, the verdict on REQ-REIMAGE-OFFLINE is inconclusive.
    """
    reimage = _Reimage(world, instance, exchanges[0], exchanges[1], exchanges[2:])
    unclear = reimage.why_unclear()
    if unclear is not None:
        reason, why = unclear
        for requirement in ("REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE"):
            yield about(requirement, reimage.start).inconclusive(reason, why=why)
        return
    yield _offline(reimage, ended_at)
    yield _same_name(reimage, waited, world.target.limits.operation_timeout_seconds)
    yield _online(reimage, waited, world.target.limits.operation_timeout_seconds)
    yield from _others(reimage, others, refused)


@dataclass(frozen=True)
class _Reimage:
    """The reimage of one instance, as looks show it: one `before` it, and `looks` after `start`, the 202; some may show nothing."""

    world: World
    instance: str
    before: Exchange
    start: Exchange
    looks: Sequence[Exchange]

    def named(self, instance: str) -> str:
        """An instance of the deployment in words."""
        return self.world.named(read_target(self.before.request.resource), instance)

    @property
    def name(self) -> str:
        """The instance in words."""
        return self.named(self.instance)

    @cached_property
    def seen(self) -> list[Exchange]:
        """The looks that show a list of instances.

        An empty list counts too: a deployment shows it while its only instance is not listed.
        """
        return [look for look in self.looks if has_instance_list(look)]

    @cached_property
    def statuses(self) -> list[str]:
        """The InstanceStatus in each look of `seen`, `MISSING` where this one is not listed."""
        return [statuses_in(look).get(self.instance, MISSING) for look in self.seen]

    @property
    def path(self) -> str:
        """The statuses in order, without immediate repeats: `ReadyRole > StoppedVM > ReadyRole`."""
        return " > ".join(_without_repeats([READY, *self.statuses]))

    def looks_without_answer(self, after: int = 0) -> int:
        """How many looks with a greater exchange number than `after` got no reply, or were throttled or redirected."""
        later = [look for look in self.looks if look.number > after]
        return sum(1 for look in later if look.reply is None or is_busy(look) or is_moved(look))

    def why_unclear(self) -> tuple[str, Why] | None:
        """Why nothing can be judged, and the kind of reason; None where the looks suffice."""
        status = statuses_in(self.before).get(self.instance)
        if not self.seen:
            return "no answer to Get Deployment showed a role instance after the 202", Why.OTHER
        if status != READY:
            was = f"{status}, not {READY}," if status else "not shown"
            return f"{self.name} was {was} before the reimage", Why.NOT_READY
        return None


def _offline(reimage: _Reimage, ended_at: float) -> Verdict:
    """The verdict on whether the instance left ReadyRole. `ended_at` is as for `instance_effect`."""
    left = next((look for look, status in zip(reimage.seen, reimage.statuses, strict=True) if status != READY), None)
    during = sum(1 for look in reimage.seen if look.at <= ended_at)
    verdict = about("REQ-REIMAGE-OFFLINE", left or reimage.start, reimage.seen[-1])
    if left is not None:
        answers = f"{counted(during, 'answer')} to Get Deployment while the operation ran"
        return verdict.met(f"{reimage.path}; {answers}")
    if without_answer := reimage.looks_without_answer():
        reason = f"{reimage.path}; {counted(without_answer, 'request')} for Get Deployment got no reply, or a 307, 429 or 503"
        return verdict.inconclusive(reason, why=Why.NO_REPLY)
    if during < MIN_LOOKS:
        return verdict.inconclusive(
            f"Get Deployment was answered only {counted(during, 'time')} while the operation ran"
        )
    actual = f"InstanceStatus was {READY} in all {during} answers to Get Deployment while the operation ran"
    return verdict.violated(f"{reimage.name} leaves {READY}", actual, "never-offline")


def _same_name(reimage: _Reimage, waited: float, time_limit: float) -> Verdict:
    """The verdict on whether the last look shows the instance under its own name, and in its role.

    Where it does not list the instance, the verdict is inconclusive in two cases: the look before that one listed it, or
    `waited` is less than `time_limit`, as for `_online`. No document says that an instance is listed while it is away.
    """
    last, instance, role = reimage.seen[-1], reimage.instance, roles_in(reimage.before).get(reimage.instance)
    verdict = about("REQ-REIMAGE-SAME-NAME", last, reimage.before)
    if instance not in statuses_in(last):
        if (
            len(reimage.seen) < MIN_LOOKS_WITHOUT
            or reimage.statuses[-MIN_LOOKS_WITHOUT:] != [MISSING] * MIN_LOOKS_WITHOUT
        ):
            return verdict.inconclusive(f"only the last answer to Get Deployment does not list {reimage.name}")
        if waited < time_limit:
            return verdict.inconclusive(
                f"{reimage.name} was not listed {waited:.1f} s after the end of the operation, and may take {time_limit:g} s to return",
                because=("REQ-REIMAGE-ONLINE",),
            )
        actual = f"{reimage.name} is no longer listed; {_new_names(reimage)}"
        return verdict.violated(f"{reimage.name} of role {role}", actual, "renamed")
    now = roles_in(last).get(instance)
    expected, actual = (
        f"{reimage.name} has {valued('RoleName', role or '')}",
        f"{reimage.name} has {valued('RoleName', now or '')}",
    )
    return verdict.judged(now == role, expected, actual, "role-changed")


def _new_names(reimage: _Reimage) -> str:
    """The names that the last look lists and the look before the reimage did not, in words.

    If there is one such name, and a look shows it away from ReadyRole, the instance had this name while it was away.
    """
    new = sorted(set(statuses_in(reimage.seen[-1])) - set(statuses_in(reimage.before)))
    statuses = [statuses_in(look).get(new[0], READY) for look in reimage.seen] if len(new) == 1 else []
    away = next((status for status in statuses if status != READY), None)
    if away is not None:
        return f"while it was away ({away}), it already had another name, {new[0]}"
    return f"new in the list: {first_names(new, _MAX_NAMES)}" if new else "no new name is listed"


def _online(reimage: _Reimage, waited: float, time_limit: float) -> Verdict:
    """The verdict on whether the instance is at ReadyRole again.

    The last look that showed instances decides. It came `waited` seconds after the end of the operation. The verdict is
    inconclusive in four cases: the instance is not listed any more; its guest has a problem (REQ-DEPL-BAD-STATES); it is
    not at ReadyRole, and later looks got no reply or were throttled; it is not at ReadyRole, and `waited` is less than
    `time_limit`, in seconds.
    """
    last, instance = reimage.seen[-1], reimage.instance
    verdict = about("REQ-REIMAGE-ONLINE", last, reimage.before)
    status, without_answer = statuses_in(last).get(instance), reimage.looks_without_answer(after=last.number)
    if status is None:
        return verdict.inconclusive(
            f"{reimage.name} is no longer listed after its reimage", because=("REQ-REIMAGE-SAME-NAME",)
        )
    if status in BAD_STATES:
        return verdict.inconclusive(f"{reimage.name} is {status}: the guest has a problem (REQ-DEPL-BAD-STATES)")
    if status != READY and without_answer:
        requests = counted(without_answer, "request")
        reason = f"{reimage.path}; the last {requests} for Get Deployment got no reply, or a 307, 429 or 503"
        return verdict.inconclusive(reason, why=Why.NO_REPLY)
    late = f"{waited:.1f} s after the end of the operation"
    if status != READY and waited < time_limit:
        reason = (
            f"{reimage.path}; the last Get Deployment was only {late}, "
            f"and the instance may take {time_limit:g} s to return to {READY}"
        )
        # The suite stops looking early once another instance did not come back. A new name, or a list that
        # leaves the instance out, may be the reason for that.
        return verdict.inconclusive(reason, because=("REQ-REIMAGE-SAME-NAME", "REQ-DEPL-INSTANCES"))
    actual = f"{reimage.path}; the last Get Deployment was {late}"
    return verdict.judged(status == READY, f"{reimage.name} is {READY} again", actual, "still-offline")


def _others(reimage: _Reimage, others: Sequence[str], refused: Sequence[str]) -> Iterator[Verdict]:
    """The verdict on whether every other instance stayed as it was, except those whose guests had a problem (REQ-DEPL-BAD-STATES)."""
    seen, start = reimage.seen, reimage.start
    look, changed, watched = _first_change(seen, _watched(reimage.before, others))
    if look is not None:
        name, status = next(iter(changed.items()))
        more = f", and {len(changed) - 1} more changed" if len(changed) > 1 else ""
        reimaged = reimage.named(read_target(start.request.resource).instance)
        doubt = f"; a reimage of {reimage.named(name)} was refused with 409, but may have had this effect"
        own = doubt if name in refused else ""
        actual = f"{reimage.named(name)} is {status} after a reimage of {reimaged}{own}{more}"
        yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", look, start).violated(
            f"the other instances stay {READY}", actual, "others-touched"
        )
    elif watched:
        yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", seen[-1], start).met(
            f"{counted(len(watched), 'other instance')} stayed {READY} in {counted(len(seen), 'answer')} to Get Deployment"
        )


def _first_change(
    looks: Sequence[Exchange], watched: Sequence[str]
) -> tuple[Exchange | None, dict[str, str], Sequence[str]]:
    """The first look that shows some of `watched` not ready, their statuses there, and those that were still watched then.

    An instance is not watched any more once a look shows it in a status that is due to its guest (REQ-DEPL-BAD-STATES).
    One that a look does not list counts only if the next look does not show it ready either.
    None and no statuses where no look shows a change.
    """
    listing = [look for look in looks if statuses_in(look)]
    for i, look in enumerate(listing):
        statuses = _not_ready(look, watched)
        later = _not_ready(listing[i + 1], watched) if i + 1 < len(listing) else {}
        watched = [name for name in watched if statuses.get(name) not in BAD_STATES]
        confirmed = {name: status for name, status in statuses.items() if status != MISSING or name in later}
        if changed := {name: status for name, status in confirmed.items() if name in watched}:
            return look, changed, watched
    return None, {}, watched


def _watched(before: Exchange, others: Sequence[str]) -> list[str]:
    """Those of `others` that were ready before the reimage."""
    was = statuses_in(before)
    return [name for name in others if was.get(name) == READY]


def _not_ready(look: Exchange, watched: Sequence[str]) -> dict[str, str]:
    """The status of each of `watched` that a look does not show ready; empty if the look shows no instance at all."""
    now = statuses_in(look)
    return {name: now.get(name, MISSING) for name in watched if now.get(name) != READY} if now else {}


def _without_repeats(values: list[str]) -> list[str]:
    """`values` without immediate repeats."""
    return [value for i, value in enumerate(values) if i == 0 or values[i - 1] != value]


def _effect_of_either_form(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect:
    """The effect of a reimage on the instance that it addresses, or, for a violation, on the others that left ReadyRole."""
    looked = verdict.arguments["looked"]
    before, start, looks = exchanges[:looked], exchanges[looked], exchanges[looked + 1 :]
    own = _Where(_service_of(start), verdict.arguments["deployment"], verdict.arguments["instance"])
    left = _places_that_left(before, looks, own, verdict.arguments.get("others"))
    affected = [own] if verdict.outcome is Outcome.MET else left
    places = tuple(place for each in affected if (place := _place_at(each, world)) is not None)
    return Effect(places, (start.number,), departs=True)


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
    """A reimage through either form takes no other instance offline than the addressed one (REQ-REIMAGE-URI-EQUIV).

    That the addressed instance goes offline is judged by `instance_effect`. If it does, and others with it,
    REQ-REIMAGE-OTHERS-UNTOUCHED is violated in place of REQ-REIMAGE-URI-EQUIV. Exchanges: looks before the reimage, one
    at each deployment; the 202; then looks at every deployment in turn. `looked` is the number of looks before it. `others`
    are the other instances to consider: those of its deployment that no other request of ours may have taken offline.
    None stands for all instances of every deployment that were at ReadyRole.
    """
    del world
    before, start, looks = exchanges[:looked], exchanges[looked], exchanges[looked + 1 :]
    own = _Where(_service_of(start), deployment, instance)
    others_offline = [f"{each.deployment}/{each.instance}" for each in _places_that_left(before, looks, own, others)]
    unlisted = "missing" if any(own in _statuses_by_place(look) for look in before) else ""
    own_statuses = [status for look in looks if (status := _status_at(own, look, unlisted))]
    verdict = about("REQ-REIMAGE-URI-EQUIV", start, *looks[-1:])
    expected = f"{deployment}/{instance}, addressed by {slot_sent(start.request)}, is reimaged, and no other"
    actual = f"{first_names(others_offline, _MAX_NAMES)} went offline"
    if not own_statuses:
        yield verdict.inconclusive("Get Deployment did not show the deployment while the operation ran")
    elif others_offline and set(own_statuses) == {READY}:
        yield verdict.violated(expected, f"{actual}, while {deployment}/{instance} stayed {READY}", "other-instance")
    elif others_offline:
        yield about("REQ-REIMAGE-OTHERS-UNTOUCHED", start, *looks[-1:]).violated(expected, actual, "others-touched")
    else:
        yield verdict.met(f"{instance}: {' > '.join(_without_repeats(own_statuses))}")


class _Where(NamedTuple):
    """A role instance by the names of its cloud service, in lower case, of its deployment, and of itself."""

    service: str
    deployment: str
    instance: str


def _place_at(where: _Where, world: World) -> Place | None:
    """The role instance as a place in the target file; None where its deployment is not listed there."""
    listed = {each.key: each for each in world.target.deployments}
    deployment = listed.get(deployment_key(where.service, where.deployment))
    return None if deployment is None else Place(deployment, where.instance)


def _service_of(exchange: Exchange) -> str:
    """The cloud service that a request addresses, in lower case."""
    return read_target(exchange.request.resource).service.lower()


def _places_that_left(
    before: Sequence[Exchange], looks: Sequence[Exchange], own: _Where, others: Sequence[str] | None
) -> list[_Where]:
    """The places other than `own` that were ready before and that some look shows not ready, in order.

    A place counts only until a look shows a status that is due to its guest (REQ-DEPL-BAD-STATES). With `others`, only
    these instances of the deployment of `own` are considered.
    """
    ready = {place for look in before for place, status in _statuses_by_place(look).items() if status == READY} - {own}
    if others is not None:
        ready &= {own._replace(instance=name) for name in others}
    left: set[_Where] = set()
    for look in looks:
        statuses = _statuses_by_place(look)
        ready -= {place for place, status in statuses.items() if status in BAD_STATES}
        left |= {place for place, status in statuses.items() if place in ready and status != READY}
    return sorted(left)


def _status_at(own: _Where, look: Exchange, unlisted: str) -> str:
    """The status of an instance in one look: `unlisted` where its deployment is shown without it, "" where that is not shown."""
    is_shown = has_instance_list(look) and _deployment_shown(look) == (own.service, own.deployment)
    return _statuses_by_place(look).get(own, unlisted) if is_shown else ""


def _statuses_by_place(look: Exchange) -> dict[_Where, str]:
    """InstanceStatus by place, as one answer to Get Deployment shows them."""
    shown = _deployment_shown(look)
    return {} if shown is None else {_Where(*shown, name): status for name, status in statuses_in(look).items()}


def _deployment_shown(look: Exchange) -> tuple[str, str] | None:
    """The names of the cloud service, in lower case, and of the deployment that an answer to Get Deployment shows.

    Such an answer has one Deployment element. None where it has none.
    """
    elements = deployment_elements(look)
    return (_service_of(look), member(elements[0], "Name")) if elements else None
