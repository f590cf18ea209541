"""The pieces of a script that touches whatever the emulator does; played on two of them it shows where they differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.emulator.layouts import MAIN
from reimage_conformance.emulator.messages import Action, Send

if TYPE_CHECKING:
    from reimage_conformance.emulator import Emulator

SERVICES = f"/{MAIN}/services/hostedservices"
NEEDED = {"Host": "localhost", "x-ms-version": "2011-10-01", "Content-Type": "application/xml", "Content-Length": "0"}
SECONDS = 10.0


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Player:
    """Plays a script on one emulator and keeps what came of it."""

    emulator: Emulator
    clock: Clock
    ids: list[str] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def send(self, data: bytes, identity: str | None = "main", *, probe: bool = False) -> list[Action]:
        """Sends octets on a connection of their own."""
        actions = self.emulator.connect(identity, probe=probe).receive(data)
        if data.startswith(b"POST"):
            self._note(actions)
        return actions

    def together(self, *requests: bytes) -> list[Action]:
        """Sends several requests on one connection."""
        connection = self.emulator.connect("main")
        actions = [action for data in requests for action in connection.receive(data)]
        self._note(actions)
        return actions

    def _note(self, actions: Sequence[Action]) -> None:
        octets = b"".join(action.data for action in actions if isinstance(action, Send))
        found = re.search(rb"\r\nx-ms-request-id: ?([^\r\n]+)", octets, re.IGNORECASE)
        if found:
            self.ids.append(found[1].decode("latin-1").strip())
            if b" 202 " in octets[:13]:
                self.started.append(self.ids[-1])


Step = Callable[[Player], list[Action]]


def octets(method: str, target: str, body: bytes = b"", **changes: str | None) -> bytes:
    """A request with the needed headers; a change of None leaves one out, "_" stands for "-" in names."""
    fields: dict[str, str | None] = {**NEEDED, **({"Content-Length": str(len(body))} if body else {})}
    for name, value in changes.items():
        plain = name.replace("_", "-")
        same = [each for each in fields if each.lower() == plain.lower()]
        for each in same:
            del fields[each]
        fields[plain] = value
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body


def place(
    instance: str, form: str = "slot", where: str = "", service: str = "contoso", comp: str = "?comp=reimage"
) -> str:
    """The target of a reimage."""
    middle = f"deploymentslots/{where or 'production'}" if form == "slot" else f"deployments/{where or 'contoso-v1'}"
    return f"{SERVICES}/{service}/{middle}/roleinstances/{instance}{comp}"


SLOT, NAME = place("WebRole1_IN_1"), place("WebRole1_IN_1", "name")


def ask(*requests: bytes, identity: str | None = "main", probe: bool = False) -> Step:
    """A step that sends requests, several of them on one connection."""
    if len(requests) > 1:
        return lambda player: player.together(*requests)
    return lambda player: player.send(requests[0], identity, probe=probe)


def wait(seconds: float) -> Step:
    """A step that lets time pass."""

    def step(player: Player) -> list[Action]:
        player.clock.now += seconds
        return []

    return step


def poll(
    back: int = 0, method: str = "GET", subscription: str = MAIN, identity: str | None = "main", **changes: str | None
) -> Step:
    """A step that polls the id of the latest POST, or of the operation started `back` operations ago."""

    def step(player: Player) -> list[Action]:
        ids = player.started if back else player.ids
        known = ids[-(back or 1)] if len(ids) >= (back or 1) else "none"
        return player.send(octets(method, f"/{subscription}/operations/{known}", b"", **changes), identity)

    return step


def watch(version: str = "2011-10-01") -> Iterator[Step]:
    """Steps that look at everything that can be read of the deployments."""
    for target in (
        f"{SERVICES}/contoso/deploymentslots/production",
        f"{SERVICES}/contoso/deployments/contoso-v1",
        f"{SERVICES}/contoso/deployments/contoso-v2",
        f"{SERVICES}/contoso",
        f"{SERVICES}/contoso?embed-detail=true",
        f"{SERVICES}/contoso?embed-detail=false",
    ):
        yield ask(octets("GET", target, x_ms_version=version))
    for instance in (
        "contoso-v1/WebRole1_IN_1",
        "contoso-v1/WebRole1_IN_2",
        "contoso-v2/WebRole1_IN_1",
        "contoso-v1/WorkerRole1_IN_0",
        "contoso-v2/StagingRole1_IN_0",
    ):
        for tail in ("", "/other/m", "/local-storage/m"):
            yield ask(octets("GET", f"/contoso/{instance}{tail}"), probe=True)


def mark() -> Iterator[Step]:
    """Steps that leave a marker in every store of some guests."""
    for instance in (
        "contoso-v1/WebRole1_IN_1",
        "contoso-v1/WebRole1_IN_2",
        "contoso-v2/WebRole1_IN_1",
        "contoso-v1/WorkerRole1_IN_0",
        "contoso-v2/StagingRole1_IN_0",
    ):
        for store in ("other", "local-storage"):
            yield ask(octets("PUT", f"/contoso/{instance}/{store}/m", b"mark"), probe=True)


def life(target: str, **changes: str | None) -> Iterator[Step]:
    """Steps that follow one reimage from its start to long after its end."""
    yield from mark()
    yield ask(octets("POST", target, b"", **changes))
    yield poll()
    yield poll(x_ms_version="2009-10-01")
    yield poll(method="HEAD")
    yield from watch()
    yield from (poll(), poll(x_ms_version="2015-04-01"), wait(SECONDS / 2), poll())
    yield from (
        ask(octets("GET", f"{SERVICES}/contoso/deployments/contoso-v1", x_ms_version=each))
        for each in ("2012-03-01", "2014-04-01")
    )
    yield from watch()
    yield wait(SECONDS / 2)
    yield from (poll(), poll(), poll(x_ms_version="2009-10-01"), poll(method="HEAD"), poll(), poll(), poll())
    yield from watch()
    yield wait(2 * SECONDS)
    yield from (poll(), *watch())


def many(changed: Sequence[bytes], **how: str | None) -> Iterator[Step]:
    """Steps that send each request, with time between so that none meets the end of another."""
    for each in changed:
        yield ask(each, **how)  # type: ignore[arg-type]
        yield poll()
        yield wait(2 * SECONDS)
