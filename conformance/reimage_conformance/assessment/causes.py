"""Causes that need evidence: one table of rules, each a function that looks for the evidence.

Causes that need none are listed in the catalogue (`explained_by`, `explained_when`); those that only a check can see stand in its verdict
(`KNOWN_TO_CHECKS` in `reimage_conformance.assessment.explaining`, which puts all three together).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reimage_conformance.assessment.controls import refused_instance
from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, published_from
from reimage_conformance.judging.operations.polls import NOT_KNOWN, version_of
from reimage_conformance.judging.response import PLAIN
from reimage_conformance.judging.transport.framing import NOT_ABOUT_FRAMING, framing_problems, is_body_read_as_request
from reimage_conformance.judging.wording import is_conflict, is_diversion, is_standard
from reimage_conformance.model import Identity
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import read_document, same_identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.assessment.evidence import SeenViolation

_OF_OTHER_INSTANCES = (
    "REQ-REIMAGE-URI-SLOT",
    "REQ-REIMAGE-URI-NAME",
    "REQ-REIMAGE-SLOT-VALUES",
    "REQ-REIMAGE-UNKNOWN-INSTANCE",
    "REQ-REIMAGE-UNKNOWN-SERVICE",
    "REQ-REIMAGE-OTHERS-UNTOUCHED",
    "REQ-REIMAGE-FRESH-OS",
    "REQ-REIMAGE-OTHERDATA-LOST",
    "REQ-REIMAGE-OFFLINE",
    "REQ-REIMAGE-ONLINE",
    "REQ-REIMAGE-COMPLETES",
    "REQ-CONC-REFUSED-NOEFFECT",
    "REQ-GOS-NOTFOUND-NOEFFECT",
)
"""The requirements that are violated as well if a reimage reaches another instance than the addressed one."""
_OF_POLLS = (
    "REQ-GOS-TERMINAL-STABLE",
    "REQ-GOS-PROGRESS",
    "REQ-GOS-READONLY",
    "REQ-REIMAGE-COMPLETES",
    "REQ-REIMAGE-FINAL-200",
    "REQ-REIMAGE-REQID-USABLE",
)
"""The requirements that the polls of an id may violate because two operations have this id."""


def keys_of(symptom: str) -> tuple[str, ...]:
    """The keys under which a symptom is looked up: the whole of it, then the part before its first colon."""
    return tuple(dict.fromkeys((symptom, symptom.partition(":")[0])))


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause that needs evidence.

    `holds` is the function that looks for the evidence; `name` is made from its name, and `sentence` is its docstring.
    `causes` are the requirements that explain a violation. `argument` names an argument of the check; its value is one
    more such requirement. Which violations the rule is about: those of a requirement in `of` and not in `not_of`, found
    by one of `checks`, with this `symptom` (the whole of it, or what stands before its first colon). A field that is
    empty limits nothing. `fault` is a fault of the emulator whose findings differ without the rule, "" where none is
    known.
    """

    name: str
    sentence: str
    holds: Callable[[SeenViolation], bool]
    causes: tuple[str, ...]
    fault: str = ""
    of: tuple[str, ...] = ()
    not_of: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    symptom: str = ""
    argument: str = ""

    def is_about(self, requirement: str) -> bool:
        """Whether the rule may explain violations of `requirement`."""
        return requirement not in self.not_of and (not self.of or requirement in self.of)

    def causes_of(self, sight: SeenViolation) -> tuple[str, ...]:
        """The causes of one violation; none where the rule does not apply."""
        verdict = sight.verdict
        is_candidate = self.is_about(verdict.requirement) and (not self.checks or verdict.check in self.checks)
        if not is_candidate or self.symptom not in ("", *keys_of(verdict.symptom)) or not self.holds(sight):
            return ()
        named = sight.argument(self.argument) if self.argument else ""
        return (*self.causes, str(named)) if named else self.causes


RULES: list[Rule] = []
"""Every rule, in the order of this file; each rule that applies to a violation adds its causes."""


def _rule(
    *causes: str,
    fault: str = "",
    of: tuple[str, ...] = (),
    not_of: tuple[str, ...] = (),
    checks: tuple[str, ...] = (),
    symptom: str = "",
    argument: str = "",
) -> Callable[[Callable[[SeenViolation], bool]], Callable[[SeenViolation], bool]]:
    """Adds a function to `RULES`; the arguments are the fields of `Rule`."""

    def add(holds: Callable[[SeenViolation], bool]) -> Callable[[SeenViolation], bool]:
        name, sentence = holds.__name__.removeprefix("_").replace("_", "-"), holds.__doc__ or ""
        RULES.append(Rule(name, sentence, holds, causes, fault, of, not_of, checks, symptom, argument))
        return holds

    return add


