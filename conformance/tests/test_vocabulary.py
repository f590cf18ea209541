"""The vocabulary: the same chapter words name the files of every room that is divided by chapters, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from reimage_conformance.catalogue.chapters import CHAPTERS, chapter_of, rank

REPOSITORY = Path(__file__).parents[2]
LIBRARY = REPOSITORY / "conformance" / "reimage_conformance"
CASES = REPOSITORY / "cases"
BESIDE = {
    "judging": {"defects", "clients", "facts", "oracle", "registry", "sent", "wording", "world"},
    "emulator/faults": {"registry"},
    "emulator/oddities": {"edits", "registry"},
}
"""What these rooms hold beside their chapters: what the chapters share, and the checks of clients."""


def names(folder: Path) -> set[str]:
    """The modules and folders of a room."""
    return {path.stem for path in folder.iterdir() if not path.stem.startswith("__")}


def test_the_requirements_have_a_file_for_each_chapter() -> None:
    assert names(LIBRARY / "catalogue" / "requirements") == set(CHAPTERS) - {"properties"}


def test_the_cases_have_a_module_for_each_chapter() -> None:
    assert {chapter_of(path) for path in CASES.glob("test_*.py")} == set(CHAPTERS)


@pytest.mark.parametrize("room", BESIDE)
def test_a_room_divided_by_chapters_holds_nothing_else(room: str) -> None:
    """A chapter may be missing there: some have no check, fault or oddity of their own."""
    found = names(LIBRARY / room)
    assert found & BESIDE[room] == BESIDE[room]
    assert len(found & set(CHAPTERS)) >= 8
    assert found - BESIDE[room] - set(CHAPTERS) == set()


def test_chapters_have_an_order_and_anything_else_comes_after_them() -> None:
    files = [Path(f"cases/test_{chapter}.py") for chapter in ("properties", "request", "something", "addresses")]
    assert [chapter_of(file) for file in sorted(files, key=lambda file: rank(chapter_of(file)))] == [
        "addresses",
        "request",
        "properties",
        "something",
    ]
