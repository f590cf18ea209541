"""Faults in how cloud services, deployments and role instances are found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.admission import check_reimage_target
from reimage_conformance.emulator.conditions import form_is, kind_is, refusal_edit, refused_with
from reimage_conformance.emulator.departures import Change, When, always, instead
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.lookup import find_deployment, find_instance, find_service
from reimage_conformance.emulator.needs import Need
from reimage_conformance.emulator.operations import operation_status
from reimage_conformance.emulator.routing import decode_segment, origin_form
from reimage_conformance.emulator.world import Deployment, Instance

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call, Refusal

SERVICE = "REQ-REIMAGE-UNKNOWN-SERVICE"
INSTANCE = "REQ-REIMAGE-UNKNOWN-INSTANCE"
Match = Callable[[str, str], bool]

_MATCHES: tuple[tuple[str, str, Match], ...] = (
    ("prefix", "the beginning of a name is enough", lambda known, asked: bool(asked) and known.startswith(asked)),
    ("suffix-ignored", "what follows a known name is ignored", lambda known, asked: asked.startswith(known)),
    ("substring", "a part of a name is enough", lambda known, asked: bool(asked) and asked in known),
    ("unknown-is-first", "any unknown name stands for the first one", lambda _, __: True),
)


def _instance_if(match: Match, when: When = always) -> Change:
    def found(original: Callable[..., Any], call: Call, deployment: Deployment, name: str) -> Any:
        exact = original(call, deployment, name)
        return exact or next((each for each in deployment.instances.values() if match(each.name, name)), None)

    return instead(find_instance, found, when)


def _deployment_if(match: Match, form: str) -> Change:
    def found(original: Callable[..., Any], call: Call, service: list[Deployment], kind: str, place: str) -> Any:
        exact = original(call, service, kind, place)
        return exact or next((each for each in service if match(each.name, place)), None)

    return instead(find_deployment, found, form_is(form))


def _service_if(match: Match, when: When) -> Change:
    def found(original: Callable[..., Any], call: Call, name: str) -> Any:
        known = call.world.services(call.route.subscription)
        return original(call, name) or next((known[each] for each in known if match(each, name)), None)

    return instead(find_service, found, when)


def _phantom(call: Call) -> None:
    """Lets a request through whose role instance does not exist, or not there."""
    deployment = call.world.deployments[0]
    call.deployment = Deployment(call.route.subscription, call.route.service, "nowhere", "nothing", "0" * 32, {})
    call.instance = Instance("Phantom", call.route.instance, failing=False, installation_id=deployment.private_id)


def _accepting(*defects: str, when: When = always) -> Change:
    def check(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
        refused = original(call)
        if refused is None or refused.defect not in defects:
            return refused
        _phantom(call)
        return None

    return instead(check_reimage_target, check, when)


for _how, _summary, _match in _MATCHES:
    fault(f"instance-{_how}", INSTANCE, f"role instances: {_summary}", _instance_if(_match, kind_is("reimage")))
    fault(f"deployment-{_how}", SERVICE, f"deployments by name: {_summary}", _deployment_if(_match, "name"))
    fault(f"service-{_how}", SERVICE, f"cloud services: {_summary}", _service_if(_match, kind_is("reimage")))
for _form in ("slot", "name"):
    fault(
        f"instance-unknown-is-first[{_form}]",
        INSTANCE,
        f"by {_form}, an unknown role instance stands for the first",
        _instance_if(lambda _, __: True, form_is(_form)),
    )
    fault(
        f"service-not-looked-at[{_form}]",
        SERVICE,
        f"by {_form}, any cloud service name will do",
        _service_if(lambda _, __: True, form_is(_form)),
    )
    fault(
        f"instance-phantom[{_form}]",
        INSTANCE,
        f"by {_form}, the reimage of an unknown role instance succeeds",
        _accepting("instance", when=form_is(_form)),
    )
fault(
    "instance-index-read-as-number",
    INSTANCE,
    "the index of a role instance is read as a number: _IN_00 is _IN_0",
    _instance_if(lambda known, asked: _split(asked) == _split(known), kind_is("reimage")),
)
fault(
    "instance-index-wraps",
    INSTANCE,
    "an index out of range counts again from 0",
    _instance_if(lambda known, asked: _split(asked)[0] == _split(known)[0], kind_is("reimage")),
)
fault(
    "instance-role-name-is-enough",
    INSTANCE,
    "a role's name stands for its first instance",
    _instance_if(lambda known, asked: known.partition("_IN_")[0] == asked, kind_is("reimage")),
)
fault(
    "instance-white-space-trimmed",
    INSTANCE,
    "white space around the name of a role instance is taken away",
    _instance_if(lambda known, asked: known == asked.strip(), kind_is("reimage")),
)


def _split(name: str) -> tuple[str, int]:
    role, _, index = name.rpartition("_IN_")
    return (role, int(index)) if index.isdecimal() else (name, -1)


def _sought_in(others: Callable[[Call, Deployment], list[Deployment]]) -> Change:
    def found(original: Callable[..., Any], call: Call, deployment: Deployment, name: str) -> Any:
        own = original(call, deployment, name)
        elsewhere = (original(call, each, name) for each in others(call, deployment))
        return own or next((each for each in elsewhere if each is not None), None)

    return instead(find_instance, found, kind_is("reimage"))


fault(
    "instance-of-other-slot",
    INSTANCE,
    "role instances of the service's other deployment are found as well",
    _sought_in(lambda call, own: call.world.services(own.subscription)[own.service]),
    needs=(Need.BOTH_SLOTS,),
)
fault(
    "instance-of-other-service",
    INSTANCE,
    "role instances of every cloud service are found",
    _sought_in(lambda call, own: [each for each in call.world.deployments if each.subscription == own.subscription]),
    needs=(Need.SECOND_SERVICE,),
)


def _deployment_anywhere(
    original: Callable[..., Any], call: Call, service: list[Deployment], form: str, place: str
) -> Any:
    own = original(call, service, form, place)
    mine = [each for each in call.world.deployments if each.subscription == call.route.subscription]
    return own or original(call, mine, form, place)


fault(
    "deployment-of-other-service",
    SERVICE,
    "deployment names are looked up in all cloud services",
    instead(find_deployment, _deployment_anywhere, form_is("name")),
    needs=(Need.SECOND_SERVICE,),
)
fault(
    "deployment-name-takes-slot",
    SERVICE,
    "a slot does where a deployment name belongs",
    instead(
        find_deployment,
        lambda original, call, service, form, place: (
            original(call, service, form, place) or original(call, service, "slot", place)
        ),
        form_is("name"),
    ),
)
fault(
    "empty-slot-is-the-other",
    SERVICE,
    "an empty slot leads to the deployment in the other one",
    instead(
        find_deployment,
        lambda original, call, service, form, place: (
            original(call, service, form, place) or (service[0] if place in ("production", "staging") else None)
        ),
        form_is("slot"),
    ),
)
for _suffix, _what, _kinds in (
    ("", "", ("reimage",)),
    ("-to-look-at", ", also to look at them", ("reimage", "deployment", "service")),
):
    fault(
        f"service-of-every-subscription{_suffix}",
        SERVICE,
        f"cloud services of other subscriptions are found{_what}",
        instead(
            find_service,
            lambda original, call, name: (
                original(call, name) or [each for each in call.world.deployments if each.service == name] or None
            ),
            kind_is(*_kinds),
        ),
    )
for _defect, _summary in (
    ("service", "a cloud service that does not exist"),
    ("deployment", "a deployment that does not exist"),
):
    fault(f"{_defect}-phantom", SERVICE, f"a reimage in {_summary} succeeds", _accepting(_defect))
fault(
    "empty-slot-phantom",
    SERVICE,
    "a reimage in an empty slot succeeds",
    _accepting("slot", when=lambda call: call.route.place in ("production", "staging")),
)
fault("slot-phantom", "REQ-REIMAGE-SLOT-OTHER", "a reimage in a slot that does not exist succeeds", _accepting("slot"))
fault(
    "instance-unknown-never-ends",
    INSTANCE,
    "the reimage of an unknown role instance stays InProgress",
    _accepting("instance"),
    instead(
        operation_status,
        lambda original, call, operation: (
            "InProgress" if operation.instance.role == "Phantom" else original(call, operation)
        ),
    ),
)

fault(
    "names-decoded-twice",
    INSTANCE,
    "percent-encoding is undone twice",
    instead(decode_segment, lambda original, call, raw: original(call, original(call, raw))),
)


def _undecoded(*places: int) -> Change:
    """Leaves the percent-encoding in these path segments, counted from 0."""

    def keep(call: Call) -> str:
        path, mark, query = call.message.target.partition("?")
        parts = path.split("/")
        for place in places:
            if place + 1 < len(parts):
                parts[place + 1] = parts[place + 1].replace("%", "%25")
        return "/".join(parts) + mark + query

    return instead(origin_form, lambda _, call: keep(call), lambda call: call.message.target.startswith("/"))


for _what, _places in {
    "instance": (7,),
    "deployment": (5,),
    "service": (3,),
    "subscription": (0,),
    "fixed-words": (1, 2, 4, 6),
    "all": tuple(range(8)),
}.items():
    fault(
        f"names-not-decoded[{_what}]",
        "REQ-NAME-ENCODING",
        f"percent-encoded letters are not the letters ({_what})",
        _undecoded(*_places),
    )
fault(
    "names-decoded-only-with-upper-case-digits",
    "REQ-NAME-ENCODING",
    "percent-encoding with lower-case digits is not undone",
    instead(
        decode_segment,
        lambda original, call, raw: original(call, raw) if raw == _upper(raw) else raw,
    ),
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
    for _status in _values:
        _requirement = INSTANCE if _defect == "instance" else SERVICE
        fault(
            f"unknown-{_defect}-status[{_status}]",
            "REQ-ERR-CODES",
            f"an unknown {_defect} gives {_status}",
            refusal_edit(refused_with(status=_status), _defect, when=kind_is("reimage")),
            also=(_requirement,),
        )
