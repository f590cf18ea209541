"""Certificates and keys for tests, made when they are needed: authorities, leaves of any age and kind, and the forms of their files."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS8, TRADITIONAL = serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL
OPEN = serialization.NoEncryption()


@dataclass(frozen=True, slots=True)
class Party:
    """A certificate, its private key, and what signed it."""

    certificate: x509.Certificate
    key: Key
    issuer: Party | None = None

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(DER)

    def key_pem(self, passphrase: bytes | None = None, form: serialization.PrivateFormat = PKCS8) -> bytes:
        return self.key.private_bytes(PEM, form, _locked(passphrase))

    def key_der(self, passphrase: bytes | None = None) -> bytes:
        return self.key.private_bytes(DER, PKCS8, _locked(passphrase))

    @property
    def both(self) -> bytes:
        return self.pem + self.key_pem()

    def pfx(self, passphrase: bytes | None = None, *others: Party) -> bytes:
        chain = [each.certificate for each in others]
        return pkcs12.serialize_key_and_certificates(b"client", self.key, self.certificate, chain, _locked(passphrase))


def _locked(passphrase: bytes | None) -> KeySerializationEncryption:
    return OPEN if passphrase is None else serialization.BestAvailableEncryption(passphrase)


@cache
def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def made(
    name: str,
    issuer: Party | None = None,
    *,
    begins: float = -1,
    ends: float = 90,
    key: Key | None = None,
    names: tuple[str, ...] = (),
    authority: bool = False,
) -> Party:
    """A certificate of `name`, signed by `issuer` or by itself, valid from `begins` to `ends` days from now."""
    own = key or ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=begins))
        .not_valid_after(now + dt.timedelta(days=ends))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
    return Party(builder.sign(issuer.key if issuer else own, hashes.SHA256()), own, issuer)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
