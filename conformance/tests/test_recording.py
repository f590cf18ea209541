"""What the emulator keeps of a client's session: every exchange as it was, also where the emulator is wrong."""

from __future__ import annotations

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
