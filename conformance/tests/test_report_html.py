"""report.html as text: what it holds without a script, what it lets in, and how pytest-html's page becomes it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html as lxml_html

from reimage_conformance.errors import ReportError
from reimage_conformance.model import CaseRecord, Exchange, OperationRecord, OtherSymptom, Request, Response
from reimage_conformance.report.html import selection
from reimage_conformance.report.html.charts import area_bars, operation_lanes
from reimage_conformance.report.html.finish import finish_html, finished
from reimage_conformance.report.html.hooks import HtmlHooks
from reimage_conformance.report.html.page import Page
from reimage_conformance.report.html.rows import Row, case_row, plain_cell
from report_pages import make_page, pytest_alone, run_session
from report_samples import (
    HOSTILE,
    conformant_assessment,
    hostile_assessment,
    hostile_exchanges,
    large_assessment,
    large_exchanges,
    sample_assessment,
    sample_exchanges,
)

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Assessment


@pytest.fixture(scope="module")
def sample_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    page = make_page(tmp_path_factory.mktemp("sample"), sample_assessment(), sample_exchanges())
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    page = make_page(tmp_path_factory.mktemp("hostile"), hostile_assessment(), hostile_exchanges())
    return page.read_text(encoding="utf-8")


def document(text: str) -> Any:
    return lxml_html.document_fromstring(text)


def words(element: Any) -> str:
    return " ".join(" ".join(map(str, element.itertext())).split())


def rows_of(text: str) -> dict[str, list[Any]]:
    """pytest-html's data as a browser reads it: the cells of each case."""
    data = json.loads(document(text).get_element_by_id("data-container").get("data-jsonblob"))
    return {
        node: [lxml_html.fragment_fromstring(cell, create_parent="tr") for cell in tests[0]["resultsTableRow"]]
        for node, tests in data["tests"].items()
    }


def test_the_same_observation_is_one_row_with_a_count() -> None:
    sample = sample_assessment()
    twice = replace(sample, observations=(*sample.observations, *sample.observations))
    made = lxml_html.fromstring(str(Page.of(twice, sample_exchanges()).observations()))
    rows = [words(row) for row in made.iter("dd")]

    assert len(rows) == len(sample.observations)
    assert all("2 times" in row for row in rows)


def test_the_verdict_comes_first_and_needs_no_script(sample_text: str) -> None:
    page = document(sample_text)
    assert words(page.find(".//h1")) == "contoso staging rig"
    assert words(page.find_class("conclusion")[0]) == "Nonconformant. 2 requirements are violated: 1 finding."
    first = next(one for one in page.find("body/main") if isinstance(one.tag, str))
    assert first.get("id") == "verdict"


def test_a_finding_shows_both_sides_the_exchange_and_the_command(sample_text: str) -> None:
    card = document(sample_text).get_element_by_id("finding-1")
    told = words(card)
    assert "A reimage with x-ms-version 2009-10-01 is accepted" in told
    assert "Expected 400 with MissingOrIncorrectVersionHeader" in told
    assert "Actual 202 with x-ms-request-id" in told
    assert "Source: the page of the operation (Reimage Role Instance, October 2011; " in told
    assert "The usual mistake: Any well-formed date is accepted." in told
    assert "More: reimage-conformance explain REQ-REIMAGE-VERSION-OLD" in told
    assert [words(mark) for mark in card.iter("mark")] == [
        "x-ms-version: 2009-10-01",
        "HTTP/1.1 202 Accepted",
        "x-ms-request-id: 0f8fad5bd9cb469fa16570867728950e",
    ]
    assert words(card.get_element_by_id("replay-1")) == "reimage-conformance replay . 1 --target TARGET.toml"
    assert words(card.get_element_by_id("command-1")).startswith("# Finding 1: REQ-REIMAGE-VERSION-OLD. ")
    assert "Probably also causes REQ-ERR-CODES" in told


def test_every_requirement_is_a_row_that_can_be_linked_to(sample_text: str) -> None:
    page = document(sample_text)
    rows = page.get_element_by_id("requirement-table").findall("tbody/tr")
    assert {row.get("id"): row.get("data-outcome") for row in rows} == {
        result.requirement.id: result.outcome.value for result in sample_assessment().requirements
    }
    assert rows[0].get("data-outcome") == "violated"


def test_links_within_the_page_lead_somewhere(sample_text: str) -> None:
    page = document(sample_text)
    cells = [cell for row in rows_of(sample_text).values() for cell in row]
    names = {element.get("id") for element in page.iter() if element.get("id")}
    links = {link.get("href") for root in (page, *cells) for link in root.iter("a")}
    inner = {link.removeprefix("#") for link in links if link.startswith("#")}
    assert {"x1", "x4", "REQ-REIMAGE-202", "findings"} <= inner
    assert inner - names == {"REQ-HTTP-FRAMING"}, "only what the assessment itself lacks may be missing"
    assert {link for link in links if not link.startswith("#")} == {"https://pypi.python.org/pypi/pytest-html"}