@_rule("REQ-HTTP-FRAMING", fault="length-too-long[poll]", not_of=NOT_ABOUT_FRAMING)
def _misframed(sight: SeenViolation) -> bool:
    """A response that is not framed as it announces may have lost or gained what was judged."""
    return bool(framing_problems(sight.exchange)) and not is_body_read_as_request(sight.exchange)


@_rule("REQ-ASYNC-REQID-UNIQUE", fault="response-of-the-request-before")
def _shifted(sight: SeenViolation) -> bool:
    """A connection that repeated a response may give each later request the response to another one."""
    return sight.exchange.number in sight.evidence.shifted


@_rule("REQ-HTTP-CHUNKED", fault="length-missing-accepted-when-chunked", not_of=("REQ-HTTP-TE-UNKNOWN",))
def _chunked(sight: SeenViolation) -> bool:
    """An endpoint that decodes no transfer coding misreads every request that has one."""
    return bool(sight.exchange.request.values("Transfer-Encoding"))


@_rule("REQ-ERR-STATUS", fault="error-status-odd[299]")
def _odd_status(sight: SeenViolation) -> bool:
    """A status that no answer of this protocol has is wrong whatever the request; REQ-REIMAGE-202 judges redirects."""
    if sight.verdict.requirement == "REQ-REIMAGE-202":
        return sight.verdict.check == "answered_202" and not is_standard(sight.status)
    return sight.is_answered and (is_diversion(sight.status) or not is_standard(sight.status))


@_rule("REQ-CONC-REFUSED-NOEFFECT", fault="conflict-moves-the-first")
def _conflict(sight: SeenViolation) -> bool:
    """A reimage that is answered 409 may meet an operation that an earlier refusal disturbed."""
    return sight.is_reimage and is_conflict(sight.exchange)


@_rule("REQ-REIMAGE-COMPLETES")
def _conflict_without_end(sight: SeenViolation) -> bool:
    """An operation that never ends keeps its deployment busy, so that other reimages are answered 409."""
    return _conflict(sight) and sight.evidence.endless


@_rule("REQ-REIMAGE-VERSION")
def _reimage_version_refused(sight: SeenViolation) -> bool:
    """A reimage with a version that must be accepted was refused for its version."""
    return sight.is_reimage and _version_refused(sight)


@_rule("REQ-VER-OLD-KEPT", fault="version-dropped[2011-02-25]")
def _version_refused(sight: SeenViolation) -> bool:
    """A request with a published version that must be accepted was refused for its version."""
    versions = published_from(MINIMUM_VERSION if sight.is_reimage else FIRST_VERSION)
    is_code = sight.status >= 400 and sight.code == "MissingOrIncorrectVersionHeader"
    return is_code and version_of(sight.exchange) in versions


@_rule("REQ-GOS-VERSION-MIN")
def _poll_version_refused(sight: SeenViolation) -> bool:
    """A poll with a published version was refused for its version."""
    return sight.is_poll and _version_refused(sight)


@_rule(
    "REQ-GOS-VERSION-MIN",
    fault="poll-status-later[500]",
    of=("REQ-VER-OLD-KEPT",),
    checks=("answered_with",),
)
def _poll_with_version_not_answered(sight: SeenViolation) -> bool:
    """If the minimum version for polls is too high, polls with older versions are refused, with any code."""
    return sight.is_poll and sight.is_answered


@_rule("REQ-VER-OWS")
def _spaced_version(sight: SeenViolation) -> bool:
    """White space around the version may be what is refused."""
    versions = [value for key, value in sight.exchange.request.headers if key.lower() == "x-ms-version"]
    return any(value != value.strip(" \t") for value in versions)


@_rule("REQ-VER-FORMAT", of=("REQ-HTTP-OBSFOLD",), checks=("answered_with",))
def _folded_version(sight: SeenViolation) -> bool:
    """An endpoint that accepts malformed versions also accepts a version that a folded line makes malformed."""
    return sight.is_answered and len(version_of(sight.exchange).split()) > 1


@_rule("REQ-ASYNC-REQID-UNIQUE", fault="same-instance-same-id", of=_OF_POLLS)
def _two_operations(sight: SeenViolation) -> bool:
    """The polls of an id that two operations share show the statuses of both."""
    return sight.is_poll and sight.address.operation.lower() in sight.evidence.reissued


