"""What happens once an endpoint touches what is not listed: a finding, and no more requests of the kind."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any, cast

import pytest

from counting_endpoint import Thing, document
from judging_samples import BUILDER, TARGET, world
from reimage_conformance.detection.forking import Found, JudgedEmulator, judge_each
from reimage_conformance.detection.shapes import Shape
from reimage_conformance.emulator.layouts import DeploymentLayout, InstanceLayout
from reimage_conformance.judging.instances.unlisted import unlisted_untouched
from reimage_conformance.judging.registry import judge
from reimage_conformance.model import Exchange, Outcome, Response, Verdict
from reimage_conformance.protocol.requests import Place
from reimage_conformance.session.guarding import Guard
from reimage_conformance.session.operation import Operation, State

if TYPE_CHECKING:
    from reimage_conformance.judging.registry import Check

DEPLOYMENT = TARGET.deployments[0]
LISTED = DEPLOYMENT.role_instances[0]


def look(number: int, **statuses: str) -> Exchange:
    """Get Deployment shows these instances."""
    shown = Thing("", DEPLOYMENT.cloud_service, DEPLOYMENT.slot, DEPLOYMENT.name, (LISTED, *statuses))
    text = document(shown, 1)
    for name, status in statuses.items():
        text = text.replace(
            f"<InstanceName>{name}</InstanceName><InstanceStatus>ReadyRole",
            f"<InstanceName>{name}</InstanceName><InstanceStatus>{status}",
        )
    reply = Response(200, headers=(("Content-Type", "application/xml"),), body=text.encode())
    return Exchange(number, BUILDER.deployment(DEPLOYMENT), reply)


def judged(before: Exchange, after: Exchange) -> list[Verdict]:
    """What comes of a refused request between two looks."""
    request = replace(BUILDER.reimage(Place(DEPLOYMENT, LISTED)), method="DELETE")
    return judge(
        world(), unlisted_untouched, [before, Exchange(2, request, Response(400)), after], requirement="REQ-ERR-VERB"
    )


@pytest.mark.parametrize("status", ["StoppedVM", "StartingVM", "CreatingVM"])
def test_an_unlisted_instance_that_leaves_is_a_finding(status: str) -> None:
    (verdict,) = judged(look(1, Rest="ReadyRole"), look(3, Rest=status))

    assert (verdict.requirement, verdict.outcome, verdict.symptom) == (
        "REQ-ERR-VERB",
        Outcome.VIOLATED,
        "unlisted-touched",
    )
    assert "Rest, which the target file does not list" in verdict.expected


@pytest.mark.parametrize(
    ("was", "now"),
    [("ReadyRole", "ReadyRole"), ("ReadyRole", "RestartingRole"), ("ReadyRole", "BusyRole"), ("StoppedVM", "StartingVM"), ("ReadyRole", "CyclingRole")],
)  # fmt: skip
def test_what_an_instance_does_by_itself_is_none(was: str, now: str) -> None:
    assert judged(look(1, Rest=was), look(3, Rest=now)) == []


class Recorder:
    """Keeps exchanges as they are answered, and the evidence of what is judged."""

    def __init__(self) -> None:
        self.world = world()
        self.exchanges: list[Exchange] = []
        self.judged: list[tuple[int, ...]] = []

    def judge(self, check: Check, exchanges: list[Exchange], **arguments: str) -> list[Verdict]:
        """Judges exchanges."""
        self.judged.append(tuple(each.number for each in exchanges))
        return judge(self.world, check, exchanges, **arguments)


class Started:
    """The operations of a run: none, unless some are given."""

    def __init__(self, *operations: Operation) -> None:
        self.all = operations


@pytest.mark.parametrize("order", list(permutations((2, 3, 4))))
def test_a_look_that_is_answered_before_a_request_that_it_overtook_waits_for_it(order: tuple[int, ...]) -> None:
    bad = replace(BUILDER.reimage(Place(DEPLOYMENT, LISTED)), method="DELETE")
    seen = {2: Exchange(2, bad, Response(202)), 3: look(3, Rest="StoppedVM"), 4: look(4, Rest="StoppedVM")}
    recorder = Recorder()
    guard = Guard(cast("Any", recorder), cast("Any", Started()))
    for exchange in (look(1, Rest="ReadyRole"), *(seen[number] for number in order)):
        recorder.exchanges.append(exchange)
        guard.take(exchange)

    assert recorder.judged == [(1, 2, 3 if order.index(3) < order.index(4) else 4)]
    assert guard.why_blocked(bad, recorder.world).startswith(
        "Rest left ReadyRole in deployment contoso/contoso-v2 after a request of this kind"
    )


def test_an_instance_that_leaves_by_itself_is_held_against_no_later_request() -> None:
    bad = replace(BUILDER.reimage(Place(DEPLOYMENT, LISTED)), method="DELETE")
    recorder = Recorder()
    guard = Guard(cast("Any", recorder), cast("Any", Started()))
    for exchange in (look(1, Rest="ReadyRole"), look(2, Rest="StoppedVM"), Exchange(3, bad, Response(400))):
        recorder.exchanges.append(exchange)
        guard.take(exchange)

    assert recorder.judged == []
    assert guard.why_blocked(bad, recorder.world) == ""


@pytest.mark.parametrize(("status", "is_blamed"), [("Succeeded", True), ("Failed", False)])
def test_an_unlisted_instance_may_leave_after_the_operation_that_addresses_nothing_listed(
    status: str, *, is_blamed: bool
) -> None:
    """An instance may leave after Succeeded. An operation that failed late because of its request reimaged nothing."""
    phantom = Exchange(1, BUILDER.reimage(Place(DEPLOYMENT, "NoSuchRole_IN_0")), Response(202))
    recorder = Recorder()
    guard = Guard(
        cast("Any", recorder),
        cast("Any", Started(Operation(phantom, "id", 0.0, state=State.ENDED, status=status))),
    )
    for exchange in (phantom, look(2, Rest="ReadyRole"), look(3, Rest="StoppedVM")):
        recorder.exchanges.append(exchange)
        guard.take(exchange)

    assert recorder.judged == ([(2, 1, 3)] if is_blamed else [])
    assert bool(guard.why_blocked(phantom.request, recorder.world)) is is_blamed


NAMES = ("WebRole1_IN_0", "WebRole1_IN_1", "WebRole1_IN_2")


def layout(*names: str) -> tuple[DeploymentLayout, ...]:
    """One deployment with these instances."""
    return (DeploymentLayout("contoso", "production", "v1", tuple(InstanceLayout("WebRole1", name) for name in names)),)


def run(fault: str, *listed: str, selection: str) -> Found:
    """What comes of a run against a deployment of which these are listed."""
    shape = Shape("part", "a part", layout(*NAMES), 6, probe=False, listed=layout(*listed))
    (found,) = judge_each([JudgedEmulator(fault, (fault,), shape=shape)], selection=selection)
    return found


def test_no_more_requests_go_out_of_a_kind_that_touched_what_is_not_listed() -> None:
    found = run(
        "instance-unknown-is-first[slot]",
        "WebRole1_IN_2",
        selection="unknown_instance or near_misses or malformed_instance",
    )

    assert found.unlisted == ("contoso/v1/WebRole1_IN_0",)
    assert "REQ-REIMAGE-UNKNOWN-INSTANCE" in found.findings
