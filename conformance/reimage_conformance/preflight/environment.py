"""Remarks on environment variables of other programs that matter for a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.preflight.remarks import Remark, note
from reimage_conformance.wire.proxying import proxies_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reimage_conformance.model import Target


def environment_remarks(target: Target, environment: Mapping[str, str]) -> Iterator[Remark]:
    """The remarks on variables that are not used although other programs use them, and on SSLKEYLOGFILE."""
    names = proxies_in(environment)
    if names:
        instead = "to use a proxy, set proxy in [target]" if target.proxy is None else "proxy in [target] is used"
        yield note(f"{' and '.join(names)} in the environment {'is' if len(names) == 1 else 'are'} not used; {instead}")
    if target.is_https and environment.get("SSLKEYLOGFILE"):
        yield note(
            f"SSLKEYLOGFILE in the environment: the TLS secrets are written to {environment['SSLKEYLOGFILE']}; "
            "whoever has them can decrypt the recorded traffic"
        )