@_rule("REQ-ERR-VERB", fault="operation-verb-forgets[POST]")
def _altered(sight: SeenViolation) -> bool:
    """A method that has to be refused was accepted on the operation, or made it unknown, and may have changed what polls show."""
    return sight.is_poll and sight.address.operation in sight.evidence.altered


@_rule("REQ-REIMAGE-REQID-USABLE", fault="id-leads-to-latest-operation", of=("REQ-GOS-ID",))
def _other_operation_shown(sight: SeenViolation) -> bool:
    """A poll shows the ID of another operation if its own id leads to that operation."""
    reply = sight.exchange.reply
    shown = read_document(reply).text("ID") or "" if reply is not None else None
    return shown is not None and any(same_identifier(shown, each) for each in sight.evidence.started)


@_rule("REQ-REIMAGE-URI-EQUIV", fault="slot-form-reaches-the-neighbour", of=_OF_OTHER_INSTANCES)
def _misleading_form(sight: SeenViolation) -> bool:
    """A form of address that reaches another instance leaves the addressed one as it was."""
    misleading, forms = sight.evidence.forms_to_others, sight.evidence.forms_in(sight.verdict)
    return misleading is None or not forms or bool(forms & misleading)


@_rule("REQ-REIMAGE-SLOT-VALUES", fault="slots-swapped", of=_OF_OTHER_INSTANCES)
def _refusing_slot(sight: SeenViolation) -> bool:
    """A slot in which plain reimages are refused, while others accept them, may lead to another deployment."""
    controls = sight.evidence.controls
    addresses = [read_target(each.request.resource) for each in (sight.exchange, *sight.others)]
    slots = {each.deployment for each in addresses if each.kind is Kind.REIMAGE and each.form is UriForm.SLOT}
    return bool(controls.accepting_slots) and not slots.isdisjoint(controls.refusing_slots)


@_rule("REQ-REIMAGE-URI-SLOT", fault="instance-index-of-two-digits-unknown", of=("REQ-REIMAGE-URI-NAME",))
def _refused_by_slot_alike(sight: SeenViolation) -> bool:
    """An instance that is refused alike in both forms is not refused because of the name form."""
    refused = refused_instance(sight.exchange, sight.address.deployment)
    return refused in sight.evidence.controls.refused_instances


@_rule("REQ-REIMAGE-COMP-MISSING", fault="comp-accepted[reboot]", of=("REQ-REIMAGE-COMP", "REQ-GOS-NOTFOUND-NOEFFECT"))
def _other_comp(sight: SeenViolation) -> bool:
    """An endpoint that does not look at comp takes the name of a sibling operation for a reimage."""
    return sight.is_reimage and ("comp", "reimage") not in sight.address.query


@_rule("REQ-REIMAGE-SLOT-VALUES", fault="production-slot-refused")
def _slot_accepts_nothing(sight: SeenViolation) -> bool:
    """A slot in which no reimage is accepted, while others accept them, is not known to the endpoint."""
    accepting, address = sight.evidence.controls.accepting_slots, sight.address
    by_slot = sight.is_reimage and address.form is UriForm.SLOT
    return by_slot and bool(accepting) and address.deployment not in accepting


@_rule("REQ-REIMAGE-202", fault="accepted-never-comes", of=PLAIN, checks=("accepted",))
def _sound_reimage_unanswered(sight: SeenViolation) -> bool:
    """A sound reimage that gets no reply is not refused for its address, method, version or query."""
    return not sight.is_answered


@_rule("REQ-REIMAGE-202", fault="lock-kept-after-failure", checks=("accepted",))
def _sound_reimage_turned_away(sight: SeenViolation) -> bool:
    """A redirection other than 307, or a 409 while no operation runs, is not about what the request varies."""
    return is_conflict(sight.exchange) or (300 <= sight.status < 400 and sight.status != 307)


def _refused_with(sight: SeenViolation, code: str) -> bool:
    """Whether a request was refused with this error code."""
    return sight.status >= 400 and not is_conflict(sight.exchange) and sight.code == code


@_rule("REQ-REIMAGE-COMP", fault="comp-parameter-renamed", checks=("accepted",))
def _refused_for_its_query(sight: SeenViolation) -> bool:
    """The code of the refusal says that the query is wrong."""
    return _refused_with(sight, "MissingOrInvalidRequiredQueryParameter")


@_rule("REQ-REIMAGE-VERSION", checks=("accepted",))
def _refused_for_its_version(sight: SeenViolation) -> bool:
    """The code of the refusal says that the version is wrong."""
    return _refused_with(sight, "MissingOrIncorrectVersionHeader")


