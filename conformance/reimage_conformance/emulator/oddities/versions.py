"""Oddities of versions: which ones are accepted, and how the others are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import (
    check_version,
    earliest_version,
    version_known,
)
from reimage_conformance.emulator.conditions import (
    kind_is,
    refusal_edit,
    refused_with,
)
from reimage_conformance.emulator.departures import gives, instead
from reimage_conformance.emulator.oddities.registry import oddity

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call, Refusal


oddity(
    "newer-versions-code-of-its-own",
    "versions after 2012-03-01 give 400 with a code that no document names",
    instead(version_known, lambda original, call, version: original(call, version) and version <= "2012-03-01"),
    refusal_edit(refused_with(code="VersionNotSupported"), "version-unknown"),
    lenient_only=True,
)


def _first_version(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Checks only the first of several versions, whether they are in several fields or in a list."""
    first = call.version.partition(",")[0].strip()
    fields = tuple(field for field in call.message.fields if field[0].lower() != "x-ms-version")
    fields += (("x-ms-version", first),) if call.message.values("x-ms-version") else ()
    return original(replace(call, message=replace(call.message, fields=fields)))


oddity("first-version-counts", "of several versions the first counts", instead(check_version, _first_version))
oddity(
    "versions-later-accepted",
    "any later date is a version",
    instead(version_known, lambda original, call, version: original(call, version) or version > "2009-10-01"),
)
_PUBLISHED = (
    "2009-10-01",
    "2010-04-01",
    "2010-10-28",
    "2011-02-25",
    "2011-06-01",
    "2011-08-01",
    "2011-10-01",
    "2012-03-01",
    "2012-08-01",
    "2013-03-01",
    "2014-04-01",
    "2015-04-01",
)
oddity(
    "versions-published-only",
    "only versions of the published table are known",
    instead(version_known, lambda _, __, version: version in _PUBLISHED),
    advisories=("REQ-VER-OLD-KEPT",),
)
oddity(
    "historical-old-versions",
    "a reimage with version 2009-10-01 is accepted",
    gives(earliest_version, "2009-10-01", kind_is("reimage")),
    lenient_only=True,
    advisories=("REQ-REIMAGE-VERSION-OLD",),
)
oddity(
    "historical-version-code",
    "a wrong version gives 400 BadRequest",
    refusal_edit(refused_with(code="BadRequest"), "version-missing", "version-format", "version-old"),
    lenient_only=True,
    advisories=("REQ-ERR-CODES", "REQ-VER-MISSING", "REQ-VER-FORMAT"),
)
