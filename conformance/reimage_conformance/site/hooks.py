"""The hooks of mkdocs: they add generated pages to those in `docs/`, and put generated parts into the latter.

With REIMAGE_CONFORMANCE_FRESH_ANSWERS in the environment, the answers on the pages come from a new run against the emulator, which takes about
15 seconds. Without it they are those of the package; tests compare these with the emulator.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

from reimage_conformance.errors import ReportError
from reimage_conformance.explain.answers import answers_from, fresh_answers
from reimage_conformance.site.made import with_made
from reimage_conformance.site.requirement_pages import requirement_pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

FRESH = "REIMAGE_CONFORMANCE_FRESH_ANSWERS"


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the generated pages; raises PluginError where the run against the emulator fails."""
    try:
        answers = answers_from(fresh_answers()) if os.environ.get(FRESH) else None
    except ReportError as error:
        raise PluginError(str(error)) from error
    for path, markdown in requirement_pages(answers):
        files.append(File.generated(config, path, content=markdown))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Puts the generated parts into a page."""
    return with_made(markdown)
