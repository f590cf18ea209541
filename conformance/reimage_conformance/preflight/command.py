"""The command `preflight`: prints every remark on a line, and gives the exit code."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from reimage_conformance.errors import TargetError, UnreachableError, UsageError
from reimage_conformance.gate import Gate, ProbeGate, new_token
from reimage_conformance.model import Profile
from reimage_conformance.preflight.asking import MOST_REQUESTS, Asker, NoMoreRequests
from reimage_conformance.preflight.certificates import certificate_remarks, server_remarks
from reimage_conformance.preflight.environment import environment_remarks
from reimage_conformance.preflight.names import Names
from reimage_conformance.preflight.outlook import outlook_remarks
from reimage_conformance.preflight.questions import Questions, probe_remarks
from reimage_conformance.preflight.remarks import ENDING, EXIT_CODES, Level, Remark, mend, note, ok, stop
from reimage_conformance.preflight.statement import statement_remarks
from reimage_conformance.protocol.requests import RequestBuilder
from reimage_conformance.quantities import counted
from reimage_conformance.report.visible import one_line
from reimage_conformance.wire.client import Client
from reimage_conformance.wire.clock import SystemClock
from reimage_conformance.wire.connecting import SocketConnector, probe_connector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Exchange, Target
    from reimage_conformance.wire.clock import Clock
    from reimage_conformance.wire.streams import Connector


def preflight(target: Target, profile: Profile = Profile.STANDARD) -> int:
    """Check `target` and its endpoint, print the remarks, give the exit code; reimages nothing.

    The exit code is that of the first level in EXIT_CODES that a remark has, 0 if no remark has one.
    """
    click.echo(f"{target.name} at {target.base_url}")
    found: list[Remark] = []
    for remark in remarks(target, profile):
        found.append(remark)
        click.echo(str(replace(remark, text=one_line(remark.text))))
    levels = {remark.level for remark in found}
    click.echo(conclusion(found))
    return next((code for level, code in EXIT_CODES.items() if level in levels), 0)


def conclusion(found: list[Remark]) -> str:
    """The last line of the output."""
    wrong = sum(remark.level in (Level.MEND, Level.CHECK) for remark in found)
    if any(remark.level is Level.STOP for remark in found):
        return "Not ready: the endpoint cannot be judged."
    return (
        f"Not ready: {counted(wrong, 'thing')} to mend or check in the target file."
        if wrong
        else "Ready. Nothing was reimaged."
    )


def remarks(target: Target, profile: Profile) -> Iterator[Remark]:
    """All remarks, each as soon as it is known."""
    yield from statement_remarks(target)
    of_certificates = list(certificate_remarks(target, datetime.now(UTC)))
    yield from of_certificates
    yield from environment_remarks(target, os.environ)
    if not any(remark.level is Level.MEND for remark in of_certificates):
        yield from endpoint_remarks(target, [])
    yield from outlook_remarks(target, profile)


def endpoint_remarks(target: Target, sent: list[Exchange]) -> Iterator[Remark]:
    """Connects to the endpoint and asks it; each exchange is appended to `sent`."""
    clock = SystemClock()
    try:
        connector = SocketConnector(target, clock)
        stream = connector.reach(clock.now() + target.limits.request_timeout_seconds)
    except UsageError as error:
        yield mend(str(error))
        return
    except UnreachableError as error:
        yield stop(str(error))
        return
    dialled = f" at {target.connect_to} (connect_to)" if target.connect_to else ""
    way = f" through {target.proxy} (proxy)" if target.proxy else ""
    yield ok(f"base_url: the endpoint can be connected to{dialled}{way}")
    yield from server_remarks(stream, datetime.now(UTC))
    stream.close()
    yield from answer_remarks(target, clock, connector, probe_connector(target, clock), sent)


def answer_remarks(
    target: Target, clock: Clock, connector: Connector, probe_connector: Connector | None, sent: list[Exchange]
) -> Iterator[Remark]:
    """Asks the endpoint and its probe through these connectors, and gives the remarks on their answers.

    Each exchange with the endpoint is appended to `sent`.
    """
    timeout, rate = target.limits.request_timeout_seconds, target.limits.requests_per_second
    with ExitStack() as stack:
        gate = Gate(target, new_token(target))
        client = stack.enter_context(Client(connector, clock, gate, request_timeout=timeout, requests_per_second=rate))
        builder = RequestBuilder(target)
        ask = Asker(client.exchange, clock, target.base_url, sent)
        speaks_tls = connector.speaks_tls if isinstance(connector, SocketConnector) else lambda: False
        questions = Questions(target, builder, ask, uuid4().hex, speaks_tls=speaks_tls)
        try:
            yield from _endpoint_answers(questions, Names(target, builder, ask))
        except NoMoreRequests:
            yield note(f"{counted(MOST_REQUESTS, 'request')} were sent; the rest of the target file was not checked")
        ask_probe = None
        if probe_connector is not None:
            probe_client = Client(probe_connector, clock, ProbeGate(target), request_timeout=timeout)
            ask_probe = stack.enter_context(probe_client).exchange
        yield from probe_remarks(target, ask_probe)


def _endpoint_answers(questions: Questions, names: Names) -> Iterator[Remark]:
    """Asks the endpoint; stops after a remark with which a run cannot begin."""
    for remark in questions.identity():
        yield remark
        if remark.level in ENDING:
            return
    yield from names.remarks()
    yield from questions.other_identities()


def look_before_run(target: Target) -> tuple[list[Remark], list[Exchange]]:
    """The remarks before a run, and the exchanges that were made for them.

    Raises TargetError for a mistake in the target file, if possible before anything is sent, and UnreachableError for
    an endpoint that cannot be judged.
    """
    found: list[Remark] = []
    sent: list[Exchange] = []
    groups = (
        statement_remarks(target),
        environment_remarks(target, os.environ),
        certificate_remarks(target, datetime.now(UTC)),
        endpoint_remarks(target, sent),
    )
    for group in groups:
        found += group
        _raise_for(found)
    return found, sent


def _raise_for(found: list[Remark]) -> None:
    """Raise TargetError or UnreachableError for the first remark with which a run cannot begin, if there is one."""
    for level in ENDING:
        texts = [one_line(remark.text) for remark in found if remark.level is level]
        if texts:
            more = f" (and {len(texts) - 1} more: see `reimage-conformance preflight`)" if len(texts) > 1 else ""
            raise (TargetError if level is Level.MEND else UnreachableError)(f"{texts[0]}{more}")


def reach(target: Target) -> None:
    """Connect once; raises UnreachableError, with one sentence, where no connection can be made."""
    clock = SystemClock()
    SocketConnector(target, clock).reach(clock.now() + target.limits.request_timeout_seconds).close()
