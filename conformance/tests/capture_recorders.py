"""What recorders do to a session, one kind each: functions of a HAR document, for the tests of captures."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from copy import deepcopy
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Document = dict[str, Any]
Change = "Callable[[Document], None]"
WEB_PAGE = ("content-type", "content-length", "cache-control")


def entries(document: Document) -> list[Document]:
    """The entries of a HAR."""
    found: list[Document] = document["log"]["entries"]
    return found


def messages(document: Document) -> Iterator[Document]:
    """Requests and responses."""
    for entry in entries(document):
        yield from (entry["request"], entry["response"])


def with_text(document: Document) -> Iterator[Document]:
    """The responses that have text."""
    return (entry["response"] for entry in entries(document) if entry["response"]["content"].get("text"))


def set_everywhere(where: str, **members: Any) -> Callable[[Document], None]:
    """Writes the same members into every entry, request or response."""

    def change(document: Document) -> None:
        for entry in entries(document):
            (entry if where == "entry" else entry[where]).update(deepcopy(members))

    return change


def set_content(**members: Any) -> Callable[[Document], None]:
    """Writes the same members into the content of every response."""

    def change(document: Document) -> None:
        for entry in entries(document):
            entry["response"]["content"].update(members)

    return change


def lower_methods(document: Document) -> None:
    for entry in entries(document):
        entry["request"]["method"] = entry["request"]["method"].lower()


def numbers_in_headers(document: Document) -> None:
    for message in messages(document):
        for line in message["headers"]:
            line["value"] = int(line["value"]) if re.fullmatch(r"[0-9]{1,9}", line["value"]) else line["value"]


def headers_as_object(document: Document) -> None:
    for message in messages(document):
        message["headers"] = {line["name"]: line["value"] for line in message["headers"]}


def no_headers_member(document: Document) -> None:
    for message in messages(document):
        del message["headers"]


def headers_of_a_web_page(document: Document) -> None:
    for entry in entries(document):
        entry["request"]["headers"] = [
            h for h in entry["request"]["headers"] if h["name"].lower() not in ("host", "content-length")
        ]
        entry["response"]["headers"] = [h for h in entry["response"]["headers"] if h["name"].lower() in WEB_PAGE]


def lower_header_names(document: Document) -> None:
    for message in messages(document):
        message["headers"] = [
            {"name": h["name"].lower(), "value": f"{h['value']} "} for h in reversed(message["headers"])
        ]


def every_line_twice(document: Document) -> None:
    for message in messages(document):
        message["headers"] = [*message["headers"], *({**h, "name": h["name"].lower()} for h in message["headers"])]


def gzip_line_kept(document: Document) -> None:
    for response in with_text(document):
        response["headers"] = [h for h in response["headers"] if h["name"].lower() != "content-length"]
        response["headers"] += [
            {"name": "Content-Encoding", "value": "gzip"},
            {"name": "Content-Length", "value": "17"},
        ]


def chunked_line_kept(document: Document) -> None:
    for response in with_text(document):
        response["headers"] = [h for h in response["headers"] if h["name"].lower() != "content-length"]
        response["headers"] += [{"name": "Transfer-Encoding", "value": "chunked"}]


def base64_label_over_text(document: Document) -> None:
    for entry in entries(document):
        entry["response"]["content"]["encoding"] = "base64"


def base64_text(document: Document) -> None:
    for response in with_text(document):
        content = response["content"]
        content |= {"text": base64.b64encode(content["text"].encode()).decode(), "encoding": "base64"}


def base64_without_label(document: Document) -> None:
    base64_text(document)
    for response in with_text(document):
        del response["content"]["encoding"]


def base64_of_gzip(document: Document) -> None:
    for response in with_text(document):
        coded = gzip.compress(response["content"]["text"].encode(), mtime=0)
        response["content"] |= {"text": base64.b64encode(coded).decode(), "encoding": "base64", "size": len(coded)}


def without_texts(document: Document) -> None:
    for entry in entries(document):
        entry["response"]["content"].pop("text", None)


def cut_texts(document: Document) -> None:
    for response in with_text(document):
        response["content"]["text"] = response["content"]["text"][:60]


def texts_cut(length: int, mark: str = "", *lines: tuple[str, str]) -> Callable[[Document], None]:
    """A recorder that keeps the beginning of each body; `lines` stand in place of Content-Length."""

    def change(document: Document) -> None:
        no_content_length(document)
        for response in with_text(document):
            text = response["content"]["text"]
            text = text[:length] + mark if len(text) > length else text
            response["content"] |= {"text": text, "size": len(text)}
            response["headers"] += [{"name": name, "value": value} for name, value in lines]

    return change


def texts_rewritten(rewritten: Callable[[str], str]) -> Callable[[Document], None]:
    """A recorder that changes the text of every body, that of empty ones too."""

    def change(document: Document) -> None:
        for entry in entries(document):
            content = entry["response"]["content"]
            content |= {"text": rewritten(content.get("text", "")), "size": -1}

    return change


def without_configuration(document: Document) -> None:
    for response in with_text(document):
        text = response["content"]["text"]
        response["content"]["text"] = re.sub("<Configuration>.*?</Configuration>", "", text, flags=re.DOTALL)


def capital_slots(document: Document) -> None:
    for entry in entries(document):
        url = entry["request"]["url"]
        entry["request"]["url"] = url.replace("/deploymentslots/p", "/deploymentslots/P").replace(
            "/deploymentslots/s", "/deploymentslots/S"
        )


def http_2(document: Document) -> None:
    for entry in entries(document):
        parts = urlsplit(entry["request"]["url"])
        pseudo = {
            ":method": entry["request"]["method"],
            ":authority": parts.netloc,
            ":scheme": parts.scheme,
            ":path": parts.path,
        }
        kept = [h for h in entry["request"]["headers"] if h["name"].lower() not in ("host", "content-length")]
        entry["request"] |= {
            "httpVersion": "h2",
            "headers": [*({"name": n, "value": v} for n, v in pseudo.items()), *kept],
        }
        status = {"name": ":status", "value": str(entry["response"]["status"])}
        entry["response"] |= {"httpVersion": "h2", "statusText": "", "headers": [status, *entry["response"]["headers"]]}


def without_times(document: Document) -> None:
    for entry in entries(document):
        del entry["startedDateTime"]
        entry["time"] = -1


def same_times(document: Document) -> None:
    for entry in entries(document):
        entry |= {"startedDateTime": "2000-01-01T00:00:00Z", "time": 0}


def out_of_order(document: Document) -> None:
    entries(document).reverse()


def both_sides_of_a_proxy(document: Document) -> None:
    found = entries(document)
    document["log"]["entries"] = [copy for entry in found for copy in (entry, deepcopy(entry))]


def two_hops(document: Document) -> None:
    """Two recorders on the way: the second shows everything a little later, with a Via and names in lower case."""
    set_everywhere("entry", time=20)(document)
    second = deepcopy(document)
    lower_header_names(second)
    for entry in entries(second):
        entry["startedDateTime"] = earlier(entry["startedDateTime"], -0.004)
        entry["response"]["headers"].append({"name": "via", "value": "1.1 proxy"})
    document["log"]["entries"] += entries(second)


def query_apart(document: Document) -> None:
    for entry in entries(document):
        url, _, query = entry["request"]["url"].partition("?")
        entry["request"] |= {"url": url, "queryString": [{"name": n, "value": v} for n, v in parse_qsl(query)]}


def queries_rewritten(pattern: str, word: str) -> Callable[[Document], None]:
    """A sanitiser that replaces what matches `pattern` in every URL, and keeps no queryString."""

    def change(document: Document) -> None:
        for entry in entries(document):
            entry["request"] |= {"url": re.sub(pattern, word, entry["request"]["url"]), "queryString": []}

    return change


def relative_urls(document: Document) -> None:
    for entry in entries(document):
        parts = urlsplit(entry["request"]["url"])
        entry["request"]["url"] = parts.path + (f"?{parts.query}" if parts.query else "")


def with_preflights(document: Document) -> None:
    found = entries(document)
    document["log"]["entries"] = [each for entry in found for each in (_preflight(entry), entry)]


def _preflight(entry: Document) -> Document:
    asked = [
        {"name": "Host", "value": urlsplit(entry["request"]["url"]).netloc},
        {"name": "Access-Control-Request-Method", "value": "POST"},
    ]
    answer = {"status": 204, "headers": [{"name": "Access-Control-Allow-Origin", "value": "*"}], "content": {"size": 0}}
    return {**entry, "request": {**entry["request"], "method": "OPTIONS", "headers": asked}, "response": answer}


def with_aborted(document: Document) -> None:
    found = entries(document)
    aborted = {"status": 0, "statusText": "", "headers": [], "content": {"size": 0}, "_error": "net::ERR_ABORTED"}
    document["log"]["entries"] = [each for entry in found for each in ({**entry, "response": aborted}, entry)]


def with_aborted_bodies(document: Document) -> None:
    """Chrome keeps the status and the lines of a reply that was broken off later."""
    found = entries(document)
    document["log"]["entries"] = [each for entry in found for each in (_broken_off(entry), entry)]


def _broken_off(entry: Document) -> Document:
    content = {**entry["response"]["content"], "size": 0, "text": entry["response"]["content"].get("text", "")[:20]}
    kept = [line for line in entry["response"]["headers"] if line["name"].lower() != "content-length"]
    return {
        **entry,
        "response": {**entry["response"], "headers": kept, "content": content, "_error": "net::ERR_ABORTED"},
    }


def with_cached(document: Document) -> None:
    stale = {"content": {"size": 3, "text": "<x>"}, "status": 200, "headers": []}
    document["log"]["entries"] += [{**entry, "_fromCache": "disk", "response": stale} for entry in entries(document)]


def with_kept_answers(document: Document) -> None:
    """Old Firefox answers polls from its cache: the reply is that of before, and `cache` tells what the cache holds afterwards."""
    for number, entry in enumerate(list(entries(document))):
        if "/operations/" in entry["request"]["url"]:
            cache = {"afterRequest": {"hitCount": 1} if number % 2 else None}
            entries(document).append(
                {**entry, "startedDateTime": earlier(entry["startedDateTime"], -60), "cache": cache}
            )


def with_other_traffic(document: Document) -> None:
    first = entries(document)[0]
    for url in (
        "https://telemetry.test/collect",
        "https://login.test/common/oauth2/token",
        "data:text/plain,x",
        "ws://x.test/y",
    ):
        entries(document).append({**first, "request": {**first["request"], "url": url}})


def ids_replaced(
    word: str, *, bodies: bool = True, urls: bool = True, headers: bool = True
) -> Callable[[Document], None]:
    """A sanitiser that writes one word for every request id."""

    def change(document: Document) -> None:
        for entry in entries(document):
            content = entry["response"]["content"]
            if bodies and content.get("text"):
                content["text"] = re.sub(
                    "<ID>.*?</ID>", f"<ID>{word.replace('<', '&lt;').replace('>', '&gt;')}</ID>", content["text"]
                )
                content["size"] = -1
            if urls:
                entry["request"]["url"] = re.sub("(/operations/)[^/?]*", lambda m: m[1] + word, entry["request"]["url"])
            for line in entry["response"]["headers"] if headers else ():
                line["value"] = word if line["name"].lower() == "x-ms-request-id" else line["value"]

    return change


def no_content_length(document: Document) -> None:
    for entry in entries(document):
        entry["response"]["headers"] = [
            h for h in entry["response"]["headers"] if h["name"].lower() != "content-length"
        ]


def lines_kept(side: str, names: str) -> Callable[[Document], None]:
    """A recorder that keeps the lines of requests or responses whose names match a pattern."""

    def change(document: Document) -> None:
        for entry in entries(document):
            kept = [line for line in entry[side]["headers"] if re.fullmatch(names, line["name"], re.IGNORECASE)]
            entry[side]["headers"] = kept

    return change


def line_taken_out(name: str) -> Callable[[Document], None]:
    """A sanitiser that takes a line out of every response."""

    def change(document: Document) -> None:
        for entry in entries(document):
            entry["response"]["headers"] = [h for h in entry["response"]["headers"] if h["name"].lower() != name]

    return change


def line_replaced(side: str, name: str, word: str) -> Callable[[Document], None]:
    """A sanitiser that writes a word for the value of a line."""

    def change(document: Document) -> None:
        for entry in entries(document):
            for line in entry[side]["headers"]:
                line["value"] = word if line["name"].lower() == name else line["value"]

    return change


def values_written(written: Callable[[str], str]) -> Callable[[Document], None]:
    """A recorder that writes the value of every header line in a way of its own."""

    def change(document: Document) -> None:
        for message in messages(document):
            for line in message["headers"]:
                line["value"] = written(line["value"])

    return change


def texts_wrapped(before: str, after: str, inner: Callable[[str], str] = str) -> Callable[[Document], None]:
    """A recorder that writes something around the text of every document, and no Content-Length."""
    return chained(no_content_length, texts_rewritten(lambda text: text and before + inner(text) + after))


def deployment_names_replaced(document: Document) -> None:
    """A sanitiser that replaces the names of deployments in documents, and not in URLs."""
    names: dict[str, str] = {}
    for response in with_text(document):
        content = response["content"]
        for name in re.findall(r"<Name>([^<]*)</Name>", content["text"]):
            written = names.setdefault(name, f"deployment-{len(names)}")
            content["text"] = content["text"].replace(f"<Name>{name}</Name>", f"<Name>{written}</Name>")
    no_content_length(document)


def dates_written(written: Callable[[datetime], str]) -> Callable[[Document], None]:
    """A recorder or sanitiser that reads every Date and writes it in a form of its own."""

    def change(document: Document) -> None:
        for entry in entries(document):
            for line in entry["response"]["headers"]:
                if line["name"].lower() == "date":
                    line["value"] = written(parsedate_to_datetime(line["value"]))

    return change


def some_dates_taken_out(document: Document) -> None:
    """A sanitiser that takes Date and Server out of every third response."""
    for entry in entries(document)[::3]:
        entry["response"]["headers"] = [
            h for h in entry["response"]["headers"] if h["name"].lower() not in ("date", "server")
        ]


def lines_of_content_left_out(document: Document) -> None:
    """Two recorders, the second of which keeps the lines of content apart, as .NET does."""
    found = entries(document)
    for entry in found[len(found) // 3 :]:
        entry["request"]["headers"] = [
            h for h in entry["request"]["headers"] if h["name"].lower() not in ("content-type", "content-length")
        ]


def lines_joined(document: Document) -> None:
    for entry in entries(document):
        for line in entry["response"]["headers"]:
            if line["name"].lower() in ("content-type", "date"):
                line["value"] = f"{line['value']}, {line['value']}"


def with_gateway_answers(document: Document) -> None:
    found = entries(document)
    page = {
        "status": 502,
        "headers": [{"name": "Via", "value": "1.1 proxy"}],
        "content": {"size": 7, "text": "<html/>"},
    }
    challenge = {"status": 407, "headers": [{"name": "Proxy-Authenticate", "value": "NTLM"}], "content": {"size": 0}}
    document["log"]["entries"] = [
        each for entry in found for each in ({**entry, "response": page}, {**entry, "response": challenge}, entry)
    ]


def with_revalidated(document: Document) -> None:
    for entry in list(entries(document)):
        if entry["request"]["method"] == "GET":
            asked = [*entry["request"]["headers"], {"name": "If-None-Match", "value": '"1"'}]
            answer = {"status": 304, "headers": [], "content": {"size": 0}}
            entries(document).append({**entry, "request": {**entry["request"], "headers": asked}, "response": answer})


def program_headers(document: Document) -> None:
    document["log"]["creator"] = {"name": "Polly.JS", "version": "6"}
    for entry in entries(document):
        entry["request"]["headers"] = [h for h in entry["request"]["headers"] if h["name"].lower() != "content-length"]


def lengths_left_out(document: Document) -> None:
    """A program's recorder: Host is there, the Content-Length that the transport adds is not."""
    for entry in entries(document):
        entry["request"]["headers"] = [h for h in entry["request"]["headers"] if h["name"].lower() != "content-length"]


