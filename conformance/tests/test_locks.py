"""Two runs are never at one deployment: what counts as one, who is refused or waits, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.commands import fleet
from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.config import load_target
from reimage_conformance.errors import BusyError, UsageError
from reimage_conformance.locks import claims, endpoint, hold
from reimage_conformance.model import Deployment, Target
from test_cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 60.0
STAGING = Deployment("contoso", "staging", "contoso-v2", ("Web_IN_0",))
PRODUCTION = Deployment("contoso", "production", "contoso-v1", ("Web_IN_0",))
TARGET = Target("first rig", "https://rig.example:8443", "6A8B7C2E-0000-4000-8000-000000000001", (STAGING,))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("base_url", "same"),
    [
        ("https://rig.example", "https://RIG.Example:443"),
        ("https://rig.example", "https://rig.example/"),
        ("https://rig.example", "https://rig.example."),
        ("HTTP://rig.example", "http://rig.example:80"),
        ("http://localhost:9", "http://127.0.0.1:9"),
        ("http://localhost:9", "http://[::1]:9"),
        ("http://localhost:9", "http://[0:0:0:0:0:0:0:1]:9"),
        ("http://localhost:9", "http://[::ffff:127.0.0.1]:9"),
        ("http://localhost:9", "http://0.0.0.0:9"),
        ("http://localhost:9", "https://LOCALHOST.:9"),
        ("http://[2001:DB8::1]:9", "http://[2001:db8:0::1]:9"),
    ],
)
def test_two_spellings_of_one_endpoint_are_one(base_url: str, same: str) -> None:
    assert endpoint(base_url) == endpoint(same)


@pytest.mark.parametrize(
    "other",
    ["https://rig.example:8444", "https://rig.example", "https://rig2.example:8443", "https://127.0.0.1:8443"],
)
def test_other_endpoints_are_others(other: str) -> None:
    assert endpoint(other) != endpoint(TARGET.base_url)


SHARING = {
    "itself": TARGET,
    "under another name": replace(TARGET, name="second rig", base_url="https://RIG.EXAMPLE:8443/"),
    "dialled otherwise": replace(TARGET, base_url="https://service.example", connect_to="RIG.example:8443"),
    "dialled at its address": replace(TARGET, connect_to="192.0.2.7:8443"),
    "subscription in small letters": replace(TARGET, subscription_id=TARGET.subscription_id.lower()),
    "service in capitals": replace(TARGET, deployments=(replace(STAGING, cloud_service="CONTOSO"),)),
    "slot in capitals": replace(TARGET, deployments=(replace(STAGING, slot="Staging", name="other"),)),
    "in the other slot, after a swap": replace(TARGET, deployments=(replace(STAGING, slot="production"),)),
    "deployed anew in the slot": replace(TARGET, deployments=(replace(STAGING, name="contoso-v3"),)),
    "one of two": replace(TARGET, deployments=(PRODUCTION, STAGING)),
    "other instances": replace(TARGET, deployments=(replace(STAGING, role_instances=("Web_IN_7",)),)),
}
APART = {
    "the other deployment": replace(TARGET, deployments=(PRODUCTION,)),
    "another cloud service": replace(TARGET, deployments=(replace(STAGING, cloud_service="fabrikam"),)),
    "another subscription": replace(TARGET, subscription_id="6a8b7c2e-0000-4000-8000-000000000002"),
    "another endpoint": replace(TARGET, base_url="https://rig2.example:8443"),
}


@pytest.mark.parametrize("other", SHARING.values(), ids=SHARING)
def test_a_deployment_that_two_targets_share_is_held_once(other: Target, tmp_path: Path) -> None:
    held = hold(TARGET, tmp_path / "reports")
    with pytest.raises(BusyError) as refused:
        hold(other, None)
    held.release()
    hold(other, None).release()

    assert refused.value.exit_code == 6
    told = re.fullmatch(
        r'another run is using deployment \S+ of cloud service \S+: process (\d+), target "first rig", since (\S+), '
        r"reports in (\S+); start again after its end, or give --wait SECONDS",
        str(refused.value),
    )
    assert told is not None
    assert (told[1], told[3]) == (str(os.getpid()), str(tmp_path / "reports"))
    assert TARGET.subscription_id not in str(refused.value)


@pytest.mark.parametrize("other", APART.values(), ids=APART)
def test_deployments_that_differ_are_held_beside_each_other(other: Target) -> None:
    held = hold(TARGET, None)
    hold(other, None).release()
    held.release()


def test_a_refused_run_holds_nothing_of_what_was_free() -> None:
    held = hold(TARGET, None)
    with pytest.raises(BusyError):
        hold(replace(TARGET, deployments=(PRODUCTION, STAGING)), None)
    hold(replace(TARGET, deployments=(PRODUCTION,)), None).release()
    held.release()


def test_a_run_that_may_wait_gets_its_turn() -> None:
    held = hold(TARGET, None)
    told: list[str] = []
    timer = threading.Timer(0.3, held.release)

    def waiting(sentence: str) -> None:
        told.append(sentence)
        timer.start()

    hold(TARGET, None, wait_seconds=PATIENCE, waiting=waiting).release()
    timer.join()
    assert len(told) == 1
    assert told[0].startswith("waiting: another run is using deployment contoso-v2 of cloud service contoso: process")


def test_a_run_does_not_wait_longer_than_it_may() -> None:
    held = hold(TARGET, None)
    with pytest.raises(BusyError, match="it did not end within the time of --wait"):
        hold(TARGET, None, wait_seconds=0.2)
    held.release()


def test_the_locks_are_this_users_alone_and_name_no_secret(cache: Path) -> None:
    held = hold(TARGET, None)
    place = cache / "reimage-conformance" / "locks"
    files = list(place.iterdir())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (place, *files)}
    texts = "".join(path.name + path.read_text() for path in files)
    held.release()

    assert len([path for path in files if path.suffix == ".json"]) == len(claims(TARGET)) == 2
    assert modes <= {0o700, 0o600}
    assert TARGET.subscription_id.lower() not in texts.lower()
    assert list(place.iterdir()) == []


def test_without_a_cache_folder_the_systems_temporary_one_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    held = hold(TARGET, None)
    assert (tmp_path / f"reimage-conformance-locks-{os.getuid()}").is_dir()
    held.release()

    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    with pytest.raises(UsageError, match="no folder can be written for the locks that keep two runs apart"):
        hold(TARGET, None)


TARGET_TEXT = """
[target]
name = "{name}"
base_url = "http://127.0.0.1:9"
subscription_id = "6a8b7c2e-0000-4000-8000-000000000001"

