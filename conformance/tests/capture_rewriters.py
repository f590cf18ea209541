"""What recorders and sanitisers write in place of values, texts and entries, one kind each: more rows for the tests of captures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from capture_recorders import (
    Document,
    chained,
    dates_written,
    line_replaced,
    line_taken_out,
    no_content_length,
    values_written,
    with_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def masked_digits(sign: str) -> Callable[[Document], None]:
    """A sanitiser that writes one sign for every digit of a Date."""
    return dates_written(lambda date: re.sub(r"\d", sign, date.strftime("%a, %d %b %Y %H:%M:%S GMT")))


def some_texts_dropped(size: int, *, member: bool = True) -> Callable[[Document], None]:
    """A recorder whose memory was full: every second text is empty, or missing."""

    def change(document: Document) -> None:
        no_content_length(document)
        for response in list(with_text(document))[::2]:
            response["content"] |= {"text": "", "size": size}
            if not member:
                del response["content"]["text"]

    return change


REWRITERS: dict[str, Callable[[Document], None]] = {
    "Dates emptied": line_replaced("response", "date", ""),
    "types emptied": line_replaced("response", "content-type", ""),
    "request ids emptied": line_replaced("response", "x-ms-request-id", ""),
    "versions emptied": line_replaced("request", "x-ms-version", ""),
    "types of requests emptied": line_replaced("request", "content-type", ""),
    "lines emptied": chained(*(line_replaced("response", name, "") for name in ("date", "server", "content-type"))),
    "values with their line ends": values_written(lambda value: f"{value}\r\n"),
    "values with line feeds": values_written(lambda value: f"{value}\n"),
    "Dates as Go prints them": dates_written(lambda date: date.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")),
    "Dates as Ruby prints them": dates_written(lambda date: date.strftime("%Y-%m-%d %H:%M:%S UTC")),
    "Dates as Python prints them": dates_written(repr),
    "Dates as PowerShell prints them": dates_written(lambda date: date.strftime("%A, %B %d, %Y %I:%M:%S %p")),
    "Dates of a locale with names": dates_written(lambda date: date.strftime("%b %d, %Y, %I:%M:%S %p")),
    "Dates as logs write them": dates_written(lambda date: date.strftime("%d/%b/%Y:%H:%M:%S +0000")),
    "Dates in quotes": dates_written(lambda date: date.strftime('"%a, %d %b %Y %H:%M:%S GMT"')),
    "Dates with crosses for digits": masked_digits("#"),
    "Dates with zeros for digits": masked_digits("0"),
    "some texts emptied": some_texts_dropped(0),
    "some texts emptied, of unknown size": some_texts_dropped(-1),
    "some texts and all types taken out": chained(line_taken_out("content-type"), some_texts_dropped(0, member=False)),
}
"""What recorders and sanitisers are seen to write, by a name for the report."""
NO_DOCUMENTS: tuple[str, ...] = ()
"""Rows that keep no document whole."""
