"""Reimages that are refused while another one runs: how they are sent, and what is judged of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from reimage_conformance.casebook import SystemUnderTest
from reimage_conformance.judging.concurrency import contended, prolonged_after, undisturbed
from reimage_conformance.judging.instances.probes import fresh_installation, installation_in, installation_unchanged
from reimage_conformance.judging.request import instance_untouched, nothing_left_behind
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Exchange
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.groups import is_changed
from reimage_conformance.session.operations import Operation, State


@dataclass
class Contention:
    """Reimages of one instance that are refused while another instance is reimaged, and what was seen of both.

    `operation` is the running reimage, `other` the instance whose reimages are refused. `look` and `installation`
    show the refused instance before, `own` the installation of the running one, each where the target offers that.
    `after` and `installation_after` show the refused instance later. `is_accepted` says that one of its reimages was
    accepted in the end. `usual_seconds` is the longest time that an operation took, `allowed_seconds` how long the
    running one may go on.
    """

    operation: Operation
    other: Place
    look: Exchange | None
    installation: Exchange | None
    own: Exchange | None
    usual_seconds: float
    allowed_seconds: float
    refused: list[Exchange] = field(default_factory=list)
    is_accepted: bool = False
    after: Exchange | None = None
    installation_after: Exchange | None = None


def writes_afresh(sut: SystemUnderTest) -> bool:
    """Whether the probe showed that reimages write a fresh installation, if no other reimage meets them."""
    quiet = [r for r in sut.campaign.results.values() if r.probe_after and r.same is None and r.other is None]
    return any(installation_in(r.probe_after[0]) != installation_in(r.probe_before[0]) for r in quiet)


async def start_for_contention(sut: SystemUnderTest, place: Place, other: Place) -> Contention:
    """Starts a reimage of `place`, once it and `other` are ready.

    Before, it looks at both instances and at their installations, where the target offers that.
    """
    await sut.instances.until_ready(place)
    own = await sut.probe.installation(place) if writes_afresh(sut) else None
    look = await sut.instances.until_ready(other)
    installation = await sut.probe.installation(other) if sut.probe.offered else None
    usual = max((operation.duration for operation in sut.operations.all if operation.state is State.ENDED), default=0)
    operation = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
    allowed = prolonged_after(usual, sut.target.limits.operation_timeout_seconds) if usual else 0.0
    return Contention(operation, other, look, installation, own, usual, allowed)


async def refuse_while_it_runs(sut: SystemUnderTest, seen: Contention) -> None:
    """Sends reimages of the other instance, in both forms in turn, until the running one ends or one is not refused.

    Then waits for the end. The refused instance is looked at after each refusal, because the last reimage may be
    accepted: the end of the running one is not seen at once.
    """
    deadline = sut.sender.clock.now() + seen.allowed_seconds + seen.usual_seconds
    while seen.operation.is_under_way and sut.sender.clock.now() < deadline:
        form = UriForm.SLOT if len(seen.refused) % 2 else UriForm.NAME
        exchange = await sut.send(sut.builder.reimage(seen.other, form), label="contend:other")
        seen.is_accepted = exchange.is_successful
        if seen.is_accepted:  # the first one was over already
            await sut.reimages.book(exchange, seen.other, form).over.wait()
        if not is_conflict(exchange):
            break
        seen.refused.append(exchange)
        await look_at_refused(sut, seen)
        await sut.operations.wait_one_poll_interval(seen.operation)
    await seen.operation.over.wait()
    if seen.refused and not seen.is_accepted:
        await look_at_refused(sut, seen)


async def look_at_refused(sut: SystemUnderTest, seen: Contention) -> None:
    """Looks at the instance whose reimages are refused, and reads its probe, where both could be had before.

    Keeps the first look that shows a change.
    """
    if seen.look is not None and not is_changed(seen.other, seen.look, seen.after):
        seen.after = await sut.instances.look(seen.other.deployment)
    if seen.installation is not None:
        seen.installation_after = await sut.probe.installation(seen.other)


async def judge_refusals(sut: SystemUnderTest, seen: Contention) -> None:
    """Judges that the refusals did not prolong the running reimage, and one refusal of each form."""
    refused, operation = seen.refused, seen.operation
    arguments = {"refusals": len(refused), "usual_seconds": round(seen.usual_seconds, 3)}
    sut.judge(undisturbed, operation.start, *refused, *operation.polls, **arguments)
    for exchange in refused[:2]:  # one of each form
        sut.judge(contended, operation.start, exchange, requirement="REQ-CONC-OTHER", ended=True)
        await judge_id(sut, exchange)


async def judge_id(sut: SystemUnderTest, refusal: Exchange) -> None:
    """Judges that the id of a refusal, if it carries one, is no operation."""
    poll = await sut.refusals.poll_of(refusal)
    if poll is not None:
        sut.judge(nothing_left_behind, refusal, poll)


def judge_refused_instance(sut: SystemUnderTest, seen: Contention) -> None:
    """Judges by the looks and by the probe that the refused instance did not change."""
    requirement, refusal = "REQ-GOS-NOTFOUND-NOEFFECT", seen.refused[0]
    if seen.look is not None and seen.after is not None:
        addressed = {"requirement": requirement, "instance": seen.other.role_instance, "beside": True}
        sut.judge(instance_untouched, seen.look, refusal, seen.after, **addressed)
    if seen.installation is not None and seen.installation_after is not None:
        arguments = {"requirement": requirement, "what": "a reimage that was refused with 409"}
        sut.judge(installation_unchanged, seen.installation, seen.installation_after, refusal, **arguments)


async def judge_running_reimage(sut: SystemUnderTest, seen: Contention) -> None:
    """Judges by the probe that the running reimage wrote a fresh installation."""
    place = seen.operation.place
    if seen.own is not None and place is not None and seen.operation.status == "Succeeded":
        written = await sut.reimages.await_installation(place, seen.own)
        sut.judge(fresh_installation, seen.own, written, requirement="REQ-CONC-REFUSED-NOEFFECT")
