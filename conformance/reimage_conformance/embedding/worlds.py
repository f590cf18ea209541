"""Worlds for the emulator: finds the layout for a name, or reads it from a TOML file and names every mistake."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reimage_conformance.config import keys
from reimage_conformance.emulator import LAYOUTS, NEIGHBOURS, DeploymentLayout, InstanceLayout, instances_of, role_of
from reimage_conformance.errors import UsageError, WorldError, did_you_mean
from reimage_conformance.file_names import named_file_fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.emulator import Layout

MAX_INSTANCES = 1000
"""More instances of one role than this are refused as a typing mistake."""
_OTHER_TARGET_TABLES = ("target", "limits", "capabilities", "probe")
"""Tables of a target file that say nothing about the world. They are ignored, so that a target file can be used as a world."""


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_INSTANCES


_DEPLOYMENT = {
    **keys.DEPLOYMENT,
    "role_instances": replace(keys.DEPLOYMENT["role_instances"], required=False),
    "roles": keys.Key("a table of roles, at least one", lambda value: isinstance(value, dict) and bool(value)),
}


def world_of(name: str) -> Layout:
    """The layout called `name`, or that of the TOML file at the path `name`.

    Raises UsageError for a name that is neither, WorldError for a file that is wrong; it names the file, the key, what was found
    and what is expected.
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    if fault := named_file_fault(name):
        raise UsageError(f"--world: {fault}")
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return load_layout(path)
    named = f"the worlds with a name are {', '.join(LAYOUTS)}."
    hint = did_you_mean(name, LAYOUTS, cutoff=0.5, mark='"', otherwise=named)
    raise UsageError(f'unknown world "{name}"{hint} A world of your own is a .toml file')


def load_layout(path: Path) -> Layout:
    """The layout that the world file at `path` describes, and what the other subscriptions hold; raises WorldError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise WorldError(f"{path}: there is no such world file") from error
    except OSError as error:
        raise WorldError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WorldError(f"{path}: not UTF-8 text (octet {error.start}); a world file is TOML") from error
    except tomllib.TOMLDecodeError as error:
        raise WorldError(f"{path}: not valid TOML: {error}") from error
    try:
        return _layout(path, document) + NEIGHBOURS
    except UsageError as error:
        raise WorldError(str(error)) from error


def _layout(path: Path, document: Mapping[str, Any]) -> Layout:
    known = {key: value for key, value in document.items() if key not in _OTHER_TARGET_TABLES}
    keys.refuse_unknown(path, "at the top level", known, ("deployments",))
    rows = known.get("deployments")
    if not isinstance(rows, list) or not rows:
        found = "nothing" if rows is None else keys.shown(rows)
        raise WorldError(f"{path}: at least one [[deployments]] table is expected, found {found}")
    layout = tuple(_deployment(path, f"[[deployments]] number {n}", row) for n, row in enumerate(rows, start=1))
    _refuse_repeated(path, "slot", [(row.service, row.slot) for row in layout])
    _refuse_repeated(path, "name", [(row.service, row.name) for row in layout])
    return layout


def _refuse_repeated(path: Path, key: str, pairs: list[tuple[str, str]]) -> None:
    """Raises WorldError where two of `pairs`, a cloud service and the value of `key` for each deployment, are equal."""
    for service, value in pairs:
        if pairs.count((service, value)) > 1:
            raise WorldError(
                f"{path}: two [[deployments]] of cloud service {service!r} have the {key} {value!r}; expected one"
            )


def _deployment(path: Path, where: str, row: Any) -> DeploymentLayout:
    found = keys.checked(path, where, row, _DEPLOYMENT)
    if ("roles" in found) == ("role_instances" in found):
        both = "both" if "roles" in found else "neither"
        raise WorldError(
            f'{path}: {where} is expected to have either "role_instances" (names) or "roles" (a number for each), found {both}'
        )
    failing: list[str] = found.get("failing_role_instances", [])
    if "roles" in found:
        instances = _instances_of_roles(path, where, found["roles"], failing)
    else:
        named = dict.fromkeys([*found["role_instances"], *failing])
        instances = tuple(InstanceLayout(role_of(name), name, name in failing) for name in named)
    return DeploymentLayout(found["cloud_service"], found["slot"], found["name"], instances)


def _instances_of_roles(
    path: Path, where: str, roles: Mapping[str, int], failing: list[str]
) -> tuple[InstanceLayout, ...]:
    """The instances for a table `roles`; raises WorldError for a wrong number, and for a name in `failing` that none of them has."""
    for role, count in roles.items():
        if not _is_count(count):
            raise WorldError(
                f'{path}: "{role}" in "roles" of {where} is expected to be a number of instances from 1 to {MAX_INSTANCES}, '
                f"found {keys.shown(count)}"
            )
    instances = instances_of(roles, failing)
    names = [each.name for each in instances]
    for name in failing:
        if name not in names:
            hint = did_you_mean(name, names, mark='"')
            raise WorldError(
                f'{path}: "failing_role_instances" in {where} is expected to name instances of "roles", found "{name}"{hint}'
            )
    return instances
