"""All secrets among a target's credentials, as the texts that must be masked in reports."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from reimage_conformance.credentials.contents import contents_of
from reimage_conformance.credentials.passphrases import known_passphrase, proxy_credentials, source_for
from reimage_conformance.credentials.reading import armoured, octets_of, read_credential
from reimage_conformance.errors import TargetError
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reimage_conformance.credentials.reading import Credential
    from reimage_conformance.model import Target

_FILE_KEYS = {Identity.PRIMARY: ("client_certificate", "client_key"), Identity.SECOND: ("second_client_certificate",)}
_KEY_FORMS = (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL)


def secret_blocks(target: Target) -> Iterator[bytes]:
    """PEM blocks of every certificate, key and archive, both as they are in the files and decrypted.

    It asks for no passphrase, and leaves out what cannot be read or opened: the code that uses such a file reports that.
    """
    for identity in _FILE_KEYS:
        for key, path in _files(target, identity):
            yield from _as_written(key, path)
        with contextlib.suppress(TargetError):
            credential = read_credential(target, identity, ask=False)
            if credential is not None:
                yield from _as_opened(credential)


def secret_words(target: Target) -> Iterator[str]:
    """The passphrases that are known without asking, and the password for the proxy."""
    with contextlib.suppress(TargetError):
        credentials = proxy_credentials(target).decode()
        yield from filter(None, (credentials, credentials.partition(":")[2]))
    for identity in _FILE_KEYS:
        for _, path in _files(target, identity):
            with contextlib.suppress(TargetError):
                passphrase = known_passphrase(source_for(target, identity), path)
                if passphrase is not None:
                    yield passphrase.value.decode()


def _files(target: Target, identity: Identity) -> Iterator[tuple[str, Path]]:
    """The files with the certificate and the key of `identity`: their keys in the target file, and their paths."""
    for key in _FILE_KEYS[identity]:
        path: Path | None = getattr(target, key)
        if path is not None:
            yield key, path


def _as_written(key: str, path: Path) -> Iterator[bytes]:
    try:
        contents = contents_of(octets_of(key, path))
    except TargetError:
        return
    yield from (armoured("CERTIFICATE", each) for each in contents.certificates)
    yield from (armoured("PKCS12", each) for each in contents.archives)
    yield from (armoured("PKCS7", each) for each in contents.collections)
    for block in contents.keys:
        yield block.octets if block.is_pem else armoured("PRIVATE KEY", block.octets)


def _as_opened(credential: Credential) -> Iterator[bytes]:
    yield from (armoured("CERTIFICATE", each) for each in (credential.certificate, *credential.chain))
    for form in _KEY_FORMS:
        with contextlib.suppress(ValueError):  # some kinds of keys have one form only
            der = credential.key.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())
            yield armoured("PRIVATE KEY", der)
