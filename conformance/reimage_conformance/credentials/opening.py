"""Opens private keys, encrypted or not, and PKCS#12 archives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
    pkcs12,
)

from reimage_conformance.credentials.passphrases import PassphraseSource, forget, known_passphrase, passphrase_for
from reimage_conformance.errors import TargetError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from reimage_conformance.credentials.contents import PrivateKeyBlock
    from reimage_conformance.credentials.passphrases import Passphrase

_SSH = b"OPENSSH PRIVATE KEY"
_KEY_ADVICE = "`openssl pkey -in {name} -out client.key` converts it"
_ARCHIVE_ADVICE = "`openssl pkcs12 -legacy -in {name} -out client.pem` converts it"


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens what is in the file at `path`, which the target file names under `key`; raises TargetError for what it cannot open.

    If `ask`, a passphrase that is not known is asked for at the terminal.
    """

    key: str
    path: Path
    source: PassphraseSource = field(default_factory=PassphraseSource)
    ask: bool = False

    def private_key(self, block: PrivateKeyBlock) -> PrivateKeyTypes:
        """The private key in `block`."""
        try:
            try:
                return _load(block, None)
            except TypeError:  # encrypted, and there is no passphrase
                passphrase = self._passphrase()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise self._unreadable("a private key", _KEY_ADVICE) from error
        try:
            return _load(block, passphrase.value)
        except (ValueError, TypeError) as error:
            forget(self.path)
            raise self._wrong_passphrase(passphrase) from error
        except UnsupportedAlgorithm as error:
            raise self._unreadable("an encrypted private key", _KEY_ADVICE) from error

    def archive(self, octets: bytes) -> tuple[PrivateKeyTypes | None, list[bytes]]:
        """The private key of a PKCS#12 archive and its certificates in DER, the key's own first."""
        try:
            for attempt in (None, b""):
                try:
                    return _load_archive(octets, attempt)
                except ValueError:  # damaged, or it needs a passphrase
                    continue
            passphrase = self._passphrase()
            try:
                return _load_archive(octets, passphrase.value)
            except ValueError as error:
                forget(self.path)
                raise self._wrong_passphrase(passphrase) from error
        except UnsupportedAlgorithm as error:
            raise self._unreadable("a PKCS#12 archive", _ARCHIVE_ADVICE) from error

    def _passphrase(self) -> Passphrase:
        """The passphrase of the file, asked for if it is not known and `ask` is set; raises TargetError if there is none."""
        if self.ask:
            return passphrase_for(self.source, self.path, self.key)
        known = known_passphrase(self.source, self.path)
        if known is None:
            advice = _ARCHIVE_ADVICE.format(name=self.path.name)
            raise TargetError(f"{self.key}: {self.path} is encrypted, and there is no passphrase; {advice}")
        return known

    def _wrong_passphrase(self, passphrase: Passphrase) -> TargetError:
        return TargetError(
            f"{self.key}: {self.path} does not open with the passphrase from {passphrase.origin}, or is damaged"
        )

    def _unreadable(self, what: str, advice: str) -> TargetError:
        return TargetError(
            f"{self.key}: {self.path} holds {what} of a kind that cannot be read; {advice.format(name=self.path.name)}"
        )


@lru_cache(maxsize=8)
def _load(block: PrivateKeyBlock, passphrase: bytes | None) -> PrivateKeyTypes:
    """The private key in `block`; it is cached, since a run reads a key several times and OpenSSL takes long to check it."""
    if not block.is_pem:
        return load_der_private_key(block.octets, passphrase)
    if _SSH in block.octets:
        return load_ssh_private_key(block.octets, passphrase)
    return load_pem_private_key(block.octets, passphrase)


@lru_cache(maxsize=8)
def _load_archive(octets: bytes, passphrase: bytes | None) -> tuple[PrivateKeyTypes | None, list[bytes]]:
    found = pkcs12.load_pkcs12(octets, passphrase)
    held = [each.certificate for each in (found.cert, *found.additional_certs) if each is not None]
    return found.key, [each.public_bytes(Encoding.DER) for each in held]
