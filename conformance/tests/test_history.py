"""One target over many nights: what a person would say of each requirement, and a page that opens quickly and leads to the cards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html as lxml_html

from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.report.history import History, Run, history_of
from reimage_conformance.report.index import write_index
from reimage_conformance.report.results import results
from report_browser import MISSING, Browser
from report_samples import sample_assessment

if TYPE_CHECKING:
    from pathlib import Path

Results = dict[str, Any]
SAMPLE = results(sample_assessment())
REQ, OTHER = "REQ-REIMAGE-202", "REQ-GOS-200"
STATES = {
    "V": "violated",
    "W": "violated",
    "K": "known",
    "m": "met",
    "a": "advisory",
    "?": "inconclusive",
    "-": "untested",
}
"""Nights as letters; W is a violation with another symptom than V."""


def night(day: int, version: str = "1.0", seconds: float = 2.0, **outcomes: str) -> Results:
    """The results of one night, in which these requirements came out so."""
    rows = [
        {
            "id": name,
            "level": "MUST",
            "area": "reimage",
            "counts_as": "FAIL",
            "outcome": STATES[letter],
            "cases": [],
            "reason": f"It was {STATES[letter]}.",
            "title": "A title",
            "fingerprints": {"V": ["aaa"], "W": ["bbb"]}.get(letter, []),
        }
        for name, letter in ((key.replace("_", "-"), letter) for key, letter in outcomes.items())
    ]
    bad = [row for row in rows if row["outcome"] == "violated"]
    finding = {"counts_as": "FAIL", "expected": "", "actual": "", "cases": [], "evidence": [], "reproduce": ""}
    return {
        **SAMPLE,
        "suite": {"version": version},
        "run": {
            **SAMPLE["run"],
            "started": f"2026-11-{day:02}T02:00:00Z",
            "verdict": "nonconformant" if bad else "conformant",
        },
        "requirements": rows,
        "findings": [{**finding, "requirement": row["id"], "headline": "Wrong.", "also_affected": []} for row in bad],
        "operations": [{**SAMPLE["operations"][0], "polls": [[seconds, "Succeeded"]], "outcome": "Succeeded"}],
        "cases": [],
    }


def history(states: str, **more: str) -> History:
    """The history of nights from the first of November on, one letter each."""
    nights = [
        night(
            day, "1.0", 2.0, **{REQ.replace("-", "_"): letter, **{name: each[day - 1] for name, each in more.items()}}
        )
        for day, letter in enumerate(states, 1)
    ]
    return history_of([Run(each, f"./{each['run']['started'][8:10]}") for each in reversed(nights)])


@pytest.mark.parametrize(
    ("states", "story", "first_seen", "changes"),
    [
        ("VVV", "violated in every night", "01", 0),
        ("KKV", "violated in every night", "01", 1),
        ("mmVV", "violated since 2026-11-03 02:00, 2 nights", "03", 1),
        ("mmV", "violated since 2026-11-03 02:00, 1 night", "03", 1),
        ("mVVm", "fixed on 2026-11-04 02:00; violated in 2 of 4 nights", "02", 2),
        ("mVmV", "comes and goes: violated in 2 of 4 nights, also the last", "02", 3),
        ("mVmVm", "comes and goes: violated in 2 of 5 nights, last on 2026-11-04 02:00", "02", 4),
        ("VVWW", "violated in every night, in another way since 2026-11-03 02:00", "01", 1),
        ("mVW", "violated since 2026-11-02 02:00, 2 nights, in another way since 2026-11-03 02:00", "02", 2),
        ("V?-V", "violated in every night", "01", 0),
        ("mV?", "violated since 2026-11-02 02:00, 1 night; not judged in the last night", "02", 1),
        ("mam", "never violated, met and advisory by turns", "", 2),
        ("aaa", "advisory in every night", "", 0),
    ],
)
def test_what_a_person_would_say(states: str, story: str, first_seen: str, changes: int) -> None:
    (row,) = history(states).rows

    assert row.story == story
    assert row.first_seen[8:10] == first_seen
    assert row.changes == changes
    assert row.is_bad == (states.rstrip("?-")[-1] in "VWK")
    assert [cell.outcome for cell in row.cells] == [STATES[letter] for letter in states]


@pytest.mark.parametrize(
    ("states", "steady"), [("mmm", "met"), ("m?m", "met"), ("???", "untested"), ("-?-", "untested")]
)
def test_what_never_changed_is_counted(states: str, steady: str) -> None:
    found = history(states)

    assert found.rows == ()
    assert found.steady == ((steady, 1),)


def test_what_is_violated_now_comes_first() -> None:
    found = history("mVm", REQ_GOS_200="mmV", REQ_ERR_CODES="mam", REQ_VER_MISSING="VmV")

    assert [row.requirement for row in found.rows] == ["REQ-VER-MISSING", OTHER, REQ, "REQ-ERR-CODES"]


def test_a_cell_leads_to_the_card_of_its_night() -> None:
    cells = history("mV").rows[0].cells

    assert [cell.link for cell in cells] == [f"./01/report.html#{REQ}", "./02/report.html#finding-1"]
    assert cells[1].words == "2026-11-02 02:00: violated, Wrong."


def test_a_requirement_that_another_finding_explains_leads_to_that_finding() -> None:
    bad = night(1, REQ_REIMAGE_202="V", REQ_GOS_200="?")
    bad["findings"][0]["also_affected"] = [OTHER]
    good = night(2, REQ_REIMAGE_202="m", REQ_GOS_200="V")
    rows = {row.requirement: row for row in history_of([Run(good, ""), Run(bad, "./1")]).rows}

    assert rows[OTHER].cells[0].link == "./1/report.html#finding-1"
    assert rows[OTHER].cells[1].link == ""


def test_a_night_says_how_long_reimages_took_and_which_suite_judged() -> None:
    runs = [
        night(day, version, seconds) for day, version, seconds in ((1, "1.0", 2.0), (2, "1.0", 2.5), (3, "1.1", 9.0))
    ]
    nights = history_of([Run(each, "") for each in reversed(runs)]).nights

    assert [each.seconds for each in nights] == [2.0, 2.5, 9.0]
    assert [each.is_new_version for each in nights] == [False, False, True]


def test_a_requirement_that_an_older_suite_did_not_know_has_an_empty_cell() -> None:
    runs = [night(1, REQ_REIMAGE_202="m"), night(2, REQ_REIMAGE_202="m", REQ_GOS_200="V")]
    (row,) = history_of([Run(each, "./x") for each in reversed(runs)]).rows

    assert (row.cells[0].outcome, row.cells[0].link) == ("", "")


@pytest.fixture(scope="module")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty nights of a whole catalogue: faults that come, go, stay and flicker."""
    folder = tmp_path_factory.mktemp("thirty")
    names = list(CATALOGUE)
    for day in range(1, 31):
        states = {name.replace("-", "_"): "m" for name in names}
        for number, name in enumerate(names[:24]):
            turned = (day % (number + 2) == 0) if number < 8 else day > number if number < 16 else day < number
            states[name.replace("-", "_")] = "V" if turned else "m"
        place = folder / f"{day:02}"
        place.mkdir()
        (place / "results.json").write_text(
            json.dumps(night(day, "1.0" if day < 20 else "1.1", 2 + day / 10, **states))
        )
        (place / "report.html").write_text("<title>report</title>")
    write_index(folder)
    return folder / "index.html"


