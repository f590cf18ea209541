"""The recorded session of a client for `check --client`, which judges it as `report` does, also with another strictness or folder."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from reimage_conformance.errors import UsageError
from reimage_conformance.model import Subject
from reimage_conformance.outputs import JOURNAL

if TYPE_CHECKING:
    from reimage_conformance.model import Strictness, Target


def is_session(file: Path, target: Target | None = None) -> bool:
    """Whether `file` is the journal of a client's session, as `emulator --record` writes it; if `target` is given, of one with that target."""
    with file.open("rb") as lines:
        header = _header(lines.readline())
    described = header.get("target")
    address = described.get("base_url") if isinstance(described, dict) else None
    return header.get("subject") == Subject.CLIENT and (target is None or target.base_url == address)


def judge_session(file: Path, report_dir: Path | None, strictness: Strictness | None, *, quiet: bool) -> int:
    """Judge the client of the session in `file`, print the conclusion, and give the exit code; `file` stays as it is.

    Reports, and a copy of the session that names the `strictness`, go into `report_dir` if one is given. Raises UsageError if that
    folder holds `file`.
    """
    from reimage_conformance.journal import read_journal  # noqa: PLC0415 -- imports the checks
    from reimage_conformance.replay import assessed, report_on  # noqa: PLC0415 -- imports the checks
    from reimage_conformance.report.console import console_lines, quiet_lines  # noqa: PLC0415

    if report_dir is not None and (report_dir / JOURNAL).resolve() == file.resolve():
        raise UsageError(f"{file}: would be overwritten by the reports; choose another --report-dir")
    with nullcontext(report_dir) if report_dir is not None else TemporaryDirectory() as folder:
        copy = Path(folder) / JOURNAL
        copy.write_bytes(_with_strictness(file.read_bytes(), strictness))
        journal = read_journal(copy)
        assessment = assessed(journal) if report_dir is None else report_on(journal, report_dir)
    lines_of = quiet_lines if quiet else console_lines
    for line in lines_of(assessment, None if report_dir is None else report_dir / "report.html"):
        click.echo(line)
    return assessment.exit_code


def _with_strictness(octets: bytes, strictness: Strictness | None) -> bytes:
    """A journal with `strictness` in its first line; unchanged for None."""
    if strictness is None:
        return octets
    first, end, rest = octets.partition(b"\n")
    header = {**_header(first), "strictness": strictness.value}
    return json.dumps(header, ensure_ascii=False).encode() + end + rest


def _header(line: bytes) -> dict[str, Any]:
    """The first line of a journal as a dict; empty if it is no JSON object."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
