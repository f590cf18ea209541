"""Comparisons of runs, the index of runs, and finding runs on disk."""

from __future__ import annotations

import html
import json
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html as lxml_html

from reimage_conformance import cli
from reimage_conformance.errors import UsageError
from reimage_conformance.report.comparison import compare_runs
from reimage_conformance.report.comparison_reports import comparison_html, comparison_markdown, comparison_text
from reimage_conformance.report.differences import Change, compare
from reimage_conformance.report.index import write_index
from reimage_conformance.report.results import results
from reimage_conformance.report.runs import find_runs, labels, load_run
from report_browser import MISSING, Browser
from report_samples import HOSTILE, hostile_assessment, sample_assessment

if TYPE_CHECKING:
    from pathlib import Path

Results = dict[str, Any]


@pytest.fixture
def first() -> Results:
    return results(sample_assessment())


@pytest.fixture
def last(first: Results) -> Results:
    """The same target a night later: one requirement worse, one better, one new, one gone, slower, and it says 404."""
    run = deepcopy(first)
    run["run"].update(started="2026-11-23T20:00:00Z", id="later")
    outcomes = {row["id"]: row for row in run["requirements"]}
    outcomes["REQ-REIMAGE-202"].update(outcome="violated", reason="It answered 200.")
    outcomes["REQ-ERR-CODES"].update(outcome="met", reason="")
    outcomes["REQ-REIMAGE-COMP"].update(outcome="inconclusive")
    outcomes["REQ-GOS-OTHER-SUB"]["id"] = "REQ-NEW"
    run["observations"][0]["seen"] = "A future date is refused with 404."
    run["operations"][0]["polls"][-1][0] = 9.9
    return run


def test_what_changed_from_the_first_run_to_the_last(first: Results, last: Results) -> None:
    found = compare([first, last])
    assert [(one.subject, one.before, one.after) for one in found.newly_violated] == [
        ("REQ-REIMAGE-202", "met", "violated")
    ]
    assert [(one.subject, one.before, one.after) for one in found.newly_met] == [("REQ-ERR-CODES", "violated", "met")]
    assert [one.subject for one in found.other_outcomes] == ["REQ-REIMAGE-COMP"]
    assert found.observations == (
        Change("REQ-VER-UNPUBLISHED", "A future date is refused with 400.", "A future date is refused with 404."),
    )
    assert found.timings == (Change("operations by slot that ended Succeeded", "5.1 s", "9.9 s"),)
    assert (found.only_in_first, found.only_in_last) == (("REQ-GOS-OTHER-SUB",), ("REQ-NEW",))
    assert found.exit_code == 1


def test_the_same_run_twice_differs_in_nothing(first: Results) -> None:
    found = compare([first, deepcopy(first)])
    assert (found.differences, found.observations, found.timings, found.caveats, found.exit_code) == ((), (), (), (), 0)
    assert "no difference" in comparison_text(found)
    assert "No difference." in comparison_markdown(found)
    assert "The same." in comparison_html(found)


@pytest.mark.parametrize(
    ("before", "after", "exit_code"),
    [
        ("met", "violated", 1),
        ("met", "known", 0),
        ("met", "inconclusive", 0),
        ("untested", "violated", 0),
        ("violated", "violated", 0),
        ("violated", "met", 0),
    ],
)
def test_only_from_met_to_violated_is_worse(first: Results, before: str, after: str, exit_code: int) -> None:
    later = deepcopy(first)
    first["requirements"][0]["outcome"] = before
    later["requirements"][0]["outcome"] = after
    assert compare([first, later]).exit_code == exit_code


def test_the_order_of_runs_and_of_observations(first: Results, last: Results) -> None:
    assert compare([last, first]).exit_code == 1
    two = [{"requirement": "REQ-A", "seen": "x"}, {"requirement": "REQ-A", "seen": "y"}]
    first["observations"], later = two, deepcopy(first)
    later["observations"] = two[::-1]
    assert compare([first, later]).observations == ()


def test_a_small_change_of_timing_is_noise(first: Results) -> None:
    later = deepcopy(first)
    later["operations"][0]["polls"][-1][0] = 5.5
    assert compare([first, later]).timings == ()


def test_implementations_side_by_side(first: Results, last: Results) -> None:
    other = deepcopy(first)
    other["target"]["name"] = "fabrikam"
    found = compare([first, other, last])
    assert [run.label for run in found.runs] == [
        "contoso staging rig, 2026-11-22T20:00:00Z",
        "fabrikam",
        "contoso staging rig, 2026-11-23T20:00:00Z",
    ]
    rows = {row.requirement: row.outcomes for row in found.matrix}
    assert rows["REQ-REIMAGE-202"] == ("met", "met", "violated")
    assert rows["REQ-NEW"] == ("", "", "not-applicable")
    assert {row.requirement for row in found.differences} == {"REQ-REIMAGE-202", "REQ-ERR-CODES", "REQ-REIMAGE-COMP"}
    assert re.search(r"REQ-REIMAGE-202 +met +met +VIOLATED", comparison_text(found))
    assert "| REQ-REIMAGE-202 | met | met | violated |" in comparison_markdown(found)