@_rule("REQ-REIMAGE-METHOD", fault="post-refused", checks=("accepted",))
def _refused_for_its_method(sight: SeenViolation) -> bool:
    """The code of the refusal says that the method is wrong."""
    return _refused_with(sight, "InvalidHttpVerb")


@_rule("REQ-ERR-STATUS", fault="error-wrapped-in-200[version]", checks=("refused",))
def _hidden_error(sight: SeenViolation) -> bool:
    """A 2xx with an error code is a refusal under a wrong status."""
    return sight.status < 300 and bool(sight.code)


@_rule(
    "REQ-ERR-STATUS",
    fault="error-wrapped-in-200[operation]",
    of=("REQ-GOS-UNKNOWN-ID",),
    checks=("unknown_operation",),
    symptom="status",
)
def _unknown_id_refused_otherwise(sight: SeenViolation) -> bool:
    """A poll of an unknown id that gets an error code is refused, under a wrong status."""
    return bool(sight.code)


@_rule("REQ-REIMAGE-COMPLETES", checks=("refused",), symptom="accepted:no-end")
def _accepted_without_end(_: SeenViolation) -> bool:
    """A bad request may be accepted if its operation fails later, which it cannot where no operation ends."""
    return True


@_rule("REQ-ERR-CODES", fault="error-codes-confused", checks=("refused", "unknown_operation"), symptom="code")
def _wrong_code(_: SeenViolation) -> bool:
    """A code that the error table does not give for this error is wrong for all such errors."""
    return True


@_rule("REQ-XML-WF", fault="xml-truncated[operation]", of=("REQ-GOS-ROOT", "REQ-ERR-BODY-FORMAT"))
def _no_xml(sight: SeenViolation) -> bool:
    """Content that is not well formed holds no document."""
    reply = sight.exchange.reply
    return reply is not None and bool(reply.body.strip()) and read_document(reply).root is None


@_rule("REQ-XML-ENC", of=("REQ-GOS-ROOT",))
def _wrongly_encoded(sight: SeenViolation) -> bool:
    """Content that is not encoded as declared holds no document."""
    reply = sight.exchange.reply
    return _no_xml(sight) and reply is not None and bool(read_document(reply).encoding_problem)


@_rule(
    "REQ-DEPL-EMPTY-SLOT",
    of=("REQ-ERR-STATUS",),
    checks=("error_statuses",),
    symptom="error-in-2xx",
)
def _error_in_look(sight: SeenViolation) -> bool:
    """The error under a 2xx may be the answer to Get Deployment of an empty slot."""
    return sight.address.kind is Kind.DEPLOYMENT


@_rule(
    fault="refused-yet-started[version]",
    of=("REQ-GOS-NOTFOUND-NOEFFECT",),
    checks=("instance_untouched", "installation_unchanged"),
    argument="requirement",
)
def _effect_of_refused(_: SeenViolation) -> bool:
    """A refusal that reimages violates first the requirement of its request, an argument of the check."""
    return True


@_rule(
    fault="body-left-on-the-connection",
    of=("REQ-HTTP-FRAMING",),
    checks=("same_connection_usable",),
    argument="requirement",
)
def _out_of_step(_: SeenViolation) -> bool:
    """A connection is out of step because of the request before, whose requirement is an argument."""
    return True


@_rule("REQ-REIMAGE-OTHERS-UNTOUCHED", fault="slot-form-reaches-the-neighbour", checks=("instance_untouched",))
def _reimaged_beside(sight: SeenViolation) -> bool:
    """Another instance of the deployment was being reimaged, which may have touched this one."""
    return bool(sight.argument("beside"))


@_rule(
    of=("REQ-CONC-REFUSED-NOEFFECT",),
    checks=("undisturbed",),
    argument="beside",
)
def _accepted_beside(sight: SeenViolation) -> bool:
    """Another request was accepted while the operation ran, and may have ended it; its requirement is an argument."""
    return sight.verdict.symptom in ("no-end", "failed")


@_rule(
    "REQ-CONC-REFUSED-NOEFFECT",
    fault="conflict-moves-the-first",
    of=("REQ-REIMAGE-FRESH-OS",),
    checks=("fresh_installation",),
)
def _refused_beside(sight: SeenViolation) -> bool:
    """Other reimages were refused while this one ran, and may have disturbed it."""
    return bool(sight.argument("contended"))


@_rule("REQ-REIMAGE-OTHERS-UNTOUCHED", fault="wrong-guest-written", checks=("installation_unchanged",))
def _written_by_another(_: SeenViolation) -> bool:
    """The reimage of another instance may have written this installation."""
    return True


