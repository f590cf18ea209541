"""Certificates for the emulator: an authority, the server's, the clients "main", "second" and "other".

Keys are RSA of 2048 bits in traditional PEM, since some clients of the protocol read nothing else.
"""

from __future__ import annotations

import ipaddress
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from reimage_conformance.emulator.publishing import published

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CLIENTS = ("main", "second", "other")
FILES = ("ca.pem", "client.pem", "client.key", "client-and-key.pem", "publishsettings", "second.pem", "other.pem")
"""The short names of the files that clients need.

client-and-key.pem and publishsettings hold the same certificate and key as client.pem and client.key; other.pem gives access to
another subscription.
"""
_LIFETIME = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, in PEM."""

    certificate: bytes
    key: bytes

    @property
    def bundle(self) -> bytes:
        """Certificate and key in one file."""
        return self.certificate + self.key

    @property
    def archive(self) -> bytes:
        """Certificate and key as PKCS#12 without a passphrase."""
        key = serialization.load_pem_private_key(self.key, None)
        certificate = x509.load_pem_x509_certificate(self.certificate)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"the emulator's keys are RSA, not {type(key).__name__}")
        return pkcs12.serialize_key_and_certificates(
            b"Reimage emulator", key, certificate, None, serialization.NoEncryption()
        )


@dataclass(frozen=True, slots=True)
class Certificates:
    """Everything that server and clients need for TLS; `authority` is PEM, `clients` has a pair for each of CLIENTS."""

    authority: bytes
    server: Pair
    clients: dict[str, Pair]

    def write(self, paths: Mapping[str, Path], base_url: str, subscriptions: Sequence[str]) -> None:
        """Writes the files that a client of the service at `base_url` needs; `paths` has one for each of FILES.

        The certificate "main" opens `subscriptions`.
        """
        main = self.clients["main"]
        paths["ca.pem"].write_bytes(self.authority)
        paths["client.pem"].write_bytes(main.certificate)
        _write_secret(paths["client.key"], main.key)
        _write_secret(paths["client-and-key.pem"], main.bundle)
        _write_secret(paths["publishsettings"], published(base_url, subscriptions, main.archive))
        _write_secret(paths["second.pem"], self.clients["second"].bundle)
        _write_secret(paths["other.pem"], self.clients["other"].bundle)

    def write_server(self, folder: Path) -> Path:
        """Writes the server's certificate and key into one file, and returns its path."""
        path = folder / "server.pem"
        _write_secret(path, self.server.bundle)
        return path


@cache
def make_certificates() -> Certificates:
    """A set of certificates. A process has only one, since making the keys takes long."""
    with ThreadPoolExecutor() as pool:
        authority_key, *keys = pool.map(lambda _: _new_key(), range(2 + len(CLIENTS)))
    authority_name = _common_name("Reimage emulator authority")
    authority = _authority(authority_name, authority_key)
    server, *clients = (
        Pair(_leaf(common_name, key, authority, authority_key).public_bytes(serialization.Encoding.PEM), _pem(key))
        for common_name, key in zip(("localhost", *CLIENTS), keys, strict=True)
    )
    pem = authority.public_bytes(serialization.Encoding.PEM)
    return Certificates(pem, server, dict(zip(CLIENTS, clients, strict=True)))


def _write_secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority(name: x509.Name, key: rsa.RSAPrivateKey) -> x509.Certificate:
    builder = _builder(name, name, key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return builder.add_extension(_usage(authority=True), critical=True).sign(key, hashes.SHA256())


def _leaf(
    common_name: str, key: rsa.RSAPrivateKey, authority: x509.Certificate, authority_key: rsa.RSAPrivateKey
) -> x509.Certificate:
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH if common_name == "localhost" else ExtendedKeyUsageOID.CLIENT_AUTH]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = (
        _builder(_common_name(common_name), authority.subject, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(issuer, critical=False)
    )
    if common_name == "localhost":
        addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in ("127.0.0.1", "::1")]
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), *addresses]), critical=False
        )
    return builder.sign(authority_key, hashes.SHA256())


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
