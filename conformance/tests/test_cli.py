"""The front door: what it hands on, and that every mistake ends in one sentence and the right exit code."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from reimage_conformance import __version__, cli
from reimage_conformance.catalogue import CATALOGUE
from reimage_conformance.commands import fleet, pytest_session, run
from reimage_conformance.commands.case_files import citing_cases
from reimage_conformance.commands.options import Options
from reimage_conformance.commands.words import FilePath
from reimage_conformance.config import load_target
from reimage_conformance.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BEGINNING = ("cases", "--rootdir=.", f"--config-file={pytest_session.SETTINGS}", *run.LEAN)
TARGET = """\
[target]
name = "{name}"
base_url = "http://127.0.0.1:9"
subscription_id = "s"
[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0"]
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def calling(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return calling


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The pytest command lines that would have been run."""
    lines: list[list[str]] = []

    def starting(words: list[str], plugins: object) -> int:
        del plugins
        lines.append(words)
        return 6

    monkeypatch.setattr(pytest, "main", starting)
    monkeypatch.setattr(run, "cases_folder", lambda: Path("cases"))
    monkeypatch.setattr(run, "plugin_words", list)
    monkeypatch.setattr(run, "_cache_words", lambda _: ())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cases").mkdir()
    return lines


def target_file(folder: Path, name: str = "rig", file: str = "rig.toml") -> Path:
    path = folder / file
    path.write_text(TARGET.format(name=name))
    return path


def options(**given: Any) -> Options:
    return Options(**given)


MISTAKES: dict[str, tuple[Sequence[str], str]] = {
    "quiet and verbose": (["run", "-q", "-v"], "--quiet and --verbose contradict each other; give one of them"),
    "unknown command": (["rum"], "unknown command 'rum'; did you mean 'run'?"),
    "unknown option": (["run", "--strictnes", "x"], "unknown option '--strictnes'; did you mean '--strictness'?"),
    "unknown option of the program": (["--verison"], "unknown option '--verison'; did you mean '--version'?"),
    "unknown word": (
        ["run", "--strictness", "strickt"],
        "'strickt' is not one of 'strict', 'lenient'; did you mean 'strict'?",
    ),
    "unknown profile": (["run", "--profile", "nighly"], "did you mean 'nightly'?"),
    "unknown format": (["requirements", "--format", "jsn"], "did you mean 'json'?"),
    "no number": (["emulator", "--port", "abc"], "'abc' is not a valid integer"),
    "number out of range": (["run", "--max-reimages", "-1"], "-1 is not in the range"),
    "no value": (["run", "--seed"], "'--seed' requires an argument"),
    "no argument": (["preflight"], "Missing argument 'TARGET'"),
    "too many arguments": (["requirements", "x"], "unexpected extra argument (x)"),
    "one run": (["compare", "x"], "compare needs at least two runs, found 1"),
    "no journal": (["report", "nowhere"], "nowhere: there is no such file; expected a journal.jsonl or the folder"),
    "no capture": (["check", "nowhere"], "nowhere: there is no such file"),
    "no runs": (["compare", "a", "b"], "a: there is no such file; expected a results.json"),
    "no target": (["run", "nowhere.toml"], "nowhere.toml: there is no such target file"),
    "no baseline": (["run", "--baseline", "nowhere.json"], "--baseline nowhere.json: there is no such file"),
    "world with a target": (["run", "--world", "large", "a.toml"], "they cannot be used with a target file"),
    "fault with a target": (["run", "--fault", "x", "a.toml"], "they cannot be used with a target file"),
    "unknown fault": (["run", "--fault", "no-such-fault"], "unknown fault 'no-such-fault'"),
    "unknown world": (
        ["emulator", "--world", "no-such-world"],
        'unknown world "no-such-world"; the worlds with a name are',
    ),
    "unknown world for a run": (["run", "--world", "two"], 'unknown world "two"; '),
    "no world file": (["run", "--world", "none.toml"], "none.toml: there is no such world file"),
    "unknown oddity": (["emulator", "--oddity", "no-such-oddity"], "unknown oddity 'no-such-oddity'"),
    "no target to preflight": (["preflight", "nowhere.toml"], "nowhere.toml: there is no such target file"),
    "target file without a name": (
        ["emulator", "--no-tls", "--write-target", "x"],
        "expected the name of a .toml file",
    ),
}


@pytest.mark.parametrize(("words", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_one_sentence_and_exit_4(
    call: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*words)
    assert code == 4
    assert told in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


NAMES_OF_FILES = [
    (name, parameter)
    for name in cli.COMMANDS
    if (command := cli.cli.get_command(click.Context(cli.cli), name)) is not None
    for parameter in command.params
    if isinstance(parameter.type, click.Path) or parameter.name == "world"
]
NO_NAMES = {
    "": "name",
    '[target]\nname = "s.e.c.r.e.t"\n' * 200: "expected",
    "s.e.c.r.e.t" * 100: "longer",
    "folder/" * 1000 + "s.e.c.r.e.t": "longer",
}


@pytest.mark.parametrize("text", NO_NAMES, ids=["empty", "text", "long", "deep"])
@pytest.mark.parametrize(
    ("name", "parameter"), NAMES_OF_FILES, ids=[f"{name} {parameter.name}" for name, parameter in NAMES_OF_FILES]
)
def test_what_no_file_can_be_called_is_one_sentence(
    call: Callable[..., tuple[int, str, str]], name: str, parameter: click.Parameter, text: str
) -> None:
    words = [parameter.opts[0], text] if isinstance(parameter, click.Option) else [text]

    code, out, err = call(name, *words)

    assert (code, out) == (4, "")
    assert re.fullmatch(r"error: .*\n", err)
    assert NO_NAMES[text] in err
    assert "s.e.c" not in err
    assert parameter.name == "world" or isinstance(parameter.type, FilePath)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (TARGET, "the target is the text of a target file; expected its path"),
        ("", "the name of the target file is empty; is the variable set?"),
    ],
    ids=["text", "empty"],
)
def test_a_target_that_is_no_path(call: Callable[..., tuple[int, str, str]], text: str, told: str) -> None:
    assert call("run", text) == (4, "", f"error: {told}\n")
    assert call("preflight", text) == (4, "", f"error: {told}\n")
    assert call("check", "x.har", "--target", text) == (4, "", f"error: --target: {told}\n")


def test_no_command_shows_the_help_and_exits_4(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call()
    assert code == 4
    assert [name for name in cli.COMMANDS if f"  {name} " not in out] == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_explains_itself_on_one_line(call: Callable[..., tuple[int, str, str]], name: str) -> None:
    code, out, _ = call(name, "--help")
    assert code == 0
    assert out.startswith(f"Usage: reimage-conformance {name} ")
    assert "..." not in call()[1].split(f"  {name} ")[1].splitlines()[0]


def test_the_version(call: Callable[..., tuple[int, str, str]]) -> None:
    assert call("--version") == (0, f"reimage-conformance, version {__version__}\n", "")


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (UnreachableError("nobody answers"), 6, "error: nobody answers\n"),
        (KeyboardInterrupt(), 2, "error: interrupted\n"),
        (ZeroDivisionError("oops"), 3, "the suite itself broke"),
    ],
)
def test_what_ends_a_command_has_its_exit_code(
    call: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    raised: BaseException,
    code: int,
    told: str,
) -> None:
    def breaking(*_: object) -> int:
        raise raised

    monkeypatch.setattr(run, "run_pytest", breaking)
    found, _, err = call("run")
    assert found == code
    assert err.lstrip("\n").endswith(told) or told in err
    assert ("Traceback" in err) is (code == 3)


def test_a_run_without_a_target_embeds_the_emulator(
    call: Callable[..., tuple[int, str, str]], started: list[list[str]]
) -> None:
    code, _, _ = call("run")
    assert code == 6
    assert started == [[*BEGINNING, "--embedded"]]


def test_the_world_of_the_emulator_reaches_pytest(
    call: Callable[..., tuple[int, str, str]], started: list[list[str]]
) -> None:
    call("run", "--world", "one-slot")
    assert started == [[*BEGINNING, "--embedded", "--world", "one-slot"]]


def test_every_option_reaches_pytest(
    call: Callable[..., tuple[int, str, str]], started: list[list[str]], tmp_path: Path
) -> None:
    file = target_file(tmp_path)
    (tmp_path / "known.json").write_text("{}")
    chosen = ["--strictness", "lenient", "--profile", "smoke", "--max-reimages", "3"]
    chosen += ["--baseline", str(tmp_path / "known.json"), "--write-baseline", "new.json", "--seed", "7"]
    chosen += ["--connections", "2", "--max-minutes", "5.0", "--patience", "9.0"]
    chosen += ["--allow-reimage", "--no-redact", "--report-dir", "out"]
    call("run", str(file), *chosen, "--", "-k", "poll", "-x")
    assert [sorted(words) for words in started] == [
        sorted([*BEGINNING, "--target", str(file), *chosen, "-k", "poll", "-x"])
    ]
    assert started[0][-3:] == ["-k", "poll", "-x"]


def test_processes_are_of_no_use_for_one_target(
    call: Callable[..., tuple[int, str, str]], started: list[list[str]], tmp_path: Path
) -> None:
    _, _, err = call("run", str(target_file(tmp_path)), "-n", "2")
    assert err == "-n has no effect for one target; --connections N says how many requests run at the same time\n"
    assert "-n" not in started[0]


def test_what_follows_two_dashes_is_no_target(
    call: Callable[..., tuple[int, str, str]], started: list[list[str]]
) -> None:
    call("run", "--", "nowhere.toml", "--", "--strictnes")
    assert started[0][-3:] == ["nowhere.toml", "--", "--strictnes"]


def test_a_copy_without_cases_says_so(
    call: Callable[..., tuple[int, str, str]], started: list[list[str]], tmp_path: Path
) -> None:
    (tmp_path / "cases").rmdir()
    assert call("run") == (
        4, "", "error: cases: there are no cases; install the package again, or use a complete checkout\n"
    )  # fmt: skip
    assert started == []


def test_requirements_as_json_has_every_requirement(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("requirements", "--format", "json")
    rows = json.loads(out)
    assert code == 0
    assert [row["id"] for row in rows] == list(CATALOGUE)
    assert [row["id"] for row in rows if not (row["cases"] or row["reason"])] == []


@pytest.mark.parametrize("form", ["table", "markdown"])
def test_requirements_for_readers_name_every_id_once(call: Callable[..., tuple[int, str, str]], form: str) -> None:
    code, out, _ = call("requirements", "--format", form)
    words = [line.removeprefix("| ").split(" ")[0] for line in out.splitlines()]
    assert code == 0
    assert [word for word in words if word in CATALOGUE] == list(CATALOGUE)


def test_listing_requirements_imports_nothing_heavy() -> None:
    script = (
        "import sys; from reimage_conformance.cli import main; main(['requirements', '--format', 'json']);"
        "heavy = {'pytest', 'hypothesis', 'httpx', 'lxml', 'cryptography', 'rich'} & sys.modules.keys();"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stderr == "[]\n"


def test_the_plugin_imports_nothing_that_a_run_needs_only_at_its_end() -> None:
    late = {
        "jinja2",
        "jsonschema",
        "pytest_html",
        "allpairspy",
        "reimage_conformance.emulator",
        "reimage_conformance.detection",
    }
    script = f"import sys; import reimage_conformance.pytest_plugin; print(sorted({late!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == "[]\n"


def test_cases_are_found_by_what_they_cite(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(
        'IDS = ("REQ-C", "REQ-D")\n'
        '@verifies("REQ-A", "REQ-B")\n@pytest.mark.slow\ndef test_both(sut): ...\n'
        "@plugin.verifies(*IDS)\ndef test_named(sut): ...\n"
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=verifies("REQ-A"))])\ndef test_param(x): ...\n'
        '@verifies("REQ-A")\ndef helper(): ...\n'
    )
    (tmp_path / "other.py").write_text('@verifies("REQ-A")\ndef test_elsewhere(): ...\n')
    assert citing_cases(tmp_path) == {
        "REQ-A": ("test_one.py::test_both", "test_one.py::test_param"),
        "REQ-B": ("test_one.py::test_both",),
        "REQ-C": ("test_one.py::test_named",),
        "REQ-D": ("test_one.py::test_named",),
    }


def test_a_new_target_file_can_be_read_and_is_not_overwritten(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "deep" / "rig.toml"
    assert call("new-target", str(file))[0] == 0
    assert load_target(file).name == "my endpoint"
    code, _, err = call("new-target", str(file))
    assert (code, err) == (4, f"error: {file}: exists already; --overwrite replaces it\n")
    assert call("new-target", "--overwrite", str(file))[0] == 0


def test_a_new_target_can_be_printed(call: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = call("new-target", "-")
    assert code == 0
    assert "[target]" in out


def test_the_emulator_writes_a_target_file_and_stops_in_time(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "emulator.toml"
    code, out, _ = call("emulator", "--max-seconds", "0.1", "--write-target", str(file))
    target = load_target(file)
    assert code == 0
    assert out.splitlines() == [target.base_url, f"target file: {file}"]
    assert target.client_certificate == tmp_path / "emulator.client.pem"


def test_the_emulator_writes_a_target_file_for_a_world(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    file = tmp_path / "emulator.toml"
    call("emulator", "--no-tls", "--world", "one-instance", "--max-seconds", "0.1", "--write-target", str(file))
    (deployment,) = load_target(file).deployments
    assert deployment.role_instances == ("WebRole1_IN_0",)


def test_the_emulator_lists_its_faults(call: Callable[..., tuple[int, str, str]]) -> None:
    from reimage_conformance.emulator import FAULTS, ODDITIES  # noqa: PLC0415 -- slow to import

    assert call("emulator", "--list-faults")[1].count("\n") == len(FAULTS)
    assert call("emulator", "--list-oddities")[1].count("\n") == len(ODDITIES)


def test_two_targets_of_one_name_report_into_two_folders(tmp_path: Path) -> None:
    files = [target_file(tmp_path, "A rig!", "a.toml"), target_file(tmp_path, "a RIG", "b.toml")]
    members = fleet.members_for(files, options(seed=5), ["-x"], "now")
    assert [member.folder for member in members] == [Path("reports/A-rig/now"), Path("reports/a-RIG-2/now")]
    assert list(members[0].command[4:]) == [
        "run", str(files[0]), "--report-dir", "reports/A-rig/now", "--seed", "5", "--", "-x",
    ]  # fmt: skip
    chosen = fleet.members_for(files, options(report_dir=Path("out")), [], "now")
    assert [member.folder for member in chosen] == [Path("out/A-rig"), Path("out/a-RIG-2")]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [([0, 0], 0), ([0, 5], 5), ([6, 1, 0], 1), ([6, 4], 4), ([1, 2], 2), ([0, -9], 3), ([0, 77], 3)],
)
def test_the_gravest_exit_code_stands_for_all(codes: list[int], expected: int) -> None:
    assert fleet.worst(codes) == expected


def member(folder: Path, name: str, script: str) -> fleet.Member:
    return fleet.Member(folder / f"{name}.toml", name, folder / name, (sys.executable, "-c", script))


def test_members_run_side_by_side_and_keep_their_exit_codes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    results = {"run": {"verdict": "nonconformant"}, "summary": {"violated": 3, "advisory": 1, "inconclusive": 0}}
    writing = (
        f"import pathlib, sys; pathlib.Path(sys.argv[1]).write_text({json.dumps(json.dumps(results))}); sys.exit(1)"
    )
    bad = member(tmp_path, "[b]ad", writing)
    members = [
        fleet.Member(bad.file, bad.name, bad.folder, (*bad.command, str(bad.folder / "results.json"))),
        member(tmp_path, "good", "print('said')"),
    ]
    codes = asyncio.run(fleet._run_members(members, fleet.in_processes(1)))
    fleet._print_table(members, codes)
    rows = [line.split()[:6] for line in capfd.readouterr().out.splitlines()[-2:]]
    assert codes == [1, 0]
    assert fleet._last_line(tmp_path / "good") == "said"
    assert rows == [["[b]ad", "nonconformant", "3", "1", "0", "1"], ["good", "no", "results", "-", "-", "-"]]


def test_a_quiet_fleet_prints_its_table_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert fleet._run([member(tmp_path, "good", "print('said')")], fleet.in_processes(1), quiet=True) == 0
    heading, row = capfd.readouterr().out.splitlines()
    assert heading.split()[:2] == ["target", "verdict"]
    assert row.split()[0] == "good"


def test_an_interrupted_fleet_stops_its_members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeping = member(tmp_path, "sleeping", "import time; time.sleep(60)")
    ended: list[int | None] = []
    end = fleet._end

    async def noted(process: asyncio.subprocess.Process) -> None:
        await end(process)
        ended.append(process.returncode)

    async def interrupted() -> int:
        async with asyncio.timeout(0.2):
            return await fleet._run_in_process(sleeping)

    monkeypatch.setattr(fleet, "_end", noted)
    with pytest.raises(TimeoutError):
        asyncio.run(interrupted())
    assert len(ended) == 1
    assert ended[0] not in (None, 0)


def test_an_endpoint_that_is_not_there_is_one_sentence(
    call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        file = target_file(tmp_path)
        file.write_text(re.sub(r'base_url = "[^"]*"', f'base_url = "http://127.0.0.1:{port}"', file.read_text()))
        code, _, err = call("run", str(file))
    assert code == 6
    assert err.count("\n") == 1
    assert err.startswith(f"error: {file}: base_url: http://127.0.0.1:{port} cannot be reached: no connection")
