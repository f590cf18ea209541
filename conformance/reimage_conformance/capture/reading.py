"""Reading a capture file, which may be a HAR or a journal; judges nothing in it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from reimage_conformance.capture.har import har_recorded
from reimage_conformance.capture.har_files import open_har
from reimage_conformance.capture.traffic import Capture, Recorded
from reimage_conformance.config import target_from_mapping
from reimage_conformance.errors import JournalError
from reimage_conformance.journal import SCHEMA, read_journal
from reimage_conformance.model import Strictness

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FAMILY = SCHEMA.rpartition("/")[0]


def read_capture(path: Path) -> Capture:
    """The capture at `path`; raises JournalError, with one sentence, where it cannot be read."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise JournalError(f"the capture {str(path)!r} cannot be read: {error.strerror or error}") from error
    digest = hashlib.sha256(octets).hexdigest()[:32]
    return _journal(path, digest) if _is_journal(octets) else _har(path, octets, digest)


def _is_journal(octets: bytes) -> bool:
    """Whether the first line is the head of a journal, of whatever version."""
    try:
        header = json.loads(octets.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return False
    schema = header.get("schema") if isinstance(header, dict) else None
    return isinstance(schema, str) and schema.startswith(_FAMILY)


def _journal(path: Path, digest: str) -> Capture:
    journal = read_journal(path)
    header = journal.header
    if not isinstance(header.get("target"), dict):
        raise JournalError(f"the journal {str(path)!r} has a damaged first line: it describes no target")
    try:
        target, strictness = target_from_mapping(header["target"]), Strictness(header["strictness"])
        started = str(header["started"])
    except (KeyError, ValueError) as error:
        raise JournalError(f"the journal {str(path)!r} has a damaged first line: {error}") from error
    exchanges = sorted(journal.exchanges.values(), key=lambda exchange: exchange.number)
    recorded = tuple(Recorded(e, target.base_url, e.number) for e in exchanges if e.label != "probe")
    end: Mapping[str, Any] = next((event for event in journal.events if event["type"] == "end"), {})
    finished = str(end.get("finished", ""))
    seconds = max((exchange.at + exchange.elapsed for exchange in exchanges), default=0.0)
    notes = tuple(f"The journal is damaged: {note}." for note in journal.notes)
    lasted = max(seconds, float(end.get("duration_seconds", 0.0)))
    faults = tuple(header.get("faults", ()))
    return Capture(
        path.name, digest, started, finished, round(seconds, 3), recorded, notes, target, strictness, lasted, faults
    )


def _har(path: Path, octets: bytes, digest: str) -> Capture:
    log, attached = open_har(path, octets)
    found = har_recorded(log, attached)
    return Capture(path.name, digest, found.started, found.finished, found.seconds, found.recorded, found.notes)
