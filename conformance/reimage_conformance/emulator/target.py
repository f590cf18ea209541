"""The text of the target file for an emulator that is served: its address, what it holds, and the certificates for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reimage_conformance.emulator.layouts import FOREIGN, MAIN, OTHER

if TYPE_CHECKING:
    from reimage_conformance.emulator.emulator import Emulator
    from reimage_conformance.emulator.layouts import DeploymentLayout, Layout

_CERTIFICATES = {
    "client_certificate": "client.pem",
    "client_key": "client.key",
    "ca_bundle": "ca.pem",
    "second_client_certificate": "second.pem",
}


def describe(
    emulator: Emulator,
    base_url: str,
    *,
    probe_url: str | None = None,
    name: str = "embedded emulator",
    max_reimages: int = 500,
    operation_timeout_seconds: float | None = None,
    poll_interval_seconds: float | None = None,
    request_timeout_seconds: float = 10.0,
    claims: bool = False,
    listed: Layout | None = None,
    prefix: str = "",
) -> str:
    """The text of the target file for `emulator` at `base_url`.

    For an https address it names certificate files in its own folder, whose names begin with `prefix`. `probe_url` is the address of the probe
    without its path. `operation_timeout_seconds` is by default 20 times the duration of an operation, and at least 10 s.
    `poll_interval_seconds` is by default a quarter of that duration, and at most 5 s. With `claims` the file says that Get Deployment and
    Get Cloud Service Properties are offered; without it, a run finds out. `listed` is what the file lists, by default everything in the
    main subscription of the emulator.
    """
    rows = tuple(row for row in (emulator.layout if listed is None else listed) if row.subscription == MAIN)
    seconds = emulator.state.operation_seconds
    timeout = max(10.0, 20 * seconds) if operation_timeout_seconds is None else operation_timeout_seconds
    interval = min(seconds / 4, 5.0) if poll_interval_seconds is None else poll_interval_seconds
    lines = [
        "[target]",
        f"name = {_toml(name)}",
        f"base_url = {_toml(base_url)}",
        f'subscription_id = "{MAIN}"',
        f'other_subscription_id = "{OTHER}"',
        *(["complete = true"] if _is_complete(emulator.layout, rows) else []),
    ]
    if base_url.startswith("https:"):
        lines += [f"{key} = {_toml(prefix + file)}" for key, file in _CERTIFICATES.items()]
        lines += [f'foreign_subscription_id = "{FOREIGN}"']
    for row in rows:
        lines += ["", *_deployment(row)]
    lines += ["", "[limits]", "allow_reimage = true", f"max_reimages = {max_reimages}"]
    lines += [f"operation_timeout_seconds = {timeout!r}", f"poll_interval_seconds = {interval!r}"]
    lines += [f"request_timeout_seconds = {request_timeout_seconds!r}"]
    if claims:
        lines += ["", "[capabilities]", "get_deployment = true", "get_cloud_service = true"]
    if probe_url is not None:
        url = f"{probe_url}/{{cloud_service}}/{{deployment_name}}/{{role_instance}}"
        lines += ["", "[probe]", f"url = {_toml(url)}"]
    return "\n".join([*lines, ""])


def _toml(value: str | list[str]) -> str:
    """`value` as TOML writes it."""
    return json.dumps(value, ensure_ascii=False)


def _is_complete(layout: Layout, rows: Layout) -> bool:
    """Whether the file lists all of the main subscription, and no other subscription has a cloud service of a listed name."""
    services = {row.service for row in rows}
    return all(row in rows if row.subscription == MAIN else row.service not in services for row in layout)


def _deployment(row: DeploymentLayout) -> list[str]:
    lines = [
        "[[deployments]]",
        f"cloud_service = {_toml(row.service)}",
        f"slot = {_toml(row.slot)}",
        f"name = {_toml(row.name)}",
        f"role_instances = {_toml([each.name for each in row.instances if not each.failing])}",
    ]
    failing = [each.name for each in row.instances if each.failing]
    return [*lines, f"failing_role_instances = {_toml(failing)}"] if failing else lines
