"""Controls and causes: what a refusal counts for, and what the exchange that decided a verdict points at besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from judging_samples import (
    DASHED_ID,
    LOOK,
    OTHER_ID,
    POLL,
    REIMAGE,
    REIMAGE_BY_NAME,
    RUNNING,
    SUCCEEDED,
    error,
    exchange,
    lenient,
    numbered,
    poll,
    refusal,
    response,
    silent,
    started,
    world,
)
from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.assessment.controls import Controls, controlled
from reimage_conformance.assessment.evidence import Evidence
from reimage_conformance.assessment.explaining import attributed
from reimage_conformance.model import (
    Exchange,
    FailureKind,
    Identity,
    Outcome,
    Request,
    Verdict,
)
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.requests import with_body, with_chunked, with_header, with_query, without_header

MET, VIOLATED, ADVISORY, INCONCLUSIVE = Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY, Outcome.INCONCLUSIVE
NO_VERSION = without_header(REIMAGE, "x-ms-version")
OLDER = with_header(REIMAGE, "x-ms-version", "2010-10-28")
STRANGE_POLL = replace(POLL, target=POLL.target[:-4] + "ffff")
SLOT_TAKEN = {"reimage:slot", "reimage:slot:contoso/production"}


def verdict(requirement: str, outcome: Outcome = VIOLATED, *evidence: int, **fields: Any) -> Verdict:
    return Verdict(requirement, outcome, evidence=evidence or (1,), **fields)


def sets(controls: Controls) -> tuple[set[str], set[str]]:
    return set(controls.accepted), set(controls.tried)


class TestControls:
    """Which well-formed requests were accepted, and what a refusal is worth without one."""

    @pytest.mark.parametrize(
        ("accepted", "name"),
        [
            (started(), "reimage:slot"),
            (started(REIMAGE_BY_NAME), "reimage:name"),
            (poll(RUNNING), "operation"),
            (exchange(LOOK, 200), "deployment:slot"),
            (exchange(LOOK, 299), "deployment:slot"),
        ],
    )
    def test_a_sound_request_that_was_accepted_is_a_control(self, accepted: Exchange, name: str) -> None:
        address = read_target(accepted.request.target)
        place = f"{name}:{address.service}/{address.deployment}"

        assert sets(Controls.of(world(), numbered(accepted))) == ({name, place}, {name})

    @pytest.mark.parametrize(
        ("tried", "name"),
        [
            (refusal(REIMAGE, 400), "reimage:slot"),
            (silent(REIMAGE_BY_NAME), "reimage:name"),
            (exchange(LOOK, 300), "deployment:slot"),
            (exchange(POLL, 199), "operation"),
        ],
    )
    def test_one_that_was_not_was_only_tried(self, tried: Exchange, name: str) -> None:
        assert sets(Controls.of(world(), numbered(tried))) == (set(), {name})

    @pytest.mark.parametrize(
        "other",
        [
            exchange(NO_VERSION, 202),
            refusal(with_query(REIMAGE, "comp=%20reimage"), 400),
            exchange(LOOK, 200, label="probe"),
            exchange(replace(LOOK, target="/elsewhere"), 200),
            exchange(replace(LOOK, method="POST"), 200),
            exchange(replace(POLL, method="POST"), 200),
            exchange(replace(REIMAGE, method="GET"), 200),
        ],
    )
    def test_other_requests_are_none(self, other: Exchange) -> None:
        assert sets(Controls.of(world(), numbered(other))) == (set(), set())
        assert sets(Controls.of(world(), numbered(other, replace(started(), number=2)))) == (
            SLOT_TAKEN,
            {"reimage:slot"},
        )

    def test_under_lenient_more_requests_are_controls(self) -> None:
        request = without_header(REIMAGE, "Content-Type")

        assert sets(Controls.of(world(), numbered(started(request)))) == (set(), set())
        assert sets(Controls.of(lenient(), numbered(started(request)))) == (SLOT_TAKEN, {"reimage:slot"})

    def of(self, found: Verdict, *accepted: str, tried: tuple[str, ...] = ()) -> Verdict:
        """What becomes of a verdict on a refusal without a version."""
        exchanges = numbered(
            refusal(NO_VERSION, 400), exchange(NO_VERSION, 202, number=2), silent(NO_VERSION, number=3)
        )
        return controlled(found, exchanges, Controls(frozenset(accepted), frozenset((*accepted, *tried))))

    def test_with_its_control_a_refusal_counts(self) -> None:
        found = verdict("REQ-VER-MISSING", MET)

        assert self.of(found, "reimage:slot") is found

    def test_without_it_it_proves_nothing(self) -> None:
        causes = {
            "REQ-REIMAGE-URI-SLOT",
            "REQ-REIMAGE-URI-NAME",
            "REQ-REIMAGE-METHOD",
            "REQ-REIMAGE-COMP",
            "REQ-REIMAGE-VERSION",
            "REQ-REIMAGE-REQID-USABLE",
            "REQ-GOS-URI",
            "REQ-DEPL-URI",
        }
        for outcome, number in ((MET, 1), (VIOLATED, 1), (ADVISORY, 1), (MET, 3)):
            found = self.of(verdict("REQ-VER-MISSING", outcome, number), "reimage:name", tried=("reimage:slot",))
            assert found.outcome is INCONCLUSIVE
            assert causes <= set(found.because)
            assert found.actual == "the refusal proves nothing: no valid request of this kind was accepted in this run"

    def test_a_conflict_is_named_where_no_valid_request_was_accepted(self) -> None:
        exchanges = numbered(refusal(NO_VERSION, 400), refusal(REIMAGE, 409, number=2))
        found = controlled(verdict("REQ-VER-MISSING", MET), exchanges, Controls.of(world(), exchanges))

        assert found.outcome is INCONCLUSIVE
        assert "409" in found.actual

    def test_where_no_control_was_sent_it_is_untested(self) -> None:
        found = self.of(verdict("REQ-VER-MISSING", MET), "reimage:name", "operation")
        bad = verdict("REQ-VER-MISSING", VIOLATED)

        assert (found.outcome, found.actual) == (
            Outcome.UNTESTED,
            "no valid request of this kind was sent to compare with",
        )
        assert self.of(bad, "reimage:name") is bad

    @pytest.mark.parametrize(
        "found",
        [
            verdict("REQ-VER-MISSING", INCONCLUSIVE),
            verdict("REQ-VER-MISSING", Outcome.OBSERVED),
            verdict("REQ-REIMAGE-202", MET),
            verdict("REQ-VER-MISSING", MET, 2),
            verdict("REQ-VER-MISSING", VIOLATED, 9),
            Verdict("REQ-VER-MISSING", MET),
            verdict("REQ-REIMAGE-COMP", VIOLATED, check="accepted"),
            verdict("REQ-HTTP-FIELD-CASE", MET, check="accepted"),
        ],
    )
    def test_other_verdicts_need_no_control(self, found: Verdict) -> None:
        assert self.of(found, tried=("reimage:slot",)) is found

    def test_a_variation_that_is_refused_needs_a_control_too(self) -> None:
        found = self.of(verdict("REQ-HTTP-FIELD-CASE", VIOLATED, check="accepted"), tried=("reimage:slot",))

        assert found.outcome is INCONCLUSIVE

    def test_a_variation_is_held_against_a_plain_request_to_the_same_deployment(self) -> None:
        found = verdict("REQ-HTTP-FIELD-CASE", VIOLATED, check="accepted")
        elsewhere = self.of(found, "reimage:slot", "reimage:slot:contoso/staging", "reimage:name:contoso/production")

        assert self.of(found, *SLOT_TAKEN) is found
        assert (elsewhere.outcome, elsewhere.because[-1]) == (INCONCLUSIVE, "REQ-REIMAGE-SLOT-VALUES")
        assert elsewhere.actual == "no plain request to this deployment in this form was accepted either"
        slot = verdict("REQ-REIMAGE-SLOT-VALUES", VIOLATED, check="accepted")
        assert self.of(slot, "reimage:slot") is slot

    def test_the_minimum_version_is_held_against_the_targets_own(self) -> None:
        found = verdict("REQ-REIMAGE-VERSION", VIOLATED, check="accepted")

        assert self.of(found, *SLOT_TAKEN) is found
        assert self.of(found, tried=("reimage:slot",)).outcome is INCONCLUSIVE

    @pytest.mark.parametrize(
        ("asked", "accepted", "outcome"),
        [
            ("2013-03-01", "2012-03-01", Outcome.OBSERVED),
            ("2012-03-01", "2011-10-01", Outcome.OBSERVED),
            ("2012-03-01", "2011-02-25", Outcome.OBSERVED),
            ("2012-03-01", "2012-03-01", VIOLATED),
            ("2012-03-01", "2013-03-01", VIOLATED),
            ("2011-10-01", "2011-02-25", VIOLATED),
            ("2012-03-02", "2012-03-01", VIOLATED),
        ],
    )
    def test_a_version_newer_than_all_that_were_accepted_is_nobodys_to_keep(
        self, asked: str, accepted: str, outcome: Outcome
    ) -> None:
        refused = refusal(with_header(LOOK, "x-ms-version", asked), 400, "MissingOrIncorrectVersionHeader")
        taken = exchange(with_header(LOOK, "x-ms-version", accepted), 200, number=2)
        exchanges = numbered(refused, taken)
        controls = Controls.of(world(), exchanges)

        found = controlled(verdict("REQ-DEPL-URI", VIOLATED), exchanges, controls)
        assert found.outcome is outcome
        if outcome is Outcome.OBSERVED:
            assert found.actual == f"version {asked} is refused, and no newer one was accepted"
        met = verdict("REQ-DEPL-URI", MET)
        assert controlled(met, exchanges, controls) is met
        other = numbered(refusal(refused.request, 400, "BadRequest"), taken)
        assert controlled(verdict("REQ-DEPL-URI", VIOLATED), other, controls).outcome is VIOLATED

    @pytest.mark.parametrize(("status", "outcome"), [(400, Outcome.OBSERVED), (404, VIOLATED), (503, VIOLATED)])
    def test_under_lenient_the_code_of_that_refusal_is_left_open(self, status: int, outcome: Outcome) -> None:
        refused = refusal(with_header(LOOK, "x-ms-version", "2013-03-01"), status, "NotSupported")
        exchanges = numbered(refused, exchange(LOOK, 200, number=2))

        found = verdict("REQ-DEPL-URI", VIOLATED)
        assert controlled(found, exchanges, Controls.of(lenient(), exchanges)).outcome is outcome
        assert controlled(found, exchanges, Controls.of(world(), exchanges)).outcome is VIOLATED

    @pytest.mark.parametrize(
        ("after", "outcome"),
        [
            ([poll("", 404, number=5, at=9.0, label="poll-known")], Outcome.OBSERVED),
            ([poll("", 400, number=5, at=9.0, label="poll-late")], Outcome.OBSERVED),
            ([], VIOLATED),
            ([poll("", 404, number=5, at=9.0)], VIOLATED),
            ([poll("", 500, number=5, at=9.0, label="poll-late")], VIOLATED),
            ([poll("", 404, number=5, at=3.0, label="poll-late")], VIOLATED),
            (
                [
                    poll("", 404, number=5, at=9.0, label="poll-late"),
                    poll(SUCCEEDED, number=6, at=9.5, label="poll-late"),
                ],
                VIOLATED,
            ),
            ([poll("", 404, number=5, at=9.0, label="poll-late", request=STRANGE_POLL)], VIOLATED),
        ],
    )
    def test_a_poll_of_what_was_over_for_long_and_is_found_no_more_is_nobodys_to_answer(
        self, after: list[Exchange], outcome: Outcome
    ) -> None:
        told = [
            poll(RUNNING, number=1, at=0.0),
            poll(SUCCEEDED, number=2, at=1.0),
            poll(SUCCEEDED, number=3, at=2.5),
        ]
        exchanges = numbered(*told, poll("", 404, number=4, at=8.0), *after)
        found = controlled(verdict("REQ-AUTH-ANYCERT", VIOLATED, 4), exchanges, Controls.of(world(), exchanges))

        assert found.outcome is outcome
        if outcome is Outcome.OBSERVED:
            assert "of an operation that may have ended more than 2 s before and is no longer kept" in found.actual
            shown = verdict("REQ-GOS-STATUS", VIOLATED, 3)
            assert controlled(shown, exchanges, Controls.of(world(), exchanges)) is shown
            odd = numbered(*told, poll("", 403, number=4, at=8.0), *after)
            denied = verdict("REQ-AUTH-ANYCERT", VIOLATED, 4)
            assert controlled(denied, odd, Controls.of(world(), odd)).outcome is VIOLATED

    def test_an_operation_that_no_poll_showed_to_be_over_is_not_forgotten(self) -> None:
        exchanges = numbered(
            poll(RUNNING, number=1, at=0.0),
            poll("", 404, number=2, at=8.0),
            poll("", 404, number=3, at=9.0, label="poll-late"),
        )
        assert Controls.of(world(), exchanges).forgotten == {}

    @pytest.mark.parametrize("status", [409, 429, 503])
    def test_an_answer_of_the_moment_says_nothing_of_others(self, status: int) -> None:
        refused, answered = refusal(REIMAGE, status), refusal(NO_VERSION, status, number=2)
        exchanges = numbered(refused, answered, replace(started(), number=3))
        found = verdict("REQ-VER-MISSING", VIOLATED, 2)

        assert controlled(found, exchanges, Controls.of(world(), exchanges)) is found

    @pytest.mark.parametrize(
        ("refused", "outcome"),
        [
            (refusal(REIMAGE, 404, "ResourceNotFound"), INCONCLUSIVE),
            (refusal(REIMAGE, 404, "BadRequest"), VIOLATED),
            (refusal(REIMAGE, 400, "ResourceNotFound"), VIOLATED),
            (refusal(REIMAGE_BY_NAME, 404, "ResourceNotFound"), VIOLATED),
            (refusal(OLDER, 404, "ResourceNotFound"), VIOLATED),
            (refusal(NO_VERSION, 404, "ResourceNotFound"), VIOLATED),
            (refusal(LOOK, 404, "ResourceNotFound"), VIOLATED),
            (refusal(replace(REIMAGE, identity=Identity.SECOND), 404, "ResourceNotFound"), VIOLATED),
            (replace(refusal(REIMAGE, 404, "ResourceNotFound"), label="contend:same"), VIOLATED),
            (replace(refusal(REIMAGE, 404, "ResourceNotFound"), label="reimages-at-once"), VIOLATED),
            (refusal(with_header(REIMAGE, "CONTENT-LENGTH", "0"), 404, "ResourceNotFound"), VIOLATED),
            (
                refusal(replace(REIMAGE, target=REIMAGE.target.replace("Web", "%57eb")), 404, "ResourceNotFound"),
                VIOLATED,
            ),
            (silent(REIMAGE), VIOLATED),
        ],
    )
    def test_an_answer_that_a_sound_request_to_the_place_got_too_says_nothing(
        self, refused: Exchange, outcome: Outcome
    ) -> None:
        answered = refusal(NO_VERSION, 404, "ResourceNotFound", number=2)
        exchanges = numbered(replace(refused, number=1), answered, replace(started(), number=3))
        controls = Controls.of(world(), exchanges)

        found = controlled(verdict("REQ-VER-MISSING", VIOLATED, 2), exchanges, controls)
        assert found.outcome is outcome
        if outcome is INCONCLUSIVE:
            assert found.actual == "a valid request to this deployment in this form was refused in the same way"
            assert "REQ-REIMAGE-URI-SLOT" in found.because
        for unmoved in (verdict("REQ-VER-MISSING", MET, 2), verdict("REQ-REIMAGE-202", VIOLATED, 1)):
            assert controlled(unmoved, exchanges, controls) is unmoved

    @pytest.mark.parametrize(
        ("request_", "needed"), [(POLL, "operation"), (LOOK, "deployment:slot"), (REIMAGE_BY_NAME, "reimage:name")]
    )
    def test_each_kind_has_its_own_control(self, request_: Any, needed: str) -> None:
        exchanges = numbered(refusal(without_header(request_, "x-ms-version"), 400))
        found = verdict("REQ-VER-MISSING", MET)
        others = {"operation", "deployment:slot", "reimage:name", "reimage:slot"} - {needed}

        assert controlled(found, exchanges, Controls(frozenset({needed}), frozenset({needed}))) is found
        assert (
            controlled(found, exchanges, Controls(frozenset(others), frozenset(others | {needed}))).outcome
            is INCONCLUSIVE
        )

    def test_a_look_in_the_other_form_is_a_control_where_none_in_this_form_was_sent(self) -> None:
        exchanges = numbered(refusal(without_header(LOOK, "x-ms-version"), 404))
        found, other = verdict("REQ-VER-MISSING", VIOLATED), frozenset({"deployment:name"})

        assert controlled(found, exchanges, Controls(other, other)) is found
        refused = controlled(found, exchanges, Controls(other, other | {"deployment:slot"}))
        assert (refused.outcome, "REQ-DEPL-URI" in refused.because) == (INCONCLUSIVE, True)


class TestCauses:
    """What the deciding exchange of a violated verdict adds to its causes."""

    def of(
        self, found: Verdict, *exchanges: Exchange, accepted: tuple[str, ...] = (), refused: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        controls = Controls(frozenset(accepted), frozenset(accepted), frozenset(refused))
        return attributed(found, Evidence.of(numbered(*exchanges), controls)).because

    def test_where_one_slot_alone_is_refused_the_slot_is_to_blame(self) -> None:
        found = verdict("REQ-REIMAGE-202", because=("REQ-X",))

        assert self.of(found, refusal(REIMAGE, 400), accepted=("reimage:slot:contoso/staging",)) == (
            "REQ-X",
            "REQ-REIMAGE-SLOT-VALUES",
        )

    @pytest.mark.parametrize(
        ("found", "accepted", "request_"),
        [
            (verdict("REQ-REIMAGE-202"), (), REIMAGE),
            (verdict("REQ-REIMAGE-202"), ("reimage:name:contoso/staging",), REIMAGE),
            (verdict("REQ-REIMAGE-202"), ("reimage:slot:fabrikam/production",), REIMAGE),
            (verdict("REQ-REIMAGE-202", MET), ("reimage:slot:contoso/staging",), REIMAGE),
            (verdict("REQ-REIMAGE-202", VIOLATED, 9), ("reimage:slot:contoso/staging",), REIMAGE),
            (verdict("REQ-REIMAGE-202"), ("reimage:slot:contoso/staging",), REIMAGE_BY_NAME),
            (Verdict("REQ-REIMAGE-202", VIOLATED), ("reimage:slot:contoso/staging",), REIMAGE),
        ],
    )
    def test_otherwise_it_is_not(self, found: Verdict, accepted: tuple[str, ...], request_: Any) -> None:
        assert self.of(found, refusal(request_, 400), accepted=accepted) == ()

    def test_a_requirement_is_no_cause_of_its_own(self) -> None:
        found = verdict("REQ-REIMAGE-SLOT-VALUES")
        taken = ("reimage:slot:contoso/staging",)

        assert self.of(found, refusal(REIMAGE, 400), accepted=taken) == ("REQ-REIMAGE-URI-EQUIV",)

    @pytest.mark.parametrize(
        "name",
        [
            "REQ-REIMAGE-URI-SLOT",
            "REQ-REIMAGE-URI-NAME",
            "REQ-REIMAGE-SLOT-VALUES",
            "REQ-REIMAGE-UNKNOWN-INSTANCE",
            "REQ-REIMAGE-UNKNOWN-SERVICE",
            "REQ-REIMAGE-OTHERS-UNTOUCHED",
            "REQ-REIMAGE-FRESH-OS",
            "REQ-REIMAGE-OTHERDATA-LOST",
            "REQ-REIMAGE-OFFLINE",
            "REQ-REIMAGE-ONLINE",
            "REQ-REIMAGE-COMPLETES",
            "REQ-CONC-REFUSED-NOEFFECT",
            "REQ-GOS-NOTFOUND-NOEFFECT",
        ],
    )
    def test_what_reaches_another_instance_may_come_of_mixed_up_addresses(self, name: str) -> None:
        assert self.of(verdict(name), started()) == ("REQ-REIMAGE-URI-EQUIV",)
        assert self.of(verdict(name, ADVISORY), started()) == ("REQ-REIMAGE-URI-EQUIV",)

    @pytest.mark.parametrize("name", ["REQ-REIMAGE-FINAL-200", "REQ-REIMAGE-LOCALSTORE", "REQ-REIMAGE-URI-EQUIV"])
    def test_the_rest_does_not(self, name: str) -> None:
        assert self.of(verdict(name), started()) == ()

    @pytest.mark.parametrize(
        "name",
        [
            "REQ-GOS-TERMINAL-STABLE",
            "REQ-GOS-PROGRESS",
            "REQ-GOS-READONLY",
            "REQ-REIMAGE-COMPLETES",
            "REQ-REIMAGE-FINAL-200",
            "REQ-REIMAGE-REQID-USABLE",
        ],
    )
    def test_the_id_of_two_operations_tells_two_stories(self, name: str) -> None:
        own, again, other = started(number=2), started(number=3), started(number=3, identifier="another")
        asked = poll(RUNNING, number=1)
        anyway = ("REQ-REIMAGE-URI-EQUIV",) if name == "REQ-REIMAGE-COMPLETES" else ()

        assert self.of(verdict(name), asked, own, again) == ("REQ-ASYNC-REQID-UNIQUE", *anyway)
        assert self.of(verdict(name), asked, own, other) == anyway
        assert self.of(verdict(name), asked, own, refusal(REIMAGE, 409, number=3)) == anyway
        assert self.of(verdict("REQ-GOS-CT"), asked, own, again) == ()

    def test_a_reply_that_is_misframed_tells_nothing_else(self) -> None:
        surplus = replace(
            poll(RUNNING), response=replace(response(200), anomalies=(Anomaly(AnomalyKind.SURPLUS, "3 octets"),))
        )
        not_http = silent(POLL, FailureKind.NOT_HTTP)

        for misframed in (surplus, not_http):
            assert self.of(verdict("REQ-XML-WF"), replace(misframed, number=1)) == ("REQ-HTTP-FRAMING",)
        for elsewhere in ("REQ-HTTP-STD-HEADERS", "REQ-HTTP-HEAD-NOBODY", "REQ-HTTP-FRAMING"):
            assert self.of(verdict(elsewhere), replace(surplus, number=1)) == ()

    def test_a_body_that_is_answered_too_is_no_misframed_reply(self) -> None:
        second = ("second-response: 90 octets after the response",)
        request = with_body(REIMAGE, b"x")

        assert self.of(verdict("REQ-REIMAGE-CL-NONZERO"), exchange(request, 400, anomalies=second)) == ()
        for anomalies in ((*second, "bad-chunk: x"), ("surplus: 3 octets",)):
            found = self.of(verdict("REQ-REIMAGE-CL-NONZERO"), exchange(request, 400, anomalies=anomalies))
            assert found == ("REQ-HTTP-FRAMING",)

    @pytest.mark.parametrize(
        ("by_slot", "causes"),
        [
            (refusal(REIMAGE, 404, "ResourceNotFound"), ("REQ-REIMAGE-URI-SLOT",)),
            (refusal(REIMAGE, 400, "ResourceNotFound"), ()),
            (refusal(REIMAGE, 404, "BadRequest"), ()),
            (refusal(replace(REIMAGE, target=REIMAGE.target.replace("IN_0", "IN_1")), 404, "ResourceNotFound"), ()),
            (
                refusal(
                    replace(REIMAGE, target=REIMAGE.target.replace("production", "staging")), 404, "ResourceNotFound"
                ),
                (),
            ),
            (refusal(NO_VERSION, 404, "ResourceNotFound"), ()),
            (started(), ()),
        ],
    )
    def test_an_instance_that_both_forms_are_refused_for_alike_is_one_defect(
        self, by_slot: Exchange, causes: tuple[str, ...]
    ) -> None:
        by_name = refusal(REIMAGE_BY_NAME, 404, "ResourceNotFound", number=1)
        exchanges = numbered(by_name, replace(by_slot, number=2))
        evidence = Evidence.of(exchanges, Controls.of(world(), exchanges))

        found = attributed(verdict("REQ-REIMAGE-URI-NAME"), evidence).because
        assert tuple(cause for cause in found if cause != "REQ-REIMAGE-URI-EQUIV") == causes
        assert "REQ-REIMAGE-URI-SLOT" not in attributed(verdict("REQ-REIMAGE-202"), evidence).because

    @pytest.mark.parametrize(("misled", "named"), [(REIMAGE, True), (REIMAGE_BY_NAME, False)])
    def test_a_form_that_reaches_another_instance_explains_what_was_seen_with_this_form(
        self,
        misled: Request,
        named: bool,  # noqa: FBT001
    ) -> None:
        exchanges = numbered(exchange(misled, 202, number=1), exchange(REIMAGE, 202, number=2))
        evidence = Evidence.of(exchanges, Controls.of(world(), exchanges))
        seen = evidence.with_verdicts([verdict("REQ-REIMAGE-URI-EQUIV", Outcome.VIOLATED, 1)])

        found = attributed(verdict("REQ-REIMAGE-FRESH-OS", Outcome.VIOLATED, 2), seen).because
        assert ("REQ-REIMAGE-URI-EQUIV" in found) is named

    def test_ids_that_come_back_on_other_connections_are_no_response_of_another_request(self) -> None:
        told = exchange(LOOK, 200, SUCCEEDED, (("x-ms-request-id", "a"),), number=1, connection=1)
        again = replace(told, number=2, position=2)
        copied = replace(told, number=3, connection=2)
        elsewhere = exchange(LOOK, 404, headers=(("x-ms-request-id", "a"),), number=3, connection=2)

        shifted = Evidence.of(numbered(told, again), Controls.of(world(), numbered(told, again))).shifted
        shared = numbered(told, again, elsewhere)
        everything = numbered(told, again, copied)
        assert shifted == {2}
        assert Evidence.of(everything, Controls.of(world(), everything)).shifted == {2}
        assert Evidence.of(shared, Controls.of(world(), shared)).shifted == frozenset()

    def test_a_reimage_that_ended_keeps_nothing_busy(self) -> None:
        exchanges = numbered(replace(refusal(REIMAGE, 409, "ConflictError"), number=1))
        evidence = Evidence.of(exchanges, Controls.of(world(), exchanges))
        ended = replace(verdict("REQ-REIMAGE-COMPLETES"), symptom="final-status")
        endless = replace(verdict("REQ-REIMAGE-COMPLETES"), symptom="no-end")

        for said, named in ((ended, False), (endless, True)):
            found = attributed(verdict("REQ-REIMAGE-VERSION"), evidence.with_verdicts([said])).because
            assert ("REQ-REIMAGE-COMPLETES" in found) is named

    def test_what_never_ends_keeps_everything_busy(self) -> None:
        endless = {"REQ-CONC-REFUSED-NOEFFECT", "REQ-REIMAGE-COMPLETES"}

        assert endless <= set(self.of(verdict("REQ-REIMAGE-VERSION"), refusal(REIMAGE, 409, "ConflictError")))
        for other in (refusal(REIMAGE, 404), refusal(LOOK, 409), silent(REIMAGE)):
            assert endless.isdisjoint(self.of(verdict("REQ-REIMAGE-VERSION"), replace(other, number=1)))

    def test_a_chunked_request_is_first_of_all_chunked(self) -> None:
        chunked = refusal(with_chunked(REIMAGE, b"x"), 404)

        assert self.of(verdict("REQ-REIMAGE-CL-NONZERO"), chunked) == ("REQ-HTTP-CHUNKED",)
        assert self.of(verdict("REQ-HTTP-TE-CL"), chunked) == ("REQ-HTTP-CHUNKED",)
        assert self.of(verdict("REQ-HTTP-TE-UNKNOWN"), chunked) == ()
        assert self.of(verdict("REQ-HTTP-CHUNKED"), chunked) == ()

    REFUSED = "MissingOrIncorrectVersionHeader"

    @pytest.mark.parametrize("version", ["2009-10-01", "2010-10-28", "2011-10-01"])
    def test_a_poll_refused_for_a_sound_version_may_come_of_too_high_a_minimum(self, version: str) -> None:
        refused = refusal(with_header(POLL, "x-ms-version", version), 400, self.REFUSED)
        kept, minimum = "REQ-VER-OLD-KEPT", "REQ-GOS-VERSION-MIN"

        assert self.of(verdict("REQ-GOS-200", because=("REQ-X",)), refused) == ("REQ-X", kept, minimum)
        assert self.of(verdict("REQ-GOS-200", ADVISORY), refused) == (kept, minimum)
        assert self.of(verdict(minimum), refused) == (kept,)
        assert self.of(verdict(kept), refused) == (minimum,)
        assert self.of(verdict("REQ-GOS-200", MET), refused) == ()

    def test_so_does_a_look_for_an_older_version_that_is_not_kept(self) -> None:
        refused = refusal(with_header(LOOK, "x-ms-version", "2010-10-28"), 400, self.REFUSED)

        assert self.of(verdict("REQ-DEPL-URI"), refused) == ("REQ-VER-OLD-KEPT",)

    def test_so_does_a_reimage_with_a_version_that_must_do(self) -> None:
        refused = refusal(OLDER, 400, self.REFUSED)

        assert self.of(verdict("REQ-ERR-CODES"), refused) == ("REQ-REIMAGE-VERSION", "REQ-VER-OLD-KEPT")

    @pytest.mark.parametrize(
        "other",
        [
            refusal(POLL, 400, "BadRequest"),
            refusal(POLL, 400),
            silent(POLL),
            refusal(with_header(REIMAGE, "x-ms-version", "2010-04-01"), 400, REFUSED),
            refusal(LOOK, 400, "BadRequest"),
            refusal(without_header(POLL, "x-ms-version"), 400, REFUSED),
            refusal(with_header(POLL, "x-ms-version", "2009-09-30"), 400, REFUSED),
            refusal(with_header(POLL, "x-ms-version", "2011-10-02"), 400, REFUSED),
            exchange(POLL, 400, error(REFUSED), failure=FailureKind.TIMEOUT),
        ],
    )
    def test_other_replies_say_nothing_of_versions(self, other: Exchange) -> None:
        assert self.of(verdict("REQ-GOS-200"), other) == ()

    @pytest.mark.parametrize(
        ("second", "shifted"),
        [
            (poll(RUNNING, number=2, connection=7), True),
            (poll(SUCCEEDED, number=2, connection=7), False),
            (poll(RUNNING, number=2, connection=8), False),
            (poll(RUNNING, number=2, connection=7, own="another"), False),
        ],
    )
    def test_on_a_connection_that_repeats_a_response_each_later_one_may_be_anothers(
        self, second: Exchange, *, shifted: bool
    ) -> None:
        first, third = poll(RUNNING, number=1, connection=7), refusal(POLL, 500, number=3)
        unique = ("REQ-ASYNC-REQID-UNIQUE",) if shifted else ()

        def of(number: int) -> tuple[str, ...]:
            found = verdict("REQ-GOS-200", VIOLATED, number)
            return self.of(found, first, second, replace(third, connection=7), replace(third, number=4, connection=9))

        assert [of(number) for number in (1, 2, 3, 4)] == [(), unique, unique, ()]

    def test_a_response_without_an_id_repeats_nothing(self) -> None:
        bare = [poll(RUNNING, number=number, own="", connection=7) for number in (1, 2)]

        assert self.of(verdict("REQ-GOS-200", VIOLATED, 2), *bare) == ()

    def test_an_error_that_sends_elsewhere_is_first_of_all_a_wrong_status(self) -> None:
        assert self.of(verdict("REQ-GOS-200"), refusal(POLL, 399, self.REFUSED)) == ("REQ-ERR-STATUS",)
        assert self.of(verdict("REQ-REIMAGE-202"), refusal(REIMAGE, 302)) == ()
        assert self.of(verdict("REQ-GOS-200"), refusal(POLL, 307)) == ()
        assert self.of(verdict("REQ-GOS-200"), refusal(POLL, 444)) == ("REQ-ERR-STATUS",)

    def test_any_status_of_an_error_says_it(self) -> None:
        assert self.of(verdict("REQ-DEPL-URI"), refusal(LOOK, 500, self.REFUSED)) == ("REQ-VER-OLD-KEPT",)

    @pytest.mark.parametrize("request_", [POLL, REIMAGE_BY_NAME, LOOK])
    @pytest.mark.parametrize("value", [" 2011-10-01", "2011-10-01 ", "\t2011-10-01"])
    def test_white_space_around_the_version_may_be_what_is_refused(self, request_: Request, value: str) -> None:
        odd = refusal(with_header(request_, "X-MS-Version", value), 400)

        assert self.of(verdict("REQ-VER-OLD-KEPT"), odd) == ("REQ-VER-OWS",)
        assert self.of(verdict("REQ-VER-OWS"), odd) == ()

    @pytest.mark.parametrize(
        "request_",
        [
            POLL,
            with_header(POLL, "x-ms-version", ""),
            with_header(POLL, "x-ms-version", "2011 10 01"),
            with_header(POLL, "x-ms-client", " 2011-10-01 "),
            without_header(POLL, "x-ms-version"),
        ],
    )
    def test_without_it_white_space_is_not_to_blame(self, request_: Request) -> None:
        assert self.of(verdict("REQ-VER-OLD-KEPT"), refusal(request_, 400)) == ()

    def test_any_comp_that_selects_a_reimage_is_first_of_all_no_comp(self) -> None:
        assert self.of(verdict("REQ-REIMAGE-COMP"), started(with_query(REIMAGE, "comp=reboot"))) == (
            "REQ-REIMAGE-COMP-MISSING",
        )
        assert self.of(verdict("REQ-REIMAGE-COMP"), refusal(REIMAGE, 400)) == ()

    def test_a_refused_comp_that_reimages_is_first_of_all_no_comp(self) -> None:
        effect = verdict("REQ-GOS-NOTFOUND-NOEFFECT")
        blurred = refusal(with_query(REIMAGE, "comp=reimage%20"), 400)

        assert self.of(effect, blurred) == ("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-COMP-MISSING")
        assert self.of(effect, refusal(REIMAGE, 400)) == ("REQ-REIMAGE-URI-EQUIV",)

    def test_the_id_of_another_operation_may_be_shown_because_an_id_leads_there(self) -> None:
        shown = poll(RUNNING.replace(DASHED_ID, OTHER_ID), number=1)
        own, other = started(number=2), started(number=3, identifier=OTHER_ID.upper())

        assert self.of(verdict("REQ-GOS-ID"), shown, own, other) == ("REQ-REIMAGE-REQID-USABLE",)
        assert self.of(verdict("REQ-GOS-ID"), shown, own) == ()
        assert self.of(verdict("REQ-GOS-200"), shown, own, other) == ()

    def test_an_operation_that_another_method_reached_may_have_been_changed_by_it(self) -> None:
        asked = poll(RUNNING, number=1)
        meddled = replace(exchange(replace(POLL, method="DELETE"), 200), number=2)

        assert self.of(verdict("REQ-GOS-200"), asked, meddled) == ("REQ-ERR-VERB",)
        for harmless in (
            refusal(replace(POLL, method="DELETE"), 400, number=2),
            exchange(replace(POLL, method="HEAD"), 200, number=2),
            exchange(replace(POLL, method="DELETE", target=POLL.target + "0"), 200, number=2),
            exchange(replace(LOOK, method="DELETE"), 200, number=2),
        ):
            assert self.of(verdict("REQ-GOS-200"), asked, harmless) == ()

    @pytest.mark.parametrize(
        ("place", "slots"),
        [
            ("slot:contoso/production", True),
            ("slot:fabrikam/production", True),
            ("slot:contoso/staging", False),
            ("name:contoso/production", False),
        ],
    )
    def test_in_a_slot_that_misses_an_instance_others_may_be_those_of_another_slot(
        self, place: str, *, slots: bool
    ) -> None:
        equivalent, fresh = "REQ-REIMAGE-URI-EQUIV", verdict("REQ-REIMAGE-FRESH-OS")
        because = (equivalent, "REQ-REIMAGE-SLOT-VALUES") if slots else (equivalent,)
        refused = (f"reimage:{place} 404 ResourceNotFound",)
        known = {"refused": refused, "accepted": ("reimage:slot:contoso/production",)}

        assert self.of(fresh, started(number=1), **known) == because
        assert self.of(fresh, started(number=1), refused=refused) == (equivalent,)
        assert self.of(fresh, poll(RUNNING, number=1), **known) == (equivalent,)
        assert self.of(verdict("REQ-REIMAGE-202"), started(number=1), **known) == ()

    def test_a_method_that_is_taken_may_stand_in_for_post(self) -> None:
        assert self.of(verdict("REQ-ERR-VERB"), exchange(replace(REIMAGE, method="PUT"))) == ("REQ-REIMAGE-METHOD",)

    def test_several_causes_are_named_once_each_and_in_order(self) -> None:
        spaced = with_header(POLL, "x-ms-version", " 2011-10-01 ")
        odd = exchange(spaced, 400, error(self.REFUSED), anomalies=("surplus: 3 octets",))

        assert self.of(verdict("REQ-REIMAGE-OFFLINE", because=("REQ-VER-OWS", "REQ-X")), odd) == (
            "REQ-VER-OWS",
            "REQ-X",
            "REQ-HTTP-FRAMING",
            "REQ-VER-OLD-KEPT",
            "REQ-GOS-VERSION-MIN",
            "REQ-REIMAGE-URI-EQUIV",
        )
