"""Recorded sessions for the tests of captures: exchanges with the emulator, and the HAR that a proxy writes of them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from open_gate import OpenGate
from reimage_conformance.capture.command import write_journal
from reimage_conformance.capture.reading import read_capture
from reimage_conformance.capture.selection import select
from reimage_conformance.embedding.memory import MemoryConnector, TurnedClock, memory_emulator, memory_target
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Outcome, Strictness
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import (
    Place,
    RequestBuilder,
    with_body,
    with_header,
    with_query,
    without_header,
)
from reimage_conformance.replay import assessed
from reimage_conformance.wire.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.model import Assessment, Exchange, Request, Target

BAD = (Outcome.VIOLATED, Outcome.ADVISORY, Outcome.INCONCLUSIVE)
BEGAN = datetime(2014, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Session:
    """What went over the wire, and the target that it went to."""

    target: Target
    exchanges: tuple[Exchange, ...]


def session(faults: Sequence[str] = (), *, polls: int = 8, refusals: bool = True) -> Session:
    """A client's session with an emulator: looks, two reimages with polls, and requests that ought to be refused."""
    clock = TurnedClock()
    emulator = memory_emulator(clock, faults)
    target = memory_target(emulator)
    builder = RequestBuilder(target)
    exchanges: list[Exchange] = []
    with Client(MemoryConnector(emulator, clock), clock, OpenGate(), request_timeout=5.0) as client:

        def send(request: Request) -> Exchange:
            exchanges.append(client.exchange(request))
            return exchanges[-1]

        for deployment in target.deployments:
            for form in UriForm:
                send(builder.deployment(deployment, form))
        send(builder.cloud_service(target.deployments[0].cloud_service, version="2011-10-01"))
        for number, form in enumerate(UriForm):
            deployment = target.deployments[number]
            start = send(builder.reimage(Place(deployment, deployment.role_instances[0]), form))
            identifier = (start.reply.header("x-ms-request-id") if start.reply else "") or "none"
            for _ in range(polls):
                clock.sleep(0.05)
                send(builder.operation_status(identifier))
        if refusals:
            send_refusals(target, send)
    return Session(target, tuple(exchanges))


def send_refusals(target: Target, send: Callable[[Request], Exchange]) -> None:
    """Requests with one defect each."""
    builder = RequestBuilder(target)
    deployment = target.deployments[0]
    place = Place(deployment, deployment.role_instances[-1])
    sound = builder.reimage(place)
    send(without_header(sound, "x-ms-version"))
    send(with_header(sound, "x-ms-version", "tomorrow"))
    send(builder.reimage(place, version="2009-10-01"))
    send(with_query(sound, None))
    send(with_query(sound, "comp=restart"))
    send(without_header(sound, "Content-Type"))
    send(without_header(sound, "Content-Length"))
    send(with_body(sound, b"<x/>"))
    send(builder.reimage_at("no-such-service", UriForm.SLOT, deployment.slot, place.role_instance))
    send(builder.reimage_at(deployment.cloud_service, UriForm.SLOT, deployment.slot, "NoSuchRole_IN_0"))
    send(builder.reimage_at(deployment.cloud_service, UriForm.SLOT, "test", place.role_instance))
    send(without_header(builder.operation_status("0" * 31 + "1"), "x-ms-version"))


def har(exchanges: Sequence[Exchange], base_url: str) -> dict[str, Any]:
    """The HAR that a proxy writes of `exchanges`, the way mitmproxy does."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "tests", "version": "1"},
            "entries": [entry(e, base_url) for e in exchanges],
        }
    }


def entry(exchange: Exchange, base_url: str) -> dict[str, Any]:
    """One entry."""
    request, response = exchange.request, exchange.response
    sent: dict[str, Any] = {
        "method": request.method,
        "url": base_url + request.target,
        "httpVersion": request.http_version,
        "cookies": [],
        "headers": [{"name": name, "value": value.strip()} for name, value in request.headers],
        "queryString": [],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        sent["postData"] = {"mimeType": "application/xml", "text": request.body.decode("latin-1"), "params": []}
    came: dict[str, Any] = {"status": 0, "headers": [], "content": {"size": 0}}
    if response is not None:
        came = {
            "status": response.status,
            "statusText": response.reason,
            "httpVersion": response.http_version,
            "cookies": [],
            "headers": [{"name": name, "value": value} for name, value in response.headers],
            "content": content(response.body, response.header("Content-Type") or ""),
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        }
    return {
        "startedDateTime": (BEGAN + timedelta(seconds=exchange.at)).isoformat(),
        "time": exchange.elapsed * 1000,
        "request": sent,
        "response": came,
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
    }


def content(body: bytes, media_type: str) -> dict[str, Any]:
    """A body as text where it is that, else in base64."""
    try:
        return {"size": len(body), "mimeType": media_type, "text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {
            "size": len(body),
            "mimeType": media_type,
            "text": base64.b64encode(body).decode(),
            "encoding": "base64",
        }


def document(found: Session, exchanges: tuple[Exchange, ...] | None = None) -> dict[str, Any]:
    """The HAR of a session, apart from it."""
    taken: dict[str, Any] = json.loads(
        json.dumps(har(found.exchanges if exchanges is None else exchanges, found.target.base_url))
    )
    return taken


def judged(
    folder: Path, content: dict[str, Any] | bytes, found: Session | None = None, name: str = "x.har"
) -> Assessment:
    """The assessment of a HAR; with the session's target file where `found` is given."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    capture = read_capture(path)
    write_journal(
        capture, select(capture, found.target if found else None), Strictness.STRICT, folder / "journal.jsonl"
    )
    return assessed(read_journal(folder / "journal.jsonl"))


def accused(assessment: Assessment) -> list[str]:
    """The requirements that an assessment says are violated, or could not be decided."""
    return [result.requirement.id for result in assessment.of_outcome(*BAD)]


def met(assessment: Assessment) -> set[str]:
    """The requirements that an assessment says are met."""
    return {result.requirement.id for result in assessment.of_outcome(Outcome.MET)}


def outcome(assessment: Assessment, requirement: str) -> Outcome:
    """What an assessment says about a requirement."""
    return next(result.outcome for result in assessment.requirements if result.requirement.id == requirement)
