"""The gate by itself: drawn worlds, drawn lists of them, drawn spellings, judged by an endpoint that counts."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counting_endpoint import NS, CountingEndpoint, Thing, document
from reimage_conformance.gate import Gate, ProbeGate, Ruling, Withheld, new_token, readings
from reimage_conformance.gate.knowledge import ABSENCE_SECONDS
from reimage_conformance.model import Capabilities, Deployment, Exchange, Request, Response, Target
from reimage_conformance.protocol.addresses import UriForm
from reimage_conformance.protocol.requests import RequestBuilder, with_subscription
from reimage_conformance.pytest_plugin.kept_back import kept_back

if TYPE_CHECKING:
    from collections.abc import Callable

Headers = tuple[tuple[str, str], ...]

ANSWERED: Headers = (("x-ms-request-id", "0d3f"),)
"""What shows that an answer without content is the endpoint's own."""
OWN, OTHER, FOREIGN = (f"6a8b7c2e-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
TOKEN = "0a1b2c3d4e5f"  # noqa: S105  it guards no secret
SERVICES = ("contoso", "fabrikam", "contoso2", "Adatum")
NAMES = ("v1", "v2", "production", "v1-b", "Release-7", "Release-8")
INSTANCES = ("WebRole1_IN_0", "WebRole1_IN_1", "WebRole1_IN_10", "Worker", "Worker 2", "a.b", "WebRole1")


def target_of(*deployments: Deployment, offers: bool | None = None, complete: bool = False) -> Target:
    """A target that lists these."""
    return Target(
        "rig", "https://127.0.0.1:8443", OWN, deployments, other_subscription_id=OTHER, foreign_subscription_id=FOREIGN,
        capabilities=Capabilities(get_deployment=offers), complete=complete,
    )  # fmt: skip


@st.composite
def things(draw: st.DrawFn) -> Thing:
    instances = draw(st.lists(st.sampled_from(INSTANCES), min_size=1, max_size=4, unique=True))
    return Thing(
        draw(st.sampled_from((OWN, OWN, OWN, OTHER, FOREIGN))),
        draw(st.sampled_from(SERVICES)),
        draw(st.sampled_from(("production", "staging"))),
        draw(st.sampled_from(NAMES)),
        tuple(instances),
    )


def is_possible(world: list[Thing]) -> bool:
    """Whether no two deployments share a slot, or a name, of one service, and something can be listed."""
    slots = {(t.subscription, t.service, t.slot) for t in world}
    names = {(t.subscription, t.service, t.name) for t in world}
    return len(slots) == len(names) == len(world) and any(t.subscription == OWN for t in world)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[Thing, ...], tuple[Deployment, ...]]:
    """A world, and the part of it that a target file lists."""
    world = draw(st.lists(things(), min_size=1, max_size=5).filter(is_possible))
    own = [thing for thing in world if thing.subscription == OWN]
    listed = []
    for thing in draw(st.lists(st.sampled_from(own), min_size=1, unique=True)):
        names = draw(st.lists(st.sampled_from(thing.instances), min_size=1, unique=True))
        listed.append(Deployment(thing.service, thing.slot, thing.name, tuple(names)))
    return tuple(world), tuple(listed)


def escaped(text: str, at: int, times: int) -> str:
    """`text` with a character percent-encoded so many times."""
    if not text:
        return text
    at %= len(text)
    code = f"%{ord(text[at]) & 0xFF:02X}"
    for _ in range(times - 1):
        code = code.replace("%", "%25")
    return text[:at] + code + text[at + 1 :]


