"""What goes into a journal comes out of it again, whatever happens to the file's end or middle."""

from __future__ import annotations

import json
import os
import string
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.errors import JournalError, ReportError
from reimage_conformance.journal import SCHEMA, JournalWriter, read_journal
from reimage_conformance.model import (
    Exchange,
    Failure,
    FailureKind,
    Identity,
    Observation,
    Outcome,
    Request,
    Response,
    Verdict,
    Why,
)


class StoppedClock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.time = 50.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


latin = st.text(st.characters(max_codepoint=255), max_size=12)
texts = st.text(max_size=12)
headers = st.lists(st.tuples(latin, latin), max_size=3).map(tuple)
seconds = st.floats(0, 1e6)
counts = st.integers(0, 10**6)
requests = st.builds(
    Request, latin, latin, headers, st.binary(max_size=20), st.sampled_from(Identity), st.booleans(),
    st.none() | seconds, latin,
)  # fmt: skip
anomalies = st.builds(Anomaly, st.sampled_from(AnomalyKind), texts, st.sampled_from(["", "head", "204"]))
responses = st.builds(
    Response, st.integers(100, 599), latin, headers, st.binary(max_size=20), latin,
    st.lists(st.integers(100, 199), max_size=2).map(tuple), st.lists(anomalies, max_size=2).map(tuple),
)  # fmt: skip
exchanges = st.builds(
    Exchange, counts, requests, st.none() | responses,
    st.none() | st.builds(Failure, st.sampled_from(FailureKind), texts),
    seconds, seconds, counts, counts, st.booleans(), texts, texts,
)  # fmt: skip
plain = st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=2)
plain_json = st.dictionaries(texts, plain, max_size=3)
verdicts = st.builds(
    Verdict, texts, st.sampled_from(Outcome), texts, texts, st.lists(counts, max_size=3).map(tuple), *[texts] * 3,
    st.lists(texts, max_size=2).map(tuple), plain_json, why=st.sampled_from(Why),
)  # fmt: skip
observations = st.builds(Observation, texts, texts, st.lists(counts, max_size=3).map(tuple))


def begun(path: Path) -> JournalWriter:
    writer = JournalWriter(path, StoppedClock())
    writer.write("run", seed=7)
    return writer


