"""A run in one file: unaltered it has the same verdict; whatever is changed in it is named."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

import pytest

from memory_runs import run_in_memory
from reimage_conformance import cli
from reimage_conformance.errors import UsageError
from reimage_conformance.replay import bundles
from reimage_conformance.replay.bundles import MANIFEST, make_bundle, verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Contents = dict[str, bytes]


@pytest.fixture(scope="module")
def bad_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a short run that found a violation."""
    folder = tmp_path_factory.mktemp("bad") / "run"
    words = ("--profile", "smoke", "--world", "one-instance", "--only", "REQ-REIMAGE-202")
    assert run_in_memory(folder, *words, "--fault", "accepted-status[200]") == 1
    return folder


@pytest.fixture(scope="module")
def packed(bad_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("packed") / "run.zip"
    make_bundle(bad_run, file)
    return file


def rewritten(packed: Path, folder: Path, change: Callable[[Contents], None], *, hashes: bool = False) -> Path:
    """The bundle with a change in it; with `hashes` those of the manifest are changed as well."""
    with zipfile.ZipFile(packed) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    change(contents)
    if hashes:
        manifest = json.loads(contents[MANIFEST])
        for name, content in contents.items():
            if name != MANIFEST:
                manifest["files"][name] = {"sha256": bundles._digest(content), "octets": len(content)}
        contents[MANIFEST] = json.dumps(manifest).encode()
    file = folder / "changed.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = cli.main(list(words))
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def prettier(contents: Contents) -> None:
    """Turns what was violated into what is met, in the results."""
    results = json.loads(contents["results.json"])
    results["run"]["verdict"] = "conformant"
    for row in results["requirements"]:
        row["outcome"] = "met" if row["outcome"] == "violated" else row["outcome"]
    contents["results.json"] = json.dumps(results).encode()


def without(name: str) -> Callable[[Contents], None]:
    """A change that takes a file out."""

    def change(contents: Contents) -> None:
        del contents[name]

    return change


def test_a_run_is_packed_and_verified(bad_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = said(capsys, "bundle", str(bad_run), "--output", str(tmp_path / "rig.zip"))
    digest = told.split("SHA-256 ")[1].strip()

    assert code == 0
    assert said(capsys, "verify-bundle", str(tmp_path / "rig.zip")) == (0, "unaltered, same verdict: nonconformant\n")
    assert said(capsys, "verify-bundle", str(tmp_path / "rig.zip"), "--sha256", digest)[0] == 0
    with zipfile.ZipFile(tmp_path / "rig.zip") as archive:
        assert set(archive.namelist()) == {
            *(MANIFEST, "journal.jsonl", "results.json", "report.html", "junit.xml", "summary.md"),
        }


def test_the_same_run_makes_the_same_file(bad_run: Path, packed: Path, tmp_path: Path) -> None:
    make_bundle(bad_run, tmp_path / "again.zip")

    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


def test_a_file_stands_beside_the_run_and_replaces_nothing(
    bad_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "night"
    run.mkdir()
    for name in ("journal.jsonl", "results.json"):
        (run / name).write_bytes((bad_run / name).read_bytes())

    assert said(capsys, "bundle", str(run))[0] == 0
    assert (tmp_path / "night.zip").is_file()
    code, told = said(capsys, "bundle", str(run))
    assert (code, "night.zip: exists already and is not overwritten" in told) == (4, True)


CHANGES: dict[str, tuple[Callable[[Contents], None], str]] = {
    "a report": (lambda each: each.update({"report.html": b"better"}), "report.html was changed"),
    "the journal": (
        lambda each: each.update({"journal.jsonl": each["journal.jsonl"] + b"\n"}),
        "journal.jsonl was changed",
    ),
    "the results": (prettier, "results.json was changed"),
    "results of no form": (lambda each: each.update({"results.json": b"{}"}), "results.json: is not of the form"),
    "a journal that is none": (lambda each: each.update({"journal.jsonl": b"no"}), "journal.jsonl"),
    "a file less": (without("summary.md"), "summary.md is missing"),
    "a file more": (lambda each: each.update({"more.txt": b"more"}), "more.txt was added"),
    "no journal": (without("journal.jsonl"), "journal.jsonl is missing"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_was_changed_is_named(packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    change, told = CHANGES[what]
    code, words = said(capsys, "verify-bundle", str(rewritten(packed, tmp_path, change)))

    assert code == 1
    assert words.startswith("altered, ")
    assert told in words


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_an_octet_that_was_changed_on_the_way_is_found(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    octets = bytearray(packed.read_bytes())
    octets[int(share * len(octets))] ^= 0x55
    (tmp_path / "broken.zip").write_bytes(octets)
    code, words = said(capsys, "verify-bundle", str(tmp_path / "broken.zip"))

    assert code == 1
    assert " was changed" in words


def test_results_that_the_journal_does_not_come_to_are_found_whatever_the_hashes_say(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, words = said(capsys, "verify-bundle", str(rewritten(packed, tmp_path, prettier, hashes=True)))

    assert code == 1
    assert words.startswith(
        "unaltered, another verdict: nonconformant\n  the verdict was conformant and is nonconformant"
    )


def test_a_summary_that_the_journal_does_not_come_to_is_found(packed: Path, tmp_path: Path) -> None:
    changed = rewritten(packed, tmp_path, lambda each: each.update({"summary.md": b"# Fine"}), hashes=True)

    assert verify(changed).differences == ("summary.md is not what the journal comes to",)


def test_the_same_verdict_with_other_results_is_told_so(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def another(contents: Contents) -> None:
        held = json.loads(contents["results.json"])
        next(row for row in held["requirements"] if row["outcome"] == "untested")["outcome"] = "met"
        contents["results.json"] = json.dumps(held).encode()

    code, words = said(capsys, "verify-bundle", str(rewritten(packed, tmp_path, another, hashes=True)))

    assert (code, words.partition("\n")[0]) == (1, "unaltered, same verdict, but results.json differs: nonconformant")
    assert " was met and is untested" in words


def test_a_bundle_of_another_catalogue_is_compared_by_its_outcomes(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def reworded(contents: Contents) -> None:
        held = json.loads(contents["results.json"])
        held["catalogue"]["sha256"] = "0" * 64
        contents["results.json"] = json.dumps(held).encode()
        contents["summary.md"] = b"# In other words"

    code, words = said(capsys, "verify-bundle", str(rewritten(packed, tmp_path, reworded, hashes=True)))

    assert code == 0
    assert words.startswith("unaltered, same verdict: nonconformant (judged by other requirements then: the catalogue")


def test_another_file_with_hashes_that_fit_is_found_by_its_own(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = rewritten(packed, tmp_path, lambda each: each.update({"report.html": b"better"}), hashes=True)
    code, words = said(capsys, "verify-bundle", str(changed), "--sha256", verify(packed).sha256)

    assert code == 1
    assert "the SHA-256 of the file differs: expected " in words


@pytest.mark.parametrize("text", ["", "00", "0" * 63, "0" * 65, "g" * 64, "SHA-256 " + "0" * 64])
def test_what_is_no_sha256_is_refused(packed: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    code = cli.main(["verify-bundle", str(packed), "--sha256", text])
    ended = capsys.readouterr()

    assert (code, ended.out) == (4, "")
    assert f"--sha256: expected the 64 hexadecimal digits that `bundle` printed, found {text!r}" in ended.err


def test_a_sha256_may_be_in_capitals(packed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "verify-bundle", str(packed), "--sha256", f" {verify(packed).sha256.upper()}\n")[0] == 0


def test_a_bundle_of_another_suite_is_compared_by_its_outcomes(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def older(contents: Contents) -> None:
        contents[MANIFEST] = contents[MANIFEST].replace(json.loads(contents[MANIFEST])["suite"].encode(), b"0.0.1", 1)
        contents["summary.md"] = b"# In other words"

    code, words = said(capsys, "verify-bundle", str(rewritten(packed, tmp_path, older, hashes=True)))

    assert (code, "unaltered, same verdict: nonconformant (judged by suite 0.0.1 then, " in words) == (0, True)


def test_what_is_no_bundle_is_refused_by_name(tmp_path: Path, packed: Path) -> None:
    (tmp_path / "text.zip").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("x", "y")
    strange = rewritten(packed, tmp_path, lambda each: each.update({MANIFEST: b'{"schema": "x"}'}))

    for file, told in (
        (tmp_path / "missing.zip", "cannot be read as a bundle"),
        (tmp_path / "text.zip", "cannot be read as a bundle"),
        (tmp_path / "other.zip", "is no bundle: it holds no bundle.json"),
        (strange, "is not of the form reimage-conformance/bundle/1"),
    ):
        with pytest.raises(UsageError, match=told):
            verify(file)


def test_a_folder_without_a_whole_run_is_refused(tmp_path: Path, bad_run: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no journal\.jsonl"):
        make_bundle(tmp_path, tmp_path / "x.zip")
    (tmp_path / "journal.jsonl").write_bytes((bad_run / "journal.jsonl").read_bytes())
    with pytest.raises(UsageError, match=r"holds no results\.json.*`reimage-conformance report"):
        make_bundle(tmp_path, tmp_path / "x.zip")
