"""Manner: how a request is sent; its content is in `Request`."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Manner:
    """How a request is sent.

    `label` says in the journal what the request is sent for. `kind` is the kind under which a bad request is counted.
    `on` is the number of the connection to send it on, None for any. `watch_close` waits to see whether the connection
    is closed after the reply. With `alone` no other request is under way meanwhile, unless a request of its family got
    no reply even so.
    """

    label: str = ""
    kind: str = ""
    on: int | None = None
    watch_close: bool = False
    alone: bool = False

    @property
    def again(self) -> Manner:
        """The manner of a repetition: on any connection, while other requests may be under way."""
        return replace(self, on=None, alone=False)
