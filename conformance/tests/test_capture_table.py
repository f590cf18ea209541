"""The table of what recorders do: one test a row; no row accuses a conforming endpoint, and what a row keeps is judged."""

from __future__ import annotations

import gzip
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import reimage_conformance
from capture_recorders import RECORDERS, capital_slots, entries, lengths_left_out, set_everywhere
from capture_rewriters import NO_DOCUMENTS as REWRITTEN
from capture_rewriters import REWRITERS
from capture_samples import Session, accused, document, judged, met, outcome, session
from reimage_conformance import cli
from reimage_conformance.capture.fields import FIELDS, NEVER_RECORDED
from reimage_conformance.capture.masked_ids import is_placeholder
from reimage_conformance.capture.reading import read_capture
from reimage_conformance.catalogue import ALL_REQUIREMENTS
from reimage_conformance.judging.facts import DEFECT_NEEDS, NEEDS, NEEDS_OF_SYMPTOMS
from reimage_conformance.model import Exchange, Fact, Outcome, Response
from reimage_conformance.protocol.addresses import Kind, read_target
from reimage_conformance.protocol.requests import with_header

if TYPE_CHECKING:
    from collections.abc import Callable


HABITS = RECORDERS | REWRITERS
NO_DOCUMENTS = (
    *REWRITTEN,
    "no text",
    "text cut short",
    "text escaped",
    "text in the page of a browser",
    "text in the page of a viewer",
    "text in CDATA",
    "text as Python prints its octets",
    "text with the lengths of its chunks",
    "text in JSON",
    "text as a JSON string",
    "text with escaped quotes",
    "text of chunks cut",
    "text of gzip cut",
    "text cut with dots",
    "text cut with a mark",
    "no content",
    "content null",
    "empty text",
    "text replaced",
    "text not decoded",
)
"""Recorders that keep no document whole."""
DATE = ("Date", "Sat, 01 Mar 2014 12:00:00 GMT")
XML = ("Content-Type", "application/xml; charset=utf-8")
CLIENT_VERSIONS = ("2014-10-01", "2015-09-01", "2016-03-01", "2016-06-01", "2016-07-01", "2017-01-01")


@pytest.fixture(scope="module")
def sound() -> Session:
    return session()


@pytest.fixture(scope="module")
def wrong_document() -> Session:
    return session(["namespace-of-operation[none]"], refusals=False)


@pytest.fixture(scope="module")
def wrong_status() -> Session:
    return session(["accepted-status[200]"], refusals=False)


@pytest.mark.parametrize("recorder", HABITS)
def test_no_recorder_makes_a_conforming_endpoint_look_wrong(tmp_path: Path, sound: Session, recorder: str) -> None:
    recorded = document(sound)
    HABITS[recorder](recorded)

    inferred, known = judged(tmp_path, recorded), judged(tmp_path, recorded, sound)
    again = judged(tmp_path, (tmp_path / "journal.jsonl").read_bytes(), name="again.jsonl")

    assert (accused(inferred), inferred.exit_code) == ([], 0)
    assert (accused(known), known.exit_code) == ([], 0)
    assert (accused(again), again.exit_code) == ([], 0)  # the journal of a check knows what was not recorded
    assert met(again) >= met(known)


@pytest.mark.parametrize("recorder", HABITS)
def test_a_wrong_status_is_found_whatever_else_was_recorded(
    tmp_path: Path, wrong_status: Session, recorder: str
) -> None:
    recorded = document(wrong_status)
    HABITS[recorder](recorded)

    assert "REQ-REIMAGE-202" in accused(judged(tmp_path, recorded))


@pytest.mark.parametrize("recorder", [name for name in HABITS if name not in NO_DOCUMENTS])
def test_a_wrong_document_is_found_wherever_documents_were_kept(
    tmp_path: Path, wrong_document: Session, recorder: str
) -> None:
    recorded = document(wrong_document)
    HABITS[recorder](recorded)

    assert "REQ-GOS-ROOT" in accused(judged(tmp_path, recorded))


