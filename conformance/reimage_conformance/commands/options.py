"""The options of a run, and the command line that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = ("allow_reimage", "no_redact", "overwrite", "no_preflight", "like_the_service")
"""The options of a run without a value; pytest has options of the same names."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run, as given on the command line."""

    report_dir: Path | None
    strictness: str | None
    profile: str | None
    max_reimages: int | None
    baseline: Path | None
    write_baseline: Path | None
    seed: int | None
    faults: tuple[str, ...]
    oddities: tuple[str, ...]
    world: str | None
    like_the_service: bool
    allow_reimage: bool
    no_redact: bool
    wait: float | None
    overwrite: bool
    no_preflight: bool
    connections: int | None = None
    max_minutes: float | None = None
    tries: int | None = None
    patience: float | None = None
    resume: Path | None = None
    only: tuple[str, ...] = ()
    failed_in: Path | None = None
    finding: str | None = None
    require: Path | None = None
    list_cases: bool = False

    def words(self) -> list[str]:
        """The options as words of a command line, without --report-dir."""
        single = (
            *("strictness", "profile", "max_reimages", "baseline", "write_baseline", "seed", "world", "wait"),
            *("connections", "max_minutes", "tries", "patience", "resume"),
            *("failed_in", "finding", "require"),
        )
        named = [(name, getattr(self, name)) for name in single]
        named += [("only", name) for name in self.only]
        named += [("fault", name) for name in self.faults] + [("oddity", name) for name in self.oddities]
        flags = [name for name in FLAGS if getattr(self, name)]
        words = [word for name, value in named if value is not None for word in (_dashed(name), str(value))]
        return [*words, *(_dashed(name) for name in flags), *(["--list"] if self.list_cases else [])]


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"
