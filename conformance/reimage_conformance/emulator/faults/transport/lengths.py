"""Faults in reading how a request is framed: by Content-Length, by Transfer-Encoding, or by both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.emulator.admission import check_body, check_length
from reimage_conformance.emulator.conditions import (
    SILENCE,
    has_two_framings,
    performs,
    refusal_edit,
    refusal_status,
    refused_with,
)
from reimage_conformance.emulator.departures import Change, gives, instead, skips
from reimage_conformance.emulator.faults.registry import Slip
from reimage_conformance.emulator.faults.transport.requests import also_fitting
from reimage_conformance.emulator.messages import Call, Close, Refusal
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

if TYPE_CHECKING:
    from collections.abc import Callable

INVALID, DIFFER, BOTH = "REQ-HTTP-CL-INVALID", "REQ-HTTP-CL-DIFFER", "REQ-HTTP-TE-CL"
CODING, CHUNKED = "REQ-HTTP-TE-UNKNOWN", "REQ-HTTP-CHUNKED"


def _invalid(call: Call) -> bool:
    return any("," not in value and not value.isdecimal() for value in call.message.values("content-length"))


Slip("length-invalid-accepted", INVALID, "{} counts as zero").table(
    lambda pattern: instead(length_valid, also_fitting(pattern)),
    ("word", "a Content-Length such as 'abc'", r"[a-z]+"),
    ("negative", "a Content-Length such as '-5'", r"-\d+"),
    ("sign", "a Content-Length such as '+5'", r"\+\d+"),
    ("hexadecimal", "a Content-Length such as '0x5'", r"0x[0-9a-f]+"),
    ("decimal", "a Content-Length such as '5.0'", r"\d+\.\d+"),
    ("space", "a Content-Length such as '5 5'", r"\d+ +\d+"),
    ("empty", "an empty Content-Length", r""),
    ("digits first", "a Content-Length such as '5abc'", r"\d+[a-z]+"),
    ("anything", "any invalid Content-Length", r".*"),
)
Slip("length-invalid-hangs", INVALID, "a request with an invalid Content-Length is never answered").by(
    performs(SILENCE, when=_invalid)
)
Slip("length-invalid-keeps-open", INVALID, "after a 400 for an invalid Content-Length the connection stays open").by(
    refusal_edit(refused_with(close=False), "length-invalid")
)
Slip("length-invalid-status", INVALID, "an invalid Content-Length is answered {}").each(
    (404, 411, 413, 500), refusal_status("length-invalid")
)
Slip("length-differs-keeps-open", DIFFER, "after a 400 for two lengths the connection stays open").by(
    refusal_edit(refused_with(close=False), "length-differs")
)
Slip("length-differs-status", DIFFER, "two lengths are answered {}").each((411, 500), refusal_status("length-differs"))


def _in_bits(bits: int) -> Callable[..., Framing]:
    """Reads a length into an unsigned number of `bits` bits, so that larger lengths overflow."""

    def framing(original: Callable[..., Framing], call: Call) -> Framing:
        lengths = content_lengths(call)
        if lengths and lengths[0].isdigit() and int(lengths[0]) >= 2**bits:
            return Framing(length=int(lengths[0]) % 2**bits)
        return original(call)

    return framing


Slip(
    "length-kept-in-bits",
    "REQ-REIMAGE-CL-NONZERO",
    "a Content-Length is read into {0} bits, so that 2 to the power of {0} counts as zero",
).each(
    (32, 64),
    lambda bits: (
        instead(read_framing, _in_bits(bits)),
        instead(length_valid, also_fitting(r"\d+")),
        skips(check_body_size),
    ),
)


def _several(call: Call) -> bool:
    values = content_lengths(call)
    return len(set(values)) > 1 and "".join(values).isdecimal()


def _chosen(choose: Callable[[list[int]], int]) -> tuple[Change, ...]:
    """Makes the length count that `choose` gives for several ones."""
    return (
        skips(check_content_length, _several),
        instead(
            read_framing,
            lambda _, call: Framing(length=choose([int(each) for each in content_lengths(call)])),
            _several,
        ),
        skips(check_body, _several),
    )


_CHOICES: dict[str, Callable[[list[int]], int]] = {
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "least": min,
    "sum": sum,
}
Slip("length-differs-accepted", DIFFER, "of two Content-Length values the {name} counts").each_named(_CHOICES, _chosen)


_BOTH_ACCEPTED = (skips(check_both_lengths), skips(check_body, has_two_framings))
"""Changes by which a request with both kinds of framing is accepted."""
Slip("both-lengths-keep-open[refused]", BOTH, "after a 400 for two kinds of framing the connection stays open").by(
    refusal_edit(refused_with(close=False), "both-lengths")
)
Slip(
    "both-lengths-keep-open[accepted]",
    BOTH,
    "a request with two kinds of framing is accepted and the connection stays open",
).by(*_BOTH_ACCEPTED)
Slip("both-lengths-read-by-length", BOTH, "with two kinds of framing Content-Length counts").by(
    *_BOTH_ACCEPTED,
    instead(read_framing, lambda _, call: Framing(length=int(content_lengths(call)[0])), has_two_framings),
)
Slip("both-lengths-ignored", BOTH, "with two kinds of framing there is no body").by(
    *_BOTH_ACCEPTED, gives(read_framing, Framing(), has_two_framings)
)

Slip("chunked-status", CHUNKED, "a chunked request is answered {}", also=("REQ-REIMAGE-CL-NONZERO",)).each(
    (404, 500, 501, 403),
    lambda status: gives(
        check_transfer_encoding,
        Refusal("chunked", status, "BadRequest", "No chunks, please.", close=True),
        lambda call: call.message.values("transfer-encoding") == ["chunked"],
    ),
)


def _chunked(call: Call) -> bool:
    return call.message.values("transfer-encoding") == ["chunked"] and not call.message.values("content-length")


Slip(
    "chunked-closes",
    CHUNKED,
    "a chunked request ends in a closed connection",
    also=("REQ-REIMAGE-CL-NONZERO",),
).by(performs(Close(), when=_chunked))
Slip("chunked-hangs", CHUNKED, "a chunked request is never answered", also=("REQ-REIMAGE-CL-NONZERO",)).by(
    performs(SILENCE, when=_chunked)
)
Slip(
    "chunked-not-decoded", CHUNKED, "the chunks of a request are taken for the next one", also=("REQ-HTTP-FRAMING",)
).by(gives(read_framing, Framing(), _chunked))


def _unknown_coding(call: Call) -> bool:
    return any(each.lower() != "chunked" for each in call.message.values("transfer-encoding"))


_CODING_IGNORED = (
    gives(read_framing, Framing(), _unknown_coding),
    skips(check_length, _unknown_coding),
    skips(check_body, _unknown_coding),
)
Slip("coding-unknown-accepted", CODING, "an unknown transfer coding is ignored").by(
    skips(check_transfer_encoding, _unknown_coding), *_CODING_IGNORED
)
Slip("coding-unknown-status", CODING, "an unknown transfer coding is answered {}").each(
    (400, 404, 415, 500), refusal_status("coding-unknown")
)
Slip("chunked-not-last-accepted", CODING, "chunked need not be the last transfer coding").by(
    skips(
        check_transfer_encoding,
        lambda call: _unknown_coding(call) and "chunked" in call.message.values("transfer-encoding")[0],
    ),
    *_CODING_IGNORED,
)
Slip("chunked-not-last-status", CODING, "chunked in the wrong place is answered {}").each(
    (404, 500), refusal_status("coding-order")
)
Slip("chunked-not-last-keeps-open", CODING, "after a 400 for chunked in the wrong place the connection stays open").by(
    refusal_edit(refused_with(close=False), "coding-order")
)
