"""Choosing what a run is about: by words, by what failed in another run, by one finding; and what has to be judged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from memory_runs import run_in_memory
from reimage_conformance.catalogue import CATALOGUE, catalogue_hash, requirements_by_chapter
from reimage_conformance.choosing import (
    Choice,
    failed_in,
    finding_of,
    groups_of_requirements,
    required_in,
    requirements_of,
    story_of,
)
from reimage_conformance.cli import main
from reimage_conformance.commands.case_files import cases_folder, citing_cases
from reimage_conformance.errors import UsageError
from reimage_conformance.report.unjudged import why_untested_in

if TYPE_CHECKING:
    from pathlib import Path

FAULT = "accepted-status[200]"
BROKEN = "REQ-REIMAGE-202"


@pytest.fixture(scope="module")
def faulty_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a smoke run that found one fault."""
    folder = tmp_path_factory.mktemp("faulty") / "run"
    assert run_in_memory(folder, "--profile", "smoke", "--fault", FAULT) == 1
    return folder


def results(folder: Path) -> Any:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


def judged(folder: Path) -> set[str]:
    """The requirements that a run came to an outcome of, by itself."""
    left_out = ("untested", "not-applicable")
    return {each["id"] for each in results(folder)["requirements"] if each["outcome"] not in left_out}


# By words.


def test_a_requirement_is_named_by_its_id_a_pattern_a_chapter_or_an_area() -> None:
    assert requirements_of([BROKEN.lower()]) == {BROKEN}
    assert requirements_of(["REQ-GOS-*"]) == {name for name in CATALOGUE if name.startswith("REQ-GOS-")}
    assert requirements_of(["errors"]) == set(requirements_by_chapter()["errors"])
    assert requirements_of(["probe"]) == {each.id for each in CATALOGUE.values() if each.area == "probe"}


def test_several_words_are_repeated_or_parted_by_commas() -> None:
    assert requirements_of([f"{BROKEN}, REQ-GOS-URI", "REQ-ERR-STATUS"]) == {BROKEN, "REQ-GOS-URI", "REQ-ERR-STATUS"}


