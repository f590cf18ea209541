"""The plan: which reimages a run starts, the ones that decide most first, and the variations that they carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from judging_samples import (
    FABRIKAM,
    LOOK,
    PLACE,
    PRODUCTION,
    REIMAGE,
    REIMAGE_BY_NAME,
    STAGING,
    TARGET,
    world,
)
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Deployment, Identity, Limits, Profile
from reimage_conformance.protocol.addresses import UriForm, natural
from reimage_conformance.protocol.requests import Place
from reimage_conformance.protocol.variations import VARIATIONS, varied
from reimage_conformance.session.steps import (
    MERGE_BELOW_REIMAGES,
    MERGE_NAMES_UP_TO,
    OTHER_SPELLING,
    SPELLING,
    Planner,
    role_of,
)

if TYPE_CHECKING:
    from reimage_conformance.model import Request

PLENTY = replace(TARGET, limits=Limits(max_reimages=MERGE_BELOW_REIMAGES))


class TestPlan:
    """Which reimages a run starts, the ones that decide most first."""

    def test_names_are_ordered_by_role_then_index(self) -> None:
        names = ["Web_IN_10", "Web_IN_2", "Other", "Web_IN_0", "Web_IN_"]

        assert sorted(names, key=natural) == ["Other", "Web_IN_", "Web_IN_0", "Web_IN_2", "Web_IN_10"]
        assert (natural("A\n7"), natural(""), role_of("Web_IN_12")) == (("A\n", 7), ("", -1), "Web_IN_")

    def test_the_main_deployment_is_the_largest_in_production(self) -> None:
        assert Planner(TARGET, Profile.STANDARD).main == PRODUCTION
        assert Planner(TARGET, Profile.STANDARD).others == [STAGING, FABRIKAM]
        large = replace(STAGING, role_instances=("a", "b", "c", "d"))
        assert Planner(replace(TARGET, deployments=(large, FABRIKAM)), Profile.STANDARD).main == FABRIKAM
        empty = replace(PRODUCTION, role_instances=())
        assert Planner(replace(TARGET, deployments=(empty, STAGING)), Profile.STANDARD).main == STAGING

    def test_steps_of_deployments_of_one_name_have_different_names(self) -> None:
        others = [replace(PRODUCTION, cloud_service=service) for service in ("another", "third")]
        steps = Planner(replace(PLENTY, deployments=(PRODUCTION, *others)), Profile.STANDARD).steps
        names = [step.name for step in steps]

        assert len(set(names)) == len(names)
        assert {step.place.deployment for step in steps} == {PRODUCTION, *others}

    def test_a_smoke_run_is_one_reimage(self) -> None:
        (step,) = Planner(TARGET, Profile.SMOKE).steps

        assert (step.name, step.place, step.form, step.contend) == ("control-slot", PLACE, UriForm.SLOT, False)

    def test_the_first_steps_decide_most(self) -> None:
        steps = Planner(PLENTY, Profile.STANDARD).steps

        assert [(step.name, str(step.place), step.form.value) for step in steps[:7]] == [
            ("control-slot", "contoso/contoso-v2/WebRole1_IN_0", "slot"),
            ("control-name", "fabrikam/fabrikam-v1/Front_IN_0", "name"),
            ("other-slot", "contoso/contoso-v3/WebRole1_IN_0", "slot"),
            ("minimum-slot", "contoso/contoso-v2/WebRole1_IN_1", "slot"),
            ("spelling-name", "fabrikam/fabrikam-v1/Front_IN_1", "name"),
            ("failing", "contoso/contoso-v2/Broken_IN_0", "slot"),
            ("minimum-name", "contoso/contoso-v3/WebRole1_IN_0", "name"),
        ]
        assert [step.contend for step in steps[:3]] == [True, False, False]
        assert {step.name: step.version for step in steps[:7] if step.version} == {
            "minimum-slot": "2010-10-28",
            "minimum-name": "2010-10-28",
        }
        assert steps[4].variations == SPELLING
        assert [step.name for step in steps if step.expected == "fails"] == ["failing"]

    def test_few_reimages_are_each_made_to_show_several_things(self) -> None:
        few = replace(
            TARGET,
            limits=Limits(max_reimages=MERGE_BELOW_REIMAGES - 1),
            second_client_certificate=cast("Any", "second.pem"),
        )
        steps = Planner(few, Profile.STANDARD).steps

        assert [step.names for step in steps[:6]] == [
            ("control-slot",),
            ("control-name",),
            (
                "other-slot+minimum-slot+encoded+encoded-name",
                "other-slot+minimum-slot",
                "other-slot",
                "minimum-slot",
                "encoded",
                "encoded-name",
            ),
            ("spelling-name",),
            ("failing",),
            ("minimum-name+second-certificate", "second-certificate", "minimum-name"),
        ]
        slot, name = steps[2], steps[5]
        assert (str(slot.place), slot.form, slot.version) == (
            "contoso/contoso-v3/WebRole1_IN_0",
            UriForm.SLOT,
            "2010-10-28",
        )
        assert (name.form, name.version, name.identity) == (UriForm.NAME, "2010-10-28", Identity.SECOND)
        enough = Planner(replace(few, limits=Limits(max_reimages=MERGE_BELOW_REIMAGES)), Profile.STANDARD)
        parts = {step.name: step for step in enough.steps}
        plain, instance, container = slot.stands_for
        assert plain.stands_for == (parts["other-slot"], parts["minimum-slot"])
        assert {step.place for step in slot.stands_for} == {slot.place}
        assert instance.variations + container.variations == slot.variations
        second, minimum = name.stands_for
        assert minimum == parts["minimum-name"]
        assert second == replace(minimum, name="second-certificate", version=None, identity=Identity.SECOND)

    def test_what_varies_nothing_else_carries_the_published_versions_in_turn(self) -> None:
        steps = Planner(PLENTY, Profile.STANDARD).steps[7:]
        versions = [step.version for step in steps if step.is_plain]

        assert TARGET.x_ms_version == "2011-10-01"
        assert versions[:5] == ["2015-04-01", "2011-02-25", "2011-06-01", "2011-08-01", "2012-03-01"]
        assert {step.version for step in steps if not step.is_plain} == {None}

    def test_the_names_of_steps_are_unique(self) -> None:
        names = [name for step in Planner(TARGET, Profile.NIGHTLY).steps for name in step.names]

        assert len(names) == len(set(names))
        assert {
            "role-WorkerRole1_IN_",
            "again",
            "contoso/contoso-v3-slot",
            "fabrikam/fabrikam-v1-name",
            "spelling-slot",
            "encoded",
            "chunked",
            "slot-case",
        } <= set(names)
        assert "last-index" not in names

    def test_a_long_index_range_is_tried_at_its_ends(self) -> None:
        many = replace(PRODUCTION, role_instances=("W_IN_0", "W_IN_1", "W_IN_10", "W_IN_2"))
        steps = {step.name: step for step in Planner(replace(TARGET, deployments=(many,)), Profile.STANDARD).steps}

        assert {
            name: steps[name].place.role_instance for name in ("last-index", "second-index", "last-index-slot")
        } == {
            "last-index": "W_IN_10",
            "second-index": "W_IN_1",
            "last-index-slot": "W_IN_10",
        }
        assert not {name for name in steps if name.startswith("role-")}

    def test_one_deployment_will_do(self) -> None:
        single = Deployment("c", "staging", "d", ("i",))
        steps = Planner(replace(TARGET, deployments=(single,)), Profile.STANDARD).steps

        assert {str(step.place) for step in steps} == {"c/d/i"}
        assert "other-slot" not in [step.name for step in steps]

    @pytest.mark.parametrize(
        ("instances", "contended"),
        [(("i_0",), "control-slot"), (("i_0", "i_1"), "control-name"), (("i_0", "i_1", "i_2"), "control-slot")],
    )
    def test_of_two_instances_the_other_one_is_left_in_peace_at_first(
        self, instances: tuple[str, ...], contended: str
    ) -> None:
        planner = Planner(replace(TARGET, deployments=(Deployment("c", "staging", "d", instances),)), Profile.STANDARD)

        assert planner.contended is not None
        assert (planner.contended.name, planner.contended.place.role_instance) == (contended, "i_0")
        assert [step.name for step in planner.steps if step.contend] == [contended]

    @pytest.mark.parametrize(("limit", "contended"), [(6, "control-slot"), (40, "minimum-slot")])
    def test_of_two_slots_the_first_step_is_contended_where_the_budget_ends_before_the_second(
        self, limit: int, contended: str
    ) -> None:
        slots = tuple(Deployment("c", slot, f"d-{slot}", ("i_0", "i_1")) for slot in ("production", "staging"))
        limits = replace(TARGET.limits, max_reimages=limit)
        planner = Planner(replace(TARGET, deployments=slots, limits=limits), Profile.STANDARD)

        assert planner.contended is not None
        assert planner.contended.name == contended

    def test_nothing_contends_in_a_smoke_run(self) -> None:
        assert Planner(TARGET, Profile.SMOKE).contended is None

    def test_with_fewest_reimages_the_first_by_name_shows_all_that_it_can(self) -> None:
        single = replace(
            TARGET,
            deployments=(Deployment("c", "staging", "d", ("i",)),),
            limits=Limits(max_reimages=MERGE_NAMES_UP_TO),
            second_client_certificate=cast("Any", "second.pem"),
        )
        steps = Planner(single, Profile.STANDARD).steps
        by_name = steps[1]

        assert [step.names for step in steps[:2]] == [
            ("control-slot",),
            ("control-name+minimum-name+spelling-name", "control-name", "minimum-name", "spelling-name"),
        ]
        assert (by_name.form, by_name.version, by_name.variations) == (UriForm.NAME, "2010-10-28", SPELLING)
        assert len({name for step in steps for name in step.names}) == sum(len(step.names) for step in steps)

    def test_open_questions_are_asked_last_and_not_observed(self) -> None:
        steps = Planner(TARGET, Profile.STANDARD).steps
        asked = [step for step in steps if step.expected == "open"]

        assert [step.name for step in asked] == [
            "comp-upper-name",
            "comp-upper-value",
            "comp-twice",
            "extra-parameter",
            "slot-case",
        ]
        assert steps[-5:] == asked
        assert [step.query for step in asked] == [
            "COMP=reimage",
            "comp=REIMAGE",
            "comp=reimage&comp=reimage",
            "comp=reimage&verbose=true",
            None,
        ]
        assert {step.observe for step in asked} == {False}

    def test_a_second_certificate_is_tried_over_tls(self) -> None:
        second = replace(PLENTY, second_client_certificate=cast("Any", "second.pem"))
        steps = Planner(second, Profile.STANDARD).steps

        assert [step.identity for step in steps if step.name == "second-certificate"] == [Identity.SECOND]
        plain = Planner(replace(second, base_url="http://h"), Profile.STANDARD).steps
        assert "second-certificate" not in [step.name for step in plain]

    def test_places_count_in_natural_order(self) -> None:
        planner = Planner(TARGET, Profile.STANDARD)

        assert [planner.place(PRODUCTION, n).role_instance for n in (0, 1, 2, -1, 3, -4)] == [
            "WebRole1_IN_0",
            "WebRole1_IN_1",
            "WorkerRole1_IN_0",
            "WorkerRole1_IN_0",
            "WebRole1_IN_0",
            "WebRole1_IN_0",
        ]

    def test_witnesses_are_instances_that_no_step_reimages(self) -> None:
        many = replace(PRODUCTION, role_instances=tuple(f"W_IN_{n}" for n in range(6)))
        planner = Planner(replace(TARGET, deployments=(many,)), Profile.SMOKE)

        assert [place.role_instance for place in planner.witnesses] == [f"W_IN_{n}" for n in range(1, 6)]
        assert Planner(replace(TARGET, deployments=(STAGING,)), Profile.SMOKE).witnesses == [
            Place(STAGING, "WebRole1_IN_0")
        ]


class TestVariations:
    """Changes that have to make no difference make none to the oracle."""

    @pytest.mark.parametrize("name", VARIATIONS)
    @pytest.mark.parametrize("request_", [REIMAGE, REIMAGE_BY_NAME], ids=["slot", "name"])
    def test_a_varied_request_may_be_accepted(self, name: str, request_: Request) -> None:
        changed = varied(request_, (name,))

        assert changed != request_
        assert expectation_of(changed, world()).may_be_accepted
        assert [d.key for d in expectation_of(changed, world()).defects] == (
            ["chunked-empty"] if name == "chunked-empty" else []
        )
        assert VARIATIONS[name].requirement in CATALOGUE

    def test_they_add_up(self) -> None:
        changed = varied(REIMAGE, SPELLING)

        assert [key for key, _ in changed.headers] == [
            "ContentLength",
            "CONTENT-LENGTH",
            "X-MS-VERSION",
            "CONTENT-TYPE",
            "HOST",
        ]
        assert expectation_of(changed, world()).must_be_accepted
        assert expectation_of(varied(REIMAGE, OTHER_SPELLING), world()).must_be_accepted


def test_a_look_is_no_reimage() -> None:
    assert expectation_of(LOOK, world()).must_be_accepted
