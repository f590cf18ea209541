"""The page of all messages: steady words, in the order of the catalogue, whatever order the faults were judged in."""

from __future__ import annotations

import pytest

from reimage_conformance.detection.forking import Found, JudgedEmulator
from reimage_conformance.detection.messages import messages_page

ID = "0f8fad5bd9cb469fa165708677289500"
FIRST = Found(
    JudgedEmulator("b", ("accepted-status[200]",)),
    messages=(("REQ-REIMAGE-202", "A valid reimage was not answered 202 Accepted: 200 OK", "202 Accepted", "200 OK"),),
    unjudged={"REQ-GOS-OTHER-SUB": "no operation after 12 polls"},
)
SECOND = Found(
    JudgedEmulator("a", ("operation-id[fresh]",)),
    messages=(
        ("REQ-GOS-ID", f"ID {ID}", "x", "exchanges 3 and 17, 4.25 s"),
        ("REQ-REIMAGE-202", "A valid reimage was not answered 202 Accepted: 200 OK", "202 Accepted", "200 OK"),
    ),
)


def test_each_message_is_told_once_with_the_faults_that_lead_to_it() -> None:
    page = messages_page([FIRST, SECOND])

    assert page == messages_page([SECOND, FIRST])
    assert page.count("A valid reimage was not answered 202") == 1
    assert "seen with `a`, `b`" in page
    assert page.index("### REQ-REIMAGE-202") < page.index("### REQ-GOS-ID")


def test_what_differs_from_run_to_run_is_left_out() -> None:
    page = messages_page([FIRST, SECOND])

    assert ID not in page
    assert "exchanges N, N s" in page
    assert "no operation after N polls" in page


def test_the_ids_of_a_message_are_numbered_over_all_of_its_texts() -> None:
    other = ID.replace("0", "1")
    message = ("REQ-GOS-ID", f"ID {other}, polled {ID}, not {other}", f"ID {ID}", f"ID {other}")

    page = messages_page([Found(JudgedEmulator("a", ("x",)), messages=(message,))])

    assert "ID &#60;id&#62;, polled &#60;id 2&#62;, not &#60;id&#62;" in page
    assert "expected: ID &#60;id 2&#62;" in page
    assert "actual: ID &#60;id&#62;" in page


def test_the_token_of_a_run_is_left_out() -> None:
    found = Found(JudgedEmulator("a", ("x",)), messages=(("REQ-GOS-ID", "for 'contoso0a1b2c3d4e5f'", "x", "y"),))

    assert "for 'contoso&#60;token&#62;'" in messages_page([found])


@pytest.mark.parametrize(
    ("text", "steady"),
    [
        ("for 'contoso-v10a1b2c3d4e5f'", "for 'contoso-v1&#60;token&#62;'"),
        (f"for '{ID[:-1]}', made from {ID}", "for '&#60;id&#62;', made from &#60;id 2&#62;"),
        ("only 102 of 300 octets came", "only N of M octets came"),
        ("ResourceNotFound x 205", "ResourceNotFound x N"),
        ("the suite has waited 91 s in all", "the suite has waited N s in all"),
        ("after 1 request", "after N requests"),
        ("within 2 s", "within 2 s"),
        ("Date 'Friday, 27-Nov-26 08:23:05 GMT'", "Date '&#60;weekday&#62;, &#60;day&#62;-&#60;month&#62;-&#60;year&#62; &#60;time&#62; GMT'"),
        ("such as 'Sun, 06 Nov 1994 08:49:37 GMT'", "such as 'Sun, 06 Nov 1994 08:49:37 GMT'"),
    ],
)  # fmt: skip
def test_a_text_is_the_same_in_every_run(text: str, steady: str) -> None:
    page = messages_page([Found(JudgedEmulator("a", ("x",)), messages=(("REQ-GOS-ID", "x", "y", text),))])

    assert f"actual: {steady}\n" in page
