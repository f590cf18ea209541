"""The files that the emulator writes for its clients: a target file and, in the same folder, certificates.

The target file begins with the SHA-256 digests of the files that were written. A file that is not listed there, or was changed
since, is not overwritten.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.certificates import FILES
from reimage_conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_MARK = "# Written by `reimage-conformance emulator`, which writes these files again as long as nobody changes them (SHA-256):"
_LINE = re.compile(r"#   (?P<digest>[0-9a-f]{64})  (?P<name>.+)")
_REST = "the rest of this file"


def certificate_files(file: Path) -> dict[str, Path]:
    """The paths of the certificate files that belong to the target file `file`, by their short names; each begins with the stem of `file`."""
    return {name: file.with_name(f"{file.stem}.{name}") for name in FILES}


def refuse_foreign(file: Path) -> None:
    """Raises UsageError where writing the target file `file` would overwrite what the emulator did not write."""
    known = _listed(file)
    for path in (file, *certificate_files(file).values()):
        if path.is_symlink() or path.exists():
            _refuse_changed(path, known.get(_REST if path == file else path.name), is_target=path == file)


def _refuse_changed(path: Path, expected: str | None, *, is_target: bool) -> None:
    try:
        found = _digest(_rest_of(path) if is_target else path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: exists and cannot be read: {error.strerror}; name another target file") from error
    if found != expected:
        what = "was not written by the emulator" if expected is None else "was changed since the emulator wrote it"
        raise UsageError(f"{path}: exists and {what}; it is left as it is: move it away, or name another target file")


def signed(text: str, certificates: Iterable[Path]) -> str:
    """`text` of a target file with the digests of itself and of `certificates` before it."""
    digests = {_REST: _digest(text.encode())}
    digests |= {path.name: _digest(path.read_bytes()) for path in certificates}
    return "\n".join([_MARK, *(f"#   {digest}  {name}" for name, digest in digests.items()), text])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _listed(file: Path) -> Mapping[str, str]:
    """The digests at the beginning of a target file, by name; none where the emulator did not write the file."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    if lines[:1] != [_MARK]:
        return {}
    found = (_LINE.fullmatch(line) for line in lines[1:])
    return {match["name"]: match["digest"] for match in found if match is not None}


def _rest_of(file: Path) -> bytes:
    """The part of a target file after its digests."""
    lines = file.read_bytes().splitlines(keepends=True)
    header = next((n for n, line in enumerate(lines) if n and not line.startswith(b"#   ")), len(lines))
    return b"".join(lines[header:])
