"""A run in one file that others can check: journal, reports and their hashes, and the journal judged again.

The hashes show that nothing was changed since the file was made. Judging the journal again shows that the verdict is
right. The same run makes the same file, octet for octet, so that the hash of the file can be sent by another channel.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reimage_conformance import __version__
from reimage_conformance.errors import JournalError, UsageError
from reimage_conformance.journal import read_journal
from reimage_conformance.outputs import JOURNAL, RUN_FILES
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.report.results import load_results
from reimage_conformance.report.write import write_file, write_reports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reimage_conformance.report.results import Results

SCHEMA = "reimage-conformance/bundle/1"
MANIFEST = "bundle.json"
RESULTS = "results.json"
MADE_AGAIN = (RESULTS, "junit.xml", "summary.md")
"""The reports that the same suite makes again octet for octet."""

LARGEST_OCTETS = 1 << 30
"""At most this many octets of a bundle are read in all: a journal of a long run has about ten million octets."""

DIFFERENCE_LIMIT = 8
"""At most this many requirements with another outcome are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of judging the journal of a bundle again: the differences, and the files that differ.

    `verdict` is the one that this judging gives, `packed_verdict` the one in the bundle; "" for none. `by_same_catalogue` says whether the
    bundle was judged by the catalogue of requirements that this suite has.
    """

    verdict: str = ""
    packed_verdict: str = ""
    differences: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    by_same_catalogue: bool = True


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying a bundle: what was changed since it was made, its journal judged again, and the version that packed it."""

    altered: tuple[str, ...]
    judged: Judged
    packed_by: str
    sha256: str

    @property
    def differences(self) -> tuple[str, ...]:
        """The differences between the bundle and what its journal gives now."""
        return self.judged.differences

    @property
    def verdict(self) -> str:
        """The verdict now; "" if there is no journal that can be judged."""
        return self.judged.verdict


def make_bundle(run: Path, file: Path) -> str:
    """Pack the run in the folder `run` into `file`, and give the SHA-256 of it; raises UsageError if there is no whole run.

    A `file` that is there already is replaced; the caller has to check. Raises ReportError if it cannot be written.
    """
    for name in (JOURNAL, RESULTS):
        if not (run / name).is_file():
            advice = "" if name == JOURNAL else f"; `reimage-conformance report {run}` makes it"
            raise UsageError(f"{run}: holds no {name}; expected the report folder of a run{advice}")
    contents = {name: (run / name).read_bytes() for name in RUN_FILES if (run / name).is_file()}
    results = load_results(run)
    manifest = {
        "schema": SCHEMA,
        "suite": results["suite"]["version"],
        "run": {key: results["run"][key] for key in ("id", "started", "verdict")},
        "target": results["target"]["name"],
        "files": {name: {"sha256": _digest(content), "octets": len(content)} for name, content in contents.items()},
    }
    packed = _packed({MANIFEST: json.dumps(manifest, indent=1).encode() + b"\n", **contents})
    write_file(file, packed)
    return _digest(packed)