SPELLINGS: tuple[Callable[[str], str], ...] = (
    str, str.upper, str.lower, str.title, lambda s: s.replace(" ", "+"), lambda s: s.replace(" ", "%20"), lambda s: f"%20{s}", lambda s: f"{s}%09",
    lambda s: f"{s}%00", lambda s: f"{s}%00x", lambda s: f"{s};x", lambda s: f"{s}%3Bx=1", lambda s: f"{s}%0D%0Ax", lambda s: f"%0A{s}",
    lambda s: f"{s}/", lambda s: f"{s}%2F", lambda s: f"./{s}", lambda s: f"x/../{s}", lambda s: f"x%2F..%2F{s}", lambda s: f"x%5C..%5C{s}",
    lambda s: f"{s}/..", lambda s: f"{s}%2F..", lambda s: f"{s}%252F..", lambda s: f"/{s}", lambda s: f"{s}\\", lambda s: f"{s}*", lambda s: f"{s}%25",
    lambda s: s[:-1], lambda s: s + "0", lambda s: s[:-1] + "8", lambda _: "", lambda _: "*", lambda _: "..", lambda _: "%00", lambda s: f"{s}{TOKEN}", lambda s: f"{s}%00{TOKEN}",
    lambda s: f"{TOKEN}/../{s}", lambda s: f"{s}?{TOKEN}", lambda s: f"{s}%3F{TOKEN}", lambda s: f"{s}#{TOKEN}", lambda s: f"{TOKEN}%2F..%2F{s}",
    lambda s: escaped(s, 1, 1), lambda s: escaped(s, 0, 2), lambda s: escaped(s, 2, 3), lambda s: f"%00{s}", lambda s: f"{s}%7F", lambda s: f"{s}.",
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request to some name, listed or not, spelled in any way."""
    pools = ((OWN, OTHER, FOREIGN, "nobody"), SERVICES, ("production", "staging", "prod", *NAMES), INSTANCES)
    spelled = [draw(st.sampled_from(SPELLINGS))(draw(st.sampled_from(pool))) for pool in pools]
    if draw(st.booleans()):  # mostly one slip at a time
        spelled[:3] = [draw(st.sampled_from(pool)) for pool in pools[:3]]
    subscription, service, container, instance = spelled
    collection = draw(st.sampled_from(("deploymentslots", "deployments", "DeploymentSlots", "deployment%73")))
    path = f"/{subscription}/services/hostedservices/{service}/{collection}/{container}/roleinstances/{instance}"
    path = draw(st.sampled_from((path, path, path, f"https://h{path}", path.replace("/", "//", 3), f"/eu{path}")))
    request = Request(draw(st.sampled_from(("POST", "PUT", "GET", "post", "DELETE"))), f"{path}?comp=reimage")
    return draw(st.sampled_from(dressed(request)))


def dressed(request: Request) -> list[Request]:
    """A request as it is, by way of an override, and inside another one."""
    inner = replace(request, headers=(("Host", "h"),)).wire()
    outer = Request("GET", f"/{OWN}/operations/1", (("Host", "h"), ("Content-Length", str(len(inner)))), inner)
    return [
        request, request, request, replace(request, method="GET", headers=(("X-HTTP-Method-Override", "POST"),)), outer,
        replace(outer, headers=(("A", "b\r\n\r\n" + inner.decode("latin-1")),), body=b""),
        Request("POST", f"/{OWN}/operations/{TOKEN}", (("X-Original-URL", request.target),)),
    ]  # fmt: skip


def opened(gate: Gate, endpoint: CountingEndpoint, request: Request) -> bool:
    """Whether the gate lets a request out, once every question of it has been answered."""
    asked = 0
    while not gate.admits(request) and (question := gate.question(request)) is not None:
        gate.learn(endpoint.answer(question))
        asked += 1
        assert asked < 40
    return gate.admits(request)


@settings(max_examples=120, deadline=None)
@given(layouts(), requests(), st.booleans(), st.booleans(), st.sampled_from((None, None, False)))
def test_nothing_unlisted_is_hit(
    layout: Any,
    request: Request,
    offers: bool,  # noqa: FBT001
    by_case: bool,  # noqa: FBT001
    claim: bool | None,  # noqa: FBT001
) -> None:
    world, listed = layout
    target = target_of(*listed, offers=claim)
    endpoint = CountingEndpoint(world, offers=offers, by_case=by_case, opened=frozenset((OWN, OTHER)))

    may_be_sent = opened(Gate(target, TOKEN), endpoint, request)

    allowed = {(OWN, d.cloud_service, d.name, name) for d in listed for name in d.role_instances}
    assert not may_be_sent or endpoint.hit(request) <= allowed


LISTED = Deployment("contoso", "staging", "v2", ("WebRole1_IN_0", "WebRole1_IN_1"), ("Fails_IN_0",))
REST = Thing(OWN, "contoso", "production", "v1", ("WebRole1_IN_0", "WebRole1_IN_1"))
STAGING = Thing(OWN, "contoso", "staging", "v2", (*LISTED.role_instances, "Fails_IN_0", "WebRole1_IN_10"))
WORLD = (REST, STAGING)
BUILDER = RequestBuilder(target_of(LISTED), TOKEN)
STAY_AWAY = Ruling.MAY_EXIST


def reimage(
    service: str = "contoso",
    form: UriForm = UriForm.SLOT,
    place: str = "staging",
    name: str = "WebRole1_IN_0",
    under: str = OWN,
) -> Request:
    """A sound reimage of any names."""
    return with_subscription(BUILDER.reimage_at(service, form, place, name), OWN, under)


def judged(
    request: Request, *, world: tuple[Thing, ...] = WORLD, offers: bool = True, complete: bool = False
) -> Ruling:
    """What the gate says of a request once its questions are answered."""
    gate = Gate(target_of(LISTED, complete=complete), TOKEN)
    opened(gate, CountingEndpoint(world, offers=offers, opened=frozenset((OWN, OTHER))), request)
    return gate.ruling(request)


SHOWN: dict[str, tuple[Request, Ruling, Ruling]] = {
    "listed": (reimage(), Ruling.LISTED, Ruling.LISTED),
    "listed by name": (reimage(form=UriForm.NAME, place="v2"), Ruling.LISTED, Ruling.LISTED),
    "failing": (reimage(name="Fails_IN_0"), Ruling.LISTED, Ruling.LISTED),
    "in capitals": (reimage("CONTOSO", place="STAGING", name="WEBROLE1_IN_1"), Ruling.LISTED, Ruling.LISTED),
    "unlisted instance": (reimage(name="WebRole1_IN_10"), STAY_AWAY, STAY_AWAY),
    "unlisted instance in capitals": (reimage(name="WEBROLE1_IN_10"), STAY_AWAY, STAY_AWAY),
    "unlisted slot": (reimage(place="production"), STAY_AWAY, STAY_AWAY),
    "unlisted name": (reimage(form=UriForm.NAME, place="v1"), STAY_AWAY, STAY_AWAY),
    "near instance": (reimage(name="WebRole1_IN_2"), Ruling.ABSENT, STAY_AWAY),
    "the beginning of unlisted instances": (reimage(name="WebRole1_IN_"), STAY_AWAY, STAY_AWAY),
    "the beginning of listed instances": (reimage(name="Fails_IN_"), Ruling.ABSENT, STAY_AWAY),
    "near name": (reimage(form=UriForm.NAME, place="v"), Ruling.ABSENT, STAY_AWAY),
    "near service": (reimage("contos"), Ruling.ABSENT, STAY_AWAY),
    "short for the other slot": (reimage(place="prod"), STAY_AWAY, STAY_AWAY),
    "short for the listed slot": (reimage(place="stag"), STAY_AWAY, STAY_AWAY),
    "the listed slot with a random end": (reimage(place=f"staging{TOKEN}"), STAY_AWAY, STAY_AWAY),
    "a name in place of a slot": (reimage(place="v2"), STAY_AWAY, STAY_AWAY),
    "random instance in no slot": (reimage(place="stag", name=BUILDER.no_instance), Ruling.RANDOM, Ruling.RANDOM),
    "no slot": (reimage(place="2"), STAY_AWAY, STAY_AWAY),
    "every instance": (reimage(name="*"), STAY_AWAY, STAY_AWAY),
    "the listed instances, wild": (reimage(name="Fails*"), Ruling.LISTED, STAY_AWAY),
    "an instance and more, wild": (reimage(name="WebRole1_IN_1*"), STAY_AWAY, STAY_AWAY),
    "no instance": (reimage(name=""), STAY_AWAY, STAY_AWAY),
    "random instance": (reimage(name=BUILDER.no_instance), Ruling.RANDOM, Ruling.RANDOM),
    "random end": (reimage(name=f"WebRole1_IN_0{TOKEN}"), Ruling.RANDOM, Ruling.RANDOM),
    "random service": (reimage(BUILDER.no_service, place="production"), Ruling.RANDOM, Ruling.RANDOM),
    "random subscription": (reimage(place="production", under=BUILDER.no_subscription), Ruling.RANDOM, Ruling.RANDOM),
    "another subscription": (reimage(under=OTHER), Ruling.ABSENT, STAY_AWAY),
    "a foreign subscription": (reimage(under=FOREIGN), STAY_AWAY, STAY_AWAY),
    "an operation of nobody's": (replace(BUILDER.operation_status("1"), method="DELETE"), STAY_AWAY, STAY_AWAY),
    "a question to a listed deployment": (replace(BUILDER.deployment(LISTED), method="OPTIONS"), Ruling.LISTED, Ruling.LISTED),
    "the whole deployment": (replace(BUILDER.deployment(LISTED), method="DELETE"), STAY_AWAY, STAY_AWAY),
    "GET": (replace(reimage(place="production"), method="GET"), Ruling.READS_ONLY, Ruling.READS_ONLY),
    "GET by another name": (replace(reimage(place="production"), method="get"), STAY_AWAY, STAY_AWAY),
    "a path of nothing": (Request("POST", f"/{OWN}/nothing"), STAY_AWAY, STAY_AWAY),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_what_goes_out(name: str) -> None:
    request, with_looks, without = SHOWN[name]

    assert (judged(request), judged(request, offers=False)) == (with_looks, without)


@pytest.mark.parametrize("name", SHOWN)
def test_what_goes_out_where_nothing_else_exists(name: str) -> None:
    request, known = SHOWN[name][0], (Ruling.READS_ONLY, Ruling.LISTED, Ruling.RANDOM)

    assert judged(request, offers=False, complete=True) in (Ruling.COMPLETE, *known)


def test_what_is_complete_says_nothing_of_other_services_elsewhere() -> None:
    assert judged(reimage("adatum", under=OTHER), offers=False, complete=True) is STAY_AWAY
    assert judged(reimage("contoso", under=OTHER), offers=False, complete=True) is Ruling.COMPLETE


def looked(request: Request, body: str, status: int = 200, headers: Headers = ANSWERED, at: float = 0.0) -> Exchange:
    """The exchange of a look."""
    fields = (("Content-Type", "application/xml"), *headers)
    return Exchange(1, request, Response(status, headers=fields, body=body.encode()), at=at)


def test_what_a_run_started_is_its_own() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    gate.learn(looked(reimage(), "", 202, (("x-ms-request-id", "ABC"),)))

    assert gate.admits(replace(BUILDER.operation_status("abc"), method="DELETE"))


DOCUMENT = document(STAGING, 1)
UNSOUND = {
    "cut short": DOCUMENT[:-9],
    "in another namespace": DOCUMENT.replace(NS, "urn:x"),
    "without a list": DOCUMENT[: DOCUMENT.index("<RoleInstanceList>")] + "</Deployment>",
    "without one that is listed": DOCUMENT.replace("WebRole1_IN_1<", "x<"),
    "with one that has no name": DOCUMENT.replace("WebRole1_IN_10<", "<"),
    "continued": DOCUMENT.replace("</Deployment>", "<ContinuationToken>1</ContinuationToken></Deployment>"),
}


@pytest.mark.parametrize("how", UNSOUND)
def test_a_list_that_cannot_be_relied_on_shows_nothing(how: str) -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    gate.learn(looked(BUILDER.deployment(LISTED), UNSOUND[how]))
    near = reimage(name="WebRole1_IN_2")

    assert not gate.admits(near)
    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT))
    assert gate.admits(near)


def test_what_was_listed_once_is_not_taken_for_nothing() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT))
    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT.replace("WebRole1_IN_10", "New")))

    assert not gate.admits(reimage(name="WebRole1_IN_10"))


def test_namesakes_of_a_listed_instance_keep_it_back_unless_it_is_spelled_as_it_is() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT.replace("WebRole1_IN_10", "webrole1_in_0")))

    assert gate.admits(reimage())
    assert not gate.admits(reimage(name="WEBROLE1_IN_0"))


@pytest.mark.parametrize(
    ("private", "rest", "ruling"),
    [("a1", "b2", Ruling.LEADS_TO_LISTED), ("00", "b2", STAY_AWAY), ("a1", "a1", STAY_AWAY)],
)
def test_an_address_that_leads_to_what_is_listed(private: str, rest: str, ruling: Ruling) -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    number = f"{2:032x}"
    own = DOCUMENT.replace(number, private)
    production = document(REST, 0).replace(f"{1:032x}", rest)
    gate.learn(looked(BUILDER.deployment(LISTED), own))
    gate.learn(looked(with_subscription(BUILDER.deployment(LISTED), OWN, OTHER), own))
    gate.learn(looked(BUILDER.deployment_at("contoso", UriForm.SLOT, "production"), production))

    assert gate.ruling(reimage(under=OTHER)) is ruling
    assert gate.ruling(reimage(under=OTHER, name="WebRole1_IN_10")) is STAY_AWAY


def properties(*documents: str) -> str:
    """What Get Cloud Service Properties shows with detail."""
    return f'<HostedService xmlns="{NS}"><Deployments>{"".join(documents)}</Deployments></HostedService>'


def test_cloud_service_properties_show_what_is_there() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    gate.learn(looked(BUILDER.cloud_service("fabrikam"), "", 404))
    assert not gate.admits(reimage("fabrikam"))

    gate.learn(looked(BUILDER.cloud_service("contoso"), properties(DOCUMENT)))
    empty, by_name = reimage(place="production"), reimage(form=UriForm.NAME, place="v3")
    assert all(map(gate.admits, (empty, by_name, reimage("fabrikam"), reimage(name="WebRole1_IN_2"))))

    gate.learn(looked(BUILDER.cloud_service("contoso"), properties(DOCUMENT, document(REST, 0))))
    assert [gate.admits(each) for each in (empty, by_name)] == [False, True]


def test_what_cloud_service_properties_did_not_show_is_looked_up_again_after_a_while() -> None:
    gate, look = Gate(target_of(LISTED, offers=False), TOKEN), BUILDER.cloud_service("contoso")
    empty = reimage(place="production")
    gate.learn(looked(look, properties(DOCUMENT)))
    assert gate.admits(empty)

    gate.learn(looked(BUILDER.operation_status("1"), "", at=ABSENCE_SECONDS + 1))
    question = gate.question(empty)

    assert not gate.admits(empty)
    assert gate.question(empty) is None
    assert question is not None
    assert question.target == look.target
    gate.learn(looked(question, properties(DOCUMENT), at=ABSENCE_SECONDS + 2))
    assert gate.admits(empty)


def test_a_slot_that_another_deployment_took_over_is_not_listed() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    by_slot, by_name = (BUILDER.deployment(LISTED, form) for form in UriForm)
    posts = [reimage(), reimage(form=UriForm.NAME, place="v2")]
    newer = DOCUMENT.replace("<Name>v2<", "<Name>v3<").replace(f"{2:032x}", f"{7:032x}")

    gate.learn(looked(by_slot, DOCUMENT))
    gate.learn(looked(by_slot, newer))
    assert [gate.admits(each) for each in posts] == [False, True]
    assert gate.question(posts[0]) is not None

    shown_without_a_list = newer[: newer.index("<RoleInstanceList>")] + "</Deployment>"
    for later in (shown_without_a_list, shown_without_a_list.replace("<Name>v3</Name>", "")):
        gate.learn(looked(by_slot, later))
        assert not gate.admits(posts[0]), later

    complete = Gate(target_of(LISTED, complete=True), TOKEN)
    complete.learn(looked(by_slot, newer))
    assert not complete.admits(posts[0])

    gate.learn(looked(by_slot, DOCUMENT))
    assert all(map(gate.admits, posts))

    gate.learn(looked(by_name, DOCUMENT))
    gate.learn(looked(by_slot, DOCUMENT.replace("<Name>v2<", "<Name>wrong<")))
    assert all(map(gate.admits, posts)), "its private id is that of the listed deployment"


def test_a_deployment_that_moved_to_the_other_slot_is_not_in_the_listed_one() -> None:
    """A swap exchanges what is in the two slots; a look by name may be the first to show it."""
    gate = Gate(target_of(LISTED), TOKEN)
    by_slot, by_name = (BUILDER.deployment(LISTED, form) for form in UriForm)
    posts = [reimage(), reimage(form=UriForm.NAME, place="v2")]
    moved = DOCUMENT.replace("<DeploymentSlot>staging<", "<DeploymentSlot>Production<")
    expected = [(by_slot, DOCUMENT, True), (by_name, moved, False), (by_name, DOCUMENT, True), (by_name, moved, False), (by_slot, DOCUMENT, True)]  # fmt: skip

    for at, (request, body, is_there) in enumerate(expected):
        gate.learn(looked(request, body, at=float(at)))
        assert [gate.admits(each) for each in posts] == [is_there, True], at


def test_an_absent_instance_is_looked_up_again_after_a_while() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    near = reimage(name="WebRole1_IN_2")
    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT))
    assert gate.admits(near)

    gate.learn(looked(BUILDER.operation_status("1"), "", 404, at=ABSENCE_SECONDS + 1))
    assert not gate.admits(near)
    assert gate.admits(reimage())
    question = gate.question(near)
    assert question is not None
    gate.learn(looked(question, DOCUMENT, at=ABSENCE_SECONDS + 2))
    assert gate.admits(near)


@pytest.mark.parametrize(
    ("request_", "admitted"),
    [
        (reimage(), True),
        (reimage(name="WebRole1_IN_2"), True),
        (reimage(name="WebRole1_IN_10"), False),
        (reimage(name="*"), False),
        (replace(BUILDER.deployment(LISTED), method="DELETE"), False),
        (reimage(place="production"), False),
        (reimage(form=UriForm.NAME, place="v3"), True),
    ],
)
def test_what_was_shown_is_not_overruled_by_a_file_that_claims_to_be_complete(
    request_: Request, *, admitted: bool
) -> None:
    gate = Gate(target_of(LISTED, complete=True), TOKEN)
    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT))
    gate.learn(looked(BUILDER.deployment_at("contoso", UriForm.SLOT, "production"), document(REST, 0)))

    assert gate.admits(request_) is admitted


def test_properties_that_lack_a_slot_are_not_whole() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    rest = document(REST, 0).replace("<DeploymentSlot>production</DeploymentSlot>", "")

    gate.learn(looked(BUILDER.cloud_service("contoso"), properties(DOCUMENT, rest)))

    assert not gate.admits(reimage(place="production"))


@pytest.mark.parametrize(("instances", "admitted"), [(REST.instances, True), ((), False)])
def test_a_list_without_instances_is_not_whole(instances: tuple[str, ...], *, admitted: bool) -> None:
    """An endpoint may leave out of the list an instance that is written afresh, whoever asked for it."""
    gate, look = Gate(target_of(LISTED), TOKEN), BUILDER.deployment(LISTED, UriForm.SLOT)
    asked = replace(look, target=look.target.replace("staging", "production"))

    gate.learn(looked(asked, document(replace(REST, instances=instances), 0)))

    assert gate.admits(reimage(place="production", name="WebRole1_IN_7")) is admitted


@pytest.mark.parametrize("by_case", [False, True])
def test_an_answer_about_one_spelling_says_nothing_of_another(*, by_case: bool) -> None:
    listed = Deployment("Contoso", "staging", "Release-7", ("WebRole1_IN_0",))
    world = tuple(
        Thing(OWN, service, slot, name, ("WebRole1_IN_0",))
        for service, slot, name in (("Contoso", "staging", "Release-7"), ("Contoso", "production", "Release-8"))
    )
    gate, endpoint = Gate(target_of(listed), TOKEN), CountingEndpoint(world, by_case=by_case, opened=frozenset((OWN,)))
    by_name = [reimage("Contoso", UriForm.NAME, name) for name in ("Release-8", "release-8", "Release-6", "Release-7")]

    assert [opened(gate, endpoint, each) for each in by_name] == [False, False, True, True]

    gate.learn(looked(BUILDER.cloud_service("contoso2"), "", 404))
    gate.learn(looked(BUILDER.cloud_service("Contoso"), properties(*map(document, world, range(2)))))
    assert [gate.admits(reimage(each)) for each in ("contoso2", "Contoso2")] == [True, False]


def test_what_is_kept_back_is_said_without_secrets() -> None:
    gate = Gate(target_of(LISTED), TOKEN, masked=lambda text: text.replace(OWN, "masked"))

    with pytest.raises(Withheld, match=r"^what POST /masked/.*/production/.* addresses may exist, and is not listed$"):
        gate.check(reimage(place="production"))
    assert [OWN in each for each in gate.withheld] == [False]
    assert ["/deploymentslots/production/roleinstances/WebRole1_IN_0" in each for each in gate.withheld] == [True]


SOUND = "/s/services/hostedservices/contoso/deploymentslots/production/roleinstances/WebRole1_IN_0"


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (
            ["/s/services/hostedservices/contoso/deploymentslots/production", f"{SOUND}/"],
            (
                "2 malformed addresses (no instance, no slot, ...) were not tried: a lax endpoint could read them as something that the target "
                "file does not list. If nothing exists other than what it lists, set complete = true in [target]. Not tried: "
                f"/s/services/hostedservices/contoso/deploymentslots/production, {SOUND}/."
            ),
        ),
        (
            [SOUND],
            (
                "1 address was not tried: something may exist there that the target file does not list. If nothing exists other than what it lists, "
                f"set complete = true in [target]. Not tried: {SOUND}."
            ),
        ),
        ([f"/{n}" for n in range(5)], "Not tried: /0, /1, /2, and 2 more."),
    ],
)
def test_a_note_tells_malformed_addresses_from_others(paths: list[str], told: str) -> None:
    assert kept_back(paths).endswith(told)


def test_both_kinds_of_addresses_are_told_apart() -> None:
    note = kept_back([SOUND, "/x"])

    assert note.startswith("1 malformed address (no instance, no slot, ...) was not tried: ")
    assert " 1 address was not tried: something may exist there" in note
    assert note.endswith(f"Not tried: /x, {SOUND}.")


def test_every_question_is_asked_once_in_a_while() -> None:
    gate = Gate(target_of(LISTED), TOKEN)
    endpoint = CountingEndpoint(WORLD, opened=frozenset((OWN,)))
    for _ in range(3):
        opened(gate, endpoint, reimage(place="production"))
        opened(gate, endpoint, reimage(form=UriForm.NAME, place="v3"))

    assert endpoint.count == 4  # each call of a listed deployment, and the two addresses


def test_an_absence_is_looked_up_again_after_a_while() -> None:
    gate, endpoint = Gate(target_of(LISTED), TOKEN), CountingEndpoint(WORLD, opened=frozenset((OWN,)))
    nowhere = reimage(form=UriForm.NAME, place="v3")
    assert opened(gate, endpoint, nowhere)
    asked = endpoint.count

    gate.learn(looked(BUILDER.deployment(LISTED), DOCUMENT, at=ABSENCE_SECONDS + 1))

    assert not gate.admits(nowhere)
    assert opened(gate, endpoint, nowhere)
    assert endpoint.count == asked + 1


def test_a_404_that_another_hand_gave_shows_no_absence() -> None:
    gate, endpoint = Gate(target_of(LISTED), TOKEN), CountingEndpoint(WORLD, opened=frozenset((OWN,)), signs=False)

    assert not opened(gate, endpoint, reimage(form=UriForm.NAME, place="v3"))


def test_a_token_is_in_no_name_that_is_listed() -> None:
    tokens = {new_token(target_of(LISTED)) for _ in range(50)}

    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {12}


def test_a_path_with_too_many_spellings_is_not_read() -> None:
    wild = "".join(f"%25{n:02X};a%5C..%2F+%00" for n in range(40, 60))

    assert judged(Request("POST", f"/{OWN}/{wild}/{TOKEN}")) is STAY_AWAY


@pytest.mark.parametrize(
    ("path", "passes"),
    [
        ("/contoso/v2/WebRole1_IN_0", True),
        ("/contoso/v2/Fails_IN_0/local-storage/x", True),
        ("/contoso/v2/WebRole1_IN_10", False),
        ("/contoso/v2/WebRole1_IN_10/other/x", False),
        ("/contoso/v2/WebRole1_IN_0/other/../../WebRole1_IN_10", False),
        ("/contoso/v1/WebRole1_IN_0", False),
    ],
)
def test_only_listed_instances_are_probed(path: str, passes: bool) -> None:  # noqa: FBT001
    url = "http://127.0.0.1:9/{cloud_service}/{deployment_name}/{role_instance}"
    gate = ProbeGate(replace(target_of(LISTED), probe_url=url))

    with nullcontext() if passes else pytest.raises(Withheld):
        gate.check(Request("PUT", path))


def test_readings_are_the_canonical_one_alone_for_a_plain_request() -> None:
    assert len(readings(reimage())) == 1
