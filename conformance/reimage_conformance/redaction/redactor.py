"""Redaction: what is recorded of an exchange, with every secret masked by value and no length changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from reimage_conformance.credentials.secrets import secret_blocks, secret_words
from reimage_conformance.model import header_line
from reimage_conformance.redaction.base64_masks import Base64Masks
from reimage_conformance.redaction.echoes import EchoMasks
from reimage_conformance.redaction.masks import IdentifierMasks, is_guid, mask_of
from reimage_conformance.redaction.secret_headers import (
    SHORTEST_SOUGHT,
    URL_HEADERS,
    address_in,
    address_spans,
    is_distinctive,
    is_secret,
    parameter_spans,
    parts_to_seek,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reimage_conformance.model import Exchange, Headers, Request, Response, Target

_CREDENTIALS = ("authorization", "proxy-authorization", "cookie")
"""Headers whose values are secrets for certain, so that even a plain word in them is sought elsewhere."""
_NEVER_SECRET_HEADERS = ("x-ms-request-id", "x-ms-version", "host")
"""Headers whose values are shown in every report, so that they are not secrets wherever else they stand."""
_SHORTEST_IN_BASE64 = 14
"""Characters of the shortest secret that is sought inside longer base64."""
_SHORTEST_SECRET = 4
"""Characters of the shortest value in `secrets` that is masked; a shorter one would be found by chance."""
_MAX_KNOWN_TEXTS, _MAX_KNOWN_LENGTH = 2_000, 8_192
"""How many texts are kept with what they became, and the characters of the longest one."""
_PROTOCOL_WORDS = (
    "services/hostedservices/deploymentslots/deployments/roleinstances/operations?comp=reimage&reboot",
    "staging production InProgress Succeeded Failed ReadyRole",
    "Operation ID Status HttpStatusCode Error Code Message Deployment Name DeploymentSlot RoleInstanceList InstanceStatus",
    "Content-Type Content-Length application/xml; charset=utf-8 x-ms-request-id x-ms-version",
)
"""Words that paths, headers and documents of the protocol consist of."""


@dataclass(slots=True)
class Redactor:
    """Masks secrets: the same secret always by the same mask, of the same length.

    `secrets` maps names to values. Of a value that holds PEM blocks, their base64 and octets are masked. Every other value is masked as
    an identifier. An identifier that is a part of one of `names`, or of a word of the protocol, is not masked: the masks would stand in
    the names and words that are judged.

    If the name of a header says that its value is a secret, the value is masked whatever it is; addresses in lines that gateways add
    are masked too. Parts of these values that are too unusual to occur by chance (`is_distinctive`) are masked wherever they occur
    later. Values in `never_secret`, and what requests and replies show in every report, are never taken for such a part.

    With `enabled` False everything is left as it is.
    """

    secrets: Mapping[str, str] = field(repr=False)
    enabled: bool = True
    never_secret: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    _identifiers: IdentifierMasks = field(init=False, repr=False)
    _base64: Base64Masks = field(init=False, repr=False)
    _header_masks: dict[str, str] = field(default_factory=dict, repr=False)
    _echoes: EchoMasks = field(default_factory=EchoMasks, repr=False)
    _never_secret: set[str] = field(default_factory=set, repr=False)
    _known_texts: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._never_secret = {_bare(value) for value in self.never_secret}
        self._base64 = Base64Masks()
        identifiers: dict[str, str] = {}
        for value in dict.fromkeys(self.secrets.values()):
            if "-----BEGIN " in value:
                self._base64.add_pem(value.encode("utf-8"), "masked")
            elif len(value) >= _SHORTEST_SECRET and not self._is_part_of_a_name(value):
                identifiers.setdefault(value, mask_of(value, len(identifiers) + 1))
        for value, mask in identifiers.items():
            self._base64.add_identifier(value, mask)
        self._identifiers = IdentifierMasks(identifiers)

    def _is_part_of_a_name(self, identifier: str) -> bool:
        """Whether an identifier occurs in a name, or in a word of the protocol; letter case and dashes do not count."""
        return any(_bare(identifier) in _bare(each) for each in (*self.names, *_PROTOCOL_WORDS))

    @classmethod
    def for_target(cls, target: Target, *, enabled: bool = True) -> Self:
        """The redactor of all that is secret about `target`; files that cannot be read are left out.

        A passphrase is masked where it is distinctive: one that is a plain word may be a word of the protocol.
        """
        if not enabled:
            return cls({}, enabled=False)
        secrets = {
            name: value
            for name in ("subscription_id", "foreign_subscription_id", "other_subscription_id")
            if (value := getattr(target, name))
        }
        never_secret = tuple(_names_of(target))
        secrets |= {f"block {number}": each.decode() for number, each in enumerate(secret_blocks(target))}
        words = [each for each in secret_words(target) if is_distinctive(each) and each not in never_secret]
        secrets |= {f"word {number}": each for number, each in enumerate(words)}
        return cls(secrets, never_secret=never_secret, names=tuple(_judged_names(target)))

    def learn(self, exchange: Exchange) -> None:
        """Note what an exchange shows openly, then the secrets in its header lines, to find them in other exchanges as well."""
        if not self.enabled:
            return
        self._note_never_secret(exchange.request, exchange.response)
        self._note_parameters(exchange.request.target)
        self._note_secrets(exchange.request.headers)
        if exchange.response is not None:
            self._note_secrets(exchange.response.headers)

    def text(self, text: str) -> str:
        """`text` with every secret masked."""
        if not self.enabled:
            return text
        # `_seek` puts another dictionary in its place, so that what another thread masks meanwhile is not kept with too few masks.
        known = self._known_texts
        masked = known.get(text)
        if masked is None:
            masked = self._base64.apply(self._identifiers.apply(self._echoes.apply(text)))
            if len(text) <= _MAX_KNOWN_LENGTH:  # most header lines and documents come again with other exchanges
                if len(known) >= _MAX_KNOWN_TEXTS:
                    known.clear()
                known[text] = masked
        return masked

    def data(self, data: bytes) -> bytes:
        """`data` with every secret masked."""
        if not self.enabled or not data:
            return data
        text = data.decode("latin-1")
        masked = self.text(text)
        return data if masked == text else masked.encode("latin-1")

    def request(self, request: Request) -> Request:
        """`request` with every secret masked."""
        if not self.enabled:
            return request
        # `exchange` has noted these already; a request may also be masked alone.
        self._note_never_secret(request, None)
        self._note_parameters(request.target)
        self._note_secrets(request.headers)
        return replace(
            request,
            method=self.text(request.method),
            target=self._url(request.target),
            moved_from=self._url(request.moved_from),
            headers=self._headers(request.headers),
            body=self.data(request.body),
        )

    def response(self, response: Response) -> Response:
        """`response` with every secret masked."""
        if not self.enabled:
            return response
        self._note_secrets(response.headers)
        return replace(
            response,
            reason=self.text(response.reason),
            headers=self._headers(response.headers),
            body=self.data(response.body),
            anomalies=tuple(replace(each, words=self.text(each.words)) for each in response.anomalies),
        )

    def exchange(self, exchange: Exchange) -> Exchange:
        """`exchange` with every secret masked."""
        if not self.enabled:
            return exchange
        self.learn(exchange)
        failure = exchange.failure
        return replace(
            exchange,
            request=self.request(exchange.request),
            response=self.response(exchange.response) if exchange.response else None,
            failure=replace(failure, detail=self.text(failure.detail)) if failure else None,
            label=self.text(exchange.label),
        )

    def target_description(self, description: Mapping[str, Any]) -> dict[str, Any]:
        """What a journal says of the target, with every secret masked, however deep it stands."""
        return {key: self._value(value) for key, value in description.items()}

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return self.target_description(value)
            case list() | tuple():
                return [self._value(each) for each in value]
            case _:
                return value

    def _url(self, url: str) -> str:
        """A request target with every secret masked, those in its query too."""
        return self._masked(url, parameter_spans(url))

    def _headers(self, headers: Headers) -> Headers:
        """Header lines with every secret masked."""
        together = "\n".join([f"{name}:{value}" for name, value in headers])
        if self.text(together) == together and not any(is_secret(n) or _spans(n, v) for n, v in headers):
            return headers
        return tuple(header_line(self.text(name), self._header_value(name, value)) for name, value in headers)

    def _header_value(self, name: str, value: str) -> str:
        if is_secret(name):
            core = value.strip()
            return value.replace(core, self._mask_for(core)) if core else value
        return self._masked(value, _spans(name, value))

    def _masked(self, value: str, spans: list[tuple[int, int]]) -> str:
        """A value with the secrets in `spans` masked, and those that stand elsewhere in it."""
        pieces: list[str] = []
        end = 0
        for start, stop in spans:
            pieces += [self.text(value[end:start]), self._mask_for(value[start:stop])]
            end = stop
        return "".join([*pieces, self.text(value[end:])])

    def _mask_for(self, value: str) -> str:
        """The mask of a secret in a header line or a query, as long as `value`; the same one each time."""
        word = f"masked-{len(self._header_masks) + 1}"
        return self._header_masks.setdefault(value, word[: len(value)].ljust(len(value), "x"))

    def _note_never_secret(self, request: Request, response: Response | None) -> None:
        """Keep what is shown in every report: the parts of the request target, versions and request ids."""
        target = request.target
        for start, stop in reversed(parameter_spans(target)):
            target = target[:start] + target[stop:]
        path, _, query = target.partition("?")
        self._never_secret.update(
            _bare(unquote(part)) for part in (*path.split("/"), *query.replace("=", "&").split("&"))
        )
        lines = [*request.headers, *(response.headers if response is not None else ())]
        self._never_secret.update(
            _bare(value) for name, value in lines if name.strip().lower() in _NEVER_SECRET_HEADERS
        )

    def _note_parameters(self, url: str) -> None:
        """Keep the secrets in the parameters of a query, as they are written and decoded."""
        for start, stop in parameter_spans(url):
            secret = url[start:stop]
            for part in dict.fromkeys((secret, unquote(secret))):
                if is_distinctive(part):
                    self._seek(part, self._mask_for(secret))

    def _note_secrets(self, headers: Headers) -> None:
        """Keep the secrets in header lines, whole and in parts, to find them where they come back."""
        for name, line in headers:
            if is_secret(name):
                value = line.strip()
                whole = (value, _credentials(value)) if name.strip().lower() in _CREDENTIALS else ()
                for part in dict.fromkeys(parts_to_seek(name, value)):
                    if is_distinctive(part) or (part in whole and len(part) >= SHORTEST_SOUGHT):
                        self._seek(part, self._mask_for(value))
            if name.strip().lower() in URL_HEADERS:
                self._note_parameters(line)
            for start, stop in address_spans(name, line):
                address = address_in(line[start:stop])
                if address:
                    self._seek(address, self._mask_for(line[start:stop]))

    def _seek(self, secret: str, mask: str) -> None:
        """Seek a part of a header line from now on, unless it was shown openly."""
        if _bare(secret) in self._never_secret:
            return
        mask_of_part = mask[-len(secret) :].rjust(len(secret), "x")
        is_added = self._echoes.add(secret, mask_of_part)
        if is_added and len(secret) >= _SHORTEST_IN_BASE64 and not is_guid(secret):
            self._base64.add_identifier(secret, mask_of_part)
        if is_added:
            self._known_texts = {}


def _spans(name: str, value: str) -> list[tuple[int, int]]:
    """Where secrets stand in a header value that is not a secret as a whole."""
    return parameter_spans(value) if name.strip().lower() in URL_HEADERS else address_spans(name, value)


def _credentials(value: str) -> str:
    """The value of an Authorization line without its scheme."""
    return value.partition(" ")[2].strip()


def _bare(value: str) -> str:
    """A value without what may differ between two writings of it: white space around it, letter case, dashes.

    It decides only what is not masked. Ids of operations are compared by `protocol.documents.same_identifier`.
    """
    return value.strip().lower().replace("-", "")


def _names_of(target: Target) -> Iterator[str]:
    """What a target's reports show on every page: its host, its version, its names."""
    yield from (target.base_url, target.base_url.partition("://")[2], target.x_ms_version, target.name)
    yield from _judged_names(target)


def _judged_names(target: Target) -> Iterator[str]:
    """The names in a target file that addresses and documents are compared with."""
    for deployment in target.deployments:
        yield from (deployment.cloud_service, deployment.slot, deployment.name)
        yield from deployment.listed_instances
