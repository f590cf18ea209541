"""What recorders write in place of values, texts and entries: no row accuses a conforming endpoint, and what it keeps is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capture_recorders import Document, chained, entries, five_seconds_apart, line_replaced
from capture_rewriters import NO_DOCUMENTS, REWRITERS
from capture_samples import Session, accused, document, judged, session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def sound() -> Session:
    return session()


@pytest.fixture(scope="module")
def wrong_document() -> Session:
    return session(["namespace-of-operation[none]"], refusals=False)


@pytest.fixture(scope="module")
def wrong_status() -> Session:
    return session(["accepted-status[200]"], refusals=False)


@pytest.mark.parametrize("rewriter", REWRITERS)
def test_no_rewriter_makes_a_conforming_endpoint_look_wrong(tmp_path: Path, sound: Session, rewriter: str) -> None:
    taken = document(sound)
    REWRITERS[rewriter](taken)

    inferred, known = judged(tmp_path, taken), judged(tmp_path, taken, sound)
    again = judged(tmp_path, (tmp_path / "journal.jsonl").read_bytes(), name="again.jsonl")

    assert (accused(inferred), inferred.exit_code) == ([], 0)
    assert (accused(known), known.exit_code) == ([], 0)
    assert (accused(again), again.exit_code) == ([], 0)


@pytest.mark.parametrize("rewriter", REWRITERS)
def test_a_wrong_status_is_found_whatever_was_rewritten(tmp_path: Path, wrong_status: Session, rewriter: str) -> None:
    taken = document(wrong_status)
    REWRITERS[rewriter](taken)

    assert "REQ-REIMAGE-202" in accused(judged(tmp_path, taken))


@pytest.mark.parametrize("rewriter", [name for name in REWRITERS if name not in NO_DOCUMENTS])
def test_a_wrong_document_is_found_wherever_documents_can_be_read(
    tmp_path: Path, wrong_document: Session, rewriter: str
) -> None:
    taken = document(wrong_document)
    REWRITERS[rewriter](taken)

    assert "REQ-GOS-ROOT" in accused(judged(tmp_path, taken))


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("date", "REQ-HTTP-DATE"),
        ("content-type", "REQ-HTTP-STD-HEADERS"),
        ("x-ms-request-id", "REQ-GOS-REQID"),
    ],
)
def test_an_empty_line_is_found_where_other_responses_show_its_value(
    tmp_path: Path, sound: Session, line: str, requirement: str
) -> None:
    taken = document(sound)
    polls = [entry for entry in entries(taken) if "/operations/" in entry["request"]["url"]]
    for entry in polls[::2]:
        entry["response"]["headers"] = [
            {**each, "value": ""} if each["name"].lower() == line else each for each in entry["response"]["headers"]
        ]

    assert requirement in accused(judged(tmp_path, taken))


@pytest.mark.parametrize(
    ("dropped", "added"),
    [(("content-length",), [{"name": "Content-Length", "value": "0"}]), (("content-type", "content-length"), [])],
    ids=["of length 0", "without a type"],
)
def test_an_empty_answer_is_found_where_its_lines_say_so(
    tmp_path: Path, sound: Session, dropped: tuple[str, ...], added: list[Document]
) -> None:
    taken = document(sound)
    for entry in [entry for entry in entries(taken) if "/operations/" in entry["request"]["url"]][::2]:
        kept = [line for line in entry["response"]["headers"] if line["name"].lower() not in dropped]
        entry["response"] |= {"headers": [*kept, *added], "content": {"size": 0, "text": ""}}

    assert "REQ-GOS-ROOT" in accused(judged(tmp_path, taken))


@pytest.mark.parametrize(
    ("fault", "requirement"),
    [("status-word[InProgress:Running]", "REQ-GOS-STATUS"), ("error-code-lower-case", "REQ-ERR-CODES")],
)
def test_a_wrong_value_is_found_where_it_is_no_word_of_a_sanitiser(
    tmp_path: Path, fault: str, requirement: str
) -> None:
    taken = document(session([fault]))
    REWRITERS["statuses of instances replaced"](taken)

    assert requirement in accused(judged(tmp_path, taken))


REUSED = (
    "ids-constant[polls]",
    "ids-constant[deployments]",
    "ids-come-round",
    "ids-of-the-target",
)
MERGED: dict[str, Callable[[Document], None]] = {
    "one recorder": lambda _: None,
    "one Date everywhere": chained(
        five_seconds_apart, line_replaced("response", "date", "Sat, 01 Mar 2014 12:00:00 GMT")
    ),
    **{name: change for name, change in REWRITERS.items() if name.startswith("two recorders")},
}


@pytest.mark.parametrize("rewriter", MERGED)
@pytest.mark.parametrize("fault", REUSED)
def test_an_id_that_the_endpoint_uses_again_is_found(tmp_path: Path, fault: str, rewriter: str) -> None:
    taken = document(session([fault], refusals=False))
    MERGED[rewriter](taken)

    assert "REQ-ASYNC-REQID-UNIQUE" in accused(judged(tmp_path, taken))
