"""Violations that may depend on timing are tried again at the end of a run: what that costs, what it says, and when it is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import trio

from memory_runs import run_in_memory
from reimage_conformance.assessment.tries import requests_of_tries, with_tries
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.detection.forking import JudgedEmulator, judge_each
from reimage_conformance.detection.forking import journal_of as journal_of_subject
from reimage_conformance.detection.shapes import SHAPES
from reimage_conformance.errors import ReportError
from reimage_conformance.journal import Journal, JournalWriter, read_journal
from reimage_conformance.model import Outcome, Profile, Tries, Verdict
from reimage_conformance.pytest_plugin import retrying
from reimage_conformance.pytest_plugin.retrying import Retried, retry_violations
from reimage_conformance.replay import regenerate
from reimage_conformance.replay.comparing import Answer
from reimage_conformance.report.console import console_lines
from reimage_conformance.report.results import results
from reimage_conformance.report.summary import summary_text
from reimage_conformance.session.earlier import Earlier
from reimage_conformance.wire.clock import SystemClock
from report_samples import sample_assessment, sample_exchanges

TIMELY, TIMELESS = "REQ-GOS-PROGRESS", "REQ-REIMAGE-202"
MOST_REIMAGES = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a run that finds a violation which may depend on timing, and tries it again."""
    folder = tmp_path_factory.mktemp("run")
    words = (
        "--fault",
        "succeeded-too-early",
        "--only",
        TIMELY,
        "--world",
        "one-instance",
        "--max-reimages",
        str(MOST_REIMAGES),
    )
    assert run_in_memory(folder, *words, "--tries=3") == 1
    return folder


def test_a_violation_is_tried_twice_more_and_says_how_often_it_was_seen(run: Path) -> None:
    found = json.loads((run / "results.json").read_text())

    (finding,) = (each for each in found["findings"] if each["requirement"] == TIMELY)
    assert finding["tries"] == {"tried": 3, "seen": 3}
    assert "seen in 3 of 3 tries" in (run / "summary.md").read_text()
    assert "Tried again at the end of the run: seen in 3 of 3 tries." in (run / "report.html").read_text()


def test_what_is_sent_again_counts_and_keeps_to_the_budget(run: Path) -> None:
    found, journal = json.loads((run / "results.json").read_text()), read_journal(run / "journal.jsonl")
    again = [event["number"] for event in journal.events if event["type"] == "again"]

    assert again
    assert not set(again) & set(journal.exchanges)
    assert not journal.unanswered
    assert found["summary"]["requests"] == len(journal.exchanges) + len(again)
    assert found["summary"]["reimages"] <= MOST_REIMAGES
    assert found["summary"]["reimages"] == sum(event["type"] == "spent" for event in journal.events)


def test_a_try_reimages_nothing_that_is_not_listed(tmp_path: Path) -> None:
    part = replace(SHAPES["part-of-a-world"], max_reimages=30)
    subject = JudgedEmulator("part", ("succeeded-too-early",), shape=part, tries=3)

    (found,) = judge_each([subject], selection="statuses_go", journals=tmp_path)

    kinds = [event["type"] for event in read_journal(journal_of_subject(subject, tmp_path)).events]
    assert TIMELY in found.accused
    assert {"again", "tried"} <= set(kinds)
    assert found.wiped > 0
    assert found.unlisted == ()


def test_a_journal_with_tries_gives_the_results_of_its_run(run: Path, tmp_path: Path) -> None:
    assert regenerate(run / "journal.jsonl", tmp_path) == 1

    for name in ("results.json", "junit.xml", "summary.md"):
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes(), name


def test_only_what_tells_counts_as_a_try() -> None:
    again, mended, unknown = Answer.AGAIN, Answer.MENDED, Answer.UNKNOWN
    expected = {
        (again, again): (3, 3, True),
        (again, mended): (2, 2, True),
        (again, mended, mended): (3, 2, True),
        (mended, mended): (2, 1, True),
        (mended, again): (2, 2, True),
        (mended, mended, again): (3, 2, True),
        (unknown,): (1, 1, True),
        (unknown, unknown): (1, 1, False),
        (again, mended, unknown): (2, 2, False),
    }
    for answers, figures in expected.items():
        retried = Retried({"requirement": TIMELY}, {"requirement": TIMELY})
        for answer in answers:
            retried.count(answer)
        assert (retried.tried, retried.seen, retried.goes_on) == figures, answers


def test_a_try_repeats_what_is_cheapest_until_that_shows_nothing() -> None:
    whole, part = {"requirement": TIMELY, "cases": ["one", "two"]}, {"requirement": TIMELY, "cases": ["one"]}
    retried = Retried(whole, part)

    assert retried.repeated == part
    retried.count(Answer.AGAIN)
    assert retried.repeated == part
    retried.count(Answer.MENDED)
    assert retried.repeated == whole


def test_a_try_starts_few_steps() -> None:
    may_start = retrying.at_most(2, lambda names: names != ("other",))

    assert [may_start((name,)) for name in ("one", "other", "two", "three")] == [True, False, True, False]


def journal_of(*events: dict[str, Any]) -> Journal:
    return Journal({}, events=list(events))


def test_tries_are_added_to_findings_and_change_nothing_else() -> None:
    sample = sample_assessment()
    (first, *_) = sample.findings
    event = {"type": "tried", "requirement": first.requirement, "tried": 3, "seen": 1}

    (told, *_) = with_tries(sample.findings, journal_of(event))

    assert told == replace(first, tries=Tries(3, 1))
    assert with_tries(sample.findings, journal_of()) == list(sample.findings)
    assert requests_of_tries(journal_of({"type": "again"}, event, {"type": "again"})) == 2


