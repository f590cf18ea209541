"""Standard output and standard error that stop taking text: a pipe that nobody reads, a full disk, a narrow encoding."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from reimage_conformance.errors import ReportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed import ReadableBuffer

NAMES = {"stdout": "standard output", "stderr": "standard error"}
NO_READER = (errno.EPIPE, errno.ESHUTDOWN)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
ASKED_FOR = ("ignore", "replace", "xmlcharrefreplace", "namereplace")
"""What PYTHONIOENCODING can ask for; every other handler raises UnicodeEncodeError for some character, or is ours."""


class Outlet(io.RawIOBase):
    """The octets of one standard stream; when the stream stops taking them it goes quiet and calls `lost` once.

    `lost` gets the error and may raise. Later text is dropped, so that neither an error message nor the interpreter's
    end meets the same error again.
    """

    def __init__(self, descriptor: int, lost: Callable[[OSError], None]) -> None:
        self._descriptor = descriptor
        self._quiet = False
        self.lost = lost

    def writable(self) -> bool:
        """Whether octets can be written: always."""
        return True

    def fileno(self) -> int:
        """The file descriptor of the stream."""
        return self._descriptor

    def write(self, octets: ReadableBuffer, /) -> int:
        """Write `octets`, or drop them where the stream does not take them; gives how many were taken."""
        if not self._quiet:
            try:
                return os.write(self._descriptor, octets)
            except BlockingIOError:
                raise
            except OSError as error:
                self._quiet = True
                self.lost(error)
        return memoryview(octets).nbytes


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Have sys.stdout and sys.stderr write through an Outlet meanwhile, and escape what their encoding cannot say.

    A reader that goes away is no error: the command goes on in silence. Anything else raises ReportError. A terminal, and a stream
    without a file, is left as it is but for the escapes.
    """
    before = {name: getattr(sys, name) for name in NAMES}
    for name, stream in before.items():
        setattr(sys, name, _guarded(stream, _refusal(NAMES[name])))
    try:
        yield
    finally:
        for name, stream in before.items():
            with contextlib.suppress(OSError, ReportError, ValueError):
                getattr(sys, name).flush()
            if stream is None:
                getattr(sys, name).close()
            setattr(sys, name, stream)


def flush_streams() -> None:
    """Write what is buffered; raises ReportError where that is not possible."""
    sys.stdout.flush()
    sys.stderr.flush()


def guard_output(lost: Callable[[OSError], None]) -> Callable[[], None]:
    """Call `lost` when standard output stops taking text, in place of what happened before; gives what undoes that."""
    before, outlet = sys.stdout, _outlet(sys.stdout)
    if outlet is not None:
        usual, outlet.lost = outlet.lost, lost
        return lambda: setattr(outlet, "lost", usual)
    guarded = sys.stdout = _guarded(before, lost)

    def undo() -> None:
        with contextlib.suppress(OSError, ValueError):
            guarded.flush()
        if sys.stdout is guarded:
            sys.stdout = before

    return undo


def is_full(error: OSError) -> bool:
    """Whether `error` says that there is no room for a file."""
    return error.errno in NO_ROOM


def cannot_be_written(error: OSError) -> str:
    """The sentence for a file that there is no room for."""
    place = "a file" if error.filename is None else str(error.filename)
    return f"{place} cannot be written: {error.strerror or error}"


def interrupt_when_closed(error: OSError) -> None:
    """What a run does when nobody reads it: end as by Ctrl-C; raises KeyboardInterrupt, or ReportError for a full disk."""
    if error.errno in NO_READER:
        raise KeyboardInterrupt
    _refusal(NAMES["stdout"])(error)


def _refusal(name: str) -> Callable[[OSError], None]:
    """Raise ReportError that `name` cannot be written, unless it is only not read."""

    def refuse(error: OSError) -> None:
        if error.errno not in NO_READER:
            raise ReportError(f"{name} cannot be written: {error.strerror or error}")

    return refuse


def _guarded(stream: TextIO | None, lost: Callable[[OSError], None]) -> TextIO:
    """`stream` with an Outlet below it; with nothing below where the process was started without it."""
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    if isinstance(stream, io.TextIOWrapper):
        with contextlib.suppress(OSError, ValueError):
            return _rebuilt(stream, stream.fileno(), lost)
    return stream


def _rebuilt(stream: io.TextIOWrapper, descriptor: int, lost: Callable[[OSError], None]) -> TextIO:
    stream.flush()
    if stream.isatty() or _outlet(stream) is not None:
        stream.reconfigure(errors=_lenient(stream))
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(Outlet(descriptor, lost)),
        encoding=stream.encoding,
        errors=_lenient(stream),
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _lenient(stream: io.TextIOWrapper) -> str:
    """How characters are written that the encoding of `stream` does not have: as escapes, unless somebody asked otherwise."""
    return stream.errors if stream.errors in ASKED_FOR else "backslashreplace"


def _outlet(stream: TextIO) -> Outlet | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None
