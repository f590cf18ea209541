"""The plugin's options, and the plan of a run that is made from them and the target file."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reimage_conformance.choosing import CHOSEN, Choice, failed_in, required_in, requirements_of, story_of
from reimage_conformance.config import load_target, why_not_to_reimage
from reimage_conformance.errors import UsageError
from reimage_conformance.file_names import named_file_fault, target_file_fault
from reimage_conformance.model import Profile, Strictness
from reimage_conformance.outputs import folder_name
from reimage_conformance.pytest_plugin.fitting import resumable
from reimage_conformance.run_options import RUN_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from reimage_conformance.emulator import Layout
    from reimage_conformance.model import Target

NAMES = ("target", "embedded", "in_memory")
"""The options of which a conformance run has one."""
DEFAULT_TRIES = 3
"""How often a violation that may depend on timing is tried if --tries is not given, the first time included."""


def add_options(parser: pytest.Parser) -> None:
    """Declares the options of `reimage-conformance run` as options of pytest."""
    group = parser.getgroup("reimage-conformance", "conformance of Reimage Role Instance")
    group.addoption("--target", metavar="FILE", help="Target file that says where the endpoint is.")
    group.addoption("--embedded", action="store_true", help="Judge the embedded emulator, over TLS.")
    group.addoption(
        "--in-memory", action="store_true", help="Judge the emulator without sockets, on a clock of its own."
    )
    group.addoption(
        "--operation-seconds", type=float, default=0.2, metavar="S", help="How long the emulator's reimages take."
    )
    for option in RUN_OPTIONS:
        if option.kind is bool:
            group.addoption(option.flag, action="store_true", help=option.help)
        elif option.repeatable:
            group.addoption(option.flag, action="append", default=[], metavar=option.metavar, help=option.help)
        else:
            kind = str if option.kind is Path else option.kind
            group.addoption(
                option.flag, type=kind, choices=option.choices or None, metavar=option.metavar, help=option.help
            )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do, read from options.

    `file` and `target` are None for an emulator, whose target is known when it is served. `repeats` says that --seed was given;
    then failed examples of other runs are not used. `world` is what an emulator holds (None: the large world), `listed` the part of
    it that its target lists (None: all), and `probe` whether its target has a probe. `choice` says what is judged (None: everything),
    `required` which requirements must be judged. `tries` is how often a violation that may depend on timing is tried, the first
    time included.
    """

    file: Path | None
    target: Target | None
    preflight: bool
    in_memory: bool
    profile: Profile
    strictness: Strictness | None
    seed: int
    repeats: bool
    report_dir: Path | None
    max_reimages: int | None
    faults: tuple[str, ...]
    oddities: tuple[str, ...]
    operation_seconds: float
    redact: bool
    overwrite: bool
    wait_seconds: float
    baseline: Path | None
    write_baseline: Path | None
    connections: int | None = None
    max_seconds: float | None = None
    patience: float | None = None
    world: Layout | None = None
    listed: Layout | None = None
    probe: bool = True
    resume: Path | None = None
    choice: Choice | None = None
    required: tuple[str, ...] = ()
    tries: int = 1


def is_wanted(config: pytest.Config) -> bool:
    """Whether this pytest session is a conformance run."""
    return any(config.getoption(name, default=None) not in (None, False) for name in NAMES)


def plan_of(config: pytest.Config) -> Plan:
    """The plan that the options make; raises UsageError for options that contradict each other or the target file."""
    resume = _path(config, "resume")
    began = _began_with(config, resume) if resume is not None else {}
    profile = Profile(config.getoption("profile") or began.get("profile", Profile.STANDARD))
    word = config.getoption("strictness")
    strictness = Strictness(word) if word else None
    file = _path(config, "target")
    faults, oddities = tuple(config.getoption("fault")), _oddities(config)
    if file and (faults or oddities or config.getoption("world")):
        raise UsageError(
            "--fault, --oddity, --world and --like-the-service change the emulator; they cannot be used with --target"
        )
    folder = resume or _path(config, "report_dir")
    return Plan(
        file=file,
        target=None if file is None else _target(config, file, strictness),
        preflight=not config.getoption("no_preflight"),
        in_memory=bool(config.getoption("in_memory")),
        profile=profile,
        strictness=strictness,
        seed=_seed(config, profile, began),
        repeats=config.getoption("seed") is not None,
        report_dir=folder,
        max_reimages=config.getoption("max_reimages"),
        faults=faults,
        oddities=oddities,
        world=_world(config.getoption("world")),
        operation_seconds=config.getoption("operation_seconds"),
        redact=not config.getoption("no_redact"),
        overwrite=bool(config.getoption("overwrite")),
        wait_seconds=config.getoption("wait") or 0.0,
        baseline=_path(config, "baseline"),
        write_baseline=_path(config, "write_baseline"),
        connections=config.getoption("connections"),
        max_seconds=_seconds(config.getoption("max_minutes")),
        patience=config.getoption("patience"),
        resume=resume,
        choice=_choice(config, resume),
        required=_required(config),
        tries=_tries(config),
    )


