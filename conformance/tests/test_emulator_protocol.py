"""The conforming emulator, through a connection without a socket and with a clock that the test turns."""

from __future__ import annotations

from dataclasses import dataclass

import h11
import pytest
from lxml import etree

from reimage_conformance.emulator import Action, Close, Emulator, Send
from reimage_conformance.emulator.layouts import FOREIGN, MAIN, OTHER

NAMESPACE = "{http://schemas.microsoft.com/windowsazure}"
BASE = f"/{MAIN}/services/hostedservices/contoso"
BY_SLOT = f"{BASE}/deploymentslots/production/roleinstances/WebRole1_IN_1?comp=reimage"
BY_NAME = f"{BASE}/deployments/contoso-v1/roleinstances/WebRole1_IN_1?comp=reimage"
NEEDED = {"Host": "localhost", "x-ms-version": "2011-10-01", "Content-Type": "application/xml", "Content-Length": "0"}


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Answer:
    status: int
    fields: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        return etree.fromstring(self.body).findtext(f"{NAMESPACE}Code")

    def text(self, name: str) -> str | None:
        return etree.fromstring(self.body).findtext(f"{NAMESPACE}{name}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(clock: Clock) -> Emulator:
    return Emulator(10.0, clock=clock, seed=1)


def octets(method: str, target: str, headers: dict[str, str | None] | None = None, body: bytes = b"") -> bytes:
    """A request with the needed headers, changed by `headers`, where None leaves one out."""
    fields = {**NEEDED, **({"Content-Length": str(len(body))} if body else {}), **(headers or {})}
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode("latin-1") + body


def sent(actions: list[Action]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, Send))


