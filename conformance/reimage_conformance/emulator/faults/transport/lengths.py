"""Faults in reading how a request is framed: Content-Length, Transfer-Encoding, and both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_body, check_length
from reimage_conformance.emulator.conditions import refusal_edit, refused_with
from reimage_conformance.emulator.departures import gives, instead, skips
from reimage_conformance.emulator.faults.registry import fault
from reimage_conformance.emulator.faults.transport.requests import also_fitting
from reimage_conformance.emulator.messages import Call, Close, Pause, Refusal
from reimage_conformance.emulator.reading import (
    Framing,
    check_body_size,
    check_both_lengths,
    check_content_length,
    check_transfer_encoding,
    content_lengths,
    length_valid,
    read_framing,
)
from reimage_conformance.emulator.writing import render

if TYPE_CHECKING:
    from collections.abc import Callable

INVALID, DIFFER, BOTH = "REQ-HTTP-CL-INVALID", "REQ-HTTP-CL-DIFFER", "REQ-HTTP-TE-CL"
CODING, CHUNKED = "REQ-HTTP-TE-UNKNOWN", "REQ-HTTP-CHUNKED"


def _invalid(call: Call) -> bool:
    return any("," not in value and not value.isdecimal() for value in call.message.values("content-length"))


for _name, _pattern in {
    "word": r"[a-z]+",
    "negative": r"-\d+",
    "sign": r"\+\d+",
    "hexadecimal": r"0x[0-9a-f]+",
    "decimal": r"\d+\.\d+",
    "space": r"\d+ +\d+",
    "empty": r"",
    "digits first": r"\d+[a-z]+",
    "anything": r".*",
}.items():
    fault(
        f"length-invalid-accepted[{_name}]",
        INVALID,
        f"a Content-Length like {_pattern!r} counts as zero",
        instead(length_valid, also_fitting(_pattern)),
    )
fault(
    "length-invalid-hangs",
    INVALID,
    "a request with an invalid Content-Length is never answered",
    instead(render, lambda *_: [Pause(3600.0)], _invalid),
)
fault(
    "length-invalid-keeps-open",
    INVALID,
    "after a 400 for an invalid Content-Length the connection stays open",
    refusal_edit(refused_with(close=False), "length-invalid"),
)
for _status in (404, 411, 413, 500):
    fault(
        f"length-invalid-status[{_status}]",
        INVALID,
        f"an invalid Content-Length is answered {_status}",
        refusal_edit(refused_with(status=_status), "length-invalid"),
    )
fault(
    "length-differs-keeps-open",
    DIFFER,
    "after a 400 for two lengths the connection stays open",
    refusal_edit(refused_with(close=False), "length-differs"),
)
for _status in (411, 500):
    fault(
        f"length-differs-status[{_status}]",
        DIFFER,
        f"two lengths are answered {_status}",
        refusal_edit(refused_with(status=_status), "length-differs"),
    )


def _in_bits(bits: int) -> Callable[..., Framing]:
    """Keeps a declared length in so many bits."""

    def framing(original: Callable[..., Framing], call: Call) -> Framing:
        lengths = content_lengths(call)
        if lengths and lengths[0].isdigit() and int(lengths[0]) >= 2**bits:
            return Framing(length=int(lengths[0]) % 2**bits)
        return original(call)

    return framing


for _bits in (32, 64):
    fault(
        f"length-kept-in-bits[{_bits}]",
        "REQ-REIMAGE-CL-NONZERO",
        f"a Content-Length is kept in {_bits} bits, so that 2 to the power of {_bits} counts as zero",
        instead(read_framing, _in_bits(_bits)),
        instead(length_valid, also_fitting(r"\d+")),
        skips(check_body_size),
    )


def _chosen(choose: Callable[[list[int]], int]) -> Callable[..., Framing]:
    return lambda _, call: Framing(length=choose([int(each) for each in content_lengths(call)]))


def _several(call: Call) -> bool:
    values = content_lengths(call)
    return len(set(values)) > 1 and "".join(values).isdecimal()


_CHOICES: dict[str, Callable[[list[int]], int]] = {
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "least": min,
    "sum": sum,
}
for _name, _choose in _CHOICES.items():
    fault(
        f"length-differs-accepted[{_name}]",
        DIFFER,
        f"of two Content-Length values the {_name} counts",
        skips(check_content_length, _several),
        instead(read_framing, _chosen(_choose), _several),
        skips(check_body, _several),
    )


def _two_framings(call: Call) -> bool:
    return bool(call.message.values("transfer-encoding")) and bool(call.message.values("content-length"))


_BY_CODING = (skips(check_both_lengths), skips(check_body, _two_framings))
fault(
    "both-lengths-keep-open[refused]",
    BOTH,
    "after a 400 for two kinds of framing the connection stays open",
    refusal_edit(refused_with(close=False), "both-lengths"),
)
fault(
    "both-lengths-keep-open[accepted]",
    BOTH,
    "a request with two kinds of framing is accepted and the connection stays open",
    *_BY_CODING,
)
fault(
    "both-lengths-read-by-length",
    BOTH,
    "with two kinds of framing Content-Length counts",
    *_BY_CODING,
    instead(read_framing, lambda _, call: Framing(length=int(content_lengths(call)[0])), _two_framings),
)
fault(
    "both-lengths-ignored",
    BOTH,
    "with two kinds of framing there is no body",
    *_BY_CODING,
    gives(read_framing, Framing(), _two_framings),
)

for _status in (404, 500, 501, 403):
    fault(
        f"chunked-status[{_status}]",
        CHUNKED,
        f"a chunked request is answered {_status}",
        gives(
            check_transfer_encoding,
            Refusal("chunked", _status, "BadRequest", "No chunks, please.", close=True),
            lambda call: call.message.values("transfer-encoding") == ["chunked"],
        ),
    )


def _chunked(call: Call) -> bool:
    return call.message.values("transfer-encoding") == ["chunked"] and not call.message.values("content-length")


fault(
    "chunked-closes",
    CHUNKED,
    "a chunked request ends in a closed connection",
    instead(render, lambda *_: [Close()], _chunked),
)
fault(
    "chunked-hangs",
    CHUNKED,
    "a chunked request is never answered",
    instead(render, lambda *_: [Pause(3600.0)], _chunked),
    also=("REQ-REIMAGE-CL-NONZERO",),
)
fault(
    "chunked-not-decoded",
    CHUNKED,
    "the chunks of a request are taken for the next one",
    gives(read_framing, Framing(), _chunked),
    also=("REQ-HTTP-FRAMING",),
)


def _unknown_coding(call: Call) -> bool:
    return [each for each in call.message.values("transfer-encoding") if each.lower() != "chunked"] != []


_CODED = (
    gives(read_framing, Framing(), _unknown_coding),
    skips(check_length, _unknown_coding),
    skips(check_body, _unknown_coding),
)
fault(
    "coding-unknown-accepted",
    CODING,
    "an unknown transfer coding is ignored",
    skips(check_transfer_encoding, _unknown_coding),
    *_CODED,
)
for _status in (400, 404, 415, 500):
    fault(
        f"coding-unknown-status[{_status}]",
        CODING,
        f"an unknown transfer coding is answered {_status}",
        refusal_edit(refused_with(status=_status), "coding-unknown"),
    )
fault(
    "chunked-not-last-accepted",
    CODING,
    "chunked need not be the last transfer coding",
    skips(
        check_transfer_encoding,
        lambda call: _unknown_coding(call) and "chunked" in call.message.values("transfer-encoding")[0],
    ),
    *_CODED,
)
for _status in (404, 500):
    fault(
        f"chunked-not-last-status[{_status}]",
        CODING,
        f"chunked in the wrong place is answered {_status}",
        refusal_edit(refused_with(status=_status), "coding-order"),
    )
fault(
    "chunked-not-last-keeps-open",
    CODING,
    "after a 400 for chunked in the wrong place the connection stays open",
    refusal_edit(refused_with(close=False), "coding-order"),
)
