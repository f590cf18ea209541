"""The exceptions of the suite. AssertionError is not one of them: it always means that the endpoint broke a requirement.

SuiteError                 the suite, its user or its files are at fault, never the endpoint
├── UsageError             wrong option or combination of options           exit 4
│   ├── TargetError        the target file is missing, unreadable or wrong  exit 4
│   └── WorldError         the world file is missing, unreadable or wrong   exit 4
├── UnreachableError       the endpoint cannot be reached or rejects our credentials  exit 6
├── BusyError              another run on this machine uses a deployment    exit 6
├── ReportError            a report cannot be written                       exit 3
└── JournalError           a journal or capture cannot be read              exit 4
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SuiteError(Exception):
    """Something other than the endpoint is at fault; the message is one clear sentence."""

    exit_code = 3


class UsageError(SuiteError):
    """The command line is wrong."""

    exit_code = 4


class TargetError(UsageError):
    """The target file is missing, unreadable, incomplete or misspelt."""


class WorldError(UsageError):
    """The file that describes an emulator's world is missing, unreadable, incomplete or misspelt."""


class UnreachableError(SuiteError):
    """The endpoint cannot be reached, or refuses the credentials, before anything could be judged."""

    exit_code = 6


class BusyError(SuiteError):
    """Another run of this machine uses a deployment that the target lists."""

    exit_code = 6


class ReportError(SuiteError):
    """A report or the journal cannot be written."""


class JournalError(SuiteError):
    """A journal or a capture cannot be read."""

    exit_code = 4


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6, mark: str = "'", otherwise: str = "") -> str:
    """The end of an error about `word`: "; did you mean 'x'?" with the known word that is most similar, in `mark`s.

    Where none has a similarity of `cutoff` (0 to 1), it is "; " with the words of `otherwise`, or "" without them.
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    if near:
        return f"; did you mean {mark}{near[0]}{mark}?"
    return f"; {otherwise}" if otherwise else ""
