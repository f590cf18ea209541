"""Late installations: an endpoint is not accused of a missing guest OS that the probe showed later."""

from __future__ import annotations

import pytest

from judging_samples import BUILDER, PRODUCTION, REIMAGE, exchange, in_order, refusal, started, world
from reimage_conformance.assessment.late_installations import LateInstallations
from reimage_conformance.judging import CHECKS, judge
from reimage_conformance.model import Exchange, Outcome, Request, Verdict
from reimage_conformance.protocol.requests import Place

URL = "http://127.0.0.1:9000/{cloud_service}/{deployment_name}/{role_instance}"
WORLD = world(probe_url=URL)
PLACE = Place(PRODUCTION, "WebRole1_IN_0")
NEIGHBOUR = Place(PRODUCTION, "WebRole1_IN_1")


def probe(installation: str, place: Place = PLACE) -> Exchange:
    """The probe's answer about an instance."""
    request = Request("GET", place.probe_path(URL), (("Host", "127.0.0.1:9000"),))
    return exchange(request, 200, f'{{"installation_id": "{installation}"}}'.encode(), label="probe")


def outcomes(*later: Exchange) -> list[Outcome]:
    """The outcome of a reimage of `PLACE` after which the probe showed the old installation and old data, followed by `later`."""
    seen = in_order(started(REIMAGE), probe("a"), probe("a"), *later)
    made = judge(WORLD, CHECKS["fresh_installation"], [seen[2], seen[3], seen[1]])
    late = LateInstallations.of(WORLD, made, seen)
    return [late.without_late(verdict).outcome for verdict in made]


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        ([], Outcome.VIOLATED),
        ([probe("a")], Outcome.VIOLATED),
        ([probe("b")], Outcome.INCONCLUSIVE),
        ([probe("a"), started(BUILDER.reimage(NEIGHBOUR)), probe("b")], Outcome.INCONCLUSIVE),
        ([refusal(REIMAGE, 409, "ConflictError"), probe("b")], Outcome.INCONCLUSIVE),
        ([started(REIMAGE), probe("b")], Outcome.VIOLATED),
        ([probe("b", NEIGHBOUR)], Outcome.VIOLATED),
        ([probe("")], Outcome.VIOLATED),
    ],
)
def test_a_new_installation_that_comes_late_is_not_missing(later: list[Exchange], outcome: Outcome) -> None:
    assert outcomes(*later) == [outcome]


def test_an_installation_is_late_too_where_an_earlier_reimage_left_the_verdict_on_it_inconclusive() -> None:
    """The first reimage shows no new installation; nor does the second, which is inconclusive; then the probe shows one."""
    seen = in_order(started(REIMAGE), probe("a"), probe("a"), started(REIMAGE), probe("a"), probe("b"))
    first = judge(WORLD, CHECKS["fresh_installation"], [seen[2], seen[3], seen[1]])
    second = judge(WORLD, CHECKS["fresh_installation"], [seen[3], seen[5], seen[4]])
    weighed = [verdict.made_inconclusive("an earlier reimage was not seen to end") for verdict in second]
    late = LateInstallations.of(WORLD, [*first, *weighed], seen)

    assert (late.old, late.new) == (seen[5], seen[6])
    assert [late.without_late(verdict).outcome for verdict in first] == [Outcome.INCONCLUSIVE]


def test_a_verdict_that_compares_no_installations_shows_no_late_one() -> None:
    unseen = Verdict("REQ-REIMAGE-FRESH-OS", Outcome.INCONCLUSIVE, check="fresh_installation", evidence=(1,))
    seen = in_order(started(REIMAGE), probe("a"), probe("b"))

    assert LateInstallations.of(WORLD, [unseen], seen) == LateInstallations()


def test_nothing_is_late_where_reimages_change_other_instances() -> None:
    seen = in_order(started(REIMAGE), probe("a"), probe("a"), probe("x", NEIGHBOUR), probe("y", NEIGHBOUR), probe("b"))
    made = judge(WORLD, CHECKS["fresh_installation"], [seen[2], seen[3], seen[1]])
    others = judge(
        WORLD,
        CHECKS["installation_unchanged"],
        [seen[4], seen[5], seen[1]],
        requirement="REQ-REIMAGE-OTHERS-UNTOUCHED",
        what="a reimage",
    )

    assert [verdict.outcome for verdict in others] == [Outcome.VIOLATED]
    assert LateInstallations.of(WORLD, [*made, *others], seen) == LateInstallations()


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        ([probe("x", NEIGHBOUR), started(BUILDER.reimage(NEIGHBOUR))], Outcome.INCONCLUSIVE),
        ([started(BUILDER.reimage(NEIGHBOUR)), probe("x", NEIGHBOUR)], Outcome.INCONCLUSIVE),
        ([probe("w", NEIGHBOUR), started(BUILDER.reimage(NEIGHBOUR)), probe("x", NEIGHBOUR)], Outcome.VIOLATED),
        ([probe("x", NEIGHBOUR), refusal(BUILDER.reimage(NEIGHBOUR), 409, "ConflictError")], Outcome.VIOLATED),
    ],
)
def test_a_change_of_another_instance_may_be_due_to_a_reimage_of_its_own_that_was_not_seen_to_change_it(
    before: list[Exchange], outcome: Outcome
) -> None:
    later = [started(REIMAGE), probe("a"), probe("a"), probe("b"), probe("x", NEIGHBOUR), probe("y", NEIGHBOUR)]
    seen = in_order(*before, *later)
    first = len(before) + 1
    made = judge(WORLD, CHECKS["fresh_installation"], [seen[first + 1], seen[first + 2], seen[first]])
    others = judge(
        WORLD,
        CHECKS["installation_unchanged"],
        [seen[first + 4], seen[first + 5], seen[first]],
        requirement="REQ-REIMAGE-OTHERS-UNTOUCHED",
        what="a reimage",
    )
    late = LateInstallations.of(WORLD, [*made, *others], seen)

    assert [late.without_late(verdict).outcome for verdict in (*made, *others)] == [outcome, outcome]
