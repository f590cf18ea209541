"""Hand-made assessments and exchanges for the tests and benchmarks of the reports."""

from __future__ import annotations

from dataclasses import replace

from reimage_conformance.anomalies import Anomaly, AnomalyKind
from reimage_conformance.model import (
    Assessment,
    CaseRecord,
    CountsAs,
    Exchange,
    Failure,
    FailureKind,
    Finding,
    Observation,
    OperationRecord,
    Outcome,
    Preflight,
    Profile,
    Request,
    Requirement,
    RequirementResult,
    Response,
    RunInfo,
    RunVerdict,
    Strictness,
)

SUBSCRIPTION = "****************************0001"
SERVICES = f"/{SUBSCRIPTION}/services/hostedservices"
BASE_URL = "https://127.0.0.1:8443"
OPERATION_ID = "0f8fad5bd9cb469fa16570867728950e"
NAMESPACE = "http://schemas.microsoft.com/windowsazure"

HOSTILE = (
    "<script>document.documentElement.dataset.hacked=1</script>\"'><img src=x onerror=alert(1)> "
    "\u202e\u2066\x1b[31m\x00]]>--></pre></style> javascript:alert(1) ${x} `x` {{7*7}}"
)
"""What an endpoint sends that wants to run, to hide or to break a document."""


REIMAGE_TARGET = f"{SERVICES}/contoso/deploymentslots/production/roleinstances/WebRole1_IN_0?comp=reimage"


def reimage_request(version: str = "2011-10-01", host: str = "127.0.0.1:8443") -> Request:
    """A well-formed reimage."""
    return Request(
        "POST",
        REIMAGE_TARGET,
        (("Host", host), ("x-ms-version", version), ("Content-Type", "application/xml"), ("Content-Length", "0")),
    )


def poll_request(host: str = "127.0.0.1:8443") -> Request:
    """A well-formed question about the operation."""
    return Request(
        "GET", f"/{SUBSCRIPTION}/operations/{OPERATION_ID}", (("Host", host), ("x-ms-version", "2011-10-01"))
    )


def operation_document(status: str, tail: str = "") -> bytes:
    """The body of an answer to a poll."""
    return f'<Operation xmlns="{NAMESPACE}"><ID>{OPERATION_ID}</ID><Status>{status}</Status>{tail}</Operation>'.encode()


def error_document(code: str) -> bytes:
    """The body of a refusal."""
    return f'<Error xmlns="{NAMESPACE}"><Code>{code}</Code><Message>No.</Message></Error>'.encode()


