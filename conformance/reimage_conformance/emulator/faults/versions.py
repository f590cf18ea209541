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
    fields_dropped,
    form_is,
    kind_is,
    refusal_edit,
    refused_with,
    request_edit,
    version_is,
)
from reimage_conformance.emulator.departures import Change, When, always, gives, instead, skips
from reimage_conformance.emulator.faults.registry import fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal

_PLACES: tuple[tuple[str, str, When], ...] = (
    ("", "", always),
    ("[slot]", " by slot", form_is("slot")),
    ("[name]", " by name", form_is("name")),
    ("[operation]", " for operations", kind_is("operation")),
    ("[deployment]", " for deployments", kind_is("deployment")),
    ("[service]", " for cloud services", kind_is("service")),
)

for _suffix, _where, _when in _PLACES:
    fault(
        f"version-missing-accepted{_suffix}",
        "REQ-VER-MISSING",
        f"x-ms-version may be left out{_where}",
        instead(check_version, lambda original, call: original(call) if version_present(call) else None, _when),
        also=("REQ-GOS-VERSION-MIN",) if "operation" in _suffix else (),
    )


def _well_formed_if(test: Callable[[str], Any], when: When = always) -> tuple[Change, Change]:
    """Lets through what passes `test`, as if it were a version that is known."""

    def accept(original: Callable[..., bool], call: Call, version: str) -> bool:
        return original(call, version) or bool(test(version))

    return instead(version_well_formed, accept, when), instead(version_known, accept, when)


def _version_fits(test: Callable[[str], Any]) -> When:
    return lambda call: bool(test(call.version))


def _version_kept(keeps: Callable[[str], bool]) -> Callable[[str, str], bool]:
    return lambda name, _: name.lower() != "x-ms-version" or keeps(name)


def _matching(pattern: str) -> Callable[[str], Any]:
    return re.compile(pattern, re.IGNORECASE).fullmatch


for _name, _summary, _pattern in (
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
):
    fault(
        f"version-format-accepted[{_name}]",
        "REQ-VER-FORMAT",
        _summary,
        *_well_formed_if(_matching(_pattern)),
        gives(earliest_version, "", _version_fits(_matching(_pattern))),
    )
for _suffix, _where, _when in _PLACES[:5]:
    fault(
        f"version-format-not-checked{_suffix}",
        "REQ-VER-FORMAT",
        f"any text is a version{_where}",
        instead(
            check_version,
            lambda original, call: (
                original(call) if not call.version or version_well_formed(call, call.version) else None
            ),
            _when,
        ),
        also=("REQ-GOS-VERSION-MIN",) if "operation" in _suffix else (),
    )

for _suffix, _where, _when in (
    *_PLACES[:3],
    *((f"[{_each}]", f": {_each}", version_is(_each)) for _each in ("2009-10-01", "2010-04-01")),
):
    fault(
        f"version-old-accepted{_suffix}",
        "REQ-REIMAGE-VERSION-OLD",
        f"a version before 2010-10-28 reimages{_where}",
        gives(earliest_version, "2009-10-01", both(kind_is("reimage"), _when)),
    )
fault(
    "version-compared-by-year",
    "REQ-REIMAGE-VERSION-OLD",
    "only the year of the version is compared with the minimum",
    gives(earliest_version, "2010", kind_is("reimage")),
)
fault(
    "version-old-accepted-on-later-requests",
    "REQ-REIMAGE-VERSION-OLD",
    "the version is compared with the minimum only on a connection's first request",
    gives(earliest_version, "", lambda call: call.kind == "reimage" and call.position > 1),
)
for _suffix, _where, _when in _PLACES[:3]:
    fault(
        f"version-minimum-exclusive{_suffix}",
        "REQ-REIMAGE-VERSION",
        f"2010-10-28 itself is refused{_where}",
        instead(
            check_version,
            lambda original, call: wrong_version("version-old") if call.version == "2010-10-28" else original(call),
            both(kind_is("reimage"), _when),
        ),
    )
