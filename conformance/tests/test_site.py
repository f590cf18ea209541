"""The documentation site: built in strict mode, nothing from elsewhere, no broken link; every command on it runs or is at least one that there is."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from click import Context
from lxml import html

from axe_core import axe_source, violations
from client_sessions import recorded_session
from reimage_conformance.catalogue import ALL_REQUIREMENTS, requirements_by_chapter
from reimage_conformance.cli import cli, main
from reimage_conformance.emulator import emulator_with, find_fault, serve
from reimage_conformance.site.made import MADE, TABLES, with_made
from reimage_conformance.site.markdown import prose
from reimage_conformance.site.requirement_pages import CHAPTERS, requirement_pages
from report_browser import MISSING, Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = dict(requirement_pages())
BLOCK = re.compile(r"(?:<!-- commands: ([a-z]+)(?:, exit (\d))? -->\n)?```sh\n(.*?)```", re.DOTALL)
KINDS = ("here", "rig", "run", "session", "elsewhere")
"""In an empty folder; in one with `rig.toml`, beside a running emulator; in one with two runs of it that found something, too; in one with the
recorded session of a client; only where there is an endpoint, a checkout, or time."""
LINKS = ("href", "src", "action", "data", "srcset", "poster")
PROGRAM = "reimage-conformance"
CALL = re.compile(rf"{PROGRAM}\b((?:'[^']*'|[^;|&'#])*)")


@dataclass(frozen=True)
class Shown:
    """A block of commands of a page, and with which exit code each of them ends."""

    page: str
    kind: str
    exit_code: int
    commands: tuple[str, ...]


@cache
def shown() -> tuple[Shown, ...]:
    """Every block of commands of the pages that are written by hand."""
    found = []
    for page in sorted(DOCS.glob("*.md")):
        for kind, code, text in BLOCK.findall(page.read_text(encoding="utf-8")):
            lines = [line.partition(" #")[0].strip() for line in text.splitlines()]
            found.append(Shown(page.name, kind, int(code or 0), tuple(line for line in lines if line)))
    return tuple(found)


# What is made from data.


def test_every_requirement_and_chapter_has_a_page() -> None:
    assert {
        f"requirements/{name}.md" for name in (*ALL_REQUIREMENTS, *requirements_by_chapter(), "clients", "index")
    } == PAGES.keys()
    assert CHAPTERS.keys() == requirements_by_chapter().keys()


def test_every_key_of_a_target_file_is_told_and_no_other() -> None:
    assert {name: keys.keys() ^ meanings.keys() for name, (keys, meanings, _) in TABLES.items()} == {
        name: set() for name in TABLES
    }
    told = with_made((DOCS / "target-file.md").read_text(encoding="utf-8"))
    rows = {line.split("`")[1]: line for line in told.splitlines() if line.startswith("| `")}
    assert rows["max_reimages"].endswith("| an integer from 0 on | `6` |")
    assert rows["base_url"].endswith("| required |")
    assert rows["strictness"].endswith('| `"strict"` |')
    assert rows.keys() == {key for keys, _, _ in TABLES.values() for key in keys}


def test_everything_that_is_made_stands_on_a_page() -> None:
    asked = [name for page in DOCS.glob("*.md") for name in re.findall(r"<!-- made: (.*) -->", page.read_text("utf-8"))]
    assert sorted(asked) == sorted(MADE)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("a <b> & *c*", r"a &lt;b&gt; &amp; \*c\*"),
        ("`<id>` of REQ-GOS-ID.", "`<id>` of [REQ-GOS-ID](REQ-GOS-ID.md)."),
        ("a lone ` and x_y", r"a lone ' and x\_y"),
        ("a | b [c]", r"a \| b \[c\]"),
    ],
)
def test_words_are_no_markup(text: str, markdown: str) -> None:
    assert prose(text) == markdown


def test_what_the_site_alone_has_is_told_where_the_files_are_read_and_nowhere_else() -> None:
    pages = {page.name: page.read_text(encoding="utf-8") for page in DOCS.glob("*.md")}
    hint = "(In the built site; here: `"
    wanted = {
        name: len(re.findall(r"\(requirements/index\.md\)|^<!-- made: ", text, re.MULTILINE))
        for name, text in pages.items()
    }

    assert {name: text.count(hint) for name, text in pages.items()} == wanted
    assert sum(wanted.values()) >= 6
    assert [name for name, text in pages.items() if "In the built site" in with_made(text)] == []


# The site.


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in strict mode."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed; `pip install -e '.[docs]'` brings it")
    folder = tmp_path_factory.mktemp("site")
    words = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "-q",
        "-f",
        str(ROOT / "mkdocs.yml"),
        "-d",
        str(folder),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def links(site: Path) -> Iterator[tuple[Path, str, str]]:
    """Everything that the pages lead to or load, with the name of the element; 404.html is for a server whose address is known."""
    for page in set(site.rglob("*.html")) - {site / "404.html"}:
        for element in html.fromstring(page.read_bytes()).iter():
            yield from ((page, str(element.tag), link) for name in LINKS if (link := element.get(name)) is not None)


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    foreign = {link for _, tag, link in links(site) if tag != "a" and urlsplit(link).netloc}
    styles = [
        path
        for path in site.rglob("*.css")
        if re.search(r"(?:url\(|@import)[\s'\"]*(?:https?:)?//", path.read_text("utf-8"))
    ]
    assert foreign == set()
    assert styles == []


def test_no_link_of_the_site_is_broken(site: Path) -> None:
    broken = set()
    for page, _, link in links(site):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        file = (page.parent / unquote(parts.path)) if parts.path else page
        if not (file.is_file() or (file / "index.html").is_file()):
            broken.add((page.name, link))
    assert broken == set()
    assert (site / "requirements" / "REQ-REIMAGE-202.html").is_file()


# Everybody can use it.


ONE_OF_EACH_KIND = (
    "index.html",
    "target-file.html",
    "messages.html",
    "not-judged.html",
    "search.html",
    "requirements/index.html",
    "requirements/operations.html",
    "requirements/REQ-REIMAGE-202.html",
)


@pytest.mark.skipif(bool(MISSING), reason=MISSING or "a browser is here")
def test_axe_finds_nothing_on_a_page_of_each_kind(site: Path, tmp_path: Path) -> None:
    axe = axe_source(tmp_path)
    found: dict[str, list[str]] = {}
    with Browser() as browser:
        for name in ONE_OF_EACH_KIND:
            browser.open(site / name)
            found[name] = violations(browser, axe)
        browser.command("Emulation.setDeviceMetricsOverride", width=390, height=800, deviceScaleFactor=1, mobile=True)
        for name in ONE_OF_EACH_KIND:
            browser.open(site / name, width=390)
            found[f"{name} on a phone"] = violations(browser, axe)

    assert len(found) == 2 * len(ONE_OF_EACH_KIND)
    assert {name: told for name, told in found.items() if told} == {}


# The commands.


def test_every_block_of_commands_says_where_it_runs() -> None:
    assert [each for each in shown() if each.kind not in KINDS] == []
    assert len([each for each in shown() if each.kind != "elsewhere"]) >= 6


def ours(lines: tuple[str, ...]) -> Iterator[list[str]]:
    """The words of every call of the program in `lines`, without its name and without what follows --."""
    for line in lines:
        for part in CALL.findall(re.sub(r"\$\([^)]*\)", "RUN OTHER", line)):
            words = shlex.split(part)
            yield words[: words.index("--")] if "--" in words else words


README = BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
SHOWN = [*(each.commands for each in shown()), *(tuple(text.splitlines()) for _, _, text in README)]
COMMANDS = [words for commands in SHOWN for words in ours(commands)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_has_the_options_that_it_is_shown_with(words: list[str]) -> None:
    """Options are those of the command, and their values such as it takes; files need not be there."""
    with Context(cli) as context:
        command = cli.get_command(context, words[0]) if words else cli
        assert command is not None
        assert command.make_context(words[0] if words else PROGRAM, words[1:], parent=context) is not None


def test_the_commands_on_the_pages_of_requirements_name_what_there_is() -> None:
    told = [
        words for page in PAGES.values() for each in BLOCK.findall(page) for words in ours(tuple(each[2].splitlines()))
    ]
    named = {words[-1] for words in told}
    faults = [words[2] for words in told if words[0] == "run"]

    assert named == set(ALL_REQUIREMENTS)
    assert {words[0] for words in told} == {"run", "explain"}
    assert len(faults) > 100
    assert all(find_fault(name) for name in faults)


WORLD = next(re.finditer(r"```toml\n(.*?)```", (DOCS / "worlds.md").read_text(encoding="utf-8"), re.DOTALL))[1]
FAULT = "accepted-status[200]"
RUNS = ("reports/rig/20260101T000000Z", "reports/rig/20260102T000000Z")


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the target file of a running emulator that is wrong in one way."""
    folder = tmp_path_factory.mktemp("rig")
    with serve(emulator_with(faults=[FAULT])) as running:
        running.write_target(folder / "rig.toml")
        yield folder


