"""Edits of values that oddities of several chapters share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.conditions import reply_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Reply


def answered_by_front(body: bytes = b"", media_type: str = "", **values: Any) -> Callable[[Call, Reply], None]:
    """An edit that turns a reply into one of a proxy in front of the application: another body and media type, no request id.

    `values` are further attributes of the reply.
    """
    return reply_set(body=body, media_type=media_type, request_id="", **values)
