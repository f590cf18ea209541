"""The oracle and the checks, named pure judgements of exchanges; importing this package registers every check.

A look is an exchange of Get Deployment or Get Cloud Service Properties, a poll one of Get Operation Status.
"""

from reimage_conformance.judging import concurrency, deployments, errors, request, response  # noqa: F401  they register checks
from reimage_conformance.judging.clients import following, repeating, requests  # noqa: F401
from reimage_conformance.judging.instances import effects, probes, unlisted  # noqa: F401
from reimage_conformance.judging.operations import documents, polls, progress  # noqa: F401
from reimage_conformance.judging.registry import CHECKS, about, check, graded, judge
from reimage_conformance.judging.transport import answers, framing, messages  # noqa: F401

__all__ = ["CHECKS", "about", "check", "graded", "judge"]
