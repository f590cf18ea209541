"""Exchanges as HTTP text, the summary, the last words on the terminal, and files that are whole or absent."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from judging_samples import POLL, exchange, judged
from reimage_conformance.errors import ReportError
from reimage_conformance.model import (
    CountsAs,
    Exchange,
    Fact,
    OtherSymptom,
    Outcome,
    Preflight,
    Request,
    Response,
    RunVerdict,
    Sufficing,
    Why,
)
from reimage_conformance.report import write
from reimage_conformance.report.console import MOST_LINES, console_lines, quiet_lines
from reimage_conformance.report.coverage import coverage_sentences
from reimage_conformance.report.http_text import exchange_lines, marked
from reimage_conformance.report.results import results
from reimage_conformance.report.summary import code, escaped, fenced, summary_text
from reimage_conformance.report.unjudged import unjudged, why_untested, why_untested_in
from reimage_conformance.report.visible import octets_as_text, one_line, visible
from reimage_conformance.report.wording import CHECK, missed_sentence, verdict_sentence
from reimage_conformance.report.write import write_reports
from report_samples import (
    HOSTILE,
    conformant_assessment,
    hostile_assessment,
    hostile_exchanges,
    operation_document,
    sample_assessment,
    sample_exchanges,
)

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def exchange_text(exchange: Exchange) -> str:
    """The lines of an exchange: `>` before what was sent, `<` before what was received, `!` before remarks."""
    return "\n".join(f"{line.side} {line.text}".rstrip(" ") for line in exchange_lines(exchange))


def test_an_exchange_reads_as_http() -> None:
    assert exchange_text(sample_exchanges()[2]).split("\n") == [
        "> GET /****************************0001/operations/0f8fad5bd9cb469fa16570867728950e HTTP/1.1",
        "> Host: 127.0.0.1:8443",
        "> x-ms-version: 2011-10-01",
        "< HTTP/1.1 200 OK",
        "< Content-Type: application/xml; charset=utf-8",
        "< Content-Length: 141",
        f"< x-ms-request-id: {'a' * 32}",
        "<",
        f"< {operation_document('InProgress').decode()}",
    ]


def test_a_failure_is_said_after_what_was_sent() -> None:
    last = exchange_text(sample_exchanges()[6]).split("\n")[-1]
    assert last == "! no complete response, reset: the connection was reset"


def test_nothing_that_steers_a_display_is_left() -> None:
    text = exchange_text(hostile_exchanges()[1])
    assert STEERING.search(text) is None
    assert "\\x1b" in text


def test_a_long_body_is_cut_with_a_note() -> None:
    exchange = Exchange(1, Request("GET", "/"), Response(200, "OK", (), b"x" * 1_000_000))
    text = exchange_text(exchange)
    assert len(text) < 3_000
    assert "the body has 1,000,000 octets" in text


def test_a_remark_says_what_became_of_content_in_a_coding() -> None:
    def last_line(body: bytes, *unrecorded: Fact) -> str:
        response = Response(200, "OK", (("Content-Encoding", "gzip"),), body)
        return exchange_text(Exchange(1, Request("GET", "/"), response, unrecorded=frozenset(unrecorded))).split("\n")[
            -1
        ]

    assert last_line(b"<a/>", Fact.CODING) == "< (the content is shown decoded)"
    assert last_line(b"", Fact.CODING, Fact.CONTENT) == "< (content that could not be decoded was not kept)"
    assert last_line(b"<a/>") == "< <a/>"
    assert last_line(b"", Fact.CODING) == "< Content-Encoding: gzip"


def marks_of(number: int, about: str) -> list[str]:
    lines = marked(exchange_lines(sample_exchanges()[number]), about)
    return [line.text[start:stop] for line in lines for start, stop in line.marks]


@pytest.mark.parametrize(
    ("number", "about", "deciding"),
    [
        (4, "202 for x-ms-version 2009-10-01", ["x-ms-version: 2009-10-01", "HTTP/1.1 202 Accepted"]),
        (3, "Status is one of three", ["<Status>Succeeded</Status>"]),
        (3, "HttpStatusCode 404", ["<HttpStatusCode>200</HttpStatusCode>"]),
        (6, "Status", ["no complete response, reset: the connection was reset"]),
        (1, "", ["HTTP/1.1 202 Accepted"]),
    ],
)
def test_what_a_sentence_speaks_of_is_marked(number: int, about: str, deciding: list[str]) -> None:
    assert marks_of(number, about) == deciding


def test_elements_that_hold_what_was_seen_are_marked_too() -> None:
    body = b"<a><n>WebRole1_IN_1</n><s>StoppingRole</s></a><a><n>WebRole1_IN_0</n><s>ReadyRole</s></a>"
    lines = exchange_lines(Exchange(1, Request("GET", "/"), Response(200, "OK", (), body)))
    found = marked(lines, "the others stay ReadyRole", "WebRole1_IN_1 is StoppingRole")
    assert [line.text[start:stop] for line in found for start, stop in line.marks] == [
        "<n>WebRole1_IN_1</n>",
        "<s>StoppingRole</s>",
    ]


@pytest.mark.parametrize(
    ("body", "marks"), [(b"<Operation>\n\n<Open>", ["<Operation>", "<Open>"]), (b"", ["HTTP/1.1 200 OK"])]
)
def test_a_document_that_is_spoken_of_is_marked_where_no_part_of_it_is_named(body: bytes, marks: list[str]) -> None:
    lines = exchange_lines(Exchange(1, Request("GET", "/", (), b"<sent/>"), Response(200, "OK", (), body)))
    found = marked(lines, "well-formed XML, mismatched tag")
    assert [line.text[start:stop] for line in found for start, stop in line.marks] == marks


def test_the_place_that_a_check_names_is_marked_in_the_body() -> None:
    body = b'<Operation xmlns="http://schemas.microsoft.com/windowsazure">a & b</Operation>'
    received = exchange(POLL, 200, body, headers=(("Content-Type", "application/xml"),))
    (syntax,) = (v for v in judged("xml_bodies", [received]) if v.outcome is Outcome.VIOLATED)
    found = marked(exchange_lines(received), syntax.expected, syntax.actual)

    (mark,) = (line.text[start:stop] for line in found for start, stop in line.marks)
    assert "&" in mark
    assert len(mark) < 20


def test_a_message_of_endless_headers_is_cut() -> None:
    headers = tuple((f"x-{number}", "y" * 900) for number in range(50))
    text = exchange_text(Exchange(1, Request("GET", "/", headers), None))
    assert "(44 more header lines)" in text
    assert len(text) < 7_000


def test_a_terminal_is_told_how_to_repeat_a_finding(tmp_path: Path) -> None:
    page, command = tmp_path / "a run" / "report.html", f"reimage-conformance replay '{tmp_path}/a run' 1 --target"
    assert f"to check whether finding 1 is fixed: {command} FILE  (FILE is a target file)" in console_lines(
        sample_assessment(), page
    )
    assert f"to check whether finding 1 is fixed: {command} 'my rig.toml'" in console_lines(
        sample_assessment(), page, Path("my rig.toml")
    )


def test_visible_keeps_text_and_shows_what_hides() -> None:
    assert visible("naïve 日本 \U0001f600\n\tx") == "naïve 日本 \U0001f600\n\tx"
    assert visible("\x00\x1b\x9b\u202e\ud800\U000e0001\r\n", keep="") == r"\x00\x1b\x9b\u202e\ud800\U000e0001\r\n"
    assert one_line("a\r\n b\tc") == "a b c"
    assert one_line("abcdef", 4) == "abc…"
    assert octets_as_text(b"\xff<a>") == "\\xff<a>"


def test_the_summary_says_what_was_found() -> None:
    text = summary_text(sample_assessment())
    assert text.startswith("# Nonconformant: contoso staging rig\n")
    assert "2 requirements are violated: 1 finding" in text
    assert "### 1. A reimage with x-ms-version 2009-10-01 is accepted" in text
    assert "probably also causes: REQ-ERR-CODES" in text


def test_the_summary_of_a_conformant_run_has_no_findings() -> None:
    text = summary_text(conformant_assessment())
    assert text.startswith("# Conformant: ")
    assert "## Findings" not in text


def test_no_markup_of_an_endpoint_survives_in_the_summary() -> None:
    text = summary_text(replace(hostile_assessment(), findings=()))
    assert STEERING.search(text) is None
    assert "<" not in text
    assert re.findall(r"(?<!\\)`[^`]*(?<!\\)`", text) == ["`https://127.0.0.1:8443`", "`0.1.0`"]


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("x-ms-version: 2009-10-01 (a REQ-A) is accepted.", "x-ms-version: 2009-10-01 (a REQ-A) is accepted."),
        ("WebRole1_IN_1 _is_ *it*", "WebRole1_IN_1 \\_is\\_ \\*it\\*"),
        ("[x](http://y) ![i](j)", "\\[x\\](http&#58;//y) !\\[i\\](j)"),
        ("https://a www.z", "https&#58;//a www&#46;z"),
        ("@me #1 a|b <b> &amp;", "&#64;me \\#1 a\\|b &#60;b&#62; &#38;amp;"),
        ("$x$ ~~y~~ `c` \\", "\\$x\\$ \\~\\~y\\~\\~ \\`c\\` \\\\"),
        ("- item", "\\- item"),
        ("12. item", "12&#46; item"),
        ("=== 1.5", "\\=== 1.5"),
    ],
)  # fmt: skip
def test_text_in_markdown_shows_just_its_characters(text: str, markdown: str) -> None:
    assert escaped(text) == markdown


def test_code_cannot_be_ended_from_within() -> None:
    assert code("a") == "`a`"
    assert code("a ``b` c\n") == "``` a ``b` c ```"


def test_a_code_block_cannot_be_closed_from_within() -> None:
    assert fenced("a\n````\nb", "sh") == "`````sh\na\n````\nb\n`````"


def test_the_terminal_is_told_the_verdict_the_findings_and_the_report(tmp_path: Path) -> None:
    lines = console_lines(sample_assessment(), tmp_path / "report.html")
    assert lines[0] == "NONCONFORMANT  contoso staging rig: 2 requirements are violated: 1 finding."
    assert "1. A reimage with x-ms-version 2009-10-01 is accepted" in lines
    assert "   expected: 400 with MissingOrIncorrectVersionHeader for x-ms-version 2009-10-01" in lines
    assert lines[-1] == f"report: {tmp_path / 'report.html'}"


def test_the_terminal_is_told_no_more_than_fits_on_it_however_much_is_wrong(tmp_path: Path) -> None:
    sample = sample_assessment()
    open_ = sample.requirements[0]
    others = (OtherSymptom("another way", "", ""), OtherSymptom("a third way", "", ""))
    first = replace(
        sample.findings[0],
        requirement="REQ-GOS-READONLY",
        also_affected=("REQ-GOS-200",),
        tries=None,
        other_symptoms=others,
    )
    checks = tuple((CHECK, f"answer {n}") for n in range(30))
    much = replace(
        sample,
        findings=(first,) * 70,
        notes=("a note",) * 30,
        preflight=Preflight(20, checks),
        requirements=tuple(replace(open_, outcome=Outcome.INCONCLUSIVE, reason=f"reason {n}") for n in range(40)),
    )
    lines = console_lines(much, tmp_path / "report.html")

    assert len(lines) == MOST_LINES
    assert "   and also: another way; 1 more symptom in the report" in lines
    assert "and 65 more findings in the report" in lines
    assert "  and 34 more reasons in the report" in lines


def test_what_was_not_judged_is_grouped_by_reason_with_what_to_do() -> None:
    sample = sample_assessment()
    first = sample.requirements[0]
    told = (
        (Outcome.UNTESTED, "the run had sent all reimages that it may send", Why.BUDGET),
        (Outcome.UNTESTED, "max_reimages leaves no room for a reimage that may be accepted", Why.BUDGET),
        (Outcome.INCONCLUSIVE, "WebRole1_IN_0 was BusyRole before the reimage", Why.NOT_READY),
        (Outcome.INCONCLUSIVE, "something of its own kind", Why.OTHER),
    )
    rows = tuple(replace(first, outcome=outcome, reason=reason, why=why) for outcome, reason, why in told)
    groups = unjudged(replace(sample, requirements=rows))

    assert [each.sentence for each in groups] == [
        "2 requirements untested: the run had sent all reimages that it may send; raise max_reimages under [limits] in the target file, or give --max-reimages",
        "1 requirement inconclusive: WebRole1_IN_0 was BusyRole before the reimage; bring the instance to ReadyRole, then run again",
        "1 requirement inconclusive: something of its own kind",
    ]
    assert "2 requirements untested: the run had sent all reimages that it may send" in summary_text(
        replace(sample, requirements=rows)
    )
    few = f"  1 requirement inconclusive: something of its own kind ({first.requirement.id})"
    assert few in console_lines(replace(sample, requirements=rows))


def test_the_verdict_names_the_reasons_of_what_was_not_judged() -> None:
    sample = replace(sample_assessment(), verdict=RunVerdict.PARTIAL)
    met, counting = sample.requirements[0], CountsAs.FAIL
    late, alone = "the 0.2 minutes of --max-minutes were over", "only one of two is listed"
    told = [(late, Why.OUT_OF_TIME, 3), (alone, Why.ONE_INSTANCE, 2), ("a.", Why.OTHER, 1), ("b", Why.OTHER, 1)]
    rows = tuple(
        replace(met, counts_as=counting, outcome=Outcome.UNTESTED, reason=reason, why=why)
        for reason, why, number in told
        for _ in range(number)
    )

    for rest, words in (
        (rows[:3], f"3 were not judged: {late}."),
        (
            rows,
            f"7 were not judged: {late} (3), the target lists a single role instance (2), a (1), other reasons (1).",
        ),
    ):
        found = replace(sample, requirements=rest)
        assert verdict_sentence(found).endswith(words)
        assert why_untested_in(results(found)) == why_untested(found)


@pytest.mark.parametrize(
    ("outcomes", "share", "count"),
    [
        ((Outcome.KNOWN,), "0 of 1 judged requirement is met, 1 is a known violation", "1 known violation"),
        (
            (Outcome.KNOWN, Outcome.KNOWN),
            "0 of 2 judged requirements are met, 2 are known violations",
            "2 known violations",
        ),
        (
            (Outcome.MET, Outcome.KNOWN),
            "1 of 2 judged requirements is met, 1 is a known violation",
            "1 known violation",
        ),
        ((Outcome.MET,), "1 of 1 judged requirement is met", "1 met"),
    ],
)
def test_numbers_agree_with_their_words(outcomes: tuple[Outcome, ...], share: str, count: str) -> None:
    sample = replace(sample_assessment(), verdict=RunVerdict.PARTIAL)
    judged = [replace(sample.requirements[0], counts_as=CountsAs.FAIL, outcome=each) for each in outcomes]
    left = replace(sample.requirements[0], counts_as=CountsAs.FAIL, outcome=Outcome.UNTESTED, reason="left out by -k")
    verdict, counts = console_lines(replace(sample, requirements=(*judged, left)))[:2]

    assert f"No violation was seen: {share}; 1 was not judged: left out by -k." in verdict
    assert count in counts.split(";")[0].split(", ")


def test_what_require_names_is_in_the_verdict_and_in_the_quiet_lines() -> None:
    sample = replace(sample_assessment(), verdict=RunVerdict.INCOMPLETE)
    row = replace(sample.requirements[0], outcome=Outcome.UNTESTED, reason="left out by --only")
    found = replace(sample, requirements=(row,), missed=(row.requirement.id,))
    found = replace(found, notes=(*found.notes, missed_sentence(found)))

    assert "but 1 requirement that --require names could not be judged; 0 of 0" in verdict_sentence(found)
    note = f"note: Required by --require, and not judged: {row.requirement.id} (left out by --only)."
    assert [line for line in quiet_lines(found) if line.startswith("note:")] == [note]


@pytest.mark.parametrize(
    ("enough", "advice"),
    [
        (None, "raise max_reimages under [limits] in the target file, or give --max-reimages"),
        (Sufficing(24, exact=True), "raise max_reimages to 24 under [limits] in the target file, or give --max-reimages 24"),
        (Sufficing(24, exact=False), "raise max_reimages to at least 24 under [limits] in the target file, or give --max-reimages 24"),
    ],
)  # fmt: skip
def test_a_spent_budget_says_how_much_would_have_been_enough(enough: Sufficing | None, advice: str) -> None:
    sample = sample_assessment()
    row = replace(
        sample.requirements[0],
        outcome=Outcome.UNTESTED,
        reason="the run had sent all reimages that it may send",
        why=Why.BUDGET,
    )
    told = replace(sample, requirements=(row,), sufficing=enough)

    (group,) = unjudged(told)

    assert group.sentence == f"1 requirement untested: the run had sent all reimages that it may send; {advice}"
    assert results(told)["run"].get("sufficing") == (
        None if enough is None else {"max_reimages": 24, "exact": enough.exact}
    )


def test_a_known_violation_looks_known() -> None:
    sample = sample_assessment()
    wanted = sample.findings[0].requirement
    rows = tuple(
        replace(row, outcome=Outcome.KNOWN) if row.requirement.id == wanted else row for row in sample.requirements
    )
    known = replace(sample, requirements=rows, findings=sample.findings[:1])

    assert any(line.startswith("1. (known) ") for line in console_lines(known))
    assert "### 1. (known) " in summary_text(known)
    assert "(known)" not in "\n".join(console_lines(replace(sample, findings=sample.findings[:1])))


def test_nothing_of_an_endpoint_steers_the_terminal() -> None:
    lines = console_lines(hostile_assessment())
    assert all(STEERING.search(line) is None and "\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (RunVerdict.INCOMPLETE, "No violation was seen, but 1 requirement that must hold could not be judged, and 1 was left out; 1 of"),
        (RunVerdict.PARTIAL, "No violation was seen: 1 of 4 judged requirements is met, 1 is a known violation; 1 was not judged: The selection left it out."),
        (RunVerdict.CONFORMANT, "Everything that must hold for this target is met: 1 requirement, besides 1 known"),
    ],
)  # fmt: skip
def test_each_verdict_has_its_reason(verdict: RunVerdict, sentence: str) -> None:
    assert verdict_sentence(replace(sample_assessment(), verdict=verdict)).startswith(sentence)


def test_reports_are_written_with_the_way_to_see_findings_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    write_reports(sample_assessment(), sample_exchanges(), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["junit.xml", "results.json", "summary.md"]
    for path in folder.iterdir():
        assert ("curl -sS" if path.suffix == ".json" else "replay") in path.read_text(encoding="utf-8"), path.name


def test_a_folder_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ReportError, match="cannot be written") as caught:
        write_reports(sample_assessment(), {}, blocked)
    assert "\n" not in str(caught.value)


def test_a_report_that_could_not_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")

    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(ReportError, match="No space left"):
        write.write_file(path, b"new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["results.json"]


def test_hostile_text_is_hostile() -> None:
    assert STEERING.search(HOSTILE) is not None


def test_a_quiet_command_marks_each_finding_by_what_it_counts_as() -> None:
    sample = sample_assessment()
    first, *_ = sample.findings
    rows = tuple(
        replace(row, outcome=Outcome.KNOWN) if row.requirement.id == first.requirement else row
        for row in sample.requirements
    )
    told = [
        quiet_lines(replace(sample, findings=(one,), requirements=given))[:2]
        for one, given in (
            (replace(first, counts_as=CountsAs.FAIL), sample.requirements),
            (replace(first, counts_as=CountsAs.WARN), sample.requirements),
            (replace(first, counts_as=CountsAs.FAIL), rows),
        )
    ]

    assert [line.partition(" ")[0] for _, line in told] == ["FAIL", "WARN", "KNOWN"]
    assert [verdict.endswith(", 1 advisory.") for verdict, _ in told] == [False, True, False]


@pytest.mark.parametrize(
    ("numbers", "told"),
    [(0, "none"), (1, "1"), (10, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10"), (12, "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more")],
)
def test_the_summary_says_how_many_exchanges_it_leaves_out(numbers: int, told: str) -> None:
    sample = sample_assessment()
    finding = replace(sample.findings[0], evidence=tuple(range(1, numbers + 1)))

    assert f"- exchanges: {told}\n" in summary_text(replace(sample, findings=(finding,)))


@pytest.mark.parametrize(
    ("coverage", "told"),
    [
        (
            {"combinations": {"width": 2, "dimensions": 8, "values": 30, "requests": 29}},
            ["Combinations: 29 requests try every pair of 30 values of 8 properties of a request."],
        ),
        (
            {"combinations": {"width": 3, "dimensions": 8, "values": 30, "requests": 200}},
            ["Combinations: 200 requests try every triple of 30 values of 8 properties of a request."],
        ),
        ({"pairs of defects": 91, "odd": {"a": 1, "b": 2}}, ["Pairs of defects: 91.", "Odd: a 1, b 2."]),
    ],
)
def test_what_a_run_covered_is_a_sentence(coverage: dict[str, object], told: list[str]) -> None:
    assert list(coverage_sentences(coverage)) == told
