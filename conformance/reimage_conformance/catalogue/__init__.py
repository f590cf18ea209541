"""The catalogue as data: requirements of endpoints and of clients, published versions and error codes; reads its own files, judges nothing."""

from __future__ import annotations

import tomllib
from functools import cache
from hashlib import sha256
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reimage_conformance.catalogue.chapters import CHAPTERS
from reimage_conformance.errors import UsageError, did_you_mean
from reimage_conformance.model import CountsAs, Requirement, Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable

__all__ = [
    "ALL_REQUIREMENTS",
    "CATALOGUE",
    "CATALOGUE_VERSION",
    "CLIENT_CATALOGUE",
    "ERROR_CODES",
    "FIRST_VERSION",
    "MINIMUM_VERSION",
    "OBSERVED_CODES",
    "PUBLISHED",
    "SOURCES",
    "TABLE_VERSIONS",
    "catalogue_hash",
    "published_before",
    "published_from",
    "requirement",
    "requirements_by_chapter",
]

FIRST_VERSION = "2009-10-01"
"""The oldest version of all, enough for Get Operation Status and Get Deployment (REQ-GOS-VERSION-MIN)."""

MINIMUM_VERSION = "2010-10-28"
"""The oldest version that a reimage may carry (REQ-REIMAGE-VERSION)."""

_FILES = resources.files(__name__)
_CLIENT_FILE = "client_requirements.toml"
_TABLES = ("error_codes.toml", "published_versions.toml", "documents.toml", _CLIENT_FILE)


def _load(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _requirement(section: str, row: Mapping[str, Any]) -> Requirement:
    lists = {key: tuple(row.get(key, ())) for key in ("sources", "requires", "explained_by")}
    levels = {key: CountsAs(row[key]) for key in ("strict", "lenient")}
    by_symptom = {symptom: tuple(causes) for symptom, causes in row.get("explained_when", {}).items()}
    return Requirement(**{**row, **lists, **levels, "section": section, "explained_when": by_symptom})


def _chapter_files() -> dict[str, Traversable]:
    files = {chapter: _FILES / "requirements" / f"{chapter}.toml" for chapter in CHAPTERS}
    return {chapter: file for chapter, file in files.items() if file.is_file()}


def _catalogue(files: Iterable[Traversable]) -> Mapping[str, Requirement]:
    documents = [_load(file) for file in files]
    rows = (_requirement(document["section"], row) for document in documents for row in document["requirement"])
    return MappingProxyType({row.id: row for row in rows})


@cache
def requirements_by_chapter() -> Mapping[str, tuple[str, ...]]:
    """The ids of the requirements of each chapter that has some."""
    rows = {chapter: _load(file)["requirement"] for chapter, file in _chapter_files().items()}
    return MappingProxyType({chapter: tuple(row["id"] for row in found) for chapter, found in rows.items()})


@cache
def catalogue_hash() -> str:
    """The SHA-256 of everything that the catalogue says, in hexadecimal: requirements, published versions, error codes and documents."""
    files = [*_chapter_files().values(), *(_FILES / name for name in _TABLES)]
    contents = b"\0".join(file.read_bytes().replace(b"\r\n", b"\n") for file in files)
    return sha256(contents).hexdigest()


def _codes(*, table: bool) -> Mapping[str, int]:
    """The status of each error code that the documented table lists, or, with `table` false, of each other code."""
    rows = _load(_FILES / "error_codes.toml")["error"]
    return MappingProxyType({row["code"]: row["status"] for row in rows if row["table"] is table and "status" in row})


CATALOGUE: Mapping[str, Requirement] = _catalogue(_chapter_files().values())
"""Every requirement of endpoints by its id, in the order of the chapters."""

CLIENT_CATALOGUE: Mapping[str, Requirement] = _catalogue([_FILES / _CLIENT_FILE])
"""Every requirement that a recorded client is judged by, by its id."""

ALL_REQUIREMENTS: Mapping[str, Requirement] = MappingProxyType({**CATALOGUE, **CLIENT_CATALOGUE})
"""Every requirement of either catalogue, by its id."""

SOURCES: Mapping[str, Source] = MappingProxyType(
    {row["key"]: Source(**row) for row in _load(_FILES / "documents.toml")["document"]}
)
"""What the keys in `sources` of a requirement stand for."""

CATALOGUE_VERSION = "1"
"""Increased when a requirement is added or removed, or counts as something else; `catalogue_hash` changes with every word."""

_VERSIONS = _load(_FILES / "published_versions.toml")["version"]
_ALL_PUBLISHED = tuple(row["date"] for row in _VERSIONS if row["published"])

TABLE_VERSIONS: tuple[str, ...] = tuple(row["date"] for row in _VERSIONS if row["evidence"] == "table")
"""The versions that the published table lists, oldest first; others are only mentioned in documents."""

PUBLISHED: tuple[str, ...] = tuple(date for date in _ALL_PUBLISHED if date >= MINIMUM_VERSION)
"""The published versions that a reimage may carry, oldest first."""

ERROR_CODES: Mapping[str, int] = _codes(table=True)
"""The status of every code of the documented error table."""

OBSERVED_CODES: Mapping[str, int] = _codes(table=False)
"""The status of codes that recorded answers show and the documented table does not list."""


def requirement(name: str, among: Mapping[str, Requirement] = CATALOGUE) -> Requirement:
    """The requirement called `name`; raises UsageError, with the nearest id, where there is none `among` these."""
    found = among.get(name)
    if found is not None:
        return found
    hint = did_you_mean(name.upper(), among, otherwise="`reimage-conformance requirements` lists them all")
    raise UsageError(f"unknown requirement {name!r}{hint}")


@cache
def published_from(date: str) -> tuple[str, ...]:
    """The published versions at or after `date` (YYYY-MM-DD), oldest first, those below MINIMUM_VERSION too."""
    return tuple(version for version in _ALL_PUBLISHED if version >= date)


@cache
def published_before(date: str) -> tuple[str, ...]:
    """The published versions before `date` (YYYY-MM-DD), oldest first, those below MINIMUM_VERSION too."""
    return tuple(version for version in _ALL_PUBLISHED if version < date)
