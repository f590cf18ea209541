"""What recorders and sanitisers write in place of values, texts and entries, one kind each: more rows for the tests of captures."""

from __future__ import annotations

import base64
import json
import re
import zlib
from copy import deepcopy
from typing import TYPE_CHECKING

from capture_recorders import (
    Document,
    chained,
    dates_written,
    earlier,
    entries,
    five_seconds_apart,
    line_replaced,
    line_taken_out,
    no_content_length,
    set_everywhere,
    standard_values,
    texts_rewritten,
    values_written,
    with_text,
    without_texts,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def second_recorder(
    second: Callable[[Document], None] = lambda _: None,
    *,
    first: Callable[[Document], None] = lambda _: None,
    late: float = 0.004,
) -> Callable[[Document], None]:
    """The captures of two recorders on the way in one file: each writes in its own way, and the second one's clock is `late`."""

    def change(document: Document) -> None:
        set_everywhere("entry", time=20)(document)
        copy = deepcopy(document)
        for entry in entries(copy):
            entry["startedDateTime"] = earlier(entry["startedDateTime"], -late)
        first(document)
        second(copy)
        document["log"]["entries"] += entries(copy)

    return change


def without_post_data(document: Document) -> None:
    """A recorder that keeps no bodies of requests."""
    for entry in entries(document):
        entry["request"].pop("postData", None)


def urls_written(written: Callable[[str], str]) -> Callable[[Document], None]:
    """A sanitiser that writes every URL in a way of its own."""

    def change(document: Document) -> None:
        for entry in entries(document):
            entry["request"] |= {"url": written(entry["request"]["url"]), "queryString": []}

    return change


def hashed_instances(url: str) -> str:
    """A URL with a hash in place of the name of an instance."""
    return re.sub("(roleinstances/)([^/?]+)", lambda found: f"{found[1]}{zlib.crc32(found[2].encode()):08x}", url)


def ids_shortened(shortened: Callable[[str], str]) -> Callable[[Document], None]:
    """A sanitiser that keeps the first signs of every id."""

    def change(document: Document) -> None:
        no_content_length(document)
        for entry in entries(document):
            url, content = entry["request"]["url"], entry["response"]["content"]
            entry["request"]["url"] = re.sub(
                "(/operations/)([^/?]*)", lambda found: found[1] + shortened(found[2]), url
            )
            if content.get("text"):
                content["text"] = re.sub("(<ID>)([^<]*)", lambda found: found[1] + shortened(found[2]), content["text"])
            for line in entry["response"]["headers"]:
                line["value"] = shortened(line["value"]) if line["name"].lower() == "x-ms-request-id" else line["value"]

    return change


def statuses_with_phrases(document: Document) -> None:
    """A recorder that writes the phrase behind the status."""
    for entry in entries(document):
        entry["response"]["status"] = f"{entry['response']['status']} {entry['response']['statusText']}"


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


def values_replaced(word: str, names: str = r"\w+") -> Callable[[Document], None]:
    """A sanitiser that writes a word for the text of the elements whose names match, and no Content-Length."""
    return chained(
        no_content_length,
        texts_rewritten(lambda text: re.sub(rf"<({names})>[^<>]+</", lambda found: f"<{found[1]}>{word}</", text)),
    )


def texts_told(written: Callable[[str], str]) -> Callable[[Document], None]:
    """A recorder that writes the text of every document in a way of its own, and no Content-Length."""
    return chained(no_content_length, texts_rewritten(lambda text: text and written(text)))


def word_for_all_texts(word: str) -> Callable[[Document], None]:
    """A recorder that writes a word in place of every text, and no Content-Length."""
    return chained(no_content_length, texts_rewritten(lambda _: word))


def word_for_no_text(word: str) -> Callable[[Document], None]:
    """A recorder that writes a word where there is no text, and no Content-Length."""
    return chained(no_content_length, texts_rewritten(lambda text: text or word))


def as_buffer(text: str) -> str:
    """Octets as Node.js writes a buffer in JSON."""
    return json.dumps({"type": "Buffer", "data": list(text.encode())})


def as_numbers(text: str) -> str:
    """Octets as JavaScript writes an array of them in JSON."""
    return json.dumps({str(place): octet for place, octet in enumerate(text.encode())})


def as_data_url(text: str) -> str:
    """Octets as a page shows them of a blob."""
    return f"data:application/xml;base64,{base64.b64encode(text.encode()).decode()}"


def placeholders(elements: str, word: str) -> Callable[[Document], None]:
    """A sanitiser that knows nothing of XML: a word in angle brackets stands in place of text."""
    return texts_rewritten(lambda text: re.sub(rf"<({elements})>[^<>]*</", rf"<\1><{word}></", text))


WORDS = {
    "an object": "[object Object]", "undefined": "undefined", "a dump of a buffer": "<Buffer 3c 3f 78 6d 6c ... 300 more bytes>",
    "binary": "(binary)", "omitted": "[body omitted]", "too large": "<body too large>",
    "a failure": "Failed to load response data: No data found for resource with given identifier",
}  # fmt: skip
WORDS_FOR_NOTHING = ("N/A", "{}", '""', "\r\n", "Request has no body", "[0 bytes]", "0\r\n\r\n", as_buffer(""))
REWRITERS: dict[str, Callable[[Document], None]] = {
    "Dates emptied": line_replaced("response", "date", ""),
    "types emptied": line_replaced("response", "content-type", ""),
    "request ids emptied": line_replaced("response", "x-ms-request-id", ""),
    "versions emptied": line_replaced("request", "x-ms-version", ""),
    "types of requests emptied": line_replaced("request", "content-type", ""),
    "lines emptied": chained(*(line_replaced("response", name, "") for name in ("date", "server", "content-type"))),
    "standard lines censored": standard_values("CENSORED"),
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
    "statuses replaced": values_replaced("REDACTED", "Status"),
    "status codes replaced": values_replaced("***", "HttpStatusCode"),
    "error codes replaced": values_replaced("[removed]", "Code"),
    "statuses of instances replaced": values_replaced("xxxxx", "InstanceStatus"),
    "lists replaced": chained(
        no_content_length,
        texts_rewritten(lambda text: re.sub(r"(?s)(<(\w+List)\b[^>]*>).*?</\2>", r"\1REDACTED</\2>", text)),
    ),
    "every value replaced": values_replaced("REDACTED"),
    **{f"text as {kind}": word_for_all_texts(word) for kind, word in WORDS.items()},
    **{f"no text as {word!r}": word_for_no_text(word) for word in WORDS_FOR_NOTHING},
    "text as a buffer": texts_told(as_buffer),
    "text as numbers": texts_told(as_numbers),
    "text as a data URL": texts_told(as_data_url),
    "text with the end of a buffer": texts_told(lambda text: f"{text}\0\0"),
    "text with the end of chunks": texts_told(lambda text: f"{text}\r\n0\r\n\r\n"),
    "text behind a misread mark": texts_told(lambda text: f"∩╗┐{text}"),
    "text escaped for JSON": texts_told(lambda text: text.replace("<", r"\u003c")),
    "text with its header lines": texts_told(lambda text: f"HTTP/1.1 200 OK\r\n\r\n{text}"),
    "ids as words in brackets": placeholders("ID", "OPERATION_ID"),
    "ids as words in brackets, without lengths": chained(no_content_length, placeholders("ID", "REDACTED")),
    "names as words in brackets": chained(no_content_length, placeholders("Name|Url|RoleName|InstanceName", "NAME")),
    "two recorders, the second without texts": second_recorder(without_texts),
    "two recorders, the first without texts": second_recorder(first=without_texts),
    "two recorders, the second with byte-order marks": second_recorder(
        texts_rewritten(lambda text: text and f"\ufeff{text}")
    ),
    "two recorders, the second without bodies of requests": second_recorder(without_post_data),
    "two recorders three seconds apart": chained(five_seconds_apart, second_recorder(late=3)),
    "two recorders an hour apart": chained(five_seconds_apart, second_recorder(late=3600)),
    "two recorders three seconds apart, fast polls": second_recorder(late=3),
    "two recorders an hour apart, one without texts": chained(
        five_seconds_apart, second_recorder(first=without_texts, late=-3600)
    ),
    "statuses with their phrases": statuses_with_phrases,
    "queries encoded with the path": urls_written(lambda url: url.replace("?", "%3F").replace("=", "%3D")),
    "instances hashed in URLs": urls_written(hashed_instances),
    "ids shortened with dots": ids_shortened(lambda value: f"{value[:4]}\u2026"),
    "ids shortened with stars": ids_shortened(lambda value: f"{value[:1]}****"),
    "ids shortened to their end": ids_shortened(lambda value: f"****{value[-4:]}"),
}
"""What recorders and sanitisers are seen to write, by a name for the report."""
NO_DOCUMENTS = (*(f"text as {kind}" for kind in WORDS), "text escaped for JSON", "text with its header lines")
"""Rows that keep no document whole."""
