"""Checks of role instances that the target file does not list: none of our requests may touch them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.judging.registry import Effect, about, check, effect_on
from reimage_conformance.judging.sent import slot_sent
from reimage_conformance.judging.wording import reply_summary
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.deployments import READY, statuses_in
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Verdict

AWAY = (
    "StoppingRole", "StoppingVM", "StoppedVM", "DeletingVM", "CreatingVM", "StartingVM", "Preparing", "Provisioning", "CreatingRole", "StartingRole",
)  # fmt: skip
"""The statuses of an instance under reimage; a guest that is busy or restarts by itself shows others."""


def unlisted_away(deployment: Deployment, before: Exchange, after: Exchange) -> dict[str, str]:
    """The instances that `deployment` does not list and that left ReadyRole between two looks, with their status now."""
    was = statuses_in(before)
    return {
        name: status
        for name, status in unlisted_in(deployment, after).items()
        if was.get(name) == READY and status in AWAY
    }


def unlisted_in(deployment: Deployment, look: Exchange) -> dict[str, str]:
    """The instances that a look shows and `deployment` does not list, with their status."""
    listed = {name.lower() for name in deployment.listed_instances}
    return {name: status for name, status in statuses_in(look).items() if name.lower() not in listed}


def _looked_at(world: World, exchanges: Sequence[Exchange]) -> Deployment | None:
    return world.deployment_of(read_target(exchanges[0].request.resource))


def _effect_of_request(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of a request on the instances that left ReadyRole."""
    del verdict
    deployment = _looked_at(world, exchanges)
    if deployment is None:
        return None
    before, request, after = exchanges[:3]
    places = tuple(Place(deployment, name) for name in unlisted_away(deployment, before, after))
    refused = request.reply is not None and request.reply.status >= 400
    return Effect(places, (request.number,), refusal=refused, departs=True)


@effect_on(_effect_of_request)
@check
def unlisted_untouched(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """No instance that the target file does not list leaves ReadyRole after a request of ours.

    Exchanges: a look before, the request, a look after.
    """
    deployment = _looked_at(world, exchanges)
    if deployment is None:
        return
    before, request, after = exchanges[:3]
    changed = unlisted_away(deployment, before, after)
    if not changed:
        return
    name, status = next(iter(changed.items()))
    more = f", and {len(changed) - 1} more that are not listed changed" if len(changed) > 1 else ""
    expected = f"{name}, which the target file does not list in {deployment.path}, stays {READY}"
    asked = read_target(request.request.resource).instance
    what = f"the reimage request for {asked} in {slot_sent(request.request)}" if asked else "the request"
    actual = (
        f"{name} of {deployment.path} left {READY} (now {status}) after {what}, answered {reply_summary(request)}{more}"
    )
    yield about(requirement, request, after).violated(expected, actual, "unlisted-touched")
