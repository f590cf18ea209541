"""The program of a worker: takes a parcel, runs the suite against its target, and sends the files of the run while they are written.

execnet carries the text of this module to the worker and executes it there, so it uses the standard library alone. The messages that
it sends are pairs: ("file", (name, octets)) to be appended to a file of the report folder, ("refused", sentence), ("ended", exit code).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from execnet.gateway_base import Channel

STOP = "stop"
JOURNAL = "journal.jsonl"
PREFIX = "REIMAGE_CONFORMANCE_"
"""The variables of the suite; those of the worker's own environment are not used."""
PIECE_OCTETS = 256 * 1024
STOPPING_SECONDS = 30.0
"""How long a run that was told to stop may take to write its reports."""
LOST_SECONDS = 4.0
"""The same when the connection is lost: execnet ends the worker 5 s afterwards."""


def work(channel: Channel) -> None:
    """Run the suite with the parcel that `channel` brings, in a folder for this user only, which is removed at the end.

    If another version of the suite is installed here, or none, it only sends why it refuses the parcel.
    """
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches local workers too; the run is stopped by a message
    parcel: dict[str, Any] = channel.receive()
    found = version_here(parcel["environment"])
    if found != parcel["version"]:
        reason = f"{sys.executable} has {found or 'no reimage-conformance'}, expected {parcel['version']}"
        channel.send(("refused", reason))
        return
    # An OSError says that the connection was lost, or that files cannot be written here; the other side then sees a lost worker.
    with tempfile.TemporaryDirectory(prefix="reimage-conformance-") as folder, contextlib.suppress(OSError):
        unpack(parcel["files"], Path(folder))
        channel.send(("ended", run(channel, parcel, Path(folder))))


def version_here(environment: dict[str, str]) -> str:
    """The version of the suite that is installed here; "" if there is none."""
    line = "import reimage_conformance; print('reimage-conformance', reimage_conformance.__version__)"
    command = [sys.executable, "-P", "-c", line]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})  # noqa: S603
    return done.stdout.strip()


def unpack(files: dict[str, bytes], folder: Path) -> None:
    """Write `files` into `folder`, readable by this user alone."""
    for name, octets in files.items():
        file = folder / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(octets)


def run(channel: Channel, parcel: dict[str, Any], folder: Path) -> int:
    """Run the suite in `folder`, send console output and journal as they are written, then the reports; gives the exit code."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-P", *parcel["command"]],
        cwd=folder,
        env={**kept, **parcel["environment"], "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,  # a run whose output nobody reads ends itself, so it ends with this process
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    channel.setcallback(lambda message: stop(child, message), endmarker=None)
    reports, console, sent = folder / parcel["reports"], child.stdout, 0
    try:
        while console is not None and (octets := os.read(console.fileno(), PIECE_OCTETS)):
            channel.send(("file", ("console.txt", octets)))
            sent += send_rest(channel, reports / JOURNAL, sent)
        code = child.wait()
        for file in sorted(path for path in reports.rglob("*") if path.is_file()):
            name = str(file.relative_to(reports))
            send_rest(channel, file, sent if name == JOURNAL else 0, name)
    finally:
        stop(child, None)
        child.wait()
    return code


def send_rest(channel: Channel, file: Path, start: int, name: str = JOURNAL) -> int:
    """Send what `file` holds from octet `start` on; gives how many octets that were."""
    size = 0
    for octets in pieces(file, start):
        channel.send(("file", (name, octets)))
        size += len(octets)
    return size


def pieces(file: Path, start: int) -> Iterator[bytes]:
    """The octets of `file` from `start` on in pieces; none if there is no such file yet."""
    with contextlib.suppress(FileNotFoundError), file.open("rb") as opened:
        opened.seek(start)
        while octets := opened.read(PIECE_OCTETS):
            yield octets


def stop(child: subprocess.Popen[bytes], message: object) -> None:
    """Ask `child` to stop, and kill it if it takes too long; `message` is None if the connection is lost, and STOP otherwise."""
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    timer = threading.Timer(STOPPING_SECONDS if message == STOP else LOST_SECONDS, child.kill)
    timer.daemon = True
    timer.start()


if __name__ == "__channelexec__":
    work(channel)  # type: ignore[name-defined]  # noqa: F821  execnet provides it
