"""The assessment: outcomes and controls, findings by cause, the verdict of a run and its exit code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from judging_samples import (
    DASHED_ID,
    FAILED,
    POLL,
    REIMAGE,
    RUNNING,
    SUCCEEDED,
    TARGET,
    brief,
    exchange,
    met,
    numbered,
    poll,
    refusal,
    silent,
    started,
    violated,
    world,
)
from reimage_conformance.assessment import assess
from reimage_conformance.assessment.assess import conclude
from reimage_conformance.assessment.findings import findings_of, fingerprint_of, prerequisites, roots_of
from reimage_conformance.assessment.outcomes import case_outcome, results_of
from reimage_conformance.assessment.rejudging import rejudged, world_of
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.config import target_to_mapping
from reimage_conformance.headlines import HEADLINE_CHARACTERS, violation_sentence
from reimage_conformance.journal import Journal
from reimage_conformance.model import (
    CaseRecord,
    CountsAs,
    Exchange,
    Identity,
    Observation,
    OperationRecord,
    Outcome,
    RequirementResult,
    RunVerdict,
    Verdict,
    Why,
)
from reimage_conformance.protocol.requests import with_header, with_query, without_header

MET, VIOLATED, ADVISORY, INCONCLUSIVE = Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY, Outcome.INCONCLUSIVE
NO_VERSION = without_header(REIMAGE, "x-ms-version")
SLOT_TAKEN = {"reimage:slot", "reimage:slot:contoso/production"}


def verdict(requirement: str, outcome: Outcome = VIOLATED, *evidence: int, **fields: Any) -> Verdict:
    return Verdict(requirement, outcome, evidence=evidence or (1,), **fields)


def results(*verdicts: Verdict, **arguments: Any) -> dict[str, RequirementResult]:
    """The results of a run by requirement; `where`, `observations`, `cases` and `offers` as given."""
    where = arguments.get("where", world())
    found = results_of(
        where, verdicts, arguments.get("observations", []), arguments.get("cases", []), arguments.get("offers", {})
    )
    assert [result.requirement for result in found] == list(CATALOGUE.values())
    return {result.requirement.id: result for result in found}


class TestOutcomes:
    """The outcome of one requirement."""

    NAME = "REQ-REIMAGE-202"

    def test_untested_without_any_verdict(self) -> None:
        found = results()[self.NAME]

        assert (found.outcome, found.reason) == (
            Outcome.UNTESTED,
            "no case of the run is about it",
        )
        assert (found.counts_as, found.cases, found.evidence, found.fingerprints) == (CountsAs.FAIL, (), (), ())

    @pytest.mark.parametrize(
        ("outcomes", "worst"),
        [
            ((MET,), MET),
            ((MET, VIOLATED), VIOLATED),
            ((ADVISORY, VIOLATED), VIOLATED),
            ((MET, ADVISORY), ADVISORY),
            ((INCONCLUSIVE, MET), MET),
            ((INCONCLUSIVE, Outcome.OBSERVED), INCONCLUSIVE),
            ((Outcome.UNTESTED, Outcome.OBSERVED), Outcome.OBSERVED),
            ((Outcome.UNTESTED,), Outcome.UNTESTED),
        ],
    )
    def test_the_worst_verdict_decides(self, outcomes: tuple[Outcome, ...], worst: Outcome) -> None:
        verdicts = [verdict(self.NAME, outcome, n, actual=f"seen {n}") for n, outcome in enumerate(outcomes, 1)]
        found = results(*verdicts)[self.NAME]
        number = outcomes.index(worst) + 1

        assert found.outcome is worst
        assert found.evidence == (number,)
        assert found.reason == ("" if worst is MET else f"seen {number}")

    def test_every_way_of_failing_has_a_fingerprint(self) -> None:
        found = results(
            verdict(self.NAME, symptom="a"),
            verdict(self.NAME, symptom="a"),
            verdict(self.NAME, symptom="b"),
            verdict(self.NAME, ADVISORY, symptom="c"),
        )[self.NAME]

        assert found.fingerprints == (fingerprint_of(self.NAME, "a"), fingerprint_of(self.NAME, "b"))

    def test_a_case_that_is_inconclusive_about_another_requirement_decides_nothing(self) -> None:
        other = CaseRecord("one", (self.NAME, "REQ-GOS-ROOT"), "inconclusive")
        untested = CaseRecord("two", (self.NAME,), "untested", detail="nothing is left for it")

        assert results(cases=[other, untested])[self.NAME].outcome is Outcome.UNTESTED
        assert results(cases=[untested, other])[self.NAME].reason == "nothing is left for it"
        assert results(cases=[other])[self.NAME].outcome is Outcome.INCONCLUSIVE

    def test_the_judging_cases_come_first(self) -> None:
        cases = [CaseRecord("y", (self.NAME,), "met"), CaseRecord("x", (self.NAME, "REQ-REIMAGE-REQID"), "met")]
        found = results(verdict(self.NAME, case="x"), verdict(self.NAME), cases=cases)

        assert found[self.NAME].cases == ("x", "y")
        assert found["REQ-REIMAGE-REQID"].cases == ("x",)

    @pytest.mark.parametrize(
        ("own", "outcome"),
        [
            ("error", INCONCLUSIVE),
            ("inconclusive", INCONCLUSIVE),
            ("untested", Outcome.UNTESTED),
            ("not-applicable", Outcome.NOT_APPLICABLE),
        ],
    )
    def test_without_verdicts_the_case_says_why(self, own: str, outcome: Outcome) -> None:
        told = results(
            cases=[CaseRecord("x", (self.NAME,), "met"), CaseRecord("y", (self.NAME,), own, detail="because")]
        )[self.NAME]
        mute = results(cases=[CaseRecord("y", (self.NAME,), own)])[self.NAME]

        assert (told.outcome, told.reason) == (outcome, "because")
        assert (mute.outcome, mute.reason) == (outcome, "no answer of this run shows whether the requirement is met")

    def test_the_first_case_of_the_gravest_kind_says_why(self) -> None:
        cases = [
            CaseRecord("a", (self.NAME,), "untested", detail="u"),
            CaseRecord("b", (self.NAME,), "error", detail="e"),
            CaseRecord("c", (self.NAME,), "error", detail="f"),
        ]

        assert results(cases=cases)[self.NAME].reason == "e"

    @pytest.mark.parametrize(
        ("own", "expected"), [("not-applicable", Outcome.NOT_APPLICABLE), ("untested", Outcome.UNTESTED)]
    )
    def test_a_case_about_more_says_nothing_of_what_the_target_does_not_offer(
        self, own: str, expected: Outcome
    ) -> None:
        """A case about several requirements that was left out would have judged only those that the target offers."""
        cases = [
            CaseRecord("several", (self.NAME, "REQ-REIMAGE-REQID"), "untested", detail="the budget is spent"),
            CaseRecord("own", (self.NAME,), own, detail="the target lists no second certificate"),
        ]

        assert results(cases=cases)[self.NAME].outcome is expected

    def test_a_case_that_met_without_verdict_proves_nothing(self) -> None:
        found = results(cases=[CaseRecord("a", (self.NAME,), "met")])[self.NAME]

        assert (found.outcome, found.reason) == (
            Outcome.UNTESTED,
            "no answer of this run shows whether the requirement is met",
        )

    def test_what_cannot_be_tested_is_not_applicable(self) -> None:
        (untestable, *_) = [r for r in CATALOGUE.values() if r.untestable and r.area == "core"]
        found = results()[untestable.id]

        assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, untestable.untestable)

    def test_what_the_documents_leave_open_is_observed(self) -> None:
        name = "REQ-VER-UNPUBLISHED"
        seen = [Observation(name, "refuses", (3, 4)), Observation(name, "refuses", (5,))]
        found = results(
            verdict(name, Outcome.OBSERVED, actual="accepts"),
            verdict(name, INCONCLUSIVE, actual="busy"),
            observations=seen,
        )[name]

        assert (found.counts_as, found.outcome, found.reason, found.evidence) == (
            CountsAs.INFO,
            Outcome.OBSERVED,
            "refuses; accepts",
            (3, 4, 5),
        )
        mute = results(verdict(name, INCONCLUSIVE, actual="busy"))[name]
        assert mute.outcome is Outcome.UNTESTED
        long = results(observations=[Observation(name, "x" * 500)])[name]
        assert len(long.reason) == 400

    def test_the_callers_requirements_are_observed_alike(self) -> None:
        found = results(observations=[Observation("REQ-THROTTLE", "was throttled")])["REQ-THROTTLE"]

        assert (found.counts_as, found.outcome) == (CountsAs.CLIENT, Outcome.OBSERVED)

    def test_an_observation_of_what_is_judged_changes_nothing(self) -> None:
        assert results(observations=[Observation(self.NAME, "seen")])[self.NAME].outcome is Outcome.UNTESTED

    @pytest.mark.parametrize(
        ("name", "arguments", "reason"),
        [
            ("REQ-AUTH-TLS", {"where": world(base_url="http://127.0.0.1")}, "the target is not reached over https"),
            ("REQ-DEPL-URI", {}, "the target does not offer Get Deployment"),
            ("REQ-DEPL-URI", {"offers": {"cloud-service": True}}, "the target does not offer Get Deployment"),
            (
                "REQ-PROPS-URI",
                {"offers": {"deployment": True}},
                "the target does not offer Get Cloud Service Properties",
            ),
            ("REQ-REIMAGE-FRESH-OS", {}, "the target has no probe"),
        ],
    )
    def test_what_the_target_does_not_offer_is_not_applicable(
        self, name: str, arguments: dict[str, Any], reason: str
    ) -> None:
        found = results(verdict(name), **arguments)[name]

        assert (found.outcome, found.reason) == (Outcome.NOT_APPLICABLE, reason)

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("REQ-AUTH-TLS", {}),
            ("REQ-DEPL-URI", {"offers": {"deployment": True}}),
            ("REQ-PROPS-URI", {"offers": {"cloud-service": True}}),
            ("REQ-REIMAGE-FRESH-OS", {"where": world(probe_url="http://127.0.0.1/{role_instance}")}),
        ],
    )
    def test_what_it_offers_is_judged(self, name: str, arguments: dict[str, Any]) -> None:
        assert results(verdict(name), **arguments)[name].outcome is VIOLATED

    def test_that_observing_is_optional_is_always_applicable(self) -> None:
        found = results(observations=[Observation("REQ-OBS-OPTIONAL", "both calls are absent")])["REQ-OBS-OPTIONAL"]

        assert (found.outcome, found.reason) == (Outcome.OBSERVED, "both calls are absent")


def result(requirement: str, outcome: Outcome, counts: CountsAs | None = None) -> RequirementResult:
    return RequirementResult(CATALOGUE[requirement], counts or CATALOGUE[requirement].strict, outcome)


class TestConclusion:
    """The verdict of a run and its exit code."""

    @pytest.mark.parametrize(
        ("outcomes", "expected"),
        [
            ((), (RunVerdict.CONFORMANT, 0)),
            ((MET, Outcome.KNOWN, Outcome.NOT_APPLICABLE), (RunVerdict.CONFORMANT, 0)),
            ((MET, Outcome.UNTESTED), (RunVerdict.PARTIAL, 0)),
            ((MET, Outcome.UNTESTED, INCONCLUSIVE), (RunVerdict.INCOMPLETE, 6)),
            ((MET, VIOLATED, INCONCLUSIVE), (RunVerdict.NONCONFORMANT, 1)),
        ],
    )
    def test_the_gravest_outcome_decides(self, outcomes: tuple[Outcome, ...], expected: tuple[RunVerdict, int]) -> None:
        assert conclude([result("REQ-REIMAGE-202", outcome) for outcome in outcomes]) == expected

    @pytest.mark.parametrize("outcome", [VIOLATED, ADVISORY, INCONCLUSIVE, Outcome.UNTESTED])
    def test_only_what_counts_as_fail_decides(self, outcome: Outcome) -> None:
        assert conclude([result("REQ-GOS-ORDER", outcome)]) == (RunVerdict.CONFORMANT, 0)

    def test_an_interrupted_run_is_incomplete(self) -> None:
        assert conclude([result("REQ-REIMAGE-202", MET)], interrupted=True) == (RunVerdict.INCOMPLETE, 2)
        assert conclude([result("REQ-REIMAGE-202", Outcome.UNTESTED)], interrupted=True) == (RunVerdict.INCOMPLETE, 2)
        assert conclude([result("REQ-REIMAGE-202", VIOLATED)], interrupted=True) == (RunVerdict.NONCONFORMANT, 2)


def roots(*verdicts: Verdict) -> dict[str, list[str]]:
    """The root causes among violations."""
    bad: dict[str, list[Verdict]] = {}
    for each in verdicts:
        bad.setdefault(each.requirement, []).append(each)
    return roots_of(bad)


class TestCauses:
    """Findings grouped by cause."""

    def test_prerequisites_are_followed(self) -> None:
        assert prerequisites("REQ-GOS-ROOT") >= {
            "REQ-GOS-200",
            "REQ-XML-WF",
            "REQ-XML-ENC",
            "REQ-REIMAGE-REQID-USABLE",
            "REQ-REIMAGE-202",
        }
        assert prerequisites("REQ-REIMAGE-URI-SLOT") == frozenset()

    def test_unrelated_violations_are_findings_each(self) -> None:
        found = roots(verdict("REQ-HTTP-DATE"), verdict("REQ-VER-MISSING"), verdict("REQ-VER-MISSING", VIOLATED, 2))

        assert list(found.items()) == [("REQ-VER-MISSING", []), ("REQ-HTTP-DATE", [])]

    def test_a_named_cause_explains(self) -> None:
        found = roots(verdict("REQ-VER-MISSING", because=("REQ-ERR-CODES",)), verdict("REQ-ERR-CODES", VIOLATED, 7))

        assert found == {"REQ-ERR-CODES": ["REQ-VER-MISSING"]}

    def test_a_cause_that_explains_one_verdict_of_two_does_not(self) -> None:
        found = roots(
            verdict("REQ-VER-MISSING", because=("REQ-ERR-CODES",)),
            verdict("REQ-VER-MISSING", VIOLATED, 2),
            verdict("REQ-ERR-CODES"),
        )

        assert found == {"REQ-VER-MISSING": [], "REQ-ERR-CODES": []}

    def test_a_prerequisite_explains_on_the_same_exchanges(self) -> None:
        same = roots(verdict("REQ-GOS-ROOT", VIOLATED, 3), verdict("REQ-XML-WF", VIOLATED, 3, 4))
        apart = roots(verdict("REQ-GOS-ROOT", VIOLATED, 3), verdict("REQ-XML-WF", VIOLATED, 4))

        assert same == {"REQ-XML-WF": ["REQ-GOS-ROOT"]}
        assert apart == {"REQ-GOS-ROOT": [], "REQ-XML-WF": []}

    def test_a_prerequisite_does_not_explain_what_a_look_shows(self) -> None:
        bad = {
            "REQ-REIMAGE-FRESH-OS": [verdict("REQ-REIMAGE-FRESH-OS", VIOLATED, 9, 1, 3)],
            "REQ-ASYNC-REQID-UNIQUE": [verdict("REQ-ASYNC-REQID-UNIQUE", VIOLATED, 3, 2)],
        }

        assert roots_of(bad) == {"REQ-ASYNC-REQID-UNIQUE": ["REQ-REIMAGE-FRESH-OS"]}
        assert set(roots_of(bad, looks={9})) == {"REQ-ASYNC-REQID-UNIQUE", "REQ-REIMAGE-FRESH-OS"}

    def test_what_two_causes_of_one_finding_account_for_has_no_finding_of_its_own(self) -> None:
        found = roots(
            verdict("REQ-GOS-TERMINAL-STABLE", VIOLATED, 1),
            verdict("REQ-GOS-TERMINAL-STABLE", VIOLATED, 2),
            verdict("REQ-GOS-READONLY", VIOLATED, 3, because=("REQ-GOS-TERMINAL-STABLE",)),
            verdict("REQ-GOS-PROGRESS", VIOLATED, 1, because=("REQ-GOS-TERMINAL-STABLE",)),
            verdict("REQ-GOS-PROGRESS", VIOLATED, 3, because=("REQ-GOS-READONLY",)),
        )

        assert list(found) == ["REQ-GOS-TERMINAL-STABLE"]
        assert set(found["REQ-GOS-TERMINAL-STABLE"]) == {"REQ-GOS-READONLY", "REQ-GOS-PROGRESS"}

    def test_explanations_reach_through_others(self) -> None:
        found = roots(
            verdict("REQ-HTTP-FRAMING", VIOLATED, 1),
            verdict("REQ-XML-WF", VIOLATED, 2, because=("REQ-HTTP-FRAMING",)),
            verdict("REQ-GOS-ROOT", VIOLATED, 3, because=("REQ-XML-WF",)),
        )

        assert found == {"REQ-HTTP-FRAMING": ["REQ-GOS-ROOT", "REQ-XML-WF"]}

    def test_two_that_explain_each_other_are_one_finding(self) -> None:
        found = roots(
            verdict("REQ-HTTP-DATE", because=("REQ-HTTP-FRAMING",)),
            verdict("REQ-HTTP-FRAMING", because=("REQ-HTTP-DATE",)),
        )

        assert found == {"REQ-HTTP-DATE": ["REQ-HTTP-FRAMING"]}

    @pytest.mark.parametrize(
        ("early", "late"), [("REQ-HTTP-DATE", "REQ-HTTP-FRAMING"), ("REQ-HTTP-FRAMING", "REQ-HTTP-DATE")]
    )
    def test_of_two_that_explain_each_other_the_one_seen_first_is_the_cause(self, early: str, late: str) -> None:
        found = roots(
            verdict(late, VIOLATED, 8, because=(early,)),
            verdict(early, VIOLATED, 9, because=(late,)),
            verdict(late, VIOLATED, 10, because=(early,)),
            verdict(early, VIOLATED, 7, because=(late,)),
        )

        assert found == {early: [late]}

    @pytest.mark.parametrize("inner", ["REQ-ERR-VERB", "REQ-HTTP-DATE"])
    def test_of_several_seen_in_the_same_exchange_the_one_that_another_names_is_the_cause(self, inner: str) -> None:
        found = roots(
            verdict("REQ-GOS-NOTFOUND-NOEFFECT", VIOLATED, 5, because=(inner, "REQ-REIMAGE-OTHERS-UNTOUCHED")),
            verdict(inner, VIOLATED, 5, because=("REQ-REIMAGE-OTHERS-UNTOUCHED",)),
            verdict("REQ-REIMAGE-OTHERS-UNTOUCHED", VIOLATED, 6, because=("REQ-GOS-NOTFOUND-NOEFFECT",)),
        )

        assert list(found) == [inner]
        assert set(found[inner]) == {"REQ-GOS-NOTFOUND-NOEFFECT", "REQ-REIMAGE-OTHERS-UNTOUCHED"}

    def test_what_drags_most_along_comes_first_and_advisories_last(self) -> None:
        found = roots(
            verdict("REQ-GOS-ORDER", ADVISORY),
            verdict("REQ-HTTP-DATE"),
            verdict("REQ-ERR-CODES", VIOLATED, 9),
            verdict("REQ-VER-MISSING", because=("REQ-ERR-CODES",)),
        )

        assert list(found) == ["REQ-ERR-CODES", "REQ-HTTP-DATE", "REQ-GOS-ORDER"]

    def test_a_fingerprint_is_short_and_stable(self) -> None:
        assert fingerprint_of("REQ-REIMAGE-202", "status:200") == "e77615e51b9d"
        assert fingerprint_of("a", "b") != fingerprint_of("a", "c")


def findings(verdicts: list[Verdict], exchanges: dict[int, Exchange] | None = None, where: Any = None) -> list[Any]:
    """The findings of verdicts."""
    known = results_of(where or world(), verdicts, [], [], {"deployment": True})
    return findings_of(verdicts, known, exchanges or {})


class TestFindings:
    """What a finding says."""

    def test_a_finding(self) -> None:
        found = findings(
            [
                verdict(
                    "REQ-REIMAGE-202", VIOLATED, 2, 1, expected="202", actual="200 OK", symptom="status:200", case="x"
                ),
                verdict("REQ-REIMAGE-202", VIOLATED, 3, expected="e", actual="a", symptom="s", case="y"),
                verdict("REQ-REIMAGE-202", VIOLATED, 3, case="x"),
                verdict("REQ-HTTP-DATE", MET),
            ],
            numbered(exchange(number=2)),
        )

        assert len(found) == 1
        assert (found[0].requirement, found[0].counts_as) == ("REQ-REIMAGE-202", CountsAs.FAIL)
        assert found[0].headline == "A valid reimage was not answered 202 Accepted: 200 OK"
        assert (found[0].expected, found[0].actual) == ("202", "200 OK")
        assert found[0].cases == ("x", "y")
        assert found[0].evidence == (2, 1, 3)
        assert found[0].deciding == (2, 1)
        assert found[0].also_affected == ()
        assert found[0].fingerprint == fingerprint_of("REQ-REIMAGE-202", "status:200")

    def test_another_way_in_which_a_requirement_was_violated_is_told(self) -> None:
        (found,) = findings(
            [
                verdict("REQ-REIMAGE-202", VIOLATED, 2, symptom="accepted-status:200", actual="200 OK"),
                verdict("REQ-REIMAGE-202", VIOLATED, 3, symptom="accepted-status:204", actual="204 No Content"),
                verdict("REQ-REIMAGE-202", VIOLATED, 4, symptom="conflict-with-nothing", expected="202", actual="409"),
                verdict("REQ-REIMAGE-202", VIOLATED, 5, symptom="conflict-with-nothing", actual="409 again"),
            ]
        )

        ((other),) = found.other_symptoms
        assert other.headline == violation_sentence("REQ-REIMAGE-202", "conflict-with-nothing") + ": 409"
        assert (other.expected, other.evidence) == ("202", (4, 5))
        assert other.fingerprint == fingerprint_of("REQ-REIMAGE-202", "conflict-with-nothing")

    @pytest.mark.parametrize(
        ("number", "because"),
        [(2, ()), (3, ("REQ-HTTP-DATE",))],
        ids=["on the deciding exchange", "explained by another violation"],
    )
    def test_what_the_finding_tells_or_another_one_explains_is_no_other_symptom(
        self, number: int, because: tuple[str, ...]
    ) -> None:
        found = findings(
            [
                verdict("REQ-REIMAGE-202", VIOLATED, 2, symptom="status:200"),
                verdict("REQ-REIMAGE-202", VIOLATED, number, symptom="conflict-with-nothing", because=because),
                verdict("REQ-HTTP-DATE", VIOLATED, 9),
            ]
        )

        assert [each.other_symptoms for each in found] == [(), ()]

    def test_an_advisory_counts_as_a_warning(self) -> None:
        (found,) = findings([verdict("REQ-GOS-ORDER", ADVISORY, 1)])

        assert (found.counts_as, found.deciding) == (CountsAs.WARN, (1,))

    def test_the_shortest_request_decides_where_the_first_is_explained(self) -> None:
        long = with_header(REIMAGE, "X-Long", "x" * 50)
        exchanges = numbered(exchange(long, number=1), exchange(number=2), exchange(long, number=3))
        verdicts = [
            verdict("REQ-REIMAGE-202", VIOLATED, n, symptom=str(n), because=("REQ-X",) if n < 3 else ())
            for n in (1, 2, 3, 9)
        ]

        assert findings(verdicts, exchanges)[0].deciding == (2,)
        assert findings(verdicts[2:], exchanges)[0].deciding == (3,)
        assert findings(verdicts[3:], exchanges)[0].deciding == (9,)

    def test_only_what_ended_badly_is_found(self) -> None:
        assert findings([verdict("REQ-AUTH-TLS")], where=world(base_url="http://h")) == []
        assert findings([verdict("REQ-REIMAGE-202", MET), verdict("REQ-HTTP-DATE", INCONCLUSIVE)]) == []

    def test_what_could_not_be_judged_for_it_is_affected(self) -> None:
        found = findings(
            [
                verdict("REQ-GOS-STATUS", VIOLATED, 5),
                verdict("REQ-ERR-CODES", VIOLATED, 6),
                verdict("REQ-REIMAGE-COMPLETES", INCONCLUSIVE, 5, because=("REQ-GOS-STATUS",)),
                verdict("REQ-HTTP-DATE", INCONCLUSIVE, 7, because=("REQ-HTTP-FRAMING",)),
            ]
        )

        assert [(each.requirement, each.also_affected) for each in found] == [
            ("REQ-GOS-STATUS", ("REQ-REIMAGE-COMPLETES",)),
            ("REQ-ERR-CODES", ()),
        ]

    def test_long_evidence_and_headlines_are_cut(self) -> None:
        (found,) = findings([verdict("REQ-REIMAGE-202", VIOLATED, *range(1, 40), actual="x" * 400)])

        assert (len(found.headline), len(found.evidence)) == (HEADLINE_CHARACTERS, 24)


HEADER: dict[str, Any] = {
    "id": "run",
    "started": "2014-03-01T12:00:00Z",
    "seed": 7,
    "profile": "standard",
    "strictness": "strict",
    "suite_version": "0.1.0",
    "target": target_to_mapping(TARGET),
}


def journal(*events: dict[str, Any], exchanges: dict[int, Exchange] | None = None, **fields: Any) -> Journal:
    return Journal(HEADER, exchanges or {}, events=list(events), **fields)


def judgement(check: str, numbers: list[int], case: str = "c", **fields: Any) -> dict[str, Any]:
    return {"type": "judgement", "case": case, "check": check, "exchanges": numbers, "arguments": {}, **fields}


class TestJournals:
    """A journal in, an assessment out."""

    def test_the_world_is_the_runs(self) -> None:
        found = world_of(journal({"type": "listed", "listed": {"contoso-v2": ["N"]}}))

        assert (found.target.name, found.strictness.value, found.listed) == ("rig", "strict", {"contoso-v2": ("N",)})

    def test_judgements_are_made_again(self) -> None:
        record = journal(
            judgement("answered_202", [1]),
            judgement("answered_202", [2], case="d"),
            judgement("answered_202", [9]),
            judgement("no_such_check", [1]),
            exchanges=numbered(started(), exchange(status=200, number=2)),
        )

        assert brief(rejudged(record)) == [met("REQ-REIMAGE-202"), violated("REQ-REIMAGE-202", "status:200", 2)]
        assert [each.case for each in rejudged(record)] == ["c", "d"]

    def test_verdicts_that_no_check_made_are_kept(self) -> None:
        own = verdict("REQ-HTTP-DATE", check="")
        made = verdict("REQ-HTTP-DATE", check="dates")
        event = {"type": "verdict"}

        assert rejudged(journal(event, event, verdicts=[own, made])) == [own]

    def test_a_scope_is_every_exchange_with_the_endpoint_until_then(self) -> None:
        exchanges = numbered(*(exchange(status=200, number=n, label="probe" if n == 2 else "") for n in (3, 1, 2)))
        record = journal(judgement("answered_202", [], scope="all", until=2), exchanges=exchanges)

        assert brief(rejudged(record)) == [violated("REQ-REIMAGE-202", "status:200", 1)]
        record.events[0]["until"] = 3
        assert [each.evidence for each in rejudged(record)] == [(1,), (3,)]

    def test_names_are_known_from_when_they_were_listed(self) -> None:
        request = replace(REIMAGE, target=REIMAGE.target.replace("WebRole1_IN_0", "N"))
        listed = {"type": "listed", "listed": {"contoso-v2": ["N"]}}
        record = journal(
            judgement("refused", [1]), listed, judgement("refused", [1]), exchanges=numbered(exchange(request, 200))
        )

        assert brief(rejudged(record)) == [violated("REQ-REIMAGE-UNKNOWN-INSTANCE", "accepted")]

    def test_an_assessment(self) -> None:
        start = started(at=1.0, elapsed=0.5)
        exchanges = numbered(
            start,
            poll(RUNNING, number=2, at=2.0, label="poll"),
            poll(b"", 404, number=3, at=2.5, label="poll-after-end"),
            silent(POLL, number=4, at=3.0, label="poll"),
            poll(SUCCEEDED, number=5, at=4.0, label="poll"),
            poll(FAILED, number=6, at=5.0),
            exchange(status=200, number=7),
        )
        record = journal(
            {"type": "offers", "offers": {"deployment": True}, "at": 0.1},
            {"type": "operation", "start": 1, "identifier": DASHED_ID, "at": 1.5},
            {"type": "operation", "start": 99, "identifier": "lost"},
            judgement("answered_202", [7]),
            {"type": "coverage", "what": "pairs", "of": 3, "at": 6.0},
            {
                "type": "end",
                "finished": "later",
                "interrupted": False,
                "duration_seconds": 6.12345,
                "reimages": 4,
                "at": 7.0,
            },
            exchanges=exchanges,
            cases=[
                {"type": "case-start", "id": "c", "requirements": ["REQ-REIMAGE-202"], "doc": "Says."},
                {
                    "type": "case-end",
                    "id": "c",
                    "outcome": "met",
                    "duration_seconds": 2.0,
                    "evidence": [7],
                    "detail": "d",
                },
                {"type": "case-start", "id": "open", "requirements": []},
            ],
            observations=[Observation("REQ-VER-UNPUBLISHED", "refuses")],
            notes=("a note",),
        )
        found = assess(record)

        assert (found.verdict, found.exit_code, found.requests, found.reimages) == (RunVerdict.NONCONFORMANT, 1, 7, 4)
        assert (found.run.id, found.run.seed, found.run.finished, found.run.interrupted) == ("run", 7, "later", False)
        assert (found.run.duration_seconds, found.run.coverage) == (6.123, {"pairs": {"of": 3}})
        assert (found.target["name"], found.notes, len(found.observations)) == ("rig", ("a note",), 1)
        assert found.cases == (
            CaseRecord("c", ("REQ-REIMAGE-202",), "violated", 2.0, (7,), "Says.", "d"),
            CaseRecord("open", (), "inconclusive", detail="the run ended before the case did", why=Why.CUT_SHORT),
        )
        assert found.operations == (
            OperationRecord(
                DASHED_ID,
                "WebRole1_IN_0",
                "slot",
                1.5,
                ((0.5, "InProgress"), (1.0, "404"), (1.5, "no reply"), (2.5, "Succeeded")),
                "Succeeded",
                "production",
                (1, 2, 3, 4),
            ),
        )
        assert [(each.requirement, each.deciding) for each in found.findings] == [("REQ-REIMAGE-202", (7,))]

    def test_a_run_that_was_cut_short(self) -> None:
        record = journal({"type": "operation", "start": 1, "identifier": "", "at": 3.25}, exchanges=numbered(started()))
        found = assess(record)

        assert (found.run.interrupted, found.run.finished, found.run.duration_seconds) == (True, "", 3.25)
        assert (found.verdict, found.exit_code, found.reimages) == (RunVerdict.INCOMPLETE, 2, 1)
        assert found.operations[0].outcome == "no end seen"

    def test_a_run_without_an_end_says_so_of_what_it_did_not_reach(self) -> None:
        cut, ended = assess(journal()), assess(journal({"type": "end", "interrupted": False}))

        def of(found: Any, name: str) -> tuple[Outcome, Why]:
            return next((r.outcome, r.why) for r in found.requirements if r.requirement.id == name)

        for name in ("REQ-REIMAGE-202", "REQ-DEPL-URI", "REQ-PROPS-URI"):
            assert of(cut, name) == (Outcome.UNTESTED, Why.CUT_SHORT), name
        assert of(ended, "REQ-REIMAGE-202") == (Outcome.UNTESTED, Why.NOT_CHOSEN)
        assert of(ended, "REQ-DEPL-URI")[0] is Outcome.NOT_APPLICABLE

    def test_a_poll_of_an_id_that_was_given_twice_is_no_earlier_than_its_operation(self) -> None:
        exchanges = numbered(started(at=1.0, elapsed=0.5), poll(RUNNING, number=2, at=1.4, label="poll"))
        record = journal({"type": "operation", "start": 1, "identifier": DASHED_ID}, exchanges=exchanges)

        assert assess(record).operations[0].polls == ((0.0, "InProgress"),)

    def test_verdicts_that_were_just_made_are_taken(self) -> None:
        found = assess(journal(), [verdict("REQ-REIMAGE-202")])

        assert [each.requirement for each in found.findings] == ["REQ-REIMAGE-202"]

    @pytest.mark.parametrize(
        ("own", "outcomes", "expected"),
        [
            ("met", (), "met"),
            ("met", (MET, ADVISORY), "advisory"),
            ("violated", (MET,), "met"),
            ("untested", (MET,), "untested"),
            ("inconclusive", (MET,), "inconclusive"),
            ("inconclusive", (VIOLATED, MET), "violated"),
            ("untested", (Outcome.OBSERVED,), "observed"),
            ("met", (INCONCLUSIVE, MET), "met"),
            ("met", (INCONCLUSIVE, Outcome.UNTESTED), "inconclusive"),
            ("met", (INCONCLUSIVE,), "inconclusive"),
            ("met", (Outcome.UNTESTED, MET), "untested"),
            ("error", (VIOLATED,), "error"),
            ("not-applicable", (MET,), "not-applicable"),
        ],
    )
    def test_a_case_is_what_its_verdicts_say(self, own: str, outcomes: tuple[Outcome, ...], expected: str) -> None:
        cited = ["REQ-REIMAGE-202"]
        cases = [
            {"type": "case-start", "id": "c", "requirements": cited},
            {"type": "case-end", "id": "c", "outcome": own},
        ]
        verdicts = [verdict("REQ-REIMAGE-202", outcome, case="c") for outcome in outcomes]

        assert assess(journal(cases=cases), verdicts).cases[0].outcome == expected


def test_of_a_case_the_requirements_that_it_cites_have_to_be_judged() -> None:
    cited, other = "REQ-VER-MISSING", "REQ-GOS-NOTFOUND-NOEFFECT"

    assert case_outcome([verdict(cited, MET), verdict(other, INCONCLUSIVE)], [cited]) is MET
    assert case_outcome([verdict(cited, MET), verdict(other, INCONCLUSIVE)], [cited, other]) is INCONCLUSIVE
    assert case_outcome([verdict(cited, MET), verdict(other, VIOLATED)], [cited]) is VIOLATED
    assert case_outcome([verdict(other, INCONCLUSIVE)], [cited]) is INCONCLUSIVE
    assert case_outcome([verdict(cited, Outcome.UNTESTED), verdict(other, MET)], [cited, other]) is Outcome.UNTESTED
    fallen_short = verdict(cited, Outcome.UNTESTED, arguments={"short_of": "no reimage was tried"})
    assert case_outcome([fallen_short, verdict(other, MET)], [cited, other]) is MET
    assert case_outcome([fallen_short], [cited]) is MET
    assert case_outcome([], [cited]) is None


def test_controls_reach_the_assessment() -> None:
    anonymous = replace(REIMAGE, identity=Identity.NONE)
    record = journal(
        judgement("refused", [1]),
        exchanges=numbered(
            refusal(with_query(REIMAGE, None), 400), refusal(REIMAGE, 400, number=2), refusal(anonymous, 403, number=3)
        ),
    )
    found = {each.requirement.id: each for each in assess(record).requirements}

    assert found["REQ-REIMAGE-COMP-MISSING"].outcome is INCONCLUSIVE
