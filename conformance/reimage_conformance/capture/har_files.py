"""HAR files as recorders leave them: plain, compressed, zipped with the bodies beside them, in UTF-8 or UTF-16."""

from __future__ import annotations

import json
import zipfile
import zlib
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from reimage_conformance.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_OCTETS = 512 * 1024 * 1024
"""A larger HAR is not read, nor a larger body beside it: a small archive can hold more than fits in memory."""
_GZIP_LAYERS = 2
"""A server may have compressed a compressed file."""
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


def open_har(path: Path, octets: bytes) -> tuple[dict[str, Any], Callable[[str], bytes | None]]:
    """The log in a HAR file, and a function that reads bodies in files of their own.

    The function gives the octets by the name in an entry, None where the file is missing or must not be read. Raises
    JournalError, with one sentence, where the file cannot be unpacked, decoded or parsed, or holds no HAR.
    """
    attached: Callable[[str], bytes | None] = _Folder(path.parent).attached
    if octets.startswith(_ZIP):
        archive = _opened(path, octets)
        octets, attached = archive.har(), archive.attached
    for _ in range(_GZIP_LAYERS):
        if not octets.startswith(_GZIP):
            break
        octets = _unpacked(path, octets)
    return _parsed(path, octets), attached


def _parsed(path: Path, octets: bytes) -> dict[str, Any]:
    try:
        encoding = json.detect_encoding(octets)
        text = octets.decode("utf-8-sig" if encoding == "utf-8" else encoding)
        text = text.removeprefix("\ufeff").rstrip("\0 \r\n\t")
        document = json.loads(text)
    except UnicodeDecodeError as error:
        raise JournalError(
            f"{str(path)!r} is neither a journal nor a HAR: it is not {error.encoding.upper()} text (octet {error.start}); "
            "save it as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise JournalError(
                f"{str(path)!r} is neither a journal nor a HAR: after the first JSON value there is another, line {error.lineno}; "
                "a HAR is one object with log.entries, the list of all exchanges"
            ) from error
        reason = f"it is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        hint = " (it seems to be cut short)" if 0 < len(text.rstrip()) <= error.pos else ""
        raise JournalError(f"{str(path)!r} is neither a journal nor a HAR: {reason}{hint}; export it again") from error
    except (ValueError, RecursionError) as error:
        raise JournalError(
            f"{str(path)!r} is neither a journal nor a HAR: it is not JSON that can be read (too deep, or a number too long)"
        ) from error
    log = document.get("log") if isinstance(document, dict) else None
    if not isinstance(log, dict) or not isinstance(log.get("entries"), list):
        raise JournalError(f"{str(path)!r} is not a HAR: expected an object with log.entries, a list of exchanges")
    return log


def _unpacked(path: Path, octets: bytes) -> bytes:
    """What a gzip file holds."""
    reader = zlib.decompressobj(wbits=31)
    try:
        plain = reader.decompress(octets, MAX_OCTETS)
    except zlib.error as error:
        raise JournalError(f"{str(path)!r} is a damaged gzip file: {error}") from error
    if reader.unconsumed_tail:
        raise JournalError(f"{str(path)!r} holds more than {MAX_OCTETS >> 20} MiB; cut the capture into parts")
    if not reader.eof:
        raise JournalError(f"{str(path)!r} is a gzip file that was cut short; export it again")
    return plain


def _opened(path: Path, octets: bytes) -> _Archive:
    try:
        archive = zipfile.ZipFile(BytesIO(octets))
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise JournalError(f"{str(path)!r} is a damaged zip file: {error}") from error
    return _Archive(path, archive)


class _Archive:
    """A zip file that holds a HAR and perhaps bodies beside it, as Playwright writes it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        names = sorted(name for name in archive.namelist() if name.lower().endswith((".har", ".har.gz")))
        if not names:
            raise JournalError(f"{str(path)!r} is a zip file without a .har in it")
        self._har = min(names, key=lambda name: (name.count("/"), name))

    def har(self) -> bytes:
        """The octets of the HAR; of several the one nearest to the top."""
        found = self._read(self._har)
        if found is None:
            raise JournalError(f"{str(self._path)!r}: {self._har!r} in it is damaged, locked or too large")
        return found

    def attached(self, name: str) -> bytes | None:
        """The octets of a file beside the HAR."""
        return self._read(str(PurePosixPath(self._har).parent / name))

    def _read(self, name: str) -> bytes | None:
        try:
            if self._archive.getinfo(name).file_size > MAX_OCTETS:
                return None
            with self._archive.open(name) as file:
                return file.read(MAX_OCTETS)
        except (
            KeyError,
            RuntimeError,
            OSError,
            ValueError,
            NotImplementedError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
        ):
            return None


class _Folder:
    """The folder in which a HAR lies; nothing outside of it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def attached(self, name: str) -> bytes | None:
        """The octets of a file in the folder, or below it."""
        try:
            file = (self._folder / name).resolve()
            if (
                not file.is_relative_to(self._folder.resolve())
                or not file.is_file()
                or file.stat().st_size > MAX_OCTETS
            ):
                return None
            return file.read_bytes()
        except (OSError, ValueError):
            return None
