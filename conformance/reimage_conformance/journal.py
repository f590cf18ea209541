"""The journal: one JSON line per event of a run, written as it happens and read back exactly.

It keeps events; what they mean is judged elsewhere. `journal_values` writes exchanges and verdicts as JSON objects.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from reimage_conformance.errors import JournalError, ReportError
from reimage_conformance.journal_shapes import problem_of
from reimage_conformance.journal_values import (
    exchange_from,
    plain_exchange,
    plain_fields,
    plain_verdict,
    verdict_from,
)
from reimage_conformance.model import (
    Exchange,
    Observation,
    Profile,
    Strictness,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from enum import StrEnum
    from pathlib import Path
    from types import TracebackType

    from reimage_conformance.wire.clock import Clock

SCHEMA = "reimage-conformance/journal/1"
_ENCODED = json.JSONEncoder(separators=(",", ":")).encode
_IDENTIFYING_FIELDS = ("type", "at", "number", "label")
"""The fields that are kept of an event whose content another field of the journal holds."""
_MAX_TAIL_OCTETS = 1 << 26
"""How many octets at the end of a journal are searched for the end of the last whole line."""
_SCHEMA_FAMILY = SCHEMA.rpartition("/")[0]


class JournalWriter:
    """Appends events to a journal file, each of them whole and at once; raises ReportError where it cannot.

    The first event has to be "run", which gets the schema, and the last one "end". Threads may share a writer. With `ago` the file is
    continued: it holds a run that began `ago` seconds before. Without `ago` an earlier file is replaced.
    """

    def __init__(self, path: Path, clock: Clock, *, ago: float | None = None) -> None:
        self._path = path
        self._clock = clock
        self._origin = clock.now() - (ago or 0.0)
        truncation = os.O_TRUNC if ago is None else 0
        self._lock = threading.Lock()
        self._torn = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | truncation, 0o644)
            if ago is not None:
                _cut_after_last_line(self._file)
        except OSError as error:
            raise ReportError(f"the journal {str(path)!r} cannot be created: {error.strerror or error}") from error

    def write(self, type: str, **fields: Any) -> None:  # noqa: A002
        """Append the event `type` with JSON-ready `fields`, and with the seconds since the run began as "at"."""
        event: dict[str, Any] = {"type": type}
        if type == "run":
            event["schema"] = SCHEMA
        event["at"] = round(self._clock.now() - self._origin, 6)
        self._append(event | fields)

    def exchange(self, exchange: Exchange) -> None:
        """Append an exchange."""
        self._append({"type": "exchange", **plain_exchange(exchange)})

    def sending(self, exchange: Exchange) -> None:
        """Append that a request is about to be sent, as an exchange without reply."""
        self._append({"type": "sending", **plain_exchange(exchange)})

    def again(self, exchange: Exchange, attempt: int) -> None:
        """Append an exchange of a try; `attempt` counts tries from 1. Tries are judged apart from the run."""
        self._append({"type": "again", "attempt": attempt, **plain_exchange(exchange)})

    def verdict(self, verdict: Verdict) -> None:
        """Append a verdict."""
        self.write("verdict", **plain_verdict(verdict))

    def observation(self, observation: Observation) -> None:
        """Append an observation."""
        self.write("observation", **plain_fields(observation))

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, event: Mapping[str, Any]) -> None:
        line = _ENCODED(event).encode("ascii") + b"\n"
        with self._lock:
            if self._torn:  # an earlier failure left a part of a line behind; this line must not continue it
                line = b"\n" + line
            try:
                written = os.write(self._file, line)
                self._torn = written < len(line)
                while written < len(line):
                    written += os.write(self._file, line[written:])
                self._torn = False
            except OSError as error:
                raise ReportError(
                    f"the journal {str(self._path)!r} cannot be written: {error.strerror or error}"
                ) from error


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal read back: `header` is its first line, `cases` the case-start and case-end events, `events` every line.

    To save memory, `events` keeps only `_IDENTIFYING_FIELDS` of exchanges, tries, verdicts and observations. `unanswered` are the requests
    that were sent and have no exchange. `complete` says that the run ended, `torn` that the last line was cut short. `notes` name every
    line that could not be read.
    """

    header: Mapping[str, Any]
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False
    torn: bool = False
    notes: tuple[str, ...] = ()
    unanswered: dict[int, Exchange] = field(default_factory=dict)

    def require(self, *names: str) -> None:
        """Raises JournalError where the first line lacks one of `names`, the fields that are needed to judge the journal again."""
        lacking = [name for name in names if name not in self.header]
        if lacking:
            raise JournalError(f"the journal is damaged: its first line lacks {lacking[0]!r}")