def lengths_as_nothing(value: str | None) -> Callable[[Document], None]:
    """A program that takes the length 0 for nothing."""

    def change(document: Document) -> None:
        for entry in entries(document):
            for line in entry["request"]["headers"]:
                line["value"] = (
                    value if (line["name"].lower(), line["value"]) == ("content-length", "0") else line["value"]
                )

    return change


def chunked_requests(document: Document) -> None:
    """A client that sends chunks, of which the HAR shows no octets."""
    for entry in entries(document):
        for line in entry["request"]["headers"]:
            if (line["name"].lower(), line["value"]) == ("content-length", "0"):
                line |= {"name": "Transfer-Encoding", "value": "chunked"}


def every_value(word: str) -> Callable[[Document], None]:
    """A sanitiser that writes one word for every value."""

    def change(document: Document) -> None:
        for message in messages(document):
            for line in message["headers"]:
                line["value"] = word

    return change


def standard_values(word: str) -> Callable[[Document], None]:
    """A sanitiser that writes one word for the values of lines that are judged, and leaves the others."""

    def change(document: Document) -> None:
        for message in messages(document):
            for line in message["headers"]:
                kept = line["name"].lower() in ("x-ms-request-id", "user-agent", "accept", "x-ms-version", "server")
                line["value"] = line["value"] if kept else word

    return change


