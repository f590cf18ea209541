"""Layers: every import goes the way that the table of docs/architecture.md says, and only two rooms know sockets."""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Collection

REPOSITORY = Path(__file__).parents[2]
ROOT = REPOSITORY / "conformance" / "reimage_conformance"
TABLE = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`[^|]*`) \|[^|]*\| ([^|]*) \|$", re.MULTILINE)
PACKAGE = "reimage_conformance"
SOCKETS = {
    "socket",
    "ssl",
    "selectors",
    "socketserver",
    "http.client",
    "http.server",
    "urllib.request",
    "asyncio",
    "httpx",
    "requests",
}
WITH_SOCKETS = {
    "emulator/simultaneous.py",
    "emulator/listener.py",
    "emulator/server.py",
    "wire/client.py",
    "wire/connecting.py",
    "wire/dialling.py",
    "wire/identities.py",
    "wire/proxying.py",
    "wire/streams.py",
    "wire/tls_failures.py",
    "wire/transport.py",
}
WITHOUT_ANY = {"commands/fleet.py": "asyncio for child processes"}


def modules() -> list[Path]:
    """Every module of the library."""
    return sorted(path for path in ROOT.rglob("*.py") if "cases" not in path.relative_to(ROOT).parts)


def room_of(path: Path) -> str:
    """The room that a module belongs to; "" for the package itself."""
    first = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


ROOMS = {room_of(path) for path in modules()} - {""}


def permitted() -> dict[str, set[str]]:
    """What each room may import, by the table."""
    found: dict[str, set[str]] = {}
    for names, says in ROW.findall(TABLE):
        listed = {name for name in re.split(r",\s*", says.partition("everything but ")[2] or says) if name}
        if says.startswith("everything"):
            allowed = ROOMS - (listed if "but" in says else set())
        else:
            allowed = set() if says == "nothing of ours" else listed
        for name in re.findall(r"`([^`]*)`", names):
            found[name] = allowed
    return found


def imports(path: Path) -> set[str]:
    """Everything that a module imports, wherever in it, by full name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_imported(path: Path) -> set[str]:
    """The rooms of ours that a module imports from, but its own."""
    names = {name.split(".")[1] for name in imports(path) if name.startswith(f"{PACKAGE}.")}
    return (names & ROOMS) - {room_of(path)}


def test_the_table_names_every_room_and_no_other() -> None:
    assert set(permitted()) == ROOMS
    named = {name for allowed in permitted().values() for name in allowed}
    assert named <= ROOMS


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    allowed = permitted()[room] if room else set()

    assert rooms_imported(path) - allowed == set()


def test_the_table_permits_no_circle() -> None:
    open_ended = {"preflight", "capture", "pytest_plugin", "detection", "commands", "cli", "__main__"}
    waiting = {room: names - {room} for room, names in permitted().items() if room not in open_ended}
    while ready := {room for room, names in waiting.items() if not names & set(waiting)}:
        waiting = {room: names for room, names in waiting.items() if room not in ready}

    assert waiting == {}


def module_name(path: Path) -> str:
    """The full name of a module; that of its package for an `__init__`."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules_imported(path: Path, known: Collection[str]) -> set[str]:
    """The modules of ours that one imports: those that it names, not the packages they lie in."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            deeper = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            found |= {full if full in known else node.module for full in deeper.values()}
    return found & set(known) - {PACKAGE, module_name(path)}


def test_modules_import_each_other_in_no_circle() -> None:
    """Also for types alone, and inside a room: whoever reads one module reads on in one direction."""
    paths = {module_name(path): path for path in modules()}
    needed = {name: modules_imported(path, paths) for name, path in paths.items()}

    assert len(needed) > 200
    try:
        TopologicalSorter(needed).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


def test_the_emulator_was_written_on_its_own() -> None:
    shared = {room for path in modules() if room_of(path) == "emulator" for room in rooms_imported(path)}

    assert shared <= {"errors", "model"}


def test_the_core_of_the_emulator_knows_none_of_its_departures() -> None:
    """It is given changes: only `named`, where names become changes, and the room's front import faults and oddities."""
    departing = ("emulator.faults", "emulator.oddities")
    knowing = {
        str(path.relative_to(ROOT / "emulator"))
        for path in (ROOT / "emulator").rglob("*.py")
        if path.relative_to(ROOT / "emulator").parts[0] not in ("faults", "oddities")
        and any(name.removeprefix(f"{PACKAGE}.").startswith(departing) for name in imports(path))
    }

    assert knowing == {"__init__.py", "named.py"}


def test_faults_and_oddities_do_not_know_each_other() -> None:
    for own, other in (("faults", "oddities"), ("oddities", "faults")):
        imported = {name for path in (ROOT / "emulator" / own).rglob("*.py") for name in imports(path)}

        assert [name for name in imported if name.startswith(f"{PACKAGE}.emulator.{other}")] == []


def test_only_the_wire_and_the_emulators_server_know_sockets() -> None:
    users = {str(path.relative_to(ROOT)) for path in modules() if imports(path) & SOCKETS}

    assert users - set(WITHOUT_ANY) == WITH_SOCKETS


def test_the_library_asserts_nothing() -> None:
    asserting = [
        str(path)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]

    assert asserting == []
