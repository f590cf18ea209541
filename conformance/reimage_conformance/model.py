"""The data types that all modules share: enums and frozen dataclasses. They need the standard library only; their methods read fields or give a changed copy."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from reimage_conformance.anomalies import Anomaly

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order, case and number in which they crossed the wire; latin-1 text, white space around values removed in responses."""


@lru_cache(maxsize=4096)
def header_line(name: str, value: str) -> tuple[str, str]:
    """A header line. Equal lines are one object, which saves memory: a run holds tens of thousands, most of them equal."""
    return name, value


class CountsAs(StrEnum):
    """What a deviation from a requirement counts as under one strictness."""

    FAIL = "FAIL"  # a violation, which fails the run
    WARN = "WARN"  # an advisory, which does not fail the run
    INFO = "INFO"  # an observation, which is recorded and not judged
    CLIENT = "CLIENT"  # nothing: the requirement binds the client, so that the suite itself keeps it


class Strictness(StrEnum):
    """How literally the documents are read."""

    STRICT = "strict"
    LENIENT = "lenient"


class Profile(StrEnum):
    """How much a run does."""

    SMOKE = "smoke"
    STANDARD = "standard"
    NIGHTLY = "nightly"


class Subject(StrEnum):
    """Who a run judges."""

    ENDPOINT = "endpoint"
    CLIENT = "client"


class Outcome(StrEnum):
    """A conclusion about a requirement, or about one judgement of it."""

    MET = "met"
    VIOLATED = "violated"
    ADVISORY = "advisory"  # a deviation that does not fail the run
    OBSERVED = "observed"  # recorded and not judged: the documents leave it to the endpoint
    INCONCLUSIVE = "inconclusive"  # tried, but what was seen does not show whether it is met
    UNTESTED = "untested"  # what would show whether it is met was not sent, or not seen
    NOT_APPLICABLE = "not-applicable"
    KNOWN = "known"  # violated, as the baseline expects


class RunVerdict(StrEnum):
    """What a whole run concludes."""

    NONCONFORMANT = "nonconformant"  # a requirement that counts as FAIL is violated, or the baseline no longer fits
    INCOMPLETE = "incomplete"  # none is, but the run was cut short or hindered, or one is inconclusive
    PARTIAL = "partial"  # as CONFORMANT, but a requirement that counts as FAIL is untested
    CONFORMANT = "conformant"


class Identity(StrEnum):
    """Which client certificate a request presents."""

    PRIMARY = "primary"  # `client_certificate` of the target
    SECOND = "second"  # `second_client_certificate` of the target
    NONE = "none"
    UNKNOWN = "unknown"  # one that the suite signs itself, so that no endpoint knows it


class FailureKind(StrEnum):
    """Why no complete HTTP response came."""

    REFUSED = "refused"  # no connection was made, so that the request was not sent
    TLS = "tls"  # TLS was not set up, or it broke
    TIMEOUT = "timeout"  # the time limit passed, while connecting or while waiting for the response
    CLOSED = "closed"  # the endpoint closed the connection before it sent a response
    RESET = "reset"  # the endpoint reset the connection, or the connection broke
    NOT_HTTP = "not-http"  # what came is not HTTP
    TRUNCATED = "truncated"  # the connection ended within the response, or the chunked coding is broken
    TOO_LARGE = "too-large"  # the response is longer than the suite reads


TIME_LIMIT_PASSED = "the time limit passed"
"""The beginning of `detail` of a TIMEOUT failure; what had arrived by then may follow in parentheses."""
NOTHING_CAME = "nothing had come"
"""What stands in these parentheses if no octet of a reply had arrived."""


