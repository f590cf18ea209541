"""TLS failures in sentences: the reason, and the key of the target file to mend."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509

from reimage_conformance.model import FailureKind
from reimage_conformance.wire.failures import StreamError

if TYPE_CHECKING:
    from collections.abc import Callable

_EXPIRED, _NOT_YET_VALID = 10, 9
_OTHER_NAME = {62, 64}
_SIGNED_BY_ITSELF = 18
_UNKNOWN_ISSUER = {2, 19, 20, 21, _SIGNED_BY_ITSELF}
_WEAK = {66: "its key is too small", 67: "the key of its CA is too small", 68: "its CA signed with a digest too weak"}
"""Codes of X509_V_ERR_... (OpenSSL, x509_vfy.h), which `SSLCertVerificationError.verify_code` holds."""

_CERTIFICATE_REQUIRED, _HANDSHAKE_FAILURE = "CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE"
_ABOUT_OUR_CERTIFICATE = {
    _CERTIFICATE_REQUIRED: "the endpoint demands a client certificate",
    "ALERT_UNKNOWN_CA": "the endpoint refuses the client certificate: it does not trust its issuer",
    "ALERT_CERTIFICATE_EXPIRED": "the endpoint refuses the client certificate: it has expired",
    "ALERT_CERTIFICATE_REVOKED": "the endpoint refuses the client certificate: it was revoked",
    "ALERT_BAD_CERTIFICATE": "the endpoint refuses the client certificate",
    "ALERT_UNSUPPORTED_CERTIFICATE": "the endpoint refuses the client certificate: it does not support this type",
    "ALERT_CERTIFICATE_UNKNOWN": "the endpoint refuses the client certificate",
    "ALERT_ACCESS_DENIED": "the endpoint refuses the client certificate: access denied",
    "ALERT_DECRYPT_ERROR": "the endpoint refuses the client certificate: it cannot verify its signature",
}
_ABOUT_THE_ENDPOINT = {
    "PROTOCOL_VERSION": "the endpoint supports neither TLS 1.2 nor a later version",
    "UNSUPPORTED_PROTOCOL": "the endpoint supports neither TLS 1.2 nor a later version",
    "UNRECOGNIZED_NAME": "the endpoint serves no host of the name in base_url",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "the endpoint lacks secure renegotiation (RFC 5746)",
    "DH_KEY_TOO_SMALL": "the endpoint's Diffie-Hellman key is too small for this OpenSSL",
    "EE_KEY_TOO_SMALL": "the key of the endpoint's certificate is too small for this OpenSSL",
    _HANDSHAKE_FAILURE: "the endpoint ends the handshake; it accepts no cipher of ours, or refuses client_certificate",
}
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "PACKET_LENGTH",
    "RECORD_TOO",
    "BAD_RECORD_TYPE",
    "UNKNOWN_PROTOCOL",
)


def speaks_no_tls(error: OSError) -> bool:
    """Whether the answer to the handshake was not TLS."""
    return isinstance(error, ssl.SSLError) and any(word in (error.reason or "") for word in _NOT_TLS)


def broken_tls(error: ssl.SSLError) -> tuple[str, str]:
    """A sentence for a TLS error that is not about the endpoint's certificate, and the key of the target file to mend."""
    reason = error.reason or ""
    for words, key in ((_ABOUT_OUR_CERTIFICATE, "client_certificate"), (_ABOUT_THE_ENDPOINT, "base_url")):
        for word, sentence in words.items():
            if word in reason:
                return sentence, key
    if speaks_no_tls(error):
        return "the endpoint does not answer in TLS", "base_url"
    return f"TLS failed: {(reason or 'unknown reason').lower().replace('_', ' ')}", "base_url"


def handshake_failure(
    error: OSError,
    host: str,
    *,
    has_ca_bundle: bool,
    has_certificate: bool,
    look: Callable[[], x509.Certificate | None] = lambda: None,
) -> StreamError:
    """The failure for `error` in a handshake with `host`; `look` gets the endpoint's certificate, for a better message."""
    if isinstance(error, ssl.SSLCertVerificationError):
        key, reason, advice = _distrust(error, host, look(), has_ca_bundle=has_ca_bundle)
        return StreamError(FailureKind.TLS, f"the certificate of {host} is not accepted: {reason}; {advice}", key=key)
    if isinstance(error, TimeoutError):
        return StreamError(FailureKind.TIMEOUT, "TLS was not set up within the time limit")
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):
        hint = "it may not support TLS, or refuse the client certificate"
        return StreamError(FailureKind.TLS, f"the endpoint closed the connection during the TLS handshake; {hint}")
    if not has_certificate and _HANDSHAKE_FAILURE in (error.reason or ""):
        sentence = "the endpoint ends the handshake; it may demand a client certificate, and none is named"
        return StreamError(FailureKind.TLS, sentence, key="client_certificate")
    sentence, key = broken_tls(error)
    if not has_certificate and key == "client_certificate":
        return StreamError(FailureKind.TLS, f"{sentence}, and none is named", key=key, mistake=True)
    return StreamError(FailureKind.TLS, sentence, key=key)


def _distrust(
    error: ssl.SSLCertVerificationError, host: str, certificate: x509.Certificate | None, *, has_ca_bundle: bool
) -> tuple[str, str, str]:
    """The key to mend, why the endpoint's certificate is not accepted, and what to do."""
    now = datetime.now(UTC)
    clock = f"the clock of this machine says {now:%Y-%m-%d %H:%M} UTC"
    match error.verify_code:
        case code if code == _EXPIRED:
            return "base_url", _expiry(certificate, now), f"the endpoint needs a new one ({clock})"
        case code if code == _NOT_YET_VALID:
            begins = certificate.not_valid_before_utc if certificate else now
            since = f" before {begins:%Y-%m-%d %H:%M} UTC" if begins > now else " yet"
            return "base_url", f"it, or one above it, is not valid{since}", clock
        case code if code in _OTHER_NAME:
            names = _names(certificate)
            found = f"it is for {', '.join(names)}, not for {host}" if names else f"it is not for {host}"
            return (
                "base_url",
                f"its name does not match base_url ({found})",
                "base_url needs a name that it is for; connect_to can name another address to connect to",
            )
        case code if code in _UNKNOWN_ISSUER:
            return "ca_bundle", *_unknown_issuer(error.verify_code, certificate, has_ca_bundle=has_ca_bundle)
        case code if code in _WEAK:
            return "base_url", f"{_WEAK[code]} for this OpenSSL", "the endpoint needs a new one"
        case _:
            return "base_url", str(error.verify_message or error.reason), "the endpoint needs another one"


def _expiry(certificate: x509.Certificate | None, now: datetime) -> str:
    if certificate is not None and certificate.not_valid_after_utc < now:
        return f"it expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return "it, or one above it, has expired"


def _unknown_issuer(code: int, certificate: x509.Certificate | None, *, has_ca_bundle: bool) -> tuple[str, str]:
    where = "in ca_bundle" if has_ca_bundle else "known to this system"
    if code == _SIGNED_BY_ITSELF:
        return f"it is signed by itself and not {where}", "set ca_bundle to its CA, here the certificate itself"
    issuer = f" {certificate.issuer.rfc4514_string()!r}" if certificate is not None else ""
    return f"its issuer{issuer} is not {where}", "set ca_bundle to its CA"


def _names(certificate: x509.Certificate | None) -> list[str]:
    """The host names and addresses that a certificate is for, at most four."""
    if certificate is None:
        return []
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    names = [
        *found.get_values_for_type(x509.DNSName),
        *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
    ]
    return names[:4]
