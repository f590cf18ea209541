"""Targets on workers (`run --tx`): what a worker is given, what comes back, and what becomes of a run whose worker is lost or stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance import cli
from reimage_conformance.commands import fleet, parcels, work, workers
from reimage_conformance.commands.parcels import Parcel, parcel
from reimage_conformance.config import load_target
from reimage_conformance.embedding.worlds import world_of
from reimage_conformance.emulator import Emulator, emulator_with, serve
from reimage_conformance.errors import ReportError, UsageError
from reimage_conformance.run_options import RUN_OPTIONS
from test_cli import options, target_file

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS = 30.0
SECRET = "xyzzy plover"  # noqa: S105  a made-up one
CHOSEN = ("--profile", "smoke", "--only", "REQ-REIMAGE-202")


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Three endpoints with their target files, over TLS; the second is wrong."""
    folder = tmp_path_factory.mktemp("rigs")
    with contextlib.ExitStack() as serving:
        files = []
        for name, faults in (("a", ()), ("b", ("accepted-status[200]",)), ("c", ())):
            emulator = emulator_with(0.1, layout=world_of("one-instance"), faults=faults)
            running = serving.enter_context(serve(emulator))
            files.append(running.write_target(folder / f"{name}.toml", name=f"rig {name}"))
        yield files


@pytest.fixture(scope="module")
def judged(rigs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a command that gave the three targets to three workers, whose temporary folder is beside the reports."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "workers").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TMPDIR", str(folder / "workers"))
        line = ["run", *map(str, rigs), "--tx", "3*popen", "--report-dir", str(folder / "reports"), *CHOSEN]
        assert cli.main(line) == 1
    return folder


def test_three_workers_judge_three_targets_and_their_reports_come_here(judged: Path) -> None:
    folders = {name: judged / "reports" / f"rig-{name}" for name in "abc"}
    codes = {
        name: json.loads((each / "results.json").read_text())["run"]["exit_code"] for name, each in folders.items()
    }

    assert codes == {"a": 0, "b": 1, "c": 0}
    for folder in folders.values():
        names = {path.name for path in folder.iterdir()}
        assert {"journal.jsonl", "report.html", "junit.xml", "summary.md", "console.txt"} <= names


def test_a_journal_from_a_worker_is_whole(judged: Path, tmp_path: Path) -> None:
    was = judged / "reports" / "rig-b"

    assert cli.main(["report", str(was), "--report-dir", str(tmp_path)]) == 1
    assert (tmp_path / "results.json").read_bytes() == (was / "results.json").read_bytes()


def test_workers_keep_nothing_of_a_target(judged: Path) -> None:
    assert list((judged / "workers").iterdir()) == []


