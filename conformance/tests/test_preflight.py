"""Preflight: every problem is one sentence that names a key, the exit code says whose it is, nothing is reimaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from open_gate import OpenGate
from reimage_conformance import cli
from reimage_conformance.config import load_target
from reimage_conformance.embedding.memory import MemoryConnector, TurnedClock, memory_emulator, memory_target
from reimage_conformance.emulator import FAULTS, ODDITIES, Emulator, serve
from reimage_conformance.model import Capabilities, Exchange, Failure, FailureKind, Limits, Profile, Request, Response
from reimage_conformance.preflight.asking import Asker
from reimage_conformance.preflight.certificates import certificate_remarks, dated_remark
from reimage_conformance.preflight.command import answer_remarks, preflight
from reimage_conformance.preflight.names import Names
from reimage_conformance.preflight.outlook import outlook_remarks
from reimage_conformance.preflight.questions import Questions
from reimage_conformance.preflight.remarks import ENDING, Level, Remark
from reimage_conformance.preflight.statement import statement_remarks
from reimage_conformance.protocol.requests import Place, RequestBuilder
from reimage_conformance.session.sufficing import planned
from reimage_conformance.session.thresholds import MAX_REDIRECTS
from reimage_conformance.wire.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reimage_conformance.model import Target

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The target file of an emulator that is served over TLS."""
    folder = tmp_path_factory.mktemp("served")
    with serve(Emulator(0.2)) as running:
        yield running.write_target(folder)


