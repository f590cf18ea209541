"""The document of each poll judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judging_samples import (
    BUILDER,
    DASHED_ID,
    FAILED,
    NAMESPACE,
    OPERATION_ID,
    OTHER_ID,
    POLL,
    RUNNING,
    SUCCEEDED,
    advisory,
    brief,
    document,
    inconclusive,
    judged,
    met,
    operation,
    poll,
    silent,
    violated,
    worded,
)
from reimage_conformance.model import Outcome

if TYPE_CHECKING:
    from reimage_conformance.model import Exchange

STABLE, PROGRESS, SAFE = "REQ-GOS-TERMINAL-STABLE", "REQ-GOS-PROGRESS", "REQ-GOS-READONLY"


ID = f"<ID>{DASHED_ID}</ID>"


class TestDocuments:
    """The check `operation_documents`."""

    def of(self, requirement: str, *found: Exchange) -> list[object]:
        """What the check says of one requirement."""
        return [said for said in brief(judged("operation_documents", found)) if said[0] == requirement]

    def test_a_running_operation(self) -> None:
        assert brief(judged("operation_documents", [poll(RUNNING)])) == [
            met(name, 2)
            for name in (
                "REQ-GOS-REQID-OWN",
                "REQ-GOS-ROOT",
                "REQ-GOS-CT",
                "REQ-GOS-ID",
                "REQ-GOS-STATUS",
                "REQ-GOS-HTTPSTATUS",
                "REQ-GOS-ERROR",
                "REQ-GOS-ORDER",
            )
        ]

    def test_a_finished_operation(self) -> None:
        common = [
            "REQ-GOS-REQID-OWN",
            "REQ-GOS-ROOT",
            "REQ-GOS-CT",
            "REQ-GOS-ID",
            "REQ-GOS-STATUS",
            "REQ-GOS-HTTPSTATUS",
        ]

        assert [v.requirement for v in judged("operation_documents", [poll(SUCCEEDED)]) if v.outcome == "met"] == [
            *common,
            "REQ-REIMAGE-FINAL-200",
            "REQ-GOS-HTTPSTATUS-INT",
            "REQ-GOS-ERROR",
            "REQ-GOS-ORDER",
        ]
        assert [v.requirement for v in judged("operation_documents", [poll(FAILED)]) if v.outcome == "met"] == [
            *common,
            "REQ-GOS-HTTPSTATUS-INT",
            "REQ-GOS-ERROR",
            "REQ-GOS-ORDER",
        ]

    def test_only_answers_of_success_hold_documents(self) -> None:
        assert (
            judged("operation_documents", [silent(POLL), poll("<x/>", 300), poll("<x/>", 404), poll("<x/>", 199)]) == []
        )
        assert len(judged("operation_documents", [silent(POLL), poll(RUNNING, 299)])) == 8

    @pytest.mark.parametrize("own", [OPERATION_ID, OPERATION_ID.upper(), DASHED_ID])
    def test_the_tracked_id_is_not_the_polls_own(self, own: str) -> None:
        assert self.of("REQ-GOS-REQID-OWN", poll(own=own)) == [advisory("REQ-GOS-REQID-OWN", "tracked-id", 2)]
        assert worded(judged("operation_documents", [poll(own=own)]))[0] == (
            "an id of the poll itself",
            f"the id of the operation, {own}",
        )
        assert self.of("REQ-GOS-REQID-OWN", poll(own="")) == []

    @pytest.mark.parametrize(
        "root",
        [
            document("", root="Error"),
            document("", namespace="urn:x"),
            "<Operation/>",
            document("", namespace=NAMESPACE + "/"),
        ],
    )
    def test_another_root_is_a_violation(self, root: str) -> None:
        assert self.of("REQ-GOS-ROOT", poll(root)) == [violated("REQ-GOS-ROOT", "root", 2)]

    def test_another_root_is_named(self) -> None:
        found = judged("operation_documents", [poll(document("", root="Error", namespace="urn:x"), own="")])

        assert worded(found) == [(f"root Operation in the namespace {NAMESPACE}", "root Error in the namespace urn:x")]

    def test_no_body_is_a_violation_of_its_own(self) -> None:
        found = judged("operation_documents", [poll(b" \r\n", own="")])

        assert brief(found) == [violated("REQ-GOS-ROOT", "no-document", 2)]
        assert worded(found) == [("an XML document with root Operation", "no body")]

    def test_ill_formed_xml_has_no_root(self) -> None:
        found = judged("operation_documents", [poll("<Operation>", own="")])

        assert brief(found) == [violated("REQ-GOS-ROOT", "no-document", 2)]
        coded = poll("<Operation>", own="", headers=(("Content-Type", "application/xml; charset=utf-32"),))
        assert brief(judged("operation_documents", [coded]))[-1] == violated("REQ-GOS-ROOT", "no-document", 2)
        assert found[0].actual == "line 1, column 12: the document ends before the element Operation is closed"

    def test_one_unreadable_document_does_not_hide_the_next(self) -> None:
        assert self.of("REQ-GOS-STATUS", poll(b""), poll(number=3)) == [met("REQ-GOS-STATUS", 3)]

    def test_a_wrong_encoding_leaves_the_root_open(self) -> None:
        assert brief(judged("operation_documents", [poll(b"<Operation>\xff</Operation>", own="")])) == [
            inconclusive("REQ-GOS-ROOT", 2)
        ]
        headers = (("Content-Type", "application/xml; charset=iso-8859-1"),)
        readable = self.of("REQ-GOS-ROOT", poll(RUNNING, headers=headers))
        assert readable == [inconclusive("REQ-GOS-ROOT", 2), met("REQ-GOS-ROOT", 2)]

    @pytest.mark.parametrize(("value", "symptom"), [("text/plain", "media-type:text/plain"), ("", "media-type:")])
    def test_the_media_type_is_xml(self, value: str, symptom: str) -> None:
        found = judged("operation_documents", [poll(RUNNING, headers=(("Content-Type", value),))])

        assert advisory("REQ-GOS-CT", symptom, 2) in brief(found)
        assert ("application/xml or text/xml", value or "no Content-Type") in worded(found)

    @pytest.mark.parametrize("shown", ["", "<ID/>", f"<ID>{OTHER_ID}</ID>", ID + ID])
    def test_another_id_is_a_violation(self, shown: str) -> None:
        assert self.of("REQ-GOS-ID", poll(document(shown + "<Status>InProgress</Status>"))) == [
            violated("REQ-GOS-ID", "id", 2)
        ]

    def test_another_id_is_told(self) -> None:
        found = judged("operation_documents", [poll(operation(identifier=OTHER_ID))])

        assert (f"ID {OPERATION_ID}, with or without dashes, in any letter case", f"ID {OTHER_ID!r}") in worded(found)

    def test_an_id_that_no_path_can_hold_is_the_headers_matter(self) -> None:
        braced = poll(operation(identifier=OTHER_ID), request=BUILDER.operation_status(f"{{{OTHER_ID}}}"), own="a")

        assert self.of("REQ-GOS-ID", braced) == [violated("REQ-GOS-ID", "id", 2, because=("REQ-REIMAGE-REQID-USABLE",))]

    def test_the_id_of_another_operation_that_was_polled_is_the_headers_matter(self) -> None:
        other = poll(operation(identifier=OTHER_ID), number=3, request=BUILDER.operation_status(OTHER_ID), own="a")
        mixed = poll(operation(identifier=OTHER_ID), own="b")
        usable = "REQ-REIMAGE-REQID-USABLE"

        assert self.of("REQ-GOS-ID", mixed, other) == [
            violated("REQ-GOS-ID", "id", 2, because=(usable,)),
            met("REQ-GOS-ID", 3),
        ]
        assert self.of(usable, mixed, other) == [violated(usable, "other-operation", 2)]
        assert self.of(usable, mixed) == []
        assert (f"ID {OPERATION_ID}", f"ID {OTHER_ID}, polled {OPERATION_ID}") in worded(
            judged("operation_documents", [mixed, other])
        )

    def test_a_poll_that_shows_another_operation_tells_no_status_of_its_own(self) -> None:
        third = "3" * 32
        astray = poll(
            operation("Succeeded", "200", identifier=third),
            number=2,
            request=BUILDER.operation_status(OTHER_ID),
            own="a",
        )
        mixed = poll(operation("InProgress", identifier=OTHER_ID), number=3, own="b")
        usable = "REQ-REIMAGE-REQID-USABLE"

        assert self.of(usable, astray, mixed) == [violated(usable, "other-operation", 3)]
        over = poll(
            operation("Succeeded", "200", identifier=OTHER_ID),
            number=2,
            request=BUILDER.operation_status(OTHER_ID),
            own="a",
        )
        assert self.of(usable, over, mixed) == []

    USABLE = "REQ-REIMAGE-REQID-USABLE"

    def mixed(self, body: str, number: int, *others: Exchange) -> list[object]:
        """What the check says of the ID of a poll that shows the other operation's, polled besides as `others` say."""
        odd = poll(body.replace(DASHED_ID, OTHER_ID), number=number)
        return [said for said in self.of("REQ-GOS-ID", odd, *others) if said[1] == "violated"]  # type: ignore[index]

    def other(self, body: str, number: int, status: int = 200) -> Exchange:
        """A poll of the other operation."""
        shown = body.replace(DASHED_ID, OTHER_ID)
        return poll(shown, status, number=number, request=BUILDER.operation_status(OTHER_ID))

    @pytest.mark.parametrize(
        ("body", "others"),
        [
            (RUNNING, [(SUCCEEDED, 3)]),
            (RUNNING, [(FAILED, 3)]),
            (SUCCEEDED, [(RUNNING, 8)]),
            (FAILED, [(RUNNING, 8)]),
            (SUCCEEDED, [(FAILED, 8)]),
            (FAILED, [(SUCCEEDED, 3)]),
            (FAILED, [(RUNNING, 3), (SUCCEEDED, 8)]),
        ],
    )
    def test_an_id_whose_operation_cannot_have_had_the_status_then_is_wrong_alone(
        self, body: str, others: list[tuple[str, int]]
    ) -> None:
        seen = [self.other(*other) for other in others]

        assert self.mixed(body, 5, *seen) == [violated("REQ-GOS-ID", "id", 5)]
        odd = poll(body.replace(DASHED_ID, OTHER_ID), number=5)
        assert self.of(self.USABLE, odd, *seen) == []

    @pytest.mark.parametrize(
        ("body", "others"),
        [
            (RUNNING, [(RUNNING, 3), (RUNNING, 8)]),
            (RUNNING, [(SUCCEEDED, 8)]),
            (SUCCEEDED, [(RUNNING, 3), (SUCCEEDED, 8)]),
            (FAILED, [(RUNNING, 3), (FAILED, 4)]),
            (SUCCEEDED, [(b"", 3)]),
            (document(f"<ID>{OTHER_ID}</ID><Status>Odd</Status>"), [(SUCCEEDED, 3), (RUNNING, 8)]),
        ],
    )
    def test_one_that_can_have_had_it_yields_anothers_status(
        self, body: str, others: list[tuple[str | bytes, int]]
    ) -> None:
        seen = [self.other(shown, n) if isinstance(shown, str) else self.other("", n, 404) for shown, n in others]

        assert self.mixed(body, 5, *seen) == [violated("REQ-GOS-ID", "id", 5, because=(self.USABLE,))]

    def test_one_operation_that_is_mislabelled_acquits_all_ids(self) -> None:
        third = "22222222333344445555666666666666"
        early = poll(SUCCEEDED.replace(DASHED_ID, third), number=7)
        thirds = poll(SUCCEEDED.replace(DASHED_ID, third), number=6, request=BUILDER.operation_status(third))

        assert self.mixed(RUNNING, 5, self.other(SUCCEEDED, 3), early, thirds) == [
            violated("REQ-GOS-ID", "id", 5),
            violated("REQ-GOS-ID", "id", 7),
        ]

    @pytest.mark.parametrize(
        "status",
        [
            "",
            "<Status/>",
            "<Status>inprogress</Status>",
            "<Status> InProgress </Status>",
            "<Status>Done</Status>",
            "<Status>Failed</Status>" * 2,
        ],
    )
    def test_another_status_is_a_violation(self, status: str) -> None:
        names = {v.requirement for v in judged("operation_documents", [poll(document(ID + status))])}

        assert self.of("REQ-GOS-STATUS", poll(document(ID + status))) == [violated("REQ-GOS-STATUS", "status-value", 2)]
        assert names == {"REQ-GOS-REQID-OWN", "REQ-GOS-ROOT", "REQ-GOS-CT", "REQ-GOS-ID", "REQ-GOS-STATUS"}

    def test_several_are_told_by_their_number(self) -> None:
        for count, told in ((1, "Status 'Done'"), (2, "2 Status elements"), (3, "3 Status elements")):
            found = judged("operation_documents", [poll(document(ID + "<Status>Done</Status>" * count))])

            assert ("InProgress, Succeeded or Failed", told) in worded(found)

    def test_another_status_is_told(self) -> None:
        found = judged("operation_documents", [poll(operation("Done"))])

        assert ("InProgress, Succeeded or Failed", "Status 'Done'") in worded(found)

    @pytest.mark.parametrize(
        ("status", "code", "symptom"),
        [
            ("InProgress", "200", "early-http-status"),
            ("Succeeded", "", "no-http-status"),
            ("Failed", "", "no-http-status"),
        ],
    )
    def test_the_embedded_status_is_there_when_finished(self, status: str, code: str, symptom: str) -> None:
        shown = poll(operation(status, code))

        assert self.of("REQ-GOS-HTTPSTATUS", shown) == [violated("REQ-GOS-HTTPSTATUS", symptom, 2)]
        assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == []

    def test_the_embedded_status_is_told(self) -> None:
        early = judged("operation_documents", [poll(operation("InProgress", "200"))])
        missing = judged("operation_documents", [poll(operation("Failed"))])
        there = judged("operation_documents", [poll(SUCCEEDED)])
        running = judged("operation_documents", [poll(RUNNING)])

        assert ("no HttpStatusCode while InProgress", "HttpStatusCode '200'") in worded(early)
        assert ("an HttpStatusCode element with Status Failed", "Status Failed, no HttpStatusCode element") in worded(
            missing
        )
        assert ("", "HttpStatusCode 200") in worded(there)
        assert ("", "no HttpStatusCode element") in worded(running)

    @pytest.mark.parametrize("value", ["OK", "20", "2000", "099", "600", "2oo", "200.0", "+200", "٢٠٠"])
    def test_the_embedded_status_is_a_number_of_three_digits(self, value: str) -> None:
        for status in ("Succeeded", "Failed"):
            shown = poll(operation(status, value, "<Code>a</Code><Message/>" if status == "Failed" else ""))
            assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == [
                violated("REQ-GOS-HTTPSTATUS-INT", "http-status-form", 2)
            ]
            assert self.of("REQ-GOS-HTTPSTATUS", shown) == [met("REQ-GOS-HTTPSTATUS", 2)]
            assert self.of("REQ-REIMAGE-FINAL-200", shown) == []
            assert ("a three-digit integer", f"HttpStatusCode {value!r}") in worded(
                judged("operation_documents", [shown])
            )

    @pytest.mark.parametrize("value", ["100", "201", "202", "400", "599"])
    def test_success_embeds_200(self, value: str) -> None:
        shown = poll(operation("Succeeded", value))

        assert self.of("REQ-REIMAGE-FINAL-200", shown) == [violated("REQ-REIMAGE-FINAL-200", "final-status", 2)]
        assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == [violated("REQ-GOS-HTTPSTATUS-INT", "http-status-value", 2)]
        assert ("HttpStatusCode 200 with Succeeded", f"Status Succeeded, HttpStatusCode {value}") in worded(
            judged("operation_documents", [shown])
        )
        assert ("HttpStatusCode 200 with Succeeded", f"Status Succeeded, HttpStatusCode {value}") in worded(
            judged("operation_documents", [shown])
        )

    def test_failure_embeds_an_error_status(self) -> None:
        fault = "<Code>a</Code><Message>b</Message>"

        for value in ("200", "399"):
            shown = poll(operation("Failed", value, fault))
            assert self.of("REQ-GOS-HTTPSTATUS-INT", shown) == [
                violated("REQ-GOS-HTTPSTATUS-INT", "http-status-value", 2)
            ]
            assert ("HttpStatusCode 400 or above with Failed", f"Status Failed, HttpStatusCode {value}") in worded(
                judged("operation_documents", [shown])
            )
        for value in ("400", "599"):
            assert self.of("REQ-GOS-HTTPSTATUS-INT", poll(operation("Failed", value, fault))) == [
                met("REQ-GOS-HTTPSTATUS-INT", 2)
            ]

    @pytest.mark.parametrize(
        ("status", "fault", "symptom"),
        [
            ("InProgress", "<Code>a</Code><Message>b</Message>", "early-error"),
            ("Succeeded", "<Code>a</Code><Message>b</Message>", "early-error"),
            ("Failed", "", "no-error"),
            ("Failed", " ", "error-members"),
            ("Failed", "<Code>a</Code>", "error-members"),
            ("Failed", "<Message>a</Message>", "error-members"),
            ("Failed", "<Code/><Message>a</Message>", "error-members"),
            ("Failed", '<Code xmlns="urn:x">a</Code><Message>b</Message>', "error-members"),
        ],
    )
    def test_error_is_there_when_failed(self, status: str, fault: str, symptom: str) -> None:
        shown = poll(operation(status, "" if status == "InProgress" else "200", fault))

        assert self.of("REQ-GOS-ERROR", shown) == [violated("REQ-GOS-ERROR", symptom, 2)]

    def test_error_is_told(self) -> None:
        early = judged("operation_documents", [poll(operation("Succeeded", "200", "<Code>a</Code>"))])
        none = judged("operation_documents", [poll(operation("Failed", "400"))])
        half = judged("operation_documents", [poll(operation("Failed", "400", "<Detail/><Message/>"))])

        assert ("no Error element while Succeeded", "Status Succeeded, with an Error element") in worded(early)
        assert ("an Error element with Code and Message", "Status Failed, no Error element") in worded(none)
        assert ("an Error element with Code and Message", "Error without Code") in worded(half)

    @pytest.mark.parametrize(
        ("inner", "wanted", "shown"),
        [
            (f"<Status>InProgress</Status>{ID}", "ID, Status", "Status, ID"),
            (
                f"{ID}<HttpStatusCode>200</HttpStatusCode><Status>Succeeded</Status>",
                "ID, Status, HttpStatusCode",
                "ID, HttpStatusCode, Status",
            ),
        ],
    )
    def test_another_order_is_an_advisory(self, inner: str, wanted: str, shown: str) -> None:
        found = judged("operation_documents", [poll(document(inner))])

        assert [s for s in brief(found) if s[0] == "REQ-GOS-ORDER"] == [advisory("REQ-GOS-ORDER", "order", 2)]
        assert (wanted, shown) in worded(found)

    def test_unknown_elements_do_not_disturb_the_order(self) -> None:
        inner = f"<More/>{ID}<More/><Status>InProgress</Status><More/>"

        assert self.of("REQ-GOS-ORDER", poll(document(inner))) == [met("REQ-GOS-ORDER", 2)]

    def test_message_before_code_is_an_advisory(self) -> None:
        found = judged("operation_documents", [poll(operation("Failed", "400", "<Message>a</Message><Code>b</Code>"))])

        assert advisory("REQ-GOS-ORDER", "order", 2) in brief(found)
        assert ("Code, Message", "Message, Code") in worded(found)
        assert met("REQ-GOS-ERROR", 2) in brief(found)

    def test_what_another_namespace_calls_by_the_same_name_is_another_thing(self) -> None:
        decoys = '<Message xmlns="urn:x">no</Message><Code xmlns="urn:x">no</Code>'
        error = f"<Error>{decoys}<Code>InternalError</Code><Message>It failed.</Message></Error>"
        shown = poll(
            document(
                f'<Status xmlns="urn:x">Done</Status><ID>{DASHED_ID}</ID><ID xmlns="">x</ID><Status>Failed</Status>'
                f"<HttpStatusCode>500</HttpStatusCode>{error}"
            ),
        )

        assert {each.outcome for each in judged("operation_documents", [shown])} == {Outcome.MET}
        assert {each.outcome for each in judged("xml_bodies", [shown])} == {Outcome.MET}

    @pytest.mark.parametrize(
        ("members", "foreign"),
        [
            ("<Status>InProgress</Status>", "HttpStatusCode"),
            ("<Status>InProgress</Status>", "Error"),
            ("<Status>Succeeded</Status><HttpStatusCode>200</HttpStatusCode>", "Error"),
        ],
    )
    def test_what_a_document_needs_not_may_be_called_alike_elsewhere(self, members: str, foreign: str) -> None:
        shown = poll(document(f'{ID}{members}<{foreign} xmlns="urn:x">500</{foreign}>'))

        assert {each.outcome for each in judged("operation_documents", [shown])} == {Outcome.MET}

    @pytest.mark.parametrize(
        ("members", "foreign"),
        [
            ("<Status>Succeeded</Status>", "HttpStatusCode"),
            ("<Status>Failed</Status><HttpStatusCode>500</HttpStatusCode>", "Error"),
        ],
    )
    def test_what_it_needs_may_not(self, members: str, foreign: str) -> None:
        shown = poll(document(f'{ID}{members}<{foreign} xmlns="urn:x">500</{foreign}>'))
        (found, *_) = judged("operation_documents", [shown])

        assert (found.requirement, found.outcome) == ("REQ-XML-NS", Outcome.VIOLATED)
        assert found.expected == f"{foreign} in the namespace {NAMESPACE}"

    def test_members_in_another_namespace_are_that_requirements_matter(self) -> None:
        shown = poll(
            document(f'<ID xmlns="urn:x">{DASHED_ID}</ID><Status xmlns="">InProgress</Status><More xmlns="urn:x"/>'),
            own="",
        )
        found = judged("operation_documents", [shown])

        assert brief(found) == [
            violated("REQ-XML-NS", "child-namespace", 2),
            met("REQ-GOS-ROOT", 2),
            met("REQ-GOS-CT", 2),
        ]
        assert worded(found)[0] == (
            f"ID, Status in the namespace {NAMESPACE}",
            "ID in the namespace urn:x; Status in no namespace",
        )
        extra = document(f'{ID}<Status>InProgress</Status><More xmlns="urn:x"/>')
        assert self.of("REQ-XML-NS", poll(extra)) == []

    @pytest.mark.parametrize(
        ("name", "requirement"), [("HttpStatusCode", "REQ-GOS-HTTPSTATUS"), ("Error", "REQ-GOS-ERROR")]
    )
    def test_an_element_that_is_there_twice(self, name: str, requirement: str) -> None:
        twice = FAILED.replace("</Operation>", f"<{name}>500</{name}></Operation>")

        assert twice != FAILED
        assert violated(requirement, "repeated", 2) in self.of(requirement, poll(twice))
        assert violated(requirement, "repeated", 2) not in self.of(requirement, poll(FAILED))
