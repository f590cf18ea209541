"""Witnesses: the role instances that requests which ought to be refused are addressed to, by what is wrong with the request."""

from __future__ import annotations

from enum import IntEnum


class Witness(IntEnum):
    """What is wrong with a request; each kind has a role instance of its own, where the main deployment has enough of them."""

    ADDRESS = 0
    QUERY = 1
    VERSION = 2
    MEDIA_TYPE = 3
    LENGTH = 4
    BODY = 5
    METHOD = 6
    CERTIFICATE = 7
    FRAMING = 8
    SIBLING = 9
    """Nothing is wrong: the query selects another operation than a reimage."""
    DRAWN = 10
    """Whatever was drawn."""
