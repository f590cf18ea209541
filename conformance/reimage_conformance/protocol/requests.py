"""Building requests: well-formed ones from names, and malformed ones by one change at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.model import Deployment, Request
from reimage_conformance.protocol.addresses import (
    UriForm,
    cloud_service_path,
    deployment_path,
    encode,
    operation_path,
    role_instance_path,
)

if TYPE_CHECKING:
    from reimage_conformance.model import Target

VERSION_HEADER = "x-ms-version"
OBSERVING_VERSION = "2011-10-01"
"""The version with which the suite itself asks Get Deployment and Get Cloud Service Properties."""
MEDIA_TYPE = "application/xml"


@dataclass(frozen=True, slots=True)
class Place:
    """A role instance in a deployment that the target lists."""

    deployment: Deployment
    role_instance: str

    def container(self, form: UriForm) -> str:
        """The name of the deployment in an address of this form: its slot or its name."""
        return form.container(self.deployment)

    def probe_path(self, url: str) -> str:
        """The path of the probe of the role instance; `url` is the target's `probe_url`, with its placeholders."""
        return urlsplit(url).path.format(
            cloud_service=encode(self.deployment.cloud_service),
            deployment_name=encode(self.deployment.name),
            role_instance=encode(self.role_instance),
        )

    def __str__(self) -> str:
        """The place in words for reports."""
        return f"{self.deployment.path}/{self.role_instance}"


@dataclass(frozen=True, slots=True)
class RequestBuilder:
    """Writes requests for one target.

    `token` is drawn at random for each run, so that a name that contains it does not exist.
    """

    target: Target
    token: str = ""

    @property
    def no_instance(self) -> str:
        """The name of a role instance that cannot exist."""
        return f"NoSuchRole{self.token}_IN_0"

    @property
    def no_service(self) -> str:
        """The name of a cloud service that cannot exist."""
        return f"no-such-service-{self.token}"

    @property
    def no_deployment(self) -> str:
        """The name of a deployment that cannot exist."""
        return f"no-such-deployment-{self.token}"

    @property
    def no_subscription(self) -> str:
        """A subscription id that cannot exist."""
        return f"99999999-0000-4000-8000-{self.token}"

    @property
    def host(self) -> str:
        """The Host field value of the target (RFC 9110 7.2)."""
        return urlsplit(self.target.base_url).netloc

    def _path(self, path: str) -> str:
        """`path` below the base address."""
        return urlsplit(self.target.base_url).path.rstrip("/") + path

    def reimage(self, place: Place, form: UriForm = UriForm.SLOT, *, version: str | None = None) -> Request:
        """A well-formed Reimage Role Instance request."""
        deployment = place.deployment
        return self.reimage_at(
            deployment.cloud_service, form, place.container(form), place.role_instance, version=version
        )

    def reimage_at(
        self, service: str, form: UriForm, container: str, instance: str, *, version: str | None = None
    ) -> Request:
        """A reimage of any names, whether they exist or not."""
        path = role_instance_path(self.target.subscription_id, service, form, container, instance)
        headers = (
            ("Host", self.host),
            ("Content-Type", MEDIA_TYPE),
            (VERSION_HEADER, self.target.x_ms_version if version is None else version),
            ("Content-Length", "0"),
        )
        return Request("POST", self._path(path) + "?comp=reimage", headers)

    def _get(self, path: str, version: str | None) -> Request:
        """A GET as the documents describe them: Host and x-ms-version, no body."""
        chosen = self.target.x_ms_version if version is None else version
        return Request("GET", self._path(path), (("Host", self.host), (VERSION_HEADER, chosen)))

    def operation_status(
        self, operation: str, *, version: str | None = None, subscription: str | None = None
    ) -> Request:
        """Get Operation Status (REQ-GOS-URI)."""
        return self._get(operation_path(subscription or self.target.subscription_id, operation), version)

    def deployment(
        self, deployment: Deployment, form: UriForm = UriForm.SLOT, *, version: str | None = None
    ) -> Request:
        """Get Deployment (REQ-DEPL-URI)."""
        return self.deployment_at(deployment.cloud_service, form, form.container(deployment), version=version)

    def deployment_at(self, service: str, form: UriForm, name: str, *, version: str | None = None) -> Request:
        """Get Deployment for any names."""
        return self._get(deployment_path(self.target.subscription_id, service, form, name), version)

    def cloud_service(self, service: str, *, version: str | None = None, detail: bool = True) -> Request:
        """Get Cloud Service Properties (REQ-PROPS-URI)."""
        suffix = "?embed-detail=true" if detail else ""
        return self._get(cloud_service_path(self.target.subscription_id, service) + suffix, version)


def with_header(request: Request, name: str, *values: str) -> Request:
    """`request` with header `name` (any case) replaced in its place by one line per value; no value removes it."""
    lines: list[tuple[str, str]] = []
    placed = False
    for key, value in request.headers:
        if key.lower() != name.lower():
            lines.append((key, value))
        elif not placed:
            lines.extend((name, new) for new in values)
            placed = True
    if not placed:
        lines.extend((name, new) for new in values)
    return replace(request, headers=tuple(lines))


def without_header(request: Request, name: str) -> Request:
    """`request` without any header line called `name`."""
    return with_header(request, name)


def without_space(request: Request, name: str) -> Request:
    """`request` with no space between the colon and the value of header `name` (RFC 9112 5.1).

    The wire writes a space after each colon, so that the line is written as the name of an Accept line that follows it.
    """
    value = next(iter(request.values(name)), "")
    return replace(
        request,
        headers=tuple(
            (f"{key}:{value}\r\nAccept", "*/*") if key.lower() == name.lower() else (key, old)
            for key, old in request.headers
        ),
    )


def with_query(request: Request, query: str | None) -> Request:
    """`request` with its query replaced, or removed."""
    path = request.target.partition("?")[0]
    return replace(request, target=path if query is None else f"{path}?{query}")


def with_body(request: Request, body: bytes) -> Request:
    """`request` with a body and the Content-Length that declares it."""
    return replace(with_header(request, "Content-Length", str(len(body))), body=body)


def with_chunked(request: Request, *chunks: bytes) -> Request:
    """`request` with a chunked body instead of a Content-Length (RFC 9112 7.1)."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks if chunk) + b"0\r\n\r\n"
    return replace(with_header(without_header(request, "Content-Length"), "Transfer-Encoding", "chunked"), body=body)


def is_cut_short(request: Request) -> bool:
    """Whether a request declares more content than it sends, so that its recipient waits for the rest (RFC 9112 section 8)."""
    lengths = request.values("Content-Length")
    if len(lengths) != 1 or request.values("Transfer-Encoding") or not lengths[0].isdecimal():
        return False
    return int(lengths[0]) > len(request.body)


def with_subscription(request: Request, old: str, new: str) -> Request:
    """`request` with the subscription `new` in its path in place of `old`."""
    return replace(request, target=request.target.replace(f"/{old}/", f"/{new}/", 1))
