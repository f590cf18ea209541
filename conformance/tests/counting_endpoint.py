"""An endpoint that reads addresses as leniently as any could, and counts what unlisted thing a request may hit.

It is written on its own: it shares nothing with the gate, which it is to judge. Its GETs tell the truth about its world.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import unquote

from reimage_conformance.model import Exchange, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Request

NS = "http://schemas.microsoft.com/windowsazure"


@dataclass(frozen=True, slots=True)
class Thing:
    """A deployment that exists, and its role instances."""

    subscription: str
    service: str
    slot: str
    name: str
    instances: tuple[str, ...]


def plain(name: str) -> str:
    """A name as a lenient endpoint compares it."""
    return re.sub(r"^[\s\x00-\x1f]+|[\s\x00-\x1f]+$", "", name).lower()


def decoded(text: str, times: int) -> str:
    """`text` percent-decoded so many times."""
    for _ in range(times):
        text = unquote(text)
    return text


def lenient_paths(target: str) -> Iterator[list[str]]:
    """The segments that servers of many habits make of a request target."""
    habits = product((1, 2, 3), (False, True), (False, True), (False, True), (False, True), ("keep", "cut", "drop"))
    for times, parameters, backslash, plus, dots, control in habits:
        path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*", "", target).partition("?")[0].partition("#")[0]
        path = decoded(path, times)
        if backslash:
            path = path.replace("\\", "/")
        if plus:
            path = path.replace("+", " ")
        if control == "cut":
            path = "/".join(re.split(r"[\x00-\x1f]", each)[0] for each in path.split("/"))
        if control == "drop":
            path = re.sub(r"[\x00-\x1f]", "", path)
        if parameters:
            path = "/".join(each.partition(";")[0] for each in path.split("/"))
        segments = [plain(each) for each in path.split("/") if plain(each)]
        yield without_dots(segments) if dots else [each for each in segments if each != "."]


def without_dots(segments: list[str]) -> list[str]:
    """Segments with dots taken away."""
    kept: list[str] = []
    for each in segments:
        if each == "..":
            kept = kept[:-1]
        elif each != ".":
            kept.append(each)
    return kept


@dataclass(slots=True)
class CountingEndpoint:
    """Knows a world; says which role instances a request could hit, and answers Get Deployment where it offers it.

    With `by_case` its GETs find a cloud service or deployment only in the letter case in which it exists. Its answers
    have an x-ms-request-id if it `signs` them.
    """

    world: tuple[Thing, ...]
    offers: bool = True
    by_case: bool = False
    opened: frozenset[str] = frozenset()
    count: int = field(default=0)
    signs: bool = True

    def hit(self, request: Request) -> set[tuple[str, str, str, str]]:
        """Subscription, service, deployment name and instance of everything that some server may reimage for `request`."""
        targets = [request.target]
        override = any("method" in name.lower() for name, _ in request.headers)
        if request.method in ("GET", "HEAD") and not override:
            targets = []
        targets += (
            [v for n, v in request.headers if n.lower() in ("x-original-url", "x-rewrite-url")] if targets else []
        )
        text = request.body.decode("latin-1") + "\n".join(value for _, value in request.headers)
        targets += [
            found[2] for found in re.finditer(r"([A-Za-z]+) +(\S+) +HTTP", text) if found[1] not in ("GET", "HEAD")
        ]
        return {found for target in targets for path in lenient_paths(target) for found in self._at(path)}

    def _at(self, path: list[str]) -> Iterator[tuple[str, str, str, str]]:
        """What a path leads to: one instance, or all of a deployment or a service."""
        if "hostedservices" not in path:
            return
        at = path.index("hostedservices")
        subscription = path[at - 2] if at > 1 else ""
        below = [each for each in path[at + 1 :] if each not in ("deployments", "deploymentslots", "roleinstances")]
        there = [
            t for t in self.world if below and (plain(t.subscription), plain(t.service)) == (subscription, below[0])
        ]
        by_slot, by_name = ([t for t in there if plain(word(t)) == "".join(below[1:2])] for word in (slot_of, name_of))
        meant = (by_slot or by_name) if "deploymentslots" in path[at:] else (by_name or by_slot)
        for thing in meant if below[1:] else there:
            for instance in thing.instances:
                if not below[2:] or plain(instance) == below[2]:
                    yield (thing.subscription, thing.service, thing.name, instance)

    def answer(self, request: Request) -> Exchange:
        """The exchange that a GET comes to; it reads names as leniently as it hits them."""
        self.count += 1
        status, body = self._found(request)
        headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/xml"),)
        if self.signs:
            headers += (("x-ms-request-id", f"{self.count:032x}"),)
        reply = Response(status, headers=headers, body=body.encode())
        return Exchange(self.count, request, reply)

    def _found(self, request: Request) -> tuple[int, str]:
        path = [unquote(each) for each in request.target.partition("?")[0].split("/")[1:]]
        if not self.offers:
            return 404, ""
        if plain(path[0]) not in map(plain, self.opened):
            return 403, ""
        for number, thing in enumerate(self.world):
            by = {"deploymentslots": thing.slot, "deployments": thing.name}
            known = [thing.subscription, "services", "hostedservices", thing.service, path[4], by.get(path[4], "")]
            if path == known or (not self.by_case and list(map(plain, path)) == list(map(plain, known))):
                return 200, document(thing, number)
        return 404, ""


def slot_of(thing: Thing) -> str:
    """The slot of a deployment."""
    return thing.slot


def name_of(thing: Thing) -> str:
    """The name of a deployment."""
    return thing.name


def document(thing: Thing, number: int) -> str:
    """What Get Deployment shows of a deployment."""
    rows = "".join(
        f"<RoleInstance><RoleName>R</RoleName><InstanceName>{name}</InstanceName>"
        "<InstanceStatus>ReadyRole</InstanceStatus></RoleInstance>"
        for name in thing.instances
    )
    return (
        f'<Deployment xmlns="{NS}"><Name>{thing.name}</Name><DeploymentSlot>{thing.slot}</DeploymentSlot>'
        f"<PrivateID>{number + 1:032x}</PrivateID><RoleInstanceList>{rows}</RoleInstanceList></Deployment>"
    )