def read(method: str, data: bytes) -> Answer:
    """Reads exactly one response, with a parser that is not the emulator's."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    event = client.next_event()
    while isinstance(event, h11.InformationalResponse):
        event = client.next_event()
    assert isinstance(event, h11.Response)
    body = b""
    while isinstance(piece := client.next_event(), h11.Data):
        body += piece.data
    assert isinstance(piece, h11.EndOfMessage)
    assert client.trailing_data[0] == b""
    return Answer(event.status_code, {n.decode(): v.decode() for n, v in event.headers}, body)


def ask(
    emulator: Emulator,
    method: str,
    target: str,
    headers: dict[str, str | None] | None = None,
    body: bytes = b"",
    identity: str | None = "main",
) -> Answer:
    return read(method, sent(emulator.connect(identity).receive(octets(method, target, headers, body))))


def poll(emulator: Emulator, operation: str, **kwargs: object) -> Answer:
    return ask(emulator, "GET", f"/{MAIN}/operations/{operation}", {"x-ms-version": "2009-10-01"})


@pytest.mark.parametrize(
    "target", [BY_SLOT, BY_NAME, "https://localhost" + BY_SLOT, BY_SLOT.replace("WebRole1", "%57ebRole1")]
)
def test_a_reimage_is_accepted_and_succeeds(emulator: Emulator, clock: Clock, target: str) -> None:
    accepted = ask(emulator, "POST", target)
    operation = accepted.fields["x-ms-request-id"]
    first = poll(emulator, operation)
    clock.now += 10
    last = poll(emulator, operation)

    assert (accepted.status, accepted.body, emulator.accepted) == (202, b"", 1)
    assert (first.status, first.text("Status"), first.text("HttpStatusCode")) == (200, "InProgress", None)
    assert (last.text("Status"), last.text("HttpStatusCode"), last.text("Error")) == ("Succeeded", "200", None)
    assert (last.text("ID") or "").replace("-", "") == operation
    assert last.fields["x-ms-request-id"] not in (operation, first.fields["x-ms-request-id"])


def test_the_failing_instance_fails(emulator: Emulator, clock: Clock) -> None:
    operation = ask(emulator, "POST", BY_SLOT.replace("WebRole1_IN_1", "FailingRole1_IN_0")).fields["x-ms-request-id"]
    clock.now += 10
    last = poll(emulator, operation)

    assert (last.text("Status"), last.text("HttpStatusCode")) == ("Failed", "500")
    assert last.text(f"Error/{NAMESPACE}Code") == "InternalError"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"x-ms-version": None}, 400, "MissingOrIncorrectVersionHeader"),
        ({"x-ms-version": "20101028"}, 400, "MissingOrIncorrectVersionHeader"),
        ({"x-ms-version": ""}, 400, "MissingOrIncorrectVersionHeader"),
        ({"x-ms-version": "2010-04-01"}, 400, "MissingOrIncorrectVersionHeader"),
        ({"Content-Type": None}, 400, "BadRequest"),
        ({"Content-Type": "application/atom+xml"}, 415, "BadRequest"),
        ({"Content-Length": None}, 411, "BadRequest"),
        ({"Content-Length": None, "Transfer-Encoding": "chunked"}, 411, "BadRequest"),
        ({"Content-Length": "abc"}, 400, "BadRequest"),
        ({"Content-Length": "0\r\nContent-Length: 1"}, 400, "BadRequest"),
        ({"Transfer-Encoding": "chunked"}, 400, "BadRequest"),
        ({"Content-Length": None, "Transfer-Encoding": "chunked, gzip"}, 400, "BadRequest"),
        ({"Content-Length": None, "Transfer-Encoding": "gzip"}, 501, "BadRequest"),
        ({"Host": None}, 400, "BadRequest"),
        ({"Host": "a b"}, 400, "BadRequest"),
        ({"Host": "a\r\nHost: a"}, 400, "BadRequest"),
        ({"X-Odd ": "a"}, 400, "BadRequest"),
        ({"X-Odd": "a\r\n b"}, 400, "BadRequest"),
        ({"Expect": "tea"}, 417, "BadRequest"),
    ],
)
def test_a_wrong_header_is_refused(emulator: Emulator, change: dict[str, str | None], status: int, code: str) -> None:
    body = b"0\r\n\r\n" if change.get("Transfer-Encoding") else b""
    actions = emulator.connect("main").receive(octets("POST", BY_SLOT, change) + body)
    answer = read("POST", sent(actions))

    assert (answer.status, answer.code, emulator.accepted) == (status, code, 0)
    assert len(answer.fields["x-ms-request-id"]) == 32


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("POST", BY_SLOT.replace("comp=reimage", "comp=reboot"), 400, "MissingOrInvalidRequiredQueryParameter"),
        ("POST", BY_SLOT.partition("?")[0], 400, "MissingOrInvalidRequiredQueryParameter"),
        ("POST", BY_SLOT.replace("contoso", "nothere"), 404, "ResourceNotFound"),
        ("POST", BY_SLOT.replace("production", "Production"), 404, "ResourceNotFound"),
        ("POST", BY_SLOT.replace("IN_1", "IN_12"), 404, "ResourceNotFound"),
        ("POST", BY_SLOT.replace("contoso", "fabrikam").replace("production", "staging"), 404, "ResourceNotFound"),
        ("POST", BY_NAME.replace("contoso-v1", "contoso-v9"), 404, "ResourceNotFound"),
        ("POST", BY_NAME.replace("contoso-v1", "%3Ca%26%00%3E"), 404, "ResourceNotFound"),
        ("POST", BY_SLOT.replace(MAIN, FOREIGN), 403, "AuthenticationFailed"),
        ("GET", BY_SLOT, 405, "InvalidHttpVerb"),
        ("post", BY_SLOT, 501, "InvalidHttpVerb"),
        ("GET", f"/{MAIN}/operations/{'0' * 32}", 404, "ResourceNotFound"),
    ],
)
def test_a_wrong_target_is_refused(emulator: Emulator, method: str, target: str, status: int, code: str) -> None:
    answer = ask(emulator, method, target)

    assert (answer.status, answer.code, emulator.accepted) == (status, code, 0)


def test_a_body_is_refused_and_the_connection_stays_usable(emulator: Emulator) -> None:
    connection = emulator.connect("main")
    refused = read("POST", sent(connection.receive(octets("POST", BY_SLOT, body=b"<a/>"))))
    accepted = read("POST", sent(connection.receive(octets("POST", BY_SLOT))))

    assert (refused.status, accepted.status) == (400, 202)


def test_pipelined_requests_are_answered_in_order(emulator: Emulator) -> None:
    connection = emulator.connect("main")
    actions = connection.receive(octets("GET", BY_SLOT) + octets("POST", BY_SLOT))

    assert [read("GET", sent([each])).status for each in actions] == [405, 202]


def test_octets_may_arrive_one_by_one(emulator: Emulator) -> None:
    connection = emulator.connect("main")
    actions = [action for octet in octets("POST", BY_SLOT) for action in connection.receive(bytes([octet]))]

    assert read("POST", sent(actions)).status == 202


def test_an_expected_body_is_refused_before_it_is_sent(emulator: Emulator) -> None:
    actions = emulator.connect("main").receive(
        octets("POST", BY_SLOT, {"Expect": "100-continue", "Content-Length": "4"})
    )

    assert read("POST", sent(actions)).status == 400
    assert actions[-1] == Close()


def test_the_connection_closes_when_asked(emulator: Emulator) -> None:
    actions = emulator.connect("main").receive(octets("POST", BY_SLOT, {"Connection": "close"}))

    assert actions[-1] == Close()


@pytest.mark.parametrize("identity", ["other", None, "stranger"])
def test_a_certificate_of_another_subscription_opens_nothing(emulator: Emulator, identity: str | None) -> None:
    answer = ask(emulator, "POST", BY_SLOT, identity=identity)

    assert (answer.status, answer.code, emulator.accepted) == (403, "AuthenticationFailed", 0)


def test_a_second_certificate_opens_the_subscription(emulator: Emulator) -> None:
    assert ask(emulator, "POST", BY_SLOT, identity="second").status == 202


def test_a_busy_deployment_refuses_and_the_staging_one_does_not(emulator: Emulator, clock: Clock) -> None:
    first = ask(emulator, "POST", BY_SLOT)
    conflict = ask(emulator, "POST", BY_NAME.replace("IN_1", "IN_2"))
    staging = ask(emulator, "POST", BY_SLOT.replace("production", "staging"))
    clock.now += 10
    later = ask(emulator, "POST", BY_NAME.replace("IN_1", "IN_2"))

    assert (first.status, conflict.status, conflict.code) == (202, 409, "ConflictError")
    assert (staging.status, later.status, emulator.accepted) == (202, 202, 3)


def test_an_operation_is_hidden_from_other_subscriptions(emulator: Emulator) -> None:
    operation = ask(emulator, "POST", BY_SLOT).fields["x-ms-request-id"]
    answer = ask(emulator, "GET", f"/{OTHER}/operations/{operation}")

    assert (answer.status, answer.code) == (404, "ResourceNotFound")


def test_head_has_no_content_but_the_length_of_get(emulator: Emulator) -> None:
    operation = ask(emulator, "POST", BY_SLOT).fields["x-ms-request-id"]
    answer = ask(emulator, "HEAD", f"/{MAIN}/operations/{operation}")

    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.fields["content-length"]) == len(poll(emulator, operation).body)


def statuses(emulator: Emulator) -> dict[str, str]:
    answer = ask(emulator, "GET", f"{BASE}/deployments/contoso-v1")
    rows = etree.fromstring(answer.body).iter(f"{NAMESPACE}RoleInstance")
    return {row.findtext(f"{NAMESPACE}InstanceName") or "": row[2].text or "" for row in rows}


def test_only_the_instance_addressed_goes_offline_and_comes_back(emulator: Emulator, clock: Clock) -> None:
    before = statuses(emulator)
    ask(emulator, "POST", BY_SLOT)
    clock.now += 5
    during = statuses(emulator)
    clock.now += 5
    at_the_end = statuses(emulator)
    clock.now += 6
    after = statuses(emulator)

    assert set(before.values()) == {"ReadyRole"}
    assert during == {**before, "WebRole1_IN_1": "StoppedVM"}
    assert at_the_end == {**before, "WebRole1_IN_1": "BusyRole"}
    assert after == before


@pytest.mark.parametrize(
    ("version", "present", "absent"),
    [("2009-10-01", "RoleName", "InstanceSize"), ("2011-06-01", "InstanceSize", "InstanceErrorCode")],
)
def test_elements_come_with_their_version(emulator: Emulator, version: str, present: str, absent: str) -> None:
    body = ask(emulator, "GET", f"{BASE}?embed-detail=true", {"x-ms-version": version}).body

    assert f"<{present}>".encode() in body
    assert f"<{absent}>".encode() not in body


def test_embedded_deployments_come_only_when_asked_for(emulator: Emulator) -> None:
    assert b"<Deployments>" not in ask(emulator, "GET", BASE).body


def test_the_probe_tells_a_reimage_from_an_answer(emulator: Emulator, clock: Clock) -> None:
    place = "/contoso/contoso-v1/WebRole1_IN_1"

    def look(path: str) -> Answer:
        return read("GET", sent(emulator.connect(probe=True).receive(octets("GET", place + path))))

    for store in ("local-storage", "other"):
        put = emulator.connect(probe=True).receive(octets("PUT", f"{place}/{store}/m", body=b"here"))
        assert read("PUT", sent(put)).status == 204
    before = look("").body
    ask(emulator, "POST", BY_SLOT)
    during = look("").body
    clock.now += 10

    assert before == during != look("").body
    assert (look("/local-storage/m").body, look("/other/m").status) == (b"here", 404)


def test_the_same_seed_gives_the_same_octets() -> None:
    first, second = (Emulator(clock=lambda: 0.0, seed=7) for _ in range(2))

    ids = [ask(each, "POST", BY_SLOT).fields["x-ms-request-id"] for each in (first, second)]

    assert ids[0] == ids[1]
