"""Observations judged: which elements and words each version of Get Deployment may show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    LOOK,
    advisory,
    brief,
    deployment,
    exchange,
    instance,
    judged,
    met,
    silent,
    worded,
)
from reimage_conformance.judging.deployments import STATUS_VALUES
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

SINGLE, WHOLE = "REQ-DEPL-VERSIONS", "REQ-VER-GATED-ELEMENTS"


def shown(body: str, *, version: str = "2011-10-01", number: int = 1) -> Exchange:
    return exchange(with_header(LOOK, "x-ms-version", version), 200, body, number=number)


class TestGates:
    """The check `version_gates`."""

    @pytest.mark.parametrize(
        ("name", "first", "before"),
        [
            ("InstanceUpgradeDomain", "2011-06-01", "2011-02-25"),
            ("InstanceFaultDomain", "2011-06-01", "2011-02-25"),
            ("InstanceSize", "2011-06-01", "2011-02-25"),
            ("InstanceStateDetails", "2011-06-01", "2011-02-25"),
            ("InstanceErrorCode", "2011-10-01", "2011-08-01"),
            ("IpAddress", "2012-03-01", "2011-10-01"),
            ("GuestAgentStatus", "2014-04-01", "2014-02-01"),
            ("ExtendedInstanceStatus", "2015-05-01", "2014-10-01"),
        ],
    )
    def test_elements_have_a_first_version(self, name: str, first: str, before: str) -> None:
        body = deployment(instance("A", rest=f"<{name}/><PowerState/>"))
        late, early = (
            judged("version_gates", [shown(body, version=first)]),
            judged("version_gates", [shown(body, version=before)]),
        )

        assert brief(late) == [met(SINGLE), met(WHOLE)]
        assert brief(early) == [
            advisory(SINGLE, "early-element", because=(WHOLE,)),
            advisory(WHOLE, "early-element"),
        ]
        assert (
            worded(early)
            == [(f"no element newer than version {before}", f"under version {before} an answer shows {name}")] * 2
        )

    def gated(self, *seen: tuple[str, str]) -> list[object]:
        """What the check says of an instance that shows some elements under each version."""
        answers = [
            shown(deployment(instance("A", rest=rest)), version=version, number=n)
            for n, (version, rest) in enumerate(seen, 1)
        ]
        return list(brief(judged("version_gates", answers)))

    def test_one_that_shows_the_same_in_every_version_gates_nothing(self) -> None:
        rest = "<InstanceSize/><IpAddress/>"

        assert self.gated(("2011-10-01", rest), ("2012-03-01", rest)) == [
            advisory(SINGLE, "early-element", 1, because=(WHOLE,)),
            advisory(WHOLE, "early-element", 1),
            met(SINGLE, 2),
            met(WHOLE, 2),
        ]

    @pytest.mark.parametrize("other", ["<IpAddress/>", "<InstanceSize/><IpAddress/><GuestAgentStatus/>", ""])
    def test_one_that_does_not_slips_with_single_elements(self, other: str) -> None:
        found = self.gated(("2011-10-01", "<InstanceSize/><IpAddress/>"), ("2014-04-01", other))

        assert found == [
            advisory(SINGLE, "early-element", 1),
            advisory(WHOLE, "early-element", 1, because=(SINGLE,)),
            met(SINGLE, 2),
            met(WHOLE, 2),
        ]

    def test_the_elements_of_all_instances_count(self) -> None:
        body = deployment(instance("A", rest="<IpAddress/>") + instance("B", rest="<GuestAgentStatus/>"))
        found = judged("version_gates", [shown(body)])

        assert found[0].actual == "under version 2011-10-01 an answer shows GuestAgentStatus, IpAddress"

    def test_one_that_shows_none_is_early_with_none(self) -> None:
        assert self.gated(("2011-02-25", ""), ("2011-10-01", "<PowerState/>")) == [met(SINGLE, 1, 2), met(WHOLE, 1, 2)]
        assert judged("version_gates", [silent(LOOK)]) == []

    def test_without_instances_no_element_is_early(self) -> None:
        several = [shown(deployment()), shown(deployment(instance("A", rest="<IpAddress/>")), number=2)]

        assert brief(judged("version_gates", several)) == [
            advisory(SINGLE, "early-element", 2, because=(WHOLE,)),
            advisory(WHOLE, "early-element", 2),
        ]


class TestVocabulary:
    """The check `status_vocabulary`."""

    def vocabulary(self, requirement: str, status: str, version: str = "2011-10-01", rest: str = "") -> list[object]:
        """What the check says about one requirement of an instance with a status."""
        found = judged("status_vocabulary", [shown(deployment(instance("A", status, rest=rest)), version=version)])
        return [said for said in brief(found) if said[0] == requirement]

    @pytest.mark.parametrize(
        "status",
        [
            "RoleStateUnknown",
            "Unknown",
            "CreatingVM",
            "StartingVM",
            "CreatingRole",
            "StartingRole",
            "ReadyRole",
            "BusyRole",
            "StoppingRole",
            "StoppingVM",
            "DeletingVM",
            "StoppedVM",
            "RestartingRole",
            "CyclingRole",
            "FailedStartingRole",
            "FailedStartingVM",
            "UnresponsiveRole",
            "StoppedDeallocated",
            "Preparing",
            "Provisioning",
            "ProvisioningFailed",
        ],
    )
    def test_documented_statuses(self, status: str) -> None:
        assert self.vocabulary("REQ-DEPL-STATUS-VALUES", status) == [met("REQ-DEPL-STATUS-VALUES")]

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            ("Ready", "InstanceStatus 'Ready'"),
            ("readyrole", "InstanceStatus 'readyrole'"),
            ("", "an empty InstanceStatus"),
        ],
    )
    def test_other_statuses(self, status: str, told: str) -> None:
        assert self.vocabulary("REQ-DEPL-STATUS-VALUES", status) == [advisory("REQ-DEPL-STATUS-VALUES", "status-value")]
        found = judged("status_vocabulary", [shown(deployment(instance("A", status)))])
        assert worded(found)[0] == (f"an InstanceStatus among {', '.join(STATUS_VALUES)}", told)

    @pytest.mark.parametrize(
        ("status", "version", "fits"),
        [
            ("CyclingRole", "2014-02-01", True),
            ("CyclingRole", "2013-06-01", True),
            ("CyclingRole", "2014-04-01", False),
            ("StoppedDeallocated", "2013-06-01", True),
            ("StoppedDeallocated", "2013-03-01", False),
            ("Preparing", "2014-05-01", True),
            ("Preparing", "2014-04-01", False),
            ("ReadyRole", "2011-10-01", True),
        ],
    )
    def test_statuses_have_their_versions(self, status: str, version: str, fits: bool) -> None:  # noqa: FBT001
        name = "REQ-DEPL-STATUS-GATES"

        assert self.vocabulary(name, status, version) == [met(name) if fits else advisory(name, "gated-status")]

    def test_a_gated_status_is_told(self) -> None:
        found = judged("status_vocabulary", [shown(deployment(instance("A", "Preparing")))])

        told = ("Preparing from version 2014-05-01 on", "InstanceStatus Preparing under version 2011-10-01")
        assert told in worded(found)

    def test_a_status_that_no_later_version_has_is_told(self) -> None:
        late = shown(deployment(instance("A", "CyclingRole")), version="2015-04-01")

        told = ("CyclingRole up to version 2014-02-01 only", "InstanceStatus CyclingRole under version 2015-04-01")
        assert told in worded(judged("status_vocabulary", [late]))

    @pytest.mark.parametrize("power", ["Starting", "Started", "Stopping", "Stopped", "Unknown"])
    def test_power_states(self, power: str) -> None:
        assert self.vocabulary("REQ-DEPL-POWER", "ReadyRole", rest=f"<PowerState>{power}</PowerState>") == [
            met("REQ-DEPL-POWER")
        ]

    def test_other_power_states(self) -> None:
        assert self.vocabulary("REQ-DEPL-POWER", "ReadyRole", rest="<PowerState>On</PowerState>") == [
            advisory("REQ-DEPL-POWER", "power")
        ]
        odd = judged("status_vocabulary", [shown(deployment(instance("A", rest="<PowerState>On</PowerState>")))])
        fine = judged("status_vocabulary", [shown(deployment(instance("A", rest="<PowerState>Started</PowerState>")))])
        none = judged("status_vocabulary", [shown(deployment(instance("A")))])
        assert worded(odd)[0] == ("Starting, Started, Stopping, Stopped or Unknown", "PowerState 'On'")
        assert fine[-1].actual == "PowerState 'Started'"
        assert none[-1].actual == "no PowerState shown"

    def test_early_versions_had_other_words(self) -> None:
        body = deployment(instance("A", "Ready"))

        assert judged("status_vocabulary", [shown(body, version="2011-08-01"), shown(deployment())]) == []
        later = judged("status_vocabulary", [shown(body, version="2011-08-01"), shown(body, number=2)])
        assert brief(later)[0] == advisory("REQ-DEPL-STATUS-VALUES", "status-value", 2)
