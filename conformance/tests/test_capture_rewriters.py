"""What recorders write in place of values, texts and entries: what is wrong beside it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capture_recorders import Document, chained, entries, five_seconds_apart, line_replaced
from capture_rewriters import REWRITERS
from capture_samples import Session, accused, document, judged, session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def sound() -> Session:
    return session()


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
