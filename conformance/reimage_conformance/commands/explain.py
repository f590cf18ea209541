"""The command `explain`: what a requirement asks for, its source, and usual mistakes."""

from __future__ import annotations

import click

from reimage_conformance.commands.completing import requirement_ids
from reimage_conformance.explain import explanation
from reimage_conformance.explain.text import text_of


@click.command()
@click.argument("requirements", nargs=-1, required=True, metavar="REQ-...", shell_complete=requirement_ids)
def explain(requirements: tuple[str, ...]) -> int:
    """Explain requirements, and how to meet them.

    Example: reimage-conformance explain REQ-REIMAGE-202
    """
    explained = [explanation(name.upper()) for name in dict.fromkeys(requirements)]
    click.echo("\n\n".join(text_of(each) for each in explained))
    return 0