@_rule(
    "REQ-GOS-NOTFOUND-NOEFFECT",
    fault="others-stay-offline[all]",
    of=("REQ-REIMAGE-OTHERS-UNTOUCHED",),
    checks=("instance_effect",),
)
def _touched_by_refused(_: SeenViolation) -> bool:
    """A request that was refused may have reimaged the other instance."""
    return True


@_rule(
    "REQ-GOS-READONLY",
    "REQ-GOS-TERMINAL-STABLE",
    of=("REQ-GOS-200", "REQ-REIMAGE-REQID-USABLE"),
    checks=("polls_answered",),
)
def _forgotten(sight: SeenViolation) -> bool:
    """An operation that was shown before, and is not found now, was forgotten."""
    return sight.status in NOT_KNOWN


@_rule(
    "REQ-REIMAGE-REQID-USABLE",
    of=("REQ-GOS-200",),
    checks=("polls_answered",),
)
def _denied(sight: SeenViolation) -> bool:
    """A poll is refused, with an error code, where the id does not lead to its operation any more."""
    return _forgotten(sight) and bool(sight.code)


@_rule(
    "REQ-AUTH-BEFORE-EFFECT",
    of=("REQ-GOS-NOTFOUND-NOEFFECT",),
    checks=("nothing_left_behind",),
)
def _refused_stranger(sight: SeenViolation) -> bool:
    """A refused request came without the first certificate, and has left an operation behind."""
    return any(each.request.identity is not Identity.PRIMARY for each in sight.others)


@_rule(
    "REQ-REIMAGE-FINAL-200",
    fault="final-status[201]",
    of=("REQ-GOS-HTTPSTATUS-INT",),
    symptom="http-status-value",
)
def _wrong_status_of_success(sight: SeenViolation) -> bool:
    """A wrong HttpStatusCode under Succeeded violates first the requirement that it is 200."""
    reply = sight.exchange.reply
    return reply is not None and read_document(reply).text("Status") == "Succeeded"


@_rule(
    "REQ-REIMAGE-CL-NONZERO",
    "REQ-HTTP-CHUNKED",
    fault="body-left-on-the-connection",
    of=("REQ-HTTP-FRAMING",),
    checks=("framing",),
)
def _body_answered(sight: SeenViolation) -> bool:
    """A second response to a request with a body answers the body as a request of its own."""
    return is_body_read_as_request(sight.exchange)


@_rule("REQ-GOS-200", fault="poll-status-later[500]", of=("REQ-AUTH-ANYCERT",), checks=("answered_with",))
def _polled_with_second_certificate(sight: SeenViolation) -> bool:
    """An endpoint that answers every poll wrongly does so with the second certificate too."""
    return sight.is_poll and sight.is_answered


@_rule(
    "REQ-REIMAGE-REQID-PROMPT",
    "REQ-REIMAGE-REQID-USABLE",
    of=("REQ-AUTH-ANYCERT",),
    checks=("answered_with",),
)
def _polled_with_second_certificate_at_once(sight: SeenViolation) -> bool:
    """The poll with the second certificate right after the 202, on a new connection, comes before the id is known."""
    return _polled_with_second_certificate(sight) and sight.exchange.request.fresh_connection


@_rule("REQ-DEPL-URI", of=("REQ-AUTH-ANYCERT",), checks=("answered_with",))
def _looked_with_second_certificate(sight: SeenViolation) -> bool:
    """An endpoint that answers Get Deployment wrongly with the first certificate does so with the second."""
    return sight.address.kind is Kind.DEPLOYMENT and sight.is_answered


@_rule("REQ-ERR-VERB", of=("REQ-HTTP-UNKNOWN-METHOD",), checks=("answered_with",))
def _unknown_method(sight: SeenViolation) -> bool:
    """An endpoint that refuses no method as the error table says gives an unknown one another status too."""
    return sight.is_answered


@_rule("REQ-GOS-READONLY", of=("REQ-GOS-200",), checks=("answered_with",))
def _polled_often(sight: SeenViolation) -> bool:
    """The last of many polls on one connection is answered differently if polls change the operation."""
    return sight.exchange.label == "poll-row" and sight.is_answered


@_rule(
    "REQ-HTTP-CL-INVALID",
    of=("REQ-REIMAGE-CL-NONZERO",),
    checks=("not_accepted",),
)
def _declared_body(_: SeenViolation) -> bool:
    """A declared length without a body is accepted where the value of Content-Length is not checked."""
    return True