def test_thirty_nights_make_a_page_of_moderate_size(thirty: Path) -> None:
    page: Any = lxml_html.fromstring(thirty.read_text(encoding="utf-8"))
    (table,) = page.xpath(".//table[@class='nights']")
    rows = table.xpath("tbody/tr")
    links = [link.get("href") for link in table.iter("a")]

    assert thirty.stat().st_size < 400_000
    assert len(rows) == 24
    assert {len(row.xpath("td")) for row in rows} == {32}
    assert "./30/report.html#finding-1" in links
    assert f"{len(CATALOGUE) - 24} met in every night that judged them" in page.text_content()


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "a browser is here")
def test_thirty_nights_open_quickly(thirty: Path) -> None:
    with Browser() as browser:
        browser.open(thirty)
        spent = browser.run("const t = performance.timing; return t.domContentLoadedEventEnd - t.navigationStart")
        assert browser.log() == []

    assert spent < 3_000  # a quarter of a second where nothing else runs


def test_a_run_that_lies_there_twice_is_one_night(tmp_path: Path) -> None:
    for name, files in (("a", ()), ("b", ("report.html",)), ("c", ())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(night(2 if name == "c" else 1, REQ_REIMAGE_202="V")))
        for file in files:
            (tmp_path / name / file).write_text("")
    text = write_index(tmp_path).read_text(encoding="utf-8")

    assert "2 nights" in text
    assert ("./a/results.json" in text, "./b/results.json" in text, "./c/results.json" in text) == (False, True, True)
