"""Slips: one mistake, written once, becomes one fault or a family of faults."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from reimage_conformance.emulator import faults
from reimage_conformance.emulator.admission import check_version
from reimage_conformance.emulator.departures import Change, skips
from reimage_conformance.emulator.faults import registry
from reimage_conformance.emulator.faults.registry import Fault, Slip
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.places import BY_SLOT, EVERYWHERE, FAILED, OPERATION, STAGING

CHANGE = skips(check_version)
SLIP = Slip("version-lost", "REQ-VER-MISSING", "the version is lost{}", also=("REQ-VER-FORMAT",))


def made(_: object) -> Change:
    return CHANGE


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Fault]:
    """An empty registry."""
    found: dict[str, Fault] = {}
    monkeypatch.setattr(registry, "FAULTS", found)
    return found


def told(registered: dict[str, Fault]) -> list[tuple[str, str]]:
    return [(name, fault.summary) for name, fault in registered.items()]


def test_changes_make_one_fault(registered: dict[str, Fault]) -> None:
    Slip("version-lost", "REQ-VER-MISSING", "the version {} is lost", needs=(Need.STAGING,)).by(CHANGE, CHANGE)

    assert list(registered.values()) == [
        Fault("version-lost", "REQ-VER-MISSING", "the version {} is lost", (CHANGE, CHANGE), (), (Need.STAGING,))
    ]


def test_a_place_lends_its_word_its_words_and_its_needs(registered: dict[str, Fault]) -> None:
    SLIP.at((EVERYWHERE, BY_SLOT, STAGING.called(" there"), OPERATION.blaming("REQ-GOS-VERSION-MIN")), made)

    assert told(registered) == [
        ("version-lost", "the version is lost"),
        ("version-lost[slot]", "the version is lost by slot"),
        ("version-lost[staging]", "the version is lost there"),
        ("version-lost[operation]", "the version is lost for operations"),
    ]
    assert registered["version-lost[staging]"].needs == (Need.STAGING,)
    assert registered["version-lost[operation]"].also == ("REQ-VER-FORMAT", "REQ-GOS-VERSION-MIN")


def test_the_changes_of_a_place_are_made_from_it(registered: dict[str, Fault]) -> None:
    SLIP.at((BY_SLOT, STAGING), lambda place: (CHANGE,) * len(place.word))

    assert [len(fault.changes) for fault in registered.values()] == [len("slot"), len("staging")]


def test_values_tell_themselves(registered: dict[str, Fault]) -> None:
    Slip("version-is", "REQ-VER-FORMAT", "the version is {!r}").each((1, ""), made)

    assert told(registered) == [("version-is[1]", "the version is '1'"), ("version-is[]", "the version is ''")]


def test_a_name_with_braces_holds_the_word_there(registered: dict[str, Fault]) -> None:
    Slip("version-{}-lost", "REQ-VER-FORMAT", "a version is lost: {name} is {}").each_named({"first": 7}, made)
    Slip("version-{}-found", "REQ-VER-FORMAT", "a version is found: {}").table(made, ("last", "the last", 8))

    assert told(registered) == [
        ("version-first-lost", "a version is lost: first is 7"),
        ("version-last-found", "a version is found: the last"),
    ]


def test_a_row_has_changes_of_its_own(registered: dict[str, Fault]) -> None:
    Slip("version-{}", "REQ-VER-FORMAT", "{}").rows(
        ("lost", "it is lost", CHANGE), ("found", "it is found", (CHANGE, CHANGE))
    )

    assert told(registered) == [("version-lost", "it is lost"), ("version-found", "it is found")]
    assert [fault.changes for fault in registered.values()] == [(CHANGE,), (CHANGE, CHANGE)]


def test_a_value_inside_a_place_is_named_after_both(registered: dict[str, Fault]) -> None:
    Slip("version-lost", "REQ-VER-FORMAT", "{place} with {}").inside(FAILED).each((204,), made)

    assert told(registered) == [("version-lost[Failed:204]", "Failed with 204")]
    assert registered["version-lost[Failed:204]"].needs == (Need.FAILING_INSTANCE,)


def test_two_faults_of_one_name_are_refused(registered: dict[str, Fault]) -> None:
    SLIP.by(CHANGE)

    with pytest.raises(ValueError, match="two faults are called 'version-lost'"):
        SLIP.by(CHANGE)
    assert len(registered) == 1


def test_a_fault_without_changes_is_refused() -> None:
    with pytest.raises(ValueError, match="fault 'version-lost' changes nothing"):
        SLIP.by()


def test_every_slip_that_is_written_becomes_a_fault() -> None:
    """A slip alone registers nothing: a statement that is a slip, without `by` or its like, is an oversight."""
    forgotten = [
        f"{path.name}:{node.lineno}"
        for path in Path(faults.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "Slip"
    ]

    assert forgotten == []
