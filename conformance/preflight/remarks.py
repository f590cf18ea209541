"""What a preflight has to say: sentences, each with how grave it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How grave a remark is: fine, worth knowing, for the tester to mend, or out of reach."""

    OK = "ok"
    NOTE = "note"
    MEND = "mend"
    STOP = "stop"


EXIT_CODES = {Level.MEND: 4, Level.STOP: 6}


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence; of a problem it names the key of the target file that helps."""

    level: Level
    text: str

    def __str__(self) -> str:
        """The remark as a line."""
        return f"{self.level.value:<4}  {self.text}"


def ok(text: str) -> Remark:
    """Something is as it should be."""
    return Remark(Level.OK, text)


def note(text: str) -> Remark:
    """Something to know that keeps nobody from running."""
    return Remark(Level.NOTE, text)


def mend(text: str) -> Remark:
    """Something in the target file, or in a file that it names, is wrong."""
    return Remark(Level.MEND, text)


def stop(text: str) -> Remark:
    """The endpoint cannot be reached, or does not let us in."""
    return Remark(Level.STOP, text)
