"""How a whole run ends: interrupted, out of disk, without a folder to report to; and what it lets out of its secrets."""

from __future__ import annotations

import base64
import json
import re
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import trustme

from hollow_endpoints import hollow_target, serve_hollow
from memory_runs import run_in_memory
from reimage_conformance.config import load_target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORTS = {"journal.jsonl", "results.json", "report.html", "junit.xml", "summary.md"}
COMMAND = [sys.executable, "-m", "reimage_conformance.cli"]
PATIENCE = 60.0
SMALL_FILE = 200_000


@contextmanager
def emulator(folder: Path, *, operation_seconds: float = 0.2) -> Iterator[Path]:
    """A target file of an emulator that is served over TLS meanwhile."""
    file = folder / "target.toml"
    words = [*COMMAND, "emulator", "--write-target", str(file), "--operation-seconds", str(operation_seconds)]
    process = subprocess.Popen([*words, "--max-seconds", "300"], stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout is not None
        assert "http" in process.stdout.readline()
        assert str(file) in process.stdout.readline()
        yield file
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A run of the suite in a process of its own, to its end."""
    return subprocess.run([*COMMAND, "run", *words], capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603


def await_line(journal: Path, mark: bytes, process: subprocess.Popen[str]) -> None:
    """Waits until the journal holds `mark`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if journal.exists() and mark in journal.read_bytes():
            return
        time.sleep(0.02)
    pytest.fail(f"no {mark!r} in the journal")


@pytest.mark.parametrize(
    ("end", "rest", "frames"),
    [
        (signal.SIGINT, (), 0),
        (signal.SIGINT, ("--", "--full-trace"), 20),
        (signal.SIGINT, ("-q",), 0),
        (signal.SIGTERM, (), 0),
    ],
    ids=["brief", "full-trace", "quiet", "terminated"],
)
def test_a_run_that_is_cut_short_ends_with_all_reports_and_names_what_goes_on(
    tmp_path: Path, end: signal.Signals, rest: tuple[str, ...], frames: int
) -> None:
    folder = tmp_path / "reports"
    with emulator(tmp_path, operation_seconds=30.0) as target:
        words = [*COMMAND, "run", str(target), "--report-dir", str(folder), *rest]
        heard = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731  a shell's background job ignores it
        process = subprocess.Popen(  # noqa: S603
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=heard,  # noqa: PLW1509
        )
        await_line(folder / "journal.jsonl", b'"type":"operation"', process)
        process.send_signal(end)
        told, _ = process.communicate(timeout=PATIENCE)

    results = json.loads((folder / "results.json").read_text())
    assert process.returncode == 2
    assert {file.name for file in folder.iterdir()} == REPORTS
    assert results["run"]["interrupted"] is True
    assert len(re.findall(r"^\S+\.py:\d+: ", told, re.MULTILINE)) >= frames
    assert "to show a full traceback" not in told
    assert ("KeyboardInterrupt" in told) == bool(frames)
    assert f"\ninterrupted; go on with: reimage-conformance run {target} --resume {folder}\n" in told
    summary = (folder / "summary.md").read_text()
    assert ("Still under way when the run was cut short: " in told) == ("-q" not in rest)
    left = re.search(r"Still under way when the run was cut short: (\w{32}) ", summary)
    assert left is not None
    assert left[1] in {operation["id"] for operation in results["operations"]}
    assert left[1] in (folder / "report.html").read_text()


def test_a_disk_that_fills_up_is_one_sentence(tmp_path: Path) -> None:
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_FILE, SMALL_FILE))  # noqa: E731
    words = [*COMMAND, "run", "--profile", "smoke", "--report-dir", str(tmp_path / "reports")]
    words += [
        "--",
        "-o",
        f"cache_dir={tmp_path / 'cache'}",
    ]  # what pytest remembers of this checkout may be large itself
    done = subprocess.run(  # noqa: S603  the child does nothing but start Python
        words, capture_output=True, text=True, check=False, timeout=PATIENCE, preexec_fn=limit
    )
    told = [line for line in (done.stdout + done.stderr).splitlines() if "cannot be written" in line]
    assert done.returncode == 3
    assert len(told) == 1
    assert "journal.jsonl' cannot be written: File too large" in told[0]
    assert "Traceback" not in done.stdout + done.stderr


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("--profile", "smoke", "--report-dir", str(tmp_path / "file" / "reports"))
    assert done.returncode == 4
    assert done.stderr.strip().splitlines() == [
        f"error: --report-dir {tmp_path / 'file' / 'reports'}: there is a file where a folder is expected; name another folder"
    ]


