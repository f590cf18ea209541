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
LENIENT_HANDLERS = ("ignore", "replace", "xmlcharrefreplace", "namereplace")
"""Error handlers that a user can choose by PYTHONIOENCODING and that raise no UnicodeEncodeError; others may raise it."""


class Outlet(io.RawIOBase):
    """Writes octets to one standard stream; when the stream stops taking them, it calls `lost` once and drops all later octets.

    `lost` gets the error and may raise. Later octets are dropped so that the same error does not occur again, neither for an error
    message nor when the interpreter ends.
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
    """While the context is open, sys.stdout and sys.stderr write through an Outlet, and escape what their encoding does not have.

    A closed pipe is no error: the command goes on without output. Any other error raises ReportError. A terminal gets no Outlet,
    only the escapes; a stream without a file descriptor is left as it is.
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
    """Call `lost`, and nothing else, when standard output stops taking text; gives a function that undoes this."""
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
    name = "a file" if error.filename is None else str(error.filename)
    return f"{name} cannot be written: {error.strerror or error}"


def interrupt_when_closed(error: OSError) -> None:
    """Ends a run whose output cannot be written: raises KeyboardInterrupt if nobody reads it, ReportError for any other error."""
    if error.errno in NO_READER:
        raise KeyboardInterrupt
    _refusal(NAMES["stdout"])(error)


def _refusal(name: str) -> Callable[[OSError], None]:
    """A function that raises ReportError for an error in writing the stream `name`; it ignores a closed pipe."""

    def refuse(error: OSError) -> None:
        if error.errno not in NO_READER:
            raise ReportError(f"{name} cannot be written: {error.strerror or error}")

    return refuse


def _guarded(stream: TextIO | None, lost: Callable[[OSError], None]) -> TextIO:
    """`stream` with an Outlet below it; where the process has no such stream, one that discards everything."""
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
    """The error handler for `stream`: it writes escapes for characters that its encoding does not have, unless the user chose another one."""
    return stream.errors if stream.errors in LENIENT_HANDLERS else "backslashreplace"


def _outlet(stream: TextIO) -> Outlet | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None
