"""Oddities of addresses: other spellings that are accepted, and how names that do not exist are refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import (
    check_reimage_target,
    comp_selects,
)
from reimage_conformance.emulator.conditions import (
    COMP_DEFECTS,
    refusal_edit,
    refused_with,
    reply_edit,
)
from reimage_conformance.emulator.departures import Change, instead
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.lookup import find_deployment, find_instance
from reimage_conformance.emulator.messages import Refusal
from reimage_conformance.emulator.oddities.edits import answered_by_front
from reimage_conformance.emulator.oddities.registry import oddity
from reimage_conformance.emulator.operations import operation_error, operation_http_status
from reimage_conformance.emulator.routing import read_segments
from reimage_conformance.emulator.service import refuse
from reimage_conformance.emulator.world import Deployment, Instance

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from reimage_conformance.emulator.messages import Call
    from reimage_conformance.emulator.world import Operation


_NO_POST = Refusal("verb", 405, "InvalidHttpVerb", "Not a method of a deployment.", (("Allow", "GET, HEAD"),))

oddity(
    "unknown-names-code-of-its-own",
    "what does not exist gives 404 with a code that no document names",
    refusal_edit(refused_with(code="NoSuchThing"), "service", "slot", "deployment", "instance", "operation"),
    lenient_only=True,
)
oddity(
    "unplain-targets-html",
    "targets with an encoded NUL, slash or backslash, or that are no UTF-8, are answered in HTML, before the application sees them",
    reply_edit(
        answered_by_front(b"<html><body>Bad Request</body></html>", "text/html"),
        *("service", "slot", "deployment", "instance", "operation", "comp-wrong"),
        when=lambda call: bool(re.search(r"%(00|FF|C3%28|2F|5C)", call.message.target, re.IGNORECASE)),
    ),
)


oddity(
    "special-characters-html",
    "names with angle brackets, ampersands, asterisks, semicolons or percent signs are answered in HTML, before the application sees them",
    reply_edit(
        answered_by_front(b"<html><body>Not Found</body></html>", "text/html"),
        *("service", "slot", "deployment", "instance", "operation"),
        when=lambda call: bool(
            re.search(r"%(25|3C|3E|2A|26|3B)|[*&;]", call.message.target.partition("?")[0], re.IGNORECASE)
        ),
    ),
)
oddity(
    "long-segments-400",
    "a path with a long segment is answered 400 in HTML, before the application sees it",
    reply_edit(
        answered_by_front(b"<html><body>Bad Request - Invalid URL</body></html>", "text/html", status=400),
        *("service", "slot", "deployment", "instance", "operation"),
        when=lambda call: any(len(each) > 260 for each in call.message.target.partition("?")[0].split("/")),
    ),
)
oddity(
    "path-parameters-dropped",
    "what follows a semicolon in a name is not part of it",
    instead(find_instance, lambda original, call, deployment, name: original(call, deployment, name.partition(";")[0])),
)
oddity(
    "dot-segments-405",
    "dot segments in a path are removed before it is routed, so that the last one leads to the deployment",
    instead(
        reply_to,
        lambda original, call, refused: refuse(call, _NO_POST) if _ends_in_dots(call) else original(call, refused),
    ),
)


def _ends_in_dots(call: Call) -> bool:
    path = call.message.target.partition("?")[0]
    return path.endswith("/..") and call.message.method == "POST"


def _accepts_missing_target(original: Callable[..., Refusal | None], call: Call) -> Refusal | None:
    """Accepts a reimage of an instance that does not exist, which ends Failed."""
    refused = original(call)
    if refused is None or refused.status != 404:
        return refused
    route = call.route
    call.deployment = Deployment(route.subscription, route.service, "nowhere", route.slot_or_name, "0" * 32, {})
    call.instance = Instance("Missing", route.instance, failing=True, installation_id="")
    return None


def _missing_once_failed(point: Callable[..., Any], value: object) -> Change:
    """Makes `point` give `value` for an operation that has failed because its instance does not exist."""

    def report(original: Callable[..., Any], call: Call, operation: Operation, status: str) -> Any:
        is_missing = status == "Failed" and operation.instance.role == "Missing"
        return value if is_missing else original(call, operation, status)

    return instead(point, report)


oddity(
    "unknown-targets-fail-later",
    "the reimage of what does not exist is accepted and ends Failed with 404",
    instead(check_reimage_target, _accepts_missing_target),
    _missing_once_failed(operation_http_status, "404"),
    _missing_once_failed(operation_error, ("ResourceNotFound", "No such role instance.")),
)
oddity(
    "unknown-targets-fail-at-once-or-later",
    "by turns, the reimage of what does not exist is refused at once, or accepted and ends Failed with 404",
    instead(check_reimage_target, _accepts_missing_target, lambda call: call.number % 2 == 1),
    _missing_once_failed(operation_http_status, "404"),
    _missing_once_failed(operation_error, ("ResourceNotFound", "No such role instance.")),
)
oddity(
    "slots-without-case",
    "slots are compared without regard to case",
    instead(
        find_deployment,
        lambda original, call, service, form, asked: original(
            call, service, form, asked.lower() if form == "slot" else asked
        ),
    ),
)
oddity(
    "names-without-case",
    "names of role instances are compared without regard to case",
    instead(
        find_instance,
        lambda original, call, deployment, name: (
            original(call, deployment, name)
            or next((each for each in deployment.instances.values() if each.name.lower() == name.lower()), None)
        ),
    ),
)
oddity(
    "comp-without-case",
    "comp=reimage is compared without regard to case",
    instead(
        comp_selects,
        lambda original, call, values: original(
            call,
            [each.lower() for each in values or [value for name, value in call.route.query if name.lower() == "comp"]],
        ),
    ),
)
oddity(
    "comp-with-others-refused",
    "unknown query parameters are refused",
    instead(comp_selects, lambda original, call, values: original(call, values) and len(call.route.query) == 1),
)
oddity(
    "slash-before-query",
    "a slash before the query is ignored",
    instead(
        read_segments,
        lambda original, call, segments, path, query: original(
            call, segments[:-1] if segments[-1] == "" and len(segments) > 8 else segments, path, query
        ),
    ),
)
oddity(
    "historical-slots",
    "the slots Production and Staging are accepted",
    instead(
        find_deployment,
        lambda original, call, service, form, asked: original(
            call, service, form, asked.lower() if form == "slot" and asked.istitle() else asked
        ),
    ),
)
oddity(
    "historical-comp-404",
    "a wrong comp gives 404",
    refusal_edit(refused_with(status=404, code="ResourceNotFound"), *COMP_DEFECTS),
    lenient_only=True,
    advisories=("REQ-REIMAGE-COMP-MISSING", "REQ-ERR-CODES"),
)
