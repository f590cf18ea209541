"""Hand-made worlds, requests, exchanges and documents for the tests of what judges them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.anomalies import Anomaly
from reimage_conformance.judging import CHECKS, judge
from reimage_conformance.judging.world import World
from reimage_conformance.model import (
    Deployment,
    Exchange,
    Failure,
    FailureKind,
    Identity,
    Outcome,
    Request,
    Response,
    Strictness,
    Target,
)
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import Place, RequestBuilder, with_header, with_query, without_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.model import Headers, Verdict

SUBSCRIPTION = "6a8b7c2e-0000-4000-8000-000000000001"
OTHER_SUBSCRIPTION = "6a8b7c2e-0000-4000-8000-000000000002"
FOREIGN_SUBSCRIPTION = "6a8b7c2e-0000-4000-8000-00000000000f"
OPERATION_ID = "0f8fad5bd9cb469fa16570867728950e"
DASHED_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER_ID = "11111111222233334444555555555555"
NAMESPACE = "http://schemas.microsoft.com/windowsazure"
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"

PRODUCTION = Deployment(
    "contoso", "production", "contoso-v2", ("WebRole1_IN_0", "WebRole1_IN_1", "WorkerRole1_IN_0"), ("Broken_IN_0",)
)
STAGING = Deployment("contoso", "staging", "contoso-v3", ("WebRole1_IN_0",))
FABRIKAM = Deployment("fabrikam", "production", "fabrikam-v1", ("Front_IN_0", "Front_IN_1"))
TARGET = Target("rig", "https://127.0.0.1:8443", SUBSCRIPTION, (PRODUCTION, STAGING, FABRIKAM))
BUILDER = RequestBuilder(TARGET, "0a1b2c3d4e5f")
PLACE = Place(PRODUCTION, "WebRole1_IN_0")

REIMAGE = BUILDER.reimage(PLACE)
REIMAGE_BY_NAME = BUILDER.reimage(PLACE, UriForm.NAME)
POLL = BUILDER.operation_status(OPERATION_ID)
LOOK = BUILDER.deployment(PRODUCTION)
XML = ("Content-Type", "application/xml; charset=utf-8")

NO_VERSION = without_header(REIMAGE, "x-ms-version")
MALFORMED = with_header(REIMAGE, "x-ms-version", "latest")
OLD = with_header(REIMAGE, "x-ms-version", "2009-10-01")
NO_COMP = with_query(REIMAGE, None)
NO_TYPE = without_header(REIMAGE, "Content-Type")
NO_LENGTH = without_header(REIMAGE, "Content-Length")
NO_HOST = without_header(REIMAGE, "Host")
NOBODY = replace(REIMAGE, target=REIMAGE.target.replace("/WebRole1_IN_0", "/Nobody"))
NOWHERE = replace(REIMAGE, target=REIMAGE.target.replace("/contoso/", "/nowhere/"))
PUT = replace(REIMAGE, method="PUT")
ANONYMOUS = replace(REIMAGE, identity=Identity.NONE)
UNKNOWN = replace(REIMAGE, identity=Identity.UNKNOWN)
TABLE, COMP = "MissingOrIncorrectVersionHeader", "MissingOrInvalidRequiredQueryParameter"
"""What the error table has for a version that is missing or wrong, and for a missing or wrong comp."""


def world(strictness: Strictness = Strictness.STRICT, **changes: Any) -> World:
    """A world of its own around `TARGET`, some of whose fields are changed."""
    return World(replace(TARGET, **changes), strictness)


def lenient(**changes: Any) -> World:
    """The same under lenient."""
    return world(Strictness.LENIENT, **changes)


def response(status: int, body: bytes | str = b"", headers: Headers = (), **fields: Any) -> Response:
    """A response; text is encoded as UTF-8 and declared as XML unless `headers` name a type themselves."""
    octets = body.encode() if isinstance(body, str) else body
    typed = any(name.lower() == "content-type" for name, _ in headers)
    return Response(
        status,
        headers=headers if typed or not isinstance(body, str) or not body else (*headers, XML),
        body=octets,
        **fields,
    )


def exchange(
    request: Request = REIMAGE,
    status: int | None = 202,
    body: bytes | str = b"",
    headers: Headers = (),
    *,
    number: int = 1,
    failure: FailureKind | None = None,
    **fields: Any,
) -> Exchange:
    """One exchange: a complete response, or a `failure` and what came before it (`status` None: nothing); `anomalies` as texts."""
    fields["anomalies"] = tuple(map(Anomaly.from_text, fields.get("anomalies", ())))
    own = {name: fields.pop(name) for name in ("anomalies", "http_version", "reason", "interim") if name in fields}
    reply = None if status is None else response(status, body, headers, **own)
    broken = None if failure is None else Failure(failure, "as arranged")
    return Exchange(number, request, reply, broken, **fields)


def silent(
    request: Request = REIMAGE, kind: FailureKind = FailureKind.TIMEOUT, *, number: int = 1, **fields: Any
) -> Exchange:
    """An exchange without any response."""
    return exchange(request, None, failure=kind, number=number, **fields)


def error(code: str = "BadRequest", message: str = "said", *, namespace: str = NAMESPACE, tail: str = "") -> str:
    """An Error document."""
    return f'<Error xmlns="{namespace}"><Code>{code}</Code><Message>{message}</Message>{tail}</Error>'


def refusal(request: Request, status: int, code: str = "", *, number: int = 1) -> Exchange:
    """A refusal, with an Error document where there is a code."""
    return exchange(request, status, error(code) if code else b"", number=number)


def operation(
    status: str = "InProgress", http_status: str = "", fault: str = "", *, identifier: str = DASHED_ID
) -> str:
    """An Operation document of Get Operation Status; `fault` is the inner text of its Error."""
    embedded = f"<HttpStatusCode>{http_status}</HttpStatusCode>" if http_status else ""
    problem = f"<Error>{fault}</Error>" if fault else ""
    return (
        f'<Operation xmlns="{NAMESPACE}"><ID>{identifier}</ID><Status>{status}</Status>{embedded}{problem}</Operation>'
    )


SUCCEEDED = operation("Succeeded", "200")
FAILED = operation("Failed", "404", "<Code>ResourceNotFound</Code><Message>gone</Message>")
RUNNING = operation()


def poll(
    body: bytes | str = RUNNING, status: int | None = 200, *, number: int = 2, own: str = OTHER_ID, **fields: Any
) -> Exchange:
    """A poll of OPERATION_ID, answered with a document and an x-ms-request-id of its own, later on its connection unless it asks for one of its own."""
    headers = fields.pop("headers", (("x-ms-request-id", own),) if own else ())
    request = fields.pop("request", POLL)
    position = fields.pop("position", 1 if request.fresh_connection else 2)
    return exchange(request, status, body, headers, number=number, position=position, **fields)


def polls(*bodies: str, start: int = 2) -> list[Exchange]:
    """Polls one second apart, numbered from `start`."""
    return [poll(body, number=start + i, at=float(start + i)) for i, body in enumerate(bodies)]


def started(request: Request = REIMAGE, *, number: int = 1, identifier: str = OPERATION_ID, **fields: Any) -> Exchange:
    """An accepted reimage."""
    return exchange(
        request, 202, headers=(("x-ms-request-id", identifier),) if identifier else (), number=number, **fields
    )


def instance(name: str, status: str = "ReadyRole", role: str = "", rest: str = "") -> str:
    """A RoleInstance element."""
    role = role or name.partition("_")[0]
    return (
        f"<RoleInstance><RoleName>{role}</RoleName><InstanceName>{name}</InstanceName>"
        f"<InstanceStatus>{status}</InstanceStatus>{rest}</RoleInstance>"
    )


def deployment(
    instances: str = "",
    *,
    name: str = "contoso-v2",
    slot: str = "Production",
    namespace: str = NAMESPACE,
    without: str = "",
) -> str:
    """A Deployment document; the member called `without` is left out."""
    members = {
        "Name": name,
        "DeploymentSlot": slot,
        "PrivateID": "p",
        "Status": "Running",
        "Label": "bGFiZWw=",
        "Url": "http://contoso.example/",
        "Configuration": "YQ==",
        "RoleInstanceList": instances,
    }
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in members.items() if key != without)
    return f'<Deployment xmlns="{namespace}">{inner}</Deployment>'


def look(
    statuses: dict[str, str],
    *,
    number: int = 2,
    name: str = "contoso-v2",
    roles: dict[str, str] | None = None,
    **fields: Any,
) -> Exchange:
    """A Get Deployment that shows these instances."""
    listed = "".join(instance(key, status, (roles or {}).get(key, "")) for key, status in statuses.items())
    return exchange(fields.pop("request", LOOK), 200, deployment(listed, name=name), number=number, **fields)


def judged(name: str, exchanges: Sequence[Exchange], where: World | None = None, /, **arguments: Any) -> list[Verdict]:
    """The verdicts of the check called `name`."""
    return judge(where or world(), CHECKS[name], exchanges, **arguments)


Said = tuple[str, str, str, tuple[str, ...], tuple[int, ...]]


def brief(verdicts: Sequence[Verdict]) -> list[Said]:
    """Requirement, outcome, symptom, because and evidence of each verdict."""
    return [(v.requirement, v.outcome.value, v.symptom, v.because, v.evidence) for v in verdicts]


def worded(verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    """What was expected and what was seen, of each verdict."""
    return [(v.expected, v.actual) for v in verdicts]


def met(requirement: str, *evidence: int) -> Said:
    """A verdict that a requirement was met, as `brief` says it."""
    return (requirement, Outcome.MET.value, "", (), evidence or (1,))


def violated(requirement: str, symptom: str, *evidence: int, because: tuple[str, ...] = ()) -> Said:
    """A violation, as `brief` says it."""
    return (requirement, Outcome.VIOLATED.value, symptom, because, evidence or (1,))


def advisory(requirement: str, symptom: str, *evidence: int, because: tuple[str, ...] = ()) -> Said:
    """An advisory, as `brief` says it."""
    return (requirement, Outcome.ADVISORY.value, symptom, because, evidence or (1,))


def observed(requirement: str, *evidence: int, symptom: str = "", because: tuple[str, ...] = ()) -> Said:
    """An observation, as `brief` says it."""
    return (requirement, Outcome.OBSERVED.value, symptom, because, evidence or (1,))


def inconclusive(requirement: str, *evidence: int, because: tuple[str, ...] = ()) -> Said:
    """An inconclusive verdict, as `brief` says it."""
    return (requirement, Outcome.INCONCLUSIVE.value, "", because, evidence or (1,))


def document(inner: str, *, root: str = "Operation", namespace: str = NAMESPACE) -> str:
    """An XML document with `inner` in a root of the protocol's namespace, or another."""
    return f'<{root} xmlns="{namespace}">{inner}</{root}>'


def numbered(*exchanges: Exchange) -> dict[int, Exchange]:
    """Exchanges by their numbers, as a journal holds them."""
    return {each.number: each for each in exchanges}


def in_order(*exchanges: Exchange) -> dict[int, Exchange]:
    """Exchanges by their numbers, which are given to them in this order, from 1."""
    return numbered(*(replace(each, number=number) for number, each in enumerate(exchanges, start=1)))
