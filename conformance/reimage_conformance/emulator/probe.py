"""The data-plane probe, by which a tester looks inside a role instance; its HTTP interface is no part of the protocol."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from reimage_conformance.emulator.messages import Call, Reply
from reimage_conformance.emulator.operations import write_due_guests
from reimage_conformance.emulator.points import point

if TYPE_CHECKING:
    from reimage_conformance.emulator.world import Instance


@point
def answer_probe(call: Call) -> Reply:
    """The reply to a request on the probe."""
    write_due_guests(call)
    path = call.message.target.partition("?")[0]
    segments = [unquote(segment) for segment in path.strip("/").split("/")]
    instance = probed_instance(call, segments)
    match segments[3:]:
        case _ if instance is None:
            return Reply(404, "probe")
        case []:
            return _json(call, {"installation_id": shown_installation(call, instance)})
        case ["local-storage", name]:
            return marker_reply(call, instance.local_storage, name)
        case ["other", name]:
            return marker_reply(call, instance.other_data, name)
    return Reply(404, "probe")


@point
def probed_instance(call: Call, segments: list[str]) -> Instance | None:
    """The role instance at /cloud service/deployment name/role instance."""
    if len(segments) < 3:
        return None
    for deployment in call.world.deployments:
        if [deployment.service, deployment.name] == segments[:2]:
            return deployment.instances.get(segments[2])
    return None


@point
def shown_installation(_: Call, instance: Instance) -> str:
    """The id of the guest installation; it changes whenever a fresh guest is written."""
    return instance.installation_id


@point
def marker_reply(call: Call, store: dict[str, bytes], name: str) -> Reply:
    """Writes or reads the marker `name` in `store`, a part of a guest's data."""
    match call.message.method:
        case "PUT":
            store[name] = call.message.body
            return Reply(204, "probe")
        case "GET" | "HEAD" if name in store:
            return Reply(200, "probe", store[name], "application/octet-stream")
        case "GET" | "HEAD":
            return Reply(404, "probe")
    return Reply(405, "probe", fields=[("Allow", "GET, HEAD, PUT")])


def _json(call: Call, value: dict[str, str]) -> Reply:
    if call.message.method not in ("GET", "HEAD"):
        return Reply(405, "probe", fields=[("Allow", "GET, HEAD")])
    return Reply(200, "probe", json.dumps(value).encode(), "application/json")
