"""Reads secrets, passphrases and the credentials for a proxy, from a file, the environment or the terminal."""

from __future__ import annotations

import getpass
import hashlib
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.errors import TargetError
from reimage_conformance.model import Identity

if TYPE_CHECKING:
    from pathlib import Path

    from reimage_conformance.model import Target

ENTERED_PREFIX = "REIMAGE_CONFORMANCE_ENTERED_"
"""The prefix of environment variables with passphrases that were entered at the terminal, so that child processes need not ask."""


@dataclass(frozen=True, slots=True)
class PassphraseSource:
    """Where the passphrase of a private key is, according to the target file; `key` is the prefix of the two keys that say so."""

    key: str = "key_passphrase"
    file: Path | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase, and its origin in words."""

    value: bytes
    origin: str

    def __repr__(self) -> str:
        """The origin only: the value is a secret."""
        return f"Passphrase(from {self.origin})"


def source_for(target: Target, identity: Identity) -> PassphraseSource:
    """Where the passphrase for the key of `identity` is; the second identity uses that of the first if it has none of its own."""
    first = PassphraseSource("key_passphrase", target.key_passphrase_file, target.key_passphrase_env)
    second = PassphraseSource(
        "second_key_passphrase", target.second_key_passphrase_file, target.second_key_passphrase_env
    )
    return second if identity is Identity.SECOND and (second.file or second.variable) else first


def known_passphrase(source: PassphraseSource, path: Path) -> Passphrase | None:
    """The passphrase for the key in `path` if it is known without asking, else None; raises TargetError for an unusable file."""
    if source.variable and os.environ.get(source.variable):
        value, origin = os.environ[source.variable], f"the environment variable {source.variable}"
    elif source.file is not None:
        value, origin = _first_line(source.file, f"{source.key}_file"), f"{source.key}_file ({source.file.name})"
    elif _variable_for(path) in os.environ:
        value, origin = os.environ[_variable_for(path)], "the terminal"
    else:
        return None
    return Passphrase(value.encode(), origin)


def passphrase_for(source: PassphraseSource, path: Path, key: str) -> Passphrase:
    """The passphrase for the key in `path`, asked for once if there is a terminal; raises TargetError, which names `key`."""
    known = known_passphrase(source, path)
    if known is not None:
        return known
    if sys.stdin is not None and sys.stdin.isatty():
        entered = os.environ[_variable_for(path)] = getpass.getpass(f"Passphrase of {path}: ")
        return Passphrase(entered.encode(), "the terminal")
    missing = f"; the environment variable {source.variable} is not set" if source.variable else ""
    raise TargetError(
        f"{key}: {path} is encrypted, and its passphrase is not known{missing}: name a file in {source.key}_file or an "
        f"environment variable in {source.key}_env, or set REIMAGE_CONFORMANCE_{source.key.upper()}"
    )


def proxy_credentials(target: Target) -> bytes:
    """User and password for the proxy of `target`, joined by a colon; b"" if the target file names none. Raises TargetError."""
    variable, file = target.proxy_credentials_env, target.proxy_credentials_file
    key = "proxy_credentials_env" if variable else "proxy_credentials_file"
    if variable:
        text = os.environ.get(variable, "")
        if not text:
            raise TargetError(f"{key}: the environment variable {variable} is not set; expected user:password in it")
    elif file is not None:
        text = _first_line(file, key)
    else:
        return b""
    if ":" not in text:
        raise TargetError(f"{key}: expected user:password, found something without a colon")
    return text.encode()


def forget(path: Path) -> None:
    """Remove the passphrase that was entered for `path`."""
    os.environ.pop(_variable_for(path), None)


def _variable_for(path: Path) -> str:
    """The environment variable with the passphrase that was entered for `path`."""
    return ENTERED_PREFIX + hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16].upper()


def _first_line(file: Path, key: str) -> str:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TargetError(f"{key}: {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TargetError(f"{key}: {file} is not UTF-8 text; expected the secret in its first line") from error
    line = text.partition("\n")[0].removesuffix("\r")
    if not line:
        raise TargetError(f"{key}: the first line of {file} is empty; expected the secret there")
    return line
