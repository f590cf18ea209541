"""Places: where an endpoint can make a slip. Each has its words for the names and sentences of faults, and its calls and operations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reimage_conformance.emulator.conditions import (
    OperationTest,
    ends_in_two_digits,
    form_is,
    instance_matches,
    kind_is,
    later_on_connection,
    poll_in,
    slot_is,
    version_is,
)
from reimage_conformance.emulator.departures import When, always
from reimage_conformance.emulator.needs import Need

if TYPE_CHECKING:
    from reimage_conformance.emulator.messages import Call


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slip can be made.

    `word` stands for it in the names of faults; "" means everywhere. `words` stand for it in the sentences of faults, and begin with a
    space. `when` holds for the calls that are made there, `covers` for the operations that were started there. Its faults show only in a
    world that holds `needs`. `also` names further requirements that they may be found under.
    """

    word: str
    words: str = ""
    when: When = always
    covers: OperationTest = lambda _: True
    needs: tuple[Need, ...] = ()
    also: tuple[str, ...] = ()

    def called(self, words: str, word: str | None = None) -> Place:
        """The same place with other `words`; with another `word` too, unless that is None."""
        return replace(self, words=words, word=self.word if word is None else word)

    def blaming(self, *also: str) -> Place:
        """The same place; its faults may be found under the requirements `also` as well."""
        return replace(self, also=also)


def _of_a_worker(name: str) -> bool:
    return "Worker" in name


def _accepted(call: Call) -> bool:
    return call.kind == "reimage" and call.operation is not None


def _refused(call: Call) -> bool:
    return call.kind == "reimage" and call.operation is None


def with_method(method: str) -> When:
    """Requests with this method."""
    return lambda call: call.message.method == method


EVERYWHERE = Place("")
BY_SLOT = Place("slot", " by slot", form_is("slot"), lambda operation: operation.form == "slot")
BY_NAME = Place("name", " by name", form_is("name"), lambda operation: operation.form == "name")
EACH_FORM = (BY_SLOT, BY_NAME)
FORMS = (EVERYWHERE, *EACH_FORM)
PRODUCTION = Place("production", " in production", slot_is("production"), needs=(Need.PRODUCTION,))
STAGING = Place(
    "staging",
    " in staging",
    slot_is("staging"),
    lambda operation: operation.deployment.slot == "staging",
    needs=(Need.STAGING,),
)
WORKER_ROLE = Place(
    "worker role",
    " of a worker role",
    instance_matches(_of_a_worker),
    lambda operation: _of_a_worker(operation.instance.role),
    needs=(Need.WORKER_ROLE,),
)
TWO_DIGITS = Place(
    "two digits",
    " of an instance with an index of two digits",
    instance_matches(ends_in_two_digits),
    lambda operation: ends_in_two_digits(operation.instance.name),
    needs=(Need.TWO_DIGITS,),
)
SECOND_TIME = Place("second", " for the second time", covers=lambda operation: operation.sequel)
LATER = Place("later on a connection", " that is not the first request on its connection", later_on_connection)

OPERATION = Place("operation", " for operations", kind_is("operation"))
DEPLOYMENT = Place("deployment", " for deployments", kind_is("deployment"))
SERVICE = Place("service", " for cloud services", kind_is("service"))
READING = Place("deployment", " to read deployments", kind_is("deployment", "service"))
REIMAGE = Place("reimage", " of a reimage", kind_is("reimage"))

IN_PROGRESS = Place("InProgress", "InProgress", poll_in("InProgress"))
SUCCEEDED = Place("Succeeded", "Succeeded", poll_in("Succeeded"))
FAILED = Place("Failed", "Failed", poll_in("Failed"), needs=(Need.FAILING_INSTANCE,))
STATES = (IN_PROGRESS, SUCCEEDED, FAILED)

ACCEPTED = Place("accepted", " of a 202", _accepted)
POLL = Place("poll", " of a poll", kind_is("operation"))
REFUSED = Place("refused", " of a refused reimage", _refused)
SECOND_RESPONSE = Place("later", " of a connection's second response", later_on_connection)

GET = Place("GET", " with GET", with_method("GET"))
POST = Place("POST", " with POST", with_method("POST"))


def version(value: str) -> Place:
    """Requests with this value of x-ms-version."""
    return Place(value, f": {value}", version_is(value))
