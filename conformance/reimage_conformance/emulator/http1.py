"""The HTTP/1.1 side of the emulator, without sockets: octets in, actions out, one connection at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.messages import Action, Call, Close, Message, Refusal, Reply, Reset, Send
from reimage_conformance.emulator.points import Behaviour, point
from reimage_conformance.emulator.probe import answer_probe
from reimage_conformance.emulator.reading import (
    MAX_HEAD,
    Framing,
    MalformedBodyError,
    end_of_head,
    expects_continue,
    head_refusal,
    malformed,
    read_framing,
    read_head,
    take_body,
)
from reimage_conformance.emulator.service import answer, refuse
from reimage_conformance.emulator.writing import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.emulator.messages import Client, Watcher
    from reimage_conformance.emulator.state import State


class Connection:
    """One client connection: requests are read one after the other, pipelined or not, and answered in order."""

    def __init__(self, state: State, client: Client, watchers: Sequence[Watcher] = ()) -> None:
        self.client = client
        self.closed = False
        self.position = 0
        self._state = state
        self._watchers = watchers
        self._buffer = bytearray()
        self._reading: tuple[Call, Framing] | None = None

    @property
    def behaviour(self) -> Behaviour:
        """What this emulator does differently."""
        return self._state.behaviour

    def receive(self, data: bytes) -> list[Action]:
        """The actions that answer `data`."""
        self._buffer += data
        actions: list[Action] = []
        while not self.closed:
            step = self._step()
            if step is None:
                break
            actions += step
            self.closed = any(isinstance(action, Close | Reset) for action in actions)
        return actions

    def eof(self) -> list[Action]:
        """The actions after the client has sent its last octet."""
        if self.closed:
            return []
        self.closed = True
        return [Close()]

    def _step(self) -> list[Action] | None:
        """Reads one head or one body; None while more octets are needed."""
        return self._read_head() if self._reading is None else self._read_body(*self._reading)

    def _read_head(self) -> list[Action] | None:
        while self._buffer[:2] == b"\r\n":
            del self._buffer[:2]  # RFC 9112 2.2: empty lines before a request line are ignored
        span = end_of_head(self._buffer)
        if span is None or span[0] > MAX_HEAD:
            return self._refuse_long_head() if len(self._buffer) > MAX_HEAD else None
        message = read_head(bytes(self._buffer[: span[0]]))
        del self._buffer[: span[1]]
        call = self._new_call(message)
        refused = head_refusal(call)
        if refused is not None:
            return self._finish(call, refused)
        framing = read_framing(call)
        self._reading = (call, framing)
        if framing.announces_content and expects_continue(call):
            return self._meet_expectation(call, framing)
        return []

    def _meet_expectation(self, call: Call, framing: Framing) -> list[Action]:
        """Asks for the body of a request to the probe; any other resource gets its final answer at once (RFC 9110 10.1.1)."""
        if self.client.probe or continues(call):
            return [Send(b"HTTP/1.1 100 Continue\r\n\r\n")]
        self._reading = None
        self.client.unrequested_octets = framing.length or 1
        actions = self._finish(call, None)
        return actions if isinstance(actions[-1], Close | Reset) else [*actions, Close()]

    def _read_body(self, call: Call, framing: Framing) -> list[Action] | None:
        try:
            body = take_body(call, framing, self._buffer)
        except MalformedBodyError as error:
            self._reading = None
            return self._finish(call, malformed("chunks", f"The body is malformed: {error}."))
        if body is None:
            return None
        self._reading = None
        call.message.body = body
        return self._finish(call, None)

    def _refuse_long_head(self) -> list[Action]:
        message = read_head(bytes(self._buffer[:MAX_HEAD]))
        return self._finish(self._new_call(message), malformed("head-long", "The request head is too long.", 431))

    def _finish(self, call: Call, refused: Refusal | None) -> list[Action]:
        """Answers the request, and calls the watchers."""
        actions = finish(call, refused)
        for watcher in self._watchers:
            watcher(call, actions)
        return actions

    def _new_call(self, message: Message) -> Call:
        self.position += 1
        state = self._state
        state.requests += 0 if self.client.probe else 1
        return Call(state, self.client, message, state.requests, self.position, state.clock())


@point
def continues(_: Call) -> bool:
    """Whether the emulator asks with 100 (Continue) for a body that the client holds back."""
    return False


@point
def finish(call: Call, refused: Refusal | None) -> list[Action]:
    """The actions that answer a request; `refused` says why it is refused where it is not valid HTTP."""
    return render(call, reply_to(call, refused))


@point
def reply_to(call: Call, refused: Refusal | None) -> Reply:
    """The reply to a request; `refused` says why it is refused where it is not valid HTTP."""
    if refused is not None:
        return refuse(call, refused)
    return answer_probe(call) if call.client.probe else answer(call)
