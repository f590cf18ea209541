"""Faults in how a reimage finds its deployment: the two URI forms and the slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_comp
from reimage_conformance.emulator.conditions import both, ends_in_two_digits, form_is, instance_matches, kind_is
from reimage_conformance.emulator.departures import Change, edits, gives, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.lookup import find_deployment, find_instance
from reimage_conformance.emulator.messages import Refusal, Route
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.places import PRODUCTION, STAGING, TWO_DIGITS, WORKER_ROLE
from reimage_conformance.emulator.routing import read_segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.places import Place
    from reimage_conformance.emulator.world import Deployment, Instance

EQUIV = "REQ-REIMAGE-URI-EQUIV"
FORMS = {"slot": "REQ-REIMAGE-URI-SLOT", "name": "REQ-REIMAGE-URI-NAME"}
OTHER, VALUES = "REQ-REIMAGE-SLOT-OTHER", "REQ-REIMAGE-SLOT-VALUES"
BAD = Refusal("odd", 400, "BadRequest", "The request cannot be processed.")


def _unrouted(form: str) -> Callable[[Call, Route], Route]:
    return lambda _, route: (
        Route(subscription=route.subscription) if (route.kind, route.form) == ("reimage", form) else route
    )


def _neighbour(
    original: Callable[..., Instance | None], call: Call, deployment: Deployment, name: str
) -> Instance | None:
    """Another instance than the one that is named: the first or the second of the deployment."""
    names = list(deployment.instances)
    found = original(call, deployment, name)
    return found and deployment.instances[names[(names.index(found.name) + 1) % min(2, len(names))]]


def _not_found(form: str) -> Callable[[Place], Change]:
    return lambda place: gives(find_instance, None, both(form_is(form), place.when))


for _form, _requirement in FORMS.items():
    Slip(f"{_form}-form-unrouted", _requirement, f"the form by {_form} leads to no resource").by(
        edits(read_segments, _unrouted(_form))
    )
    Slip(f"{_form}-form-refused", _requirement, f"every reimage by {_form} is a bad request").by(
        gives(check_comp, BAD, form_is(_form))
    )
    Slip(f"{_form}-form-{{}}-unknown", _requirement, f"by {_form}, role instances{{}} are not found", also=(EQUIV,)).at(
        (
            TWO_DIGITS.called(" from _IN_10 on", "index-of-two-digits"),
            WORKER_ROLE.called(WORKER_ROLE.words, "worker-role"),
        ),
        _not_found(_form),
    )
    Slip(
        f"{_form}-form-reaches-the-neighbour",
        EQUIV,
        f"by {_form}, another role instance than the one named is reimaged",
        also=(_requirement, "REQ-REIMAGE-OTHERS-UNTOUCHED", "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-OFFLINE"),
        needs=(Need.SECOND_INSTANCE,),
    ).by(instead(find_instance, _neighbour, form_is(_form)))
Slip(
    "every-third-reimage-reaches-the-neighbour",
    "REQ-REIMAGE-OTHERS-UNTOUCHED",
    "every third reimage is one of another role instance than the one named",
    also=(EQUIV, "REQ-REIMAGE-FRESH-OS", "REQ-REIMAGE-OFFLINE", "REQ-REIMAGE-OTHERDATA-LOST"),
    needs=(Need.SECOND_INSTANCE,),
).by(instead(find_instance, _neighbour, lambda call: len(call.world.operations) % 3 == 2))
Slip(
    "instance-index-of-two-digits-unknown",
    "REQ-REIMAGE-URI-SLOT",
    "role instances from _IN_10 on are not found",
    also=("REQ-REIMAGE-URI-NAME",),
    needs=(Need.TWO_DIGITS,),
).by(gives(find_instance, None, instance_matches(ends_in_two_digits)))


def _slot_read_as(slots: dict[str, str]) -> Change:
    """Reads each slot that is a key of `slots` as its value."""

    def found(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, asked: str) -> Any:
        return original(call, service, form, slots.get(asked, asked) if form == "slot" else asked)

    return instead(find_deployment, found, kind_is("reimage"))


def _slot_if(test: Callable[[str, str], bool]) -> Change:
    """Finds also a deployment for which `test(its slot, the slot that is asked for)` holds."""

    def found(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, asked: str) -> Any:
        exact = original(call, service, form, asked)
        if exact is not None or form != "slot":
            return exact
        return next((each for each in service if test(each.slot, asked)), None)

    return instead(find_deployment, found, kind_is("reimage"))


def _any_unknown_for(wanted: str) -> Callable[[str, str], bool]:
    return lambda slot, asked: slot == wanted and asked not in ("production", "staging")


_SLOTS = (PRODUCTION.called("production"), STAGING.called("staging"))
Slip("{}-slot-refused", VALUES, "the slot {} is a bad request").at(
    _SLOTS, lambda place: gives(check_comp, BAD, place.when)
)
Slip("{}-slot-unknown", VALUES, "nothing is found in the slot {}").at(
    _SLOTS, lambda place: gives(find_deployment, None, both(kind_is("reimage"), place.when))
)
Slip("slot-other-is-{}", OTHER, "any unknown slot value stands for {}").at(
    _SLOTS, lambda place: _slot_if(_any_unknown_for(place.word))
)
Slip(
    "staging-read-as-production",
    VALUES,
    "the slot staging leads to the production deployment",
    also=(EQUIV, "REQ-REIMAGE-UNKNOWN-SERVICE", "REQ-REIMAGE-UNKNOWN-INSTANCE"),
).by(_slot_read_as({"staging": "production"}))
Slip(
    "slots-swapped",
    EQUIV,
    "each slot leads to the deployment of the other",
    also=(
        VALUES,
        "REQ-REIMAGE-URI-SLOT",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        "REQ-REIMAGE-UNKNOWN-INSTANCE",
    ),
).by(_slot_read_as({"staging": "production", "production": "staging"}))
Slip("slot-{}", OTHER, "{}").table(
    _slot_if,
    ("prefix", "the beginning of a slot's name is enough", lambda slot, asked: slot.startswith(asked)),
    ("suffix-ignored", "what follows a slot's name is ignored", lambda slot, asked: asked.startswith(slot)),
    ("substring", "a slot's name somewhere in the value is enough", lambda slot, asked: slot in asked),
    ("trimmed", "white space around the slot is ignored", lambda slot, asked: asked.strip() == slot),
    (
        "numbered",
        "0 stands for staging and 1 for production",
        lambda slot, asked: asked == f"{int(slot == 'production')}",
    ),
)


def _slot_takes_name(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, asked: str) -> Any:
    return original(call, service, form, asked) or original(call, service, "name", asked)


Slip("slot-takes-deployment-name", OTHER, "a deployment name is accepted in place of a slot").by(
    instead(find_deployment, _slot_takes_name, form_is("slot"))
)
