"""Scripts that send a request again: run in a shell, and what arrives is compared with what the suite sent."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reimage_conformance.model import CountsAs, Exchange, Finding, Identity, Request, Response, Route
from reimage_conformance.report.masked_names import MaskedNames
from reimage_conformance.report.reimaged import reimaged_sentence
from reimage_conformance.report.reproduce import curl_can_send
from reimage_conformance.report.script import ScriptTarget, script_of
from reimage_conformance.report.story import Send, story_of
from report_samples import HOSTILE, hostile_exchanges, reimage_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SHELL = shutil.which("bash")
needs_curl = pytest.mark.skipif(not (SHELL and shutil.which("curl")), reason="no bash and curl here")

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def run(command: str) -> bytes:
    """What a shell prints when it runs `command`, which must succeed."""
    shell = [SHELL or "bash", "-c", command]
    return subprocess.run(shell, check=True, timeout=20, capture_output=True).stdout  # noqa: S603


class Recorder:
    """A loopback server that keeps the octets of one request and answers 200."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.octets = b""
        self.expected = b""

    def serve_once(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            connection.settimeout(5)
            while len(self.octets) < len(self.expected) and (more := connection.recv(65536)):
                self.octets += more
            connection.sendall(RESPONSE)

    def octets_of(self, command: str, expected: bytes) -> bytes:
        """What arrives when a shell runs `command`."""
        self.expected = expected
        thread = threading.Thread(target=self.serve_once, daemon=True)
        thread.start()
        run(command)
        thread.join(10)
        return self.octets


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.socket.close()


def script_for(
    route: Route, *requests: Request, label: str = "", seconds_apart: float = 0.0, evidence: Sequence[int] = (1,)
) -> str:
    """The script of a finding whose first request decides, or those of `evidence`; each of its requests took a second."""
    exchanges = {
        number: Exchange(number, each, None, label=label, at=number * seconds_apart, elapsed=1.0)
        for number, each in enumerate(requests, 1)
    }
    finding = Finding("REQ-REIMAGE-202", CountsAs.FAIL, "a headline", "202", "200")
    return script_of(1, finding, evidence, exchanges, ScriptTarget(route, MaskedNames.of({})))


def command_for(request: Request, base_url: str = "https://127.0.0.1:8443") -> str:
    return script_for(Route(base_url), request)


def line_of(script: str) -> str:
    """The line of a script that sends its one request."""
    return next(line for line in script.splitlines() if re.search(r"by_\w+ answer-", line))


def post(host: str, *headers: tuple[str, str], body: bytes = b"", target: str = "/s/x?comp=reimage") -> Request:
    return Request("POST", target, (("Host", host), *headers), body)


LENGTH = ("Content-Length", "0")

CURL_CAN: dict[str, Callable[[str], Request]] = {
    "reimage": lambda host: reimage_request(host=host),
    "no headers but Host": lambda host: Request("GET", "/a/operations/b", (("Host", host),)),
    "odd path": lambda host: post(host, LENGTH, target="/a/../b//c/./%2e%2E/%zz?comp=reimage&comp=x"),
    "glob": lambda host: post(host, LENGTH, target="/a/{b,c}/[1-3]?comp=reimage"),
    "fragment": lambda host: post(host, LENGTH, target="/a#b?comp=reimage"),
    "quotes": lambda host: post(host, LENGTH, ("x-a", 'it\'s "$HOME" `id` \\ !x'), target="/a'b\"$(id)`id`;x"),
    "asterisk": lambda host: Request("OPTIONS", "*", (("Host", host),)),
    "absolute": lambda host: Request("GET", f"http://{host}/a?b", (("Host", host),)),
    "verb": lambda host: Request("REIMAGE", "/a", (("Host", host), LENGTH)),
    "lower case verb": lambda host: Request("post", "/a", (("Host", host), LENGTH)),
    "head": lambda host: Request("HEAD", "/a", (("Host", host),)),
    "accept kept": lambda host: post(host, ("accept", "text/x"), ("USER-AGENT", "me"), LENGTH),
    "two versions": lambda host: post(host, ("x-ms-version", "2010-10-28"), ("x-ms-version", "2011-10-01"), LENGTH),
    "two types": lambda host: post(host, ("Content-Type", "a/b"), ("Content-Type", "c/d"), LENGTH),
    "spaces": lambda host: post(host, ("x-ms-version", "   2011-10-01  "), LENGTH),
    "other host": lambda _: post("elsewhere.example", LENGTH),
    "body": lambda host: post(host, ("Content-Length", "5"), body=b"a'b$c"),
    "body with a type": lambda host: post(
        host, ("Content-Type", "application/xml"), ("Content-Length", "4"), body=b"<a/>"
    ),
    "body like a file": lambda host: post(host, ("Content-Length", "12"), body=b"@/etc/passwd"),
    "binary body": lambda host: post(host, ("Content-Length", "7"), body=b"\x00\r\n%s\\\xff"),
    "long body": lambda host: post(host, ("Content-Length", "70000"), body=b"\x00" * 70000),
    "no length": post,
    "wrong length is nobody's": lambda host: post(host, ("content-length", "0"), ("X-Last", "1")),
    "HTTP/1.0": lambda host: Request("GET", "/a", (("Host", host),), http_version="HTTP/1.0"),
    "colon in a value": lambda host: post(host, ("x-a", "b: c;"), LENGTH),
    "starts like an option": lambda host: post(host, ("-x", "--y"), LENGTH),
}


@needs_curl
@pytest.mark.parametrize("name", CURL_CAN)
def test_curl_sends_the_octets_that_the_suite_sent(recorder: Recorder, name: str) -> None:
    request = CURL_CAN[name](recorder.host)
    command = command_for(request, f"http://{recorder.host}")
    assert "raw_by_" not in line_of(command)
    assert recorder.octets_of(command, request.wire()) == request.wire()


@needs_curl
def test_curl_sends_an_empty_value_without_the_space_before_it(recorder: Recorder) -> None:
    request = post(recorder.host, ("x-ms-version", ""), LENGTH)
    same = request.wire().replace(b"x-ms-version: \r\n", b"x-ms-version:\r\n")
    assert recorder.octets_of(command_for(request, f"http://{recorder.host}"), same) == same


@needs_curl
def test_curl_puts_host_first_and_keeps_the_rest(recorder: Recorder) -> None:
    request = Request("POST", "/a", (LENGTH, ("x-a", "b"), ("Host", recorder.host)))
    arrived = recorder.octets_of(command_for(request, f"http://{recorder.host}"), request.wire())
    assert sorted(arrived.split(b"\r\n")) == sorted(request.wire().split(b"\r\n"))


CURL_CANNOT = {
    "two lengths": post("h", LENGTH, ("Content-Length", "1")),
    "two hosts": post("h", ("Host", "i"), LENGTH),
    "space before the colon": post("h", ("x-ms-version ", "2011-10-01"), LENGTH),
    "space in the target": post("h", LENGTH, target="/a b"),
    "empty target": post("h", LENGTH, target=""),
    "line break in a value": post("h", ("x-a", "b\r\n c"), LENGTH),
    "latin-1 value": post("h", ("x-a", "\xe9"), LENGTH),
    "escape in a value": post("h", ("x-a", "\x1b[201~"), LENGTH),
    "blank value": post("h", ("x-a", "  "), LENGTH),
    "chunked": post("h", ("Transfer-Encoding", "chunked"), body=b"0\r\n\r\n"),
    "length that lies": post("h", ("Content-Length", "9"), body=b"abc"),
    "body without a length": post("h", body=b"abc"),
    "body of a HEAD": Request("HEAD", "/", (("Host", "h"), ("Content-Length", "1")), b"a"),
    "verb with a space": Request("PO ST", "/", (("Host", "h"),)),
    "other version": Request("GET", "/", (("Host", "h"),), http_version="HTTP/3.0"),
    "percent and backslash": post("h", ("x-a", "%s \\x \xff"), LENGTH),
    "hostile": hostile_exchanges()[1].request,
}


@pytest.mark.skipif(SHELL is None, reason="no bash here")
@pytest.mark.parametrize("name", CURL_CANNOT)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_curl_cannot_send_is_printed_octet_for_octet(name: str, scheme: str) -> None:
    request = CURL_CANNOT[name]
    assert not curl_can_send(request)
    script = command_for(request, f"{scheme}://127.0.0.1:8443")
    feed, _, _ = line_of(script).partition(" | raw_by_primary ")
    assert ('| show "$1" nc ' in script) == (scheme == "http")
    assert ("openssl s_client -quiet " in script) == (scheme == "https")
    assert run(feed) == request.wire()


@pytest.mark.parametrize("request_", [reimage_request(), *CURL_CANNOT.values()])
def test_a_script_is_lines_of_printable_ascii(request_: Request) -> None:
    script = command_for(request_)
    assert script.isascii()
    assert all(line.isprintable() for line in script.split("\n"))


@pytest.mark.skipif(SHELL is None, reason="no bash here")
def test_nothing_of_a_hostile_base_url_or_headline_runs() -> None:
    exchange = Exchange(1, replace(reimage_request(), headers=()), None)
    finding = Finding("REQ-X", CountsAs.FAIL, "x\necho hacked", "$(echo hacked)", "'; echo hacked; '")
    script = script_of(
        1, finding, [1], {1: exchange}, ScriptTarget(Route("https://h';echo hacked;'/"), MaskedNames.of({}))
    )
    words = run(f'curl() {{ for word; do echo "<$word>"; done; }}; {script}')
    assert b"\nhacked" not in words


@pytest.mark.parametrize(
    ("identity", "present", "absent"),
    [
        (Identity.PRIMARY, '--cert "$CLIENT_CERTIFICATE" --key "$CLIENT_KEY"', "SECOND"),
        (Identity.SECOND, '--cert "$SECOND_CLIENT_CERTIFICATE"', '"$CLIENT_CERTIFICATE"'),
        (Identity.UNKNOWN, '--cert "$ANSWERS/stranger.pem"', '"$CLIENT_CERTIFICATE"'),
        (Identity.NONE, '--cacert "$CA_BUNDLE"', "--cert "),
    ],
)
def test_over_tls_the_command_presents_the_identity(identity: Identity, present: str, absent: str) -> None:
    command = command_for(Request("GET", "/a", (("Host", "h"),), identity=identity))
    assert present in command
    assert absent not in command


def test_a_request_that_is_too_long_to_paste_is_named_instead() -> None:
    request = post("h", ("x-long", "y" * 40_000), LENGTH)
    assert (
        command_for(request)
        == "# the requests of this finding are too long for a script; journal.jsonl holds exchange 1"
    )


def test_hostile_text_is_hostile() -> None:
    assert {"'", '"', "`", "\x00", "\x1b"} <= set(HOSTILE)


@pytest.mark.parametrize("identity", Identity)
def test_a_script_sets_every_variable_that_it_names(identity: Identity) -> None:
    target = "/00000000-0000-4000-8000-000000000002/x?comp=reimage"
    request = Request("POST", target, (("Host", "h"), LENGTH), identity=identity)
    names = MaskedNames.of({"foreign_subscription_id": "00000000-0000-4000-8000-000000000002"})
    finding = Finding("REQ-AUTH-FAIL", CountsAs.FAIL, "a headline", "403", "200")
    script = script_of(1, finding, [1], {1: Exchange(1, request, None)}, ScriptTarget(Route("https://h"), names))

    assert "FOREIGN_SUBSCRIPTION_ID=${FOREIGN_SUBSCRIPTION_ID:-'<foreign-subscription-id>'}\n" in script
    named = {name for name in re.findall(r"\$\{?([A-Z][A-Z_0-9]*)", script) if not name.startswith("REIMAGE_")}
    assert named - {"CONNECT_TO"} <= set(re.findall(r"(?:^|; |\|\| )([A-Z][A-Z_0-9]*)=", script, re.MULTILINE))


def poll(number: int, status: int, said: str) -> Exchange:
    """A poll of the operation `abc` and its answer."""
    body = f"<Operation><Status>{said}</Status></Operation>".encode() if said else b""
    return Exchange(number, Request("GET", "/s/operations/abc", ()), Response(status, "", (), body))


@pytest.mark.parametrize(
    ("polls", "deciding", "order"),
    [
        ([poll(2, 200, "InProgress"), poll(3, 200, "Succeeded")], 3, "send 1, await 1, send 3"),
        ([poll(2, 200, "InProgress"), poll(3, 200, "Done")], 3, "send 1, await 1, send 3"),
        ([poll(2, 200, "InProgress"), poll(3, 500, "")], 3, "send 1, await 1, send 3"),
        ([poll(2, 200, "InProgress"), poll(3, 200, "InProgress")], 3, "send 1, send 3, await 1"),
        ([poll(2, 404, ""), poll(3, 200, "InProgress")], 2, "send 1, send 2, await 1"),
    ],
)
def test_a_poll_after_the_end_is_sent_after_the_end(polls: list[Exchange], deciding: int, order: str) -> None:
    start = Exchange(1, reimage_request(), Response(202, "Accepted", (("x-ms-request-id", "abc"),), b""))
    parts = story_of([deciding], {each.number: each for each in (start, *polls)})

    told = [f"send {p.exchange.number}" if isinstance(p, Send) else f"await {p.start.number}" for p in parts]
    assert ", ".join(told) == order


@needs_curl
@pytest.mark.parametrize(("value", "warned"), [("", True), ("c7b6a594-8372-4610-b5f4-e3d2c1b0a903", False)])
def test_a_script_says_when_an_id_is_not_set(value: str, *, warned: bool) -> None:
    request = Request("GET", "/00000000-0000-4000-8000-000000000002/operations/x", (("Host", "h"),))
    names = MaskedNames.of({"foreign_subscription_id": "00000000-0000-4000-8000-000000000002"})
    finding = Finding("REQ-AUTH-FAIL", CountsAs.FAIL, "a headline", "403", "200")
    script = script_of(
        1, finding, [1], {1: Exchange(1, request, None)}, ScriptTarget(Route("http://127.0.0.1:9"), names)
    )

    told = run(f"FOREIGN_SUBSCRIPTION_ID={value}\n{script}").decode()
    assert ("FOREIGN_SUBSCRIPTION_ID is not set, so the answers above prove nothing" in told) is warned


@pytest.mark.skipif(SHELL is None, reason="no bash here")
@pytest.mark.parametrize("exchange", hostile_exchanges().values(), ids=lambda exchange: str(exchange.number))
def test_a_script_is_sound_whatever_its_exchange_holds(exchange: Exchange) -> None:
    finding = Finding("REQ-X", CountsAs.FAIL, HOSTILE, HOSTILE, HOSTILE)
    script = script_of(
        1, finding, [exchange.number], hostile_exchanges(), ScriptTarget(Route("https://h"), MaskedNames.of({}))
    )

    assert subprocess.run([SHELL or "bash", "-n"], input=script.encode(), check=False).returncode == 0  # noqa: S603
    assert script.isascii()


@pytest.mark.parametrize("seconds_apart", [0.0, 0.001])
def test_requests_that_were_under_way_together_are_sent_together(seconds_apart: float) -> None:
    requests = [post("h", LENGTH)] * 3
    script = script_for(Route("https://127.0.0.1:8443"), *requests, label="at-once", seconds_apart=seconds_apart)
    line = line_of(script)

    assert re.findall(r"by_primary (answer-\d)", line) == ["answer-1", "answer-2", "answer-3"]
    assert line.endswith(" & wait")


def test_each_request_is_sent_once_where_only_neighbours_were_under_way_together() -> None:
    requests = [post("h", LENGTH)] * 3
    script = script_for(Route("https://127.0.0.1:8443"), *requests, label="at-once", seconds_apart=0.6, evidence=(1, 3))

    assert sorted(re.findall(r"by_primary (answer-\d)", script)) == ["answer-1", "answer-2", "answer-3"]


def test_requests_that_followed_each_other_are_sent_one_after_the_other() -> None:
    requests = [post("h", LENGTH)] * 3
    script = script_for(Route("https://127.0.0.1:8443"), *requests, label="at-once", seconds_apart=1.0)

    assert " & wait" not in script


def test_curl_takes_the_way_that_the_suite_takes(recorder: Recorder) -> None:
    request = post("rig.example", LENGTH)
    route = Route("http://rig.example", recorder.host)

    assert recorder.octets_of(script_for(route, request), request.wire()) == request.wire()


def test_curl_goes_through_the_proxy() -> None:
    route = Route("https://rig.example", "10.0.0.1:8443", "http://proxy.example:3128")
    script = script_for(route, post("rig.example", LENGTH))

    assert "CONNECT_TO=10.0.0.1:8443\n" in script
    assert (
        ' --connect-to "::$CONNECT_TO" --proxytunnel --proxy http://proxy.example:3128 ${CA_BUNDLE:+--cacert ' in script
    )


@pytest.mark.parametrize(
    ("base_url", "way"),
    [
        ("https://rig.example", '-proxy p.example:3128 -connect "$DIALLED" -servername "${AUTHORITY%:*}"'),
        ("http://rig.example", 'nc -X connect -x p.example:3128 -w 10 "${DIALLED%:*}" "${DIALLED##*:}"'),
    ],
)
def test_raw_octets_take_the_way_that_the_suite_takes(base_url: str, way: str) -> None:
    request = replace(post("rig.example", LENGTH), http_version="HTTP/9.9")
    command = script_for(Route(base_url, "10.0.0.1:8443", "http://p.example:3128"), request)

    assert way in command


STARTED = "a1b2c3d4e5f60718293a4b5c6d7e8f90"


def told_script(
    label: str = "step:1", *, status: int = 202, base_url: str = "http://127.0.0.1:9", expected: str = "202"
) -> str:
    """The script for a reimage of the listed deployment that was answered with `status` and the id STARTED."""
    answer = Response(status, "", (("x-ms-request-id", STARTED),))
    target = {
        "base_url": base_url,
        "subscription_id": "00000000-0000-4000-8000-000000000001",
        "deployments": [{"cloud_service": "contoso", "slot": "production", "name": "contoso-v1"}],
    }
    address = "/00000000-0000-4000-8000-000000000001/services/hostedservices/contoso/deploymentslots/production/roleinstances/W_0?comp=reimage"
    start = Exchange(1, post("h", LENGTH, target=address), answer, label=label)
    finding = Finding("REQ-X", CountsAs.FAIL, "a headline", expected, "seen")
    return script_of(1, finding, [1], {1: start}, ScriptTarget.of(target))


@needs_curl
def test_values_can_be_set_and_the_script_be_pasted_again_into_the_same_shell() -> None:
    script = told_script(status=404, base_url="https://127.0.0.1:9")
    masked = "SUBSCRIPTION_ID=${SUBSCRIPTION_ID:-'<subscription-id>'}"
    assert masked in script
    mended = script.replace(masked, "SUBSCRIPTION_ID=${SUBSCRIPTION_ID:-mine}").replace(":-client.pem", ":-mine.pem")
    first, again = run(f"{script}\necho PASTED\n{mended}").split(b"PASTED")

    assert b"SUBSCRIPTION_ID is not set" in first
    assert b"SUBSCRIPTION_ID is not set" not in again
    assert b"client.pem" not in again


@needs_curl
@pytest.mark.parametrize("status", [202, 404])
def test_nothing_of_a_script_stays_in_the_shell(status: int) -> None:
    names = "(compgen -v; compgen -A function) | grep -vE '^(BASH|_|PIPESTATUS)'"
    script = told_script(status=status)
    told = run(f"{names}\necho =BEGIN=\n{script}\necho =END=\n{names}").decode()

    assert told.partition("=BEGIN=")[0].split() == told.rpartition("=END=\n")[2].split()


@pytest.mark.parametrize(
    ("label", "status", "told"),
    [
        ("step:1", 202, "This script reimages contoso/contoso-v1/W_0 (1 time): what is on it is lost."),
        ("step:1", 404, "This script reimages contoso/contoso-v1/W_0 (1 time): what is on it is lost."),
        ("contend:other", 409, "This script reimages contoso/contoso-v1/W_0 (1 time): what is on it is lost."),
        ("reimage", 500, "This script reimages contoso/contoso-v1/W_0 (1 time): what is on it is lost."),
        (
            "refusal",
            202,
            "This script reimages contoso/contoso-v1/W_0 (1 time) if the fault is still there: what is on it is lost.",
        ),
        ("refusal", 400, ""),
    ],
)
def test_a_script_says_in_its_second_line_what_it_reimages(label: str, status: int, told: str) -> None:
    second = told_script(label, status=status).splitlines()[1]

    assert second == (f"# {told} No limit of a target file holds." if told else "(")


def test_what_several_requests_reimage_is_counted() -> None:
    script = script_for(Route("https://h"), *[replace(reimage_request(), identity=Identity.NONE)] * 2, label="at-once")
    assert "This script reimages" not in script  # nothing answered them

    exchanges = {n: Exchange(n, reimage_request(), Response(202), label="step:1") for n in (1, 2)}
    assert "(2 times): what is on it is lost." in reimaged_sentence(story_of([1, 2], exchanges), {})


def listing(*instances: str) -> dict[str, list[dict[str, object]]]:
    """What a report says of a target that lists these instances of contoso/contoso-v1."""
    return {"deployments": [{"cloud_service": "contoso", "slot": "production", "name": "contoso-v1", "role_instances": list(instances)}]}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "is_told"),
    [("WebRole1_IN_0", False), ("webrole1_in_0", False), ("WebRole1_IN_7", True), ("0123456789abWebRole1", False)],
)
def test_a_script_says_that_what_did_not_exist_may_exist_now(name: str, *, is_told: bool) -> None:
    """A script is used later than the run that made sure that a name does not exist."""
    request = reimage_request()
    refused = Exchange(
        1, replace(request, target=request.target.replace("WebRole1_IN_0", name)), Response(500), label="refusal"
    )
    told = reimaged_sentence(story_of([1], {1: refused}), listing("WebRole1_IN_0"))

    expected = f"The target file does not list contoso/contoso-v1/{name}: make sure first that it still does not exist."
    assert told == (expected if is_told else "")


@needs_curl
def test_what_is_expected_names_the_id_of_this_time() -> None:
    script = told_script(expected=f"ID {STARTED}, as in the 202")

    assert 'echo "expected: ID ${ID_1}, as in the 202"' in script
    assert STARTED not in script
