"""The pages of the requirements: one for each, one for each chapter, and the list of the chapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reimage_conformance.catalogue import (
    ALL_REQUIREMENTS,
    CATALOGUE,
    CATALOGUE_VERSION,
    CLIENT_CATALOGUE,
    requirements_by_chapter,
)
from reimage_conformance.explain import explanation
from reimage_conformance.explain.explanation import CLIENTS
from reimage_conformance.explain.sections import sections_of
from reimage_conformance.site.markdown import block, code, prose, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reimage_conformance.explain import Explanation
    from reimage_conformance.explain.answers import Answer
    from reimage_conformance.explain.sections import Item, Section
    from reimage_conformance.model import Requirement

FOLDER = "requirements"
CHAPTERS: Mapping[str, str] = {
    "addresses": "Addresses: the paths of an operation, its query, and names in them",
    "request": "Request: the method, Content-Type, Content-Length and body of a reimage",
    "response": "Response: the 202 and its request id",
    "operations": "Operations: Get Operation Status, and how operations end",
    "versions": "Versions: x-ms-version",
    "errors": "Errors: statuses, codes and the Error document",
    "authentication": "Authentication: TLS and client certificates",
    "deployments": "Deployments: Get Deployment and Get Cloud Service Properties",
    "instances": "Instances: what a reimage does to them",
    "transport": "Transport: HTTP and XML",
    "concurrency": "Concurrency: several reimages at once, throttling",
    "unspecified": "Unspecified: what later documents say differently",
}
CLIENTS_TITLE = "Clients: what a recorded client is judged by"


def requirement_pages(answers: Mapping[str, tuple[Answer, ...]] | None = None) -> Iterator[tuple[str, str]]:
    """The path and the Markdown of every page; `answers` by requirement replace those of the package."""
    yield f"{FOLDER}/index.md", _index()
    for chapter, names in requirements_by_chapter().items():
        yield f"{FOLDER}/{chapter}.md", _chapter(CHAPTERS[chapter], [CATALOGUE[name] for name in names])
    yield f"{FOLDER}/{CLIENTS}.md", _chapter(CLIENTS_TITLE, [*CLIENT_CATALOGUE.values()])
    for name in ALL_REQUIREMENTS:
        yield f"{FOLDER}/{name}.md", requirement_page(explanation(name, answers))


def requirement_page(explained: Explanation) -> str:
    """The page of one requirement."""
    row = explained.requirement
    facts = f"{row.level} · area {row.area} · chapter [{explained.chapter}]({explained.chapter}.md)"
    command = block(f"reimage-conformance explain {row.id}", "sh")
    parts = [f"# {row.id}: {prose(row.title)}", facts, *(_section(each) for each in sections_of(explained))]
    return "\n\n".join([*parts, "The same on the command line:", command, ""])


def _section(section: Section) -> str:
    parts = [f"## {section.heading}", *(prose(paragraph) for paragraph in section.paragraphs)]
    if section.command:
        parts.append(block(section.command, "sh"))
    if section.items:
        parts.append("\n".join(f"* {_item(item)}" for item in section.items))
    parts += [block(exchange) for exchange in section.exchanges]
    return "\n\n".join([*parts, section.rest] if section.rest else parts)


def _item(item: Item) -> str:
    name = code(item.name) if item.code else prose(item.name)
    if item.address:
        name = f"[{name}](<{item.address}>)"
    joint = ": " if item.code else ", "
    return joint.join([name, prose(item.words)] if item.words else [name])


def _index() -> str:
    rows = [
        (f"[{chapter}]({chapter}.md)", prose(CHAPTERS[chapter].partition(": ")[2]), str(len(names)))
        for chapter, names in requirements_by_chapter().items()
    ]
    told = (
        f"The catalogue holds {len(CATALOGUE)} requirements (version {CATALOGUE_VERSION}). Each has a page: what must hold, where it comes from "
        "and how sure that is, what it counts as, what is sent, what a conforming endpoint answers, how others fail, and how to correct that. "
        "`reimage-conformance explain REQ-...` says the same."
    )
    clients = (
        f"[What a recorded client is judged by]({CLIENTS}.md): {len(CLIENT_CATALOGUE)} requirements more, for clients."
    )
    return "\n\n".join(
        ["# Requirements", told, table(("chapter", "about", "requirements"), rows), clients, _levels(), ""]
    )


def _levels() -> str:
    return (
        "FAIL is a violation, which fails the run. WARN is an advisory, which fails none. INFO is recorded and never judged. "
        "CLIENT binds the client, which is the suite itself. Where strict and lenient differ, the first word is strict."
    )


def _chapter(title: str, rows: list[Requirement]) -> str:
    cells = [(f"[{row.id}]({row.id}.md)", prose(row.title), row.level, _counts(row)) for row in rows]
    heads = ("requirement", "title", "level", "counts as")
    return "\n\n".join([f"# {title}", table(heads, cells), _levels(), ""])


def _counts(row: Requirement) -> str:
    strict, lenient = row.strict.value, row.lenient.value
    return strict if strict == lenient else f"{strict} / {lenient}"
