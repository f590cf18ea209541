"""report.html in a real browser: nothing of an endpoint runs, everybody can use it, and its controls work."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from axe_core import axe_source, violations
from reimage_conformance.report.comparison import compare_runs
from reimage_conformance.report.index import write_index
from reimage_conformance.report.write import write_reports
from report_browser import MISSING, Browser
from report_pages import make_page
from report_samples import (
    conformant_assessment,
    hostile_assessment,
    hostile_exchanges,
    sample_assessment,
    sample_exchanges,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "a browser is here")

DARK = [{"name": "prefers-color-scheme", "value": "dark"}]
MOST_PAGES = 12
"""A run with three findings takes fewer pages on paper."""
LIGHT = [{"name": "prefers-color-scheme", "value": "light"}]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def sample_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp("sample"), sample_assessment(), sample_exchanges())


@pytest.fixture(scope="module")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp("hostile"), hostile_assessment(), hostile_exchanges())


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    return axe_source(tmp_path_factory.mktemp("axe"))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("opened", [False, True], ids=["closed", "opened"])
def test_axe_finds_nothing(browser: Browser, sample_page: Path, axe: str, scheme: Any, *, opened: bool) -> None:
    browser.command("Emulation.setEmulatedMedia", features=scheme)
    browser.open(sample_page)
    browser.run("document.querySelectorAll('details').forEach((block) => { block.open = arguments[0]; })", opened)
    assert violations(browser, axe) == []
    browser.command("Emulation.setEmulatedMedia", features=LIGHT)


def test_axe_finds_nothing_on_a_hostile_page(browser: Browser, hostile_page: Path, axe: str) -> None:
    browser.open(hostile_page)
    assert violations(browser, axe) == []


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_axe_finds_nothing_on_the_pages_about_several_runs(
    browser: Browser, tmp_path: Path, axe: str, scheme: Any
) -> None:
    browser.command("Emulation.setEmulatedMedia", features=scheme)
    runs = {"one": conformant_assessment(), "two": sample_assessment(), "three": hostile_assessment()}
    for name, assessment in runs.items():
        write_reports(assessment, sample_exchanges(), tmp_path / "runs" / name)
    compare_runs([tmp_path / "runs" / name for name in runs], tmp_path / "comparison.html")
    for page in (write_index(tmp_path), tmp_path / "comparison.html"):
        browser.open(page)
        browser.run("document.querySelectorAll('details').forEach((block) => { block.open = true; })")
        assert violations(browser, axe) == []
    browser.command("Emulation.setEmulatedMedia", features=LIGHT)


def test_nothing_of_an_endpoint_runs(browser: Browser, hostile_page: Path) -> None:
    browser.log()
    browser.open(hostile_page)
    browser.run("document.querySelectorAll('details').forEach((block) => { block.open = true; })")
    browser.click("#show_all_details")
    browser.click("#results-table th")
    assert browser.run("return document.documentElement.dataset.hacked") is None
    assert browser.run("return document.querySelectorAll('main img, main script, main iframe').length") == 0
    assert browser.run("return document.querySelectorAll('a[href^=\"javascript\" i]').length") == 0
    assert browser.run("return document.querySelectorAll('#results-table > tbody').length") == 9
    assert browser.log() == []


def test_the_page_asks_for_nothing(browser: Browser, sample_page: Path) -> None:
    browser.log()
    browser.open(sample_page)
    assert browser.run("return performance.getEntriesByType('resource').map((entry) => entry.name)") == []
    assert browser.log() == []


def test_a_script_that_got_in_anyway_would_not_run(browser: Browser, tmp_path: Path, sample_page: Path) -> None:
    broken = tmp_path / "broken.html"
    inserted = "<main><script>document.documentElement.dataset.hacked=1</script><img src=x onerror='this.id=`hit`'>"
    broken.write_text(sample_page.read_text(encoding="utf-8").replace("<main>", inserted), encoding="utf-8")
    browser.open(broken)
    assert browser.run("return document.documentElement.dataset.hacked") is None
    assert browser.run("return document.getElementById('hit')") is None
    assert any("Content Security Policy" in line for line in browser.log())


def shown_requirements(browser: Browser) -> list[str]:
    found: list[str] = browser.run(
        "return [...document.querySelectorAll('#requirement-table tbody tr:not([hidden])')].map((row) => row.id)"
    )
    return found


def test_requirements_can_be_searched_and_chosen(browser: Browser, sample_page: Path) -> None:
    browser.open(sample_page)
    assert len(shown_requirements(browser)) == 9
    browser.press("#requirement-search", "connection reset")
    assert shown_requirements(browser) == ["REQ-GOS-PROGRESS"]
    assert browser.run("return document.getElementById('requirement-tally').textContent") == "1 of 9"
    browser.click("#requirement-choices button[type=reset]")
    browser.click("a[data-outcome=violated]")
    assert shown_requirements(browser) == ["REQ-REIMAGE-VERSION-OLD", "REQ-ERR-CODES"]


def test_a_link_opens_what_it_points_to(browser: Browser, sample_page: Path) -> None:
    browser.open(sample_page, "#x4")
    assert browser.run("return document.getElementById('x4').parentElement.open") is True
    browser.open(sample_page)
    browser.click("a[data-outcome=met]")
    browser.run("location.hash = '#REQ-GOS-PROGRESS'")
    assert browser.run("return document.querySelector('#REQ-GOS-PROGRESS details').open") is True


def first_case(browser: Browser) -> str:
    found: str = browser.run("return document.querySelector('#results-table .col-case .title').textContent")
    return found


def test_the_table_of_cases_is_sorted_and_opened_by_keyboard(browser: Browser, sample_page: Path) -> None:
    browser.open(sample_page)
    assert first_case(browser) == "test_old"
    browser.press('#results-table th[data-column-type="seconds"]', "\ue007")
    head = "document.querySelector('#results-table th[data-column-type=\"seconds\"]')"
    assert browser.run(f"return {head} === document.activeElement") is True
    assert browser.run(f"return {head}.getAttribute('aria-sort')") == "ascending"
    assert first_case(browser) in ("test_other", "test_comp[x]")
    browser.press("#results-table summary", "\ue007")
    assert browser.run("return document.querySelector('#results-table details').open") is True


def test_cases_can_be_searched_and_filtered(browser: Browser, sample_page: Path) -> None:
    count = "return [...document.querySelectorAll('#results-table > tbody')].filter((body) => !body.hidden).length"
    browser.open(sample_page)
    browser.press("#case-search", "test_goes")
    assert browser.run(count) == 1
    browser.press("#case-search", "\ue003" * 12)
    browser.click('input[data-test-result="failed"]')
    assert browser.run(count) == 5


def test_a_command_is_copied_as_it_stands(browser: Browser, sample_page: Path) -> None:
    browser.open(sample_page)
    browser.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    browser.run("document.querySelectorAll('.finding details').forEach((one) => { one.open = true; })")
    for name, start in (("replay-1", "reimage-conformance replay "), ("command-1", "# Finding 1: ")):
        browser.click(f"button[data-copy='{name}']")
        copied = browser.run("return window.copied")
        assert copied == browser.run("return document.getElementById(arguments[0]).textContent", name)
        assert copied.startswith(start)


def test_the_whole_page_is_reached_by_tabbing(browser: Browser, sample_page: Path) -> None:
    browser.open(sample_page)
    unreachable = browser.run(
        "return [...document.querySelectorAll('summary, a[href], button, input, select, th.sortable')]"
        ".filter((element) => element.checkVisibility() && element.tabIndex < 0).map((element) => element.outerHTML)"
    )
    assert unreachable == []


def test_a_narrow_window_needs_no_sideways_scrolling(browser: Browser, sample_page: Path) -> None:
    browser.command("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
    browser.open(sample_page)
    assert browser.run("return document.documentElement.scrollWidth") == 390
    cut_off = browser.run(
        "return [...document.querySelectorAll('main td, main tbody th, main p, main dd, main pre, main h3')]"
        ".filter((one) => one.checkVisibility() && one.getBoundingClientRect().right > 391).map((one) => one.outerHTML)"
    )
    pinned = browser.run("return getComputedStyle(document.querySelector('nav')).position")
    browser.command("Emulation.clearDeviceMetricsOverride")
    assert cut_off == []
    assert pinned == "static"


def test_on_paper_what_is_met_is_left_out(browser: Browser, sample_page: Path) -> None:
    browser.open(sample_page)
    browser.command("Emulation.setEmulatedMedia", media="print")
    listed = browser.run(
        "return [...document.querySelectorAll('#requirement-table tbody tr')]"
        ".filter((one) => one.checkVisibility()).map((one) => one.dataset.outcome)"
    )
    printed = base64.b64decode(browser.command("Page.printToPDF")["data"])
    browser.command("Emulation.setEmulatedMedia", media="")
    assert set(listed) == {"violated", "advisory", "inconclusive", "known"}
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) < MOST_PAGES


def test_two_exchanges_that_decide_stand_side_by_side(browser: Browser, tmp_path: Path) -> None:
    sample = sample_assessment()
    finding = replace(sample.findings[0], evidence=(2, 3), deciding=(3, 2), expected="one end", actual="another end")
    page = make_page(tmp_path, replace(sample, findings=(finding,)), sample_exchanges())
    browser.open(page)
    left, right = browser.run(
        "return [...document.querySelectorAll('.pair > div')].map((one) => [one.getBoundingClientRect().top,"
        " one.querySelector('h4').innerText.split(' ')[1],"
        " [...one.querySelectorAll('mark')].map((mark) => mark.innerText)])"
    )
    assert left[0] == right[0]
    assert (left[1], right[1]) == ("2", "3")
    assert "<Status>InProgress</Status>" in left[2]
    assert "<Status>Succeeded</Status>" in right[2]


def test_without_javascript_the_verdict_findings_and_requirements_are_there(sample_page: Path) -> None:
    with Browser(javascript=False) as plain:
        plain.open(sample_page)
        told: str = plain.run("return document.body.innerText")
        rows = plain.run("return document.querySelectorAll('#requirement-table tbody tr').length")
        drawn = plain.run("return document.querySelectorAll('#results-table > tbody').length")
    assert "Nonconformant. 2 requirements are violated: 1 finding." in told
    assert "A reimage with x-ms-version 2009-10-01 is accepted" in told
    assert "This table is drawn by a script." in told
    assert (rows, drawn) == (9, 0)


def test_the_page_as_the_docs_show_it(browser: Browser, sample_page: Path, tmp_path: Path) -> None:
    folder = Path(os.environ.get("REIMAGE_CONFORMANCE_SCREENSHOTS", tmp_path))
    shown = Path(os.environ.get("REIMAGE_CONFORMANCE_PAGE", sample_page))
    folder.mkdir(parents=True, exist_ok=True)
    for name, features in (("report", LIGHT), ("report-dark", DARK)):
        browser.command("Emulation.setEmulatedMedia", features=features)
        browser.open(shown, height=1300)
        browser.run("document.querySelectorAll('.legend').forEach((block) => { block.open = false; })")
        browser.screenshot(folder / f"{name}.png")
    browser.command("Emulation.setEmulatedMedia", features=LIGHT)
    light, dark = ((folder / f"{name}.png").read_bytes() for name in ("report", "report-dark"))
    assert light.startswith(b"\x89PNG")
    assert min(len(light), len(dark)) > 20_000
    assert light != dark
