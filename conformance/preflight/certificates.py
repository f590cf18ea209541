"""Certificates of a target before they are used: that they can be, belong together, and are valid today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from conformance.errors import TargetError
from conformance.model import Identity
from conformance.preflight.remarks import Remark, mend, note, ok
from conformance.wire.identities import context_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.model import Target
    from conformance.wire.streams import SocketStream

SOON = timedelta(days=14)
IDENTITIES = {Identity.PRIMARY: "client_certificate", Identity.SECOND: "second_client_certificate"}


def certificate_remarks(target: Target, now: datetime) -> Iterator[Remark]:
    """What is to be said of the files that the target names; nothing where it is not reached over TLS."""
    if not target.is_https:
        yield note("base_url is http: without TLS nothing about certificates can be judged")
        return
    for identity, key in IDENTITIES.items():
        path: Path | None = getattr(target, key)
        if path is None:
            yield note(f"{key}: none is named, so {_without(identity)}")
            continue
        try:
            context_for(target, identity)
        except TargetError as error:
            yield mend(str(error))
            continue
        yield from _dated(key, path, now)
    if target.client_certificate and target.second_client_certificate and _same(target):
        yield mend("second_client_certificate is the same certificate as client_certificate; expected another one")
    if target.ca_bundle is not None:
        yield from _dated("ca_bundle", target.ca_bundle, now)


def _without(identity: Identity) -> str:
    if identity is Identity.PRIMARY:
        return "every request goes out without a certificate"
    return "that any certificate of the subscription is accepted cannot be judged"


def _dated(key: str, path: Path, now: datetime) -> Iterator[Remark]:
    """Whether the certificates in a file are valid today; a bundle may hold some that no longer are."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        yield mend(f"{key}: {path} cannot be read as PEM certificates: {error}")
        return
    used = found if key == "ca_bundle" else found[:1]
    ends = max(certificate.not_valid_after_utc for certificate in used)
    begins = min(certificate.not_valid_before_utc for certificate in used)
    yield dated_remark(key, f" {path.name}", begins, ends, now)


def dated_remark(key: str, name: str, begins: datetime, ends: datetime, now: datetime) -> Remark:
    """What is to be said of a certificate that is valid from `begins` to `ends`."""
    if ends < now:
        return mend(f"{key}:{name} expired on {ends:%Y-%m-%d}; it needs a new certificate")
    if begins > now:
        return mend(
            f"{key}:{name} is not valid before {begins:%Y-%m-%d %H:%M} UTC; check the clock of this machine, too"
        )
    if ends - now < SOON:
        return note(f"{key}:{name} expires on {ends:%Y-%m-%d}")
    return ok(f"{key}:{name} is valid until {ends:%Y-%m-%d}")


def _same(target: Target) -> bool:
    """Whether both files hold the same certificate."""
    try:
        first, second = (
            x509.load_pem_x509_certificates(path.read_bytes())[0]
            for path in (target.client_certificate, target.second_client_certificate)
            if path is not None
        )
    except (OSError, ValueError):
        return False
    return first == second


def server_remarks(stream: SocketStream, now: datetime) -> Iterator[Remark]:
    """Until when the endpoint's own certificate, met at the other end of `stream`, is valid; nothing without TLS."""
    found, version = stream.peer()
    if found:
        certificate = x509.load_der_x509_certificate(found)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        yield dated_remark("base_url", f" the endpoint's certificate ({version})", begins, ends, now)


def today() -> datetime:
    """This moment in UTC."""
    return datetime.now(UTC)