def test_rows_say_what_the_assessment_says(sample_text: str) -> None:
    rows = {node: [words(cell) for cell in cells] for node, cells in rows_of(sample_text).items()}
    outcome, case, requirement, seconds = rows["cases/test_versions.py::test_old"]
    assert outcome == "\u2715 violated"
    assert "An old version is refused." in case
    assert "Exchanges 4" in case
    assert requirement == "REQ-REIMAGE-VERSION-OLD"
    assert seconds == "200 ms"


def test_an_operation_is_told_in_words_beside_its_drawing(sample_text: str) -> None:
    section = document(sample_text).get_element_by_id("operations")
    assert "InProgress from 0.10 s to 2.50 s, 2 polls, Succeeded from 5.10 s" in words(section)
    assert len(list(section.iter("line"))) == 3 + 6


def test_observations_and_slowest_requests_have_their_sections(sample_text: str) -> None:
    page = document(sample_text)
    assert "A future date is refused with 400." in words(page.get_element_by_id("observations"))
    assert words(page.get_element_by_id("slowest").findall(".//tbody/tr")[0]).startswith("6 1.5 s reset GET")


def test_nothing_comes_from_the_network(sample_text: str) -> None:
    page = document(sample_text)
    policy = page.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert list(page.iter("link", "iframe", "object", "embed", "base")) == []
    assert [element for element in page.iter() if element.get("src") or element.get("style")] == []


def test_the_policy_lets_in_what_the_page_holds_and_nothing_else(hostile_text: str) -> None:
    page = document(hostile_text)
    policy = page.find(".//meta[@http-equiv='Content-Security-Policy']").get("content")
    held = re.findall(r"<(script|style)>(.*?)</\1>", hostile_text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for _, text in held]
    assert sorted(re.findall(r"sha256-([^']+)", policy)) == sorted(hashes)
    assert [kind for kind, _ in held] == ["style", "script", "script"]


STEERING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")

HOSTILE_ELEMENTS = ("img", "iframe", "object", "embed", "video", "audio", "base", "link")


def test_no_element_or_handler_of_an_endpoint_gets_in(hostile_text: str) -> None:
    cells = [cell for row in rows_of(hostile_text).values() for cell in row]
    assert len(cells) == 36
    for root in (document(hostile_text), *cells):
        assert [element.tag for element in root.iter(*HOSTILE_ELEMENTS)] == []
        names = {name for element in root.iter() for name in element.attrib}
        assert {name for name in names if name.startswith("on") or name in ("src", "style", "srcdoc")} == set()
    scripts = list(document(hostile_text).iter("script"))
    assert len(scripts) == 2
    assert all("hacked" not in (script.text or "") for script in scripts)


def test_nothing_that_hides_or_steers_is_left(hostile_text: str) -> None:
    assert STEERING.search(hostile_text) is None
    assert "\\u202e" in hostile_text


def test_a_page_is_not_finished_twice_nor_made_from_anything_else(tmp_path: Path) -> None:
    other = tmp_path / "report.html"
    other.write_text("<html><body>something else</body></html>")
    with pytest.raises(ReportError, match="is not a page of pytest-html 4"):
        finish_html(other)
    assert other.read_text() == "<html><body>something else</body></html>"
    with pytest.raises(ReportError, match="cannot be read"):
        finish_html(tmp_path / "missing.html")


def row_of_any(node: str, result: str, log: str) -> Row:
    return case_row(CaseRecord(node, (), result.lower()), (), log)


def test_items_that_are_no_cases_stay_on_the_page_without_running_anything(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_other.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('x', ['<img src=x onerror=alert(1)>'])\n"
        "def test_x(x):\n    assert not x\n"
    )
    page = tmp_path / "report.html"
    pytest_alone([str(tmp_path), "-p", "no:cacheprovider", "-q", f"--html={page}", "--self-contained-html"])
    text = finished(page.read_text(encoding="utf-8"), row_of_any).decode()
    (cells,) = rows_of(text).values()
    assert words(cells[0]) == "failed"
    assert "AssertionError" in words(cells[1]) or "assert not" in words(cells[1])
    assert [element.tag for cell in cells for element in cell.iter("img")] == []


