"""Writes .publishsettings, the file in which clients of the historical service find address, subscriptions and certificate."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Sequence


def published(base_url: str, subscriptions: Sequence[str], archive: bytes) -> bytes:
    """The octets of a .publishsettings file, SchemaVersion 2.0: `archive` (PKCS#12 without passphrase) opens each subscription."""
    certificate = b64encode(archive).decode()
    rows = (
        f"    <Subscription ServiceManagementUrl={quoteattr(base_url)} Id={quoteattr(each)} Name={quoteattr(f'emulator {number}')}"
        f' ManagementCertificate="{certificate}" />'
        for number, each in enumerate(subscriptions, 1)
    )
    lines = (
        '<?xml version="1.0" encoding="utf-8"?>',
        "<PublishData>",
        '  <PublishProfile SchemaVersion="2.0" PublishMethod="AzureServiceManagementAPI">',
        *rows,
        "  </PublishProfile>",
        "</PublishData>",
        "",
    )
    return "\n".join(lines).encode()
