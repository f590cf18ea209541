"""Access: whether the endpoint answers any well-formed request in this protocol, and what prevents it if it answers none."""

from __future__ import annotations

import os
import re
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reimage_conformance.config.files import PREFIX
from reimage_conformance.judging.wording import is_busy, reply_summary
from reimage_conformance.model import FailureKind
from reimage_conformance.preflight.remarks import Remark, mend, stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reimage_conformance.model import Exchange, Response, Target


class Barrier(StrEnum):
    """What prevents the suite from reaching an endpoint of this protocol."""

    SILENCE = "no reply"
    CREDENTIALS = "credentials"
    PROXY = "a proxy"
    BUSY = "busy"
    SERVER_ERROR = "a server error"
    REDIRECT = "a redirect"
    FOREIGN = "another service"


VARIABLE = f"{PREFIX}CLIENT_CERTIFICATE"
"""The environment variable that names the client certificate in place of the target file."""
BY_STATUS = {
    407: Barrier.PROXY,
    **dict.fromkeys((401, 403), Barrier.CREDENTIALS),
    **dict.fromkeys((301, 302, 303, 307, 308), Barrier.REDIRECT),
}
_HEADER_LINE = re.compile(r"\\r\\n[A-Za-z0-9-]+: ")
"""A header line in the detail of a failure, which shows octets in Python's notation."""
MEANINGS = {
    Barrier.PROXY: ("base_url", "a proxy in front of the endpoint demands credentials"),
    Barrier.BUSY: ("base_url", "the endpoint is busy: try again later"),
    Barrier.SERVER_ERROR: ("base_url", "this is typical of a gateway whose service does not run"),
    Barrier.FOREIGN: ("base_url", "this is not the service to be judged"),
}
"""The key to look at, and the likely cause, for each barrier."""
_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body)\b", re.IGNORECASE)


def barrier(exchange: Exchange) -> Barrier | None:
    """The barrier that one answer shows; None if an endpoint of this protocol may have given the answer."""
    reply = exchange.reply
    if reply is None:
        return None if _is_nearly_http(exchange) else Barrier.SILENCE
    if is_busy(exchange):
        return Barrier.BUSY
    if reply.status >= 500:
        return Barrier.SERVER_ERROR
    return BY_STATUS.get(reply.status, Barrier.FOREIGN if _is_foreign(reply) else None)


def _is_nearly_http(exchange: Exchange) -> bool:
    """Whether an unreadable reply has header lines: then only its status line may be wrong."""
    failure = exchange.failure
    return (
        failure is not None and failure.kind is FailureKind.NOT_HTTP and _HEADER_LINE.search(failure.detail) is not None
    )


def _is_foreign(reply: Response) -> bool:
    """Whether a reply comes from another service: HTML or JSON, which this protocol does not use.

    A refusal with a request id does not count: it may come from an endpoint whose Error documents are wrong.
    """
    if reply.header("x-ms-request-id") and reply.status >= 300:
        return False
    media_type = (reply.header("Content-Type") or "").lower()
    has_page = _HTML.match(reply.body) is not None or reply.body.lstrip()[:1] in (b"{", b"[")
    return has_page or (any(word in media_type for word in ("html", "json")) and not reply.header("x-ms-request-id"))


def barrier_remark(exchanges: Sequence[Exchange], target: Target) -> Remark:
    """The remark on the barrier that most of `exchanges` met; each of them met one. It names the key to mend."""
    met = Counter(found for exchange in exchanges if (found := barrier(exchange)) is not None)
    commonest = met.most_common(1)[0][0]
    example = next(exchange for exchange in exchanges if barrier(exchange) is commonest)
    if commonest is Barrier.SILENCE:
        return _silence_remark(example, target)
    if commonest is Barrier.REDIRECT:
        return _redirect_remark(example, target.base_url)
    if commonest is Barrier.CREDENTIALS:
        return _credentials_remark(example, target)
    key, meaning = MEANINGS[commonest]
    page = f", with {_page(example)}" if commonest is Barrier.FOREIGN else ""
    return stop(f"{key}: every question is answered {reply_summary(example)}{page}; {meaning}")


def _credentials_remark(exchange: Exchange, target: Target) -> Remark:
    """The remark where every request was refused for its credentials."""
    refusal = f"every question is answered {reply_summary(exchange)}"
    if not target.is_https:
        return stop(f"base_url: {refusal}; over http no client certificate is sent: is https expected?")
    if target.client_certificate is None:
        status = exchange.reply.status if exchange.reply is not None else ""
        return mend(f"{_none_named()}; the endpoint refuses every question ({status})")
    key = _key_of(target.client_certificate)
    text = f"{key}: {refusal}; the certificate is not allowed to use subscription_id"
    return stop(f"{text}: mend {key} or subscription_id")


def _none_named() -> str:
    """The beginning of a remark where no client certificate is named."""
    return f"client_certificate: the target file names none, and {VARIABLE} is empty or not set"


def _key_of(certificate: Path) -> str:
    """The key of the target file, or the environment variable, that names `certificate`."""
    value = os.environ.get(VARIABLE)
    return VARIABLE if value and Path(value).absolute() == certificate else "client_certificate"


def _silence_remark(exchange: Exchange, target: Target) -> Remark:
    """The remark where no request got a reply."""
    kind = exchange.failure.kind if exchange.failure else FailureKind.CLOSED
    if kind is FailureKind.TLS and target.client_certificate is None:
        return mend(f"{_none_named()}; the endpoint gives no reply: {reply_summary(exchange)}")
    if kind is FailureKind.TLS and target.client_certificate is not None:
        return stop(f"{_key_of(target.client_certificate)}: the endpoint gives no reply: {reply_summary(exchange)}")
    may_be_refused = target.is_https and kind in (FailureKind.CLOSED, FailureKind.RESET)
    hint = "; an endpoint that refuses client_certificate may do so" if may_be_refused else ""
    return stop(f"base_url: the endpoint gives no reply: {reply_summary(exchange)}{hint}")


def _redirect_remark(exchange: Exchange, base_url: str) -> Remark:
    """The remark on a redirect: if it leads to another host, base_url is wrong; on the same host it may lead to a login page."""
    moved = urlsplit(exchange.reply.header("Location") or "" if exchange.reply is not None else "")
    if moved.netloc and (moved.scheme, moved.netloc) != tuple(urlsplit(base_url)[:2]):
        return mend(f"base_url: the endpoint sends callers to {moved.scheme}://{moved.netloc}")
    return stop(
        f"base_url: every question is answered {reply_summary(exchange)}, a redirect to {moved.path[:80] or 'nowhere'}"
    )


def _page(exchange: Exchange) -> str:
    reply = exchange.reply
    is_json = reply is not None and "json" in (reply.header("Content-Type") or "").lower()
    return "JSON where XML is expected" if is_json else "an HTML page"