def _target(config: pytest.Config, file: Path, strictness: Strictness | None) -> Target:
    """The target in `file` with the options of the run; raises UsageError if it must not be reimaged."""
    allow, limit = config.getoption("allow_reimage"), config.getoption("max_reimages")
    target = load_target(file, strictness=strictness, allow_reimage=allow, max_reimages=limit)
    if reason := why_not_to_reimage(target):
        raise UsageError(f"{file}: {reason}")
    return target


def _seed(config: pytest.Config, profile: Profile, began: Mapping[str, Any]) -> int:
    """The seed of --seed or of the resumed run; otherwise another one each time in the profile nightly, else 0."""
    given = config.getoption("seed")
    if given is None:
        given = began.get("seed")
    if given is not None:
        return int(given)
    return int(time.time()) % 1_000_000 if profile is Profile.NIGHTLY else 0


def _choice(config: pytest.Config, resume: Path | None) -> Choice | None:
    """What the run judges, None for everything; a resumed run judges what it judged at its beginning."""
    words, failed, number = config.getoption("only"), _path(config, "failed_in"), config.getoption("finding")
    if resume is not None:
        if words or failed is not None:
            raise UsageError("--resume judges what the run judged when it began; leave --only and --failed-in out")
        events = (event for event in resumable(resume).events if event["type"] == CHOSEN)
        return next((Choice.from_mapping(event) for event in events), None)
    if number is not None and failed is None:
        raise UsageError("--finding is the number of a finding of the run that --failed-in names; give that as well")
    if failed is not None and number is not None:
        return story_of(failed, number)
    found = failed_in(failed) if failed is not None else None
    chosen = requirements_of(words) if words else frozenset()
    if found is None:
        return Choice(chosen) if words else None
    return replace(found, requirements=found.requirements | chosen)


def _tries(config: pytest.Config) -> int:
    """How often a violation that may depend on timing is tried; by default once with --failed-in, which is a second try itself."""
    given = config.getoption("tries")
    if given is None:
        return 1 if config.getoption("failed_in") else DEFAULT_TRIES
    if given < 1:
        raise UsageError(f"--tries: expected 1 or more, found {given}")
    return int(given)


def _required(config: pytest.Config) -> tuple[str, ...]:
    """The requirements that must be judged (--require)."""
    file = _path(config, "require")
    return required_in(file) if file is not None else ()


def _began_with(config: pytest.Config, folder: Path) -> Mapping[str, Any]:
    """The header of the journal in `folder`; raises UsageError if the run cannot be resumed with these options."""
    if not config.getoption("target"):
        raise UsageError(
            "--resume needs the target file of the run; a run against an embedded emulator cannot be resumed"
        )
    for option in ("report_dir", "overwrite"):
        if config.getoption(option):
            raise UsageError(
                f"--resume names the report folder and keeps what is in it; leave --{option.replace('_', '-')} out"
            )
    began = resumable(folder).header
    for name in ("profile", "seed"):
        given = config.getoption(name)
        if given is not None and given != began[name]:
            raise UsageError(
                f"--resume {folder}: the run began with --{name} {began[name]}, found {given}; leave it out"
            )
    return began


def _world(name: str | None) -> Layout | None:
    if name is None:
        return None
    from reimage_conformance.embedding.worlds import world_of  # noqa: PLC0415  the emulator takes a moment to import

    return world_of(name)


def _seconds(minutes: float | None) -> float | None:
    return None if minutes is None else 60 * minutes


def _oddities(config: pytest.Config) -> tuple[str, ...]:
    """The names of the oddities that --oddity and --like-the-service ask for."""
    if not config.getoption("like_the_service"):
        return tuple(config.getoption("oddity"))
    from reimage_conformance.emulator import with_manners  # noqa: PLC0415  only a run with oddities needs it

    return with_manners(tuple(config.getoption("oddity")), like_the_service=True)


def _path(config: pytest.Config, option: str) -> Path | None:
    """The path that an option names, None without one; raises UsageError for a name that no file can have."""
    text = config.getoption(option)
    if text is None:
        return None
    if fault := (target_file_fault if option == "target" else named_file_fault)(text):
        raise UsageError(f"--{option.replace('_', '-')}: {fault}")
    return Path(text)


def folder_for(name: str, root: Path, now: float) -> Path:
    """The default report folder, reports/<target>/<time>; with a number if another run began in the same second."""
    folder = root / "reports" / folder_name(name) / time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    numbered = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return folder if not folder.exists() else next(each for each in numbered if not each.exists())
