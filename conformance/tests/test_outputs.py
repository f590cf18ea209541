"""What commands write: places are tried before anything is sent, and nothing that is somebody else's is overwritten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reimage_conformance import cli
from reimage_conformance.config import load_target
from reimage_conformance.emulator import Emulator, RunningEmulator, serve
from reimage_conformance.errors import UsageError
from reimage_conformance.outputs import (
    GENERATOR,
    RUN_FILES,
    claim_folder,
    claim_page,
    clear_folder,
    try_file,
    try_folder,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running() -> Iterator[RunningEmulator]:
    with serve(Emulator(0.2)) as emulator:
        yield emulator


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_emulator_writes_its_own_files_again(running: RunningEmulator, tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    running.write_target(file)
    running.write_target(file, name="again")

    assert load_target(file).name == "again"
    assert set(contents(tmp_path)) == {
        "rig.toml", "rig.ca.pem", "rig.client.pem", "rig.client.key", "rig.client-and-key.pem", "rig.publishsettings",
        "rig.second.pem", "rig.other.pem",
    }  # fmt: skip


def test_an_emulator_without_tls_leaves_no_certificates_of_its_own(running: RunningEmulator, tmp_path: Path) -> None:
    file = tmp_path / "rig.toml"
    running.write_target(file)
    with serve(Emulator(0.2), tls=False) as plain:
        plain.write_target(file)
    assert set(contents(tmp_path)) == {"rig.toml"}

    running.write_target(file)

    assert load_target(file).client_certificate == tmp_path / "rig.client.pem"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rig.toml", "[target]\n", "was not written by the emulator"),
        ("rig.toml", "", "was not written by the emulator"),
        ("rig.toml", None, "was changed since the emulator wrote it"),
        ("rig.client.pem", "mine", "was changed since the emulator wrote it"),
        ("rig.client.key", "mine", "was changed since the emulator wrote it"),
        ("rig.ca.pem", "mine", "was changed since the emulator wrote it"),
    ],
)
def test_what_somebody_else_wrote_or_changed_stays(
    running: RunningEmulator, tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    running.write_target(tmp_path / "rig.toml")
    path = tmp_path / name
    path.write_text(path.read_text() + "# mine" if content is None else content)
    before = contents(tmp_path)

    with pytest.raises(UsageError, match=told):
        running.write_target(tmp_path / "rig.toml")

    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["rig.client.pem", "rig.client.key", "rig.ca.pem", "rig.second.pem", "rig.other.pem"])
def test_certificates_beside_a_target_file_that_is_not_there_stay(
    running: RunningEmulator, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(UsageError, match="was not written by the emulator"):
        running.write_target(tmp_path / "rig.toml")

    assert contents(tmp_path) == {name: b"mine"}


def test_two_emulators_in_one_folder_keep_their_own_certificates(running: RunningEmulator, tmp_path: Path) -> None:
    first, second = (load_target(running.write_target(tmp_path / name)) for name in ("a.toml", "b.toml"))

    assert (first.client_certificate, second.client_certificate) == (
        tmp_path / "a.client.pem",
        tmp_path / "b.client.pem",
    )


def test_the_command_refuses_before_it_serves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "client.pem").write_text("mine")
    (tmp_path / "rig.toml").write_text("[target]\n")

    code = cli.main(["emulator", "--max-seconds", "0.1", "--write-target", str(tmp_path / "rig.toml")])

    out, err = capsys.readouterr()
    assert (code, out) == (4, "")
    assert err.count("\n") == 1
    assert "exists and was not written by the emulator" in err


def test_the_command_names_its_target(tmp_path: Path) -> None:
    words = ["--write-target", str(tmp_path / "rig.toml"), "--name", "third of eight"]

    assert cli.main(["emulator", "--max-seconds", "0.1", *words]) == 0
    assert load_target(tmp_path / "rig.toml").name == "third of eight"


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_folder_that_holds_a_run_is_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a run")

    with pytest.raises(UsageError, match=r"holds a run already .*--overwrite"):
        claim_folder(tmp_path, overwrite=False)
    claim_folder(tmp_path, overwrite=True)
    assert contents(tmp_path) == {name: b"a run"}

    clear_folder(tmp_path)

    assert contents(tmp_path) == {}


def test_places_that_cannot_be_written_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(UsageError, match="there is a file where a folder is expected"):
            try_folder(place, "--report-dir")
    with pytest.raises(UsageError, match="is a folder; expected the name of a file"):
        try_file(tmp_path, "--write-baseline")
    with pytest.raises(UsageError, match="its folder is a file"):
        try_file(tmp_path / "file" / "x.toml", "--write-baseline")
    with pytest.raises(UsageError, match=r"cannot be written: Permission denied|cannot be written: No such file"):
        try_folder(tmp_path.__class__("/proc/none"), "--report-dir")
    assert set(contents(tmp_path)) == {"file"}


def test_a_page_of_somebody_else_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<h1>mine</h1>")
    with pytest.raises(UsageError, match="exists, and this command did not write it"):
        claim_page(page, "--html")
    page.write_text(f"<!-- {GENERATOR} -->")
    claim_page(page, "--html")


@pytest.mark.parametrize("words", [["check"], ["report"]])
def test_recorded_commands_keep_a_run_too(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    (tmp_path / "journal.jsonl").write_text("{}")
    held = tmp_path / "held"
    held.mkdir()
    (held / "results.json").write_text(json.dumps({}))

    code = cli.main([*words, str(tmp_path / "journal.jsonl"), "--report-dir", str(held)])

    assert code == 4
    assert "the folder holds a run already (results.json)" in capsys.readouterr().err