def test_a_table_of_targets_has_what_some_violate_and_no_change_in_time(first: Results) -> None:
    runs = [deepcopy(first) for _ in range(3)]
    for name, run, outcome in zip("abc", runs, ("violated", "met", "met"), strict=True):
        run["target"]["name"] = name
        row = next(row for row in run["requirements"] if row["id"] == "REQ-REIMAGE-202")
        row["outcome"] = outcome
    found = compare(runs)

    assert {row.requirement: row.outcomes for row in found.notable} == {
        "REQ-REIMAGE-202": ("violated", "met", "met"),
        "REQ-ERR-CODES": ("violated",) * 3,
        "REQ-REIMAGE-VERSION-OLD": ("violated",) * 3,
        "REQ-HTTP-HEAD-NOBODY": ("known",) * 3,
    }
    assert "newly" not in comparison_text(found)
    assert "| requirement | a | b | c |" in comparison_markdown(found)
    page: Any = lxml_html.document_fromstring(comparison_html(found))
    assert "3 of 3 violate the protocol." in " ".join(page.text_content().split())
    assert [cell.text_content() for cell in page.xpath("(//table[@class='matrix'])[1]/thead//th")] == [
        "Requirement",
        *"abc",
    ]


def test_what_a_target_violates_stands_before_what_only_differs(first: Results) -> None:
    runs = [deepcopy(first) for _ in range(2)]
    runs[1]["target"]["name"] = "fabrikam"
    next(row for row in runs[1]["requirements"] if row["outcome"] == "met")["outcome"] = "untested"
    violated = [row.is_violated for row in compare(runs).notable]

    assert violated == [True, True, True, False]


def test_two_targets_do_not_change_from_one_to_the_other(first: Results, last: Results) -> None:
    last["target"]["name"] = "fabrikam"
    found = compare([first, last])

    assert found.exit_code == 1
    told = comparison_text(found)
    assert "violated by the last only (1)\n  REQ-REIMAGE-202: met -> violated" in told
    assert "requirements that are violated or differ (" in told


def test_what_makes_runs_hard_to_compare_is_said(first: Results, last: Results) -> None:
    last["run"].update(strictness="lenient", interrupted=True)
    last["suite"]["version"] = "0.2.0"
    assert compare([first, last]).caveats == (
        "the runs come from different versions of the suite: 0.1.0, 0.2.0",
        "the runs differ in strictness: strict, lenient",
        "run 2 was interrupted",
    )


def test_one_run_is_no_comparison(first: Results) -> None:
    with pytest.raises(UsageError, match="two runs or more, not 1"):
        compare([first])


def test_the_page_tells_what_changed_without_script_or_network(first: Results, last: Results) -> None:
    text = comparison_html(compare([first, last]))
    page: Any = lxml_html.document_fromstring(text)
    told = " ".join(" ".join(page.itertext()).split())
    assert "Worse. A requirement that the first run met is violated in the last." in told
    assert "It answered 200." in told
    assert list(page.iter("script", "link", "img")) == []
    assert "script-src 'none'" in html.unescape(text)


def hostile() -> Results:
    found = results(hostile_assessment())
    found["run"].update(started=HOSTILE, id=HOSTILE)
    found["suite"]["version"] = HOSTILE
    return found


def test_what_only_one_run_knows_is_named_up_to_a_dozen(first: Results) -> None:
    later = deepcopy(first)
    later["requirements"] += [{**first["requirements"][0], "id": f"REQ-NEW-{number:02}"} for number in range(30)]
    told = comparison_text(compare([first, later])).splitlines()[-1]
    assert told.startswith("not comparable, only in the last run: 30 requirements: REQ-NEW-00, REQ-NEW-01, ")
    assert told.endswith("REQ-NEW-11 and 18 more")


def test_nothing_of_an_endpoint_gets_into_any_form(first: Results) -> None:
    found = compare([first, hostile(), hostile()])
    assert "<script" not in comparison_html(found)
    assert "<" not in comparison_markdown(found)
    assert "\x1b" not in comparison_text(found)
    assert "\u202e" not in comparison_html(found)


def test_runs_get_names_that_differ(first: Results) -> None:
    other = deepcopy(first)
    other["target"]["name"] = "b"
    assert labels([first, other]) == ("contoso staging rig", "b")
    assert labels([first, deepcopy(first)]) == (
        "contoso staging rig, 2026-11-22T20:00:00Z (run 1)",
        "contoso staging rig, 2026-11-22T20:00:00Z (run 2)",
    )


def put(folder: Path, run: Results, *others: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(run))
    for name in others:
        (folder / name).write_text("")
    return folder