class Fact(StrEnum):
    """Something that can be known of an exchange, and that a verdict may rest on.

    A run knows all facts of its exchanges, but for content in a content coding. A capture knows only what its recorder kept unchanged.
    """

    METHOD_CASE = "method-case"  # the letter case of the method
    HTTP_VERSION = "http-version"
    REQUEST_LINES = "request-lines"  # all header lines of the request
    REQUEST_LENGTH = "request-length"  # whether the request had a Content-Length
    VERSION_LINE = "version-line"  # whether the request had an x-ms-version
    SENT_TYPE_LINE = "sent-type-line"  # whether the request had a Content-Type
    QUERY = "query"
    IDENTITY = "identity"  # which client certificate was presented
    RESPONSE_LINES = "response-lines"  # all header lines of the response
    DATE_LINE = "date-line"  # whether the response had a Date
    DATE_FORM = "date-form"  # the Date as the endpoint wrote it
    TYPE_LINE = "type-line"  # whether the response had a Content-Type
    ID_LINE = "id-line"  # whether the response had one x-ms-request-id
    OWN_ID = "own-id"  # the value of its x-ms-request-id
    OPERATION_ID = "operation-id"  # which operation a 202 started, or a poll asks about
    SHOWN_ID = "shown-id"  # the ID in an Operation document, so that it can be compared with that of the path
    SHOWN_NAME = "shown-name"  # the same for the Name in a Deployment document
    SHOWN_VALUES = "shown-values"  # the values in a document, such as statuses, codes and lists
    CONTENT = "content"  # the content of the response, as text at least
    OCTETS = "octets"  # the same octet by octet
    CODING = "coding"  # the content before its Content-Encoding was decoded
    SECRETS = "secrets"  # the parts of a document that hold secrets, such as Configuration
    FRAMING = "framing"  # the octets of both messages: lines, white space, where content ends
    ORDER = "order"  # which exchanges came before and after this one
    MOMENT = "moment"  # when it was