def test_every_fact_has_its_row_and_every_requirement_its_name() -> None:
    told = {fact for field in FIELDS for fact in (*field.never, *field.sometimes)}
    needed = {
        fact for facts in (*NEEDS.values(), *NEEDS_OF_SYMPTOMS.values(), *DEFECT_NEEDS.values()) for fact in facts
    }

    assert told == set(Fact)
    assert {*NEEDS, *(requirement for requirement, _ in NEEDS_OF_SYMPTOMS)} <= set(ALL_REQUIREMENTS)
    assert needed | {Fact.CODING, Fact.SECRETS} == set(Fact)
    assert {Fact.FRAMING, Fact.IDENTITY, Fact.METHOD_CASE} <= NEVER_RECORDED


def test_the_page_for_users_shows_the_whole_table() -> None:
    page = (Path(reimage_conformance.__file__).parents[2] / "docs" / "captures.md").read_text("utf-8")

    assert [row for row in FIELDS if f"| {row.name} | {row.recorders} | {row.read} |" not in page] == []


def polls(found: Session) -> tuple[Exchange, ...]:
    return tuple(e for e in found.exchanges if read_target(e.request.target).kind is Kind.OPERATION)


@pytest.mark.parametrize("version", CLIENT_VERSIONS)
def test_polls_are_judged_whatever_version_they_were_sent_with(
    tmp_path: Path, sound: Session, wrong_document: Session, version: str
) -> None:
    def sent(found: Session) -> dict[str, Any]:
        exchanges = (replace(e, request=with_header(e.request, "x-ms-version", version)) for e in found.exchanges)
        return document(found, tuple(e for e in exchanges if e.reply is not None and e.reply.status < 300))

    assert accused(judged(tmp_path, sent(sound))) == []
    assert "REQ-GOS-ROOT" in accused(judged(tmp_path, sent(wrong_document)))


@pytest.mark.parametrize("spelling", ["dashed", "capitals", "capital subscription", "query"])
def test_polls_are_judged_however_they_are_addressed(tmp_path: Path, wrong_document: Session, spelling: str) -> None:
    taken = document(wrong_document)
    for entry in entries(taken):
        url, _, identifier = entry["request"]["url"].rpartition("/")
        if url.endswith("/operations"):
            dashed = "-".join((identifier[:8], identifier[8:12], identifier[12:16], identifier[16:20], identifier[20:]))
            entry["request"]["url"] = {
                "dashed": f"{url}/{dashed}",
                "capitals": f"{url}/{identifier.upper()}",
                "capital subscription": f"{url.upper().replace('/OPERATIONS', '/operations')}/{identifier}",
                "query": f"{url}/{identifier}?x=1",
            }[spelling]

    assert "REQ-GOS-ROOT" in accused(judged(tmp_path, taken))


def refusal(status: int, code: str) -> Response:
    body = f'<Error xmlns="http://schemas.microsoft.com/windowsazure"><Code>{code}</Code><Message>No.</Message></Error>'
    return Response(status, "No", (DATE, XML, ("x-ms-request-id", "f" * 31 + "0")), body.encode())


