"""Collaborators: what the parts of a session share, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reimage_conformance.session.conflicts import Conflicts
from reimage_conformance.session.operations import Operations

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.model import Exchange
    from reimage_conformance.protocol.requests import RequestBuilder
    from reimage_conformance.session.budget import Budget
    from reimage_conformance.session.instances import Instances
    from reimage_conformance.session.probe import Probe
    from reimage_conformance.session.recorder import Recorder
    from reimage_conformance.session.sending import Sender
    from reimage_conformance.session.wires import Wire


@dataclass(slots=True)
class Collaborators:
    """What the parts of a session share.

    `operations` and `conflicts` are made from the others. `gate_learns` is called with the answers from an earlier part
    of the run that the gate has to know.
    """

    recorder: Recorder
    sender: Sender
    builder: RequestBuilder
    instances: Instances
    probe: Probe
    budget: Budget
    wire: Wire
    gate_learns: Callable[[Exchange], None]
    operations: Operations = field(init=False)
    conflicts: Conflicts = field(init=False)

    def __post_init__(self) -> None:
        """Makes the operations and the conflicts of the session."""
        self.operations = Operations(self.sender, self.builder, self.budget, self.recorder)
        self.conflicts = Conflicts(self.operations, self.sender)
