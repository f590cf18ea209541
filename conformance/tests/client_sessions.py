"""A client's session with an emulator in memory, recorded as `emulator --record` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator_script import SLOT, Clock, octets
from reimage_conformance.embedding.recording import Recording
from reimage_conformance.emulator import emulator_with
from reimage_conformance.emulator.layouts import MAIN
from reimage_conformance.emulator.messages import Send

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "Bearer c2VjcmV0LW9mLWEtY2xpZW50"  # noqa: S105
"""What the client authorises itself with, beside its certificate."""


def recorded_session(
    folder: Path,
    *,
    polls: int,
    type_: str | None = "application/xml",
    length: str | None = "0",
    rest: float = 60.0,
    client_over: bool = True,
    **emulated: Any,
) -> Path:
    """A client reimages an instance and polls so often, 2 s apart; the operation takes 5 s, the record ends `rest` s later."""
    clock = Clock()
    emulator = emulator_with(5.0, clock=clock, **emulated)
    with Recording(
        emulator, folder, "https://127.0.0.1:8443", name="rig", faults=emulated.get("faults", ())
    ) as recording:
        connection = emulator.connect("main")
        actions = connection.receive(
            octets("POST", SLOT, Content_Type=type_, Content_Length=length, Authorization=SECRET)
        )
        reply = b"".join(each.data for each in actions if isinstance(each, Send)).decode()
        named = [line.partition(": ")[2] for line in reply.splitlines() if line.lower().startswith("x-ms-request-id")]
        for _ in range(polls):
            clock.now += 2.0
            connection.receive(octets("GET", f"/{MAIN}/operations/{named[0]}"))
        clock.now += rest
        recording.close(client_over=client_over)
    return folder
