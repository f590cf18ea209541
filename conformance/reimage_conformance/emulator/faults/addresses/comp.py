"""Faults in how comp selects the operation."""

from __future__ import annotations

from reimage_conformance.emulator.admission import check_comp, comp_selects
from reimage_conformance.emulator.conditions import form_is, refusal_edit, refused_with
from reimage_conformance.emulator.departures import always, instead, skips
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.needs import Need

fault(
    "comp-parameter-renamed",
    "REQ-REIMAGE-COMP",
    "the operation is selected by action=reimage, not by comp=reimage",
    instead(comp_selects, lambda _, call, __: call.route.parameters("action") == ["reimage"]),
    also=("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME", "REQ-REIMAGE-202"),
)
for _where, _when in (("", always), ("[slot]", form_is("slot")), ("[name]", form_is("name"))):
    fault(
        f"comp-missing-accepted{_where}",
        "REQ-REIMAGE-COMP-MISSING",
        "a request without comp is a reimage",
        instead(comp_selects, lambda original, call, values: not values or original(call, values), _when),
    )
    fault(
        f"comp-value-ignored{_where}",
        "REQ-REIMAGE-COMP-MISSING",
        "any value of comp selects the reimage",
        instead(comp_selects, lambda original, call, values: bool(values) or original(call, values), _when),
    )
    fault(
        f"comp-ignored{_where}",
        "REQ-REIMAGE-COMP-MISSING",
        "comp is not looked at",
        skips(check_comp, _when),
    )
for _value in ("reboot", "start", "update", "reimag", "reimages", "", "re-image"):
    fault(
        f"comp-accepted[{_value}]",
        "REQ-REIMAGE-COMP" if _value == "reboot" else "REQ-REIMAGE-COMP-MISSING",
        f"comp={_value} reimages",
        instead(comp_selects, lambda original, call, values, each=_value: values == [each] or original(call, values)),
        needs=(Need.PROBE,) if _value == "reboot" else (),  # a reboot shows the same states as a reimage
    )
for _name, _summary, _holds in (
    ("prefix", "comp need only begin with reimage", lambda values: values[0].startswith("reimage")),
    ("substring", "comp need only contain reimage", lambda values: "reimage" in values[0]),
    ("initial", "comp need only begin like reimage", lambda values: values[0][:2] == "re"),
):
    fault(
        f"comp-{_name}",
        "REQ-REIMAGE-COMP-MISSING",
        _summary,
        instead(comp_selects, lambda *args, holds=_holds: bool(args[-1]) and holds(args[-1])),
    )
fault(
    "comp-name-ignored",
    "REQ-REIMAGE-COMP-MISSING",
    "any parameter with the value reimage selects the reimage",
    instead(comp_selects, lambda _, call, __: "reimage" in [value for _, value in call.route.query]),
)
fault(
    "comp-read-from-the-whole-query",
    "REQ-REIMAGE-COMP-MISSING",
    "the word reimage anywhere in the query selects the reimage",
    instead(comp_selects, lambda _, call, __: "reimage" in call.message.target.partition("?")[2]),
)

for _defect in ("comp-missing", "comp-wrong"):
    for _status in (404, 405, 415):
        fault(
            f"{_defect}-status[{_status}]",
            "REQ-REIMAGE-COMP-MISSING",
            f"{_defect} gives {_status}",
            refusal_edit(refused_with(status=_status), _defect),
            also=("REQ-ERR-CODES",),
        )
