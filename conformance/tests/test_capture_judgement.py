"""What a capture shows and what it does not: conforming endpoints accused of nothing, wrong ones still found."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from capture_samples import BEGAN, Session, har, session
from reimage_conformance.capture.command import write_journal
from reimage_conformance.capture.reading import read_capture
from reimage_conformance.capture.selection import select
from reimage_conformance.embedding.memory import BASE_URL
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Exchange, Outcome, Request, Response, Strictness
from reimage_conformance.protocol.addresses import Kind, UriForm, read_target
from reimage_conformance.protocol.documents import read_document
from reimage_conformance.protocol.requests import Place, RequestBuilder, without_header
from reimage_conformance.replay import assessed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.model import Assessment, Target

DATE, ID = ("Date", "Sat, 01 Mar 2014 12:00:00 GMT"), ("x-ms-request-id", "f" * 31 + "0")
XML = ("Content-Type", "application/xml; charset=utf-8")


@pytest.fixture(scope="module")
def sound() -> Session:
    return session(refusals=False)


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., Assessment]:
    """Judges exchanges by way of a HAR, with a target file where one is given."""

    def judging(
        exchanges: Sequence[Exchange], target: Target | None = None, strictness: Strictness = Strictness.STRICT
    ) -> Assessment:
        path, journal = tmp_path / "session.har", tmp_path / "journal.jsonl"
        path.write_text(json.dumps(har([of_its_own(each, n) for n, each in enumerate(exchanges, 1)], BASE_URL)))
        capture = read_capture(path)
        write_journal(capture, select(capture, target), strictness, journal)
        return assessed(read_journal(journal))

    return judging


def of_its_own(exchange: Exchange, number: int) -> Exchange:
    """`exchange` with a Date of its time, and with an x-ms-request-id that no other has.

    The id of a reimage stays, since it is polled. The time is no whole second, so that intervals can be judged.
    """
    reply = exchange.reply
    if reply is None:
        return exchange
    is_polled = read_target(exchange.request.target).kind is Kind.REIMAGE
    date = format_datetime((BEGAN + timedelta(seconds=exchange.at)).replace(microsecond=0), usegmt=True)
    own = {"date": date} if is_polled else {"date": date, "x-ms-request-id": f"{number:032x}"}
    lines = tuple((name, own.get(name.lower(), value)) for name, value in reply.headers)
    return replace(exchange, response=replace(reply, headers=lines), at=exchange.at + 0.123)


def accused(assessment: Assessment) -> set[str]:
    return {result.requirement.id for result in assessment.of_outcome(Outcome.VIOLATED, Outcome.ADVISORY)}


def of_kind(found: Session, kind: Kind) -> list[Exchange]:
    return [each for each in found.exchanges if read_target(each.request.target).kind is kind]


def refusal(status: int, code: str) -> Response:
    body = f'<Error xmlns="http://schemas.microsoft.com/windowsazure"><Code>{code}</Code><Message>No.</Message></Error>'
    return Response(status, "No", (DATE, XML, ID), body.encode())


def statuses(polls: Sequence[Exchange]) -> dict[str, Response]:
    """An answer for each status of an operation, and a denial."""
    shown = {b"InProgress": "running", b"Succeeded": "ended"}
    found = {word: p.reply for p in polls for status, word in shown.items() if p.reply and status in p.reply.body}
    return {**found, "denied": refusal(404, "ResourceNotFound")}


DENIED = {"REQ-GOS-200", "REQ-REIMAGE-REQID-USABLE"}


@pytest.mark.parametrize(
    ("story", "wanted"),
    [
        ([(30, "running"), (60, "denied"), (90, "denied")], set()),
        ([(55, "denied")], set()),
        ([(30, "denied"), (60, "denied")], set()),
        ([(30, "running"), (31, "denied")], DENIED),
        ([(1, "denied")], {"REQ-REIMAGE-REQID-USABLE"}),
        ([(30, "running"), (60, "denied"), (90, "running")], DENIED),
        ([(30, "running"), (60, "denied"), (90, "ended")], DENIED),
    ],
)
def test_an_operation_may_end_and_be_forgotten_between_two_polls(
    judge: Callable[..., Assessment], sound: Session, story: list[tuple[float, str]], wanted: set[str]
) -> None:
    start, polls = of_kind(sound, Kind.REIMAGE)[0], of_kind(sound, Kind.OPERATION)[:8]
    answers = statuses(polls)
    told = [replace(polls[0], at=start.at + after, response=answers[word]) for after, word in story]

    assessment = judge([start, *told])

    assert accused(assessment) == wanted
    note = "Not judged, denied, for an operation that may have ended and been forgotten since the poll before"
    assert any(each.startswith(note) for each in assessment.notes) is (not wanted)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (["running", "fault", "running"], set()),
        (["running", "fault"], set()),
        (["running", "fault", "fault"], {"REQ-GOS-200"}),
        (["running", "fault without a document", "running"], set()),
        (["running", "fault without a document"], set()),
        (["running", "fault without a document", "fault without a document"], {"REQ-GOS-200"}),
        (["running", "other fault", "running"], {"REQ-GOS-200"}),
    ],
)
def test_a_fault_inside_the_endpoint_that_no_repeat_meets_shows_nothing(
    judge: Callable[..., Assessment], sound: Session, told: list[str], wanted: set[str]
) -> None:
    start, polls = of_kind(sound, Kind.REIMAGE)[0], of_kind(sound, Kind.OPERATION)[:8]
    answers = {**statuses(polls), "fault": refusal(500, "InternalError"), "other fault": refusal(500, "BadRequest")}
    empty = (*answers["fault"].headers, ("Content-Length", "0"))
    answers["fault without a document"] = replace(answers["fault"], headers=empty, body=b"")
    story = [replace(polls[0], at=start.at + n, response=answers[word]) for n, word in enumerate(told, 1)]

    assessment = judge([start, *story])

    assert accused(assessment) == wanted
    note = "Not judged, answered 500, by a fault that may have passed: no repeat got it as well: 1 call."
    assert (note in assessment.notes) is (not wanted)


FRONTS = "Passed over, answered with HTML, plain text or nothing by what seems to stand in front of the endpoint: {}."
PLAIN = Response(500, "No", (DATE, ("Content-Type", "text/plain")), b"Internal Server Error")
PAGE = Response(200, "OK", (DATE, ("Content-Type", "text/html; charset=utf-8")), b"<html>Sign in</html>")


@pytest.mark.parametrize(
    "answer",
    [
        PLAIN,
        PAGE,
        *(replace(PAGE, status=status) for status in (302, 403, 404, 405, 500, 501)),
        Response(404, "", (DATE,)),
    ],
    ids=lambda answer: f"{answer.status} of {len(answer.body)}",
)
def test_a_page_in_place_of_an_answer_accuses_no_endpoint(
    judge: Callable[..., Assessment], sound: Session, answer: Response
) -> None:
    exchanges = [each for n, each in enumerate(sound.exchanges) for each in [each] * (2 if n % 4 == 0 else 1)]
    told = [replace(e, response=answer) if e is exchanges[n - 1] else e for n, e in enumerate(exchanges)]
    pages = sum(each.response is answer for each in told)

    assessments = [judge(told), judge(told, sound.target)]

    assert [accused(each) for each in assessments] == [set(), set()]
    assert all(FRONTS.format(f"{pages} exchanges") in each.notes for each in assessments)


def test_pages_in_place_of_every_answer_of_a_kind_are_the_endpoints_own(
    judge: Callable[..., Assessment], sound: Session
) -> None:
    polls = of_kind(sound, Kind.OPERATION)

    assessment = judge([replace(each, response=PAGE) if each in polls else each for each in sound.exchanges])

    assert "REQ-GOS-ROOT" in accused(assessment)


@pytest.mark.parametrize("repeated", [True, False])
def test_a_page_for_a_defective_call_is_passed_over_only_where_the_same_call_got_an_answer(
    judge: Callable[..., Assessment], sound: Session, *, repeated: bool
) -> None:
    start = of_kind(sound, Kind.REIMAGE)[0]
    defective = replace(start, request=without_header(start.request, "x-ms-version"), response=PAGE)
    refused = [replace(defective, response=refusal(400, "MissingOrIncorrectVersionHeader"))] if repeated else []

    assessment = judge([start, defective, *refused])

    assert ("REQ-VER-MISSING" in accused(assessment)) is not repeated
    assert (FRONTS.format("1 exchange") in assessment.notes) is repeated


@pytest.mark.parametrize("status", [407, 460, 463, 495, 499, 530, 561, 598, 999])
def test_statuses_that_gateways_have_of_their_own_accuse_no_endpoint(
    judge: Callable[..., Assessment], sound: Session, status: int
) -> None:
    last = sound.exchanges[-1]

    assessment = judge([*sound.exchanges, replace(last, response=replace(refusal(status, "X"), headers=(DATE,)))])

    assert accused(assessment) == set()
    assert "Passed over, answered by a proxy or gateway on the way: 1 exchange." in assessment.notes


def with_body_text(exchange: Exchange, old: str, new: str) -> Exchange:
    """`exchange` with a word of its response replaced, and without the length that it had."""
    reply = exchange.reply or refusal(404, "")
    lines = tuple(line for line in reply.headers if line[0].lower() != "content-length")
    return replace(
        exchange, response=replace(reply, headers=lines, body=reply.body.replace(old.encode(), new.encode()))
    )


def answered(request: Request, response: Response | None = None) -> Exchange:
    """An exchange of a request that is refused, since there is no such thing, or answered with `response`."""
    return Exchange(1, request, response or refusal(404, "ResourceNotFound"), at=100.0)


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        ({"look", "reimage"}, set()),
        ({"look"}, {"REQ-DEPL-INSTANCES"}),
        ({"reimage"}, {"REQ-REIMAGE-URI-SLOT"}),
    ],
)
def test_an_instance_that_a_look_and_a_reimage_do_not_know_is_a_mistake_of_the_target_file(
    judge: Callable[..., Assessment], sound: Session, parts: set[str], wanted: set[str]
) -> None:
    first, *others = sound.target.deployments
    stale = replace(first, role_instances=(*first.role_instances, "Gone_IN_0"))
    target = replace(sound.target, deployments=(stale, *others))
    told = {"look": sound.exchanges[0], "reimage": answered(RequestBuilder(target).reimage(Place(stale, "Gone_IN_0")))}

    assessment = judge([told[part] for part in sorted(parts)], target)

    assert accused(assessment) == wanted
    is_said = any(n.startswith("The target file seems to be out of date: role_instances") for n in assessment.notes)
    assert is_said is (not wanted)


@pytest.mark.parametrize(
    ("parts", "wanted"), [({"look", "reimage"}, set()), ({"reimage"}, {"REQ-REIMAGE-URI-NAME"}), ({"look"}, set())]
)
def test_a_deployment_that_a_look_and_a_reimage_do_not_know_is_a_mistake_of_the_target_file(
    judge: Callable[..., Assessment], sound: Session, parts: set[str], wanted: set[str]
) -> None:
    first, *others = sound.target.deployments
    stale = replace(first, name="gone-v0")
    builder = RequestBuilder(replace(sound.target, deployments=(stale, *others)))
    reimage = builder.reimage(Place(stale, stale.role_instances[0]), UriForm.NAME)
    told = {"look": answered(builder.deployment(stale, UriForm.NAME)), "reimage": answered(reimage)}

    assessment = judge([told[part] for part in sorted(parts)], builder.target)

    assert accused(assessment) == wanted
    is_said = any(n.startswith("The target file seems to be out of date: name") for n in assessment.notes)
    assert is_said is (len(parts) == 2)


@pytest.mark.parametrize(
    ("complete", "order", "wanted"),
    [
        (False, ["look", "reimage"], set()),
        (False, ["reimage", "look"], {"REQ-REIMAGE-UNKNOWN-INSTANCE"}),
        (False, ["look", "reimage", "later look"], set()),
        (False, ["reimage", "other look"], set()),
        (True, ["look", "reimage"], {"REQ-REIMAGE-UNKNOWN-INSTANCE"}),
    ],
)
def test_an_instance_may_have_been_added_since_a_look(
    judge: Callable[..., Assessment], sound: Session, order: list[str], wanted: set[str], *, complete: bool
) -> None:
    """A look at a deployment of the same name in another cloud service shows nothing either."""
    first = sound.target.deployments[0]
    target = replace(sound.target, deployments=(first, replace(first, cloud_service="other")), complete=complete)
    look, start = sound.exchanges[0], of_kind(sound, Kind.REIMAGE)[0]
    added = with_body_text(look, first.role_instances[-1], "Added_IN_0")
    reimage = RequestBuilder(target).reimage(Place(first, "Added_IN_0"))
    told = {
        "look": look,
        "later look": added,
        "other look": replace(look, request=RequestBuilder(target).deployment(target.deployments[1])),
        "reimage": replace(start, request=reimage),
    }

    polls = [replace(poll, at=10.0 + n) for n, poll in enumerate(of_kind(sound, Kind.OPERATION)[:8])]
    exchanges = [*(replace(told[word], at=float(n)) for n, word in enumerate(order)), *polls]

    assert accused(judge(exchanges, target)) - {"REQ-DEPL-INSTANCES"} == wanted


def test_a_deployment_that_a_later_answer_shows_was_there(judge: Callable[..., Assessment], sound: Session) -> None:
    listed, unlisted = sound.target.deployments[:2]
    target = replace(sound.target, deployments=(listed,))
    looks = [e for e in sound.exchanges if e.request == RequestBuilder(sound.target).deployment(unlisted)]
    start = replace(of_kind(sound, Kind.REIMAGE)[0], at=101.0)
    reimage = replace(start, request=RequestBuilder(sound.target).reimage(Place(unlisted, unlisted.role_instances[0])))
    polls = [replace(poll, at=103.0 + n) for n, poll in enumerate(of_kind(sound, Kind.OPERATION)[:8])]
    before = [answered(looks[0].request), reimage, *polls]

    assert accused(judge(before, target)) == {"REQ-REIMAGE-UNKNOWN-SERVICE"}
    assert accused(judge([*before, replace(looks[0], at=102.0)], target)) == set()


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [
        (["ID-1", "ID-2"], set()),
        (["ID-1", "ID-1"], {"REQ-GOS-ID"}),
        (["own", "ID-2"], {"REQ-GOS-ID"}),
        (["changing", "ID-2"], {"REQ-GOS-ID"}),
        (["cut", "cut"], {"REQ-GOS-ID"}),
    ],
)
def test_ids_that_were_replaced_in_one_spelling_are_not_compared(
    judge: Callable[..., Assessment], sound: Session, shown: list[str], wanted: set[str]
) -> None:
    told = []
    asked = list(dict.fromkeys(read_target(poll.request.target).operation for poll in of_kind(sound, Kind.OPERATION)))
    for number, poll in enumerate(of_kind(sound, Kind.OPERATION)):
        identifier = read_target(poll.request.target).operation
        dashed = read_document(poll.response or Response(200)).text("ID") or ""
        word = shown[asked.index(identifier)]
        told.append(
            with_body_text(poll, dashed, {"own": dashed, "changing": f"ID-{number}", "cut": dashed[:8]}.get(word, word))
        )

    assessment = judge([*of_kind(sound, Kind.REIMAGE), *told])

    assert accused(assessment) == wanted
    note = "The id in the URL and the ID in the document seem to be replaced differently; they are not compared: 16 exchanges."
    assert (note in assessment.notes) is (not wanted)


@pytest.mark.parametrize(
    ("shown", "wanted"),
    [("ID-1", set()), ("d41d8cd98f00b204e9800998ecf8427e", set()), ("zzz", {"REQ-GOS-ID"}), ("", {"REQ-GOS-ID"})],
)
def test_the_id_of_a_single_operation_was_replaced_where_it_has_the_form_of_a_replaced_one(
    judge: Callable[..., Assessment], sound: Session, shown: str, wanted: set[str]
) -> None:
    asked = read_target(of_kind(sound, Kind.OPERATION)[0].request.target).operation
    polls = [e for e in of_kind(sound, Kind.OPERATION) if read_target(e.request.target).operation == asked]
    own = read_document(polls[0].response or Response(200)).text("ID") or ""
    start = next(e for e in of_kind(sound, Kind.REIMAGE) if e.request_id == asked)

    assert accused(judge([start, *(with_body_text(poll, own, shown) for poll in polls)])) == wanted


@pytest.mark.parametrize("placeholder", ["{name}", "***", "REDACTED", ":name"])
@pytest.mark.parametrize("part", ["hostedservices", "deployments", "deploymentslots", "roleinstances"])
def test_a_placeholder_in_an_address_is_no_name(
    judge: Callable[..., Assessment], sound: Session, part: str, placeholder: str
) -> None:
    told = []
    for each in sound.exchanges:
        before, between, after = each.request.target.partition(f"/{part}/")
        name, *rest = re.split("(?=[/?])", after, maxsplit=1)
        path = f"{before}{between}{placeholder if name else ''}{''.join(rest)}"
        told.append(replace(each, request=replace(each.request, target=path)))
    target = replace(sound.target, complete=True)

    assert [accused(judge(told, known)) for known in (None, target)] == [set(), set()]


def test_placeholders_in_documents_are_no_names(judge: Callable[..., Assessment], sound: Session) -> None:
    told = sound.exchanges
    for deployment in sound.target.deployments:
        for name in (*deployment.role_instances, deployment.name):
            told = tuple(with_body_text(each, f">{name}<", ">***<") for each in told)

    assert [accused(judge(told, known)) for known in (None, sound.target)] == [set(), set()]


def test_a_wrong_name_in_a_document_is_found(judge: Callable[..., Assessment], sound: Session) -> None:
    name = sound.target.deployments[0].name

    assert "REQ-DEPL-ROOT" in accused(judge([with_body_text(e, f">{name}<", ">other<") for e in sound.exchanges]))


@pytest.mark.parametrize(
    ("after", "strictness", "wanted"),
    [
        (1, Strictness.LENIENT, set()),
        (1, Strictness.STRICT, {"REQ-REIMAGE-URI-SLOT"}),
        (9, Strictness.LENIENT, {"REQ-REIMAGE-URI-SLOT"}),
    ],
)
def test_a_refusal_beside_another_operation_is_judged_only_where_the_endpoint_has_to_accept_it(
    judge: Callable[..., Assessment], sound: Session, after: int, strictness: Strictness, wanted: set[str]
) -> None:
    """The first operation ends before the ninth exchange."""
    first = sound.target.deployments[0]
    told = [of_kind(sound, Kind.REIMAGE)[0], *of_kind(sound, Kind.OPERATION)[:8]]
    refused = RequestBuilder(sound.target).reimage(Place(first, first.role_instances[1]))
    told.insert(after, replace(answered(refused, refusal(400, "ConflictError")), at=told[after - 1].at + 0.01))

    assessment = judge(told, sound.target, strictness)

    assert accused(assessment) == wanted
    note = "Not judged, refused, while another operation of the deployment may have been under way: 1 call."
    assert (note in assessment.notes) is (not wanted)
