"""Published clients of the protocol reimage, poll and wait against the emulator over mutual TLS, and their sessions pass `check`, which accuses neither side.

A client that cannot be installed is skipped, and the reason is said. What was installed is kept under .pytest_cache.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from client_packages import PublishedClient
from reimage_conformance import cli
from reimage_conformance.embedding.recording import Recording
from reimage_conformance.emulator import LIKE_THE_SERVICE, emulator_with, only_lenient, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = (
    PublishedClient("azure-servicemanagement-legacy", "0.20.8", "azure_legacy.py"),
    PublishedClient("apache-libcloud", "3.9.1", "libcloud_classic.py"),
    PublishedClient("azure-asm-compute", "0.18.0", "asm_compute.js"),
    PublishedClient("azure-asm-compute", "0.17.0", "asm_compute.js"),
)
OPERATION_SECONDS = 0.3
ADVICE = {
    "azure-servicemanagement-legacy": {"REIMAGE-CONTENT-TYPE", "POLL-PAUSE"},
    "apache-libcloud": {"REIMAGE-URI", "POLL-PAUSE", "POLL-AFTER-END"},
    "azure-asm-compute": {"REIMAGE-URI", "POLL-PAUSE"},
}
"""What departs from the documents in each client's session, without their common prefix; the pauses are those that the scripts ask for."""


@pytest.fixture(scope="module")
def cache(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kept = getattr(request.config, "cache", None)
    found: Path = kept.mkdir("published-clients") if kept is not None else tmp_path_factory.mktemp("clients")
    return found


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def session(
    request: pytest.FixtureRequest, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Any], Path]]:
    """What a client saw in one session, and the folder of the emulator's record of it."""
    client: PublishedClient = request.param
    installed = client.installed(cache)
    folder = tmp_path_factory.mktemp(client.name)
    emulator = emulator_with(OPERATION_SECONDS, oddities=LIKE_THE_SERVICE)
    with serve(emulator) as running:
        file = running.write_target(folder / "rig.toml")
        with Recording(emulator, folder / "run", running.base_url, lenient=only_lenient(LIKE_THE_SERVICE)):
            yield client.drive(installed, given(file, f"localhost:{running.port}")), folder / "run"


def given(file: Path, host: str) -> dict[str, Any]:
    """What a script needs to know of the target file that the emulator wrote."""
    described = tomllib.loads(file.read_text())
    deployment = next(each for each in described["deployments"] if "failing_role_instances" in each)
    return {
        "host": host,
        "pem": str(file.with_name("rig.client-and-key.pem")),
        "ca": str(file.with_name("rig.ca.pem")),
        "subscription": described["target"]["subscription_id"],
        "service": deployment["cloud_service"],
        "deployment": deployment["name"],
        "instance": deployment["role_instances"][0],
        "failing": deployment["failing_role_instances"][0],
    }


def test_the_client_reimages_polls_and_waits_for_both_ends(session: tuple[dict[str, Any], Path]) -> None:
    told = session[0]

    assert (told["ended"], told["failed"], told["code"]) == ("Succeeded", "Failed", "InternalError")
    assert len(told["seen"]) >= 15


def test_the_record_of_the_session_passes_check(
    session: tuple[dict[str, Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    events = [json.loads(line) for line in (session[1] / "journal.jsonl").read_text().splitlines()]
    served = [event for event in events if event["type"] == "exchange"]
    code = cli.main(["check", str(session[1])])
    told = capsys.readouterr().out

    assert code == 0
    assert "No violation was seen" in told
    assert "2 reimages" in told
    assert {event["response"]["status"] for event in served} == {200, 202}
    assert {event["request"]["identity"] for event in served} == {"primary"}


def test_the_client_is_accused_of_nothing_and_told_what_departs(
    session: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    words = ["check", str(session[1]), "--client", "--strictness", "strict", "--report-dir", str(tmp_path)]
    advised = next(told for package, told in ADVICE.items() if session[1].parent.name.startswith(package))

    assert cli.main(words) == 0
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    outcomes = {row["id"].removeprefix("REQ-CLIENT-"): row["outcome"] for row in results["requirements"]}
    assert {name for name, outcome in outcomes.items() if outcome == "advisory"} == advised
    assert {name for name, outcome in outcomes.items() if outcome == "not-applicable"} == {"RETRY-PAUSE", "REDIRECT"}
    assert {outcome for name, outcome in outcomes.items() if name not in advised} == {
        "met",
        "observed",
        "not-applicable",
    }
