"""The exceptions of the suite; an AssertionError is none of them: it always means that the endpoint broke a requirement.

SuiteError                 the suite, its user or its files are at fault, never the endpoint
├── UsageError             wrong option or combination of options           exit 4
│   ├── TargetError        the target file is missing, unreadable or wrong  exit 4
│   └── WorldError         the world file is missing, unreadable or wrong   exit 4
├── UnreachableError       the endpoint cannot be reached or does not let us in  exit 6
├── BusyError              another run of this machine is at a deployment       exit 6
├── ReportError            a report cannot be written                       exit 3
└── JournalError           a journal or capture cannot be read              exit 4
"""


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
