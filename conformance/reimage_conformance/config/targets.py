"""Target files: TOML to `Target`, with an error for every mistake; `Target` to JSON for the journal.

Opens no connection.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import asdict, replace
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reimage_conformance.config import keys
from reimage_conformance.config.files import CERTIFICATES, PRIVATE, certificate_files, secret_sources
from reimage_conformance.config.toml import read_toml
from reimage_conformance.errors import JournalError, TargetError
from reimage_conformance.model import Capabilities, Deployment, Limits, Strictness, Target
from reimage_conformance.protocol.addresses import is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_TABLES = {"target": keys.TARGET, "limits": keys.LIMITS, "capabilities": keys.CAPABILITIES, "probe": keys.PROBE}


def load_target(
    path: Path,
    *,
    strictness: Strictness | None = None,
    allow_reimage: bool = False,
    max_reimages: int | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Target:
    """The target that the file at `path` describes; options of the command line replace its values, but `allow_reimage` only permits more.

    Certificate paths are relative to the file. Environment variables such as `REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE`
    replace paths and secrets. Raises TargetError with the file, the key, what was found and what is expected.
    """
    document = _document(path)
    tables = {
        name: keys.checked(path, f"[{name}]", document[name], _TABLES[name]) for name in _TABLES if name in document
    }
    settings = tables["target"]
    not_journalled = {key: settings.pop(key, None) for key in PRIVATE}
    certificates = certificate_files(path, {key: not_journalled[key] for key in CERTIFICATES}, environment)
    target = Target(
        **{**settings, **certificates, **secret_sources(path, not_journalled, environment)},
        deployments=_deployments(path, document.get("deployments")),
        limits=Limits(**tables.get("limits", {})),
        capabilities=Capabilities(**tables.get("capabilities", {})),
        probe_url=tables.get("probe", {}).get("url"),
    )
    _refuse_contradictions(path, target)
    return _overridden(target, strictness, allow_reimage=allow_reimage, max_reimages=max_reimages)


def is_loopback(target: Target) -> bool:
    """Whether the endpoint is on this machine, so that a reimage does no harm.

    Both the host in base_url and the address in connect_to must be loopback: a tunnel to a remote system often begins
    on loopback. An endpoint behind a proxy is never taken to be on this machine.
    """
    hosts = [urlsplit(target.base_url).hostname or ""]
    if target.connect_to is not None:
        hosts.append(urlsplit(f"//{target.connect_to}").hostname or "")
    return target.proxy is None and all(is_loopback_host(host) for host in hosts)


def why_not_to_reimage(target: Target) -> str:
    """Why a run must not reimage the role instances of `target`, and what allows it; "" if it may reimage them."""
    if target.limits.allow_reimage or is_loopback(target):
        return ""
    return (
        f"{_why_not_loopback(target)}, so its role instances are reimaged only with "
        "allow_reimage = true in [limits], or with --allow-reimage"
    )


def _why_not_loopback(target: Target) -> str:
    if target.proxy is not None:
        return f"{target.base_url} behind the proxy {target.proxy} may be on another machine"
    if not is_loopback_host(urlsplit(target.base_url).hostname or ""):
        return f"{target.base_url} is not on this machine"
    return f"connect_to {target.connect_to} is not on this machine"


def target_to_mapping(target: Target) -> dict[str, Any]:
    """`target` as JSON for the journal, without the paths of certificates and secrets (`PRIVATE`).

    Nothing in it is masked here: the caller masks the subscription ids with a `Redactor`.
    """
    plain = {name: value for name, value in asdict(target).items() if name not in PRIVATE}
    lists = ("role_instances", "failing_role_instances")
    deployments = [{**row, **{name: list(row[name]) for name in lists}} for row in plain["deployments"]]
    return {**plain, "strictness": target.strictness.value, "deployments": deployments}


def without_private(target: Target) -> Target:
    """`target` without the paths of its certificates and secrets (`PRIVATE`)."""
    nothing: dict[str, Any] = dict.fromkeys(PRIVATE)
    return replace(target, **nothing)


def target_from_mapping(plain: Mapping[str, Any]) -> Target:
    """The target that `target_to_mapping` made `plain` from; raises JournalError if `plain` cannot be read."""
    try:
        return Target(
            **{
                **plain,
                "strictness": Strictness(plain["strictness"]),
                "deployments": tuple(_deployment(row) for row in plain["deployments"]),
                "limits": Limits(**plain["limits"]),
                "capabilities": Capabilities(**plain["capabilities"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"the journal's description of the target cannot be read: {error}") from error


def new_target_text() -> str:
    """A target file to fill in, every key with a comment."""
    return (resources.files("reimage_conformance.config") / "new_target.toml").read_text(encoding="utf-8")


def _document(path: Path) -> dict[str, Any]:
    try:
        document = read_toml(path, "a target file")
    except FileNotFoundError as error:
        raise TargetError(_missing(path)) from error
    if not document:
        raise TargetError(f"{path}: the file is empty; `reimage-conformance new-target` writes one with all keys")
    keys.refuse_unknown(path, "at the top level", document, ("target", "deployments", *_TABLES))
    if "target" not in document:
        raise TargetError(
            f"{path}: the table [target] is missing; `reimage-conformance new-target` writes a file with all keys"
        )
    return document


def _missing(path: Path) -> str:
    if path.is_symlink():
        return f"{path}: is a link to {path.readlink()}, which does not exist"
    siblings = [entry.name for entry in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, siblings, n=1, cutoff=0.75)
    hint = f"did you mean {str(path.with_name(near[0]))!r}?" if near else "`reimage-conformance new-target` writes one"
    return f"{path}: there is no such target file; {hint}"


def _deployments(path: Path, rows: Any) -> tuple[Deployment, ...]:
    if isinstance(rows, dict):
        raise TargetError(
            f"{path}: [deployments] is in single brackets; write [[deployments]], once for each deployment"
        )
    if not isinstance(rows, list) or not rows:
        found = "nothing" if rows is None else keys.shown(rows)
        raise TargetError(f"{path}: at least one [[deployments]] table is expected, found {found}")
    where = [f"[[deployments]] number {number}" for number in range(1, len(rows) + 1)]
    found_rows = [
        _deployment(keys.checked(path, name, row, keys.DEPLOYMENT)) for name, row in zip(where, rows, strict=True)
    ]
    _refuse_repeated(path, "slot", ((row.cloud_service, row.slot) for row in found_rows))
    _refuse_repeated(path, "name", ((row.cloud_service, row.name) for row in found_rows))
    return tuple(found_rows)


def _deployment(row: Mapping[str, Any]) -> Deployment:
    lists = {key: tuple(row.get(key, ())) for key in ("role_instances", "failing_role_instances")}
    return Deployment(**{**row, **lists})


def _refuse_contradictions(path: Path, target: Target) -> None:
    """Raise TargetError for keys that contradict each other."""
    limits = target.limits
    if limits.poll_interval_seconds > limits.operation_timeout_seconds:
        raise TargetError(
            f'{path}: "poll_interval_seconds" in [limits] ({limits.poll_interval_seconds:g}) is longer than '
            f'"operation_timeout_seconds" ({limits.operation_timeout_seconds:g}), so no operation could be followed to its end'
        )
    is_limited = limits.requests_per_second > 0  # 0 means any number
    if is_limited and limits.requests_per_second * limits.operation_timeout_seconds < 1:
        raise TargetError(
            f'{path}: "requests_per_second" in [limits] ({limits.requests_per_second:g}) allows no second request within '
            f'"operation_timeout_seconds" ({limits.operation_timeout_seconds:g}), so no operation could be followed to its end'
        )
    for number, row in enumerate(target.deployments, start=1):
        both = [name for name in row.role_instances if name in row.failing_role_instances]
        if both:
            raise TargetError(
                f'{path}: {both[0]!r} is in "role_instances" and in "failing_role_instances" of [[deployments]] number '
                f"{number}; expected it in one of them"
            )
    _refuse_one_subscription_twice(path, target)


def _refuse_one_subscription_twice(path: Path, target: Target) -> None:
    """Raise TargetError if two of the three subscription ids are equal, without regard to case and dashes."""
    keyed = {
        key: getattr(target, key) for key in ("subscription_id", "other_subscription_id", "foreign_subscription_id")
    }
    seen: dict[str, str] = {}
    for key, value in keyed.items():
        plain = (value or "").lower().replace("-", "")
        if plain and plain in seen:
            expected = (
                "one that the certificate may not use" if key.startswith("foreign") else "a second one that it may use"
            )
            raise TargetError(
                f'{path}: "{key}" in [target] is the same subscription as "{seen[plain]}"; expected {expected}'
            )
        seen[plain] = key


def _refuse_repeated(path: Path, key: str, pairs: Iterable[tuple[str, str]]) -> None:
    seen: set[tuple[str, str]] = set()
    for service, value in pairs:
        if (service, value) in seen:
            raise TargetError(
                f"{path}: two [[deployments]] of cloud service {service!r} have the {key} {value!r}; expected one"
            )
        seen.add((service, value))


def _overridden(
    target: Target, strictness: Strictness | None, *, allow_reimage: bool, max_reimages: int | None
) -> Target:
    limits = replace(
        target.limits,
        allow_reimage=target.limits.allow_reimage or allow_reimage,
        max_reimages=target.limits.max_reimages if max_reimages is None else max_reimages,
    )
    return replace(target, limits=limits, strictness=strictness or target.strictness)
