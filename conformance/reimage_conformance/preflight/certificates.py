"""Checks of a target's certificates: they can be used, belong together, and are valid today."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from reimage_conformance.credentials.contents import contents_of
from reimage_conformance.credentials.reading import read_authorities, read_credential
from reimage_conformance.errors import TargetError, UsageError
from reimage_conformance.model import Identity
from reimage_conformance.preflight.remarks import Remark, mend, note, ok
from reimage_conformance.wire.identities import context_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from reimage_conformance.credentials.reading import Credential
    from reimage_conformance.model import Target
    from reimage_conformance.wire.streams import SocketStream

SECRET_FILES = (
    "client_certificate",
    "client_key",
    "second_client_certificate",
    "key_passphrase_file",
    "second_key_passphrase_file",
    "proxy_credentials_file",
)
SOON = timedelta(days=14)
"""A certificate that expires within this time gets a note."""
IDENTITIES = {Identity.PRIMARY: "client_certificate", Identity.SECOND: "second_client_certificate"}


def certificate_remarks(target: Target, now: datetime) -> Iterator[Remark]:
    """The remarks on the certificate files of the target; only a note if it is not reached over TLS."""
    if not target.is_https:
        yield note("base_url is http: without TLS, requirements about certificates cannot be judged")
        return
    credentials: dict[Identity, Credential] = {}
    problems: list[str] = []
    for identity, key in IDENTITIES.items():
        path: Path | None = getattr(target, key)
        if path is None:
            yield note(f"{key}: none is named, so {_without(identity)}")
            continue
        try:
            context_for(target, identity)
            credential = read_credential(target, identity)
        except UsageError as error:
            problems.append(str(error))
            continue
        if credential is not None:
            credentials[identity] = credential
            yield from _dated(key, path, [credential.certificate], now)
    yield from (mend(each) for each in dict.fromkeys(problems))  # one mistake in ca_bundle is found for each identity
    first, second = (credentials.get(identity) for identity in IDENTITIES)
    if first is not None and second is not None and first.certificate == second.certificate:
        yield mend("second_client_certificate: it is the same certificate as client_certificate; expected another one")
    if target.ca_bundle is not None and not problems:
        yield from _authorities(target.ca_bundle, now)
    yield from _readable_by_others(target)


def _without(identity: Identity) -> str:
    """What follows, in words, if no certificate is named for `identity`."""
    if identity is Identity.PRIMARY:
        return "every request goes out without a certificate"
    return "it cannot be judged whether every certificate of the subscription is accepted"


def _authorities(path: Path, now: datetime) -> Iterator[Remark]:
    try:
        yield from _dated("ca_bundle", path, read_authorities(path), now)
    except TargetError as error:
        yield mend(str(error))


def _dated(key: str, path: Path, certificates: Sequence[bytes], now: datetime) -> Iterator[Remark]:
    """The remark on the dates of certificates; a bundle has expired if all its certificates have."""
    try:
        found = [x509.load_der_x509_certificate(each) for each in certificates]
        begins = min(certificate.not_valid_before_utc for certificate in found)
        ends = max(certificate.not_valid_after_utc for certificate in found)
    except ValueError:
        yield note(f"{key}: the dates of validity in {path.name} cannot be read")
        return
    yield dated_remark(key, f" {path.name}", begins, ends, now)


def _readable_by_others(target: Target) -> Iterator[Remark]:
    """The remarks on files with secrets that other users of this machine can read; none without POSIX file modes."""
    if os.name != "posix":
        return
    for key in SECRET_FILES:
        path: Path | None = getattr(target, key)
        try:
            mode = path.stat().st_mode if path is not None and _is_secret(key, path) else 0
        except OSError:
            continue
        if path is not None and mode & (stat.S_IRGRP | stat.S_IROTH):
            yield note(
                f"{key}: other users can read {path.name} ({stat.filemode(mode)}); `chmod 600 {path.name}` prevents it"
            )


def _is_secret(key: str, path: Path) -> bool:
    """Whether a file may hold a key or another secret, and not only certificates."""
    return "certificate" not in key or contents_of(path.read_bytes()).may_hold_keys


def dated_remark(key: str, name: str, begins: datetime, ends: datetime, now: datetime) -> Remark:
    """The remark on a certificate that is valid from `begins` to `ends`."""
    if ends < now:
        return mend(f"{key}:{name} expired on {ends:%Y-%m-%d}; a new certificate is needed")
    if begins > now:
        return mend(
            f"{key}:{name} is not valid before {begins:%Y-%m-%d %H:%M} UTC; check the clock of this machine, too"
        )
    if ends - now < SOON:
        return note(f"{key}:{name} expires on {ends:%Y-%m-%d}")
    return ok(f"{key}:{name} is valid until {ends:%Y-%m-%d}")


def server_remarks(stream: SocketStream, now: datetime) -> Iterator[Remark]:
    """The remark on the validity of the endpoint's own certificate; none without TLS."""
    found, version = stream.peer()
    if found:
        certificate = x509.load_der_x509_certificate(found)
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        yield dated_remark("base_url", f" the endpoint's certificate ({version})", begins, ends, now)
