"""Workers: Python processes here or on other machines, each with one target at a time; execnet starts them and carries files.

A worker is described as for pytest-xdist (`--tx`): `popen` for this machine, `ssh=HOST//python=PATH` for another one, `3*popen` for three.
"""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import execnet

from reimage_conformance.commands import work
from reimage_conformance.config.targets import is_loopback
from reimage_conformance.errors import ReportError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from execnet.gateway import Gateway
    from execnet.gateway_base import Channel

    from reimage_conformance.commands.parcels import Parcel
    from reimage_conformance.model import Target

SUITE = Path(__file__).resolve().parents[2]
KINDS = ("popen", "ssh", "vagrant_ssh")
EXIT_SECONDS = 10.0
"""How long workers may take to end before they are killed."""
LOST, REFUSED = 6, 4
"""The exit codes of a run whose worker was lost, and of one that the worker cannot run."""
_SEVERAL = re.compile(r"(\d+)\*(.+)", re.DOTALL)


class Worker:
    """One worker; `lost` is set when its connection is gone."""

    def __init__(self, spec: str, gateway: Gateway) -> None:
        self.spec, self.lost = spec, False
        self._gateway = gateway
        self._channel: Channel | None = None
        runs_this_python = bool(gateway.spec.popen) and execnet.XSpec(spec).python is None
        self._environment = {"PYTHONPATH": str(SUITE)} if runs_this_python else {}

    def run(self, parcel: Parcel, folder: Path) -> tuple[int, str]:
        """Run `parcel` on the worker and write its files into `folder`; gives the exit code, and what went wrong, "" for nothing.

        It returns when the run ends. If the connection is lost, `folder` holds the part of the journal that arrived. Raises ReportError.
        """
        try:
            self._channel = self._gateway.remote_exec(work)
            self._channel.send(parcel.as_message(self._environment))
            return self._receive(self._channel, folder)
        except (EOFError, OSError) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise ReportError(f"{error.filename}: cannot be written: {error.strerror}") from error
            self.lost = True
            return LOST, f"the connection to the worker {self.spec} was lost"
        except execnet.RemoteError as error:
            return REFUSED, f"the worker {self.spec} cannot run the suite: {str(error).strip().splitlines()[-1]}"

    def _receive(self, channel: Channel, folder: Path) -> tuple[int, str]:
        """Take the messages of `work` until the run ends; gives what `run` gives."""
        while True:
            kind, what = channel.receive()
            if kind == "file":
                _append(folder, *what)
            elif kind == "refused":
                advice = "install the expected version there, and name its Python in the worker's description (//python=PATH)"
                return REFUSED, f"the worker {self.spec} cannot run the suite: {what}; {advice}"
            else:
                return int(what), ""

    def stop(self) -> None:
        """Ask the worker to stop its run; `run` returns when the run has written its reports."""
        if self._channel is not None and not self._channel.isclosed():
            try:
                self._channel.send(work.STOP)
            except OSError:
                self.lost = True

    def end(self) -> None:
        """End the worker, and with it a run that has not ended."""
        self._gateway.exit()


@contextmanager
def started(specs: Sequence[str]) -> Iterator[list[Worker]]:
    """The workers that `specs` describe, ended afterwards; raises UsageError for one that cannot be started."""
    group = execnet.Group()
    group.set_execmodel("thread", "main_thread_only")
    try:
        yield [Worker(spec, _gateway(group, spec)) for spec in expanded(specs)]
    finally:
        group.terminate(EXIT_SECONDS)


def expanded(specs: Sequence[str]) -> list[str]:
    """One description for each worker: `3*popen` gives three of `popen`; raises UsageError if there is none."""
    found: list[str] = []
    for spec in specs:
        several = _SEVERAL.fullmatch(spec)
        found += [several[2]] * int(several[1]) if several else [spec]
    if not found:
        raise UsageError(f"--tx {' '.join(specs)}: expected a worker or more, found none")
    return found


def check_specs(specs: Sequence[str], targets: Sequence[Target], *, allow_reimage: bool) -> None:
    """Raise UsageError for descriptions that cannot be used, and for targets that a worker on another machine must not get.

    An address on loopback is another endpoint on that machine, which is reimaged only if the target file or --allow-reimage says so.
    """
    kinds = {spec: _kind(spec) for spec in expanded(specs)}
    elsewhere = next((spec for spec, kind in kinds.items() if kind != "popen"), None)
    for target in targets:
        if elsewhere and is_loopback(target) and not (target.limits.allow_reimage or allow_reimage):
            raise UsageError(
                f"{target.name}: {target.base_url} is on this machine, and on the worker {elsewhere} it would be something else; "
                "use --tx popen, or allow_reimage = true if the worker's own endpoint is meant"
            )


def _kind(spec: str) -> str:
    try:
        read = execnet.XSpec(spec)
    except (ValueError, AttributeError, IndexError) as error:
        raise UsageError(f"--tx {spec}: cannot be read: {error}") from error
    for kind in KINDS:
        if getattr(read, kind):
            return kind
    advice = "certificates would travel unencrypted by a socket" if read.socket else "none of them is there"
    raise UsageError(f"--tx {spec}: expected popen, ssh=HOST//python=PATH or vagrant_ssh=HOST; {advice}")


def _gateway(group: execnet.Group, spec: str) -> Gateway:
    read: Any = execnet.XSpec(spec)
    if read.popen and read.python is None:
        read.python = f"{shlex.quote(sys.executable)} -P"
    try:
        return group.makegateway(read)
    except (execnet.HostNotFound, execnet.RemoteError, EOFError, OSError, ValueError, AssertionError) as error:
        reason = next(reversed(str(error).strip().splitlines()), "it ended at once")
        raise UsageError(f"--tx {spec}: the worker cannot be started: {reason}") from error


def _append(folder: Path, name: str, octets: bytes) -> None:
    file = folder / name
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ReportError(
            f"a worker sent a file called {name!r}, which is outside the report folder; it was not written"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as opened:
        opened.write(octets)
