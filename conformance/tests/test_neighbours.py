"""The suite installed into somebody else's environment: beside a project that uses the same names, and beside other plugins of pytest."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).parents[2]
BESIDE = ("asyncio", "cov", "randomly", "rerunfailures", "sugar", "timeout", "xdist")
"""Plugins that many projects have: pytest-asyncio and so on."""
CHOICE = ("-k", "test_a_version_before_the_minimum_is_refused")
PROJECT: Mapping[str, str] = {
    "pytest.ini": """
[pytest]
addopts = --strict-markers --strict-config
asyncio_default_fixture_loop_scope = function
filterwarnings = error
markers = verifies: ours
""",
    "conformance/__init__.py": 'OURS = "the project\'s own"\n',
    "cases/__init__.py": "",
    "conftest.py": """
import pytest

NAMES = ("--target", "--profile", "--seed", "--baseline", "--fault", "--report-dir")


def pytest_addoption(parser):
    for name in NAMES:
        parser.addoption(name, default="left out")


@pytest.fixture
def sut():
    return "the project's own"
""",
    "test_project.py": """
import sys

import pytest

import cases
import conformance


@pytest.mark.verifies("something")
def test_every_name_is_the_projects(sut, request):
    assert sut == conformance.OURS
    assert request.config.getoption("--target") == "staging"
    assert request.config.getoption("--seed") == "left out"
    assert "reimage_conformance" not in sys.modules
""",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with the suite, installed from its wheel."""
    missing = [name for name in BESIDE if not is_installed(f"pytest-{name}")]
    if missing or not is_installed("hatchling"):
        pytest.skip(f"not installed: {', '.join(missing) or 'hatchling'}; `pip install -e '.[dev]'` does")
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist"), cwd=REPOSITORY)
    (wheel,) = (folder / "dist").iterdir()
    words = [
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--disable-pip-version-check",
        "--target",
        str(folder / "site"),
    ]
    run(sys.executable, "-m", "pip", *words, str(wheel), cwd=folder)
    return folder / "site"


def is_installed(name: str) -> bool:
    """Whether a distribution of this name is in the environment."""
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def run(*words: str, cwd: Path, site: Path | None = None) -> str:
    """Run a command as the user of an environment with this folder of packages, and give what it printed; it has to succeed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "PYTHON", "COV"))}
    environment = kept if site is None else {**kept, "PYTHONPATH": str(site)}
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def project(folder: Path) -> Path:
    """Write the project that uses the suite's names for its own things."""
    for name, text in PROJECT.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def contents(folder: Path) -> dict[str, int]:
    """Every file under a folder, with the time of its last change."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def judged(report: Path) -> set[str]:
    """The outcomes of the cases of a run."""
    return {case["outcome"] for case in json.loads((report / "results.json").read_text(encoding="utf-8"))["cases"]}


def test_the_tests_of_a_project_run_as_without_the_suite(site: Path, tmp_path: Path) -> None:
    words = ("-n", "1", "--cov=conformance", "--timeout=60", "--reruns=1", "--target=staging")

    said = run(sys.executable, "-m", "pytest", *words, cwd=project(tmp_path), site=site)

    assert "1 passed" in said


def test_the_suite_runs_in_the_folder_of_a_project(site: Path, tmp_path: Path) -> None:
    before = contents(site)
    run(
        str(site / "bin" / "reimage-conformance"),
        "run",
        "--report-dir",
        "reports",
        "--",
        *CHOICE,
        cwd=project(tmp_path),
        site=site,
    )

    assert judged(tmp_path / "reports") == {"met"}
    assert contents(site) == before


def test_pytest_runs_the_installed_cases_where_the_plugin_is_named(site: Path, tmp_path: Path) -> None:
    before = contents(site)
    words = (
        "-p",
        "reimage_conformance.pytest_plugin",
        "--assert=plain",
        "--pyargs",
        "reimage_conformance.cases",
        "--in-memory",
    )

    run(sys.executable, "-m", "pytest", *words, "--report-dir", "reports", *CHOICE, cwd=tmp_path, site=site)

    assert judged(tmp_path / "reports") == {"met"}
    assert contents(site) == before