def xml_response(status: int, reason: str, body: bytes, request_id: str = "a" * 32) -> Response:
    """A complete response with an XML body."""
    headers = (
        ("Content-Type", "application/xml; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("x-ms-request-id", request_id),
    )
    return Response(status, reason, headers, body)


def sample_exchanges() -> dict[int, Exchange]:
    """An accepted reimage, its polls, a request wrongly accepted, one refused and one cut off."""
    accepted = Response(202, "Accepted", (("Content-Length", "0"), ("x-ms-request-id", OPERATION_ID)))
    refused = xml_response(
        400,
        "Bad Request",
        error_document("MissingOrIncorrectVersionHeader"),
    )
    finished = operation_document("Succeeded", "<HttpStatusCode>200</HttpStatusCode>")
    listed = [
        Exchange(1, reimage_request(), accepted, at=0.10, elapsed=0.031, case="cases/test_reimage.py::test_accepted"),
        Exchange(2, poll_request(), xml_response(200, "OK", operation_document("InProgress")), at=0.2, elapsed=0.004),
        Exchange(3, poll_request(), xml_response(200, "OK", finished), at=5.2, elapsed=0.005),
        Exchange(
            4, reimage_request("2009-10-01"), accepted, at=5.3, elapsed=0.02, case="cases/test_versions.py::test_old"
        ),
        Exchange(5, reimage_request("junk"), refused, at=5.4, elapsed=0.02, case="cases/test_versions.py::test_junk"),
        Exchange(6, poll_request(), None, Failure(FailureKind.RESET, "the connection was reset"), at=6.0, elapsed=1.5),
    ]
    return {exchange.number: exchange for exchange in listed}


def requirement(
    name: str, strict: CountsAs = CountsAs.FAIL, area: str = "core", title: str = "", level: str = "MUST"
) -> Requirement:
    """A requirement of the catalogue's shape."""
    return Requirement(
        id=name,
        section="Reimage Role Instance: request",
        area=area,
        level=level,
        origin="SEED",
        strict=strict,
        lenient=strict,
        title=title or f"Title of {name}",
        text=f"The service does what {name} says.",
        sources=("S1", "S6"),
        note="A note.",
    )


def sample_requirements() -> tuple[RequirementResult, ...]:
    """One requirement of every outcome, and two violated."""

    def result(name: str, outcome: Outcome, counts_as: CountsAs = CountsAs.FAIL, **more: object) -> RequirementResult:
        made = requirement(name, counts_as, area=str(more.pop("area", "core")))
        return RequirementResult(made, counts_as, outcome, **more)  # type: ignore[arg-type]

    return (
        result("REQ-REIMAGE-202", Outcome.MET, cases=("cases/test_reimage.py::test_accepted",), evidence=(1,)),
        result(
            "REQ-REIMAGE-VERSION-OLD",
            Outcome.VIOLATED,
            cases=("cases/test_versions.py::test_old",),
            reason="A version before 2010-10-28 was accepted.",
            evidence=(4,),
        ),
        result("REQ-ERR-CODES", Outcome.VIOLATED, reason="Follows from REQ-REIMAGE-VERSION-OLD.", evidence=(4,)),
        result(
            "REQ-GOS-ORDER", Outcome.ADVISORY, CountsAs.WARN, reason="HttpStatusCode precedes Status.", evidence=(3,)
        ),
        result("REQ-VER-UNPUBLISHED", Outcome.OBSERVED, CountsAs.INFO, evidence=(5,)),
        result("REQ-GOS-PROGRESS", Outcome.INCONCLUSIVE, reason="The connection was reset.", evidence=(6,)),
        result(
            "REQ-GOS-OTHER-SUB", Outcome.NOT_APPLICABLE, area="auth", reason="The target names no second subscription."
        ),
        result("REQ-REIMAGE-COMP", Outcome.UNTESTED, reason="The selection left it out."),
        result("REQ-HTTP-HEAD-NOBODY", Outcome.KNOWN, area="transport", reason="In the baseline."),
    )


def sample_assessment() -> Assessment:
    """A nonconformant run with one finding, one advisory and one of everything else."""
    finding = Finding(
        requirement="REQ-REIMAGE-VERSION-OLD",
        counts_as=CountsAs.FAIL,
        headline="A reimage with x-ms-version 2009-10-01 is accepted",
        expected="400 with MissingOrIncorrectVersionHeader for x-ms-version 2009-10-01",
        actual="202 with x-ms-request-id",
        cases=("cases/test_versions.py::test_old",),
        evidence=(4,),
        also_affected=("REQ-ERR-CODES",),
        fingerprint="REQ-REIMAGE-VERSION-OLD:accepted",
    )
    advisory = Finding(
        requirement="REQ-GOS-ORDER",
        counts_as=CountsAs.WARN,
        headline="HttpStatusCode comes before Status",
        expected="ID, Status, HttpStatusCode, Error",
        actual="ID, HttpStatusCode, Status",
        evidence=(3,),
    )
    asked = (
        ("ok", "other_subscription_id: answered 404"),
        ("check", "second_client_certificate: answered 403 <b>no</b>"),
    )
    return Assessment(
        preflight=Preflight(7, asked),
        run=RunInfo(
            id="20261122T200000Z-1a2b",
            started="2026-11-22T20:00:00Z",
            finished="2026-11-22T20:00:09Z",
            seed=42,
            profile=Profile.STANDARD,
            strictness=Strictness.STRICT,
            interrupted=False,
            suite_version="0.1.0",
            duration_seconds=9.25,
            coverage={"pairs of defects": 91},
        ),
        target={"name": "contoso staging rig", "base_url": BASE_URL, "x_ms_version": "2011-10-01"},
        verdict=RunVerdict.NONCONFORMANT,
        exit_code=1,
        requirements=sample_requirements(),
        findings=(finding, advisory),
        observations=(Observation("REQ-VER-UNPUBLISHED", "A future date is refused with 400.", (5,)),),
        operations=(
            OperationRecord(
                id=OPERATION_ID,
                role_instance="WebRole1_IN_0",
                form="slot",
                accepted_at=0.13,
                polls=((0.1, "InProgress"), (2.5, "InProgress"), (5.1, "Succeeded")),
                outcome="Succeeded",
                deployment="contoso-v1",
                evidence=(1, 2, 3),
            ),
        ),
        cases=sample_cases(),
        requests=6,
        reimages=2,
        notes=("The endpoint closed one connection early.",),
    )


def sample_cases() -> tuple[CaseRecord, ...]:
    """One case of every outcome."""
    return (
        CaseRecord("cases/test_reimage.py::test_accepted", ("REQ-REIMAGE-202",), "met", 0.1, (1,), "It answers 202."),
        CaseRecord(
            "cases/test_versions.py::test_old",
            ("REQ-REIMAGE-VERSION-OLD",),
            "violated",
            0.2,
            (4,),
            "An old version is refused.",
            "expected 400, got 202",
        ),
        CaseRecord("cases/test_versions.py::test_junk", ("REQ-VER-UNPUBLISHED",), "observed", 0.1, (5,), "", "400"),
        CaseRecord("cases/test_status.py::test_order", ("REQ-GOS-ORDER",), "advisory", 0.1, (3,)),
        CaseRecord("cases/test_status.py::test_goes", ("REQ-GOS-PROGRESS",), "inconclusive", 1.6, (6,), "", "reset"),
        CaseRecord("cases/test_auth.py::test_other", ("REQ-GOS-OTHER-SUB",), "not-applicable", 0.0, (), "", "one only"),
        CaseRecord("cases/test_reimage.py::test_comp[x]", ("REQ-REIMAGE-COMP",), "untested", 0.0),
        CaseRecord("cases/test_http.py::test_head", ("REQ-HTTP-HEAD-NOBODY",), "violated", 0.1, (), "", "a body came"),
        CaseRecord("cases/test_http.py::test_broken", ("REQ-HTTP-FRAMING",), "error", 0.1, (), "", "KeyError: 'x'"),
    )


def conformant_assessment() -> Assessment:
    """The same run without anything wrong."""
    sample = sample_assessment()
    met = tuple(
        replace(result, outcome=Outcome.MET, reason="")
        for result in sample.requirements
        if result.outcome in (Outcome.MET, Outcome.VIOLATED)
    )
    return replace(
        sample,
        verdict=RunVerdict.CONFORMANT,
        exit_code=0,
        requirements=met,
        findings=(),
        notes=(),
        cases=sample.cases[:1],
    )


def hostile_assessment(text: str = HOSTILE) -> Assessment:
    """A run in which everything that an endpoint, a target file or a case can influence carries `text`."""
    sample = sample_assessment()
    findings = tuple(
        replace(one, headline=text, expected=text, actual=text, cases=(text,), reproduce=text)
        for one in sample.findings
    )
    return replace(
        sample,
        target={"name": text, "base_url": BASE_URL, text: text},
        findings=findings,
        requirements=tuple(replace(one, reason=text, cases=(text,)) for one in sample.requirements),
        observations=tuple(replace(one, seen=text) for one in sample.observations),
        operations=tuple(
            replace(one, id=text, role_instance=text, form=text, outcome=text, deployment=text, polls=((0.5, text),))
            for one in sample.operations
        ),
        cases=tuple(replace(one, id=f"{one.id}[{text}]", doc=text, detail=text) for one in sample.cases),
        notes=(text,),
    )


def hostile_exchanges(text: str = HOSTILE) -> dict[int, Exchange]:
    """Exchanges whose every field carries `text`, as far as the wire can carry it."""
    wire = text.encode("utf-8").decode("latin-1")
    response = Response(
        200,
        wire,
        ((wire, wire), ("x-ms-request-id", wire)),
        text.encode(),
        anomalies=(Anomaly(AnomalyKind.OTHER, wire),),
    )
    request = Request(wire, wire, ((wire, wire),), text.encode())
    return {
        number: Exchange(number, request, response, Failure(FailureKind.NOT_HTTP, wire), case=text, label=text)
        for number in range(1, 7)
    }


def large_exchanges(number: int = 20_000) -> dict[int, Exchange]:
    """As many exchanges as a nightly run makes, of ordinary size."""
    kinds = list(sample_exchanges().values())
    return {
        one: replace(kinds[one % 6], number=one, at=one * 0.01, elapsed=0.001 * (one % 97))
        for one in range(1, number + 1)
    }


def large_assessment(cases: int = 600, exchanges: int = 20_000) -> Assessment:
    """A nightly run in which a tenth of the cases fail and every case cites its exchanges."""
    sample = sample_assessment()
    outcomes = ("violated", "met", "met", "met", "met", "met", "met", "advisory", "observed", "met")
    each = exchanges // cases
    records = tuple(
        CaseRecord(
            f"cases/test_chapter_{one % 12}.py::test_what_the_document_says_of_this_matter_holds[parameter-{one}]",
            (f"REQ-SAMPLE-{one % 168:03}",),
            outcomes[one % 10],
            0.01 * (one % 50),
            tuple(range(one * each + 1, (one + 1) * each + 1)),
            "What the requirement says, in a sentence of ordinary length.",
            "expected 400 with MissingOrIncorrectVersionHeader, got 202" if one % 10 == 0 else "",
        )
        for one in range(cases)
    )
    results = tuple(
        RequirementResult(
            requirement(f"REQ-SAMPLE-{one:03}"),
            CountsAs.FAIL,
            Outcome.VIOLATED if one % 10 == 0 else Outcome.MET,
            tuple(case.id for case in records[one::168]),
            evidence=records[one].evidence,
        )
        for one in range(168)
    )
    findings = tuple(
        replace(sample.findings[0], requirement=f"REQ-SAMPLE-{one:03}", evidence=records[one].evidence)
        for one in range(0, 168, 10)
    )
    operations = tuple(
        replace(
            sample.operations[0],
            accepted_at=one * 20.0,
            polls=(*((0.5 * poll, "InProgress") for poll in range(1, 121)), (60.5, "Succeeded")),
        )
        for one in range(40)
    )
    return replace(
        sample, requirements=results, cases=records, findings=findings, operations=operations, requests=exchanges
    )
