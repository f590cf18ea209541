"""Faults in how comp selects the operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_comp, comp_selects
from reimage_conformance.emulator.conditions import COMP_DEFECTS, refusal_status
from reimage_conformance.emulator.departures import Change, When, always, edits, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.places import FORMS
from reimage_conformance.emulator.routing import read_query

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING = "REQ-REIMAGE-COMP-MISSING"


def _selected_if(test: Callable[[list[str]], bool], when: When = always) -> Change:
    """Makes values of comp that pass `test` select the reimage as well."""
    return instead(comp_selects, lambda original, call, values: test(values) or original(call, values), when)


def _selected_by_first(test: Callable[[str], bool]) -> Change:
    """Makes the first value of comp select the reimage where it passes `test`."""
    return instead(comp_selects, lambda _, __, values: bool(values) and test(values[0]))


Slip(
    "comp-parameter-renamed",
    "REQ-REIMAGE-COMP",
    "the operation is selected by action=reimage, not by comp=reimage",
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-REIMAGE-202"),
).by(instead(comp_selects, lambda _, call, __: call.route.parameters("action") == ["reimage"]))
Slip("comp-missing-accepted", MISSING, "a request without comp is a reimage").at(
    FORMS, lambda place: _selected_if(lambda values: not values, place.when)
)
Slip("comp-value-ignored", MISSING, "any value of comp selects the reimage").at(
    FORMS, lambda place: _selected_if(bool, place.when)
)
Slip("comp-ignored", MISSING, "comp is not checked").at(FORMS, lambda place: skips(check_comp, place.when))
# A reboot shows the same states as a reimage: the difference can be seen only by the probe.
Slip("comp-accepted[reboot]", "REQ-REIMAGE-COMP", "comp=reboot reimages", needs=(Need.PROBE,)).by(
    _selected_if(lambda values: values == ["reboot"])
)
Slip("comp-accepted", MISSING, "comp={} reimages").each(
    ("start", "update", "reimag", "reimages", "", "re-image"),
    lambda value: _selected_if(lambda values: values == [value]),
)
Slip("comp-{}", MISSING, "{}").table(
    _selected_by_first,
    ("prefix", "comp need only begin with reimage", lambda value: value.startswith("reimage")),
    ("substring", "comp need only contain reimage", lambda value: "reimage" in value),
    ("initial", "comp need only begin with re", lambda value: value[:2] == "re"),
)
Slip("comp-array-accepted", MISSING, "comp[]=reimage and comp[0]=reimage count as comp=reimage").by(
    edits(read_query, lambda _, query: tuple((re.sub(r"\[\d*\]$", "", name), value) for name, value in query))
)
Slip("comp-name-ignored", MISSING, "any parameter with the value reimage selects the reimage").by(
    instead(comp_selects, lambda _, call, __: "reimage" in [value for _, value in call.route.query])
)
Slip(
    "comp-read-from-the-whole-query",
    MISSING,
    "the word reimage anywhere in the query selects the reimage",
).by(instead(comp_selects, lambda _, call, __: "reimage" in call.message.target.partition("?")[2]))

for _defect in COMP_DEFECTS:
    Slip(f"{_defect}-status", MISSING, f"{_defect} is answered {{}}", also=("REQ-ERR-CODES",)).each(
        (404, 405, 415), refusal_status(_defect)
    )
