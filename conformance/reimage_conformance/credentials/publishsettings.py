"""Reads .publishsettings files: subscriptions, each with a management certificate as PKCS#12 in base64."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from lxml import etree


@dataclass(frozen=True, slots=True)
class PublishedCertificate:
    """The management certificate of one subscription, as PKCS#12 without a passphrase."""

    subscription_id: str
    archive: bytes


def published_certificates(text: bytes) -> list[PublishedCertificate]:
    """The certificates in a .publishsettings file, read as UTF-8 whatever its XML declaration says; raises ValueError.

    Both historical forms are read: PublishProfile has one certificate for all its subscriptions, or (SchemaVersion 2.0) each
    Subscription has its own.
    """
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"it is not well-formed XML: {error.msg}") from error
    found: list[PublishedCertificate] = []
    for profile in root.iter("{*}PublishProfile"):
        shared = profile.get("ManagementCertificate", "")
        for subscription in profile.iter("{*}Subscription"):
            written = subscription.get("ManagementCertificate") or shared
            if written:
                found.append(PublishedCertificate(subscription.get("Id", ""), _archive(written)))
    return found


def _archive(written: str) -> bytes:
    try:
        return base64.b64decode("".join(written.split()), validate=True)
    except binascii.Error as error:
        raise ValueError("its ManagementCertificate is not base64") from error