def test_every_requirement_is_in_a_chapter_and_in_an_area() -> None:
    assert {name for names in requirements_by_chapter().values() for name in names} == set(CATALOGUE)
    assert set().union(*groups_of_requirements().values()) == set(CATALOGUE)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("REQ-REIMAGE-220", "unknown requirement 'REQ-REIMAGE-220'; did you mean 'REQ-REIMAGE-202'?"),
        ("eror", "--only eror: no requirement, chapter or area is called so; did you mean 'errors'?"),
        (" , ", "expected the id of a requirement, a chapter or an area"),
    ],
)
def test_an_unknown_word_is_refused_with_the_nearest(word: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--only", word]) == 4
    assert told in capsys.readouterr().err


def test_the_hash_of_the_catalogue_is_of_everything_that_it_says() -> None:
    assert len(catalogue_hash()) == 64


# What another run found.


def test_what_failed_in_a_run_is_chosen_with_the_cases_that_sent_the_evidence(faulty_run: Path) -> None:
    assert failed_in(faulty_run).requirements == {BROKEN}


def test_a_finding_is_chosen_by_its_cases_and_the_reimages_behind_it(faulty_run: Path) -> None:
    choice = story_of(faulty_run, "1")

    assert choice.exact
    assert choice.requirements == {BROKEN}
    assert choice.steps == frozenset({"control-slot"})
    assert any("test_an_accepted_reimage_is_answered_202" in case for case in choice.cases)


def test_a_finding_is_chosen_without_a_journal_too(faulty_run: Path, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_bytes((faulty_run / "results.json").read_bytes())
    choice = story_of(tmp_path / "results.json", "1")

    assert (choice.steps, choice.exact) == (None, True)


def test_an_unknown_finding_is_refused_with_those_that_there_are(faulty_run: Path) -> None:
    with pytest.raises(UsageError, match=f"there is no finding 7; it has one finding, number 1; number 1 is {BROKEN}"):
        finding_of(faulty_run, 7)


def test_an_unknown_run_is_refused_with_the_nearest(faulty_run: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no such run; .*; did you mean 'run'\?"):
        failed_in(faulty_run.with_name("rum"))


def test_a_choice_survives_a_journal() -> None:
    choice = Choice(frozenset({BROKEN}), frozenset({"cases/a.py::test[x]"}), frozenset({"control-slot"}), exact=True)

    assert Choice.from_mapping(json.loads(json.dumps(choice.as_mapping()))) == choice


def test_a_case_is_the_same_in_an_installed_copy() -> None:
    choice = Choice(frozenset(), frozenset({"cases/test_x.py::test_y[a/b]"}), exact=True)

    assert choice.wants("elsewhere/cases/test_x.py::test_y[a/b]", ())
    assert not choice.wants("cases/test_x.py::test_y[b]", ())


# Runs.


def test_a_chosen_run_judges_what_was_chosen(tmp_path: Path) -> None:
    assert run_in_memory(tmp_path, "--only", "REQ-VER-OLD-KEPT", "--max-reimages", "2") == 0

    found = results(tmp_path)
    assert found["run"]["verdict"] == "partial"
    assert found["summary"]["reimages"] == 2
    assert "REQ-VER-OLD-KEPT" in judged(tmp_path)
    assert "REQ-ERR-CODES" not in judged(tmp_path)


def test_what_failed_is_judged_again(faulty_run: Path, tmp_path: Path) -> None:
    words = ("--profile", "smoke", "--failed-in", str(faulty_run))

    assert run_in_memory(tmp_path / "still", *words, "--fault", FAULT) == 1
    assert run_in_memory(tmp_path / "mended", *words) == 0
    assert BROKEN in judged(tmp_path / "mended")


def test_a_requirement_that_had_to_be_judged_and_was_not_fails_the_run(tmp_path: Path) -> None:
    file = tmp_path / "required.txt"
    file.write_text(f"# what we promise\n{BROKEN}  # the answer\nREQ-ERR-CODES\n", encoding="utf-8")

    assert run_in_memory(tmp_path / "run", "--only", BROKEN, "--profile", "smoke", "--require", str(file)) == 6
    found = results(tmp_path / "run")
    assert found["run"]["missed"] == ["REQ-ERR-CODES"]
    assert "Required by --require, and not judged: REQ-ERR-CODES (left out by --only)." in found["notes"]


@pytest.mark.parametrize(
    ("words", "option", "kind"),
    [
        (("--only", BROKEN), "--only", "not-chosen"),
        (("-k", "accepted_reimage_is_answered"), "-k", "not-chosen"),
        (("-m", "smoke"), "-m", "not-chosen"),
        (("-k", "accepted_reimage_is_answered", "-m", "smoke"), "-k and -m", "not-chosen"),
        (("--only", BROKEN, "--profile", "smoke"), "--profile smoke", "profile"),
    ],
)
def test_what_was_left_out_names_the_option(tmp_path: Path, words: tuple[str, ...], option: str, kind: str) -> None:
    run_in_memory(tmp_path, *words, "--max-reimages", "2")

    found = results(tmp_path)
    (row,) = [row for row in found["requirements"] if row["id"] == "REQ-NAME-ENCODING"]
    assert (row["reason"], row["why"]) == (f"left out by {option}", kind)
    assert f"left out by {option}" in why_untested_in(found)


def test_requirements_that_no_case_cites_are_marked_and_cannot_be_required(tmp_path: Path) -> None:
    cited = citing_cases(cases_folder())
    uncited = [name for name, each in CATALOGUE.items() if name not in cited and not each.untestable]
    assert [name for name, each in CATALOGUE.items() if each.uncited] == uncited

    file = tmp_path / "required.txt"
    for name in uncited:
        file.write_text(f"{BROKEN}\n{name}\n", encoding="utf-8")
        with pytest.raises(UsageError, match=f"line 2: no case judges {name} yet"):
            required_in(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{BROKEN}\nREQ-REIMAGE-220\n", "line 2: unknown requirement 'REQ-REIMAGE-220'; did you mean"),
        ("# nothing\n", "it names no requirement"),
    ],
)
def test_a_file_that_requires_what_is_not_known_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "required.txt"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=told):
        required_in(file)


def test_a_list_says_what_would_run_and_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["run", "--list", "--only", BROKEN])

    told = capfd.readouterr().out
    assert "::test_an_accepted_reimage_is_answered_202" in told
    assert "would run" in told
    assert "nothing was sent" in told
    assert not (tmp_path / "reports").exists()
