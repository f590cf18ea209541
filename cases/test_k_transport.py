"""K and L. HTTP/1.1 messages and XML: what must be refused below the application, and what holds for every response."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.casebook import (
    Declared,
    NotApplicable,
    SystemUnderTest,
    Witness,
    afterwards,
    answer,
    at_the_end,
    each_form,
    precondition,
    smoke,
    verifies,
)
from conformance.checks import framing, messages
from conformance.checks.framing import closes_connection, same_connection_usable
from conformance.checks.transport import answered_with, same_answer
from conformance.model import Request
from conformance.protocol.addresses import UriForm
from conformance.protocol.requests import with_chunked, with_header, with_query, without_header

SHORT_SECONDS = 0.3
LONG_LINE = 8000
BAD_HOSTS = ("user@host", "a b", "a/b", "<host>", 'a"b', "a\\b", "a{b}")


async def harmless(sut: SystemUnderTest) -> Request:
    """A sound request that starts nothing and is answered 200: a poll of an operation that is known."""
    await sut.reimages.all_finished()
    known = await sut.operations.known_poll()
    control = await sut.send(known, label="control")
    answered = control.reply is not None and control.reply.status == 200
    precondition(
        answered, "the sound request itself is not answered 200", because=("REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE")
    )
    return known


def with_hosts(request: Request, *values: str) -> Request:
    """`request` with these Host lines first, or none."""
    rest = tuple((name, value) for name, value in request.headers if name.lower() != "host")
    return replace(request, headers=tuple(("Host", value) for value in values) + rest)


@afterwards
@verifies("REQ-HTTP-HOST")
async def test_a_request_without_host_is_refused(sut: SystemUnderTest) -> None:
    """An HTTP/1.1 request without Host gets 400."""
    await sut.refuse(with_hosts(await harmless(sut)))
    await sut.refuse(with_hosts(sut.reimage_of(Witness.FRAMING)))


@afterwards
@verifies("REQ-HTTP-HOST")
async def test_two_host_lines_are_refused(sut: SystemUnderTest) -> None:
    """Two Host lines get 400, the same value twice too."""
    for second in (sut.builder.host, "other.invalid"):
        await sut.refuse(with_hosts(await harmless(sut), sut.builder.host, second))
    await sut.refuse(with_hosts(sut.reimage_of(Witness.FRAMING), sut.builder.host, "other.invalid"))


@afterwards
@verifies("REQ-HTTP-HOST")
@pytest.mark.parametrize("value", BAD_HOSTS)
async def test_an_invalid_host_is_refused(sut: SystemUnderTest, value: str) -> None:
    """A Host value that no host can have gets 400."""
    await sut.refuse(with_hosts(await harmless(sut), value))
    await sut.refuse(with_hosts(sut.reimage_of(Witness.FRAMING), value))


@afterwards
@verifies("REQ-HTTP-WS-COLON")
@pytest.mark.parametrize("name", ["x-ms-version", "Host", "Accept"])
@pytest.mark.parametrize("space", [" ", "\t"])
async def test_white_space_before_a_colon_is_refused(sut: SystemUnderTest, name: str, space: str) -> None:
    """White space between field name and colon gets 400."""
    request = with_header(await harmless(sut), "Accept", "*/*")
    headers = tuple((key + space if key.lower() == name.lower() else key, value) for key, value in request.headers)
    await sut.refuse(replace(request, headers=headers), "REQ-HTTP-WS-COLON")


@each_form
@verifies("REQ-HTTP-WS-COLON")
def test_white_space_before_a_colon_is_refused_on_a_reimage(sut: SystemUnderTest, form: UriForm) -> Declared:
    """White space between field name and colon gets 400, and starts nothing."""
    request = sut.reimage_of(Witness.FRAMING, form)
    headers = tuple((key + " " if key == "Content-Length" else key, value) for key, value in request.headers)
    return Declared(replace(request, headers=headers), "REQ-HTTP-WS-COLON")


@afterwards
@verifies("REQ-HTTP-OBSFOLD")
async def test_a_folded_line_is_refused_or_read_as_spaces(sut: SystemUnderTest) -> None:
    """A folded header line gets 400, or counts as spaces."""
    request = await harmless(sut)
    for folded in (
        with_header(request, "x-ms-version", f"\r\n {sut.target.x_ms_version}"),
        with_header(request, "Accept", "text/xml,\r\n\tapplication/xml"),
    ):
        sut.judge(
            answered_with, await sut.send(folded, label="folded"), requirement="REQ-HTTP-OBSFOLD", statuses=[200, 400]
        )
    spoilt = await sut.send(with_header(request, "x-ms-version", f"{sut.target.x_ms_version}\r\n x"), label="folded")
    expected = "400, for what a folded line adds belongs to the value"
    arguments = {"requirement": "REQ-HTTP-OBSFOLD", "statuses": [400], "expected": expected}
    sut.judge(answered_with, spoilt, because=["REQ-VER-FORMAT"], **arguments)


@each_form
@verifies("REQ-HTTP-CL-INVALID")
@pytest.mark.parametrize("value", ["", "abc", "0abc", "-1", "+0", "0x0", "0 0", "0;", "1e0", "0.0", "O"])
async def test_an_invalid_content_length_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> None:
    """A Content-Length that is no number gets 400, and the connection is closed."""
    request = with_header(sut.reimage_of(Witness.FRAMING, form), "Content-Length", value)
    exchange = await sut.refuse(replace(request, fresh_connection=True), "REQ-HTTP-CL-INVALID", watch_close=True)
    if exchange.reply is not None:
        sut.judge(closes_connection, exchange, requirement="REQ-HTTP-CL-INVALID")


@each_form
@verifies("REQ-HTTP-CL-DIFFER")
@pytest.mark.parametrize(
    "values", [("0", "5"), ("0, 5",), ("5", "0"), ("0", "1", "0")], ids=["0 then 5", "0, 5", "5 then 0", "three"]
)
async def test_differing_content_lengths_are_refused(
    sut: SystemUnderTest, form: UriForm, values: tuple[str, ...]
) -> None:
    """Several values that differ get 400, and the connection is closed."""
    request = with_header(sut.reimage_of(Witness.FRAMING, form), "Content-Length", *values)
    exchange = await sut.refuse(replace(request, fresh_connection=True), "REQ-HTTP-CL-DIFFER", watch_close=True)
    if exchange.reply is not None:
        sut.judge(closes_connection, exchange, requirement="REQ-HTTP-CL-DIFFER")


@each_form
@verifies("REQ-HTTP-TE-CL")
async def test_a_length_beside_a_transfer_coding_ends_the_connection(sut: SystemUnderTest, form: UriForm) -> None:
    """With both the server may refuse or decode, and closes the connection after its answer."""
    request = with_chunked(sut.nowhere(form))
    both = with_header(request, "Content-Length", "0")
    exchange = await sut.try_out(replace(both, fresh_connection=True), watch_close=True)
    precondition(exchange.reply is not None, "no reply")
    sut.judge(closes_connection, exchange, requirement="REQ-HTTP-TE-CL")
    bare = replace(both, body=b"", fresh_connection=True, patience_seconds=SHORT_SECONDS)
    refused = await sut.try_out(
        bare, watch_close=True
    )  # who refuses at the head closes as well; who decodes waits for more
    if refused.reply is not None:
        sut.judge(closes_connection, refused, requirement="REQ-HTTP-TE-CL")


@each_form
@verifies("REQ-HTTP-TE-CL")
def test_the_transfer_coding_outweighs_the_length(sut: SystemUnderTest, form: UriForm) -> Declared:
    """With both the body is what the coding says: Content-Length: 0 does not make a chunk go away."""
    request = with_header(with_chunked(sut.reimage_of(Witness.FRAMING, form), b"x"), "Content-Length", "0")
    return Declared(replace(request, fresh_connection=True), "REQ-HTTP-TE-CL")


@pytest.mark.parametrize(
    ("coding", "statuses"),
    [("x-unknown, chunked", [501]), ("chunkedx, chunked", [501]), ("gzip", [400, 501]), ("chunked, gzip", [400, 501])],
)
@verifies("REQ-HTTP-TE-UNKNOWN")
async def test_an_unknown_transfer_coding_is_refused(sut: SystemUnderTest, coding: str, statuses: list[int]) -> None:
    """An unknown transfer coding gets 501; chunked that is not last gets 400, and the connection is closed."""
    last = coding.endswith("chunked")
    chunked = with_header(with_chunked(sut.nowhere()), "Transfer-Encoding", coding)
    request = chunked if last else replace(chunked, body=b"")  # nobody can tell where such a body would end
    exchange = await sut.try_out(replace(request, fresh_connection=True), watch_close=True)
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-TE-UNKNOWN", statuses=statuses)
    if not last and exchange.reply is not None:
        sut.judge(closes_connection, exchange, requirement="REQ-HTTP-TE-UNKNOWN")


@afterwards
@pytest.mark.parametrize("chunks", [(), (b"one", b"another")], ids=["empty", "two"])
@verifies("REQ-HTTP-CHUNKED", "REQ-HTTP-FRAMING")
async def test_a_chunked_body_ends_where_its_last_chunk_says(sut: SystemUnderTest, chunks: tuple[bytes, ...]) -> None:
    """A chunked body, decoded or refused, is read to its end: the next request on the connection is answered as ever."""
    known = await harmless(sut)
    exchange = await sut.try_out(with_chunked(sut.nowhere(), *chunks))
    precondition(exchange.reply is not None, "no reply")
    after = await sut.send(known, on=exchange.connection)
    sut.judge(same_connection_usable, exchange, after, requirement="REQ-HTTP-CHUNKED")


@verifies("REQ-HTTP-CL-SAME", "REQ-HTTP-411")
async def test_repeated_and_absent_lengths(sut: SystemUnderTest) -> None:
    """Records what becomes of equal Content-Length values, and whether 411 is used."""
    for values in (("0", "0"), ("0, 0",)):
        exchange = await sut.try_out(with_header(sut.nowhere(), "Content-Length", *values))
        said = answer(exchange)
        sut.observe("REQ-HTTP-CL-SAME", f"Content-Length {' and '.join(values)}: {said}", exchange)
    absent = await sut.try_out(without_header(sut.nowhere(), "Content-Length"))
    used = absent.reply is not None and absent.reply.status == 411
    sut.observe("REQ-HTTP-411", f"a missing length is {'' if used else 'not '}answered 411", absent)


@afterwards
@verifies("REQ-HTTP-CONN-CLOSE")
@pytest.mark.parametrize("option", ["close", "Close", "x-other, close"])
async def test_connection_close_is_honoured(sut: SystemUnderTest, option: str) -> None:
    """After a request with the connection option close, in whatever case and company, the server closes."""
    for request in (await harmless(sut), sut.nowhere()):
        exchange = await sut.try_out(with_header(request, "Connection", option), watch_close=True)
        precondition(exchange.reply is not None, "no reply")
        sut.judge(closes_connection, exchange, requirement="REQ-HTTP-CONN-CLOSE")


@afterwards
@smoke
@verifies("REQ-HTTP-EXPECT")
async def test_an_expectation_does_not_hold_the_answer_back(sut: SystemUnderTest) -> None:
    """With Expect: 100-continue the final answer comes even if the client sends nothing more."""
    exchange = await sut.send(with_header(await harmless(sut), "Expect", "100-continue"), label="expect")
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-EXPECT", statuses=[200, 417])


@afterwards
@verifies("REQ-HTTP-URI-LENGTH")
async def test_long_request_lines_are_read(sut: SystemUnderTest) -> None:
    """Request lines of 8000 octets are supported: a query that means nothing changes no answer by being long."""
    request = await harmless(sut)
    short = await sut.send(with_query(request, "a=1"), label="long")
    line = len(f"{request.method} {short.request.target} HTTP/1.1")
    long = await sut.send(with_query(request, "a=1" + "1" * (LONG_LINE - line)), label="long")
    sut.judge(same_answer, short, long, requirement="REQ-HTTP-URI-LENGTH", what="the length of the request line")


@afterwards
@verifies("REQ-HTTP-HEAD-NOBODY", "REQ-GOS-HEAD")
async def test_head_has_no_content(sut: SystemUnderTest) -> None:
    """A response to HEAD has no content, whatever its status."""
    request = replace(await harmless(sut), method="HEAD")
    look = [sut.builder.deployment(sut.planner.main)] if sut.instances.offers_deployment else []
    others = [replace(each, method="HEAD") for each in (sut.nowhere(), *look)]
    for varied in (request, with_header(request, "Connection", "close"), *others):
        exchange = await sut.attempt(varied)
        sut.judge(framing.framing, exchange)
        status = answer(exchange)
        if varied is request:
            sut.observe("REQ-GOS-HEAD", f"HEAD on an operation is answered {status}", exchange)


@afterwards
@verifies("REQ-HTTP-FIELD-CASE", "REQ-VER-HEADER-CASE", "REQ-VER-OWS", "REQ-NAME-ENCODING")
async def test_spelling_makes_no_difference_to_a_poll(sut: SystemUnderTest) -> None:
    """Field names are case-insensitive, and spaces around values are none of theirs."""
    request = await harmless(sut)
    plain = await sut.send(request, label="control")
    spelt = {
        ("REQ-HTTP-FIELD-CASE", "HOST in capitals"): tuple(
            (k.upper() if k == "Host" else k, v) for k, v in request.headers
        ),
        ("REQ-VER-HEADER-CASE", "X-Ms-Version"): tuple(
            (k.title() if k != "Host" else k, v) for k, v in request.headers
        ),
        ("REQ-VER-OWS", "spaces around the version"): tuple(
            (k, f"  {v}\t" if k != "Host" else v) for k, v in request.headers
        ),
    }
    encoded = replace(request, target=request.target.replace("/operations/", "/operation%73/", 1))
    what = "percent-encoding a letter of operations"
    exchange = await sut.send(encoded, label="varied")
    sut.judge(same_answer, plain, exchange, requirement="REQ-NAME-ENCODING", what=what)
    for (requirement, what), headers in spelt.items():
        exchange = await sut.send(replace(request, headers=headers), label="poll-spelling")
        sut.judge(same_answer, plain, exchange, requirement=requirement, what=what)


EVERY_RESPONSE = {
    "REQ-HTTP-DATE": messages.dates,
    "REQ-HTTP-FRAMING": framing.framing,
    "REQ-HTTP-STD-HEADERS": messages.standard_headers,
    "REQ-HTTP-VERSION-RESP": messages.response_versions,
    "REQ-HTTP-405-ALLOW": messages.allow_with_405,
    "REQ-HTTP-RETRY-AFTER": messages.retry_after_form,
    "REQ-ASYNC-REQID-UNIQUE": messages.request_ids_unique,
    "REQ-XML-WF": messages.xml_bodies,
    "REQ-XML-ENC": messages.xml_bodies,
    "REQ-XML-NS": messages.xml_bodies,
}


@smoke
@at_the_end
@pytest.mark.parametrize(
    "requirement", [pytest.param(name, marks=pytest.mark.verifies(name)) for name in EVERY_RESPONSE]
)
async def test_every_response(sut: SystemUnderTest, requirement: str) -> None:
    """What holds for every response of the run, judged over all of them."""
    if not sut.judge_all(EVERY_RESPONSE[requirement], only=[requirement]):
        raise NotApplicable("no response of the run was of this kind")
