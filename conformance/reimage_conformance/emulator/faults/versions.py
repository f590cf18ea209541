"""Faults in how x-ms-version is read and judged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import (
    check_version,
    earliest_version,
    version_known,
    version_present,
    version_well_formed,
    wrong_version,
)
from reimage_conformance.emulator.conditions import (
    both,
    fields_kept,
    kind_is,
    refusal_status,
    request_edit,
    version_is,
)
from reimage_conformance.emulator.departures import Change, When, always, gives, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.places import DEPLOYMENT, FORMS, OPERATION, SERVICE, version
from reimage_conformance.emulator.service import serve_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal

OLD, MINIMUM = "REQ-REIMAGE-VERSION-OLD", "REQ-REIMAGE-VERSION"
HEADER_CASE, FIELD_CASE = "REQ-VER-HEADER-CASE", "REQ-HTTP-FIELD-CASE"
_EVERY_FORM = (*FORMS, OPERATION.blaming("REQ-GOS-VERSION-MIN"), DEPLOYMENT)

Slip("version-missing-accepted", "REQ-VER-MISSING", "x-ms-version may be left out{}").at(
    (*_EVERY_FORM, SERVICE),
    lambda place: instead(
        check_version, lambda original, call: original(call) if version_present(call) else None, place.when
    ),
)


def _well_formed_if(test: Callable[[str], Any], when: When = always) -> tuple[Change, Change]:
    """Accepts what passes `test`, as if it were a version that is known."""

    def accept(original: Callable[..., bool], call: Call, version: str) -> bool:
        return original(call, version) or bool(test(version))

    return instead(version_well_formed, accept, when), instead(version_known, accept, when)


def _version_fits(test: Callable[[str], Any]) -> When:
    return lambda call: bool(test(call.version))


def _read_if(keeps: Callable[[str], bool], when: When = always) -> Change:
    """Reads x-ms-version only where its name, as written, passes `keeps`."""
    return request_edit(fields_kept(lambda name, _: name.lower() != "x-ms-version" or keeps(name)), when)


def _matching(pattern: str) -> Callable[[str], Any]:
    return re.compile(pattern, re.IGNORECASE).fullmatch


def _format_accepted(pattern: str) -> tuple[Change, ...]:
    return *_well_formed_if(_matching(pattern)), gives(earliest_version, "", _version_fits(_matching(pattern)))


Slip("version-format-accepted", "REQ-VER-FORMAT", "{}").table(
    _format_accepted,
    ("empty", "an empty version is accepted", r""),
    ("compact", "20101028 is accepted", r"20\d{6}"),
    ("slashes", "a date with slashes or points is accepted", r"20\d\d[/.]\d\d?[/.]\d\d?"),
    ("month-only", "a month without a day is accepted", r"20\d\d-\d\d"),
    ("one-digit", "months and days of one digit are accepted", r"20\d\d-\d{1,2}-\d{1,2}"),
    ("time", "a date with a time is accepted", r"20\d\d-\d\d-\d\d[T ].*"),
    ("tail", "anything after the date is ignored", r"20\d\d-\d\d-\d\d.+"),
    ("head", "anything before the date is ignored", r".+20\d\d-\d\d-\d\d"),
    ("day-first", "a date that begins with the day is accepted", r"\d\d-\d\d-20\d\d"),
    ("number", "any number is accepted", r"[\d.]+"),
    ("word", "words are accepted", r"[a-z ]+"),
)
Slip("version-format-not-checked", "REQ-VER-FORMAT", "any text is a version{}").at(
    _EVERY_FORM,
    lambda place: instead(
        check_version,
        lambda original, call: original(call) if not call.version or version_well_formed(call, call.version) else None,
        place.when,
    ),
)

Slip("version-old-accepted", OLD, "a version before 2010-10-28 reimages{}").at(
    (*FORMS, version("2009-10-01"), version("2010-04-01")),
    lambda place: gives(earliest_version, "2009-10-01", both(kind_is("reimage"), place.when)),
)
Slip("version-compared-by-year", OLD, "only the year of the version is compared with the minimum").by(
    gives(earliest_version, "2010", kind_is("reimage"))
)
Slip(
    "version-old-accepted-on-later-requests",
    OLD,
    "the version is compared with the minimum only on a connection's first request",
).by(gives(earliest_version, "", lambda call: call.kind == "reimage" and call.position > 1))
Slip("version-minimum-exclusive", MINIMUM, "2010-10-28 itself is refused{}").at(
    FORMS,
    lambda place: instead(
        check_version,
        lambda original, call: wrong_version("version-old") if call.version == "2010-10-28" else original(call),
        both(kind_is("reimage"), place.when),
    ),
)
Slip("version-minimum-raised", MINIMUM, "a reimage needs version {} or later", also=("REQ-VER-OLD-KEPT",)).each(
    ("2011-02-25", "2011-10-01"), lambda least: gives(earliest_version, least, kind_is("reimage"))
)
Slip("operation-version-minimum-raised", "REQ-GOS-VERSION-MIN", "a poll needs version {} or later").each(
    ("2010-04-01", "2010-10-28", "2011-10-01"), lambda least: gives(earliest_version, least, kind_is("operation"))
)


def _same_version_only(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    started: dict[str, str] = call.notes.setdefault("started with", {})
    refused = original(call)
    wanted = started.get(call.route.operation, call.version)
    return refused or (None if call.version == wanted else wrong_version("version-unknown"))


def _note_version(original: Callable[..., Any], call: Call, *args: Any) -> Any:
    reply = original(call, *args)
    if reply.about == "accepted":
        call.notes.setdefault("started with", {})[reply.request_id] = call.version
    return reply


Slip(
    "operation-version-tied-to-reimage",
    "REQ-GOS-VERSION-MIN",
    "an operation can be polled only with the version that started it",
).by(instead(check_version, _same_version_only, kind_is("operation")), instead(serve_call, _note_version))
Slip("version-dropped", "REQ-VER-OLD-KEPT", "version {} is no longer accepted").each(
    (
        "2011-02-25",
        "2011-06-01",
        "2011-08-01",
        "2012-03-01",
        "2012-08-01",
        "2013-03-01",
        "2014-04-01",
        "2015-04-01",
    ),
    lambda value: gives(version_known, value=False, when=version_is(value)),
)

Slip("version-header-case", HEADER_CASE, "x-ms-version is read {}", also=(FIELD_CASE,)).table(
    _read_if,
    ("lower", "only in lower case", lambda name: name == "x-ms-version"),
    ("not-upper", "not in upper case", lambda name: name != "X-MS-VERSION"),
    ("not-mixed", "not in mixed case", lambda name: name in ("x-ms-version", "X-MS-VERSION")),
)
Slip(
    "version-header-case[operation]",
    HEADER_CASE,
    "x-ms-version is read only in lower case when operations are polled",
    also=(FIELD_CASE,),
).by(_read_if(lambda name: name == "x-ms-version", lambda call: "/operations/" in call.message.target))


def _space_kept(pattern: bytes) -> Change:
    """Refuses a version where the rest of its header line after the colon matches `pattern`."""
    padded = re.compile(rb"x-ms-version:" + pattern, re.IGNORECASE)
    return instead(
        check_version,
        lambda original, call: (
            wrong_version("version-format") if any(map(padded.fullmatch, call.message.raw)) else original(call)
        ),
    )


Slip("version-white-space", "REQ-VER-OWS", "{} the version: it is refused").table(
    _space_kept,
    ("before", "several spaces before", rb"[ ]{2,}\S+"),
    ("after", "spaces after", rb"[ ]?\S+[ ]+"),
    ("tab", "a tab around", rb"([ \t]*\t[ \t]*\S+|[ ]?\S+[ \t]*\t[ \t]*)"),
    ("none", "no space before", rb"\S+"),
)

for _defect, _requirement in {
    "version-missing": "REQ-VER-MISSING",
    "version-format": "REQ-VER-FORMAT",
    "version-old": OLD,
}.items():
    Slip(f"{_defect}-status", _requirement, f"{_defect} is answered {{}}", also=("REQ-ERR-CODES",)).each(
        (403, 404, 412), refusal_status(_defect)
    )
Slip(
    "version-not-checked",
    "REQ-VER-MISSING",
    "x-ms-version is not checked",
    also=("REQ-VER-FORMAT", OLD),
).by(skips(check_version))