@settings(max_examples=60)
@given(
    st.lists(exchanges, max_size=3, unique_by=lambda e: e.number),
    st.lists(verdicts, max_size=3),
    st.lists(observations, max_size=2),
)
def test_everything_comes_back_as_it_went_in(
    sent: list[Exchange], judged: list[Verdict], seen: list[Observation]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"
        with begun(path) as writer:
            for exchange in sent:
                writer.exchange(exchange)
            for verdict in judged:
                writer.verdict(verdict)
            for observation in seen:
                writer.observation(observation)
            writer.write("end")
        journal = read_journal(path)

    assert list(journal.exchanges.values()) == sent
    assert list(journal.exchanges) == [exchange.number for exchange in sent]
    assert (journal.verdicts, journal.observations) == (judged, seen)
    assert (journal.complete, journal.torn, journal.notes) == (True, False, ())
    assert len(journal.events) == 2 + len(sent) + len(judged) + len(seen)


def test_the_first_line_names_the_schema_and_every_line_its_time(tmp_path: Path) -> None:
    clock = StoppedClock()
    with JournalWriter(tmp_path / "deep" / "journal.jsonl", clock) as writer:
        writer.write("run", seed=7)
        clock.time += 1.25
        writer.write("case-start", id="a", requirements=[])
        writer.write("case-end", id="a", outcome="met", at=9)

    lines = [json.loads(line) for line in (tmp_path / "deep" / "journal.jsonl").read_text("ascii").splitlines()]
    assert lines == [
        {"type": "run", "schema": SCHEMA, "at": 0.0, "seed": 7},
        {"type": "case-start", "at": 1.25, "id": "a", "requirements": []},
        {"type": "case-end", "at": 9, "id": "a", "outcome": "met"},
    ]
    journal = read_journal(tmp_path / "deep" / "journal.jsonl")
    assert (journal.header, journal.events) == (lines[0], lines)
    assert journal.cases == lines[1:]
    assert not journal.complete


def test_every_event_is_in_the_file_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with begun(path) as writer:
        writer.exchange(Exchange(1, Request("GET", "/"), Response(200)))

        assert list(read_journal(path).exchanges) == [1]


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_last_line_is_tolerated_and_noted(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "journal.jsonl"
    with begun(path) as writer:
        writer.write("note", text="whole")
        writer.exchange(Exchange(1, Request("GET", "/"), None, Failure(FailureKind.TIMEOUT, "late")))
    path.write_bytes(path.read_bytes()[:-cut])

    journal = read_journal(path)

    if cut == 1:  # the line is whole but for its end
        assert (journal.torn, list(journal.exchanges)) == (False, [1])
    else:
        assert (journal.torn, journal.exchanges) == (True, {})
        assert journal.notes == ("line 3 was cut short",)
    assert [event["type"] for event in journal.events[:2]] == ["run", "note"]


_ODD_VERDICT = (
    b'{"type":"verdict","requirement":"R","outcome":"odd","check":"","case":"","evidence":[],'
    b'"expected":"","actual":"","symptom":"","because":[],"arguments":{}}\n'
)


@pytest.mark.parametrize(
    ("damage", "note"),
    [
        (b"\x00\x00\xff\n", "line 3 is damaged"),
        (b'{"type":"exchange"}\n', "line 3 is damaged: it lacks"),
        (b'{"type":"verdict","requirement":"R","outcome":"met"}\n', "line 3 is damaged: it lacks 'check'"),
        (_ODD_VERDICT, "line 3 is damaged: 'odd' is not a valid Outcome"),
        (_ODD_VERDICT.replace(b"[]", b"[null]"), "line 3 is damaged: its 'evidence' is of a wrong kind"),
        (b'{"type":"note","text":7}\n', "line 3 is damaged: its 'text' is of a wrong kind"),
        (b'{"type":"note","text":"","at":1e999}\n', "line 3 is damaged: its 'at' is of a wrong kind"),
        (b'{"type":"case-start","id":"x","requirements":[["R"]]}\n', "line 3 is damaged: its 'requirements' is of a wrong kind"),
        (b'{"type":["end"]}\n', "line 3 is damaged: its 'type' is of a wrong kind"),
        (b'{"no":"type"}\n', "line 3 is damaged: it lacks 'type'"),
        (b"[1]\n", "line 3 is damaged"),
        (b"[" * 100_000 + b"\n", "line 3 is damaged"),
    ],
    ids=range(12),
)  # fmt: skip
def test_a_damaged_line_is_noted_and_left_out(tmp_path: Path, damage: bytes, note: str) -> None:
    path = tmp_path / "journal.jsonl"
    with begun(path) as writer:
        writer.write("note", text="before")
    path.write_bytes(path.read_bytes() + damage + b'{"type":"end"}\n')

    journal = read_journal(path)

    assert [event["type"] for event in journal.events] == ["run", "note", "end"]
    assert len(journal.notes) == 1
    assert journal.notes[0].startswith(note)
    assert (journal.complete, journal.torn) == (True, False)


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        (b"", "is no journal"),
        (b"<html>", "is no journal"),
        (b'{"log": {}}', "is no journal"),
        (b'["run"]\n', "is no journal"),
        (f'{{"type":"note","schema":"{SCHEMA}"}}\n'.encode(), "is no journal"),
        (b'{"type":"run","schema":"reimage-conformance/journal/2"}\n', "has schema 'reimage-conformance/journal/2'"),
    ],
)
def test_what_is_no_journal_is_said_so(tmp_path: Path, octets: bytes, sentence: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(octets)

    with pytest.raises(JournalError, match=sentence):
        read_journal(path)


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ('"seed":"7"', "its 'seed' is of a wrong kind"),
        ('"target":{"name":"x"}', "its 'target' is of a wrong kind"),
        ('"profile":"hourly"', "its 'profile' is 'hourly'"),
    ],
)
def test_a_first_line_that_is_damaged_is_said_so(tmp_path: Path, field: str, fault: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(f'{{"type":"run","schema":"{SCHEMA}",{field}}}\n')
    with pytest.raises(JournalError) as refused:
        read_journal(path)
    assert str(refused.value) == f"the journal {str(path)!r} is damaged in its first line: {fault}"


def test_a_missing_journal_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"none\.jsonl' cannot be read: No such file"):
        read_journal(tmp_path / "none.jsonl")


def test_a_folder_that_cannot_be_made_is_a_report_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ReportError, match="cannot be created"):
        JournalWriter(tmp_path / "file" / "journal.jsonl", StoppedClock())


def test_a_full_disk_is_a_report_error() -> None:
    writer = JournalWriter(Path("/dev/full"), StoppedClock())

    with pytest.raises(ReportError, match="'/dev/full' cannot be written: No space left on device"):
        writer.write("run")


def test_what_a_full_disk_cut_off_stays_a_line_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    writer = begun(path)
    genuine = os.write

    def full(file: int, data: bytes, calls: list[int] = []) -> int:  # noqa: B006
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return genuine(file, data[:9])

    with monkeypatch.context() as patched:
        patched.setattr("os.write", full)
        with pytest.raises(ReportError, match="No space left"):
            writer.write("note", text="lost")
    writer.write("end")

    journal = read_journal(path)
    assert [event["type"] for event in journal.events] == ["run", "end"]
    assert len(journal.notes) == 1
    assert journal.notes[0].startswith("line 2 is damaged")


def test_threads_share_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with begun(path) as writer:

        def write(n: int) -> None:
            for _ in range(50):
                writer.write("note", text=string.printable, n=n)

        threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    events = read_journal(path).events[1:]
    assert sorted(event["n"] for event in events) == sorted([*range(4)] * 50)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    writer: Any = begun(tmp_path / "journal.jsonl")
    writer.close()
    writer.close()

    assert (tmp_path / "journal.jsonl").read_text().count("\n") == 1
