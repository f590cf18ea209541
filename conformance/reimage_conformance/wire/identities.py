"""TLS contexts for the identities of a target: the client certificate of a connection, and the CAs that it trusts."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from reimage_conformance.credentials.reading import Credential, read_authorities, read_credential
from reimage_conformance.errors import TargetError, UsageError
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from reimage_conformance.model import Target


def context_for(target: Target, identity: Identity) -> ssl.SSLContext:
    """The TLS context of `identity`; raises TargetError when a file of the target is missing or cannot be used."""
    context = _trusting(target.ca_bundle)
    # The endpoint may ask for the certificate after the handshake too (RFC 8446, 4.6.2).
    context.post_handshake_auth = _has_certificate(target, identity)
    match identity:
        case Identity.PRIMARY if target.client_certificate:
            _present(context, "client_certificate", target.client_certificate, _credential(target, identity))
        case Identity.SECOND:
            if target.second_client_certificate is None:
                raise TargetError(f"{target.name}: no second certificate is named; set second_client_certificate")
            path = target.second_client_certificate
            _present(context, "second_client_certificate", path, _credential(target, identity))
        case Identity.UNKNOWN:
            _load(context, _self_signed())
        case _:
            pass
    return context


def _credential(target: Target, identity: Identity) -> Credential:
    credential = read_credential(target, identity)
    if credential is None:
        raise TargetError(f"{target.name}: no client certificate is named for the identity {identity.value!r}")
    return credential


def _has_certificate(target: Target, identity: Identity) -> bool:
    if identity is Identity.PRIMARY:
        return target.client_certificate is not None
    return identity is not Identity.NONE


def trusting_anyone() -> ssl.SSLContext:
    """A context without client certificate that trusts every endpoint; it is used to read the endpoint's certificate only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(ca_bundle: Path | None) -> ssl.SSLContext:
    """A context that trusts `ca_bundle`, or the CAs of the system; its verification flags are the same on every Python.

    Every certificate of the bundle is a trust anchor: a root, an intermediate or the endpoint's own
    (VERIFY_X509_PARTIAL_CHAIN), as in other clients. VERIFY_X509_STRICT is off: it refuses certificates without
    some optional extensions, which are common in test environments.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    _log_keys(context)
    if ca_bundle is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cadata=b"".join(read_authorities(ca_bundle)))
    except (ssl.SSLError, ValueError) as error:
        raise TargetError(f"ca_bundle: {ca_bundle} holds something other than certificates") from error
    return context


def _log_keys(context: ssl.SSLContext) -> None:
    """Write the TLS secrets to the file that SSLKEYLOGFILE names, as browsers and curl do; raises UsageError."""
    file = os.environ.get("SSLKEYLOGFILE")
    if not file:
        return
    try:
        context.keylog_filename = file
    except OSError as error:
        raise UsageError(
            f"SSLKEYLOGFILE in the environment: {file} cannot be written: {error.strerror or error}; "
            "unset it, or name a file that can be written"
        ) from error


def _present(context: ssl.SSLContext, key: str, path: Path, credential: Credential) -> None:
    try:
        _load(context, credential)
    except ssl.SSLError as error:
        raise TargetError(f"{key}: {path} cannot be used: {_why_unusable(error, credential)}") from error


def _why_unusable(error: ssl.SSLError, credential: Credential) -> str:
    reason = error.reason or ""
    if "KEY_TOO_SMALL" in reason:
        size = f"its key of {credential.bits} bits is too small for this OpenSSL"
        return f"{size}; expected a certificate with an RSA key of 2048 bits or more"
    if "MD_TOO_WEAK" in reason:
        return "it is signed with a digest too weak for this OpenSSL; expected a certificate signed with SHA-256"
    return f"OpenSSL refuses it ({(reason or 'unknown reason').lower().replace('_', ' ')})"


def _load(context: ssl.SSLContext, credential: Credential) -> None:
    """Load `credential` into `context`, which reads only files: a temporary file holds the encrypted key, with mode 0600."""
    passphrase = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="reimage-conformance-") as folder:
        path = Path(folder) / "client.pem"
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(credential.pem(passphrase.encode()))
        context.load_cert_chain(path, password=passphrase)


def _self_signed() -> Credential:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "reimage-conformance unknown client")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return Credential(certificate.public_bytes(serialization.Encoding.DER), key)
