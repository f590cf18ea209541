"""Mistakes of testers and of their surroundings: each is one sentence, an exit code, and few requests; none is a finding.

The rows about TLS, certificates, keys and proxies are in test_tls_mistakes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reimage_conformance import cli
from reimage_conformance.commands.case_files import cases_folder
from reimage_conformance.emulator import Emulator, serve
from reimage_conformance.wire.client import Client
from tls_stage import Stage, answer, stage_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reimage_conformance.model import Exchange, Request

WRONG_INPUT, NOT_JUDGED = 4, 6
LONGEST_SECONDS = 10.0
REPORTS = {"journal.jsonl", "results.json", "report.html", "junit.xml", "summary.md"}
"""For one row on a busy machine; alone each takes less than two."""
INTERNALS = ("Traceback", "_pytest", "datetime", "NoneType", "Exit:", "long table", "<class", "Errno")

TEXT = """\
[target]
name = "rig"
base_url = "{url}"
subscription_id = "6a8b7c2e-0000-4000-8000-000000000001"

[[deployments]]
cloud_service = "contoso"
slot = "production"
name = "contoso-v1"
role_instances = ["WebRole1_IN_0", "WorkerRole1_IN_0"]

[limits]
allow_reimage = true
"""


def changed(old: str, new: str) -> Callable[[str], str]:
    """The target file with one thing changed."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def in_target(line: str) -> Callable[[str], str]:
    """The target file with one more line in [target]."""
    return changed("[target]\n", f"[target]\n{line}\n")


