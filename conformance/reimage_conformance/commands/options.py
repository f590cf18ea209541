"""The options of a run as click has them, and the command line that they make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reimage_conformance.commands.completing import fault_names, oddity_names, requirement_ids
from reimage_conformance.commands.words import Duration, FilePath, SuggestingChoice
from reimage_conformance.run_options import RUN_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.run_options import RunOption

Command = TypeVar("Command", bound="Callable[..., Any]")
OFFERED = {"fault": fault_names, "oddity": oddity_names, "only": requirement_ids}
"""The shell completion of an option's values, by the name of the option."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run, as given on the command line; the fields are those of `RUN_OPTIONS`."""

    report_dir: Path | None = None
    strictness: str | None = None
    profile: str | None = None
    max_reimages: int | None = None
    baseline: Path | None = None
    write_baseline: Path | None = None
    seed: int | None = None
    faults: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
    world: str | None = None
    like_the_service: bool = False
    allow_reimage: bool = False
    wait: float | None = None
    no_redact: bool = False
    no_preflight: bool = False
    connections: int | None = None
    max_minutes: float | None = None
    tries: int | None = None
    patience: float | None = None
    resume: Path | None = None
    overwrite: bool = False
    only: tuple[str, ...] = ()
    failed_in: Path | None = None
    finding: str | None = None
    list_cases: bool = False
    require: Path | None = None

    def words(self) -> list[str]:
        """The options as words of a command line, without --report-dir."""
        words: list[str] = []
        for option in RUN_OPTIONS:
            value = getattr(self, option.attribute)
            if option.attribute == "report_dir":
                continue
            if option.kind is bool:
                words += [option.flag] if value else []
            elif option.repeatable:
                words += [word for each in value for word in (option.flag, str(each))]
            elif value is not None:
                words += [option.flag, str(value)]
        return words


def click_option(name: str, help_text: str = "") -> Callable[[Command], Command]:
    """The decorator that gives a command of click the option of a run called `name`, with another help text if one is given."""
    option = next(each for each in RUN_OPTIONS if each.name == name)
    text = help_text or option.help
    if option.kind is bool:
        return click.option(option.flag, option.attribute, is_flag=True, help=text)
    return click.option(
        option.flag,
        option.attribute,
        type=_type_of(option),
        metavar=option.metavar,
        multiple=option.repeatable,
        shell_complete=OFFERED.get(name),
        help=text,
    )


def click_options(command: Command) -> Command:
    """`command` with all options of a run."""
    for option in reversed(RUN_OPTIONS):
        if not option.of_pytest_alone:
            command = click_option(option.name)(command)
    return command


def _type_of(option: RunOption) -> click.ParamType[Any]:
    """The type with which click checks values of the option."""
    if option.choices:
        return SuggestingChoice(list(option.choices))
    if option.kind is Path:
        return FilePath()
    least, is_open = (option.least, False) if option.above is None else (option.above, True)
    if option.kind is int:
        return click.INT if least is None else click.IntRange(min=least, max=option.most, min_open=is_open)
    if option.kind is float:
        return Duration(least, is_open=is_open)
    return click.STRING
