"""Controls: a refusal counts only where a well-formed request of the same kind was accepted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reimage_conformance.assessment.retention import forgotten_in, is_of_the_forgotten
from reimage_conformance.catalogue import CATALOGUE, published_from
from reimage_conformance.judging.facts import is_certain
from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.operations.progress import RETENTION_SECONDS
from reimage_conformance.judging.oracle import permitted
from reimage_conformance.judging.wording import is_busy, is_conflict, reply_summary
from reimage_conformance.model import Identity, Outcome, Strictness
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import error_code
from reimage_conformance.protocol.requests import RequestBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Exchange, Verdict
    from reimage_conformance.protocol.addresses import Address

_PLAIN = (
    "REQ-REIMAGE-202",
    "REQ-REIMAGE-URI-SLOT",
    "REQ-REIMAGE-URI-NAME",
    "REQ-REIMAGE-METHOD",
    "REQ-REIMAGE-COMP",
)
_LAST_OF_THE_SEED = "2011-10-01"
"""The newest version that the documents of October 2011 can mean by "or later" (versions.tsv)."""
_CONTROLS = (*_PLAIN, "REQ-REIMAGE-VERSION", "REQ-REIMAGE-REQID-USABLE", "REQ-GOS-URI", "REQ-DEPL-URI")


@dataclass(frozen=True, slots=True)
class Controls:
    """The kinds of well-formed request that were accepted, and those that were tried.

    A kind is "reimage:slot", "reimage:name", "operation", "deployment:slot", "deployment:name" or "cloud-service"; what was accepted is also
    there with its place, as in "reimage:slot:contoso/production". `refused` holds how plain reimages with the target's own
    version were refused, as in "reimage:slot:contoso/production 404 ResourceNotFound". `newest` is the newest published
    version with which a sound request was accepted. `shut` holds the instances that plain reimages in the slot form were refused for, as
    `shut_out` writes them. `forgotten` holds the operations that were known no more when they had been over
    for a while, with the number of the last exchange that showed them. `any_code` says that no document requires the code of a refusal (lenient).
    """

    accepted: frozenset[str]
    tried: frozenset[str]
    refused: frozenset[str] = frozenset()
    newest: str = ""
    shut: frozenset[str] = frozenset()
    forgotten: Mapping[str, int] = field(default_factory=dict)
    any_code: bool = False

    @property
    def open_slots(self) -> frozenset[str]:
        """Slots in which a well-formed reimage was accepted."""
        return _slots_of(self.accepted)

    @property
    def shut_slots(self) -> frozenset[str]:
        """Slots in which a plain reimage of an instance that is there was refused."""
        return _slots_of(self.refused)

    @classmethod
    def of(cls, world: World, exchanges: Mapping[int, Exchange]) -> Controls:
        """The controls among `exchanges`."""
        accepted: set[str] = set()
        tried: set[str] = set()
        refused: set[str] = set()
        newest = ""
        shut: set[str] = set()
        builder = RequestBuilder(world.target)
        for exchange in exchanges.values():
            judged = permitted(exchange.request, world)
            address = judged.address
            method = "POST" if address.kind is Kind.REIMAGE else "GET"
            if (
                exchange.label == "probe"
                or any(is_certain(defect, exchange) for defect in judged.binding)
                or address.kind is Kind.OTHER
                or exchange.request.method != method
            ):
                continue
            tried |= {_kind(address)} if judged.must_be_accepted else set()
            if exchange.reply is not None and 200 <= exchange.reply.status < 300:
                tried.add(_kind(address))
                accepted |= {_kind(address), _kind_here(address)}
                newest = max(newest, version_of(exchange)) if _is_published(exchange) else newest
            elif judged.must_be_accepted and _is_plainly_refused(exchange, address, builder):
                refused.add(_answer_here(exchange))
                deployment = world.deployment_of(address)
                if deployment is not None and address.form is UriForm.SLOT:
                    shut.add(shut_out(exchange, deployment.name))
        forgotten = forgotten_in(exchanges)
        any_code = world.strictness is Strictness.LENIENT
        return cls(
            frozenset(accepted), frozenset(tried), frozenset(refused), newest, frozenset(shut), forgotten, any_code
        )


def _is_plainly_refused(exchange: Exchange, address: Address, builder: RequestBuilder) -> bool:
    """Whether a reimage was refused that varies nothing, by the first certificate, for what is more than an answer of the moment."""
    if exchange.reply is None or is_conflict(exchange) or is_busy(exchange):
        return False
    if exchange.label.startswith("contend") or exchange.label.endswith("at-once"):
        return False
    if address.form is None or not address.instance or exchange.request.identity is not Identity.PRIMARY:
        return False
    plain = builder.reimage_at(address.service, address.form, address.deployment, address.instance)
    return (exchange.request.target, exchange.request.headers) == (plain.target, plain.headers)


def _kind(address: Address) -> str:
    """What kind of request an address makes."""
    return f"{address.kind}:{address.form}" if address.form is not None else str(address.kind)


def _kind_here(address: Address) -> str:
    """The same, with its place."""
    return f"{_kind(address)}:{address.service}/{address.deployment}"


def _slots_of(entries: frozenset[str]) -> frozenset[str]:
    """The slots of whatever was asked in the slot form, of `accepted` or `refused`."""
    places = (entry.partition(" ")[0] for entry in entries if entry.startswith(f"{Kind.REIMAGE}:{UriForm.SLOT}:"))
    return frozenset(place.rpartition("/")[2] for place in places)


def _answer_here(exchange: Exchange) -> str:
    """How a request to its place was answered, whatever was wrong with it."""
    reply = exchange.reply
    told = f"{reply.status} {error_code(reply)}" if reply is not None else "no reply"
    return f"{_kind_here(read_target(exchange.request.target))} {told}"


def shut_out(exchange: Exchange, deployment: str) -> str:
    """Which instance of the deployment of this name was refused how, in either form."""
    address = read_target(exchange.request.target)
    return (
        f"{address.service}/{deployment}/{address.instance}{_answer_here(exchange).removeprefix(_kind_here(address))}"
    )


_WEIGHED = ("asking_forgets",)
"""Checks that weigh themselves whether an operation may have been forgotten."""


def controlled(
    verdict: Verdict, exchanges: Mapping[int, Exchange], controls: Controls, *, captured: bool = False
) -> Verdict:
    """`verdict`, inconclusive or untested where it counts a refusal without its control.

    `captured` says that others chose what was sent: they need not have tried a sound request, so that none was accepted accuses nobody.
    """
    exchange = exchanges.get(verdict.evidence[0]) if verdict.evidence else None
    refused = exchange is not None and (exchange.reply is None or exchange.reply.status >= 300)
    if verdict.outcome not in (Outcome.MET, Outcome.VIOLATED, Outcome.ADVISORY) or exchange is None or not refused:
        return verdict
    excusable = verdict.outcome is not Outcome.MET and verdict.check not in _WEIGHED
    allowed = _allowed(exchange, controls) if excusable else ""
    if allowed:
        return replace(verdict, outcome=Outcome.OBSERVED, actual=allowed)
    address = read_target(exchange.request.target)
    plain = verdict.requirement in (*_PLAIN, "REQ-REIMAGE-SLOT-VALUES")
    varied = verdict.check == "accepted" and not plain and verdict.outcome is not Outcome.MET
    if not varied and not CATALOGUE[verdict.requirement].control:
        return verdict
    kind = _kind(address)
    if kind in controls.accepted or _is_looked_at_otherwise(address, controls):
        reason = _without_worth(verdict, exchange, controls, plain=plain, varied=varied)
        because = (*_CONTROLS, "REQ-REIMAGE-SLOT-VALUES")
        return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=because) if reason else verdict
    if kind.startswith("reimage") and kind not in controls.tried and not captured:
        reason = "no well-formed request of this kind was sent to compare with"
        return replace(verdict, outcome=Outcome.UNTESTED, actual=reason) if verdict.outcome is Outcome.MET else verdict
    reason = "the answer shows nothing: no well-formed request of this kind was accepted in this run"
    return replace(verdict, outcome=Outcome.INCONCLUSIVE, actual=reason, because=_CONTROLS)


def _is_looked_at_otherwise(address: Address, controls: Controls) -> bool:
    """Whether Get Deployment was answered in the other form: a slot that holds nothing is the only one that some clients ask by slot."""
    return address.kind is Kind.DEPLOYMENT and any(
        entry.startswith(f"{Kind.DEPLOYMENT}:") for entry in controls.accepted
    )


def _allowed(exchange: Exchange, controls: Controls) -> str:
    """What a refusal comes to that the documents leave to the endpoint, as the rest of the run shows, or ""."""
    if is_of_the_forgotten(exchange, controls.forgotten):
        return f"{reply_summary(exchange)}, of an operation that was over for more than {RETENTION_SECONDS:.0f} s and is found no more"
    if _is_too_new(exchange, controls):
        return f"version {version_of(exchange)} is refused, and no newer one was accepted"
    return ""


def _is_too_new(exchange: Exchange, controls: Controls) -> bool:
    """Whether a version was refused that is newer than the documents and than all that were accepted: only older ones are kept (REQ-VER-OLD-KEPT)."""
    reply = exchange.reply
    coded = reply is not None and error_code(reply) == "MissingOrIncorrectVersionHeader"
    uncoded = reply is not None and reply.status == 400 and controls.any_code
    return (
        (coded or uncoded)
        and _is_published(exchange)
        and version_of(exchange) > max(controls.newest, _LAST_OF_THE_SEED)
    )


def _is_published(exchange: Exchange) -> bool:
    """Whether a request names a published version."""
    return version_of(exchange) in published_from("")


def _without_worth(verdict: Verdict, exchange: Exchange, controls: Controls, *, plain: bool, varied: bool) -> str:
    """Why a refusal shows nothing although sound requests of its kind are accepted elsewhere, or ""."""
    if varied and _kind_here(read_target(exchange.request.target)) not in controls.accepted:
        return "no plain request to this deployment in this form was accepted either"
    if verdict.outcome is not Outcome.MET and not plain and _answer_here(exchange) in controls.refused:
        return "a sound request to this deployment in this form was refused alike"
    return ""
