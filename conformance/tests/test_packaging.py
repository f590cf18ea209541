"""Packaging: what is imported is declared, with bounds, and the environments that try these bounds name tests that there are."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

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
