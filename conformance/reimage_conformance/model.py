"""The data types that all modules share: enums and frozen dataclasses. They need the standard library only; their methods only read fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order, case and number in which they crossed the wire; latin-1 text, white space around values removed in responses."""


@lru_cache(maxsize=4096)
def header_line(name: str, value: str) -> tuple[str, str]:
    """A header line. Equal lines are one object, which saves memory: a run holds tens of thousands, most of them equal."""
    return name, value


class CountsAs(StrEnum):
    """What a deviation from a requirement counts as under one strictness."""

    FAIL = "FAIL"
    WARN = "WARN"
    INFO = "INFO"
    CLIENT = "CLIENT"


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
    ADVISORY = "advisory"
    OBSERVED = "observed"
    INCONCLUSIVE = "inconclusive"
    UNTESTED = "untested"
    NOT_APPLICABLE = "not-applicable"
    KNOWN = "known"


class RunVerdict(StrEnum):
    """What a whole run concludes."""

    NONCONFORMANT = "nonconformant"
    INCOMPLETE = "incomplete"
    PARTIAL = "partial"
    CONFORMANT = "conformant"


class Identity(StrEnum):
    """Which client certificate a request presents."""

    PRIMARY = "primary"
    SECOND = "second"
    NONE = "none"
    UNKNOWN = "unknown"


class FailureKind(StrEnum):
    """Why no complete HTTP response came."""

    REFUSED = "refused"
    TLS = "tls"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    RESET = "reset"
    NOT_HTTP = "not-http"
    TRUNCATED = "truncated"
    TOO_LARGE = "too-large"


TIME_LIMIT_PASSED = "the time limit passed"
"""The beginning of `detail` of a TIMEOUT failure; what had arrived by then may follow in parentheses."""
NOTHING_CAME = "nothing had come"
"""What stands in these parentheses if no octet of a reply had arrived."""


