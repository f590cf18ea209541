"""Recognises what a file of certificates or keys holds by its octets; decrypts and verifies nothing."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]{64,}")
_CERTIFICATES = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
_COLLECTIONS = ("PKCS7", "CMS")
_SEQUENCE, _INTEGER, _OBJECT_IDENTIFIER = 0x30, 0x02, 0x06
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
"""The object identifier of PKCS#7 signedData (RFC 2315, section 14)."""
_KEYSTORE = bytes.fromhex("feedfeed")
"""The first octets of a Java keystore."""


@dataclass(frozen=True, slots=True)
class PrivateKeyBlock:
    """A private key as it is in a file: PEM text in ASCII, or DER."""

    octets: bytes
    is_pem: bool


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds.

    `certificates` are DER, in the order of the file; `collections` are PKCS#7 in DER; `archives` are PKCS#12; `settings` is
    the text of a .publishsettings file. For a file of another kind, `advice` says what it is and which command converts it.
    """

    certificates: tuple[bytes, ...] = ()
    keys: tuple[PrivateKeyBlock, ...] = ()
    collections: tuple[bytes, ...] = ()
    archives: tuple[bytes, ...] = ()
    settings: bytes = b""
    advice: str = ""

    @property
    def may_hold_certificates(self) -> bool:
        """Whether a certificate is there, or may be inside something that must be opened first."""
        return bool(self.certificates or self.collections or self.archives or self.settings)

    @property
    def may_hold_keys(self) -> bool:
        """Whether a private key is there, or may be inside something that must be opened first."""
        return bool(self.keys or self.archives or self.settings)


def contents_of(octets: bytes) -> Contents:
    """What the octets of a file hold: PEM in any encoding of text, DER, PKCS#12, PKCS#7 or .publishsettings."""
    if octets[:1] == bytes([_SEQUENCE]):
        return _from_der(octets)
    text = _text(octets)
    blocks = [(label, _block(label, body)) for label, body in _PEM.findall(text)]
    if blocks:
        return _from_blocks(blocks)
    if "<PublishData" in text:
        return Contents(settings=text.encode())
    bare = text.strip()
    if _BASE64.fullmatch(bare):
        inside = _decoded(bare)
        if inside[:1] == bytes([_SEQUENCE]):
            return _from_der(inside)
    return Contents(advice=_advice(octets, text))


def der_elements(octets: bytes) -> list[bytes]:
    """The complete DER sequences at the beginning of `octets`, one after another (X.690, 8.1)."""
    found: list[bytes] = []
    while (end := _end_of(octets)) is not None:
        found.append(octets[:end])
        octets = octets[end:]
    return found


def _text(octets: bytes) -> str:
    """The octets as text: decoded by their byte order mark, as UTF-16 if every second octet is zero, else as Latin-1."""
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return octets.decode("utf-16", errors="replace")
    if octets.startswith(b"\xef\xbb\xbf"):
        return octets[3:].decode("utf-8", errors="replace")
    for encoding, zeros in (("utf-16-le", octets[1:40:2]), ("utf-16-be", octets[0:40:2])):
        if len(zeros) > 4 and not zeros.strip(b"\0"):
            return octets.decode(encoding, errors="replace")
    return octets.decode("latin-1")


def _block(label: str, body: str) -> bytes:
    """The content of a PEM block: a key as PEM, since its header lines may say how it is encrypted, others as DER."""
    if label.endswith("PRIVATE KEY"):
        lines = [line.strip() for line in body.strip("\r\n").splitlines()]
        return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode("ascii", "replace")
    return _decoded(body)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=False)
    except (binascii.Error, ValueError):
        return b""


def _from_blocks(blocks: list[tuple[str, bytes]]) -> Contents:
    known = (*_CERTIFICATES, *_COLLECTIONS, "PKCS12")
    unknown = [label.lower() for label, _ in blocks if label not in known and not label.endswith("PRIVATE KEY")]
    return Contents(
        # a TRUSTED CERTIFICATE has a second element, with the purposes that OpenSSL trusts it for
        certificates=tuple([(der_elements(octets) or [octets])[0] for name, octets in blocks if name in _CERTIFICATES]),
        keys=tuple([PrivateKeyBlock(octets, is_pem=True) for name, octets in blocks if name.endswith("PRIVATE KEY")]),
        collections=tuple([octets for name, octets in blocks if name in _COLLECTIONS]),
        archives=tuple([octets for name, octets in blocks if name == "PKCS12"]),
        advice=f"what it holds is a {unknown[0]}" if unknown else "",
    )


def _from_der(octets: bytes) -> Contents:
    elements = der_elements(octets)
    if not elements:
        return Contents(advice="its DER is cut off")
    body = _body(elements[0])
    if body[:3] == bytes([_INTEGER, 1, 3]):
        return Contents(archives=(elements[0],))
    if body[:1] == bytes([_OBJECT_IDENTIFIER]) and _SIGNED_DATA in body[:16]:
        return Contents(collections=(elements[0],))
    if body[:1] == bytes([_INTEGER]) or _is_encrypted_key(body):
        return Contents(keys=(PrivateKeyBlock(elements[0], is_pem=False),))
    return Contents(certificates=tuple(elements))


def _is_encrypted_key(body: bytes) -> bool:
    """Whether this is the content of an EncryptedPrivateKeyInfo: an algorithm, then an octet string (RFC 5208, section 6)."""
    inner = _end_of(body)
    return inner is not None and body[inner : inner + 1] == b"\x04" and _body(body)[:1] == bytes([_OBJECT_IDENTIFIER])


def _header(octets: bytes) -> tuple[int, int] | None:
    """The lengths of the header and body of the element at the beginning of `octets`, or None if its header is not valid."""
    if len(octets) < 2:
        return None
    length = octets[1]
    if length < 0x80:
        return 2, length
    count = length & 0x7F
    if not 0 < count <= 4 or len(octets) < 2 + count:
        return None
    return 2 + count, int.from_bytes(octets[2 : 2 + count], "big")


def _end_of(octets: bytes) -> int | None:
    """The length of the DER sequence at the beginning of `octets`, None if there is no complete one."""
    header = _header(octets)
    if header is None or sum(header) > len(octets) or octets[0] != _SEQUENCE:
        return None
    return sum(header)


def _body(element: bytes) -> bytes:
    """What follows the header of the element at the beginning of `element`, to the end."""
    header = _header(element)
    return b"" if header is None else element[header[0] :]


def _advice(octets: bytes, text: str) -> str:
    if octets.startswith(_KEYSTORE):
        return "it is a Java keystore: `keytool -importkeystore -srckeystore FILE -destkeystore client.p12 -deststoretype PKCS12` converts it"
    if text.startswith("PuTTY-User-Key-File"):
        return "it is a key of PuTTY: `puttygen FILE -O private-openssh -o client.key` converts it"
    if text.startswith(("ssh-", "ecdsa-")):
        return "it is a public key for SSH"
    return ""
