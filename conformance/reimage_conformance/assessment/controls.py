"""Controls: a refusal counts only if a sound request of the same kind was accepted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.retention import forgotten_in, is_of_the_forgotten
from reimage_conformance.catalogue import CATALOGUE, published_from
from reimage_conformance.judging.facts import is_certain
from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.judging.wording import is_busy, is_conflict, reply_summary
from reimage_conformance.model import Identity, Outcome, Strictness, Why
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.protocol.requests import RequestBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.judging.defects import Expectation
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.addresses import Address

_OF_PLAIN_REIMAGES = (
    "REQ-REIMAGE-202",
    "REQ-REIMAGE-URI-SLOT",
    "REQ-REIMAGE-URI-NAME",
    "REQ-REIMAGE-METHOD",
    "REQ-REIMAGE-COMP",
)
"""The requirements that a refused plain reimage with the target's own version violates. It is the control of others, and has none itself."""
_NEWEST_OF_THE_DOCUMENTS = "2011-10-01"
"""The newest version that "or later" in the documents of October 2011 can mean."""
_CAUSES = (*_OF_PLAIN_REIMAGES, "REQ-REIMAGE-VERSION", "REQ-REIMAGE-REQID-USABLE", "REQ-GOS-URI", "REQ-DEPL-URI")
"""The requirements whose violation may be the reason why no sound request of a kind was accepted."""
_CONSIDER_RETENTION = ("asking_forgets",)
"""Checks that consider themselves whether an operation may have been forgotten."""


@dataclass(frozen=True, slots=True)
class Controls:
    """The kinds of sound request that were accepted, and those that were tried.

    A kind is "reimage:slot", "reimage:name", "operation", "deployment:slot", "deployment:name" or "cloud-service".
    `accepted` holds each kind also with its deployment, as in "reimage:slot:contoso/production". `refused` says how plain
    reimages with the target's own version were refused, as in "reimage:slot:contoso/production 404 ResourceNotFound".
    `newest` is the newest published version of a sound request that was accepted. `refused_instances` holds the instances
    for which plain reimages in the slot form were refused, as `key_of_refused_instance` writes them. `conflicting` holds the
    kinds of which a sound request was answered 409. `forgotten` is as `forgotten_in` gives it. `any_code` says that a
    refusal may have any code, as under lenient.
    """

    accepted: frozenset[str]
    tried: frozenset[str]
    refused: frozenset[str] = frozenset()
    newest: str = ""
    refused_instances: frozenset[str] = frozenset()
    conflicting: frozenset[str] = frozenset()
    forgotten: Mapping[str, int] = field(default_factory=dict)
    any_code: bool = False

    @property
    def accepting_slots(self) -> frozenset[str]:
        """Slots in which a sound reimage was accepted."""
        return _slots_of(self.accepted)

    @property
    def refusing_slots(self) -> frozenset[str]:
        """Slots in which a plain reimage of an instance that is there was refused."""
        return _slots_of(self.refused)

    @classmethod
    def of(cls, world: World, exchanges: Mapping[int, Exchange]) -> Controls:
        """The controls among `exchanges`: those that `_may_be_control` permits, each under what became of it."""
        accepted: set[str] = set()
        tried: set[str] = set()
        refused: set[str] = set()
        newest = ""
        refused_instances: set[str] = set()
        conflicting: set[str] = set()
        builder = RequestBuilder(world.target)
        for exchange in exchanges.values():
            judged = expectation_of(exchange.request, world)
            address = judged.address
            if not _may_be_control(exchange, judged):
                continue
            is_of_no_deployment = address.kind is Kind.DEPLOYMENT and world.deployment_of(address) is None
            if exchange.is_successful or (judged.must_be_accepted and not is_of_no_deployment):
                tried.add(_kind(address))
            if exchange.is_successful:
                accepted |= {_kind(address), _kind_and_deployment(address)}
                newest = max(newest, version_of(exchange)) if _is_published(exchange) else newest
            elif judged.must_be_accepted and is_conflict(exchange):
                conflicting.add(_kind(address))
            elif judged.must_be_accepted and _is_plainly_refused(exchange, address, builder):
                refused.add(_kind_deployment_and_answer(exchange))
                deployment = world.deployment_of(address)
                if deployment is not None and address.form is UriForm.SLOT:
                    refused_instances.add(key_of_refused_instance(exchange, deployment.name))
        return cls(
            frozenset(accepted),
            frozenset(tried),
            frozenset(refused),
            newest,
            frozenset(refused_instances),
            frozenset(conflicting),
            forgotten_in(exchanges),
            any_code=world.strictness is Strictness.LENIENT,
        )


