"""The table of HAR fields: what recorders do to each, and which facts of an exchange are therefore missing.

A verdict on a HAR is made only if the facts that it needs (`NEEDS` and `DEFECT_NEEDS` in `judging.facts`) were
recorded. `docs/captures.md` shows the table to users.
"""

from __future__ import annotations

from dataclasses import dataclass

from reimage_conformance.model import Fact


@dataclass(frozen=True, slots=True)
class Field:
    """One field of HAR: what recorders do to it, and what can be read from it nevertheless.

    `never` are facts that no HAR holds. `sometimes` are facts that are known only under the condition in `read`.
    """

    name: str
    recorders: str
    read: str
    never: tuple[Fact, ...] = ()
    sometimes: tuple[Fact, ...] = ()


FIELDS = (
    Field(
        "request.method", "write it in any letter case",
        "a known method in any case; the case is not judged", never=(Fact.METHOD_CASE,),
    ),
    Field(
        "request.url", "normalise it, leave out the scheme and host, drop the query, encode it with the path, write REDACTED for it or for its values",
        "path and query; the query from request.queryString where the URL has none, the host from the Host line; that comp is missing, but only where the capture shows a query",
        sometimes=(Fact.QUERY,),
    ),
    Field(
        "request.httpVersion, response.httpVersion", "leave it empty, or write one that belongs to another hop",
        "the version, where both are known and go together; a request without Content-Length is judged under HTTP/1.1 only",
        sometimes=(Fact.HTTP_VERSION,),
    ),
    Field(
        "request.headers", "keep none, keep a selection, keep those that the program set, leave out those that the transport adds",
        "what a line says; that a line is missing, but only where Host or :authority was kept and another request shows the line, "
        "but not where Content-Type and Content-Length are both missing, which recorders keep apart from the others; "
        "that its value is empty, but only where another request shows one; "
        "that a length is missing, but only from a recorder that reads the wire, or one that shows a length elsewhere",
        sometimes=(Fact.REQUEST_LINES, Fact.REQUEST_LENGTH, Fact.VERSION_LINE, Fact.SENT_TYPE_LINE),
    ),
    Field("request.postData", "leave it out, decode it", "nothing is judged from it but its presence"),
    Field(
        "(no field)", "cannot know which client certificate was presented",
        "401 and 403 accuse nobody; the caller may have access to another subscription", never=(Fact.IDENTITY,),
    ),
    Field(
        "response.status", "write 0 where no reply came, 100 before the reply, or text for the number, with or without its phrase",
        "the number; 0 is no reply, which accuses nobody; an entry with 1xx is left out and counted",
    ),
    Field(
        "response._error, _charlesStatus", "keep what came of a reply that was broken off", "that no reply came, which accuses nobody"
    ),
    Field("response.statusText", "leave it empty, translate it", "nothing is judged from it"),
    Field(
        "response.headers",
        "keep none, write an object, keep those that a web page may read, join or repeat lines, keep line ends, change case and white space, "
        "write a word or a hash in place of values, or quotes around all of them",
        "what a line says; that a line is missing, but only where lines were kept that no web page may read; "
        "that Allow is missing, but only where a Date was kept too, since recorders keep a selection",
        never=(Fact.FRAMING,), sometimes=(Fact.RESPONSE_LINES,),
    ),
    Field(
        "Date, Content-Type, x-ms-request-id", "take the line out of every response, or write REDACTED, a hash, the same Date everywhere, asterisks or nothing as its value",
        "that the line is missing or empty, only where another response of the capture shows its value",
        sometimes=(Fact.DATE_LINE, Fact.TYPE_LINE, Fact.ID_LINE),
    ),
    Field(
        "Date", "take it out of some responses together with Server, or parse it and write it in a form of their own, or shift it",
        "that it is missing, only where the response shows the Server and x-ms-request-id that all responses with a Date show; its form, "
        "unless every Date of the capture is in ISO 8601, in seconds, as programs print dates, with an offset or UTC, in quotes, with one sign for every digit, or on a wrong day of "
        "the week, or every value of a line is in small letters, or in capitals",
        sometimes=(Fact.DATE_FORM,),
    ),
    Field(
        "x-ms-request-id", "replace it by one word, or by zeros, shorten it with stars or dots, write it twice",
        "an id, where it is not such a word; else only that there was one; that there was exactly one, where it is there once",
        sometimes=(Fact.OWN_ID,),
    ),
    Field(
        "id in the URL and in the document",
        "replace it by one word or a placeholder; replace or cut it in one of its spellings, so that the two differ",
        "an operation, where the id is not such a word; that the two agree, unless each id in a URL goes with one other ID "
        "throughout the capture",
        sometimes=(Fact.OPERATION_ID, Fact.SHOWN_ID),
    ),
    Field(
        "names in the URL and in the document",
        "replace them by a word or a placeholder, or in documents alone, write hashes for them in URLs, or write the template of the route",
        "a name, where it is not such a word, nor a hash that nothing is known by; else nothing is judged by what exists, and no name is compared with another; that the "
        "deployment in the URL and the Name in the document agree, unless each in a URL goes with one other Name throughout the capture",
        sometimes=(Fact.SHOWN_NAME,),
    ),
    Field(
        "values in the document", "replace a status, a code or a list by a word, or all values",
        "the form of the document; a status, a code or a list, where it is not such a word", sometimes=(Fact.SHOWN_VALUES,),
    ),
    Field(
        "response.content.text",
        "decode content codings and character encodings, cut it, leave it out, write a word in place of it or where there is no content, "
        "write it to a file, in pieces, in numbers, in hexadecimal digits or as a data URL, escape it, lay it out on lines, convert it, "
        "write it into a page, leave the end of a buffer or of the chunks behind it, write words in angle brackets into it, drop some texts, "
        "remove secrets such as Configuration",
        "the document; Content-Encoding and Content-Length are not held against it; that text is no "
        "document, but not where Content-Length gives another length",
        never=(Fact.CODING, Fact.SECRETS), sometimes=(Fact.CONTENT,),
    ),
    Field(
        "response.content.encoding", "write base64 over plain text, or base64 without saying so",
        "the octets, where the text is base64; only then the encoding of a document is judged", sometimes=(Fact.OCTETS,),
    ),
    Field(
        "response.content.size, response.bodySize", "write -1, 0, or the size before or after decoding",
        "that there is no content, where Content-Length is 0 or no Content-Type announces any; "
        "that text is cut, where it is shorter and not a complete document, or lacks only the end of one; "
        "the endpoint itself cut it where Content-Length gives the same size",
    ),
    Field(
        "Non-Authoritative-Reason", "write a 307 of the browser's own from http to https", "nothing: such entries are left out and counted"
    ),
    Field("response.redirectURL", "follow redirects by themselves", "the target of a 307, where no Location line was kept"),
    Field(
        "startedDateTime",
        "leave it out, round it to seconds, give every entry the same, set their clock back, write the newest entry first, merge two clocks",
        "the order; where the Date lines contradict it, the order of the file or its reverse, if the Date lines agree; else no order. "
        "Without times the Date lines alone give the order. Intervals are read only where the times differ and have fractions of a second",
        sometimes=(Fact.ORDER, Fact.MOMENT),
    ),
    Field(
        "response.status 407, 408, 460, 463, 494 to 499, 502, 504, 511, 520 to 527, 530, 561, 598, 599, 999",
        "record what a proxy or a gateway on the way answered",
        "nothing: such calls are passed over and counted",
    ),
    Field(
        "response without x-ms-request-id, empty, HTML, or 5xx in plain text", "record what a login page, a firewall or a proxy answered",
        "nothing, where another call of its kind (for a certain defect: the same request) was answered in this protocol: "
        "such calls are passed over and counted",
    ),
    Field("time, timings", "write -1 or 0", "nothing is judged from it"),
    Field(
        "(entry)", "write an exchange twice, or once for each hop on its way, by one clock or two",
        "one of them, that which was recorded best: the others have the same method, URL, status and id, and the same content as far as both show it, at the "
        "same time or during the first, or with the same Date so far apart that two clocks are evident; they are counted",
    ),
    Field(
        "cache, _fromCache, _fetchType", "record answers that no endpoint gave",
        "such entries are left out and counted; where only cache.afterRequest is there, those whose id was seen before for the same request"
    ),
)  # fmt: skip

NEVER_RECORDED = frozenset(fact for field in FIELDS for fact in field.never)
"""The facts that no HAR holds."""

OPEN_TO_WEB_PAGES = ("cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma")  # fmt: skip
"""Response lines from another origin that a web page may read; a recorder inside a page keeps no others (Fetch, CORS)."""

ON_THE_WIRE = (
    "mitmproxy", "fiddler", "charles", "proxy", "burp", "zap", "pcap", "wireshark", "httpwatch", "selenium wire",
)  # fmt: skip
"""Words in the names of recorders that read what is sent, so that a line which they do not show was not there."""

ABOVE_THE_TRANSPORT = (
    "polly", "nock", "vcr", "betamax", "fetch", "axios", "okhttp", "requests", "urllib", "httpclient", "azure", "cypress",
    "insomnia", "postman", "k6", "wiremock", "recording",
)  # fmt: skip
"""Words in the names of recorders that see a request before its transport adds Host, Content-Length and the like."""
