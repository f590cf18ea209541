"""Witnesses: the role instances that requests which ought to be refused are addressed to, by what is wrong with the request."""

from __future__ import annotations

from enum import IntEnum


class Witness(IntEnum):
    """What is wrong with a request; each kind has a role instance of its own, where the main deployment has enough of them.

    Of two instances, one serves the even kinds and the other one the odd ones, about as many requests each.
    """

    ADDRESS = 0
    QUERY = 1
    VERSION = 2
    FRAMING = 3
    MEDIA_TYPE = 4
    LENGTH = 5
    DRAWN = 6
    """Whatever was drawn."""
    BODY = 7
    CERTIFICATE = 8
    METHOD = 9
    SIBLING = 10
    """Nothing is wrong: the query selects another operation than a reimage."""