[[deployments]]
cloud_service = "contoso"
slot = "staging"
name = "contoso-v2"
role_instances = ["Web_IN_0"]
"""
HOLDER = """
import sys
from pathlib import Path
from reimage_conformance.config import load_target
from reimage_conformance.locks import hold
held = hold(load_target(Path(sys.argv[1])), Path("reports"))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def other_run(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the target's deployments meanwhile."""
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.fixture
def target_file(tmp_path: Path) -> Path:
    """A target file."""
    file = tmp_path / "target.toml"
    file.write_text(TARGET_TEXT.format(name="a rig"), encoding="utf-8")
    return file


def test_a_run_in_pytest_is_refused_while_another_process_is_at_work(target_file: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pytest", str(cases_folder()), "--target", str(target_file)]
    folder = tmp_path / "reports"
    with other_run(target_file) as other:
        done = subprocess.run(  # noqa: S603
            [*words, "--report-dir", str(folder)], capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    assert done.returncode == 6
    assert done.stderr.startswith(
        f"error: another run is using deployment contoso-v2 of cloud service contoso: process {other.pid}, "
    )
    assert len(done.stderr.splitlines()) == 1
    assert not folder.exists()


def test_a_process_that_is_killed_leaves_nothing_locked(target_file: Path) -> None:
    with other_run(target_file) as other:
        with pytest.raises(BusyError, match=f"process {other.pid}, "):
            hold(load_target(target_file), None)
        other.send_signal(signal.SIGKILL)
        other.wait(PATIENCE)
        hold(load_target(target_file), None).release()


TURN = (
    "import sys, time; f = open(sys.argv[1], 'a', buffering=1); f.write('start\\n'); time.sleep(0.2); f.write('end\\n')"
)


def test_targets_of_one_command_that_share_a_deployment_run_one_after_another(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = (sys.executable, "-c", TURN, str(log))
    members = [
        fleet.Member(tmp_path / "x.toml", name, tmp_path / name, command, shared)
        for name, shared in (("a", ("one", "two")), ("b", ("three", "two")), ("c", ("one", "three")))
    ]
    assert asyncio.run(fleet._run_members(members, fleet.in_processes(3))) == [0, 0, 0]
    assert log.read_text().split() == ["start", "end"] * 3


def test_a_fleet_knows_which_targets_share_a_deployment(tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.toml" for name in ("a", "b", "c")]
    for file in files:
        file.write_text(TARGET_TEXT.format(name=file.stem), encoding="utf-8")
    files[1].write_text(files[1].read_text().replace("127.0.0.1", "LocalHost"), encoding="utf-8")
    files[2].write_text(files[2].read_text().replace(":9", ":10"), encoding="utf-8")
    members = fleet.members_for(files, options(), [], "now")
    first, second, third = (member.claims for member in members)
    assert first == second
    assert set(first).isdisjoint(third)