FILES: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "an empty file": (lambda text: "", "the file is empty; `reimage-conformance new-target` writes one"),
    "only comments": (lambda text: "# later\n", "the file is empty"),
    "UTF-16": (lambda text: text.encode("utf-16"), "is saved as UTF-16; a target file is TOML in UTF-8"),
    "UTF-16 without a mark": (lambda text: text.encode("utf-16-le"), "is saved as UTF-16"),
    "latin-1": (lambda text: text.replace("rig", "Prüfstand").encode("latin-1"), "not UTF-8 text (octet 1"),
    "a mark and a slip": (
        lambda text: b"\xef\xbb\xbf" + text.replace("slot =", "slott =").encode(),
        'unknown key "slott" in [[deployments]] number 1; did you mean "slot"?',
    ),
    "a date without quotes": (
        in_target("x_ms_version = 2011-10-01"),
        'found a date without quotes; write "2011-10-01"',
    ),
    "True": (changed("= true", "= True"), "line 13: allow_reimage: True is written true in TOML, in lower case"),
    "None": (in_target("ca_bundle = None"), "line 2: ca_bundle: it has no value; leave out a key that is not needed"),
    "no value": (in_target("ca_bundle ="), "line 2: ca_bundle: it has no value"),
    "text without quotes": (
        changed('"production"', "production"),
        'line 8: slot: a string needs quotes: slot = "production"',
    ),
    "a secret without quotes": (in_target("key_passphrase_env = hunter2"), "line 2: key_passphrase_env: a string needs quotes\n"),
    "a quote that is missing": (changed('"contoso-v1"', '"contoso-v1'), "line 9: not valid TOML"),
    "single brackets": (changed("[[deployments]]", "[deployments]"), "[deployments] is in single brackets; write [[deployments]]"),
    "single brackets twice": (
        lambda text: (text + text[text.index("[[dep") : text.index("[limits]")]).replace("[[deployments]]", "[deployments]"),
        "the table [deployments] occurs twice; each of several deployments is [[deployments]]",
    ),
    "a table twice": (lambda text: text + "[target]\n", "line 14: the table [target] occurs twice"),
    "a key twice": (in_target('name = "rig"'), "line 3: the key name occurs twice; expected once"),
    "a Windows path": (in_target('client_certificate = "C:\\Users\\me\\c.pem"'), "in double quotes a backslash begins an escape"),
    "a Windows path with odd escapes": (
        in_target('client_certificate = "C:\\certs\\c.pem"'),
        "line 2: client_certificate: in double quotes a backslash begins an escape; write the path with / or in single quotes",
    ),
    "a Windows path with real escapes": (
        in_target('client_certificate = "C:\\temp\\new.pem"'),
        "in double quotes a backslash begins an escape: write a path with / or in single quotes",
    ),
    "no deployments": (lambda text: text[: text.index("[[dep")], "at least one [[deployments]] table is expected, found nothing"),
    "no target": (lambda text: text[text.index("[[dep") :], "the table [target] is missing"),
    "a missing key": (changed('slot = "production"\n', ""), 'missing key "slot" in [[deployments]] number 1'),
    "a slot in capitals": (changed('"production"', '"Production"'), 'did you mean "production"?'),
    "one instance without brackets": (
        changed('["WebRole1_IN_0", "WorkerRole1_IN_0"]', '"WebRole1_IN_0"'),
        '"role_instances" in [[deployments]] number 1 is expected to be an array',
    ),
    "a number in quotes": (changed("= true", '= true\nmax_reimages = "6"'), '"max_reimages" in [limits] is expected to be an integer'),
    "a table for a text": (changed('name = "rig"', 'name = {first = "rig"}'), "found a table"),
    "an instance both ways": (
        changed("[limits]", 'failing_role_instances = ["WebRole1_IN_0"]\n[limits]'),
        "'WebRole1_IN_0' is in \"role_instances\" and in \"failing_role_instances\"",
    ),
    "the own subscription as foreign": (
        in_target('foreign_subscription_id = "6a8b7c2e-0000-4000-8000-000000000001"'),
        '"foreign_subscription_id" in [target] is the same subscription as "subscription_id"',
    ),
    "the own subscription as foreign, spelt otherwise": (
        in_target('foreign_subscription_id = "6A8B7C2E000040008000000000000001"'),
        '"foreign_subscription_id" in [target] is the same subscription as "subscription_id"',
    ),
    "the own subscription as the other": (
        in_target('other_subscription_id = "6A8B7C2E-0000-4000-8000-000000000001"'),
        '"other_subscription_id" in [target] is the same subscription as "subscription_id"',
    ),
    "polls further apart than the limit": (
        changed("= true", "= true\noperation_timeout_seconds = 5\npoll_interval_seconds = 30"),
        '"poll_interval_seconds" in [limits] (30) is longer than "operation_timeout_seconds" (5)',
    ),
    "an address with a path": (changed('"\nsub', '/v1"\nsub'), '"base_url" in [target] is expected to be a URL like'),
    "the mask of a report": (
        changed("6a8b7c2e-", "00000000-"),
        "subscription_id is the mask that a report shows in place of the id; expected the id itself",
    ),
    "another mask": (in_target('other_subscription_id = "masked-2"'), "other_subscription_id is the mask"),
    "a version before the operation": (in_target('x_ms_version = "2009-10-01"'), 'x_ms_version: "2009-10-01" is older than 2010-10-28'),
    "an endpoint elsewhere without leave": (
        lambda text: text.replace("127.0.0.1", "192.0.2.7").replace("= true", "= false"),
        "is not on this machine, so its role instances are reimaged only with allow_reimage = true",
    ),
}  # fmt: skip


@dataclass
class Canned:
    """What a gateway answers to everything."""

    reply: bytes
    code: int
    words: str


def page(status: str) -> bytes:
    return answer(status, b"<html><body><h1>Sign in</h1></body></html>", "text/html")


