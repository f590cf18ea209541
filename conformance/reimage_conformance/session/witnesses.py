"""Witnesses: the role instances that bad requests are addressed to, chosen by the kind of defect."""

from __future__ import annotations

from enum import IntEnum


class Witness(IntEnum):
    """The kind of defect of a request. Each kind has a role instance of its own if the main deployment has enough instances.

    With two instances, one serves the even kinds and the other the odd ones, so that each gets about half of the
    requests.
    """

    ADDRESS = 0
    QUERY = 1
    VERSION = 2
    FRAMING = 3
    MEDIA_TYPE = 4
    LENGTH = 5
    DRAWN = 6
    """A defect drawn by a property."""
    BODY = 7
    CERTIFICATE = 8
    METHOD = 9
    SIBLING = 10
    """No defect: the query selects another operation, such as a reboot."""
