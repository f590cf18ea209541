"""What the historical service did and strict forbids: conforming under lenient strictness only."""

from __future__ import annotations

from reimage_conformance.emulator.admission import (
    check_body,
    check_length,
    check_media_type,
    earliest_version,
    media_type_accepted,
)
from reimage_conformance.emulator.departures import gives, instead, skips
from reimage_conformance.emulator.faults.conditions import (
    COMP_DEFECTS,
    error_edit,
    kind_is,
    refusal_edit,
    refused_with,
    reply_set,
)
from reimage_conformance.emulator.lookup import find_deployment, operation_visible
from reimage_conformance.emulator.oddities.registry import oddity

oddity(
    "historical-type-missing",
    "Content-Type may be left out",
    skips(check_media_type, lambda call: not call.message.values("content-type")),
    lenient_only=True,
)
oddity("historical-type-any", "Content-Type is not looked at", skips(check_media_type), lenient_only=True)
oddity(
    "historical-type-atom",
    "application/atom+xml is accepted",
    instead(
        media_type_accepted,
        lambda original, call, value: original(call, value) or value.lower().startswith("application/atom+xml"),
    ),
    lenient_only=True,
)
oddity("historical-length-missing", "Content-Length may be left out", skips(check_length), lenient_only=True)
oddity("historical-body-ignored", "a body is read and ignored", skips(check_body), lenient_only=True)
oddity(
    "historical-slots",
    "Production and Staging are accepted",
    instead(
        find_deployment,
        lambda original, call, service, form, place: original(
            call, service, form, place.lower() if form == "slot" and place.istitle() else place
        ),
    ),
)
oddity(
    "historical-forbidden",
    "every 403 is ForbiddenError",
    refusal_edit(refused_with(code="ForbiddenError"), "certificate"),
)
oddity(
    "historical-old-versions",
    "2009-10-01 reimages",
    gives(earliest_version, "2009-10-01", kind_is("reimage")),
    lenient_only=True,
    advisories=("REQ-REIMAGE-VERSION-OLD",),
)
oddity(
    "historical-comp-404",
    "a wrong comp gives 404",
    refusal_edit(refused_with(status=404, code="ResourceNotFound"), *COMP_DEFECTS),
    lenient_only=True,
    advisories=("REQ-REIMAGE-COMP-MISSING", "REQ-ERR-CODES"),
)
oddity(
    "historical-errors-empty",
    "errors have no content",
    error_edit(reply_set(body=b"", media_type="")),
    lenient_only=True,
    advisories=("REQ-ERR-CODES",),
)
oddity(
    "historical-version-code",
    "a wrong version gives 400 BadRequest",
    refusal_edit(refused_with(code="BadRequest"), "version-missing", "version-format", "version-old"),
    lenient_only=True,
    advisories=("REQ-ERR-CODES", "REQ-VER-MISSING", "REQ-VER-FORMAT"),
)
oddity(
    "historical-operations-shared",
    "an operation can be read under another subscription",
    gives(operation_visible, value=True),
    lenient_only=True,
    advisories=("REQ-GOS-OTHER-SUB",),
)
