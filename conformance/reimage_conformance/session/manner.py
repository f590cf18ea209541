"""Manner: how a request is sent, apart from what it says."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is sent.

    `label` says in the journal what it is sent for. A bad request names the `kind` that it is counted with. `on` is the number of the
    connection to send it on, None for any. `watch_close` waits to see whether the connection is closed after the reply. With `alone`
    nothing else is under way meanwhile, unless one like it was sent so in vain.
    """

    label: str = ""
    kind: str = ""
    on: int | None = None
    watch_close: bool = False
    alone: bool = False

    @property
    def again(self) -> Manner:
        """How the same request is sent once more: on any connection, and beside others."""
        return replace(self, on=None, alone=False)
