"""The options of a run, each declared once: the command line makes options of click from them, the plugin options of pytest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reimage_conformance.model import Profile, Strictness


@dataclass(frozen=True, slots=True)
class RunOption:
    """An option of a run.

    `kind` is bool for a flag, else the type of its value. `choices` are the only words that it takes; () means any. `least` is the least
    value, `most` the greatest, `above` what a value must exceed. `field` is its name in Python where that differs from the name of the
    option. `of_pytest_alone` says that only pytest has the option, not the command line.
    """

    name: str
    help: str
    kind: type[bool | int | float | str | Path]
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    repeatable: bool = False
    least: int | None = None
    most: int | None = None
    above: int | None = None
    field: str = ""
    of_pytest_alone: bool = False

    @property
    def flag(self) -> str:
        """The option as it is written: `--max-reimages`."""
        return f"--{self.name}"

    @property
    def attribute(self) -> str:
        """The name of its value in `Options`: `max_reimages`."""
        return self.field or self.name.replace("-", "_")


RUN_OPTIONS = (
    RunOption("report-dir", "Where reports go; reports/<target>/<time> if left out.", Path),
    RunOption(
        "strictness", "How literally the documents are read.", str, choices=tuple(each.value for each in Strictness)
    ),
    RunOption("profile", "How much the run does.", str, choices=tuple(each.value for each in Profile)),
    RunOption("max-reimages", "Never start more reimages than this.", int, least=0),
    RunOption("baseline", "Known violations; the run fails if one no longer holds.", Path),
    RunOption("write-baseline", "Write this run's violations as a baseline.", Path),
    RunOption("seed", "Draw the same examples as the run with this seed.", int),
    RunOption("fault", "Give the embedded emulator this fault (repeatable).", str, repeatable=True, field="faults"),
    RunOption("oddity", "Give the embedded emulator this oddity (repeatable).", str, repeatable=True, field="oddities"),
    RunOption(
        "world",
        "What the embedded emulator holds: one-instance, two-instances, two-slots, two-services, one-slot, large, or a .toml file.",
        str,
    ),
    RunOption(
        "like-the-service",
        "Have the embedded emulator behave as the historical service did; it conforms with --strictness lenient.",
        bool,
    ),
    RunOption("allow-reimage", "Reimage although the target file does not allow it.", bool),
    RunOption(
        "wait",
        "Wait this long for the end of another run that uses the same deployment; without it, the run is refused.",
        float,
        metavar="SECONDS",
        least=0,
    ),
    RunOption("no-redact", "Do not mask secrets in the reports; do not share them then.", bool),
    RunOption("no-preflight", "Begin without checking the target file at the endpoint.", bool),
    RunOption("connections", "How many requests may be under way; 8 on this machine, else 4.", int, least=1, most=256),
    RunOption("max-minutes", "End the run after this time, with reports.", float, above=0),
    RunOption(
        "tries",
        "Try a violation that may depend on timing N times in all; 3 if left out, 1 for no second try.",
        int,
        metavar="N",
        least=1,
    ),
    RunOption(
        "patience",
        "End the run when no request is answered, or all are throttled, for this time.",
        float,
        metavar="SECONDS",
        above=0,
    ),
    RunOption("resume", "Go on with a run that was cut short.", Path, metavar="REPORT_DIR"),
    RunOption("overwrite", "Replace the run that the report folder holds.", bool),
    RunOption(
        "only",
        "Judge only these, and what they need: ids, patterns (REQ-GOS-*), chapters, areas (repeatable, or with commas).",
        str,
        metavar="REQ|CHAPTER|AREA",
        repeatable=True,
    ),
    RunOption(
        "failed-in",
        "Judge the requirements that were violated or inconclusive in this run, and those that they need.",
        Path,
        metavar="RUN",
    ),
    RunOption(
        "finding",
        "With --failed-in: judge only what its finding N needs.",
        str,
        metavar="N|all",
        of_pytest_alone=True,
    ),
    RunOption("list", "List the cases that would run, and send nothing.", bool, field="list_cases"),
    RunOption(
        "require",
        "Exit with 6 if a requirement that FILE names, one id a line, could not be judged.",
        Path,
        metavar="FILE",
    ),
)
"""In the order in which the help shows them."""
