"""Reimages that are refused while another one runs: how they are sent, and what is judged about them."""

from __future__ import annotations

from dataclasses import dataclass, field

from reimage_conformance.casebook import SystemUnderTest
from reimage_conformance.judging.concurrency import contended, is_prolonged, seconds_until_prolonged, undisturbed
from reimage_conformance.judging.instances.probes import fresh_installation, installation_in, installation_unchanged
from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.judging.request import instance_untouched, nothing_left_behind
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Exchange
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.groups import left_ready
from reimage_conformance.session.operations import Operation, State

REIMAGES_ONCE_MORE = 3
"""What `contend_once_more` may start: a reimage alone, another one, and one that is accepted when that has ended."""


@dataclass
class Contention:
    """Reimages of one instance that are refused while another instance is reimaged, and what was seen of both.

    `operation` is that of the running reimage, `other` the instance whose reimages are refused. `look_before` and
    `installation_before` show this instance before the running reimage was started, None where the target does not offer
    that; `look_after` and `installation_after` show it later. `running_installation` is the installation that the running
    reimage has to replace, None unless earlier probes showed that reimages write new ones. `is_accepted` says that the last
    reimage of `other` was accepted. `usual_seconds` is the longest time that an earlier operation took, 0 if none ended.
    `prolonged_after_seconds` is after how many seconds of refusals the running one counts as prolonged by them.
    """

    operation: Operation
    other: Place
    look_before: Exchange | None
    installation_before: Exchange | None
    running_installation: Exchange | None
    usual_seconds: float
    prolonged_after_seconds: float
    refused: list[Exchange] = field(default_factory=list)
    is_accepted: bool = False
    look_after: Exchange | None = None
    installation_after: Exchange | None = None


def writes_new_installations(sut: SystemUnderTest) -> bool:
    """Whether the probe showed that reimages write a new installation where no other reimage was sent meanwhile."""
    uncontended = [r for r in sut.campaign.results.values() if r.probe_after and r.same is None and r.other is None]
    return any(installation_in(r.probe_after[0]) != installation_in(r.probe_before[0]) for r in uncontended)


async def start_for_contention(
    sut: SystemUnderTest, place: Place, other: Place, *, after: Contention | None = None
) -> Contention:
    """Starts a reimage of `place`, once it and `other` are ready.

    First it looks at `other`, and reads the installations of both, where the target offers that. `after` is a contention in
    which the running reimage was prolonged: its duration does not count as usual.
    """
    await sut.instances.until_ready(place)
    running = await sut.probe.installation(place) if writes_new_installations(sut) else None
    look = await sut.instances.until_ready(other)
    installation = await sut.probe.installation(other) if sut.probe.offered else None
    ended = (each for each in sut.operations.all if each.state is State.ENDED)
    usual = max((each.duration for each in ended if after is None or each is not after.operation), default=0)
    operation = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
    prolonged_after = seconds_until_prolonged(usual, sut.target.limits.operation_timeout_seconds) if usual else 0.0
    return Contention(operation, other, look, installation, running, usual, prolonged_after)


async def reimage_other_meanwhile(sut: SystemUnderTest, contention: Contention) -> None:
    """Sends reimages of the other instance, in both forms in turn, as long as the running one goes on and they are refused with 409.

    It sends no more when the running one counts as prolonged by them and has had its usual time besides; it sends none if no earlier
    operation ended. Then it waits for the end of the running one. The other instance is looked at after each refusal, because the
    last reimage may be accepted: the end of the running one is not seen at once.
    """
    deadline = sut.sender.clock.now() + contention.prolonged_after_seconds + contention.usual_seconds
    while contention.operation.is_under_way and sut.sender.clock.now() < deadline:
        form = UriForm.SLOT if len(contention.refused) % 2 else UriForm.NAME
        exchange = await sut.send(sut.builder.reimage(contention.other, form), label="contend:other")
        contention.is_accepted = exchange.is_successful
        if contention.is_accepted:  # presumably since the running reimage had ended
            await sut.reimages.book(exchange, contention.other, form).over.wait()
        if not is_conflict(exchange):
            break
        contention.refused.append(exchange)
        await look_at_other(sut, contention)
        await sut.operations.wait_one_poll_interval(contention.operation)
    await contention.operation.over.wait()
    if contention.refused and not contention.is_accepted:
        await look_at_other(sut, contention)


