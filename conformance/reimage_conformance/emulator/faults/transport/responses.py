"""Faults in the head of responses: dates, HEAD, protocol version, header syntax."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import (
    both,
    error_edit,
    field_added,
    reply_edit,
)
from reimage_conformance.emulator.departures import Change, edits, gives, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.places import (
    ACCEPTED,
    EVERYWHERE,
    OPERATION,
    POLL,
    READING,
    REFUSED,
    REIMAGE,
    SECOND_RESPONSE,
    with_method,
)
from reimage_conformance.emulator.writing import (
    bodiless,
    date_fields,
    field_line,
    protocol_version,
    status_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call

DATE, FRAMING, HEADERS, HEAD = "REQ-HTTP-DATE", "REQ-HTTP-FRAMING", "REQ-HTTP-STD-HEADERS", "REQ-HTTP-HEAD-NOBODY"
VERSION, RETRY = "REQ-HTTP-VERSION-RESP", "REQ-HTTP-RETRY-AFTER"
_PLACES = (EVERYWHERE, ACCEPTED, POLL, REFUSED, SECOND_RESPONSE)


def _dated(style: Callable[[float], str]) -> Change:
    return instead(date_fields, lambda _, call: (("Date", style(call.state.wall_time(call.now))),))


def _strftime(pattern: str) -> Callable[[float], str]:
    return lambda moment: time.strftime(pattern, time.gmtime(moment))


Slip("date-missing", DATE, "there is no Date among the headers{}").at(
    _PLACES, lambda place: gives(date_fields, (), place.when)
)
Slip("date-form", DATE, "Date is {}", also=(HEADERS,)).table(
    _dated,
    ("rfc850", "in the obsolete form of RFC 850", _strftime("%A, %d-%b-%y %H:%M:%S GMT")),
    ("asctime", "in the form of asctime", _strftime("%a %b %d %H:%M:%S %Y")),
    ("iso", "in ISO 8601 form", _strftime("%Y-%m-%dT%H:%M:%SZ")),
    ("offset", "with an offset for GMT", formatdate),
    ("utc", "with UTC for GMT", _strftime("%a, %d %b %Y %H:%M:%S UTC")),
    (
        "one-digit",
        "with a day of one digit",
        lambda moment: formatdate(moment - 86_400 * (time.gmtime(moment).tm_mday - 5), usegmt=True).replace(
            ", 0", ", "
        ),
    ),
    ("no-weekday", "without a day of the week", _strftime("%d %b %Y %H:%M:%S GMT")),
    (
        "wrong-weekday",
        "with the wrong day of the week",
        lambda moment: formatdate(moment - 86_400, usegmt=True)[:4] + formatdate(moment, usegmt=True)[4:],
    ),
    ("lower-case", "in lower case", lambda moment: formatdate(moment, usegmt=True).lower()),
    ("number", "as a number of seconds", lambda moment: str(int(moment))),
    ("two-digit-year", "with a year of two digits", _strftime("%a, %d %b %y %H:%M:%S GMT")),
    ("empty", "empty", lambda _: ""),
)
Slip("date-stands-still", DATE, "every response has the Date of the first one").by(
    instead(date_fields, lambda original, call: call.notes.setdefault("first-date", original(call)))
)
Slip("date-twice", HEADERS, "there are two Date headers", also=(DATE,)).by(
    edits(date_fields, lambda _, fields: fields * 2)
)


Slip("head-with-content", HEAD, "{} has content", also=(FRAMING,)).at(
    (
        EVERYWHERE.called("a response to HEAD"),
        OPERATION.called("a response to HEAD of an operation"),
        REIMAGE.called("the refusal of HEAD on a role instance"),
        READING.called("a response to HEAD of a deployment"),
    ),
    lambda place: gives(bodiless, value=False, when=both(place.when, with_method("HEAD"))),
)

Slip("response-version", VERSION, "responses are {}", also=(HEADERS,)).each(
    ("HTTP/1.0", "HTTP/1.2", "HTTP/2.0"), lambda version: gives(protocol_version, version)
)
Slip("response-version[poll:HTTP/1.0]", VERSION, "answers to polls are HTTP/1.0").by(
    gives(protocol_version, "HTTP/1.0", POLL.when)
)


def _line(form: str, *names: str) -> Change:
    """Writes the header lines called one of `names` (in lower case), or all, in another form."""

    def line(original: Callable[..., str], call: Call, name: str, value: str) -> str:
        return (
            form.format(name=name, value=value) if not names or name.lower() in names else original(call, name, value)
        )

    return instead(field_line, line)


Slip("field-{}", HEADERS, "{}").rows(
    (
        "space-before-colon",
        "white space stands before the colon of a response's header",
        _line("{name} : {value}", "server", "cache-control"),
    ),
    ("folded", "a header line of a response is folded", _line("{name}:\r\n {value}", "server")),
    ("without-colon", "a header line of a response has no colon", _line("{name} {value}", "server")),
    (
        "ends-with-line-feed",
        "a header line of a response ends in a bare line feed",
        _line("{name}: {value}\nX-Next: line", "server"),
    ),
    ("control-character", "a header of a response holds a control character", _line("{name}: {value}\x01", "server")),
)
Slip("field-malformed", HEADERS, "responses have the malformed header {}").table(
    lambda field: reply_edit(field_added(*field)),
    *(
        (name, ": ".join(field), field)
        for name, field in {
            "name-with-space": ("X Served By", "here"),
            "name-empty": ("", "nothing"),
            "name-with-parentheses": ("X(Served)", "here"),
            "content-type": ("Content-Type", "application"),
            "allow": ("Allow", "GET POST"),
            "connection": ("Connection", "keep alive"),
            "expires": ("Expires", "32 Foo 2011"),
            "content-encoding": ("Content-Encoding", "gzip"),
            "last-modified": ("Last-Modified", "yesterday"),
            "age": ("Age", "young"),
            "location": ("Location", "http://[not a uri"),
            "etag": ("ETag", "unquoted value"),
            "cache-control": ("Cache-Control", "max-age = soon;;"),
        }.items()
    ),
)
_DELAYS = {
    "word": "soon",
    "negative": "-1",
    "fraction": "1.5",
    "iso": "2011-10-11T00:00:00Z",
    "empty": "",
    "unit": "5s",
}
Slip("retry-after", RETRY, "Retry-After is {!r}", also=(HEADERS,)).each_named(
    _DELAYS, lambda delay: error_edit(field_added("Retry-After", delay))
)
Slip("retry-after-accepted", RETRY, "Retry-After of a 202 is {!r}", also=(HEADERS,)).each_named(
    _DELAYS, lambda delay: reply_edit(field_added("Retry-After", delay), "accepted")
)


def _status_lines(form: str) -> Change:
    return instead(status_line, lambda _, __, reply: form.format(reply.status))


for _broken, _also, _forms in (
    (FRAMING, HEADERS, {"no-version": "{0} OK", "no-status": "HTTP/1.1 OK", "four-digits": "HTTP/1.1 0{0} OK"}),
    (HEADERS, FRAMING, {"lower-case": "http/1.1 {0} OK", "tabs": "HTTP/1.1\t{0}\tOK"}),
):
    Slip("status-line", _broken, "the status line is malformed: {!r}", also=(VERSION, _also)).table(
        _status_lines, *((name, form.format(200), form) for name, form in _forms.items())
    )
