"""How verdicts word replies: briefly, and always with the same words for the same thing."""

from __future__ import annotations

from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from typing import TYPE_CHECKING

from reimage_conformance.model import NOTHING_CAME, TIME_LIMIT_PASSED, Fact, FailureKind, Why
from reimage_conformance.protocol.documents import error_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reimage_conformance.model import Exchange, Failure

MOST_QUOTED = 80
"""A verdict quotes at most this many characters of a value."""
BUSY_STATUSES = (429, 503)
"""Statuses that ask the client to come back later (REQ-THROTTLE)."""
GATEWAY_STATUSES = (502, 504)
"""Statuses of a gateway that did not reach the endpoint (RFC 9110 15.6.3, 15.6.5)."""
TIMED_OUT = "OperationTimedOut"
"""The error code of an operation that did not finish in the time allowed (REQ-TIMEOUT)."""
PASSING_CODES = ("InternalError", TIMED_OUT)
"""Error codes of a 500 that may not come again (REQ-ERR-INTERNAL, REQ-TIMEOUT)."""
_CODE_NEEDS = frozenset({Fact.CONTENT, Fact.SHOWN_VALUES})
"""The facts without which the code of an error is not known."""
MOVED = 307
"""The status that sends a request to another URI (REQ-HTTP-307)."""
REDIRECTED = f"redirected with {MOVED}"
"""Why a 307 shows nothing: it was not followed, or followed to a further one."""


def any_of(values: Iterable[object]) -> str:
    """Alternatives in words: `400, 404 or 405`."""
    *first, last = map(str, values)
    return f"{', '.join(first)} or {last}" if first else last


def is_standard(status: int) -> bool:
    """Whether a status code is registered (RFC 9110 16.2.1)."""
    return status in {each.value for each in HTTPStatus}


def is_other_redirect(status: int) -> bool:
    """Whether a status is a redirect other than 307, the only one that the documents know (REQ-HTTP-307)."""
    return 300 <= status < 400 and status not in (304, MOVED)


def phrase(status: int) -> str:
    """A status with its standard phrase."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} (not a standard status code)"


def is_passing_fault(exchange: Exchange) -> bool:
    """Whether a reply is a fault that may not come again when the request is repeated (REQ-ERR-INTERNAL, REQ-TIMEOUT).

    That is a 500 with one of PASSING_CODES, and the fault of a gateway. A 500 whose content is not known may be one: the
    answer to a HEAD, or content that was not recorded, or whose code was not. So may a 500 to a GET without an error
    code: a server may give it while it restarts, with an x-ms-request-id or without one.
    """
    reply = exchange.reply
    if reply is None or reply.status != 500:
        return is_gateway_fault(exchange)
    is_unknown = exchange.request.method == "HEAD" or not exchange.unrecorded.isdisjoint(_CODE_NEEDS)
    code = error_code(reply)
    is_bare = exchange.request.method == "GET" and not code
    return is_unknown or is_bare or code in PASSING_CODES


def may_have_been_carried_out(exchange: Exchange) -> bool:
    """Whether an answer leaves open what became of the request: a gateway's fault, or a 500 OperationTimedOut (REQ-TIMEOUT)."""
    reply = exchange.reply
    is_timed_out = reply is not None and reply.status == 500 and error_code(reply) == TIMED_OUT
    return is_timed_out or is_gateway_fault(exchange)


def is_gateway_fault(exchange: Exchange) -> bool:
    """Whether a gateway answered that it did not reach the endpoint: nothing in the answer is of this protocol."""
    reply = exchange.reply
    return reply is not None and reply.status in GATEWAY_STATUSES and has_no_sign_of_protocol(exchange)


def has_no_sign_of_protocol(exchange: Exchange) -> bool:
    """Whether nothing in an error is of this protocol: it has no x-ms-request-id, and no error code."""
    return exchange.reply is not None and not exchange.request_id and not error_code(exchange.reply)


def reply_summary(exchange: Exchange) -> str:
    """The reply in a few words, such as `404 Not Found with ResourceNotFound`; without a reply, why there is none."""
    if exchange.reply is None:
        return _failure_words(exchange.failure) if exchange.failure is not None else "no answer"
    code = error_code(exchange.reply) if exchange.reply.status >= 400 else ""
    if code and not code.isalpha():
        code = f"the code {quoted(code)}"
    elif code in phrase(exchange.reply.status).split():
        code = f"the code {code}"
    return phrase(exchange.reply.status) + (f" with {code}" if code else "")


