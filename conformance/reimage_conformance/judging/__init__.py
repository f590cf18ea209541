"""The checks: named pure judgements of exchanges; importing this package registers every one of them."""

from reimage_conformance.judging import (
    acceptance,
    contention,
    deployments,
    errors,
    framing,
    instances,
    messages,
    operation_documents,
    polls,
    probes,
    progress,
    refusals,
    transport,
)
from reimage_conformance.judging.registry import CHECKS, about, check, graded, judge

__all__ = [
    "CHECKS",
    "about",
    "acceptance",
    "check",
    "contention",
    "deployments",
    "errors",
    "framing",
    "graded",
    "instances",
    "judge",
    "messages",
    "operation_documents",
    "polls",
    "probes",
    "progress",
    "refusals",
    "transport",
]