def redirect(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


GATEWAYS = {
    "401": Canned(page("401 Unauthorized"), NOT_JUDGED, "every question is answered 401 Unauthorized"),
    "403": Canned(page("403 Forbidden"), NOT_JUDGED, "every question is answered 403 Forbidden"),
    "407": Canned(page("407 Proxy Authentication Required"), NOT_JUDGED, "base_url: every question is answered 407"),
    "500": Canned(page("500 Internal Server Error"), NOT_JUDGED, "base_url: every question is answered 500"),
    "502": Canned(page("502 Bad Gateway"), NOT_JUDGED, "base_url: every question is answered 502 Bad Gateway"),
    "503": Canned(page("503 Service Unavailable"), NOT_JUDGED, "base_url: every question is answered 503"),
    "504": Canned(page("504 Gateway Timeout"), NOT_JUDGED, "base_url: every question is answered 504"),
    "page 200": Canned(page("200 OK"), NOT_JUDGED, "with an HTML page; this is not the service"),
    "page 404": Canned(page("404 Not Found"), NOT_JUDGED, "with an HTML page; this is not the service"),
    "JSON": Canned(answer("404 Not Found", b'{"error": "no"}', "application/json"), NOT_JUDGED, "with JSON where XML is expected"),
    "redirect elsewhere": Canned(redirect("https://portal.invalid/"), WRONG_INPUT, "base_url: the endpoint sends callers to https://portal.invalid"),
    "redirect to a page": Canned(redirect("/login"), NOT_JUDGED, "302 Found, a redirect to /login"),
}  # fmt: skip


def swapped(first: str, second: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert first in text
        assert second in text
        return text.replace(first, "\x00").replace(second, first).replace("\x00", second)

    return change


def alone(change: Callable[[str], str]) -> Callable[[str], str]:
    """The target file of the emulator with its first deployment only, changed."""

    def cut(text: str) -> str:
        first, *others = text.split("[[deployments]]")
        return change(f"{first}[[deployments]]{others[0]}{others[-1][others[-1].index('[limits]') :]}")

    return cut


NAMES: dict[str, tuple[Callable[[str], str], int, str]] = {
    "an unknown service": (
        changed('cloud_service = "fabrikam"', 'cloud_service = "fabrikan"'), WRONG_INPUT,
        "cloud_service and slot in [[deployments]] number 3: Get Deployment for production of fabrikan is answered 404",
    ),
    "an unknown service alone": (
        alone(changed('cloud_service = "contoso"', 'cloud_service = "contosa"')), WRONG_INPUT,
        "cloud_service in [[deployments]] number 1: the endpoint says that there is no contosa",
    ),
    "an unknown service that is claimed": (
        lambda text: alone(changed('cloud_service = "contoso"', 'cloud_service = "contosa"'))(text)
        + "\n[capabilities]\nget_deployment = true\n", WRONG_INPUT, "404 for every deployment; correct cloud_service, or set",
    ),
    "an unknown name": (changed('"contoso-v1"', '"contoso-v9"'), WRONG_INPUT, 'production of contoso holds "contoso-v1", not "contoso-v9"'),
    "an unknown name alone": (alone(changed('"contoso-v1"', '"contoso-v9"')), WRONG_INPUT, 'holds "contoso-v1", not "contoso-v9"'),
    "names swapped": (swapped('"contoso-v1"', '"contoso-v2"'), WRONG_INPUT, 'production of contoso holds "contoso-v1", not "contoso-v2"'),
    "slots swapped": (
        lambda text: text.replace('"production"', '"x"', 1).replace('"staging"', '"production"').replace('"x"', '"staging"', 1),
        WRONG_INPUT, 'name in [[deployments]] number 1: staging of contoso holds "contoso-v2", not "contoso-v1"',
    ),
    "services swapped": (swapped('cloud_service = "contoso"', 'cloud_service = "fabrikam"'), WRONG_INPUT, 'not "contoso-v1"'),
    "an empty slot": (
        lambda text: text[: text.rindex('"production"')] + '"staging"' + text[text.rindex('"production"') + 12 :],
        WRONG_INPUT, 'slot in [[deployments]] number 3: "fabrikam-v7" of fabrikam is in production, not in staging',
    ),
    "an unknown instance": (changed('"WorkerRole1_IN_0"', '"WorkerRole1_IN_90"'), WRONG_INPUT, "shows no WorkerRole1_IN_90 in contoso-v1"),
    "an instance of another role": (changed('"WorkerRole1_IN_0"', '"Nobody_IN_0"'), WRONG_INPUT, "shows no Nobody_IN_0 in contoso-v1"),
    "an unknown failing instance": (changed('"FailingRole1_IN_0"', '"Nobody_IN_0"'), WRONG_INPUT, "failing_role_instances in [[dep"),
    "another subscription": (changed('subscription_id = "5f0c', 'subscription_id = "4f0c'), NOT_JUDGED, "not allowed to use subscription_id"),
    "a certificate that opens another": (
        lambda text: text.replace("target.client.pem", "target.other.pem").replace('client_key = "target.client.key"\n', ""),
        NOT_JUDGED, "client_certificate: every question is answered 403 Forbidden",
    ),
    "a version that nobody published": (in_target('x_ms_version = "2011-10-02"'), WRONG_INPUT, 'x_ms_version: the endpoint does not take'),
    "a port where nobody is": (lambda text: text.replace('base_url = "', 'base_url = "https://127.0.0.1:1"#'), NOT_JUDGED, "https://127.0.0.1:1 cannot be reached"),
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An endpoint without TLS that counts what reaches it."""
    stage = stage_in(tmp_path_factory.mktemp("stage"))
    stage.tls = False
    with stage.stack, stage.served():
        yield stage


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The target file of an emulator that is served over TLS."""
    with serve(Emulator(0.2)) as running:
        yield running.write_target(tmp_path_factory.mktemp("served"))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of all requests that go out."""
    methods: list[str] = []
    exchange = Client.exchange

    def counted(self: Client, request: Request, **options: object) -> Exchange:
        methods.append(request.method)
        return exchange(self, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "exchange", counted)
    return methods


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs a command, `run` unless another is given, and sees that it ends with one sentence."""

    def running(*words: str, command: str = "run") -> tuple[int, str]:
        capsys.readouterr()
        began = time.monotonic()
        code = cli.main([command, *words])
        seconds = time.monotonic() - began
        told = capsys.readouterr()
        assert seconds < LONGEST_SECONDS
        assert told.err.startswith("error: "), told
        assert told.err.count("\n") == 1
        assert [word for word in INTERNALS if word in told.out + told.err] == []
        reports = tmp_path / "reports"
        written = {file.name for file in reports.iterdir()} if reports.exists() else set()
        assert written == (REPORTS if code == NOT_JUDGED else set()), (
            "an endpoint that cannot be judged has its reports"
        )
        return code, told.err

    return running


@pytest.mark.parametrize("mistake", FILES)
def test_a_target_file_that_cannot_be_right(
    stage: Stage, run: Callable[..., tuple[int, str]], tmp_path: Path, mistake: str
) -> None:
    change, words = FILES[mistake]
    content = change(TEXT.format(url=f"http://127.0.0.1:{stage.port}"))
    file = tmp_path / "rig.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    code, told = run(str(file), "--report-dir", str(tmp_path / "reports"))

    assert words in told
    assert (code, stage.requests) == (WRONG_INPUT, 0)
    assert str(file) in told


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_a_gateway_in_the_way(
    run: Callable[..., tuple[int, str]],
    tmp_path: Path,
    gateway: str,
    tls: bool,  # noqa: FBT001
) -> None:
    canned = GATEWAYS[gateway]
    stage = stage_in(tmp_path)
    stage.tls, stage.reply = tls, canned.reply
    with stage.stack, stage.served():
        code, told = run(str(stage.target()), "--report-dir", str(tmp_path / "reports"))

    assert canned.words in told
    assert code == canned.code
    assert stage.requests in range(1, 21)


@pytest.mark.parametrize("mistake", NAMES)
def test_names_that_the_endpoint_does_not_have(
    served: Path, run: Callable[..., tuple[int, str]], sent: list[str], tmp_path: Path, mistake: str
) -> None:
    change, expected, words = NAMES[mistake]
    for file in served.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    file = tmp_path / "wrong.toml"
    file.write_text(change(served.read_text()))

    code, told = run(str(file), "--report-dir", str(tmp_path / "reports"))

    assert words in told
    assert code == expected
    assert set(sent) <= {"GET"}
    assert len(sent) <= 20 + 3  # the probe of each deployment, besides


def prepared(folder: Path, url: str) -> None:
    """What the rows of WORDS name: a target file, a file, a folder that holds a run, somebody's page and settings."""
    (folder / "rig.toml").write_text(TEXT.format(url=url))
    (folder / "second.toml").write_text(TEXT.format(url=url))
    (folder / "dangling.toml").symlink_to("nowhere.toml")
    (folder / "file").write_text("")
    (folder / "page.html").write_text("<h1>mine</h1>")
    (folder / "mine.toml").write_text("[mine]\n")
    (folder / "broken.toml").write_text("[[known]\n")
    (folder / "held").mkdir()
    (folder / "held" / "results.json").write_text("{}")


WORDS: dict[str, tuple[str, str]] = {
    "an unknown option": ("run rig.toml --strictnes lenient", "unknown option '--strictnes'; did you mean '--strictness'?"),
    "an option of pytest without --": ("run rig.toml -k poll", "unknown option '-k'; options of pytest follow --"),
    "an option of pytest that takes no value": ("run rig.toml -x", "unknown option '-x'; options of pytest follow --"),
    "an option that pytest has not": ("run rig.toml -- --bogus", "pytest has no option '--bogus'; what follows -- goes to pytest"),
    "a value that pytest does not take": ("run rig.toml -- --maxfail=x", "pytest refuses the options after --: argument --maxfail"),
    "a plugin that is not there": ("run rig.toml -- -p nowhere", "after --: Error importing plugin"),
    "no such target file": ("run rigg.toml", "there is no such target file; did you mean 'rig.toml'?"),
    "a folder for a target file": ("run held", "held: is a folder; expected the name of a target file"),
    "a fault with a target file": ("run rig.toml --fault x", "they cannot be used with a target file"),
    "a target file after an option": ("run --target rig.toml", "a target file is named without an option, as in: reimage-conformance run TARGET.toml"),
    "a target file after --": ("run rig.toml -- --target second.toml", "--target after --: a target file is named before --, without an option"),
    "a target file twice": ("run rig.toml ./rig.toml", "rig.toml: the target file is named twice; name it once"),
    "a list of several": ("run rig.toml second.toml --list", "--list needs one target, found 2"),
    "a link to nothing": ("preflight dangling.toml", "dangling.toml: is a link to nowhere.toml, which does not exist"),
    "no number of minutes": ("run rig.toml --max-minutes nan", "'nan' is no number"),
    "more seconds than a clock takes": ("run rig.toml --patience 1e300", "is not in the range 0<x<=10000000"),
    "more connections than of use": ("run rig.toml --connections 100000", "100000 is not in the range 1<=x<=256"),
    "an endless wait": ("run rig.toml --wait inf", "inf is not in the range"),
    "an unknown profile": ("run rig.toml --profile nighly", "did you mean 'nightly'?"),
    "no such baseline": ("run rig.toml --baseline nowhere.toml", "--baseline nowhere.toml: there is no such file"),
    "a broken baseline": ("run rig.toml --baseline broken.toml", "broken.toml: line 1: not valid TOML"),
    "a baseline that is none": ("run rig.toml --baseline mine.toml", 'unknown key "mine" at the top level'),
    "a baseline written over another file": ("run rig.toml --write-baseline mine.toml", 'mine.toml: unknown key "mine" at the top level'),
    "a baseline written to a folder": ("run rig.toml --write-baseline held", "--write-baseline held: is a folder"),
    "one baseline of two targets": ("run rig.toml second.toml --write-baseline new.toml", "--write-baseline needs one target, found 2"),
    "a report folder that is a file": ("run rig.toml --report-dir file", "there is a file where a folder is expected"),
    "a report folder in a file": ("run rig.toml --report-dir file/reports", "there is a file where a folder is expected"),
    "a report folder that cannot be made": ("run rig.toml --report-dir /proc/reports", "--report-dir /proc/reports: cannot be written"),
    "a report folder that holds a run": ("run rig.toml --report-dir held", "the folder holds a run already (results.json)"),
    "report folders of several that hold a run": ("run held-rig.toml rig.toml --report-dir .", "the folder holds a run already (results.json)"),
    "a page written over another": ("compare held held --html page.html", "page.html: exists, and this command did not write it"),
    "a target file written over another": ("new-target mine.toml", "mine.toml: exists already; --overwrite replaces it"),
    "an emulator's target over another": ("emulator --write-target mine.toml", "exists and was not written by the emulator"),
    "an emulator's target in a file": ("emulator --write-target file/rig.toml", "--write-target file/rig.toml: its folder is a file"),
    "no such capture": ("check nowhere.har", "nowhere.har: there is no such file"),
    "reports of a journal over a run": ("report rig.toml --report-dir held", "the folder holds a run already"),
    "no journal": ("report rig.toml --report-dir new", "is no journal"),
    "one run to compare": ("compare held", "compare needs at least two runs, found 1"),
    "results that are none": ("compare held held", "results.json"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WORDS)
def test_words_that_cannot_be_right(
    stage: Stage,
    run: Callable[..., tuple[int, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mistake: str,
) -> None:
    line, words = WORDS[mistake]
    prepared(tmp_path, f"http://127.0.0.1:{stage.port}")
    (tmp_path / "held-rig.toml").write_text((tmp_path / "rig.toml").read_text().replace('"rig"', '"held"'))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    monkeypatch.chdir(tmp_path)
    command, *rest = line.split()

    code, told = run(*rest, command=command)

    assert words in told
    assert (code, stage.requests) == (WRONG_INPUT, 0)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


ODD = {"PYTEST_ADDOPTS": "-k nothing --bogus", "PYTEST_PLUGINS": "nowhere", "PYTHONWARNINGS": "error", "HOME": None}
SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "everything odd at once": dict(ODD),
    "and no plugins by themselves": {**ODD, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_the_environment_changes_no_run(tmp_path: Path, name: str) -> None:
    """The folder is somebody else's: it has settings of pytest, a conftest.py, and folders that are called like ours."""
    for folder in ("conformance", "reimage_conformance", "cases"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise RuntimeError('mine')\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('mine')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --bogus\n")
    (tmp_path / "rig.toml").write_text(TEXT.format(url="http://127.0.0.1:1"))
    changes = SURROUNDINGS[name]
    kept = {key: value for key, value in os.environ.items() if key not in changes and not key.startswith("PYTEST")}
    environment = kept | {key: value for key, value in changes.items() if value is not None}
    script = "import sys; from reimage_conformance.cli import main; sys.path.insert(0, ''); sys.exit(main())"
    line = [sys.executable, "-P", "-c", script, "run", "rig.toml", "--", "--collect-only", "-q", "-k", "comp_missing"]

    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)  # noqa: S603

    notes = [
        f"note: {key} in the environment is not used" for key in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS") if key in changes
    ]
    assert done.returncode == 0, done.stderr
    assert "comp_missing" in done.stdout
    assert [line.partition(";")[0] for line in done.stderr.splitlines()] == notes


def test_a_folder_that_cannot_be_written_is_told(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(TEXT.format(url=f"http://127.0.0.1:{stage.port}"))
    line = [sys.executable, "-P", "-m", "reimage_conformance.cli", "run", str(tmp_path / "rig.toml")]
    environment = {**os.environ, "PYTHONPATH": str(cases_folder().parent)}

    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd="/proc", env=environment)  # noqa: S603

    assert (done.returncode, stage.requests) == (WRONG_INPUT, 0)
    assert done.stderr.startswith("error: --report-dir /proc/reports/rig/")
    assert done.stderr.count("\n") == 1
