"""The emulator as a pytest fixture, for projects that test a client of Reimage Role Instance.

A project's top-level conftest.py names this module: `pytest_plugins = ["reimage_conformance.testing"]`. Each test that takes
the fixture `reimage_emulator` then gets an emulator of its own, on 127.0.0.1. The marker `reimage_emulator` says what it
holds and how it behaves; its keywords are those of `served_emulator`. The module adds no other fixture, marker or option.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reimage_conformance.errors import SuiteError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.embedding.recording import Recording
    from reimage_conformance.emulator import DeploymentLayout, RunningEmulator
    from reimage_conformance.model import Assessment

__all__ = ["Certificates", "ReimageEmulator", "reimage_emulator", "served_emulator"]

_MARKER = "reimage_emulator"
_KEYWORDS = ("world", "faults", "oddities", "like_the_service", "operation_seconds", "tls", "seed", "record")


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files that a client needs for TLS with a client certificate; all are PEM except `publishsettings`.

    `authority` is the certificate that the client has to trust. `client` and `key` give access to the main subscription; `client_and_key`
    and `publishsettings` hold both of them. `second` is another certificate of the same subscription, `other` one of another subscription;
    both files hold the key too.
    """

    authority: Path
    client: Path
    key: Path
    client_and_key: Path
    publishsettings: Path
    second: Path
    other: Path


@dataclass(frozen=True, slots=True)
class ReimageEmulator:
    """An emulator that is served until the test ends; `target_file` describes it to `reimage-conformance run`.

    `record` is the folder with the journal of what clients sent, None where nothing is recorded.
    """

    target_file: Path
    _running: RunningEmulator
    record: Path | None = None
    _recording: Recording | None = None

    def judge_client(self) -> Assessment:
        """Ends the recording and judges the client by all requests that it sent until now; later requests are not recorded.

        In the result, `verdict` is the conclusion, and each of `findings` has `headline`, `counts_as` and `actual`. Raises UsageError where
        nothing is recorded.
        """
        from reimage_conformance.journal import read_journal  # noqa: PLC0415 -- heavy
        from reimage_conformance.replay import assessed  # noqa: PLC0415 -- heavy

        if self.record is None or self._recording is None:
            raise UsageError("nothing was recorded of the client; add the keyword record=True")
        self._recording.close()
        return assessed(read_journal(self.record / "journal.jsonl"))

    @property
    def base_url(self) -> str:
        """The address, without a slash at its end: `https://127.0.0.1:PORT`, or `http:` without TLS."""
        return self._running.base_url

    @property
    def certificates(self) -> Certificates:
        """The files for the client; raises UsageError where the emulator is served without TLS."""
        from reimage_conformance.emulator import certificate_files  # noqa: PLC0415 -- heavy

        if not self._running.tls:
            raise UsageError("an emulator that is served without TLS has no certificates; leave tls=False out")
        files = certificate_files(self.target_file)
        return Certificates(
            authority=files["ca.pem"],
            client=files["client.pem"],
            key=files["client.key"],
            client_and_key=files["client-and-key.pem"],
            publishsettings=files["publishsettings"],
            second=files["second.pem"],
            other=files["other.pem"],
        )

    @property
    def deployments(self) -> tuple[DeploymentLayout, ...]:
        """What the main subscription holds: each has `service`, `slot`, `name`, and `instances` with `name` and `failing`."""
        layout = self._running.emulator.layout
        return tuple(each for each in layout if each.subscription == self.subscription_id)

    @property
    def subscription_id(self) -> str:
        """The id of the main subscription, to which the client's certificate gives access."""
        from reimage_conformance.emulator.layouts import MAIN  # noqa: PLC0415 -- heavy

        return MAIN

    @property
    def accepted(self) -> int:
        """How many reimages were started so far."""
        return self._running.emulator.accepted

    @property
    def requests(self) -> int:
        """How many requests were read so far, the refused ones included."""
        return self._running.emulator.requests


