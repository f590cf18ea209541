"""Causes that need evidence: one table of rules. Each is a function, and a decorator that says which violations it is about.

A rule only names a cause. It explains a violation only if that cause was found violated too (`reimage_conformance.assessment.findings`).
Causes that need none are listed in the catalogue (`explained_by`, `explained_when`); those that only a check can see stand in its verdict
(`KNOWN_TO_CHECKS` in `reimage_conformance.assessment.explaining`, which puts all three together).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reimage_conformance.assessment.controls import key_of_refused_instance
from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, published_from
from reimage_conformance.judging.operations.polls import NOT_KNOWN, version_of
from reimage_conformance.judging.response import PLAIN
from reimage_conformance.judging.transport.framing import NOT_ABOUT_FRAMING, framing_problems, is_body_read_as_request
from reimage_conformance.judging.wording import is_conflict, is_other_redirect, is_standard
from reimage_conformance.model import Identity
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import read_document, same_identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from reimage_conformance.assessment.evidence import SeenViolation

_IF_ANOTHER_INSTANCE_IS_REACHED = (
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
_IF_AN_ID_IS_SHARED = (
    "REQ-GOS-TERMINAL-STABLE",
    "REQ-GOS-PROGRESS",
    "REQ-GOS-READONLY",
    "REQ-REIMAGE-COMPLETES",
    "REQ-REIMAGE-FINAL-200",
    "REQ-REIMAGE-REQID-USABLE",
)
"""The requirements that the polls of an id may violate because two operations have this id."""


def lookup_keys(symptom: str) -> tuple[str, ...]:
    """The keys under which a symptom is looked up: the whole of it, then the part before its first colon."""
    return tuple(dict.fromkeys((symptom, symptom.partition(":")[0])))


Holds: TypeAlias = "Callable[[SeenViolation], bool]"
"""Whether the evidence of a violation allows a cause."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause that needs evidence.

    The rule is about violations of a requirement in `of` and not in `not_of` that one of `checks` found and that have this
    `symptom` (the whole of it, or what stands before its first colon). A field that is empty limits nothing. `holds` is the
    function that looks for further evidence; it always returns True where those fields are enough. `name` is made from the
    name of this function, and `sentence` is its docstring. `causes` are the requirements that explain a violation.
    `argument` names an argument of the check; its value is one more such requirement. `fault` is a fault of the emulator
    whose findings differ without the rule, "" where none is known.
    """

    name: str
    sentence: str
    holds: Holds
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

    def causes_of(self, violation: SeenViolation) -> tuple[str, ...]:
        """The causes of one violation; none where the rule does not apply."""
        verdict = violation.verdict
        is_candidate = (
            self.is_about(verdict.requirement)
            and (not self.checks or verdict.check in self.checks)
            and (not self.symptom or self.symptom in lookup_keys(verdict.symptom))
        )
        if not (is_candidate and self.holds(violation)):
            return ()
        named = violation.argument(self.argument) if self.argument else ""
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
) -> Callable[[Holds], Holds]:
    """A decorator that adds a function to `RULES` as `holds` of a `Rule`; the arguments are the other fields."""

    def add(holds: Holds) -> Holds:
        name, sentence = holds.__name__.removeprefix("_").replace("_", "-"), holds.__doc__ or ""
        RULES.append(Rule(name, sentence, holds, causes, fault, of, not_of, checks, symptom, argument))
        return holds

    return add


@_rule("REQ-HTTP-FRAMING", fault="length-too-long[poll]", not_of=NOT_ABOUT_FRAMING)
def _misframed(violation: SeenViolation) -> bool:
    """If a response is not framed as it announces, what was judged may be incomplete, or may not belong to the response."""
    return bool(framing_problems(violation.exchange)) and not is_body_read_as_request(violation.exchange)


@_rule("REQ-ASYNC-REQID-UNIQUE", fault="response-of-the-request-before")
def _shifted(violation: SeenViolation) -> bool:
    """A connection that repeated a response may give each later request the response to another one."""
    return violation.exchange.number in violation.evidence.shifted


@_rule("REQ-HTTP-CHUNKED", fault="length-missing-accepted-when-chunked", not_of=("REQ-HTTP-TE-UNKNOWN",))
def _chunked(violation: SeenViolation) -> bool:
    """An endpoint that decodes no transfer coding misreads every request that has one."""
    return bool(violation.exchange.request.values("Transfer-Encoding"))


@_rule("REQ-ERR-STATUS", fault="error-status-odd[299]")
def _odd_status(violation: SeenViolation) -> bool:
    """An unregistered status, or a redirect other than 304 and 307, is wrong for any request; for REQ-REIMAGE-202 redirects do not count."""
    if violation.verdict.requirement == "REQ-REIMAGE-202":
        return violation.verdict.check == "answered_202" and not is_standard(violation.status)
    return violation.is_answered and (is_other_redirect(violation.status) or not is_standard(violation.status))


@_rule("REQ-CONC-REFUSED-NOEFFECT", fault="conflict-moves-the-first")
def _conflict(violation: SeenViolation) -> bool:
    """A reimage may be answered 409 because an operation still runs that an earlier refused request disturbed."""
    return violation.is_reimage and is_conflict(violation.exchange)


@_rule("REQ-REIMAGE-COMPLETES")
def _conflict_without_end(violation: SeenViolation) -> bool:
    """An operation that does not end, or ends Failed, may keep its deployment locked, so that other reimages are answered 409."""
    return _conflict(violation) and violation.evidence.endless


@_rule("REQ-REIMAGE-VERSION")
def _reimage_version_refused(violation: SeenViolation) -> bool:
    """A reimage with a version that must be accepted was refused for its version."""
    return violation.is_reimage and _version_refused(violation)


@_rule("REQ-VER-OLD-KEPT", fault="version-dropped[2011-02-25]")
def _version_refused(violation: SeenViolation) -> bool:
    """A request with a published version that must be accepted was refused for its version."""
    versions = published_from(MINIMUM_VERSION if violation.is_reimage else FIRST_VERSION)
    is_refused_for_version = violation.status >= 400 and violation.code == "MissingOrIncorrectVersionHeader"
    return is_refused_for_version and version_of(violation.exchange) in versions


@_rule("REQ-GOS-VERSION-MIN")
def _poll_version_refused(violation: SeenViolation) -> bool:
    """A poll with a published version was refused for its version."""
    return violation.is_poll and _version_refused(violation)


@_rule(
    "REQ-GOS-VERSION-MIN",
    fault="poll-status-later[500]",
    of=("REQ-VER-OLD-KEPT",),
    checks=("answered_with",),
)
def _poll_with_version_not_answered(violation: SeenViolation) -> bool:
    """If the minimum version for polls is too high, polls with older versions are refused, with any code."""
    return violation.is_poll and violation.is_answered


@_rule("REQ-VER-OWS")
def _spaced_version(violation: SeenViolation) -> bool:
    """A version with white space around it may have been misread."""
    versions = [value for key, value in violation.exchange.request.headers if key.lower() == "x-ms-version"]
    return any(value != value.strip(" \t") for value in versions)


@_rule("REQ-VER-FORMAT", of=("REQ-HTTP-OBSFOLD",), checks=("answered_with",))
def _folded_version(violation: SeenViolation) -> bool:
    """An endpoint that accepts malformed versions also accepts a version that a folded line makes malformed."""
    return violation.is_answered and len(version_of(violation.exchange).split()) > 1


@_rule("REQ-ASYNC-REQID-UNIQUE", fault="same-instance-same-id", of=_IF_AN_ID_IS_SHARED)
def _two_operations(violation: SeenViolation) -> bool:
    """The polls of an id that two operations share show the statuses of both."""
    return violation.is_poll and violation.address.operation.lower() in violation.evidence.reissued


@_rule("REQ-ERR-VERB", fault="operation-verb-forgets[POST]")
def _altered(violation: SeenViolation) -> bool:
    """A method that has to be refused was accepted on the operation, or made it unknown, and may have changed what polls show."""
    return violation.is_poll and violation.address.operation in violation.evidence.altered


@_rule("REQ-REIMAGE-REQID-USABLE", fault="id-leads-to-latest-operation", of=("REQ-GOS-ID",))
def _other_operation_shown(violation: SeenViolation) -> bool:
    """A poll shows the ID of another operation if its own id leads to that operation."""
    if violation.exchange.reply is None:
        return False
    shown = read_document(violation.exchange.reply).text("ID") or ""
    return any(same_identifier(shown, each) for each in violation.evidence.started)


@_rule("REQ-REIMAGE-URI-EQUIV", fault="slot-form-reaches-the-neighbour", of=_IF_ANOTHER_INSTANCE_IS_REACHED)
def _misleading_form(violation: SeenViolation) -> bool:
    """If a form of address reaches another instance, a reimage in that form changes that instance and not the addressed one."""
    misleading, forms = violation.evidence.forms_to_others, violation.evidence.forms_in(violation.verdict)
    if misleading is None:  # the verdicts are not known yet (`Evidence.with_verdicts`): any form may be the cause
        return True
    return not forms or bool(forms & misleading)


@_rule("REQ-REIMAGE-SLOT-VALUES", fault="slots-swapped", of=_IF_ANOTHER_INSTANCE_IS_REACHED)
def _refusing_slot(violation: SeenViolation) -> bool:
    """A slot in which a plain reimage was refused may lead to another deployment, if some slot accepts reimages."""
    # Unlike `_slot_accepts_nothing`, it may accept other reimages, and every reimage in the evidence counts.
    controls = violation.evidence.controls
    addresses = [read_target(each.request.resource) for each in (violation.exchange, *violation.others)]
    slots = {each.deployment for each in addresses if each.kind is Kind.REIMAGE and each.form is UriForm.SLOT}
    return bool(controls.accepting_slots) and not slots.isdisjoint(controls.refusing_slots)


@_rule("REQ-REIMAGE-URI-SLOT", fault="instance-index-of-two-digits-unknown", of=("REQ-REIMAGE-URI-NAME",))
def _refused_by_slot_alike(violation: SeenViolation) -> bool:
    """An instance that is refused in both forms in the same way is not refused because of the name form."""
    key = key_of_refused_instance(violation.exchange, violation.address.deployment)
    return key in violation.evidence.controls.refused_instances


@_rule("REQ-REIMAGE-COMP-MISSING", fault="comp-accepted[reboot]", of=("REQ-REIMAGE-COMP", "REQ-GOS-NOTFOUND-NOEFFECT"))
def _other_comp(violation: SeenViolation) -> bool:
    """An endpoint that does not look at comp takes the name of a sibling operation for a reimage."""
    return violation.is_reimage and ("comp", "reimage") not in violation.address.query


@_rule("REQ-REIMAGE-SLOT-VALUES", fault="production-slot-refused")
def _slot_accepts_nothing(violation: SeenViolation) -> bool:
    """A slot in which no reimage was accepted may be unknown to the endpoint, if another slot accepts reimages."""
    # Unlike `_refusing_slot`, no plain reimage has to be refused, and only the request that decided the verdict counts.
    accepting, address = violation.evidence.controls.accepting_slots, violation.address
    by_slot = violation.is_reimage and address.form is UriForm.SLOT
    return by_slot and bool(accepting) and address.deployment not in accepting


@_rule("REQ-REIMAGE-202", fault="accepted-never-comes", of=PLAIN, checks=("accepted",))
def _sound_reimage_unanswered(violation: SeenViolation) -> bool:
    """A sound reimage that gets no reply is not refused for its address, method, version or query."""
    return not violation.is_answered


@_rule("REQ-REIMAGE-202", fault="lock-kept-after-failure", checks=("accepted",))
def _sound_reimage_turned_away(violation: SeenViolation) -> bool:
    """A redirect other than 307, or a 409, does not come from what the request varies: any sound reimage may get it."""
    return is_conflict(violation.exchange) or (300 <= violation.status < 400 and violation.status != 307)


def _refused_with(violation: SeenViolation, code: str) -> bool:
    """Whether a request was refused with this error code."""
    return violation.status >= 400 and not is_conflict(violation.exchange) and violation.code == code


@_rule("REQ-REIMAGE-COMP", fault="comp-parameter-renamed", checks=("accepted",))
def _refused_for_its_query(violation: SeenViolation) -> bool:
    """The code of the refusal says that the query is wrong."""
    return _refused_with(violation, "MissingOrInvalidRequiredQueryParameter")


@_rule("REQ-REIMAGE-VERSION", checks=("accepted",))
def _refused_for_its_version(violation: SeenViolation) -> bool:
    """The code of the refusal says that the version is wrong."""
    return _refused_with(violation, "MissingOrIncorrectVersionHeader")


@_rule("REQ-REIMAGE-METHOD", fault="post-refused", checks=("accepted",))
def _refused_for_its_method(violation: SeenViolation) -> bool:
    """The code of the refusal says that the method is wrong."""
    return _refused_with(violation, "InvalidHttpVerb")


@_rule("REQ-ERR-STATUS", fault="error-wrapped-in-200[version]", checks=("refused",))
def _hidden_error(violation: SeenViolation) -> bool:
    """A 2xx with an error code is a refusal under a wrong status."""
    return violation.status < 300 and bool(violation.code)


@_rule(
    "REQ-ERR-STATUS",
    fault="error-wrapped-in-200[operation]",
    of=("REQ-GOS-UNKNOWN-ID",),
    checks=("unknown_operation",),
    symptom="status",
)
def _unknown_id_refused_otherwise(violation: SeenViolation) -> bool:
    """A poll of an unknown id that gets an error code is refused, under a wrong status."""
    return bool(violation.code)


@_rule("REQ-REIMAGE-COMPLETES", checks=("refused",), symptom="accepted:no-end")
def _accepted_without_end(_: SeenViolation) -> bool:
    """A bad request may be accepted if its operation fails later; if no operation ends, this one cannot fail."""
    return True


@_rule("REQ-ERR-CODES", fault="error-codes-confused", checks=("refused", "unknown_operation"), symptom="code")
def _wrong_code(_: SeenViolation) -> bool:
    """An error code that the error table does not give for the error is a violation of REQ-ERR-CODES, which explains this one."""
    return True


@_rule("REQ-XML-WF", fault="xml-truncated[operation]", of=("REQ-GOS-ROOT", "REQ-ERR-BODY-FORMAT"))
def _no_xml(violation: SeenViolation) -> bool:
    """Content that is not well formed holds no document."""
    reply = violation.exchange.reply
    return reply is not None and bool(reply.body.strip()) and read_document(reply).root is None


@_rule("REQ-XML-ENC", of=("REQ-GOS-ROOT",))
def _wrongly_encoded(violation: SeenViolation) -> bool:
    """Content that is not encoded as declared holds no document."""
    reply = violation.exchange.reply
    return _no_xml(violation) and reply is not None and bool(read_document(reply).encoding_problem)


@_rule(
    "REQ-DEPL-EMPTY-SLOT",
    of=("REQ-ERR-STATUS",),
    checks=("error_statuses",),
    symptom="error-in-2xx",
)
def _error_in_look(violation: SeenViolation) -> bool:
    """The error under a 2xx may be the answer to Get Deployment of an empty slot."""
    return violation.address.kind is Kind.DEPLOYMENT


@_rule(
    fault="refused-yet-started[version]",
    of=("REQ-GOS-NOTFOUND-NOEFFECT",),
    checks=("instance_untouched", "installation_unchanged"),
    argument="requirement",
)
def _effect_of_refused(_: SeenViolation) -> bool:
    """If a refused request reimages all the same, its requirement, an argument of the check, is the cause."""
    return True


@_rule(
    fault="body-left-on-the-connection",
    of=("REQ-HTTP-FRAMING",),
    checks=("same_connection_usable",),
    argument="requirement",
)
def _out_of_step(_: SeenViolation) -> bool:
    """A connection is out of step because of the request before; its requirement, an argument of the check, is the cause."""
    return True


@_rule("REQ-REIMAGE-OTHERS-UNTOUCHED", fault="slot-form-reaches-the-neighbour", checks=("instance_untouched",))
def _reimaged_beside(violation: SeenViolation) -> bool:
    """Another instance of the deployment was being reimaged, which may have touched this one."""
    # For this check, `beside` is True if that was so.
    return bool(violation.argument("beside"))


@_rule(
    of=("REQ-CONC-REFUSED-NOEFFECT",),
    checks=("undisturbed",),
    argument="beside",
)
def _accepted_beside(violation: SeenViolation) -> bool:
    """A request that was accepted while the operation ran may have kept it from succeeding; its requirement, an argument, is the cause."""
    # For this check, `beside` is that requirement.
    return violation.verdict.symptom in ("no-end", "failed")


@_rule(
    "REQ-CONC-REFUSED-NOEFFECT",
    fault="conflict-moves-the-first",
    of=("REQ-REIMAGE-FRESH-OS",),
    checks=("fresh_installation",),
)
def _refused_beside(violation: SeenViolation) -> bool:
    """Other reimages were refused while this one ran, and may have disturbed it."""
    return bool(violation.argument("contended"))


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
def _forgotten(violation: SeenViolation) -> bool:
    """A poll does not find the operation although an earlier poll showed it: the endpoint has forgotten it."""
    # `polls_answered` judges no poll before the first that shows the operation.
    return violation.status in NOT_KNOWN


@_rule(
    "REQ-REIMAGE-REQID-USABLE",
    of=("REQ-GOS-200",),
    checks=("polls_answered",),
)
def _denied(violation: SeenViolation) -> bool:
    """If an id does not lead to its operation any more, its polls are refused with an error code."""
    return _forgotten(violation) and bool(violation.code)


@_rule(
    "REQ-AUTH-BEFORE-EFFECT",
    of=("REQ-GOS-NOTFOUND-NOEFFECT",),
    checks=("nothing_left_behind",),
)
def _refused_stranger(violation: SeenViolation) -> bool:
    """A refused request with no certificate, or another one than the first, has left an operation behind."""
    return any(each.request.identity is not Identity.PRIMARY for each in violation.others)


@_rule(
    "REQ-REIMAGE-FINAL-200",
    fault="final-status[201]",
    of=("REQ-GOS-HTTPSTATUS-INT",),
    symptom="http-status-value",
)
def _wrong_status_of_success(violation: SeenViolation) -> bool:
    """A wrong HttpStatusCode under Succeeded is a violation of REQ-REIMAGE-FINAL-200, which explains this one."""
    reply = violation.exchange.reply
    return reply is not None and read_document(reply).text("Status") == "Succeeded"


@_rule(
    "REQ-REIMAGE-CL-NONZERO",
    "REQ-HTTP-CHUNKED",
    fault="body-left-on-the-connection",
    of=("REQ-HTTP-FRAMING",),
    checks=("framing",),
)
def _body_answered(violation: SeenViolation) -> bool:
    """A second response to a request with a body answers the body as a request of its own."""
    return is_body_read_as_request(violation.exchange)


@_rule("REQ-GOS-200", fault="poll-status-later[500]", of=("REQ-AUTH-ANYCERT",), checks=("answered_with",))
def _polled_with_second_certificate(violation: SeenViolation) -> bool:
    """An endpoint that answers every poll wrongly does so with the second certificate too."""
    return violation.is_poll and violation.is_answered


@_rule(
    "REQ-REIMAGE-REQID-PROMPT",
    "REQ-REIMAGE-REQID-USABLE",
    of=("REQ-AUTH-ANYCERT",),
    checks=("answered_with",),
)
def _polled_with_second_certificate_at_once(violation: SeenViolation) -> bool:
    """The poll with the second certificate right after the 202, on a new connection, comes before the id is known."""
    return _polled_with_second_certificate(violation) and violation.exchange.request.fresh_connection


@_rule("REQ-DEPL-URI", of=("REQ-AUTH-ANYCERT",), checks=("answered_with",))
def _looked_with_second_certificate(violation: SeenViolation) -> bool:
    """An endpoint that answers Get Deployment wrongly with the first certificate does so with the second."""
    return violation.address.kind is Kind.DEPLOYMENT and violation.is_answered


@_rule("REQ-ERR-VERB", of=("REQ-HTTP-UNKNOWN-METHOD",), checks=("answered_with",))
def _unknown_method(violation: SeenViolation) -> bool:
    """An endpoint that answers wrong methods with a status that the error table does not have may do so for an unknown method too."""
    return violation.is_answered


@_rule("REQ-GOS-READONLY", of=("REQ-GOS-200",), checks=("answered_with",))
def _polled_often(violation: SeenViolation) -> bool:
    """The last of many polls on one connection is answered differently if polls change the operation."""
    # The case that sends them (`cases/test_properties.py`) gives them this label.
    return violation.exchange.label == "poll-row" and violation.is_answered


@_rule(
    "REQ-HTTP-CL-INVALID",
    of=("REQ-REIMAGE-CL-NONZERO",),
    checks=("not_accepted",),
)
def _declared_body(_: SeenViolation) -> bool:
    """A declared length without a body is accepted where the value of Content-Length is not checked."""
    return True
