"""The error of a connection that cannot be made or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.model import FailureKind


class StreamError(ConnectionError):
    """A connection could not be made or kept.

    `kind` says how an exchange on it failed, `key` which key of the target file has to do with it. With `mistake` the
    target file is wrong, whatever the endpoint does; without, the endpoint may be at fault as well.
    """

    def __init__(self, kind: FailureKind, detail: str, *, key: str = "base_url", mistake: bool = False) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.key = key
        self.mistake = mistake