class Fact(StrEnum):
    """Something that can be known of an exchange, and that a verdict may rest on.

    A run knows all facts of its exchanges. A capture knows only what its recorder kept unchanged.
    """

    METHOD_CASE = "method-case"
    HTTP_VERSION = "http-version"
    REQUEST_LINES = "request-lines"
    REQUEST_LENGTH = "request-length"
    VERSION_LINE = "version-line"
    SENT_TYPE_LINE = "sent-type-line"
    QUERY = "query"
    IDENTITY = "identity"
    RESPONSE_LINES = "response-lines"
    DATE_LINE = "date-line"
    DATE_FORM = "date-form"
    TYPE_LINE = "type-line"
    ID_LINE = "id-line"
    OWN_ID = "own-id"
    OPERATION_ID = "operation-id"
    SHOWN_ID = "shown-id"
    SHOWN_NAME = "shown-name"
    SHOWN_VALUES = "shown-values"
    CONTENT = "content"
    OCTETS = "octets"
    CODING = "coding"
    SECRETS = "secrets"
    FRAMING = "framing"
    ORDER = "order"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Source:
    """A document, a set of recordings or a client that requirements come from; `date` and `address` are "" where it has none."""

    key: str
    name: str
    date: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One normative statement of the documents.

    `requires` names the requirements that must hold before this one can be judged; `control` the kind of accepted
    request without which a refusal proves nothing ("" where none is needed); `untestable` says in a sentence why no
    case can judge it ("" where one does); `uncited` says that no case cites it: it is recorded where a run happens to show it. `violation` is a sentence on what is wrong if it is violated; `violations` has such
    sentences for single symptoms. `request` names a request, if a violation is about the answer to it.
    `seen` has more exact names of the request, or sentences where there is no request, by patterns of what was seen.
    `explained_by` names the requirements whose own violation explains every violation of this one, `explained_when` those that explain
    violations with single symptoms.
    `recorded` says how often recordings of the service show it, `clients` which published clients depend on it, `mend` which mistake is usual and
    how to correct it; each is "" where nothing is known. `timing` says that a violation may be a matter of time: it can depend on the moment of a
    request, or on what runs beside it.
    """

    id: str
    section: str
    area: str
    level: str
    origin: str
    strict: CountsAs
    lenient: CountsAs
    title: str
    text: str
    sources: tuple[str, ...] = ()
    note: str = ""
    requires: tuple[str, ...] = ()
    control: str = ""
    untestable: str = ""
    uncited: bool = False
    request: str = ""
    violation: str = ""
    violations: Mapping[str, str] = field(default_factory=dict, hash=False)
    seen: Mapping[str, str] = field(default_factory=dict, hash=False)
    explained_by: tuple[str, ...] = ()
    explained_when: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    recorded: str = ""
    clients: str = ""
    mend: str = ""
    timing: bool = False

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


def deployment_key(cloud_service: str, name: str) -> str:
    """A key for a deployment; the letter case of the cloud service does not count."""
    return f"{cloud_service.lower()}/{name}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may spend on a target; times in seconds. `connections` is 0 for the usual number: it depends on whether the endpoint is on this machine."""

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
    """One final HTTP response; `body` is decoded from its transfer coding; `anomalies` say what was wrong with its framing."""

    status: int
    reason: str = ""
    headers: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    http_version: str = "HTTP/1.1"
    interim: tuple[int, ...] = ()
    anomalies: tuple[str, ...] = ()

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
    """One request and its reply; times in seconds, `at` since the run began.

    `failure` is None exactly when a complete response arrived; with a failure, `response` holds what arrived before it,
    or None. `connection` numbers the connection that carried the request; `position` says as which request on it. `closed` is
    True when the endpoint was seen to close the connection right after the response. `client_request_id` is the
    x-ms-client-request-id that went out behind the header lines of `request`, "" for none: no verdict rests on it. `unrecorded` holds the facts that
    whoever recorded the exchange did not keep, so that no verdict may rest on them.
    """

    number: int
    request: Request
    response: Response | None
    failure: Failure | None = None
    at: float = 0.0
    elapsed: float = 0.0
    connection: int = 0
    position: int = 1
    closed: bool = False
    case: str = ""
    label: str = ""
    unrecorded: frozenset[Fact] = frozenset()
    client_request_id: str = ""

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

    OTHER = "other"
    """No other kind: the reason alone says why."""
    BUDGET = "budget"
    UNLISTED = "unlisted"
    NOT_CHOSEN = "not-chosen"
    PROFILE = "profile"
    CUT_SHORT = "cut-short"
    OUT_OF_TIME = "out-of-time"
    """The time of the run (`--max-minutes`) was over."""
    OWN_REQUEST = "own-request"
    """Another request of the run may have had the effect."""
    NO_CONTROL = "no-control"
    """No sound request of the same kind was accepted."""
    BUSY = "busy"
    NO_FAILURE = "no-failure"
    """No reimage ended Failed."""
    ONE_INSTANCE = "one-instance"
    NOT_READY = "not-ready"
    """An instance was not at ReadyRole before its reimage."""
    NO_REPLY = "no-reply"
    NO_END = "no-end"
    """No operation reached Succeeded or Failed."""

    @classmethod
    def _missing_(cls, value: object) -> Why:
        """OTHER for an empty word, and for one that this version does not know."""
        del value
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement: of which requirement, by which check and case, on which exchanges.

    `because` names requirements whose own violation explains this one; `symptom` is a short stable word for how it
    failed, the fingerprint that baselines and grouping use; `arguments` are the check's own parameters, plain JSON.
    `between` holds the numbers of all exchanges that the check was given, if it looked for an effect between them; it is
    empty where the verdict is not about an effect. `why` is the kind of reason where nothing was judged.
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

    `reproduce` is a shell command. `evidence` has the numbers of exchanges, first of those that the deciding verdict rests on; the others show that
    the requirement is violated too. `deciding` has the numbers of the first ones alone. `other_symptoms` are ways in which the same requirement was
    violated that the headline does not tell. `tries` is None if the violation was not tried again.
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

    `hindrance` says in a sentence why nothing could be judged, and names the key of the target file to look at; "" where something could.
    `obstacle` is the same sentence, also where a violation was seen all the same. `missed` are the requirements that had to be judged
    (`--require`) and were not. `gone` is how many violations of the baseline no longer occur, `expired` how many of its entries have expired. `sufficing` is None where the budget left no reimage out, or where
    it is not known how large a budget would have been enough.
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
