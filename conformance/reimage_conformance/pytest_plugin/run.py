"""One run: makes its parts before the first case, and closes them after the last one."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from reimage_conformance import baseline
from reimage_conformance.assessment.assess import LEFT_OUT, REQUIRED, SUFFICING
from reimage_conformance.choosing import CHOSEN
from reimage_conformance.config import is_loopback, load_target
from reimage_conformance.gate import Gate, ProbeGate, new_token
from reimage_conformance.journal import JournalWriter, read_journal
from reimage_conformance.judging.world import World
from reimage_conformance.outputs import JOURNAL
from reimage_conformance.protocol.requests import RequestBuilder
from reimage_conformance.pytest_plugin.heading import header, limited, masked, new_run_id
from reimage_conformance.pytest_plugin.kept_back import kept_back
from reimage_conformance.pytest_plugin.retrying import retry_violations
from reimage_conformance.pytest_plugin.undecoded import undecoded
from reimage_conformance.redaction.redactor import Redactor
from reimage_conformance.session.budget import Budget
from reimage_conformance.session.collaborators import Collaborators
from reimage_conformance.session.earlier import Earlier
from reimage_conformance.session.instances import Instances
from reimage_conformance.session.lanes import Lanes
from reimage_conformance.session.patience import Patience
from reimage_conformance.session.probe import Probe
from reimage_conformance.session.recorder import Recorder
from reimage_conformance.session.redirects import Redirects
from reimage_conformance.session.resuming import keep_for_resuming, take_up
from reimage_conformance.session.scheduler import Session
from reimage_conformance.session.sending import Sender
from reimage_conformance.session.sufficing import sufficing
from reimage_conformance.session.sut import SystemUnderTest
from reimage_conformance.session.wires import InlineWire, SteppedClock, ThreadedWire
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.clock import SystemClock
from reimage_conformance.wire.connecting import SocketConnector, probe_connector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trio.testing import MockClock

    from reimage_conformance.emulator import Emulator
    from reimage_conformance.journal import Journal
    from reimage_conformance.model import Preflight, Target
    from reimage_conformance.pytest_plugin.options import Plan
    from reimage_conformance.session.cases import Case
    from reimage_conformance.session.wires import Wire
    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.streams import Connector

CONNECTIONS_ON_LOOPBACK, CONNECTIONS_ELSEWHERE = 8, 4
"""How many requests are under way at the same time if neither the target file nor --connections says so."""


class Run:
    """A conformance run: made before the first case, closed after the last one."""

    def __init__(self, plan: Plan, folder: Path | None, preflight: Preflight | None = None) -> None:
        self.plan = plan
        self._preflight = preflight
        self._stack = ExitStack()
        self._began = time.monotonic()
        self._finished = False
        self._time: MockClock | None = None
        self.session: Session | None = None
        self._emulator: Emulator | None = None
        self._baseline = None if plan.baseline is None else baseline.load_baseline(plan.baseline)
        target, clock, connector, probe_connector = self._endpoint()
        self.target = limited(target, plan)
        self.folder = folder if folder is not None else Path(self._stack.enter_context(TemporaryDirectory()))
        self.earlier = self._earlier(read_journal(self.journal_path)) if plan.resume is not None else None
        self.id = new_run_id() if self.earlier is None else str(self.earlier.journal.header["id"])
        if isinstance(connector, SocketConnector):
            connector.reach(clock.now() + self.target.limits.request_timeout_seconds).close()
        self.sut = self._assemble(clock, connector, probe_connector)

    @property
    def journal_path(self) -> Path:
        """The path of the journal."""
        return self.folder / JOURNAL

    def _endpoint(self) -> tuple[Target, Clock, Connector, Connector | None]:
        """The target, its clock, and the connectors for the endpoint and its probe."""
        if self.plan.in_memory:
            return self._in_memory()
        clock = SystemClock()
        target = self.plan.target or self._embedded()
        probe = probe_connector(target, clock)
        return target, clock, SocketConnector(target, clock), probe

    def _in_memory(self) -> tuple[Target, Clock, Connector, Connector | None]:
        """An emulator without sockets."""
        from trio.testing import MockClock  # noqa: PLC0415

        from reimage_conformance.embedding.memory import MemoryConnector, TurnedClock, memory_emulator, memory_target  # noqa: PLC0415

        self._time = MockClock(autojump_threshold=0)
        clock = TurnedClock(self._time.current_time)
        plan = self.plan
        emulator = self._emulator = memory_emulator(
            clock,
            plan.faults,
            plan.oddities,
            operation_seconds=plan.operation_seconds,
            seed=plan.seed,
            layout=plan.world,
        )
        return (
            memory_target(emulator, probe=plan.probe, listed=plan.listed, claims=not plan.oddities),
            clock,
            MemoryConnector(emulator, clock),
            MemoryConnector(emulator, clock, probe=True) if plan.probe else None,
        )

    def reimaged(self) -> list[tuple[str, str, str]]:
        """Cloud service, deployment and role instance of each reimage, for an emulator in memory."""
        operations = self._emulator.world.operations.values() if self._emulator is not None else ()
        return [(each.deployment.service, each.deployment.name, each.instance.name) for each in operations]

    def _embedded(self) -> Target:
        """The emulator, served over TLS for as long as the run lasts."""
        from reimage_conformance.emulator import emulator_with, serve  # noqa: PLC0415  only a run without target needs it

        plan = self.plan
        emulator = emulator_with(
            plan.operation_seconds, faults=plan.faults, oddities=plan.oddities, seed=plan.seed, layout=plan.world
        )
        running = self._stack.enter_context(serve(emulator))
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        return load_target(running.write_target(folder, probe=plan.probe, listed=plan.listed), environment={})

    def _earlier(self, journal: Journal) -> Earlier:
        """The earlier part of a resumed run."""
        last = Earlier(journal, 0.0).latest_seconds
        return Earlier(journal, max(time.time() - float(journal.header["epoch"]), last))

    def _assemble(self, clock: Clock, connector: Connector, probe_connector: Connector | None) -> SystemUnderTest:
        """Makes the system under test and its parts."""
        plan, target, earlier = self.plan, self.target, self.earlier
        redactor = Redactor.for_target(target, enabled=plan.redact)
        shown = masked(target, redactor)
        recorder = self._recorder(self._journal(clock, shown), redactor, shown)
        token = self._token(recorder)
        if earlier is not None:
            recorder.world = replace(recorder.world, listed=earlier.listed, memory={})
            recorder.go_on(earlier.journal)
        self._gate = Gate(target, token, masked=redactor.text)
        numbers = count(1 if earlier is None else earlier.next_number)
        rate = target.limits.requests_per_second
        run = self.id if target.client_request_id else ""
        client = self._client(
            connector, clock, self._gate, numbers, requests_per_second=rate, announce=recorder.announce, run=run
        )
        wire, builder = self._wire(client, clock), RequestBuilder(target, token)
        sender = self._sender(wire, clock, recorder)
        instances = Instances(target, builder, sender)
        probe = Probe(target, self._probe_wire(probe_connector, clock, numbers), recorder)
        budget = Budget(target.limits.max_reimages)
        parts = Collaborators(recorder, sender, builder, instances, probe, budget, wire, self._gate.learn)
        sut = SystemUnderTest(target, plan.profile, plan.seed, parts)
        keep_for_resuming(sut)
        if plan.choice is not None:
            sut.limit_campaign(plan.choice.may_start)
        sut.take_up = partial(take_up, sut, earlier) if earlier is not None else None
        return sut

    def _sender(self, wire: Wire, clock: Clock, recorder: Recorder) -> Sender:
        """Makes the sender, with as many lanes as connections."""
        limits = self.target.limits
        return Sender(
            wire,
            clock,
            limits,
            recorder,
            redirects=Redirects(self.target.base_url),
            gate=self._gate,
            lanes=Lanes(self._connections()),
            patience=Patience.for_limits(limits.request_timeout_seconds, self.plan.patience, clock.now()),
        )

    def _probe_wire(self, connector: Connector | None, clock: Clock, numbers: Iterator[int]) -> Wire | None:
        """The wire to the probe; its replies are not judged, so it does not wait for content after them."""
        if connector is None:
            return None
        return self._wire(self._client(connector, clock, ProbeGate(self.target), numbers, linger_seconds=0), clock)

    @property
    def _ago(self) -> float | None:
        """How many seconds ago a resumed run began, None for a new run."""
        return self.earlier.began_seconds_ago if self.earlier is not None else None

    def _journal(self, clock: Clock, shown: Target) -> JournalWriter:
        """Opens the journal and writes its first lines; `shown` is the masked target."""
        journal = self._stack.enter_context(JournalWriter(self.journal_path, clock, ago=self._ago))
        if self.earlier is not None:
            journal.write("resumed")
            self._record_unanswered(journal, self.earlier)
            return journal
        journal.write("run", **header(self.id, self.plan, self.target, shown))
        if self.plan.choice is not None:
            journal.write(CHOSEN, **self.plan.choice.as_mapping())
        if self.plan.required:
            journal.write(REQUIRED, requirements=list(self.plan.required))
        if self._preflight is not None:
            journal.write("preflight", requests=self._preflight.requests, answers=self._preflight.answers)
        if self._baseline is not None:
            journal.write(baseline.EVENT, **baseline.baseline_event(self._baseline, datetime.now(UTC).date()))
        return journal

    def _recorder(self, journal: JournalWriter, redactor: Redactor, shown: Target) -> Recorder:
        """Makes the recorder."""
        announcing = Redactor.for_target(self.target, enabled=self.plan.redact)
        return Recorder(journal, redactor, World(shown, self.target.strictness), announcing=announcing)

    def _token(self, recorder: Recorder) -> str:
        """The token in the names that are drawn for the run, that of the earlier part if there is one; it is noted in the journal."""
        token = (self.earlier.token if self.earlier is not None else "") or new_token(self.target)
        recorder.note("token", token=token)
        return token

    def _client(
        self, connector: Connector, clock: Clock, gate: Gate | ProbeGate, numbers: Iterator[int], **options: Any
    ) -> Client:
        """A client that is closed with the run; all clients of a run share the `numbers` of exchanges."""
        timeout, ago = self.target.limits.request_timeout_seconds, self._ago or 0.0
        client = Client(connector, clock, gate, request_timeout=timeout, numbers=numbers, ago=ago, **options)
        return self._stack.enter_context(client)

    def _record_unanswered(self, journal: JournalWriter, earlier: Earlier) -> None:
        """Records the requests of the earlier part whose reply was not recorded, as exchanges without reply."""
        for exchange in earlier.unanswered:
            journal.exchange(exchange)
            earlier.journal.exchanges[exchange.number] = exchange

    def _wire(self, client: Client, clock: Clock) -> Wire:
        """The wire for a client: in threads, or inline for an endpoint in memory."""
        if self._time is not None and isinstance(clock, SteppedClock):
            return InlineWire(client, clock, self._time)
        return ThreadedWire(client, self._connections())

    def _connections(self) -> int:
        """How many requests may be under way at the same time."""
        asked_for = self.plan.connections or self.target.limits.connections
        return asked_for or (CONNECTIONS_ON_LOOPBACK if is_loopback(self.target) else CONNECTIONS_ELSEWHERE)

    def begin(self, cases: Sequence[Case], *, in_step: bool = False) -> None:
        """Starts the session; with `in_step` each case begins only when pytest waits for it."""
        if self.session is None:
            self.session = Session(
                self.sut,
                cases,
                clock=self._time,
                max_seconds=self.plan.max_seconds,
                in_step=in_step,
                concluded=self.earlier.concluded if self.earlier is not None else None,
                afterwards=None
                if in_step
                else partial(retry_violations, self.sut, list(cases), self.journal_path, self.plan),
            )
            # Garbage collection during the run, by Hypothesis and Python, skips all objects that exist now.
            gc.collect()
            gc.freeze()
            self._stack.callback(gc.unfreeze)
            self.session.start()

    def note_left_out(self, by_option: Mapping[str, list[str]]) -> None:
        """Notes in the journal which requirements each option leaves out; a resumed run leaves out what it did at its beginning."""
        if by_option and self.earlier is None:
            self.sut.recorder.note(LEFT_OUT, by_option=dict(by_option))

    def finish(self, *, interrupted: bool) -> None:
        """Stops the session and ends the journal."""
        if self._finished:
            return
        self._finished = True
        if self.session is not None:
            self.session.stop()
        recorder = self.sut.recorder
        recorder.note("offers", offers=self.sut.instances.offers)
        if (enough := sufficing(self.sut)) is not None and not interrupted:
            recorder.note(SUFFICING, max_reimages=enough.max_reimages, exact=enough.exact)
        lanes = self.sut.sender.lanes
        if lanes.reasons:
            used = f"only {lanes.width} of {lanes.asked_for} connections were used at the same time"
            recorder.note("note", text=f"{used}: {lanes.reasons[-1]}.")
        if self._gate.withheld:
            recorder.note("note", text=kept_back(list(self._gate.withheld)))
        if hidden := undecoded(recorder.exchanges):
            recorder.note("note", text=hidden)
        recorder.note(
            "end",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            interrupted=interrupted,
            duration_seconds=round(
                time.monotonic() - self._began + (self.earlier.seconds_taken if self.earlier else 0.0), 3
            ),
            reimages=self.sut.budget.spent,
            under_way=[operation.identifier for operation in self.sut.operations.under_way],
        )
        recorder.free_memory()

    def close(self) -> None:
        """Closes connections, the journal's file and the emulator."""
        self._stack.close()