def text_replaced(document: Document) -> None:
    no_content_length(document)
    for response in with_text(document):
        response["content"] |= {"text": "[application/xml redacted]", "size": -1}


def text_not_decoded(document: Document) -> None:
    for response in with_text(document):
        response["content"]["text"] = "\ufffd\ufffd" + "\0".join(response["content"]["text"])


def in_pieces(*, digits: bool) -> Callable[[Document], None]:
    """A recorder that keeps what came in gzip, piece by piece, in base64 or in hexadecimal digits."""

    def change(document: Document) -> None:
        for response in with_text(document):
            coded = gzip.compress(response["content"]["text"].encode(), mtime=0)
            pieces = (coded[:40], coded[40:])
            text = json.dumps([each.hex() if digits else base64.b64encode(each).decode() for each in pieces])
            response["content"] |= {"text": text, "size": len(coded)}
            if not digits:
                response["content"]["encoding"] = "base64"

    return change


def with_interim(document: Document) -> None:
    """A converter of packets that takes 100 Continue for a response."""
    interim = {"status": 100, "statusText": "Continue", "headers": [], "content": {"size": 0, "text": ""}}
    document["log"]["entries"] = [
        each for entry in entries(document) for each in ({**entry, "response": interim}, entry)
    ]


def with_other_sources(document: Document) -> None:
    """Safari, which says where an answer came from."""
    stale = {"content": {"size": 3, "text": "<x>"}, "status": 200, "headers": []}
    network = [{**entry, "_fetchType": "Network Load"} for entry in entries(document)]
    document["log"]["entries"] = [
        *network, *({**entry, "_fetchType": kind, "response": stale} for entry in network for kind in ("Memory Cache", "Service Worker")),
    ]  # fmt: skip


