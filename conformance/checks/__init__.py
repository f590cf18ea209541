"""The checks: named pure judgements of exchanges; importing this package registers every one of them."""

from conformance.checks import deployments, messages, operations, probes, refusals, transport
from conformance.checks.registry import CHECKS, about, check, graded, judge

__all__ = [
    "CHECKS",
    "about",
    "check",
    "deployments",
    "graded",
    "judge",
    "messages",
    "operations",
    "probes",
    "refusals",
    "transport",
]
