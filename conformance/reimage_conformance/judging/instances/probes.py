"""Checks of what the probe, which looks inside a role instance, shows of a reimage (area probe)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reimage_conformance.judging.registry import NOBODY, Effect, about, check, effect_on
from reimage_conformance.protocol.requests import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict


def probed_place(world: World, exchange: Exchange) -> Place | None:
    """The listed role instance that a request to the probe addresses, None where it addresses no such instance."""
    for deployment in world.target.deployments:
        for name in world.instances(deployment):
            place = Place(deployment, name)
            path = place.probe_path(world.target.probe_url or "")
            if exchange.request.target == path or exchange.request.target.startswith(f"{path}/"):
                return place
    return None


def _effect_of_reimage(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect of a reimage that the probe saw; its request is the third exchange, where it is known."""
    del verdict
    place = probed_place(world, exchanges[0])
    started = tuple(exchange.number for exchange in exchanges[2:] if exchange.label != "probe")
    return None if place is None else Effect((place,), started)


def _effect_of_no_request(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """An effect that none of our requests should have had; the requests in question come after the two looks."""
    place = probed_place(world, exchanges[0])
    others = verdict.requirement == "REQ-REIMAGE-OTHERS-UNTOUCHED"
    judged = tuple(exchange.number for exchange in exchanges[2:])
    return None if place is None else Effect((place,), judged or NOBODY, refusal=not others, anywhere=not others)


def installation_in(exchange: Exchange) -> str:
    """The installation id that a probe's answer holds, or ""."""
    if exchange.reply is None or exchange.reply.status != 200:
        return ""
    try:
        found = json.loads(exchange.reply.body)
    except ValueError:
        return ""
    return str(found.get("installation_id", "")) if isinstance(found, dict) else ""


def _installation_id_of(world: World, look: Exchange) -> str:
    """The value that two looks of the probe compare, with the role instance that they looked into."""
    place = probed_place(world, look)
    return f"the probe's installation id of {place}" if place is not None else "the probe's installation id"


@effect_on(_effect_of_reimage)
@check
def fresh_installation(
    world: World, exchanges: Sequence[Exchange], requirement: str = "REQ-REIMAGE-FRESH-OS", *, contended: bool = False
) -> Iterator[Verdict]:
    """A reimage that succeeded wrote a fresh guest OS (REQ-REIMAGE-FRESH-OS).

    Exchanges: probe before, probe after, the 202 if it is known. `contended` says that other reimages were refused
    while this one ran; the verdict is the same, but they may have disturbed it (`reimage_conformance.assessment.causes`).
    """
    del contended
    before, after = installation_in(exchanges[0]), installation_in(exchanges[1])
    verdict = about(requirement, exchanges[1], exchanges[0], *exchanges[2:])
    if not before or not after:
        yield verdict.inconclusive("the probe's answer has no installation id")
    else:
        expected = "a new installation id, as the probe in the guest reports it, after the reimage"
        change = f"is still {after}" if before == after else f"changed from {before} to {after}"
        actual = f"{_installation_id_of(world, exchanges[0])} {change}"
        yield verdict.judged(before != after, expected, actual, "same-installation")


@effect_on(_effect_of_reimage)
@check
def storage_kept_and_lost(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Local storage is kept, other local data is lost (REQ-REIMAGE-LOCALSTORE, REQ-REIMAGE-OTHERDATA-LOST).

    Exchanges: the two markers read before the reimage (local storage, other), then both read after it.
    """
    place = probed_place(world, exchanges[0])
    where = f" of {place}" if place is not None else ""
    local_before, other_before, local_after, other_after = exchanges[:4]
    kept_verdict, lost_verdict = (
        about("REQ-REIMAGE-LOCALSTORE", local_after, local_before),
        about("REQ-REIMAGE-OTHERDATA-LOST", other_after, other_before),
    )
    if not _is_answered(local_after) or not _is_answered(other_after):
        for verdict in (kept_verdict, lost_verdict):
            yield verdict.inconclusive("the probe did not answer after the reimage")
        return
    if not _holds(local_before):
        yield kept_verdict.inconclusive("the probe did not store the data that was sent to it before the reimage")
    else:
        is_kept = _content(local_after) == _content(local_before)
        yield kept_verdict.judged(
            is_kept,
            "what the probe stored in local storage is still there",
            f"what the probe stored in local storage{where} before the reimage is {'still there' if is_kept else 'gone'}",
            "local-storage-lost",
        )
    if not _holds(other_before):
        yield lost_verdict.inconclusive("the probe did not store the data that was sent to it before the reimage")
    else:
        is_lost = not _holds(other_after)
        yield lost_verdict.judged(
            is_lost,
            "what the probe stored outside local storage is gone",
            f"what the probe stored outside local storage{where} before the reimage is {'gone' if is_lost else 'still there'}",
            "other-data-kept",
        )


def _is_answered(exchange: Exchange) -> bool:
    """Whether the probe itself answered, with 404 too. For an instance that is offline, a gateway may answer 5xx."""
    return exchange.reply is not None and exchange.reply.status < 500


def _holds(exchange: Exchange) -> bool:
    """Whether a probe read found something."""
    return exchange.reply is not None and exchange.reply.status == 200 and bool(exchange.reply.body)


def _content(exchange: Exchange) -> bytes:
    """What a probe read found."""
    return exchange.reply.body if exchange.reply is not None and _holds(exchange) else b""


@effect_on(_effect_of_no_request)
@check
def installation_unchanged(
    world: World, exchanges: Sequence[Exchange], requirement: str, what: str
) -> Iterator[Verdict]:
    """Refused requests, and requests for other instances, did not change an installation.

    Exchanges: probe before, probe after, the requests.
    """
    before, after = installation_in(exchanges[0]), installation_in(exchanges[1])
    if before and after and before != after:
        verdict = about(requirement, *exchanges[2:3], exchanges[1])
        installation_id = _installation_id_of(world, exchanges[0])
        expected, actual = f"{installation_id} stays the same", f"{installation_id} changed after {what}"
        yield verdict.violated(expected, actual, "reinstalled")
        if requirement != "REQ-GOS-NOTFOUND-NOEFFECT" and what.startswith("refused"):
            yield about("REQ-GOS-NOTFOUND-NOEFFECT", *exchanges[2:3], exchanges[1]).violated(
                "a refused reimage has no effect",
                actual,
                "reinstalled",
            )


@effect_on(_effect_of_no_request)
@check
def sibling_is_no_reimage(world: World, exchanges: Sequence[Exchange], sibling: str) -> Iterator[Verdict]:
    """A request with the name of a sibling operation in comp reimaged nothing (REQ-REIMAGE-COMP).

    Exchanges: probe before, probe after, the request.
    """
    before, after = installation_in(exchanges[0]), installation_in(exchanges[1])
    verdict = about("REQ-REIMAGE-COMP", exchanges[2], exchanges[1])
    if sibling == "rebuild" and exchanges[2].is_successful:
        yield verdict.observed("comp=rebuild was accepted, and a rebuild writes a fresh installation too")
    elif not before or not after:
        yield verdict.inconclusive("the probe's answer has no installation id")
    else:
        expected = f"comp={sibling} reimages nothing"
        change = "is unchanged" if before == after else f"changed from {before} to {after}"
        actual = f"{_installation_id_of(world, exchanges[0])} {change} after comp={sibling}"
        yield verdict.judged(before == after, expected, actual, "sibling-reimages")