def test_a_run_is_loaded_from_its_folder_its_results_or_its_journal(tmp_path: Path, first: Results) -> None:
    folder = put(tmp_path / "a", first)
    assert load_run(folder) == first
    assert load_run(folder / "results.json") == first
    journal = tmp_path / "b" / "journal.jsonl"
    journal.parent.mkdir()
    journal.write_text("")
    assert load_run(journal, lambda path: {"judged": path.name}) == {"judged": "journal.jsonl"}
    assert load_run(journal.parent, lambda path: {"judged": path.name}) == {"judged": "journal.jsonl"}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("empty", "holds neither"), ("missing", "cannot be read"), ("journal.jsonl", "is a journal")],
)
def test_what_is_no_run_is_refused_by_name(tmp_path: Path, name: str, complaint: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "journal.jsonl").write_text("")
    with pytest.raises(UsageError, match=complaint) as caught:
        load_run(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(("name", "start"), [("c.html", "<!DOCTYPE html>"), ("c.md", "# Comparison")])
def test_runs_are_compared_from_their_files(
    tmp_path: Path, first: Results, last: Results, capsys: pytest.CaptureFixture[str], name: str, start: str
) -> None:
    one, two = put(tmp_path / "one", first), put(tmp_path / "two", last)
    assert compare_runs([one, two / "results.json"], tmp_path / name) == 1
    assert "newly violated (1)\n  REQ-REIMAGE-202: met -> violated  (It answered 200.)" in capsys.readouterr().out
    assert (tmp_path / name).read_text(encoding="utf-8").startswith(start)


@pytest.fixture
def reports(tmp_path: Path, first: Results, last: Results) -> Path:
    put(tmp_path / "contoso" / "one", first, "report.html", "journal.jsonl")
    put(tmp_path / "contoso" / "two & three", last, "report.html")
    put(tmp_path / "hostile", hostile())
    put(tmp_path / "broken" / "x", {"schema": "other"})
    return tmp_path


def test_the_index_lists_the_runs_of_each_target_newest_first(reports: Path) -> None:
    page: Any = lxml_html.document_fromstring(write_index(reports).read_text(encoding="utf-8"))
    tables = page.xpath(".//table[not(@class='nights')]")
    assert len(tables) == 2
    contoso = next(table for table in tables if "page" in "".join(table.itertext()))
    assert [row.find("th").text for row in contoso.findall("tbody/tr")] == [
        "2026-11-23 20:00:00 UTC",
        "2026-11-22 20:00:00 UTC",
    ]
    links = [link.get("href") for link in contoso.iter("a")]
    assert "./contoso/two%20%26%20three/report.html" in links
    assert "./contoso/one/journal.jsonl" in links
    assert "is not of the form" in page.find_class("note")[0].text_content()


def test_the_trend_has_a_column_a_run(reports: Path) -> None:
    page: Any = lxml_html.document_fromstring(write_index(reports).read_text(encoding="utf-8"))
    titles = [[title.text for title in drawing.iter("title")] for drawing in page.iter("svg")]
    assert [
        "2026-11-22T20:00:00Z: 2 violated, 1 known, 1 advisory, 1 inconclusive, 1 met",
        "2026-11-23T20:00:00Z: 2 violated, 1 known, 1 advisory, 1 inconclusive, 1 met",
    ] in titles


def test_one_violation_among_hundreds_is_seen_in_the_trend(tmp_path: Path, first: Results) -> None:
    first["summary"].update(violated=1, met=400, known=0, advisory=0, inconclusive=0)
    put(tmp_path / "run", first)
    page: Any = lxml_html.document_fromstring(write_index(tmp_path).read_text(encoding="utf-8"))
    heights = {rect.get("class"): float(rect.get("height")) for rect in page.iter("rect")}
    assert heights == {"is-violated": pytest.approx(3.86, abs=0.01), "is-met": pytest.approx(96.14, abs=0.01)}


def test_the_index_lets_nothing_in(reports: Path) -> None:
    text = write_index(reports).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "\u202e" not in text


def test_an_empty_folder_has_an_index_too(tmp_path: Path) -> None:
    assert find_runs(tmp_path) == ()
    assert "There is none in this folder yet." in write_index(tmp_path).read_text(encoding="utf-8")


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "a browser is here")
def test_both_pages_open_without_a_complaint(tmp_path: Path, reports: Path, first: Results, last: Results) -> None:
    compared = tmp_path / "comparison.html"
    compared.write_text(comparison_html(compare([first, last, hostile()])), encoding="utf-8")
    with Browser() as browser:
        for page in (compared, write_index(reports)):
            browser.open(page)
            assert browser.run("return getComputedStyle(document.querySelector('main')).maxWidth") == "1152px"
            assert browser.log() == []


def test_targets_are_called_by_their_folders(
    tmp_path: Path, first: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [tmp_path / name for name in ("rig-a", "rig-b", "more/rig-b")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(first))

    assert cli.main(["compare", *map(str, folders[:2]), "--targets"]) == 0
    assert re.search(r"1\. rig-a, .*\n2\. rig-b, ", capsys.readouterr().out)
    assert cli.main(["compare", *map(str, folders), "--targets"]) == cli.WRONG_USAGE
    assert "two report folders are called rig-b" in capsys.readouterr().err
    assert cli.main(["compare", str(folders[0]), "--targets", "--against", "last-good"]) == cli.WRONG_USAGE