def test_a_parcel_holds_what_the_target_names_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Emulator(0.1, layout=world_of("one-instance"))) as running:
        file = running.write_target(tmp_path / "rig.toml", name="rig")
    (tmp_path / "known.toml").write_text("")
    (tmp_path / "passphrase").write_text(f"{SECRET}\n")
    monkeypatch.setenv("REIMAGE_CONFORMANCE_KEY_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    found = parcel(file, options(baseline=tmp_path / "known.toml", seed=5, overwrite=True), ["-x"])
    named = load_target(file)

    assert named.client_certificate is not None
    assert named.ca_bundle is not None
    assert found.files["client_certificate"] == named.client_certificate.read_bytes()
    assert found.files["ca_bundle"] == named.ca_bundle.read_bytes()
    assert found.command[2:] == (
        *("run", parcels.TARGET, "--report-dir", parcels.REPORTS),
        *("--baseline", "baseline", "--seed", "5", "--", "-x"),
    )
    assert found.environment["REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE"] == "client_certificate"
    assert found.environment["REIMAGE_CONFORMANCE_KEY_PASSPHRASE"] == SECRET
    assert SECRET not in repr(found)
    assert "PRIVATE" not in repr(found)


REFUSED = {"resume", "write_baseline"}
"""Options with a path that a command with --tx refuses."""
PATHS = [option.attribute for option in RUN_OPTIONS if option.kind is Path and option.attribute not in REFUSED]


@pytest.mark.parametrize("name", PATHS)
def test_no_path_of_this_machine_is_sent_to_a_worker(name: str, tmp_path: Path) -> None:
    rig = target_file(tmp_path)
    place = tmp_path / "given"
    place.mkdir() if name in {"failed_in", "report_dir"} else place.write_text("given")
    found = parcel(rig, options(**{name: place}), [])

    assert str(tmp_path) not in " ".join(found.command)
    assert name in {"failed_in", "report_dir"} or b"given" in found.files.values()


@contextlib.contextmanager
def at_work(folder: Path, script: str) -> Iterator[tuple[workers.Worker, threading.Thread, list[tuple[int, str]]]]:
    """A worker that runs `script` in place of the suite, once the script has said something."""
    folder.mkdir()
    ended: list[tuple[int, str]] = []
    given = Parcel({}, ("-c", script), {})
    with pytest.MonkeyPatch.context() as patched, contextlib.ExitStack() as opened:
        patched.setenv("TMPDIR", str(folder.parent))  # a worker that is killed leaves its folder
        (worker,) = opened.enter_context(workers.started(["popen"]))
        thread = threading.Thread(target=lambda: ended.append(worker.run(given, folder)))
        thread.start()
        wait_for((folder / "journal.jsonl").exists)
        yield worker, thread, ended
        thread.join(PATIENCE_SECONDS)


def wait_for(holds: object) -> None:
    """Waits until `holds` gives true; fails after PATIENCE_SECONDS."""
    assert callable(holds)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


RUN = """\
import pathlib, time
try:
    pathlib.Path("report").mkdir()
    pathlib.Path("report/journal.jsonl").write_text("{{}}\\n")
    while True:
        print("running", flush=True)
        time.sleep(0.01)
except KeyboardInterrupt:
    pathlib.Path("report/results.json").write_text("{{}}")
    raise SystemExit(2)
finally:
    pathlib.Path({ended!r}).write_text("")
"""
"""A run that ends in order when it is interrupted, and also when nobody takes what it prints, as runs of the suite do."""


def test_a_run_that_is_stopped_ends_in_order_and_sends_its_reports(tmp_path: Path) -> None:
    with at_work(tmp_path / "out", RUN.format(ended=str(tmp_path / "ended"))) as (worker, thread, ended):
        worker.stop()
        thread.join(PATIENCE_SECONDS)

    assert ended == [(2, "")]
    assert (tmp_path / "out" / "results.json").read_text() == "{}"


def test_a_lost_worker_leaves_its_journal_and_its_run_ends(tmp_path: Path) -> None:
    with at_work(tmp_path / "out", RUN.format(ended=str(tmp_path / "ended"))) as (worker, thread, ended):
        process: Any = worker._gateway._io
        process.popen.kill()
        thread.join(PATIENCE_SECONDS)
        wait_for((tmp_path / "ended").exists)

    assert ended == [(workers.LOST, "the connection to the worker popen was lost")]
    assert worker.lost
    assert (tmp_path / "out" / "journal.jsonl").read_text() == "{}\n"


def test_a_run_whose_connection_is_closed_here_ends(tmp_path: Path) -> None:
    with at_work(tmp_path / "out", RUN.format(ended=str(tmp_path / "ended"))) as (worker, thread, _):
        process: Any = worker._gateway._io
        process.close_write()
        thread.join(PATIENCE_SECONDS)
        wait_for((tmp_path / "ended").exists)


class Lost:
    """A worker whose connection breaks in its first run; one that was `lost` before is never given a run."""

    spec = "ssh=other"

    def __init__(self, journal: bytes) -> None:
        self.lost, self.runs, self._journal = False, 0, journal

    def run(self, given: Parcel, folder: Path) -> tuple[int, str]:
        del given
        self.lost, self.runs = True, self.runs + 1
        (folder / "journal.jsonl").write_bytes(self._journal)
        return workers.LOST, "the connection was lost"


def test_reports_are_made_of_what_a_lost_worker_sent(
    judged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = (judged / "reports" / "rig-a" / "journal.jsonl").read_bytes()
    worker: Any = Lost(journal[: len(journal) // 2])
    members = [fleet.Member(tmp_path / name, name, tmp_path / name, ()) for name in ("first", "second")]
    given = {member.folder: Parcel({}, (), {}) for member in members}
    with ThreadPoolExecutor(1) as threads:
        codes = asyncio.run(fleet._run_members(members, fleet.on_workers([worker], given, threads)))

    assert codes == [6, 6]
    assert worker.runs == 1
    assert json.loads((tmp_path / "first" / "results.json").read_text())["run"]["interrupted"]
    out = capsys.readouterr().out
    assert "first: the connection was lost; exit code 6\n" in out
    assert "second: not started: no worker is left\n" in out


def test_a_worker_is_reached_by_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/bash\necho "$2" > "$(dirname "$0")/host"\nexec sh -c "${@: -1}"\n')
    ssh.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(workers.SUITE))  # in place of an installed suite
    with workers.started([f"ssh=rig.example//python={sys.executable}"]) as (worker,):
        code, told = worker.run(Parcel({"file": b"carried"}, ("-c", "print(open('file').read())"), {}), tmp_path)

    assert (code, told) == (0, "")
    assert (tmp_path / "host").read_text() == "rig.example\n"
    assert (tmp_path / "console.txt").read_text() == "carried\n"


def test_a_worker_with_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parcels, "__version__", "0.0.9")
    with workers.started(["popen"]) as (worker,):
        code, told = worker.run(Parcel({}, ("-c", ""), {}), tmp_path)

    assert code == 4
    assert "cannot run the suite" in told
    assert "has reimage-conformance 0.1.0, expected reimage-conformance 0.0.9; install the expected" in told


def test_no_worker_writes_outside_the_report_folder(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="outside the report folder"):
        workers._append(tmp_path / "out", "../stolen", b"")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--tx", "popen"], "--tx gives target files to workers; expected at least one target file"),
        (["{rig}", "--tx", "popen", "-n", "2"], "-n and --tx both say how many"),
        (["{rig}", "--tx", "popen", "--resume", "x"], "--resume cannot be used with --tx"),
        (["{rig}", "--tx", "pop"], "--tx pop: expected popen, ssh=HOST//python=PATH"),
        (["{rig}", "--tx", "popen//popen"], "--tx popen//popen: cannot be read: duplicate key"),
        (["{rig}", "--tx", "0*popen"], "--tx 0*popen: expected a worker or more"),
        (
            ["{rig}", "--tx", "socket=h:1"],
            "--tx socket=h:1: expected popen, ssh=HOST//python=PATH or vagrant_ssh=HOST; certificates would",
        ),
        (["{rig}", "--tx", "ssh=other"], "rig: http://127.0.0.1:9 is on this machine, and on the worker ssh=other"),
        (
            ["{rig}", "--tx", "popen//python=/nowhere/python"],
            "--tx popen//python=/nowhere/python: the worker cannot be started",
        ),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_a_mistaken_worker_is_named(
    words: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig = str(target_file(tmp_path, "rig"))
    line = [word.replace("{rig}", rig) for word in words]

    assert cli.main(["run", "--report-dir", str(tmp_path / "reports"), *line]) == 4
    assert f"error: {complaint}" in capsys.readouterr().err


def test_a_worker_elsewhere_is_given_a_target_on_loopback_only_where_that_is_allowed(tmp_path: Path) -> None:
    target = load_target(target_file(tmp_path, "rig"))

    workers.check_specs(["popen"], [target], allow_reimage=False)
    workers.check_specs(["ssh=other"], [target], allow_reimage=True)
    with pytest.raises(UsageError, match="it would be something else"):
        workers.check_specs(["popen", "ssh=other"], [target], allow_reimage=False)


def test_what_a_worker_was_given_is_for_its_user_alone(tmp_path: Path) -> None:
    work.unpack({"client_key": b"secret", "failed-in/results.json": b"{}"}, tmp_path)

    assert (tmp_path / "client_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "failed-in").stat().st_mode & 0o777 == 0o700
