"""Checks of Operation documents: the body of each poll."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.judging.operations.polls import STATUSES, TERMINAL, status_of
from reimage_conformance.judging.registry import about, check
from reimage_conformance.judging.wording import any_of, in_namespaces, root_words, shown_element
from reimage_conformance.protocol.addresses import read_target
from reimage_conformance.protocol.documents import (
    NAMESPACE,
    child,
    is_path_segment,
    is_xml_media_type,
    local,
    media_type,
    own_elements,
    plain_identifier,
    raw_text,
    read_document,
    same_identifier,
    text,
    without_dashes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Response, Verdict
    from reimage_conformance.protocol.documents import Document


_KNOWN_ORDER = ("ID", "Status", "HttpStatusCode", "Error")
_ALWAYS = ("ID", "Status")
_ONCE = {"HttpStatusCode": "REQ-GOS-HTTPSTATUS", "Error": "REQ-GOS-ERROR"}
"""Elements that are there once at most, and the requirement that says so; ID and Status are counted where they are read."""
_NEEDED = {"Succeeded": (*_ALWAYS, "HttpStatusCode"), "Failed": _KNOWN_ORDER}
"""The children that a document must have in its own namespace, by its Status; `_ALWAYS` for any other."""


@check
def operation_documents(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The document of each poll is as Get Operation Status describes it.

    A poll that shows the ID and the status of another operation violates REQ-REIMAGE-REQID-USABLE. One that shows the
    ID of another operation with a status that this one cannot have violates REQ-GOS-ID alone.
    """
    del world
    tracked = _tracked(exchanges)
    for poll in exchanges:
        if poll.reply is None or not poll.is_successful:
            continue
        identifier = read_target(poll.request.resource).operation
        yield from _request_id_of_poll(poll, poll.reply, identifier)
        document = read_document(poll.reply)
        root = about("REQ-GOS-ROOT", poll)
        if document.encoding_problem:
            yield root.inconclusive(f"the Operation document cannot be read: {document.encoding_problem}")
        if document.root is None:
            if document.syntax_problem:
                actual = document.syntax_problem if poll.reply.body.strip() else "no body"
                yield root.violated("an XML document with root Operation", actual, "no-document")
            continue
        right = (document.namespace, document.local_name) == (NAMESPACE, "Operation")
        yield root.judged(
            right, root_words("Operation", NAMESPACE), root_words(document.local_name, document.namespace), "root"
        )
        if document.local_name == "Operation":
            yield from _content_type(poll, poll.reply)
            yield from _members(poll, document, identifier, tracked)


def _tracked(exchanges: Sequence[Exchange]) -> set[str]:
    """The ids that polls asked about, without dashes; none where an ID in some document cannot be trusted."""
    statuses: dict[str, list[tuple[int, str]]] = {}
    for poll in exchanges:
        asked, shown = without_dashes(read_target(poll.request.resource).operation), _shown_id(poll)
        own_statuses = statuses.setdefault(asked, [])
        if not shown or same_identifier(shown, asked):
            own_statuses.append((poll.number, status_of(poll)))
    return set() if _is_mislabelled(exchanges, statuses) else set(statuses)


def _is_mislabelled(exchanges: Sequence[Exchange], statuses: dict[str, list[tuple[int, str]]]) -> bool:
    """Whether some poll shows the ID of another operation with a status that this operation cannot have had then.

    `statuses` holds what its own polls showed of each operation: the number of the exchange, and the status.
    """
    for poll in exchanges:
        shown, status = _shown_id(poll), status_of(poll)
        if not shown or same_identifier(shown, read_target(poll.request.resource).operation):
            continue
        for number, other in statuses.get(without_dashes(shown), ()):
            had_ended = number < poll.number and other in TERMINAL and status == "InProgress"
            had_not_ended = number > poll.number and other == "InProgress" and status in TERMINAL
            if had_ended or had_not_ended or {other, status} == set(TERMINAL):
                return True
    return False


def _shown_id(poll: Exchange) -> str:
    """The ID that a poll shows, or ""."""
    return (read_document(poll.reply).text("ID") or "") if poll.reply is not None and poll.reply.status == 200 else ""


def _request_id_of_poll(poll: Exchange, response: Response, identifier: str) -> Iterator[Verdict]:
    """The request id of the poll itself (REQ-GOS-REQID-OWN)."""
    own = response.header("x-ms-request-id")
    if own:
        differs = plain_identifier(own) != plain_identifier(identifier)
        actual = f"x-ms-request-id: {own}" if differs else f"the id of the operation, {own}"
        yield about("REQ-GOS-REQID-OWN", poll).judged(differs, "an id of the poll itself", actual, "tracked-id")


def _content_type(poll: Exchange, response: Response) -> Iterator[Verdict]:
    """The media type of the status document (REQ-GOS-CT)."""
    found = media_type(response)
    yield about("REQ-GOS-CT", poll).judged(
        is_xml_media_type(found), "application/xml or text/xml", found or "no Content-Type", f"media-type:{found}"
    )