def with_failed_tunnels(document: Document) -> None:
    """Charles, which writes pages of its own where it could not connect, and says how far each exchange came."""
    own = {"_charlesStatus": "FAILED", "status": 503, "headers": [], "content": {"size": 7, "text": "<html/>"}}
    cut = {"_charlesStatus": "EXCEPTION", "status": 200, "headers": [], "content": {"size": 0, "text": ""}}
    whole = [{**entry, "response": {**entry["response"], "_charlesStatus": "COMPLETE"}} for entry in entries(document)]
    document["log"]["entries"] = [
        each for entry in whole for each in ({**entry, "response": own}, {**entry, "response": cut}, entry)
    ]


def through_an_old_proxy(document: Document) -> None:
    for entry in entries(document):
        entry["response"]["httpVersion"] = "HTTP/1.0"
        entry["response"]["headers"].append({"name": "Via", "value": "1.1 front, 1.0 squid"})


def five_seconds_apart(document: Document) -> None:
    """Times and Date lines five seconds further apart than they were."""
    for number, entry in enumerate(entries(document)):
        moment = datetime.fromisoformat(entry["startedDateTime"]) + timedelta(seconds=5 * number)
        entry["startedDateTime"] = moment.isoformat()
        for line in entry["response"]["headers"]:
            if line["name"].lower() == "date":
                line["value"] = format_datetime(moment.replace(microsecond=0), usegmt=True)