def verify(file: Path) -> Verification:
    """Check the hashes in the bundle `file` and judge its journal again; raises UsageError if it is no bundle."""
    try:
        octets = file.read_bytes()
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            contents = dict(_contents(archive))
    except (OSError, zipfile.BadZipFile) as error:
        raise UsageError(f"{file}: cannot be read as a bundle: {error}") from error
    manifest = _manifest(contents, file)
    altered = tuple(_altered(contents, manifest["files"]))
    packed_by = str(manifest["suite"])
    judged = _judged_again(contents, packed_by) if JOURNAL in contents else Judged()
    return Verification(altered, judged, packed_by, _digest(octets))


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def _packed(contents: Mapping[str, bytes]) -> bytes:
    """A zip file of `contents`, without the time at which it was made."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(entry, content)
    return made.getvalue()


def _contents(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """The names of the files in a bundle, and what they hold: b"" for one that is broken, too large or no part of a bundle.

    Nothing is written to disk, so that a name with a harmful path does nothing.
    """
    room = LARGEST_OCTETS
    for entry in archive.infolist():
        content = _read(archive, entry, room) if entry.filename in (MANIFEST, *RUN_FILES) else b""
        room -= len(content)
        yield entry.filename, content


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, room: int) -> bytes:
    try:
        with archive.open(entry) as packed:
            content = packed.read(room + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return b""
    return content if len(content) <= room else b""


def _manifest(contents: Mapping[str, bytes], file: Path) -> dict[str, Any]:
    if MANIFEST not in contents:
        raise UsageError(f"{file}: is no bundle: it holds no {MANIFEST}; `reimage-conformance bundle RUN` makes one")
    try:
        manifest = json.loads(contents[MANIFEST])
        is_valid = manifest["schema"] == SCHEMA and isinstance(manifest["suite"], str)
        is_valid = is_valid and all(isinstance(each["sha256"], str) for each in manifest["files"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_valid = False
    if not is_valid:
        raise UsageError(f"{file}: its {MANIFEST} is not of the form {SCHEMA}")
    return dict(manifest)


def _altered(contents: Mapping[str, bytes], listed: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*listed, *contents]):
        if name == MANIFEST:
            continue
        if name not in contents:
            yield f"{name} is missing"
        elif name not in listed:
            yield f"{name} was added"
        elif _digest(contents[name]) != listed[name]["sha256"]:
            yield f"{name} was changed"


def _judged_again(contents: Mapping[str, bytes], packed_by: str) -> Judged:
    """The result of judging the journal now, and how it and the reports differ from what the bundle holds."""
    with TemporaryDirectory() as folder:
        packed_folder, new_folder = Path(folder) / "packed", Path(folder) / "new"
        packed_folder.mkdir()
        for name in (JOURNAL, RESULTS):
            (packed_folder / name).write_bytes(contents.get(name, b""))
        try:
            journal = read_journal(packed_folder / JOURNAL)
            write_reports(assessed(journal), journal.exchanges, new_folder)
            made = load_results(new_folder)
        except JournalError as error:
            return Judged(differences=(str(error).replace(f"{packed_folder}/", ""),), files=(JOURNAL,))
        verdict = str(made["run"]["verdict"])
        if RESULTS not in contents:
            return Judged(verdict)
        try:
            packed = load_results(packed_folder)
        except UsageError as error:
            return Judged(verdict, "", (str(error).replace(f"{packed_folder}/", ""),), (RESULTS,))
        is_same_version = packed_by == __version__  # another version may write other reports about the same results
        return _compared(packed, made, tuple(_other_reports(contents, new_folder)) if is_same_version else ())


def _compared(packed: Results, made: Results, differing_reports: tuple[str, ...]) -> Judged:
    """How the results in a bundle and those made now differ.

    `differing_reports` counts only if verdict and outcomes agree, and the catalogue is the same: another catalogue may have other words
    for the same requirements.
    """
    is_same_catalogue = packed.get("catalogue", {}).get("sha256", "") == made["catalogue"]["sha256"]
    files: tuple[str, ...] = (RESULTS,)
    differences = tuple(_differences(packed, made))
    if not differences:
        files = differing_reports if is_same_catalogue else ()
        differences = tuple(f"{name} is not what the journal comes to" for name in files)
    return Judged(made["run"]["verdict"], packed["run"]["verdict"], differences, files, is_same_catalogue)


def _other_reports(contents: Mapping[str, bytes], new_folder: Path) -> Iterator[str]:
    """The names of the reports of the bundle that differ from those in `new_folder`."""
    for name in MADE_AGAIN:
        if name in contents and (new_folder / name).read_bytes() != contents[name]:
            yield name


def _differences(packed: Results, made: Results) -> Iterator[str]:
    """How verdict and outcomes differ between the results in a bundle and those made now, one sentence each."""
    was, verdict = packed["run"]["verdict"], made["run"]["verdict"]
    if was != verdict:
        yield f"the verdict was {was} and is {verdict}"
    outcomes = {row["id"]: row["outcome"] for row in packed["requirements"]}
    changed = [
        f"{row['id']} was {outcomes[row['id']]} and is {row['outcome']}"
        for row in made["requirements"]
        if outcomes.get(row["id"], row["outcome"]) != row["outcome"]
    ]
    yield from changed[:DIFFERENCE_LIMIT]
    if len(changed) > DIFFERENCE_LIMIT:
        yield f"{len(changed) - DIFFERENCE_LIMIT} more requirements have another outcome"
