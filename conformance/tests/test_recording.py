"""What the emulator keeps of a client's session: every exchange as it was, also where the emulator is wrong."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from emulator_script import NAME, SLOT, octets, place
from reimage_conformance import cli
from reimage_conformance.embedding.recording import Recording
from reimage_conformance.emulator import Emulator, emulator_with, only_lenient
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Identity, Strictness

if TYPE_CHECKING:
    from pathlib import Path

ADDRESS = "https://127.0.0.1:8443"


def record(folder: Path, *requests: bytes, identity: str | None = "main", **behaviour: tuple[str, ...]) -> Emulator:
    """An emulator that answered these on one connection while it was recorded, and one more after that."""
    emulator = emulator_with(5.0, clock=lambda: 1000.0, **behaviour)  # type: ignore[arg-type]
    with Recording(emulator, folder, ADDRESS, name="rig", lenient=only_lenient(behaviour.get("oddities", ()))):
        connection = emulator.connect(identity)
        for request in requests:
            connection.receive(request)
        emulator.connect(probe=True).receive(octets("GET", "/contoso/contoso-v1/WebRole1_IN_0"))
    emulator.connect().receive(octets("POST", SLOT))
    return emulator


def test_each_exchange_is_kept_as_it_was(tmp_path: Path) -> None:
    record(tmp_path, octets("POST", SLOT), octets("POST", NAME, b"<x/>"), octets("HEAD", place("x").partition("?")[0]))
    journal = read_journal(tmp_path / "journal.jsonl")
    accepted, refused, head = journal.exchanges.values()

    assert journal.complete
    assert journal.header["target"]["base_url"] == ADDRESS
    assert [each.response.status for each in (accepted, refused, head) if each.response] == [202, 400, 405]
    assert (accepted.request.target, accepted.connection, refused.position) == (SLOT, 1, 2)
    assert refused.request.body == b"<x/>"
    assert refused.reply is not None
    assert b"<Code>BadRequest</Code>" in refused.reply.body
    assert head.failure is None


@pytest.mark.parametrize(
    ("identity", "kept"), [("main", Identity.PRIMARY), ("second", Identity.SECOND), (None, Identity.NONE)]
)
def test_who_asked_is_kept(tmp_path: Path, identity: str | None, kept: Identity) -> None:
    record(tmp_path, octets("POST", SLOT), identity=identity)

    assert [each.request.identity for each in read_journal(tmp_path / "journal.jsonl").exchanges.values()] == [kept]


def test_a_session_that_breaks_no_rule_passes_check_and_a_wrong_answer_does_not(tmp_path: Path) -> None:
    record(tmp_path / "sound", octets("POST", SLOT))
    record(tmp_path / "wrong", octets("POST", SLOT), faults=("accepted-status[200]",))

    assert cli.main(["check", str(tmp_path / "sound")]) == 0
    assert cli.main(["check", str(tmp_path / "wrong")]) == 1


def test_an_emulator_with_lenient_manners_is_judged_leniently(tmp_path: Path) -> None:
    record(tmp_path / "plain", octets("POST", SLOT))
    record(tmp_path / "lenient", octets("POST", SLOT, Content_Type=None), oddities=("historical-type-missing",))
    headers = [read_journal(tmp_path / name / "journal.jsonl").header for name in ("plain", "lenient")]

    assert [each["strictness"] for each in headers] == [Strictness.STRICT, Strictness.LENIENT]
    assert cli.main(["check", str(tmp_path / "lenient")]) == 0


def test_a_folder_that_holds_a_run_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journal.jsonl").write_text("mine")

    assert cli.main(["emulator", "--record", str(tmp_path)]) == cli.WRONG_USAGE
    assert "--record" in capsys.readouterr().err
    assert (tmp_path / "journal.jsonl").read_text() == "mine"


def test_a_folder_for_a_record_is_not_said_to_be_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results.json").write_text("mine")

    assert cli.main(["emulator", "--record", str(tmp_path)]) == cli.WRONG_USAGE
    said = capsys.readouterr().err
    assert "holds a run already (results.json); name another folder" in said
    assert "--overwrite" not in said


def test_the_emulator_says_where_it_records_and_that_its_time_limit_ends_no_client(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "session"

    assert cli.main(["emulator", "--no-tls", "--max-seconds", "0.1", "--record", str(folder)]) == 0
    said = capsys.readouterr().err
    assert f"recording into {folder / 'journal.jsonl'}" in said
    assert f"reimage-conformance report {folder}" in said
    end = read_journal(folder / "journal.jsonl").events[-1]
    assert (end["type"], end["interrupted"], end["client_over"]) == ("end", False, False)


def test_the_files_are_there_when_the_address_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, seen = tmp_path / "rig.toml", []
    monkeypatch.setattr("click.echo", lambda *_, **__: seen.append((file.is_file(), len(list(tmp_path.iterdir())))))

    assert cli.main(["emulator", "--max-seconds", "0.1", "--write-target", str(file)]) == 0
    assert seen
    assert set(seen) == {(True, len(list(tmp_path.iterdir())))}


def test_whoever_stops_the_emulator_says_that_the_client_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(text: str, **_: object) -> None:
        if text.startswith("recording into"):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("click.echo", stop)

    assert cli.main(["emulator", "--no-tls", "--max-seconds", "30", "--record", str(tmp_path / "session")]) == 0
    assert read_journal(tmp_path / "session" / "journal.jsonl").events[-1]["client_over"] is True
    limits = [each for each in threading.enumerate() if isinstance(each, threading.Timer) and each.interval == 30]
    assert all(each.finished.is_set() for each in limits)
