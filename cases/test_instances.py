"""Instances: what a reimage does to the role instance that it addresses, and to the others."""

from __future__ import annotations

from math import inf

from reimage_conformance.casebook import (
    SystemUnderTest,
    afterwards,
    at_the_end,
    end_without_second_instance,
    inconclusive_unless,
    not_applicable_unless,
    smoke,
    untested_unless,
    verifies,
)
from reimage_conformance.judging.instances.effects import instance_effect
from reimage_conformance.judging.instances.probes import fresh_installation, storage_kept_and_lost
from reimage_conformance.judging.operations.polls import TERMINAL, status_of
from reimage_conformance.judging.wording import is_conflict
from reimage_conformance.model import Exchange, Why
from reimage_conformance.protocol.deployments import BAD_STATES, READY, statuses_in
from reimage_conformance.protocol.documents import read_document
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.instances import Call, Watch
from reimage_conformance.session.step_runs import Result

from .accepting import results_that_must_succeed
from .looking import end_without_get_deployment, joined, looks


@smoke
@afterwards
@verifies("REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE", "REQ-REIMAGE-SAME-NAME")
async def test_the_instance_goes_offline_and_comes_back(sut: SystemUnderTest) -> None:
    """The instance is taken offline and brought back under its name."""
    judge_watched(sut, await watched(sut), "REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE", "REQ-REIMAGE-SAME-NAME")


@smoke
@afterwards
@verifies("REQ-REIMAGE-OTHERS-UNTOUCHED")
async def test_the_other_instances_stay_as_they_are(sut: SystemUnderTest) -> None:
    """While an instance is reimaged, instances that no request addressed stay ready."""
    watches = await watched(sut)
    end_without_second_instance(sut)
    have_others = any(watch.others for watch in watches)
    untested_unless(have_others, "every other role instance that the target lists was reimaged too")
    judge_watched(sut, watches, "REQ-REIMAGE-OTHERS-UNTOUCHED")


async def watched(sut: SystemUnderTest) -> list[Watch]:
    """What Get Deployment showed during each reimage that succeeded and was observed."""
    sut.instances.require(Call.DEPLOYMENT)
    watches = [
        result.watch
        for result in await results_that_must_succeed(sut)
        if (await sut.reimages.finished(result)).status == "Succeeded" and result.watch is not None
    ]
    inconclusive_unless(
        watches,
        "no reimage that succeeded was watched with Get Deployment",
        because=("REQ-REIMAGE-COMPLETES", "REQ-DEPL-ROOT"),
        why=Why.NO_END,
    )
    return watches


def refused_before_change(sut: SystemUnderTest, watch: Watch) -> list[str]:
    """The other instances of a watch that left ReadyRole after a reimage of them was refused with 409 during the watch."""
    found = []
    for name in watch.others:
        left = next((look.number for look in watch.looks if statuses_in(look).get(name, READY) != READY), 0)
        sent = sut.refusals.reimage_requests_to(Place(watch.place.deployment, name)) if left else []
        if any(is_conflict(each) and watch.operation.start.number < each.number < left for each in sent):
            found.append(name)
    return found


def judge_watched(sut: SystemUnderTest, watches: list[Watch], *requirements: str) -> None:
    """Judges `requirements` from the looks at reimages."""
    with sut.violations_at_the_end():
        for watch in watches:
            refused = refused_before_change(sut, watch)
            sut.judge(
                instance_effect,
                watch.before,
                watch.operation.start,
                *watch.looks,
                instance=watch.place.role_instance,
                others=list(watch.others),
                **({"refused": refused} if refused else {}),
                ended_at=next((p.at for p in watch.operation.polls if status_of(p) in TERMINAL), 0.0),
                waited=round(watch.waited, 3),
                only=list(requirements),
            )


@afterwards
@verifies("REQ-REIMAGE-FRESH-OS")
async def test_a_fresh_operating_system_is_written(sut: SystemUnderTest) -> None:
    """After a reimage the installation is another one."""
    with sut.violations_at_the_end():
        for result in await probed(sut):
            contended = {"contended": True} if result.contention_refused else {}
            start = [result.exchange] if result.exchange is not None else []
            sut.judge(fresh_installation, result.probe_before[0], result.probe_after[0], *start, **contended)


