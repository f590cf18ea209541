"""The emulator as a fixture of pytest: the example of docs/clients.md runs, and mistakes in a marker are one sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from emulator_script import SLOT
from reimage_conformance.config import load_target
from reimage_conformance.errors import UsageError
from reimage_conformance.model import RunVerdict
from reimage_conformance.testing import _KEYWORDS, Certificates, served_emulator

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8")
CONFTEST, EXAMPLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
INI = "[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n"
MISTAKES: Mapping[str, tuple[str, str]] = {
    "unknown_fault": (
        'faults=["accepted-status[2O0]"]',
        "reimage_emulator: unknown fault 'accepted-status\\[2O0\\]'; did you mean",
    ),
    "text_for_a_list": (
        'oddities="ids-opaque"',
        'oddities is expected to be a list of names, found the text "ids-opaque"',
    ),
    "unknown_world": ('world="two-instance"', 'did you mean "two-instances"'),
    "no_such_world": ('world=__import__("pathlib").Path("mine.toml")', "mine.toml: there is no such world file"),
    "no_time": ("operation_seconds=0", "operation_seconds is expected to be a number above 0, found 0"),
    "record_of_nothing": ("record=3", "record is expected to be True or a folder, found 3"),
    "unknown_keyword": ('fault="x"', "these keywords alone: world, faults, .*; found fault"),
    "no_keyword": ('"large"', "these keywords alone: .*; found large"),
}
OTHERS = """
import socket
from urllib.parse import urlsplit

import pytest

KEPT = []
pytestmark = pytest.mark.reimage_emulator(world="one-slot", tls=False)


@pytest.mark.reimage_emulator(world="one-instance")
def test_the_nearest_marker_counts(reimage_emulator):
    KEPT.append(reimage_emulator)
    assert reimage_emulator.base_url.startswith("http://127.0.0.1:")
    assert [len(each.instances) for each in reimage_emulator.deployments] == [1]
    with socket.create_connection(("127.0.0.1", urlsplit(reimage_emulator.base_url).port), timeout=5):
        pass


def test_it_is_stopped_at_the_end_of_its_test(reimage_emulator):
    (before,) = KEPT
    assert before.base_url != reimage_emulator.base_url
    assert sum(len(each.instances) for each in reimage_emulator.deployments) == 4
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", urlsplit(before.base_url).port), timeout=5).close()
"""


def run_project(folder: Path, **tests: str) -> str:
    """Run the tests of a project that names the module in its conftest.py, in a process of its own; give what pytest says."""
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text(INI, encoding="utf-8")
    for name, text in tests.items():
        (folder / f"test_{name}.py").write_text(text, encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    environment = {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT / "conformance")}
    words = [sys.executable, "-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider"]
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    return done.stdout + done.stderr


def test_the_example_runs_in_a_project_of_its_own(tmp_path: Path) -> None:
    said = run_project(tmp_path, example=EXAMPLE, others=OTHERS)

    assert "5 passed" in said, said


def test_a_mistake_in_a_marker_is_one_sentence(tmp_path: Path) -> None:
    tests = [
        f"@pytest.mark.reimage_emulator({mark})\ndef test_{name}(reimage_emulator): ...\n"
        for name, (mark, _) in MISTAKES.items()
    ]
    said = run_project(tmp_path, mistakes="\n".join(["import pytest", *tests]))

    for name, (_, sentence) in MISTAKES.items():
        assert re.search(f"ERROR test_mistakes.py::test_{name} - (Failed: )?reimage_emulator: ", said), said
        assert re.search(sentence, said), said
    assert "another exception" not in said
    assert "testing.py:" not in said


def test_the_page_names_every_keyword_and_every_property() -> None:
    section = PAGE.partition("## In the tests of your project")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+)", section, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}

    assert set(_KEYWORDS) <= named
    assert {
        "base_url",
        "subscription_id",
        "certificates",
        "target_file",
        "deployments",
        "accepted",
        "requests",
        "judge_client",
        "record",
    } <= named
    assert all(f"`{name}`" in section for name in Certificates.__slots__)


def test_it_is_served_for_a_fixture_of_any_scope(tmp_path: Path) -> None:
    with served_emulator(tmp_path, world="two-instances") as emulator:
        target = load_target(emulator.target_file)
        files = emulator.certificates

    assert target.base_url == emulator.base_url
    assert target.subscription_id == emulator.subscription_id
    assert all(getattr(files, name).is_file() for name in Certificates.__slots__)
    assert (emulator.requests, emulator.accepted) == (0, 0)


def test_without_tls_there_are_no_certificates(tmp_path: Path) -> None:
    with served_emulator(tmp_path, tls=False) as emulator, pytest.raises(UsageError, match="leave tls=False out"):
        _ = emulator.certificates


def test_a_client_that_never_asks_how_its_reimage_ended_is_judged_in_the_test(tmp_path: Path) -> None:
    with served_emulator(tmp_path, tls=False, like_the_service=True, record=True) as emulator:
        address = urlsplit(emulator.base_url)
        with closing(HTTPConnection(str(address.hostname), address.port, timeout=10)) as connection:
            connection.request("POST", SLOT, headers={"x-ms-version": "2011-10-01", "Content-Type": "application/xml"})
            assert connection.getresponse().status == 202
        told = emulator.judge_client()

        assert emulator.judge_client() == told
    assert [each.requirement for each in told.findings] == ["REQ-CLIENT-POLL-END"]
    assert told.verdict is RunVerdict.NONCONFORMANT
    assert emulator.record == tmp_path / "session"


def test_only_what_is_recorded_is_judged_and_no_record_is_overwritten(tmp_path: Path) -> None:
    with served_emulator(tmp_path, tls=False) as emulator, pytest.raises(UsageError, match="record=True"):
        emulator.judge_client()
    (tmp_path / "journal.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="holds a record already"), served_emulator(tmp_path, record=tmp_path):
        pass