def read_journal(path: Path) -> Journal:
    """The journal at `path`, without the lines that cannot be read; raises JournalError where the file is no journal."""
    try:
        with path.open("rb") as lines, collection_paused():
            return _read(lines, path)
    except OSError as error:
        raise JournalError(f"the journal {str(path)!r} cannot be read: {error.strerror or error}") from error


@contextlib.contextmanager
def collection_paused() -> Iterator[None]:
    """Pauses the garbage collector.

    A journal and its assessment make no cyclic garbage, and the search for it takes two thirds of the time to read a journal.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read(lines: BinaryIO, path: Path) -> Journal:
    journal = Journal(_read_header(lines.readline().removesuffix(b"\n"), path))
    journal.events.append(dict(journal.header))
    notes: list[str] = []
    torn = False
    for number, line in enumerate(lines, start=2):
        octets = line.removesuffix(b"\n")
        if not octets:
            continue
        try:
            _add(journal, _checked(json.loads(octets)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            torn = octets == line
            notes.append(f"line {number} was cut short" if torn else f"line {number} is damaged: {_describe(error)}")
    complete = any(event["type"] == "end" for event in journal.events)
    return Journal(
        journal.header, journal.exchanges, journal.verdicts, journal.observations, journal.cases, journal.events,
        complete, torn, tuple(notes), journal.unanswered,
    )  # fmt: skip


def _checked(event: Any) -> dict[str, Any]:
    """`event`, if it has the fields of its type; raises ValueError with what is wrong."""
    if wrong := problem_of(event):
        raise ValueError(wrong)
    return dict(event)


def _describe(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else str(error)


def _read_header(line: bytes, path: Path) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        header = None
    schema = header.get("schema") if isinstance(header, dict) else None
    if isinstance(header, dict) and schema == SCHEMA and header.get("type") == "run":
        if wrong := problem_of(header) or _unknown_word(header):
            raise JournalError(f"the journal {str(path)!r} is damaged in its first line: {wrong}")
        return header
    if isinstance(schema, str) and schema != SCHEMA and schema.startswith(_SCHEMA_FAMILY):
        raise JournalError(f"the journal {str(path)!r} has schema {schema!r}; this version reads {SCHEMA!r}")
    raise JournalError(f'{str(path)!r} is no journal: its first line is not a "run" event with schema {SCHEMA!r}')


def _unknown_word(header: Mapping[str, Any]) -> str:
    """Says which field of the header has a value that no run can have; "" if none has."""
    known: dict[str, type[StrEnum]] = {"profile": Profile, "strictness": Strictness}
    wrong = (name for name, words in known.items() if name in header and header[name] not in list(words))
    return next((f"its {name!r} is {header[name]!r}" for name in wrong), "")


def _add(journal: Journal, event: dict[str, Any]) -> None:
    """Adds an event to the fields of `journal`."""
    match event["type"]:
        case "exchange":
            exchange = exchange_from(event)
            journal.exchanges[exchange.number] = exchange
            journal.unanswered.pop(exchange.number, None)
        case "sending":
            sent = exchange_from(event)
            journal.unanswered[sent.number] = sent
        case "again":
            journal.unanswered.pop(event["number"], None)
        case "resumed":  # the run was continued, so an earlier end is not its end
            journal.events[:] = [each for each in journal.events if each["type"] != "end"]
        case "verdict":
            journal.verdicts.append(verdict_from(event))
        case "observation":
            journal.observations.append(
                Observation(event["requirement"], event["seen"], tuple(event.get("evidence", ())))
            )
        case "case-start" | "case-end":
            journal.cases.append(event)
    is_shortened = event["type"] in ("exchange", "sending", "again", "verdict", "observation")
    kept = {key: event[key] for key in _IDENTIFYING_FIELDS if key in event} if is_shortened else event
    journal.events.append(kept)


def _cut_after_last_line(file: int) -> None:
    """Removes an unreadable part of a line, which a killed run left at the end of a journal; a readable one gets its line end."""
    size = os.fstat(file).st_size
    tail = os.pread(file, min(size, _MAX_TAIL_OCTETS), max(size - _MAX_TAIL_OCTETS, 0)).rpartition(b"\n")[2]
    try:
        json.loads(tail or "0")
    except ValueError:
        os.ftruncate(file, size - len(tail))
    else:
        os.write(file, b"\n" if tail else b"")