def clock_set_back(document: Document) -> None:
    """The recorder's clock goes back in the middle of the first operation; the endpoint's does not."""
    five_seconds_apart(document)
    for entry in entries(document)[2::3]:
        entry["startedDateTime"] = earlier(entry["startedDateTime"], 30)


def two_clocks(document: Document) -> None:
    """Two captures in one file, the second by a recorder whose clock is slow."""
    five_seconds_apart(document)
    found = entries(document)
    slow = [{**entry, "startedDateTime": earlier(entry["startedDateTime"], 30)} for entry in found[1::2]]
    document["log"]["entries"] = found[::2] + slow


def earlier(moment: str, seconds: float) -> str:
    """A time that is so many seconds earlier."""
    return (datetime.fromisoformat(moment) - timedelta(seconds=seconds)).isoformat()


def whole_minutes(document: Document) -> None:
    for entry in entries(document):
        entry["startedDateTime"] = entry["startedDateTime"][:17] + "00+00:00"


def every_third_first(document: Document) -> None:
    """An order that is none of time: every third entry, then the others."""
    found = entries(document)
    document["log"]["entries"] = found[2::3] + found[::3] + found[1::3]


def decoded_host(document: Document) -> None:
    for entry in entries(document):
        for line in entry["request"]["headers"]:
            line["value"] = "prüfstand.example" if line["name"].lower() == "host" else line["value"]


