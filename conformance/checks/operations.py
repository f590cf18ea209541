"""Operations: the accepted reimage and the polls of Get Operation Status, document by document and as a sequence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.checks.registry import about, check
from conformance.checks.wording import is_busy, said, symptom
from conformance.protocol.addresses import read_target
from conformance.protocol.documents import (
    NAMESPACE,
    child,
    elements,
    error_code,
    is_xml_media_type,
    local,
    media_type,
    raw_text,
    read_document,
    same_identifier,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.model import Exchange, Response, Verdict
    from conformance.protocol.documents import Document
    from conformance.world import World

STATUSES = ("InProgress", "Succeeded", "Failed")
TERMINAL = ("Succeeded", "Failed")
PROMPT_SECONDS = 2.0
RETENTION_SECONDS = 2.0
EARLY_POLLS = 2
_KNOWN_ORDER = ("ID", "Status", "HttpStatusCode", "Error")
_FORMS = ("REQ-REIMAGE-URI-SLOT", "REQ-REIMAGE-URI-NAME")
_CODE_OF = {
    "MissingOrInvalidRequiredQueryParameter": "REQ-REIMAGE-COMP",
    "MissingOrIncorrectVersionHeader": "REQ-REIMAGE-VERSION",
    "InvalidHttpVerb": "REQ-REIMAGE-METHOD",
}
"""What an endpoint says it misses in a sound request, and the requirement under which it ought to take it."""
_NOT_KNOWN = (400, 404, 410)
_SAFE_ID = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]+\Z")


def status_of(exchange: Exchange) -> str:
    """The Status that a poll showed, exactly as written, or "" where none can be read."""
    if exchange.reply is None or exchange.reply.status != 200:
        return ""
    document = read_document(exchange.reply)
    found = document.child("Status") if document.local_name == "Operation" else None
    return "" if found is None else raw_text(found)


@check
def accepted(
    world: World, exchanges: Sequence[Exchange], requirement: str, expected: str = "", *, alive: bool = False
) -> Iterator[Verdict]:
    """The request was accepted for processing: any 2xx (which one is REQ-REIMAGE-202's question).

    `alive` says that sound reimages get no reply again and again while the endpoint answers everything else.
    """
    del world
    exchange = exchanges[0]
    verdict = about(requirement, exchange)
    expected = expected or "202 Accepted"
    if is_busy(exchange):
        yield verdict.inconclusive(f"the endpoint was busy: {said(exchange)}")
    elif exchange.reply is None and alive:
        yield about("REQ-REIMAGE-202", exchange).violated(expected, said(exchange), symptom(exchange))
        yield verdict.violated(expected, said(exchange), symptom(exchange), because=("REQ-REIMAGE-202",))
    elif exchange.reply is None:
        yield verdict.inconclusive(said(exchange))
    else:
        root = _CODE_OF.get(error_code(exchange.reply), requirement)
        taken = 200 <= exchange.reply.status < 300
        because = (root,) if root != requirement else ()
        yield verdict.judged(taken, expected, said(exchange), symptom(exchange), because=because)
        if not taken and root != requirement and requirement in _FORMS:
            yield about(root, exchange).violated(expected, said(exchange), symptom(exchange))


@check
def answered_202(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """An accepted reimage is answered 202 (REQ-REIMAGE-202)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.reply.status < 300:
            verdict = about("REQ-REIMAGE-202", exchange)
            yield verdict.judged(exchange.reply.status == 202, "202 Accepted", said(exchange), symptom(exchange))


@check
def request_id_present(world: World, exchanges: Sequence[Exchange], requirement: str) -> Iterator[Verdict]:
    """An answer carries one non-empty x-ms-request-id (REQ-REIMAGE-REQID, REQ-GOS-REQID)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.reply.status < 300:
            values = exchange.reply.values("x-ms-request-id")
            actual = f"{len(values)} x-ms-request-id lines: {list(values)!r}"
            yield about(requirement, exchange).judged(
                len(values) == 1 and bool(values[0].strip()), "one x-ms-request-id, not empty", actual, "request-id"
            )


@check
def empty_body(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The 202 has no content after transfer decoding (REQ-REIMAGE-BODY-EMPTY)."""
    del world
    for exchange in exchanges:
        if exchange.reply is not None and exchange.reply.status == 202:
            body = exchange.reply.body
            yield about("REQ-REIMAGE-BODY-EMPTY", exchange).judged(
                not body, "no content", f"{len(body)} octets: {body[:60]!r}", "body"
            )


@check
def id_usable(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The 202's id yields the operation's status, promptly (REQ-REIMAGE-REQID-USABLE, REQ-REIMAGE-REQID-PROMPT)."""
    del world
    start, polls = exchanges[0], exchanges[1:]
    identifier = (start.reply.header("x-ms-request-id") if start.reply else "") or ""
    usable = about("REQ-REIMAGE-REQID-USABLE", *polls[:1], start)
    if not _SAFE_ID.match(identifier):
        yield usable.violated("an id usable as a path segment", f"{identifier!r}", "unsafe-id")
        return
    shown = [poll for poll in polls if _shows_operation(poll)]
    if not shown:
        seen = sorted({said(poll) for poll in polls})
        statuses = {poll.reply.status for poll in polls if poll.reply is not None and not is_busy(poll)}
        if not statuses:
            yield usable.inconclusive(
                f"no poll was answered: {', '.join(seen) or 'none was sent'}", because=("REQ-GOS-200",)
            )
        elif statuses.isdisjoint(_NOT_KNOWN):
            told = f"{len(polls)} polls, all {', '.join(seen)}"
            yield about("REQ-GOS-URI", *polls[:1], start).violated(
                "an answer to Get Operation Status", told, "no-operation-status"
            )
            yield usable.violated("the status of the operation", told, "unusable-id", because=("REQ-GOS-URI",))
        else:
            yield usable.violated(
                "the status of the operation", f"{len(polls)} polls, all {', '.join(seen)}", "unusable-id"
            )
        return
    yield usable.met(f"polled as {identifier}")
    yield about("REQ-GOS-URI", shown[0]).met("Get Operation Status answers")
    accepted_at = start.at + start.elapsed
    late = [
        poll
        for poll in polls
        if poll.at < shown[0].at and poll.at > accepted_at + PROMPT_SECONDS and poll.reply is not None
    ]
    actual = f"first known {shown[0].at - accepted_at:.1f} s after the 202"
    yield about("REQ-REIMAGE-REQID-PROMPT", *late[:1], shown[0], start).judged(
        not late, f"the id is known within {PROMPT_SECONDS:g} s", actual, "late-id"
    )


def _shows_operation(poll: Exchange) -> bool:
    """Whether a poll was answered with something that reports on an operation, right or wrong."""
    if poll.reply is None or not 200 <= poll.reply.status < 300:
        return poll.reply is not None and read_document(poll.reply).local_name == "Operation"
    return True


@check
def polls_answered(world: World, exchanges: Sequence[Exchange], *, alive: bool = False) -> Iterator[Verdict]:
    """Every poll of a known operation is answered 200 whatever its state (REQ-GOS-200); exchanges: the 202, then polls."""
    del world
    polls = exchanges[1:]
    known = next((i for i, poll in enumerate(polls) if _shows_operation(poll)), len(polls))
    ended = next((poll for poll in polls if status_of(poll) in TERMINAL), None)
    for index, poll in enumerate(polls):
        verdict = about("REQ-GOS-200", poll, exchanges[0])
        if poll.reply is None:
            retried = index + 1 < len(polls) and polls[index + 1].reply is not None
            if alive and not retried:
                yield verdict.violated("200 OK", said(poll), symptom(poll))
            elif not retried:
                yield verdict.inconclusive(said(poll))
        elif (
            is_busy(poll)
            or poll.reply.status == 307
            or index < known
            or (poll.reply.status != 200 and ended is not None and poll.at > ended.at)
        ):
            continue
        else:
            yield verdict.judged(poll.reply.status == 200, "200 OK", said(poll), symptom(poll))


@check
def operation_documents(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Each poll's document is as Get Operation Status describes it (digest section C).

    The ID of another operation that was polled is REQ-REIMAGE-REQID-USABLE's matter: the id yields another's status.
    """
    del world
    tracked = {_plain(read_target(poll.request.target).operation) for poll in exchanges}
    for poll in exchanges:
        if poll.reply is None or not 200 <= poll.reply.status < 300:
            continue
        identifier = read_target(poll.request.target).operation
        yield from _own_id(poll, poll.reply, identifier)
        document = read_document(poll.reply)
        root = about("REQ-GOS-ROOT", poll)
        if document.encoding_problem:
            yield root.inconclusive(document.encoding_problem, because=("REQ-XML-ENC",))
        if document.root is None:
            if document.syntax_problem:
                empty = not poll.reply.body.strip()
                yield root.violated(
                    "an XML document with root Operation",
                    "no body" if empty else f"no XML: {document.syntax_problem}",
                    "no-document",
                    because=() if empty else ("REQ-XML-WF",),
                )
            continue
        named = f"{{{document.namespace}}}{document.local_name}"
        right = named == f"{{{NAMESPACE}}}Operation"
        yield root.judged(right, f"{{{NAMESPACE}}}Operation", named, "root")
        if document.local_name == "Operation":
            yield from _content_type(poll, poll.reply)
            yield from _members(poll, document, identifier, tracked)


def _plain(identifier: str) -> str:
    """An id without dashes and case."""
    return identifier.replace("-", "").lower()


def _own_id(poll: Exchange, response: Response, identifier: str) -> Iterator[Verdict]:
    """The poll's own request id (REQ-GOS-REQID-OWN)."""
    own = response.header("x-ms-request-id")
    if own:
        yield about("REQ-GOS-REQID-OWN", poll).judged(
            not same_identifier(own, identifier), "an id of the poll's own", f"the tracked id {own}", "tracked-id"
        )


def _content_type(poll: Exchange, response: Response) -> Iterator[Verdict]:
    """The media type of the status document (REQ-GOS-CT)."""
    found = media_type(response)
    yield about("REQ-GOS-CT", poll).judged(
        is_xml_media_type(found), "application/xml or text/xml", found or "no Content-Type", f"media-type:{found}"
    )


def _members(poll: Exchange, document: Document, identifier: str, tracked: set[str]) -> Iterator[Verdict]:
    """ID, Status, HttpStatusCode and Error of one document, and their order."""
    foreign = [
        name for name, namespace in document.children() if name in _KNOWN_ORDER and namespace != document.namespace
    ]
    if foreign:
        yield about("REQ-XML-NS", poll).violated(
            f"{', '.join(foreign)} in {document.namespace}", "in another namespace, or none", "child-namespace"
        )
        return
    names = [name for name, _ in document.children() if name in _KNOWN_ORDER]
    shown = document.text("ID")
    right = names.count("ID") == 1 and same_identifier(shown or "", identifier)
    elsewhere = not right and _plain(shown or "") in tracked - {_plain(identifier)}
    expected, usable = f"ID {identifier}, dashes and case aside", "REQ-REIMAGE-REQID-USABLE"
    yield about("REQ-GOS-ID", poll).judged(
        right, expected, f"ID {shown!r}", "id", because=(usable,) if elsewhere else ()
    )
    if elsewhere:
        yield about(usable, poll).violated(
            "the status of this operation", f"that of another operation, {shown}", "other-operation"
        )
    found = document.child("Status")
    status = None if found is None else raw_text(found)
    valid = names.count("Status") == 1 and status in STATUSES
    yield about("REQ-GOS-STATUS", poll).judged(valid, " or ".join(STATUSES), f"Status {status!r}", "status-value")
    if valid and status is not None:
        yield from _embedded_status(poll, document, status)
        yield from _error(poll, document, status)
        order = list(dict.fromkeys(names))
        wanted = sorted(order, key=_KNOWN_ORDER.index)
        yield about("REQ-GOS-ORDER", poll).judged(order == wanted, ", ".join(wanted), ", ".join(order), "order")


def _embedded_status(poll: Exchange, document: Document, status: str) -> Iterator[Verdict]:
    """HttpStatusCode: there when finished, a three-digit number, 200 on success (REQ-GOS-HTTPSTATUS, -INT, REQ-REIMAGE-FINAL-200)."""
    value = document.text("HttpStatusCode")
    presence = about("REQ-GOS-HTTPSTATUS", poll)
    if status == "InProgress":
        yield presence.judged(
            value is None, "no HttpStatusCode while InProgress", f"HttpStatusCode {value!r}", "early-http-status"
        )
        return
    if value is None:
        yield presence.violated(f"HttpStatusCode with {status}", "none", "no-http-status")
        return
    yield presence.met(f"HttpStatusCode {value}")
    number = about("REQ-GOS-HTTPSTATUS-INT", poll)
    if not re.fullmatch(r"[1-5][0-9]{2}", value, re.ASCII):
        yield number.violated("a three-digit integer", f"HttpStatusCode {value!r}", "http-status-form")
    elif status == "Succeeded":
        final = about("REQ-REIMAGE-FINAL-200", poll)
        yield final.judged(
            value == "200", "HttpStatusCode 200 with Succeeded", f"HttpStatusCode {value}", "final-status"
        )
        yield number.judged(
            value == "200",
            "200 on success",
            f"HttpStatusCode {value}",
            "http-status-value",
            because=("REQ-REIMAGE-FINAL-200",),
        )
    else:
        yield number.judged(
            int(value) >= 400, "the failure's status with Failed", f"HttpStatusCode {value}", "http-status-value"
        )


def _error(poll: Exchange, document: Document, status: str) -> Iterator[Verdict]:
    """Error: with Code and Message when Failed, absent otherwise (REQ-GOS-ERROR)."""
    found = document.child("Error")
    verdict = about("REQ-GOS-ERROR", poll)
    if status != "Failed":
        yield verdict.judged(found is None, f"no Error while {status}", "an Error element", "early-error")
        return
    if found is None:
        yield verdict.violated("Error with Code and Message", "no Error", "no-error")
        return
    code, message = child(found, "Code"), child(found, "Message")
    complete = code is not None and message is not None and bool(text(code))
    names = [local(node) for node in elements(found) if local(node) in ("Code", "Message")]
    yield verdict.judged(complete, "Error with Code and Message", f"Error holding {names}", "error-members")
    if complete and names.index("Code") > names.index("Message"):
        yield about("REQ-GOS-ORDER", poll).violated("Code, Message", "Message, Code", "order")


@check
def progress(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """The statuses go from InProgress to one end and stay there (REQ-GOS-PROGRESS, REQ-GOS-TERMINAL-STABLE, REQ-GOS-READONLY).

    A poll answered differently under another version is REQ-GOS-READONLY's. An end that one of the first polls shows and the next takes back
    is REQ-GOS-PROGRESS's; any other change after an end is REQ-GOS-TERMINAL-STABLE's.
    """
    del world
    seen = [(poll, status_of(poll)) for poll in exchanges if poll.reply is not None]
    known = [(poll, status) for poll, status in seen if status in STATUSES]
    if not known:
        return
    first = next((i for i, (_, status) in enumerate(known) if status in TERMINAL), None)
    if first is None:
        yield about("REQ-GOS-PROGRESS", known[-1][0]).met(f"{len(known)} times InProgress")
        return
    end_poll, end = known[first]
    changed = [(poll, status) for poll, status in known[first + 1 :] if status != end]
    gone = [
        poll
        for poll, status in seen
        if not status and end_poll.at < poll.at <= end_poll.at + RETENTION_SECONDS and _is_gone(poll)
    ]
    other = [(poll, status) for poll, status in seen if status and status not in STATUSES]
    if other:
        expected, actual = f"nothing but {', '.join(STATUSES)}", f"Status {other[0][1]!r}"
        yield about("REQ-GOS-PROGRESS", other[0][0]).violated(
            expected, actual, "other-status", because=("REQ-GOS-STATUS",)
        )
    told = ", ".join(_runs([status for _, status in known]))
    expected = f"InProgress, then {end} for good"
    if not changed and not gone:
        yield about("REQ-GOS-PROGRESS", end_poll).met(told)
        if len(known) > first + 1:
            yield about("REQ-GOS-TERMINAL-STABLE", known[-1][0]).met(told)
        if len({version_of(poll) for poll, _ in known[first:]}) > 1:
            yield about("REQ-GOS-READONLY", known[-1][0]).met(told)
        return
    if gone:
        yield about("REQ-GOS-TERMINAL-STABLE", gone[0], end_poll).violated(
            expected, f"{told}, then {said(gone[0])}", "gone"
        )
        return
    yield from _changed(known, first, changed, expected, told)


def _changed(
    known: list[tuple[Exchange, str]], first: int, changed: list[tuple[Exchange, str]], expected: str, told: str
) -> Iterator[Verdict]:
    """Which requirement a change after an end belongs to."""
    end_poll = known[first][0]
    evidence = (changed[0][0], end_poll)
    versions = {version_of(poll) for poll, _ in changed}
    steady = {version_of(poll) for poll, _ in known[first:]} - versions
    stable, moving, safe = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"
    before = {version_of(poll) for poll, _ in known[: known.index(changed[0])]}
    if version_of(changed[0][0]) not in before or (
        steady and all(status == known[first][1] for poll, status in known[first:] if version_of(poll) in steady)
    ):
        root = safe
    else:
        taken_back = known[first + 1][0] is changed[0][0] and changed[0][1] == "InProgress"
        root = moving if taken_back and first < EARLY_POLLS else stable
    for requirement in (stable, moving, safe):
        if requirement is safe and root is not safe:
            continue
        because = () if requirement == root else (root,)
        yield about(requirement, *evidence).violated(expected, told, "flip", because=because)


def _is_gone(poll: Exchange) -> bool:
    """Whether a poll says that there is no such operation."""
    return poll.reply is not None and 400 <= poll.reply.status < 500 and not is_busy(poll)


def version_of(exchange: Exchange) -> str:
    """The x-ms-version of a request, or ""."""
    return next(iter(exchange.request.values("x-ms-version")), "")


def _runs(statuses: list[str]) -> list[str]:
    """Statuses with repeats folded: `InProgress x 4`."""
    runs: list[tuple[str, int]] = []
    for status in statuses:
        if runs and runs[-1][0] == status:
            runs[-1] = (status, runs[-1][1] + 1)
        else:
            runs.append((status, 1))
    return [status if count == 1 else f"{status} x {count}" for status, count in runs]


@check
def completes(
    world: World, exchanges: Sequence[Exchange], requirement: str = "REQ-REIMAGE-COMPLETES", waited: float = 0.0
) -> Iterator[Verdict]:
    """A reimage that was accepted reaches Succeeded with 200 in time (REQ-REIMAGE-COMPLETES); exchanges: the 202, then polls.

    `waited` is how long the suite went on asking, in seconds, where no end came.
    """
    del world
    polls = exchanges[1:]
    verdict = about(
        requirement, *[poll for poll in polls if status_of(poll) in TERMINAL][:1], *polls[-1:], exchanges[0]
    )
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    if not ends:
        readable = [poll for poll in polls if status_of(poll) in STATUSES]
        if not readable or (polls[-1].reply is not None and status_of(polls[-1]) not in STATUSES):
            yield verdict.inconclusive(
                "no poll showed a status",
                because=("REQ-REIMAGE-REQID-USABLE", "REQ-GOS-STATUS", "REQ-GOS-ROOT", "REQ-GOS-200"),
            )
        else:
            yield verdict.violated(
                "Succeeded", f"still InProgress after {waited:.1f} s and {len(polls)} polls", "no-end"
            )
        return
    document = read_document(ends[0].reply) if ends[0].reply else None
    status, code = status_of(ends[0]), (document.text("HttpStatusCode") if document else None) or "none"
    if status == "Failed":
        taken_back = any(status_of(poll) != "Failed" for poll in polls if poll.at > ends[0].at and status_of(poll))
        because = ("REQ-GOS-PROGRESS", "REQ-GOS-TERMINAL-STABLE") if taken_back else ()
        yield verdict.violated("Succeeded", f"Failed, HttpStatusCode {code}", "failed", because=because)
    elif code != "200":
        blame = ("REQ-REIMAGE-FINAL-200", "REQ-GOS-HTTPSTATUS", "REQ-GOS-HTTPSTATUS-INT")
        yield verdict.violated("Succeeded with 200", f"Succeeded, HttpStatusCode {code}", "final-status", because=blame)
    else:
        yield verdict.met(f"Succeeded with 200 after {len(polls)} polls")


@check
def fails_as_announced(world: World, exchanges: Sequence[Exchange], *, overdue: bool = False) -> Iterator[Verdict]:
    """A reimage of an instance that the target calls failing ends Failed, with an Error (REQ-GOS-ERROR).

    `overdue` says that the suite waited as long as the operator allows; a Succeeded may be the target file's mistake.
    """
    del world
    polls = exchanges[1:]
    ends = [poll for poll in polls if status_of(poll) in TERMINAL]
    verdict = about("REQ-GOS-ERROR", *ends[:1], exchanges[0])
    if ends and status_of(ends[0]) == "Failed":
        yield verdict.met("Failed, as the target says")
    elif not ends and overdue and polls and status_of(polls[-1]) == "InProgress":
        yield verdict.violated(
            "Failed, with an Error",
            f"still InProgress after {len(polls)} polls",
            "no-end",
            because=("REQ-REIMAGE-COMPLETES",),
        )
    else:
        shown = status_of(ends[0]) if ends else "no end"
        yield verdict.inconclusive(f"the instance that should fail showed {shown}")


@check
def unknown_operation(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A poll with an id that was never issued is refused with 404 ResourceNotFound or 400 BadRequest (REQ-GOS-UNKNOWN-ID)."""
    strict = world.strictness == "strict"
    for exchange in exchanges:
        verdict = about("REQ-GOS-UNKNOWN-ID", exchange)
        expected = "404 with ResourceNotFound or 400 with BadRequest"
        if exchange.reply is None:
            yield verdict.inconclusive(said(exchange))
        elif is_busy(exchange):
            yield verdict.inconclusive(f"the endpoint was busy: {said(exchange)}")
        elif exchange.reply.status in (400, 404):
            yield from _unknown_code(exchange, exchange.reply, expected, strict=strict)
        elif exchange.reply.status < 300 or strict:
            yield verdict.violated(expected, said(exchange), symptom(exchange))
        else:
            yield verdict.advised(expected, said(exchange), symptom(exchange))


def _unknown_code(exchange: Exchange, response: Response, expected: str, *, strict: bool) -> Iterator[Verdict]:
    """The code of a refused poll: the table binds it under strict."""
    code = error_code(response)
    fitting = {404: "ResourceNotFound", 400: "BadRequest"}[response.status]
    verdict = about("REQ-GOS-UNKNOWN-ID", exchange)
    if strict and code and code not in (fitting, "ResourceNotFound", "BadRequest"):
        yield about("REQ-ERR-CODES", exchange).violated(expected, said(exchange), f"code:{code}")
        yield verdict.violated(expected, said(exchange), f"code:{code}", because=("REQ-ERR-CODES",))
    else:
        yield verdict.met(said(exchange))


@check
def contended(
    world: World,
    exchanges: Sequence[Exchange],
    requirement: str,
    *,
    ended: bool,
    lost: bool = False,
    alive: bool = False,
) -> Iterator[Verdict]:
    """A reimage while another runs is accepted under an id of its own and finishes, or refused with 409 ConflictError.

    Exchanges: the running one's 202, the contending request, its polls; `ended` says whether its operation came to an
    end, `lost` that the running one then never did, `alive` that the endpoint answers other requests.
    """
    del world
    first, second, polls = exchanges[0], exchanges[1], exchanges[2:]
    verdict = about(requirement, second, first, *polls[-1:])
    expected = "202 with an id of its own that finishes, or 409 with ConflictError"
    if is_busy(second) or (second.reply is None and not alive):
        yield verdict.inconclusive(said(second))
        return
    if second.reply is None:
        yield verdict.violated(expected, said(second), symptom(second))
        return
    if second.reply.status == 409:
        code = error_code(second.reply)
        blame = ("REQ-ERR-CODES", "REQ-ERR-BODY-OPTIONAL", "REQ-ERR-BODY-FORMAT")
        yield verdict.judged(code == "ConflictError", expected, said(second), f"code:{code}", because=blame)
        return
    if second.reply.status != 202:
        yield verdict.violated(expected, said(second), symptom(second))
        return
    identifier = second.reply.header("x-ms-request-id") or ""
    if identifier and identifier == (first.reply.header("x-ms-request-id") if first.reply else ""):
        yield verdict.violated(
            expected,
            f"202 with the running operation's id {identifier}",
            "shared-id",
            because=("REQ-ASYNC-REQID-UNIQUE",),
        )
    elif lost:
        yield verdict.violated(
            expected,
            f"{said(second)}, and the running operation came to no end",
            "first-lost",
            because=("REQ-REIMAGE-COMPLETES",),
        )
    elif not ended:
        blamed = (
            "REQ-REIMAGE-COMPLETES",
            "REQ-REIMAGE-REQID",
            "REQ-REIMAGE-REQID-USABLE",
            "REQ-GOS-STATUS",
            "REQ-GOS-ROOT",
            "REQ-GOS-200",
        )
        yield verdict.violated(
            expected, f"{said(second)}, and no end after {len(polls)} polls", "no-end", because=blamed
        )
    else:
        yield verdict.met(f"{said(second)}, and finished")
