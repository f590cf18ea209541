"""Baselines: what is known does not fail a run, what is new does, and what no longer holds does."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance import cli
from reimage_conformance.assessment.findings import fingerprint_of
from reimage_conformance.baseline import Entry, apply_baseline, load_baseline, write_baseline
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.errors import UsageError
from reimage_conformance.model import Assessment, CaseRecord, CountsAs, Finding, Outcome, RequirementResult, RunVerdict
from reimage_conformance.report.console import quiet_lines
from reimage_conformance.report.results import results as results_of
from reimage_conformance.report.results import verdict_of
from reimage_conformance.report.wording import verdict_sentence, verdict_words
from report_samples import sample_assessment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TODAY = date(2026, 6, 1)
FIRST, SECOND, DRAGGED, OTHER = "REQ-REIMAGE-202", "REQ-GOS-ROOT", "REQ-GOS-STATUS", "REQ-HTTP-DATE"


def result(name: str, outcome: Outcome, *symptoms: str) -> RequirementResult:
    ways = tuple(fingerprint_of(name, symptom) for symptom in symptoms)
    return RequirementResult(CATALOGUE[name], CountsAs.FAIL, outcome, fingerprints=ways)


def assessment(*results: RequirementResult, affected: tuple[str, ...] = ()) -> Assessment:
    """An assessment with a finding for each violated requirement that no other drags along."""
    bad = [each for each in results if each.outcome is Outcome.VIOLATED and each.requirement.id not in affected]
    findings = tuple(
        Finding(
            r.requirement.id,
            CountsAs.FAIL,
            f"{r.requirement.id} is broken",
            "a",
            "b",
            ("case one",),
            also_affected=affected,
        )
        for r in bad
    )
    cases = (CaseRecord("case one", (FIRST,), "violated"), CaseRecord("case two", (SECOND,), "untested"))
    verdict = RunVerdict.NONCONFORMANT if bad else RunVerdict.CONFORMANT
    return replace(
        sample_assessment(),
        requirements=results,
        findings=findings,
        cases=cases,
        verdict=verdict,
        exit_code=1 if bad else 0,
        notes=(),
    )


def entry(name: str, symptom: str, **more: object) -> Entry:
    return replace(Entry(name, fingerprint_of(name, symptom), "agreed"), **more)  # type: ignore[arg-type]


def outcomes(found: Assessment) -> dict[str, Outcome]:
    return {each.requirement.id: each.outcome for each in found.requirements}


def test_a_known_violation_is_known() -> None:
    found = apply_baseline(
        assessment(result(FIRST, Outcome.VIOLATED, "status:200")), (entry(FIRST, "status:200"),), TODAY
    )

    assert outcomes(found) == {FIRST: Outcome.KNOWN}
    assert (found.verdict, found.exit_code, found.notes) == (RunVerdict.CONFORMANT, 0, ())
    assert found.requirements[0].reason == "known: agreed"


def test_a_violation_in_another_way_stays_violated() -> None:
    found = apply_baseline(
        assessment(result(FIRST, Outcome.VIOLATED, "status:500")), (entry(FIRST, "status:200"),), TODAY
    )

    assert outcomes(found) == {FIRST: Outcome.VIOLATED}
    assert found.exit_code == 1
    (note,) = found.notes
    assert note.startswith(
        f"The baseline entry for {FIRST} no longer holds: the requirement is violated in another way;"
    )


def test_a_new_way_beside_a_known_one_stays_violated() -> None:
    found = apply_baseline(
        assessment(result(FIRST, Outcome.VIOLATED, "status:200", "status:500")), (entry(FIRST, "status:200"),), TODAY
    )

    assert outcomes(found) == {FIRST: Outcome.VIOLATED}
    assert (found.exit_code, found.notes) == (1, ())


def test_what_a_known_violation_drags_along_is_known() -> None:
    found = assessment(
        result(FIRST, Outcome.VIOLATED, "x"),
        result(DRAGGED, Outcome.VIOLATED, "y"),
        result(OTHER, Outcome.INCONCLUSIVE),
        affected=(DRAGGED, OTHER),
    )

    told = apply_baseline(found, (entry(FIRST, "x"),), TODAY)

    assert outcomes(told) == {FIRST: Outcome.KNOWN, DRAGGED: Outcome.KNOWN, OTHER: Outcome.INCONCLUSIVE}
    assert (told.verdict, told.exit_code) == (RunVerdict.INCOMPLETE, 6)


def test_other_violations_fail_the_run_and_come_first() -> None:
    found = assessment(result(FIRST, Outcome.VIOLATED, "x"), result(SECOND, Outcome.VIOLATED, "y"))

    told = apply_baseline(found, (entry(FIRST, "x"),), TODAY)

    assert outcomes(told) == {FIRST: Outcome.KNOWN, SECOND: Outcome.VIOLATED}
    assert [finding.requirement for finding in told.findings] == [SECOND, FIRST]
    assert (told.exit_code, told.notes) == (1, ())


def test_an_entry_whose_violation_is_gone_fails_the_run() -> None:
    known = entry(FIRST, "x", ticket="T-1", owner="ada")

    found = apply_baseline(assessment(result(FIRST, Outcome.MET)), (known,), TODAY)

    assert (found.verdict, found.exit_code) == (RunVerdict.NONCONFORMANT, 1)
    assert found.notes == (
        f"The baseline entry for {FIRST}, T-1, ada no longer holds: the requirement is met; remove the entry.",
    )


def test_an_interrupted_run_with_such_an_entry_stays_interrupted() -> None:
    found = assessment(result(FIRST, Outcome.MET))
    cut = replace(found, run=replace(found.run, interrupted=True))

    assert apply_baseline(cut, (entry(FIRST, "x"),), TODAY).exit_code == 2


@pytest.mark.parametrize("outcome", [Outcome.UNTESTED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE])
def test_what_could_not_be_judged_makes_no_entry_stale(outcome: Outcome) -> None:
    assert apply_baseline(assessment(result(FIRST, outcome)), (entry(FIRST, "x"),), TODAY).notes == ()


def test_an_entry_is_stale_only_if_a_case_that_showed_it_was_judged() -> None:
    found = assessment(result(FIRST, Outcome.MET))

    assert apply_baseline(found, (entry(FIRST, "x", cases=("case two",)),), TODAY).notes == ()
    assert len(apply_baseline(found, (entry(FIRST, "x", cases=("case two", "case one")),), TODAY).notes) == 1


@pytest.mark.parametrize(("day", "code"), [(date(2026, 6, 1), 0), (date(2026, 5, 31), 1)])
def test_an_entry_holds_through_its_last_day(day: date, code: int) -> None:
    found = apply_baseline(assessment(result(FIRST, Outcome.VIOLATED, "x")), (entry(FIRST, "x", expires=day),), TODAY)

    assert found.exit_code == code
    assert outcomes(found) == {FIRST: Outcome.VIOLATED if code else Outcome.KNOWN}
    expired = f"The baseline entry for {FIRST} expired on 2026-05-31; fix the endpoint, or agree on another date."
    assert found.notes == ((expired,) if code else ())


def test_what_is_written_can_be_loaded_and_makes_everything_known(tmp_path: Path) -> None:
    found = assessment(
        result(FIRST, Outcome.VIOLATED, "x", "y"), result(DRAGGED, Outcome.VIOLATED, "z"), affected=(DRAGGED,)
    )

    write_baseline(found, tmp_path / "known.toml")

    entries = load_baseline(tmp_path / "known.toml")
    assert [(e.requirement, e.cases) for e in entries] == [(FIRST, ("case one",))] * 2
    assert set(outcomes(apply_baseline(found, entries, TODAY)).values()) == {Outcome.KNOWN}


def test_what_people_wrote_survives_a_new_baseline(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    found = assessment(result(FIRST, Outcome.VIOLATED, "x"), result(SECOND, Outcome.VIOLATED, "y"))
    write_baseline(found, path)
    text = (
        path.read_text()
        .replace('owner = ""', 'owner = "ada"', 1)
        .replace("# expires = 2099-12-31", "expires = 2027-01-31", 1)
    )
    path.write_text(text)

    mended = assessment(result(FIRST, Outcome.VIOLATED, "x", "new"), result(SECOND, Outcome.MET))
    told = write_baseline(mended, path)

    assert told == f"{path}: 2 entries for violations of this run, 0 kept (not judged by this run), 1 removed"
    kept, new = load_baseline(path)
    assert (kept.owner, kept.expires) == ("ada", date(2027, 1, 31))
    assert (new.owner, new.expires) == ("", None)


@pytest.mark.parametrize("outcome", [Outcome.UNTESTED, Outcome.INCONCLUSIVE, Outcome.NOT_APPLICABLE, None])
def test_an_entry_that_a_run_did_not_judge_is_kept(tmp_path: Path, outcome: Outcome | None) -> None:
    path = tmp_path / "known.toml"
    write_baseline(assessment(result(SECOND, Outcome.VIOLATED, "y")), path)
    path.write_text(path.read_text().replace('owner = ""', 'owner = "ada"').replace('ticket = ""', 'ticket = "T-1"'))
    (before,) = load_baseline(path)
    others = [] if outcome is None else [result(SECOND, outcome)]

    told = write_baseline(assessment(result(FIRST, Outcome.VIOLATED, "x"), *others), path)

    assert told == f"{path}: 1 entry for violations of this run, 1 kept (not judged by this run), 0 removed"
    assert load_baseline(path)[1] == before


def test_an_entry_whose_violation_another_finding_explains_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    write_baseline(assessment(result(DRAGGED, Outcome.VIOLATED, "z")), path)
    found = assessment(
        result(FIRST, Outcome.VIOLATED, "x"), result(DRAGGED, Outcome.VIOLATED, "z"), affected=(DRAGGED,)
    )

    assert " 2 entries for violations of this run, 0 kept " in write_baseline(found, path)
    assert {each.requirement for each in load_baseline(path)} == {FIRST, DRAGGED}


@pytest.mark.parametrize(
    "hindered", [{"missed": (SECOND,)}, {"obstacle": "a proxy answers"}], ids=["missed", "obstacle"]
)
def test_a_known_violation_hides_nothing_else_that_makes_a_run_incomplete(hindered: dict[str, Any]) -> None:
    found = replace(assessment(result(FIRST, Outcome.VIOLATED, "x"), result(SECOND, Outcome.UNTESTED)), **hindered)

    told = apply_baseline(found, (entry(FIRST, "x"),), TODAY)

    assert (told.verdict, told.exit_code) == (RunVerdict.INCOMPLETE, 6)
    assert told.hindrance == hindered.get("obstacle", "")


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ((entry(FIRST, "x"),), "the baseline lists 1 violation that no longer occurs; remove it"),
        ((entry(FIRST, "x"), entry(SECOND, "y")), "the baseline lists 2 violations that no longer occur; remove them"),
        ((entry(FIRST, "x", expires=date(2026, 5, 1)),), "1 entry of the baseline has expired"),
    ],
)
def test_a_baseline_that_alone_fails_the_run_is_called_outdated(entries: tuple[Entry, ...], sentence: str) -> None:
    met = assessment(result(FIRST, Outcome.MET), result(SECOND, Outcome.MET))

    found = apply_baseline(met, entries, TODAY)
    results = results_of(found)

    assert (verdict_words(found), verdict_sentence(found)) == (
        "Baseline outdated",
        f"No violation was seen, but {sentence}.",
    )
    assert (results["run"]["verdict"], results["run"]["exit_code"]) == ("nonconformant", 1)
    assert verdict_of(results) == "baseline outdated"
    assert all(any(note in line for line in quiet_lines(found)) for note in found.notes)


def test_whatever_an_endpoint_sent_is_written_as_toml(tmp_path: Path) -> None:
    found = assessment(result(FIRST, Outcome.VIOLATED, "x"))
    hostile = 'quote " backslash \\ new\nline DEL \x7f NUL \x00 bidi \u202e emoji \U0001f600'
    found = replace(found, findings=(replace(found.findings[0], headline=hostile),))

    write_baseline(found, tmp_path / "known.toml")

    (row,) = tomllib.loads((tmp_path / "known.toml").read_text(encoding="utf-8"))["known"]
    assert row["reason"].startswith('quote " backslash \\ new line DEL')


GOOD = {"requirement": f'"{FIRST}"', "fingerprint": '"abc"', "reason": '"agreed"'}
MISTAKES = {
    "no reason": ({"reason": ""}, 'missing key "reason" in [[known]] number 1; expected a sentence that says why'),
    "empty reason": ({"reason": '" "'}, '"reason" in [[known]] number 1 is expected to be a sentence'),
    "a slip": ({"expire": "2026-01-01"}, 'unknown key "expire" in [[known]] number 1; did you mean "expires"?'),
    "an unknown requirement": (
        {"requirement": '"REQ-REIMAGE-203"'},
        "[[known]] number 1: unknown requirement 'REQ-REIMAGE-203'; did you mean",
    ),
    "no date": ({"expires": '"soon"'}, "is expected to be a date like 2026-12-31, found the string 'soon'"),
    "a time": ({"expires": "2026-01-01T10:00:00Z"}, "is expected to be a date like 2026-12-31"),
    "a number": ({"owner": "7"}, '"owner" in [[known]] number 1 is expected to be who fixes it, found the integer 7'),
    "no TOML": ({"owner": "]"}, "not valid TOML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_a_baseline_name_file_entry_and_key(tmp_path: Path, mistake: str) -> None:
    changes, sentence = MISTAKES[mistake]
    path = tmp_path / "known.toml"
    path.write_text(
        "[[known]]\n" + "".join(f"{name} = {value}\n" for name, value in {**GOOD, **changes}.items() if value)
    )

    with pytest.raises(UsageError) as error:
        load_baseline(path)

    assert str(path) in str(error.value)
    assert sentence in str(error.value)


def test_other_mistakes_in_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    row = "[[known]]\n" + "".join(f"{name} = {value}\n" for name, value in GOOD.items())
    for text, sentence in {
        row + row: "[[known]] number 2 repeats REQ-REIMAGE-202 with fingerprint abc; expected it once",
        "known = 1": '"known" is expected to be [[known]] tables, found the integer 1',
        "[[knwon]]": 'unknown key "knwon" at the top level; did you mean "known"?',
    }.items():
        path.write_text(text)
        with pytest.raises(UsageError) as error:
            load_baseline(path)
        assert sentence in str(error.value)
    with pytest.raises(UsageError, match="there is no such baseline"):
        load_baseline(tmp_path / "none.toml")
    path.write_text("")
    assert load_baseline(path) == ()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, object]]]:
    """Runs smoke against an emulator in memory; gives the exit code and the results."""
    root = cases_folder()

    def running(*words: str) -> tuple[int, dict[str, object]]:
        line = [
            str(root),
            f"--rootdir={root.parent}",
            "--in-memory",
            "--profile",
            "smoke",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
        ]
        line += ["-k", "a_post_by_slot or comp_missing", "--report-dir", str(tmp_path / "run"), "--overwrite", *words]
        code = int(pytest.main(line))
        return code, json.loads((tmp_path / "run" / "results.json").read_text())

    return running


def test_a_run_with_its_own_baseline_is_fine_until_the_defect_is_mended(
    run: Callable[..., tuple[int, dict[str, object]]], tmp_path: Path
) -> None:
    known = tmp_path / "known.toml"
    first, _ = run("--fault", "comp-missing-accepted", "--write-baseline", str(known))
    text = known.read_text()
    second, results = run("--fault", "comp-missing-accepted", "--baseline", str(known))
    again = cli.main(["report", str(tmp_path / "run"), "--report-dir", str(tmp_path / "again")])
    third, mended = run("--baseline", str(known))

    assert "REQ-REIMAGE-COMP-MISSING" in text
    assert (first, second, again, third) == (1, 0, 0, 1)
    assert results["summary"]["known"] > 0  # type: ignore[index]
    assert results["summary"]["violated"] == 0  # type: ignore[index]
    assert json.loads((tmp_path / "again" / "results.json").read_text()) == results
    assert any("no longer holds" in note for note in mended["notes"])  # type: ignore[attr-defined]


def test_a_broken_baseline_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text("[[known]]\n")

    code = cli.main(
        ["run", "--baseline", str(tmp_path / "known.toml"), "--report-dir", str(tmp_path / "r"), "--", "-q"]
    )

    assert code == 4
    assert not (tmp_path / "r" / "journal.jsonl").exists()