for _minimum in ("2011-02-25", "2011-10-01"):
    fault(
        f"version-minimum-raised[{_minimum}]",
        "REQ-REIMAGE-VERSION",
        f"a reimage needs {_minimum}",
        gives(earliest_version, _minimum, kind_is("reimage")),
        also=("REQ-VER-OLD-KEPT",),
    )
for _minimum in ("2010-04-01", "2010-10-28", "2011-10-01"):
    fault(
        f"operation-version-minimum-raised[{_minimum}]",
        "REQ-GOS-VERSION-MIN",
        f"the status of an operation needs {_minimum}",
        gives(earliest_version, _minimum, kind_is("operation")),
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


fault(
    "operation-version-tied-to-reimage",
    "REQ-GOS-VERSION-MIN",
    "an operation can be polled only with the version that started it",
    instead(check_version, _same_version_only, kind_is("operation")),
    Change("serve_call", _note_version),
)
for _version in (
    "2011-02-25",
    "2011-06-01",
    "2011-08-01",
    "2012-03-01",
    "2012-08-01",
    "2013-03-01",
    "2014-04-01",
    "2015-04-01",
):
    fault(
        f"version-dropped[{_version}]",
        "REQ-VER-OLD-KEPT",
        f"{_version} is no longer callable",
        gives(version_known, value=False, when=version_is(_version)),
    )

for _name, _summary, _keeps in (
    ("lower", "only in lower case", lambda name: name == "x-ms-version"),
    ("not-upper", "not in upper case", lambda name: name != "X-MS-VERSION"),
    ("not-mixed", "not in mixed case", lambda name: name in ("x-ms-version", "X-MS-VERSION")),
):
    fault(
        f"version-header-case[{_name}]",
        "REQ-VER-HEADER-CASE",
        f"x-ms-version is read {_summary}",
        request_edit(fields_dropped(_version_kept(_keeps))),
        also=("REQ-HTTP-FIELD-CASE",),
    )
fault(
    "version-header-case[operation]",
    "REQ-VER-HEADER-CASE",
    "x-ms-version is read only in lower case when operations are polled",
    request_edit(
        fields_dropped(lambda name, _: name.lower() != "x-ms-version" or name == "x-ms-version"),
        lambda call: "/operations/" in call.message.target,
    ),
    also=("REQ-HTTP-FIELD-CASE",),
)


def _space_kept(pattern: bytes) -> Change:
    padded = re.compile(rb"x-ms-version:" + pattern, re.IGNORECASE)
    return instead(
        check_version,
        lambda original, call: (
            wrong_version("version-format") if any(map(padded.fullmatch, call.message.raw)) else original(call)
        ),
    )


for _name, _summary, _raw in (
    ("before", "several spaces before", rb"[ ]{2,}\S+"),
    ("after", "spaces after", rb"[ ]?\S+[ ]+"),
    ("tab", "a tab around", rb"([ \t]*\t[ \t]*\S+|[ ]?\S+[ \t]*\t[ \t]*)"),
    ("none", "no space before", rb"\S+"),
):
    fault(f"version-white-space[{_name}]", "REQ-VER-OWS", f"{_summary} the version: it is refused", _space_kept(_raw))

for _defect, _requirement in (
    ("version-missing", "REQ-VER-MISSING"),
    ("version-format", "REQ-VER-FORMAT"),
    ("version-old", "REQ-REIMAGE-VERSION-OLD"),
):
    for _status in (403, 404, 412):
        fault(
            f"{_defect}-status[{_status}]",
            _requirement,
            f"{_defect} gives {_status}",
            refusal_edit(refused_with(status=_status), _defect),
            also=("REQ-ERR-CODES",),
        )
fault(
    "version-not-checked",
    "REQ-VER-MISSING",
    "x-ms-version is not looked at",
    skips(check_version),
    also=("REQ-VER-FORMAT", "REQ-REIMAGE-VERSION-OLD"),
)