@pytest.mark.parametrize("kind", [Kind.OPERATION, Kind.DEPLOYMENT, Kind.CLOUD_SERVICE])
def test_a_right_404_alone_is_untested(
    tmp_path: Path, sound: Session, kind: Kind, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = next(e for e in sound.exchanges if read_target(e.request.target).kind is kind)
    path = tmp_path / "alone.har"
    path.write_text(json.dumps(document(sound, (replace(asked, response=refusal(404, "ResourceNotFound")),))))

    assert cli.main(["check", str(path)]) == 0
    told = capsys.readouterr().out
    assert "No violation was seen" in told
    assert "were not judged, because the capture does not show them" in told
    assert "Not judged, refused, and nothing in the capture shows whether they had to be: 1 call." in told


@pytest.mark.parametrize(("code", "expected"), [("ResourceNotFound", Outcome.MET), ("WrongCode", Outcome.ADVISORY)])
@pytest.mark.parametrize("change", ["as documented", "in capitals"])
def test_an_empty_slot_is_judged_in_whatever_case_it_is_asked_for(
    tmp_path: Path, sound: Session, change: str, code: str, expected: Outcome
) -> None:
    looks = [e for e in sound.exchanges if read_target(e.request.target).kind is Kind.DEPLOYMENT]
    of_production = [
        e for e in looks if e.reply is not None and b"roduction" in e.reply.body and "/deployments/" in e.request.target
    ][:1]
    service = read_target(of_production[0].request.target).service
    empty = next(e for e in looks if "/deploymentslots/" in e.request.target)
    target = (
        empty.request.target.rpartition("/hostedservices/")[0] + f"/hostedservices/{service}/deploymentslots/staging"
    )
    empty = replace(empty, request=replace(empty.request, target=target), response=refusal(404, code))
    taken = document(sound, (*of_production, empty))
    if change == "in capitals":
        capital_slots(taken)

    assert outcome(judged(tmp_path, taken), "REQ-DEPL-EMPTY-SLOT") is expected


def test_a_slot_in_capitals_is_the_slot_where_the_endpoint_takes_it_so(tmp_path: Path, sound: Session) -> None:
    right, wrong = document(sound), document(sound)
    capital_slots(right)
    capital_slots(wrong)
    unknown = next(entry for entry in entries(wrong) if "NoSuchRole" in entry["request"]["url"])
    unknown["response"] |= {"status": 200, "content": {"size": 0, "text": ""}}
    of_refusals = document(sound, tuple(e for e in sound.exchanges if e.reply is not None and e.reply.status >= 400))
    capital_slots(of_refusals)

    assert outcome(judged(tmp_path, right, sound), "REQ-REIMAGE-UNKNOWN-INSTANCE") is Outcome.MET
    assert outcome(judged(tmp_path, wrong, sound), "REQ-REIMAGE-UNKNOWN-INSTANCE") is Outcome.VIOLATED
    assert outcome(judged(tmp_path, of_refusals, sound), "REQ-REIMAGE-UNKNOWN-INSTANCE") is Outcome.UNTESTED


def redirected(found: Session, *, most_there: bool) -> dict[str, Any]:
    """A session whose first reimage is sent to a regional host by a 307, and repeated there; polls go on here, or there."""
    taken = document(found)
    start = next(entry for entry in entries(taken) if entry["request"]["method"] == "POST")
    there = "https://eu.emulator.invalid"
    location = start["request"]["url"].replace(found.target.base_url, there)
    moved = {"status": 307, "statusText": "", "httpVersion": "HTTP/1.1", "content": {"size": 7, "text": "<html/>"}, "headers": [
        {"name": "Location", "value": location}, {"name": DATE[0], "value": DATE[1]},
    ]}  # fmt: skip
    first = {**start, "response": moved, "time": 0}
    start["request"] = {**start["request"], "url": location}
    if most_there:
        for entry in entries(taken):
            entry["request"]["url"] = entry["request"]["url"].replace(found.target.base_url, there)
    at = entries(taken).index(start)
    taken["log"]["entries"].insert(at, first)
    return taken


@pytest.mark.parametrize(("date", "expected"), [(True, Outcome.VIOLATED), (False, Outcome.UNTESTED)])
def test_a_missing_allow_is_found_where_lines_were_not_selected(
    tmp_path: Path, sound: Session, *, date: bool, expected: Outcome
) -> None:
    start = next(e for e in sound.exchanges if e.reply is not None and e.reply.status == 202)
    lines = (XML, ("Server", "x"), ("x-ms-request-id", "f" * 32), *((DATE,) if date else ()))
    asked = replace(start.request, method="GET")
    refused = replace(
        start, number=start.number + 1, at=start.at + 9, request=asked, response=Response(405, "No", lines, b"")
    )

    assert outcome(judged(tmp_path, document(sound, (refused,)), sound), "REQ-HTTP-405-ALLOW") is expected


@pytest.mark.parametrize("most_there", [False, True])
@pytest.mark.parametrize("told_by", ["Location", "redirectURL"])
def test_both_halves_of_a_redirect_are_kept(tmp_path: Path, *, most_there: bool, told_by: str) -> None:
    found = session(refusals=False)
    taken = redirected(found, most_there=most_there)
    if told_by == "redirectURL":
        moved = next(entry["response"] for entry in entries(taken) if entry["response"]["status"] == 307)
        moved |= {"redirectURL": moved["headers"].pop(0)["value"]}

    assessment = judged(tmp_path, taken)

    assert accused(assessment) == []
    assert assessment.requests == len(found.exchanges) + 1
    assert [operation.outcome for operation in assessment.operations] == ["Succeeded", "Succeeded"]
    assert "Not judged, redirected by a 307; the call that follows it is judged: 1 call." in assessment.notes


def test_a_redirect_that_nobody_followed_is_counted(tmp_path: Path, sound: Session) -> None:
    taken = redirected(sound, most_there=False)
    taken["log"]["entries"] = [entry for entry in entries(taken) if "eu." not in entry["request"]["url"]]

    assert (
        "Not judged, redirected by a 307, without the call that should follow it: 1 call."
        in judged(tmp_path, taken).notes
    )


def gzipped(folder: Path, taken: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(taken).encode())


def attached(folder: Path, taken: dict[str, Any]) -> bytes:
    for number, entry in enumerate(entries(taken)):
        content = entry["response"]["content"]
        if content.get("text"):
            (folder / f"{number}.xml").write_text(content.pop("text"))
            content["_file"] = f"{number}.xml"
    return json.dumps(taken).encode()


def zipped(folder: Path, taken: dict[str, Any]) -> bytes:
    octets = attached(folder, taken)
    with zipfile.ZipFile(folder / "made.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("har.har", octets)
        for file in folder.glob("*.xml"):
            archive.write(file, file.name)
            file.unlink()
    return (folder / "made.zip").read_bytes()


FILES: dict[str, Callable[[Path, dict[str, Any]], bytes]] = {
    "gzip": gzipped,
    "bodies in files": attached,
    "zip": zipped,
    "byte-order mark": lambda folder, taken: b"\xef\xbb\xbf" + json.dumps(taken).encode(),
    "UTF-16": lambda folder, taken: json.dumps(taken).encode("utf-16"),
    "UTF-16 without mark": lambda folder, taken: json.dumps(taken).encode("utf-16-le"),
}


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_of_file_is_read(tmp_path: Path, sound: Session, wrong_document: Session, kind: str) -> None:
    assessment = judged(tmp_path, FILES[kind](tmp_path, document(sound)))
    wrong = judged(tmp_path, FILES[kind](tmp_path, document(wrong_document)))

    assert accused(assessment) == []
    assert outcome(assessment, "REQ-GOS-STATUS") is Outcome.MET
    assert "REQ-GOS-ROOT" in accused(wrong)


@pytest.mark.parametrize("name", ["../secret.xml", "/etc/hostname", "\0", "a" * 5000, "."])
def test_no_file_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.xml").write_text("<Operation/>")
    (tmp_path / "har").mkdir()
    found = session(polls=1, refusals=False)
    taken = document(found)
    for entry in entries(taken):
        entry["response"]["content"] = {"size": 12, "_file": name}
    path = tmp_path / "har" / "x.har"
    path.write_text(json.dumps(taken))

    recorded = read_capture(path).recorded

    assert [each.exchange.reply.body for each in recorded if each.exchange.reply is not None] == [b""] * len(
        found.exchanges
    )
    assert not any(each.tells(Fact.CONTENT) for each in recorded)


UNRECORDED = {
    "no response lines": "Header lines of the response were not recorded, or not all; none counts as missing",
    "no text": "Content of the response was not recorded, or not all; nothing is judged from it",
    "ids replaced in headers": "The x-ms-request-id was replaced by a word that is not an id; only its presence is judged",
    "ids replaced in URLs": "The id of the operation was replaced by a word that is not an id; its polls are judged one by one",
    "no times": "The time was not recorded; no interval is judged",
    "newest first without times and Dates": "The order is not certain; what came before and after is not judged",
    "CORS preflights": "Entries of the HAR left out, because they are preflights that a browser sent by itself",
    "answers from a cache": "Entries of the HAR left out, because they were answered from a cache",
    "answers kept from before": "Entries of the HAR left out, because they were answered from a cache",
    "every exchange twice": "Entries of the HAR left out, because they repeat an earlier one",
    "two hops of every exchange": "Entries of the HAR left out, because they repeat an earlier one",
    "aborted requests": "Not judged, recorded without a reply",
    "aborted replies": "Not judged, recorded without a reply",
    "other traffic": "Passed over, no call of this protocol",
    "answers of gateways": "Passed over, answered by a proxy or gateway on the way",
    "Date taken out": "Whether there was a Date of its own was not recorded; none counts as missing",
    "queries left out": "The query was left out of every request, or replaced; no comp counts as missing",
    "a selection of request lines": "No request shows an x-ms-version; none counts as missing",
    "Content-Type of requests taken out": "Whether the request had a Content-Type was not recorded; none counts as missing",
}


@pytest.mark.parametrize("recorder", UNRECORDED)
def test_what_is_passed_over_is_counted_and_said(
    tmp_path: Path, sound: Session, recorder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = document(sound)
    RECORDERS[recorder](recorded)
    path = tmp_path / "x.har"
    path.write_text(json.dumps(recorded))

    cli.main(["check", str(path), "--report-dir", str(tmp_path / "reports")])

    sentence = UNRECORDED[recorder]
    assert f"note: {sentence}" in capsys.readouterr().out
    for name in ("results.json", "summary.md", "report.html"):
        assert sentence in (tmp_path / "reports" / name).read_text("utf-8")


@pytest.mark.parametrize(
    "value",
    [
        "secret",
        "deleted",
        "value",
        "obfuscated",
        "sha256:0123456789ab",
        "REDACTED",
        "***",
        "00000",
        "{id}",
        "<request-id>",
        "[removed]",
        "my-masked-id",
        "N/A",
        "$ID",
        ":operationId",
        "0f8f\u2026",
        "0f8f****",
        "****950e",
    ],
)
def test_a_word_of_a_sanitiser_is_no_id(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    [
        "0f8fad5bd9cb469fa16570867728950e",
        "{0f8fad5bd9cb469fa16570867728950e}",
        "zzz",
        "op-17",
        "unmasked",
        "secretary",
        "0f8f950e",
        "sha256",
        "",
    ],
)
def test_an_id_is_no_word_of_a_sanitiser(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize("recorder", ["mitmproxy", "Charles Proxy", "Fiddler"])
def test_a_missing_length_is_found_by_a_recorder_that_reads_the_wire(tmp_path: Path, recorder: str) -> None:
    taken = document(session(refusals=False, polls=1))
    lengths_left_out(taken)
    taken["log"]["creator"]["name"] = recorder

    assert "REQ-REIMAGE-CL-ABSENT" in accused(judged(tmp_path, taken))


@pytest.mark.parametrize("recorder", ["nock", "Newman", "har-recorder", "WebInspector", ""])
def test_a_recorder_above_the_transport_is_not_held_to_the_lines_that_it_cannot_see(
    tmp_path: Path, recorder: str
) -> None:
    taken = document(session(refusals=False, polls=1))
    lengths_left_out(taken)
    taken["log"]["creator"]["name"] = recorder

    assert "REQ-REIMAGE-CL-ABSENT" not in accused(judged(tmp_path, taken))


def test_a_missing_length_is_found_where_another_request_shows_one(tmp_path: Path) -> None:
    taken = document(session(refusals=False, polls=1))
    whole = document(session(refusals=False, polls=1))
    lengths_left_out(taken)
    taken["log"]["entries"] = [*entries(whole)[:8], *entries(taken)[8:]]

    assert "REQ-REIMAGE-CL-ABSENT" in accused(judged(tmp_path, taken))


@pytest.mark.parametrize("form", ["rfc850", "asctime", "no-weekday"])
def test_a_date_in_a_form_that_no_program_writes_of_a_date_it_read_is_found(tmp_path: Path, form: str) -> None:
    assert "REQ-HTTP-DATE" in accused(
        judged(tmp_path, document(session([f"date-form[{form}]"], refusals=False, polls=1)))
    )


def test_a_wrong_date_in_some_responses_is_found(tmp_path: Path, sound: Session) -> None:
    taken = document(sound)
    for each in entries(taken)[::2]:
        each["response"]["headers"] = [
            {**line, "value": "2014-03-01T12:00:00Z"} if line["name"].lower() == "date" else line
            for line in each["response"]["headers"]
        ]

    assert "REQ-HTTP-DATE" in accused(judged(tmp_path, taken))


def test_a_missing_date_is_found_where_the_other_lines_were_kept(tmp_path: Path, sound: Session) -> None:
    taken = document(sound)
    for each in entries(taken)[::2]:
        each["response"]["headers"] = [h for h in each["response"]["headers"] if h["name"].lower() != "date"]

    assert "REQ-HTTP-DATE" in accused(judged(tmp_path, taken))


SECRET_LINES = (
    ("Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.S3CRET-bearer.x"), ("Cookie", "session=S3CRET-cookie"), ("X-Api-Key", "S3CRET-api-key"),
    ("Ocp-Apim-Subscription-Key", "S3CRET-apim-key"), ("X-Client-Cert", "MIIC-S3CRET-cert"), ("X-Auth-Token", "S3CRET-token"),
)  # fmt: skip


def test_no_report_shows_a_secret_of_a_header_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = document(session(["accepted-status[200]"]))
    lines = [{"name": name, "value": value} for name, value in (*SECRET_LINES, ("X-Forwarded-For", "203.0.113.77"))]
    for entry in entries(taken):
        entry["request"]["headers"] += lines
        entry["response"]["headers"] += [{"name": "Set-Cookie", "value": "ARRAffinity=S3CRET-affinity; Path=/"}]
        if entry["response"]["status"] >= 400:
            entry["response"]["content"] = {
                "size": -1,
                "text": "<Error>S3CRET-api-key S3CRET-cookie S3CRET-bearer 203.0.113.77</Error>",
            }
            entry["response"]["statusText"] = "no S3CRET-token"
    path = tmp_path / "x.har"
    path.write_text(json.dumps(taken))

    cli.main(["check", str(path), "--report-dir", str(tmp_path / "reports")])

    told = capsys.readouterr()
    files = {file.name: file.read_text("utf-8") for file in (tmp_path / "reports").iterdir()}
    assert len(files) == 5
    shown = [
        name
        for name, text in {**files, "console": told.out + told.err}.items()
        if "S3CRET" in text or "203.0.113" in text
    ]
    assert shown == []
    assert "x-ms-version: 2011-10-01" in files["report.html"]


def test_several_endpoints_and_subscriptions_in_one_capture_accuse_nobody(tmp_path: Path, sound: Session) -> None:
    taken = document(sound)
    elsewhere = document(sound)
    for entry in entries(elsewhere)[:6]:
        entry["request"]["url"] = entry["request"]["url"].replace(sound.target.base_url, "https://other.test")
    for entry in entries(elsewhere)[6:]:
        entry["request"]["url"] = entry["request"]["url"].replace(
            sound.target.subscription_id, "11111111-2222-4333-8444-555555555555"
        )
    set_everywhere("entry", startedDateTime="2020-01-01T00:00:00Z")(elsewhere)
    taken["log"]["entries"] += entries(elsewhere)

    assessment = judged(tmp_path, taken)

    assert [name for name in accused(assessment) if name != "REQ-ASYNC-REQID-UNIQUE"] == []
    assert "Passed over, to another endpoint than https://emulator.invalid: 6 exchanges." in assessment.notes
