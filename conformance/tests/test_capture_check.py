"""Judging captures: what a recording shows is judged, what it does not show accuses nobody."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture_samples import Session, har, session
from reimage_conformance import cli
from reimage_conformance.capture import check_capture
from reimage_conformance.capture.command import write_journal
from reimage_conformance.capture.reading import read_capture
from reimage_conformance.capture.selection import select
from reimage_conformance.embedding.memory import BASE_URL
from reimage_conformance.emulator import find_fault
from reimage_conformance.errors import JournalError, UsageError
from reimage_conformance.journal import read_journal
from reimage_conformance.model import Outcome, Response, Strictness
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.requests import Place, RequestBuilder, with_header, without_header
from reimage_conformance.replay import assessed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reimage_conformance.model import Assessment, Exchange

Check = "Callable[..., Assessment]"


@pytest.fixture(scope="module")
def sound() -> Session:
    return session()


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Assessment]:
    """Judges exchanges by way of a HAR; a target makes the places known."""

    def checking(
        found: Session,
        exchanges: Sequence[Exchange] | None = None,
        *,
        known: bool = True,
        lenient: bool = False,
        **changed: Any,
    ) -> Assessment:
        path = tmp_path / "session.har"
        document = har(found.exchanges if exchanges is None else exchanges, found.target.base_url)
        for entry in document["log"]["entries"]:
            entry["request"].update(changed)
        path.write_text(json.dumps(document))
        capture = read_capture(path)
        selection = select(capture, found.target if known else None)
        write_journal(
            capture, selection, Strictness.LENIENT if lenient else Strictness.STRICT, tmp_path / "journal.jsonl"
        )
        return assessed(read_journal(tmp_path / "journal.jsonl"))

    return checking


def outcome(assessment: Assessment, requirement: str) -> Outcome:
    return next(result.outcome for result in assessment.requirements if result.requirement.id == requirement)


def blamed(assessment: Assessment) -> list[str]:
    return [finding.requirement for finding in assessment.findings]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("lenient", [True, False])
def test_a_conforming_session_gets_no_finding(
    check: Callable[..., Assessment], sound: Session, *, known: bool, lenient: bool
) -> None:
    assessment = check(sound, known=known, lenient=lenient)

    assert blamed(assessment) == []
    assert (assessment.verdict, assessment.exit_code) == ("partial", 0)
    assert not list(assessment.of_outcome(Outcome.INCONCLUSIVE))
    assert assessment.requests == len(sound.exchanges)
    assert [operation.outcome for operation in assessment.operations] == ["Succeeded", "Succeeded"]
    assert assessment.reimages == 2


MET = (
    "REQ-REIMAGE-URI-SLOT",
    "REQ-REIMAGE-URI-NAME",
    "REQ-REIMAGE-202",
    "REQ-REIMAGE-COMPLETES",
    "REQ-REIMAGE-REQID-USABLE",
    "REQ-REIMAGE-COMP-MISSING",
    "REQ-REIMAGE-VERSION-OLD",
    "REQ-VER-MISSING",
    "REQ-VER-FORMAT",
    "REQ-REIMAGE-CT-ABSENT",
    "REQ-REIMAGE-CL-ABSENT",
    "REQ-REIMAGE-CL-NONZERO",
    "REQ-REIMAGE-SLOT-OTHER",
    "REQ-GOS-PROGRESS",
    "REQ-GOS-ROOT",
    "REQ-GOS-TERMINAL-STABLE",
    "REQ-DEPL-URI",
    "REQ-DEPL-ROOT",
    "REQ-PROPS-URI",
    "REQ-ERR-CODES",
    "REQ-XML-WF",
    "REQ-HTTP-DATE",
)
BY_NAMES = ("REQ-REIMAGE-UNKNOWN-SERVICE", "REQ-REIMAGE-UNKNOWN-INSTANCE")
HIDDEN = ("REQ-HTTP-FRAMING", "REQ-XML-ENC", "REQ-REIMAGE-OFFLINE", "REQ-AUTH-FAIL", "REQ-CONC-SAME")


def test_what_a_session_shows_is_met_and_nothing_else(check: Callable[..., Assessment], sound: Session) -> None:
    assessment = check(sound)

    assert {name: outcome(assessment, name) for name in (*MET, *BY_NAMES)} == dict.fromkeys(
        (*MET, *BY_NAMES), Outcome.MET
    )
    assert {name: outcome(assessment, name) for name in HIDDEN} == dict.fromkeys(HIDDEN, Outcome.UNTESTED)


def test_without_a_target_unknown_names_are_not_known_to_be_absent(
    check: Callable[..., Assessment], sound: Session
) -> None:
    assessment = check(sound, known=False)

    assert {outcome(assessment, name) for name in BY_NAMES} == {Outcome.UNTESTED}
    assert (
        "Not judged, refused, with names that may not exist: the capture does not show it: 2 calls." in assessment.notes
    )


@pytest.mark.parametrize(
    ("complete", "looked", "wanted"),
    [
        (False, 200, Outcome.UNTESTED),
        (True, 200, Outcome.UNTESTED),
        (True, 503, Outcome.VIOLATED),
        (False, 503, Outcome.UNTESTED),
        (False, 404, Outcome.VIOLATED),
    ],
)
def test_a_deployment_that_the_target_file_does_not_list_may_exist(
    check: Callable[..., Assessment], *, complete: bool, looked: int, wanted: Outcome
) -> None:
    """Unless no answer shows it, and the target file says that it lists everything, or a look was answered 404."""
    found = session(refusals=False)
    listed, unlisted = found.target.deployments[:2]
    target = replace(found.target, deployments=(listed,), complete=complete)

    def answered(exchange: Exchange) -> Exchange:
        path, response = exchange.request.target, exchange.response
        is_look = exchange.request.method == "GET" and path.endswith((f"/{unlisted.name}", f"/{unlisted.slot}"))
        return replace(exchange, response=replace(response, status=looked)) if is_look and response else exchange

    told = [e for e in found.exchanges if read_target(e.request.target).kind is not Kind.CLOUD_SERVICE]
    assessment = check(replace(found, target=target, exchanges=tuple(map(answered, told))))

    assert outcome(assessment, "REQ-REIMAGE-UNKNOWN-SERVICE") is wanted
    assert (wanted is Outcome.VIOLATED) == ("REQ-REIMAGE-UNKNOWN-SERVICE" in blamed(assessment))


FAULTS = (
    "accepted-status[200]",
    "accepted-id-missing",
    "accepted-content[xml]",
    "accepted-id-truncated",
    "ids-constant[polls]",
    "poll-id-missing",
    "error-without-document[service]",
    "xml-unclosed[operation]",
    "version-missing-status[404]",
)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_under_its_requirement(check: Callable[..., Assessment], fault: str, *, known: bool) -> None:
    assessment = check(session([fault]), known=known)

    name = find_fault(fault).requirement
    assert assessment.exit_code == 1
    assert outcome(assessment, name) is Outcome.VIOLATED


def test_a_refusal_without_its_control_shows_nothing(check: Callable[..., Assessment], sound: Session) -> None:
    refusals = [e for e in sound.exchanges if e.reply is not None and e.reply.status == 400]
    assert len(refusals) > 5

    assessment = check(sound, refusals)

    assert outcome(assessment, "REQ-REIMAGE-COMP-MISSING") is Outcome.UNTESTED
    assert blamed(assessment) == []


def of_kind(found: Session, kind: Kind) -> list[Exchange]:
    return [e for e in found.exchanges if read_target(e.request.target).kind is kind]


def test_a_202_without_polls_leaves_the_rest_untested(check: Callable[..., Assessment], sound: Session) -> None:
    starts = [e for e in of_kind(sound, Kind.REIMAGE) if e.reply is not None and e.reply.status == 202]

    assessment = check(sound, starts)

    assert outcome(assessment, "REQ-REIMAGE-202") is Outcome.MET
    assert outcome(assessment, "REQ-REIMAGE-COMPLETES") is Outcome.UNTESTED
    assert outcome(assessment, "REQ-REIMAGE-REQID-USABLE") is Outcome.UNTESTED
    assert (blamed(assessment), assessment.exit_code) == ([], 0)


def test_an_operation_that_the_capture_leaves_running_accuses_nobody(check: Callable[..., Assessment]) -> None:
    assessment = check(session(polls=2, refusals=False))

    assert outcome(assessment, "REQ-REIMAGE-COMPLETES") is Outcome.UNTESTED
    assert outcome(assessment, "REQ-GOS-STATUS") is Outcome.MET
    assert (blamed(assessment), assessment.exit_code) == ([], 0)
    assert {operation.outcome for operation in assessment.operations} == {"no end seen"}


def test_polls_of_an_operation_that_began_earlier_are_judged(check: Callable[..., Assessment], sound: Session) -> None:
    assessment = check(sound, of_kind(sound, Kind.OPERATION)[:8])

    assert outcome(assessment, "REQ-GOS-ID") is Outcome.MET
    assert outcome(assessment, "REQ-GOS-PROGRESS") is Outcome.MET


@pytest.mark.parametrize("change", ["spelling", "version", "subscription", "query"])
def test_polls_that_the_documents_leave_open_accuse_nobody(
    check: Callable[..., Assessment], sound: Session, change: str
) -> None:
    last = of_kind(sound, Kind.OPERATION)[7]
    poll = last.request
    changed = {
        "spelling": replace(poll, target=poll.target.upper()),
        "version": with_header(poll, "x-ms-version", "2011-10-02"),
        "subscription": replace(
            poll, target=poll.target.replace(sound.target.subscription_id, sound.target.other_subscription_id or "")
        ),
        "query": replace(poll, target=poll.target + "?verbose=true"),
    }[change]
    refused = Response(404, "Not Found", (("Date", "Sat, 01 Mar 2014 12:00:00 GMT"), ("x-ms-request-id", "f" * 32)))
    odd = replace(last, request=changed, response=refused, at=last.at + 0.01)
    at = sound.exchanges.index(last) + 1

    assessment = check(sound, [*sound.exchanges[:at], odd, *sound.exchanges[at:]])

    assert [name for name in blamed(assessment) if name != "REQ-ERR-BODY-OPTIONAL"] == []


def test_a_failed_operation_accuses_nobody(check: Callable[..., Assessment], sound: Session) -> None:
    failed = b"<Error><Code>InternalError</Code><Message>No.</Message></Error></Operation>"
    body_of = [
        replace(
            e,
            response=replace(
                e.reply,
                body=e.reply.body.replace(b"Succeeded", b"Failed")
                .replace(b">200<", b">500<")
                .replace(b"</Operation>", failed),
            ),
        )
        if e.reply is not None and b"Succeeded" in e.reply.body
        else e
        for e in sound.exchanges
    ]
    stripped = [
        replace(
            e,
            response=replace(
                e.response, headers=tuple(h for h in e.response.headers if h[0].lower() != "content-length")
            ),
        )
        if e.response
        else e
        for e in body_of
    ]

    assessment = check(sound, stripped)

    assert outcome(assessment, "REQ-REIMAGE-COMPLETES") is Outcome.UNTESTED
    assert blamed(assessment) == []


@pytest.mark.parametrize("version", ["HTTP/1.1", "h2"])
def test_lines_that_a_recorder_left_out_accuse_nobody(
    check: Callable[..., Assessment], sound: Session, version: str
) -> None:
    assessment = check(sound, headers=[], httpVersion=version)

    assert blamed(assessment) == []
    assert outcome(assessment, "REQ-GOS-STATUS") is Outcome.MET
    assert outcome(assessment, "REQ-VER-MISSING") is Outcome.UNTESTED


def test_http_2_needs_no_content_length(check: Callable[..., Assessment], sound: Session) -> None:
    start = next(e for e in of_kind(sound, Kind.REIMAGE) if e.reply is not None and e.reply.status == 202)
    modern = replace(start, at=start.at + 60, request=without_header(start.request, "Content-Length"))

    assert "REQ-REIMAGE-CL-ABSENT" not in blamed(check(sound, [start, modern], httpVersion="h2"))
    assert "REQ-REIMAGE-CL-ABSENT" in blamed(check(sound, [start, modern]))


@pytest.mark.parametrize("status", [401, 403, 409, 429, 503, 307])
def test_answers_for_want_of_something_else_accuse_nobody(
    check: Callable[..., Assessment], sound: Session, status: int
) -> None:
    reimages = [e for e in of_kind(sound, Kind.REIMAGE) if e.reply is not None]
    turned = [replace(e, response=replace(e.reply, status=status)) for e in reimages if e.reply is not None]
    polls = of_kind(sound, Kind.OPERATION)[:3]

    assessment = check(sound, [*turned, *polls])

    assert "REQ-REIMAGE-URI-SLOT" not in blamed(assessment)
    assert "REQ-VER-MISSING" not in blamed(assessment)


def test_a_sound_reimage_of_a_listed_instance_has_to_be_accepted(
    check: Callable[..., Assessment], sound: Session
) -> None:
    start = next(e for e in of_kind(sound, Kind.REIMAGE) if e.reply is not None and e.reply.status == 202)
    refused = replace(start, response=replace(start.response, status=404)) if start.response else start

    assert blamed(check(sound, [refused])) == ["REQ-REIMAGE-URI-SLOT"]
    assert "REQ-REIMAGE-URI-SLOT" not in blamed(check(sound, [refused], known=False))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), known=st.booleans(), lenient=st.booleans())
def test_no_part_of_a_conforming_session_accuses_anybody(
    check: Callable[..., Assessment], sound: Session, data: st.DataObject, *, known: bool, lenient: bool
) -> None:
    part = data.draw(st.lists(st.sampled_from(range(len(sound.exchanges))), min_size=1, unique=True).map(sorted))

    assessment = check(sound, [sound.exchanges[index] for index in part], known=known, lenient=lenient)

    assert blamed(assessment) == []
    assert assessment.exit_code in (0, 6)


def test_other_calls_are_passed_over_and_counted(tmp_path: Path, sound: Session) -> None:
    document = har(sound.exchanges, BASE_URL)
    entries = document["log"]["entries"]
    for url in (
        "https://elsewhere.test/a/operations/1",
        "https://emulator.invalid/index.html",
        BASE_URL + "/other/operations/1",
    ):
        entries.append({**entries[0], "request": {**entries[0]["request"], "url": url}})
    path = tmp_path / "mixed.har"
    path.write_text(json.dumps(document))

    notes = select(read_capture(path), sound.target).notes

    assert notes == (
        f"Judged from mixed.har: {len(entries) - 3} of {len(entries)} exchanges; what they do not show is untested.",
        "Passed over, no call of this protocol: 1 exchange.",
        "Passed over, to another endpoint than https://emulator.invalid: 1 exchange.",
        "Passed over, under a subscription that the target does not name: 1 exchange.",
    )


def test_siblings_are_no_reimage(tmp_path: Path, sound: Session) -> None:
    place = Place(sound.target.deployments[0], sound.target.deployments[0].role_instances[0])
    request = RequestBuilder(sound.target).reimage(place)
    reboot = replace(sound.exchanges[0], request=replace(request, target=request.target.replace("reimage", "reboot")))
    path = tmp_path / "reboot.har"
    path.write_text(json.dumps(har([reboot], BASE_URL)))

    with pytest.raises(JournalError, match="no call of this protocol among 1 exchanges"):
        select(read_capture(path), None)


def test_a_capture_of_another_endpoint_is_an_error(tmp_path: Path, sound: Session) -> None:
    path = tmp_path / "other.har"
    path.write_text(json.dumps(har(sound.exchanges, "https://elsewhere.test")))

    with pytest.raises(
        JournalError,
        match=r"no call of this protocol to .*; calls in it went to https://elsewhere",
    ):
        check_capture(path, target=sound.target)


def saved(folder: Path, found: Session) -> Path:
    path = folder / "session.har"
    path.write_text(json.dumps(har(found.exchanges, BASE_URL)))
    return path


def test_all_reports_are_written_and_say_the_same_each_time(tmp_path: Path, sound: Session) -> None:
    path = saved(tmp_path, sound)

    codes = [cli.main(["check", str(path), "--report-dir", str(tmp_path / name)]) for name in ("a", "b")]

    assert codes == [0, 0]
    names = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert names == ["journal.jsonl", "junit.xml", "report.html", "results.json", "summary.md"]
    for name in ("journal.jsonl", "junit.xml", "results.json", "summary.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_journal_of_a_check_gives_the_same_results_again(tmp_path: Path) -> None:
    path = saved(tmp_path, session(["accepted-status[200]"]))

    codes = [
        cli.main(["check", str(path), "--report-dir", str(tmp_path / "a"), "--strictness", "lenient"]),
        cli.main(["report", str(tmp_path / "a"), "--report-dir", str(tmp_path / "b")]),
        cli.main(["check", str(tmp_path / "a" / "journal.jsonl"), "--report-dir", str(tmp_path / "c")]),
    ]

    results = [json.loads((tmp_path / name / "results.json").read_text()) for name in "abc"]
    assert codes == [1, 1, 1]
    assert results[0] == results[1]
    assert [f["requirement"] for f in results[2]["findings"]] == [f["requirement"] for f in results[0]["findings"]]
    assert {result["run"]["strictness"] for result in results} == {"lenient"}


@pytest.mark.parametrize("redact", [True, False])
def test_identifiers_are_masked_unless_that_is_refused(tmp_path: Path, sound: Session, *, redact: bool) -> None:
    path = saved(tmp_path, sound)

    cli.main(["check", str(path), "--report-dir", str(tmp_path / "r"), *([] if redact else ["--no-redact"])])

    files = list((tmp_path / "r").iterdir())
    assert len(files) == 5
    shown = {file.name: sound.target.subscription_id in file.read_text() for file in files}
    assert any(shown.values()) is not redact


def test_a_capture_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("")

    with pytest.raises(UsageError, match="would be overwritten"):
        check_capture(tmp_path / "journal.jsonl", report_dir=tmp_path)
