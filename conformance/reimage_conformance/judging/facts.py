"""Which facts of an exchange each requirement needs; without them no verdict on the requirement is made.

A requirement that is not listed needs the request as it was read and the status of the reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.model import Fact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.model import Exchange, Verdict

_LINES = frozenset({Fact.RESPONSE_LINES})
_ID_LINE = frozenset({Fact.RESPONSE_LINES, Fact.ID_LINE})
_CONTENT = frozenset({Fact.CONTENT})
_VALUES = _CONTENT | {Fact.SHOWN_VALUES}
_OPERATION = frozenset({Fact.CONTENT, Fact.OPERATION_ID})

NEEDS: Mapping[str, frozenset[Fact]] = {
    "REQ-HTTP-DATE": frozenset({Fact.RESPONSE_LINES, Fact.DATE_LINE}),
    "REQ-HTTP-STD-HEADERS": _LINES,
    "REQ-HTTP-405-ALLOW": frozenset({Fact.RESPONSE_LINES, Fact.DATE_LINE}),
    "REQ-HTTP-RETRY-AFTER": _LINES,
    "REQ-HTTP-VERSION-RESP": frozenset({Fact.HTTP_VERSION}),
    "REQ-HTTP-FRAMING": frozenset({Fact.FRAMING}),
    "REQ-HTTP-HEAD-NOBODY": frozenset({Fact.FRAMING}),
    "REQ-HTTP-METHOD-CASE": frozenset({Fact.METHOD_CASE}),
    "REQ-REIMAGE-CL-ABSENT": frozenset({Fact.REQUEST_LENGTH, Fact.HTTP_VERSION}),
    "REQ-REIMAGE-REQID": _ID_LINE,
    "REQ-REIMAGE-BODY-EMPTY": _CONTENT,
    "REQ-REIMAGE-FINAL-200": _VALUES,
    "REQ-REIMAGE-COMPLETES": frozenset({Fact.OPERATION_ID, Fact.ORDER, Fact.SHOWN_VALUES}),
    "REQ-REIMAGE-REQID-USABLE": frozenset({Fact.OPERATION_ID}),
    "REQ-REIMAGE-REQID-PROMPT": frozenset({Fact.OPERATION_ID, Fact.MOMENT}),
    "REQ-ASYNC-REQID-UNIQUE": frozenset({Fact.RESPONSE_LINES, Fact.OWN_ID}),
    "REQ-ASYNC-REQID-ERRORS": _ID_LINE,
    "REQ-GOS-200": frozenset({Fact.OPERATION_ID, Fact.ORDER}),
    "REQ-GOS-REQID": _ID_LINE,
    "REQ-GOS-REQID-OWN": frozenset({Fact.RESPONSE_LINES, Fact.OWN_ID, Fact.OPERATION_ID}),
    "REQ-GOS-CT": frozenset({Fact.RESPONSE_LINES, Fact.TYPE_LINE, Fact.CONTENT}),
    "REQ-GOS-ROOT": _CONTENT,
    "REQ-GOS-ID": _OPERATION | {Fact.SHOWN_ID},
    "REQ-GOS-STATUS": _VALUES,
    "REQ-GOS-HTTPSTATUS": _VALUES,
    "REQ-GOS-HTTPSTATUS-INT": _VALUES,
    "REQ-GOS-ERROR": _VALUES,
    "REQ-GOS-ORDER": _CONTENT,
    "REQ-GOS-PROGRESS": _OPERATION | {Fact.ORDER, Fact.SHOWN_VALUES},
    "REQ-GOS-TERMINAL-STABLE": frozenset({Fact.OPERATION_ID, Fact.ORDER, Fact.SHOWN_VALUES}),
    "REQ-GOS-READONLY": frozenset({Fact.OPERATION_ID, Fact.ORDER}),
    "REQ-GOS-NOTFOUND-NOEFFECT": frozenset({Fact.CONTENT, Fact.OPERATION_ID, Fact.OWN_ID}),
    "REQ-ERR-CT": frozenset({Fact.RESPONSE_LINES, Fact.TYPE_LINE, Fact.CONTENT}),
    "REQ-ERR-BODY-OPTIONAL": _CONTENT,
    "REQ-ERR-BODY-FORMAT": _CONTENT,
    "REQ-ERR-CODES": _VALUES,
    "REQ-XML-WF": _CONTENT,
    "REQ-XML-NS": _CONTENT,
    "REQ-XML-ENC": frozenset({Fact.RESPONSE_LINES, Fact.CONTENT, Fact.OCTETS}),
    "REQ-DEPL-URI": _ID_LINE,
    "REQ-DEPL-ROOT": _CONTENT,
    "REQ-DEPL-INSTANCES": _VALUES,
    "REQ-DEPL-VERSIONS": _CONTENT,
    "REQ-DEPL-STATUS-VALUES": _VALUES,
    "REQ-DEPL-STATUS-GATES": _VALUES,
    "REQ-DEPL-POWER": _CONTENT,
    "REQ-DEPL-EMPTY-SLOT": frozenset({Fact.SHOWN_VALUES}),
    "REQ-PROPS-URI": _ID_LINE,
    "REQ-VER-GATED-ELEMENTS": _CONTENT,
    "REQ-CLIENT-CERTIFICATE": frozenset({Fact.IDENTITY}),
    "REQ-CLIENT-HTTP-VERSION": frozenset({Fact.HTTP_VERSION}),
    "REQ-CLIENT-REIMAGE-CONTENT-TYPE": frozenset({Fact.REQUEST_LINES, Fact.SENT_TYPE_LINE}),
    "REQ-CLIENT-REIMAGE-CONTENT-LENGTH": frozenset({Fact.REQUEST_LINES, Fact.REQUEST_LENGTH, Fact.HTTP_VERSION}),
    "REQ-CLIENT-REIMAGE-VERSION": frozenset({Fact.REQUEST_LINES, Fact.VERSION_LINE}),
    "REQ-CLIENT-POLL-VERSION": frozenset({Fact.REQUEST_LINES, Fact.VERSION_LINE}),
    "REQ-CLIENT-POLL-ID": frozenset({Fact.OPERATION_ID, Fact.RESPONSE_LINES, Fact.ORDER}),
    "REQ-CLIENT-POLL-END": frozenset({Fact.OPERATION_ID, Fact.CONTENT, Fact.ORDER}),
    "REQ-CLIENT-POLL-PAUSE": frozenset({Fact.MOMENT, Fact.CONTENT, Fact.ORDER}),
    "REQ-CLIENT-POLL-AFTER-END": frozenset({Fact.OPERATION_ID, Fact.CONTENT, Fact.ORDER}),
    "REQ-CLIENT-REIMAGE-ONCE": frozenset({Fact.OPERATION_ID, Fact.CONTENT, Fact.ORDER}),
    "REQ-CLIENT-RETRY-PAUSE": frozenset({Fact.MOMENT, Fact.ORDER}),
    "REQ-CLIENT-REDIRECT": frozenset({Fact.RESPONSE_LINES, Fact.ORDER}),
}

NEEDS_OF_SYMPTOMS: Mapping[tuple[str, str], frozenset[Fact]] = {
    ("REQ-HTTP-DATE", "date"): frozenset({Fact.DATE_FORM}),
    ("REQ-GOS-TERMINAL-STABLE", "gone"): frozenset({Fact.MOMENT}),
    ("REQ-REIMAGE-REQID-USABLE", "unusable-id"): frozenset({Fact.MOMENT, Fact.ORDER}),
    ("REQ-REIMAGE-REQID-USABLE", "denied"): frozenset({Fact.ORDER}),
    ("REQ-DEPL-ROOT", "identity"): frozenset({Fact.SHOWN_NAME}),
    ("REQ-CLIENT-REIMAGE-URI", "comp"): frozenset({Fact.QUERY}),
}
"""Further facts that violations with these symptoms need; "gone" needs the time, since an endpoint may forget an operation after a while."""

WRONG_CODE = "code:"
"""The beginning of the symptoms of violations that rest on the code of an error."""

DEFECT_NEEDS: Mapping[str, frozenset[Fact]] = {
    "host": frozenset({Fact.REQUEST_LINES}),
    "version-missing": frozenset({Fact.REQUEST_LINES, Fact.VERSION_LINE}),
    "comp": frozenset({Fact.QUERY}),
    "content-type": frozenset({Fact.REQUEST_LINES, Fact.SENT_TYPE_LINE}),
    "length-missing": frozenset({Fact.REQUEST_LINES, Fact.REQUEST_LENGTH, Fact.HTTP_VERSION}),
    "method-case": frozenset({Fact.METHOD_CASE}),
    "foreign-subscription": frozenset({Fact.IDENTITY}),
    "anonymous": frozenset({Fact.IDENTITY}),
    "unknown-certificate": frozenset({Fact.IDENTITY}),
    "space-before-colon": frozenset({Fact.FRAMING}),
    "folded-line": frozenset({Fact.FRAMING}),
    "repeated-length": frozenset({Fact.FRAMING}),
    "content-type-repeated": frozenset({Fact.FRAMING}),
    "length-and-coding": frozenset({Fact.FRAMING}),
}
"""The facts that must be recorded before a defect of the request is certain: else the recorder may have caused it."""


def is_certain(defect: Defect, exchange: Exchange) -> bool:
    """Whether the request was sent with the defect; otherwise the recorder may have caused it."""
    if defect.key == "content-type" and exchange.request.values("Content-Type"):
        return True  # a line that was kept says another type
    return DEFECT_NEEDS.get(defect.key, frozenset()).isdisjoint(exchange.unrecorded)


def on_record(verdicts: Sequence[Verdict], exchanges: Sequence[Exchange]) -> list[Verdict]:
    """The verdicts for which every fact that they need was recorded."""
    lacking = {exchange.number: exchange.unrecorded for exchange in exchanges if exchange.unrecorded}
    if not lacking:
        return list(verdicts)
    first = (exchanges[0].number,)
    return [
        verdict
        for verdict in verdicts
        if all(needed(verdict).isdisjoint(lacking.get(number, ())) for number in verdict.evidence or first)
    ]


def needed(verdict: Verdict) -> frozenset[Fact]:
    """The facts that a verdict needs."""
    facts = NEEDS.get(verdict.requirement, frozenset())
    facts |= NEEDS_OF_SYMPTOMS.get((verdict.requirement, verdict.symptom), frozenset())
    return facts | {Fact.SHOWN_VALUES} if verdict.symptom.startswith(WRONG_CODE) else facts
