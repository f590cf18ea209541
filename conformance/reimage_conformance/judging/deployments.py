"""Checks of the documents of Get Deployment and Get Cloud Service Properties."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reimage_conformance.catalogue import FIRST_VERSION, MINIMUM_VERSION, TABLE_VERSIONS
from reimage_conformance.judging.operations.polls import version_of
from reimage_conformance.judging.registry import NOBODY, Effect, about, check, effect_on
from reimage_conformance.judging.sent import call_of, header_sent, slot_sent
from reimage_conformance.judging.wording import (
    any_of,
    first_names,
    is_busy,
    is_moved,
    quoted,
    reply_summary,
    root_words,
    symptom,
    valued,
)
from reimage_conformance.model import Fact, Why
from reimage_conformance.protocol.addresses import Kind, natural, read_target
from reimage_conformance.protocol.deployments import (
    BAD_STATES,
    READY,
    Shown,
    deployment_elements,
    instance_elements,
    member,
)
from reimage_conformance.protocol.documents import (
    NAMESPACE,
    child,
    elements,
    error_code,
    local,
    own_elements,
    read_document,
)
from reimage_conformance.protocol.requests import Place
from reimage_conformance.quantities import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lxml import etree

    from reimage_conformance.judging.world import World
    from reimage_conformance.model import Deployment, Exchange, Request, Verdict


STATUS_VALUES = (
    "RoleStateUnknown", "Unknown", "CreatingVM", "StartingVM", "CreatingRole", "StartingRole", READY, "BusyRole", "StoppingRole",
    "StoppingVM", "DeletingVM", "StoppedVM", "StoppedDeallocated", "Preparing", "Provisioning", "ProvisioningFailed", *BAD_STATES,
)  # fmt: skip
"""The documented values of InstanceStatus (REQ-DEPL-STATUS-VALUES)."""
POWER_VALUES = ("Starting", "Started", "Stopping", "Stopped", "Unknown")
"""The documented values of PowerState (REQ-DEPL-POWER)."""
FIRST_VERSIONS = {
    "InstanceUpgradeDomain": "2011-06-01",
    "InstanceFaultDomain": "2011-06-01",
    "InstanceSize": "2011-06-01",
    "InstanceStateDetails": "2011-06-01",
    "InstanceErrorCode": "2011-10-01",
    "IpAddress": "2012-03-01",
    "GuestAgentStatus": "2014-04-01",
    "ExtendedInstanceStatus": "2015-05-01",
}
"""Elements of a role instance, and the version from which on they exist (REQ-DEPL-VERSIONS)."""
_LAST_WITH_CYCLING = "2014-02-01"
"""The last version that has the InstanceStatus CyclingRole (REQ-DEPL-STATUS-GATES)."""
_FIRST_WITH_STATUS = {"StoppedDeallocated": "2013-06-01", "Preparing": "2014-05-01"}
"""Values of InstanceStatus, and the version from which on they exist (REQ-DEPL-STATUS-GATES)."""
_FIRST_WITH_THESE_VALUES = "2011-10-01"
"""The first version whose values are judged: earlier ones had other words for InstanceStatus (REQ-DEPL-STATUS-OLD)."""
_DEPLOYMENT_MEMBERS = (
    "Name",
    "DeploymentSlot",
    "PrivateID",
    "Status",
    "Label",
    "Url",
    "Configuration",
    "RoleInstanceList",
)
_SECRET_MEMBERS = ("Configuration",)
"""Members that hold keys and connection strings, so that they may be removed from a recording."""
_INSTANCE_MEMBERS = ("RoleName", "InstanceName", "InstanceStatus")
_MAX_NAMES = 4
"""A message names at most this many role instances, and counts the others."""


def may_be_left_out(name: str, witnesses: Sequence[Shown], absent: Sequence[str]) -> bool:
    """Whether the target file may be right about `name`, although no answer shows it.

    `witnesses` are the deployments as answers show them, `absent` the listed names that no answer shows. An endpoint may
    leave out an instance whose name differs from a shown one in letter case alone, one of a role that is shown
    without any instance, and one whose number follows those of its role without a gap.
    """
    shown_names = {instance for shown in witnesses for instance in shown.instances}
    if name.lower() in {each.lower() for each in shown_names}:
        return True
    role, number = natural(name)
    numbers = {natural(each)[1] for each in {*shown_names, *absent} if natural(each)[0] == role}
    if not any(natural(each)[0] == role for each in shown_names):
        return any(role.startswith(each) for shown in witnesses for each in shown.roles if each)
    return all(each in numbers for each in range(number))


def _causes_of_missing(parent: etree._Element, names: Sequence[str]) -> tuple[str, ...]:
    """REQ-XML-NS, if children called `names` are missing because they are in another namespace; else nothing."""
    own = own_elements(parent)
    in_other_namespace = [node for node in elements(parent) if node not in own and local(node) in names]
    return ("REQ-XML-NS",) if in_other_namespace else ()


@check
def observer_answers(
    world: World, exchanges: Sequence[Exchange], requirement: str, *, while_reimaged: Sequence[int] = ()
) -> Iterator[Verdict]:
    """Get Deployment or Get Cloud Service Properties answers 200 with a request id (REQ-DEPL-URI, REQ-PROPS-URI).

    A look that was refused for its version violates REQ-VER-OLD-KEPT in place of `requirement`, unless FIRST_VERSION or MINIMUM_VERSION
    was refused too: both calls exist from the former on, and the latter has to stay usable. `while_reimaged` holds the numbers of
    exchanges that were sent while a reimage in the same deployment was under way: the verdict is the same, and the message says it.
    """
    del world
    refused = [exchange for exchange in exchanges if _is_refused_for_version(exchange, exchanges)]
    is_minimum_kept = not {FIRST_VERSION, MINIMUM_VERSION} & {version_of(exchange) for exchange in refused}
    for exchange in exchanges:
        is_about_version = is_minimum_kept and exchange in refused
        verdict = about("REQ-VER-OLD-KEPT" if is_about_version else requirement, exchange)
        if exchange.reply is None or is_busy(exchange) or is_moved(exchange):
            yield verdict.undecided(exchange)
        elif exchange.reply.status != 200:
            asked, version = _subject_of(exchange.request), header_sent(exchange.request, "x-ms-version")
            asked = f"{call_of(exchange.request)} of {asked}" if is_about_version else asked
            asked += f" with {version}" if version else ""
            when = ", while a reimage in the deployment was under way" if exchange.number in while_reimaged else ""
            actual = f"{reply_summary(exchange)}, for {asked}{when}"
            if is_about_version and version_of(exchange) not in TABLE_VERSIONS:
                yield about("REQ-VER-UNPUBLISHED", exchange).observed(actual)
            else:
                yield verdict.violated("200 OK", actual, symptom(exchange))
        else:
            identified = bool(exchange.request_id)
            actual = "200 OK with an x-ms-request-id" if identified else "200 OK without x-ms-request-id"
            yield verdict.judged(identified, "an x-ms-request-id", actual, "no-request-id")


def _is_refused_for_version(look: Exchange, looks: Sequence[Exchange]) -> bool:
    """Whether a look was refused for its x-ms-version.

    Its error code says so, or it got 400 where the same look with another version was answered 200.
    """
    if look.reply is None or not 400 <= look.reply.status < 500:
        return False
    if error_code(look.reply) == "MissingOrIncorrectVersionHeader":
        return True
    answered = [each for each in looks if each.reply is not None and each.reply.status == 200]
    versions = {version_of(each) for each in answered if each.request.resource == look.request.resource}
    return look.reply.status == 400 and bool(versions) and version_of(look) not in versions


def _subject_of(request: Request) -> str:
    """The deployment or the cloud service that a request asks about, in words."""
    address = read_target(request.resource)
    service = valued("cloud service", address.service)
    return f"{service}, {slot_sent(request)}" if address.deployment else service


@check
def deployment_document(world: World, exchanges: Sequence[Exchange], name: str, slot: str) -> Iterator[Verdict]:
    """The Deployment document describes the deployment asked for (REQ-DEPL-ROOT)."""
    del world
    exchange = exchanges[0]
    if exchange.reply is None or exchange.reply.status != 200:
        return
    verdict = about("REQ-DEPL-ROOT", exchange)
    document = read_document(exchange.reply)
    if document.root is None:
        problem = document.syntax_problem or document.encoding_problem
        yield verdict.violated("an XML document", problem, "no-document")
        return
    if (document.namespace, document.local_name) != (NAMESPACE, "Deployment"):
        shown_root = root_words(document.local_name, document.namespace)
        yield verdict.violated(root_words("Deployment", NAMESPACE), shown_root, "root")
        return
    removable = _SECRET_MEMBERS if Fact.SECRETS in exchange.unrecorded else ()
    required = [member_name for member_name in _DEPLOYMENT_MEMBERS if member_name not in removable]
    missing = [member_name for member_name in required if document.child(member_name) is None]
    shown_name, shown_slot = document.text("Name") or "", document.text("DeploymentSlot") or ""
    if missing:
        because = _causes_of_missing(document.root, missing)
        yield verdict.violated(", ".join(required), f"no {', '.join(missing)}", "members", because=because)
    else:
        yield verdict.judged(
            (shown_name, shown_slot.lower()) == (name, slot),
            f"{valued('Name', name)}, {valued('DeploymentSlot', slot.capitalize())}",
            f"{valued('Name', shown_name)}, {valued('DeploymentSlot', shown_slot)}",
            "identity",
        )


def _effect_on_list(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """The effect that role instances are not listed; None where the verdict is about something else.

    No document says that an instance stays in the list while it is reimaged (REQ-DEPL-SEQ).
    """
    names = [member(node, "InstanceName") for node in _listed_instances(exchanges[0])]
    required = verdict.arguments["instances"]
    deployment = world.deployment_of(read_target(exchanges[0].request.resource))
    if not verdict.is_violation or deployment is None or any(names.count(name) > 1 for name in required):
        return None
    return _unlisted((deployment, name) for name in required if name not in names)


def _unlisted(places: Iterable[tuple[Deployment, str]]) -> Effect:
    """The effect that instances are not listed. No request is judged for it; a reimage of ours explains it, unless an instance never was listed."""
    return Effect(tuple(Place(*each) for each in places), NOBODY, departs=True, unlisted=True)


@effect_on(_effect_on_list)
@check
def instance_list(world: World, exchanges: Sequence[Exchange], instances: Sequence[str]) -> Iterator[Verdict]:
    """RoleInstanceList holds the instances with RoleName, InstanceName, InstanceStatus in this order (REQ-DEPL-INSTANCES).

    `instances` are those that must be listed: all of the deployment that no request of ours is reimaging.
    """
    del world
    exchange = exchanges[0]
    found = _listed_instances(exchange)
    verdict = about("REQ-DEPL-INSTANCES", exchange)
    if not deployment_elements(exchange):
        reason = f"the answer to {call_of(exchange.request)} has no Deployment element"
        yield verdict.inconclusive(reason, because=("REQ-DEPL-ROOT", "REQ-DEPL-URI", "REQ-PROPS-URI"))
        return
    names = [member(node, "InstanceName") for node in found]
    miscounted = [name for name in instances if names.count(name) != 1]
    empty = [
        name for node in found for name in _INSTANCE_MEMBERS if child(node, name) is not None and not member(node, name)
    ]
    if miscounted:
        actual = _miscounted(miscounted, names)
        parents, children = [*deployment_elements(exchange), *found], ("RoleInstanceList", *_INSTANCE_MEMBERS)
        because = tuple(dict.fromkeys(cause for each in parents for cause in _causes_of_missing(each, children)))
        shown_names = ", ".join(name for each in deployment_elements(exchange) if (name := member(each, "Name")))
        expected = f"every role instance of {shown_names or 'the deployment'} listed once"
        yield verdict.violated(expected, actual, "instances", because=because)
    elif empty:
        actual = ", ".join(f"an empty {name}" for name in sorted(set(empty)))
        yield verdict.violated(f"text in {', '.join(_INSTANCE_MEMBERS)}", actual, "empty-member")
    elif not found and not instances:
        reason = "every role instance of the deployment was being reimaged, and none was listed"
        yield verdict.inconclusive(reason, why=Why.OWN_REQUEST)
    else:
        known = (*_INSTANCE_MEMBERS, *FIRST_VERSIONS)
        orders = {tuple(local(part) for part in own_elements(node) if local(part) in known)[:3] for node in found}
        expected = f"{', '.join(_INSTANCE_MEMBERS)}, then the elements of later versions"
        wrong = sorted(orders - {_INSTANCE_MEMBERS})
        shown = wrong or [_INSTANCE_MEMBERS]
        actual = " or ".join(f"it begins with {', '.join(order) or 'other elements'}" for order in shown)
        yield verdict.judged(not wrong, expected, actual, "members")


@check
def no_instance_twice(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """No answer to Get Deployment lists a role instance more than once (REQ-DEPL-INSTANCES)."""
    del world
    looks = [each for each in exchanges if read_target(each.request.resource).kind is Kind.DEPLOYMENT]
    for look in looks:
        names = Counter(member(node, "InstanceName") for node in _listed_instances(look))
        repeated = [name for name, count in names.items() if count > 1]
        if repeated:
            actual = f"{first_names(repeated, _MAX_NAMES)} listed more than once"
            yield about("REQ-DEPL-INSTANCES", look).violated("every role instance listed once", actual, "instances")
            return
    if looks:
        yield about("REQ-DEPL-INSTANCES", looks[-1]).met("no role instance is listed twice")


def _miscounted(miscounted: Sequence[str], names: Sequence[str]) -> str:
    """How many of the `miscounted` instances are not among the listed `names`, and how many are there more than once."""
    if not names:
        return f"it lists no role instance; {counted(len(miscounted), 'role instance')} expected: {first_names(miscounted, _MAX_NAMES)}"
    missing = [name for name in miscounted if name not in names]
    repeated = [name for name in miscounted if name in names]
    groups = ((missing, "not listed"), (repeated, "listed more than once"))
    return "; ".join(f"{len(group)} {what}: {first_names(group, _MAX_NAMES)}" for group, what in groups if group)


def _effect_on_service(world: World, verdict: Verdict, exchanges: Sequence[Exchange]) -> Effect | None:
    """As `_effect_on_list`, for the deployments of a cloud service; None where one of them is missing."""
    required, shown = verdict.arguments["deployments"], _embedded_instances(exchanges[0])
    service = read_target(exchanges[0].request.resource).service
    own = {each.name: each for each in world.target.deployments if each.cloud_service == service}
    if not verdict.is_violation or not required or not required.keys() <= own.keys() & shown.keys():
        return None
    return _unlisted((own[name], each) for name, names in required.items() for each in names if each not in shown[name])


def _embedded_instances(exchange: Exchange) -> dict[str, list[str]]:
    """The names of the role instances that an answer shows, by the name of their deployment."""
    return {
        member(deployment, "Name"): [member(node, "InstanceName") for node in instance_elements(deployment)]
        for deployment in deployment_elements(exchange)
    }


@effect_on(_effect_on_service)
@check
def embedded_deployments(
    world: World, exchanges: Sequence[Exchange], *, wanted: bool, deployments: dict[str, list[str]]
) -> Iterator[Verdict]:
    """A cloud service shows its deployments with all their instances if asked to, else none (REQ-PROPS-URI).

    `deployments` holds the names of the role instances by the name of their deployment. `wanted` says whether the
    request had embed-detail=true.
    """
    del world
    exchange = exchanges[0]
    if exchange.reply is None or exchange.reply.status != 200 or read_document(exchange.reply).root is None:
        return
    shown = _embedded_instances(exchange)
    verdict = about("REQ-PROPS-URI", exchange)
    if not wanted:
        query = exchange.request.target.partition("?")[2]
        asked = f"for the query {quoted(query)}" if query else "for a request without a query"
        actual = f"deployments {', '.join(sorted(shown))} shown, {asked}" if shown else "no deployments shown"
        yield verdict.judged(not shown, "no deployments without embed-detail=true", actual, "unasked-detail")
        return
    missing = {
        name: [each for each in instances if each not in shown.get(name, ())] for name, instances in deployments.items()
    }
    unshown = [f"deployment {name} is missing" for name in deployments if name not in shown]
    short = [
        f"deployment {name} is shown without {first_names(names, _MAX_NAMES)}"
        for name, names in missing.items()
        if names and name in shown
    ]
    problems = "; ".join([*unshown, *short])
    expected = f"every role instance of {', '.join(deployments)} under Deployments/Deployment"
    actual = problems or f"shown: {', '.join(sorted(shown))}"
    yield verdict.judged(not problems, expected, actual, "detail")


@check
def version_gates(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """Elements appear only from their first version on (REQ-DEPL-VERSIONS, REQ-VER-GATED-ELEMENTS).

    An element that an answer shows in too early a version violates both. The cause is REQ-VER-GATED-ELEMENTS where the
    endpoint shows the same elements in every version, and REQ-DEPL-VERSIONS where it shows single elements too early.
    """
    del world
    looks = [(exchange, _gated_elements(exchange)) for exchange in exchanges if _listed_instances(exchange)]
    all_shown = frozenset().union(*(shown for _, shown in looks))
    is_same_in_all_versions = bool(all_shown) and all(shown == all_shown for _, shown in looks)
    cause = "REQ-VER-GATED-ELEMENTS" if is_same_in_all_versions else "REQ-DEPL-VERSIONS"
    for exchange, shown in looks:
        asked = version_of(exchange)
        early = sorted(name for name in shown if asked < FIRST_VERSIONS[name])
        expected = f"no element newer than version {asked}"
        actual = f"under version {asked} an answer shows {', '.join(early) or 'no newer element'}"
        for requirement in ("REQ-DEPL-VERSIONS", "REQ-VER-GATED-ELEMENTS"):
            because = () if requirement == cause else (cause,)
            yield about(requirement, exchange).judged(not early, expected, actual, "early-element", because=because)


def _listed_instances(exchange: Exchange) -> list[etree._Element]:
    """All RoleInstance elements of an answer."""
    return [node for deployment in deployment_elements(exchange) for node in instance_elements(deployment)]


def _gated_elements(exchange: Exchange) -> frozenset[str]:
    """The names of the elements of the role instances in an answer that exist only from some version on."""
    return frozenset(local(part) for node in _listed_instances(exchange) for part in own_elements(node)) & set(
        FIRST_VERSIONS
    )


@check
def status_vocabulary(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """InstanceStatus and PowerState values are documented, and fit the version (REQ-DEPL-STATUS-VALUES, -STATUS-GATES, -POWER)."""
    del world
    for exchange in exchanges:
        asked = version_of(exchange)
        nodes = _listed_instances(exchange)
        if not nodes or asked < _FIRST_WITH_THESE_VALUES:
            continue
        values = {member(node, "InstanceStatus") for node in nodes}
        unknown = sorted(values - set(STATUS_VALUES))
        yield about("REQ-DEPL-STATUS-VALUES", exchange).judged(
            not unknown,
            f"an InstanceStatus among {', '.join(STATUS_VALUES)}",
            ", ".join(valued("InstanceStatus", each) for each in unknown or sorted(values)),
            "status-value",
        )
        gated = sorted(value for value in values if not _available(value, asked))
        yield about("REQ-DEPL-STATUS-GATES", exchange).judged(
            not gated,
            "; ".join(map(_gate, gated)),
            f"InstanceStatus {', '.join(gated or sorted(values))} under version {asked}",
            "gated-status",
        )
        powers = {member(node, "PowerState") for node in nodes if child(node, "PowerState") is not None}
        odd = sorted(powers - set(POWER_VALUES))
        actual = (
            ", ".join(valued("PowerState", each) for each in odd or sorted(powers)) if powers else "no PowerState shown"
        )
        yield about("REQ-DEPL-POWER", exchange).judged(not odd, any_of(POWER_VALUES), actual, "power")


def _available(status: str, asked: str) -> bool:
    """Whether the version `asked` for has the status (REQ-DEPL-STATUS-GATES)."""
    if status == "CyclingRole":
        return asked <= _LAST_WITH_CYCLING
    return asked >= _FIRST_WITH_STATUS.get(status, "")


def _gate(status: str) -> str:
    """The versions that have the status, in words."""
    if status == "CyclingRole":
        return f"{status} up to version {_LAST_WITH_CYCLING} only"
    return f"{status} from version {_FIRST_WITH_STATUS[status]} on"


@check
def empty_slot(world: World, exchanges: Sequence[Exchange]) -> Iterator[Verdict]:
    """A slot without deployment is answered 404 (REQ-DEPL-EMPTY-SLOT); its code, if any, is ResourceNotFound, or any under lenient."""
    exchange = exchanges[0]
    verdict = about("REQ-DEPL-EMPTY-SLOT", exchange)
    if exchange.reply is None or is_busy(exchange) or is_moved(exchange):
        yield verdict.undecided(exchange)
    else:
        fitting = world.strictness == "lenient" or error_code(exchange.reply) in ("", "ResourceNotFound")
        right = exchange.reply.status == 404 and fitting
        actual = f"{reply_summary(exchange)}, for {_subject_of(exchange.request)}"
        yield verdict.judged(right, "404 with ResourceNotFound", actual, symptom(exchange))
