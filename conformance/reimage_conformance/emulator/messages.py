"""Values that pass through the emulator: actions, messages, routes, replies, refusals, calls; without behaviour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reimage_conformance.emulator.points import Behaviour
    from reimage_conformance.emulator.state import State
    from reimage_conformance.emulator.world import Deployment, Instance, Operation, World


@dataclass(frozen=True, slots=True)
class Send:
    """Write these octets."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Later:
    """Write the octets that `make` returns when their turn comes."""

    make: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing on this connection for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection without an error (FIN)."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Abort the connection (RST)."""


Action = Send | Later | Pause | Close | Reset

Fields = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Message:
    """A request as it was read; `raw` holds the lines of its head as they came."""

    method: str
    target: str
    version: str
    fields: Fields
    raw: tuple[bytes, ...] = ()
    body: bytes = b""

    def values(self, name: str) -> list[str]:
        """The values of all fields called `name`, in any case."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


@dataclass(frozen=True, slots=True)
class Route:
    """What a request target addresses.

    `kind` is reimage, operation, deployment, service, or "" for nothing. `form` says by what a deployment is addressed, slot or name;
    `slot_or_name` is that slot or name. `query` holds the decoded parameters in their order. `path` is the path as it was
    sent. `valid` is false where the target is malformed.
    """

    kind: str = ""
    subscription: str = ""
    service: str = ""
    form: str = ""
    slot_or_name: str = ""
    instance: str = ""
    operation: str = ""
    query: Fields = ()
    path: str = ""
    valid: bool = True

    def parameters(self, name: str) -> list[str]:
        """The values of every query parameter called exactly `name`."""
        return [value for key, value in self.query if key == name]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused and what the answer says; `defect` is a short word for the reason."""

    defect: str
    status: int
    code: str
    message: str
    fields: Fields = ()
    close: bool = False


@dataclass(slots=True)
class Reply:
    """A final response before it is written; `about` is accepted, poll, deployment, service, probe, or the defect of a refusal.

    `interim` holds the statuses of the 1xx responses before it.
    """

    status: int
    about: str
    body: bytes = b""
    media_type: str = ""
    request_id: str = ""
    fields: list[tuple[str, str]] = field(default_factory=list)
    close: bool = False
    chunked: bool = False
    interim: list[int] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Client:
    """The client of one connection: `identity` is the common name of its certificate, None for a client without one.

    With `tls` false no certificate was asked for. With `probe` the connection leads to the data-plane probe. `unrequested_octets` counts the
    octets of content that a request announced with Expect and that the endpoint did not ask for.
    """

    identity: str | None
    probe: bool = False
    tls: bool = True
    unrequested_octets: int = 0


@dataclass(slots=True)
class Call:
    """One request to one emulator, and what the emulator has found out about it so far.

    `number` counts the requests of the emulator, `position` those of the connection, both from 1. `now` is the time of the request, in
    seconds of the emulator's clock.
    """

    state: State
    client: Client
    message: Message
    number: int
    position: int
    now: float
    route: Route = field(default_factory=Route)
    deployment: Deployment | None = None
    instance: Instance | None = None
    operation: Operation | None = None

    @property
    def behaviour(self) -> Behaviour:
        """What this emulator does differently."""
        return self.state.behaviour

    @property
    def notes(self) -> dict[str, Any]:
        """State of faults and oddities, which lasts as long as the emulator."""
        return self.state.notes

    @property
    def world(self) -> World:
        """All that exists in this emulator."""
        return self.state.world

    @property
    def kind(self) -> str:
        """What the request addresses: reimage, operation, deployment, service, or "" for nothing."""
        return self.route.kind

    @property
    def form(self) -> str:
        """By what a deployment is addressed: slot, name, or "" where none is."""
        return self.route.form

    @property
    def version(self) -> str:
        """The value of x-ms-version, "" when it is absent."""
        return ", ".join(self.message.values("x-ms-version"))


Watcher = Callable[[Call, Sequence[Action]], None]
"""A function that is called with each request and its answer."""
