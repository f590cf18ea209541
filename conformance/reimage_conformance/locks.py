"""Locks: on this machine, only one run at a time works on a deployment; another run is refused or waits.

A lock is a file that the operating system locks, so no lock outlives its process. Other machines and other users do not see the locks.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from reimage_conformance.errors import BusyError, UsageError
from reimage_conformance.protocol.addresses import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Deployment, Target

PROGRAM = "reimage-conformance"
POLL_SECONDS = 0.1
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """The claim of a run on one address of a deployment: its slot or its name, at one host and port.

    Two claims have equal keys if they mean the same address, however it is spelt. `deployment` describes it for messages.
    """

    key: str
    deployment: str


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds a deployment."""

    process: int
    target: str
    folder: str
    since: str

    def __str__(self) -> str:
        reports = f", reports in {self.folder}" if self.folder else ""
        return f'process {self.process}, target "{self.target}", since {self.since}{reports}'


def claims(target: Target) -> tuple[Claim, ...]:
    """The claims of a run against `target`, sorted: every run takes claims in this order, so that no deadlock can occur.

    A deployment is claimed by its slot and by its name: two target files share a claim even if one of them has a wrong slot or name.
    It is claimed at base_url and at connect_to, since another target file may reach the same endpoint by either.
    """
    addresses = {endpoint(target.base_url)} | ({endpoint(f"//{target.connect_to}")} if target.connect_to else set())
    subscriptions = [(address, target.subscription_id.casefold()) for address in addresses]
    found = {claim.key: claim for each in subscriptions for row in target.deployments for claim in _claims(each, row)}
    return tuple(sorted(found.values()))


def endpoint(base_url: str) -> str:
    """`host:port` of `base_url` in normal form (RFC 3986, 6.2.2 and 6.2.3); every loopback name or address becomes localhost."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".").casefold()
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        address = getattr(address, "ipv4_mapped", None) or address
        host = "localhost" if address.is_unspecified else str(address)
    if is_loopback_host(host):
        host = "localhost"
    return f"{host}:{parts.port or DEFAULT_PORTS.get(parts.scheme.lower(), 0)}"


class Hold:
    """The locks of one run, until `release` or the end of its process."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def take(self, lock: FileLock, note: Path, holder: Holder) -> None:
        """Keep `lock`, which has been acquired, and write into the file `note` which run holds it."""
        self._stack.callback(lock.release)
        for path in (Path(lock.lock_file), note):  # FileLock makes a new file if another run has removed the old one
            self._stack.callback(_remove, path)
        note.touch(mode=0o600)
        note.write_text(json.dumps(asdict(holder)), encoding="utf-8")

    def release(self) -> None:
        """Release all locks; releasing twice is harmless."""
        self._stack.close()


def hold(
    target: Target,
    folder: Path | None,
    *,
    wait_seconds: float = 0.0,
    waiting: Callable[[str], None] = lambda _: None,
) -> Hold:
    """Claim every deployment of `target` for a run that reports to `folder`.

    If another run holds one, calls `waiting` with a sentence and waits up to `wait_seconds` for the end of that run. Raises BusyError
    if that run has not ended then, UsageError where the lock files cannot be written.
    """
    locks = _locks_folder()
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = Holder(os.getpid(), target.name, "" if folder is None else str(folder), since)
    deadline = time.monotonic() + wait_seconds
    held = Hold()
    try:
        for claim in claims(target):
            lock = FileLock(locks / f"{claim.key}.lock", mode=0o600, thread_local=False, fallback_to_soft=False)
            note = locks / f"{claim.key}.json"
            _acquire(lock, partial(_busy, claim, note), deadline, waiting)
            held.take(lock, note, holder)
    except (OSError, NotImplementedError) as error:  # NotImplementedError: the file system has no locks
        held.release()
        raise UsageError(
            f"{locks}: the lock files that keep two runs apart cannot be written: {getattr(error, 'strerror', None) or error}"
        ) from error
    except BaseException:
        held.release()
        raise
    return held


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # Windows does not remove an open file
        path.unlink(missing_ok=True)


def _acquire(lock: FileLock, busy: Callable[[], str], deadline: float, waiting: Callable[[str], None]) -> None:
    with contextlib.suppress(Timeout):
        lock.acquire(timeout=0)
        return
    left = deadline - time.monotonic()
    if left <= 0:
        raise BusyError(f"{busy()}; start again after its end, or give --wait SECONDS")
    waiting(f"waiting: {busy()}")
    try:
        lock.acquire(timeout=left, poll_interval=POLL_SECONDS)
    except Timeout:
        raise BusyError(f"{busy()}; it did not end within the time of --wait") from None


def _busy(claim: Claim, note: Path) -> str:
    holder = _holder(note)
    return f"another run is using {claim.deployment}: {holder or 'a run that is just beginning'}"


def _holder(note: Path) -> Holder | None:
    """The run that wrote `note`; None where the file is missing or incomplete."""
    try:
        return Holder(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _claims(subscription: tuple[str, str], row: Deployment) -> tuple[Claim, ...]:
    """The claims on a deployment by its slot and by its name; `subscription` is its address and its id."""
    service = row.cloud_service.casefold()
    label = f"deployment {row.name} of cloud service {row.cloud_service}"
    parts = [
        (*subscription, service, kind, value.casefold()) for kind, value in (("slot", row.slot), ("name", row.name))
    ]
    return tuple(Claim(hashlib.sha256(json.dumps(part).encode()).hexdigest()[:40], label) for part in parts)


def _locks_folder() -> Path:
    """The folder of the locks, which only this user can read.

    It is in the user's cache folder, or in the system's temporary folder where the first cannot be written. Raises UsageError where
    neither can be.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folders = (user_cache_path(PROGRAM) / "locks", Path(tempfile.gettempdir()) / f"{PROGRAM}-locks-{user}")
    failures = []
    for folder in folders:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            _require_own(folder, user)
        except OSError as error:
            failures.append(f"{folder}: {error.strerror or error}")
        else:
            return folder
    raise UsageError(f"no folder can be written for the locks that keep two runs apart: {'; '.join(failures)}")


def _require_own(folder: Path, user: int) -> None:
    """Raises PermissionError where `folder` belongs to another user than `user` (a uid), or cannot be written."""
    found = folder.lstat()
    if hasattr(os, "getuid") and (found.st_uid != user or folder.is_symlink()):
        raise PermissionError(13, "belongs to another user")
    folder.chmod(0o700)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(13, "cannot be written")
