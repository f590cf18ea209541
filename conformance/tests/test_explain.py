"""The command `explain`: every requirement is explained from what the catalogue, the cases, the faults and the emulator know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.catalogue import CATALOGUE, SOURCES
from reimage_conformance.cli import main
from reimage_conformance.emulator import FAULTS, Emulator, Send
from reimage_conformance.emulator.layouts import MAIN
from reimage_conformance.errors import ReportError
from reimage_conformance.explain import explanation
from reimage_conformance.explain.answers import SUBSCRIPTION, answers_from, kept_answers, plain_answers, run_in_memory
from reimage_conformance.explain.certainty import CERTAINTY, COUNTS
from reimage_conformance.explain.sections import sections_of
from reimage_conformance.explain.text import text_of
from reimage_conformance.model import CountsAs
from reimage_conformance.report.console import console_lines
from reimage_conformance.report.junit import junit_text
from reimage_conformance.report.results import results
from reimage_conformance.report.sources import ORIGINS
from report_samples import conformant_assessment, sample_assessment

if TYPE_CHECKING:
    from pathlib import Path

EACH = pytest.mark.parametrize("name", CATALOGUE)
JUDGED = [row.id for row in CATALOGUE.values() if {row.strict, row.lenient} & {CountsAs.FAIL, CountsAs.WARN}]
HEADINGS = ("What must hold", "Where it comes from", "What it counts as", "What is sent")


@EACH
def test_a_requirement_is_explained(name: str) -> None:
    explained = explanation(name)
    headings = [section.heading for section in sections_of(explained)]
    text = text_of(explained)

    assert headings[:4] == list(HEADINGS)
    assert len(headings) == len(set(headings))
    assert " ".join(CATALOGUE[name].text.split()) in " ".join(text.split())
    assert not re.search(r"None(?! of)", text)
    assert not re.search(r"[ \t]$", text, re.MULTILINE)


@pytest.mark.parametrize("name", JUDGED)
def test_what_can_be_violated_has_faults_and_says_what_mends_it(name: str) -> None:
    row, explained = CATALOGUE[name], explanation(name)

    assert row.mend.endswith("."), "the catalogue lacks `mend`"
    assert {member for family in explained.faults for member in family.members} == {
        each.name for each in FAULTS.values() if each.requirement == name
    }
    assert "What wrong endpoints answer" in [section.heading for section in sections_of(explained)]


def test_what_is_recorded_or_known_of_clients_is_a_sentence() -> None:
    told = [text for row in CATALOGUE.values() for text in (row.recorded, row.clients, row.mend) if text]
    assert [text for text in told if not text.endswith(".")] == []


def test_every_origin_source_and_level_has_words() -> None:
    rows = CATALOGUE.values()
    assert {row.origin for row in rows} <= CERTAINTY.keys()
    assert CERTAINTY.keys() == ORIGINS.keys()
    assert {key for row in rows for key in row.sources} <= SOURCES.keys()
    assert COUNTS.keys() == set(CountsAs)


def test_several_requirements_are_explained_in_the_order_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "REQ-GOS-ID", "req-reimage-202", "REQ-GOS-ID"]) == 0
    told = capsys.readouterr().out
    assert re.findall(r"^(REQ-[A-Z0-9-]+): ", told, re.MULTILINE) == ["REQ-GOS-ID", "REQ-REIMAGE-202"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["REQ-GOS-STAUS"], "unknown requirement 'REQ-GOS-STAUS'; did you mean 'REQ-GOS-STATUS'?"),
        (["REQ-REIMAGE-202", "gos-id"], "unknown requirement 'GOS-ID'; did you mean 'REQ-GOS-ID'?"),
        (["zzz"], "`reimage-conformance requirements` lists them all"),
        ([], "Missing argument"),
    ],
)
def test_an_unknown_requirement_explains_nothing(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", *words]) == 4
    output = capsys.readouterr()
    assert told in output.err
    assert output.out == ""


def test_most_of_what_is_judged_comes_with_an_answer_of_the_emulator() -> None:
    """Answers are taken anew from time to time, so that a new requirement may be without; the emulator sends no Retry-After."""
    without = [name for name in JUDGED if name not in kept_answers()]
    assert len(without) <= len(JUDGED) / 20, without


def status_of(request: str) -> str:
    """The status with which a conforming emulator answers a request without content, its first."""
    octets = f"{request.replace(SUBSCRIPTION, MAIN)}\n\n".replace("\n", "\r\n").encode()
    sent = b"".join(each.data for each in Emulator().connect().receive(octets) if isinstance(each, Send))
    return sent.decode("latin-1").split(" ")[1]


def test_the_kept_answers_are_those_of_the_emulator() -> None:
    """Bad requests whose answer depends on nothing before them, and on no certificate, get the kept status again."""
    kept = {each for answers in kept_answers().values() for each in answers}
    bad = [
        (each.request, status)
        for each in kept
        if "/services/" in each.request and "\n\n" not in each.request and (status := each.reply.split(" ")[1]) >= "400"
    ]
    alone = [(request, status) for request, status in bad if status not in ("403", "409")]

    assert len(alone) > 20
    assert [(request, status) for request, status in alone if status_of(request) != status] == []


def test_the_answers_are_taken_from_a_run(tmp_path: Path) -> None:
    """As for a site with fresh answers, here from a short run."""
    run_in_memory(tmp_path / "run", "--profile", "smoke", "--only", "REQ-REIMAGE-202")
    (answer, *_) = answers_from(plain_answers(tmp_path / "run"))["REQ-REIMAGE-202"]

    assert answer.request.startswith(f"POST /{SUBSCRIPTION}/services/hostedservices/")
    assert answer.reply.startswith("HTTP/1.1 202 Accepted\n")
    assert answer.request in {each.request for each in kept_answers()["REQ-REIMAGE-202"]}


def test_a_run_that_does_not_end_well_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="the run against the emulator ended with 4: "):
        run_in_memory(tmp_path / "run", "--only", "REQ-GOS-STAUS")


def test_reports_of_findings_say_where_their_requirements_are_explained() -> None:
    assessment = sample_assessment()
    commands = [f"reimage-conformance explain {finding.requirement}" for finding in assessment.findings]
    lines, junit = console_lines(assessment), junit_text(assessment).decode()

    assert commands
    assert [finding["explain"] for finding in results(assessment)["findings"]] == commands
    assert [line for line in lines if commands[0] in line]
    assert f"explained by: {commands[0]}" in junit
    assert junit.count("explained by: ") == junit.count("exchanges: ")  # one for each finding that a case shows


def test_a_run_without_findings_points_nowhere() -> None:
    assert not [line for line in console_lines(conformant_assessment()) if "explain" in line]


def test_no_fault_is_told_as_a_regular_expression() -> None:
    told = [each.summary for each in FAULTS.values()]

    assert not [text for text in told if re.search(r"\.\*|\\d|\[[^\]]*\]\+|\[<>", text)]
