"""The oracle: `expectation_of(request, world)` gives the defects of a request and the answers that are permitted.

Where a request has several defects, the answers of each are permitted, since the documents set no precedence
(REQ-AUTH-ORDER). The oracle looks at the request and the world, not at the answer; the checks judge that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import CATALOGUE, FIRST_VERSION, MINIMUM_VERSION, published_before, published_from
from reimage_conformance.judging.defects import ANY_4XX, Answer, Defect, Expectation
from reimage_conformance.judging.world import Absence
from reimage_conformance.model import CountsAs, Identity, Strictness
from reimage_conformance.protocol.addresses import Kind, has_segments_to_clean, is_plain, read_target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Request

SIBLINGS = ("reboot", "rebuild", "delete")
"""Values of comp that name other operations on role instances."""
_VERSION_FORM = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)
_HOST_FORM = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%\[\]:-]*\Z")
_PRINTABLE_VALUE = re.compile(r"[\t -~]*")
"""A header value that no HTTP software refuses. It may refuse other octets, although HTTP permits them (RFC 9110 5.5)."""
_LENGTH_FORM = re.compile(r"\d+\Z", re.ASCII)
_APPLICATION_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
"""Methods that reach the application; HTTP software may refuse others itself."""


def _answer(*statuses: int, code: str | tuple[str, ...] = ()) -> Answer:
    """The `Answer` with these statuses and the code or codes given."""
    return Answer(frozenset(statuses), frozenset((code,) if isinstance(code, str) else code))


_VERSION_ANSWERS = (_answer(400, code="MissingOrIncorrectVersionHeader"),)
_ABSENCE_ANSWERS = (_answer(404, code="ResourceNotFound"),)
_BAD_REQUEST_ANSWERS = (_answer(400),)
HUGE_DIGITS = 10
"""A Content-Length with this many digits may be too large for the HTTP software, which then refuses the request itself."""
LONGEST_TARGET = 2048
"""Octets; HTTP software may refuse longer request targets before the application sees them (REQ-HTTP-URI-LENGTH)."""


class _DefectFinder:
    """Finds the defects of one request; each method yields those of one part of it."""

    def __init__(self, request: Request, world: World) -> None:
        self.request, self.world = request, world
        self.address = read_target(request.resource)

    def defect(
        self,
        key: str,
        requirement: str,
        answers: tuple[Answer, ...],
        *,
        later: tuple[int, ...] = (),
        layer: str = "application",
        counts_as: CountsAs | None = None,
    ) -> Defect:
        """A `Defect`; where `counts_as` is None, the catalogue says what it counts as under the world's strictness.

        Under lenient, any 4xx is permitted too for a defect of the layer "application". `later` are the values of
        HttpStatusCode with which the operation may fail, if the endpoint accepts the request at first; under lenient it
        may fail with any. `layer` is what may refuse the request: "http", "auth" or "application" (`Defect.layer`).
        """
        if counts_as is None:
            counts_as = CATALOGUE[requirement].counts_as(self.world.strictness)
        is_lenient = self.world.strictness is Strictness.LENIENT
        if is_lenient and layer == "application":
            answers = (*answers, Answer(ANY_4XX))
        return Defect(key, requirement, answers, counts_as, frozenset(later), layer, is_lenient and bool(later))

    def framing(self) -> Iterator[Defect]:
        """Host, field syntax, Content-Length and Transfer-Encoding (RFC 9112 3.2, 5, 6)."""
        hosts = self.request.values("Host")
        if len(hosts) != 1 or not all(map(_HOST_FORM.match, hosts)):
            yield self.defect("host", "REQ-HTTP-HOST", _BAD_REQUEST_ANSWERS, layer="http")
        if any(name != name.rstrip(" \t") for name, _ in self.request.headers):
            yield self.defect("space-before-colon", "REQ-HTTP-WS-COLON", _BAD_REQUEST_ANSWERS, layer="http")
        if any("\r\n" in value for _, value in self.request.headers):
            answers, info = _BAD_REQUEST_ANSWERS, CountsAs.INFO
            yield self.defect("folded-line", "REQ-HTTP-OBSFOLD", answers, layer="http", counts_as=info)
        lengths = [part.strip(" \t") for value in self.request.values("Content-Length") for part in value.split(",")]
        codings = [
            part.strip(" \t").lower() for value in self.request.values("Transfer-Encoding") for part in value.split(",")
        ]
        if codings:
            yield from self._coding(codings, lengths)
        elif lengths:
            yield from self._length(lengths)

    def _coding(self, codings: list[str], lengths: list[str]) -> Iterator[Defect]:
        """The defects of Transfer-Encoding (RFC 9112 6.1)."""
        answers = (_answer(400, 411, 501),)
        if lengths:
            yield self.defect("length-and-coding", "REQ-HTTP-TE-CL", answers, layer="http", counts_as=CountsAs.INFO)
            has_content = bool(self.request.body) and not _is_empty_chunked(self.request.body)
            if codings == ["chunked"] and has_content:
                # The content counts as any other body of a reimage does.
                counts = CATALOGUE["REQ-REIMAGE-CL-NONZERO"].counts_as(self.world.strictness)
                answers = (_answer(400, 411, 413, 501),)
                yield self.defect("coded-body", "REQ-HTTP-TE-CL", answers, layer="http", counts_as=counts)
        if codings != ["chunked"]:
            yield self.defect("unknown-coding", "REQ-HTTP-TE-UNKNOWN", answers, layer="http")

    def _length(self, lengths: list[str]) -> Iterator[Defect]:
        """The defects of Content-Length where there is no Transfer-Encoding (RFC 9112 6.3)."""
        if any(not _LENGTH_FORM.match(value) for value in lengths):
            is_empty = set(lengths) == {""}
            answers, counts = ((_answer(400, 411),), CountsAs.WARN) if is_empty else (_BAD_REQUEST_ANSWERS, None)
            yield self.defect("invalid-length", "REQ-HTTP-CL-INVALID", answers, layer="http", counts_as=counts)
        elif len(set(lengths)) > 1:
            yield self.defect("differing-lengths", "REQ-HTTP-CL-DIFFER", _BAD_REQUEST_ANSWERS, layer="http")
        elif len(lengths) > 1:
            yield self.defect("repeated-length", "REQ-HTTP-CL-SAME", _BAD_REQUEST_ANSWERS, layer="http")

    def identity(self) -> Iterator[Defect]:
        """The certificate, and whether it opens the subscription (REQ-AUTH-FAIL)."""
        target = self.world.target
        answers: tuple[Answer, ...] = (_answer(403, code=("AuthenticationFailed", "ForbiddenError")),)
        # Lenient requires no code (the note of REQ-AUTH-FAIL), and permits 400, which a server that ends TLS may send.
        if self.world.strictness is Strictness.LENIENT:
            answers = (*answers, _answer(400, 401, 403, 404))
        if target.is_https and self.request.identity is Identity.NONE:
            yield self.defect("anonymous", "REQ-AUTH-TLS", answers, layer="auth")
        elif target.is_https and self.request.identity is Identity.UNKNOWN:
            yield self.defect("unknown-certificate", "REQ-AUTH-FAIL", answers, layer="auth")
        # `other_subscription_id` is a second one that the certificate opens, `foreign_subscription_id` one that it does not.
        owned = {target.subscription_id.lower(), (target.other_subscription_id or target.subscription_id).lower()}
        if self.address.subscription.lower() in owned:
            return
        foreign = target.foreign_subscription_id
        is_known = foreign is not None and self.address.subscription.lower() == foreign.lower()
        # An operation may be unknown in another subscription (REQ-GOS-OTHER-SUB).
        if not is_known or self.address.kind is Kind.OPERATION:
            answers = (*answers, _answer(400, 404))
        counts = None if target.is_https else CountsAs.INFO
        yield self.defect("foreign-subscription", "REQ-AUTH-FAIL", answers, layer="auth", counts_as=counts)

    def version(self) -> Iterator[Defect]:
        """The x-ms-version header; several lines and a list mean the same (RFC 9110, section 5.3)."""
        values = [each.strip(" \t") for line in self.request.values("x-ms-version") for each in line.split(",")]
        dates = [value for value in values if _VERSION_FORM.match(value)]
        if not values:
            yield self.defect("version-missing", "REQ-VER-MISSING", _VERSION_ANSWERS)
        elif not dates:
            yield self.defect("version-malformed", "REQ-VER-FORMAT", _VERSION_ANSWERS)
        elif len(values) > 1:
            yield self.defect("version-repeated", "REQ-VER-OWS", _VERSION_ANSWERS, counts_as=CountsAs.INFO)
        else:
            yield from self._dated_version(*dates)

    def _dated_version(self, value: str) -> Iterator[Defect]:
        """The defects of a version that is written YYYY-MM-DD."""
        reimage = self.address.kind is Kind.REIMAGE
        if reimage and value in published_before(MINIMUM_VERSION):
            yield self.defect("version-old", "REQ-REIMAGE-VERSION-OLD", _VERSION_ANSWERS)
        elif value not in published_from(FIRST_VERSION):
            yield self.defect("version-unpublished", "REQ-VER-UNPUBLISHED", _VERSION_ANSWERS)
        elif value not in (MINIMUM_VERSION, self.world.target.x_ms_version) and (reimage or value > MINIMUM_VERSION):
            # A poll or a look with a version below the minimum has no defect. Any other version than the minimum and the target's own
            # need not be known to the endpoint here: another check judges whether it is (REQ-VER-OLD-KEPT).
            yield self.defect("version-other", "REQ-VER-OLD-KEPT", _VERSION_ANSWERS, counts_as=CountsAs.INFO)

    def reimage(self) -> Iterator[Defect]:
        """The defects of a reimage: method, comp, Content-Type, body and names."""
        yield from self._method()
        yield from self._comp()
        yield from self._content_type()
        yield from self._body()
        yield from self._names()

    def _method(self) -> Iterator[Defect]:
        """A verb other than POST (REQ-ERR-VERB, REQ-HTTP-METHOD-CASE, REQ-HTTP-UNKNOWN-METHOD)."""
        method, answers_of_http = self.request.method, (_answer(400, 404, 405, 501),)
        if method == "POST":
            return
        if method.upper() == "POST":
            yield self.defect("method-case", "REQ-HTTP-METHOD-CASE", answers_of_http, layer="http")
        elif method in _APPLICATION_METHODS:
            answers = (_answer(400, code="InvalidHttpVerb"), _answer(404, 405, 501))
            yield self.defect("method", "REQ-ERR-VERB", answers)
        else:
            yield self.defect("method", "REQ-ERR-VERB", answers_of_http, layer="http")

    def _comp(self) -> Iterator[Defect]:
        """The query parameter that selects the operation (REQ-REIMAGE-COMP-MISSING, REQ-REIMAGE-COMP-EXACT)."""
        values = self.address.parameters("comp")
        answers = (_answer(400, code="MissingOrInvalidRequiredQueryParameter"),)
        if values == ("reimage",):
            if len(self.address.query) > 1 or self.address.extra_slash:
                yield self.defect("comp-not-alone", "REQ-REIMAGE-COMP-EXACT", (*answers, _answer(400, 404)))
        elif len(values) > 1 or any(
            k.lower() == "comp" and v.strip().lower() == "reimage" for k, v in self.address.query
        ):
            yield self.defect("comp-variant", "REQ-REIMAGE-COMP-EXACT", (*answers, _answer(400, 404)))
        elif values and values[0].lower() in SIBLINGS:
            yield self.defect("comp-sibling", "REQ-REBOOT", answers)
        else:
            yield self.defect("comp", "REQ-REIMAGE-COMP-MISSING", answers)

    def _content_type(self) -> Iterator[Defect]:
        """Content-Type absent or of another media type (REQ-REIMAGE-CT-ABSENT)."""
        values = self.request.values("Content-Type")
        types = {value.partition(";")[0].strip(" \t").lower() for value in values}
        if types != {"application/xml"}:
            yield self.defect("content-type", "REQ-REIMAGE-CT-ABSENT", (_answer(400, 415),))
        elif len(values) > 1:
            yield self.defect(
                "content-type-repeated", "REQ-REIMAGE-CT-PARAM", (_answer(400, 415),), counts_as=CountsAs.INFO
            )

    def _body(self) -> Iterator[Defect]:
        """A length that is absent or not zero (REQ-REIMAGE-CL-ABSENT, REQ-REIMAGE-CL-NONZERO)."""
        lengths = {part.strip() for value in self.request.values("Content-Length") for part in value.split(",")}
        coding = self.request.values("Transfer-Encoding")
        if coding and not lengths:
            if _is_empty_chunked(self.request.body):
                yield self.defect("chunked-empty", "REQ-HTTP-CHUNKED", (_answer(400, 411),), counts_as=CountsAs.INFO)
            else:
                yield self.defect("body", "REQ-REIMAGE-CL-NONZERO", (_answer(400, 411, 413),))
        elif not lengths:
            yield self.defect("length-missing", "REQ-REIMAGE-CL-ABSENT", (_answer(400, 411),))
        elif not coding and any(_LENGTH_FORM.match(length) and length.strip("0") for length in lengths):
            yield self.defect("body", "REQ-REIMAGE-CL-NONZERO", (_answer(400, 413),))

    def _names(self) -> Iterator[Defect]:
        """Names that address nothing that exists (REQ-REIMAGE-SLOT-OTHER, -UNKNOWN-SERVICE, -UNKNOWN-INSTANCE)."""
        target = self.world.target
        second_id = (target.other_subscription_id or "").lower()
        is_second = bool(second_id) and self.address.subscription.lower() == second_id != target.subscription_id.lower()
        if is_second:  # none of the listed deployments is there
            answers = (*_ABSENCE_ANSWERS, _answer(400, 403))
            yield self.defect("elsewhere", "REQ-REIMAGE-UNKNOWN-SERVICE", answers, later=(404,))
            return
        absence = self.world.absence(self.address)
        names = (self.address.deployment, self.address.instance)
        malformed = not _LABEL.fullmatch(self.address.service) or not all(map(_is_ordinary_name, names))
        is_cleaned = has_segments_to_clean(self.request.target)
        answers_of_cleaning = (_answer(301, 308, 405, 501),) if is_cleaned else ()  # HTTP software may clean the path
        if absence is Absence.SLOT:
            yield self.defect(
                "slot", "REQ-REIMAGE-SLOT-OTHER", (_answer(400, 404), *answers_of_cleaning), later=(400, 404)
            )
        elif absence in (Absence.SLOT_CASE, Absence.NAME_CASE):
            yield self.defect(
                "name-case", "REQ-REIMAGE-BAD-NAME", (_answer(400, 404),), later=(400, 404), counts_as=CountsAs.INFO
            )
        elif absence is not Absence.NOTHING and malformed:
            requirement = (
                "REQ-REIMAGE-UNKNOWN-INSTANCE" if absence is Absence.INSTANCE else "REQ-REIMAGE-UNKNOWN-SERVICE"
            )
            yield self.defect("bad-name", requirement, (_answer(400, 404, 414), *answers_of_cleaning), later=(400, 404))
        elif absence is Absence.INSTANCE:
            yield self.defect("instance", "REQ-REIMAGE-UNKNOWN-INSTANCE", _ABSENCE_ANSWERS, later=(404,))
        elif absence is not Absence.NOTHING:
            yield self.defect("place", "REQ-REIMAGE-UNKNOWN-SERVICE", _ABSENCE_ANSWERS, later=(404,))

    def found(self) -> Expectation:
        """What the oracle says of the request: its defects, and whether HTTP software has a reason to refuse it."""
        found = [*self.framing(), *self.identity(), *self.version()]
        if self.address.kind is Kind.REIMAGE:
            found += self.reimage()
        huge = any(len(value) >= HUGE_DIGITS for value in self.request.values("Content-Length"))
        printable = all(_PRINTABLE_VALUE.fullmatch(value) for _, value in self.request.headers)
        of_http = any(defect.layer == "http" for defect in found)
        short = len(self.request.target) <= LONGEST_TARGET
        passes_http = is_plain(self.request.target) and printable and short and not huge and not of_http
        return Expectation(self.address, tuple(found), passes_http)


_LABEL = re.compile("[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
"""The name of a cloud service is a DNS label (REQ-NAME-SERVICE)."""


def _is_empty_chunked(body: bytes) -> bool:
    """Whether a body in the chunked coding has no content: its first chunk is the last one, of length 0."""
    return body.startswith(b"0\r\n")


def _is_ordinary_name(name: str) -> bool:
    """Whether a name has only characters that known names have; REQ-REIMAGE-BAD-NAME leaves the others open."""
    return (
        bool(re.fullmatch(r"[A-Za-z0-9_.() -]+", name))
        and name == name.strip()
        and len(name) < 250
        and name not in (".", "..")
    )


def expectation_of(request: Request, world: World) -> Expectation:
    """The defects of `request` and the answers that are permitted for each, under the world's strictness; cached."""
    known: Expectation | None = world.memory.get(request)
    if known is None:
        known = world.memory[request] = _DefectFinder(request, world).found()
    return known
