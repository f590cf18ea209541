"""Pages without a script, for the comparison and the index: a body in the style of the report, without access to the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.outputs import GENERATOR
from reimage_conformance.report.html.markup import asset, render
from reimage_conformance.report.html.policy import content_policy

if TYPE_CHECKING:
    from markupsafe import Markup


def static_page(title: str, body: Markup) -> str:
    """A whole page with `body`."""
    style = asset("page.css")
    policy = content_policy([style], [])
    return str(render("static_page", title=title, body=body, style=style, policy=policy, generator=GENERATOR))
