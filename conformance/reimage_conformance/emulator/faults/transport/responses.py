"""Faults in the head of responses: dates, HEAD, protocol version, header syntax."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import (
    both,
    error_edit,
    field_set,
    kind_is,
    later_on_connection,
    reply_edit,
)
from reimage_conformance.emulator.departures import Change, When, always, edits, gives, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.writing import (
    bodiless,
    date_fields,
    field_line,
    protocol_version,
    status_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Fields

DATE, FRAMING, HEADERS, HEAD = "REQ-HTTP-DATE", "REQ-HTTP-FRAMING", "REQ-HTTP-STD-HEADERS", "REQ-HTTP-HEAD-NOBODY"


def accepted(call: Call) -> bool:
    """Calls whose reimage was started."""
    return call.kind == "reimage" and call.operation is not None


def _refused(call: Call) -> bool:
    return call.kind == "reimage" and call.operation is None


PLACES: tuple[tuple[str, str, When], ...] = (
    ("", "", always),
    ("[accepted]", " of a 202", accepted),
    ("[poll]", " of a poll", kind_is("operation")),
    ("[refused]", " of a refused reimage", _refused),
    ("[later]", " of a connection's second response", later_on_connection),
)
"""Which responses a fault may concern: in its name, in its summary, and as a test."""


def _dated(style: Callable[[float], str]) -> Callable[..., Fields]:
    return lambda _, call: (("Date", style(call.state.wall_time(call.now))),)


def _strftime(pattern: str) -> Callable[[float], str]:
    return lambda moment: time.strftime(pattern, time.gmtime(moment))


for _suffix, _where, _when in PLACES:
    fault(f"date-missing{_suffix}", DATE, f"there is no Date among the headers{_where}", gives(date_fields, (), _when))
_STYLES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
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
for _name, _summary, _style in _STYLES:
    fault(f"date-form[{_name}]", DATE, f"Date is {_summary}", instead(date_fields, _dated(_style)), also=(HEADERS,))
fault(
    "date-twice", HEADERS, "there are two Date headers", edits(date_fields, lambda _, fields: fields * 2), also=(DATE,)
)


for _name, _summary, _when in (
    ("", "a response to HEAD", always),
    ("[operation]", "a response to HEAD of an operation", kind_is("operation")),
    ("[reimage]", "the refusal of HEAD on a role instance", kind_is("reimage")),
    ("[deployment]", "a response to HEAD of a deployment", kind_is("deployment", "service")),
):
    fault(
        f"head-with-content{_name}",
        HEAD,
        f"{_summary} has content",
        gives(bodiless, value=False, when=both(_when, lambda call: call.message.method == "HEAD")),
        also=(FRAMING,),
    )

for _version in ("HTTP/1.0", "HTTP/1.2", "HTTP/2.0"):
    fault(
        f"response-version[{_version}]",
        "REQ-HTTP-VERSION-RESP",
        f"responses are {_version}",
        gives(protocol_version, _version),
        also=(HEADERS,),
    )
fault(
    "response-version[poll:HTTP/1.0]",
    "REQ-HTTP-VERSION-RESP",
    "answers to polls are HTTP/1.0",
    gives(protocol_version, "HTTP/1.0", kind_is("operation")),
)


def _line(form: str, *names: str) -> Change:
    def line(original: Callable[..., str], call: Call, name: str, value: str) -> str:
        return (
            form.format(name=name, value=value) if not names or name.lower() in names else original(call, name, value)
        )

    return instead(field_line, line)


fault(
    "field-space-before-colon",
    HEADERS,
    "white space stands before the colon of a response's header",
    _line("{name} : {value}", "server", "cache-control"),
)
fault("field-folded", HEADERS, "a header line of a response is folded", _line("{name}:\r\n {value}", "server"))
fault("field-without-colon", HEADERS, "a header line of a response has no colon", _line("{name} {value}", "server"))
fault(
    "field-ends-with-line-feed",
    HEADERS,
    "a header line of a response ends in a bare line feed",
    _line("{name}: {value}\nX-Next: line", "server"),
)
fault(
    "field-control-character",
    HEADERS,
    "a header of a response holds a control character",
    _line("{name}: {value}\x01", "server"),
)
for _name, _field, _value in (
    ("name-with-space", "X Served By", "here"),
    ("name-empty", "", "nothing"),
    ("name-with-parentheses", "X(Served)", "here"),
    ("content-type", "Content-Type", "application"),
    ("allow", "Allow", "GET POST"),
    ("connection", "Connection", "keep alive"),
    ("expires", "Expires", "32 Foo 2011"),
    ("content-encoding", "Content-Encoding", "gzip"),
    ("last-modified", "Last-Modified", "yesterday"),
    ("age", "Age", "young"),
    ("location", "Location", "http://[not a uri"),
    ("etag", "ETag", "unquoted value"),
    ("cache-control", "Cache-Control", "max-age = soon;;"),
):
    fault(
        f"field-malformed[{_name}]",
        HEADERS,
        f"responses have the malformed header {_field}: {_value}",
        reply_edit(field_set(_field, _value)),
    )
for _name, _value in {
    "word": "soon",
    "negative": "-1",
    "fraction": "1.5",
    "iso": "2011-10-11T00:00:00Z",
    "empty": "",
    "unit": "5s",
}.items():
    fault(
        f"retry-after[{_name}]",
        "REQ-HTTP-RETRY-AFTER",
        f"Retry-After is {_value!r}",
        error_edit(field_set("Retry-After", _value)),
        also=(HEADERS,),
    )
    fault(
        f"retry-after-accepted[{_name}]",
        "REQ-HTTP-RETRY-AFTER",
        f"Retry-After of a 202 is {_value!r}",
        reply_edit(field_set("Retry-After", _value), "accepted"),
        also=(HEADERS,),
    )


def _status_lines(form: str) -> Change:
    return instead(status_line, lambda _, __, reply: form.format(reply.status))


for _name, _form in {
    "no-version": "{0} OK",
    "no-status": "HTTP/1.1 OK",
    "lower-case": "http/1.1 {0} OK",
    "tabs": "HTTP/1.1\t{0}\tOK",
    "four-digits": "HTTP/1.1 0{0} OK",
}.items():
    fault(
        f"status-line[{_name}]",
        FRAMING if _name in ("no-version", "no-status", "four-digits") else HEADERS,
        f"the status line is malformed: {_form.format(200)!r}",
        _status_lines(_form),
        also=("REQ-HTTP-VERSION-RESP", HEADERS if _name in ("no-version", "no-status", "four-digits") else FRAMING),
    )
