"""Faults in how a reimage finds its deployment: the two URI forms and the slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_comp
from reimage_conformance.emulator.conditions import both, form_is, instance_matches, kind_is, slot_is, two_digits
from reimage_conformance.emulator.departures import edits, gives, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.lookup import find_deployment, find_instance
from reimage_conformance.emulator.messages import Refusal, Route
from reimage_conformance.emulator.needs import Need, needs_of
from reimage_conformance.emulator.routing import read_segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Deployment, Instance

FORMS = {"slot": "REQ-REIMAGE-URI-SLOT", "name": "REQ-REIMAGE-URI-NAME"}
BAD = Refusal("odd", 400, "BadRequest", "The request cannot be processed.")


def _unrouted(form: str) -> Callable[[Call, Route], Route]:
    return lambda _, route: Route(route.subscription) if (route.kind, route.form) == ("reimage", form) else route


def _neighbour(
    original: Callable[..., Instance | None], call: Call, deployment: Deployment, name: str
) -> Instance | None:
    names = list(deployment.instances)
    found = original(call, deployment, name)
    return found and deployment.instances[names[(names.index(found.name) + 1) % min(2, len(names))]]


for _form, _requirement in FORMS.items():
    _other = "name" if _form == "slot" else "slot"
    fault(
        f"{_form}-form-unrouted",
        _requirement,
        f"the form by {_form} leads to no resource",
        edits(read_segments, _unrouted(_form)),
    )
    fault(
        f"{_form}-form-refused",
        _requirement,
        f"every reimage by {_form} is a bad request",
        gives(check_comp, BAD, form_is(_form)),
    )
    fault(
        f"{_form}-form-index-of-two-digits-unknown",
        _requirement,
        f"by {_form}, role instances from _IN_10 on are not found",
        gives(find_instance, None, both(form_is(_form), instance_matches(two_digits))),
        also=("REQ-REIMAGE-URI-EQUIV",),
        needs=(Need.TWO_DIGITS,),
    )
    fault(
        f"{_form}-form-worker-role-unknown",
        _requirement,
        f"by {_form}, role instances of a worker role are not found",
        gives(find_instance, None, both(form_is(_form), instance_matches(lambda name: "Worker" in name))),
        also=("REQ-REIMAGE-URI-EQUIV",),
        needs=(Need.WORKER_ROLE,),
    )
    fault(
        f"{_form}-form-reaches-the-neighbour",
        "REQ-REIMAGE-URI-EQUIV",
        f"by {_form}, another role instance than the one named is reimaged",
        instead(find_instance, _neighbour, form_is(_form)),
        also=(_requirement, "REQ-REIMAGE-OTHERS-UNTOUCHED", "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-OFFLINE"),
        needs=(Need.SECOND_INSTANCE,),
    )
fault(
    "instance-index-of-two-digits-unknown",
    "REQ-REIMAGE-URI-SLOT",
    "role instances from _IN_10 on are not found",
    gives(find_instance, None, instance_matches(two_digits)),
    also=("REQ-REIMAGE-URI-NAME",),
    needs=(Need.TWO_DIGITS,),
)


def _slot_read_as(slots: dict[str, str]) -> Callable[..., Any]:
    def found(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, place: str) -> Any:
        return original(call, service, form, slots.get(place, place) if form == "slot" else place)

    return found


def _slot_if(test: Callable[[str, str], bool]) -> Callable[..., Any]:
    def found(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, place: str) -> Any:
        exact = original(call, service, form, place)
        if exact is not None or form != "slot":
            return exact
        return next((each for each in service if test(each.slot, place)), None)

    return found


def _unknown_is(wanted: str) -> Callable[[str, str], bool]:
    return lambda slot, place: slot == wanted and place not in ("production", "staging")


for _slot in ("production", "staging"):
    fault(
        f"{_slot}-slot-refused",
        "REQ-REIMAGE-SLOT-VALUES",
        f"the slot {_slot} is a bad request",
        gives(check_comp, BAD, slot_is(_slot)),
        needs=needs_of(_slot),
    )
    fault(
        f"{_slot}-slot-unknown",
        "REQ-REIMAGE-SLOT-VALUES",
        f"nothing is found in the slot {_slot}",
        gives(find_deployment, None, both(kind_is("reimage"), slot_is(_slot))),
        needs=needs_of(_slot),
    )
    fault(
        f"slot-other-is-{_slot}",
        "REQ-REIMAGE-SLOT-OTHER",
        f"any unknown slot value stands for {_slot}",
        instead(
            find_deployment,
            _slot_if(_unknown_is(_slot)),
            kind_is("reimage"),
        ),
        needs=needs_of(_slot),
    )
fault(
    "staging-read-as-production",
    "REQ-REIMAGE-SLOT-VALUES",
    "the slot staging leads to the production deployment",
    instead(find_deployment, _slot_read_as({"staging": "production"}), kind_is("reimage")),
    also=("REQ-REIMAGE-URI-EQUIV", "REQ-REIMAGE-UNKNOWN-SERVICE", "REQ-REIMAGE-UNKNOWN-INSTANCE"),
)
fault(
    "slots-swapped",
    "REQ-REIMAGE-URI-EQUIV",
    "each slot leads to the deployment of the other",
    instead(find_deployment, _slot_read_as({"staging": "production", "production": "staging"}), kind_is("reimage")),
    also=(
        "REQ-REIMAGE-SLOT-VALUES",
        "REQ-REIMAGE-URI-SLOT",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
    ),
)
for _how, _summary, _test in (
    ("prefix", "the beginning of a slot's name is enough", lambda slot, place: slot.startswith(place)),
    ("suffix-ignored", "what follows a slot's name is ignored", lambda slot, place: place.startswith(slot)),
    ("substring", "a slot's name somewhere in the value is enough", lambda slot, place: slot in place),
    ("trimmed", "white space around the slot is taken away", lambda slot, place: place.strip() == slot),
    (
        "numbered",
        "0 stands for staging and 1 for production",
        lambda slot, place: place == f"{int(slot == 'production')}",
    ),
):
    fault(
        f"slot-{_how}",
        "REQ-REIMAGE-SLOT-OTHER",
        _summary,
        instead(find_deployment, _slot_if(_test), kind_is("reimage")),
    )


def _slot_takes_name(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, place: str) -> Any:
    return original(call, service, form, place) or original(call, service, "name", place)


fault(
    "slot-takes-deployment-name",
    "REQ-REIMAGE-SLOT-OTHER",
    "a deployment name does where a slot belongs",
    instead(find_deployment, _slot_takes_name, form_is("slot")),
)