async def look_at_other(sut: SystemUnderTest, contention: Contention) -> None:
    """Looks at the other instance if it was looked at before, and reads its installation if that was read before.

    Keeps the first look that shows a change.
    """
    before = contention.look_before
    if before is not None and not left_ready(contention.other, before, contention.look_after):
        contention.look_after = await sut.instances.look(contention.other.deployment)
    if contention.installation_before is not None:
        contention.installation_after = await sut.probe.installation(contention.other)


def is_prolonged_by_refusals(contention: Contention) -> bool:
    """Whether the running reimage took far longer than others, and ended once no more were refused."""
    end = next((poll for poll in contention.operation.polls if status_of(poll) in TERMINAL), None)
    if end is None or not contention.refused or not contention.usual_seconds:
        return False
    start, last = contention.operation.start, contention.refused[-1]
    return is_prolonged(start, last, end, contention.prolonged_after_seconds)


async def contend_once_more(sut: SystemUnderTest, first: Contention) -> Contention | None:
    """Sends refused reimages during a second reimage of the instance, after one during which none was refused.

    None where the budget has no room for these, where that one took long too, so that the first one was not prolonged by the
    refusals, and where no reimage was refused during the second.
    """
    place = first.operation.place
    if place is None or not sut.reimages.may_start(REIMAGES_ONCE_MORE):
        return None
    alone = sut.reimages.book(await sut.reimages.start(place, UriForm.SLOT), place, UriForm.SLOT)
    await alone.over.wait()
    if alone.state is not State.ENDED or alone.duration > first.prolonged_after_seconds:
        return None
    second = await start_for_contention(sut, place, first.other, after=first)
    await reimage_other_meanwhile(sut, second)
    return second if second.refused else None


def judge_running(sut: SystemUnderTest, contention: Contention, *, prolonged_before: int = 0) -> None:
    """Judges that the refusals did not disturb the running reimage; `prolonged_before` is as for `undisturbed`."""
    refused, operation = contention.refused, contention.operation
    before = {"prolonged_before": prolonged_before} if prolonged_before else {}
    arguments = {"refusals": len(refused), "usual_seconds": round(contention.usual_seconds, 3), **before}
    sut.judge(undisturbed, operation.start, *refused, *operation.polls, **arguments)


async def judge_refusals(sut: SystemUnderTest, contention: Contention) -> None:
    """Judges that the refusals did not disturb the running reimage, and judges one refusal of each form.

    Where the running one took far longer than others, a second one shows whether that was because of the refusals.
    """
    refused, operation = contention.refused, contention.operation
    second = await contend_once_more(sut, contention) if is_prolonged_by_refusals(contention) else None
    if second is None:
        judge_running(sut, contention)
    else:
        judge_running(sut, second, prolonged_before=operation.start.number)
    for exchange in refused[:2]:  # one of each form
        sut.judge(contended, operation.start, exchange, requirement="REQ-CONC-OTHER", ended=True)
        await judge_no_operation_has_id_of(sut, exchange)


async def judge_no_operation_has_id_of(sut: SystemUnderTest, refusal: Exchange) -> None:
    """Judges that the request id of a refusal, if it has one, is not that of an operation InProgress or Succeeded."""
    poll = await sut.refusals.poll_of(refusal)
    if poll is not None:
        sut.judge(nothing_left_behind, refusal, poll)


def judge_other_instance(sut: SystemUnderTest, contention: Contention) -> None:
    """Judges from the looks and the probe that the refused reimages did not change their instance."""
    requirement, refusal, other = "REQ-GOS-NOTFOUND-NOEFFECT", contention.refused[0], contention.other
    before, after = contention.look_before, contention.look_after
    if before is not None and after is not None:
        addressed = {"requirement": requirement, "instance": other.role_instance, "beside": True}
        sut.judge(instance_untouched, before, refusal, after, **addressed)
    before, after = contention.installation_before, contention.installation_after
    if before is not None and after is not None:
        arguments = {"requirement": requirement, "what": "a reimage that was refused with 409"}
        sut.judge(installation_unchanged, before, after, refusal, **arguments)


async def judge_running_reimage(sut: SystemUnderTest, contention: Contention) -> None:
    """Judges from the probe that the running reimage, if it succeeded, wrote a new installation."""
    place, before = contention.operation.place, contention.running_installation
    if before is not None and place is not None and contention.operation.status == "Succeeded":
        written = await sut.reimages.await_installation(place, before)
        sut.judge(fresh_installation, before, written, requirement="REQ-CONC-REFUSED-NOEFFECT")
