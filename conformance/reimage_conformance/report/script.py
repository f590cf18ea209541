"""The shell script that shows a finding again: variables, functions, then the requests of its story (`story`); runs nothing.

All of it stands in one subshell, so that nothing of it stays in the shell that it is pasted into. It needs bash, curl, and openssl or nc.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reimage_conformance.model import Identity, Subject
from reimage_conformance.report.masked_names import WORDS, MaskedNames
from reimage_conformance.report.reimaged import reimaged_sentence
from reimage_conformance.report.reproduce import CALLERS, Commands, route_to
from reimage_conformance.report.shell_words import comment, word
from reimage_conformance.report.story import Await, Send, identifier_of, is_malformed, is_probe, is_start, story_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reimage_conformance.model import Assessment, Exchange, Finding, Route
    from reimage_conformance.report.story import Part

SCRIPT_LIMIT = 30_000
"""Characters; a longer script is not written, since nobody would paste it."""

_VERSION = "2011-10-01"
"""The x-ms-version of a target that names none."""
_COMMENT_WIDTH = 280
"""At most this many characters are in a line of the comment that says what a script reimages."""
_SHORTEST_ID = 8
"""A shorter id of an operation is not replaced in the sentence on what was expected: it may occur there by chance."""
_ENVIRONMENT = "REIMAGE_CONFORMANCE_"
_FILES = {"CLIENT_CERTIFICATE": "client.pem", "CLIENT_KEY": "$CLIENT_CERTIFICATE", "CA_BUNDLE": "ca.pem"}
_SECOND_FILES = {"SECOND_CLIENT_CERTIFICATE": "second.pem", "SECOND_CLIENT_KEY": "$SECOND_CLIENT_CERTIFICATE"}
"""The variables that name files, each with its default."""
_VARIABLE = re.compile(r"\$\{?([A-Z][A-Z_0-9]*)")
_OPTIONS = {
    Identity.PRIMARY: (
        '--cert "$CLIENT_CERTIFICATE" --key "$CLIENT_KEY"',
        '-cert "$CLIENT_CERTIFICATE" -key "$CLIENT_KEY"',
    ),
    Identity.SECOND: (
        '--cert "$SECOND_CLIENT_CERTIFICATE" --key "$SECOND_CLIENT_KEY"',
        '-cert "$SECOND_CLIENT_CERTIFICATE" -key "$SECOND_CLIENT_KEY"',
    ),
    Identity.UNKNOWN: ('--cert "$ANSWERS/stranger.pem"', '-cert "$ANSWERS/stranger.pem"'),
    Identity.NONE: ("", ""),
}
"""The options of curl and of openssl that present a certificate."""


@dataclass(frozen=True, slots=True)
class ScriptTarget:
    """Where the requests of scripts go: the route, the masks of identifiers, and the x-ms-version to poll operations with.

    `described` is the description of the target in the journal.
    """

    route: Route
    names: MaskedNames
    version: str = _VERSION
    described: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> ScriptTarget:
        """The target that a journal describes."""
        version = str(described.get("x_ms_version") or _VERSION)
        return cls(route_to(described), MaskedNames.of(described), version, described)


def reproductions(assessment: Assessment, exchanges: Mapping[int, Exchange]) -> Iterator[Finding]:
    """The findings of `assessment`, each with the script that shows it again, "" if there is nothing to send.

    The findings about a client get no script: to see one again, record the client again.
    """
    if assessment.run.subject is Subject.CLIENT:
        yield from assessment.findings
        return
    target = ScriptTarget.of(assessment.target)
    for number, finding in enumerate(assessment.findings, 1):
        script = script_of(number, finding, sent_again(finding), exchanges, target) if target.route.base_url else ""
        yield replace(finding, reproduce=finding.reproduce or script)


def sent_again(finding: Finding) -> Sequence[int]:
    """The numbers of the exchanges that the script of a finding sends again."""
    return finding.deciding or finding.evidence[:1]


def script_of(
    number: int, finding: Finding, deciding: Sequence[int], exchanges: Mapping[int, Exchange], target: ScriptTarget
) -> str:
    """The script for the story of the exchanges with the numbers `deciding`, to be pasted into bash; "" if none of them is known."""
    parts = story_of(deciding, exchanges)
    if not parts:
        return ""
    writer = _StoryWriter(target)
    lines = [line for part in parts for line in writer.lines(part)]
    heading = [comment(f"Finding {number}: {finding.requirement}. {finding.headline}")]
    heading += map(comment, textwrap.wrap(reimaged_sentence(parts, target.described), _COMMENT_WIDTH))
    beginning = ["(", *_variables(lines, parts, target.route), *_functions(parts, target)]
    ends = [*writer.compared(finding), *_warnings_of_unset(lines), 'rm -r "$ANSWERS"', ")", ""]
    script = "\n".join([*heading, *beginning, *lines, "", *ends])
    if len(script) > SCRIPT_LIMIT:
        return f"# the requests of this finding are too long for a script; journal.jsonl holds exchange {deciding[0]}"
    return script


class _StoryWriter:
    """Writes the parts of one story as commands; they take the id of an operation from the answer that carried it."""

    def __init__(self, target: ScriptTarget) -> None:
        self._route, self._names = target.route, target.names
        self._variables = {each: key.upper() for key, each in WORDS.items()}
        self._ids: dict[str, str] = {}

    def lines(self, part: Part) -> Iterator[str]:
        """The lines of one part."""
        match part:
            case Send(exchange, together, decides):
                yield from self._sending(exchange, together, decides=decides)
            case Await(start, look):
                yield from self._waiting(start, look)

    def compared(self, finding: Finding) -> Iterator[str]:
        """The commands that print what was expected, with the ids that the script received, and what was seen in the run."""
        ids = {each: name for each, name in self._ids.items() if len(each) >= _SHORTEST_ID}
        if finding.expected:
            yield f"echo {word(comment(f'expected: {finding.expected}')[2:], ids)}"
        if finding.actual:
            yield f"echo {word(comment(f'seen then: {finding.actual}')[2:], {})}"

    def _sending(self, exchange: Exchange, together: Sequence[Exchange], *, decides: bool) -> Iterator[str]:
        yield ""
        yield comment(
            f"exchange {exchange.number}: was answered {_answered(exchange)}{', which decides' if decides else ''}"
        )
        commands = [self._command(each) for each in (exchange, *together)]
        yield " & ".join(commands) + (" & wait" if together else "")
        for each in (exchange, *together):
            if is_start(each):
                name = self._ids.setdefault(identifier_of(each), f"ID_{len(self._ids) + 1}")
                yield f"{name}=$(id_in {_file(each)})"

    def _command(self, exchange: Exchange) -> str:
        shown = self._names.exchange(exchange).request
        if is_probe(exchange):
            words = [
                *(["-X", shown.method] if shown.method != "GET" else []),
                word(f"\x00{shown.target}", {"\x00": "PROBE"}),
            ]
            return f"show {_file(exchange)} curl -sS -i {' '.join(words)}"
        commands = Commands(self._route, {**self._variables, **self._ids})
        return commands.command(shown, _file(exchange), raw=is_malformed(exchange))

    def _waiting(self, start: Exchange, look: Exchange | None) -> Iterator[str]:
        name = self._ids[identifier_of(start)]
        yield ""
        yield comment(f"polls until the operation that exchange {start.number} started is over")
        address = '"${BASE_URL}/${SUBSCRIPTION_ID}/operations/${' + name + '}"'
        words = f"{CALLERS[start.request.identity]} {address}"
        if look is not None:
            shown = self._names.exchange(look).request
            words += " " + word("\x00" + shown.target, {**self._variables, "\x00": "BASE_URL"})
        yield f"until_over {words}"


def _file(exchange: Exchange) -> str:
    return f"answer-{exchange.number}"


def _answered(exchange: Exchange) -> str:
    reply, failure = exchange.reply, exchange.failure
    if reply is not None:
        return f"{reply.status} {reply.reason}".strip()
    return f"not in full: {failure.detail}" if failure is not None else "not at all"


@dataclass(frozen=True, slots=True)
class _Needs:
    """Which functions a script has to define: to send as these `identities`, to poll operations (`waits`), to read ids from answers (`ids`)."""

    identities: tuple[Identity, ...]
    waits: bool
    ids: bool


def _needs(parts: Sequence[Part]) -> _Needs:
    sent = [each for part in parts if isinstance(part, Send) for each in (part.exchange, *part.together)]
    waits = [part.start for part in parts if isinstance(part, Await)]
    identities = dict.fromkeys(each.request.identity for each in (*sent, *waits) if not is_probe(each))
    return _Needs(tuple(identities), bool(waits), any(is_start(each) for each in sent))


def _variables(lines: Sequence[str], parts: Sequence[Part], route: Route) -> Iterator[str]:
    """The commands that set the variables, which are named after keys of a target file; a variable that is set already keeps its value."""
    named = set(_VARIABLE.findall("\n".join(lines)))
    yield "# Set these to yours (PEM files), then paste the whole into bash."
    yield f'[ -n "${{BASE_URL-}}" ] || BASE_URL={shlex.quote(_root(route.base_url))}'
    for key, shown in WORDS.items():
        if key.upper() in named:
            yield f"{key.upper()}=${{{key.upper()}:-'{shown}'}}"
    if "PROBE" in named:
        probes = (part.exchange for part in parts if isinstance(part, Send) and is_probe(part.exchange))
        host = next((host for probe in probes for host in probe.request.values("host")), "")
        yield f'[ -n "${{PROBE-}}" ] || PROBE={shlex.quote(f"http://{host}")}'
    if route.connect_to:
        yield f'[ -n "${{CONNECT_TO-}}" ] || CONNECT_TO={shlex.quote(route.connect_to)}'
    if route.is_https:
        second = _SECOND_FILES if Identity.SECOND in _needs(parts).identities else {}
        for name, default in {**_FILES, **second}.items():
            yield f"{name}=${{{name}:-${{{_ENVIRONMENT}{name}:-{default}}}}}"


def _warnings_of_unset(lines: Sequence[str]) -> Iterator[str]:
    """The commands that warn of an identifier that nobody set; the endpoint refuses it, so that the finding seems fixed."""
    named = set(_VARIABLE.findall("\n".join(lines)))
    for key, shown in WORDS.items():
        if (name := key.upper()) in named:
            warning = f"{name} is not set, so the answers above prove nothing: set it, and paste again"
            yield f"""[ "${name}" != '{shown}' ] || echo '{warning}'"""


def _root(base_url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(base_url))


def _functions(parts: Sequence[Part], target: ScriptTarget) -> Iterator[str]:
    """The definitions of the functions that the commands of the story call."""
    needs, route = _needs(parts), target.route
    yield ""
    yield "ANSWERS=$(mktemp -d); RAW_WAIT=${RAW_WAIT:-5}"
    yield "AUTHORITY=${BASE_URL#*://}; AUTHORITY=${AUTHORITY%%/*}; DIALLED=${CONNECT_TO:-$AUTHORITY}"
    port = 443 if route.is_https else 80
    yield f"case ${{DIALLED##*]}} in *:*) ;; *) DIALLED=$DIALLED:{port} ;; esac"
    yield "HOST_LINE=$(printf '\\r\\nHost: %s\\r\\n.' \"$AUTHORITY\"); HOST_LINE=${HOST_LINE%.}"
    yield 'show() { local file=$ANSWERS/$1; echo "== $1"; shift; "$@" > "$file" 2>&1; cat -v "$file" | sed \'s/\\^M$//\'; echo; }'
    if Identity.UNKNOWN in needs.identities:
        yield (
            'openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=stranger -keyout "$ANSWERS/stranger.key" '
            '-out "$ANSWERS/stranger.crt" 2>/dev/null; cat "$ANSWERS/stranger.crt" "$ANSWERS/stranger.key" > "$ANSWERS/stranger.pem"'
        )
    for identity in needs.identities:
        yield from _senders(identity, route)
    if needs.ids:
        yield "id_in() { tr -d '\\r' < \"$ANSWERS/$1\" | sed -n 's/^[Xx]-[Mm][Ss]-[Rr][Ee][Qq][Uu][Ee][Ss][Tt]-[Ii][Dd]: *//p' | tail -n 1; }"
    if needs.waits:
        yield f"X_MS_VERSION={shlex.quote(target.version)}"
        yield from _WAITING


_WAITING = (
    "until_over() {",
    "  local who=$1 poll=$2 look=${3-} n=0",
    "  while [ $n -lt 900 ]; do n=$((n + 1))",
    (
        '    [ -z "$look" ] || { "by_$who" look -H "x-ms-version: $X_MS_VERSION" "$look" | '
        'grep -oE "<(InstanceName|InstanceStatus)>[^<]*" | tr "\\n" " "; echo; }'
    ),
    '    "by_$who" poll -H "x-ms-version: $X_MS_VERSION" "$poll" > /dev/null',
    '    head -n 1 "$ANSWERS/poll"; grep -oE "<Status>[^<]*" "$ANSWERS/poll"',
    '    grep -q "InProgress" "$ANSWERS/poll" || break; sleep 1',
    "  done",
    '  echo "== the last poll"',
    "  cat -v \"$ANSWERS/poll\" | sed 's/\\^M$//'; echo",
    "}",
)


def _senders(identity: Identity, route: Route) -> Iterator[str]:
    """The two functions that send as one identity: with curl, and octet by octet."""
    curl, openssl = _OPTIONS[identity] if route.is_https else ("", "")
    words = ["curl -sS -i --http1.1 --path-as-is --globoff --max-time 60"]
    words += ['--connect-to "::$CONNECT_TO"'] if route.connect_to else []
    words += [f"--proxytunnel --proxy {shlex.quote(route.proxy)}"] if route.proxy else []
    words += ['${CA_BUNDLE:+--cacert "$CA_BUNDLE"}', curl] if route.is_https else []
    yield f'by_{CALLERS[identity]}() {{ local name=$1; shift; show "$name" {" ".join(filter(None, words))} "$@"; }}'
    yield f'raw_by_{CALLERS[identity]}() {{ {{ cat; sleep "$RAW_WAIT"; }} | show "$1" {_raw_sender(openssl, route)}; }}'


def _raw_sender(openssl: str, route: Route) -> str:
    """The command that sends its standard input as it is: openssl, or nc without TLS."""
    proxy = shlex.quote(urlsplit(route.proxy).netloc)
    if not route.is_https:
        way = f"-X connect -x {proxy} " if route.proxy else ""
        return f'nc {way}-w 10 "${{DIALLED%:*}}" "${{DIALLED##*:}}"'
    words = [
        "openssl s_client -quiet -verify_quiet -no_ign_eof",
        *([f"-proxy {proxy}"] if route.proxy else []),
        '-connect "$DIALLED"',
    ]
    words += ['-servername "${AUTHORITY%:*}"', '${CA_BUNDLE:+-CAfile "$CA_BUNDLE"}', openssl]
    return " ".join(filter(None, words))
