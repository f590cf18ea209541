"""Transport: HTTP/1.1 messages and XML, what must be refused below the application, and what holds for every response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from reimage_conformance.casebook import (
    Declared,
    SystemUnderTest,
    Witness,
    afterwards,
    answer,
    at_the_end,
    each_form,
    inconclusive_unless,
    not_applicable_unless,
    smoke,
    untested_unless,
    values_verifying,
    verifies,
)
from reimage_conformance.judging.operations.polls import NOT_KNOWN
from reimage_conformance.judging.transport import framing, messages
from reimage_conformance.judging.transport.answers import answered_with, same_answer
from reimage_conformance.judging.transport.framing import closes_connection, same_connection_usable
from reimage_conformance.judging.wording import reply_summary, why_undecided
from reimage_conformance.model import Exchange, Request
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import with_chunked, with_header, with_query, without_header

from .accepting import NOT_SPELT
from .asking import poll_on_connection_of

SHORT_SECONDS = 0.3
LONG_LINE = 8000
BAD_HOSTS = ("user@host", "a b", "a/b", "a<b>", 'a"b', "a\\b", "a{b}")


async def answered_poll(sut: SystemUnderTest) -> Request:
    """A sound request that starts nothing and is answered 200: a poll of an operation that is known."""
    await sut.reimages.all_finished()
    known = await sut.operations.known_poll()
    control = await sut.send(known, label="control")
    status = control.reply.status if control.reply is not None else 0
    untested_unless(
        status not in NOT_KNOWN, "the endpoint forgets operations soon after their end, so that no poll can be compared"
    )
    inconclusive_unless(
        status == 200,
        f"an ordinary poll was not answered 200 ({reply_summary(control)}), so there is nothing to compare this request with",
        because=("REQ-GOS-200", "REQ-GOS-TERMINAL-STABLE"),
        why=why_undecided(control),
    )
    return known


def with_hosts(request: Request, *values: str) -> Request:
    """`request` with one Host line for each of `values`, before all other lines."""
    rest = tuple((name, value) for name, value in request.headers if name.lower() != "host")
    return replace(request, headers=tuple(("Host", value) for value in values) + rest)


def judge_closed(sut: SystemUnderTest, exchange: Exchange, requirement: str) -> None:
    """Judges that the connection was closed after an answer, where there is one."""
    if exchange.reply is not None:
        sut.judge(closes_connection, exchange, requirement=requirement)


def closing(request: Request, requirement: str) -> Declared:
    """A bad request on a connection of its own, which is to be closed after the refusal."""
    judge: Callable[[SystemUnderTest, Exchange], None] = partial(judge_closed, requirement=requirement)
    return Declared(replace(request, fresh_connection=True), requirement, watch_close=True, then=judge)


@afterwards
@verifies("REQ-HTTP-HOST")
async def test_a_request_without_host_is_refused(sut: SystemUnderTest) -> list[Request]:
    """An HTTP/1.1 request without Host gets 400."""
    return [with_hosts(await answered_poll(sut)), with_hosts(sut.reimage_of(Witness.FRAMING))]


@afterwards
@verifies("REQ-HTTP-HOST")
async def test_two_host_lines_are_refused(sut: SystemUnderTest) -> list[Request]:
    """Two Host lines get 400, also if both have the same value."""
    own, poll = sut.builder.host, await answered_poll(sut)
    differing = [with_hosts(each, own, "other.invalid") for each in (poll, sut.reimage_of(Witness.FRAMING))]
    return [with_hosts(poll, own, own), *differing]


@afterwards
@verifies("REQ-HTTP-HOST")
@pytest.mark.parametrize("value", BAD_HOSTS)
async def test_an_invalid_host_is_refused(sut: SystemUnderTest, value: str) -> list[Request]:
    """A Host value that no host can have gets 400."""
    return [with_hosts(await answered_poll(sut), value), with_hosts(sut.reimage_of(Witness.FRAMING), value)]


def with_space_before_colon(request: Request, field: str, space: str = " ") -> Declared:
    """A request with white space between the name of a field and its colon."""
    headers = tuple((name + space if name.lower() == field.lower() else name, value) for name, value in request.headers)
    return Declared(replace(request, headers=headers), "REQ-HTTP-WS-COLON")


@afterwards
@verifies("REQ-HTTP-WS-COLON")
@pytest.mark.parametrize("name", ["x-ms-version", "Host", "Accept"])
@pytest.mark.parametrize("space", [" ", "\t"])
async def test_white_space_before_a_colon_is_refused(sut: SystemUnderTest, name: str, space: str) -> Declared:
    """White space between field name and colon gets 400."""
    return with_space_before_colon(with_header(await answered_poll(sut), "Accept", "*/*"), name, space)


@each_form
@verifies("REQ-HTTP-WS-COLON")
def test_white_space_before_a_colon_is_refused_on_a_reimage(sut: SystemUnderTest, form: UriForm) -> Declared:
    """White space between field name and colon gets 400, and starts nothing."""
    return with_space_before_colon(sut.reimage_of(Witness.FRAMING, form), "Content-Length")


@afterwards
@verifies("REQ-HTTP-OBSFOLD")
async def test_a_folded_line_is_refused_or_read_as_spaces(sut: SystemUnderTest) -> None:
    """A folded header line gets 400, or counts as spaces."""
    request, version = await answered_poll(sut), sut.target.x_ms_version
    await judge_folded(sut, with_header(request, "x-ms-version", f"\r\n {version}"), [200, 400])
    await judge_folded(sut, with_header(request, "Accept", "text/xml,\r\n\tapplication/xml"), [200, 400])
    expected = f"400, since the whole value of x-ms-version is '{version} x'"
    await judge_folded(sut, with_header(request, "x-ms-version", f"{version}\r\n x"), [400], expected=expected)


async def judge_folded(sut: SystemUnderTest, request: Request, statuses: list[int], **arguments: object) -> None:
    """Judges the status with which a request with a folded line is answered."""
    exchange = await sut.send(request, label="folded")
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-OBSFOLD", statuses=statuses, **arguments)


@each_form
@verifies("REQ-HTTP-CL-INVALID")
@pytest.mark.parametrize("value", ["", "abc", "0abc", "-1", "+0", "0x0", "0 0", "0;", "1e0", "0.0", "O"])
def test_an_invalid_content_length_is_refused(sut: SystemUnderTest, form: UriForm, value: str) -> Declared:
    """A Content-Length that is no number gets 400, and the connection is closed."""
    request = with_header(sut.reimage_of(Witness.FRAMING, form), "Content-Length", value)
    return closing(request, "REQ-HTTP-CL-INVALID")


@each_form
@verifies("REQ-HTTP-CL-DIFFER")
@pytest.mark.parametrize(
    "values", [("0", "5"), ("0, 5",), ("5", "0"), ("0", "1", "0")], ids=["0 then 5", "0, 5", "5 then 0", "three"]
)
def test_differing_content_lengths_are_refused(
    sut: SystemUnderTest, form: UriForm, values: tuple[str, ...]
) -> Declared:
    """Several values that differ get 400, and the connection is closed."""
    request = with_header(sut.reimage_of(Witness.FRAMING, form), "Content-Length", *values)
    return closing(request, "REQ-HTTP-CL-DIFFER")


@each_form
@verifies("REQ-HTTP-TE-CL")
async def test_a_length_beside_a_transfer_coding_ends_the_connection(sut: SystemUnderTest, form: UriForm) -> None:
    """With Content-Length and Transfer-Encoding the server may refuse or decode, and closes the connection after its answer."""
    both = replace(with_header(with_chunked(sut.unknown_instance(form)), "Content-Length", "0"), fresh_connection=True)
    exchange = await sut.try_out(both, watch_close=True)
    inconclusive_unless(exchange.reply is not None, "no reply")
    judge_closed(sut, exchange, "REQ-HTTP-TE-CL")
    bare = replace(both, body=b"", patience_seconds=SHORT_SECONDS)  # an endpoint that decodes waits for more
    judge_closed(sut, await sut.try_out(bare, watch_close=True), "REQ-HTTP-TE-CL")


@each_form
@verifies("REQ-HTTP-TE-CL")
def test_the_transfer_coding_outweighs_the_length(sut: SystemUnderTest, form: UriForm) -> Declared:
    """With Content-Length and Transfer-Encoding the latter decides: a chunk is a body in spite of Content-Length: 0."""
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
    request = with_header(with_chunked(sut.unknown_instance()), "Transfer-Encoding", coding)
    request = replace(request, fresh_connection=True, body=request.body if last else b"")  # no end could be found
    exchange = await sut.try_out(request, watch_close=True)
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-TE-UNKNOWN", statuses=statuses)
    if not last:
        judge_closed(sut, exchange, "REQ-HTTP-TE-UNKNOWN")


@afterwards
@pytest.mark.parametrize("chunks", [(), (b"one", b"another")], ids=["empty", "two"])
@verifies("REQ-HTTP-CHUNKED", "REQ-HTTP-FRAMING")
async def test_a_chunked_body_ends_where_its_last_chunk_says(sut: SystemUnderTest, chunks: tuple[bytes, ...]) -> None:
    """A chunked body is read to its end, whether it is accepted or refused: the next request on the connection is answered as usual."""
    known = await answered_poll(sut)
    exchange = await sut.try_out(with_chunked(sut.unknown_instance(), *chunks))
    inconclusive_unless(exchange.reply is not None, "no reply")
    polls = await poll_on_connection_of(sut, exchange, known)
    sut.judge(same_connection_usable, exchange, *polls, requirement="REQ-HTTP-CHUNKED")


@verifies("REQ-HTTP-CL-SAME", "REQ-HTTP-411")
async def test_repeated_and_absent_lengths(sut: SystemUnderTest) -> None:
    """Records how equal Content-Length values are answered, and whether 411 is used."""
    await record_lengths(sut, "0", "0")
    await record_lengths(sut, "0, 0")
    absent = await sut.try_out(without_header(sut.unknown_instance(), "Content-Length"))
    used = "" if answer(absent) == "411" else "not "
    sut.observe("REQ-HTTP-411", f"a missing length is {used}answered 411", absent)


async def record_lengths(sut: SystemUnderTest, *lengths: str) -> None:
    """Records how a request with these values of Content-Length is answered."""
    exchange = await sut.try_out(with_header(sut.unknown_instance(), "Content-Length", *lengths))
    sut.observe("REQ-HTTP-CL-SAME", f"Content-Length {' and '.join(lengths)}: {answer(exchange)}", exchange)


@afterwards
@verifies("REQ-HTTP-CONN-CLOSE")
@pytest.mark.parametrize("option", ["close", "Close", "x-other, close"])
async def test_connection_close_is_honoured(sut: SystemUnderTest, option: str) -> None:
    """After a request with the connection option close, in whatever case and with whatever other options, the connection is closed."""
    await judge_option(sut, await answered_poll(sut), option)
    await judge_option(sut, sut.unknown_instance(), option)


@afterwards
@smoke
@verifies("REQ-HTTP-EXPECT")
async def test_an_expectation_does_not_hold_the_answer_back(sut: SystemUnderTest) -> None:
    """With Expect: 100-continue the final answer comes even if the client sends nothing more."""
    exchange = await sut.send(with_header(await answered_poll(sut), "Expect", "100-continue"), label="expect")
    sut.judge(answered_with, exchange, requirement="REQ-HTTP-EXPECT", statuses=[200, 417])


@afterwards
@verifies("REQ-HTTP-URI-LENGTH")
async def test_long_request_lines_are_read(sut: SystemUnderTest) -> None:
    """Request lines of 8000 octets are supported: a query that means nothing makes no difference when it is long."""
    request = await answered_poll(sut)
    short = await sut.send(with_query(request, "a=1"), label="long")
    line = len(f"{request.method} {short.request.target} HTTP/1.1")
    long = await sut.send(with_query(request, "a=1" + "1" * (LONG_LINE - line)), label="long")
    what = f"a request line of {LONG_LINE} octets"
    sut.judge(same_answer, short, long, requirement="REQ-HTTP-URI-LENGTH", what=what)


async def judge_option(sut: SystemUnderTest, request: Request, option: str) -> None:
    """Judges that the connection is closed after a request with this connection option."""
    exchange = await sut.try_out(with_header(request, "Connection", option), watch_close=True)
    inconclusive_unless(exchange.reply is not None, "no reply")
    sut.judge(closes_connection, exchange, requirement="REQ-HTTP-CONN-CLOSE")


@afterwards
@verifies("REQ-HTTP-HEAD-NOBODY", "REQ-GOS-HEAD")
async def test_head_has_no_content(sut: SystemUnderTest) -> None:
    """A response to HEAD has no content, whatever its status."""
    poll = replace(await answered_poll(sut), method="HEAD")
    look = replace(sut.builder.deployment(sut.planner.main), method="HEAD")
    requests = [poll, with_header(poll, "Connection", "close"), *([look] if sut.instances.offers_deployment else [])]
    exchanges = [await sut.attempt(request) for request in requests]
    sut.observe("REQ-GOS-HEAD", f"HEAD on an operation is answered {answer(exchanges[0])}", exchanges[0])
    sut.judge_each(framing.framing, [[exchange] for exchange in exchanges])


@verifies("REQ-HTTP-HEAD-NOBODY")
async def test_a_refusal_of_head_has_no_content(sut: SystemUnderTest) -> None:
    """An answer to HEAD on an unknown instance has no content; if the endpoint starts a reimage, that counts as one."""
    sut.judge(framing.framing, await sut.attempt(replace(sut.unknown_instance(), method="HEAD")))


def respelt(request: Request, spell: Callable[[str, str], tuple[str, str]]) -> Request:
    """A request whose header lines are changed by `spell`, which gets and gives name and value."""
    return replace(request, headers=tuple(spell(name, value) for name, value in request.headers))


@afterwards
@verifies("REQ-HTTP-FIELD-CASE", "REQ-VER-HEADER-CASE", "REQ-VER-OWS", "REQ-NAME-ENCODING")
async def test_spelling_makes_no_difference_to_a_poll(sut: SystemUnderTest) -> None:
    """Field names are case-insensitive, and white space around a value is no part of it."""
    request = await answered_poll(sut)
    alike = partial(sut.judge_alike, await sut.send(request, label="control"), short_of=NOT_SPELT)
    upper = respelt(request, lambda name, value: (name.upper() if name == "Host" else name, value))
    title = respelt(request, lambda name, value: (name if name == "Host" else name.title(), value))
    spaced = respelt(request, lambda name, value: (name, value if name == "Host" else f"  {value}\t"))
    for spelt in ("operation%73", "%6fperations"):
        encoded = replace(request, target=request.target.replace("operations", spelt, 1))
        await alike("REQ-NAME-ENCODING", {f"'{spelt}' in place of 'operations' in its path": encoded})
    await alike("REQ-HTTP-FIELD-CASE", {"the header name Host written HOST": upper}, label="poll-spelling")
    await alike(
        "REQ-VER-HEADER-CASE", {"the header name x-ms-version written X-Ms-Version": title}, label="poll-spelling"
    )
    await alike("REQ-VER-OWS", {"blanks before and after its header values": spaced}, label="poll-spelling")


@at_the_end
@verifies("REQ-HTTP-DATE")
async def test_the_date_goes_on(sut: SystemUnderTest) -> None:
    """The Date of responses goes on with the time."""
    judged = sut.judge_all(messages.dates_go_on)
    not_applicable_unless(judged, "the run got no dated responses that lie far enough apart")


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
@values_verifying("requirement", {name: name for name in EVERY_RESPONSE})
async def test_every_response(sut: SystemUnderTest, requirement: str) -> None:
    """What holds for every response of the run, judged over all of them."""
    judged = sut.judge_all(EVERY_RESPONSE[requirement], only=[requirement])
    not_applicable_unless(judged, "the run got no response to which this requirement applies")
