"""Instances judged: what a reimage does to the role instance that it addresses, and to the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    BUILDER,
    LOOK,
    PLACE,
    STAGING,
    advisory,
    brief,
    inconclusive,
    judged,
    look,
    met,
    refusal,
    silent,
    started,
    violated,
    worded,
    world,
)
from reimage_conformance.judging.registry import EFFECTS
from reimage_conformance.model import Outcome

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

NAME = "WebRole1_IN_0"
OFFLINE, ONLINE, SAME, OTHERS = (
    "REQ-REIMAGE-OFFLINE",
    "REQ-REIMAGE-ONLINE",
    "REQ-REIMAGE-SAME-NAME",
    "REQ-REIMAGE-OTHERS-UNTOUCHED",
)
BEFORE = look({NAME: "ReadyRole", "B": "ReadyRole", "C": "ReadyRole"}, number=1)
START = started(number=2)


def looks(*statuses: str, **rest: str) -> list[Exchange]:
    """Looks one second apart at the instance, the others as `rest` says."""
    return [look({NAME: status, **rest}, number=3 + i, at=float(i)) for i, status in enumerate(statuses)]


class TestEffect:
    """The check `instance_effect`."""

    def test_offline_and_back(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks("ReadyRole", "StoppedVM", "ReadyRole")], instance=NAME)

        assert brief(found) == [met(OFFLINE, 4), met(SAME, 5), met(ONLINE, 5)]
        assert [v.actual for v in found] == [
            "ReadyRole > StoppedVM > ReadyRole; 1 answer to Get Deployment while the operation ran",
            f"contoso-v2/{NAME} has RoleName 'WebRole1'",
            "ReadyRole > StoppedVM > ReadyRole; the last Get Deployment was 0.0 s after the end of the operation",
        ]

    def test_the_only_instance_is_not_listed_while_it_is_away(self) -> None:
        before, listed = look({NAME: "ReadyRole"}, number=1), [*["ReadyRole"] * 4, "", "", "ReadyRole"]
        seen = [look({NAME: s} if s else {}, number=3 + i, at=float(i)) for i, s in enumerate(listed)]
        back = judged("instance_effect", [before, START, *seen], instance=NAME, ended_at=9.0)
        lost = judged("instance_effect", [before, START, *seen[:-1]], instance=NAME, ended_at=9.0, waited=3600)

        assert brief(back) == [met(OFFLINE, 7), met(SAME, 9), met(ONLINE, 9)]
        assert violated(SAME, "renamed", 8, 1) in brief(lost)

    def test_never_offline(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks(*["ReadyRole"] * 5)], instance=NAME, ended_at=3.0)

        assert brief(found)[0] == advisory(OFFLINE, "never-offline", 2, 7)
        assert worded(found)[0] == (
            f"contoso-v2/{NAME} leaves ReadyRole",
            "InstanceStatus was ReadyRole in all 4 answers to Get Deployment while the operation ran",
        )
        assert brief(found)[1:] == [met(SAME, 7), met(ONLINE, 7)]

    def test_too_few_looks_to_say(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks(*["ReadyRole"] * 5)], instance=NAME, ended_at=2.9)

        assert brief(found)[0] == inconclusive(OFFLINE, 2, 7)
        assert found[0].actual == "Get Deployment was answered only 3 times while the operation ran"

    @pytest.mark.parametrize(
        "blind", [silent(LOOK, number=9), refusal(LOOK, 503, "ServerBusy", number=9), refusal(LOOK, 307, number=9)]
    )
    def test_looks_that_were_not_answered_may_have_missed_it(self, blind: Exchange) -> None:
        seen = looks(*["ReadyRole"] * 5)
        for place in (0, 2, 5):
            found = judged(
                "instance_effect", [BEFORE, START, *seen[:place], blind, *seen[place:]], instance=NAME, ended_at=9.0
            )
            assert brief(found)[0][1] == "inconclusive"

        assert brief(found)[0] == inconclusive(OFFLINE, 2, 7)
        assert found[0].actual == "ReadyRole; 1 request for Get Deployment got no reply, or a 307, 429 or 503"
        away = [BEFORE, START, *looks("StoppedVM", "ReadyRole"), blind]
        assert met(OFFLINE, 3) in brief(judged("instance_effect", away, instance=NAME))

    def test_still_offline(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks("StoppedVM", "BusyRole")], instance=NAME, waited=3600)

        assert brief(found) == [
            violated(ONLINE, "still-offline", 4, 1),
            met(OFFLINE, 3),
            met(SAME, 4),
        ]
        assert worded(found)[0] == (
            f"contoso-v2/{NAME} is ReadyRole again",
            "ReadyRole > StoppedVM > BusyRole; the last Get Deployment was 3600.0 s after the end of the operation",
        )

    def test_an_instance_that_was_not_looked_at_for_long_enough_accuses_nobody(self) -> None:
        """The suite gives up looking where another instance did not come back."""
        found = judged("instance_effect", [BEFORE, START, *looks("StoppedVM", "BusyRole")], instance=NAME, waited=7.25)

        online = next(verdict for verdict in found if verdict.requirement == ONLINE)
        assert online.outcome is Outcome.INCONCLUSIVE
        assert online.actual == (
            "ReadyRole > StoppedVM > BusyRole; the last Get Deployment was only 7.2 s after the end of the operation, "
            "and the instance may take 1800 s to return to ReadyRole"
        )

    @pytest.mark.parametrize(
        "status", ["RestartingRole", "CyclingRole", "FailedStartingRole", "FailedStartingVM", "UnresponsiveRole"]
    )
    def test_a_guest_with_a_problem_proves_nothing(self, status: str) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks(status)], instance=NAME)

        assert inconclusive(ONLINE, 3, 1) in brief(found)
        assert f"contoso-v2/{NAME} is {status}: the guest has a problem (REQ-DEPL-BAD-STATES)" in [
            v.actual for v in found
        ]

    def test_a_bystander_whose_guest_had_a_problem_accuses_nobody(self) -> None:
        """The other one, which left ReadyRole in another way, is named, and is what may have had another cause."""
        seen = [
            look({NAME: "StoppedVM", "B": "RestartingRole", "C": "ReadyRole"}, number=3),
            look({NAME: "BusyRole", "B": "StartingRole", "C": "ReadyRole"}, number=4),
            look({NAME: "ReadyRole", "B": "ReadyRole", "C": "BusyRole"}, number=5),
        ]
        alone = judged("instance_effect", [BEFORE, START, *seen[:2]], instance=NAME, others=["B"])
        both = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, others=["B", "C"])
        left = next(verdict for verdict in both if verdict.requirement == OTHERS)
        effect = EFFECTS["instance_effect"](world(), left, [BEFORE, START, *seen])

        assert [verdict for verdict in alone if verdict.requirement == OTHERS] == []
        assert left.actual == f"contoso-v2/C is BusyRole after a reimage of contoso-v2/{NAME}"
        assert effect is not None
        assert [place.role_instance for place in effect.places] == ["C"]

    def test_renamed(self) -> None:
        after = [look({f"N{n}": "ReadyRole" for n in range(8)}, number=number) for number in (3, 4)]
        found = judged("instance_effect", [BEFORE, START, *after], instance=NAME, waited=3600)

        assert brief(found) == [
            violated(SAME, "renamed", 4, 1),
            inconclusive(ONLINE, 4, 1, because=(SAME,)),
            met(OFFLINE, 3),
        ]
        assert worded(found)[0] == (
            f"contoso-v2/{NAME} of role WebRole1",
            f"contoso-v2/{NAME} is no longer listed; new in the list: N0, N1, N2, N3, N4, N5 and 2 more",
        )
        assert found[1].actual == f"contoso-v2/{NAME} is no longer listed after its reimage"
        assert found[2].actual == "ReadyRole > missing; 2 answers to Get Deployment while the operation ran"

    @pytest.mark.parametrize(
        ("listed", "waited", "reason"),
        [
            ([True, True, False], 3600, f"only the last answer to Get Deployment does not list contoso-v2/{NAME}"),
            ([False], 3600, f"only the last answer to Get Deployment does not list contoso-v2/{NAME}"),
            (
                [True, False, False],
                9.0,
                f"contoso-v2/{NAME} was not listed 9.0 s after the end of the operation, and may take 1800 s to return",
            ),
        ],
    )
    def test_an_answer_that_does_not_list_it_is_no_proof_of_another_name(
        self, listed: list[bool], waited: float, reason: str
    ) -> None:
        own = ({NAME: "StoppedVM"} if each else {} for each in listed)
        seen = [look({**each, "B": "ReadyRole"}, number=n) for n, each in enumerate(own, 3)]
        found = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, waited=waited)
        (same,) = (verdict for verdict in found if verdict.requirement == SAME)

        assert (same.outcome, same.actual) == (Outcome.INCONCLUSIVE, reason)

    def test_renamed_while_it_is_away(self) -> None:
        seen = [look({"Z": status}, number=n) for n, status in enumerate(("StoppedVM", "ReadyRole"), 3)]
        found = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, waited=3600)

        assert brief(found)[0] == violated(SAME, "renamed", 4, 1)
        told = "while it was away (StoppedVM), it already had another name, Z"
        assert found[0].actual == f"contoso-v2/{NAME} is no longer listed; {told}"

    def test_the_only_deployment_is_not_named(self) -> None:
        alone = world(deployments=(PLACE.deployment,))
        found = judged(
            "instance_effect", [BEFORE, START, *looks(*["ReadyRole"] * 5)], alone, instance=NAME, ended_at=9.0
        )

        assert found[0].expected == f"{NAME} leaves ReadyRole"

    def test_back_at_once(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks("StoppedVM", "ReadyRole")], instance=NAME)

        assert (
            found[-1].actual
            == "ReadyRole > StoppedVM > ReadyRole; the last Get Deployment was 0.0 s after the end of the operation"
        )

    def test_the_last_look_decides_on_name_and_role(self) -> None:
        first = look({NAME: "BusyRole", "A": "ReadyRole"}, number=3)
        moved = look({NAME: "ReadyRole"}, number=4, roles={NAME: "Other"})
        without = [look({"Z": "ReadyRole"}, number=number) for number in (4, 5)]
        gone = judged("instance_effect", [BEFORE, START, first, *without], instance=NAME, waited=3600)
        other = judged("instance_effect", [BEFORE, START, first, moved], instance=NAME)

        assert brief(gone)[0] == violated(SAME, "renamed", 5, 1)
        assert gone[0].actual == f"contoso-v2/{NAME} is no longer listed; new in the list: Z"
        assert violated(SAME, "role-changed", 4, 1) in brief(other)
        assert (f"contoso-v2/{NAME} has RoleName 'WebRole1'", f"contoso-v2/{NAME} has RoleName 'Other'") in worded(
            other
        )

    def test_another_role(self) -> None:
        after = look({NAME: "ReadyRole"}, number=3, roles={NAME: "Other"})
        found = judged("instance_effect", [BEFORE, START, after], instance=NAME)

        assert violated(SAME, "role-changed", 3, 1) in brief(found)
        assert (f"contoso-v2/{NAME} has RoleName 'WebRole1'", f"contoso-v2/{NAME} has RoleName 'Other'") in worded(
            found
        )

    def test_looks_that_show_nothing_are_passed_over(self) -> None:
        several = [BEFORE, START, silent(LOOK, number=3), *looks("StoppedVM", "ReadyRole")[1:]]

        assert brief(judged("instance_effect", several, instance=NAME))[0][0] == OFFLINE
        assert judged("instance_effect", several, instance=NAME)[0].evidence == (2, 4)

    @pytest.mark.parametrize(
        ("before", "seen", "told"),
        [
            (
                look({NAME: "BusyRole"}, number=1),
                looks("ReadyRole"),
                f"contoso-v2/{NAME} was BusyRole, not ReadyRole, before the reimage",
            ),
            (
                look({"B": "ReadyRole"}, number=1),
                looks("ReadyRole"),
                f"contoso-v2/{NAME} was not shown before the reimage",
            ),
            (BEFORE, [], "no answer to Get Deployment showed a role instance after the 202"),
            (BEFORE, [silent(LOOK, number=3)], "no answer to Get Deployment showed a role instance after the 202"),
        ],
    )
    def test_without_observations_nothing_is_known(self, before: Exchange, seen: list[Exchange], told: str) -> None:
        found = judged("instance_effect", [before, START, *seen], instance=NAME, others=["B"])

        assert brief(found) == [inconclusive(OFFLINE, 2), inconclusive(ONLINE, 2)]
        assert [v.actual for v in found] == [told] * 2

    def others(self, seen: list[Exchange], *names: str) -> list[object]:
        """What the check says of the other instances."""
        found = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, others=list(names))
        return [
            (said, v.expected, v.actual) for said, v in zip(brief(found), found, strict=True) if v.requirement == OTHERS
        ]

    def test_the_others_stay(self) -> None:
        seen = looks("StoppedVM", "ReadyRole", B="ReadyRole", C="ReadyRole")

        assert self.others(seen, "B", "C") == [
            (met(OTHERS, 4), "", "2 other instances stayed ReadyRole in 2 answers to Get Deployment")
        ]

    def test_another_one_moves(self) -> None:
        seen = looks("StoppedVM", "ReadyRole", B="BusyRole", C="ReadyRole")
        expected = "the other instances stay ReadyRole"
        touched = violated(OTHERS, "others-touched", 3, 2)

        assert self.others(seen, "C", "B") == [
            (touched, expected, "contoso-v2/B is BusyRole after a reimage of contoso-v2/WebRole1_IN_0")
        ]
        assert self.others(looks("ReadyRole", "ReadyRole", B="BusyRole"), "B", "C") == [
            (
                touched,
                expected,
                "contoso-v2/B is BusyRole after a reimage of contoso-v2/WebRole1_IN_0, and 1 more changed",
            )
        ]
        unlisted = looks("ReadyRole", "ReadyRole", B="ReadyRole")
        assert self.others(unlisted, "C") == [
            (touched, expected, "contoso-v2/C is missing after a reimage of contoso-v2/WebRole1_IN_0")
        ]

    def test_one_answer_that_does_not_list_another_one_shows_no_change(self) -> None:
        once = looks("ReadyRole", B="ReadyRole")
        listed_again = [*once, look({NAME: "ReadyRole", "C": "ReadyRole"}, number=4)]

        for seen in (once, listed_again):
            found = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, others=["C"])
            assert [verdict.outcome for verdict in found if verdict.requirement == OTHERS] == [Outcome.MET]

    def test_another_one_moves_whose_own_reimage_was_refused(self) -> None:
        seen = looks("StoppedVM", "ReadyRole", B="BusyRole", C="ReadyRole")
        found = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, others=["B", "C"], refused=["B"])

        assert [v.actual for v in found if v.requirement == OTHERS] == [
            f"contoso-v2/B is BusyRole after a reimage of contoso-v2/{NAME}; a reimage of contoso-v2/B was refused with 409, but may have had this effect"
        ]

    def test_only_others_that_were_ready_are_watched(self) -> None:
        assert self.others(looks("ReadyRole", B="BusyRole"), "D") == []
        assert self.others(looks("ReadyRole", B="BusyRole")) == []


class TestForms:
    """The check `equivalent_forms`."""

    URI, HERE, THERE = "REQ-REIMAGE-URI-EQUIV", "contoso-v2", "contoso-v3"
    BEFORE = (
        look({NAME: "ReadyRole", "B": "ReadyRole", "C": "BusyRole"}, number=1),
        look({NAME: "ReadyRole", "A": "ReadyRole"}, number=2, name="contoso-v3"),
    )
    EXPECTED = f"contoso-v2/{NAME}, addressed by slot 'production', is reimaged, and no other"

    def of(
        self, *seen: Exchange, before: tuple[Exchange, ...] = BEFORE, others: list[str] | None = None
    ) -> list[tuple[object, str, str]]:
        """What the check says of a reimage in contoso-v2."""
        exchanges = [*before, started(number=3), *seen]
        arguments = {"deployment": self.HERE, "instance": NAME, "looked": len(before)}
        arguments |= {} if others is None else {"others": others}
        found = judged("equivalent_forms", exchanges, **arguments)
        return [(said, v.expected, v.actual) for said, v in zip(brief(found), found, strict=True)]

    def test_the_addressed_instance_alone(self) -> None:
        seen = [
            look({NAME: "ReadyRole", "B": "ReadyRole"}, number=4),
            look({NAME: "StoppedVM", "B": "ReadyRole"}, number=5),
            look({NAME: "ReadyRole", "A": "ReadyRole"}, number=6, name=self.THERE),
            look({NAME: "BusyRole"}, number=7, name="fabrikam"),
        ]

        assert self.of(*seen) == [(met(self.URI, 3), "", f"{NAME}: ReadyRole > StoppedVM")]

    def test_an_instance_whose_guest_had_a_problem_was_not_reimaged(self) -> None:
        seen = [
            look({NAME: "StoppedVM", "B": "CyclingRole"}, number=4),
            look({NAME: "BusyRole", "B": "BusyRole"}, number=5),
        ]

        assert [said for said, *_ in self.of(*seen)] == [met(self.URI, 3)]

    def test_a_deployment_of_the_same_name_in_another_cloud_service_is_another_one(self) -> None:
        elsewhere = BUILDER.deployment(replace(STAGING, cloud_service="fabrikam"))
        beside = look({NAME: "ReadyRole", "B": "BusyRole"}, number=2, name=self.HERE, request=elsewhere)
        before = (look({NAME: "ReadyRole", "B": "ReadyRole"}, number=1), beside)
        away = look({NAME: "StoppedVM", "B": "ReadyRole"}, number=4)
        gone_there = look({NAME: "StoppedVM", "B": "BusyRole"}, number=5, name=self.HERE, request=elsewhere)
        still = look({NAME: "ReadyRole", "B": "ReadyRole"}, number=4)

        assert self.of(away, replace(beside, number=5), before=before)[0][0] == met(self.URI, 3)
        assert self.of(still, gone_there, before=before)[0][0] == violated(self.URI, "other-instance", 3, 5)

    def test_nothing_went_offline(self) -> None:
        still = look({NAME: "ReadyRole", "B": "ReadyRole"}, number=4)

        assert self.of(still, still) == [(met(self.URI, 3), "", f"{NAME}: ReadyRole")]

    def test_the_instance_of_that_name_elsewhere_went_offline_instead(self) -> None:
        seen = [look({NAME: "ReadyRole"}, number=4), look({NAME: "BusyRole"}, number=5, name=self.THERE)]

        assert self.of(*seen) == [
            (
                violated(self.URI, "other-instance", 3, 5),
                self.EXPECTED,
                f"contoso-v3/{NAME} went offline, while contoso-v2/WebRole1_IN_0 stayed ReadyRole",
            )
        ]

    def test_what_a_request_of_ours_may_have_taken_offline_is_not_counted(self) -> None:
        seen = [look({NAME: "ReadyRole", "B": "StoppedVM"}, number=4)]

        assert self.of(*seen, others=[]) == [(met(self.URI, 3), "", f"{NAME}: ReadyRole")]
        assert self.of(*seen, others=["B"]) == [
            (
                violated(self.URI, "other-instance", 3, 4),
                self.EXPECTED,
                "contoso-v2/B went offline, while contoso-v2/WebRole1_IN_0 stayed ReadyRole",
            )
        ]

    def test_several_others_went_offline_instead(self) -> None:
        seen = [
            look({NAME: "ReadyRole", "B": "StoppedVM"}, number=4),
            look({NAME: "ReadyRole", "A": "BusyRole"}, number=5, name=self.THERE),
            look({NAME: "ReadyRole", "B": "BusyRole"}, number=6),
        ]

        assert self.of(*seen)[0][0] == violated(self.URI, "other-instance", 3, 6)
        assert (
            self.of(*seen)[0][2]
            == "contoso-v2/B, contoso-v3/A went offline, while contoso-v2/WebRole1_IN_0 stayed ReadyRole"
        )

    def test_others_went_offline_with_it(self) -> None:
        seen = [
            look({NAME: "ReadyRole", "B": "BusyRole"}, number=4),
            look({NAME: "StoppedVM", "B": "ReadyRole"}, number=5),
        ]

        assert self.of(*seen) == [
            (violated(OTHERS, "others-touched", 3, 5), self.EXPECTED, "contoso-v2/B went offline")
        ]

    def test_six_of_them_are_named_and_the_rest_counted(self) -> None:
        ready, gone = ({f"D{n}": status for n in range(7)} for status in ("ReadyRole", "BusyRole"))
        before = (look({NAME: "ReadyRole", **ready}, number=1),)
        found = self.of(look({NAME: "BusyRole", **gone}, number=4), before=before)

        assert found[0][2] == f"{', '.join(f'contoso-v2/D{n}' for n in range(6))} and 1 more went offline"

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(look({NAME: "ReadyRole", "C": "StoppedVM"}, number=4), id="offline before"),
            pytest.param(look({NAME: "ReadyRole", "D": "BusyRole"}, number=4), id="unknown before"),
            pytest.param(look({NAME: "ReadyRole", "A": "BusyRole"}, number=4), id="ready elsewhere"),
            pytest.param(look({NAME: "ReadyRole"}, number=4), id="not shown"),
        ],
    )
    def test_only_instances_that_were_ready_can_go_offline(self, other: Exchange) -> None:
        assert self.of(other) == [(met(self.URI, 3), "", f"{NAME}: ReadyRole")]

    def test_only_what_was_looked_at_first_was_before(self) -> None:
        seen = [look({NAME: "ReadyRole", "B": "BusyRole"}, number=4)]

        assert self.of(*seen, before=())[0][0] == met(self.URI, 3)
        assert self.of(*seen, before=self.BEFORE[1:])[0][0] == met(self.URI, 3)
        assert self.of(*seen, before=self.BEFORE[:1])[0][0] == violated(self.URI, "other-instance", 3, 4)

    def test_a_deployment_that_was_not_seen(self) -> None:
        told = "Get Deployment did not show the deployment while the operation ran"

        assert self.of() == [(inconclusive(self.URI, 3), "", told)]
        elsewhere = look({NAME: "BusyRole"}, number=4, name=self.THERE)
        assert self.of(elsewhere, silent(LOOK, number=5)) == [(inconclusive(self.URI, 3, 5), "", told)]

    def test_the_instance_is_not_listed_while_it_is_away(self) -> None:
        assert self.of(look({"B": "ReadyRole"}, number=4)) == [(met(self.URI, 3), "", f"{NAME}: missing")]
        assert self.of(look({"B": "ReadyRole"}, number=4), before=())[0][0] == inconclusive(self.URI, 3, 4)

    def test_looks_that_show_nothing_are_passed_over(self) -> None:
        seen = [silent(LOOK, number=4), look({NAME: "BusyRole"}, number=5), silent(LOOK, number=6)]

        assert self.of(*seen, before=(silent(LOOK, number=1),)) == [(met(self.URI, 3), "", f"{NAME}: BusyRole")]
