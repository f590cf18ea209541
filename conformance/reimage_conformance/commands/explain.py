"""The command `explain`: what a requirement asks for, where that comes from, and what usually goes wrong."""

from __future__ import annotations

import click

from reimage_conformance.explain import explanation
from reimage_conformance.explain.text import text_of


@click.command()
@click.argument("requirements", nargs=-1, required=True, metavar="REQ-...")
def explain(requirements: tuple[str, ...]) -> int:
    """Explain requirements, and what mends an endpoint."""
    explained = [explanation(name.upper()) for name in dict.fromkeys(requirements)]
    click.echo("\n\n".join(text_of(each) for each in explained))
    return 0
