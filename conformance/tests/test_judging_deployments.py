"""Observations judged: the documents of Get Deployment and Get Cloud Service Properties, whatever the version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judging_samples import (
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
    lenient,
    look,
    met,
    refusal,
    silent,
    violated,
    worded,
)
from reimage_conformance.judging.deployments import FIRST_VERSIONS
from reimage_conformance.model import Outcome
from reimage_conformance.protocol.deployments import (
    deployment_elements,
    instance_elements,
    member,
    roles_in,
    statuses_in,
)
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

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
            exchange(LOOK, 307, number=7),
        ]
        found = judged("observer_answers", several, requirement="REQ-DEPL-URI")

        assert brief(found) == [
            violated("REQ-DEPL-URI", "no-request-id", 2),
            violated("REQ-DEPL-URI", "status:404", 3),
            violated("REQ-DEPL-URI", "status:202", 4),
            inconclusive("REQ-DEPL-URI", 5),
            inconclusive("REQ-DEPL-URI", 6),
            inconclusive("REQ-DEPL-URI", 7),
            met("REQ-DEPL-URI", 1),
        ]
        assert worded(found)[:2] == [
            ("an x-ms-request-id", "200 OK without x-ms-request-id"),
            ("200 OK", "404 Not Found, for cloud service 'contoso', slot 'production' with x-ms-version '2011-10-01'"),
        ]
        during = judged("observer_answers", several[2:3], requirement="REQ-DEPL-URI", while_reimaged=[3])
        assert brief(during) == [violated("REQ-DEPL-URI", "status:404", 3)]
        assert during[0].actual == f"{found[1].actual}, while a reimage in the deployment was under way"
        assert [v.actual for v in found[3:6]] == [
            "503 Service Unavailable",
            "Get Deployment got no complete answer: no answer came in time: as arranged",
            "redirected with 307",
        ]

    @staticmethod
    def in_version(version: str, status: int, *, code: str = "", number: int = 1) -> Exchange:
        request = with_header(LOOK, "x-ms-version", version)
        if code:
            return refusal(request, status, code, number=number)
        return exchange(request, status, headers=(("x-ms-request-id", f"id-{number}"),), number=number)

    WRONG_VERSION = "MissingOrIncorrectVersionHeader"

    @pytest.mark.parametrize("code", ["", "VersionNotSupported", WRONG_VERSION])
    def test_a_version_that_is_refused_is_not_held_against_the_address(self, code: str) -> None:
        several = [
            self.in_version("2009-10-01", 200),
            self.in_version("2010-04-01", 400, code=code, number=2),
            self.in_version("2011-10-01", 200, number=3),
        ]

        assert brief(judged("observer_answers", several, requirement="REQ-DEPL-URI")) == [
            advisory("REQ-VER-OLD-KEPT", "status:400", 2),
            met("REQ-DEPL-URI", 1, 3),
        ]

    def test_the_minimum_of_a_reimage_has_to_stay_usable(self) -> None:
        several = [self.in_version("2009-10-01", 200), self.in_version("2010-10-28", 400, number=2)]

        assert violated("REQ-DEPL-URI", "status:400", 2) in brief(
            judged("observer_answers", several, requirement="REQ-DEPL-URI")
        )

    def test_a_minimum_that_is_too_high_is_held_against_it(self) -> None:
        refused = [self.in_version("2009-10-01", 400, number=1), self.in_version("2010-04-01", 400, number=2)]
        several = [*refused, self.in_version("2011-10-01", 200, number=3)]

        assert brief(judged("observer_answers", several, requirement="REQ-DEPL-URI")) == [
            violated("REQ-DEPL-URI", "status:400", 1),
            violated("REQ-DEPL-URI", "status:400", 2),
            met("REQ-DEPL-URI", 3),
        ]

    @pytest.mark.parametrize("status", [400, 404, 500])
    def test_a_look_that_no_version_helps_is_held_against_it_too(self, status: int) -> None:
        several = [self.in_version("2010-04-01", status), self.in_version("2011-10-01", status, number=2)]

        assert {verdict.requirement for verdict in judged("observer_answers", several, requirement="REQ-DEPL-URI")} == {
            "REQ-DEPL-URI"
        }

    def test_an_error_that_is_no_version_error_is_held_against_it_too(self) -> None:
        several = [self.in_version("2010-04-01", 404), self.in_version("2011-10-01", 200, number=2)]

        found = judged("observer_answers", several, requirement="REQ-DEPL-URI")
        assert brief(found)[0] == violated("REQ-DEPL-URI", "status:404", 1)

    def test_a_version_that_was_never_published_is_recorded(self) -> None:
        refused = self.in_version("2013-02-02", 400, code=self.WRONG_VERSION)

        found = judged("observer_answers", [refused], requirement="REQ-DEPL-URI")
        assert [(each.requirement, each.outcome) for each in found] == [("REQ-VER-UNPUBLISHED", Outcome.OBSERVED)]

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

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (deployment(slot="Staging"), "Name 'contoso-v2', DeploymentSlot 'Staging'"),
            (deployment(name="contoso\tv2"), "Name 'contoso\\tv2' (\\t is a tab), DeploymentSlot 'Production'"),
            (deployment(name="", slot=""), "an empty Name, an empty DeploymentSlot"),
        ],
    )
    def test_another_deployment_is_told(self, body: str, told: str) -> None:
        found = judged("deployment_document", [shown(body)], name="contoso-v2", slot="production")

        assert worded(found) == [("Name 'contoso-v2', DeploymentSlot 'Production'", told)]

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

        assert worded(found) == [
            (f"root Deployment in the namespace {NAMESPACE}", "root Deployment in the namespace urn:x")
        ]

    def test_no_document(self) -> None:
        ill = judged("deployment_document", [shown("<")], name="a", slot="b")
        odd = judged("deployment_document", [exchange(LOOK, 200, b"\xff<")], name="a", slot="b")

        assert brief(ill) == brief(odd) == [violated("REQ-DEPL-ROOT", "no-document")]
        assert ill[0].actual.endswith(": a bare < in text")
        assert worded(odd) == [("an XML document", "the octets from octet 0 on are not UTF-8")]
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
        [
            (instance("A"), "1 not listed: B"),
            (instance("A") + instance("B") * 2, "1 listed more than once: B"),
            ("", "it lists no role instance; 2 role instances expected: A, B"),
        ],
    )
    def test_an_instance_is_not_listed_once(self, inner: str, absent: str) -> None:
        found = judged("instance_list", [shown(deployment(inner))], instances=["A", "B"])

        assert brief(found) == [violated("REQ-DEPL-INSTANCES", "instances")]
        assert worded(found) == [("every role instance of contoso-v2 listed once", absent)]

    @pytest.mark.parametrize(
        ("body", "owner"),
        [
            (SERVICE.format(deployment(name="x") + deployment(name="y")), "x, y"),
            (deployment(without="Name"), "the deployment"),
        ],
    )
    def test_whose_instances_are_not_listed_is_told(self, body: str, owner: str) -> None:
        found = judged("instance_list", [shown(body)], instances=["A"])

        actual = "it lists no role instance; 1 role instance expected: A"
        assert worded(found) == [(f"every role instance of {owner} listed once", actual)]

    def test_a_list_that_may_be_empty_and_is(self) -> None:
        assert self.listed("") == [inconclusive("REQ-DEPL-INSTANCES")]
        assert self.listed(instance("A")) == [met("REQ-DEPL-INSTANCES")]

    def test_what_stands_in_another_namespace_is_the_namespaces_matter(self) -> None:
        list_strange = deployment(instance("A")).replace("<RoleInstanceList>", '<RoleInstanceList xmlns="urn:x">')
        name_strange = deployment(instance("A")).replace("<InstanceName>", '<InstanceName xmlns="urn:x">')

        for body in (list_strange, name_strange):
            found = judged("instance_list", [shown(body)], instances=["A"])
            because = ("REQ-XML-NS",)
            assert brief(found) == [violated("REQ-DEPL-INSTANCES", "instances", because=because)]
        found = judged("deployment_document", [shown(list_strange)], name="contoso-v2", slot="production")
        assert brief(found) == [violated("REQ-DEPL-ROOT", "members", because=("REQ-XML-NS",))]

    def test_elements_of_another_namespace_are_none_of_an_instances(self) -> None:
        strange = '<f:InstanceStatus xmlns:f="urn:x">StoppedVM</f:InstanceStatus><f:InstanceSize xmlns:f="urn:x"/>'
        inner = instance("A").replace("<RoleName>", f"{strange}<RoleName>")

        assert self.listed(inner, "A") == [met("REQ-DEPL-INSTANCES")]

    def test_the_members_of_an_instance(self) -> None:
        swapped = "<RoleInstance><InstanceName>A</InstanceName><RoleName>r</RoleName><InstanceStatus>s</InstanceStatus></RoleInstance>"
        short = "<RoleInstance><RoleName>r</RoleName><InstanceName>A</InstanceName></RoleInstance>"

        assert self.listed(swapped, "A") == [violated("REQ-DEPL-INSTANCES", "members")]
        found = judged("instance_list", [shown(deployment(short + instance("B")))], instances=["A"])
        assert worded(found) == [
            (
                "RoleName, InstanceName, InstanceStatus, then the elements of later versions",
                "it begins with RoleName, InstanceName",
            )
        ]

    @pytest.mark.parametrize("added", sorted(FIRST_VERSIONS))
    def test_what_versions_added_comes_after_them(self, added: str) -> None:
        late = instance("A", rest=f"<{added}/>")
        early = late.replace(f"<{added}/>", "").replace("<InstanceName>", f"<{added}/><InstanceName>")
        found = judged("instance_list", [shown(deployment(early))], instances=["A"])

        assert self.listed(late, "A") == [met("REQ-DEPL-INSTANCES")]
        assert brief(found) == [violated("REQ-DEPL-INSTANCES", "members")]
        assert found[0].actual == f"it begins with RoleName, {added}, InstanceName"

    def test_what_no_version_is_known_to_have_added_may_come_anywhere(self) -> None:
        inner = instance("A").replace("<InstanceName>", "<PowerState/><InstanceName>")

        assert self.listed(inner, "A") == [met("REQ-DEPL-INSTANCES")]

    @pytest.mark.parametrize(
        ("inner", "empty"),
        [
            (instance("A").replace("<RoleName>A</RoleName>", "<RoleName/>"), ["RoleName"]),
            (instance("A") + instance("").replace("<RoleName></", "<RoleName>r</"), ["InstanceName"]),
            (instance("A", "") + instance("B", " ") + instance("C"), ["InstanceStatus"]),
            (instance("A", "") + instance("", role="r"), ["InstanceName", "InstanceStatus"]),
        ],
    )
    def test_a_member_of_an_instance_is_empty(self, inner: str, empty: list[str]) -> None:
        found = judged("instance_list", [shown(deployment(inner))], instances=["A"])

        assert brief(found) == [violated("REQ-DEPL-INSTANCES", "empty-member")]
        told = ", ".join(f"an empty {name}" for name in empty)
        assert worded(found) == [("text in RoleName, InstanceName, InstanceStatus", told)]

    def test_an_instance_that_is_not_there_comes_before_an_empty_member(self) -> None:
        assert self.listed(instance("A", ""), "A", "B") == [violated("REQ-DEPL-INSTANCES", "instances")]
        assert self.listed(instance("A", rest="<InstanceSize/>"), "A") == [met("REQ-DEPL-INSTANCES")]

    def test_no_deployment_is_anothers_matter(self) -> None:
        found = judged("instance_list", [silent(LOOK)], instances=["A"])

        assert brief(found) == [
            inconclusive("REQ-DEPL-INSTANCES", because=("REQ-DEPL-ROOT", "REQ-DEPL-URI", "REQ-PROPS-URI"))
        ]
        assert found[0].actual == "the answer to Get Deployment has no Deployment element"

    def test_an_empty_slot(self) -> None:
        name = "REQ-DEPL-EMPTY-SLOT"

        assert brief(judged("empty_slot", [refusal(LOOK, 404, "ResourceNotFound")])) == [met(name)]
        assert brief(judged("empty_slot", [refusal(LOOK, 404), refusal(LOOK, 400, number=2)])) == [met(name)]
        found = judged("empty_slot", [refusal(LOOK, 404, "X")])
        assert brief(found) == [advisory(name, "status:404")]
        told = "404 Not Found with X, for cloud service 'contoso', slot 'production'"
        assert worded(found) == [("404 with ResourceNotFound", told)]
        assert brief(judged("empty_slot", [refusal(LOOK, 404, "X")], lenient())) == [met(name)]
        assert brief(judged("empty_slot", [refusal(LOOK, 400, "ResourceNotFound")])) == [advisory(name, "status:400")]
        assert (
            brief(judged("empty_slot", [refusal(LOOK, 503)]))
            == brief(judged("empty_slot", [silent(LOOK)]))
            == brief(judged("empty_slot", [refusal(LOOK, 307)]))
            == [inconclusive(name)]
        )


class TestEmbedded:
    """The check `embedded_deployments`."""

    NAME = "REQ-PROPS-URI"
    BOTH = deployment(instance("A") + instance("B"), name="x") + deployment(instance("C"), name="y")

    def of(
        self, inner: str, deployments: dict[str, list[str]], *, wanted: bool = True
    ) -> tuple[list[object], str, str]:
        """What the check says of a cloud service that shows some deployments."""
        found = judged("embedded_deployments", [shown(SERVICE.format(inner))], wanted=wanted, deployments=deployments)
        return list(brief(found)), found[0].expected, found[0].actual

    def test_all_deployments_with_their_instances(self) -> None:
        assert self.of(self.BOTH, {"x": ["A", "B"], "y": ["C"]}) == ([met(self.NAME)], "", "shown: x, y")
        assert self.of(self.BOTH, {"y": []}) == ([met(self.NAME)], "", "shown: x, y")

    @pytest.mark.parametrize(
        ("deployments", "told"),
        [
            ({"x": ["A", "Z", "B"], "y": ["C"]}, "deployment x is shown without Z"),
            ({"x": ["C"], "y": ["C", "A"]}, "deployment x is shown without C; deployment y is shown without A"),
            ({"x": ["A"], "z": ["A", "B"]}, "deployment z is missing"),
            ({"z": ["A", "B", "C", "D", "E"]}, "deployment z is missing"),
            ({"x": ["A"], "z": [], "w": []}, "deployment z is missing; deployment w is missing"),
            ({"x": ["Z"], "z": []}, "deployment z is missing; deployment x is shown without Z"),
        ],
    )
    def test_something_is_left_out(self, deployments: dict[str, list[str]], told: str) -> None:
        expected = f"every role instance of {', '.join(deployments)} under Deployments/Deployment"

        assert self.of(self.BOTH, deployments) == (
            [violated(self.NAME, "detail")],
            expected,
            told,
        )

    def test_nothing_is_shown(self) -> None:
        empty = judged(
            "embedded_deployments",
            [shown(f'<HostedService xmlns="{NAMESPACE}"/>')],
            wanted=True,
            deployments={"x": ["A"]},
        )

        assert brief(empty) == [violated(self.NAME, "detail")]
        assert empty[0].actual == "deployment x is missing"

    def test_what_was_not_asked_for_is_not_shown(self) -> None:
        assert self.of("", {"x": ["A"]}, wanted=False) == ([met(self.NAME)], "", "no deployments shown")
        assert self.of(self.BOTH, {"x": ["A"]}, wanted=False) == (
            [violated(self.NAME, "unasked-detail")],
            "no deployments without embed-detail=true",
            "deployments x, y shown, for a request without a query",
        )

    @pytest.mark.parametrize("wanted", [True, False])
    @pytest.mark.parametrize(
        "other",
        [silent(LOOK), shown(SERVICE.format(BOTH), status=202), shown(SERVICE.format(BOTH), status=404), shown("<")],
    )
    def test_other_answers_say_nothing(self, other: Exchange, *, wanted: bool) -> None:
        assert judged("embedded_deployments", [other], wanted=wanted, deployments={"z": ["A"]}) == []


def test_a_poll_is_no_observation() -> None:
    assert statuses_in(exchange(POLL, 200, "<Operation/>")) == {}


class TestListedTwice:
    """The check `no_instance_twice`."""

    TWICE = deployment(instance("A") + instance("B") + instance("A"))
    ONCE = deployment(instance("A") + instance("B"))

    def test_one_answer_of_many_is_enough(self) -> None:
        found = judged(
            "no_instance_twice", [shown(self.ONCE), shown(self.TWICE, number=2), shown(self.TWICE, number=3)]
        )

        assert brief(found) == [violated("REQ-DEPL-INSTANCES", "instances", 2)]
        assert worded(found) == [("every role instance listed once", "A listed more than once")]

    def test_instances_that_are_listed_once(self) -> None:
        assert brief(judged("no_instance_twice", [shown(self.ONCE), shown(self.ONCE, number=2)])) == [
            met("REQ-DEPL-INSTANCES", 2)
        ]

    def test_other_answers_say_nothing(self) -> None:
        assert judged("no_instance_twice", [exchange(POLL, 200, self.TWICE)]) == []
        assert brief(judged("no_instance_twice", [silent(LOOK), refusal(LOOK, 404)])) == [met("REQ-DEPL-INSTANCES")]