def _failure_words(failure: Failure) -> str:
    """Why there is no complete answer, such as `only 12 octets of the answer came in time`.

    Headlines put these words after "got no complete answer", so they do not say it again.
    """
    if failure.kind is not FailureKind.TIMEOUT:
        return failure.detail
    progress = failure.detail.removeprefix(TIME_LIMIT_PASSED).strip(" ()")
    if progress in ("", NOTHING_CAME):
        return "no answer came in time"
    if not progress.startswith("after "):
        return f"no answer came in time: {progress}"
    part = progress.removeprefix("after ")
    return f"only {part}{' of the answer' if part.endswith(' octets') else ''} came in time"


def quoted(value: str | bytes) -> str:
    """A value of a reply in quotes: escapes for what cannot be printed, at most `MOST_QUOTED` characters."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    shown = repr(text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…")
    return f"{shown} (\\t is a tab)" if "\t" in text[:MOST_QUOTED] else shown


def valued(name: str, value: str) -> str:
    """A named value: `RoleName 'WebRole1'`, `an empty RoleName`, or `slot 'staging ' with a blank after it`."""
    where = " and ".join(
        side for side, bare in (("before", value.lstrip(" ")), ("after", value.rstrip(" "))) if bare != value
    )
    return f"{name} {quoted(value)}{f' with a blank {where} it' if where else ''}" if value else f"an empty {name}"


def shown_element(name: str, value: str | None) -> str:
    """An element of a document with its text, or `no NAME element`."""
    if value is None:
        return f"no {name} element"
    return valued(name, value) if value.strip() == value else f"{name} {quoted(value)}, with blanks"


def first_names(names: Sequence[str], most: int) -> str:
    """The first `most` of `names`, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def root_words(name: str, namespace: str) -> str:
    """A root element with its namespace."""
    return f"root {in_namespaces([(name, namespace)])}"


def in_namespaces(elements: Iterable[tuple[str, str]]) -> str:
    """Names of elements with their namespaces: `ID, Status in no namespace`."""
    names: dict[str, dict[str, None]] = {}
    for name, namespace in elements:
        names.setdefault(namespace, {})[name] = None
    where = {namespace: f"in the namespace {namespace}" if namespace else "in no namespace" for namespace in names}
    return "; ".join(f"{', '.join(names[namespace])} {words}" for namespace, words in where.items())


def symptom(exchange: Exchange) -> str:
    """A stable word for the reply, part of fingerprints: `status:404` or `no-reply:timeout`."""
    if exchange.reply is None:
        return f"no-reply:{exchange.failure.kind.value}" if exchange.failure else "no-reply"
    return f"status:{exchange.reply.status}"


def is_busy(exchange: Exchange) -> bool:
    """Whether an answer says that the request was not looked at, so that it may be sent again: it was throttled, or came too late."""
    return is_throttled(exchange) or is_idle_timeout(exchange)


def is_throttled(exchange: Exchange) -> bool:
    """Whether the endpoint asked to come back later (REQ-THROTTLE)."""
    return exchange.reply is not None and exchange.reply.status in BUSY_STATUSES


def retry_after_seconds(exchange: Exchange) -> float | None:
    """How many seconds Retry-After asks to wait, None where it asks nothing; a date counts from the Date of the answer (RFC 9110 10.2.3)."""
    reply = exchange.reply
    value = reply.header("Retry-After") if reply is not None else None
    if reply is None or value is None:
        return None
    if value.isascii() and value.isdecimal():
        return float(value)
    until, now = parsedate_tz(value), parsedate_tz(reply.header("Date") or "")
    return max(0.0, float(mktime_tz(until) - mktime_tz(now))) if until is not None and now is not None else None


def is_idle_timeout(exchange: Exchange) -> bool:
    """Whether the endpoint closed an idle connection, with a 408 that crossed the request on its way (RFC 9110 15.5.9)."""
    reply = exchange.reply
    if reply is None or reply.status != HTTPStatus.REQUEST_TIMEOUT or exchange.position <= 1:
        return False
    return any("close" in value.lower() for value in reply.values("Connection"))


def is_moved(exchange: Exchange) -> bool:
    """Whether the request was sent to another URI, whose answer would have to be judged (REQ-HTTP-307)."""
    return exchange.reply is not None and exchange.reply.status == MOVED


def why_undecided(exchange: Exchange | None) -> Why:
    """The kind of reason for which an exchange shows nothing: it has no answer, or the endpoint was busy."""
    if exchange is None or exchange.reply is None:
        return Why.NO_REPLY
    return Why.BUSY if is_busy(exchange) else Why.OTHER


def is_conflict(exchange: Exchange | None) -> bool:
    """Whether the endpoint says that another operation is in the way (REQ-CONC-CONFLICT)."""
    return exchange is not None and exchange.reply is not None and exchange.reply.status == 409
