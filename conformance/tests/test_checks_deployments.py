"""Observations judged: the documents of Get Deployment, and what a reimage does to role instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.checks.deployments import deployment_elements, instance_elements, member, roles_in, statuses_in
from conformance.protocol.requests import with_header
from conformance.tests.judging_samples import (
    LOOK,
    NAMESPACE,
    POLL,
    advisory,
    brief,
    deployment,
    error,
    exchange,
    inconclusive,
    instance,
    judged,
    look,
    met,
    refusal,
    silent,
    started,
    violated,
    worded,
)

if TYPE_CHECKING:
    from conformance.model import Exchange

NAME = "WebRole1_IN_0"
SERVICE = f'<HostedService xmlns="{NAMESPACE}"><Deployments>{{}}</Deployments></HostedService>'


def shown(body: str, *, version: str = "2011-10-01", status: int = 200, number: int = 1) -> Exchange:
    return exchange(with_header(LOOK, "x-ms-version", version), status, body, number=number)


class TestReading:
    """Deployments and instances read out of answers."""

    def test_instances(self) -> None:
        seen = look({"A_IN_0": "ReadyRole", "B_IN_0": "BusyRole"}, roles={"A_IN_0": "Web"})

        assert statuses_in(seen) == {"A_IN_0": "ReadyRole", "B_IN_0": "BusyRole"}
        assert roles_in(seen) == {"A_IN_0": "Web", "B_IN_0": "B"}

    def test_a_cloud_service_holds_deployments(self) -> None:
        inner = deployment(instance("A"), name="x") + "<Deployment2/>" + deployment(instance("B"), name="y")
        seen = shown(SERVICE.format(inner))

        assert [member(found, "Name") for found in deployment_elements(seen)] == ["x", "y"]
        assert list(statuses_in(seen)) == ["A", "B"]

    @pytest.mark.parametrize(
        "other",
        [
            silent(LOOK),
            shown(deployment(instance("A")), status=202),
            shown("<"),
            shown("<Other/>"),
            shown(f'<HostedService xmlns="{NAMESPACE}"/>'),
        ],
    )
    def test_other_answers_hold_none(self, other: Exchange) -> None:
        assert deployment_elements(other) == []
        assert statuses_in(other) == roles_in(other) == {}

    def test_what_is_not_there_is_empty(self) -> None:
        (bare,) = deployment_elements(shown(deployment("<Other/>", without="Name")))
        (none,) = deployment_elements(shown(deployment(without="RoleInstanceList")))

        assert (member(bare, "Name"), instance_elements(bare), instance_elements(none)) == ("", [], [])


class TestDocuments:
    """The checks of single answers."""

    def test_an_observer_answers_200_with_an_id(self) -> None:
        several = [
            exchange(LOOK, 200, headers=(("x-ms-request-id", "a"),), number=1),
            exchange(LOOK, 200, number=2),
            exchange(LOOK, 404, number=3),
            exchange(LOOK, 202, number=4),
            exchange(LOOK, 503, number=5),
            silent(LOOK, number=6),
        ]
        found = judged("observer_answers", several, requirement="REQ-DEPL-URI")

        assert brief(found) == [
            violated("REQ-DEPL-URI", "no-request-id", 2),
            violated("REQ-DEPL-URI", "status:404", 3),
            violated("REQ-DEPL-URI", "status:202", 4),
            inconclusive("REQ-DEPL-URI", 5),
            inconclusive("REQ-DEPL-URI", 6),
            met("REQ-DEPL-URI", 1),
        ]
        assert worded(found)[:2] == [("an x-ms-request-id", "200 OK without one"), ("200 OK", "404 Not Found")]
        assert [v.actual for v in found[3:5]] == ["503 Service Unavailable", "no complete reply: timeout, as arranged"]

    def root(self, body: str) -> list[object]:
        """What the check says of a document asked for as contoso-v2 in production."""
        return list(brief(judged("deployment_document", [shown(body)], name="contoso-v2", slot="production")))

    def test_the_document_of_the_deployment_asked_for(self) -> None:
        assert self.root(deployment()) == [met("REQ-DEPL-ROOT")]
        assert self.root(deployment(slot="production")) == [met("REQ-DEPL-ROOT")]
        several = [shown(deployment()), shown(error(), number=2)]
        assert brief(judged("deployment_document", several, name="contoso-v2", slot="production")) == [
            met("REQ-DEPL-ROOT")
        ]

    @pytest.mark.parametrize(
        "name", ["Name", "DeploymentSlot", "PrivateID", "Status", "Label", "Url", "Configuration", "RoleInstanceList"]
    )
    def test_a_missing_member(self, name: str) -> None:
        found = judged("deployment_document", [shown(deployment(without=name))], name="contoso-v2", slot="production")

        assert brief(found) == [violated("REQ-DEPL-ROOT", "members")]
        assert found[0].actual == f"no {name}"
        assert (
            found[0].expected == "Name, DeploymentSlot, PrivateID, Status, Label, Url, Configuration, RoleInstanceList"
        )

    def test_several_missing_members(self) -> None:
        body = f'<Deployment xmlns="{NAMESPACE}"><Name>a</Name></Deployment>'
        found = judged("deployment_document", [shown(body)], name="contoso-v2", slot="production")

        assert found[0].actual == "no DeploymentSlot, PrivateID, Status, Label, Url, Configuration, RoleInstanceList"

    @pytest.mark.parametrize("body", [deployment(name="contoso-v3"), deployment(slot="Staging")])
    def test_another_deployment(self, body: str) -> None:
        assert self.root(body) == [violated("REQ-DEPL-ROOT", "identity")]

    def test_another_deployment_is_told(self) -> None:
        found = judged("deployment_document", [shown(deployment(slot="Staging"))], name="contoso-v2", slot="production")

        assert worded(found) == [("Name contoso-v2, slot production", "Name contoso-v2, slot staging")]

    @pytest.mark.parametrize(
        "body",
        [
            deployment(namespace="urn:x"),
            error(),
            deployment().replace("Deployment>", "Deployments>").replace("<Deployment ", "<Deployments "),
        ],
    )
    def test_another_root(self, body: str) -> None:
        assert self.root(body) == [violated("REQ-DEPL-ROOT", "root")]

    def test_another_root_is_told(self) -> None:
        found = judged(
            "deployment_document", [shown(deployment(namespace="urn:x"))], name="contoso-v2", slot="production"
        )

        assert worded(found) == [(f"{{{NAMESPACE}}}Deployment", "{urn:x}Deployment")]

    def test_no_document(self) -> None:
        because = ("REQ-XML-WF", "REQ-XML-ENC")
        ill = judged("deployment_document", [shown("<")], name="a", slot="b")
        odd = judged("deployment_document", [exchange(LOOK, 200, b"\xff<")], name="a", slot="b")

        assert brief(ill) == brief(odd) == [violated("REQ-DEPL-ROOT", "no-document", because=because)]
        assert ill[0].actual.startswith("StartTag: ")
        assert worded(odd) == [("an XML document", "not utf-8: invalid start byte at octet 0")]
        assert judged("deployment_document", [silent(LOOK)], name="a", slot="b") == []
        assert judged("deployment_document", [exchange(LOOK, 404, error())], name="a", slot="b") == []

    def listed(self, inner: str, *names: str) -> list[object]:
        """What the check says of a list of instances."""
        return list(brief(judged("instance_list", [shown(deployment(inner))], instances=list(names))))

    def test_the_instances_are_listed(self) -> None:
        extra = instance("A", rest="<More/>") + instance("B") + instance("C")

        assert self.listed(extra, "A", "B") == [met("REQ-DEPL-INSTANCES")]

    @pytest.mark.parametrize(
        ("inner", "absent"),
        [(instance("A"), "['B']"), (instance("A") + instance("B") * 2, "['B']"), ("", "['A', 'B']")],
    )
    def test_an_instance_is_not_listed_once(self, inner: str, absent: str) -> None:
        found = judged("instance_list", [shown(deployment(inner))], instances=["A", "B"])

        assert brief(found) == [violated("REQ-DEPL-INSTANCES", "instances")]
        assert worded(found) == [("every instance once", f"{absent} not listed once")]

    def test_the_members_of_an_instance(self) -> None:
        swapped = "<RoleInstance><InstanceName>A</InstanceName><RoleName>r</RoleName><InstanceStatus>s</InstanceStatus></RoleInstance>"
        short = "<RoleInstance><RoleName>r</RoleName><InstanceName>A</InstanceName></RoleInstance>"

        assert self.listed(swapped, "A") == [violated("REQ-DEPL-INSTANCES", "members")]
        found = judged("instance_list", [shown(deployment(short + instance("B")))], instances=["A"])
        assert worded(found) == [
            (
                "RoleName then InstanceName then InstanceStatus",
                "[('RoleName', 'InstanceName'), ('RoleName', 'InstanceName', 'InstanceStatus')]",
            )
        ]

    def test_no_deployment_is_anothers_matter(self) -> None:
        found = judged("instance_list", [silent(LOOK)], instances=["A"])

        assert brief(found) == [
            inconclusive("REQ-DEPL-INSTANCES", because=("REQ-DEPL-ROOT", "REQ-DEPL-URI", "REQ-PROPS-URI"))
        ]
        assert found[0].actual == "no Deployment element"

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

        assert brief(late) == [met("REQ-DEPL-VERSIONS"), met("REQ-VER-GATED-ELEMENTS")]
        assert brief(early) == [
            advisory("REQ-DEPL-VERSIONS", "early-element"),
            advisory("REQ-VER-GATED-ELEMENTS", "early-element", because=("REQ-DEPL-VERSIONS",)),
        ]
        assert worded(early) == [(f"no element newer than {before}", f"{name} under {before}")] * 2

    def test_without_instances_no_element_is_early(self) -> None:
        several = [shown(deployment()), shown(deployment(instance("A", rest="<IpAddress/>")), number=2)]

        assert [s[4] for s in brief(judged("version_gates", several))] == [(2,), (2,)]

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

    @pytest.mark.parametrize("status", ["Ready", "readyrole", ""])
    def test_other_statuses(self, status: str) -> None:
        assert self.vocabulary("REQ-DEPL-STATUS-VALUES", status) == [advisory("REQ-DEPL-STATUS-VALUES", "status-value")]
        found = judged("status_vocabulary", [shown(deployment(instance("A", status)))])
        assert worded(found)[0] == ("a documented InstanceStatus", f"[{status!r}]")

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

        assert ("no status outside 2011-10-01", "['Preparing']") in worded(found)

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
        assert worded(odd)[0] == ("Starting or Started or Stopping or Stopped or Unknown", "['On']")
        assert fine[-1].actual == "['Started']"
        assert none[-1].actual == "no PowerState shown"

    def test_early_versions_had_other_words(self) -> None:
        body = deployment(instance("A", "Ready"))

        assert judged("status_vocabulary", [shown(body, version="2011-08-01"), shown(deployment())]) == []
        later = judged("status_vocabulary", [shown(body, version="2011-08-01"), shown(body, number=2)])
        assert brief(later)[0] == advisory("REQ-DEPL-STATUS-VALUES", "status-value", 2)

    def test_an_empty_slot(self) -> None:
        name = "REQ-DEPL-EMPTY-SLOT"

        assert brief(judged("empty_slot", [refusal(LOOK, 404, "ResourceNotFound")])) == [met(name)]
        assert brief(judged("empty_slot", [refusal(LOOK, 404), refusal(LOOK, 400, number=2)])) == [met(name)]
        found = judged("empty_slot", [refusal(LOOK, 404, "X")])
        assert brief(found) == [advisory(name, "status:404")]
        assert worded(found) == [("404 with ResourceNotFound", "404 Not Found with X")]
        assert brief(judged("empty_slot", [refusal(LOOK, 400, "ResourceNotFound")])) == [advisory(name, "status:400")]
        assert (
            brief(judged("empty_slot", [refusal(LOOK, 503)]))
            == brief(judged("empty_slot", [silent(LOOK)]))
            == [inconclusive(name)]
        )


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
            "ReadyRole > StoppedVM > ReadyRole, seen 1 times while the operation ran",
            "role WebRole1",
            "ReadyRole > StoppedVM > ReadyRole, 0.0 s after the end",
        ]

    def test_never_offline(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks(*["ReadyRole"] * 5)], instance=NAME, ended_at=3.0)

        assert brief(found)[0] == advisory(OFFLINE, "never-offline", 2, 7)
        assert worded(found)[0] == (f"{NAME} leaves ReadyRole", "ReadyRole, seen 4 times while the operation ran")
        assert brief(found)[1:] == [met(SAME, 7), met(ONLINE, 7)]

    def test_too_few_looks_to_say(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks(*["ReadyRole"] * 5)], instance=NAME, ended_at=2.9)

        assert brief(found)[0] == inconclusive(OFFLINE, 2, 7)
        assert found[0].actual == "seen only 3 times while the operation ran"

    def test_still_offline(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks("StoppedVM", "BusyRole")], instance=NAME, waited=7.25)

        assert brief(found)[0] == violated(ONLINE, "still-offline", 4, 1)
        assert worded(found)[0] == (
            f"{NAME} back at ReadyRole",
            "ReadyRole > StoppedVM > BusyRole, 7.2 s after the end",
        )

    @pytest.mark.parametrize(
        "status", ["RestartingRole", "CyclingRole", "FailedStartingRole", "FailedStartingVM", "UnresponsiveRole"]
    )
    def test_a_guest_with_a_problem_proves_nothing(self, status: str) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks(status)], instance=NAME)

        assert inconclusive(ONLINE, 3, 1) in brief(found)
        assert f"{NAME} is {status}: the guest has a problem (REQ-DEPL-BAD-STATES)" in [v.actual for v in found]

    def test_renamed(self) -> None:
        after = look({f"N{n}": "ReadyRole" for n in range(8)}, number=3)
        found = judged("instance_effect", [BEFORE, START, after], instance=NAME)

        assert brief(found) == [
            violated(SAME, "renamed", 3, 1),
            inconclusive(ONLINE, 3, 1, because=(SAME,)),
            met(OFFLINE, 3),
        ]
        assert worded(found)[0] == (
            f"{NAME} of role WebRole1",
            "not listed any more; listed: ['N0', 'N1', 'N2', 'N3', 'N4', 'N5']",
        )
        assert found[1].actual == "the instance is not listed any more"
        assert found[2].actual == "ReadyRole > missing, seen 1 times while the operation ran"

    def test_back_at_once(self) -> None:
        found = judged("instance_effect", [BEFORE, START, *looks("StoppedVM", "ReadyRole")], instance=NAME)

        assert found[-1].actual == "ReadyRole > StoppedVM > ReadyRole, 0.0 s after the end"

    def test_the_last_look_decides_on_name_and_role(self) -> None:
        first = look({NAME: "BusyRole", "A": "ReadyRole"}, number=3)
        moved = look({NAME: "ReadyRole"}, number=4, roles={NAME: "Other"})
        gone = judged("instance_effect", [BEFORE, START, first, look({"Z": "ReadyRole"}, number=4)], instance=NAME)
        other = judged("instance_effect", [BEFORE, START, first, moved], instance=NAME)

        assert brief(gone)[0] == violated(SAME, "renamed", 4, 1)
        assert gone[0].actual == "not listed any more; listed: ['Z']"
        assert violated(SAME, "role-changed", 4, 1) in brief(other)
        assert ("role WebRole1", "role Other") in worded(other)

    def test_another_role(self) -> None:
        after = look({NAME: "ReadyRole"}, number=3, roles={NAME: "Other"})
        found = judged("instance_effect", [BEFORE, START, after], instance=NAME)

        assert violated(SAME, "role-changed", 3, 1) in brief(found)
        assert ("role WebRole1", "role Other") in worded(found)

    def test_looks_that_show_nothing_are_passed_over(self) -> None:
        several = [BEFORE, START, silent(LOOK, number=3), *looks("StoppedVM", "ReadyRole")[1:]]

        assert brief(judged("instance_effect", several, instance=NAME))[0][0] == OFFLINE
        assert judged("instance_effect", several, instance=NAME)[0].evidence == (2, 4)

    @pytest.mark.parametrize(
        ("before", "seen", "told"),
        [
            (look({NAME: "BusyRole"}, number=1), looks("ReadyRole"), f"{NAME} was BusyRole before"),
            (look({"B": "ReadyRole"}, number=1), looks("ReadyRole"), f"{NAME} was not shown before"),
            (BEFORE, [], "nothing was observed"),
            (BEFORE, [silent(LOOK, number=3)], "nothing was observed"),
        ],
    )
    def test_without_observations_nothing_is_known(self, before: Exchange, seen: list[Exchange], told: str) -> None:
        found = judged("instance_effect", [before, START, *seen], instance=NAME, others=["B"])
        because = ("REQ-DEPL-URI", "REQ-DEPL-ROOT", "REQ-DEPL-INSTANCES")

        assert brief(found) == [inconclusive(OFFLINE, 2, because=because), inconclusive(ONLINE, 2, because=because)]
        assert [v.actual for v in found] == [told] * 2

    def others(self, seen: list[Exchange], *names: str) -> list[object]:
        """What the check says of the other instances."""
        found = judged("instance_effect", [BEFORE, START, *seen], instance=NAME, others=list(names))
        return [
            (said, v.expected, v.actual) for said, v in zip(brief(found), found, strict=True) if v.requirement == OTHERS
        ]

    def test_the_others_stay(self) -> None:
        seen = looks("StoppedVM", "ReadyRole", B="ReadyRole", C="ReadyRole")

        assert self.others(seen, "B", "C") == [(met(OTHERS, 4), "", "2 others stayed ReadyRole over 2 looks")]

    def test_another_one_moves(self) -> None:
        seen = looks("StoppedVM", "ReadyRole", B="BusyRole", C="ReadyRole")
        expected = "the other instances stay ReadyRole"

        assert self.others(seen, "C", "B") == [(violated(OTHERS, "others-touched", 3, 2), expected, "B is BusyRole")]
        assert self.others(looks("ReadyRole", B="BusyRole"), "B", "C") == [
            (violated(OTHERS, "others-touched", 3, 2), expected, "B is BusyRole and 1 more changed")
        ]
        assert self.others(looks("ReadyRole", B="ReadyRole"), "C")[0][2] == "C is missing"  # type: ignore[index]

    def test_only_others_that_were_ready_are_watched(self) -> None:
        assert self.others(looks("ReadyRole", B="BusyRole"), "D") == []
        assert self.others(looks("ReadyRole", B="BusyRole")) == []


class TestForms:
    """The check `equivalent_forms`."""

    URI = "REQ-REIMAGE-URI-EQUIV"

    def of(self, *seen: Exchange) -> list[tuple[object, str, str]]:
        """What the check says of a reimage in contoso-v2."""
        found = judged(
            "equivalent_forms", [started(), *seen], deployment="contoso-v2", instance=NAME, elsewhere=["contoso-v3"]
        )
        return [(said, v.expected, v.actual) for said, v in zip(brief(found), found, strict=True)]

    def test_the_addressed_instance_alone(self) -> None:
        seen = [
            look({NAME: "ReadyRole"}, number=2),
            look({NAME: "StoppedVM"}, number=3),
            look({NAME: "ReadyRole"}, number=4, name="contoso-v3"),
            look({NAME: "BusyRole"}, number=5, name="fabrikam"),
        ]

        assert self.of(*seen) == [(met(self.URI, 1), "", f"{NAME}: ReadyRole > StoppedVM")]

    def test_another_deployment_went_offline(self) -> None:
        seen = [
            look({NAME: "ReadyRole"}),
            look({"B": "BusyRole", "A": "BusyRole", "C": "ReadyRole"}, number=3, name="contoso-v3"),
        ]

        assert self.of(*seen) == [
            (
                violated(self.URI, "other-deployment", 1, 3),
                f"{NAME} of contoso-v2 is reimaged, and no other deployment touched",
                "contoso-v3/A, contoso-v3/B went offline",
            )
        ]

    def test_another_instance_went_offline_instead(self) -> None:
        wrong = look({NAME: "ReadyRole", "C": "BusyRole", "B": "BusyRole"})

        assert self.of(wrong) == [
            (
                violated(self.URI, "other-instance", 1, 2),
                f"{NAME} of contoso-v2 is reimaged, and no other deployment touched",
                "B, C went offline instead",
            )
        ]
        both = look({NAME: "StoppedVM", "B": "BusyRole"}, number=3)
        assert self.of(wrong, both)[0][0] == met(self.URI, 1)
        assert self.of(look({"B": "BusyRole"}))[0][0] == met(self.URI, 1)

    def test_a_deployment_that_was_not_seen(self) -> None:
        told = "the deployment was not seen while the operation ran"

        assert self.of() == [(inconclusive(self.URI, 1), "", told)]
        assert self.of(look({NAME: "ReadyRole"}, name="contoso-v3"), silent(LOOK, number=3)) == [
            (inconclusive(self.URI, 1, 2), "", told)
        ]


def test_a_poll_is_no_observation() -> None:
    assert statuses_in(exchange(POLL, 200, "<Operation/>")) == {}
