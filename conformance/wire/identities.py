"""TLS contexts for the identities of a target: which client certificate a connection presents, and whom it trusts."""

from __future__ import annotations

import datetime as dt
import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from conformance.errors import TargetError, UsageError
from conformance.model import Identity

if TYPE_CHECKING:
    from conformance.model import Target


def context_for(target: Target, identity: Identity) -> ssl.SSLContext:
    """The TLS context of `identity`; raises TargetError when a file of the target is missing, odd or mismatched."""
    context = _trusting(target.ca_bundle)
    # With a certificate at hand, it may be asked for after the handshake as well (RFC 8446, 4.6.2), as curl offers it.
    context.post_handshake_auth = _has_certificate(target, identity)
    match identity:
        case Identity.PRIMARY if target.client_certificate:
            _present(context, "client_certificate", target.client_certificate, target.client_key)
        case Identity.SECOND:
            if target.second_client_certificate is None:
                raise TargetError(f"{target.name}: a second certificate is needed; set second_client_certificate")
            _present(context, "second_client_certificate", target.second_client_certificate, None)
        case Identity.UNKNOWN:
            _present_unknown(context)
        case _:
            pass
    return context


def _has_certificate(target: Target, identity: Identity) -> bool:
    if identity is Identity.PRIMARY:
        return target.client_certificate is not None
    return identity is not Identity.NONE


def trusting_anyone() -> ssl.SSLContext:
    """A context without a certificate that believes every endpoint: to look at what it shows, never to send anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(ca_bundle: Path | None) -> ssl.SSLContext:
    """A context that trusts what is in `ca_bundle`, or what the system trusts, and verifies alike on every Python.

    Every certificate of the bundle is a trust anchor, an intermediate or the endpoint's own as well as a root
    (VERIFY_X509_PARTIAL_CHAIN), as other clients take them. VERIFY_X509_STRICT is off: it refuses certificates without
    optional extensions, as test rigs make them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    _log_keys(context)
    if ca_bundle is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ValueError) as error:
        raise TargetError(
            f"ca_bundle: {str(ca_bundle)!r} is no readable PEM file of CA certificates ({error})"
        ) from error
    return context


def _log_keys(context: ssl.SSLContext) -> None:
    """Write the secrets of TLS where SSLKEYLOGFILE asks for them, as browsers and curl do; raises UsageError."""
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


def _present(context: ssl.SSLContext, key: str, certificate: Path, private_key: Path | None) -> None:
    for path in filter(None, (certificate, private_key)):
        if not path.is_file():
            raise TargetError(f"{key}: there is no file {str(path)!r}")
    try:
        context.load_cert_chain(certificate, private_key, password=_refuse_password)
    except ssl.SSLError as error:
        where = f"{str(certificate)!r} with key {str(private_key)!r}" if private_key else repr(str(certificate))
        why = {
            "KEY_VALUES_MISMATCH": "the private key does not belong to the certificate",
            "KEY_TYPE_MISMATCH": "the private key does not belong to the certificate",
        }.get(error.reason or "", "a PEM certificate and its unencrypted PEM key are expected")
        raise TargetError(f"{key}: {where} cannot be used: {why}") from error
    except OSError as error:
        raise TargetError(f"{key}: {str(certificate)!r} cannot be read ({error.strerror or error})") from error


def _refuse_password() -> str:
    raise TargetError("client_key: the private key is encrypted; expected an unencrypted PEM key")


def _present_unknown(context: ssl.SSLContext) -> None:
    with tempfile.TemporaryDirectory(prefix="reimage-conformance-") as folder:
        path = Path(folder) / "unknown.pem"
        path.touch(mode=0o600)
        path.write_bytes(_self_signed())
        context.load_cert_chain(path)


def _self_signed() -> bytes:
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
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem) + private
