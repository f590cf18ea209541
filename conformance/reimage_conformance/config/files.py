"""The certificate and secret files of a target: finds them, and checks that each holds what its key says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from reimage_conformance.credentials.contents import contents_of
from reimage_conformance.errors import TargetError
from reimage_conformance.file_names import secret_file_fault, shown_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.credentials.contents import Contents

PREFIX = "REIMAGE_CONFORMANCE_"
"""The prefix of the environment variables that replace certificate paths."""

CERTIFICATES = ("client_certificate", "client_key", "ca_bundle", "second_client_certificate")
SECRETS = ("key_passphrase", "second_key_passphrase", "proxy_credentials")
"""Each of these is read from a file (key ending in _file) or from an environment variable (key ending in _env)."""

PRIVATE = (*CERTIFICATES, *(f"{name}_{source}" for name in SECRETS for source in ("file", "env")))
"""The keys of [target] that are not written to a journal."""

_EXPECTED = "PEM, DER, PKCS#12 or .publishsettings"


def certificate_files(
    file: Path, settings: Mapping[str, str | None], environment: Mapping[str, str]
) -> dict[str, Path | None]:
    """The certificate paths of the target file `file`; paths in the environment replace them.

    If the environment names a client certificate, `client_key` of the file is ignored. Raises TargetError for unusable
    files.
    """
    named = {key: environment.get(PREFIX + key.upper()) for key in settings}
    chosen = dict(settings)
    if named["client_certificate"]:
        chosen["client_key"] = None
    found = {key: _resolved(file, key, value, named[key]) for key, value in chosen.items()}
    if found["client_key"] and not found["client_certificate"]:
        raise TargetError(
            f'{file}: "client_key" in [target] has no "client_certificate" beside it; expected both or neither'
        )
    advice_without_key = {
        "client_certificate": 'name its key file in "client_key" or append the key',
        "second_client_certificate": "append its key",
    }
    if found["client_key"]:
        del advice_without_key["client_certificate"]
    for key, advice in advice_without_key.items():
        path = found[key]
        if path is not None and not _contents(file, key, path).may_hold_keys:
            raise TargetError(f"{file}: {key}: {shown_path(path)} holds a certificate but no private key; {advice}")
    return found


def secret_sources(
    file: Path, settings: Mapping[str, str | None], environment: Mapping[str, str]
) -> dict[str, Path | str | None]:
    """Where the secrets of the target file `file` are: a path for each key in _file, a variable name for each in _env.

    An environment variable of the suite, such as REIMAGE_CONFORMANCE_KEY_PASSPHRASE, replaces both. Raises TargetError
    for a missing file, and where a file and a variable are named for one secret.
    """
    found: dict[str, Path | str | None] = {}
    for name in SECRETS:
        if settings.get(f"{name}_file") and settings.get(f"{name}_env"):
            raise TargetError(f'{file}: "{name}_file" and "{name}_env" in [target] name one secret twice; keep one')
        from_environment = f"{PREFIX}{name.upper()}"
        if environment.get(from_environment):
            found |= {f"{name}_file": None, f"{name}_env": from_environment}
            continue
        named = _named(file, f"{name}_file", settings.get(f"{name}_file"), environment.get(f"{from_environment}_FILE"))
        if named is not None:
            _octets(file, *named)  # raises TargetError for a missing file
        found |= {f"{name}_file": named[1] if named else None, f"{name}_env": settings.get(f"{name}_env")}
    return found


def _resolved(file: Path, key: str, value: str | None, from_environment: str | None) -> Path | None:
    """The path for `key`, None if there is none; raises TargetError if its file does not hold what the key says."""
    named = _named(file, key, value, from_environment)
    if named is None:
        return None
    source, path = named
    contents = _contents(file, source, path)
    holds_it, what = contents.may_hold_certificates, "certificate"
    if key == "client_key":
        holds_it, what = contents.may_hold_keys, "private key"
    if not holds_it:
        raise TargetError(
            f"{file}: {source}: {shown_path(path)} holds no {what}; {contents.advice or f'expected {_EXPECTED}'}"
        )
    return path


def _named(file: Path, key: str, value: str | None, from_environment: str | None) -> tuple[str, Path] | None:
    """The key or variable that names a file, and the absolute path of the file; None if neither names one.

    A path in the target file is relative to that file. Raises TargetError for a value that is the content of a file, not a path;
    the error does not show it.
    """
    source, name = (f"{PREFIX}{key.upper()}", from_environment) if from_environment else (key, value)
    if name is None:
        return None
    what = "a certificate or key" if key in CERTIFICATES else "a secret"
    if fault := secret_file_fault(name, what):
        raise TargetError(f"{file}: {source}: {fault}")
    return source, Path(name).absolute() if from_environment else (file.parent / _at_home(Path(name))).absolute()


def _at_home(path: Path) -> Path:
    """`path` with the home folder in place of a ~ at its beginning, if there is such a folder."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _contents(file: Path, source: str, path: Path) -> Contents:
    return contents_of(_octets(file, source, path))


def _octets(file: Path, source: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        is_variable = re.search(r"\$[A-Za-z{]|%\w+%", str(path)) is not None
        hint = "; variables in paths are not replaced" if is_variable else ""
        raise TargetError(f"{file}: {source}: there is no file {shown_path(path)}{hint}") from error
    except OSError as error:
        raise TargetError(f"{file}: {source}: {shown_path(path)} cannot be read: {error.strerror}") from error