@dataclass(frozen=True, slots=True)
class Source:
    """A document, a set of recordings or a client that requirements come from; `date` and `address` are "" where it has none."""

    key: str
    name: str
    date: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement of the documents. Texts are "" where there is nothing to say."""

    id: str
    section: str
    area: str  # what a target must have for it to apply: core, transport, auth, observation or probe
    level: str  # MUST, SHOULD, MAY or OBSERVED
    origin: str  # the kind of document it comes from; `report/sources.py` has the words
    strict: CountsAs
    lenient: CountsAs
    title: str
    text: str
    sources: tuple[str, ...] = ()
    note: str = ""
    requires: tuple[str, ...] = ()
    """The requirements that must hold before this one can be judged."""
    control: str = ""
    """The kind of request that must have been accepted before a refusal proves anything."""
    untestable: str = ""
    """Why no case can judge it, as a sentence."""
    uncited: bool = False
    """No case cites it: it is recorded where a run happens to show it."""
    request: str = ""
    """The request whose answer is wrong in a violation, as headlines name it; "" where a violation is not about one answer."""
    violation: str = ""
    """What is wrong where the requirement is violated, as a sentence."""
    violations: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The same for single symptoms, by symptom."""
    seen: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By regular expressions for what was seen: more exact names than `request`, or sentences in place of `violation` where `request` is ""."""
    explained_by: tuple[str, ...] = ()
    """The requirements whose violation explains every violation of this one."""
    explained_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """The same for violations with single symptoms, by symptom."""
    recorded: str = ""
    """How often recordings of the service show it."""
    clients: str = ""
    """Which published clients depend on it."""
    mend: str = ""
    """Which mistake is usual, and how to correct it."""
    timing: bool = False
    """A violation may depend on the moment of a request, or on what else is under way."""

    def counts_as(self, strictness: Strictness) -> CountsAs:
        """What a deviation counts as under `strictness`."""
        return self.strict if strictness is Strictness.STRICT else self.lenient


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment that the target lists."""

    cloud_service: str
    slot: str
    name: str
    role_instances: tuple[str, ...]
    failing_role_instances: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key of what is known about it, `deployment_key`."""
        return deployment_key(self.cloud_service, self.name)

    @property
    def path(self) -> str:
        """Its cloud service and its name, `contoso/contoso-v2`; a name alone may occur in several cloud services."""
        return f"{self.cloud_service}/{self.name}"

    @property
    def listed_instances(self) -> tuple[str, ...]:
        """The names of all role instances that the target lists in it, those whose reimage fails last."""
        return self.role_instances + self.failing_role_instances


def deployment_key(cloud_service: str, name: str) -> str:
    """A key for a deployment; the letter case of the cloud service does not count."""
    return f"{cloud_service.lower()}/{name}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend on a target; times in seconds.

    `requests_per_second` is 0 for no limit. `connections` is 0 for the usual number, which depends on whether the endpoint is on this machine.
    """

    allow_reimage: bool = False
    max_reimages: int = 6
    operation_timeout_seconds: float = 1800.0
    poll_interval_seconds: float = 5.0
    request_timeout_seconds: float = 30.0
    requests_per_second: float = 0.0
    connections: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Optional calls of the target: True, False, or None for auto: the endpoint is asked once."""

    get_deployment: bool | None = None
    get_cloud_service: bool | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """How an endpoint is reached: its base URL, the address to connect to in place of the host of this URL, the URL of a proxy; "" for none."""

    base_url: str
    connect_to: str = ""
    proxy: str = ""

    @property
    def is_https(self) -> bool:
        """Whether the endpoint is reached over TLS."""
        return self.base_url.lower().startswith("https:")


@dataclass(frozen=True, slots=True)
class Target:
    """Where the system under test is and what it offers.

    `client_request_id` says that each request carries an x-ms-client-request-id, so that it is found in the endpoint's own log.
    `other_subscription_id` is a second subscription that the client certificate may use, `foreign_subscription_id` one that it may not use.
    `complete` says that the target lists everything that exists under `subscription_id`, and everything in the listed cloud services under the other
    subscriptions.
    """

    name: str
    base_url: str
    subscription_id: str
    deployments: tuple[Deployment, ...]
    x_ms_version: str = "2011-10-01"
    strictness: Strictness = Strictness.STRICT
    client_certificate: Path | None = None
    client_key: Path | None = None
    ca_bundle: Path | None = None
    second_client_certificate: Path | None = None
    key_passphrase_file: Path | None = None
    key_passphrase_env: str | None = None
    second_key_passphrase_file: Path | None = None
    second_key_passphrase_env: str | None = None
    connect_to: str | None = None
    proxy: str | None = None
    proxy_credentials_file: Path | None = None
    proxy_credentials_env: str | None = None
    foreign_subscription_id: str | None = None
    other_subscription_id: str | None = None
    limits: Limits = field(default_factory=Limits)
    capabilities: Capabilities = field(default_factory=Capabilities)
    probe_url: str | None = None
    complete: bool = False
    client_request_id: bool = False

    @property
    def route(self) -> Route:
        """The way to the endpoint."""
        return Route(self.base_url, self.connect_to or "", self.proxy or "")

    @property
    def is_https(self) -> bool:
        """Whether the target is reached over TLS."""
        return self.base_url.lower().startswith("https:")


@dataclass(frozen=True, slots=True)
class Request:
    """One request exactly as it goes out: header lines are written verbatim, so that it may be malformed in any way.

    `patience_seconds` is how long to wait for its reply; None stands for `request_timeout_seconds` of the target.
    `moved_from` is the target of the request that a 307 led away from, where `target` is no address of this protocol.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    identity: Identity = Identity.PRIMARY
    fresh_connection: bool = False
    patience_seconds: float | None = None
    http_version: str = "HTTP/1.1"
    moved_from: str = ""

    @property
    def resource(self) -> str:
        """The request target by which it is judged: that of its resource before any 307 (REQ-HTTP-307)."""
        return self.moved_from or self.target

    def wire(self) -> bytes:
        """The octets to send (RFC 9112 2.1), valid or not."""
        lines = [
            f"{self.method} {self.target} {self.http_version}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body

    def values(self, name: str) -> tuple[str, ...]:
        """The values of every header line called `name`, whatever its case, white space around them removed."""
        wanted = name.lower()
        return tuple([value.strip(" \t") for key, value in self.headers if key.lower() == wanted])


@dataclass(frozen=True, slots=True)
class Response:
    """One final HTTP response; `body` is decoded from its transfer and content coding; `anomalies` say what was wrong with its octets."""

    status: int
    reason: str = ""
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    http_version: str = "HTTP/1.1"
    interim: tuple[int, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """The values of every header line called `name`, whatever its case."""
        wanted = name.lower()
        return tuple([value for key, value in self.headers if key.lower() == wanted])

    def header(self, name: str) -> str | None:
        """The first value of header `name`, or None."""
        return next(iter(self.values(name)), None)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an exchange has no complete response."""

    kind: FailureKind
    detail: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its reply."""

    number: int
    request: Request
    response: Response | None
    """The response, as far as it arrived; None where nothing of it did."""
    failure: Failure | None = None
    """None exactly when a complete response arrived."""
    at: float = 0.0
    """When the request was sent, in seconds since the run began."""
    elapsed: float = 0.0
    """The seconds until the reply had come, or the wait for it had ended."""
    connection: int = 0
    """The number of the connection that carried the request."""
    position: int = 1
    """As which request on that connection it was sent, from 1 on."""
    closed: bool = False
    """Whether the endpoint was seen to close the connection right after the response."""
    case: str = ""
    label: str = ""
    """What the request was sent for, in a word such as "poll" or "probe"; "" for no special purpose."""
    unrecorded: frozenset[Fact] = frozenset()
    """The facts that are not known: the recorder of the exchange did not keep them or could not read them. No verdict may rest on them."""
    client_request_id: str = ""
    """The x-ms-client-request-id that went out after the header lines of `request`, "" for none: no verdict rests on it."""

    @property
    def reply(self) -> Response | None:
        """The response if it is complete, else None."""
        return self.response if self.failure is None else None

    @property
    def is_successful(self) -> bool:
        """Whether the reply has a 2xx status."""
        return self.reply is not None and 200 <= self.reply.status < 300

    @property
    def is_error(self) -> bool:
        """Whether the reply has an error status, 400 or above."""
        return self.reply is not None and self.reply.status >= 400

    @property
    def request_id(self) -> str:
        """The x-ms-request-id of the reply, "" where there is none."""
        return (self.reply.header("x-ms-request-id") if self.reply is not None else None) or ""


class Why(StrEnum):
    """The kind of reason for which something was not judged; `report/unjudged.py` says what can be done about each."""

    OTHER = "other"  # none of the kinds below: the reason itself says everything
    BUDGET = "budget"  # the run had sent all reimages that it may send
    UNLISTED = "unlisted"  # what a request addresses is not listed and may exist, so that the request was not sent
    NOT_CHOSEN = "not-chosen"
    PROFILE = "profile"
    CUT_SHORT = "cut-short"
    OUT_OF_TIME = "out-of-time"  # the time of the run (`--max-minutes`) was over
    OWN_REQUEST = "own-request"  # another request of the run may have had the effect
    NO_CONTROL = "no-control"  # no sound request of the same kind was accepted
    BUSY = "busy"
    NO_FAILURE = "no-failure"  # no reimage ended Failed
    ONE_INSTANCE = "one-instance"  # the target lists a single role instance
    NOT_READY = "not-ready"  # an instance was not at ReadyRole before its reimage
    NO_REPLY = "no-reply"
    NO_END = "no-end"  # no operation reached Succeeded or Failed

    @classmethod
    def _missing_(cls, value: object) -> Why:
        """OTHER for an empty word, and for one that this version does not know."""
        del value
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement: of which requirement, by which check and case, on which exchanges.

    `evidence` has the numbers of exchanges, first that of the deciding one. `because` names requirements whose own violation explains this one.
    `symptom` is a short stable word for how the requirement was violated; the fingerprint of a violation is made from it and from the requirement.
    `arguments` are the check's own parameters, plain JSON. `between` holds the numbers of all exchanges that the check was given, if it looked for
    an effect between them; it is empty where the verdict is not about an effect. `why` is the kind of reason where nothing was judged.
    """

    requirement: str
    outcome: Outcome
    check: str = ""
    case: str = ""
    evidence: tuple[int, ...] = ()
    expected: str = ""
    actual: str = ""
    symptom: str = ""
    because: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    between: tuple[int, ...] = ()
    why: Why = Why.OTHER

    @property
    def is_violation(self) -> bool:
        """Whether it says that the requirement is violated, however that counts."""
        return self.outcome in (Outcome.VIOLATED, Outcome.ADVISORY)

    def made_inconclusive(self, reason: str) -> Verdict:
        """The verdict that nothing can be said about the requirement, for `reason`, in place of this one."""
        return replace(
            self, outcome=Outcome.INCONCLUSIVE, actual=reason, expected="", symptom="", because=(), why=Why.OTHER
        )


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """What became of one conformance case.

    `outcome` is met, violated, advisory, observed, inconclusive, untested, not-applicable, or error when the case itself broke.
    """

    id: str
    requirements: tuple[str, ...]
    outcome: str
    duration_seconds: float = 0.0
    evidence: tuple[int, ...] = ()
    doc: str = ""
    detail: str = ""
    why: Why = Why.OTHER


@dataclass(frozen=True, slots=True)
class RequirementResult:
    """The outcome of one requirement in a run; `fingerprints` name every way in which it was violated.

    `headline` says in a sentence what is wrong if the requirement is violated or advisory. `why` is the kind of `reason` if it was not judged.
    """

    requirement: Requirement
    counts_as: CountsAs
    outcome: Outcome
    cases: tuple[str, ...] = ()
    reason: str = ""
    evidence: tuple[int, ...] = ()
    fingerprints: tuple[str, ...] = ()
    headline: str = ""
    why: Why = Why.OTHER


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a run tried to see a violation (`tried`, the first time included), and how often it saw it (`seen`)."""

    tried: int
    seen: int


@dataclass(frozen=True, slots=True)
class OtherSymptom:
    """Another way in which the requirement of a finding was violated; `evidence` has the numbers of exchanges."""

    headline: str
    expected: str
    fingerprint: str
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation, with the violations that it explains (`also_affected`).

    The deciding verdict is the one that `headline`, `expected` and `actual` are taken from. `deciding` has the numbers of the exchanges that it rests
    on. `evidence` begins with the same numbers; those of other exchanges that show the violation follow. `reproduce` is a shell command.
    `other_symptoms` are other ways in which the same requirement was violated. `tries` is None if the violation was not tried again.
    """

    requirement: str
    counts_as: CountsAs
    headline: str
    expected: str
    actual: str
    cases: tuple[str, ...] = ()
    evidence: tuple[int, ...] = ()
    reproduce: str = ""
    also_affected: tuple[str, ...] = ()
    fingerprint: str = ""
    deciding: tuple[int, ...] = ()
    tries: Tries | None = None
    other_symptoms: tuple[OtherSymptom, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What this endpoint does where the documents are silent."""

    requirement: str
    seen: str
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One operation as its polls showed it; seconds in `polls` count from its acceptance, `accepted_at` from the run's start."""

    id: str
    role_instance: str
    form: str
    accepted_at: float
    polls: tuple[tuple[float, str], ...]
    outcome: str
    deployment: str = ""
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Which run this was; `started` and `finished` are ISO 8601 UTC, `finished` empty when the run was cut short.

    `capture` names the recording that was judged in place of a run, "" for a run. `subject` is whom it judges.
    """

    id: str
    started: str
    finished: str
    seed: int
    profile: Profile
    strictness: Strictness
    interrupted: bool
    suite_version: str
    duration_seconds: float = 0.0
    coverage: Mapping[str, Any] = field(default_factory=dict)
    capture: str = ""
    subject: Subject = Subject.ENDPOINT


@dataclass(frozen=True, slots=True)
class Preflight:
    """The questions asked before the run: how many requests they took, and (level, sentence) for each answer."""

    requests: int
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sufficing:
    """The `max_reimages` that a run would have needed to leave no reimage out; a lower bound unless `exact`."""

    max_reimages: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything a run concludes: what every report is made from.

    `obstacle` says in a sentence what kept requests from the service, and names the key of the target file to look at; "" where nothing did.
    `hindrance` is the same sentence where the run is incomplete, else ""; for a client, it says why nothing could be judged.
    `missed` are the requirements that had to be judged (`--require`) and were not. `gone` is how many violations of the baseline no longer occur,
    `expired` how many of its entries have expired. `sufficing` is None where the budget left no reimage out, or where it is not known how large a
    budget would have been enough.
    """

    run: RunInfo
    target: Mapping[str, Any]
    verdict: RunVerdict
    exit_code: int
    requirements: tuple[RequirementResult, ...]
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]
    operations: tuple[OperationRecord, ...]
    cases: tuple[CaseRecord, ...]
    requests: int
    reimages: int
    notes: tuple[str, ...] = ()
    preflight: Preflight | None = None
    hindrance: str = ""
    obstacle: str = ""
    missed: tuple[str, ...] = ()
    gone: int = 0
    expired: int = 0
    sufficing: Sufficing | None = None

    def counts(self) -> dict[str, int]:
        """How many requirements ended in each outcome, every outcome named."""
        return {outcome.value: sum(1 for r in self.requirements if r.outcome is outcome) for outcome in Outcome}

    def of_outcome(self, *outcomes: Outcome) -> Iterator[RequirementResult]:
        """The requirement results with one of `outcomes`, in the catalogue's order."""
        return (result for result in self.requirements if result.outcome in outcomes)