def _may_be_control(exchange: Exchange, judged: Expectation) -> bool:
    """Whether a request has the usual method of a documented call, and no defect that is certain and has to be refused."""
    kind = judged.address.kind
    if exchange.label == "probe" or kind is Kind.OTHER:
        return False
    is_usual_method = exchange.request.method == ("POST" if kind is Kind.REIMAGE else "GET")
    return is_usual_method and not any(is_certain(defect, exchange) for defect in judged.must_be_refused_for)


def _is_plainly_refused(exchange: Exchange, address: Address, builder: RequestBuilder) -> bool:
    """Whether a plain reimage with the first certificate was refused, and not only for the moment (429, 503).

    Requests that were sent while another reimage was under way do not count (labels "contend..." and "...at-once").
    """
    if exchange.reply is None or is_busy(exchange):
        return False
    if exchange.label.startswith("contend") or exchange.label.endswith("at-once"):
        return False
    if address.form is None or not address.instance or exchange.request.identity is not Identity.PRIMARY:
        return False
    plain = builder.reimage_at(address.service, address.form, address.deployment, address.instance)
    return (exchange.request.target, exchange.request.headers) == (plain.target, plain.headers)


def _kind(address: Address) -> str:
    """The kind of request that an address belongs to."""
    return f"{address.kind}:{address.form}" if address.form is not None else str(address.kind)


def _kind_and_deployment(address: Address) -> str:
    """The kind of request with its cloud service and slot or deployment name."""
    return f"{_kind(address)}:{address.service}/{address.deployment}"


def _slots_of(entries: frozenset[str]) -> frozenset[str]:
    """The slots in entries of `accepted` or `refused` that are reimages in the slot form."""
    paths = (entry.partition(" ")[0] for entry in entries if entry.startswith(f"{Kind.REIMAGE}:{UriForm.SLOT}:"))
    return frozenset(path.rpartition("/")[2] for path in paths)


def _kind_deployment_and_answer(exchange: Exchange) -> str:
    """The kind and deployment of a request, with its answer."""
    return f"{_kind_and_deployment(read_target(exchange.request.resource))} {_status_and_code(exchange)}"


def _status_and_code(exchange: Exchange) -> str:
    """The status and error code of an answer."""
    return f"{exchange.reply.status} {error_code(exchange.reply)}" if exchange.reply is not None else "no reply"


def key_of_refused_instance(exchange: Exchange, deployment: str) -> str:
    """An entry of `refused_instances`: the instance in the deployment of this name, with status and code; the same for both forms."""
    address = read_target(exchange.request.resource)
    return f"{address.service}/{deployment}/{address.instance} {_status_and_code(exchange)}"


