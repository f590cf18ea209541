"""Request targets of a HAR: from the URL and from queryString, and which queries a sanitiser replaced."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

from reimage_conformance.capture.har_headers import is_masked, latin, text_of
from reimage_conformance.protocol.addresses import read_target

ENCODED_QUERY = "?comp="
"""What the decoded path of a target holds where its query was encoded as a part of it."""
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class UnusableEntryError(Exception):
    """An entry that lacks what an exchange needs; the message says what."""


def read_url(url: Any, host: str) -> tuple[str, str, str]:
    """Origin, authority and request target of a URL; the default port is left out of the first two.

    A URL without a host is read as one of `host`. Raises UnusableEntryError for what is not a URL.
    """
    url = url.strip() if isinstance(url, str) else ""
    if url.startswith("/") and not url.startswith("//") and host:
        url = f"https://{host}{url}"
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError:
        name = None
    if not name:
        raise UnusableEntryError("have no usable URL")
    authority = parts.netloc.rpartition("@")[2].lower()
    default = _DEFAULT_PORTS.get(parts.scheme, "")
    if port is not None and default == f":{port}":
        authority = authority.removesuffix(default)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{authority}", authority, latin(target)


def listed_query(sent: dict[str, Any], target: str) -> str:
    """The query as queryString lists it, where the URL has none."""
    rows = sent.get("queryString")
    if "?" in target or not isinstance(rows, list):
        return ""
    pairs = [
        f"{_quoted(name)}={_quoted(value)}"
        for row in rows
        if isinstance(row, dict)
        and (name := text_of(row.get("name")))
        and (value := text_of(row.get("value"))) is not None
    ]
    return f"?{'&'.join(pairs)}" if pairs else ""


def hides_its_query(target: str) -> bool:
    """Whether a recorder or a sanitiser replaced the query of a request target or one of its values, or encoded the query with the path."""
    query = target.partition("?")[2]
    values = (value for _, value in read_target(target).query)
    return (
        is_masked(unquote(query)) or any(map(is_masked, values)) or ENCODED_QUERY in unquote(target.partition("?")[0])
    )


def _quoted(text: str) -> str:
    """A name or value of a query, percent-encoded; a lone surrogate, which no URL has, as a question mark."""
    return quote(text.encode("utf-8", errors="replace"), safe="")
