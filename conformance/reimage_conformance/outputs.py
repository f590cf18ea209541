"""The files and folders that commands write: they are tried before anything is sent, and no file of somebody else is overwritten.

Makes folders that are missing; writes nothing else that stays.
"""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING

from reimage_conformance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL = "journal.jsonl"
"""The journal of a run in its report folder."""

RUN_FILES = (JOURNAL, "results.json", "report.html", "junit.xml", "summary.md")
"""The files of a run in its report folder."""

GENERATOR = "made by reimage-conformance"
"""Every page that the suite writes outside a report folder contains this; `is_own_page` looks for it."""


def try_folder(folder: Path, option: str) -> None:
    """Make `folder` and check that files can be written there; raises UsageError naming `option`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(
            f"{option} {folder}: there is a file where a folder is expected; name another folder"
        ) from error
    except OSError as error:
        raise UsageError(f"{option} {folder}: cannot be written: {error.strerror}; name another folder") from error


def try_file(file: Path, option: str) -> None:
    """Make the folder of `file` and check that the file can be written; raises UsageError naming `option`."""
    if file.is_dir():
        raise UsageError(f"{option} {file}: is a folder; expected the name of a file")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
        if file.exists():
            with file.open("ab"):
                pass
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{option} {file}: its folder is a file; name another one") from error
    except OSError as error:
        raise UsageError(f"{option} {file}: cannot be written: {error.strerror}; name another file") from error


def claim_folder(folder: Path, *, overwrite: bool, option: str = "--report-dir") -> None:
    """Make `folder` and check that the files of a run can be written there.

    Raises UsageError naming `option` where they cannot, or where the folder holds a run and `overwrite` is false.
    """
    try_folder(folder, option)
    held = [name for name in RUN_FILES if (folder / name).exists()]
    if held and not overwrite:
        raise UsageError(
            f"{option} {folder}: the folder holds a run already ({', '.join(held)}); "
            "name another folder, or let --overwrite replace the run"
        )


def clear_folder(folder: Path, *, kept: str = "") -> None:
    """Remove the files of an earlier run from `folder`, except the one called `kept`; raises UsageError where it cannot."""
    for name in RUN_FILES:
        if name == kept:
            continue
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"--report-dir {folder}: {name} cannot be replaced: {error.strerror}") from error


def is_own_page(file: Path) -> bool:
    """Whether `file` is a page that the suite wrote outside a report folder."""
    try:
        return GENERATOR.encode() in file.read_bytes()
    except OSError:
        return False


def folder_name(name: str) -> str:
    """The folder name for a target: `name` with hyphens in place of characters that paths may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "target"


def claim_page(file: Path, option: str) -> None:
    """Check that the page `file` can be written; raises UsageError naming `option` where it cannot, or where somebody else wrote it."""
    try_file(file, option)
    if file.exists() and not is_own_page(file):
        raise UsageError(f"{option} {file}: exists, and this command did not write it; name another file")
