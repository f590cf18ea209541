"""Faults in how cloud services, deployments and role instances are found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_reimage_target
from reimage_conformance.emulator.conditions import form_is, kind_is, refusal_status
from reimage_conformance.emulator.departures import Change, When, always, edits, instead
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.lookup import find_deployment, find_instance, find_service
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.operations import operation_status
from reimage_conformance.emulator.places import EACH_FORM
from reimage_conformance.emulator.routing import decode_segment, origin_form
from reimage_conformance.emulator.world import Deployment, Instance

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call, Refusal

SERVICE = "REQ-REIMAGE-UNKNOWN-SERVICE"
INSTANCE = "REQ-REIMAGE-UNKNOWN-INSTANCE"
Match = Callable[[str, str], bool]
"""Whether the name of something that exists is taken for the name that is asked for."""

_MATCHES: tuple[tuple[str, str, Match], ...] = (
    ("prefix", "the beginning of a name is enough", lambda known, asked: bool(asked) and known.startswith(asked)),
    ("suffix-ignored", "what follows a known name is ignored", lambda known, asked: asked.startswith(known)),
    ("substring", "a part of a name is enough", lambda known, asked: bool(asked) and asked in known),
    ("unknown-is-first", "any unknown name stands for the first one", lambda _, __: True),
)


def _instance_if(match: Match, when: When) -> Change:
    def found(original: Callable[..., Any], call: Call, deployment: Deployment, name: str) -> Any:
        exact = original(call, deployment, name)
        return exact or next((each for each in deployment.instances.values() if match(each.name, name)), None)

    return instead(find_instance, found, when)


def _reimaged_if(match: Match) -> Change:
    return _instance_if(match, kind_is("reimage"))


def _deployment_if(match: Match) -> Change:
    def found(original: Callable[..., Any], call: Call, service: list[Deployment], form: str, asked: str) -> Any:
        exact = original(call, service, form, asked)
        return exact or next((each for each in service if match(each.name, asked)), None)

    return instead(find_deployment, found, form_is("name"))


def _service_if(match: Match, when: When) -> Change:
    def found(original: Callable[..., Any], call: Call, name: str) -> Any:
        known = call.world.services(call.route.subscription)
        return original(call, name) or next((known[each] for each in known if match(each, name)), None)

    return instead(find_service, found, when)


def _phantom(call: Call) -> None:
    """Gives a request a deployment and a role instance that do not exist, so that its reimage is accepted."""
    deployment = call.world.deployments[0]
    call.deployment = Deployment(call.route.subscription, call.route.service, "nowhere", "nothing", "0" * 32, {})
    call.instance = Instance("Phantom", call.route.instance, failing=False, installation_id=deployment.private_id)


def _accepting(*defects: str, when: When = always) -> Change:
    """Accepts reimages that are to be refused for one of `defects`."""

    def check(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        refused = original(call)
        if refused is None or refused.defect not in defects:
            return refused
        _phantom(call)
        return None

    return instead(check_reimage_target, check, when)


Slip("instance-{}", INSTANCE, "role instances: {}").table(_reimaged_if, *_MATCHES)
Slip("deployment-{}", SERVICE, "deployments by name: {}").table(_deployment_if, *_MATCHES)
Slip("service-{}", SERVICE, "cloud services: {}").table(lambda match: _service_if(match, kind_is("reimage")), *_MATCHES)
Slip("instance-unknown-is-first", INSTANCE, "{}, an unknown role instance stands for the first").at(
    EACH_FORM, lambda place: _instance_if(lambda _, __: True, place.when)
)
Slip("service-not-looked-at", SERVICE, "{}, any cloud service name is accepted").at(
    EACH_FORM, lambda place: _service_if(lambda _, __: True, place.when)
)
Slip("names-lose-what-is-not-ascii", INSTANCE, "what is not in ASCII is left out of names", also=(SERVICE,)).by(
    edits(decode_segment, lambda _, text: text.encode("ascii", "ignore").decode())
)
Slip("instance-phantom", INSTANCE, "{}, the reimage of an unknown role instance succeeds").at(
    EACH_FORM, lambda place: _accepting("instance", when=place.when)
)
Slip("instance-{}", INSTANCE, "{}").table(
    _reimaged_if,
    (
        "index-read-as-number",
        "the index of a role instance is read as a number: _IN_00 is _IN_0",
        lambda known, asked: _split(asked) == _split(known),
    ),
    (
        "index-wraps",
        "an index out of range counts again from 0",
        lambda known, asked: _split(asked)[0] == _split(known)[0],
    ),
    (
        "role-name-is-enough",
        "a role's name stands for its first instance",
        lambda known, asked: known.partition("_IN_")[0] == asked,
    ),
    (
        "white-space-trimmed",
        "white space around the name of a role instance is ignored",
        lambda known, asked: known == asked.strip(),
    ),
)


def _split(name: str) -> tuple[str, int]:
    role, _, index = name.rpartition("_IN_")
    return (role, int(index)) if index.isdecimal() else (name, -1)


def _sought_in(others: Callable[[Call, Deployment], list[Deployment]]) -> Change:
    """Looks for a role instance also in the deployments that `others` gives for the request and its deployment."""

    def found(original: Callable[..., Any], call: Call, deployment: Deployment, name: str) -> Any:
        own = original(call, deployment, name)
        elsewhere = (original(call, each, name) for each in others(call, deployment))
        return own or next((each for each in elsewhere if each is not None), None)

    return instead(find_instance, found, kind_is("reimage"))


Slip(
    "instance-of-other-slot",
    INSTANCE,
    "role instances of the service's other deployment are found as well",
    needs=(Need.BOTH_SLOTS, Need.NAME_OF_ONE_SLOT),
).by(_sought_in(lambda call, own: call.world.services(own.subscription)[own.service]))
Slip(
    "instance-of-other-service",
    INSTANCE,
    "role instances of every cloud service are found",
    needs=(Need.SECOND_SERVICE,),
).by(_sought_in(lambda call, own: [each for each in call.world.deployments if each.subscription == own.subscription]))


def _deployment_anywhere(
    original: Callable[..., Any], call: Call, service: list[Deployment], form: str, asked: str
) -> Any:
    own = original(call, service, form, asked)
    mine = [each for each in call.world.deployments if each.subscription == call.route.subscription]
    return own or original(call, mine, form, asked)


Slip(
    "deployment-of-other-service",
    SERVICE,
    "deployment names are looked up in all cloud services",
    needs=(Need.SECOND_SERVICE,),
).by(instead(find_deployment, _deployment_anywhere, form_is("name")))
Slip("deployment-name-takes-slot", SERVICE, "a slot is accepted in place of a deployment name").by(
    instead(
        find_deployment,
        lambda original, call, service, form, asked: (
            original(call, service, form, asked) or original(call, service, "slot", asked)
        ),
        form_is("name"),
    )
)
Slip(
    "empty-slot-is-the-other",
    SERVICE,
    "an empty slot leads to the deployment in the other one",
    needs=(Need.EMPTY_SLOT,),
).by(
    instead(
        find_deployment,
        lambda original, call, service, form, asked: (
            original(call, service, form, asked) or (service[0] if asked in ("production", "staging") else None)
        ),
        form_is("slot"),
    )
)
Slip("service-of-every-subscription{}", SERVICE, "cloud services of other subscriptions are found{}").table(
    lambda kinds: instead(
        find_service,
        lambda original, call, name: (
            original(call, name) or [each for each in call.world.deployments if each.service == name] or None
        ),
        kind_is(*kinds),
    ),
    ("", "", ("reimage",)),
    ("-to-look-at", ", also to look at them", ("reimage", "deployment", "service")),
)
Slip("{}-phantom", SERVICE, "a reimage in {} succeeds").table(
    _accepting,
    ("service", "a cloud service that does not exist", "service"),
    ("deployment", "a deployment that does not exist", "deployment"),
)
Slip("empty-slot-phantom", SERVICE, "a reimage in an empty slot succeeds", needs=(Need.EMPTY_SLOT,)).by(
    _accepting("slot", when=lambda call: call.route.slot_or_name in ("production", "staging"))
)
Slip("slot-phantom", "REQ-REIMAGE-SLOT-OTHER", "a reimage in a slot that does not exist succeeds").by(
    _accepting("slot")
)
Slip("instance-unknown-never-ends", INSTANCE, "the reimage of an unknown role instance stays InProgress").by(
    _accepting("instance"),
    instead(
        operation_status,
        lambda original, call, operation: (
            "InProgress" if operation.instance.role == "Phantom" else original(call, operation)
        ),
    ),
)

Slip("names-decoded-twice", INSTANCE, "percent-encoding is decoded twice").by(
    instead(decode_segment, lambda original, call, raw: original(call, original(call, raw)))
)


def _undecoded(segments: tuple[int, ...]) -> Change:
    """Leaves the percent-encoding in these path segments, counted from 0."""

    def keep(call: Call) -> str:
        path, mark, query = call.message.target.partition("?")
        parts = path.split("/")
        for segment in segments:
            if segment + 1 < len(parts):
                parts[segment + 1] = parts[segment + 1].replace("%", "%25")
        return "/".join(parts) + mark + query

    return instead(origin_form, lambda _, call: keep(call), lambda call: call.message.target.startswith("/"))


Slip("names-not-decoded", "REQ-NAME-ENCODING", "percent-encoding in the path is not decoded ({name})").each_named(
    {
        "instance": (7,),
        "deployment": (5,),
        "service": (3,),
        "subscription": (0,),
        "fixed-words": (1, 2, 4, 6),
        "all": tuple(range(8)),
    },
    _undecoded,
)
Slip(
    "names-decoded-only-with-upper-case-digits",
    "REQ-NAME-ENCODING",
    "percent-encoding with lower-case digits is not decoded",
).by(
    instead(
        decode_segment,
        lambda original, call, raw: original(call, raw) if raw == _upper(raw) else raw,
    )
)


def _upper(raw: str) -> str:
    head, *rest = raw.split("%")
    return "%".join([head, *(part[:2].upper() + part[2:] for part in rest)])


_STATUSES = {
    "service": (400, 403, 409),
    "slot": (400, 409, 410),
    "deployment": (400, 405, 409),
    "instance": (400, 409, 410),
}
for _defect, _values in _STATUSES.items():
    _also = (INSTANCE if _defect == "instance" else SERVICE,)
    _needs = (Need.EMPTY_SLOT,) if _defect == "slot" else ()
    Slip(
        f"unknown-{_defect}-status", "REQ-ERR-CODES", f"an unknown {_defect} gives {{}}", also=_also, needs=_needs
    ).each(_values, refusal_status(_defect, when=kind_is("reimage")))