def _members(poll: Exchange, document: Document, identifier: str, tracked: set[str]) -> Iterator[Verdict]:
    """The verdicts on ID, Status, HttpStatusCode and Error of one document, and on their order.

    `identifier` is the id that the poll asked about, `tracked` as in `_id_element`.
    """
    own = [name for name, namespace in document.children() if namespace == document.namespace]
    needed = _NEEDED.get(document.text("Status") or "", _ALWAYS)
    misplaced = [each for each in document.children() if each[0] in needed and each[0] not in own]
    if misplaced:
        expected = in_namespaces([(name, document.namespace) for name, _ in misplaced])
        yield about("REQ-XML-NS", poll).violated(expected, in_namespaces(misplaced), "child-namespace")
        return
    names = [name for name in own if name in _KNOWN_ORDER]
    for name, requirement in _ONCE.items():
        if names.count(name) > 1:
            actual = f"{names.count(name)} {name} elements"
            yield about(requirement, poll).violated(f"one {name} element at most", actual, "repeated")
    yield from _id_element(poll, document.text("ID"), names.count("ID"), identifier, tracked)
    found, count = document.child("Status"), names.count("Status")
    status = None if found is None else raw_text(found)
    actual = shown_element("Status", status) if count < 2 else f"{count} Status elements"
    valid = count == 1 and status in STATUSES
    yield about("REQ-GOS-STATUS", poll).judged(valid, any_of(STATUSES), actual, "status-value")
    if valid and status is not None:
        yield from _embedded_status(poll, document, status)
        yield from _error(poll, document, status)
        order = list(dict.fromkeys(names))
        wanted = sorted(order, key=_KNOWN_ORDER.index)
        yield about("REQ-GOS-ORDER", poll).judged(order == wanted, ", ".join(wanted), ", ".join(order), "order")


def _id_element(poll: Exchange, shown: str | None, count: int, identifier: str, tracked: set[str]) -> Iterator[Verdict]:
    """The verdicts on the ID that a document shows, None for none; `count` is its number of ID elements (REQ-GOS-ID).

    `tracked` holds the polled ids, without dashes. If the document shows another one of them, the id of the poll leads
    to another operation (REQ-REIMAGE-REQID-USABLE).
    """
    is_right = count == 1 and same_identifier(shown or "", identifier)
    is_other_operation = not is_right and without_dashes(shown or "") in tracked - {without_dashes(identifier)}
    expected, usable = f"ID {identifier}, with or without dashes, in any letter case", "REQ-REIMAGE-REQID-USABLE"
    # A poll for an id that is no path segment may have asked for something else.
    because = (usable,) if is_other_operation or not is_path_segment(identifier) else ()
    actual = shown_element("ID", shown) if count < 2 else f"{count} ID elements"
    yield about("REQ-GOS-ID", poll).judged(is_right, expected, actual, "id", because=because)
    if is_other_operation:
        yield about(usable, poll).violated(f"ID {identifier}", f"ID {shown}, polled {identifier}", "other-operation")


def _embedded_status(poll: Exchange, document: Document, status: str) -> Iterator[Verdict]:
    """HttpStatusCode: there when finished, a three-digit number, 200 on success (REQ-GOS-HTTPSTATUS, -INT, REQ-REIMAGE-FINAL-200)."""
    value = document.text("HttpStatusCode")
    presence = about("REQ-GOS-HTTPSTATUS", poll)
    if status == "InProgress":
        actual = shown_element("HttpStatusCode", value)
        yield presence.judged(value is None, "no HttpStatusCode while InProgress", actual, "early-http-status")
        return
    if value is None:
        expected, actual = (
            f"an HttpStatusCode element with Status {status}",
            f"Status {status}, no HttpStatusCode element",
        )
        yield presence.violated(expected, actual, "no-http-status")
        return
    yield presence.met(f"HttpStatusCode {value}")
    number = about("REQ-GOS-HTTPSTATUS-INT", poll)
    if not re.fullmatch(r"[1-5][0-9]{2}", value, re.ASCII):
        yield number.violated("a three-digit integer", shown_element("HttpStatusCode", value), "http-status-form")
    elif status == "Succeeded":
        expected, actual = "HttpStatusCode 200 with Succeeded", f"Status {status}, HttpStatusCode {value}"
        yield about("REQ-REIMAGE-FINAL-200", poll).judged(value == "200", expected, actual, "final-status")
        yield number.judged(value == "200", expected, actual, "http-status-value")
    else:
        expected, actual = "HttpStatusCode 400 or above with Failed", f"Status {status}, HttpStatusCode {value}"
        yield number.judged(int(value) >= 400, expected, actual, "http-status-value")


def _error(poll: Exchange, document: Document, status: str) -> Iterator[Verdict]:
    """Error: with Code and Message when Failed, absent otherwise (REQ-GOS-ERROR)."""
    found = document.child("Error")
    verdict = about("REQ-GOS-ERROR", poll)
    if status != "Failed":
        actual = f"Status {status}, {'no Error element' if found is None else 'with an Error element'}"
        yield verdict.judged(found is None, f"no Error element while {status}", actual, "early-error")
        return
    if found is None:
        yield verdict.violated("an Error element with Code and Message", "Status Failed, no Error element", "no-error")
        return
    code, message = child(found, "Code"), child(found, "Message")
    complete = code is not None and message is not None and bool(text(code))
    names = [local(node) for node in own_elements(found) if local(node) in ("Code", "Message")]
    emptiness = ", Code without text" if code is not None and not text(code) else ""
    missing = " and ".join(name for name in ("Code", "Message") if name not in names)
    actual = (f"Error without {missing}" if missing else "Error with Code and Message") + emptiness
    yield verdict.judged(complete, "an Error element with Code and Message", actual, "error-members")
    if complete and names.index("Code") > names.index("Message"):
        yield about("REQ-GOS-ORDER", poll).violated("Code, Message", "Message, Code", "order")