@pytest.fixture
def methods(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of all requests that go out."""
    sent: list[str] = []
    exchange = Client.exchange

    def counted(self: Client, request: Request, **options: object) -> Exchange:
        sent.append(request.method)
        return exchange(self, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Client, "exchange", counted)
    return sent


def test_a_ready_target_is_said_to_be_ready(
    served: Path, methods: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(["preflight", str(served)])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert lines[-1] == "Ready. Nothing was reimaged."
    assert {line[:4].strip() for line in lines[1:-1]} == {"ok", "note"}
    assert set(methods) == {"GET"}


MISTAKES: dict[str, tuple[str, str, int, str]] = {
    "subscription": (
        'subscription_id = "5f',
        'subscription_id = "4f',
        6,
        "stop  client_certificate: every question is answered 403",
    ),
    "instance": (
        '"WorkerRole1_IN_0"',
        '"Role_IN_9"',
        4,
        "mend  role_instances in [[deployments]] number 1: the endpoint shows no Role_IN_9 in contoso-v1",
    ),
    "name": (
        'name = "contoso-v1"',
        'name = "v9"',
        4,
        'name in [[deployments]] number 1: production of contoso holds "',
    ),
    "service": (
        'cloud_service = "fabrikam"',
        'cloud_service = "x"',
        4,
        "cloud_service and slot in [[deployments]] number 3",
    ),
    "key": ('client_key = "target.client.key"', 'client_key = "target.other.pem"', 4, "mend  client_certificate: "),
    "second certificate": (
        '"target.second.pem"',
        '"target.other.pem"',
        4,
        "check second_client_certificate: answered 403",
    ),
    "same certificate": (
        '"target.second.pem"',
        '"both.pem"',
        4,
        "mend  second_client_certificate: it is the same certificate",
    ),
    "authority": ('ca_bundle = "target.ca.pem"', 'ca_bundle = "target.other.pem"', 6, "set ca_bundle to its CA"),
    "old version": (
        "[target]",
        '[target]\nx_ms_version = "2009-10-01"',
        4,
        'mend  x_ms_version: "2009-10-01" is older',
    ),
    "unpublished version": (
        "[target]",
        '[target]\nx_ms_version = "2011-10-02"',
        4,
        "mend  x_ms_version: the endpoint does",
    ),
    "probe": ("{role_instance}", "{cloud_service}", 4, "check url in [probe]: contoso-v1/WebRole1_IN_0 is answered"),
    "nobody there": (
        'base_url = "',
        'base_url = "https://127.0.0.1:1"#',
        6,
        "stop  base_url: https://127.0.0.1:1 cannot",
    ),
    "no reimages": ("max_reimages = 500", "max_reimages = 0", 4, "check max_reimages: found 0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_its_key(
    served: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], methods: list[str], mistake: str
) -> None:
    old, new, expected, sentence = MISTAKES[mistake]
    for file in served.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "both.pem").write_bytes(
        (tmp_path / "target.client.pem").read_bytes() + (tmp_path / "target.client.key").read_bytes()
    )
    text = served.read_text()
    assert old in text
    (tmp_path / "target.toml").write_text(text.replace(old, new))

    code = cli.main(["preflight", str(tmp_path / "target.toml")])

    out = capsys.readouterr().out
    assert sentence in out
    assert code == expected
    assert ("Ready." in out.splitlines()[-1]) is (expected == 0)
    assert set(methods) <= {"GET"}


def certificate(begins: datetime, ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(begins).not_valid_after(ends).sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private


@pytest.mark.parametrize(
    ("days", "level", "sentence"),
    [
        ((-90, -1), Level.MEND, "client_certificate: client.pem expired on 2026-05-31"),
        ((1, 90), Level.MEND, "client_certificate: client.pem is not valid before 2026-06-02 00:00 UTC"),
        ((-90, 3), Level.NOTE, "client_certificate: client.pem expires on 2026-06-04"),
        ((-90, 90), Level.OK, "client_certificate: client.pem is valid until 2026-08-30"),
    ],
)
def test_certificates_are_looked_at_before_they_are_used(
    served: Path, tmp_path: Path, days: tuple[int, int], level: Level, sentence: str
) -> None:
    path = tmp_path / "client.pem"
    path.write_bytes(certificate(*(NOW + timedelta(days=each) for each in days)))
    target = replace(load_target(served), client_certificate=path, client_key=None, second_client_certificate=None)

    found = list(certificate_remarks(target, NOW))

    assert found[0].level is level
    assert found[0].text.startswith(sentence)


def test_an_expired_server_is_named() -> None:
    remark = dated_remark("base_url", " the endpoint's certificate", NOW - timedelta(9), NOW - timedelta(2), NOW)

    assert remark == Remark(
        Level.MEND, "base_url: the endpoint's certificate expired on 2026-05-30; a new certificate is needed"
    )


def test_without_tls_there_is_nothing_to_look_at(served: Path) -> None:
    target = replace(load_target(served), base_url="http://127.0.0.1:1")

    assert [remark.level for remark in certificate_remarks(target, NOW)] == [Level.NOTE]


def answering(
    *, status: int = 404, body: str = "", failure: FailureKind | None = None, **headers: str
) -> Callable[[Request], Exchange]:
    """An endpoint that answers everything alike."""
    lines = (("Content-Type", "application/xml"), *headers.items())

    def answer(request: Request) -> Exchange:
        if failure is not None:
            return Exchange(1, request, None, Failure(failure, "it broke"))
        return Exchange(1, request, Response(status, "", lines, body.encode()))

    return answer


NONE_NAMED = (
    "client_certificate: the target file names none, and REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE is empty or not set"
)


@pytest.mark.parametrize(
    ("base_url", "certificate", "variable", "level", "words"),
    [
        (
            "https://a.test",
            None,
            "",
            Level.MEND,
            f"{NONE_NAMED}; the endpoint refuses every question (403)",
        ),
        ("https://a.test", "/c.pem", "", Level.STOP, "mend client_certificate or subscription_id"),
        ("https://a.test", "/c.pem", "/other.pem", Level.STOP, "mend client_certificate or subscription_id"),
        (
            "https://a.test",
            "/c.pem",
            "/c.pem",
            Level.STOP,
            "mend REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE or subscription_id",
        ),
        ("http://a.test", None, "", Level.STOP, "over http no client certificate is sent: is https expected?"),
    ],
)
def test_a_refusal_of_everything_names_what_to_mend(
    monkeypatch: pytest.MonkeyPatch,
    target: Target,
    base_url: str,
    certificate: str | None,
    variable: str,
    level: Level,
    words: str,
) -> None:
    monkeypatch.setenv("REIMAGE_CONFORMANCE_CLIENT_CERTIFICATE", variable)
    changed = replace(target, base_url=base_url, client_certificate=Path(certificate) if certificate else None)

    (remark,) = questions(changed, answering(status=403)).identity()

    assert remark.level is level
    assert remark.text.endswith(words)


ERROR = "<Error><Code>{}</Code><Message>No.</Message></Error>"
ANSWERS: dict[str, tuple[Callable[[Request], Exchange], Level, str]] = {
    "no reply": (answering(failure=FailureKind.TIMEOUT), Level.STOP, "base_url: the endpoint gives no reply"),
    "alert": (answering(failure=FailureKind.TLS), Level.STOP, "client_certificate: the endpoint gives no reply"),
    "403": (answering(status=403), Level.STOP, "client_certificate: every question is answered 403 Forbidden"),
    "401": (answering(status=401), Level.STOP, "client_certificate: every question is answered 401"),
    "503": (answering(status=503), Level.STOP, "base_url: every question is answered 503"),
    "moved": (
        answering(status=307, Location="https://b.test/x"),
        Level.MEND,
        "base_url: the endpoint sends callers to https://b.test",
    ),
    "version": (
        answering(status=400, body=ERROR.format("MissingOrIncorrectVersionHeader")),
        Level.CHECK,
        'x_ms_version: the endpoint does not take "2011-10-01"',
    ),
    "known": (answering(status=200), Level.NOTE, "a poll of an operation that does not exist is answered as if"),
    "bare": (answering(status=404), Level.NOTE, "base_url: the refusal of an unknown operation has no Error document"),
    "fine": (answering(status=404, body=ERROR.format("ResourceNotFound")), Level.OK, "client_certificate may use"),
}


@pytest.fixture(scope="module")
def target() -> Target:
    return memory_target(memory_emulator(TurnedClock()))


def questions(target: Target, answer: Callable[[Request], Exchange]) -> Questions:
    return Questions(target, RequestBuilder(target), answer, "0" * 32)


@pytest.mark.parametrize("kind", ANSWERS)
def test_the_first_answer_tells_whether_we_are_let_in(target: Target, kind: str) -> None:
    answer, level, sentence = ANSWERS[kind]

    last = list(questions(target, answer).identity())[-1]

    assert last.level is level
    assert last.text.startswith(sentence)


@pytest.mark.parametrize(
    ("claimed", "level", "sentence"),
    [
        (
            None,
            Level.NOTE,
            "Get Deployment shows no deployment (the first answer is 404 Not Found): it is not offered, or",
        ),
        (
            True,
            Level.MEND,
            "cloud_service: Get Deployment and Get Cloud Service Properties are answered 404 for every deployment;",
        ),
        (False, Level.NOTE, "get_deployment is false"),
    ],
)
def test_an_endpoint_that_describes_nothing(target: Target, claimed: bool | None, level: Level, sentence: str) -> None:  # noqa: FBT001
    silent = replace(target, capabilities=Capabilities(get_deployment=claimed))

    (remark,) = Names(silent, RequestBuilder(silent), answering(status=404)).remarks()

    assert remark.level is level
    assert remark.text.startswith(sentence)


def test_a_second_subscription_that_is_not_opened(target: Target) -> None:
    changed = replace(target, other_subscription_id="closed")

    found = list(questions(changed, answering(status=403)).other_identities())

    assert [r.level for r in found if r.text.startswith("other_subscription_id: answered 403")] == [Level.CHECK]


def test_an_instance_that_is_not_ready_is_worth_knowing() -> None:
    clock = TurnedClock()
    emulator = memory_emulator(clock, operation_seconds=60.0)
    target = memory_target(emulator)
    with Client(MemoryConnector(emulator, clock), clock, OpenGate(), request_timeout=5.0) as client:
        place = Place(target.deployments[0], target.deployments[0].role_instances[0])
        client.exchange(RequestBuilder(target).reimage(place))
    clock.sleep(20.0)

    probe = MemoryConnector(emulator, clock, probe=True)
    found = list(answer_remarks(target, clock, MemoryConnector(emulator, clock), probe, []))

    unready = [
        r
        for r in found
        if r.level is Level.NOTE and place.role_instance in r.text and "a reimage is judged only" in r.text
    ]
    assert len(unready) == 1


def limited(target: Target, **limits: object) -> Target:
    return replace(target, limits=replace(Limits(), **limits))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limit", "profile", "level"),
    [
        (1, Profile.SMOKE, Level.OK),
        (0, Profile.SMOKE, Level.CHECK),
        (6, Profile.STANDARD, Level.NOTE),
        (500, Profile.NIGHTLY, Level.OK),
    ],
)
def test_the_outlook_weighs_the_budget(target: Target, limit: int, profile: Profile, level: Level) -> None:
    found = {
        remark.text.partition(":")[0].partition(" ")[0]: remark
        for remark in outlook_remarks(limited(target, max_reimages=limit), profile)
    }

    assert found["max_reimages"].level is level


@pytest.mark.parametrize("limit", [1, 6, 15, 21])
def test_the_outlook_names_the_number_that_a_run_advises(target: Target, limit: int) -> None:
    wanted = planned(target, Profile.STANDARD)
    texts = [remark.text for remark in outlook_remarks(limited(target, max_reimages=limit), Profile.STANDARD)]

    assert limit < wanted
    assert any(text.startswith(f"max_reimages: {limit} of the {wanted} reimages of a whole run") for text in texts)
    assert any(f"starts up to {wanted} reimages" in text for text in texts)


def test_an_endpoint_elsewhere_needs_permission(target: Target) -> None:
    elsewhere = replace(target, base_url="https://10.0.0.7", limits=replace(target.limits, allow_reimage=False))

    (remark,) = statement_remarks(elsewhere)

    assert remark.level is Level.MEND
    assert remark.text.startswith("allow_reimage: https://10.0.0.7 is not on this machine")
    allowed = replace(elsewhere, limits=replace(target.limits, allow_reimage=True))
    assert list(statement_remarks(allowed)) == []


@pytest.mark.parametrize("key", ["subscription_id", "other_subscription_id", "foreign_subscription_id"])
@pytest.mark.parametrize("mask", ["00000000-0000-4000-8000-000000000001", "masked-2", "masked-12xxxx"])
def test_the_mask_of_a_report_is_no_id(target: Target, key: str, mask: str) -> None:
    (remark,) = statement_remarks(replace(target, **{key: mask}))  # type: ignore[arg-type]

    assert (remark.level, remark.text.partition(" ")[0]) == (Level.MEND, key)


def test_what_an_endpoint_sends_cannot_steer_the_terminal(
    target: Target, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "reimage_conformance.preflight.command.remarks", lambda *_: iter([Remark(Level.NOTE, "a\x1b[31m\nb\u202e")])
    )

    assert preflight(target) == 0

    assert capsys.readouterr().out.splitlines()[1] == "note  a\\x1b[31m b\\u202e"


LISTINGS = ("REQ-DEPL", "REQ-PROPS")
REFUSALS = ("REQ-AUTH", "REQ-ERR", "REQ-GOS-NOTFOUND")


def about(prefixes: tuple[str, ...]) -> list[str]:
    """The faults that break a requirement of these."""
    return [name for name in FAULTS if FAULTS[name].requirement.startswith(prefixes)]


@pytest.mark.parametrize("claims", [False, True], ids=["asked", "claimed"])
def test_no_fault_and_no_oddity_ends_a_run_before_it_begins(claims: bool) -> None:  # noqa: FBT001
    """What a run is to judge is not taken for a mistake of the tester's; twenty requests are enough."""
    first = {name.partition("[")[0]: name for name in reversed(FAULTS)}
    faults = about(LISTINGS) if claims else sorted({*first.values(), *about((*LISTINGS, *REFUSALS))})
    ending = [
        (name, str(remark))
        for name, wrong, odd in [*((n, (n,), ()) for n in faults), *((n, (), (n,)) for n in ODDITIES)]
        for remark in asked_in_memory(wrong, odd, claims=claims)
        if remark.level in ENDING
    ]

    assert len(faults) > 50
    assert ending == []


def asked_in_memory(faults: tuple[str, ...], oddities: tuple[str, ...], *, claims: bool) -> list[Remark]:
    clock, sent = TurnedClock(), list[Exchange]()
    emulator = memory_emulator(clock, faults, oddities)
    connector = MemoryConnector(emulator, clock)
    found = list(answer_remarks(memory_target(emulator, claims=claims), clock, connector, None, sent))
    assert 0 < len(sent) <= 20
    assert {exchange.request.method for exchange in sent} == {"GET"}
    return found


@pytest.mark.parametrize(("moves", "status"), [(1, 404), (MAX_REDIRECTS, 404), (MAX_REDIRECTS + 1, 307)])
def test_a_few_redirects_are_followed(moves: int, status: int) -> None:
    """Each question is redirected `moves` times, to a path that begins with one more /moved."""
    sent: list[Exchange] = []

    def answer(request: Request) -> Exchange:
        is_there = request.target.count("/moved") == moves
        location = (("Location", f"/moved{request.target}"),)
        reply = Response(404) if is_there else Response(307, "", location)
        return Exchange(len(sent) + 1, request, reply)

    ask = Asker(answer, TurnedClock(), "http://127.0.0.1", sent)

    reply = ask(Request("GET", "/a")).reply

    assert reply is not None
    assert reply.status == status
    assert len(sent) == 1 + min(moves, MAX_REDIRECTS)
