"""The values of a journal as JSON objects, and back: exchanges and verdicts. Octets become latin-1 text, one character for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.anomalies import Anomaly
from reimage_conformance.model import (
    Exchange,
    Fact,
    Failure,
    FailureKind,
    Identity,
    Outcome,
    Request,
    Response,
    Verdict,
    Why,
    header_line,
)

if TYPE_CHECKING:
    from reimage_conformance.model import Observation


def plain_fields(value: Observation | Exchange | Request | Response | Verdict) -> dict[str, Any]:
    """The fields of a value by their names; values inside them are not converted."""
    return {name: getattr(value, name) for name in value.__slots__}


def plain_verdict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a line holds it; `why` is left out where it is OTHER."""
    return {name: value for name, value in plain_fields(verdict).items() if value is not Why.OTHER}


def plain_exchange(exchange: Exchange) -> dict[str, Any]:
    """An exchange as a line holds it."""
    request, response, failure = exchange.request, exchange.response, exchange.failure
    document: dict[str, Any] = plain_fields(exchange)
    document["request"] = plain_fields(request)
    document["request"]["body"] = request.body.decode("latin-1")
    if not request.moved_from:
        document["request"].pop("moved_from")
    document.pop("unrecorded")
    if not exchange.client_request_id:
        document.pop("client_request_id")
    if exchange.unrecorded:
        document["unrecorded"] = sorted(exchange.unrecorded)
    if response is not None:
        document["response"] = plain_fields(response)
        document["response"]["body"] = response.body.decode("latin-1")
        document["response"]["anomalies"] = [str(anomaly) for anomaly in response.anomalies]
    if failure is not None:
        document["failure"] = {"kind": failure.kind, "detail": failure.detail}
    return document


def exchange_from(document: dict[str, Any]) -> Exchange:
    """The exchange that a line holds."""
    response, failure = document["response"], document["failure"]
    return Exchange(
        number=document["number"],
        request=_to_request(document["request"]),
        response=_to_response(response) if response is not None else None,
        failure=Failure(FailureKind(failure["kind"]), failure["detail"]) if failure is not None else None,
        at=document["at"],
        elapsed=document["elapsed"],
        connection=document["connection"],
        position=document["position"],
        closed=document["closed"],
        case=document["case"],
        label=document["label"],
        unrecorded=frozenset(map(Fact, document.get("unrecorded", ()))),
        client_request_id=document.get("client_request_id", ""),
    )


def _to_request(document: dict[str, Any]) -> Request:
    return Request(
        method=document["method"],
        target=document["target"],
        headers=tuple([header_line(name, value) for name, value in document["headers"]]),
        body=document["body"].encode("latin-1"),
        identity=Identity(document["identity"]),
        fresh_connection=document["fresh_connection"],
        patience_seconds=document["patience_seconds"],
        http_version=document["http_version"],
        moved_from=document.get("moved_from", ""),
    )


def _to_response(document: dict[str, Any]) -> Response:
    return Response(
        status=document["status"],
        reason=document["reason"],
        headers=tuple([header_line(name, value) for name, value in document["headers"]]),
        body=document["body"].encode("latin-1"),
        http_version=document["http_version"],
        interim=tuple(document["interim"]),
        anomalies=tuple(map(Anomaly.from_text, document["anomalies"])),
    )


def verdict_from(event: dict[str, Any]) -> Verdict:
    """The verdict that a line holds; `why` is OTHER where the line has none."""
    return Verdict(
        requirement=event["requirement"],
        outcome=Outcome(event["outcome"]),
        check=event["check"],
        case=event["case"],
        evidence=tuple(event["evidence"]),
        expected=event["expected"],
        actual=event["actual"],
        symptom=event["symptom"],
        because=tuple(event["because"]),
        arguments=event["arguments"],
        between=tuple(event.get("between", ())),
        why=Why(event.get("why", "")),
    )