def test_without_an_assessment_the_page_stays_pytests_own(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    run_session(tmp_path, page, HtmlHooks(lambda: None), sample_assessment().cases)
    assert 'id="results-table"' in page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" not in page.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "report.html"

    def assess_while_the_page_is_blocked() -> tuple[Assessment, dict[int, Exchange]]:
        page.unlink(missing_ok=True)
        page.mkdir()
        return conformant_assessment(), {}

    exit_code = run_session(tmp_path, page, HtmlHooks(assess_while_the_page_is_blocked), ())
    told = "".join(capfd.readouterr())
    assert f"error: {page}: cannot be written: Is a directory" in told
    assert "Traceback" not in told
    assert exit_code == 3


def test_a_conformant_run_says_so() -> None:
    verdict, findings, *_ = Page.of(conformant_assessment(), sample_exchanges()).before_cases()
    assert "Conformant." in verdict
    assert "nothing that was tried departs" in findings


def test_a_run_without_anything_still_makes_a_page(tmp_path: Path) -> None:
    sample = conformant_assessment()
    bare = type(sample)(
        sample.run, {"name": "", "base_url": ""}, sample.verdict, 0, (), (), (), (), (), requests=0, reimages=0
    )
    assert "Conformant." in make_page(tmp_path, bare, {}).read_text(encoding="utf-8")


def test_the_smallest_request_is_shown_where_it_is_not_the_deciding_one() -> None:
    sample = sample_assessment()
    finding = replace(sample.findings[0], evidence=(4, 2))
    cards = Page.of(replace(sample, findings=(finding,)), sample_exchanges()).findings()
    assert "Smallest request that shows it" in cards


def test_other_ways_in_which_a_requirement_was_violated_are_on_its_card() -> None:
    sample = sample_assessment()
    other = OtherSymptom("A reimage was refused although nothing ran", "202", "f", evidence=(3,))
    finding = replace(sample.findings[0], other_symptoms=(other,))
    cards = Page.of(replace(sample, findings=(finding,)), sample_exchanges()).findings()
    assert "A reimage was refused although nothing ran. Expected: 202." in cards
    assert 'Exchange <a href="#x3">3</a>' in cards


@pytest.fixture(scope="module")
def large() -> tuple[Assessment, dict[int, Exchange]]:
    return large_assessment(), large_exchanges()


def test_exchanges_keep_within_their_share_of_the_page(
    large: tuple[Assessment, dict[int, Exchange]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "PAGE_LIMIT", 100_000)
    shown = selection.shown_exchanges(*large)
    assert 90_000 < sum(map(len, shown.values())) <= 100_000
    assert large[0].findings[0].evidence[0] in shown


def test_a_page_of_many_cases_and_huge_bodies_stays_under_five_megabytes(tmp_path: Path) -> None:
    assessment = large_assessment(600, 1200)
    request = Request("POST", "/" + "x" * 5_000, tuple((f"x-{one}", "y" * 2_000) for one in range(50)), b"z" * 100_000)
    response = Response(200, "OK", (("x", "&" * 100_000),), b"<&>" * 100_000)
    exchanges = {one: Exchange(one, request, response) for one in range(1, 1201)}
    page = make_page(tmp_path, assessment, exchanges)
    assert page.stat().st_size < 5_000_000


def test_bars_add_up_to_the_whole_area() -> None:
    core, auth, transport = area_bars(sample_assessment().requirements)
    assert (core.area, core.total, core.words) == (
        "core",
        7,
        "2 violated, 1 advisory, 1 inconclusive, 1 met, 1 observed, 1 untested",
    )
    assert (auth.words, transport.words) == ("1 not applicable", "1 known violation")
    assert sum(segment.width for segment in core.segments) == pytest.approx(100, abs=0.01)


def test_lanes_start_where_their_operation_was_accepted() -> None:
    def operation(accepted_at: float, *polls: tuple[float, str]) -> OperationRecord:
        return OperationRecord("id", "WebRole1_IN_0", "slot", accepted_at, polls, "Succeeded")

    both = (operation(10, (5, "InProgress"), (10, "Succeeded")), operation(20, (10, "Failed")), operation(12))
    lanes, axis = operation_lanes(replace(sample_assessment(), operations=both))
    assert [[(s.kind, s.start, s.width) for s in lane.segments] for lane in lanes] == [
        [("progress", 0.0, 250.0), ("succeeded", 250.0, 250.0)],
        [("failed", 500.0, 500.0)],
        [],
    ]
    assert axis.marks == ((0.0, "0 s"), (250.0, "5 s"), (500.0, "10 s"), (750.0, "15 s"), (1000.0, "20 s"))


def test_no_operation_has_no_lane() -> None:
    lanes, axis = operation_lanes(replace(sample_assessment(), operations=()))
    assert (lanes, axis.marks) == ((), ())


def test_an_unfinished_cell_is_escaped() -> None:
    assert plain_cell(HOSTILE).count("<") == 2
    assert html.unescape(plain_cell("a<b")) == '<td class="col-testId">a<b</td>'


def test_a_long_log_keeps_its_end() -> None:
    row = case_row(CaseRecord("cases/a.py::b", (), "violated"), (), "first &lt;line&gt;\n" * 2_000 + "last")
    assert "last" in row.cells[1]
    assert len(row.cells[1]) < 8_000
