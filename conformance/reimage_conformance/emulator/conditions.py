"""What faults and oddities share: tests of the calls that they apply to, and changes of requests, refusals, replies and operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reimage_conformance.emulator.departures import Change, When, always, instead
from reimage_conformance.emulator.http1 import reply_to
from reimage_conformance.emulator.lookup import find_operation
from reimage_conformance.emulator.messages import Pause
from reimage_conformance.emulator.operations import start_operation
from reimage_conformance.emulator.service import refuse
from reimage_conformance.emulator.writing import render

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Action, Call, Refusal, Reply
    from reimage_conformance.emulator.world import Operation

OperationTest = Callable[["Operation"], bool]
"""A test that an operation passes or not."""

SILENCE = Pause(3600.0)
"""An hour in which nothing is sent: longer than any client waits for an answer."""

# Groups of `Refusal.defect`.
VERSION_DEFECTS = ("version-missing", "version-format", "version-old")
COMP_DEFECTS = ("comp-missing", "comp-wrong")
SERVICE_DEFECTS = ("service", "slot", "deployment")
VERB_DEFECTS = ("verb", "verb-unknown")
TYPE_DEFECTS = ("type-missing", "type-wrong")


def kind_is(*kinds: str) -> When:
    """Calls for these kinds of resource."""
    return lambda call: call.kind in kinds


def form_is(form: str) -> When:
    """Reimages that address the deployment in one form, slot or name."""
    return lambda call: call.kind == "reimage" and call.form == form


def slot_is(slot: str) -> When:
    """Calls that address the deployment by this slot."""
    return lambda call: call.form == "slot" and call.route.slot_or_name == slot


def version_is(*versions: str) -> When:
    """Calls with one of these values of x-ms-version."""
    return lambda call: call.version in versions


def instance_matches(test: Callable[[str], bool]) -> When:
    """Reimages of role instances whose name passes `test`."""
    return lambda call: call.kind == "reimage" and test(call.route.instance)


def ends_in_two_digits(name: str) -> bool:
    """Whether an instance name ends in two digits, as it does where its index is 10 or more."""
    return name[-2:].isdigit()


def later_on_connection(call: Call) -> bool:
    """Every request on a connection but its first."""
    return call.position > 1


def has_two_framings(call: Call) -> bool:
    """Requests with Transfer-Encoding and Content-Length."""
    return bool(call.message.values("transfer-encoding")) and bool(call.message.values("content-length"))


def both(first: When, second: When) -> When:
    """Calls that pass both tests."""
    return lambda call: first(call) and second(call)


def polled(test: OperationTest) -> When:
    """Polls of operations that pass `test`."""
    return lambda call: call.kind == "operation" and call.operation is not None and test(call.operation)


def has_run_its_time(call: Call, operation: Operation) -> bool:
    """Whether the duration of an operation is over. No fault or oddity changes this, as they may change `is_over`."""
    return call.now >= operation.ends_at


def poll_in(state: str) -> When:
    """Polls of operations in `state`: InProgress, Succeeded or Failed."""

    def test(call: Call) -> bool:
        if call.operation is None or call.kind != "operation":
            return False
        ended = "Failed" if call.operation.instance.failing else "Succeeded"
        return (ended if has_run_its_time(call, call.operation) else "InProgress") == state

    return test


def reply_edit(edit: Callable[[Call, Reply], Any], *about: str, when: When = always) -> Change:
    """A change that calls `edit` on each reply whose `about` is among these; on every reply where none is given."""

    def change(original: Callable[..., Reply], call: Call, *args: Any) -> Reply:
        reply = original(call, *args)
        if (not about or reply.about in about) and when(call):
            edit(call, reply)
        return reply

    return instead(reply_to, change)


def performs(*actions: Action, when: When = always) -> Change:
    """A change that performs `actions` in place of writing a response."""
    return instead(render, lambda *_: list(actions), when)


def error_edit(edit: Callable[[Call, Reply], Any], when: When = always) -> Change:
    """A change that calls `edit` on each reply of the service with a status of 400 or more; not on replies of the probe."""

    def change(call: Call, reply: Reply) -> None:
        if reply.status >= 400 and not call.client.probe:
            edit(call, reply)

    return reply_edit(change, when=when)


def refusal_edit(edit: Callable[[Refusal], Refusal], *defects: str, when: When = always) -> Change:
    """A change that replaces each refusal for one of `defects` by what `edit` returns for it; every refusal where none is given."""

    def change(original: Callable[..., Reply], call: Call, refusal: Refusal) -> Reply:
        return original(call, edit(refusal) if (not defects or refusal.defect in defects) and when(call) else refusal)

    return instead(refuse, change)


def request_edit(edit: Callable[[Call], Any], when: When = always) -> Change:
    """A change that calls `edit` on each request after its HTTP was checked and before its target is read: its route is not known yet."""

    def change(original: Callable[..., Reply], call: Call, *args: Any) -> Reply:
        edit(call)
        return original(call, *args)

    return instead(reply_to, change, when)


def refused_with(**values: Any) -> Callable[[Refusal], Refusal]:
    """An edit that sets attributes of a refusal: status, code, message, fields, close."""
    return lambda refusal: replace(refusal, **values)


def refusal_status(*defects: str, when: When = always) -> Callable[[int], Change]:
    """For tables of faults: `refusal_status("slot")(404)` is the change that answers an unknown slot with 404; no defect means any."""
    return lambda status: refusal_edit(refused_with(status=status), *defects, when=when)


def refusal_code(*defects: str, when: When = always) -> Callable[[str], Change]:
    """For tables of faults: `refusal_code("slot")("BadRequest")` is the change that refuses an unknown slot with BadRequest; no defect means any."""
    return lambda code: refusal_edit(refused_with(code=code), *defects, when=when)


def reply_status(*about: str, when: When = always) -> Callable[[int], Change]:
    """For tables of faults: `reply_status("accepted")(200)` is the change that answers what is accepted with 200; no `about` means all replies."""
    return lambda status: reply_edit(reply_set(status=status), *about, when=when)


def field_added(name: str, value: str) -> Callable[[Call, Reply], None]:
    """An edit that adds a header field to a reply."""
    return lambda _, reply: reply.fields.append((name, value))


def fields_removed(name: str) -> Callable[[Call, Reply], None]:
    """An edit that removes every header field called `name`, in any case, from a reply."""

    def edit(_: Call, reply: Reply) -> None:
        reply.fields = [each for each in reply.fields if each[0].lower() != name.lower()]

    return edit


def reply_set(**values: Any) -> Callable[[Call, Reply], None]:
    """An edit that sets attributes of a reply."""

    def edit(_: Call, reply: Reply) -> None:
        for name, value in values.items():
            setattr(reply, name, value)

    return edit


def fields_kept(keep: Callable[[str, str], bool]) -> Callable[[Call], None]:
    """An edit that leaves in a request only the header fields for which `keep(name, value)` is true."""

    def edit(call: Call) -> None:
        call.message.fields = tuple(each for each in call.message.fields if keep(*each))

    return edit


def start_although_refused(call: Call) -> Operation | None:
    """Starts the reimage that a refused request asks for; None where it names no role instance that exists."""
    if call.kind != "reimage":
        return None
    for deployment in call.world.services(call.route.subscription).get(call.route.service, []):
        slot_or_name = deployment.slot if call.form == "slot" else deployment.name
        if slot_or_name == call.route.slot_or_name and call.route.instance in deployment.instances:
            return start_operation(call, deployment, deployment.instances[call.route.instance])
    return None


def known_after(seconds: float) -> Change:
    """A change that hides an operation from Get Operation Status until `seconds` after the 202 (REQ-REIMAGE-REQID-PROMPT)."""

    def found(original: Callable[..., Operation | None], call: Call, operation_id: str) -> Operation | None:
        operation = original(call, operation_id)
        return None if operation is not None and call.now < operation.accepted_at + seconds else operation

    return instead(find_operation, found)
