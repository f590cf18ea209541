"""Intervals: no verdict about an effect rests on an interval in which another request of ours may have caused it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from judging_samples import (
    BUILDER,
    FABRIKAM,
    FAILED,
    NO_COMP,
    NO_VERSION,
    NOBODY,
    OTHER_ID,
    POLL,
    PRODUCTION,
    REIMAGE,
    REIMAGE_BY_NAME,
    RUNNING,
    STAGING,
    SUCCEEDED,
    TARGET,
    deployment,
    error,
    exchange,
    instance,
    look,
    numbered,
    operation,
    poll,
    refusal,
    silent,
    started,
    world,
)
from reimage_conformance.assessment import assess
from reimage_conformance.assessment.intervals import Intervals
from reimage_conformance.assessment.spontaneous import Weighing
from reimage_conformance.config import target_to_mapping
from reimage_conformance.journal import Journal
from reimage_conformance.judging import CHECKS, judge
from reimage_conformance.judging.registry import EFFECTS
from reimage_conformance.model import Exchange, FailureKind, Identity, Limits, Outcome, Request, Verdict
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place, with_header, without_header

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reimage_conformance.judging.world import World

MET, VIOLATED, INCONCLUSIVE = Outcome.MET, Outcome.VIOLATED, Outcome.INCONCLUSIVE
OWN, OTHER = "WebRole1_IN_0", "WebRole1_IN_1"
SHARED = BUILDER.reimage(Place(STAGING, OWN))
"""A sound reimage of the instance of the same name in the other slot."""
NEIGHBOUR = BUILDER.reimage(Place(PRODUCTION, OTHER))
LIMITS = Limits(poll_interval_seconds=0.1, operation_timeout_seconds=60.0)
SERVICE = (
    '<HostedService xmlns="http://schemas.microsoft.com/windowsazure"><Deployments>{}</Deployments></HostedService>'
)
NEIGHBOUR_UNVERSIONED = without_header(NEIGHBOUR, "x-ms-version")


def world_with_limits(**changes: Any) -> World:
    return world(limits=LIMITS, **changes)


def timed(*exchanges: Exchange) -> list[Exchange]:
    """The exchanges in the order of their moments, numbered in that order."""
    return [replace(each, number=n) for n, each in enumerate(sorted(exchanges, key=lambda e: e.at), start=1)]


def ready(at: float, **others: str) -> Exchange:
    """A look that shows every instance ready but those named."""
    return look({OWN: "ReadyRole", OTHER: "ReadyRole", **others}, at=at, label="look")


def away(at: float) -> Exchange:
    return ready(at, **{OWN: "StoppedVM"})


def bad(at: float, request: Request = NO_VERSION, **fields: Any) -> Exchange:
    """The refused request whose effect is judged."""
    return replace(refusal(request, 400, "MissingOrIncorrectVersionHeader"), at=at, label="judged", **fields)


def examined(*others: Exchange, then: Exchange | None = None, where: World | None = None) -> list[Verdict]:
    """The verdicts on a look at 10 s, a refusal at 11 s and a look at 12 s; `others` are the rest of the run."""
    seen = timed(ready(10.0), bad(11.0), then or ready(12.0), *others)
    given = [e for e in seen if (e.label == "look" and e.at in (10.0, 11.5, 12.0)) or e.label == "judged"]
    where = where or world_with_limits()
    made = judge(where, CHECKS["instance_untouched"], given, requirement="REQ-VER-MISSING", instance=OWN)
    return weighed_by(made, numbered(*seen), where)


def weighed_by(made: Sequence[Verdict], seen: Mapping[int, Exchange], where: World) -> list[Verdict]:
    """The verdicts as they count by the exchanges `seen`."""
    return Weighing(Intervals.of(seen.values())).weighed(made, where)


def outcomes(verdicts: Sequence[Verdict]) -> dict[str, Outcome]:
    return {verdict.requirement: verdict.outcome for verdict in verdicts}


TOUCHED = {"REQ-VER-MISSING": VIOLATED, "REQ-GOS-NOTFOUND-NOEFFECT": VIOLATED}
ENDED = poll(SUCCEEDED, at=6.0)
INCONCLUSIVE_WITH = {
    "its operation runs": [started(at=5.0), poll(RUNNING, at=6.0)],
    "its operation ends while it is looked at": [started(at=5.0), poll(SUCCEEDED, at=11.5)],
    "it starts between the looks": [started(at=10.5)],
    "it starts between the looks by the other form": [started(REIMAGE_BY_NAME, at=11.5)],
    "it may still leave": [started(at=8.5), poll(SUCCEEDED, at=9.5)],
    "its operation is not known": [started(at=5.0, identifier="")],
    "it got no reply": [silent(REIMAGE, at=5.0)],
    "the reply was cut short": [exchange(REIMAGE, 202, failure=FailureKind.TRUNCATED, at=5.0)],
    "a gateway gave up on it": [exchange(REIMAGE, 504, at=5.0)],
    "it was under way at the same time": [replace(started(at=9.0), elapsed=1.5)],
    "a PUT was accepted as a reimage": [exchange(replace(REIMAGE, method="PUT"), 202, at=10.5)],
    "a bad request was accepted": [exchange(NO_COMP, 202, at=10.5)],
    "it is spelt in another case": [
        started(replace(REIMAGE, target=REIMAGE.target.replace("/production/", "/Production/")), at=10.5)
    ],
}


@pytest.mark.parametrize("others", INCONCLUSIVE_WITH.values(), ids=INCONCLUSIVE_WITH)
@pytest.mark.parametrize("then", [ready(12.0), away(12.0)], ids=["ready", "away"])
def test_no_verdict_is_made_while_our_own_reimage_may_change_the_instance(
    others: list[Exchange], then: Exchange
) -> None:
    found = examined(*others, then=then)

    assert {verdict.outcome for verdict in found} == {INCONCLUSIVE}


@pytest.mark.parametrize(
    ("state", "outcome"), [("ReadyRole", INCONCLUSIVE), ("StoppedVM", VIOLATED)], ids=["it stayed", "it left too"]
)
def test_a_reimage_whose_own_instance_stayed_may_have_reached_this_one(state: str, outcome: Outcome) -> None:
    own = started(NEIGHBOUR, at=10.6)
    neighbour = look({OWN: "StoppedVM", OTHER: state}, at=12.6, label="later")
    later = look({OWN: "ReadyRole", OTHER: "ReadyRole"}, at=300.0, label="later")
    found = examined(own, neighbour, poll(SUCCEEDED, at=13.0), later, then=away(12.0))

    assert {verdict.outcome for verdict in found} == {outcome}


CONCLUSIVE_WITH = {
    "nothing of ours was sent": [],
    "it ended and was seen back": [started(at=4.0), away(4.5), poll(SUCCEEDED, at=5.0), away(5.2), ready(7.0)],
    "it left late and came back": [started(at=4.0), poll(SUCCEEDED, at=5.0), away(5.5), ready(9.0)],
    "it ended without an id and was seen back": [started(at=4.0, identifier=""), away(5.0), ready(8.0)],
    "it was sent after the looks": [started(at=12.5)],
    "it was refused": [refusal(REIMAGE, 409, "ConflictError"), replace(bad(10.5, NO_COMP), label="")],
    "it was answered 500 InternalError": [exchange(REIMAGE, 500, error("InternalError"), at=10.5)],
    "the same request got no reply before": [silent(NO_VERSION, at=10.5)],
    "a stranger was refused in TLS": [silent(replace(REIMAGE, identity=Identity.NONE), FailureKind.TLS, at=10.5)],
    "nobody was reached": [silent(REIMAGE, FailureKind.REFUSED, at=10.5)],
    "a body was declared and never sent": [silent(with_header(REIMAGE, "Content-Length", "5"), at=10.5)],
    "another instance is reimaged": [started(NEIGHBOUR, at=10.5)],
    "an operation is asked about": [replace(exchange(replace(POLL, method="DELETE"), 200), at=10.5)],
}


JUST_BACK = {
    "the look before shows it back after it left early": [started(at=5.0), away(5.5), ENDED],
    "it came back before the end, and the look before shows it so": [
        started(at=9.0),
        away(9.2),
        ready(9.4),
        poll(SUCCEEDED, at=9.8),
    ],
    "the look before shows it back after it left late": [
        started(at=4.0),
        poll(SUCCEEDED, at=5.0),
        ready(5.5),
        away(6.5),
    ],
}


@pytest.mark.parametrize("others", JUST_BACK.values(), ids=JUST_BACK)
def test_an_instance_that_had_just_come_back_may_leave_once_more(others: list[Exchange]) -> None:
    assert outcomes(examined(*others)) == {"REQ-VER-MISSING": MET}
    assert {verdict.outcome for verdict in examined(*others, then=away(12.0))} == {INCONCLUSIVE}


def test_an_instance_that_came_back_longer_ago_than_its_operation_took_does_not() -> None:
    back = [started(at=5.0), away(5.5), ENDED, ready(8.0)]

    assert outcomes(examined(*back, then=away(12.0))) == TOUCHED


@pytest.mark.parametrize("others", CONCLUSIVE_WITH.values(), ids=CONCLUSIVE_WITH)
def test_a_change_with_no_other_cause_is_a_violation(others: list[Exchange]) -> None:
    assert outcomes(examined(*others)) == {"REQ-VER-MISSING": MET}
    assert outcomes(examined(*others, then=away(12.0))) == TOUCHED


@pytest.mark.parametrize(
    ("others", "because"),
    [
        ([started(SHARED, at=10.5)], ("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-SLOT-VALUES")),
        ([started(NOBODY, at=10.5)], ("REQ-REIMAGE-UNKNOWN-INSTANCE",)),
        ([started(replace(REIMAGE, target="//x" + REIMAGE.target), at=10.5)], None),
    ],
)
def test_a_request_that_may_have_gone_elsewhere_explains_only_an_instance_that_left(
    others: list[Exchange], because: tuple[str, ...] | None
) -> None:
    found = examined(*others, then=away(12.0))

    assert outcomes(examined(*others)) == {"REQ-VER-MISSING": MET}
    assert {verdict.outcome for verdict in found} == {INCONCLUSIVE}
    assert because is None or found[0].because == because


def test_two_refused_requests_at_the_same_time_violate_only_the_requirement_they_share() -> None:
    beside = replace(refusal(NO_COMP, 400), at=10.8, elapsed=0.5)
    earlier = replace(beside, at=10.5, elapsed=0.2)

    assert outcomes(examined(beside)) == {"REQ-VER-MISSING": MET}
    assert outcomes(examined(earlier, then=away(12.0))) == TOUCHED
    assert outcomes(examined(beside, then=away(12.0))) == TOUCHED | {"REQ-VER-MISSING": INCONCLUSIVE}


def test_the_reason_says_which_request_it_was() -> None:
    (found,) = examined(started(at=10.5))

    assert (
        found.actual
        == f"the suite's own reimage of {OWN} (exchange 2) was under way between the two answers that are compared"
    )
    assert (found.expected, found.symptom) == ("", "")


def _poll_of_other(at: float) -> Exchange:
    request = BUILDER.operation_status(OTHER_ID)
    return poll(operation("Succeeded", "200", identifier=OTHER_ID), at=at, request=request, own="9")


def _of_neighbour(seen: Exchange) -> Exchange:
    """A look that shows of the neighbour what `seen` shows of the instance."""
    shown = "StoppedVM" if seen.response is not None and b"StoppedVM" in seen.response.body else "ReadyRole"
    return ready(seen.at, **{OTHER: shown})


FAILED_LATE = replace(REIMAGE, target=REIMAGE.target.replace("/production/", "/production%20/"))
"""A request for the instance that may be refused by a failure of its operation."""
EARLIER = {
    "accepted, and its effect is not seen yet": ([started(at=1.0), poll(SUCCEEDED, at=2.0)], INCONCLUSIVE),
    "the same through the other form": ([started(REIMAGE_BY_NAME, at=1.0), poll(SUCCEEDED, at=2.0)], INCONCLUSIVE),
    "looks show that it stayed until now": (
        [started(at=1.0), poll(SUCCEEDED, at=2.0), *(ready(at / 10) for at in range(11, 99, 4))],
        INCONCLUSIVE,
    ),
    "no reply": ([silent(REIMAGE, at=1.0)], INCONCLUSIVE),
    "its effect was seen": ([started(at=1.0), poll(SUCCEEDED, at=2.0), away(5.0), ready(6.0)], VIOLATED),
    "it came back from its late effect right before": (
        [started(at=1.0), poll(SUCCEEDED, at=2.0), away(8.0), ready(9.5)],
        INCONCLUSIVE,
    ),
    "refused": ([replace(refusal(REIMAGE, 409, "ConflictError"), at=1.0)], VIOLATED),
    "unsound, and no reply": ([silent(without_header(REIMAGE, "x-ms-version"), at=1.0)], VIOLATED),
    "unsound, and failed for that": ([started(FAILED_LATE, at=1.0), poll(FAILED, at=2.0)], VIOLATED),
    "of another instance": ([started(NEIGHBOUR, at=1.0), poll(SUCCEEDED, at=2.0), _of_neighbour(away(2.5))], VIOLATED),
}
"""Earlier requests and looks of a run, and the outcome for a refusal after which the instance is away."""


@pytest.mark.parametrize(("earlier", "outcome"), EARLIER.values(), ids=EARLIER)
def test_an_own_reimage_explains_one_departure_however_late_it_comes(earlier: list[Exchange], outcome: Outcome) -> None:
    # Other instances were seen to leave as soon as their reimage began.
    early = [started(NEIGHBOUR, at=0.2, identifier=OTHER_ID), _of_neighbour(away(0.3)), _poll_of_other(0.4)]
    found = examined(*early, *earlier, then=away(12.0))

    assert {verdict.outcome for verdict in found} == {outcome}


def test_a_late_effect_excuses_nothing_where_a_refusal_had_an_effect_that_nothing_excuses() -> None:
    """The instance is away after a refusal at 11 s, when its own reimage may be late, and again after one at 31 s."""
    late = [started(at=1.0), poll(SUCCEEDED, at=2.0), ready(10.0), bad(11.0), away(12.0)]
    again = [ready(20.0), ready(30.0), bad(31.0), away(32.0)]
    seen = timed(*late, *again)
    where, arguments = world_with_limits(), {"requirement": "REQ-VER-MISSING", "instance": OWN}
    first, second = (judge(where, CHECKS["instance_untouched"], given, **arguments) for given in (seen[2:5], seen[6:]))

    assert {verdict.outcome for verdict in weighed_by(first, numbered(*seen), where)} == {INCONCLUSIVE}
    assert {verdict.outcome for verdict in weighed_by(second, numbered(*seen), where)} == {VIOLATED}
    assert {verdict.outcome for verdict in weighed_by([*first, *second], numbered(*seen), where)} == {VIOLATED}


class TestReimages:
    """The effects of accepted reimages, and of refused ones on a running operation."""

    def of(self, name: str, given: list[Exchange], *others: Exchange, **arguments: Any) -> dict[str, Outcome]:
        seen = timed(*given, *others)
        chosen = [next(e for e in seen if replace(e, number=each.number) == each) for each in given]
        made = judge(world_with_limits(), CHECKS[name], chosen, **arguments)
        return outcomes(weighed_by(made, numbered(*seen), world_with_limits()))

    def test_a_second_reimage_makes_verdicts_on_the_first_inconclusive(self) -> None:
        given = [ready(1.0), started(at=2.0), away(3.0), ready(8.0)]
        arguments = {"instance": OWN, "others": [OTHER], "ended_at": 5.0, "waited": 3.0}
        only_if_alone = dict.fromkeys(("REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-ONLINE"), MET)
        always = {"REQ-REIMAGE-SAME-NAME": MET, "REQ-REIMAGE-OTHERS-UNTOUCHED": MET}
        ended = poll(SUCCEEDED, at=5.0)
        second = started(REIMAGE_BY_NAME, at=4.0, identifier=OTHER_ID)

        assert self.of("instance_effect", given, ended, **arguments) == always | only_if_alone
        assert self.of("instance_effect", given, ended, second, **arguments) == always | dict.fromkeys(
            only_if_alone, INCONCLUSIVE
        )

    @pytest.mark.parametrize(("second_ends", "outcome"), [(5.0, VIOLATED), (290.0, INCONCLUSIVE), (None, INCONCLUSIVE)])
    def test_an_instance_that_is_lost_after_two_reimages_is_a_finding_once_both_had_time(
        self, second_ends: float | None, outcome: Outcome
    ) -> None:
        limit = LIMITS.operation_timeout_seconds
        given = [ready(1.0), started(at=2.0), away(3.0), away(6.0 + limit)]
        arguments = {"instance": OWN, "others": [], "ended_at": 5.0, "waited": limit + 1.0}
        ended = poll(SUCCEEDED, at=5.0)
        second = [started(REIMAGE_BY_NAME, at=2.5, identifier=OTHER_ID)]
        second += [] if second_ends is None else [_poll_of_other(second_ends)]

        assert self.of("instance_effect", given, ended, **arguments)["REQ-REIMAGE-ONLINE"] is VIOLATED
        assert self.of("instance_effect", given, ended, *second, **arguments)["REQ-REIMAGE-ONLINE"] is outcome

    def test_an_instance_that_had_just_come_back_excuses_only_another_departure(self) -> None:
        first = [started(at=2.0), away(2.5), poll(SUCCEEDED, at=4.0)]
        second = started(REIMAGE_BY_NAME, at=5.0, identifier=OTHER_ID)
        stays = [ready(4.5), second, ready(6.0), ready(6.2), ready(6.4), ready(6.6), ready(30.0)]
        limit = LIMITS.operation_timeout_seconds
        lost = [ready(4.5), second, away(6.0), away(8.0 + limit)]
        arguments = {"instance": OWN, "others": [], "ended_at": 7.0, "waited": limit + 1.0}
        ended = _poll_of_other(7.0)

        assert self.of("instance_effect", stays, ended, *first, **arguments)["REQ-REIMAGE-OFFLINE"] is not INCONCLUSIVE
        assert self.of("instance_effect", lost, ended, *first, **arguments)["REQ-REIMAGE-ONLINE"] is VIOLATED

    def test_only_bystanders_that_no_other_request_reached_are_judged(self) -> None:
        given = [ready(1.0), started(at=2.0), ready(3.0, **{OWN: "StoppedVM", OTHER: "BusyRole"}), ready(8.0)]
        arguments = {"instance": OWN, "others": [OTHER], "ended_at": 5.0, "waited": 3.0}
        name = "REQ-REIMAGE-OTHERS-UNTOUCHED"

        assert self.of("instance_effect", given, **arguments)[name] is VIOLATED
        assert self.of("instance_effect", given, started(SHARED, at=2.5), **arguments)[name] is VIOLATED
        assert self.of("instance_effect", given, silent(NEIGHBOUR, at=1.5), **arguments)[name] is INCONCLUSIVE
        assert self.of("instance_effect", given, started(NOBODY, at=1.5), **arguments)[name] is INCONCLUSIVE

    def test_an_instance_that_stayed_was_reached_by_no_other_request(self) -> None:
        """Two reimages that take nobody offline, of two instances, are no excuse for each other."""
        given = [ready(1.0), started(at=2.0), *(ready(at / 10) for at in range(24, 130, 4))]
        arguments = {"instance": OWN, "others": [], "ended_at": 5.0, "waited": 7.8}
        other = [started(NEIGHBOUR, at=2.1, identifier=OTHER_ID), _poll_of_other(5.1)]

        found = self.of("instance_effect", given, poll(SUCCEEDED, at=5.0), *other, **arguments)
        assert found["REQ-REIMAGE-OFFLINE"] in (VIOLATED, Outcome.ADVISORY)

    @pytest.mark.parametrize(("end", "outcome"), [(FAILED, MET), (SUCCEEDED, INCONCLUSIVE)])
    def test_a_request_that_may_fail_late_and_did_leaves_the_verdict_met(self, end: str, outcome: Outcome) -> None:
        given = [ready(1.0), started(at=2.0), away(3.0), ready(8.0)]
        arguments = {"instance": OWN, "others": [OTHER], "ended_at": 5.0, "waited": 3.0}
        near = replace(NEIGHBOUR, target=NEIGHBOUR.target.replace("/production/", "/production%20/"))
        taken = [started(near, at=1.2, identifier=OTHER_ID)]
        taken.append(poll(end, at=1.4, request=BUILDER.operation_status(OTHER_ID)))

        found = self.of("instance_effect", given, poll(SUCCEEDED, at=5.0), *taken, **arguments)
        assert found["REQ-REIMAGE-OTHERS-UNTOUCHED"] is outcome

    @pytest.mark.parametrize(
        ("refused", "outcome"),
        [
            (bad(3.5, NEIGHBOUR_UNVERSIONED), INCONCLUSIVE),  # right before the look that shows it away
            (
                bad(2.2, NEIGHBOUR_UNVERSIONED),
                INCONCLUSIVE,
            ),  # instances were seen to leave up to a second after the 202
            (bad(0.5, NEIGHBOUR_UNVERSIONED), VIOLATED),  # it stayed for longer than any took to leave
            (bad(4.5, NEIGHBOUR_UNVERSIONED), VIOLATED),  # it was away already
            (bad(3.5), VIOLATED),  # to the instance that is reimaged
            (
                replace(refusal(NEIGHBOUR, 409, "ConflictError"), at=3.5),
                VIOLATED,
            ),  # nothing excuses what a conflict leaves
            (bad(3.5, replace(NEIGHBOUR, method="GET")), INCONCLUSIVE),
        ],
    )
    def test_a_bystander_that_leaves_after_a_refusal_is_not_held_against_the_reimage_of_another(
        self, refused: Exchange, outcome: Outcome
    ) -> None:
        gone = {OWN: "StoppedVM", OTHER: "BusyRole"}
        given = [ready(1.0), started(at=2.0), away(3.0), ready(4.0, **gone), ready(8.0)]
        arguments = {"instance": OWN, "others": [OTHER], "ended_at": 5.0, "waited": 3.0}
        ended = poll(SUCCEEDED, at=5.0)

        found = self.of("instance_effect", given, ended, refused, **arguments)
        assert found["REQ-REIMAGE-OTHERS-UNTOUCHED"] is outcome
        assert found["REQ-REIMAGE-OFFLINE"] is MET

    def test_a_refusal_to_one_of_several_bystanders_that_left_is_no_excuse(self) -> None:
        third = "WebRole1_IN_2"
        gone = {OWN: "StoppedVM", OTHER: "BusyRole", third: "BusyRole"}
        before = ready(1.0, **{third: "ReadyRole"})
        given = [before, started(at=2.0), ready(4.0, **gone), replace(before, at=8.0)]
        arguments = {"instance": OWN, "others": [OTHER, third], "ended_at": 5.0, "waited": 3.0}

        found = self.of("instance_effect", given, bad(3.5, NEIGHBOUR_UNVERSIONED), **arguments)
        assert found["REQ-REIMAGE-OTHERS-UNTOUCHED"] is VIOLATED

    @pytest.mark.parametrize(
        ("earlier", "outcome"),
        [
            ([], VIOLATED),
            ([_of_neighbour(away(13.0)), ready(14.0)], VIOLATED),
            ([ready(13.0)], INCONCLUSIVE),
        ],
        ids=["never reimaged", "seen to leave after its own reimage", "not seen to leave after its own reimage"],
    )
    def test_a_bystander_that_leaves_is_held_against_a_reimage_unless_its_own_may_be_late(
        self, earlier: list[Exchange], outcome: Outcome
    ) -> None:
        given = [ready(31.0), started(at=32.0), ready(33.0, **{OWN: "StoppedVM", OTHER: "StoppedVM"}), ready(38.0)]
        arguments = {"instance": OWN, "others": [OTHER], "ended_at": 35.0, "waited": 3.0}
        own = [started(NEIGHBOUR, at=10.0, identifier=OTHER_ID), _poll_of_other(12.0), *earlier] if earlier else []

        found = self.of("instance_effect", given, poll(SUCCEEDED, at=35.0), *own, **arguments)
        assert found["REQ-REIMAGE-OTHERS-UNTOUCHED"] is outcome

    def test_an_instance_that_leaves_late_is_not_held_against_the_next_reimage(self) -> None:
        staged = look({OWN: "ReadyRole"}, name="contoso-v3", request=BUILDER.deployment(STAGING), at=2.0)
        given = [ready(1.0), staged, started(SHARED, at=3.0, identifier=OTHER_ID), replace(staged, at=3.5), away(4.0)]
        arguments = {"deployment": "contoso-v3", "instance": OWN, "looked": 2}
        late = [started(at=0.1), poll(SUCCEEDED, at=0.9)]

        assert self.of("equivalent_forms", given, **arguments) == {"REQ-REIMAGE-URI-EQUIV": VIOLATED}
        assert self.of("equivalent_forms", given, *late, **arguments) == {"REQ-REIMAGE-URI-EQUIV": INCONCLUSIVE}

    @pytest.mark.parametrize("before", [1.0, 2.4])
    def test_a_request_that_was_accepted_meanwhile_may_have_disturbed_an_operation(self, before: float) -> None:
        given = [
            started(at=2.0),
            refusal(NEIGHBOUR, 409, "ConflictError"),
            poll(SUCCEEDED, at=3.0),
            poll(SUCCEEDED, at=9.0),
        ]
        given = [
            replace(each, at=max(each.at, 2.5)) if each.label == "" and each.request == NEIGHBOUR else each
            for each in given
        ]
        name = "REQ-CONC-REFUSED-NOEFFECT"
        second = started(REIMAGE_BY_NAME, at=before, identifier=OTHER_ID)
        outcome = INCONCLUSIVE if before > 2.0 else MET

        assert self.of("undisturbed", given, refusals=1) == {name: MET}
        assert self.of("undisturbed", given, second, refusals=1) == {name: outcome}
        assert self.of("undisturbed", given, replace(second, at=5.0), refusals=1) == {name: MET}


def probe(identifier: str, at: float, place: Place) -> Exchange:
    path = f"/{place.deployment.cloud_service}/{place.deployment.name}/{place.role_instance}"
    return exchange(Request("GET", path), 200, f'{{"installation_id": "{identifier}"}}'.encode(), at=at, label="probe")


class TestProbes:
    """What the probe shows of the place in its address."""

    URL = "http://127.0.0.1:9000/{cloud_service}/{deployment_name}/{role_instance}"

    def of(self, name: str, given: list[Exchange], *others: Exchange, **arguments: Any) -> list[Outcome]:
        where = world_with_limits(probe_url=self.URL)
        seen = timed(*given, *others)
        chosen = [next(e for e in seen if replace(e, number=each.number) == each) for each in given]
        return [v.outcome for v in weighed_by(judge(where, CHECKS[name], chosen, **arguments), numbered(*seen), where)]

    @pytest.mark.parametrize("place", [Place(PRODUCTION, OWN), Place(FABRIKAM, "Front_IN_1")])
    def test_one_reimage_between_the_looks_is_the_one_that_is_judged(self, place: Place) -> None:
        given = [probe("a", 1.0, place), probe("b", 9.0, place)]
        first = started(BUILDER.reimage(place), at=2.0)
        second = started(BUILDER.reimage(place, UriForm.NAME), at=4.0, identifier=OTHER_ID)

        assert self.of("fresh_installation", given, first) == [MET]
        assert self.of("fresh_installation", given, first, second) == [INCONCLUSIVE]
        assert self.of("fresh_installation", [*given, second], first, second) == [INCONCLUSIVE]

    @pytest.mark.parametrize("requirement", ["REQ-REIMAGE-OTHERS-UNTOUCHED", "REQ-GOS-NOTFOUND-NOEFFECT"])
    def test_a_guest_that_changed_without_a_request_for_it_is_a_violation(self, requirement: str) -> None:
        place = Place(PRODUCTION, OWN)
        given = [probe("a", 1.0, place), probe("b", 9.0, place)]
        arguments = {"requirement": requirement, "what": "a reimage of another instance"}
        by_name = INCONCLUSIVE if requirement == "REQ-GOS-NOTFOUND-NOEFFECT" else VIOLATED

        assert self.of("installation_unchanged", given, **arguments) == [VIOLATED]
        assert self.of("installation_unchanged", given, started(NEIGHBOUR, at=2.0), **arguments) == [VIOLATED]
        assert self.of("installation_unchanged", given, silent(REIMAGE, at=2.0), **arguments) == [INCONCLUSIVE]
        assert self.of("installation_unchanged", given, started(SHARED, at=2.0), **arguments) == [by_name]

    @pytest.mark.parametrize(
        ("refused", "outcome"), [(9.5, INCONCLUSIVE), (12.0, INCONCLUSIVE), (5.0, VIOLATED), (19.5, VIOLATED)]
    )
    def test_a_guest_that_changed_after_a_refusal_to_it_is_not_held_against_a_reimage_elsewhere(
        self, refused: float, outcome: Outcome
    ) -> None:
        place = Place(PRODUCTION, OWN)
        given = [probe("a", 10.0, place), probe("b", 19.0, place), started(SHARED, at=11.0, identifier=OTHER_ID)]
        short = [started(NEIGHBOUR, at=1.0), poll(SUCCEEDED, at=2.0)]
        arguments = {"requirement": "REQ-REIMAGE-OTHERS-UNTOUCHED", "what": "a reimage of another instance"}

        assert self.of("installation_unchanged", given, *short, bad(refused), **arguments) == [outcome]


def test_every_check_that_looks_for_effects_says_where() -> None:
    """The checks of the chapter of instances judge nothing but effects on role instances."""
    of_effects = {name for name, check in CHECKS.items() if ".judging.instances." in check.__module__}

    assert len(of_effects) >= 7
    others = {"instance_untouched", "undisturbed", "instance_list", "embedded_deployments"}
    assert set(EFFECTS) == of_effects | others


def listing(*others: Exchange, names: Sequence[str], of: Sequence[str]) -> list[Outcome]:
    """The outcomes of a look at 10 s, and of one at the cloud service, that list `names`, where the target lists `of`."""
    inner = "".join(map(instance, names))
    listed = exchange(BUILDER.deployment(PRODUCTION), 200, deployment(inner), at=10.0, label="judged")
    seen = timed(look(dict.fromkeys(of, "ReadyRole"), at=1.0), *others, listed)
    where = world_with_limits(deployments=(replace(PRODUCTION, role_instances=tuple(of)),))
    body = SERVICE.format(deployment(inner))
    service = exchange(BUILDER.cloud_service("contoso"), 200, body, at=10.0, number=len(seen) + 1)
    seen.append(service)
    made = judge(where, CHECKS["instance_list"], [e for e in seen if e.label == "judged"], instances=list(of))
    made += judge(
        where, CHECKS["embedded_deployments"], [service], wanted=True, deployments={PRODUCTION.name: list(of)}
    )
    return [verdict.outcome for verdict in weighed_by(made, numbered(*seen), where)]


ONE, TWO = (OWN,), (OWN, OTHER)
GONE = {
    "its operation runs": [started(at=5.0), poll(RUNNING, at=6.0)],
    "it is not back": [started(at=5.0), look({OTHER: "ReadyRole"}, at=6.0), poll(SUCCEEDED, at=7.0)],
    "it may leave late": [started(at=5.0), poll(SUCCEEDED, at=7.0)],
    "it had just come back": [started(at=5.0), away(6.0), poll(SUCCEEDED, at=8.0), ready(9.0)],
}


@pytest.mark.parametrize("others", GONE.values(), ids=GONE)
@pytest.mark.parametrize("of", [ONE, TWO], ids=len)
def test_an_instance_that_our_own_reimage_may_be_changing_need_not_be_listed(
    others: list[Exchange], of: tuple[str, ...]
) -> None:
    assert listing(*others, names=of[1:], of=of) == [INCONCLUSIVE, INCONCLUSIVE]


STILL_MISSING = {
    "another was stopped by itself": [
        look(dict.fromkeys(TWO, "ReadyRole"), at=7.0),
        ready(8.0, **{OTHER: "StoppedVM"}),
    ],
    "no request was sent": [],
    "it was back long before": [started(at=2.0), away(2.5), poll(SUCCEEDED, at=3.0), ready(3.5)],
}


@pytest.mark.parametrize("others", STILL_MISSING.values(), ids=STILL_MISSING)
@pytest.mark.parametrize("of", [ONE, TWO], ids=len)
def test_an_instance_that_no_request_explains_must_be_listed(others: list[Exchange], of: tuple[str, ...]) -> None:
    assert listing(*others, names=of[1:], of=of) == [VIOLATED, VIOLATED]


def test_an_instance_that_is_missing_beside_one_that_is_reimaged_is_a_violation() -> None:
    reimaged = [started(at=5.0), poll(RUNNING, at=6.0)]

    assert listing(*reimaged, names=[OWN], of=TWO) == [VIOLATED, VIOLATED]
    assert listing(*reimaged, names=["C"], of=[OWN, OTHER, "C"]) == [VIOLATED, VIOLATED]
    assert listing(*reimaged, names=[OTHER, OTHER], of=TWO)[0] is VIOLATED


def test_an_instance_that_was_never_listed_is_missing_whatever_is_reimaged() -> None:
    hidden, own = look({OTHER: "ReadyRole"}, at=4.0), [started(at=5.0), poll(RUNNING, at=6.0)]
    shown = look(dict.fromkeys(TWO, "ReadyRole"), at=4.5)

    assert unlisted(hidden, *own) is VIOLATED
    assert unlisted(hidden, shown, *own) is INCONCLUSIVE
    assert unlisted(*own) is INCONCLUSIVE


def unlisted(*others: Exchange) -> Outcome:
    """The outcome of a look that lists one of two instances, after these exchanges."""
    listed = exchange(BUILDER.deployment(PRODUCTION), 200, deployment(instance(OTHER)), at=10.0)
    seen, where = timed(*others, listed), world_with_limits(deployments=(replace(PRODUCTION, role_instances=TWO),))
    made = judge(where, CHECKS["instance_list"], [seen[-1]], instances=list(TWO))
    return weighed_by(made, numbered(*seen), where)[0].outcome


def test_the_only_instance_is_away_while_the_list_is_empty() -> None:
    run = [started(at=5.0), look({}, at=6.0), poll(SUCCEEDED, at=5.1)]

    assert listing(*run, names=[], of=ONE) == [INCONCLUSIVE, INCONCLUSIVE]


def test_later_exchanges_do_not_change_a_verdict() -> None:
    later = [ready(13.0), poll(SUCCEEDED, at=14.0), away(15.0), ready(20.0)]
    run = timed(started(at=5.0), poll(RUNNING, at=6.0), ready(10.0), bad(11.0), ready(12.0), *later)
    given = [each for each in run if each.at in (10.0, 11.0, 12.0)]
    (made,) = judge(
        world_with_limits(), CHECKS["instance_untouched"], given, requirement="REQ-VER-MISSING", instance=OWN
    )
    live = Intervals()
    seen = []
    for each in run:
        live.add(each)
        seen += [live.without_other_causes(made, world_with_limits())] if each.at >= 12.0 else []

    assert seen[0].outcome is INCONCLUSIVE
    assert [before == after for before, after in pairwise(seen)] == [True] * len(later)


def test_a_journal_read_back_gives_the_same_verdict() -> None:
    run = timed(started(at=10.5), ready(10.0), bad(11.0), away(12.0))
    before, _, refused, after = run
    judgement = {"requirement": "REQ-VER-MISSING", "instance": OWN}
    header = {
        "type": "run",
        "id": "r",
        "started": "2026-01-01T00:00:00+00:00",
        "seed": 0,
        "profile": "standard",
        "strictness": "strict",
        "suite_version": "0",
        "target": target_to_mapping(TARGET),
    }
    made = {
        "type": "judgement",
        "case": "c",
        "check": "instance_untouched",
        "exchanges": [before.number, refused.number, after.number],
        "arguments": judgement,
    }
    journal = Journal(header, numbered(*run), [], [], [], [header, made], complete=True)
    result = {each.requirement.id: each for each in assess(journal).requirements}["REQ-VER-MISSING"]

    assert result.outcome is INCONCLUSIVE
    assert (
        result.reason
        == f"the suite's own reimage of {OWN} (exchange 2) was under way between the two answers that are compared"
    )
