"""Records what an emulator served as a journal, the session of a client. From it, `report` judges the client, and `check` the endpoint."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from reimage_conformance import __version__
from reimage_conformance.config import target_to_mapping
from reimage_conformance.embedding.memory import CERTIFICATE_HOLDERS
from reimage_conformance.emulator import Close, Pause, Reset, Send
from reimage_conformance.emulator.layouts import MAIN, OTHER
from reimage_conformance.journal import JournalWriter
from reimage_conformance.model import (
    Deployment,
    Exchange,
    Failure,
    FailureKind,
    Identity,
    Request,
    Strictness,
    Subject,
    Target,
)
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.wire.clock import SystemClock
from reimage_conformance.wire.reading import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from reimage_conformance.emulator import Action, Emulator
    from reimage_conformance.emulator.messages import Call

JOURNAL = "journal.jsonl"


class _Octets:
    """A source for a ResponseReader: the octets of one answer, then the end of the connection."""

    def __init__(self, octets: bytes) -> None:
        self._rest = deque([octets] if octets else [])

    def receive(self) -> bytes:
        return self._rest.popleft() if self._rest else b""

    def linger(self, seconds: float) -> bytes:
        del seconds
        return b""

    def fell_silent(self) -> bool:
        return False


class Recording:
    """Writes each request that an emulator answers, with its answer, into the journal of a folder.

    It is a context manager. The file holds what was served until its end, or until the process was killed. The values of headers such as
    Authorization are masked; names and ids are the emulator's own and stay. Reports call the endpoint `name`; clients find it at
    `base_url`. With `lenient` the client is to be judged under lenient strictness. `faults` names the faults of the emulator. A context
    that ends without an error means that the client has ended. Raises ReportError where the journal cannot be written.
    """

    def __init__(
        self,
        emulator: Emulator,
        folder: Path,
        base_url: str,
        *,
        name: str = "emulator",
        lenient: bool = False,
        faults: Sequence[str] = (),
    ) -> None:
        self._emulator = emulator
        self._journal = JournalWriter(folder / JOURNAL, SystemClock())
        self._began = emulator.state.clock()
        self._numbers = itertools.count(1)
        self._opened = itertools.count(1)
        self._connections: dict[int, int] = {}
        self._lock = threading.Lock()
        target = served_target(emulator, base_url, name)
        self._redactor = Redactor({}, never_secret=Redactor.for_target(target).never_secret)
        strictness = Strictness.LENIENT if lenient else Strictness.STRICT
        self._journal.write(
            "run",
            id=uuid4().hex,
            started=_now(),
            seed=0,
            profile="standard",
            strictness=strictness,
            subject=Subject.CLIENT,
            suite_version=__version__,
            target=target_to_mapping(target),
            faults=list(faults),
        )
        emulator.watchers.append(self._keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(client_over=error is None)

    def close(self, *, client_over: bool = True) -> None:
        """Ends the journal; later requests are not recorded. Closing twice is harmless.

        `client_over` says that the client has ended: it would have sent nothing more.
        """
        if self._keep not in self._emulator.watchers:
            return
        self._emulator.watchers.remove(self._keep)
        duration = round(self._emulator.state.clock() - self._began, 3)
        self._journal.write(
            "end",
            finished=_now(),
            interrupted=False,
            client_over=client_over,
            duration_seconds=duration,
            reimages=self._emulator.accepted,
        )
        self._journal.close()

    def _keep(self, call: Call, actions: Sequence[Action]) -> None:
        if call.client.probe:
            return
        with self._lock:
            exchange = self._exchange(call, actions)
            self._journal.exchange(self._redactor.exchange(exchange))

    def _exchange(self, call: Call, actions: Sequence[Action]) -> Exchange:
        if call.position == 1:  # a new connection; one that has ended may have had the same id()
            self._connections[id(call.client)] = next(self._opened)
        octets = b"".join(each.data for each in actions if isinstance(each, Send))
        reading = ResponseReader(_Octets(octets), call.message.method).read()
        failure = reading.failure
        if reading.response is None and failure is None:
            failure = Failure(FailureKind.CLOSED, "the emulator did not answer")
        return Exchange(
            number=next(self._numbers),
            request=_request(call),
            response=reading.response,
            failure=failure,
            at=round(call.now - self._began, 6),
            elapsed=round(sum(each.seconds for each in actions if isinstance(each, Pause)), 6),
            connection=self._connections[id(call.client)],
            position=call.position,
            closed=any(isinstance(each, Close | Reset) for each in actions),
            unrecorded=reading.unrecorded,
        )


def served_target(emulator: Emulator, base_url: str, name: str) -> Target:
    """The target that describes `emulator` at `base_url`: it lists everything in the main subscription."""
    rows = [row for row in emulator.layout if row.subscription == MAIN]
    deployments = tuple(
        Deployment(
            row.service,
            row.slot,
            row.name,
            tuple(each.name for each in row.instances if not each.failing),
            tuple(each.name for each in row.instances if each.failing),
        )
        for row in rows
    )
    return Target(name, base_url, MAIN, deployments, other_subscription_id=OTHER)


def _request(call: Call) -> Request:
    message = call.message
    identities = {common_name: identity for identity, common_name in CERTIFICATE_HOLDERS.items()}
    identity = identities.get(call.client.identity, Identity.UNKNOWN) if call.client.tls else Identity.PRIMARY
    return Request(
        message.method, message.target, tuple(message.fields), message.body, identity, http_version=message.version
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
