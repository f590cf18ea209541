"""What can be wrong with the octets of a response: the kinds, and one such anomaly with the words for what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Self


class AnomalyKind(Enum):
    """A kind of anomaly; the value is its key in the journal and in fingerprints."""

    # The connection ended within the response, or fell silent.
    TRUNCATED = "truncated"
    STALLED = "stalled"
    NOT_IN_CHUNKS = "not-in-chunks"  # stalled too: the content is not in chunks, as Transfer-Encoding announced
    # More came than the response.
    SURPLUS = "surplus"
    LATE_SURPLUS = "late-surplus"  # on a connection that was kept, some time after the response
    SECOND_RESPONSE = "second-response"
    # What a response without content must not have; `where` says which one: "head", "connect" or a status.
    CONTENT = "content"
    LENGTH = "length"
    TRANSFER_ENCODING = "transfer-encoding"
    # Content-Length and Transfer-Encoding.
    LENGTH_AND_TRANSFER_ENCODING = "length-and-transfer-encoding"
    REPEATED_LENGTH = "repeated-content-length"
    DIFFERING_LENGTHS = "differing-content-lengths"
    INVALID_LENGTH = "invalid-content-length"
    UNKNOWN_TRANSFER_CODING = "unknown-transfer-coding"
    TRANSFER_ENCODING_IN_HTTP_1_0 = "transfer-encoding-in-http-1.0"
    CHUNKED_TWICE = "chunked-twice"
    NOT_FINAL_CHUNKED = "transfer-encoding-not-final-chunked"
    BAD_CHUNK = "bad-chunk"
    # The beginning of the reply.
    NOT_HTTP = "not-http"
    OCTETS_BEFORE_STATUS_LINE = "octets-before-status-line"
    # The lines of the head.
    MALFORMED_STATUS_LINE = "malformed-status-line"
    INVALID_STATUS_CODE = "invalid-status-code"
    BARE_LF = "bare-lf"
    OBS_FOLD = "obs-fold"
    WHITE_SPACE_BEFORE_COLON = "white-space-before-colon"
    INVALID_NAME = "invalid-field-name"
    INVALID_VALUE = "invalid-field-value"
    MALFORMED_LINE = "malformed-field-line"
    # The content.
    CONTENT_CODING = "content-coding"  # the content is not in the coding that Content-Encoding names
    OTHER = "other"  # read from a journal of another version


_KINDS = {kind.value: kind for kind in AnomalyKind}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One anomaly of a response, and what was seen, in words.

    `where` names the kind of response that must not have what this one has (RFC 9110 6.4.1): "head" or "connect" for the method of
    the request, or the status; "" for anomalies of any other kind.
    """

    kind: AnomalyKind
    words: str
    where: str = ""

    @property
    def key(self) -> str:
        """A stable name for anomalies of this kind: `surplus`, `content-on-204`."""
        return f"{self.kind.value}-on-{self.where}" if self.where else self.kind.value

    def __str__(self) -> str:
        return f"{self.key}: {self.words}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The anomaly that `str` made `text` of; its kind is OTHER if the key is not known."""
        key, separator, words = text.partition(": ")
        name, _, where = (key, "", "") if key in _KINDS else key.partition("-on-")
        kind = _KINDS.get(name)
        return cls(AnomalyKind.OTHER, text) if kind is None else cls(kind, words if separator else key, where)