def controlled(
    verdict: Verdict, exchanges: Mapping[int, Exchange], controls: Controls, *, captured: bool = False
) -> Verdict:
    """`verdict`, changed where it is about a refusal that proves nothing.

    The first of these that fits counts:
    1. `verdict` itself, if it is not about a refusal.
    2. Observed, if the documents permit the refusal.
    3. `verdict` itself, if it needs no control.
    4. If a sound request of the same kind was accepted: inconclusive where `_why_not_conclusive` gives a reason, else `verdict` itself.
    5. If no sound reimage of this kind was sent, and the requests are ours (not `captured`): untested where it is met, else `verdict` itself.
    6. Inconclusive.
    """
    exchange = exchanges.get(verdict.evidence[0]) if verdict.evidence else None
    refused = exchange is not None and (exchange.reply is None or exchange.reply.status >= 300)
    if verdict.outcome not in (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY) or exchange is None or not refused:
        return verdict
    excusable = verdict.outcome is not Outcome.MET and verdict.check not in _CONSIDER_RETENTION
    why_permitted = _why_permitted(exchange, controls) if excusable else ""
    if why_permitted:
        return replace(verdict, outcome=Outcome.OBSERVED, actual=why_permitted)
    address = read_target(exchange.request.resource)
    plain = verdict.requirement in (*_OF_PLAIN_REIMAGES, "REQ-REIMAGE-SLOT-VALUES")
    varied = verdict.check == "accepted" and not plain and verdict.outcome is not Outcome.MET
    if not varied and not CATALOGUE[verdict.requirement].control:
        return verdict
    kind = _kind(address)
    if kind in controls.accepted or _is_looked_at_otherwise(address, controls):
        reason = _why_not_conclusive(verdict, exchange, controls, plain=plain, varied=varied)
        because: tuple[str, ...] = (*_CAUSES, "REQ-REIMAGE-SLOT-VALUES")
    elif kind.startswith("reimage") and kind not in controls.tried and not captured:
        reason = "no valid request of this kind was sent to compare with"
        return replace(verdict, outcome=Outcome.UNTESTED, actual=reason) if verdict.outcome is Outcome.MET else verdict
    else:
        conflicts = "; at least one was answered 409" if kind in controls.conflicting else ""
        reason = f"the refusal proves nothing: no valid request of this kind was accepted in this run{conflicts}"
        because = _CAUSES
    if not reason:
        return verdict
    return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=because, why=Why.NO_CONTROL)


def _is_looked_at_otherwise(address: Address, controls: Controls) -> bool:
    """Whether Get Deployment was accepted in the other form, and not sent in the form of `address` for a deployment that exists.

    That is enough as a control: some clients ask by slot only for a slot that is empty.
    """
    is_deployment = address.kind is Kind.DEPLOYMENT and _kind(address) not in controls.tried
    return is_deployment and any(entry.startswith(f"{Kind.DEPLOYMENT}:") for entry in controls.accepted)


def _why_permitted(exchange: Exchange, controls: Controls) -> str:
    """Why the documents permit a refusal, as the rest of the run shows, or ""."""
    if is_of_the_forgotten(exchange, controls.forgotten):
        return f"{reply_summary(exchange)}, of an operation that may have ended more than {RETENTION_SECONDS:.0f} s before and is no longer kept"
    if _is_too_new(exchange, controls):
        return f"version {version_of(exchange)} is refused, and no newer one was accepted"
    return ""


def _is_too_new(exchange: Exchange, controls: Controls) -> bool:
    """Whether a published version was refused that is newer than the documents and than all accepted versions.

    Only older versions have to stay usable (REQ-VER-OLD-KEPT).
    """
    reply = exchange.reply
    if reply is None or not _is_published(exchange):
        return False
    has_code = error_code(reply) == "MissingOrIncorrectVersionHeader"
    is_for_version = has_code or (reply.status == 400 and controls.any_code)
    return is_for_version and version_of(exchange) > max(controls.newest, _NEWEST_OF_THE_DOCUMENTS)


def _is_published(exchange: Exchange) -> bool:
    """Whether a request names a published version."""
    return version_of(exchange) in published_from("")


def _why_not_conclusive(verdict: Verdict, exchange: Exchange, controls: Controls, *, plain: bool, varied: bool) -> str:
    """Why a refusal proves nothing although sound requests of its kind are accepted elsewhere, or ""."""
    if varied and _kind_and_deployment(read_target(exchange.request.resource)) not in controls.accepted:
        return "no plain request to this deployment in this form was accepted either"
    if verdict.outcome is not Outcome.MET and not plain and _kind_deployment_and_answer(exchange) in controls.refused:
        return "a valid request to this deployment in this form was refused in the same way"
    return ""