def chained(*changes: Callable[[Document], None]) -> Callable[[Document], None]:
    """Several changes one after the other."""

    def change(document: Document) -> None:
        for each in changes:
            each(document)

    return change


RECORDERS: dict[str, Callable[[Document], None]] = {
    "as it was": lambda document: None,
    "methods in lower case": lower_methods,
    "numbers as header values": numbers_in_headers,
    "no header lines": chained(set_everywhere("request", headers=[]), set_everywhere("response", headers=[])),
    "no response lines": set_everywhere("response", headers=[]),
    "headers null": chained(set_everywhere("request", headers=None), set_everywhere("response", headers=None)),
    "headers missing": no_headers_member,
    "headers as an object": headers_as_object,
    "headers that a web page may read": headers_of_a_web_page,
    "header names in lower case, in another order": lower_header_names,
    "every line twice": every_line_twice,
    "Content-Encoding over decoded text": gzip_line_kept,
    "Transfer-Encoding over decoded text": chunked_line_kept,
    "Content-Length left out": no_content_length,
    "Date taken out": line_taken_out("date"),
    "Content-Type taken out": line_taken_out("content-type"),
    "request ids taken out": line_taken_out("x-ms-request-id"),
    "Date redacted": line_replaced("response", "date", "REDACTED"),
    "Dates in ISO 8601": dates_written(lambda date: date.isoformat()),
    "Dates in seconds": dates_written(lambda date: str(int(date.timestamp()))),
    "Dates with UTC": dates_written(lambda date: format_datetime(date, usegmt=True).replace("GMT", "UTC")),
    "Dates with an offset": dates_written(format_datetime),
    "Dates as JavaScript prints them": dates_written(
        lambda date: date.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")
    ),
    "Dates as Java prints them": dates_written(lambda date: date.strftime("%a %b %d %H:%M:%S UTC %Y")),
    "Dates as .NET writes them in JSON": dates_written(lambda date: f"/Date({int(date.timestamp())}000)/"),
    "Dates of a locale": dates_written(lambda date: date.strftime("%m/%d/%Y %I:%M:%S %p")),
    "values in small letters": values_written(str.lower),
    "values in capitals": values_written(str.upper),
    "values in quotes": values_written(json.dumps),
    "values as Python prints them": values_written(repr),
    "values as Python prints their octets": values_written(lambda value: repr(value.encode())),
    "names of deployments replaced in documents": deployment_names_replaced,
    "Dates on a shifted day": dates_written(
        lambda date: format_datetime(date, usegmt=True).replace("Mar 2014", "Mar 2019")
    ),
    "Date taken out of some responses": some_dates_taken_out,
    "lines of content kept apart": lines_of_content_left_out,
    "versions redacted": line_replaced("request", "x-ms-version", "REDACTED"),
    "lines joined": lines_joined,
    "headers of the program, not of the transport": program_headers,
    "base64 label over plain text": base64_label_over_text,
    "base64": base64_text,
    "base64 without its label": base64_without_label,
    "base64 of gzip": base64_of_gzip,
    "an empty encoding": set_content(encoding=""),
    "sizes of -1": chained(
        set_content(size=-1), set_everywhere("response", bodySize=-1), set_everywhere("request", bodySize=-1)
    ),
    "sizes of 0": set_content(size=0),
    "sizes too large": set_content(size=10_000_000),
    "no text": without_texts,
    "text cut short": cut_texts,
    "text of chunks cut": texts_cut(150, "", ("Transfer-Encoding", "chunked")),
    "text of gzip cut": texts_cut(150, "", ("Content-Encoding", "gzip"), ("Content-Length", "150")),
    "text cut with dots": texts_cut(150, "..."),
    "text cut with a mark": texts_cut(150, "\n[truncated]"),
    "words for no text": texts_rewritten(lambda text: text or "<empty>"),
    "text escaped": chained(no_content_length, texts_rewritten(html.escape)),
    "text in the page of a browser": texts_wrapped(
        '<html><head><meta name="color-scheme" content="light dark"></head><body><pre>',
        "</pre></body></html>",
        html.escape,
    ),
    "text in the page of a viewer": texts_wrapped('<div id="webkit-xml-viewer-source-xml">', "</div>"),
    "text in CDATA": texts_wrapped("<![CDATA[", "]]>"),
    "text as Python prints its octets": texts_wrapped("b'", "'"),
    "text with the lengths of its chunks": texts_wrapped("2a\r\n", "\r\n0\r\n\r\n"),
    "text in JSON": texts_rewritten(lambda text: text and json.dumps({"Operation": {"ID": "1", "Status": text[:900]}})),
    "text as a JSON string": texts_rewritten(lambda text: json.dumps(text) if text else ""),
    "text with escaped quotes": texts_rewritten(lambda text: text.replace('"', '\\"')),
    "text in hexadecimal digits": texts_rewritten(lambda text: ":".join(f"{octet:02x}" for octet in text.encode())),
    "text on lines of its own": texts_rewritten(lambda text: re.sub(r"(<\w+>)([^<>]+)(</)", r"\1\n    \2\n\3", text)),
    "no content": set_everywhere("response", content={}),
    "content null": set_everywhere("response", content=None),
    "Configuration taken out": without_configuration,
    "slots in capitals": capital_slots,
    "HTTP/2": http_2,
    "HTTP versions unknown": chained(
        set_everywhere("request", httpVersion=""), set_everywhere("response", httpVersion="unknown")
    ),
    "no reason phrase": set_everywhere("response", statusText=""),
    "no times": without_times,
    "the same time everywhere": same_times,
    "entries out of order": out_of_order,
    "newest first without times": chained(five_seconds_apart, without_times, out_of_order),
    "newest first in whole minutes": chained(five_seconds_apart, whole_minutes, out_of_order),
    "newest first without times and Dates": chained(without_times, line_taken_out("date"), out_of_order),
    "in no order without times": chained(five_seconds_apart, without_times, every_third_first),
    "two clocks": two_clocks,
    "every exchange twice": both_sides_of_a_proxy,
    "two hops of every exchange": two_hops,
    "the query apart": query_apart,
    "queries left out": queries_rewritten(r"\?.*", ""),
    "queries filtered": queries_rewritten(r"\?.*", "?[Filtered]"),
    "values of queries redacted": queries_rewritten("=[^&]*", "=REDACTED"),
    "no line that begins with x-": chained(lines_kept("request", "(?!x-).*"), lines_kept("response", "(?!x-).*")),
    "a selection of response lines": lines_kept("response", "server|content-type|content-length|x-ms-request-id"),
    "a selection of request lines": lines_kept("request", "host|user-agent|content-length|accept"),
    "Content-Type of requests taken out": lines_kept("request", "(?!content-type).*"),
    "URLs without host": relative_urls,
    "CORS preflights": with_preflights,
    "aborted requests": with_aborted,
    "aborted replies": with_aborted_bodies,
    "answers from a cache": with_cached,
    "answers kept from before": with_kept_answers,
    "answers from other sources": with_other_sources,
    "interim responses": with_interim,
    "pages of the recorder": with_failed_tunnels,
    "an old proxy on the way": through_an_old_proxy,
    "a clock that was set back": clock_set_back,
    "Content-Length of requests left out": lengths_left_out,
    "Content-Length of requests empty": lengths_as_nothing(""),
    "Content-Length of requests null": lengths_as_nothing(None),
    "requests in chunks": chunked_requests,
    "a host name with umlauts": decoded_host,
    "every value empty": every_value(""),
    "every value a dot": every_value("•"),
    "standard lines masked with stars": standard_values("*****"),
    "standard lines masked with blocks": standard_values("████"),
    "standard lines masked by a word": standard_values("deleted"),
    "versions masked by a word": line_replaced("request", "x-ms-version", "VERSION"),
    "versions masked by digits": line_replaced("request", "x-ms-version", "1234-56-78"),
    "types masked by a word": line_replaced("response", "content-type", "TYPE"),
    "Dates hashed": line_replaced("response", "date", "sha256:0123456789ab"),
    "standard lines masked in brackets": standard_values("[redacted]"),
    "empty text": chained(no_content_length, set_content(text="", size=-1)),
    "text replaced": text_replaced,
    "text not decoded": text_not_decoded,
    "pieces in base64": in_pieces(digits=False),
    "pieces in hexadecimal digits": in_pieces(digits=True),
    "answers of gateways": with_gateway_answers,
    "answers to a cache": with_revalidated,
    "other traffic": with_other_traffic,
    "ids replaced everywhere": ids_replaced("REDACTED"),
    "ids replaced by a placeholder": ids_replaced("{id}"),
    "ids replaced by stars": ids_replaced("***"),
    "ids replaced by zeros": ids_replaced("00000000-0000-0000-0000-000000000000"),
    "ids replaced by a word of nobody's": ids_replaced("my-operation"),
    "ids replaced in headers": ids_replaced("Sanitized", bodies=False, urls=False),
    "ids replaced in URLs": ids_replaced("<masked>", bodies=False, headers=False),
    "ids replaced in bodies": ids_replaced("[removed]", urls=False, headers=False),
    "ids replaced by an id in headers": ids_replaced("0123456789abcdef0123456789abcdef", bodies=False, urls=False),
}
"""What recorders are seen to do, by a name for the report."""