@contextmanager
def served_emulator(
    folder: Path,
    *,
    world: str | Path = "large",
    faults: Sequence[str] = (),
    oddities: Sequence[str] = (),
    like_the_service: bool = False,
    operation_seconds: float = 0.2,
    tls: bool = True,
    seed: int | None = None,
    record: bool | str | Path = False,
) -> Iterator[ReimageEmulator]:
    """Serves an emulator on a free port of 127.0.0.1 while the context is open; for projects that need a fixture of another scope.

    `folder` gets the target file and the certificates. `world` is a name or the path of a .toml file. `faults` and `oddities` are
    names that `emulator --list-faults` and `--list-oddities` show. A reimage takes `operation_seconds`. With the same `seed`, the same
    requests get the same answers. `record` names a folder for a journal of all requests and answers; True means the folder `session` in
    `folder`. Raises UsageError for an unknown name, a wrong value, or a folder that holds a record already, WorldError for a wrong
    world file.
    """
    from reimage_conformance.embedding.recording import Recording  # noqa: PLC0415 -- heavy
    from reimage_conformance.embedding.worlds import world_of  # noqa: PLC0415 -- heavy
    from reimage_conformance.emulator import (  # noqa: PLC0415 -- heavy
        emulator_with,
        only_lenient,
        serve,
        with_manners,
    )

    manners = with_manners(_names("oddities", oddities), like_the_service=like_the_service)
    emulator = emulator_with(
        _seconds(operation_seconds),
        faults=_names("faults", faults),
        oddities=manners,
        seed=seed,
        layout=world_of(str(world)),
    )
    kept = _record_folder(folder, record)
    with serve(emulator, tls=tls) as running, ExitStack() as opened:
        file = running.write_target(folder / "reimage-emulator.toml")
        if kept is None:
            yield ReimageEmulator(file, running)
        else:
            recording = Recording(emulator, kept, running.base_url, lenient=only_lenient(manners), faults=faults)
            yield ReimageEmulator(file, running, kept, opened.enter_context(recording))


def _record_folder(folder: Path, record: object) -> Path | None:
    """The folder that the keyword `record` means, which is made; None for no record. Raises UsageError for a wrong value or a used folder."""
    if record is None or record is False:
        return None
    if record is not True and not isinstance(record, str | Path):
        raise UsageError(f"record is expected to be True or a folder, found {record!r}")
    kept = folder / "session" if record is True else Path(record)
    if (kept / "journal.jsonl").exists():
        raise UsageError(f"record: {kept} holds a record already; name another folder, or write record=True")
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def _names(keyword: str, names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UsageError(f'{keyword} is expected to be a list of names, found the text "{names}"; write ["{names}"]')
    return tuple(names)


def _seconds(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UsageError(f"operation_seconds is expected to be a number above 0, found {value!r}")
    return float(value)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, which --strict-markers demands."""
    config.addinivalue_line(
        "markers", f"{_MARKER}({', '.join(_KEYWORDS)}): what the fixture {_MARKER} of reimage-conformance serves."
    )


@pytest.fixture
def reimage_emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReimageEmulator]:
    """An emulator of this test's own; the marker of the same name says what it holds and how it behaves."""
    try:
        with served_emulator(tmp_path_factory.mktemp(_MARKER), **_wanted(request.node)) as emulator:
            yield emulator
    except SuiteError as error:
        raise pytest.fail.Exception(f"{_MARKER}: {error}", pytrace=False) from None


def _wanted(node: pytest.Item) -> dict[str, Any]:
    """The keywords of the markers on a test, its class and its module; where several give one keyword, the nearest marker counts."""
    found: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers(_MARKER))):
        unknown = [str(each) for each in (*marker.args, *(set(marker.kwargs) - set(_KEYWORDS)))]
        if unknown:
            raise UsageError(
                f"the marker is expected to have these keywords alone: {', '.join(_KEYWORDS)}; found {', '.join(unknown)}"
            )
        found |= marker.kwargs
    return found