def written(secret: str) -> set[str]:
    """The forms in which a secret might get into a report."""
    octets = secret.encode()
    aligned = {base64.b64encode(b" " * shift + octets)[4:-4].decode() for shift in range(3)}
    percent = "".join(f"%{octet:02X}" for octet in octets)
    entities = "".join(f"&#{octet};" for octet in octets)
    escapes = "".join(f"\\u{octet:04x}" for octet in octets)
    return {secret, secret.upper(), quote(secret, safe=""), percent, percent.lower(), entities, escapes, *aligned}


def leaked(folder: Path, secrets: list[str]) -> list[tuple[str, str]]:
    """The artifacts that hold a secret, in whatever form."""
    texts = {file.name: file.read_text(errors="replace") for file in folder.iterdir()}
    forms = {form: secret for secret in secrets for form in written(secret)}
    return [(name, secret) for name, text in texts.items() for form, secret in forms.items() if form in text]


def test_no_secret_of_the_target_gets_into_an_artifact(tmp_path: Path) -> None:
    with emulator(tmp_path) as file:
        done = run(str(file), "--profile", "smoke", "--report-dir", str(tmp_path / "reports"))
        target = load_target(file)
    keys = [
        (tmp_path / name).read_text().split("-----")[2].split() for name in ("target.client.pem", "target.client.key")
    ]
    secrets = [target.subscription_id, str(target.other_subscription_id), *(line for lines in keys for line in lines)]
    assert done.returncode == 0, done.stdout
    assert {file.name for file in (tmp_path / "reports").iterdir()} == REPORTS
    assert len(secrets) > 10
    assert leaked(tmp_path / "reports", [secret for secret in secrets if len(secret) > 16]) == []
    assert target.subscription_id not in done.stdout + done.stderr


def test_no_secret_that_an_endpoint_gives_back_gets_into_an_artifact(tmp_path: Path) -> None:
    with serve_hollow("echo") as port:
        file = hollow_target(tmp_path, port)
        done = run(str(file), "--profile", "smoke", "--report-dir", str(tmp_path / "reports"))
    secret = load_target(file).subscription_id
    assert done.returncode in (1, 6), done.stdout
    assert leaked(tmp_path / "reports", [secret]) == []
    assert secret not in done.stdout + done.stderr


def test_without_redaction_the_secret_is_there(tmp_path: Path) -> None:
    with serve_hollow("echo") as port:
        file = hollow_target(tmp_path, port)
        run(str(file), "--profile", "smoke", "--no-redact", "--report-dir", str(tmp_path / "reports"))
    assert leaked(tmp_path / "reports", [load_target(file).subscription_id]) != []


def test_collecting_alone_ends_well_and_reports_nothing(tmp_path: Path) -> None:
    assert run_in_memory(tmp_path / "report", "--collect-only") == 0
    assert not (tmp_path / "report").exists()


def test_a_certificate_that_opens_nothing_ends_the_run_with_one_sentence(tmp_path: Path) -> None:
    stranger = trustme.CA().issue_cert("stranger.invalid")
    stranger.private_key_and_cert_chain_pem.write_to_path(tmp_path / "stranger.pem")
    with emulator(tmp_path) as file:
        lines = [
            line for line in file.read_text().splitlines() if not line.startswith(("client_certificate", "client_key"))
        ]
        at = lines.index("[target]") + 1
        lines[at:at] = [f'client_certificate = "{tmp_path / "stranger.pem"}"']
        file.write_text("\n".join(lines))
        done = run(str(file), "--no-preflight", "--report-dir", str(tmp_path / "reports"))
    results = json.loads((tmp_path / "reports" / "results.json").read_text())

    assert (done.returncode, done.stderr) == (6, "")
    assert "client_certificate may not use subscription_id" in done.stdout
    assert "Traceback" not in done.stdout
    assert results["summary"]["requests"] == 3
    assert {row["outcome"] for row in results["requirements"]}.isdisjoint({"met", "violated", "advisory"})
