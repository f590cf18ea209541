"""The certificate files of a target: where they are, and that they can be read; their meaning is for TLS to judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "REIMAGE_CONFORMANCE_"
"""Begins the names of the environment variables that replace certificate paths."""

_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = "PRIVATE KEY-----"
_HOLDS = {"client_key": (_KEY, "a private key")}


def certificate_files(
    file: Path, settings: Mapping[str, str | None], environment: Mapping[str, str]
) -> dict[str, Path | None]:
    """The certificate paths of the target file `file`, the environment's first; raises TargetError for unusable ones.

    A certificate from the environment brings its own key: the file's `client_key` then counts no longer.
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
    alone = found["client_certificate"] if not found["client_key"] else None
    for key, path in (("client_certificate", alone), ("second_client_certificate", found["second_client_certificate"])):
        if path is not None and _KEY not in _text(file, key, path):
            advice = (
                'name its key file in "client_key" or append the key'
                if key == "client_certificate"
                else "append its key"
            )
            raise TargetError(f"{file}: {key}: {path} holds a certificate but no private key; {advice}")
    return found


def _resolved(file: Path, key: str, value: str | None, from_environment: str | None) -> Path | None:
    if from_environment:
        path, source = Path(from_environment), f"{PREFIX}{key.upper()}"
    elif value is not None:
        path, source = file.parent / Path(value).expanduser(), key
    else:
        return None
    marker, what = _HOLDS.get(key, (_CERTIFICATE, "a certificate"))
    if marker not in _text(file, source, path):
        raise TargetError(f"{file}: {source}: {path} holds no PEM block of {what}")
    return path.absolute()


def _text(file: Path, source: str, path: Path) -> str:
    try:
        return path.read_text(encoding="latin-1")
    except FileNotFoundError as error:
        raise TargetError(f"{file}: {source}: there is no file {path}; expected a PEM file") from error
    except OSError as error:
        raise TargetError(f"{file}: {source}: {path} cannot be read: {error.strerror}; expected a PEM file") from error