def test_every_report_says_how_often_it_was_seen(tmp_path: Path) -> None:
    sample = sample_assessment()
    finding = replace(sample.findings[0], requirement=TIMELY, tries=Tries(3, 1))
    told = replace(sample, findings=(finding,))
    lines = console_lines(told, tmp_path / "report.html")

    assert f"   {TIMELY}, counts as FAIL; seen in 1 of 3 tries" in lines
    assert f"to see how often a finding occurs: reimage-conformance verify {tmp_path} --target FILE" in lines
    assert "- tried again: seen in 1 of 3 tries" in summary_text(told)
    assert results(told)["findings"][0]["tries"] == {"tried": 3, "seen": 1}


def test_what_does_not_depend_on_timing_says_nothing_of_it(tmp_path: Path) -> None:
    sample = sample_assessment()
    told = replace(sample, findings=(replace(sample.findings[0], requirement=TIMELESS),))

    assert "verify" not in "\n".join(console_lines(told, tmp_path / "report.html"))
    assert "depend on timing" not in summary_text(told)
    assert "tries" not in results(told)["findings"][0]


def test_what_may_depend_on_timing_can_be_violated() -> None:
    timely = {name: row for name, row in CATALOGUE.items() if row.timing}

    assert TIMELY in timely
    assert TIMELESS not in timely
    assert [name for name, row in timely.items() if row.untestable or row.strict.value not in ("FAIL", "WARN")] == []


# When a run does not try again.


def plan_of(**changed: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"tries": 3, "profile": Profile.STANDARD, "resume": None, "max_seconds": None, **changed})


def sut_of(*violated: str, notes: list[str] | None = None, **changed: Any) -> SimpleNamespace:
    """What is asked of a system under test before anything is tried again."""
    kept: list[str] = notes if notes is not None else []
    parts = {
        "given_up": "", "narrowed": [], "hopeless": False, "alarmed": False, "under_way": [], "lost": False, "spent": False
    } | changed  # fmt: skip
    return SimpleNamespace(
        sender=SimpleNamespace(given_up=parts["given_up"], lanes=SimpleNamespace(reasons=parts["narrowed"])),
        operations=SimpleNamespace(hopeless=parts["hopeless"], under_way=parts["under_way"]),
        guard=SimpleNamespace(may_have_done_harm=parts["alarmed"]),
        instances=SimpleNamespace(waits_no_more=parts["lost"]),
        budget=SimpleNamespace(is_spent=parts["spent"]),
        recorder=SimpleNamespace(
            verdicts=[Verdict(name, Outcome.VIOLATED) for name in violated],
            note=lambda event, **fields: kept.append(f"{event}: {fields}"),
        ),
    )


def retry(sut: SimpleNamespace, plan: SimpleNamespace, journal: Path = Path("no-such-journal")) -> None:
    """Tries again; reads the journal, which there is none of, unless nothing is to be tried."""
    trio.run(retry_violations, cast("Any", sut), [], journal, cast("Any", plan))


@pytest.mark.parametrize(
    ("sut", "plan"),
    [
        pytest.param(sut_of(), plan_of(), id="nothing-violated"),
        pytest.param(sut_of(TIMELESS), plan_of(), id="no-matter-of-time"),
        pytest.param(sut_of(TIMELY), plan_of(tries=1), id="not-asked-for"),
        pytest.param(sut_of(TIMELY), plan_of(profile=Profile.SMOKE), id="smoke"),
        pytest.param(sut_of(TIMELY), plan_of(resume=Path("run")), id="resumed"),
        pytest.param(sut_of(TIMELY, given_up="no reply"), plan_of(), id="given-up"),
        pytest.param(sut_of(TIMELY, narrowed=["throttled"]), plan_of(), id="narrowed"),
        pytest.param(sut_of(TIMELY, hopeless=True), plan_of(), id="operations-without-end"),
        pytest.param(sut_of(TIMELY, under_way=["one"]), plan_of(), id="operation-under-way"),
        pytest.param(sut_of(TIMELY, alarmed=True), plan_of(), id="unlisted-instance-left"),
        pytest.param(sut_of(TIMELY, lost=True), plan_of(), id="instance-lost"),
        pytest.param(sut_of(TIMELY, spent=True), plan_of(), id="budget-spent"),
    ],
)
def test_a_run_that_cannot_or_need_not_try_again_reads_nothing_and_notes_nothing(
    sut: SimpleNamespace, plan: SimpleNamespace
) -> None:
    notes: list[str] = []
    sut.recorder.note = lambda event, **fields: notes.append(f"{event}: {fields}")

    retry(sut, plan)

    assert notes == []


def test_a_defect_while_trying_again_is_noted_and_raises_nothing() -> None:
    notes: list[str] = []

    retry(sut_of(TIMELY, notes=notes), plan_of())

    assert len(notes) == 1
    assert "Violations were not tried again, because of a defect of the suite: JournalError" in notes[0]


def test_a_journal_that_cannot_be_written_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> Journal:
        raise ReportError(f"{path}: no space left")

    monkeypatch.setattr(retrying, "read_journal", full)

    with pytest.raises(ReportError):
        retry(sut_of(TIMELY), plan_of())


def test_a_run_that_is_resumed_does_not_number_exchanges_like_those_of_a_try(tmp_path: Path) -> None:
    exchange = sample_exchanges()[1]
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, SystemClock()) as journal:
        journal.write("run")
        journal.exchange(exchange)
        journal.sending(replace(exchange, number=7))
        journal.again(replace(exchange, number=7), 1)

    found = read_journal(path)

    assert not found.unanswered
    assert set(found.exchanges) == {exchange.number}
    assert Earlier(found, 0.0).next_number == 8
