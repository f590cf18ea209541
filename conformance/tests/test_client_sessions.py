"""The emulator judges its client: a recorded session becomes a run about the client, with the same reports and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from client_sessions import SECRET, recorded_session
from emulator_script import SLOT, Clock, octets
from reimage_conformance import cli
from reimage_conformance.catalogue import CATALOGUE, CLIENT_CATALOGUE
from reimage_conformance.embedding.recording import Recording
from reimage_conformance.emulator import emulator_with
from reimage_conformance.emulator.layouts import MAIN
from reimage_conformance.journal import JournalWriter, read_journal
from reimage_conformance.replay.assessing import assessed
from reimage_conformance.report.results import results, results_schema
from reimage_conformance.wire.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

RIG = f"""
[target]
name = "rig"
base_url = "{{address}}"
subscription_id = "{MAIN}"

[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0"]
"""
REPORTS = ("results.json", "junit.xml", "summary.md", "report.html")


def told(folder: Path) -> dict[str, Any]:
    """What results.json says of the record in a folder."""
    return results(assessed(read_journal(folder / "journal.jsonl")))


def outcomes(folder: Path) -> dict[str, list[str]]:
    """The requirements that the record in a folder is judged by, by their outcome."""
    found: dict[str, list[str]] = {}
    for row in told(folder)["requirements"]:
        found.setdefault(row["outcome"], []).append(row["id"].removeprefix("REQ-CLIENT-"))
    return found


def test_a_sound_client_gets_reports_about_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded_session(tmp_path / "run", polls=3)

    assert cli.main(["report", str(run)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("CONFORMANT  client of rig: Everything that must hold for a client is met: 12 requirements.")
    assert [name for name in REPORTS if not (run / name).is_file()] == []
    assert outcomes(run).keys() == {"met", "observed", "not-applicable"}
    assert outcomes(run)["not-applicable"] == ["RETRY-PAUSE", "REDIRECT"]
    assert [row["id"] for row in told(run)["requirements"]] == list(CLIENT_CATALOGUE)
    assert json.loads((run / "results.json").read_text()) == told(run)
    assert (told(run)["run"]["subject"], told(run)["summary"]["reimages"]) == ("client", 1)
    assert [each["outcome"] for each in told(run)["operations"]] == ["Succeeded"]
    assert list(Draft202012Validator(results_schema()).iter_errors(told(run))) == []


def test_a_wrong_client_is_told_what_to_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded_session(tmp_path / "run", polls=2)

    assert cli.main(["report", str(run)]) == 1
    said = capsys.readouterr().out
    assert (
        "1. The client stopped polling while the operation was InProgress: the last of 2 polls showed InProgress"
        in said
    )
    assert "reimage-conformance explain REQ-CLIENT-POLL-END" in said
    assert "how to fix a client" in said
    assert "replay" not in said
    (finding,) = told(run)["findings"]
    assert (finding["requirement"], finding["evidence"], finding["reproduce"]) == ("REQ-CLIENT-POLL-END", [3, 1], "")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "the client broke it" in page
    assert "the endpoint broke it" not in page


@pytest.mark.parametrize(("polls", "code"), [(3, 0), (2, 1)])
def test_check_judges_the_client_of_any_recording_and_leaves_it_as_it_was(
    tmp_path: Path, polls: int, code: int
) -> None:
    run = recorded_session(tmp_path / "run", polls=polls)
    before = (run / "journal.jsonl").read_bytes()

    assert cli.main(["check", str(run), "--client", "--report-dir", str(tmp_path / "told")]) == code
    assert told(run)["run"]["exit_code"] == code
    assert outcomes(tmp_path / "told") == outcomes(run)
    assert (run / "journal.jsonl").read_bytes() == before


def test_the_same_record_judges_the_endpoint_too(tmp_path: Path) -> None:
    run = recorded_session(tmp_path / "run", polls=2)

    assert cli.main(["check", str(run), "--report-dir", str(tmp_path / "told")]) == 0
    assert [row["id"] for row in told(tmp_path / "told")["requirements"]] == list(CATALOGUE)
    assert told(tmp_path / "told")["run"]["subject"] == "endpoint"


def test_a_manner_of_published_clients_is_advice(tmp_path: Path) -> None:
    run = recorded_session(tmp_path / "run", polls=3, type_=None, oddities=("historical-type-missing",))

    assert told(run)["run"]["exit_code"] == 0
    assert outcomes(run)["advisory"] == ["REIMAGE-CONTENT-TYPE"]


def test_what_wrong_endpoints_answer_is_not_held_against_a_client(tmp_path: Path) -> None:
    """The emulator forgets the operation: the client polled with the right id, and had nothing to go on with."""
    run = recorded_session(tmp_path / "run", polls=3, faults=("accepted-id-truncated",))

    assert told(run)["run"]["exit_code"] == 0
    assert "violated" not in outcomes(run)


def test_a_client_that_stops_asking_where_nothing_ever_ends_is_not_accused(tmp_path: Path) -> None:
    run = recorded_session(tmp_path / "run", polls=9, faults=("never-ends",))

    assert cli.main(["check", str(run), "--client"]) == 0
    assert outcomes(run)["advisory"] == ["POLL-END"]
    assert told(run)["notes"] == ["The emulator was wrong on purpose: never-ends."]


def mixed_session(folder: Path) -> Path:
    """Three reimages that are refused for their type, one without type, and a sound one that is not polled; all at once."""
    emulator = emulator_with(5.0, clock=Clock(), oddities=("historical-type-missing",))
    with Recording(emulator, folder, "https://127.0.0.1:8443", name="rig"):
        connection = emulator.connect("main")
        for type_ in ("text/plain", "text/json", "text/plain", None):
            connection.receive(octets("POST", SLOT, Content_Type=type_))
    return folder


def test_every_deviation_is_told_with_how_often_it_was_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = mixed_session(tmp_path / "run")
    deviations = "'text/plain' (2 times); 'text/json' (once); no Content-Type (once, advisory)"

    assert cli.main(["report", str(run)]) == 1
    assert f"seen: {deviations}" in capsys.readouterr().out
    (typed, _) = told(run)["findings"]
    assert (typed["requirement"], typed["actual"]) == ("REQ-CLIENT-REIMAGE-CONTENT-TYPE", deviations)
    rows = {row["id"]: row for row in told(run)["requirements"]}
    assert rows["REQ-CLIENT-REIMAGE-CONTENT-TYPE"]["reason"] == deviations


@pytest.mark.parametrize(
    ("emulated", "lines"),
    [
        (
            {"polls": 2, "type_": None, "oddities": ("historical-type-missing",)},
            [
                "NONCONFORMANT  client of rig: 1 requirement is violated: 1 finding, 1 advisory.",
                "FAIL  1. The client stopped polling while the operation was InProgress: ",
                "WARN  2. The client did not name the media type of a reimage: no Content-Type",
            ],
        ),
        (
            {"polls": 3, "type_": None, "oddities": ("historical-type-missing",)},
            [
                "CONFORMANT  client of rig: Everything that must hold for a client is met: 11 requirements, 1 advisory.",
                "WARN  1. The client did not name the media type of a reimage: no Content-Type",
            ],
        ),
    ],
)
def test_a_quiet_report_tells_violations_and_advice_apart(
    tmp_path: Path, emulated: dict[str, Any], lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded_session(tmp_path / "run", **emulated)

    cli.main(["report", "-q", str(run)])
    said = capsys.readouterr().out.splitlines()
    assert [line.startswith(expected) for line, expected in zip(said[:-1], lines, strict=True)] == [True] * len(
        lines
    ), said


def test_the_reports_of_a_client_speak_of_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded_session(tmp_path / "run", polls=2)
    cli.main(["report", str(run)])

    page, summary = ((run / name).read_text(encoding="utf-8") for name in ("report.html", "summary.md"))
    assert "<dt>Recorded at</dt>" in page
    assert [word for word in ("Endpoint", "Profile", "Seed") if f"<dt>{word}</dt>" in page] == []
    assert [word for word in ("profile standard", "seed 0", "under [target]") if word in page + summary] == []
    assert "under [target]" not in capsys.readouterr().out


def test_a_record_that_was_cut_off_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    run = recorded_session(tmp_path / "run", polls=3)
    lines = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (run / "journal.jsonl").write_bytes(b"".join(lines[:3]))

    assert told(run)["run"]["exit_code"] == 0
    assert outcomes(run)["advisory"] == ["POLL-END"]
    assert told(run)["notes"] == ["The journal ends before the run did; this is what it holds."]


@pytest.mark.parametrize(("client_over", "outcome", "code"), [(True, "violated", 1), (False, "advisory", 0)])
@pytest.mark.parametrize(
    "command", [("report",), ("check", "--client"), ("check", "--client", "--strictness", "lenient")]
)
def test_a_client_that_had_ended_when_the_emulator_was_stopped_has_given_up(
    tmp_path: Path,
    command: tuple[str, ...],
    client_over: bool,  # noqa: FBT001
    outcome: str,
    code: int,
) -> None:
    run = recorded_session(tmp_path / "run", polls=2, rest=1.0, client_over=client_over)

    assert outcomes(run)[outcome] == ["POLL-END"]
    assert cli.main([*command, str(run)]) == code


@pytest.mark.parametrize(("address", "code"), [("https://127.0.0.1:8443", 1), ("https://127.0.0.1:8444", 0)])
def test_a_target_file_of_the_emulator_leaves_its_end_known(tmp_path: Path, address: str, code: int) -> None:
    """That of another address is for recordings whose recorder knew another one: the end is not known then."""
    run = recorded_session(tmp_path / "run", polls=2, rest=1.0)
    rig = tmp_path / "rig.toml"
    rig.write_text(RIG.format(address=address), encoding="utf-8")

    assert cli.main(["check", str(run), "--client", "--target", str(rig)]) == code


def test_a_session_without_a_request_meets_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with JournalWriter(tmp_path / "journal.jsonl", SystemClock()) as journal:
        header = read_journal(recorded_session(tmp_path / "other", polls=0) / "journal.jsonl").header
        journal.write("run", **{name: value for name, value in header.items() if name not in ("type", "at", "schema")})

    assert outcomes(tmp_path).keys() == {"untested", "not-applicable"}
    assert (told(tmp_path)["run"]["verdict"], told(tmp_path)["run"]["exit_code"]) == ("incomplete", 6)
    for command in (["report"], ["check", "--client"]):
        assert cli.main([*command, str(tmp_path)]) == 6
        said = capsys.readouterr().out
        assert "no request of a client was recorded; did it reach https://127.0.0.1:8443?\n" in said
        assert "untested: nothing that was recorded of the client shows it" in said
        assert "--profile" not in said
    assert "--profile" not in (tmp_path / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("type_", "lenient", "code", "said"),
    [
        (None, False, 6, "could be judged: no reimage that the client asked for was answered 202."),
        (None, True, 6, "could be judged: no reimage that the client asked for was answered 202."),
        (
            "text/plain",
            True,
            1,
            "1. The client did not label a reimage with Content-Type application/xml: 'text/plain'",
        ),
    ],
)
def test_a_client_whose_reimages_are_all_refused_never_passes(
    tmp_path: Path,
    type_: str | None,
    lenient: bool,  # noqa: FBT001
    code: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = recorded_session(tmp_path / "run", polls=0, type_=type_)
    strictness = "lenient" if lenient else "strict"

    assert cli.main(["check", str(run), "--client", "--strictness", strictness]) == code
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("strictness", ["strict", "lenient"])
def test_a_client_whose_reimage_is_refused_for_its_missing_length_is_told_so(
    tmp_path: Path, strictness: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recorded_session(tmp_path / "run", polls=0, length=None)

    assert cli.main(["check", str(run), "--client", "--strictness", strictness]) == 1
    assert "1. The client did not send Content-Length: 0 with a reimage: no Content-Length" in capsys.readouterr().out


def test_what_a_client_authorises_itself_with_is_masked(tmp_path: Path) -> None:
    run = recorded_session(tmp_path / "run", polls=3)
    assert cli.main(["report", str(run)]) == 0

    secret = SECRET.partition(" ")[2].encode()
    assert [path.name for path in run.iterdir() if secret in path.read_bytes()] == []


def test_the_findings_of_a_client_cannot_be_sent_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = recorded_session(tmp_path / "run", polls=2)
    cli.main(["report", str(run)])

    assert cli.main(["replay", str(run), "--target", str(tmp_path / "rig.toml")]) == cli.WRONG_USAGE
    assert "judges a client" in capsys.readouterr().err


def test_a_bundle_of_a_session_keeps_its_verdict(tmp_path: Path) -> None:
    run = recorded_session(tmp_path / "run", polls=2)
    cli.main(["report", str(run)])

    assert cli.main(["bundle", str(run), "--output", str(tmp_path / "run.zip")]) in (0, 1)
    assert cli.main(["verify-bundle", str(tmp_path / "run.zip")]) == 0


def test_the_requirements_of_clients_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["requirements", "--client", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == list(CLIENT_CATALOGUE)
    assert cli.main(["explain", *CLIENT_CATALOGUE]) == 0
    said = capsys.readouterr().out
    assert said.count("How it is judged") == len(CLIENT_CATALOGUE)
    assert "What is sent" not in said
