"""The oracle: each change to a sound request gives exactly its defects, with exactly the answers that are permitted."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    BUILDER,
    FOREIGN_SUBSCRIPTION,
    LOOK,
    OTHER_SUBSCRIPTION,
    POLL,
    REIMAGE,
    REIMAGE_BY_NAME,
    SUBSCRIPTION,
    lenient,
    world,
)
from refusal_table import (
    ANY,
    BAD,
    CODING,
    FAIL,
    GROUPS,
    INFO,
    WARN,
    Answers,
    Change,
    Group,
    added,
    answers,
    header,
    instance,
    method,
    query,
    target,
    together,
)
from reimage_conformance.judging.defects import Answer
from reimage_conformance.judging.oracle import expectation_of
from reimage_conformance.model import Identity, Request, Strictness
from reimage_conformance.protocol.addresses import Kind, UriForm
from reimage_conformance.protocol.requests import (
    with_chunked,
    with_header,
    with_subscription,
    without_header,
)

if TYPE_CHECKING:
    from reimage_conformance.judging.defects import Defect
    from reimage_conformance.judging.world import World
    from reimage_conformance.model import CountsAs

CLIENT_ERRORS = frozenset(range(400, 500))
ACCESS = answers(((403,), "AuthenticationFailed ForbiddenError"))
ACCESS_LENIENT = answers(((403,), "AuthenticationFailed ForbiddenError"), ((400, 401, 403, 404), ""))
CHANGES = [pytest.param(group, change, id=name) for group in GROUPS for name, change in group.changes.items()]


def told(defect: Defect) -> tuple[str, str, Answers, CountsAs, frozenset[int], str]:
    """A defect as a tuple that compares plainly."""
    pairs = tuple((answer.statuses, answer.codes) for answer in defect.answers)
    return (defect.key, defect.requirement, pairs, defect.counts_as, defect.later, defect.layer)


@pytest.mark.parametrize(("group", "change"), CHANGES)
def test_a_change_gives_one_defect_under_strict(group: Group, change: Change) -> None:
    found = expectation_of(change(REIMAGE), world())

    assert [told(defect) for defect in found.defects] == [
        (group.key, group.requirement, group.answers, group.strict, frozenset(group.later), group.layer)
    ]
    assert found.must_be_accepted is False
    assert found.may_be_accepted is (group.strict is INFO)
    assert found.must_be_refused_for == (() if group.strict is INFO else found.defects)


@pytest.mark.parametrize(("group", "change"), CHANGES)
def test_lenient_leaves_the_form_of_the_applications_refusals_open(group: Group, change: Change) -> None:
    wider = (*group.answers, (CLIENT_ERRORS, ANY)) if group.layer == "application" else group.answers

    found = expectation_of(change(REIMAGE), lenient())

    assert [told(defect) for defect in found.defects] == [
        (group.key, group.requirement, wider, group.lenient, frozenset(group.later), group.layer)
    ]
    assert found.may_be_accepted is (group.lenient is INFO)


def test_a_sound_request_has_to_be_accepted() -> None:
    for request in (REIMAGE, REIMAGE_BY_NAME, POLL, LOOK, BUILDER.cloud_service("contoso")):
        for where in (world(), lenient()):
            found = expectation_of(request, where)
            assert found.defects == ()
            assert found.must_be_refused_for == ()
            assert found.must_be_accepted is True
            assert found.may_be_accepted is True


SOUND: list[tuple[str, Change]] = [
    ("the minimum version", header("x-ms-version", "2010-10-28")),
    ("spaces around the version", header("x-ms-version", " \t2011-10-01 \t")),
    ("names in upper case", lambda r: replace(r, headers=tuple((k.upper(), v) for k, v in r.headers))),
    ("a charset", header("Content-Type", "application/xml; charset=utf-8")),
    ("the type in upper case", header("Content-Type", "APPLICATION/XML")),
    ("space before the semicolon", header("Content-Type", "application/xml \t; charset=utf-8")),
    ("a literal ContentLength", added("ContentLength", "0")),
    ("many zeros", header("Content-Length", "000")),
    ("an encoded letter", target("/WebRole1", "/%57ebRole1")),
    ("absolute form", lambda r: replace(r, target="https://127.0.0.1:8443" + r.target)),
    ("the failing instance", instance("Broken_IN_0")),
    ("staging", target("/production/", "/staging/")),
    ("the subscription in upper case", lambda r: with_subscription(r, SUBSCRIPTION, SUBSCRIPTION.upper())),
    ("an IPv6 host", header("Host", "[::1]:8443")),
    ("a second certificate", lambda r: replace(r, identity=Identity.SECOND)),
]


@pytest.mark.parametrize(("change", "where"), [(c, w) for _, c in SOUND for w in (world(), lenient())])
def test_a_change_that_makes_no_difference_is_no_defect(change: Change, where: World) -> None:
    assert expectation_of(change(REIMAGE), where).defects == ()


def keys(request: Request, where: World | None = None) -> list[str]:
    return [defect.key for defect in expectation_of(request, where or world()).defects]


def test_defects_come_in_order_from_the_outside_in() -> None:
    request = together(
        header("Host"),
        header("x-ms-version"),
        header("Content-Type"),
        header("Content-Length"),
        query(None),
        method("PUT"),
        instance("None_IN_0"),
        target(SUBSCRIPTION, FOREIGN_SUBSCRIPTION),
    )(replace(REIMAGE, identity=Identity.UNKNOWN))

    assert keys(request) == [
        "host",
        "unknown-certificate",
        "foreign-subscription",
        "version-missing",
        "method",
        "comp",
        "content-type",
        "length-missing",
        "instance",
    ]


def test_only_binding_defects_oblige_to_refuse() -> None:
    request = together(header("Content-Type"), query("comp=REIMAGE"), method("post"))(REIMAGE)

    assert [d.key for d in expectation_of(request, world()).must_be_refused_for] == ["method-case", "content-type"]
    assert [d.key for d in expectation_of(request, lenient()).must_be_refused_for] == ["method-case"]


FRAMING: list[tuple[str, Change, list[str]]] = [
    ("differing lengths", header("Content-Length", "0", "5"), ["differing-lengths", "body"]),
    ("a list of differing lengths", header("Content-Length", "0,5"), ["differing-lengths", "body"]),
    ("equal lengths that are not zero", header("Content-Length", "5", "5"), ["repeated-length", "body"]),
    (
        "an unknown coding",
        together(header("Content-Length"), added("Transfer-Encoding", "gzip")),
        ["unknown-coding", "body"],
    ),
    (
        "chunked twice",
        together(header("Content-Length"), added("Transfer-Encoding", "chunked, chunked")),
        ["unknown-coding", "body"],
    ),
    (
        "chunked is not last",
        together(header("Content-Length"), added("Transfer-Encoding", "chunked, gzip")),
        ["unknown-coding", "body"],
    ),
    ("an unknown coding with a length", added("Transfer-Encoding", "gzip"), ["length-and-coding", "unknown-coding"]),
    (
        "a length in letters with a coding",
        together(header("Content-Length", "abc"), added("Transfer-Encoding", "chunked")),
        ["length-and-coding"],
    ),
    (
        "a length of 5 with a coding",
        together(header("Content-Length", "5"), added("Transfer-Encoding", "chunked")),
        ["length-and-coding"],
    ),
    (
        "a chunk beside a length",
        lambda r: with_header(with_chunked(r, b"hello"), "Content-Length", "5"),
        ["length-and-coding", "coded-body"],
    ),
    ("CHUNKED", lambda r: with_header(with_chunked(r), "Transfer-Encoding", "CHUNKED"), ["chunked-empty"]),
    (
        "chunked over two lines",
        lambda r: with_header(with_chunked(r), "Transfer-Encoding", "gzip", "chunked"),
        ["unknown-coding", "chunked-empty"],
    ),
    ("a chunk of ten octets", lambda r: with_chunked(r, b"0\r\n5678901"), ["body"]),
    ("a folded Host", header("Host", "127.0.0.1\r\n :8443"), ["host", "folded-line"]),
    ("a length beyond all bounds", header("Content-Length", "9" * 5000), ["body"]),
]


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in FRAMING], ids=[row[0] for row in FRAMING])
def test_framing_is_read_as_http_says(change: Change, expected: list[str]) -> None:
    assert keys(change(REIMAGE)) == expected


def test_differing_lengths_and_unknown_codings_and_chunks_beside_a_length_bind() -> None:
    beside = with_header(with_chunked(REIMAGE, b"hello"), "Content-Length", "5")
    coded = expectation_of(beside, world()).defects[1]
    differing = expectation_of(header("Content-Length", "0", "5")(REIMAGE), world()).defects[0]
    unknown = expectation_of(added("Transfer-Encoding", "gzip")(REIMAGE), world()).defects[1]

    assert told(differing) == ("differing-lengths", "REQ-HTTP-CL-DIFFER", BAD, FAIL, frozenset(), "http")
    assert told(unknown) == ("unknown-coding", "REQ-HTTP-TE-UNKNOWN", CODING, WARN, frozenset(), "http")
    assert told(coded)[1:3] == ("REQ-HTTP-TE-CL", ((frozenset({400, 411, 413, 501}), ANY),))


def test_a_chunk_beside_a_length_may_be_ignored_where_any_body_may() -> None:
    """Under lenient a body in a reimage is read and ignored by some (REQ-REIMAGE-CL-NONZERO)."""
    beside = with_header(with_chunked(REIMAGE, b"hello"), "Content-Length", "0")

    assert [each.key for each in expectation_of(beside, world()).must_be_refused_for] == ["coded-body"]
    assert expectation_of(beside, world(Strictness.LENIENT)).must_be_refused_for == ()


def test_a_chunk_beside_a_length_is_none_in_another_coding() -> None:
    plain = with_header(with_chunked(REIMAGE, b"hello"), "Content-Length", "5")

    assert "coded-body" not in keys(with_header(plain, "Transfer-Encoding", "gzip"))
    assert "coded-body" not in keys(replace(plain, body=b"0\r\n\r\n"))
    assert "coded-body" not in keys(replace(plain, body=b""))


ANONYMOUS = expectation_of(replace(POLL, identity=Identity.NONE), world()).defects[0]


@pytest.mark.parametrize("value", [expectation_of(POLL, world()), ANONYMOUS, ANONYMOUS.answers[0]])
def test_what_is_kept_for_all_is_changed_by_nobody(value: object) -> None:
    """Answers are kept in the memory of the world: a check that altered one would alter the judgement of every other."""
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)  # type: ignore[arg-type]
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize(
    ("identity", "key", "requirement"),
    [(Identity.NONE, "anonymous", "REQ-AUTH-TLS"), (Identity.UNKNOWN, "unknown-certificate", "REQ-AUTH-FAIL")],
)
@pytest.mark.parametrize("base", [REIMAGE, POLL, LOOK], ids=["reimage", "poll", "look"])
def test_without_a_known_certificate_nothing_is_served(
    base: Request, identity: Identity, key: str, requirement: str
) -> None:
    request = replace(base, identity=identity)

    assert [told(d) for d in expectation_of(request, world()).defects] == [
        (key, requirement, ACCESS, FAIL, frozenset(), "auth")
    ]
    assert [told(d) for d in expectation_of(request, lenient()).defects] == [
        (key, requirement, ACCESS_LENIENT, FAIL, frozenset(), "auth")
    ]


def test_without_tls_no_certificate_is_asked_for() -> None:
    plain = world(base_url="http://127.0.0.1:8080")

    assert keys(replace(REIMAGE, identity=Identity.NONE), plain) == []
    assert keys(replace(REIMAGE, identity=Identity.UNKNOWN), plain) == []


def test_a_foreign_subscription_is_not_served() -> None:
    request = with_subscription(REIMAGE, SUBSCRIPTION, FOREIGN_SUBSCRIPTION)
    key, requirement = "foreign-subscription", "REQ-AUTH-FAIL"
    foreign = FOREIGN_SUBSCRIPTION.upper()
    unknown = ((frozenset({400, 404}), ANY),)

    assert [told(d) for d in expectation_of(request, world(foreign_subscription_id=foreign)).defects] == [
        (key, requirement, ACCESS, FAIL, frozenset(), "auth")
    ]
    assert [told(d) for d in expectation_of(request, world()).defects] == [
        (key, requirement, ACCESS + unknown, FAIL, frozenset(), "auth")
    ]
    poll = with_subscription(POLL, SUBSCRIPTION, FOREIGN_SUBSCRIPTION)
    assert [told(d) for d in expectation_of(poll, world(foreign_subscription_id=foreign)).defects] == [
        (key, requirement, ACCESS + unknown, FAIL, frozenset(), "auth")
    ]
    elsewhere = world(foreign_subscription_id=OTHER_SUBSCRIPTION)
    assert [told(d) for d in expectation_of(request, elsewhere).defects] == [
        (key, requirement, ACCESS + unknown, FAIL, frozenset(), "auth")
    ]
    assert [told(d) for d in expectation_of(request, lenient(foreign_subscription_id=foreign)).defects] == [
        (key, requirement, ACCESS_LENIENT, FAIL, frozenset(), "auth")
    ]
    plain = world(base_url="http://127.0.0.1:8080", foreign_subscription_id=foreign)
    assert [told(d) for d in expectation_of(request, plain).defects] == [
        (key, requirement, ACCESS, INFO, frozenset(), "auth")
    ]


def test_the_other_subscription_is_our_own() -> None:
    request = with_subscription(POLL, SUBSCRIPTION, OTHER_SUBSCRIPTION)

    assert keys(request, world(other_subscription_id=OTHER_SUBSCRIPTION.upper())) == []
    assert keys(POLL, world(other_subscription_id=OTHER_SUBSCRIPTION)) == []
    assert keys(request) == ["foreign-subscription"]


def test_statuses_of_one_class_are_told_as_a_class() -> None:
    assert str(Answer(frozenset({404, 400}))) == "400 or 404"
    assert str(Answer(frozenset(range(400, 500)))) == "any 4xx"
    assert str(Answer(frozenset({*range(400, 500), 501}))) == "any 4xx or 501"


def test_no_subscription_at_all_is_not_the_other_one() -> None:
    request = with_subscription(REIMAGE, SUBSCRIPTION, "")

    assert "elsewhere" not in keys(request)
    assert "elsewhere" not in keys(request, world(other_subscription_id=OTHER_SUBSCRIPTION))


def test_an_instance_of_ours_is_not_under_the_other_subscription() -> None:
    request = with_subscription(REIMAGE, SUBSCRIPTION, OTHER_SUBSCRIPTION)
    (defect,) = expectation_of(request, world(other_subscription_id=OTHER_SUBSCRIPTION)).defects
    assert keys(request, world(other_subscription_id=OTHER_SUBSCRIPTION.upper())) == [defect.key]

    assert (defect.key, defect.requirement, defect.later) == (
        "elsewhere",
        "REQ-REIMAGE-UNKNOWN-SERVICE",
        frozenset({404}),
    )
    assert {status for answer in defect.answers for status in answer.statuses} == {400, 403, 404}


@pytest.mark.parametrize("base", [POLL, LOOK, BUILDER.cloud_service("contoso")], ids=["poll", "look", "cloud service"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2009-10-01", []),
        ("2010-04-01", []),
        ("2010-10-28", []),
        ("2011-10-01", []),
        ("2011-06-01", ["version-other"]),
        ("2009-09-30", ["version-unpublished"]),
        ("2011-08-18", ["version-unpublished"]),
        ("2011-1-1", ["version-malformed"]),
        ("", ["version-malformed"]),
    ],
)
def test_asking_needs_a_version_too_but_an_older_one_will_do(base: Request, value: str, expected: list[str]) -> None:
    assert keys(with_header(base, "x-ms-version", value)) == expected


def test_asking_is_judged_by_host_identity_and_version_alone() -> None:
    assert keys(without_header(POLL, "x-ms-version")) == ["version-missing"]
    assert keys(Request("POST", "/elsewhere", (("Host", "h"), ("x-ms-version", "2011-10-01")))) == [
        "foreign-subscription"
    ]
    assert expectation_of(Request("GET", "*", (("Host", "h"),)), world()).address.kind is Kind.OTHER


def test_the_targets_own_version_is_sound() -> None:
    request = with_header(REIMAGE, "x-ms-version", "2012-03-01")

    assert keys(request, world(x_ms_version="2012-03-01")) == []
    assert keys(REIMAGE, world(x_ms_version="2012-03-01")) == ["version-other"]


BY_NAME: list[tuple[str, str, str, str]] = [
    ("unknown deployment", "/deployments/contoso-v2/", "/deployments/contoso-v9/", "place"),
    ("instance with path parameters", "/WebRole1_IN_0?", "/WebRole1_IN_0;v=1?", "name-case"),
    ("deployment in another case", "/deployments/contoso-v2/", "/deployments/CONTOSO-V2/", "name-case"),
    ("deployment of another service", "/deployments/contoso-v2/", "/deployments/fabrikam-v1/", "place"),
    ("malformed deployment", "/deployments/contoso-v2/", "/deployments/contoso%0D/", "bad-name"),
    ("no deployment name", "/deployments/contoso-v2/", "/deployments//", "bad-name"),
    ("no service name", "/contoso/", "//", "bad-name"),
    ("service of one letter", "/contoso/", "/c/", "place"),
    ("service of 63 letters", "/contoso/", f"/{'c' * 63}/", "place"),
    ("service of 64 letters", "/contoso/", f"/{'c' * 64}/", "bad-name"),
    ("service with a dot", "/contoso/", "/con.toso/", "bad-name"),
    ("service that ends with a dash", "/contoso/", "/contoso-/", "bad-name"),
    ("service that begins with a dash", "/contoso/", "/-contoso/", "bad-name"),
    ("slot as a deployment", "/deployments/contoso-v2/", "/deployments/production/", "place"),
    ("unknown instance", "/WebRole1_IN_0", "/Nobody", "instance"),
]


@pytest.mark.parametrize(("old", "new", "key"), [row[1:] for row in BY_NAME], ids=[row[0] for row in BY_NAME])
def test_the_name_form_names_deployments(old: str, new: str, key: str) -> None:
    found = expectation_of(target(old, new)(REIMAGE_BY_NAME), world())

    assert found.address.form is UriForm.NAME
    assert [defect.key for defect in found.defects] == [key]


def test_instances_that_the_endpoint_listed_are_known() -> None:
    where = replace(world(), listed={"contoso-v2": ("Fresh_IN_0",), "contoso-v3": ("Other_IN_0",)})

    assert keys(instance("Fresh_IN_0")(REIMAGE), where) == []
    assert keys(instance("Other_IN_0")(REIMAGE), where) == ["instance"]


def test_an_answer_says_itself() -> None:
    assert str(Answer(frozenset({404, 400}))) == "400 or 404"
    assert (
        str(Answer(frozenset({403}), frozenset({"ForbiddenError", "AuthenticationFailed"})))
        == "403 with AuthenticationFailed or ForbiddenError"
    )


def test_a_defect_says_what_it_permits() -> None:
    (unknown,) = expectation_of(instance("Nobody")(REIMAGE), world()).defects
    (slot,) = expectation_of(target("/production/", "/test/")(REIMAGE), world()).defects
    (verb,) = expectation_of(method("PUT")(REIMAGE), world()).defects

    assert str(unknown) == "404 with ResourceNotFound, or 202 and then Failed with 404"
    assert str(slot) == "400 or 404, or 202 and then Failed with 400 or 404"
    assert str(verb) == "400 with InvalidHttpVerb, or 404, 405 or 501"


def test_under_lenient_the_operation_may_fail_with_any_code() -> None:
    (unknown,) = expectation_of(instance("Nobody")(REIMAGE), lenient()).defects
    (verb,) = expectation_of(method("PUT")(REIMAGE), lenient()).defects

    assert (unknown.any_failure, unknown.later) == (True, frozenset({404}))
    assert str(unknown).endswith(", or 202 and then Failed")
    assert verb.any_failure is False


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e"])
def test_a_path_that_is_cleaned_may_be_refused_as_what_remains_is_refused(name: str) -> None:
    """The path without its dot segments leads to a deployment, where a POST is a wrong verb."""
    (found,) = expectation_of(instance(name)(REIMAGE), world()).defects
    (verb,) = expectation_of(method("PUT")(REIMAGE), world()).defects

    assert verb.statuses < found.statuses


def test_a_defect_knows_statuses_and_their_codes() -> None:
    (verb,) = expectation_of(method("PUT")(REIMAGE), world()).defects
    (loose,) = expectation_of(method("PUT")(REIMAGE), lenient()).defects
    (variant,) = expectation_of(query("COMP=reimage")(REIMAGE), world()).defects

    assert verb.statuses == {400, 404, 405, 501}
    assert verb.codes(400) == {"InvalidHttpVerb"}
    assert verb.codes(405) == frozenset()
    assert verb.codes(418) == frozenset()
    assert loose.statuses == {*range(400, 500), 501}
    assert loose.codes(400) == frozenset()
    assert variant.codes(400) == frozenset()


def test_the_answer_is_kept_in_the_worlds_memory() -> None:
    where = world()
    first = expectation_of(REIMAGE, where)

    assert where.memory[REIMAGE] is first
    assert expectation_of(replace(REIMAGE), where) is first
