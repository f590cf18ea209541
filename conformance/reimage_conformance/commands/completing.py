"""The shell completion of options and arguments whose values click does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click


def requirement_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The ids of requirements that begin with `incomplete`, whose case does not matter."""
    del ctx, param
    from reimage_conformance.catalogue import ALL_REQUIREMENTS  # noqa: PLC0415 -- only where a shell asks

    return [name for name in ALL_REQUIREMENTS if name.startswith(incomplete.upper())]


def fault_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The faults of the emulator that begin with `incomplete`."""
    del ctx, param
    from reimage_conformance.emulator import FAULTS  # noqa: PLC0415 -- only where a shell asks

    return [name for name in FAULTS if name.startswith(incomplete)]


def oddity_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The oddities of the emulator that begin with `incomplete`."""
    del ctx, param
    from reimage_conformance.emulator import ODDITIES  # noqa: PLC0415 -- only where a shell asks

    return [name for name in ODDITIES if name.startswith(incomplete)]
