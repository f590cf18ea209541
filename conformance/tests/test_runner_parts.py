"""The runner's parts that decide: budget, plan, variations, patience of the dispatcher, and operations under way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from conformance.checks.progress import RETENTION_SECONDS
from conformance.embedding import TurnedClock
from conformance.model import Deployment, Exchange, FailureKind, Identity, Limits, Profile, Request
from conformance.oracle import permitted
from conformance.protocol.addresses import UriForm
from conformance.protocol.requests import Place, with_header
from conformance.requirements import CATALOGUE
from conformance.runner.budget import Budget
from conformance.runner.dispatch import Dispatcher
from conformance.runner.operations import OperationBook, State
from conformance.runner.planning import FEW, FEWEST, OTHER_SPELLING, SPELLING, Planner, natural, role_of
from conformance.runner.variations import VARIATIONS, varied
from conformance.tests.fake_client import FakeClient, dispatcher
from conformance.tests.judging_samples import (
    BUILDER,
    FABRIKAM,
    FAILED,
    LOOK,
    OPERATION_ID,
    PLACE,
    POLL,
    PRODUCTION,
    REIMAGE,
    REIMAGE_BY_NAME,
    RUNNING,
    STAGING,
    SUCCEEDED,
    TARGET,
    error,
    exchange,
    poll,
    silent,
    started,
    world,
)
from conformance.tests.open_gate import OpenGate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.gate import Gate
    from conformance.runner.recorder import Recorder
    from conformance.wire.client import Client


class TestBudget:
    """Reimages are counted once each, and never beyond the limit."""

    def test_it_runs_out(self) -> None:
        budget = Budget(2)

        assert budget.allows()
        budget.spend(1)
        assert (budget.allows(), budget.allows(reserved=1)) == (True, False)
        budget.spend(1)
        assert (budget.spent, budget.allows()) == (1, True)
        budget.spend(2)
        assert (budget.spent, budget.allows()) == (2, False)

    def test_what_reimaged_nothing_is_given_back_once(self) -> None:
        budget = Budget(1)
        budget.spend(5)
        budget.give_back(4)
        assert (budget.spent, budget.allows()) == (1, False)
        budget.give_back(5)
        budget.give_back(5)
        assert (budget.spent, budget.allows()) == (0, True)

    def test_nothing_is_allowed_without_a_limit(self) -> None:
        assert Budget(0).allows() is False
        assert Budget(0).reserve == 1


PLENTY = replace(TARGET, limits=Limits(max_reimages=FEW))


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
        few = replace(TARGET, limits=Limits(max_reimages=FEW - 1), second_client_certificate=cast("Any", "second.pem"))
        steps = Planner(few, Profile.STANDARD).steps

        assert [step.names for step in steps[:6]] == [
            ("control-slot",),
            ("control-name",),
            ("other-slot+minimum-slot", "other-slot", "minimum-slot"),
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
        enough = Planner(replace(few, limits=Limits(max_reimages=FEW)), Profile.STANDARD)
        parts = {step.name: step for step in enough.steps}
        assert slot.stands_for == (parts["other-slot"], parts["minimum-slot"])
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
        names = [step.name for step in Planner(TARGET, Profile.NIGHTLY).steps]

        assert len(names) == len(set(names))
        assert {
            "role-WorkerRole1_IN_",
            "again",
            "contoso-v3-slot",
            "fabrikam-v1-name",
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

    def test_nothing_contends_in_a_smoke_run(self) -> None:
        assert Planner(TARGET, Profile.SMOKE).contended is None

    def test_with_fewest_reimages_the_first_by_name_shows_all_that_it_can(self) -> None:
        single = replace(
            TARGET,
            deployments=(Deployment("c", "staging", "d", ("i",)),),
            limits=Limits(max_reimages=FEWEST),
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
        assert permitted(changed, world()).may_be_accepted
        assert [d.key for d in permitted(changed, world()).defects] == (
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
        assert permitted(changed, world()).must_be_accepted
        assert permitted(varied(REIMAGE, OTHER_SPELLING), world()).must_be_accepted


BUSY = exchange(status=503)


class TestDispatch:
    """Patience within limits."""

    def test_due_polls_go_first(self) -> None:
        client = FakeClient(exchange())
        sender, _ = dispatcher(client)
        order: list[int] = []
        sender.before = lambda: order.append(len(client.sent))

        assert sender.send(REIMAGE, label="x", on=3, watch_close=True).number == 1
        assert order == [0]
        assert client.options == [{"label": "x", "on": 3, "watch_close": True}]

    def test_a_throttled_request_is_tried_again_ever_later(self) -> None:
        client = FakeClient(BUSY, BUSY, exchange())
        sender, clock = dispatcher(client, poll_interval_seconds=5.0)

        assert sender.send(REIMAGE, on=3).number == 3
        assert clock.now() == 1000.0 + 5 + 10
        assert [option.get("on") for option in client.options] == [3, None, None]

    def test_patience_ends(self) -> None:
        client = FakeClient(BUSY)
        sender, clock = dispatcher(client, poll_interval_seconds=5.0)

        assert sender.send(REIMAGE).number == 6
        assert clock.now() == 1000.0 + 5 + 10 + 20 + 30 + 30
        impatient = FakeClient(BUSY)
        assert dispatcher(impatient)[0].send(REIMAGE, patient=False).number == 1

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("7", 7.0), ("0", 0.0), ("900", 30.0), ("9" * 400, 30.0), ("soon", 5.0), ("\xb2", 5.0), ("-1", 5.0)],
    )
    def test_retry_after_is_honoured_within_limits(self, value: str, seconds: float) -> None:
        client = FakeClient(exchange(status=429, headers=(("Retry-After", value),)), exchange())
        sender, clock = dispatcher(client, poll_interval_seconds=5.0)
        sender.send(REIMAGE)

        assert clock.now() == 1000.0 + seconds

    @pytest.mark.parametrize(
        "kind",
        [FailureKind.RESET, FailureKind.CLOSED, FailureKind.TRUNCATED, FailureKind.REFUSED, FailureKind.NOT_HTTP],
    )
    def test_a_safe_request_that_was_lost_is_sent_once_more(self, kind: FailureKind) -> None:
        client = FakeClient(silent(kind=kind))
        found = dispatcher(client)[0].send(POLL)

        assert (found.number, client.sent) == (2, [POLL, replace(POLL, fresh_connection=True)])

    def test_a_fault_inside_the_endpoint_is_met_once_more_at_most(self) -> None:
        fault = exchange(status=500, body=error("InternalError"))
        client = FakeClient(fault, exchange(status=404))

        assert dispatcher(client)[0].once(POLL, on=3, label="x").number == 2
        assert client.sent == [POLL, POLL]
        assert client.options == [
            {"label": "x", "on": 3, "watch_close": False},
            {"label": "x", "watch_close": False},
        ]
        assert dispatcher(FakeClient(fault))[0].once(POLL).number == 2

    @pytest.mark.parametrize(
        "other",
        [
            exchange(status=500),
            exchange(status=500, body=error("Oops")),
            exchange(status=501, body=error("InternalError")),
        ],
    )
    def test_other_faults_are_what_they_are(self, other: Exchange) -> None:
        assert dispatcher(FakeClient(other))[0].once(POLL).number == 1

    def test_a_post_is_never_repeated_blindly(self) -> None:
        client = FakeClient(silent(kind=FailureKind.RESET))

        assert dispatcher(client)[0].send(REIMAGE).number == 1

    @pytest.mark.parametrize("kind", [FailureKind.TIMEOUT, FailureKind.TLS, FailureKind.TOO_LARGE])
    def test_other_failures_are_left_alone(self, kind: FailureKind) -> None:
        assert dispatcher(FakeClient(silent(kind=kind)))[0].send(POLL).number == 1

    @pytest.mark.parametrize(
        ("location", "target"),
        [
            ("/a?b=c", "/a?b=c"),
            ("/a", "/a"),
            ("https://127.0.0.1:8443/a", "/a"),
            ("https://localhost:8443/a", "/a"),
            ("https://[::1]:8443/a", "/a"),
        ],
    )
    def test_a_redirect_to_the_same_host_is_followed_once(self, location: str, target: str) -> None:
        client = FakeClient(exchange(status=307, headers=(("Location", location),)))
        found = dispatcher(client)[0].send(REIMAGE, label="x")

        assert (found.number, found.request.target) == (2, target)
        assert with_header(found.request, "Host", "h") == with_header(replace(REIMAGE, target=target), "Host", "h")
        assert client.options[1]["label"] == "x"

    @pytest.mark.parametrize(
        ("host", "then"), [(("127.0.0.1:8443",), ("localhost:8443",)), (("odd",), ("odd",)), ((), ())]
    )
    def test_a_redirect_to_another_name_is_asked_for_by_that_name(
        self, host: tuple[str, ...], then: tuple[str, ...]
    ) -> None:
        client = FakeClient(exchange(status=307, headers=(("Location", "https://localhost:8443/a"),)))
        found = dispatcher(client)[0].send(with_header(REIMAGE, "Host", *host))

        assert found.request.values("Host") == then

    def test_a_redirect_to_the_same_target_needs_nothing_restored(self) -> None:
        """What is recorded of a secret that is spelt another way cannot be restored."""

        class Masking(FakeClient):
            def exchange(self, request: Request, **options: Any) -> Exchange:
                return replace(super().exchange(request, **options), request=replace(request, target="/xxxx/a?b"))

        spelt = replace(POLL, target="/%30123/a?b")
        client = Masking(exchange(status=307, headers=(("Location", "https://127.0.0.1:8443/xxxx/a?b"),)))
        dispatcher(client)[0].once(spelt)

        assert [each.target for each in client.sent] == [spelt.target, spelt.target]

    def test_a_redirect_leads_to_what_was_masked_in_it(self) -> None:
        client = FakeClient(exchange(status=307, headers=(("Location", "https://127.0.0.1:8443/0000/a"),)))
        sender = Dispatcher(
            cast("Client", client),
            TurnedClock(),
            Limits(),
            "127.0.0.1:8443",
            gate=cast("Gate", OpenGate()),
            restored=lambda text: text.replace("0000", "6a8b"),
        )

        assert sender.once(POLL).request == replace(POLL, target="/6a8b/a")
        assert sender.once(POLL, on=7).number == 4
        assert [option.get("on") for option in client.options] == [None, None, 7, None]

    @pytest.mark.parametrize(
        "reply",
        [
            exchange(status=307),
            exchange(status=307, headers=(("Location", "https://elsewhere/a"),)),
            exchange(status=307, headers=(("Location", "https://elsewhere:8443/a"),)),
            exchange(status=307, headers=(("Location", "https://localhost:8444/a"),)),
            exchange(status=307, headers=(("Location", "https://localhost/a"),)),
            exchange(status=307, headers=(("Location", "a"),)),
            exchange(status=308, headers=(("Location", "/a"),)),
            silent(),
        ],
    )
    def test_any_other_redirect_is_not(self, reply: Exchange) -> None:
        assert dispatcher(FakeClient(reply))[0].send(REIMAGE).number == 1


class FakeRecorder:
    """Remembers events."""

    def __init__(self) -> None:
        self.world = world()
        self.events: list[tuple[str, dict[str, Any]]] = []

    def note(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))


class Rig:
    """A book of operations whose polls are answered by arrangement."""

    def __init__(self, *replies: Exchange, **limits: Any) -> None:
        self.client = FakeClient(*replies)
        self.dispatcher, self.clock = dispatcher(
            self.client, **{"poll_interval_seconds": 5.0, "operation_timeout_seconds": 100.0, **limits}
        )
        self.budget, self.recorder = Budget(6), FakeRecorder()
        self.book = OperationBook(self.dispatcher, BUILDER, self.budget, cast("Recorder", self.recorder))
        self.dispatcher.before = self.book.tick

    def finished(self, start: Exchange | None = None) -> Any:
        """An operation waited for."""
        found = self.book.open(start or started(), PLACE, UriForm.SLOT)
        self.book.wait(found)
        return found


def answers(bodies: Iterable[str]) -> list[Exchange]:
    return [poll(body) for body in bodies]


class TestOperations:
    """Operations under way, by a clock that the test turns."""

    def test_one_that_succeeds(self) -> None:
        rig = Rig(*answers([RUNNING, RUNNING, RUNNING, SUCCEEDED]))
        found = rig.finished()

        assert (found.state, found.status, found.is_under_way, found.is_known) == (
            State.ENDED,
            "Succeeded",
            False,
            True,
        )
        assert [each.target for each in rig.client.sent] == [f"{POLL.target}"] * 5
        labels = ["poll", "poll-otherwise", "poll", "poll", "poll-after-end"]
        assert [option["label"] for option in rig.client.options] == labels
        assert [each.values("x-ms-version")[0] for each in rig.client.sent[:2]] == ["2011-10-01", "2009-10-01"]
        assert found.exchanges[0] == started()
        assert len(found.exchanges) == 6
        assert found.duration == 2.0
        assert rig.budget.spent == 1
        assert rig.recorder.events == [
            (
                "operation",
                {
                    "start": 1,
                    "identifier": OPERATION_ID,
                    "place": "contoso/contoso-v2/WebRole1_IN_0",
                    "form": UriForm.SLOT,
                },
            )
        ]

    def test_what_ended_before_is_looked_back_at_when_a_later_one_starts_and_ends(self) -> None:
        rig = Rig(*answers([SUCCEEDED, SUCCEEDED, RUNNING, SUCCEEDED, RUNNING, FAILED, FAILED, SUCCEEDED]))
        first = rig.finished()
        elsewhere = rig.book.open(started(number=8), Place(FABRIKAM, "Front_IN_0"), UriForm.SLOT)
        elsewhere.state = State.ENDED
        later = rig.finished(started(number=9, identifier="1" * 32))

        assert (first.status, later.status) == ("Succeeded", "Failed")
        assert [option["label"] for option in rig.client.options] == [
            *("poll", "poll-after-end"),
            *("poll", "poll-overtaken", "poll-otherwise", "poll", "poll-after-end", "poll-overtaken"),
        ]
        assert [each.number for each in first.polls] == [1, 2, 4, 8]
        assert elsewhere.polls == []

    def test_what_is_over_for_long_is_asked_about_before_it_is_taken_for_known(self) -> None:
        rig = Rig(*answers([SUCCEEDED, SUCCEEDED]), poll("", 404))
        found = rig.finished()

        assert (rig.book.known(), rig.book.known("Succeeded"), rig.book.known("Failed")) == (found, found, None)
        assert (len(found.polls), found.is_forgotten) == (2, False)
        rig.clock.sleep(RETENTION_SECONDS + 0.1)
        assert rig.book.known() is None
        assert (found.is_still_known, found.is_forgotten) == (False, True)
        assert rig.client.options[-1]["label"] == "poll-known"
        assert rig.book.known() is None
        assert len(found.polls) == 3

    def test_a_throttled_poll_makes_nothing_forgotten(self) -> None:
        rig = Rig(*answers([SUCCEEDED, SUCCEEDED]), poll("", 503), poll("", 429), *answers([SUCCEEDED]))
        found = rig.finished()
        rig.clock.sleep(RETENTION_SECONDS + 0.1)

        assert [rig.book.known()] == [found]
        assert (len(found.polls), found.is_still_known) == (5, True)

    def test_what_is_lost_soon_after_its_end_is_not_forgotten(self) -> None:
        rig = Rig(poll(SUCCEEDED), poll("", 404))
        found = rig.finished()

        assert (rig.book.known(), found.is_still_known, found.is_forgotten) == (None, False, False)

    def test_an_operation_of_another_subscription_is_none_to_ask_about(self) -> None:
        rig = Rig(*answers([SUCCEEDED, SUCCEEDED]))
        rig.finished().subscription = "another"

        assert rig.book.known() is None

    def test_polls_become_rarer_up_to_the_interval(self) -> None:
        rig = Rig(poll(RUNNING), operation_timeout_seconds=100.0)
        found = rig.book.open(started())
        gaps = []
        for _ in range(30):
            rig.book.poll(found)
            gaps.append(round(found.due - rig.clock.now(), 3))
            rig.clock.sleep(found.due - rig.clock.now())

        assert gaps[:8] == [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.05]
        assert gaps[-1] == 5.0
        assert gaps == sorted(gaps)

    def test_nothing_is_polled_before_it_is_due(self) -> None:
        rig = Rig(poll(RUNNING))
        rig.book.open(started())
        rig.book.tick()
        rig.book.tick()
        rig.clock.sleep(0.9)
        rig.book.tick()
        assert len(rig.client.sent) == 2
        rig.clock.sleep(0.1)
        rig.book.tick()
        assert len(rig.client.sent) == 3

    def test_an_unknown_word_under_the_oldest_version_counts(self) -> None:
        rig = Rig(*answers([RUNNING, RUNNING.replace("InProgress", "Pending"), SUCCEEDED]))

        assert [each.number for each in rig.finished().polls] == [1, 2, 3, 4]

    def test_an_oldest_version_that_is_refused_is_another_requirements(self) -> None:
        rig = Rig(poll(RUNNING), poll("", 400), poll(RUNNING), poll(SUCCEEDED))
        found = rig.finished()

        assert rig.client.options[1]["label"] == "poll-otherwise"
        assert [each.number for each in found.polls] == [1, 3, 4, 5]

    def test_an_oldest_version_that_shows_the_end_ends_it(self) -> None:
        rig = Rig(poll(RUNNING), poll(SUCCEEDED))
        found = rig.finished()

        assert [option["label"] for option in rig.client.options] == ["poll", "poll-otherwise", "poll-after-end"]
        assert (found.status, [each.number for each in found.polls]) == ("Succeeded", [1, 2, 3])

    def test_one_that_never_ends_is_overdue(self) -> None:
        found = Rig(poll(RUNNING)).finished()

        assert found.state is State.OVERDUE
        assert 100.0 <= found.duration <= 106.0

    def test_one_that_is_never_known_is_lost(self) -> None:
        rig = Rig(poll(b"", 404))
        found = rig.finished()

        assert (found.state, found.is_known) == (State.LOST, False)
        assert 10.0 <= found.duration <= 11.0
        again = rig.finished(started(number=9))
        assert 2.5 <= again.duration <= 3.1

    def test_one_that_is_answered_no_more_is_lost(self) -> None:
        found = Rig(poll(RUNNING), silent(), silent()).finished()

        assert (found.state, len(found.polls)) == (State.LOST, 3)

    def test_one_unanswered_poll_is_forgiven(self) -> None:
        assert Rig(silent(), poll(RUNNING), silent(), poll(SUCCEEDED)).finished().state is State.ENDED

    def test_one_that_is_known_and_then_refused_is_waited_for(self) -> None:
        assert Rig(poll(RUNNING), poll(b"", 404), poll(FAILED)).finished().status == "Failed"

    def test_one_without_an_id_is_lost_at_once(self) -> None:
        rig = Rig(poll(RUNNING))

        assert rig.finished(started(identifier="")).state is State.LOST
        assert (rig.client.sent, rig.budget.spent) == ([], 1)

    @pytest.mark.parametrize("body", ["<Operation><Status>Succeeded", "Succeeded"])
    def test_an_ill_formed_end_ends_the_waiting(self, body: str) -> None:
        assert Rig(poll(body)).finished().status == "Succeeded"
        assert Rig(poll(body.encode("utf-16"), 299)).finished().status == "Succeeded"
        assert Rig(poll(body, 300)).finished().state is State.OVERDUE

    def test_what_failed_for_want_of_an_instance_is_given_back(self) -> None:
        nobody = replace(REIMAGE, target=REIMAGE.target.replace("WebRole1_IN_0", "Nobody"))
        late, plain, odd = Rig(poll(FAILED)), Rig(poll(FAILED)), Rig(poll(SUCCEEDED))
        late.finished(started(nobody))
        plain.finished()
        odd.finished(started(nobody))

        assert (late.budget.spent, plain.budget.spent, odd.budget.spent) == (0, 1, 1)

    def test_after_two_without_an_end_nothing_is_hoped_for(self) -> None:
        rig = Rig(poll(RUNNING))
        assert rig.book.hopeless is False
        rig.finished(started(number=1))
        assert rig.book.hopeless is False
        rig.finished(started(number=2))
        assert rig.book.hopeless is True
        third = rig.book.open(started(number=3))
        assert third.state is State.LOST

    def test_as_many_ends_give_hope(self) -> None:
        rig = Rig(poll(SUCCEEDED))
        for number, identifier in enumerate((OPERATION_ID, "", OPERATION_ID, ""), 1):
            rig.finished(started(number=number, identifier=identifier))

        assert rig.book.hopeless is False

    def test_a_deployment_is_busy_while_one_runs_on_it(self) -> None:
        rig = Rig(poll(RUNNING), poll(SUCCEEDED))
        found = rig.book.open(started(), PLACE)
        rig.book.open(started(number=2))

        assert (rig.book.is_busy(PRODUCTION), rig.book.is_busy(STAGING), len(rig.book.under_way)) == (True, False, 2)
        rig.book.wait(found)
        assert rig.book.is_busy(PRODUCTION) is False

    def test_unwanted_operations_are_counted(self) -> None:
        rig = Rig(poll(RUNNING))
        rig.book.open(started())
        rig.book.open(started(number=2)).unwanted = True

        assert rig.book.unwanted == 1

    def test_a_poll_presents_the_certificate_that_started_it_and_any_version(self) -> None:
        rig = Rig(poll(RUNNING))
        found = rig.book.open(started(replace(REIMAGE, identity=Identity.SECOND)))
        rig.book.poll(found, version="2009-10-01", label="x")

        assert rig.client.sent[0].identity is Identity.SECOND
        assert rig.client.sent[0].values("x-ms-version") == ("2009-10-01",)
        assert rig.client.options[0]["label"] == "x"

    def test_a_pause_is_no_longer_than_the_interval(self) -> None:
        rig = Rig(poll(RUNNING))
        rig.book.pause()
        assert rig.clock.now() == 1000.001
        found = rig.book.open(started())
        found.due = rig.clock.now() + 60
        rig.book.pause()
        assert round(rig.clock.now(), 3) == 1005.001


def test_a_look_is_no_reimage() -> None:
    assert permitted(LOOK, world()).must_be_accepted
