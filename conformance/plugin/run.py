"""One run: everything that has to be put together before the first case and taken apart after the last."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from conformance import __version__, baseline
from conformance.config import load_target, target_to_mapping, without_private
from conformance.gate import Gate, ProbeGate, new_token
from conformance.journal import JournalWriter
from conformance.runner.budget import Budget
from conformance.runner.dispatch import Dispatcher
from conformance.runner.observing import Observer, Probe
from conformance.runner.recorder import Recorder
from conformance.runner.sut import SystemUnderTest
from conformance.wire.client import Client
from conformance.wire.clock import SystemClock
from conformance.wire.connecting import SocketConnector, probe_connector
from conformance.wire.redaction import Redactor
from conformance.world import World

if TYPE_CHECKING:
    from conformance.emulator import Emulator
    from conformance.model import Preflight, Target
    from conformance.plugin.options import Plan
    from conformance.wire.clock import Clock
    from conformance.wire.streams import Connector


MOST_NAMED = 6
"""So many of the addresses that were not tried are named in a report."""


class Run:
    """A conformance run: opened before the first case, closed after the last one, whatever happened between."""

    def __init__(self, plan: Plan, folder: Path | None, preflight: Preflight | None = None) -> None:
        self.plan = plan
        self._preflight = preflight
        self._stack = ExitStack()
        self._began = time.monotonic()
        self._finished = False
        self._emulator: Emulator | None = None
        self._baseline = None if plan.baseline is None else baseline.load_baseline(plan.baseline)
        target, clock, connector, probe_connector = self._endpoint()
        self.target = self._limited(target)
        self.folder = folder if folder is not None else Path(self._stack.enter_context(TemporaryDirectory()))
        if isinstance(connector, SocketConnector):
            connector.reach(clock.now() + self.target.limits.request_timeout_seconds).close()
        self.sut = self._assemble(clock, connector, probe_connector)

    @property
    def journal_path(self) -> Path:
        """Where the journal is."""
        return self.folder / "journal.jsonl"

    def _limited(self, target: Target) -> Target:
        """The target with the options of the run laid over it."""
        limits = target.limits
        if self.plan.max_reimages is not None:
            limits = replace(limits, max_reimages=self.plan.max_reimages)
        return replace(target, strictness=self.plan.strictness or target.strictness, limits=limits)

    def _endpoint(self) -> tuple[Target, Clock, Connector, Connector | None]:
        """The target, the clock it lives by, and how to reach it and its probe."""
        if self.plan.in_memory:
            return self._in_memory()
        clock = SystemClock()
        target = self.plan.target or self._embedded()
        probe = probe_connector(target, clock)
        return target, clock, SocketConnector(target, clock), probe

    def _in_memory(self) -> tuple[Target, Clock, Connector, Connector | None]:
        """An emulator without sockets."""
        from conformance.embedding import MemoryConnector, TurnedClock, memory_emulator, memory_target  # noqa: PLC0415

        clock = TurnedClock()
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
        """Cloud service, deployment and role instance of each reimage in an emulator in memory."""
        operations = self._emulator.world.operations.values() if self._emulator is not None else ()
        return [(each.deployment.service, each.deployment.name, each.instance.name) for each in operations]

    def _embedded(self) -> Target:
        """The emulator, served over TLS for as long as the run lasts."""
        from conformance.emulator import Emulator, serve  # noqa: PLC0415  only a run without target needs it

        plan = self.plan
        emulator = Emulator(
            plan.operation_seconds, faults=plan.faults, oddities=plan.oddities, seed=plan.seed, layout=plan.world
        )
        running = self._stack.enter_context(serve(emulator))
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        return load_target(running.write_target(folder, probe=plan.probe, listed=plan.listed), environment={})

    def _assemble(self, clock: Clock, connector: Connector, probe_connector: Connector | None) -> SystemUnderTest:
        """Journal, recorder, client and the system under test."""
        plan, target = self.plan, self.target
        journal = self._stack.enter_context(JournalWriter(self.journal_path, clock))
        redactor = Redactor.for_target(target, enabled=plan.redact)
        masked = _masked(target, redactor)
        journal.write("run", **self._header(target_to_mapping(masked)))
        if self._preflight is not None:
            journal.write("preflight", requests=self._preflight.requests, answers=self._preflight.answers)
        if self._baseline is not None:
            journal.write(baseline.EVENT, **baseline.baseline_event(self._baseline, datetime.now(UTC).date()))
        recorder = Recorder(journal, redactor, World(masked, target.strictness))
        limits = target.limits
        rate = limits.requests_per_second
        timeout, record = limits.request_timeout_seconds, recorder.record
        token = new_token(target)
        recorder.note("token", token=token)
        self._gate = Gate(target, token, masked=redactor.text)
        client = self._stack.enter_context(
            Client(connector, clock, self._gate, request_timeout=timeout, record=record, requests_per_second=rate)
        )
        probe_client = None
        if probe_connector is not None:  # nobody judges the probe, so nothing is waited for after its replies
            probe_client = self._stack.enter_context(
                Client(
                    probe_connector, clock, ProbeGate(target), request_timeout=timeout, record=record, linger_seconds=0
                )
            )
        from conformance.protocol.requests import RequestBuilder  # noqa: PLC0415

        builder = RequestBuilder(target, token)
        dispatcher = Dispatcher(client, clock, limits, builder.host, gate=self._gate, restored=redactor.restored)
        return SystemUnderTest(
            target,
            profile=plan.profile,
            recorder=recorder,
            dispatcher=dispatcher,
            builder=builder,
            observer=Observer(target, builder, dispatcher),
            probe=Probe(target, probe_client),
            budget=Budget(limits.max_reimages),
            seed=plan.seed,
        )

    def _header(self, target: dict[str, Any]) -> dict[str, Any]:
        """The journal's first line."""
        return {
            "id": uuid4().hex,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": self.plan.seed,
            "profile": self.plan.profile.value,
            "strictness": self.target.strictness.value,
            "suite_version": __version__,
            "target": target,
        }

    def finish(self, *, interrupted: bool) -> None:
        """Ends the journal; nothing of the run goes out after this."""
        if self._finished:
            return
        self._finished = True
        self.sut.dispatcher.before = lambda: None
        recorder, observer = self.sut.recorder, self.sut.observer
        offers = {"deployment": observer.known("deployment"), "cloud-service": observer.known("cloud-service")}
        recorder.note("offers", offers=offers)
        if self._gate.withheld:
            recorder.note("note", text=_kept_back(list(self._gate.withheld)))
        recorder.note(
            "end",
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            interrupted=interrupted,
            duration_seconds=round(time.monotonic() - self._began, 3),
            reimages=self.sut.budget.spent,
            under_way=[operation.identifier for operation in self.sut.book.under_way],
        )

    def close(self) -> None:
        """Lets everything go: connections, the journal's file, the emulator."""
        self._stack.close()


def _kept_back(addresses: list[str]) -> str:
    """What was not sent, in a sentence."""
    first = ", ".join(addresses[:MOST_NAMED])
    more = f", and {len(addresses) - MOST_NAMED} more" if len(addresses) > MOST_NAMED else ""
    return (
        f"{len(addresses)} addresses were not tried, since what they lead to may exist, and is not listed: {first}{more}. "
        "Where nothing exists beside what the target file lists, complete = true in [target] says so."
    )


def _masked(target: Target, redactor: Redactor) -> Target:
    """The target as reports may show it."""
    return replace(
        without_private(target),
        subscription_id=redactor.text(target.subscription_id),
        foreign_subscription_id=redactor.text(target.foreign_subscription_id)
        if target.foreign_subscription_id
        else None,
        other_subscription_id=redactor.text(target.other_subscription_id) if target.other_subscription_id else None,
    )