@afterwards
@verifies("REQ-REIMAGE-LOCALSTORE", "REQ-REIMAGE-OTHERDATA-LOST")
async def test_local_storage_is_kept_and_other_data_is_lost(sut: SystemUnderTest) -> None:
    """Data in local storage resources is kept as far as possible; other local data is lost."""
    found = [(*result.probe_before[1:], *result.probe_after[1:]) for result in await probed(sut)]
    sut.judge_each(storage_kept_and_lost, found)


async def probed(sut: SystemUnderTest) -> list[Result]:
    """The results of the steps that succeeded and whose instances the probe read before and after."""
    not_applicable_unless(sut.probe.offered, "the target has no probe")
    found = [
        r
        for r in await results_that_must_succeed(sut)
        if (await sut.reimages.finished(r)).status == "Succeeded" and r.probe_after
    ]
    return inconclusive_unless(
        found,
        "no role instance in which the probe had stored data was reimaged successfully",
        because=("REQ-REIMAGE-COMPLETES",),
    )


@at_the_end
@smoke
@verifies(
    "REQ-DEPL-SEQ",
    "REQ-DEPL-READY",
    "REQ-DEPL-BAD-STATES",
    "REQ-DEPL-LOCKED",
    "REQ-DEPL-STATUS-OLD",
    "REQ-REIMAGE-SUCCEEDED-NOT-READY",
)
async def test_what_reimages_looked_like(sut: SystemUnderTest) -> None:
    """Records the sequence of states, problems of guests, Locked, and the state at the moment of Succeeded."""
    end_without_get_deployment(sut)
    record_states(sut)
    record_trails(sut)
    old = await sut.instances.look(sut.planner.main, version="2010-10-28")
    sut.observe("REQ-DEPL-STATUS-OLD", f"under 2010-10-28: {joined(statuses_in(old).values(), 'not shown')}", old)


def _trail(instance: str, seen: list[Exchange]) -> list[str]:
    """The states of an instance in the looks `seen`; a state that several looks in a row show is given once."""
    states = [statuses_in(e).get(instance, "missing") for e in seen]
    return [s for i, s in enumerate(states) if i == 0 or states[i - 1] != s]


def record_states(sut: SystemUnderTest) -> None:
    """Records every state that was shown, and Locked."""
    seen = looks(sut)
    states = {state for look in seen for state in statuses_in(look).values()}
    locked = [read_document(e.reply).text("Locked") or "not shown" for e in seen if e.reply is not None]
    sut.observe("REQ-DEPL-READY", f"states seen: {joined(states, '')}", *seen[:1])
    bad = joined(states & set(BAD_STATES), "none")
    sut.observe("REQ-DEPL-BAD-STATES", f"problem states seen: {bad}", *seen[:1])
    sut.observe("REQ-DEPL-LOCKED", f"Locked: {joined(locked, 'not shown')}", *seen[:1])


def record_trails(sut: SystemUnderTest) -> None:
    """Records the states that a reimaged instance went through, and its state at the moment of Succeeded."""
    watches = [watch for watch in sut.instances.watches if watch.looks]
    trails = sorted({" > ".join(_trail(watch.place.role_instance, watch.looks)) for watch in watches})
    succeeded = [watch for watch in watches if watch.operation.status == "Succeeded"]
    at_end = joined((_status_at_end(watch) for watch in succeeded), "not seen")
    what, seen = f"at the moment of Succeeded the instance is {at_end}", looks(sut)[:1]
    sut.observe("REQ-DEPL-SEQ", f"states during a reimage: {'; '.join(trails[:4]) or 'none seen'}", *seen)
    sut.observe("REQ-REIMAGE-SUCCEEDED-NOT-READY", what, *seen)


def _status_at_end(watch: Watch) -> str:
    """The state of an instance in the first look after the poll that showed Succeeded, or in the last look."""
    polls = (poll for poll in watch.operation.polls if status_of(poll) == "Succeeded")
    end = next((poll.at + poll.elapsed for poll in polls), inf)
    look = next((look for look in watch.looks if look.at >= end), watch.looks[-1])
    return statuses_in(look).get(watch.place.role_instance, "missing")
