"""What a preflight has to say: sentences, each with how grave it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How grave a remark is.

    CHECK is what the target file or the endpoint may be wrong about: a preflight asks the tester, and a run goes on,
    since it may be what the run is to find. MEND cannot be right in the target file; STOP is an endpoint that cannot
    be judged.
    """

    OK = "ok"
    NOTE = "note"
    CHECK = "check"
    MEND = "mend"
    STOP = "stop"


EXIT_CODES = {Level.MEND: 4, Level.STOP: 6, Level.CHECK: 4}
"""What `preflight` ends with, the gravest level first."""

ENDING = (Level.MEND, Level.STOP)
"""What ends a run before it begins, the level whose sentence is told first."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence; of a problem it names the key of the target file that helps."""

    level: Level
    text: str

    def __str__(self) -> str:
        """The remark as a line."""
        return f"{self.level.value:<5} {self.text}"


def ok(text: str) -> Remark:
    """Something is as it should be."""
    return Remark(Level.OK, text)


def note(text: str) -> Remark:
    """Something to know that keeps nobody from running."""
    return Remark(Level.NOTE, text)


def check(text: str) -> Remark:
    """Something that the target file or the endpoint has wrong; only the tester knows which."""
    return Remark(Level.CHECK, text)


def mend(text: str) -> Remark:
    """Something in the target file, or in a file that it names, is wrong."""
    return Remark(Level.MEND, text)


def stop(text: str) -> Remark:
    """The endpoint cannot be reached, or does not let us in."""
    return Remark(Level.STOP, text)
