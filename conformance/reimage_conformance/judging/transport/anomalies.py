"""Anomalies of framing and of header lines in words: what was wrong with the octets of a response, and what HTTP expects in its place."""

from __future__ import annotations

import re

_FRAMING_WORDS = (
    (r"truncated: (\d+) of (\d+) octets", "the connection ended after {0} of {1} octets of content"),
    (r"truncated: within the head", "the connection ended within the head of the response"),
    (r"truncated: within a chunk of (\d+) octets, (\d+) in all", "the connection ended within a chunk of {0} octets, after {1} octets of content"),
    (r"truncated: between chunks, (\d+) octets in all", "the connection ended after {0} octets of content, before the last chunk"),
    (r"truncated: (.+)", "{0}"),
    (r"stalled: (\d+) of (\d+) octets", "{0} of {1} octets of content came, then nothing"),
    (r"stalled: (\d+) octets, neither more nor an end", "{0} octets of content came, then neither more octets nor the last chunk nor the end of the connection"),
    (r"stalled: (\d+) octets, not in chunks: (.*)", "Transfer-Encoding announces chunks, but the content begins with {1}, not with the size of a chunk; {0} octets came, then nothing"),
    (r"(?:late-)?surplus: (\d+) octets after the response(.*)", "{0} more octets came after the end of the response{1}"),
    (r"second-response: (\d+) octets after the response", "{0} more octets came after the end of the response, and they begin with HTTP/"),
    (r"content-on-head: (\d+) octets", "{0} octets of content came"),
    (r"content-on-(\S+): (\d+) octets", "{1} octets of content after the head of a {0}"),
    (r"length-on-connect: (.+)", "Content-Length: {0} in a 2xx answer to CONNECT"),
    (r"transfer-encoding-on-connect: (.+)", "Transfer-Encoding: {0} in a 2xx answer to CONNECT"),
    (r"length-on-(\S+): (.+)", "Content-Length: {1} in a {0}"),
    (r"transfer-encoding-on-(\S+): (.+)", "Transfer-Encoding: {1} in a {0}"),
    (r"length-and-transfer-encoding: (.*) and (.*)", "Content-Length: {0} and Transfer-Encoding: {1}"),
    (r"(?:repeated-content-length|differing-content-lengths|invalid-content-length): (.*)", "Content-Length: {0}"),
    (r"(?:unknown-transfer-coding|chunked-twice|transfer-encoding-not-final-chunked): (.*)", "Transfer-Encoding: {0}"),
    (r"transfer-encoding-in-http-1.0: (.*)", "Transfer-Encoding: {0} in HTTP/1.0"),
    (r"bad-chunk: (.*)", "{0}"),
    (r"not-http: the reply is not HTTP: it (.*)", "the reply {0}"),
    (r"not-http: the reply is not HTTP: (.*)", "{0}"),
    (r"not-http: (.*)", "{0}"),
    (r"octets-before-status-line: (\d+) of CR and LF", "{0} octets of CR and LF before the status line"),
)  # fmt: skip
"""Anomalies of framing as regular expressions, and the words for each; the first one that matches counts."""
_FIELD_WORDS = (
    (r"bare-lf: (.*)", "{0}"),
    (r"([A-Za-z-]+) (\d+) times", "the header {0} came {1} times"),
    (r"obs-fold: (.*)", "the header {0} continues on a second line"),
    (r"white-space-before-colon: (.*)", "a blank before the colon of the header {0}"),
    (r"invalid-field-name: (.*)", "a header name with characters that HTTP does not allow: {0}"),
    (r"invalid-field-value: (.*)", "the value of the header {0} has characters that HTTP does not allow"),
    (r"malformed-field-line: (.*)", "a header line without a colon: {0}"),
    (r"malformed-status-line: (.*)", "the status line {0}"),
)
"""The same for problems of the head of a response."""
_EXPECTED = {
    "truncated": "the response comes whole before the connection ends",
    "stalled": "all octets that Content-Length announces, or the last chunk, or else the end of the connection",
    "surplus": "nothing after the end of the response",
    "late-surplus": "nothing after the end of the response",
    "second-response": "one response to one request",
    "content-on-head": "no content in answer to HEAD",
    "length-and-transfer-encoding": "Content-Length or Transfer-Encoding, not both",
    "repeated-content-length": "one Content-Length",
    "differing-content-lengths": "one Content-Length",
    "invalid-content-length": "a Content-Length that is a number",
    "unknown-transfer-coding": "a transfer coding that HTTP/1.1 defines",
    "transfer-encoding-in-http-1.0": "no Transfer-Encoding in HTTP/1.0",
    "chunked-twice": "chunked once",
    "transfer-encoding-not-final-chunked": "chunked as the last transfer coding",
    "bad-chunk": "each chunk begins with its size and ends with CR LF",
    "not-http": "a response in HTTP/1.1",
    "octets-before-status-line": "a response that begins with its status line",
}
"""What HTTP expects (RFC 9112 6 and 7), by the key of the anomaly."""


_EXPECTED_IN_HEADS = {
    "bare-lf": "CR LF at the end of each line before the content",
    "obs-fold": "each header on one line",
    "white-space-before-colon": "no blank between a header name and its colon",
    "invalid-field-name": "a header name without blanks and other characters that HTTP does not allow in it",
    "invalid-field-value": "a header value without control characters",
    "malformed-field-line": "a name, a colon and a value on each header line",
    "malformed-status-line": "a status line such as HTTP/1.1 200 OK",
}
"""The same for the head of a response (RFC 9112 2 to 5)."""


def anomaly_words(anomaly: str) -> str:
    """An anomaly of framing as a message tells it; where no words are known, the anomaly without its key."""
    words = _worded(anomaly, _FRAMING_WORDS)
    return (anomaly.partition(": ")[2] or anomaly) if words is None else words


def field_words(problem: str) -> str:
    """A problem of the head of a response as a message tells it: an anomaly without its key, any other as it is."""
    words = _worded(problem, _FIELD_WORDS)
    return problem if words is None else words


def expected_in_head(problem: str) -> str:
    """What HTTP expects in place of a problem of the head of a response."""
    repeated = re.fullmatch(r"([A-Za-z-]+) \d+ times", problem)
    if repeated:
        return f"one {repeated[1]}"
    return _EXPECTED_IN_HEADS.get(problem.partition(":")[0], "standard headers as HTTP/1.1 defines them")


def _worded(problem: str, table: tuple[tuple[str, str], ...]) -> str | None:
    """The words of `table` for a problem, None where it has none."""
    for form, words in table:
        found = re.fullmatch(form, problem, re.DOTALL)
        if found:
            return words.format(*found.groups())
    return None


def expected_framing(anomaly: str) -> str:
    """What HTTP expects in place of an anomaly."""
    key = anomaly.partition(":")[0]
    if re.match(r"stalled: \d+ octets, not in chunks", anomaly):
        return "content in chunks, as Transfer-Encoding announces, or no Transfer-Encoding"
    bodiless = re.fullmatch(r"(?:content|length|transfer-encoding)-on-(\S+)", key)
    if key not in _EXPECTED and bodiless:
        return "a response without content, and without Content-Length and Transfer-Encoding"
    return _EXPECTED.get(key, "framing that agrees with the octets sent")
