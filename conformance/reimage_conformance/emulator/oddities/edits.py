"""Edits of values that oddities of several chapters share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Reply


def plain(reply: Reply, body: bytes, media_type: str) -> None:
    """Gives a reply another body and media type, and takes its request id away, as what stands in front of the application does."""
    reply.body, reply.media_type, reply.request_id = body, media_type, ""
