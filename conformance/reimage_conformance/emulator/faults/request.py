"""Faults in what a reimage must say of its content: Content-Type, Content-Length, body; and in reading header names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_body, check_length, check_media_type, media_type_accepted
from reimage_conformance.emulator.conditions import both, fields_dropped, form_is, request_edit
from reimage_conformance.emulator.departures import Change, When, always, instead, skips
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.messages import Call, Refusal
from reimage_conformance.emulator.reading import Framing, content_lengths, head_refusal, read_framing

if TYPE_CHECKING:
    from collections.abc import Callable

CT, CL, BODY = "REQ-REIMAGE-CT-ABSENT", "REQ-REIMAGE-CL-ABSENT", "REQ-REIMAGE-CL-NONZERO"
_FORMS: tuple[tuple[str, str, When], ...] = (
    ("", "", always),
    ("[slot]", " by slot", form_is("slot")),
    ("[name]", " by name", form_is("name")),
)


def _missing(name: str) -> When:
    return lambda call: not call.message.values(name)


def _with_body(test: Callable[[bytes], bool]) -> When:
    return lambda call: bool(call.message.body) and test(call.message.body)


def _not_called(unread: str) -> Callable[[str, str], bool]:
    return lambda name, _: name != unread


def _type_if(test: Callable[[str], object]) -> Change:
    return instead(media_type_accepted, lambda original, call, value: original(call, value) or bool(test(value)))


def _type_unless(test: Callable[[str], object]) -> Change:
    return instead(media_type_accepted, lambda original, call, value: original(call, value) and not test(value))


for _suffix, _where, _when in _FORMS:
    fault(
        f"type-missing-accepted{_suffix}",
        CT,
        f"Content-Type may be left out{_where}",
        skips(check_media_type, both(_when, _missing("content-type"))),
    )
    fault(
        f"type-any-accepted{_suffix}",
        CT,
        f"any Content-Type will do{_where}",
        instead(media_type_accepted, lambda *_: True, _when),
    )
    fault(
        f"length-missing-accepted{_suffix}", CL, f"Content-Length may be left out{_where}", skips(check_length, _when)
    )
    fault(f"body-ignored{_suffix}", BODY, f"a body is read and ignored{_where}", skips(check_body, _when))
for _name, _summary, _pattern in (
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
):
    fault(
        f"type-accepted[{_name}]",
        CT,
        f"{_summary} is taken for application/xml",
        _type_if(re.compile(_pattern, re.IGNORECASE).fullmatch),
    )
for _name, _summary, _pattern in (
    ("charset", "a charset", r".*;\s*charset=.*"),
    ("parameter", "a parameter", r".*;.*"),
    ("space", "a space before the parameter", r".*\s;.*"),
    ("no-space", "no space before the parameter", r".*;\S.*"),
    ("quoted", "a quoted charset", r'.*charset="[^"]*"'),
):
    fault(
        f"type-refused[{_name}]",
        "REQ-REIMAGE-CT-PARAM",
        f"application/xml with {_summary} is refused",
        _type_unless(re.compile(_pattern, re.IGNORECASE).fullmatch),
    )
for _name, _summary, _refused in (
    ("any-upper-case", "a capital letter", lambda value: value.partition(";")[0] != value.partition(";")[0].lower()),
    ("all-upper-case", "capital letters only", lambda value: value.partition(";")[0].isupper()),
    ("upper-case-charset", "a charset in capital letters", lambda value: bool(re.search("CHARSET|UTF", value))),
):
    fault(
        f"type-refused[{_name}]", "REQ-REIMAGE-CT-PARAM", f"a type with {_summary} is refused", _type_unless(_refused)
    )

fault(
    "length-missing-accepted-when-chunked",
    BODY,
    "a chunked body is read and ignored",
    skips(check_body, lambda call: bool(call.message.values("transfer-encoding"))),
    skips(check_length, lambda call: bool(call.message.values("transfer-encoding"))),
)
for _name, _summary, _accepted in (
    ("one-octet", "of one octet", lambda body: len(body) == 1),
    ("short", "of up to 16 octets", lambda body: len(body) <= 16),
    ("long", "of more than 100 octets", lambda body: len(body) > 100),
    ("white-space", "of white space", lambda body: not body.strip()),
    ("xml", "that looks like XML", lambda body: body.lstrip().startswith(b"<")),
    ("not-xml", "that does not look like XML", lambda body: not body.lstrip().startswith(b"<")),
):
    fault(
        f"body-accepted[{_name}]",
        BODY,
        f"a body {_summary} is read and ignored",
        skips(check_body, _with_body(_accepted)),
    )


def _declared(call: Call) -> bool:
    return [each for each in content_lengths(call) if each.strip("0")] != []


fault(
    "body-left-on-the-connection",
    BODY,
    "a body is refused but not read: its octets are taken for the next request",
    instead(read_framing, lambda *_: Framing(), lambda call: call.message.method == "POST"),
    instead(
        check_body,
        lambda original, call: (
            Refusal("body", 400, "BadRequest", "No body, please.") if _declared(call) else original(call)
        ),
    ),
    also=("REQ-HTTP-FRAMING",),
)
fault(
    "body-left-on-the-connection-and-accepted",
    BODY,
    "a body is not read: its octets are taken for the next request",
    instead(read_framing, lambda *_: Framing(), lambda call: call.message.method == "POST"),
    also=("REQ-HTTP-FRAMING",),
)

fault(
    "literal-contentlength-refused",
    "REQ-REIMAGE-CL-LITERAL",
    "a field called ContentLength is refused",
    instead(
        check_length,
        lambda original, call: (
            Refusal("length", 400, "BadRequest", "An unknown header was sent.")
            if call.message.values("contentlength")
            else original(call)
        ),
    ),
)
fault(
    "literal-contentlength-required",
    CL,
    "the field called ContentLength does for Content-Length",
    instead(check_length, lambda original, call: None if call.message.values("contentlength") else original(call)),
)
fault(
    "literal-contentlength-read",
    "REQ-REIMAGE-CL-LITERAL",
    "a field called ContentLength is one Content-Length too many",
    instead(
        check_length,
        lambda original, call: (
            Refusal("length", 400, "BadRequest", "There are two lengths.")
            if [v for v in call.message.values("contentlength") if call.message.values("content-length")]
            else original(call)
        ),
    ),
)

for _field in ("content-type", "content-length"):
    fault(
        f"field-case[{_field}]",
        "REQ-HTTP-FIELD-CASE",
        f"{_field} is not read in upper case",
        request_edit(fields_dropped(_not_called(_field.upper()))),
    )
    fault(
        f"field-case[{_field} in lower case]",
        "REQ-HTTP-FIELD-CASE",
        f"{_field} is not read in lower case",
        request_edit(fields_dropped(_not_called(_field))),
    )


def _host_by_case(unread: str) -> Change:
    def check(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        call.message.fields = tuple(each for each in call.message.fields if each[0] != unread)
        return original(call)

    return instead(head_refusal, check)


for _name, _unread in (("upper", "HOST"), ("lower", "host")):
    fault(
        f"field-case[host in {_name} case]",
        "REQ-HTTP-FIELD-CASE",
        f"Host is not read when written {_unread}",
        _host_by_case(_unread),
    )