@pytest.fixture
def rig(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goes to that folder."""
    monkeypatch.chdir(beside)


@pytest.fixture(scope="module")
def found(beside: Path) -> None:
    """Puts two runs that found the fault into that folder."""
    words = ["run", str(beside / "rig.toml"), "--profile", "smoke", "--only", "REQ-REIMAGE-202", "--report-dir"]
    assert main([*words, str(beside / RUNS[0])]) == 1
    shutil.copytree(beside / RUNS[0], beside / RUNS[1])


def run_all(each: Shown) -> None:
    """Runs the commands of a block, one after the other."""
    for line in each.commands:
        assert line.startswith(f"{PROGRAM} ")
        assert main(shlex.split(line)[1:]) == each.exit_code, line


def of_kind(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test once for each block of this kind."""
    blocks = [each for each in shown() if each.kind == kind]
    return pytest.mark.parametrize("each", blocks, ids=[f"{each.page}: {each.commands[0]}" for each in blocks])


@of_kind("here")
def test_the_commands_run_anywhere(each: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_all(each)


@of_kind("rig")
@pytest.mark.usefixtures("rig")
def test_the_commands_run_beside_an_emulator(each: Shown) -> None:
    run_all(each)


@of_kind("run")
@pytest.mark.usefixtures("rig", "found")
def test_the_commands_run_where_something_was_found(each: Shown) -> None:
    run_all(each)


@of_kind("session")
def test_the_commands_run_where_a_client_was_recorded(
    each: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded_session(tmp_path / "session", polls=3)
    monkeypatch.chdir(tmp_path)
    run_all(each)


SERVING = [words for words in COMMANDS if words[:1] == ["emulator"] and not any("--list-" in word for word in words)]


@pytest.mark.parametrize("words", SERVING, ids=" ".join)
def test_an_emulator_that_is_shown_serves(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At any free port, for a moment."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "world.toml").write_text(WORLD, encoding="utf-8")
    free = [word for place, word in enumerate(words) if "--port" not in words[max(0, place - 1) : place + 1]]
    assert main([*free, "--max-seconds", "0.2"]) == 0
