"""Oddities of requests: how Content-Type, Content-Length and bodies are refused, and what the historical service accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import (
    check_body,
    check_length,
    check_media_type,
    media_type_accepted,
)
from reimage_conformance.emulator.conditions import (
    refusal_edit,
    refused_with,
)
from reimage_conformance.emulator.departures import instead, skips
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.messages import Reply
from reimage_conformance.emulator.oddities.registry import oddity

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal


def _refuses_octets(original: Callable[..., Reply], call: Call, refused: Refusal | None) -> Reply:
    """Answers 400 without content where a header value has octets beyond ASCII, before the application sees the request."""
    if any(not value.isascii() for _, value in call.message.fields):
        return Reply(400, "front")
    return original(call, refused)


oddity(
    "header-octets-400",
    "a header value with octets beyond ASCII gives 400 without content, before the application sees it",
    instead(reply_to, _refuses_octets),
)
oddity("length-400", "a missing Content-Length gives 400", refusal_edit(refused_with(status=400), "length"))
oddity(
    "type-415", "a missing Content-Type gives 415", refusal_edit(refused_with(status=415), "type-missing", "type-wrong")
)
oddity(
    "type-400",
    "a missing or wrong Content-Type gives 400 InvalidContentType",
    refusal_edit(refused_with(status=400, code="InvalidContentType"), "type-missing", "type-wrong"),
)
oddity("body-413", "a body gives 413", refusal_edit(refused_with(status=413), "body"))
oddity(
    "body-413-and-close",
    "a body gives 413 and the connection is closed",
    refusal_edit(refused_with(status=413, close=True), "body"),
)

oddity(
    "historical-type-missing",
    "Content-Type may be left out",
    skips(check_media_type, lambda call: not call.message.values("content-type")),
    lenient_only=True,
)
oddity("historical-type-any", "Content-Type is not checked", skips(check_media_type), lenient_only=True)
oddity(
    "historical-type-atom",
    "application/atom+xml is accepted",
    instead(
        media_type_accepted,
        lambda original, call, value: original(call, value) or value.lower().startswith("application/atom+xml"),
    ),
    lenient_only=True,
)
oddity("historical-length-missing", "Content-Length may be left out", skips(check_length), lenient_only=True)
oddity("historical-body-ignored", "a body is read and ignored", skips(check_body), lenient_only=True)
