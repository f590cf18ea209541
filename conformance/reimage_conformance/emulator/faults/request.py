"""Faults in the rules for the content of a reimage (Content-Type, Content-Length, body), and in reading header names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_body, check_length, check_media_type, media_type_accepted
from reimage_conformance.emulator.conditions import both, fields_kept, request_edit
from reimage_conformance.emulator.departures import Change, When, gives, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.messages import Call, Refusal
from reimage_conformance.emulator.places import FORMS
from reimage_conformance.emulator.reading import Framing, content_lengths, head_refusal, read_framing

if TYPE_CHECKING:
    from collections.abc import Callable

CT, CL, BODY = "REQ-REIMAGE-CT-ABSENT", "REQ-REIMAGE-CL-ABSENT", "REQ-REIMAGE-CL-NONZERO"
PARAMETER, LITERAL, CASE = "REQ-REIMAGE-CT-PARAM", "REQ-REIMAGE-CL-LITERAL", "REQ-HTTP-FIELD-CASE"


def _missing(name: str) -> When:
    return lambda call: not call.message.values(name)


def _body_if(test: Callable[[bytes], bool]) -> Change:
    return skips(check_body, lambda call: bool(call.message.body) and test(call.message.body))


def _unread(name: str) -> Change:
    """Reads requests without the fields whose name is written exactly as `name`."""
    return request_edit(fields_kept(lambda found, _: found != name))


def _fits(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.IGNORECASE).fullmatch


def _type_if(test: Callable[[str], object]) -> Change:
    return instead(media_type_accepted, lambda original, call, value: original(call, value) or bool(test(value)))


def _type_unless(test: Callable[[str], object]) -> Change:
    return instead(media_type_accepted, lambda original, call, value: original(call, value) and not test(value))


Slip("type-missing-accepted", CT, "Content-Type may be left out{}").at(
    FORMS, lambda place: skips(check_media_type, both(place.when, _missing("content-type")))
)
Slip("type-any-accepted", CT, "any Content-Type is accepted{}").at(
    FORMS, lambda place: gives(media_type_accepted, value=True, when=place.when)
)
Slip("length-missing-accepted", CL, "Content-Length may be left out{}").at(
    FORMS, lambda place: skips(check_length, place.when)
)
Slip("body-ignored", BODY, "a body is read and ignored{}").at(FORMS, lambda place: skips(check_body, place.when))
Slip("type-accepted", CT, "{} is taken for application/xml").table(
    lambda pattern: _type_if(_fits(pattern)),
    ("atom", "application/atom+xml", r"application/atom\+xml.*"),
    ("text-xml", "text/xml", r"text/xml.*"),
    ("json", "application/json", r"application/json.*"),
    ("text", "text/plain", r"text/plain.*"),
    ("form", "application/x-www-form-urlencoded", r"application/x-www-form-urlencoded.*"),
    ("octets", "application/octet-stream", r"application/octet-stream"),
    ("empty", "an empty Content-Type", r""),
    ("longer", "a type that only begins with application/xml, such as application/xmlx,", r"application/xml[^;\s].*"),
    ("subtype", "any type with the subtype xml", r"[^/]+/xml.*"),
    ("suffix", "any type that ends in +xml", r"[^/]+/[^/]*\+xml.*"),
    ("mentioned", "any Content-Type that holds the word xml", r".*xml.*"),
    ("range", "the media range application/*", r"application/\*"),
)
Slip("type-refused", PARAMETER, "application/xml with {} is refused").table(
    lambda pattern: _type_unless(_fits(pattern)),
    ("charset", "a charset", r".*;\s*charset=.*"),
    ("parameter", "a parameter", r".*;.*"),
    ("space", "a space before the parameter", r".*\s;.*"),
    ("no-space", "no space before the parameter", r".*;\S.*"),
    ("quoted", "a quoted charset", r'.*charset="[^"]*"'),
)
Slip("type-refused", PARAMETER, "a type with {} is refused").table(
    _type_unless,
    ("any-upper-case", "a capital letter", lambda value: value.partition(";")[0] != value.partition(";")[0].lower()),
    ("all-upper-case", "capital letters only", lambda value: value.partition(";")[0].isupper()),
    ("upper-case-charset", "a charset in capital letters", lambda value: bool(re.search("CHARSET|UTF", value))),
)

Slip("length-missing-accepted-when-chunked", BODY, "a chunked body is read and ignored").by(
    skips(check_body, lambda call: bool(call.message.values("transfer-encoding"))),
    skips(check_length, lambda call: bool(call.message.values("transfer-encoding"))),
)
Slip("body-accepted", BODY, "a body {} is read and ignored").table(
    _body_if,
    ("one-octet", "of one octet", lambda body: len(body) == 1),
    ("short", "of up to 16 octets", lambda body: len(body) <= 16),
    ("long", "of more than 100 octets", lambda body: len(body) > 100),
    ("white-space", "of white space", lambda body: not body.strip()),
    ("xml", "that looks like XML", lambda body: body.lstrip().startswith(b"<")),
    ("not-xml", "that does not look like XML", lambda body: not body.lstrip().startswith(b"<")),
)


def _announces_body(call: Call) -> bool:
    """Whether some Content-Length is not zero."""
    return any(each.strip("0") for each in content_lengths(call))


Slip(
    "body-left-on-the-connection",
    BODY,
    "a body is refused but not read: its octets are taken for the next request",
    also=("REQ-HTTP-FRAMING",),
).by(
    instead(read_framing, lambda *_: Framing(), lambda call: call.message.method == "POST"),
    instead(
        check_body,
        lambda original, call: (
            Refusal("body", 400, "BadRequest", "No body, please.") if _announces_body(call) else original(call)
        ),
    ),
)
Slip(
    "body-left-on-the-connection-and-accepted",
    BODY,
    "a body is not read: its octets are taken for the next request",
    also=("REQ-HTTP-FRAMING",),
).by(instead(read_framing, lambda *_: Framing(), lambda call: call.message.method == "POST"))

Slip("literal-contentlength-refused", LITERAL, "a field called ContentLength is refused").by(
    instead(
        check_length,
        lambda original, call: (
            Refusal("length", 400, "BadRequest", "An unknown header was sent.")
            if call.message.values("contentlength")
            else original(call)
        ),
    )
)
Slip("literal-contentlength-required", CL, "a field called ContentLength is accepted in place of Content-Length").by(
    instead(check_length, lambda original, call: None if call.message.values("contentlength") else original(call))
)
Slip(
    "literal-contentlength-read",
    LITERAL,
    "a field called ContentLength counts as a second Content-Length, and is refused",
).by(
    instead(
        check_length,
        lambda original, call: (
            Refusal("length", 400, "BadRequest", "There are two lengths.")
            if call.message.values("contentlength") and call.message.values("content-length")
            else original(call)
        ),
    )
)

_FIELDS = ("content-type", "content-length")
Slip("field-case", CASE, "{} is not read in upper case").each(_FIELDS, lambda name: _unread(name.upper()))
Slip("field-case[{} in lower case]", CASE, "{} is not read in lower case").each(_FIELDS, _unread)


def _host_by_case(unread: str) -> Change:
    """Reads requests without a Host that is written exactly as `unread`; unlike `_unread`, before HTTP is checked."""
    drop = fields_kept(lambda found, _: found != unread)

    def check(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        drop(call)
        return original(call)

    return instead(head_refusal, check)


Slip("field-case[host in {} case]", CASE, "Host is not read when written {}").table(
    _host_by_case, ("upper", "HOST", "HOST"), ("lower", "host", "host")
)
