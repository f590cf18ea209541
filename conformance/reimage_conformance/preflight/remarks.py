"""The remarks of a preflight: sentences, each with a level."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The level of a remark.

    MEND: the target file is certainly wrong. STOP: the endpoint cannot be judged. CHECK: either the target file or the
    endpoint is wrong; a run goes on, since it may find a fault of the endpoint.
    """

    OK = "ok"
    NOTE = "note"
    CHECK = "check"
    MEND = "mend"
    STOP = "stop"


EXIT_CODES = {Level.MEND: 4, Level.STOP: 6, Level.CHECK: 4}
"""The exit code of `preflight` for each level; if there are several, the first one of these counts."""

ENDING = (Level.MEND, Level.STOP)
"""A run cannot begin with a remark of these levels; if there are both, the first is reported."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence; for a problem it begins with the key of the target file to mend."""

    level: Level
    text: str

    def __str__(self) -> str:
        """The remark as a line."""
        return f"{self.level.value:<5} {self.text}"


def ok(text: str) -> Remark:
    """Something is right."""
    return Remark(Level.OK, text)


def note(text: str) -> Remark:
    """Something to know that does not prevent a run."""
    return Remark(Level.NOTE, text)


def check(text: str) -> Remark:
    """Something is wrong in the target file or at the endpoint; only the tester knows which."""
    return Remark(Level.CHECK, text)


def mend(text: str) -> Remark:
    """Something in the target file, or in a file that it names, is wrong."""
    return Remark(Level.MEND, text)


def stop(text: str) -> Remark:
    """The endpoint cannot be reached, or refuses our credentials."""
    return Remark(Level.STOP, text)
