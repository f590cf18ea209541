"""Reads a client certificate with its key, and the authorities to trust, from files in any form; errors name each mistake."""

from __future__ import annotations

import base64
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7

from reimage_conformance.credentials.contents import contents_of
from reimage_conformance.credentials.opening import Opener
from reimage_conformance.credentials.passphrases import source_for
from reimage_conformance.credentials.publishsettings import published_certificates
from reimage_conformance.errors import TargetError
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from reimage_conformance.credentials.contents import Contents
    from reimage_conformance.model import Target

_PEM, _DER = serialization.Encoding.PEM, serialization.Encoding.DER
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo


@dataclass(frozen=True, slots=True)
class Credential:
    """A client certificate, its private key, and the certificates above it; certificates are DER."""

    certificate: bytes
    key: PrivateKeyTypes = field(repr=False)
    chain: tuple[bytes, ...] = ()

    @property
    def bits(self) -> int:
        """The size of the key in bits; 0 for a kind of key whose size is fixed."""
        return int(getattr(self.key, "key_size", 0))

    def pem(self, passphrase: bytes) -> bytes:
        """Key, certificate and chain in PEM, the key encrypted with `passphrase`."""
        locked = serialization.BestAvailableEncryption(passphrase)
        key = self.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, locked)
        return key + b"".join(armoured("CERTIFICATE", each) for each in (self.certificate, *self.chain))


@dataclass(frozen=True, slots=True)
class _Found:
    certificates: list[bytes]
    keys: list[PrivateKeyTypes]


def armoured(label: str, der: bytes) -> bytes:
    """DER as a PEM block (RFC 7468)."""
    text = base64.b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def read_credential(target: Target, identity: Identity, *, ask: bool = True) -> Credential | None:
    """The client certificate of `identity` with its key, or None if the target names none.

    Raises TargetError, which names the key of the target file, what was found and what to do. If `ask`, a passphrase that is
    not known is asked for at the terminal.
    """
    second = identity is Identity.SECOND
    key = "second_client_certificate" if second else "client_certificate"
    path = target.second_client_certificate if second else target.client_certificate
    key_path = None if second else target.client_key
    if path is None:
        return None
    source = source_for(target, identity)
    # The warnings are about outdated cryptography in a file; TLS decides whether it is accepted.
    with warnings.catch_warnings(action="ignore"):
        found = _unpacked(Opener(key, path, source, ask=ask), target, keys=key_path is None)
        keys = found.keys
        if key_path is not None:
            keys = _unpacked(Opener("client_key", key_path, source, ask=ask), target, keys=True).keys
        return _matched(key, path, key_path, found.certificates, keys)


def read_authorities(path: Path) -> tuple[bytes, ...]:
    """The certificates in a ca_bundle, in DER; raises TargetError."""
    contents = contents_of(octets_of("ca_bundle", path))
    with warnings.catch_warnings(action="ignore"):
        found = [*contents.certificates, *_from_pkcs7("ca_bundle", path, contents)]
        for archive in contents.archives:
            found += Opener("ca_bundle", path).archive(archive)[1]
    if not found:
        raise TargetError(f"ca_bundle: {path} holds no certificate{_because(contents)}")
    return tuple(found)


def octets_of(key: str, path: Path) -> bytes:
    """The content of a file that the target file names under `key`; raises TargetError."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise TargetError(f"{key}: there is no file {str(path)!r}") from error
    except OSError as error:
        raise TargetError(f"{key}: {str(path)!r} cannot be read: {error.strerror}") from error


def _unpacked(opener: Opener, target: Target, *, keys: bool) -> _Found:
    """The certificates of a file and, where `keys` are wanted, its private keys."""
    contents = contents_of(octets_of(opener.key, opener.path))
    found = _Found(list(contents.certificates), [])
    found.certificates.extend(_from_pkcs7(opener.key, opener.path, contents))
    if keys:
        found.keys.extend(opener.private_key(block) for block in contents.keys)
    archives = list(contents.archives)
    if contents.settings:
        archives.append(_published(opener, contents.settings, target.subscription_id))
    for archive in archives:
        key, certificates = opener.archive(archive)
        found.certificates.extend(certificates)
        found.keys.extend([] if key is None else [key])
    if not found.certificates and opener.key != "client_key":
        raise TargetError(f"{opener.key}: {opener.path} holds no certificate{_because(contents)}")
    if keys and not found.keys:
        raise TargetError(f"{opener.key}: {opener.path} holds no private key{_because(contents)}")
    return found


def _from_pkcs7(key: str, path: Path, contents: Contents) -> list[bytes]:
    """The certificates, in DER, of the PKCS#7 collections in a file; raises TargetError."""
    try:
        found = [each for octets in contents.collections for each in pkcs7.load_der_pkcs7_certificates(octets)]
    except (ValueError, UnsupportedAlgorithm) as error:
        advice = f"`openssl pkcs7 -print_certs -in {path.name} -out certificates.pem` converts it"
        raise TargetError(f"{key}: {path} is PKCS#7 that cannot be read; {advice}") from error
    return [each.public_bytes(_DER) for each in found]


def _published(opener: Opener, settings: bytes, subscription_id: str) -> bytes:
    """The archive for the subscription in a .publishsettings file, or the only archive."""
    try:
        listed = published_certificates(settings)
    except ValueError as error:
        raise TargetError(f"{opener.key}: {opener.path} cannot be read: {error}") from error
    own = [each.archive for each in listed if each.subscription_id.lower() == subscription_id.lower()]
    different = list(dict.fromkeys(each.archive for each in listed))
    if own:
        return own[0]
    if len(different) == 1:
        return different[0]
    found = f"{len(different)} certificates, none of them for it" if different else "no ManagementCertificate"
    raise TargetError(
        f"{opener.key}: {opener.path} is expected to hold a certificate for subscription_id; found {found}"
    )


def _matched(
    key: str, path: Path, key_path: Path | None, certificates: list[bytes], keys: list[PrivateKeyTypes]
) -> Credential:
    """The certificate and the key that belong together, with the other certificates as the chain; raises TargetError."""
    for certificate in certificates:
        for private in keys:
            if _belongs(certificate, private):
                chain = [each for each in dict.fromkeys(certificates) if each != certificate]
                return Credential(certificate, private, tuple(chain))
    where = f"{path} and {key_path}" if key_path else str(path)
    raise TargetError(f"{key}: {where} cannot be used: the private key does not belong to the certificate")


def _belongs(certificate: bytes, key: PrivateKeyTypes) -> bool:
    try:
        public = x509.load_der_x509_certificate(certificate).public_key()
        return public.public_bytes(_DER, _SPKI) == key.public_key().public_bytes(_DER, _SPKI)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _because(contents: Contents) -> str:
    """The end of an error: what the file is instead, if that is known."""
    return f"; {contents.advice}" if contents.advice else ""
