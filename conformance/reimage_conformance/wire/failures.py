"""The error of a connection that cannot be made or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import FailureKind


class StreamError(ConnectionError):
    """A connection could not be made or kept.

    `kind` is the failure kind of an exchange on it, `key` the key of the target file to look at. `mistake` says that
    the target file is certainly wrong; otherwise the endpoint may be at fault.
    """

    def __init__(self, kind: FailureKind, detail: str, *, key: str = "base_url", mistake: bool = False) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.key = key
        self.mistake = mistake
