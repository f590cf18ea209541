"""What docs/compatibility.md promises is so, and the documents of a project are there and agree with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from promised_names import FILE, names_now, promised
from reimage_conformance import __version__, cli
from reimage_conformance.journal import SCHEMA
from reimage_conformance.report.results import SCHEMA_NAME

ROOT = Path(__file__).parents[2]
PROMISE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", promised())
def test_no_promised_name_is_gone(kind: str) -> None:
    gone = set(promised()[kind]) - set(names_now()[kind])

    assert promised()[kind]
    assert not gone, f"gone: {', '.join(sorted(gone))}; docs/compatibility.md says when a name may go ({FILE.name})"


def test_the_promise_names_the_forms_of_files_and_every_exit_code() -> None:
    codes = re.findall(r"^\| (\d) \|", (ROOT / "docs" / "reports.md").read_text(encoding="utf-8"), re.MULTILINE)
    (named,) = re.findall(r"^\| exit codes \| ([\d, and]+) mean ", PROMISE, re.MULTILINE)

    assert f"`{SCHEMA_NAME}`" in PROMISE
    assert f"`{SCHEMA}`" in PROMISE
    assert re.findall(r"\d", named) == codes
    assert {str(each) for each in (cli.INTERRUPTED, cli.INTERNAL_ERROR, cli.WRONG_USAGE)} < set(codes)


def test_there_is_one_version_and_the_changelog_begins_with_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    newest = re.search(r"^## (.*)", CHANGELOG, re.MULTILINE)

    assert project["version"] == __version__
    assert newest is not None
    assert re.fullmatch(rf"{re.escape(__version__)}, (unreleased|\d{{4}}-\d\d-\d\d)", newest[1])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_of_a_document_leads_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)

    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_the_changelog_names_every_command() -> None:
    assert [name for name in cli.COMMANDS if f"`{name}" not in CHANGELOG] == []
